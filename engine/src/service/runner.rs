//! How a backup is run: in this process, or in one of its own.

use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::backup::{Cause, Checkpoint, Keeper};
use crate::forecast::Cost;
use crate::progress::{Progress, Summary};
use crate::quota::Refusal;

/// Runs one backup to its end. [`InProcess`](super::InProcess) does it here; the daemon has one that starts a process.
pub trait Runner: Send + Sync {
    /// Runs it. `Ok` means that the archive is there and was verified: in the order's spool folder, where there is one. A runner
    /// that has published it already names it where it is.
    fn run(
        &self,
        order: &Order,
        progress: &dyn Progress,
        keeper: &dyn Keeper,
        cancel: &CancellationToken,
    ) -> Result<Summary, RunError>;
}

/// What is to be run; all else is in the configuration. It goes over the pipe to a backup's process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What the manifest calls the backup.
    pub name: String,
    /// The desk's name in the configuration.
    pub desk: String,
    /// Its modules, in the order of their tables in the archive.
    pub modules: Vec<String>,
    /// Which records.
    pub kind: Kind,
    /// The range, for a kind that has one.
    pub range: Option<Range>,
    /// When it started.
    pub started: Timestamp,
    /// Up to where it reads, as it was when it started, whatever the configuration says by now; none: as the connection has it.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// The folder for the archive where it is not that of the configuration.
    pub folder: Option<std::path::PathBuf>,
    /// Whether it starts although the desk counts more records than the limit.
    pub allow_partial: bool,
    /// The folder for its parts, which is there already: the archive is left in it, joined and verified, and not published. None:
    /// it makes one itself, and publishes.
    pub spool: Option<std::path::PathBuf>,
    /// The checkpoints of an earlier run that is gone on with, at most one a module; empty: it starts.
    pub resume: Vec<Checkpoint>,
    /// What its modules cost in the last backup, for the first forecasts.
    #[serde(default)]
    pub past: Vec<Cost>,
    /// Whether what there is is published where it can't be gone on with: modules that a passing fault ended have then failed.
    /// Otherwise the backup is suspended.
    #[serde(default)]
    pub finish: bool,
    /// The libraries that were trusted.
    #[serde(default)]
    pub trusted: Vec<crate::plugins::Pin>,
}

/// Why a backup ended without an archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum RunError {
    /// It was cancelled.
    #[error("the backup was stopped; nothing is left of it")]
    Cancelled,
    /// A rule refuses it.
    #[error(transparent)]
    Refused {
        /// The rule.
        #[from]
        refusal: Refusal,
    },
    /// What is configured is wrong; nothing was started.
    #[error("{message}")]
    Configuration {
        /// The error with its causes.
        message: String,
    },
    /// It failed.
    #[error("{message}")]
    Failed {
        /// The error with its causes.
        message: String,
    },
    /// It came to no end, but can be gone on with: all that was kept is in the spool folder, whose lock is free again.
    #[error("{message}")]
    Suspended {
        /// What is in its way.
        cause: Cause,
        /// The error with its causes.
        message: String,
    },
}
