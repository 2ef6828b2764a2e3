//! What `verify` asks of the rows: archives whose hashes are right, but whose content is not.

use std::fs;

use flate2::{Compress, Compression, FlushCompress};
use plugin_api::{Column, Value};

use super::{create, finish, put_together, settings, small, take_apart, threads, tickets, verify};
use crate::archive::settings::Settings;
use crate::archive::table_writer::MAX_ROW;
use crate::archive::{Digest, Manifest, Report, State};

/// Replaces the CSV of the small archive's first file, and makes all else of it right.
fn forge(csv: &[u8], rows: u64, change: impl FnOnce(&mut Manifest)) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let (mut manifest, mut pieces) = take_apart(&path);
    let mut packed = Vec::with_capacity(csv.len() + 1000);
    Compress::new(Compression::fast(), false)
        .compress_vec(csv, &mut packed, FlushCompress::Finish)
        .unwrap();
    let table = &mut manifest.tables[0];
    let file = &mut table.files[0];
    table.rows = table.rows - file.rows + rows;
    file.rows = rows;
    file.bytes = csv.len() as u64;
    file.crc32 = crc32fast::hash(csv);
    file.sha256 = Digest::of(csv);
    file.packed_bytes = packed.len() as u64;
    file.packed_sha256 = Digest::of(&packed);
    pieces[0].crc32 = file.crc32;
    pieces[0].plain = file.bytes;
    pieces[0].packed = packed;
    change(&mut manifest);
    let text = manifest.to_json().unwrap();
    let last = pieces.last_mut().unwrap();
    (last.crc32, last.plain) = (crc32fast::hash(&text), text.len() as u64);
    last.packed = text;
    fs::write(&path, put_together(&pieces, manifest.started)).unwrap();
    verify(&path).unwrap()
}

fn check(csv: &str, rows: u64, expected: &[&str]) {
    assert_eq!(forge(csv.as_bytes(), rows, |_| {}).problems, expected, "{csv:?}");
}

const HEAD: &str = "Ticket Id,\"Subject, in short\"\r\nid,subject\r\n";

#[test]
fn rows_are_held_against_the_manifest() {
    check(&format!("{HEAD}1,a\r\n2,b\r\n"), 2, &[]);
    check(
        &format!("{HEAD}1,a\r\n2,b\r\n"),
        3,
        &["Tickets__1.csv: it has 2 rows, the manifest says 3"],
    );
    check(
        &format!("{HEAD}1,a\r\n2\r\n4,b,c,d,e,f\r\n"),
        3,
        &[
            "Tickets__1.csv: row 2 has 1 columns where the table has 2",
            "Tickets__1.csv: row 3 has 6 columns where the table has 2",
        ],
    );
    check(
        "Ticket Id,Subject\r\nid,subject\r\n",
        0,
        &["Tickets__1.csv: the row of labels differs from the manifest"],
    );
    check(
        "Ticket Id,\"Subject, in short\"\r\nid\r\n",
        0,
        &["Tickets__1.csv: the row of names differs from the manifest"],
    );
    check(
        "",
        0,
        &[
            "Tickets__1.csv: the row of labels differs from the manifest",
            "Tickets__1.csv: the row of names differs from the manifest",
        ],
    );
    check(
        &format!("\u{feff}{HEAD}"),
        0,
        &["Tickets__1.csv: it has a byte-order mark, against the manifest"],
    );
    // A field without end takes the rest of the file with it.
    check(
        &format!("{HEAD}1,\"a\r\n2,b\r\n"),
        2,
        &["Tickets__1.csv: it has 1 rows, the manifest says 2"],
    );
}

#[test]
fn rows_are_utf_8() {
    let csv = |row: &[u8]| [HEAD.as_bytes(), row].concat();
    for (row, expected) in [
        (&b"1,\xE3\x81\x82\r\n"[..], None),
        (&b"1,\xFF\r\n"[..], Some("Tickets__1.csv: row 1 is not UTF-8")),
        // One letter over two cells.
        (&b"\xE3,\x81\x82\r\n"[..], Some("Tickets__1.csv: row 1 is not UTF-8")),
    ] {
        let problems = forge(&csv(row), 1, |_| {}).problems;
        assert_eq!(problems.first().map(ToString::to_string).as_deref(), expected);
    }
}

#[test]
fn many_problems_are_counted_not_listed() {
    let report = forge(format!("{HEAD}{}", "1\r\n".repeat(1000)).as_bytes(), 1000, |_| {});
    assert_eq!((report.problems.len(), report.more_problems), (5, 995));
}

