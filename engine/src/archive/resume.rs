//! Going on with what an interrupted backup left.
//!
//! Nothing is believed: a part is cut to what its mark says and read again, whole, and what is in it must be what was written.
//! What no mark names is removed before anything else is done.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::digest::Digest;
use super::error::ArchiveError;
use super::manifest::{FileEntry, MAX_FILES};
use super::mark::{OpenPart, TableMark};
use super::name;
use super::pack::{BLOCK, WINDOW};
use super::part::{Packed, PartFile};
use super::table_writer::{Part, Resumed, Sealed};
use super::writer::Shared;

/// No file has more rows or bytes: all that an archive may have of them can be added up.
const MOST: u64 = 1 << 44;
/// Bytes that are read at a time.
const READ_AT_ONCE: usize = 256 << 10;

impl TableMark {
    /// The names of its files in the spool folder; none where the table cannot be called so.
    pub fn files(&self) -> Vec<String> {
        // A name of anything else may lead anywhere, and what is named here is removed.
        if !name::is_table(&self.table.name) {
            return Vec::new();
        }
        let part = |number| name::packed(&name::part(&self.table.name, number));
        let mut files: Vec<String> = (1..=self.parts.len()).map(part).collect();
        if let Some(open) = &self.open {
            files.push(part(self.parts.len() + 1));
            // A name of anything else is not told of: it may lead anywhere.
            let part = name::part(&self.table.name, self.parts.len() + 1);
            files.extend(Some(open.tail.clone()).filter(|tail| name::is_tail(&part, tail)));
        }
        files
    }

    /// Rows, header rows not counted.
    pub fn rows(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, |open| open.rows);
        self.parts.iter().map(|part| part.rows).fold(open, u64::saturating_add)
    }
}

/// What a table's files hold, if that is what its mark says. The open part is cut to it. `None` for the part of a closed table.
pub(super) fn read(shared: &Shared, mark: &TableMark) -> Result<Found, ArchiveError> {
    name::check_table(&mark.table)?;
    let table = &mark.table.name;
    if mark.parts.len() > MAX_FILES {
        return Err(ArchiveError::table(table, "has more parts than an archive may have"));
    }
    // They are added up.
    let sizes = mark
        .parts
        .iter()
        .flat_map(|part| [part.rows, part.bytes, part.packed_bytes]);
    let open = mark.open.iter().flat_map(|open| [open.rows, open.packed_bytes]);
    if sizes.chain(open).any(|size| size > MOST) {
        return Err(ArchiveError::table(table, "is larger than anything is"));
    }
    let mut sealed = Vec::with_capacity(mark.parts.len());
    for (index, entry) in mark.parts.iter().enumerate() {
        shared.count_file(table)?;
        sealed.push(finished(shared, &name::part(table, index + 1), entry)?);
    }
    let Some(open) = &mark.open else {
        return Ok((sealed, None));
    };
    shared.count_file(table)?;
    let part = name::part(table, mark.parts.len() + 1);
    let pending = tail(shared, &part, open)?;
    let part = unfinished(shared, &part, open)?;
    Ok((sealed, Some((part, pending))))
}

impl Resumed {
    pub(super) fn new(sealed: Vec<Sealed>, (part, pending): (Part, Vec<u8>)) -> Self {
        Self { part, pending, sealed }
    }
}

/// What a table's files hold: its finished parts; and, where it is not closed, the one under way with what was not packed of it.
pub(super) type Found = (Vec<Sealed>, Option<(Part, Vec<u8>)>);

/// Opens a file of the spool folder, and gives its length. No link is followed.
fn open(path: &Path, write: bool) -> Result<(File, u64), ArchiveError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(ArchiveError::differs(path, "it is not there"));
        }
        opened => opened.map_err(ArchiveError::io("open", path))?,
    };
    let metadata = file.metadata().map_err(ArchiveError::io("read", path))?;
    if !metadata.is_file() {
        return Err(ArchiveError::differs(path, "it is no file"));
    }
    Ok((file, metadata.len()))
}

/// A finished part.
fn finished(shared: &Shared, part: &str, entry: &FileEntry) -> Result<Sealed, ArchiveError> {
    let path = shared.spool.path(&name::packed(part));
    if entry.name != part {
        return Err(ArchiveError::differs(
            &path,
            format!("its part is called {:?}", entry.name),
        ));
    }
    let (mut file, length) = open(&path, false)?;
    if length != entry.packed_bytes {
        let reason = format!("it has {length} bytes, not {}", entry.packed_bytes);
        return Err(ArchiveError::differs(&path, reason));
    }
    let mut sha256 = Sha256::new();
    read_all(shared, &path, &mut file, length, |bytes| {
        sha256.update(bytes);
        Ok(())
    })?;
    same(&path, sha256, entry.packed_sha256)?;
    let packed = Packed {
        bytes: entry.packed_bytes,
        sha256: entry.packed_sha256,
    };
    Ok(Sealed {
        file: Arc::new(PartFile::finished(path, packed)),
        rows: entry.rows,
        bytes: entry.bytes,
        crc32: entry.crc32,
        sha256: entry.sha256,
    })
}

