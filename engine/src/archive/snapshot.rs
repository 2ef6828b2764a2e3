//! Bringing a table to the disk while it is written.
//!
//! A [`Snapshot`] is taken by the thread that writes the table, between two rows, and costs next to nothing. [`settle`] does the
//! rest on another thread: it waits until the packers have written what was submitted by then, and makes the files and their
//! names safe. Only then is there a mark to tell of.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use plugin_api::Table;

use super::digest::Digest;
use super::durable;
use super::error::ArchiveError;
use super::manifest::FileEntry;
use super::mark::{OpenPart, TableMark};
use super::name;
use super::part::{Packed, PartFile};
use super::spool;
use super::table_writer::Sealed;
use super::writer::Shared;

/// A table as it was at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Held: its packers must not go before they have written what was submitted.
    pub(super) _shared: Arc<Shared>,
    pub(super) table: Arc<Table>,
    pub(super) sealed: Vec<Sealed>,
    /// None: the table is closed.
    pub(super) open: Option<Tail>,
    pub(super) desk_count: Option<u64>,
    pub(super) desk_count_after: Option<u64>,
}

/// The part under way.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) file: Arc<PartFile>,
    pub(super) rows: u64,
    pub(super) blocks: u64,
    /// CSV behind the blocks.
    pub(super) plain: Vec<u8>,
}

/// Finished parts, when they are.
pub(super) fn files(table: &str, sealed: &[Sealed]) -> Result<Vec<FileEntry>, ArchiveError> {
    let mut files = Vec::with_capacity(sealed.len());
    for (index, sealed) in sealed.iter().enumerate() {
        let Packed {
            bytes: packed_bytes,
            sha256: packed_sha256,
        } = sealed.file.wait()?;
        files.push(FileEntry {
            name: name::part(table, index + 1),
            rows: sealed.rows,
            bytes: sealed.bytes,
            crc32: sealed.crc32,
            sha256: sealed.sha256,
            packed_bytes,
            packed_sha256,
        });
    }
    Ok(files)
}

/// Brings tables of one module to the disk, and with them the file `memory`, if there is one, and says what is there.
///
/// `number` is the checkpoint's, and `before` are the marks of the one before: their tails stay until [`forget_tails`].
pub fn settle(
    folder: &Path,
    snapshots: &[Snapshot],
    number: u64,
    before: &[TableMark],
    memory: Option<&Path>,
) -> Result<Vec<TableMark>, ArchiveError> {
    let mut marks = Vec::with_capacity(snapshots.len());
    for snapshot in snapshots {
        let before = before.iter().find(|mark| mark.table.name == snapshot.table.name);
        marks.push(snapshot.settle(folder, number, before)?);
    }
    if let Some(memory) = memory {
        durable::file(memory).map_err(ArchiveError::io("bring to disk", memory))?;
    }
    durable::folder(folder).map_err(ArchiveError::io("bring to disk", folder))?;
    Ok(marks)
}

/// Removes the tails that an earlier checkpoint needed, when a later one is kept.
pub fn forget_tails(folder: &Path, before: &[TableMark], now: &[TableMark]) {
    let tail = |mark: &TableMark| mark.open.as_ref().map(|open| open.tail.clone());
    let needed: Vec<String> = now.iter().filter_map(tail).collect();
    for old in before.iter().filter_map(tail).filter(|old| !needed.contains(old)) {
        let path = folder.join(old);
        if let Err(error) = fs::remove_file(&path) {
            // Whoever goes on with the backup removes it.
            tracing::debug!(file = %path.display(), %error, "cannot remove a tail that nobody needs");
        }
    }
}

impl Snapshot {
    fn settle(&self, folder: &Path, number: u64, before: Option<&TableMark>) -> Result<TableMark, ArchiveError> {
        let parts = files(&self.table.name, &self.sealed)?;
        for (sealed, part) in self.sealed.iter().zip(&parts) {
            sealed.file.bring_to_disk(part.packed_bytes)?;
        }
        let open = match &self.open {
            Some(tail) => {
                let before = before.filter(|before| before.parts.len() == parts.len());
                let part = name::part(&self.table.name, parts.len() + 1);
                Some(tail.settle(folder, &part, number, before.and_then(|before| before.open.as_ref()))?)
            }
            None => None,
        };
        Ok(TableMark {
            table: Table::clone(&self.table),
            parts,
            open,
            desk_count: self.desk_count,
            desk_count_after: self.desk_count_after,
        })
    }
}

impl Tail {
    fn settle(
        &self,
        folder: &Path,
        part: &str,
        number: u64,
        before: Option<&OpenPart>,
    ) -> Result<OpenPart, ArchiveError> {
        let Packed { bytes, sha256 } = self.file.marked()?;
        self.file.bring_to_disk(bytes)?;
        let (tail_bytes, tail_sha256) = (self.plain.len() as u64, Digest::of(&self.plain));
        let mut open = OpenPart {
            rows: self.rows,
            blocks: self.blocks,
            packed_bytes: bytes,
            packed_sha256: sha256,
            tail: String::new(),
            tail_bytes,
            tail_sha256,
        };
        if let Some(before) =
            before.filter(|before| (before.tail_bytes, before.tail_sha256) == (tail_bytes, tail_sha256))
        {
            open.tail.clone_from(&before.tail);
            return Ok(open);
        }
        open.tail = name::tail(part, number);
        let path = folder.join(&open.tail);
        let mut file = spool::create_file(&path)?;
        file.write_all(&self.plain).map_err(ArchiveError::io("write", &path))?;
        durable::open(&file, &path).map_err(ArchiveError::io("bring to disk", &path))?;
        Ok(open)
    }
}