#[test]
fn keys_are_unique_over_all_parts() {
    // Row 3 of the table, in its second part, has the key 3.
    check(
        &format!("{HEAD}3,a\r\n2,b\r\n"),
        2,
        &["Tickets__2.csv: row 1 has the same key as Tickets__1.csv row 1"],
    );
    let report = forge(format!("{HEAD}3,a\r\n2,b\r\n").as_bytes(), 2, |manifest| {
        manifest.tables[0].key.push("subject".to_owned());
    });
    assert!(report.is_sound(), "{:?}", report.problems);
    let report = forge(format!("{HEAD}1,a\r\n1,a\r\n").as_bytes(), 2, |manifest| {
        manifest.tables[0].key.push("subject".to_owned());
    });
    assert_eq!(
        report.problems,
        ["Tickets__1.csv: row 2 has the same key as Tickets__1.csv row 1"]
    );
    let report = forge(format!("{HEAD}1,a\r\n1,a\r\n").as_bytes(), 2, |manifest| {
        manifest.tables[0].key.clear();
    });
    assert!(report.is_sound(), "{:?}", report.problems);
}

#[test]
fn repeated_keys_are_held_against_the_manifest() {
    let twice = format!("{HEAD}3,a\r\n2,b\r\n");
    let forge = |csv: &str, repeated| {
        forge(csv.as_bytes(), 2, |manifest| {
            manifest.tables[0].repeated_keys = repeated;
            manifest.state = State::Incomplete;
            manifest.reasons.push("keys repeat".to_owned());
        })
    };
    let report = forge(&twice, 1);
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(
        report.notes[0],
        "table Tickets: 1 row repeats the key of another row, as the manifest says, first Tickets__2.csv row 1"
    );
    assert_eq!(report.repeated_keys.len(), 1);
    let problems = forge(&twice, 2).problems;
    let files: Vec<_> = problems.iter().map(|problem| problem.file.as_deref()).collect();
    assert_eq!(files, [None, Some("Tickets__2.csv")]);
    assert_eq!(
        problems,
        [
            "table Tickets: 1 row repeats the key of another row, the manifest says 2",
            "Tickets__2.csv: row 1 has the same key as Tickets__1.csv row 1",
        ]
    );
    assert_eq!(
        forge(&format!("{HEAD}1,a\r\n2,b\r\n"), 1).problems,
        ["table Tickets: 0 rows repeat the key of another row, the manifest says 1"]
    );
}

#[test]
fn rows_without_their_parent_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let writer = create(&Settings {
        rows_per_part: 3,
        ..settings(folder.path())
    });
    // The children first: parents may be anywhere.
    let child = threads()
        .column(Column::new("agent", "Agent"))
        .child_of("Agents", "agent");
    let mut table = writer.open_table("tickets", child).unwrap();
    for id in 0..20 {
        let parent = if id == 7 { Value::Null } else { Value::Int(id % 10) };
        table.write(&[Value::Int(id), parent, Value::Text("x")]).unwrap();
    }
    table.close().unwrap();
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    for id in 0..8 {
        table.write(&[Value::Int(id), Value::Null]).unwrap();
    }
    table.close().unwrap();
    let report = finish(writer).unwrap().report;
    assert_eq!(
        report.notes,
        [
            "table Threads: parents in Agents are not checked: the archive has no such table",
            "table Threads: 4 rows whose ticketId is in no row of Tickets, first Threads__3.csv row 3, \
             Threads__4.csv row 1, Threads__7.csv row 1",
        ]
    );
}

#[test]
fn what_unpacks_to_more_than_it_says_is_stopped() {
    // 4 MiB of one letter; the manifest says one byte.
    let csv = [HEAD.as_bytes(), &vec![b'a'; 1 << 22]].concat();
    let report = forge(&csv, 1, |manifest| manifest.tables[0].files[0].bytes = 1);
    assert!(
        report
            .problems
            .iter()
            .any(|problem| *problem == "Tickets__1.csv: it unpacks to more than the 1 bytes of the manifest"),
        "{:?}",
        report.problems
    );
    assert!(report.bytes < 1 << 20);
}

#[test]
fn a_row_without_end_is_neither_written_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    let writer = create(&settings(folder.path()));
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    let long = "a".repeat(MAX_ROW - 4);
    let error = table.write(&[Value::Int(10), Value::Text(&long)]).unwrap_err();
    let expected = format!("table Tickets: row 1 has {} bytes, more than {MAX_ROW}", MAX_ROW + 1);
    assert_eq!(error.to_string(), expected);
    table.write(&[Value::Int(1), Value::Text(&long)]).unwrap();
    table.close().unwrap();
    assert_eq!(finish(writer).unwrap().report.rows, 1);

    let csv = [HEAD.as_bytes(), b"1,\"", long.as_bytes(), long.as_bytes()].concat();
    let report = forge(&csv, 1, |_| {});
    let expected = format!("Tickets__1.csv: a row is larger than {MAX_ROW} bytes");
    assert_eq!(report.problems, [expected.as_str()]);
}
