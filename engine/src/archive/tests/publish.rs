//! Published whole or not at all.

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use plugin_api::{Column, Table, Value};
use tokio_util::sync::CancellationToken;

use super::{create, finish, head, names, outcome, settings, small, tickets, verify};
use crate::archive::settings::Settings;
use crate::archive::{ArchiveError, Module, ModuleState, State, Writer};

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
    // A second backup with the same name keeps off the first one's parts.
    let error = Writer::create(&settings(folder.path()), head(), CancellationToken::new()).unwrap_err();
    assert!(error.to_string().ends_with(spool), "{error}");
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
    let target = folder.path().join("support-full-20260102T030405Z.zip");
    fs::write(&target, "precious").unwrap();
    let writer = create(&settings(folder.path()));
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

#[test]
fn an_archive_that_does_not_verify_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let writer = create(&settings(folder.path()));
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    for id in [1, 2, 1] {
        table.write(&[Value::Int(id), Value::Null]).unwrap();
    }
    table.close().unwrap();
    match finish(writer).unwrap_err() {
        ArchiveError::Unsound(problems) => {
            assert_eq!(problems, ["Tickets__1.csv row 3: the same key as Tickets__1.csv row 1"]);
        }
        other => panic!("{other}"),
    }
    assert!(names(folder.path()).is_empty());
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
