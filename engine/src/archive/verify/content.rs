//! One CSV file of an archive: its hashes, its header rows, and every row.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use super::Problem;
use super::keys::{self, Mark, Marks, Plan};
use super::plain::{Failure, Plain};
use crate::archive::manifest::{FileEntry, Manifest, TableEntry};
use crate::archive::settings::Headers;
use crate::archive::table_writer::MAX_ROW;

/// More problems than this in one file are counted, not listed.
const MAX_PROBLEMS: usize = 5;
/// Bytes of CSV read at a time.
const BUFFER: usize = 128 << 10;
/// How many marks a thread gathers before it hands them over.
const BATCH: usize = 1024;

/// What was found in one file.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) more_problems: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl Findings {
    fn problem(&mut self, file: &FileEntry, problem: impl std::fmt::Display) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem::of(&file.name, problem.to_string()));
        } else {
            self.more_problems += 1;
        }
    }
}

/// What the threads share.
pub(super) struct Job<'a> {
    file: &'a File,
    manifest: &'a Manifest,
    /// Table and part of each file.
    files: Vec<(usize, &'a FileEntry)>,
    plan: &'a Plan,
    marks: &'a Marks,
    progress: Progress<'a>,
    cancel: &'a CancellationToken,
    /// Packed bytes read.
    done: AtomicU64,
}

/// How far a verification is, and who is told.
#[derive(Clone, Copy)]
pub(super) struct Progress<'a> {
    tell: &'a (dyn Fn(u64, u64) + Sync),
    /// Packed bytes of all files.
    packed: u64,
    /// Those and [`keys::LENGTH`] for each mark that there can be.
    total: u64,
}

impl<'a> Progress<'a> {
    pub(super) fn new(manifest: &Manifest, plan: &Plan, tell: &'a (dyn Fn(u64, u64) + Sync)) -> Self {
        let files = manifest.tables.iter().flat_map(|table| &table.files);
        let packed = files.map(|file| file.packed_bytes).sum();
        // What the manifest says of its rows may be a lie.
        let marks = manifest
            .tables
            .iter()
            .enumerate()
            .fold(0_u64, |marks, (number, table)| {
                marks.saturating_add(table.rows.saturating_mul(plan.of_table(number).len() as u64))
            });
        let total = marks.saturating_mul(keys::LENGTH as u64).saturating_add(packed);
        Self { tell, packed, total }
    }

    /// So many packed bytes are read.
    pub(super) fn read(self, bytes: u64) {
        (self.tell)(bytes, self.total);
    }

    /// All is read, and so many marks are merged.
    pub(super) fn merged(self, marks: u64) {
        let done = marks.saturating_mul(keys::LENGTH as u64).saturating_add(self.packed);
        (self.tell)(done.min(self.total), self.total);
    }

    /// All is done.
    pub(super) fn end(self) {
        (self.tell)(self.total, self.total);
    }
}

impl<'a> Job<'a> {
    pub(super) fn new(
        file: &'a File,
        manifest: &'a Manifest,
        plan: &'a Plan,
        marks: &'a Marks,
        progress: Progress<'a>,
        cancel: &'a CancellationToken,
    ) -> Self {
        let tables = manifest.tables.iter().enumerate();
        let files = tables.flat_map(|(number, table)| table.files.iter().map(move |file| (number, file)));
        let files = files.collect();
        let done = AtomicU64::new(0);
        Self {
            file,
            manifest,
            files,
            plan,
            marks,
            progress,
            cancel,
            done,
        }
    }

    /// Reads the file of this number, whose packed data starts at `start`. An error is the disk's.
    pub(super) fn read(&self, number: usize, start: u64) -> io::Result<Findings> {
        let (table_number, entry) = self.files[number];
        let mut findings = Findings::default();
        if self.cancel.is_cancelled() {
            return Ok(findings);
        }
        let told = |bytes: u64| {
            self.progress
                .read(self.done.fetch_add(bytes, Ordering::Relaxed) + bytes);
            !self.cancel.is_cancelled()
        };
        let mut plain = Plain::new(self.file, start, entry, &told);
        let mut rows = Rows {
            table: &self.manifest.tables[table_number],
            table_number,
            entry,
            number,
            job: self,
            batch: Vec::with_capacity(BATCH),
            scratch: Vec::new(),
        };
        match rows.read(&mut plain, &mut findings) {
            Ok(()) => {}
            Err(Failure::Disk(error)) => return Err(error),
            Err(Failure::Cancelled) => return Ok(findings),
            Err(Failure::Wrong(reason)) => findings.problem(entry, reason),
        }
        self.marks.add(&mut rows.batch)?;
        match plain.finish() {
            Ok(problems) => problems
                .into_iter()
                .for_each(|problem| findings.problem(entry, problem)),
            Err(Failure::Disk(error)) => return Err(error),
            Err(Failure::Cancelled) => return Ok(findings),
            Err(Failure::Wrong(reason)) => findings.problem(entry, reason),
        }
        findings.bytes = plain.bytes();
        Ok(findings)
    }
}

/// One file's rows.
struct Rows<'a> {
    table: &'a TableEntry,
    table_number: usize,
    entry: &'a FileEntry,
    number: usize,
    job: &'a Job<'a>,
    batch: Vec<Mark>,
    scratch: Vec<u8>,
}

