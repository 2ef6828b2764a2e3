//! One table being written: rows to CSV, CSV to parts, parts to the packers.

use std::mem;
use std::sync::Arc;

use plugin_api::{Table, Value};
use sha2::{Digest as _, Sha256};

use super::csv_row;
use super::digest::Digest;
use super::error::ArchiveError;
use super::manifest::FileEntry;
use super::name;
use super::pack::{BLOCK, WINDOW};
use super::part::PartFile;
use super::settings::Headers;
use super::snapshot::{self, Snapshot, Tail};
use super::writer::Shared;

/// A row is not larger as CSV. Readers hold a row in memory, `verify` too.
pub(super) const MAX_ROW: usize = if cfg!(test) { 20 << 20 } else { 128 << 20 };

/// Writes the rows of one table. For one thread at a time; tables do not wait for each other but for the packers.
#[derive(Debug)]
pub struct TableWriter {
    shared: Arc<Shared>,
    /// Its place among the tables that were opened.
    place: usize,
    name: String,
    table: Arc<Table>,
    columns: usize,
    /// What every part starts with.
    header: Vec<u8>,
    /// CSV of the part that is not yet a block.
    pending: Vec<u8>,
    part: Part,
    /// Parts whose last block is submitted.
    sealed: Vec<Sealed>,
    rows: u64,
    bytes: u64,
    desk_count: Option<u64>,
    desk_count_after: Option<u64>,
    /// The disk failed: a part has a hole, and nothing more can be said about this table.
    broken: bool,
}

/// The part under way.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: Arc<PartFile>,
    pub(super) blocks: u64,
    /// The last bytes that went into a block.
    pub(super) window: Vec<u8>,
    pub(super) rows: u64,
    /// In blocks.
    pub(super) bytes: u64,
    pub(super) crc32: crc32fast::Hasher,
    pub(super) sha256: Sha256,
}

/// A part whose last block is submitted.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) file: Arc<PartFile>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) crc32: u32,
    pub(super) sha256: Digest,
}

/// What of a table is on the disk, read again.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) part: Part,
    pub(super) pending: Vec<u8>,
    pub(super) sealed: Vec<Sealed>,
}

/// What was written of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSummary {
    /// Rows, header rows not counted.
    pub rows: u64,
    /// Bytes of CSV, header rows included.
    pub bytes: u64,
    /// Bytes in the archive.
    pub packed_bytes: u64,
    /// Parts.
    pub files: usize,
}

impl TableSummary {
    pub(super) fn of(files: &[FileEntry]) -> Self {
        Self {
            rows: files.iter().map(|file| file.rows).sum(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            packed_bytes: files.iter().map(|file| file.packed_bytes).sum(),
            files: files.len(),
        }
    }
}

/// A table that was closed, for the manifest.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) files: Vec<FileEntry>,
    pub(super) desk_count: Option<u64>,
    pub(super) desk_count_after: Option<u64>,
}

impl TableWriter {
    pub(super) fn open(shared: Arc<Shared>, place: usize, table: Table) -> Result<Self, ArchiveError> {
        let part = Part::open(&shared, &table.name, 1)?;
        let mut writer = Self::with_part(shared, place, table, part);
        writer.begin();
        Ok(writer)
    }

    /// Goes on with a part that is as it says, and with what is behind its blocks.
    pub(super) fn resume(shared: Arc<Shared>, place: usize, table: Table, resumed: Resumed) -> Self {
        let Resumed { part, pending, sealed } = resumed;
        let rows = sealed.iter().map(|sealed| sealed.rows).sum::<u64>() + part.rows;
        let bytes = sealed.iter().map(|sealed| sealed.bytes).sum::<u64>() + part.bytes + pending.len() as u64;
        Self {
            pending,
            sealed,
            rows,
            bytes,
            ..Self::with_part(shared, place, table, part)
        }
    }

