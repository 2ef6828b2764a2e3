//! The folder in which the parts of one backup are kept until its archive is published.
//!
//! It lies beside the finished archives, so that publishing is a rename, and is called
//! `.deskvault-<archive's name>.spool`. It holds personal data, so nobody else may look into it.
//!
//! The file `owner` in it says who writes here, and is locked for as long as that process lives, however it ends. Whoever can
//! lock it has found what a process left: a backup that can be gone on with, which is taken over, or a crash's leftovers, which
//! `sweep` removes. Which of the two, only whoever ordered the backup knows.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plugin_api::Timestamp;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::durable;
use super::error::ArchiveError;
use super::name;

/// The file that is locked.
pub(super) const OWNER: &str = "owner";
/// It is not longer.
pub(super) const MAX_OWNER: u64 = 64 << 10;

/// Who writes an archive, as its spool folder tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The process.
    pub pid: u32,
    /// The machine that it runs on.
    pub host: String,
    /// When the backup started.
    pub since: Timestamp,
    /// The backup's own name or id.
    pub backup: String,
}

impl Owner {
    /// This process.
    pub(super) fn this(backup: &str, since: Timestamp) -> Self {
        Self {
            pid: std::process::id(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            since,
            backup: backup.to_owned(),
        }
    }
}

/// Whoever looks whether a folder is in use holds its lock for a moment: so long it is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(10);

/// The folder, locked. Dropping it removes it with all that is in it, unless it was taken over.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// Held: it is locked.
    owner: File,
    /// It is another's to remove.
    stays: bool,
}

