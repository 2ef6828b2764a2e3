//! What goes in comes out: through other people's readers.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use plugin_api::{Column, Table, Value};
use tokio_util::sync::CancellationToken;

use super::{Piece, create, finish, head, outcome, put_together, settings, small, threads, tickets, time};
use crate::archive::pack::BLOCK;
use crate::archive::settings::{Headers, Settings};
use crate::archive::verify::verify_with;
use crate::archive::zip_format::{Layout, Limits, ZIP_32};
use crate::archive::{Published, Writer};

#[path = "../../../benches/common/rows.rs"]
mod rows;

const NASTY: [&str; 22] = [
    "",
    "plain",
    "a,b",
    "\"",
    "\"\"",
    "say \"hi\", twice",
    "one\ntwo",
    "one\r\ntwo",
    "lone\rreturn",
    "\n",
    "\r",
    "nul\0inside",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    " padded ",
    "\u{feff}mark",
    "日本語のチケット",
    "🎫👩‍👩‍👧",
    "\u{202e}right to left שלום",
    "';DROP TABLE--",
];

/// Every entry's records by the `zip` and `csv` crates.
fn read_back(path: &Path) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let csv = names.into_iter().filter(|name| name != "manifest.json");
    csv.map(|name| {
        let mut text = Vec::new();
        archive.by_name(&name).unwrap().read_to_end(&mut text).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]);
        let records = reader
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect());
        let records = records.collect();
        (name, records)
    })
    .collect()
}

/// Whether a program is here; says so in words where it is not.
#[allow(clippy::print_stderr)]
fn is_here(program: &str) -> bool {
    let here = Command::new(program).arg("--help").output().is_ok();
    if !here {
        eprintln!("skipped: {program} is not installed, so the archive was not read with it");
    }
    here
}

