//! The key of an installation: what links and the history's seal are signed with. Made at first start, readable by its
//! owner alone.
//!
//! It signs for a purpose: each purpose has a key of its own, made from this one, so that what was signed for one is
//! worth nothing for another. Architecture invariant: the key can be neither printed nor serialised, and no error shows
//! what a key file holds.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::archive::Digest;

/// The name of the file in the data directory.
pub const FILE: &str = "deskvault.key";

/// What a file holds: 64 hexadecimal digits and the end of the line.
const LENGTH: usize = 65;

/// The key. Clones are not needed: share it in an `Arc`.
pub struct Key([u8; 32]);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or folder cannot be used.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than the owner may use the file.
    #[error(
        "{path} may be used by others (mode {mode:o}): run `chmod 600 {path}`, and if somebody may have read it, take \
         links that were made with it for known",
        path = path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file is no key.
    #[error(
        "{path} holds no key (64 hexadecimal digits): it was altered or cut off; put it back from a copy",
        path = path.display()
    )]
    Garbled {
        /// The file.
        path: PathBuf,
    },
    /// There is a database, and the key it was made with is gone.
    #[error(
        "{path} is missing, and {database} was made with it: put it back from a copy; if there is none, \
         `deskvault history reseal` goes on with a new one",
        path = path.display(), database = database.display()
    )]
    Gone {
        /// The file.
        path: PathBuf,
        /// The database.
        database: PathBuf,
    },
    /// There is a key, backups were made with it, and the database is gone.
    #[error(
        "{database} is missing or empty, and {path} was made with it: put it back from a copy, with its schedules, its list and its \
         history; if there is none, move {path} away, too, and all of that begins anew, under another key; archives that are \
         there stay, and are in no list",
        path = path.display(), database = database.display()
    )]
    Forgotten {
        /// The key.
        path: PathBuf,
        /// The database.
        database: PathBuf,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers for a key")]
    Random(#[source] getrandom::Error),
}

impl Key {
    /// The key of the data directory `folder`; both are made where they are missing. Of several processes that make it at
    /// the same time one does, and all get the same key.
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        make_folder(folder)?;
        let path = folder.join(FILE);
        // Before the key is looked for: a database that is there by now had its key before.
        let database = folder.join(crate::store::FILE);
        let is_there = exists(&database)?;
        Self::expect_nothing_forgotten(folder)?;
        if is_there {
            return Self::read(&path)?.ok_or(KeyError::Gone { path, database });
        }
        // Also where another process is faster.
        Self::renew(folder)
    }

    /// An error where the database is gone, or has been emptied, that belongs to the key. With another one under the same key
    /// nobody would see that schedules, list and history are lost, and a link to an archive of then would open one of now, of
    /// the same number.
    pub fn expect_nothing_forgotten(folder: &Path) -> Result<(), KeyError> {
        let path = folder.join(FILE);
        // A first start that was interrupted leaves a key, too, but made no backup.
        if !exists(&path)? || !has_desk_lock(folder)? {
            return Ok(());
        }
        // Last: another process may just have made all of them.
        let database = folder.join(crate::store::FILE);
        if holds_anything(&database)? {
            return Ok(());
        }
        Err(KeyError::Forgotten { path, database })
    }

    /// The key of the data directory `folder`, or a new one where it is lost: what was signed with that one is not worth
    /// anything any more.
    pub fn renew(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(FILE);
        if let Some(key) = Self::read(&path)? {
            return Ok(key);
        }
        Self::make(folder, &path)?;
        Self::read(&path)?.ok_or(KeyError::Garbled { path })
    }

    /// The key of the data directory, if there is one. Makes nothing.
    pub fn existing(folder: &Path) -> Result<Option<Self>, KeyError> {
        Self::read(&folder.join(FILE))
    }

    /// Signs bytes for a purpose: HMAC-SHA-256.
    pub fn sign(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let own = mac(&self.0, purpose.as_bytes());
        mac(&own, bytes)
    }

    /// Whether `signature` is what [`sign`](Self::sign) gives. Takes the same time wherever it differs.
    pub fn check(&self, purpose: &str, bytes: &[u8], signature: &[u8]) -> bool {
        self.sign(purpose, bytes).ct_eq(signature).into()
    }

    /// A key for a test.
    #[cfg(test)]
    pub(crate) fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn read(path: &Path) -> Result<Option<Self>, KeyError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error("read", path)(source)),
        };
        let mode = file.metadata().map_err(io_error("read", path))?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            let path = path.to_owned();
            return Err(KeyError::TooOpen { path, mode });
        }
        let mut text = Vec::with_capacity(LENGTH);
        file.take(LENGTH as u64 + 1)
            .read_to_end(&mut text)
            .map_err(io_error("read", path))?;
        let digits = text.strip_suffix(b"\n").and_then(|digits| str::from_utf8(digits).ok());
        let key = digits.and_then(Digest::parse).map(|key| Self(key.0));
        key.map(Some).ok_or_else(|| KeyError::Garbled { path: path.to_owned() })
    }

    /// Makes the file, unless it is there by now. It gets its name when all of it is on the disk, so that nobody ever
    /// reads a part of a key, and never that of another one.
    fn make(folder: &Path, path: &Path) -> Result<(), KeyError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(KeyError::Random)?;
        // Files of `tempfile` are their owner's alone.
        let mut file = tempfile::Builder::new()
            .prefix(".deskvault-key-")
            .tempfile_in(folder)
            .map_err(io_error("make a file in", folder))?;
        writeln!(file, "{}", Digest(key))
            .and_then(|()| file.as_file().sync_all())
            .map_err(io_error("write", path))?;
        match file.persist_noclobber(path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error("make", path)(error.error)),
        }
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io_error("write", folder))
    }
}

/// Makes the data directory where it is missing, for its owner alone: what is in it is personal data.
pub(crate) fn make_folder(folder: &Path) -> Result<(), KeyError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(io_error("make folder", folder))
}

/// Whether a backup of any desk was ever begun here: its lock stays.
fn has_desk_lock(folder: &Path) -> Result<bool, KeyError> {
    for entry in folder.read_dir().map_err(io_error("list", folder))? {
        let name = entry.map_err(io_error("list", folder))?.file_name();
        if name.to_str().is_some_and(crate::service::is_desk_lock) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a file is there and has any bytes. A database has, before the first backup of a desk takes its lock.
fn holds_anything(path: &Path) -> Result<bool, KeyError> {
    match path.metadata() {
        Ok(found) => Ok(found.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("read", path)(error)),
    }
}

fn exists(path: &Path) -> Result<bool, KeyError> {
    path.try_exists().map_err(io_error("read", path))
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::Io { action, path, source }
}

fn mac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    // HMAC fills a key that is shorter than a block with zeros.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