impl Rows<'_> {
    fn read(&mut self, plain: &mut Plain<'_>, findings: &mut Findings) -> Result<(), Failure> {
        let columns = self.table.columns.len();
        let mut records = Records::new(plain, columns);
        let labels = || self.table.columns.iter().map(|column| column.label.as_str());
        let names = || self.table.columns.iter().map(|column| column.name.as_str());
        let headers = self.job.manifest.headers;
        if headers != Headers::Names && !records.next_is(labels())? {
            findings.problem(self.entry, "the row of labels differs from the manifest");
        }
        if headers != Headers::Labels && !records.next_is(names())? {
            findings.problem(self.entry, "the row of names differs from the manifest");
        }
        let marks = self.job.plan.of_table(self.table_number);
        while let Some(found) = records.next()? {
            findings.rows += 1;
            if found != columns {
                let row = findings.rows;
                findings.problem(
                    self.entry,
                    format!("row {row} has {found} columns where the table has {columns}"),
                );
                continue;
            }
            if !records.is_utf8() {
                findings.problem(self.entry, format!("row {} is not UTF-8", findings.rows));
            }
            for wanted in marks {
                // Key cells of several columns are told apart by their lengths.
                let hash = if let [column] = wanted.columns[..] {
                    let cell = records.cell(column);
                    if cell.is_empty() && wanted.role != keys::KEY {
                        continue; // no parent
                    }
                    keys::hash(cell)
                } else {
                    self.scratch.clear();
                    for column in &wanted.columns {
                        let cell = records.cell(*column);
                        self.scratch.extend_from_slice(&(cell.len() as u64).to_le_bytes());
                        self.scratch.extend_from_slice(cell);
                    }
                    keys::hash(&self.scratch)
                };
                self.batch.push(Mark {
                    group: wanted.group,
                    hash,
                    role: wanted.role,
                    place: keys::place(self.number, findings.rows),
                });
            }
            if self.batch.len() >= BATCH {
                self.job.marks.add(&mut self.batch).map_err(Failure::Disk)?;
            }
        }
        if findings.rows != self.entry.rows {
            let (found, expected) = (findings.rows, self.entry.rows);
            findings.problem(self.entry, format!("it has {found} rows, the manifest says {expected}"));
        }
        let mark = self.job.manifest.byte_order_mark;
        if mark != records.marked {
            let what = if mark { "lacks the" } else { "has a" };
            findings.problem(self.entry, format!("it {what} byte-order mark, against the manifest"));
        }
        Ok(())
    }
}

/// CSV records, one at a time. Neither a row without end nor one with endless columns takes more memory than
/// the largest row that there can be.
struct Records<'a, 'b> {
    plain: &'a mut Plain<'b>,
    parser: csv_core::Reader,
    input: Vec<u8>,
    start: usize,
    end: usize,
    fields: Vec<u8>,
    /// Ends of the cells in `fields`.
    ends: Vec<usize>,
    length: usize,
    /// Whether the file starts with a byte-order mark.
    marked: bool,
    begun: bool,
}

impl<'a, 'b> Records<'a, 'b> {
    fn new(plain: &'a mut Plain<'b>, columns: usize) -> Self {
        Self {
            plain,
            parser: csv_core::Reader::new(),
            input: vec![0; BUFFER],
            start: 0,
            end: 0,
            fields: vec![0; 4096],
            ends: vec![0; columns + 1],
            length: 0,
            marked: false,
            begun: false,
        }
    }

    /// Reads the next record and says how many cells it has; `None` at the end.
    fn next(&mut self) -> Result<Option<usize>, Failure> {
        let (mut length, mut cells, mut surplus) = (0, 0, 0);
        loop {
            if self.start == self.end {
                self.start = 0;
                self.end = self.plain.read(&mut self.input)?;
                if !self.begun {
                    self.begun = true;
                    self.marked = self.input[..self.end].starts_with(b"\xEF\xBB\xBF");
                }
            }
            let input = &self.input[self.start..self.end];
            let (result, read, written, ended) =
                self.parser
                    .read_record(input, &mut self.fields[length..], &mut self.ends[cells..]);
            self.start += read;
            length += written;
            cells += ended;
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull => {
                    if self.fields.len() > MAX_ROW {
                        return Err(Failure::Wrong(format!("a row is larger than {MAX_ROW} bytes")));
                    }
                    let larger = (2 * self.fields.len()).min(MAX_ROW + 1);
                    self.fields.resize(larger, 0);
                }
                csv_core::ReadRecordResult::OutputEndsFull => {
                    // Too many cells: they are only counted.
                    surplus += cells;
                    cells = 0;
                }
                csv_core::ReadRecordResult::Record => {
                    self.length = length;
                    return Ok(Some(surplus + cells));
                }
                csv_core::ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Reads the next record and says whether it has just these cells.
    fn next_is<'c>(&mut self, cells: impl ExactSizeIterator<Item = &'c str>) -> Result<bool, Failure> {
        let found = self.next()?;
        Ok(found == Some(cells.len())
            && cells
                .enumerate()
                .all(|(column, cell)| self.cell(column) == cell.as_bytes()))
    }

    fn cell(&self, column: usize) -> &[u8] {
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.fields[start..self.ends[column]]
    }

    /// Whether every cell of a record with the right number of cells is UTF-8.
    fn is_utf8(&self) -> bool {
        let cells = &self.ends[..self.ends.len() - 1];
        simdutf8::basic::from_utf8(&self.fields[..self.length])
            .is_ok_and(|text| cells.iter().all(|end| text.is_char_boundary(*end)))
    }
}
