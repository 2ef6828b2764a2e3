//! A library's file, opened once: what is looked at, hashed and loaded is one and the same file, whatever comes to stand under its
//! name meanwhile.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256};

use super::refusal::Reason;
use crate::archive::Digest;

/// An open file.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    /// Where it is, with every link followed.
    pub(crate) place: PathBuf,
    pub(crate) metadata: Metadata,
}

impl Opened {
    /// Opens a library. What is no regular file is refused, and not waited for.
    pub(crate) fn open(file: &Path) -> Result<Self, Reason> {
        let place = file.canonicalize().map_err(Reason::Unreadable)?;
        // Opening a pipe would wait for whoever writes to it. The last part of the path is no link, or has just become one.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let file = rustix::fs::open(&place, flags, Mode::empty());
        let file = File::from(file.map_err(|error| Reason::Unreadable(error.into()))?);
        let metadata = file.metadata().map_err(Reason::Unreadable)?;
        if !metadata.is_file() {
            return Err(Reason::NotALibrary("it is no regular file".into()));
        }
        Ok(Self { file, place, metadata })
    }

    /// The SHA-256 of all its bytes.
    pub(crate) fn sha256(&self) -> io::Result<Digest> {
        let (mut hash, mut buffer, mut at) = (Sha256::new(), vec![0; 1 << 16], 0);
        loop {
            match self.file.read_at(&mut buffer, at)? {
                0 => return Ok(Digest(hash.finalize().into())),
                length => {
                    hash.update(&buffer[..length]);
                    at += length as u64;
                }
            }
        }
    }

    /// A path that leads to this very file, for the system's loader. Where there is none, the one under which it was opened.
    pub(crate) fn path(&self) -> PathBuf {
        let path = PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        if path.exists() { path } else { self.place.clone() }
    }

    /// Whether nothing was written to it since it was opened: its hash still tells what it is.
    pub(crate) fn is_unchanged(&self) -> io::Result<bool> {
        let now = self.file.metadata()?;
        let stamp = |of: &Metadata| (of.size(), of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec());
        Ok(stamp(&now) == stamp(&self.metadata))
    }
}
