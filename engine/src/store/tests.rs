//! What the store keeps, and what it refuses.
#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods in their places are not general enough over lifetimes"
)]

mod backups;
mod checkpoints;
mod hostile;
mod opening;
mod others;
mod sql;
mod tampering;
mod together;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use plugin_api::{Kind, Timestamp};

use super::{ArchiveFacts, BackupEnd, BackupState, NewBackup, Store, StoreError};
use crate::history::{Entry, Filter, Happening, NewEntry};
use crate::key::Key;

/// A store in a folder of its own.
struct Home {
    folder: tempfile::TempDir,
    store: Store,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        Self { folder, store }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Another program at the same database, which knows no rules.
    fn vandal(&self) -> rusqlite::Connection {
        let vandal = rusqlite::Connection::open(self.store.file()).unwrap();
        vandal.pragma_update(None, "ignore_check_constraints", true).unwrap();
        vandal.pragma_update(None, "foreign_keys", false).unwrap();
        vandal
    }

    #[track_caller]
    fn write<T>(&self, work: impl FnOnce(&super::Tx<'_>) -> Result<T, StoreError>) -> T {
        self.store.write(work).unwrap()
    }

    #[track_caller]
    fn read<T>(&self, work: impl FnOnce(&super::View<'_>) -> Result<T, StoreError>) -> T {
        self.store.read(work).unwrap()
    }
}

fn open(folder: &Path) -> Result<Store, StoreError> {
    Store::open(folder, Arc::new(Key::open(folder)?))
}

/// So many seconds after some moment.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_900_000_000 + seconds) * 1_000_000)
}

fn new(kind: Kind, started: Timestamp) -> NewBackup {
    NewBackup {
        desk: "main".into(),
        modules: vec!["tickets".into()],
        kind,
        range: None,
        started,
        schedule: None,
        folder: None,
        until: None,
        allow_partial: false,
    }
}

fn end(state: BackupState, ended: Timestamp) -> BackupEnd {
    let has_archive = [
        BackupState::Complete,
        BackupState::Incomplete,
        BackupState::LimitReached,
    ]
    .contains(&state);
    BackupEnd {
        state,
        ended,
        reason: None,
        until: None,
        archive: has_archive.then(|| ArchiveFacts {
            file: "main.zip".into(),
            bytes: 10,
            sha256: "00".repeat(32),
            records: 2,
            expires: None,
        }),
    }
}

fn entry(number: i64) -> NewEntry {
    NewEntry {
        at: at(number),
        desk: Some("main".into()),
        user: "山田 太郎".into(),
        via: "command line, system user root".into(),
        what: Happening::DownloadStarted {
            backup: number.cast_unsigned(),
        },
    }
}

fn history(store: &Store) -> Vec<Entry> {
    let mut found = Vec::new();
    let all = store.read(|view| {
        view.history(&Filter::default(), &mut |entry| {
            found.push(entry);
            ControlFlow::Continue(())
        })
    });
    all.map_or_else(|error: StoreError| panic!("{error}"), |()| found)
}
