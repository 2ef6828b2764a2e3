//! Bringing files and folders to the disk. All of the archive's room does it through here, so that a test can tell what a loss of
//! power would have left.

use std::fs::File;
use std::io;
use std::path::Path;

/// Brings the content of an open file to the disk.
pub(super) fn open(file: &File, path: &Path) -> io::Result<()> {
    told(path)?;
    file.sync_all()
}

/// Brings the content of a file to the disk.
pub(super) fn file(path: &Path) -> io::Result<()> {
    open(&File::open(path)?, path)
}

/// Brings the names in a folder to the disk.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    told(path)?;
    File::open(path)?.sync_all()
}

#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "a test's may fail")]
fn told(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use watched::told;

/// Telling a test what is about to be brought to the disk.
#[cfg(test)]
pub(super) mod watched {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex, PoisonError};

    type Watch = Arc<dyn Fn(&Path) -> io::Result<()> + Send + Sync>;

    static WATCHES: Mutex<Vec<(PathBuf, Watch)>> = Mutex::new(Vec::new());

    /// Tells `watch` of all that lies below `root`, from now on. What it fails with is what the disk says.
    pub(in crate::archive) fn watch(root: &Path, watch: impl Fn(&Path) -> io::Result<()> + Send + Sync + 'static) {
        let mut watches = WATCHES.lock().unwrap_or_else(PoisonError::into_inner);
        watches.push((root.to_path_buf(), Arc::new(watch)));
    }

    pub(super) fn told(path: &Path) -> io::Result<()> {
        let watches = WATCHES.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut watches = watches.iter().filter(|(root, _)| path.starts_with(root));
        watches.try_for_each(|(_, watch)| watch(path))
    }
}
