//! Published whole or not at all.

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Mutex;

use plugin_api::{Column, Table, Value};
use tokio_util::sync::CancellationToken;

use super::{create, finish, head, names, outcome, settings, small, tickets, verify};
use crate::archive::settings::Settings;
use crate::archive::{ArchiveError, Joined, Module, ModuleState, State, Writer};

#[test]
fn a_published_archive_is_alone_private_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    assert_eq!(names(folder.path()), ["support-full-20260102T030405Z.zip"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let report = verify(&path).unwrap();
    assert!(report.is_sound());
    assert_eq!((report.files, report.rows, report.manifest.tables.len()), (3, 5, 2));
    assert_eq!(report.packed_bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(report.manifest.state, State::Complete);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[test]
fn while_it_is_written_only_the_spool_folder_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let spool = ".deskvault-support-full-20260102T030405Z.spool";
    let writer = create(&settings(folder.path()));
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    table.write(&[Value::Int(1), Value::Null]).unwrap();
    assert_eq!(names(folder.path()), [spool]);
    let mode = |path| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(spool.to_owned()), 0o700);
    assert_eq!(mode(format!("{spool}/Tickets__1.csv.deflate")), 0o600);
    table.write(&[Value::Int(2), Value::Null]).unwrap();
    table.close().unwrap();
    assert_eq!(finish(writer).unwrap().report.rows, 2);
}

#[test]
fn what_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // The writer first, a table of it later; with blocks on their way.
    let writer = create(&settings(folder.path()));
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    let long = "x".repeat(1000);
    for id in 0..2000 {
        table.write(&[Value::Int(id), Value::Text(&long)]).unwrap();
    }
    drop(writer);
    drop(table);
    assert!(names(folder.path()).is_empty());
    // Joined, but not published.
    let writer = create(&settings(folder.path()));
    writer.open_table("tickets", tickets()).unwrap().close().unwrap();
    let joined = writer.join(outcome()).unwrap();
    assert_eq!(names(folder.path()).len(), 1);
    drop(joined);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn cancellation_ends_it_at_each_step_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(300_000);
    for step in 0..3 {
        let cancel = CancellationToken::new();
        let writer = Writer::create(&settings(folder.path()), head(), cancel.clone()).unwrap();
        let mut table = writer.open_table("tickets", tickets()).unwrap();
        if step == 0 {
            cancel.cancel();
            let error = table.write(&[Value::Int(1), Value::Text(&long)]).unwrap_err();
            assert!(matches!(error, ArchiveError::Cancelled));
            assert!(table.write(&[Value::Int(2), Value::Null]).is_err());
            assert!(table.close().is_err());
            assert!(finish(writer).is_err());
        } else {
            table.write(&[Value::Int(1), Value::Null]).unwrap();
            table.close().unwrap();
            let result = if step == 1 {
                cancel.cancel();
                finish(writer)
            } else {
                writer.finish(outcome(), &|_, _| cancel.cancel())
            };
            assert!(matches!(result.unwrap_err(), ArchiveError::Cancelled));
        }
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn an_existing_archive_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    // One that comes while the backup runs, and is nobody's.
    let target = folder.path().join("support-full-20260102T030405Z.zip");
    let writer = create(&settings(folder.path()));
    fs::write(&target, "precious").unwrap();
    let error = finish(writer).unwrap_err();
    assert!(
        matches!(&error, ArchiveError::Exists(path) if *path == target),
        "{error}"
    );
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    assert_eq!(names(folder.path()).len(), 1);
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Writer::create(&settings(&file), head(), CancellationToken::new()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot make folder {}", file.display()));
    assert!(error.source().is_some());
    // A folder that goes away while the backup runs.
    let gone = folder.path().join("gone");
    let writer = create(&Settings {
        rows_per_part: 1,
        ..settings(&gone)
    });
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    table.write(&[Value::Int(1), Value::Null]).unwrap();
    fs::remove_dir_all(&gone).unwrap();
    let error = table.write(&[Value::Int(2), Value::Null]).unwrap_err();
    assert!(error.to_string().ends_with("/Tickets__2.csv.deflate"), "{error}");
    table.close().unwrap();
    assert!(finish(writer).is_err());
}

/// A joined archive of two parts with so many tickets, by their keys.
fn joined(folder: &Path, keys: &[i64]) -> Joined {
    let writer = create(&Settings {
        rows_per_part: 4,
        ..settings(folder)
    });
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    for id in keys {
        table.write(&[Value::Int(*id), Value::Null]).unwrap();
    }
    table.close().unwrap();
    writer.join(outcome()).unwrap()
}

#[test]
fn an_archive_that_does_not_verify_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    // Damage, with and without a key that is there twice.
    for keys in [&[1, 2, 3][..], &[1, 2, 1]] {
        let joined = joined(folder.path(), keys);
        let zip = folder
            .path()
            .join(".deskvault-support-full-20260102T030405Z.spool/archive.zip");
        let file = fs::OpenOptions::new().write(true).open(zip).unwrap();
        // The time in the first local header.
        file.write_all_at(&[0], 10).unwrap();
        match joined.publish(&|_, _| {}).unwrap_err() {
            ArchiveError::Unsound(problems) => assert_eq!(
                problems[0],
                "Tickets__1.csv: its local header differs from the manifest in its time"
            ),
            other => panic!("{other}"),
        }
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn repeated_keys_make_an_archive_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let reason = "Tickets: 3 rows repeat the key of another row, the first: Tickets__1.csv row 3 that of \
                  Tickets__1.csv row 1";
    let mut archives = Vec::new();
    for _ in 0..2 {
        let published = joined(folder.path(), &[1, 2, 1, 3, 2, 1]).publish(&|_, _| {}).unwrap();
        assert_eq!(names(folder.path()), ["support-full-20260102T030405Z-incomplete.zip"]);
        let report = verify(&published.path).unwrap();
        for report in [&report, &published.report] {
            assert!(report.is_sound(), "{:?}", report.problems);
            assert_eq!(report.rows, 6);
            assert_eq!(report.manifest.state, State::Incomplete);
            assert_eq!(report.manifest.reasons, [reason]);
            assert_eq!(report.manifest.tables[0].repeated_keys, 3);
            let module = &report.manifest.modules[0];
            assert_eq!(
                (module.state, module.reason.as_deref()),
                (ModuleState::Incomplete, Some(reason))
            );
            assert_eq!(
                report.notes,
                [
                    "table Tickets: 3 rows repeat the key of another row, as the manifest says, first Tickets__1.csv \
                  row 3, Tickets__2.csv row 1, Tickets__2.csv row 2"
                ]
            );
        }
        archives.push(fs::read(&published.path).unwrap());
        fs::remove_file(&published.path).unwrap();
    }
    assert!(archives[0] == archives[1]);
    // One without says nothing of it.
    let published = joined(folder.path(), &[1, 2]).publish(&|_, _| {}).unwrap();
    let manifest = String::from_utf8(published.report.manifest.to_json().unwrap()).unwrap();
    assert!(!manifest.contains("repeated_keys"));
}

#[test]
fn a_verification_tells_where_it_starts_and_when_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let told = Mutex::new(Vec::new());
    let tell = |done, total| told.lock().unwrap().push((done, total));
    let report = crate::archive::verify(&path, &tell, &CancellationToken::new()).unwrap();
    let told = told.into_inner().unwrap();
    let tables = &report.manifest.tables;
    let packed: u64 = tables
        .iter()
        .flat_map(|table| &table.files)
        .map(|file| file.packed_bytes)
        .sum();
    // Three keys of tickets; two keys of threads, and their two parents.
    let total = packed + 7 * 32;
    assert_eq!(told.first(), Some(&(0, total)));
    assert_eq!(told.last(), Some(&(total, total)));
    assert!(told[..told.len() - 1].iter().all(|(done, _)| *done < total));
    assert!(told.contains(&(packed, total)));
}

#[test]
fn incomplete_archives_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let writer = create(&settings(folder.path()));
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    table.write(&[Value::Int(1), Value::Null]).unwrap();
    table.desk_count(2);
    table.close().unwrap();
    let mut outcome = outcome();
    outcome.modules[0].state = ModuleState::Failed;
    outcome.modules[0].reason = Some("HTTP 500".to_owned());
    outcome.modules.push(Module {
        module: "agents".to_owned(),
        state: ModuleState::Skipped,
        reason: Some("forbidden".to_owned()),
    });
    let published = writer.finish(outcome, &|_, _| {}).unwrap();
    assert_eq!(names(folder.path()), ["support-full-20260102T030405Z-incomplete.zip"]);
    assert_eq!(published.report.notes, ["module agents was skipped: forbidden"]);
    assert_eq!(published.report.manifest.reasons, ["module tickets failed: HTTP 500"]);
}

