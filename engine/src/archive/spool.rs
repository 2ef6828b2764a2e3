//! The folder in which the parts of one backup are kept until its archive is published.
//!
//! It lies beside the finished archives, so that publishing is a rename, and is called
//! `.deskvault-<archive's name>.spool`. It holds personal data, so nobody else may look into it.
//!
//! The file `owner` in it says who writes here, and is locked for as long as that process lives, however it ends. Whoever can
//! lock it has found a crash's leftovers; `sweep` removes them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use plugin_api::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::ArchiveError;
use super::name;

/// The file that is locked.
pub(super) const OWNER: &str = "owner";

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

/// The folder. Dropping it removes it with all that is in it.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// Held: it is locked.
    owner: File,
}

impl Spool {
    /// Makes the folder for the archive `stem` below `parent`, which is made too where it is missing. `None`: there is one
    /// already, and it is another backup's.
    pub(super) fn create(parent: &Path, stem: &str, owner: &Owner) -> Result<Option<Self>, ArchiveError> {
        fs::create_dir_all(parent).map_err(ArchiveError::io("make folder", parent))?;
        let folder = parent.join(name::spool(stem));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(source) => return Err(ArchiveError::io("make folder", &folder)(source)),
        }
        match own(&folder, owner) {
            Ok(owner) => Ok(Some(Self { folder, owner })),
            // Somebody swept it, which takes a clock that was set back by minutes: it is theirs.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(source) => {
                // Empty, or swept one day.
                drop(fs::remove_dir(&folder));
                Err(ArchiveError::io("lock", &folder.join(OWNER))(source))
            }
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
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
