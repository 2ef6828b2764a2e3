//! An archive that was gone on with is byte for byte the one that was not interrupted.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use plugin_api::Value;
use tokio_util::sync::CancellationToken;

use super::{head, outcome, settings, tickets};
use crate::archive::settings::Settings;
use crate::archive::{
    ArchiveError, Held, Prepared, Resumption, State, TableMark, TableWriter, Writer, forget_tails, reserve, settle,
};

const ROWS: u64 = 700;

/// Text that packs badly, so that a block is soon full.
fn text(row: u64) -> String {
    let mut state = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    for _ in 0..400 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        writeln!(text, "{state:x}").unwrap();
    }
    text
}

fn rows(table: &mut TableWriter, rows: std::ops::Range<u64>) {
    for row in rows {
        table
            .write(&[Value::Int(row.cast_signed()), Value::Text(&text(row))])
            .unwrap();
    }
}

fn small(folder: &Path) -> Settings {
    Settings {
        rows_per_part: 300,
        ..settings(folder)
    }
}

fn take(spool: &Path, keep: &BTreeSet<String>) -> (Writer, bool) {
    // What the configuration says by then does not count.
    let folder = spool.parent().unwrap();
    let settings = if keep.is_empty() {
        small(folder)
    } else {
        Settings {
            rows_per_part: 7,
            byte_order_mark: true,
            ..settings(folder)
        }
    };
    Writer::take(&settings, head(), spool, keep, CancellationToken::new()).unwrap()
}

fn reserved(folder: &Path) -> PathBuf {
    let head = head();
    reserve(folder, &head.desk, head.kind, head.started).unwrap()
}

fn finish(writer: Writer) -> Vec<u8> {
    let published = writer.finish(outcome(), &|_, _| {}).unwrap();
    assert!(published.path.ends_with("archive.zip"));
    fs::read(published.path).unwrap()
}

fn files(marks: &[TableMark]) -> BTreeSet<String> {
    marks.iter().flat_map(TableMark::files).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn open(resumed: Vec<Resumption>) -> TableWriter {
    let Some(Resumption::Open(table)) = resumed.into_iter().next() else {
        panic!("no open table");
    };
    *table
}

/// A backup that is interrupted behind each of these rows, and what its spool folder and marks were then; and its archive.
struct Interrupted {
    folder: tempfile::TempDir,
    at: Vec<(u64, Vec<TableMark>)>,
    archive: Vec<u8>,
}

fn interrupted() -> Interrupted {
    let folder = tempfile::tempdir().unwrap();
    let spool = reserved(folder.path());
    let (writer, known) = take(&spool, &BTreeSet::new());
    assert!(known, "where nothing is, nothing is unknown");
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    let (mut at, mut from) = (Vec::new(), 0);
    let mut before: Vec<TableMark> = Vec::new();
    let stops = [0, 1, 30, 41, 42, 43, 150, 299, 300, 301, 599, 600, ROWS, ROWS];
    for [to, next] in stops.array_windows() {
        let to = *to;
        rows(&mut table, from..to);
        table.desk_count(to);
        let snapshot = table.snapshot().unwrap();
        // It is gone on with before it is on the disk.
        let more = (to + 20).min(*next);
        rows(&mut table, to..more);
        from = more;
        let marks = settle(&spool, &[snapshot], at.len() as u64 + 1, &before, None).unwrap();
        assert_eq!(marks[0].rows(), to);
        forget_tails(&spool, &before, &marks);
        copy(&spool, &folder.path().join(format!("{to}")));
        before.clone_from(&marks);
        at.push((to, marks));
    }
    table.desk_count(ROWS);
    let (_, closed) = table.finish().unwrap();
    let marks = settle(&spool, &[closed], 99, &before, None).unwrap();
    assert!(marks[0].open.is_none());
    copy(&spool, &folder.path().join("closed"));
    at.push((u64::MAX, marks));
    let archive = finish(writer);
    Interrupted { folder, at, archive }
}

#[test]
fn is_byte_for_byte_the_same_wherever_it_was_interrupted() {
    let Interrupted { folder, at, archive } = interrupted();
    for (number, (rows_before, marks)) in at.iter().enumerate() {
        let left = match rows_before {
            &u64::MAX => "closed".to_owned(),
            rows => rows.to_string(),
        };
        let spool = reserved(&folder.path().join(format!("again-{number}")));
        copy(&folder.path().join(left), &spool);
        // What no mark names is nobody's.
        fs::write(spool.join("archive.zip"), "half").unwrap();
        fs::write(spool.join("Other__1.csv.deflate"), "half").unwrap();
        let (writer, known) = take(&spool, &files(marks));
        assert!(known && !spool.join("archive.zip").exists() && !spool.join("Other__1.csv.deflate").exists());
        let resumed = writer.resume("tickets", marks).unwrap();
        if *rows_before < u64::MAX {
            let mut table = open(resumed);
            assert_eq!(table.rows(), *rows_before);
            rows(&mut table, *rows_before..ROWS);
            table.desk_count(ROWS);
            table.close().unwrap();
        } else {
            let Some(Resumption::Closed(summary)) = resumed.first() else {
                panic!("{resumed:?}");
            };
            assert_eq!(summary.rows, ROWS);
        }
        assert!(finish(writer) == archive, "interrupted behind row {rows_before}");
    }
}

type Harm = fn(&Path);
type Change = fn(&mut TableMark);

#[test]
fn a_file_that_is_not_what_its_mark_says_is_named_and_the_module_can_start_over() {
    let Interrupted { folder, at, archive } = interrupted();
    let (_, marks) = at.iter().find(|(rows, _)| *rows == 301).unwrap();
    let tail = marks[0].open.as_ref().unwrap().tail.clone();
    let (finished, part) = ("Tickets__1.csv.deflate", "Tickets__2.csv.deflate");
    let cut: Harm = |path| {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    };
    let flip: Harm = |path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[5] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let grow: Harm = |path| {
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"more").unwrap();
    };
    let remove: Harm = |path| fs::remove_file(path).unwrap();
    for (number, (file, harm, is_fine)) in [
        (finished, cut, false),
        (finished, flip, false),
        (finished, grow, false),
        (finished, remove, false),
        (part, remove, false),
        // Written behind the mark, as ever.
        (part, grow, true),
        (tail.as_str(), cut, false),
        (tail.as_str(), flip, false),
        (tail.as_str(), grow, false),
        (tail.as_str(), remove, false),
    ]
    .into_iter()
    .enumerate()
    {
        let spool = reserved(&folder.path().join(format!("harm-{number}")));
        copy(&folder.path().join("301"), &spool);
        harm(&spool.join(file));
        let (writer, _) = take(&spool, &files(marks));
        let resumed = writer.resume("tickets", marks);
        let (mut table, from) = match resumed {
            Ok(resumed) => {
                assert!(is_fine, "{file}");
                (open(resumed), 301)
            }
            Err(error @ ArchiveError::Differs { .. }) => {
                assert!(!is_fine && error.to_string().contains(file), "{error}");
                (writer.open_table("tickets", tickets()).unwrap(), 0)
            }
            Err(error) => panic!("{error}"),
        };
        rows(&mut table, from..ROWS);
        table.desk_count(ROWS);
        table.close().unwrap();
        assert!(finish(writer) == archive, "{file}");
    }
}

