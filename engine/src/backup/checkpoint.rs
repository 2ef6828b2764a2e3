//! Checkpoints: how far each module of a backup is, so that another process can go on behind it.
//!
//! The order that survives an end at any moment: first what a checkpoint tells of is brought to the disk in the spool folder,
//! then the checkpoint goes to a [`Keeper`], which makes it durable. What is in the spool folder beyond the last checkpoint that
//! was kept is cut off when the backup is gone on with.

use std::collections::{BTreeMap, BTreeSet};

use plugin_api::{ErrorKind, ExportError};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::begun::Figures;
use crate::archive::{Digest, TableMark};

/// Keeps checkpoints. The store is one; in a backup's own process, the pipe to the daemon is.
pub trait Keeper: Send + Sync {
    /// Keeps a checkpoint in place of the module's last one, whose number is lower. The error says in words why it can't.
    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String>;
}

/// Keeps nothing: what is interrupted starts over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl Keeper for Forgetful {
    fn keep(&self, _: &Checkpoint) -> Result<(), String> {
        Ok(())
    }
}

/// How far a module is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The module.
    pub module: String,
    /// The version of its plugin: another one may not know what to do with the cursor.
    pub version: String,
    /// From 1, upwards.
    pub number: u64,
    /// Which desk was read, in words that are the same whenever it is, as far as that is known.
    #[serde(default)]
    pub source: Option<String>,
    /// Where its exporter goes on; none where it has ended.
    pub cursor: Option<serde_json::Value>,
    /// Its tables, in the order in which they were opened.
    pub tables: Vec<TableMark>,
    /// What its exporter had remembered by then: bytes at the beginning of a file in the spool folder.
    pub memory: Memory,
    /// What its exporter said.
    pub said: Said,
    /// Requests made, each try counted.
    pub requests: u64,
    /// Tries beyond the first of each request.
    pub retries: u64,
    /// Milliseconds that it has worked.
    pub milliseconds: u64,
    /// What its requests cost, where the desk charges and says so.
    #[serde(default)]
    pub credits: u64,
    /// How it ended, where it has.
    pub ended: Option<End>,
}

impl Checkpoint {
    /// One without cursor, number and tables.
    pub(super) fn new(module: &str, version: &str, memory: Memory, said: Said, figures: Figures) -> Self {
        Self {
            module: module.to_owned(),
            version: version.to_owned(),
            number: 0,
            source: None,
            cursor: None,
            tables: Vec::new(),
            memory,
            said,
            requests: figures.requests,
            retries: figures.retries,
            milliseconds: figures.milliseconds,
            credits: figures.credits,
            ended: None,
        }
    }

    /// Where its exporter goes on.
    pub(super) fn at(mut self, cursor: serde_json::Value) -> Self {
        self.cursor = Some(cursor);
        self
    }
}

/// What an exporter has remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of those.
    pub sha256: Digest,
}

/// What an exporter said besides its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Records that it could not read.
    pub unread: Vec<Unread>,
    /// How many more there are than are named.
    pub more_unread: u64,
    /// Records that were deleted while they were read, by table.
    pub gone: BTreeMap<String, u64>,
    /// Digests of their keys, of each table: what was told ahead of a checkpoint may be told again behind it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gone_keys: BTreeMap<String, BTreeSet<u64>>,
    /// What it remarked, a line each.
    pub remarks: Vec<String>,
    /// The least number of requests that the desk's rules allow.
    pub least_requests: Option<u64>,
    /// Requests that failed for good, and the first of them.
    pub failed: (u64, String),
    /// Rows expected in all; 0: not known.
    pub expected: u64,
}

/// Records of a table that are known to be gone. Those beyond count for nothing: so a row that is missing is rather told of
/// without need than passed over.
const MOST_GONE: usize = 50_000;

impl Said {
    /// Counts a record that was deleted while it was read, once.
    pub(super) fn gone(&mut self, table: &str, key: &str) {
        let keys = self.gone_keys.entry(table.to_owned()).or_default();
        let digest = sha2::Sha256::digest(key);
        let digest = digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        if keys.len() < MOST_GONE && keys.insert(digest) {
            let count = self.gone.entry(table.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// Its table.
    pub table: String,
    /// Its key, as the exporter named it.
    pub key: String,
    /// Why, without secrets.
    pub reason: String,
}

/// How an exporter ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case", deny_unknown_fields)]
pub enum End {
    /// It came to its end.
    Done,
    /// It broke off.
    Failed {
        /// The number of its [`ErrorKind`].
        kind: u8,
        /// What it said.
        message: String,
        /// The HTTP status, if it was one.
        status: Option<u16>,
        /// The place in the plugin's code, for a panic.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
    },
}

impl End {
    /// For the end of an export.
    pub(super) fn of(outcome: &Result<(), ExportError>) -> Self {
        match outcome {
            Ok(()) => Self::Done,
            Err(error) => Self::Failed {
                kind: error.kind.code(),
                message: error.message.clone(),
                status: error.status,
                place: error.place.clone(),
            },
        }
    }

    /// The end of the export.
    pub(super) fn outcome(&self) -> Result<(), ExportError> {
        match self {
            Self::Done => Ok(()),
            Self::Failed {
                kind,
                message,
                status,
                place,
            } => {
                let mut error = ExportError::new(ErrorKind::from_code(*kind), message);
                (error.status, error.place) = (*status, place.clone());
                Err(error)
            }
        }
    }

    /// What kind of error it broke off with.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Done => None,
            Self::Failed { kind, .. } => Some(ErrorKind::from_code(*kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_GONE, Said};

    #[test]
    fn a_record_that_is_gone_is_counted_once_also_behind_a_checkpoint() {
        let mut said = Said::default();
        for (table, key) in [("Threads", "7"), ("Cases", "7"), ("Threads", "7"), ("Threads", "8")] {
            said.gone(table, key);
        }
        let text = serde_json::to_string(&said).unwrap();
        let mut said: Said = serde_json::from_str(&text).unwrap();
        for key in ["8", "7", "9"] {
            said.gone("Threads", key);
        }
        assert_eq!((said.gone["Threads"], said.gone["Cases"]), (3, 1));
        for key in 0..MOST_GONE + 9 {
            said.gone("Cases", &key.to_string());
        }
        assert_eq!(said.gone["Cases"], MOST_GONE as u64);
    }
}
