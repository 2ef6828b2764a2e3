//! What an exporter has remembered: a file in the spool folder with a line of JSON for each value.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use plugin_api::{ErrorKind, ExportError};
use rustix::fs::OFlags;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::checkpoint::Memory;
use super::error::{BackupError, archive_failed, on_disk};
use crate::archive::{ArchiveError, Digest};

/// An exporter may not remember more bytes.
const MOST: u64 = 256 << 20;
/// Bytes that are written at a time.
const AT_ONCE: usize = 64 << 10;

/// The name of a module's file.
pub(super) fn file(module: &str) -> String {
    format!("{module}.memory")
}

/// What was remembered so far.
#[derive(Default)]
pub(super) struct Remembered {
    /// None before anything was.
    file: Option<(PathBuf, File)>,
    bytes: u64,
    sha256: Sha256,
    /// Not written yet.
    pending: Vec<u8>,
}

impl Remembered {
    /// What was remembered at a checkpoint. What the file has beyond it is cut off.
    pub(super) fn resume(path: &Path, memory: Memory) -> Result<(Self, Vec<Json>), ArchiveError> {
        if memory.bytes == 0 {
            return Ok((Self::default(), Vec::new()));
        }
        let differs = |reason: String| ArchiveError::Differs {
            path: path.to_path_buf(),
            reason,
        };
        // Whoever wrote there may have put a link or a pipe in its place.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = OpenOptions::new()
            .read(true)
            .append(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(differs("it is not there".into())),
            Err(_) if path.is_symlink() => return Err(differs("it is a link".into())),
            opened => opened.map_err(ArchiveError::io("open", path))?,
        };
        let metadata = file.metadata().map_err(ArchiveError::io("read", path))?;
        if !metadata.is_file() {
            return Err(differs("it is no file".into()));
        }
        let length = metadata.len();
        if length < memory.bytes || memory.bytes > MOST {
            return Err(differs(format!("it has {length} bytes, not {}", memory.bytes)));
        }
        let mut sha256 = Sha256::new();
        let mut values = Vec::new();
        let mut lines = BufReader::new((&file).take(memory.bytes));
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .map_err(ArchiveError::io("read", path))?
            > 0
        {
            sha256.update(&line);
            let value = serde_json::from_slice(&line);
            values.push(value.map_err(|error| differs(format!("a line of it is no JSON: {error}")))?);
            line.clear();
        }
        let found = Digest(sha256.clone().finalize().into());
        if found != memory.sha256 {
            return Err(differs(format!("its SHA-256 is {found}, not {}", memory.sha256)));
        }
        // Only now: what differs is left as it is.
        file.set_len(memory.bytes).map_err(ArchiveError::io("cut", path))?;
        let remembered = Self {
            file: Some((path.to_path_buf(), file)),
            bytes: memory.bytes,
            sha256,
            pending: Vec::new(),
        };
        Ok((remembered, values))
    }

    /// Remembers one more value in the file that `path` gives.
    pub(super) fn add(&mut self, path: impl FnOnce() -> PathBuf, value: &Json) -> Result<(), ExportError> {
        let before = self.pending.len();
        serde_json::to_writer(&mut self.pending, value)
            .map_err(|error| ExportError::new(ErrorKind::Host, error.to_string()))?;
        self.pending.push(b'\n');
        let line = &self.pending[before..];
        self.bytes += line.len() as u64;
        if self.bytes > MOST {
            let message = format!("an exporter may remember {MOST} bytes at most: tell its author");
            return Err(ExportError::new(ErrorKind::Misuse, message));
        }
        self.sha256.update(line);
        if self.file.is_none() {
            let path = path();
            let made = OpenOptions::new()
                .read(true)
                .append(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            let file = made.map_err(|error| failed(&ArchiveError::io("make file", &path)(error)))?;
            self.file = Some((path, file));
        }
        if self.pending.len() > AT_ONCE {
            self.write()?;
        }
        Ok(())
    }

    /// All that was remembered.
    pub(super) fn values(&mut self) -> Result<Vec<Json>, ExportError> {
        let (memory, path) = self.snapshot()?;
        let Some(path) = path else {
            return Ok(Vec::new());
        };
        Self::resume(&path, memory)
            .map(|(_, values)| values)
            .map_err(|error| failed(&error))
    }

    /// Writes what is pending, and says what there is.
    pub(super) fn snapshot(&mut self) -> Result<(Memory, Option<PathBuf>), ExportError> {
        self.write()?;
        let memory = Memory {
            bytes: self.bytes,
            sha256: Digest(self.sha256.clone().finalize().into()),
        };
        Ok((memory, self.file.as_ref().map(|(path, _)| path.clone())))
    }

    fn write(&mut self) -> Result<(), ExportError> {
        if let Some((path, file)) = &mut self.file {
            let written = file.write_all(&self.pending);
            written.map_err(|error| failed(&ArchiveError::io("write", path)(error)))?;
            self.pending.clear();
        }
        Ok(())
    }
}

fn failed(error: &ArchiveError) -> ExportError {
    ExportError::new(ErrorKind::Host, on_disk(error))
}

/// Removes a file, if it is there.
pub(super) fn forget(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(archive_failed(ArchiveError::io("remove", path)(error)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::Remembered;
    use crate::archive::ArchiveError;

    #[test]
    fn what_was_remembered_at_a_checkpoint_comes_back_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tickets.memory");
        let mut memory = Remembered::default();
        let (nothing, file) = memory.snapshot().unwrap();
        assert!(nothing.bytes == 0 && file.is_none() && !path.exists());
        assert!(Remembered::resume(&path, nothing).unwrap().1.is_empty());
        let mut all = Vec::new();
        for number in 0..20_000 {
            let value = json!({ "id": number });
            memory.add(|| path.clone(), &value).unwrap();
            all.push(value);
        }
        let (mark, file) = memory.snapshot().unwrap();
        assert_eq!(file.as_deref(), Some(path.as_path()));
        memory.add(|| path.clone(), &json!("more")).unwrap();
        memory.snapshot().unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{torn")
            .unwrap();
        let (mut again, values) = Remembered::resume(&path, mark).unwrap();
        assert_eq!(values, all);
        // And is gone on with.
        again.add(|| path.clone(), &json!("other")).unwrap();
        let (mark, _) = again.snapshot().unwrap();
        assert_eq!(Remembered::resume(&path, mark).unwrap().1.last(), Some(&json!("other")));

        let mut bytes = std::fs::read(&path).unwrap();
        bytes[7] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        for remove in [false, true] {
            if remove {
                std::fs::remove_file(&path).unwrap();
            }
            let refused = Remembered::resume(&path, mark).map(drop);
            assert!(matches!(refused, Err(ArchiveError::Differs { .. })), "{refused:?}");
        }
    }

    #[test]
    fn what_is_no_file_of_its_own_is_neither_followed_nor_cut() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("tickets.memory"), folder.path().join("other"));
        let mut memory = Remembered::default();
        memory.add(|| path.clone(), &json!("it")).unwrap();
        let (mark, _) = memory.snapshot().unwrap();
        for (content, is_link) in [("\"it\"\nmore", true), ("\"at\"\nmore", false)] {
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&other, content).unwrap();
            if is_link {
                std::os::unix::fs::symlink(&other, &path).unwrap();
            } else {
                std::fs::copy(&other, &path).unwrap();
            }
            let refused = Remembered::resume(&path, mark).map(drop);
            assert!(matches!(refused, Err(ArchiveError::Differs { .. })), "{refused:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
    }
}
