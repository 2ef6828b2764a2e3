//! What a comparison found.

use std::collections::BTreeMap;
use std::fmt;

/// As many differences are kept and shown; the others are counted.
const MOST: usize = 20;
/// As many lost records are named.
const MOST_LOST: usize = 10_000;
/// As much of a value is shown.
const SHOWN: usize = 120;

/// A place where archive and truth differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The record's key; empty where the whole table is meant.
    pub key: String,
    /// The column, or the path of the value; empty where the whole record is meant.
    pub column: String,
    /// What the truth says.
    pub expected: String,
    /// What the archive says.
    pub found: String,
}

/// What was compared in a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableReport {
    /// Rows in the archive.
    pub rows: u64,
    /// Records in the truth.
    pub records: u64,
    /// Records that were deleted while they were read, and are not in the archive.
    pub deleted: u64,
    /// Cells that were held against a record.
    pub cells: u64,
    /// Rows in which something differs.
    pub differ: u64,
    /// Rows of records that were edited while they were read.
    pub edited: u64,
}

/// What a comparison found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The first differences.
    pub differences: Vec<Difference>,
    /// How many there are in all.
    pub count: u64,
    /// What was compared, by table.
    pub tables: BTreeMap<String, TableReport>,
    /// The first records without a row: table and key.
    pub lost: Vec<(String, String)>,
    /// Records with more than one row.
    pub repeated: u64,
}

impl Report {
    /// Whether archive and truth are the same.
    pub fn is_same(&self) -> bool {
        self.count == 0
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    /// Records of all tables that were deleted while they were read, and are not in the archive.
    pub fn deleted(&self) -> u64 {
        self.tables.values().map(|table| table.deleted).sum()
    }

    /// Rows of all tables whose records were edited while they were read.
    pub fn edited(&self) -> u64 {
        self.tables.values().map(|table| table.edited).sum()
    }

    /// Cells of all tables.
    pub fn cells(&self) -> u64 {
        self.tables.values().map(|table| table.cells).sum()
    }

    /// A record that has no row.
    pub(super) fn lost(&mut self, difference: Difference) {
        if self.lost.len() < MOST_LOST {
            self.lost.push((difference.table.clone(), difference.key.clone()));
        }
        self.add(difference);
    }

    pub(super) fn add(&mut self, difference: Difference) {
        self.count += 1;
        // Rows are counted one by one: the second is the first too many.
        self.repeated += u64::from(difference.expected == "one row" && difference.found == "2");
        if self.differences.len() < MOST {
            self.differences.push(difference);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} differences in {} rows", self.count, self.rows())?;
        for difference in &self.differences {
            writeln!(f, "  {difference}")?;
        }
        let left = self.count - self.differences.len() as u64;
        if left > 0 {
            writeln!(f, "  and {left} more")?;
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            key,
            column,
            expected,
            found,
        } = self;
        write!(f, "{table} {key} {column}: ")?;
        // Where two long values differ late, their common beginning says nothing.
        let same = expected
            .bytes()
            .zip(found.bytes())
            .take_while(|(one, other)| one == other);
        let from = match same.count() {
            few if few < SHOWN / 2 => 0,
            many => many - SHOWN / 4,
        };
        write!(f, "expected {}, found {}", shown(expected, from), shown(found, from))
    }
}

/// A piece of a value from about byte `from` on.
fn shown(value: &str, from: usize) -> String {
    let from = (0..=from.min(value.len()))
        .rev()
        .find(|at| value.is_char_boundary(*at))
        .unwrap_or(0);
    let rest = &value[from..];
    let piece: String = rest.chars().take(SHOWN).collect();
    let (before, behind) = (
        if from > 0 {
            format!("[{from} bytes]...")
        } else {
            String::new()
        },
        rest.len() - piece.len(),
    );
    let behind = if behind > 0 {
        format!("...[{behind} bytes]")
    } else {
        String::new()
    };
    format!("{before}{piece:?}{behind}")
}

#[cfg(test)]
mod tests {
    use super::{Difference, Report};

    fn difference(expected: &str, found: &str) -> Difference {
        Difference {
            table: "Cases".into(),
            key: "7".into(),
            column: "subject".into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    #[test]
    fn a_late_difference_is_shown_where_it_is() {
        let long = "日本語".repeat(1000);
        let shown = difference(&format!("{long}a"), &format!("{long}b")).to_string();
        assert!(
            shown.contains("a\"") && shown.contains("b\"") && shown.len() < 400,
            "{shown}"
        );
        let shown = difference("", "x").to_string();
        assert_eq!(shown, "Cases 7 subject: expected \"\", found \"x\"");
    }

    #[test]
    fn many_differences_are_counted() {
        let mut report = Report::default();
        for _ in 0..1000 {
            report.add(difference("a", "b"));
        }
        assert_eq!((report.differences.len(), report.count), (20, 1000));
        assert!(report.to_string().contains("and 980 more"));
    }
}
