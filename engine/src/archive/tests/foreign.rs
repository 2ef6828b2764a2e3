//! Files that are no archives of ours, and manifests that lie.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{put_together, small, take_apart, verify};
use crate::archive::{ArchiveError, Manifest, Module, ModuleState, State};

fn refused(path: &Path) -> String {
    match verify(path) {
        Err(ArchiveError::NotAnArchive { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_that_are_no_archives_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.zip");
    let no_end = "it does not end with a ZIP's end record: it is truncated, has something behind it, or is no ZIP";
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for (bytes, expected) in [
        (&b""[..], "it has only 0 bytes"),
        (b"PK\x05\x06", "it has only 4 bytes"),
        (&noise, no_end),
    ] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(refused(&path), expected);
    }
    assert_eq!(refused(folder.path()), "it is no file");

    let mut writer = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    writer.finish().unwrap();
    assert_eq!(refused(&path), "it has no manifest.json, among 0 entries");
    for text in ["{}", "not JSON"] {
        writer = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        writer
            .start_file("manifest.json", zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap();
        assert!(refused(&path).starts_with("manifest.json: "), "{}", refused(&path));
    }

    let whole = fs::read(small(folder.path())).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(refused(&path), no_end);
    fs::write(&path, &whole[whole.len() / 2..]).unwrap();
    verify(&path).unwrap_err();
    let error = verify(&folder.path().join("none.zip")).unwrap_err();
    assert!(matches!(error, ArchiveError::Io { action: "open", .. }), "{error}");
}

/// The small archive's manifest, changed; what is said of it.
fn changed(change: impl FnOnce(&mut Value)) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, _) = take_apart(&small(folder.path()));
    let mut value = serde_json::to_value(&manifest).unwrap();
    change(&mut value);
    Manifest::parse(&serde_json::to_vec(&value).unwrap()).err()
}

#[test]
fn manifests_are_checked() {
    assert_eq!(changed(|_| {}), None);
    // What a later version may add.
    assert_eq!(changed(|manifest| manifest["signed_by"] = json!({"a": [1, 2]})), None);
    let set = |pointer: &'static str, to: Value| {
        changed(move |manifest| *manifest.pointer_mut(pointer).unwrap() = to).unwrap_or_default()
    };
    for (pointer, to, expected) in [
        (
            "/format",
            json!(2),
            "format 2 is not known, only 1: use a newer deskvault to read this archive",
        ),
        (
            "/state",
            json!("incomplete"),
            "an archive has reasons if, and only if, it is not complete",
        ),
        (
            "/tables/0/files/0/name",
            json!("../x__1.csv"),
            "table Tickets: its file 1 must be called Tickets__1.csv, not \"../x__1.csv\"",
        ),
        (
            "/tables/0/files/1/name",
            json!("Tickets__3.csv"),
            "table Tickets: its file 2 must be called Tickets__2.csv, not \"Tickets__3.csv\"",
        ),
        ("/tables/0/files", json!([]), "table Tickets: has no file"),
        (
            "/tables/0/rows",
            json!(4),
            "table Tickets: says 4 rows, its files say 3",
        ),
        (
            "/tables/0/files/0/rows",
            json!(u64::MAX),
            "table Tickets: its numbers are too large to be true",
        ),
        (
            "/tables/0/files/0/packed_bytes",
            json!(1_u64 << 63),
            "table Tickets: its numbers are too large to be true",
        ),
        ("/tables/1/name", json!("TICKETS"), "table TICKETS: is there twice"),
        (
            "/tables/1/module",
            json!("agents"),
            "table Threads: its module is not among the modules",
        ),
        (
            "/tables/0/key",
            json!(["none"]),
            "table Tickets: names \"none\" as key or parent, but has no such column",
        ),
        (
            "/tables/0/key",
            json!(["id", "subject", "id"]),
            "table Tickets: names \"id\" twice as key",
        ),
        (
            "/tables/0/columns/1/name",
            json!("id"),
            "table Tickets: has two columns called \"id\"",
        ),
    ] {
        assert_eq!(set(pointer, to), expected);
    }
    for (pointer, to) in [
        ("/tables/0/name", json!("../../etc/passwd")),
        ("/tables/0/columns", json!([])),
        ("/tables/0/rows", json!(-1)),
        ("/tables/0/rows", json!(1.5)),
        ("/tables/0/rows", json!("3")),
        ("/tables/0/files/0/sha256", json!("00")),
        ("/tables/0/files/0/sha256", json!("Z".repeat(64))),
        ("/tables/0/files/0/crc32", json!(1_u64 << 32)),
        ("/tables", json!({})),
        ("/tables", Value::Null),
        ("/started", json!("yesterday")),
        ("/kind", json!("whole")),
    ] {
        assert_ne!(set(pointer, to), "", "{pointer}");
    }
    for text in [
        "",
        "[]",
        "null",
        "{\"format\":1}",
        "{\"format\":1,\"format\":1}",
        "{\"format\":-1}",
    ] {
        assert!(Manifest::parse(text.as_bytes()).is_err(), "{text}");
    }
    let deep = format!("{{\"format\":1,\"x\":{}", "[".repeat(1_000_000));
    assert!(Manifest::parse(deep.as_bytes()).is_err());
}

