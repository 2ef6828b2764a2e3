//! The folder in which the parts of one backup are kept until its archive is published.
//!
//! It lies beside the finished archives, so that publishing is a rename, and is called
//! `.deskvault-<archive's name>.spool`: whoever finds one that no running backup owns has found a crash's
//! leftovers. It holds personal data, so nobody else may look into it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::ArchiveError;

/// The folder. Dropping it removes it with all that is in it.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Makes the folder for the archive `stem` below `parent`, which is made too where it is missing.
    pub(super) fn create(parent: &Path, stem: &str) -> Result<Self, ArchiveError> {
        fs::create_dir_all(parent).map_err(ArchiveError::io("make folder", parent))?;
        let folder = parent.join(format!(".deskvault-{stem}.spool"));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => Ok(Self { folder }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ArchiveError::SpoolExists(folder)),
            Err(source) => Err(ArchiveError::io("make folder", &folder)(source)),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "cannot remove the spool folder: remove it by hand");
        }
    }
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
