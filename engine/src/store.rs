//! The memory of an installation: backups, schedules, the history, tokens, notifications to be sent. SQLite, behind a
//! type whose SQL a PostgreSQL takes as well.
//!
//! Everything happens in a transaction, which is kept whole or not at all: [`Store::write`], [`Store::read`]. What they
//! offer is in a file for each group of tables (`backups.rs`, `schedules.rs`, ...); what is SQLite's own is in
//! `dialect.rs`; the schema is in `migrations/`. A change and the entry of the history that tells of it belong into one transaction.
//!
//! Not here: rules. The store keeps what it is given, and refuses only what would contradict what it holds.
//!
//! Architecture invariants: SQL stands in this folder alone, and what only SQLite understands in `dialect.rs` alone. Every
//! value is checked when it is read.

mod backups;
mod checkpoints;
mod dialect;
mod error;
mod facts;
mod fields;
mod history;
mod migrate;
mod outbox;
mod rows;
mod schedules;
#[cfg(test)]
mod tests;
mod tokens;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Params};

pub use checkpoints::LONGEST_RECORD;
pub use error::StoreError;
pub use rows::{
    ArchiveFacts, Backup, BackupEnd, BackupId, BackupState, NewBackup, Reached, Removal, ScheduleId, ScheduleRow,
    ScheduleState, Suspension, Waiting,
};

use crate::key::{self, Key};
use fields::Fields;

/// The name of the database in the data directory.
pub const FILE: &str = "deskvault.db";

/// The memory of an installation. Shared between threads by reference; other processes may use the same database.
pub struct Store {
    connection: Mutex<Connection>,
    place: Place,
}

impl Store {
    /// Opens the database of the data directory `folder`; both are made where they are missing.
    pub fn open(folder: &Path, key: Arc<Key>) -> Result<Self, StoreError> {
        key::make_folder(folder)?;
        let place = Place {
            file: folder.join(FILE),
            key,
            patience: dialect::PATIENCE,
        };
        let connection = dialect::open(&place.file)?;
        migrate::migrate(&connection, &place)?;
        let connection = Mutex::new(connection);
        Ok(Self { connection, place })
    }

    /// The same database by a way of its own: it neither waits for what others do with this one, nor longer than `patience`
    /// while another process writes. For whoever must go on, and can try again.
    pub fn beside(&self, patience: Duration) -> Result<Self, StoreError> {
        let place = Place {
            file: self.place.file.clone(),
            key: Arc::clone(&self.place.key),
            patience,
        };
        let connection = dialect::open(&place.file)?;
        connection.busy_timeout(patience).map_err(|error| place.error(error))?;
        let connection = Mutex::new(connection);
        Ok(Self { connection, place })
    }

    /// Changes something: all that `work` does, or where it gives an error, nothing. Nobody else writes meanwhile, so keep
    /// it short, and ask nothing of the same store within it but through the transaction.
    ///
    /// Once this has returned `Ok`, the change outlives a crash of the process and of the machine.
    pub fn write<T, E: From<StoreError>>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let connection = self.lock();
        let transaction = dialect::begin_write(&connection).map_err(|error| self.place.error(error))?;
        let done = work(&Tx(View {
            connection: &transaction,
            place: &self.place,
        }))?;
        transaction.commit().map_err(|error| self.place.error(error))?;
        Ok(done)
    }

    /// Reads: `work` sees one moment of the database, whatever others write meanwhile.
    pub fn read<T, E: From<StoreError>>(&self, work: impl FnOnce(&View<'_>) -> Result<T, E>) -> Result<T, E> {
        let connection = self.lock();
        let transaction = dialect::begin_read(&connection).map_err(|error| self.place.error(error))?;
        work(&View {
            connection: &transaction,
            place: &self.place,
        })
    }

    /// A number that moves when somebody else has written: another process, or another `Store`. It says nothing of what
    /// this one wrote.
    pub fn changes(&self) -> Result<u64, StoreError> {
        let changes = dialect::changes(&self.lock()).map_err(|error| self.place.error(error))?;
        Ok(changes.cast_unsigned())
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.place.file
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic ended was rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the database is, and what its history is sealed with.
struct Place {
    file: PathBuf,
    key: Arc<Key>,
    /// How long another process may write before this one gives up.
    patience: Duration,
}

impl Place {
    fn error(&self, error: rusqlite::Error) -> StoreError {
        dialect::translate(&self.file, error, self.patience)
    }

    /// That something which is always there is missing.
    fn missing(&self, place: &str, field: &str) -> StoreError {
        StoreError::Value {
            file: self.file.clone(),
            place: place.to_owned(),
            field: field.to_owned(),
            why: "is missing".into(),
        }
    }
}

/// What can be read in a transaction.
pub struct View<'s> {
    connection: &'s Connection,
    place: &'s Place,
}

impl View<'_> {
    /// The rows of a query, each checked by `make`. `what` names a row in errors.
    fn rows<T>(
        &self,
        what: &'static str,
        sql: &str,
        params: impl Params,
        mut make: impl FnMut(&Fields<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each(what, sql, params, |row| {
            found.push(make(row)?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// Hands each row on, until `make` says `false`.
    fn each(
        &self,
        what: &'static str,
        sql: &str,
        params: impl Params,
        mut make: impl FnMut(&Fields<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let error = |error| self.place.error(error);
        let mut statement = self.connection.prepare_cached(sql).map_err(error)?;
        let mut rows = statement.query(params).map_err(error)?;
        let file = self.place.file.as_path();
        while let Some(row) = rows.next().map_err(error)? {
            if !make(&Fields { file, what, row })? {
                break;
            }
        }
        Ok(())
    }

    /// The first row of a query.
    fn row<T>(
        &self,
        what: &'static str,
        sql: &str,
        params: impl Params,
        make: impl FnOnce(&Fields<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let error = |error| self.place.error(error);
        let mut statement = self.connection.prepare_cached(sql).map_err(error)?;
        let file = self.place.file.as_path();
        let first = statement
            .query_row(params, |row| Ok(make(&Fields { file, what, row })))
            .optional();
        first.map_err(error)?.transpose()
    }

    /// Runs a statement, and says how many rows it concerned.
    fn run(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        let error = |error| self.place.error(error);
        let mut statement = self.connection.prepare_cached(sql).map_err(error)?;
        statement.execute(params).map_err(error)
    }

    /// The next number of a kind: `backup`, `schedule`, `token`, `notice`. Where the transaction is rolled back it was not
    /// given.
    fn next_number(&self, name: &'static str) -> Result<u64, StoreError> {
        let given = self.row(
            "number",
            "UPDATE numbers SET given = given + 1 WHERE name = $1 RETURNING given",
            [name],
            |row| row.number("given"),
        )?;
        given.ok_or_else(|| self.place.missing("numbers", name))
    }
}

/// What can be read and changed in a transaction.
pub struct Tx<'s>(View<'s>);

impl<'s> Deref for Tx<'s> {
    type Target = View<'s>;

    fn deref(&self) -> &View<'s> {
        &self.0
    }
}
