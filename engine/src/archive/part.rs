//! The file of one part in the spool folder: its packed blocks, put together in order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::digest::Digest;
use super::durable;
use super::error::ArchiveError;
use super::pack::Block;
use super::spool;

const NOTHING: u64 = u64::MAX;

/// A part under way. The packers put blocks into it, in any order; its table waits for its end.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    state: Mutex<State>,
    /// Its end, or the block that [`PartFile::mark`] asked for.
    came: Condvar,
    /// How many of its first bytes are known to be on the disk; [`NOTHING`]: not even that it is there.
    safe: AtomicU64,
}

/// A finished part, or the first blocks of one, as it lies in the spool folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
}

#[derive(Debug)]
struct State {
    /// Closed as soon as the part ends: a table has many parts, the system few handles.
    file: Option<File>,
    next: u64,
    /// Blocks that are packed, but not yet their turn.
    waiting: BTreeMap<u64, Block>,
    bytes: u64,
    sha256: Sha256,
    /// How many blocks are to be told of when they are written, and what they are when they were.
    mark: (u64, Option<Packed>),
    end: Option<Result<Packed, io::Error>>,
}

impl PartFile {
    pub(super) fn create(path: PathBuf) -> Result<Self, ArchiveError> {
        let file = spool::create_file(&path)?;
        Ok(Self::with_file(path, file))
    }

    fn with_file(path: PathBuf, file: File) -> Self {
        let state = State {
            file: Some(file),
            next: 0,
            waiting: BTreeMap::new(),
            bytes: 0,
            sha256: Sha256::new(),
            mark: (0, None),
            end: None,
        };
        Self {
            path,
            state: Mutex::new(state),
            came: Condvar::new(),
            safe: AtomicU64::new(NOTHING),
        }
    }

    /// Goes on behind blocks that are in the file already. They are `bytes`, and on the disk.
    pub(super) fn resume(path: PathBuf, file: File, blocks: u64, bytes: u64, sha256: Sha256) -> Self {
        let part = Self::with_file(path, file);
        part.safe.store(bytes, Ordering::Relaxed);
        let mut state = part.lock();
        (state.next, state.bytes, state.sha256) = (blocks, bytes, sha256);
        drop(state);
        part
    }

