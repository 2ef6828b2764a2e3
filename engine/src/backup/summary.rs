//! What a backup came to.

use std::path::PathBuf;

use plugin_api::{Kind, Range, Timestamp};
use serde::Serialize;

use crate::archive::{ModuleState, State};

/// What a published backup came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The desk.
    pub desk: String,
    /// Which records were asked for.
    pub kind: Kind,
    /// The range, for a kind that has one.
    pub range: Option<Range>,
    /// When it started.
    pub started: Timestamp,
    /// Whether everything that was asked for is in the archive.
    pub state: State,
    /// Why it is incomplete.
    pub reasons: Vec<String>,
    /// What a person may want to know besides, e.g. rows whose parent is not there.
    pub notes: Vec<String>,
    /// The archive.
    pub archive: PathBuf,
    /// Its length in bytes.
    pub archive_bytes: u64,
    /// Seconds from the start to the published archive.
    pub seconds: f64,
    /// What became of each module.
    pub modules: Vec<ModuleSummary>,
}

/// What a module came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModuleSummary {
    /// The module.
    pub module: String,
    /// What became of it.
    pub state: ModuleState,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// Requests made, each try counted.
    pub requests: u64,
    /// Tries that were repeated.
    pub retries: u64,
    /// Seconds that its export took.
    pub seconds: f64,
    /// Its tables.
    pub tables: Vec<TableSummary>,
}

/// What a table came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableSummary {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes as CSV.
    pub bytes: u64,
    /// Its bytes in the archive.
    pub packed_bytes: u64,
    /// What the desk says of the number of its records, where it does.
    pub desk_count: Option<u64>,
}

impl Summary {
    /// Rows in all tables.
    pub fn rows(&self) -> u64 {
        self.modules
            .iter()
            .flat_map(|module| &module.tables)
            .map(|table| table.rows)
            .sum()
    }

    /// Bytes of CSV in all tables.
    pub fn bytes(&self) -> u64 {
        self.modules
            .iter()
            .flat_map(|module| &module.tables)
            .map(|table| table.bytes)
            .sum()
    }
}
