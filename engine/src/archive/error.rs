//! What can go wrong with an archive.

use std::io;
use std::path::{Path, PathBuf};

use super::spool::Owner;
use super::verify::Problem;

/// Why an archive could not be written, published or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The disk, or what lies on it. The source says why.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done, e.g. `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A setting, or what the backup says of itself, cannot be used.
    #[error("{0}")]
    Settings(String),
    /// A table cannot be in the archive as it is described, or was not brought to its end.
    #[error("table {table}: {reason}")]
    Table {
        /// The table's name.
        table: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A row does not have one cell for each column. It was not written; the table can be gone on with.
    #[error("table {table}: row {row} has {found} cells where the table has {expected} columns")]
    Cells {
        /// The table's name.
        table: String,
        /// Which row, counted from 1.
        row: u64,
        /// Columns of the table.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// The backup was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Something else has put a file of the archive's name there while the backup ran. It was left as it is.
    #[error("{} came into being while the backup ran, and is not replaced: nothing else may write there; start again", .0.display())]
    Exists(PathBuf),
    /// Another process writes in the spool folder.
    #[error(
        "another process writes in {}{}: wait for its end",
        folder.display(),
        owner.as_ref().map(|owner| format!(" (process {} on {})", owner.pid, owner.host)).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Who does, where that can be read.
        owner: Option<Owner>,
    },
    /// What an interrupted backup left is not what its checkpoint says.
    #[error("{} is not what the checkpoint says: {reason}", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// The file is not an archive of deskvault, or is so damaged that it cannot be read as one.
    #[error("{} is not a whole deskvault archive: {reason}", path.display())]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// The first thing that is not as it must be.
        reason: String,
    },
    /// The archive that was just written does not verify. It was not published.
    #[error("the archive just written does not verify and was not published; first of {} problems: {}", .0.len(), .0.first().map_or_else(String::new, ToString::to_string))]
    Unsound(Vec<Problem>),
}

impl ArchiveError {
    /// For `map_err`: the disk failed while doing `action` to `path`.
    pub(crate) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }

    /// A file is not what its mark says.
    pub(super) fn differs(path: &Path, reason: impl Into<String>) -> Self {
        Self::Differs {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }

    pub(crate) fn table(table: &str, reason: impl Into<String>) -> Self {
        Self::Table {
            table: table.to_owned(),
            reason: reason.into(),
        }
    }
}
