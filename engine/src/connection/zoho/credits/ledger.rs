//! One budget for all who back up desks of one organisation, in whatever process: a small file beside the archives, in which
//! each says what it has under way.
//!
//! Whoever reads or writes it holds a lock on it, for microseconds. Each holds, as long as it lives, a lock on a file of its
//! own too: whose file can be locked is gone, however it ended, and what it had under way counts no more. What stands in the
//! file is checked as what others wrote: at worst it is empty, and the desk's next answer says what is left.
//!
//! Beside it stands for each desk of which organisation it turned out to be: so what others have left of the day counts from
//! the first request on.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use plugin_api::Timestamp;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

/// The file is not longer.
const LONGEST: u64 = 64 << 10;
/// Not more share one budget.
const MEMBERS: usize = 256;
/// The lock is tried so often before it is left for the next time.
const TRIES: usize = 500;
/// It is opened once: then it is worth more of them.
const PATIENT: usize = 200_000;

/// What stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// Counts the days.
    pub(super) epoch: u64,
    /// What is left on this day, as the desk said.
    pub(super) left: Option<u64>,
    /// The most that was left on this day.
    pub(super) largest: u64,
    /// When that was written: microseconds since 1970.
    pub(super) at: i64,
    /// What each has under way, in credits, by the name of its own file.
    pub(super) reserved: BTreeMap<String, u64>,
}

/// Of which organisation a desk is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// Its id.
    pub(super) org_id: String,
    /// Credits that its edition has a day at least; 0 where that is not known.
    pub(super) daily: u64,
}

impl Known {
    /// What an earlier backup of the desk has found; none where there was none, or what stands there is no such thing.
    pub(super) fn read(folder: &Path, desk: &str, origin: &str) -> Option<Self> {
        let path = folder.join(Self::name(desk, origin));
        let mut options = OpenOptions::new();
        options
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
        let file = options
            .open(path)
            .ok()
            .filter(|file| file.metadata().is_ok_and(|found| found.is_file()))?;
        let mut text = Vec::new();
        file.take(LONGEST).read_to_end(&mut text).ok()?;
        let known: Self = serde_json::from_slice(&text).ok()?;
        let is_id = !known.org_id.is_empty() && known.org_id.bytes().all(|byte| byte.is_ascii_digit());
        is_id.then_some(known)
    }

    /// Keeps it for the next one. Lost, the desk tells it again.
    pub(super) fn keep(&self, folder: &Path, desk: &str, origin: &str) -> io::Result<()> {
        let file = open(&folder.join(Self::name(desk, origin)), false)?;
        let text = serde_json::to_vec(self)?;
        file.set_len(0)?;
        file.write_all_at(&text, 0)
    }

    /// The name of its file, which no file of an organisation has.
    fn name(desk: &str, origin: &str) -> String {
        format!("desk-{:08x}-{:08x}", short(desk), short(origin))
    }
}

/// The file of one organisation, and one who shares its budget.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    file: File,
    /// Its own file, locked.
    own: File,
    name: String,
}

