//! Two backups of a desk in one second, and what is found of them afterwards.

use std::fs;

use plugin_api::{Kind, Value};
use tokio_util::sync::CancellationToken;

use super::{create, finish, head, names, outcome, settings, small, tickets, time, verify};
use crate::archive::settings::Settings;
use crate::archive::{ArchiveError, Digest, Head, State, Writer, manifest, published};

const FIRST: &str = "support-full-20260102T030405Z";

fn named(settings: &Settings, backup: &str) -> Writer {
    let head = Head {
        backup: backup.to_owned(),
        ..head()
    };
    let writer = Writer::create(settings, head, CancellationToken::new()).unwrap();
    writer.open_table("tickets", tickets()).unwrap().close().unwrap();
    writer
}

#[test]
fn backups_of_one_second_get_numbers_and_keep_off_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    // Side by side.
    let (first, second) = (named(&settings, "b-1"), named(&settings, "b-2"));
    let spools = [
        format!(".deskvault-{FIRST}-2.spool"),
        format!(".deskvault-{FIRST}.spool"),
    ];
    assert_eq!(names(folder.path()), spools);
    let second = finish(second).unwrap().path;
    let first = finish(first).unwrap().path;
    // One after the other, whatever state the others are in.
    let incomplete = || {
        let mut outcome = outcome();
        outcome.reasons.push("why".to_owned());
        named(&settings, "b-3").finish(outcome, &|_, _| {}).unwrap().path
    };
    let (third, fourth) = (incomplete(), finish(named(&settings, "b-4")).unwrap().path);
    let paths = [first, second, third, fourth];
    let endings = [".zip", "-2.zip", "-3-incomplete.zip", "-4.zip"];
    for ((path, ending), number) in paths.iter().zip(endings).zip(1..) {
        assert_eq!(*path, folder.path().join(format!("{FIRST}{ending}")));
        assert_eq!(manifest(path).unwrap().backup, format!("b-{number}"));
        assert!(verify(path).unwrap().is_sound());
    }
    let started = time("2026-01-02T03:04:05.999Z");
    let mut found = published(folder.path(), "support", Kind::Full, started).unwrap();
    let mut paths = paths.to_vec();
    found.sort();
    paths.sort();
    assert_eq!(found, paths);
    // Neither other names nor what is no file.
    fs::write(folder.path().join(format!("{FIRST}.zip.part")), "").unwrap();
    fs::create_dir(folder.path().join(format!("{FIRST}-9.zip"))).unwrap();
    assert_eq!(published(folder.path(), "support", Kind::Full, started).unwrap(), paths);
    for (desk, kind, started) in [
        ("support", Kind::Custom, started),
        ("suppor", Kind::Full, started),
        ("support", Kind::Full, time("2026-01-02T03:04:06Z")),
    ] {
        assert!(published(folder.path(), desk, kind, started).unwrap().is_empty());
    }
    assert!(
        published(&folder.path().join("none"), "support", Kind::Full, started)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn many_that_start_at_once_all_get_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    std::thread::scope(|scope| {
        for number in 0..8 {
            let settings = &settings;
            scope.spawn(move || finish(named(settings, &number.to_string())).unwrap());
        }
    });
    let found = published(folder.path(), "support", Kind::Full, head().started).unwrap();
    let mut backups: Vec<String> = found.iter().map(|path| manifest(path).unwrap().backup).collect();
    backups.sort();
    assert_eq!(backups, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(names(folder.path()).len(), 8, "{:?}", names(folder.path()));
}

#[test]
fn the_limit_of_records_is_a_state_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let reached = |reasons: &[&str], keys: &[i64]| {
        let writer = create(&settings);
        let mut table = writer.open_table("tickets", tickets()).unwrap();
        for key in keys {
            table.write(&[Value::Int(*key), Value::Null]).unwrap();
        }
        table.close().unwrap();
        let mut outcome = outcome();
        outcome.limit_reached = true;
        outcome.reasons = reasons.iter().map(ToString::to_string).collect();
        writer.finish(outcome, &|_, _| {}).unwrap()
    };
    let published = reached(&["Tickets: stopped behind row 2"], &[1, 2]);
    assert_eq!(published.path, folder.path().join(format!("{FIRST}-limit-reached.zip")));
    let report = verify(&published.path).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.manifest.state, State::LimitReached);
    assert_eq!(report.manifest.reasons, ["Tickets: stopped behind row 2"]);
    let json = serde_json::to_value(&report.manifest).unwrap();
    assert_eq!(json["state"], "limit-reached");
    // What else is wrong with it does not change that; nor can it be taken for complete.
    let published = reached(&["Tickets: stopped behind row 3"], &[1, 2, 1]);
    assert_eq!(
        published.path,
        folder.path().join(format!("{FIRST}-2-limit-reached.zip"))
    );
    assert_eq!(published.report.manifest.reasons.len(), 2);
    assert_eq!(verify(&published.path).unwrap().manifest.state, State::LimitReached);
    assert_eq!(
        reached(&[], &[1]).report.manifest.reasons,
        ["the limit of records was reached"]
    );
}

#[test]
fn the_digest_is_that_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let published = finish(named(&settings, "b")).unwrap();
    assert_eq!(published.sha256, Digest::of_file(&published.path).unwrap());
    // Joined twice, because a key repeats.
    let writer = create(&settings);
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    for _ in 0..2 {
        table.write(&[Value::Int(1), Value::Null]).unwrap();
    }
    table.close().unwrap();
    let published = finish(writer).unwrap();
    assert_eq!(published.sha256, Digest::of_file(&published.path).unwrap());
}

#[test]
fn a_manifest_is_read_without_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let whole = verify(&path).unwrap().manifest;
    assert_eq!(manifest(&path).unwrap(), whole);
    let other = folder.path().join("other.zip");
    fs::write(&other, "no archive").unwrap();
    assert!(matches!(manifest(&other), Err(ArchiveError::NotAnArchive { .. })));
    assert!(matches!(
        manifest(folder.path()),
        Err(ArchiveError::NotAnArchive { .. })
    ));
    assert!(matches!(
        manifest(&folder.path().join("none")),
        Err(ArchiveError::Io { .. })
    ));
}