#[test]
fn manifests_are_bounded() {
    for (pointer, to, expected) in [
        (
            "/modules",
            json!(vec![json!({"module": "tickets", "state": "complete"}); 2]),
            "names a module twice",
        ),
        (
            "/modules",
            json!(vec![json!({"module": "tickets", "state": "complete"}); 10_001]),
            "names 10001 modules, more than 10000",
        ),
        (
            "/plugins",
            json!(vec![json!({"module": "tickets", "version": "1", "file": "a"}); 10_001]),
            "names 10001 plugins, more than 10000",
        ),
    ] {
        let found = changed(move |manifest| *manifest.pointer_mut(pointer).unwrap() = to);
        assert_eq!(found.as_deref(), Some(expected));
    }
    let incomplete = |reasons: usize| {
        changed(move |manifest| {
            manifest["state"] = json!("incomplete");
            manifest["reasons"] = json!(vec!["r"; reasons]);
        })
    };
    assert_eq!(incomplete(10_000), None);
    assert_eq!(
        incomplete(10_001).as_deref(),
        Some("names 10001 reasons, more than 10000")
    );
    for (repeated, expected) in [
        (
            3,
            "table Tickets: repeats keys, but the archive says that it is complete",
        ),
        (4, "table Tickets: has more repeated keys than rows"),
    ] {
        let found = changed(move |manifest| manifest["tables"][0]["repeated_keys"] = json!(repeated));
        assert_eq!(found.as_deref(), Some(expected));
    }
}

#[test]
fn many_notes_are_counted_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let (mut manifest, mut pieces) = take_apart(&path);
    manifest.state = State::Incomplete;
    manifest.reasons = (0..4000)
        .map(|number| format!("module {number} was skipped: why"))
        .collect();
    manifest.modules.extend((0..9999).map(|number| Module {
        module: number.to_string(),
        state: ModuleState::Skipped,
        reason: None,
    }));
    let text = manifest.to_json().unwrap();
    let last = pieces.last_mut().unwrap();
    (last.crc32, last.plain) = (crc32fast::hash(&text), text.len() as u64);
    last.packed = text;
    fs::write(&path, put_together(&pieces, manifest.started)).unwrap();
    let report = verify(&path).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.notes.len(), 1001);
    assert_eq!(report.notes[0], "module 4000 was skipped: no reason given");
    assert_eq!(report.notes[1000], "4999 more notes");
}

#[test]
fn a_manifest_that_points_beyond_the_file_is_no_danger() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let (mut manifest, mut pieces) = take_apart(&path);
    for packed_bytes in [1 << 20, (1 << 59) - 1] {
        manifest.tables[0].files[0].packed_bytes = packed_bytes;
        let text = manifest.to_json().unwrap();
        let last = pieces.last_mut().unwrap();
        (last.crc32, last.plain) = (crc32fast::hash(&text), text.len() as u64);
        last.packed = text;
        fs::write(&path, put_together(&pieces, manifest.started)).unwrap();
        let problems = verify(&path).unwrap().problems;
        assert!(
            problems
                .iter()
                .any(|problem| problem.file.as_deref() == Some("Tickets__1.csv")),
            "{problems:?}"
        );
    }
}