impl Ledger {
    /// Opens the file `name` in a folder, which is made where it is not there.
    pub(super) fn open(folder: &Path, name: &str) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        match builder.mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let file = open(&folder.join(name), false)?;
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let own_name = format!("{name}.{:016x}", u64::from_le_bytes(bytes));
        // Under the lock: nobody else may take it for one that is left behind.
        if !lock(&file, PATIENT)? {
            return Err(io::Error::other(format!("another process does not let go of {name}")));
        }
        let own = open(&folder.join(&own_name), true)?;
        own.try_lock().map_err(|_| io::Error::other("a new file is locked"))?;
        let ledger = Self {
            folder: folder.to_owned(),
            file,
            own,
            name: own_name,
        };
        ledger.clear(name);
        ledger.file.unlock()?;
        Ok(ledger)
    }

    /// Whether it is the one of the file `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.rsplit_once('.').is_some_and(|(file, _)| file == name)
    }

    /// Reads the file, has it changed, and writes it. None where another holds it: then it is for the next time. `change` gets
    /// what all others who live have under way, and gives what this one has.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Page, u64) -> (u64, T)) -> io::Result<Option<T>> {
        if !lock(&self.file, TRIES)? {
            return Ok(None);
        }
        let updated = self.updated(change);
        let unlocked = self.file.unlock();
        let value = updated?;
        unlocked?;
        Ok(Some(value))
    }

    fn updated<T>(&self, change: impl FnOnce(&mut Page, u64) -> (u64, T)) -> io::Result<T> {
        let (before, length) = self.read()?;
        let mut page = before.clone();
        page.reserved
            .retain(|name, reserved| *name != self.name && *reserved > 0);
        page.reserved.retain(|name, _| self.lives(name));
        let others = page.reserved.values().copied().fold(0, u64::saturating_add);
        let (own, value) = change(&mut page, others);
        if own > 0 {
            page.reserved.insert(self.name.clone(), own);
        }
        if page != before {
            self.write(&page, length)?;
        }
        Ok(value)
    }

    fn read(&self) -> io::Result<(Page, u64)> {
        let length = self.file.metadata()?.len();
        if length == 0 || length > LONGEST {
            return Ok((Page::default(), length));
        }
        let mut text = vec![0; length as usize];
        let text = match self.file.read_exact_at(&mut text, 0) {
            Ok(()) => text,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Vec::new(),
            Err(error) => return Err(error),
        };
        let page = serde_json::from_slice::<Page>(&text).ok();
        Ok((page.filter(Page::is_sound).unwrap_or_default(), length))
    }

    /// In one piece, with blanks behind it: it never is a beginning of one and an end of another.
    fn write(&self, page: &Page, length: u64) -> io::Result<()> {
        let mut text = serde_json::to_vec(page)?;
        if length > LONGEST {
            self.file.set_len(0)?;
        } else if text.len() < length as usize {
            text.resize(length as usize, b' ');
        }
        self.file.write_all_at(&text, 0)
    }

    /// Whether the one of this name is there. What one leaves behind that is gone is removed.
    fn lives(&self, name: &str) -> bool {
        let path = self.folder.join(name);
        let Ok(file) = OpenOptions::new()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
            .open(&path)
        else {
            return false;
        };
        match file.try_lock() {
            Ok(()) => {
                let _ = fs::remove_file(&path);
                false
            }
            Err(_) => true,
        }
    }

    /// Removes the files of those who are gone and had nothing under way.
    fn clear(&self, name: &str) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten().take(4 * MEMBERS) {
            let found = entry.file_name();
            if let Some(found) = found.to_str().filter(|found| *found != self.name)
                && is_member(name, found)
            {
                self.lives(found);
            }
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // What cannot be removed, the next one does.
        let _ = self.update(|_, _| (0, ()));
        let _ = fs::remove_file(self.folder.join(&self.name));
        let _ = self.own.unlock();
    }
}

impl Page {
    fn is_sound(&self) -> bool {
        let names = |name: &String| name.rsplit_once('.').is_some_and(|(file, _)| is_member(file, name));
        self.reserved.len() <= MEMBERS && self.reserved.keys().all(names)
    }
}

/// Whether this is the name of the own file of one who shares the budget in the file `name`.
fn is_member(name: &str, found: &str) -> bool {
    let digits = found.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(is_hex))
        && name.bytes().all(|byte| is_hex(byte) || byte == b'-')
}

fn lock(file: &File, tries: usize) -> io::Result<bool> {
    for _ in 0..tries {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

fn open(path: &Path, is_new: bool) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .create_new(is_new)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no file"))
    }
}

/// The name of the file: the organisation's id, and what tells one data centre from another.
pub(super) fn name(org_id: &str, origin: &str) -> String {
    format!(
        "{}-{:08x}",
        org_id.get(..20.min(org_id.len())).unwrap_or_default(),
        short(origin)
    )
}

/// The beginning of the text's SHA-256.
fn short(text: &str) -> u32 {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(text.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Whether what was written then may still hold now.
pub(super) fn is_fresh(page: &Page, now: Timestamp, zone: chrono_tz::Tz) -> bool {
    /// Clocks of two machines, or of one before and after it was set.
    const APART: i64 = 300_000_000;
    let at = Timestamp::from_micros(page.at);
    page.at <= now.micros().saturating_add(APART) && super::day::is_same(zone, at.min(now), now)
}

#[cfg(test)]
mod tests;
