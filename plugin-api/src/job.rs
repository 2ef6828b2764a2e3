//! What the engine asks of an exporter: which module, which records, and where to go on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;

/// Which records a backup takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything.
    Full,
    /// Records created or changed in a range of time.
    Custom,
    /// Records created or changed since the last backup.
    Incremental,
}

/// A range of time, from its first moment up to, but not including, its end. Neighbouring ranges therefore
/// have no moment in common and leave none out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first moment that belongs to it.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Range {
    /// Whether `moment` is inside.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.from <= moment && moment < self.to
    }
}

/// One export of one module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The module to export, as the exporter described it.
    pub module: String,
    /// Which records.
    pub kind: Kind,
    /// The range for [`Kind::Custom`] and [`Kind::Incremental`]; none for [`Kind::Full`].
    #[serde(default)]
    pub range: Option<Range>,
    /// When the backup started: the fixed upper end of what it reads. The same for all modules of a backup
    /// and unchanged when it is resumed.
    pub started: Timestamp,
    /// How many requests may be submitted and not yet taken at one time.
    #[serde(default = "default_window")]
    pub window: u32,
    /// The cursor of the last checkpoint, when an earlier run is gone on with: rows written before that
    /// checkpoint are safe and must not be written again.
    #[serde(default)]
    pub resume: Option<Value>,
    /// The most detailed events that the host wants to hear of: `error`, `warn`, `info`, `debug` or `trace`.
    #[serde(default)]
    pub log_level: Option<String>,
}

fn default_window() -> u32 {
    16
}

impl Job {
    /// Whether a record changed at `moment` is asked for.
    pub fn wants(&self, moment: Timestamp) -> bool {
        self.range.is_none_or(|range| range.contains(moment))
    }
}

/// What an exporter says of itself, without a desk at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The module it exports, unique among the plugins of an installation: lower-case letters, digits and
    /// hyphens, e.g. `tickets` or `request-tracker`.
    pub module: String,
    /// What a person calls it, e.g. `Request Tracker 5`.
    pub label: String,
    /// The kind of connection it speaks over: `http`, or `zoho`.
    pub connection: String,
    /// The names of the tables that it writes.
    pub tables: Vec<String>,
}
