//! Why a backup ended without an archive.

use std::path::PathBuf;

use super::cause::Cause;
use crate::archive::ArchiveError;
use crate::connection::ConnectionError;

/// Why a backup ended without an archive. Nothing half-done is left behind, but for
/// [`BackupError::Suspended`].
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A module is asked for that no plugin exports.
    #[error(
        "no plugin exports the module {module:?}{}: `deskvault plugins list` shows what there is{}",
        near.as_ref().map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default(),
        refused.first().map(|_| format!("; refused are: {}", refused.join("; "))).unwrap_or_default()
    )]
    NoPlugin {
        /// The module.
        module: String,
        /// The module with the nearest name.
        near: Option<String>,
        /// The first plugins that are not used, and why: the module's may be among them.
        refused: Vec<String>,
    },
    /// A plugin speaks over another kind of connection.
    #[error("the module {module:?} ({}) needs a connection of kind {needs:?}, and the desk {desk} has {has:?}", file.display())]
    OtherConnection {
        /// The module.
        module: String,
        /// Its plugin.
        file: PathBuf,
        /// The kind it needs.
        needs: String,
        /// The desk.
        desk: String,
        /// The kind of its connection.
        has: String,
    },
    /// Two modules would write files of the same names.
    #[error("the modules {first:?} and {second:?} both write a table {table:?}: back them up one after the other")]
    TableTwice {
        /// The table.
        table: String,
        /// A module that writes it.
        first: String,
        /// Another one.
        second: String,
    },
    /// A rule refuses it, as only the desk's answers show: nothing is kept of it.
    #[error(transparent)]
    Refused(#[from] crate::quota::Refusal),
    /// What was read until now is another desk's.
    #[error(
        "the connection leads to {is}, and what was read until now is of {was}: set the connection right, or give the backup up \
         with `deskvault backup --anew`"
    )]
    OtherDesk {
        /// The desk of the earlier run, in words.
        was: String,
        /// The desk now, in words.
        is: String,
    },
    /// Nothing was asked for.
    #[error("the desk {0} has no module to back up: name some in its `modules`")]
    NoModule(String),
    /// The connection can't be used.
    #[error("the connection can't be opened")]
    Connection(#[source] ConnectionError),
    /// The archive can't be written.
    #[error("the archive can't be written")]
    Archive(#[source] ArchiveError),
    /// The system refuses a thread.
    #[error(
        "the system refuses a thread that a backup needs: its memory (`ulimit -v`) or its processes (`ulimit -u`) are limited"
    )]
    System(#[source] std::io::Error),
    /// No module could be read.
    #[error("nothing could be read, so there is no archive:\n{}", .0.join("\n"))]
    Nothing(
        /// What became of each module, a line each.
        Vec<String>,
    ),
    /// The engine itself failed under a module.
    #[error("{0}")]
    Engine(String),
    /// It came to no end, but can be gone on with: what was kept is in its spool folder. Only where a plan names one.
    #[error("{reason}")]
    Suspended {
        /// What is in its way.
        cause: Cause,
        /// Why, and what to do.
        reason: String,
    },
    /// It was cancelled.
    #[error("the backup was cancelled; nothing is left of it")]
    Cancelled,
}

/// What the disk refuses, with what there is to be done about it.
pub(super) fn on_disk(error: &ArchiveError) -> String {
    let said = crate::chain(error);
    match error {
        ArchiveError::Io { source, .. } if is_full(source) => format!("{said}: the backup goes on when there is room"),
        _ => said,
    }
}

/// Whether there is no room on the disk.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// What a failure of the archive means for the backup.
pub(super) fn archive_failed(error: ArchiveError) -> BackupError {
    match error {
        ArchiveError::Cancelled => BackupError::Cancelled,
        error => BackupError::Archive(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::on_disk;
    use crate::archive::ArchiveError;

    #[test]
    fn a_full_disk_is_told_with_the_file_and_what_comes_next() {
        let path = Path::new("/backups/.deskvault-a.spool/Tickets__1.csv.deflate");
        let said = on_disk(&ArchiveError::io("write", path)(io::Error::from_raw_os_error(28)));
        assert_eq!(
            said,
            "cannot write /backups/.deskvault-a.spool/Tickets__1.csv.deflate: No space left on device (os error 28): the backup \
             goes on when there is room"
        );
        let said = on_disk(&ArchiveError::io("write", path)(io::Error::from_raw_os_error(30)));
        assert!(said.ends_with("Read-only file system (os error 30)"), "{said}");
    }
}
