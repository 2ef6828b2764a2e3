//! The packed data of one entry, read and unpacked in one pass, and held against the manifest.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use flate2::{Decompress, FlushDecompress, Status};
use sha2::{Digest as _, Sha256};

use crate::archive::digest::Digest;
use crate::archive::manifest::FileEntry;

/// Bytes read from the disk at a time.
const BUFFER: usize = 64 << 10;

/// Why a file was not read to its end.
pub(super) enum Failure {
    /// The disk.
    Disk(io::Error),
    /// What was read.
    Wrong(String),
    /// Nobody wants to know any more.
    Cancelled,
}

/// An entry's data.
pub(super) struct Plain<'a> {
    file: &'a File,
    entry: &'a FileEntry,
    /// Told how many bytes were read; says whether to go on.
    told: &'a dyn Fn(u64) -> bool,
    /// Place in the archive of what is read next, and where the entry ends.
    position: u64,
    end: u64,
    input: Vec<u8>,
    used: usize,
    inflate: Decompress,
    ended: bool,
    packed_sha256: Sha256,
    sha256: Sha256,
    crc32: crc32fast::Hasher,
    bytes: u64,
}

impl<'a> Plain<'a> {
    pub(super) fn new(file: &'a File, start: u64, entry: &'a FileEntry, told: &'a dyn Fn(u64) -> bool) -> Self {
        Self {
            file,
            entry,
            told,
            position: start,
            end: start.saturating_add(entry.packed_bytes),
            input: Vec::new(),
            used: 0,
            inflate: Decompress::new(false),
            ended: false,
            packed_sha256: Sha256::new(),
            sha256: Sha256::new(),
            crc32: crc32fast::Hasher::new(),
            bytes: 0,
        }
    }

    /// Bytes unpacked so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Unpacks into `out` and says how much; 0 at the end.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize, Failure> {
        while !self.ended {
            if self.used == self.input.len() {
                self.fill()?;
            }
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(&self.input[self.used..], out, FlushDecompress::None)
                .map_err(|_| Failure::Wrong("its data cannot be unpacked".to_owned()))?;
            self.used += (self.inflate.total_in() - before_in) as usize;
            let written = (self.inflate.total_out() - before_out) as usize;
            self.ended = status == Status::StreamEnd;
            if written > 0 {
                self.bytes += written as u64;
                // What unpacks to more than the manifest says may never end.
                if self.bytes > self.entry.bytes {
                    let length = self.entry.bytes;
                    return Err(Failure::Wrong(format!(
                        "it unpacks to more than the {length} bytes of the manifest"
                    )));
                }
                self.sha256.update(&out[..written]);
                self.crc32.update(&out[..written]);
                return Ok(written);
            }
            if self.input.is_empty() && !self.ended {
                return Err(Failure::Wrong("its packed data ends too early".to_owned()));
            }
        }
        Ok(0)
    }

    /// Reads the next packed bytes; none at the end.
    fn fill(&mut self) -> Result<(), Failure> {
        let length = (self.end - self.position).min(BUFFER as u64) as usize;
        self.input.resize(length, 0);
        self.used = 0;
        match self.file.read_exact_at(&mut self.input, self.position) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.input.clear();
                self.position = self.end;
                return Err(Failure::Wrong("the archive ends within it".to_owned()));
            }
            Err(error) => return Err(Failure::Disk(error)),
        }
        self.position += length as u64;
        self.packed_sha256.update(&self.input);
        if (self.told)(length as u64) {
            Ok(())
        } else {
            Err(Failure::Cancelled)
        }
    }

    /// Reads what is left and compares hashes and lengths with the manifest; a line for each difference.
    pub(super) fn finish(&mut self) -> Result<Vec<String>, Failure> {
        let mut problems = Vec::new();
        let whole = self.ended;
        if whole && (self.used < self.input.len() || self.position < self.end) {
            problems.push("there is something behind the end of its packed data".to_owned());
        }
        while self.position < self.end {
            self.fill()?;
        }
        let entry = self.entry;
        if Digest(self.packed_sha256.finalize_reset().into()) != entry.packed_sha256 {
            problems.push("its packed bytes differ from the manifest's SHA-256".to_owned());
        }
        if !whole {
            return Ok(problems); // why it was not read to its end is said already
        }
        if self.bytes != entry.bytes {
            problems.push(format!(
                "it has {} bytes, the manifest says {}",
                self.bytes, entry.bytes
            ));
        }
        if self.crc32.clone().finalize() != entry.crc32 {
            problems.push("its CRC-32 differs from the manifest".to_owned());
        }
        if Digest(self.sha256.finalize_reset().into()) != entry.sha256 {
            problems.push("its SHA-256 differs from the manifest".to_owned());
        }
        Ok(problems)
    }
}
