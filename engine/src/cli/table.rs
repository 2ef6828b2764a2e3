//! Columns of text, aligned by what a terminal shows: a Japanese letter takes two places.

use unicode_width::UnicodeWidthStr as _;

/// Rows of the same number of cells, as lines: the first `left` columns flush left, the others flush right.
pub(crate) fn table(rows: &[Vec<String>], left: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.width())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column].saturating_sub(cell.width()));
            if column > 0 {
                line.push_str("  ");
            }
            let (before, after) = if column < left {
                ("", pad.as_str())
            } else {
                (pad.as_str(), "")
            };
            line.extend([before, cell.as_str(), after]);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// How many columns of a terminal a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A text flush left in so many columns of a terminal.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    #[test]
    fn aligns_by_what_is_shown() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["name", "rows", ""]),
            row(["問い合わせ", "1", "x"]),
            row(["🎫", "10,000", "yy"]),
        ];
        assert_eq!(
            super::table(&rows, 1),
            "name          rows\n\
             問い合わせ       1   x\n\
             🎫          10,000  yy\n"
        );
        assert_eq!(super::table(&[], 1), "");
    }
}
