//! Entries for other programs: CSV (RFC 4180, UTF-8) and JSON, one object a line.
//!
//! A table program takes a CSV's cell that begins with `=`, `+`, `-` or `@` for a formula. Only names come from outside at the
//! begin of a cell here (`desk`, `user`; descriptions begin with words of ours): such a one gets a `'` before it, as
//! table programs do it themselves. JSON has everything as it is.

use std::io::Write;

use chrono_tz::Tz;
use serde::Serialize;

use super::{Entry, Language, moment};

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

/// Writes entries as CSV. `time` is RFC 3339 in UTC, `details` what happened as JSON.
pub struct Csv<W: Write> {
    out: csv::Writer<W>,
    language: Language,
    zone: Tz,
}

impl<W: Write> Csv<W> {
    /// Begins with the names of the columns. Descriptions are in this language, their moments in this zone.
    pub fn new(out: W, language: Language, zone: Tz) -> Result<Self, csv::Error> {
        let mut out = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        out.write_record(COLUMNS)?;
        Ok(Self { out, language, zone })
    }

    /// Writes an entry.
    pub fn write(&mut self, entry: &Entry) -> Result<(), csv::Error> {
        let details = serde_json::to_string(&entry.what).map_err(std::io::Error::from)?;
        self.out.write_record([
            entry.number.to_string().as_str(),
            &entry.at.to_string(),
            &harmless(entry.desk.as_deref().unwrap_or_default()),
            &harmless(&entry.user),
            &harmless(&entry.via),
            entry.what.kind(),
            &entry.what.describe(self.language, self.zone),
            &details,
            &entry.previous,
            &entry.hash,
        ])
    }

    /// Writes what is held back.
    pub fn finish(mut self) -> Result<(), csv::Error> {
        Ok(self.out.flush()?)
    }
}

/// An entry as JSON, with its description; without the end of the line.
pub fn json_line(entry: &Entry, language: Language, zone: Tz) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        number: u64,
        at: plugin_api::Timestamp,
        local: String,
        desk: Option<&'a str>,
        user: &'a str,
        via: &'a str,
        description: String,
        what: &'a super::Happening,
        previous: &'a str,
        hash: &'a str,
    }
    serde_json::to_string(&Line {
        number: entry.number,
        at: entry.at,
        local: moment(entry.at, language, zone),
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
