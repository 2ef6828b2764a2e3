//! Checkpoints: how far each module of a backup is, so that another process can go on behind it.
//!
//! The order that survives an end at any moment: first what a checkpoint tells of is brought to the disk in the spool folder,
//! then the checkpoint goes to a [`Keeper`], which makes it durable. What is in the spool folder beyond the last checkpoint that
//! was kept is cut off when the backup is gone on with.

use plugin_api::{ErrorKind, ExportError};
use serde::{Deserialize, Serialize};

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
    pub gone: std::collections::BTreeMap<String, u64>,
    /// What it remarked, a line each.
    pub remarks: Vec<String>,
    /// The least number of requests that the desk's rules allow.
    pub least_requests: Option<u64>,
    /// Requests that failed for good, and the first of them.
    pub failed: (u64, String),
    /// Rows expected in all; 0: not known.
    pub expected: u64,
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
