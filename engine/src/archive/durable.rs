//! Bringing files and folders to the disk. All of the archive's room does it through here, so that a test can tell what a loss of
//! power would have left.

use std::fs::File;
use std::io;
use std::path::Path;

/// Brings the content of an open file to the disk.
pub(super) fn open(file: &File, _path: &Path) -> io::Result<()> {
    file.sync_all()
}

/// Brings the content of a file to the disk.
pub(super) fn file(path: &Path) -> io::Result<()> {
    open(&File::open(path)?, path)
}

/// Brings the names in a folder to the disk.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