    fn with_part(shared: Arc<Shared>, place: usize, table: Table, part: Part) -> Self {
        Self {
            place,
            name: table.name.clone(),
            columns: table.columns.len(),
            header: header(&table, shared.settings.headers, shared.settings.byte_order_mark),
            table: Arc::new(table),
            pending: Vec::new(),
            part,
            sealed: Vec::new(),
            rows: 0,
            bytes: 0,
            desk_count: None,
            desk_count_after: None,
            broken: false,
            shared,
        }
    }

    /// Writes one row; one cell for each column. After [`ArchiveError::Cells`] and [`ArchiveError::Table`] the
    /// row is not written and the table can be gone on with; after other errors it cannot.
    pub fn write(&mut self, row: &[Value<'_>]) -> Result<(), ArchiveError> {
        if row.len() != self.columns {
            return Err(ArchiveError::Cells {
                table: self.name.clone(),
                row: self.rows + 1,
                expected: self.columns,
                found: row.len(),
            });
        }
        self.check()?;
        if self.part.rows >= self.shared.settings.rows_per_part {
            self.next_part()?;
        }
        let before = self.pending.len();
        csv_row::push_row(&mut self.pending, row);
        let length = self.pending.len() - before;
        if length > MAX_ROW {
            self.pending.truncate(before);
            self.pending.shrink_to(2 * BLOCK);
            let reason = format!("row {} has {length} bytes, more than {MAX_ROW}", self.rows + 1);
            return Err(ArchiveError::table(&self.name, reason));
        }
        self.rows += 1;
        self.part.rows += 1;
        self.bytes += length as u64;
        if self.pending.len() >= BLOCK {
            self.cut()?;
        }
        Ok(())
    }

    /// Notes how many rows the desk itself says there are, for the manifest.
    pub fn desk_count(&mut self, count: u64) {
        self.desk_count = Some(count);
    }

    /// Notes how many it said there were when it was asked again at the end, for the manifest.
    pub fn desk_count_after(&mut self, count: u64) {
        self.desk_count_after = Some(count);
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of CSV written so far, header rows included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the table and waits until it is packed. A table that is dropped without it is not done, and its
    /// backup cannot be finished.
    pub fn close(self) -> Result<TableSummary, ArchiveError> {
        self.finish().map(|(summary, _)| summary)
    }

    /// As [`close`](Self::close), and gives the table as it then is.
    pub fn finish(mut self) -> Result<(TableSummary, Snapshot), ArchiveError> {
        self.check()?;
        self.seal()?;
        let files = snapshot::files(&self.name, &self.sealed)?;
        let summary = TableSummary::of(&files);
        let closed = Closed {
            files,
            desk_count: self.desk_count,
            desk_count_after: self.desk_count_after,
        };
        self.shared.close_table(self.place, closed);
        let snapshot = Snapshot {
            _shared: Arc::clone(&self.shared),
            table: Arc::clone(&self.table),
            sealed: mem::take(&mut self.sealed),
            open: None,
            desk_count: self.desk_count,
            desk_count_after: self.desk_count_after,
        };
        Ok((summary, snapshot))
    }

    /// The table as it is now, to be brought to the disk while it is gone on with. Costs a copy of less than a block. Until
    /// what was taken has been brought there, no other may be taken.
    pub fn snapshot(&self) -> Result<Snapshot, ArchiveError> {
        self.check()?;
        self.part.file.mark(self.part.blocks);
        Ok(Snapshot {
            _shared: Arc::clone(&self.shared),
            table: Arc::clone(&self.table),
            sealed: self.sealed.clone(),
            open: Some(Tail {
                file: Arc::clone(&self.part.file),
                rows: self.part.rows,
                blocks: self.part.blocks,
                plain: self.pending.clone(),
            }),
            desk_count: self.desk_count,
            desk_count_after: self.desk_count_after,
        })
    }

    /// What it is, as its exporter opened it.
    pub fn table(&self) -> &Table {
        &self.table
    }

    fn check(&self) -> Result<(), ArchiveError> {
        if self.broken {
            self.part.file.check()?;
            return Err(ArchiveError::table(
                &self.name,
                "cannot be gone on with after an earlier error",
            ));
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.pending.extend_from_slice(&self.header);
        self.bytes += self.header.len() as u64;
    }

    fn next_part(&mut self) -> Result<(), ArchiveError> {
        let next = Part::open(&self.shared, &self.name, self.sealed.len() + 2)?;
        self.seal()?;
        self.part = next;
        self.begin();
        Ok(())
    }

    /// Submits what is pending in whole blocks.
    fn cut(&mut self) -> Result<(), ArchiveError> {
        self.broken = true;
        if self.shared.cancel.is_cancelled() {
            return Err(ArchiveError::Cancelled);
        }
        self.part.file.check()?;
        let pending = mem::take(&mut self.pending);
        let (blocks, rest) = pending.as_chunks::<BLOCK>();
        for block in blocks {
            self.part.submit(&self.shared, block, false);
        }
        let rest = rest.len();
        self.pending = pending;
        self.pending.drain(..self.pending.len() - rest);
        // After a row of many megabytes.
        if self.pending.capacity() > 4 * BLOCK {
            self.pending.shrink_to(2 * BLOCK);
        }
        self.broken = false;
        Ok(())
    }

    /// Submits what is pending, and with it the part's end.
    fn seal(&mut self) -> Result<(), ArchiveError> {
        self.cut()?;
        self.part.submit(&self.shared, &self.pending, true);
        self.pending.clear();
        let part = &mut self.part;
        self.sealed.push(Sealed {
            file: Arc::clone(&part.file),
            rows: part.rows,
            bytes: part.bytes,
            crc32: part.crc32.clone().finalize(),
            sha256: Digest(part.sha256.finalize_reset().into()),
        });
        Ok(())
    }
}

impl Part {
    fn open(shared: &Shared, table: &str, number: usize) -> Result<Self, ArchiveError> {
        shared.count_file(table)?;
        let path = shared.spool.path(&name::packed(&name::part(table, number)));
        Ok(Self {
            file: Arc::new(PartFile::create(path)?),
            blocks: 0,
            window: Vec::new(),
            rows: 0,
            bytes: 0,
            crc32: crc32fast::Hasher::new(),
            sha256: Sha256::new(),
        })
    }

    fn submit(&mut self, shared: &Shared, plain: &[u8], last: bool) {
        self.crc32.update(plain);
        self.sha256.update(plain);
        self.bytes += plain.len() as u64;
        let mut block = shared.packers.block();
        block.plain.extend_from_slice(&self.window);
        block.plain.extend_from_slice(plain);
        block.window = self.window.len();
        block.last = last;
        // Only the last block can be shorter than the window, and nothing follows it.
        self.window.clear();
        self.window
            .extend_from_slice(&plain[plain.len().saturating_sub(WINDOW)..]);
        shared.packers.submit(block, self.blocks, &self.file);
        self.blocks += 1;
    }
}

/// What every part of the table starts with.
fn header(table: &Table, headers: Headers, byte_order_mark: bool) -> Vec<u8> {
    let mut out = Vec::new();
    if byte_order_mark {
        out.extend_from_slice("\u{feff}".as_bytes());
    }
    let labels: Vec<Value<'_>> = table.columns.iter().map(|column| Value::Text(&column.label)).collect();
    let names: Vec<Value<'_>> = table.columns.iter().map(|column| Value::Text(&column.name)).collect();
    let mut row = Vec::new();
    if headers != Headers::Names {
        csv_row::push_row(&mut row, &labels);
    }
    if headers != Headers::Labels {
        csv_row::push_row(&mut row, &names);
    }
    out.extend_from_slice(&row);
    out
}