/// What of a part was not packed.
fn tail(shared: &Shared, part: &str, open_part: &OpenPart) -> Result<Vec<u8>, ArchiveError> {
    if !name::is_tail(part, &open_part.tail) {
        let path = shared.spool.path(&name::packed(part));
        return Err(ArchiveError::differs(
            &path,
            format!("it has no tail {:?}", open_part.tail),
        ));
    }
    let path = shared.spool.path(&open_part.tail);
    let (mut file, length) = open(&path, false)?;
    if length != open_part.tail_bytes || length >= BLOCK as u64 {
        let reason = format!("it has {length} bytes, not {}", open_part.tail_bytes);
        return Err(ArchiveError::differs(&path, reason));
    }
    let mut pending = Vec::with_capacity(length as usize);
    read_all(shared, &path, &mut file, length, |bytes| {
        pending.extend_from_slice(bytes);
        Ok(())
    })?;
    same(&path, Sha256::new_with_prefix(&pending), open_part.tail_sha256)?;
    Ok(pending)
}

/// The part under way: what it would know of itself had it just been written.
fn unfinished(shared: &Shared, part: &str, open_part: &OpenPart) -> Result<Part, ArchiveError> {
    let path = shared.spool.path(&name::packed(part));
    let (mut file, length) = open(&path, true)?;
    let OpenPart {
        blocks, packed_bytes, ..
    } = *open_part;
    if length < packed_bytes {
        return Err(ArchiveError::differs(
            &path,
            format!("it has {length} bytes, not {packed_bytes}"),
        ));
    }
    let plain = blocks.checked_mul(BLOCK as u64).filter(|plain| *plain < 1 << 60);
    let plain = plain.ok_or_else(|| ArchiveError::differs(&path, format!("it cannot have {blocks} blocks")))?;
    let mut packed = Sha256::new();
    let mut inflated = Inflated::new();
    read_all(shared, &path, &mut file, packed_bytes, |bytes| {
        packed.update(bytes);
        inflated
            .take(bytes, plain)
            .map_err(|reason| ArchiveError::differs(&path, reason))
    })?;
    let Inflated {
        bytes,
        crc32,
        sha256,
        window,
        ..
    } = inflated;
    same(&path, packed.clone(), open_part.packed_sha256)?;
    if bytes != plain {
        return Err(ArchiveError::differs(
            &path,
            format!("{bytes} bytes are packed in it, not {plain}"),
        ));
    }
    // Only now: what was written behind the mark is of no use, and what differs is left as it is.
    file.set_len(packed_bytes).map_err(ArchiveError::io("cut", &path))?;
    file.seek(SeekFrom::End(0)).map_err(ArchiveError::io("read", &path))?;
    Ok(Part {
        file: Arc::new(PartFile::resume(path, file, blocks, packed_bytes, packed)),
        blocks,
        window,
        rows: open_part.rows,
        bytes,
        crc32,
        sha256,
    })
}

/// Reads the first `length` bytes of a file.
fn read_all(
    shared: &Shared,
    path: &Path,
    file: &mut File,
    length: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut buffer = vec![0; READ_AT_ONCE.min(usize::try_from(length).unwrap_or(READ_AT_ONCE)).max(1)];
    let mut left = length;
    while left > 0 {
        if shared.cancel.is_cancelled() {
            return Err(ArchiveError::Cancelled);
        }
        let wanted = usize::try_from(left).unwrap_or(buffer.len()).min(buffer.len());
        match file
            .read(&mut buffer[..wanted])
            .map_err(ArchiveError::io("read", path))?
        {
            0 => return Err(ArchiveError::differs(path, format!("it ends {left} bytes too early"))),
            read => {
                take(&buffer[..read])?;
                left -= read as u64;
            }
        }
    }
    Ok(())
}

fn same(path: &Path, found: Sha256, expected: Digest) -> Result<(), ArchiveError> {
    let found = Digest(found.finalize().into());
    if found == expected {
        return Ok(());
    }
    Err(ArchiveError::differs(
        path,
        format!("its SHA-256 is {found}, not {expected}"),
    ))
}

/// What comes out of packed blocks.
struct Inflated {
    inflate: Decompress,
    bytes: u64,
    crc32: crc32fast::Hasher,
    sha256: Sha256,
    /// The last bytes.
    window: Vec<u8>,
    out: Vec<u8>,
}

impl Inflated {
    fn new() -> Self {
        Self {
            inflate: Decompress::new(false),
            bytes: 0,
            crc32: crc32fast::Hasher::new(),
            sha256: Sha256::new(),
            window: Vec::with_capacity(2 * WINDOW),
            out: Vec::with_capacity(READ_AT_ONCE),
        }
    }

    /// Takes packed bytes, of which no more than `most` may come out in all.
    fn take(&mut self, packed: &[u8], most: u64) -> Result<(), String> {
        let mut rest = packed;
        loop {
            let read = self.inflate.total_in();
            self.out.clear();
            let status = self
                .inflate
                .decompress_vec(rest, &mut self.out, FlushDecompress::None)
                .map_err(|error| format!("it cannot be unpacked: {error}"))?;
            rest = &rest[(self.inflate.total_in() - read) as usize..];
            self.bytes += self.out.len() as u64;
            if self.bytes > most {
                return Err(format!("more than {most} bytes are packed in it"));
            }
            if status == Status::StreamEnd {
                return Err("it ends before its last block".to_owned());
            }
            self.crc32.update(&self.out);
            self.sha256.update(&self.out);
            self.window
                .extend_from_slice(&self.out[self.out.len().saturating_sub(WINDOW)..]);
            self.window.drain(..self.window.len().saturating_sub(WINDOW));
            // A full buffer may have left something inside.
            if rest.is_empty() && self.out.len() < self.out.capacity() {
                return Ok(());
            }
        }
    }
}
