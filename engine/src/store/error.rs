//! What can go wrong with the store, in words that say what to do.

use std::path::PathBuf;

use crate::history::SealFault;
use crate::key::KeyError;

/// Why the store did not do what was asked. The transaction is rolled back: nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no key, or the data directory cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file of the database cannot be opened.
    #[error("cannot open {file}", file = file.display())]
    Open {
        /// The database.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The database, or its folder, cannot be written to.
    #[error(
        "{file} and its folder must be writable for the user who runs deskvault, and are not: check their owner and \
         whether the disk is mounted read-only",
        file = file.display()
    )]
    ReadOnly {
        /// The database.
        file: PathBuf,
    },
    /// The file is something else.
    #[error(
        "{file} is no database of deskvault{what}: move it away, or name another folder under [archive] folder",
        file = file.display()
    )]
    NoDatabase {
        /// The database.
        file: PathBuf,
        /// What it is, where that is known: `, but of another program`.
        what: &'static str,
    },
    /// The file is damaged.
    #[error(
        "{file} is damaged ({why}): stop deskvault and put a copy of it back; without one, move it and {key} away to \
         begin a new history",
        file = file.display(), key = crate::key::FILE
    )]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What `SQLite` says.
        why: String,
    },
    /// A later version of deskvault has written it.
    #[error(
        "{file} was made by a later version of deskvault (its schema is {found}, this version knows {known}): use that \
         version, or a later one",
        file = file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its schema.
        found: u64,
        /// The latest that is known.
        known: u64,
    },
    /// The folder's file system cannot hold such a database.
    #[error(
        "{file}: the file system of its folder cannot hold it (no write-ahead log): name a folder on a local disk under \
         [archive] folder",
        file = file.display()
    )]
    FileSystem {
        /// The database.
        file: PathBuf,
    },
    /// The disk is full.
    #[error("no room is left on the disk for {file}: make room", file = file.display())]
    Full {
        /// The database.
        file: PathBuf,
    },
    /// The process, or the system, has as many files open as it may.
    #[error(
        "{file} cannot be opened, for there are too many open files: raise the limit of open files (`ulimit -n`, or \
         LimitNOFILE in the service's unit)",
        file = file.display()
    )]
    NoFiles {
        /// The database.
        file: PathBuf,
    },
    /// Another process has written for longer than anybody should wait.
    #[error(
        "{file} has been in use by another process for {seconds} seconds: look for a deskvault that hangs, or another \
         program that has it open",
        file = file.display()
    )]
    Busy {
        /// The database.
        file: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// A value in it is none that deskvault writes.
    #[error(
        "{file}: {place}: `{field}` {why}: the database was altered past deskvault or is damaged; put a copy of it back",
        file = file.display()
    )]
    Value {
        /// The database.
        file: PathBuf,
        /// Where, e.g. `backup 3`.
        place: String,
        /// Which value.
        field: String,
        /// What is wrong with it, half a sentence.
        why: String,
    },
    /// A value cannot be written, because it could not be read again.
    #[error("`{field}` cannot be kept: {why}")]
    Unwritable {
        /// Which value.
        field: String,
        /// Why not.
        why: String,
    },
    /// What is to be changed is not there, or not in a state in which it can be changed.
    #[error("{0}")]
    Conflict(String),
    /// The history cannot be added to, because its seal is not in order.
    #[error(
        "{file}: the history cannot be gone on with, as it has {fault}: put back the {key} it was sealed with, or a copy of \
         the database; without either, `deskvault history reseal` goes on and says so in the history for ever",
        file = file.display(), key = crate::key::FILE
    )]
    Seal {
        /// The database.
        file: PathBuf,
        /// What is wrong.
        fault: SealFault,
    },
    /// Anything else that the database says.
    #[error("{file}", file = file.display())]
    Sql {
        /// The database.
        file: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
}
