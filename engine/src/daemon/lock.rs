//! The lock on the data directory: one daemon at a time.
//!
//! What counts is the lock of the system on the open file, which ends with its process, however that ends. The words in
//! the file only say who has it: a file that was left behind locks nobody out.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use plugin_api::Timestamp;
use serde::{Deserialize, Serialize};

use crate::quota::second_words;

/// The file in the data directory.
pub const FILE: &str = "deskvault.lock";

/// More than the words of an owner take.
const LARGEST: u64 = 4096;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// Who has a lock, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The process.
    pub pid: u32,
    /// The host on which it runs.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
    /// Its version.
    pub version: String,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error(
        "the data directory {} is in use by {}, or name another folder in [archive]",
        folder.display(), held(owner.as_ref())
    )]
    Held {
        /// The data directory.
        folder: PathBuf,
        /// Who, where it could be read.
        owner: Option<Owner>,
    },
    /// The system refuses it.
    #[error("cannot lock the data directory with {}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Who has it, and how to end that.
fn held(owner: Option<&Owner>) -> String {
    let Some(Owner { pid, host, since, .. }) = owner else {
        return "another deskvault daemon, which does not say where it runs: stop it first".to_owned();
    };
    let host = crate::config::text::excerpt(host);
    format!(
        "another deskvault daemon, process {pid} on {host} since {}: stop it first (`systemctl stop deskvault`, or \
         `kill {pid}` there)",
        second_words(*since)
    )
}

impl Lock {
    /// Takes the lock of a data directory, which is made where it is missing.
    pub fn take(folder: &Path, now: Timestamp) -> Result<Self, LockError> {
        let path = folder.join(FILE);
        let fail = |source| LockError::Io {
            file: path.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(fail)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    folder: folder.to_owned(),
                    owner: owner(&file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        let owner = Owner {
            pid: std::process::id(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            since: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let words = serde_json::to_vec(&owner).map_err(|error| fail(error.into()))?;
        file.set_len(0).map_err(fail)?;
        file.write_all(&words).map_err(fail)?;
        Ok(Self { file, path })
    }

    /// Whether it still keeps others out: whoever comes looks for the file where it was, and it may have been taken away. Where
    /// that cannot be seen just now, it does.
    pub fn is_held(&self) -> bool {
        match (self.file.metadata(), fs::metadata(&self.path)) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
            (Err(_), _) => true,
        }
    }
}

/// What the owner wrote, if it has already and it can be read.
fn owner(file: &File) -> Option<Owner> {
    let mut words = Vec::new();
    file.take(LARGEST).read_to_end(&mut words).ok()?;
    serde_json::from_slice(&words).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use plugin_api::Timestamp;

    use super::{FILE, Lock, LockError};

    const NOW: Timestamp = Timestamp::from_micros(1_900_000_000_000_000);

    #[test]
    fn a_second_one_is_told_who_has_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");
        let held = Lock::take(&folder, NOW).unwrap();
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
        let error = Lock::take(&folder, NOW).unwrap_err();
        let LockError::Held { owner: Some(owner), .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!((owner.pid, owner.since), (std::process::id(), NOW));
        let said = error.to_string();
        for part in [
            folder.to_str().unwrap(),
            &format!("process {} on ", owner.pid),
            "since 2030-03-17 17:46:40 UTC",
            &format!("`kill {}`", owner.pid),
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        drop(held);
        Lock::take(&folder, NOW).unwrap();
    }

    #[test]
    fn a_file_that_was_taken_away_keeps_nobody_out() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(FILE);
        let held = Lock::take(home.path(), NOW).unwrap();
        assert!(held.is_held());
        fs::remove_file(&file).unwrap();
        assert!(!held.is_held());
        let other = Lock::take(home.path(), NOW).unwrap();
        assert!(other.is_held() && !held.is_held());
        fs::remove_dir_all(home.path()).unwrap();
        assert!(!other.is_held());
    }

    #[test]
    fn words_that_were_left_behind_lock_nobody_out() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(FILE);
        for words in [
            "",
            "{",
            "\u{0}\u{1}",
            "{\"pid\":1,\"host\":\"h\",\"since\":\"2031-01-01T00:00:00Z\",\"version\":\"9\"}",
        ] {
            fs::write(&file, format!("{words}{}", " ".repeat(5000))).unwrap();
            let held = Lock::take(home.path(), NOW).unwrap();
            let Err(LockError::Held { owner: Some(owner), .. }) = Lock::take(home.path(), NOW) else {
                panic!("{words:?}")
            };
            assert_eq!(owner.pid, std::process::id(), "{words:?}");
            drop(held);
        }
    }

    #[test]
    fn an_owner_without_readable_words_holds_it_all_the_same() {
        let home = tempfile::tempdir().unwrap();
        let _held = Lock::take(home.path(), NOW).unwrap();
        fs::write(home.path().join(FILE), "half a wor").unwrap();
        let error = Lock::take(home.path(), NOW).unwrap_err();
        assert!(matches!(error, LockError::Held { owner: None, .. }), "{error}");
        assert!(error.to_string().contains("does not say"), "{error}");
    }
}
