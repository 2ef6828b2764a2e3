//! What a backup tells while it runs, and what it sums up at its end. Plain data: who shows it, and how, is
//! the command line's matter. Reporters must not block for long: events come from the threads that work.

use std::path::PathBuf;

use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};

/// Takes events, from any thread.
pub trait Progress: Send + Sync {
    /// Takes one. May be called as often as is convenient: the receiver thins out.
    fn event(&self, event: Event<'_>);
}

/// Something that happened in a backup.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
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
    /// What is done with the whole archive.
    Phase {
        /// Which phase.
        name: Phase,
        /// Steps done.
        done: u64,
        /// Steps in all.
        total: u64,
    },
    /// A message for the person who waits.
    Log {
        /// How grave it is.
        level: Level,
        /// The message.
        message: &'a str,
    },
}

/// Phases of the whole archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Parts are compressed.
    Packing,
    /// The archive is read again.
    Verifying,
    /// It gets its final name.
    Publishing,
}

impl Phase {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Packing => "packing",
            Self::Verifying => "verifying",
            Self::Publishing => "publishing",
        }
    }
}

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// How the export of a module ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleState {
    /// Everything that was asked for is there.
    Done,
    /// Something could not be read, and is named.
    Incomplete,
    /// The desk does not let it be read; nothing of it is there.
    Skipped,
    /// It broke off.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl ModuleState {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Incomplete => "incomplete",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
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
    /// When the backup started.
    pub started: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// What each module gave.
    pub modules: Vec<ModuleSummary>,
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
    /// Tries beyond the first of each request.
    pub retries: u64,
    /// From its start to its end.
    pub seconds: f64,
    /// Its tables.
    pub tables: Vec<TableSummary>,
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
}