fn runs(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Reads the archive with unzip, Python and 7-Zip, where they are here.
fn read_with_others(path: &Path) {
    if is_here("unzip") {
        assert!(runs(Command::new("unzip").arg("-t").arg(path)).contains("No errors detected"));
    }
    if is_here("7z") {
        assert!(runs(Command::new("7z").arg("t").arg(path)).contains("Everything is Ok"));
    }
    if is_here("python3") {
        let script = "
import csv, hashlib, io, json, sys, zipfile
csv.field_size_limit(1 << 30)
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
manifest = json.loads(archive.read('manifest.json'))
files = [(table, file) for table in manifest['tables'] for file in table['files']]
assert archive.namelist() == [file['name'] for _, file in files] + ['manifest.json']
heads = 2 if manifest['headers'] == 'both' else 1
for table, file in files:
    data = archive.read(file['name'])
    assert hashlib.sha256(data).hexdigest() == file['sha256'] and len(data) == file['bytes']
    rows = list(csv.reader(io.StringIO(data.decode('utf-8-sig'), newline='')))
    assert len(rows) == file['rows'] + heads, (len(rows), file)
    assert all(len(row) == len(table['columns']) for row in rows)
print('read')
";
        assert!(runs(Command::new("python3").arg("-c").arg(script).arg(path)).contains("read"));
    }
}

#[test]
fn nasty_values_come_back_as_they_were() {
    for (headers, byte_order_mark) in [(Headers::Both, false), (Headers::Labels, true), (Headers::Names, false)] {
        let folder = tempfile::tempdir().unwrap();
        let writer = create(&Settings {
            headers,
            byte_order_mark,
            rows_per_part: 5,
            ..settings(folder.path())
        });
        let table = Table::new("Nasty")
            .columns([
                Column::new("id", "Ид"),
                Column::new("a", "\"A\", quoted"),
                Column::new("b", "B\nnext line"),
            ])
            .key(["id"]);
        let mut writer_table = writer.open_table("tickets", table).unwrap();
        let single = Table::new("Single").column(Column::new("only", "Only"));
        let mut single = writer.open_table("tickets", single).unwrap();
        let empty = writer.open_table("tickets", threads()).unwrap();
        for (id, text) in NASTY.iter().enumerate() {
            let other = NASTY[(id + 7) % NASTY.len()];
            writer_table
                .write(&[Value::Int(id as i64), Value::Text(text), Value::Json(other)])
                .unwrap();
            single.write(&[Value::Text(text)]).unwrap();
        }
        // Closed in another order than opened: the archive's order does not change.
        empty.close().unwrap();
        single.close().unwrap();
        writer_table.close().unwrap();
        let path = finish(writer).unwrap().path;

        let files = read_back(&path);
        let heads: Vec<Vec<&str>> = match headers {
            Headers::Both => vec![vec!["Ид", "\"A\", quoted", "B\nnext line"], vec!["id", "a", "b"]],
            Headers::Labels => vec![vec!["Ид", "\"A\", quoted", "B\nnext line"]],
            Headers::Names => vec![vec!["id", "a", "b"]],
        };
        let mut id = 0;
        for number in 1..=5 {
            let rows = &files[&format!("Nasty__{number}.csv")];
            assert_eq!(&rows[..heads.len()], &heads[..]);
            for row in &rows[heads.len()..] {
                assert_eq!(
                    *row,
                    [id.to_string().as_str(), NASTY[id], NASTY[(id + 7) % NASTY.len()]]
                );
                id += 1;
            }
        }
        assert_eq!(id, NASTY.len());
        let single: Vec<&str> = (1..=5)
            .flat_map(|number| &files[&format!("Single__{number}.csv")][heads.len()..])
            .map(|row| row[0].as_str())
            .collect();
        assert_eq!(single, NASTY);
        assert_eq!(files["Threads__1.csv"].len(), heads.len());
        assert_eq!(files.len(), 11);
        read_with_others(&path);
    }
}

#[test]
fn unzip_prints_the_csv_byte_by_byte() {
    if !is_here("unzip") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let printed = runs(Command::new("unzip").arg("-p").arg(&path).arg("Tickets__1.csv"));
    let expected = "Ticket Id,\"Subject, in short\"\r\nid,subject\r\n1,Printer\r\n2,\"日本語 \"\"quoted\"\"\"\r\n";
    assert_eq!(printed, expected);
}

/// Twenty blocks of tickets and a smaller table, written by two threads.
fn large(folder: &Path, packers: usize) -> Published {
    let writer = create(&Settings {
        packers,
        rows_per_part: 2200,
        ..settings(folder)
    });
    let fill = |name: &str, count: u64| {
        let mut table = writer.open_table("tickets", rows::table(name)).unwrap();
        move || {
            for ticket in rows::tickets(count) {
                table.write(&ticket.row()).unwrap();
            }
            table.close().unwrap();
        }
    };
    let (one, two) = (fill("Cases", 2500), fill("Other", 300));
    std::thread::scope(|scope| {
        scope.spawn(one);
        scope.spawn(two);
    });
    finish(writer).unwrap()
}

#[test]
fn the_number_of_packers_cannot_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let archives = [1, 2, 4, 2].map(|packers| {
        let published = large(folder.path(), packers);
        let bytes = fs::read(&published.path).unwrap();
        fs::remove_file(&published.path).unwrap();
        bytes
    });
    assert!(archives[0].len() > 4 * BLOCK / 10);
    assert!(archives.iter().all(|bytes| *bytes == archives[0]));
    let path = folder.path().join("again.zip");
    fs::write(&path, &archives[0]).unwrap();
    read_with_others(&path);
}

