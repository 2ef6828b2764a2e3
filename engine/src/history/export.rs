//! Entries for other programs: CSV (RFC 4180, UTF-8) and JSON, one object a line.
//!
//! A table program takes a CSV's cell that begins with `=`, `+`, `-` or `@` for a formula. Only names come from outside at the
//! begin of a cell here (`desk`, `user`; descriptions begin with words of ours): such a one gets a `'` before it, as
//! table programs do it themselves. JSON has everything as it is.

use chrono_tz::Tz;
use serde::Serialize;

use super::{Entry, Happening, Language};

const COLUMNS: [&str; 10] = [
    "number",
    "time",
    "desk",
    "user",
    "via",
    "kind",
    "description",
    "details",
    "previous",
    "hash",
];

/// The first line of a CSV: the names of the columns. `time` is RFC 3339 in UTC, `details` what happened as JSON.
pub fn csv_head() -> Result<String, csv::Error> {
    line(COLUMNS)
}

/// An entry as a line of a CSV. The description is in this language, its moments in this zone.
pub fn csv_line(entry: &Entry, language: Language, zone: Tz) -> Result<String, csv::Error> {
    let details = serde_json::to_string(&entry.what).map_err(std::io::Error::from)?;
    line([
        entry.number.to_string().as_str(),
        &entry.at.to_string(),
        &harmless(entry.desk.as_deref().unwrap_or_default()),
        &harmless(&entry.user),
        &harmless(&entry.via),
        entry.what.kind(),
        &entry.what.describe(language, zone),
        &details,
        &entry.previous,
        &entry.hash,
    ])
}

fn line(cells: [&str; COLUMNS.len()]) -> Result<String, csv::Error> {
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    out.write_record(cells)?;
    let bytes = out
        .into_inner()
        .map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(String::from_utf8(bytes).map_err(std::io::Error::other)?)
}

/// An entry as JSON, with its description; without the end of the line.
pub fn json_line(entry: &Entry, language: Language, zone: Tz) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        number: u64,
        at: plugin_api::Timestamp,
        desk: Option<&'a str>,
        user: &'a str,
        via: &'a str,
        description: String,
        what: &'a Happening,
        previous: &'a str,
        hash: &'a str,
    }
    serde_json::to_string(&Line {
        number: entry.number,
        at: entry.at,
        desk: entry.desk.as_deref(),
        user: &entry.user,
        via: &entry.via,
        description: entry.what.describe(language, zone),
        what: &entry.what,
        previous: &entry.previous,
        hash: &entry.hash,
    })
}

/// A cell that no table program takes for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
