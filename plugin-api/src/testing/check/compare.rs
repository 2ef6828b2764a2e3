//! Rows of one run held against those of another. Pure.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;

use crate::testing::mutate::{UNKNOWN_KEY, without_key};
use crate::testing::run::{Field, Run};

/// Rows of tables, in order; each as one text that differs where the rows do.
pub(super) type AllRows = BTreeMap<String, Vec<String>>;

pub(super) fn rows_of(run: &Run) -> AllRows {
    texts(run, |_| usize::MAX, |field| format!("{field:?}"))
}

/// The rows up to a checkpoint that knew each table's number of rows.
pub(super) fn rows_until(run: &Run, counts: &[usize]) -> AllRows {
    texts(
        run,
        |at| counts.get(at).copied().unwrap_or(0),
        |field| format!("{field:?}"),
    )
}

/// The rows without the key that was added to every record.
pub(super) fn rows_without_unknown(run: &Run) -> AllRows {
    texts(
        run,
        |_| usize::MAX,
        |field| match field {
            Field::Json(text) => {
                let mut value: Json = serde_json::from_str(text).unwrap_or_default();
                without_key(&mut value, UNKNOWN_KEY);
                // What is left of a column for the rest may be nothing.
                let nothing = value.as_object().is_some_and(serde_json::Map::is_empty);
                if nothing {
                    "Null".into()
                } else {
                    format!("Json({value})")
                }
            }
            other => format!("{other:?}"),
        },
    )
}

fn texts(run: &Run, most: impl Fn(usize) -> usize, text: impl Fn(&Field) -> String) -> AllRows {
    let tables = run.tables.iter().enumerate().map(|(at, rows)| {
        let rows_text = rows.rows.iter().take(most(at)).map(|row| {
            let fields: Vec<_> = row.iter().map(&text).collect();
            fields.join(", ")
        });
        (rows.table.name.clone(), rows_text.collect())
    });
    tables.collect()
}

/// Two sets of rows, one after the other.
pub(super) fn joined(mut first: AllRows, second: AllRows) -> AllRows {
    for (table, rows) in second {
        first.entry(table).or_default().extend(rows);
    }
    first
}

/// What is different, whatever the order: `None` if nothing is.
pub(super) fn difference(expected: &AllRows, actual: &AllRows) -> Option<String> {
    let empty = Vec::new();
    let mut tables: Vec<&String> = expected.keys().chain(actual.keys()).collect();
    tables.sort();
    tables.dedup();
    let mut said = Vec::new();
    for table in tables {
        let (expected, actual) = (
            expected.get(table).unwrap_or(&empty),
            actual.get(table).unwrap_or(&empty),
        );
        for (what, rows) in [
            ("missing", left_over(expected, actual)),
            ("too many", left_over(actual, expected)),
        ] {
            if let Some(first) = rows.first() {
                let first: String = first.chars().take(160).collect();
                said.push(format!("{table}: {} rows {what}, the first is [{first}]", rows.len()));
            }
        }
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// Rows of `from` that are not in `other`, each as often as it is there too often.
fn left_over<'r>(from: &'r [String], other: &[String]) -> Vec<&'r String> {
    let mut counts: HashMap<&String, usize> = HashMap::new();
    for row in other {
        *counts.entry(row).or_default() += 1;
    }
    let surplus = from.iter().filter(|row| match counts.get_mut(row) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    surplus.collect()
}

/// The first row that is in another place: `None` if all are in order.
pub(super) fn disorder(expected: &AllRows, actual: &AllRows) -> Option<String> {
    for (table, rows) in expected {
        let other = actual.get(table)?;
        if let Some(at) = rows.iter().zip(other).position(|(one, two)| one != two) {
            let short = |row: &String| row.chars().take(120).collect::<String>();
            let (one, two) = (short(&rows[at]), short(&other[at]));
            return Some(format!("{table}: row {} is [{one}] once and [{two}] then", at + 1));
        }
    }
    None
}

/// Two rows with one key, or a row without.
pub(super) fn bad_key(run: &Run) -> Option<String> {
    for rows in run.tables.iter().filter(|rows| !rows.table.key.is_empty()) {
        let positions: Vec<_> = rows
            .table
            .key
            .iter()
            .filter_map(|name| rows.table.position(name))
            .collect();
        let mut known: HashMap<Vec<String>, usize> = HashMap::new();
        for (at, row) in rows.rows.iter().enumerate() {
            let key: Vec<_> = positions.iter().map(|position| row[*position].to_string()).collect();
            let name = &rows.table.name;
            if key.iter().all(String::is_empty) {
                return Some(format!("row {} of table {name} has no key", at + 1));
            }
            if let Some(before) = known.insert(key.clone(), at) {
                let (before, at) = (before + 1, at + 1);
                return Some(format!(
                    "rows {before} and {at} of table {name} share the key {}",
                    key.join(", ")
                ));
            }
        }
    }
    None
}