#[test]
fn more_reasons_than_an_archive_gives_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut outcome = outcome();
    outcome.reasons = (1..=10_005).map(|number| format!("reason {number}")).collect();
    let published = create(&settings(folder.path())).finish(outcome, &|_, _| {}).unwrap();
    let reasons = published.report.manifest.reasons;
    assert_eq!((reasons.len(), reasons[9998].as_str()), (10_000, "reason 9999"));
    assert_eq!(reasons[9999], "6 more reasons");
}

#[test]
fn what_cannot_be_finished_is_not() {
    let folder = tempfile::tempdir().unwrap();
    // A table that was dropped.
    let writer = create(&settings(folder.path()));
    drop(writer.open_table("tickets", tickets()).unwrap());
    let error = finish(writer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table Tickets: was opened, but not brought to its end"
    );
    // A module that the outcome does not know.
    let writer = create(&settings(folder.path()));
    writer.open_table("agents", tickets()).unwrap().close().unwrap();
    let error = finish(writer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table Tickets: belongs to module agents, of which the outcome says nothing"
    );
    let zero = Settings {
        rows_per_part: 0,
        ..settings(folder.path())
    };
    assert!(Writer::create(&zero, head(), CancellationToken::new()).is_err());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn tables_are_unique_and_rows_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let writer = create(&settings(folder.path()));
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    let again = Table::new("TICKETS").column(Column::new("id", "Id"));
    assert_eq!(
        writer.open_table("agents", again).unwrap_err().to_string(),
        "table TICKETS: cannot be opened for module agents: module tickets has opened Tickets already"
    );
    assert!(writer.open_table("tickets", Table::new("No__Name")).is_err());
    table.write(&[Value::Int(1), Value::Null]).unwrap();
    assert_eq!(
        table.write(&[Value::Int(2)]).unwrap_err().to_string(),
        "table Tickets: row 2 has 1 cells where the table has 2 columns"
    );
    table.write(&[Value::Int(2), Value::Null]).unwrap();
    assert_eq!(table.rows(), 2);
    let csv = "Ticket Id,\"Subject, in short\"\r\nid,subject\r\n1,\r\n2,\r\n";
    assert_eq!(table.bytes(), csv.len() as u64);
    let summary = table.close().unwrap();
    assert_eq!((summary.rows, summary.bytes, summary.files), (2, csv.len() as u64, 1));
    assert_eq!(finish(writer).unwrap().report.rows, 2);
}
