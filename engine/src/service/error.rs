//! Why the service does not do what it is asked for.

use std::io;
use std::path::{Path, PathBuf};

use crate::archive::ArchiveError;
use crate::backup::is_full;
use crate::key::KeyError;
use crate::links::LinkError;
use crate::people::token::NoEntry;
use crate::quota::Refusal;
use crate::shelf::ShelfError;
use crate::store::{BackupId, StoreError};

use super::going_on::Suspended;
use super::runner::RunError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A rule refuses it; that is in the history.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A backup ended without an archive; that is in the history.
    #[error(transparent)]
    Run(RunError),
    /// A backup came to no end, and can be gone on with; that is in the history.
    #[error("backup {} is suspended: {}", .0.id, .0.reason)]
    Suspended(Box<Suspended>),
    /// No backup of a desk is suspended, or not the one that was named.
    #[error("{what} is not suspended: there is nothing to go on with")]
    NotSuspended {
        /// Which.
        what: String,
    },
    /// Several backups of a desk are suspended.
    #[error("backups {} of {desk} are suspended: name the one to go on with", .ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    SeveralSuspended {
        /// The desk.
        desk: String,
        /// Their numbers.
        ids: Vec<BackupId>,
    },
    /// The folder for the archive of a backup that is suspended is not there.
    #[error("the folder for the archive of backup {id} is not there, {}: mount it, or give the backup up", folder.display())]
    NoFolder {
        /// The backup.
        id: BackupId,
        /// The folder.
        folder: PathBuf,
    },
    /// A backup that was to be gone on with had published its archive already. That is entered now.
    #[error("the archive of backup {id} is there already: `deskvault list` shows it")]
    TakenUp {
        /// The backup.
        id: BackupId,
    },
    /// It was cancelled before anything was started.
    #[error("stopped; nothing was started")]
    Cancelled,
    /// The configuration has no such desk.
    #[error("the configuration has no desk {desk}")]
    NoSuchDesk {
        /// The name.
        desk: String,
    },
    /// A desk does not have that module.
    #[error("the desk {desk} has no module {module}")]
    NoSuchModule {
        /// The desk.
        desk: String,
        /// The module.
        module: String,
    },
    /// There never was such a backup.
    #[error("there is no backup {id}: `deskvault list --all` shows all there are")]
    NoSuchBackup {
        /// The number.
        id: BackupId,
    },
    /// A backup has no archive, or has it no more.
    #[error("backup {id} has no archive: {why}")]
    NoArchive {
        /// The backup.
        id: BackupId,
        /// Why.
        why: String,
    },
    /// An archive is listed, and its file is not there.
    #[error("the archive of backup {id} is gone: somebody or something else removed {}", file.display())]
    Missing {
        /// The backup.
        id: BackupId,
        /// The file.
        file: PathBuf,
    },
    /// An archive is not what it was when it was made. Nothing was written.
    #[error("the archive of backup {id}, {}, is damaged: it is not the file any more that was published", file.display())]
    Damaged {
        /// The backup.
        id: BackupId,
        /// The file.
        file: PathBuf,
    },
    /// The desk has no schedule.
    #[error("the desk {desk} has no schedule")]
    NoSchedule {
        /// The desk.
        desk: String,
    },
    /// A schedule would never run.
    #[error("the schedule would never run: it ends before its first run")]
    NoRun,
    /// A link opens nothing.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A token opens nothing.
    #[error("DESKVAULT_TOKEN opens nothing")]
    Token(#[from] NoEntry),
    /// The archive is there, and the store does not take that it is.
    #[error("the archive is there, {}, but could not be entered as ready; that is made up for by the next backup, or when the daemon starts", archive.display())]
    NotEntered {
        /// The archive.
        archive: PathBuf,
        /// Why.
        source: Box<ServiceError>,
    },
    /// Another data directory can't be taken up while this one is in use.
    #[error("[archive] folder was {} and is now {}: that needs a restart", old.display(), new.display())]
    DataDirectory {
        /// What it was.
        old: PathBuf,
        /// What it would be.
        new: PathBuf,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An archive can't be read or written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A finished archive can't be read out or removed.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The disk fails.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system refuses something.
    #[error("{what}")]
    System {
        /// What.
        what: &'static str,
        /// The system's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ServiceError {
    /// Whether there is no room on a disk: nothing else is wrong, and when there is some it goes on.
    pub(super) fn is_no_room(&self) -> bool {
        match self {
            Self::Store(StoreError::Full { .. }) => true,
            Self::NotEntered { source, .. } => source.is_no_room(),
            Self::Io { source, .. } | Self::Archive(ArchiveError::Io { source, .. }) => is_full(source),
            _ => false,
        }
    }

    /// For `map_err`: the disk failed while doing `action` to `path`.
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}
