//! Holds an archive of a Zoho Desk against the truth: every cell of every table.
//!
//! [`compare`] reads the archive with other people's readers of ZIP and CSV, and the truth as JSON lines, one record
//! each:
//!
//! ```json
//! {"table": "Threads", "id": "7", "parent": "3", "shapes": {"detail": {}, "conversation": {}}, "before": [], "deleted": true}
//! ```
//!
//! `shapes` is what the API says of the record in each projection, `before` holds earlier `shapes` of a record that was
//! edited while it was read, and `deleted` stands where it was deleted meanwhile. What the archive must make of it is
//! written in `tables`, after the sheets of the API and of the archive's format. Nothing here comes from the exporters
//! or the engine: what both got wrong alike would not be seen.
//!
//! What is asked, table by table:
//! - the header rows are those of the format, then custom fields, further API fields, `Other Fields`;
//! - each record has exactly one row, each row a record;
//! - every key of a record is in its column, or in `Other Fields`;
//! - every cell, and every key of `Other Fields`, comes from the record.
//!
//! Start with `archive`, which goes through the files, and `row`, which holds one row against one record. The truth is
//! never held: it is looked up in its file, so that a desk of any size can be compared.

mod archive;
mod columns;
mod json;
mod report;
mod row;
mod tables;
#[cfg(test)]
mod tests;
mod truth;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

pub use json::Json;
pub use report::{Difference, Report, TableReport};
pub use truth::{Line, Shape};

/// What the archive is to hold.
pub struct Expect<'a> {
    /// The tables that must be there, and no others.
    pub tables: &'a [&'a str],
    /// What the connection was allowed, which decides where a row comes from.
    pub source: Source,
    /// Custom fields, by table: API name and label.
    pub fields: &'a BTreeMap<String, Vec<(String, String)>>,
    /// Which records of the truth are asked for.
    pub wanted: &'a dyn Fn(&Line) -> bool,
}

/// Where rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Whether searches are allowed. Where not, rows are those of lists, with the record's own page.
    pub search: bool,
    /// Whether a search returns archived tickets. Where not, their rows are those of a list.
    pub search_has_archived: bool,
    /// Whether a ticket's list of attachments has those of its threads too.
    pub attachments_repeat: bool,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            search: true,
            search_has_archived: false,
            attachments_repeat: false,
        }
    }
}

/// Compares an archive with the truth.
///
/// # Errors
/// Where one of them can't be read, or the truth is not what it should be.
pub fn compare(archive: &Path, truth: &Path, expect: &Expect<'_>) -> io::Result<Report> {
    let mut report = Report::default();
    let mut truth = truth::Truth::open(truth, expect)?;
    archive::compare(archive, &mut truth, expect, &mut report)?;
    Ok(report)
}

/// Reads every record of a truth.
///
/// # Errors
/// Where it can't be read, or is not what it should be.
pub fn read_truth(truth: &Path, each: &mut dyn FnMut(Line)) -> io::Result<()> {
    truth::read(truth, each)
}