    /// A part that is finished already, and on the disk.
    pub(super) fn finished(path: PathBuf, packed: Packed) -> Self {
        let state = State {
            file: None,
            next: 0,
            waiting: BTreeMap::new(),
            bytes: packed.bytes,
            sha256: Sha256::new(),
            mark: (0, None),
            end: Some(Ok(packed)),
        };
        Self {
            path,
            state: Mutex::new(state),
            came: Condvar::new(),
            safe: AtomicU64::new(packed.bytes),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the block of this number and writes all that are now in turn. Blocks that are not needed any more
    /// are given back.
    pub(super) fn put(&self, number: u64, block: Block, packed: io::Result<()>, give_back: impl Fn(Block)) {
        let mut state = self.lock();
        state.waiting.insert(number, block);
        if let Err(error) = packed {
            state.end.get_or_insert(Err(error));
        }
        while state.end.is_none() {
            let turn = state.next;
            let Some(block) = state.waiting.remove(&turn) else {
                break;
            };
            state.write(&block);
            give_back(block);
            if state.mark_if_due() {
                self.came.notify_all();
            }
        }
        if state.end.is_some() {
            state.file = None;
            while let Some((_, block)) = state.waiting.pop_first() {
                give_back(block);
            }
            self.came.notify_all();
        }
    }

    /// Whether it has failed: then there is no use in writing more.
    pub(super) fn check(&self) -> Result<(), ArchiveError> {
        match &self.lock().end {
            Some(Err(error)) => Err(self.error(error)),
            _ => Ok(()),
        }
    }

    /// Waits for its end. Its last block must have been submitted.
    pub(super) fn wait(&self) -> Result<Packed, ArchiveError> {
        let mut state = self.lock();
        loop {
            match &state.end {
                Some(Ok(packed)) => return Ok(*packed),
                Some(Err(error)) => return Err(self.error(error)),
                None => state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Asks for what the first `blocks` are when they are written. They must be all that were submitted so far. The last one who
    /// asks is told.
    pub(super) fn mark(&self, blocks: u64) {
        let mut state = self.lock();
        state.mark = (blocks, None);
        state.mark_if_due();
    }

    /// Waits until the blocks for which [`mark`](Self::mark) asked are written, and gives what they are.
    pub(super) fn marked(&self) -> Result<Packed, ArchiveError> {
        let mut state = self.lock();
        loop {
            match (state.mark.1, &state.end) {
                (Some(packed), _) => return Ok(packed),
                (None, Some(Err(error))) => return Err(self.error(error)),
                // It ended before them: not where they were submitted.
                (None, Some(Ok(_))) => return Err(self.error(&io::Error::other("a block of it is missing"))),
                (None, None) => state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Brings its first bytes, which are written, to the disk.
    pub(super) fn bring_to_disk(&self, bytes: u64) -> Result<(), ArchiveError> {
        let safe = self.safe.load(Ordering::Relaxed);
        if safe == NOTHING || safe < bytes {
            durable::file(&self.path).map_err(ArchiveError::io("bring to disk", &self.path))?;
            self.safe.store(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The same failure for everyone who asks.
    fn error(&self, error: &io::Error) -> ArchiveError {
        let copy = match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        ArchiveError::io("write", &self.path)(copy)
    }
}

impl State {
    /// Notes what the blocks are that are written, if those are the ones that are asked for.
    fn mark_if_due(&mut self) -> bool {
        let is_due = self.mark.1.is_none() && self.mark.0 == self.next && !matches!(self.end, Some(Err(_)));
        if is_due {
            let sha256 = Digest(self.sha256.clone().finalize().into());
            self.mark.1 = Some(Packed {
                bytes: self.bytes,
                sha256,
            });
        }
        is_due
    }

    fn write(&mut self, block: &Block) {
        self.next += 1;
        self.bytes += block.packed.len() as u64;
        self.sha256.update(&block.packed);
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(&block.packed));
        if let Err(error) = written {
            self.end = Some(Err(error));
        } else if block.last {
            let sha256 = Digest(self.sha256.clone().finalize().into());
            self.end = Some(Ok(Packed {
                bytes: self.bytes,
                sha256,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs::OpenOptions;
    use std::io;
    use std::path::PathBuf;

    use super::PartFile;
    use crate::archive::ArchiveError;
    use crate::archive::pack::Block;

    fn block(text: &str, last: bool) -> Block {
        Block {
            packed: text.as_bytes().to_vec(),
            last,
            ..Block::default()
        }
    }

    #[test]
    fn blocks_are_written_in_order_whatever_order_they_come_in() {
        let folder = tempfile::tempdir().unwrap();
        let part = PartFile::create(folder.path().join("part")).unwrap();
        let back = Cell::new(0);
        for (number, text) in [(2, "c"), (0, "a"), (3, "d"), (1, "b")] {
            part.put(number, block(text, number == 3), Ok(()), |_| back.set(back.get() + 1));
        }
        assert_eq!((part.wait().unwrap().bytes, back.get()), (4, 4));
        assert_eq!(std::fs::read(folder.path().join("part")).unwrap(), b"abcd");
    }

    #[test]
    fn a_full_disk_is_told_to_all_who_ask_and_blocks_go_on_coming_back() {
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let part = PartFile::with_file(PathBuf::from("/backups/part"), file);
        let back = Cell::new(0);
        for number in [1, 0, 2] {
            part.put(number, block("x", number == 2), Ok(()), |_| back.set(back.get() + 1));
        }
        assert_eq!(back.get(), 3);
        for result in [part.check(), part.wait().map(drop), part.wait().map(drop)] {
            let Err(ArchiveError::Io { path, source, .. }) = result else {
                panic!("{result:?}")
            };
            assert_eq!(path, PathBuf::from("/backups/part"));
            assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        }
    }

    #[test]
    fn a_block_that_cannot_be_packed_ends_its_part() {
        let folder = tempfile::tempdir().unwrap();
        let part = PartFile::create(folder.path().join("part")).unwrap();
        part.put(1, block("b", true), Err(io::Error::other("the packer panicked")), drop);
        assert!(part.check().is_err());
        assert!(part.wait().is_err());
    }
}
