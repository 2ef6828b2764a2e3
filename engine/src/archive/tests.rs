//! Whole archives, written and read.

use std::fs;
use std::path::{Path, PathBuf};

use plugin_api::{Column, Kind, Table, Timestamp, Value};
use tokio_util::sync::CancellationToken;

use super::manifest::{Manifest, Module, ModuleState, Plugin};
use super::settings::Settings;
use super::zip_format::{Layout, ZIP_32};
use super::{ArchiveError, Head, Outcome, Problem, Published, Report, Writer};

mod damage;
mod foreign;
mod naming;
mod power;
mod publish;
mod resume;
mod round_trip;
mod rules;
mod sweep;

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_path_buf(),
        packers: 2,
        ..Settings::default()
    }
}

fn head() -> Head {
    Head {
        desk: "support".to_owned(),
        backup: "b-1".to_owned(),
        kind: Kind::Full,
        range: None,
        started: time("2026-01-02T03:04:05Z"),
        engine: "0.1.0".to_owned(),
        plugins: vec![Plugin {
            module: "tickets".to_owned(),
            version: "1.0.0".to_owned(),
            file: "libtickets.so".to_owned(),
            sha256: None,
        }],
    }
}

fn outcome() -> Outcome {
    Outcome {
        finished: time("2026-01-02T04:00:00Z"),
        modules: vec![Module {
            module: "tickets".to_owned(),
            state: ModuleState::Complete,
            reason: None,
        }],
        reasons: Vec::new(),
        limit_reached: false,
    }
}

fn create(settings: &Settings) -> Writer {
    Writer::create(settings, head(), CancellationToken::new()).unwrap()
}

fn finish(writer: Writer) -> Result<Published, ArchiveError> {
    writer.finish(outcome(), &|_, _| {})
}

fn tickets() -> Table {
    Table::new("Tickets")
        .columns([
            Column::new("id", "Ticket Id"),
            Column::new("subject", "Subject, in short"),
        ])
        .key(["id"])
}

fn threads() -> Table {
    Table::new("Threads")
        .columns([Column::new("id", "Thread Id"), Column::new("ticketId", "Ticket Id")])
        .key(["id"])
        .child_of("Tickets", "ticketId")
}

/// A small archive: two tables, one of them in two parts.
fn small(folder: &Path) -> PathBuf {
    let writer = create(&Settings {
        rows_per_part: 2,
        ..settings(folder)
    });
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    for (id, subject) in [(1, "Printer"), (2, "日本語 \"quoted\""), (3, "two\nlines")] {
        table.write(&[Value::Int(id), Value::Text(subject)]).unwrap();
    }
    table.close().unwrap();
    let mut table = writer.open_table("tickets", threads()).unwrap();
    table.write(&[Value::Int(11), Value::Int(1)]).unwrap();
    table.write(&[Value::Int(12), Value::Null]).unwrap();
    table.close().unwrap();
    finish(writer).unwrap().path
}

fn verify(path: &Path) -> Result<Report, ArchiveError> {
    super::verify(path, &|_, _| {}, &CancellationToken::new())
}

impl PartialEq<&str> for Problem {
    fn eq(&self, line: &&str) -> bool {
        let shown = self.to_string();
        shown == *line
    }
}

/// The problems of an archive that can be read; one for one that cannot.
fn problems(path: &Path) -> Vec<String> {
    match verify(path) {
        Ok(report) => report.problems.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// The names of what is in a folder, hidden files too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// An entry to be put into an archive by hand.
#[derive(Clone)]
struct Piece {
    name: String,
    stored: bool,
    crc32: u32,
    plain: u64,
    packed: Vec<u8>,
}

/// Takes an archive apart: its manifest and all its entries.
fn take_apart(path: &Path) -> (Manifest, Vec<Piece>) {
    let bytes = fs::read(path).unwrap();
    let manifest = verify(path).unwrap().manifest;
    let text = manifest.to_json().unwrap();
    let layout = Layout::of(&manifest, &text, ZIP_32);
    let pieces = layout.entries.iter().map(|entry| {
        let start = entry.offset as usize + layout.local_header(entry).len();
        Piece {
            name: entry.name.clone(),
            stored: entry.stored,
            crc32: entry.crc32,
            plain: entry.plain,
            packed: bytes[start..start + entry.packed as usize].to_vec(),
        }
    });
    (manifest.clone(), pieces.collect())
}

/// Puts entries together to a ZIP that is well-formed, whatever is in it.
fn put_together(pieces: &[Piece], started: Timestamp) -> Vec<u8> {
    let mut layout = Layout::empty(started, ZIP_32);
    for piece in pieces {
        layout.push(
            &piece.name,
            piece.stored,
            piece.crc32,
            piece.packed.len() as u64,
            piece.plain,
        );
    }
    let mut out = Vec::new();
    for (entry, piece) in layout.entries.iter().zip(pieces) {
        out.extend(layout.local_header(entry));
        out.extend(&piece.packed);
    }
    let directory = out.len();
    for entry in &layout.entries {
        out.extend(layout.central_header(entry));
    }
    out.extend(layout.end((out.len() - directory) as u64));
    out
}
