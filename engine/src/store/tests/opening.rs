use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use plugin_api::Kind;

use super::{Home, at, new, open};
use crate::store::{FILE, Store, StoreError};

#[track_caller]
fn refused(store: Result<Store, StoreError>, parts: &[&str]) -> StoreError {
    let Err(error) = store else { panic!("it opened") };
    let text = crate::chain(&error);
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
    error
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn makes_what_is_missing_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let store = open(&folder).unwrap();
    store
        .write(|tx| tx.set_fact("a", "1"))
        .unwrap_or_else(|error: StoreError| panic!("{error}"));
    assert_eq!(mode(&folder), 0o700);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert!(names.len() >= 3, "with the write-ahead log: {names:?}");
    for name in names {
        assert_eq!(mode(&name), 0o600, "{}", name.display());
    }
}

#[test]
fn is_safe_against_power_cuts_and_checks_references() {
    let home = Home::new();
    let connection = home.store.lock();
    let text = |name| -> String { connection.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    let number = |name| -> i64 { connection.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    assert_eq!(
        (
            text("journal_mode").as_str(),
            number("synchronous"),
            number("foreign_keys")
        ),
        ("wal", 2, 1)
    );
    drop(connection);
    let mut orphan = new(Kind::Incremental, at(0));
    orphan.schedule = Some((99, at(0)));
    assert!(
        home.store.write(|tx| tx.add_backup(&orphan)).is_err(),
        "there is no such schedule"
    );
}

#[test]
fn a_database_that_was_too_open_is_closed() {
    let home = Home::new();
    let file = home.path().join(FILE);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let _again = open(home.path()).unwrap();
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn opens_again_with_what_it_had() {
    let home = Home::new();
    home.write(|tx| tx.append(&super::entry(1)));
    let again = open(home.path()).unwrap();
    assert_eq!(super::history(&again).len(), 1);
    again.write(|tx| tx.append(&super::entry(2))).unwrap();
    assert_eq!(super::history(&home.store).len(), 2);
}

#[test]
fn a_later_schema_is_refused_in_words() {
    let home = Home::new();
    home.vandal()
        .execute("UPDATE schema_version SET version = 7", [])
        .unwrap();
    let error = refused(open(home.path()), &["later version", "schema is 7", "knows 2", FILE]);
    assert!(matches!(error, StoreError::Newer { found: 7, known: 2, .. }));
}

#[test]
fn what_is_no_database_is_told_in_words_and_left_alone() {
    type Make = fn(&Path);
    let another: Make = |file| {
        let other = rusqlite::Connection::open(file).unwrap();
        other.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    };
    let cases: [(&str, Make, &[&str]); 4] = [
        (
            "text",
            |file| fs::write(file, "no database ".repeat(1000)).unwrap(),
            &["no database of deskvault"],
        ),
        (
            "short",
            |file| fs::write(file, "xyz").unwrap(),
            &["no database of deskvault"],
        ),
        ("another", another, &["of another program", "move it away"]),
        ("a folder", |file| fs::create_dir(file).unwrap(), &[FILE]),
    ];
    for (name, make, parts) in cases {
        let folder = tempfile::tempdir().unwrap();
        let key = std::sync::Arc::new(crate::key::Key::open(folder.path()).unwrap());
        let file = folder.path().join(FILE);
        make(&file);
        let before = fs::read(&file).ok();
        let error = refused(Store::open(folder.path(), key), parts);
        assert!(
            matches!(error, StoreError::NoDatabase { .. } | StoreError::Open { .. }),
            "{name}: {error:?}"
        );
        if name != "another" {
            // Of another program's, SQLite itself changes the journal's mode in the header; its tables stay.
            assert_eq!(fs::read(&file).ok(), before, "{name}");
        }
    }
}

#[test]
fn damage_is_told_in_words() {
    for (name, from) in [("header", 100), ("pages", 4096)] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        for number in 1..200 {
            store.write(|tx| tx.append(&super::entry(number))).unwrap();
        }
        drop(store);
        let file = folder.path().join(FILE);
        let mut bytes = fs::read(&file).unwrap();
        bytes[from..].fill(0xa5);
        fs::write(&file, bytes).unwrap();
        let read = open(folder.path()).and_then(|store| {
            store.read(|view| {
                view.history(&crate::history::Filter::default(), &mut |_| {
                    std::ops::ControlFlow::Continue(())
                })
            })
        });
        let Err(error) = read else { panic!("{name}: read") };
        assert!(
            matches!(error, StoreError::Damaged { .. } | StoreError::NoDatabase { .. }),
            "{name}: {error:?}"
        );
        assert!(error.to_string().contains(FILE), "{error}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_to() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    refused(open(&file.join("data")), &["cannot make folder", "data"]);

    let home = Home::new();
    let folder = home.path().to_owned();
    fs::set_permissions(&folder, Permissions::from_mode(0o500)).unwrap();
    // Nothing is closed to root, as whom tests may run.
    let is_root = fs::write(folder.join("probe"), "").is_ok();
    if !is_root {
        let (_other, key) = (home.store, std::sync::Arc::new(crate::key::Key::open(&folder).unwrap()));
        fs::set_permissions(folder.join(FILE), Permissions::from_mode(0o400)).unwrap();
        let error = refused(Store::open(&folder, key), &["writable"]);
        assert!(matches!(error, StoreError::ReadOnly { .. }));
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn what_cannot_be_written_is_told_in_words() {
    use rusqlite::ffi;

    let file = Path::new("/data/deskvault.db");
    for (code, part) in [
        (ffi::SQLITE_READONLY, "must be writable"),
        (ffi::SQLITE_READONLY_DIRECTORY, "must be writable"),
        (ffi::SQLITE_CANTOPEN, "must be writable"),
        (ffi::SQLITE_FULL, "make room"),
        (ffi::SQLITE_BUSY, "in use by another process"),
        (ffi::SQLITE_BUSY_RECOVERY, "in use by another process"),
        (ffi::SQLITE_CORRUPT, "is damaged"),
        (ffi::SQLITE_NOTADB, "no database of deskvault"),
        (ffi::SQLITE_IOERR, "disk I/O error"),
    ] {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let text = crate::chain(&crate::store::dialect::translate(
            file,
            error,
            crate::store::dialect::PATIENCE,
        ));
        assert!(
            text.contains(part) && text.contains("/data/deskvault.db"),
            "{code}: {text}"
        );
    }
}

#[test]
fn one_beside_it_waits_neither_for_it_nor_long() {
    let home = Home::new();
    let beside = home.store.beside(Duration::from_millis(50)).unwrap();
    home.write(|tx| {
        tx.set_fact("a", "1")?;
        let read: Result<_, StoreError> = beside.read(|view| view.fact("a"));
        assert_eq!(read?, None, "what is not yet there");
        let wrote: Result<(), StoreError> = beside.write(|tx| tx.set_fact("a", "2"));
        assert!(matches!(wrote, Err(StoreError::Busy { .. })), "{wrote:?}");
        Ok(())
    });
    let read: Result<_, StoreError> = beside.read(|view| view.fact("a"));
    assert_eq!(read.unwrap().as_deref(), Some("1"));
}

#[test]
fn changes_are_noticed_across_connections() {
    let home = Home::new();
    let other = open(home.path()).unwrap();
    let before = home.store.changes().unwrap();
    assert_eq!(home.store.changes().unwrap(), before);
    home.write(|tx| tx.set_fact("a", "own"));
    assert_eq!(home.store.changes().unwrap(), before, "its own are none of others");
    other
        .write(|tx| tx.set_fact("a", "other"))
        .unwrap_or_else(|error: StoreError| panic!("{error}"));
    assert_ne!(home.store.changes().unwrap(), before);
}
