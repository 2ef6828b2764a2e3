//! Compares a row with what the desk gives. Pure.

use plugin_api::{Source, Timestamp};

use super::ask::{Answers, Table};
use super::pick::Row;
use super::{Difference, Verdict};

/// The column that says when a record was changed last.
const MODIFIED: &str = "modifiedTime";
/// Characters of a cell that are shown.
const SHOWN: usize = 120;

/// What becomes of a row. What was changed on the desk from `until` on need not be as the archive has it.
pub(super) fn judge(row: &Row<'_>, answers: &Answers, until: Timestamp) -> Verdict {
    let table = &row.candidate.table;
    let wanted = row.wanted();
    let key = row.key();
    let Some(given) = answers.table(&table.name) else {
        return unread("the exporter has no such table now");
    };
    let Some(cells) = given.row(&key) else {
        let own = answers.unread(&wanted).or_else(|| answers.unread_of(&table.name, &key));
        return match own {
            Some(reason) => unread(reason),
            // It, or what it belonged to.
            None => Verdict::Gone,
        };
    };
    let differences = differences(row, given, cells);
    if differences.is_empty() {
        return Verdict::Same;
    }
    let own = given.position(MODIFIED).and_then(|at| time(cells.get(at)?));
    let archived = table
        .columns
        .iter()
        .position(|column| column.name == MODIFIED)
        .and_then(|at| time(row.cells.get(at)?));
    let of_parent = || {
        let parent = answers.table(&wanted.table)?;
        let cells = parent.row(&wanted.key)?;
        time(cells.get(parent.position(MODIFIED)?)?)
    };
    match (own, of_parent()) {
        // As changed as it was then: with the same time the archive has what was read behind its start.
        (Some(now), _) if now >= until && archived != Some(now) => Verdict::Changed,
        (None, Some(parent)) if parent >= until => Verdict::Changed,
        (None, None) => Verdict::Undecided { cells: differences },
        _ => Verdict::Differs { cells: differences },
    }
}

fn unread(reason: &str) -> Verdict {
    Verdict::Unread {
        reason: reason.to_owned(),
    }
}

/// The cells of columns that both have. Where custom fields came or went, so did what the last column has.
fn differences(row: &Row<'_>, given: &Table, cells: &[String]) -> Vec<Difference> {
    let columns = &row.candidate.table.columns;
    let is_same_shape = columns.len() == given.columns.len()
        && columns
            .iter()
            .zip(&given.columns)
            .all(|(one, two)| one.name == two.name);
    let pairs = columns.iter().zip(&row.cells).filter_map(|(column, archived)| {
        let at = given.position(&column.name)?;
        let is_rest = given.columns.get(at)?.source == Source::Rest;
        let now = cells.get(at)?;
        let differs = archived != now && (is_same_shape || !is_rest);
        differs.then(|| Difference {
            column: column.name.clone(),
            archive: short(archived),
            desk: short(now),
        })
    });
    pairs.collect()
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A time as the archive writes it.
fn time(cell: &str) -> Option<Timestamp> {
    let text = format!("{}Z", cell.replacen(' ', "T", 1));
    Timestamp::parse(&text)
}