#[test]
fn parts_end_at_any_place_of_a_block() {
    for length in [BLOCK - 5, BLOCK - 6, BLOCK - 4, 2 * BLOCK - 5, 5 * BLOCK + 17, 16 << 20] {
        let folder = tempfile::tempdir().unwrap();
        let writer = create(&Settings {
            headers: Headers::Names,
            ..settings(folder.path())
        });
        let table = Table::new("Long").column(Column::new("x", "x"));
        let mut table = writer.open_table("tickets", table).unwrap();
        let text: String = (0..length).map(|index| char::from(b'a' + (index % 23) as u8)).collect();
        table.write(&[Value::Text(&text)]).unwrap();
        let summary = table.close().unwrap();
        // The header row is 3 bytes long, a line end 2.
        assert_eq!(summary.bytes, length as u64 + 5);
        let path = finish(writer).unwrap().path;
        assert_eq!(read_back(&path)["Long__1.csv"][1], [text]);
        if length < 2 * BLOCK {
            read_with_others(&path);
        }
    }
}

#[test]
fn zip_64_is_used_where_it_must_and_read_by_others() {
    // Sizes from 60 bytes on, or offsets from 1,000 on, or three entries are as if they did not fit.
    for (size, entries) in [(60, u64::MAX), (1000, u64::MAX), (u64::MAX, 3), (1, 1)] {
        let limits = Limits {
            size: size.min(u64::from(u32::MAX)),
            entries: entries.min(u64::from(u16::MAX)),
        };
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            rows_per_part: 2,
            ..settings(folder.path())
        };
        let writer = Writer::with_limits(&settings, head(), CancellationToken::new(), limits).unwrap();
        let mut table = writer.open_table("tickets", tickets()).unwrap();
        for id in 0..7 {
            table
                .write(&[Value::Int(id), Value::Text(&"long text ".repeat(id as usize * 20))])
                .unwrap();
        }
        table.close().unwrap();
        let path = writer.finish(outcome(), &|_, _| {}).unwrap().path;
        assert!(
            verify_with(&path, &|_, _| {}, &CancellationToken::new(), limits)
                .unwrap()
                .is_sound()
        );
        let files = read_back(&path);
        assert_eq!(files.len(), 4);
        assert_eq!(files["Tickets__4.csv"][2], ["6", &"long text ".repeat(120)]);
        read_with_others(&path);
    }
}

/// Reads one entry with Python and with the `zip` crate.
fn reads(path: &Path, name: &str, entries: usize, expected: &str) {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((archive.len(), text.as_str()), (entries, expected));
    if is_here("python3") {
        let script = "
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
print(len(archive.namelist()), archive.read(sys.argv[2]).decode())
";
        let printed = runs(Command::new("python3").arg("-c").arg(script).arg(path).arg(name));
        assert_eq!(printed.trim_end(), format!("{entries} {expected}"));
    }
}

#[test]
fn more_entries_and_more_bytes_than_a_plain_zip_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.zip");
    let started = time("2026-01-02T03:04:05Z");
    let piece = |number: usize| {
        let packed = number.to_string().into_bytes();
        let (crc32, plain) = (crc32fast::hash(&packed), packed.len() as u64);
        let name = format!("{number}.csv");
        Piece {
            name,
            stored: true,
            crc32,
            plain,
            packed,
        }
    };
    for count in [65_534, 65_535, 65_536, 70_000] {
        let pieces: Vec<Piece> = (0..count).map(piece).collect();
        fs::write(&path, put_together(&pieces, started)).unwrap();
        reads(&path, "65533.csv", count, "65533");
    }
    // Five gigabytes of nothing, which take no room on the disk, and an entry behind them.
    for length in [u64::from(u32::MAX) - 1, u64::from(u32::MAX), 5 << 30] {
        let mut layout = Layout::empty(started, ZIP_32);
        layout.push("big.csv", true, 0, length, length);
        layout.push("small.csv", true, crc32fast::hash(b"small"), 5, 5);
        let file = fs::File::create(&path).unwrap();
        let mut directory = Vec::new();
        for entry in &layout.entries {
            file.write_all_at(&layout.local_header(entry), entry.offset).unwrap();
            directory.extend(layout.central_header(entry));
        }
        file.write_all_at(b"small", layout.directory - 5).unwrap();
        directory.extend(layout.end(directory.len() as u64));
        file.write_all_at(&directory, layout.directory).unwrap();
        reads(&path, "small.csv", 2, "small");
    }
}