#[test]
fn a_mark_leads_nowhere_else() {
    let Interrupted { folder, at, .. } = interrupted();
    let (_, marks) = at.iter().find(|(rows, _)| *rows == 301).unwrap();
    let outside = folder.path().join("outside");
    fs::write(&outside, "mine").unwrap();
    let part = folder.path().join("outside__1.csv.deflate");
    fs::write(&part, "mine").unwrap();
    let changes: [Change; 7] = [
        |mark| mark.open.as_mut().unwrap().rows = u64::MAX,
        |mark| mark.parts[0].rows = u64::MAX,
        |mark| mark.table.name = "../../outside".into(),
        |mark| mark.open.as_mut().unwrap().tail = "../../outside".into(),
        |mark| mark.open.as_mut().unwrap().blocks = u64::MAX,
        |mark| mark.open.as_mut().unwrap().blocks += 1,
        |mark| mark.parts[0].name = "../../outside".into(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let spool = reserved(&folder.path().join(format!("lead-{number}")));
        copy(&folder.path().join("301"), &spool);
        let mut marks = marks.clone();
        change(&mut marks[0]);
        let (writer, _) = take(&spool, &files(&marks));
        assert!(writer.resume("tickets", &marks).is_err());
        writer.forget(&marks).unwrap();
    }
    assert_eq!(fs::read(&part).unwrap(), b"mine");
    assert_eq!(fs::read(&outside).unwrap(), b"mine");
}

#[test]
fn is_published_once_whatever_interrupted_that() {
    let folder = tempfile::tempdir().unwrap();
    let spool = reserved(folder.path());
    let (writer, _) = take(&spool, &BTreeSet::new());
    let refused = Held::take(&spool, "b-1", head().started);
    assert!(
        matches!(refused, Err(ArchiveError::InUse { owner: Some(_), .. })),
        "{refused:?}"
    );
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    rows(&mut table, 0..3);
    table.close().unwrap();
    let published = writer.finish(outcome(), &|_, _| {}).unwrap();
    let sha256 = published.sha256.to_string();
    let prepared = Prepared {
        backup: "b-1",
        state: State::Complete,
        sha256: &sha256,
    };
    let held = Held::take(&spool, "b-1", head().started).unwrap();
    let publish = |prepared: &Prepared<'_>| held.publish(prepared, &|_, _| {}, &CancellationToken::new());
    for wrong in [
        Prepared {
            backup: "b-2",
            ..prepared
        },
        Prepared {
            state: State::Incomplete,
            ..prepared
        },
        Prepared {
            sha256: "00",
            ..prepared
        },
    ] {
        assert!(publish(&wrong).is_err());
        assert!(spool.join("archive.zip").exists());
    }
    let first = publish(&prepared).unwrap();
    assert_eq!(
        (&first.path, first.sha256),
        (&held.archive(State::Complete), published.sha256)
    );
    assert!(!spool.join("archive.zip").exists());
    // The name was given, and whoever gave it did not come to say so; or power was lost while it was moved.
    assert_eq!(publish(&prepared).unwrap().path, first.path);
    fs::copy(&first.path, spool.join("archive.zip")).unwrap();
    assert_eq!(publish(&prepared).unwrap().path, first.path);
    // What lies there is another one: it stays.
    fs::write(&first.path, "mine").unwrap();
    assert!(matches!(publish(&prepared), Err(ArchiveError::Exists(_))));
    assert_eq!(fs::read(&first.path).unwrap(), b"mine");
    held.remove().unwrap();
    assert!(!spool.exists());
}