impl Spool {
    /// Makes the folder for the archive `stem` below `parent`, which is made too where it is missing. `None`: there is one
    /// already, and it is another backup's.
    pub(super) fn create(parent: &Path, stem: &str, owner: &Owner) -> Result<Option<Self>, ArchiveError> {
        let Some(folder) = make(parent, stem)? else {
            return Ok(None);
        };
        match own(&folder, owner) {
            Ok(owner) => Ok(Some(Self {
                folder,
                owner,
                stays: false,
            })),
            // Somebody swept it, which takes a clock that was set back by minutes: it is theirs.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(source) => {
                // Empty, or swept one day.
                drop(fs::remove_dir(&folder));
                Err(ArchiveError::io("lock", &folder.join(OWNER))(source))
            }
        }
    }

    /// Takes a folder that is there, and leaves it there when it is dropped.
    ///
    /// # Errors
    /// [`ArchiveError::InUse`] while another process has it.
    pub(super) fn take(folder: &Path, owner: &Owner) -> Result<Self, ArchiveError> {
        let path = folder.join(OWNER);
        let until = Instant::now() + PATIENCE;
        let taken = loop {
            match lock(folder, &path, owner) {
                Ok(Some(file)) => break file,
                Ok(None) if Instant::now() < until => std::thread::sleep(AGAIN),
                Ok(None) => {
                    return Err(ArchiveError::InUse {
                        folder: folder.to_path_buf(),
                        owner: read_owner(&path),
                    });
                }
                Err(source) => return Err(ArchiveError::io("lock", &path)(source)),
            }
        };
        Ok(Self {
            folder: folder.to_path_buf(),
            owner: taken,
            stays: true,
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder for the finished archive.
    pub(super) fn parent(&self) -> &Path {
        let parent = self.folder.parent().filter(|parent| *parent != Path::new(""));
        parent.unwrap_or(Path::new("."))
    }

    /// The archive's name, without what its state adds. Empty for a folder that is not called like a spool folder.
    pub(super) fn stem(&self) -> &str {
        let name = self.folder.file_name().and_then(|name| name.to_str());
        name.and_then(name::stem_of).unwrap_or_default()
    }

    /// Whether it stays when this is dropped.
    pub(super) fn stays(&self) -> bool {
        self.stays
    }

    /// Removes everything in it that has none of these names.
    pub(super) fn keep_only(&self, names: &BTreeSet<String>) -> Result<(), ArchiveError> {
        let listing = || ArchiveError::io("list", &self.folder);
        for entry in fs::read_dir(&self.folder).map_err(listing())? {
            let entry = entry.map_err(listing())?;
            let name = entry.file_name();
            if name == OWNER || name.to_str().is_some_and(|name| names.contains(name)) {
                continue;
            }
            let path = entry.path();
            let removed = match entry.file_type() {
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
                _ => fs::remove_file(&path),
            };
            removed.map_err(ArchiveError::io("remove", &path))?;
        }
        Ok(())
    }

    /// Removes it.
    pub(super) fn remove(mut self) -> Result<(), ArchiveError> {
        self.stays = true;
        fs::remove_dir_all(&self.folder).map_err(ArchiveError::io("remove", &self.folder))
    }
}

/// Makes the folder for the archive `stem` below `parent`, which is made too where it is missing. `None`: it is there already.
fn make(parent: &Path, stem: &str) -> Result<Option<PathBuf>, ArchiveError> {
    fs::create_dir_all(parent).map_err(ArchiveError::io("make folder", parent))?;
    let folder = parent.join(name::spool(stem));
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(source) => Err(ArchiveError::io("make folder", &folder)(source)),
    }
}

/// Makes the folder, and nobody holds it. `None`: it is there already.
pub(super) fn reserve(parent: &Path, stem: &str) -> Result<Option<PathBuf>, ArchiveError> {
    let made = make(parent, stem)?;
    if made.is_some() {
        durable::folder(parent).map_err(ArchiveError::io("bring to disk", parent))?;
    }
    Ok(made)
}

/// Locks the file `owner` in a folder, which is made where it is missing, and writes down whose it is. `None`: another has it.
fn lock(folder: &Path, path: &Path, owner: &Owner) -> io::Result<Option<File>> {
    let file = match open_file(path, true) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match own(folder, owner) {
                Ok(file) => Ok(Some(file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(error),
            };
        }
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) if is_same(&file, path) => {}
        Ok(()) | Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    file.set_len(0)?;
    // Only for those who find it in use: a full disk must not keep a backup from being taken up.
    let text = serde_json::to_vec(owner)?;
    if let Err(error) = (&file).write_all(&text) {
        tracing::warn!(file = %path.display(), %error, "cannot write down who uses it");
    }
    Ok(Some(file))
}

/// Opens a file of a spool folder. Neither a link is followed nor a pipe waited for.
pub(super) fn open_file(path: &Path, write: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    Ok(file)
}

/// Who has a folder, where that can be read.
pub(super) fn read_owner(path: &Path) -> Option<Owner> {
    serde_json::from_str(&read_text(path, MAX_OWNER).ok()?).ok()
}

/// The text of a file, of which no more than `most` bytes are read.
pub(super) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    open_file(path, false)?.take(most).read_to_string(&mut text)?;
    Ok(text)
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        // If somebody has removed it by hand, the folder of this name may be another backup's by now.
        let removed = if is_same(&self.owner, &self.path(OWNER)) {
            fs::remove_dir_all(&self.folder)
        } else {
            Err(io::Error::other("it is not this backup's any more"))
        };
        if let Err(error) = removed {
            tracing::warn!(folder = %self.folder.display(), %error, "cannot remove the spool folder: remove it by hand");
        }
    }
}

/// Makes the file `owner` in a folder that has none, and locks it. It is locked before it can be seen under its name: one that
/// is not locked has lost its process.
pub(super) fn own(folder: &Path, owner: &Owner) -> io::Result<File> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.as_file().lock()?;
    serde_json::to_writer(&mut file, owner)?;
    file.flush()?;
    Ok(file.persist_noclobber(folder.join(OWNER))?)
}

/// Whether what lies at `path` is this file.
pub(super) fn is_same(file: &File, path: &Path) -> bool {
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, there) = (file.metadata().map(place), fs::symlink_metadata(path).map(place));
    matches!((open, there), (Ok(open), Ok(there)) if open == there)
}

/// Makes a file that was not there before, readable only to its owner.
pub(super) fn create_file(path: &Path) -> Result<File, ArchiveError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(ArchiveError::io("make file", path))
}
