//! What a backup tells while it runs, and what it sums up at its end. Plain data: who shows it, and how, is
//! the command line's matter. Reporters must not block for long: events come from the threads that work.

use std::path::PathBuf;

use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};

use crate::archive::{ModuleState, State};
use crate::connection::Credits;
use crate::forecast::Forecast;

/// Takes events, from any thread.
pub trait Progress: Send + Sync {
    /// Takes one. May be called as often as is convenient: the receiver thins out.
    fn event(&self, event: Event<'_>);
}

/// Something that happened in a backup.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// Nothing is begun yet: another backup of the desk is waited for.
    Waiting {
        /// That backup.
        running: &'a str,
    },
    /// A module's export begins.
    ModuleStarted {
        /// The module.
        module: &'a str,
    },
    /// How far a module is; all figures since its start.
    Module {
        /// The module.
        module: &'a str,
        /// Rows written, over all its tables.
        rows: u64,
        /// Rows expected, where the desk said so.
        expected: Option<u64>,
        /// Bytes of CSV written.
        bytes: u64,
        /// Requests made.
        requests: u64,
        /// Requests in flight now.
        in_flight: u32,
        /// Tries beyond the first of each request.
        retries: u64,
        /// What is being done, e.g. the table being read.
        note: Option<&'a str>,
    },
    /// A module's export is over.
    ModuleEnded {
        /// The module.
        module: &'a str,
        /// How it ended.
        state: ModuleState,
        /// Why, where it did not end well.
        reason: Option<&'a str>,
    },
    /// Nothing is asked before the desk's credits return: those of today, but for what is kept for other programs, are spent.
    Paused {
        /// When they should return.
        until: Timestamp,
        /// What is left of today's.
        left: u64,
        /// What is kept for other programs.
        reserve: u64,
    },
    /// What is still to come.
    Forecast {
        /// That.
        forecast: &'a Forecast,
    },
    /// What is done with the whole archive.
    Phase {
        /// Which phase.
        name: Phase,
        /// Bytes done; rows where it is drilled.
        done: u64,
        /// Bytes, or rows, in all; 0 where that is not known.
        total: u64,
    },
}

impl Event<'_> {
    /// So many bytes of the archive have been read again.
    pub fn verifying(done: u64, total: u64) -> Self {
        Self::Phase {
            name: Phase::Verifying,
            done,
            total,
        }
    }

    /// So many rows of the archive were asked of the desk again.
    pub fn drilling(done: u64, total: u64) -> Self {
        Self::Phase {
            name: Phase::Drilling,
            done,
            total,
        }
    }
}

/// Phases of the whole archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The packed parts are joined into one file.
    Joining,
    /// That file is read again, every byte of it.
    Verifying,
    /// Some of its rows are asked of the desk again.
    Drilling,
    /// A finished archive is written to where it is wanted.
    Downloading,
}

impl Phase {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Verifying => "verifying",
            Self::Drilling => "drilling",
            Self::Downloading => "downloading",
        }
    }
}

/// A backup whose archive is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The desk's name.
    pub desk: String,
    /// Full, custom or incremental.
    pub kind: Kind,
    /// The range of time, but for a full backup.
    pub range: Option<Range>,
    /// Whether everything that was asked for is in the archive. If not, the modules say what is not.
    pub complete: bool,
    /// The archive.
    pub archive: PathBuf,
    /// Its size in bytes.
    pub archive_bytes: u64,
    /// SHA-256 of the archive in hexadecimal.
    #[serde(default)]
    pub sha256: String,
    /// When the backup started.
    pub started: Timestamp,
    /// The upper end of what it was asked to read: the next incremental backup begins there. Earlier than the start where the
    /// desk finds records only after a while.
    pub until: Timestamp,
    /// The tables that the limit of records stopped, and behind which row; first those that had one more. Empty: it was not
    /// reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limit_reached: Vec<(String, u64)>,
    /// How long it took.
    pub seconds: f64,
    /// What each module gave.
    pub modules: Vec<ModuleSummary>,
    /// Why it is not complete, a line each.
    pub reasons: Vec<String>,
    /// What is worth knowing besides, e.g. rows whose parent is not there.
    pub notes: Vec<String>,
    /// What the calls have cost, where the desk charges and says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
}

impl Summary {
    /// What the archive says of itself.
    pub fn state(&self) -> State {
        match (self.complete, self.limit_reached.is_empty()) {
            (true, _) => State::Complete,
            (false, true) => State::Incomplete,
            (false, false) => State::LimitReached,
        }
    }

    /// Rows in all tables.
    pub fn rows(&self) -> u64 {
        let tables = self.modules.iter().flat_map(|module| &module.tables);
        tables.map(|table| table.rows).sum()
    }
}

/// What one module gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleSummary {
    /// The module.
    pub module: String,
    /// How it ended.
    pub state: ModuleState,
    /// Why, where it did not end well.
    pub reason: Option<String>,
    /// Requests made.
    pub requests: u64,
    /// The least number of requests with which the desk's rules allow what was exported, where the exporter says it and
    /// came to its end.
    #[serde(default)]
    pub least_requests: Option<u64>,
    /// Tries beyond the first of each request.
    pub retries: u64,
    /// From its start to its end.
    pub seconds: f64,
    /// Its tables.
    pub tables: Vec<TableSummary>,
}

impl ModuleSummary {
    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.rows == 0)
    }
}

/// What one table holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSummary {
    /// The table.
    pub table: String,
    /// Rows written.
    pub rows: u64,
    /// Bytes of CSV written, before packing.
    pub bytes: u64,
    /// Rows that the desk itself counts, where it does.
    pub expected: Option<u64>,
    /// What it counted when it was asked again at the end, because records came or went meanwhile.
    #[serde(default)]
    pub expected_after: Option<u64>,
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event<'_>) {}
}
