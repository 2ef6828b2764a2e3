//! Finished archives at rest: how large one is, reading it out to a file, removing it, and how much room there is.
//!
//! Archives lie in an object store; here it is a local folder. [`Shelf`] is told their names by the service's memory and takes
//! none on trust: a name is that of a ZIP in the folder, or the whole path of one that was put elsewhere on purpose. What is
//! read out is held against the SHA-256 that was noted when it was published, and gets its name only if it is the same.
//!
//! Writing archives is `archive`'s matter, and so is what crashed backups leave.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::archive::Digest;

mod download;
#[cfg(test)]
mod tests;

/// Bytes that are read at a time.
const PIECE: u64 = 4 << 20;

/// Why something could not be done with an archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShelfError {
    /// What is noted of an archive is not what one is called.
    #[error("{0:?} is not the name of an archive: the history's database was altered")]
    Name(String),
    /// The archive is not there.
    #[error("the archive {} is not there any more", .0.display())]
    Missing(PathBuf),
    /// There is a file of the target's name already. It was left as it is.
    #[error("{} exists already and is not replaced", .0.display())]
    Exists(PathBuf),
    /// The archive is not what was published. Nothing was kept of the copy.
    #[error("the archive {} is not what was published: its SHA-256 is {found}, and was {expected}", path.display())]
    Damaged {
        /// The archive.
        path: PathBuf,
        /// What was noted when it was published.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// It was cancelled. Nothing was kept of the copy.
    #[error("cancelled")]
    Cancelled,
    /// The disk. The source says why.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done, e.g. `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl ShelfError {
    /// For `map_err`: the disk failed while doing `action` to `path`.
    fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}

/// The archives of a data directory. Its calls wait for the disk: none is for a thread of an asynchronous runtime.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// The store has an asynchronous face.
    runtime: Runtime,
}

/// One archive: where it lies, and how to get at it.
struct Place {
    store: Arc<dyn ObjectStore>,
    key: Key,
    path: PathBuf,
}

impl Shelf {
    /// The archives in `folder`, which may come into being later.
    pub fn open(folder: &Path) -> Result<Self, ShelfError> {
        let runtime = Builder::new_current_thread().build();
        Ok(Self {
            folder: folder.to_path_buf(),
            runtime: runtime.map_err(ShelfError::io("start what reads", folder))?,
        })
    }

    /// Where the archive of this name lies, or would.
    pub fn path(&self, name: &str) -> Result<PathBuf, ShelfError> {
        let (folder, file) = self.split(name)?;
        Ok(folder.join(file))
    }

    /// The length of an archive in bytes; `None` where it is not there.
    pub fn size(&self, name: &str) -> Result<Option<u64>, ShelfError> {
        let Some(Place { store, key, path }) = self.place(name)? else {
            return Ok(None);
        };
        match self.runtime.block_on(store.head(&key)) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(store_failed("look at", path, error)),
        }
    }

    /// Reads an archive out to the file `to`, which must not be there, and gives its length. It gets that name when all of it
    /// is safe on the disk and has the SHA-256 `expected`; until then it has a name of its own beside it. `progress` is told the
    /// bytes done and in all.
    pub fn download(
        &self,
        name: &str,
        expected: &Digest,
        to: &Path,
        progress: &dyn Fn(u64, u64),
        cancel: &CancellationToken,
    ) -> Result<u64, ShelfError> {
        let missing = || self.path(name).map_or_else(|error| error, ShelfError::Missing);
        let place = self.place(name)?.ok_or_else(missing)?;
        download::download(&self.runtime, &place, expected, to, progress, cancel)
    }

    /// Removes an archive, and says whether it was there. It does not come back after a loss of power.
    pub fn delete(&self, name: &str) -> Result<bool, ShelfError> {
        let Some(Place { store, key, path }) = self.place(name)? else {
            return Ok(false);
        };
        match self.runtime.block_on(store.delete(&key)) {
            Ok(()) => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(store_failed("remove", path, error)),
        }
        download::sync_folder_of(&path)?;
        Ok(true)
    }

    /// Bytes free in the folder for this user.
    pub fn free(&self) -> Result<u64, ShelfError> {
        free(&self.folder)
    }

    /// The folder and the file name of an archive. What stands in the database may have been put there by anyone.
    fn split<'a>(&self, name: &'a str) -> Result<(PathBuf, &'a str), ShelfError> {
        let wrong = || ShelfError::Name(name.to_owned());
        let (folder, file) = match name.rsplit_once('/') {
            None => (self.folder.clone(), name),
            // Recorded whole, because somebody wanted it elsewhere.
            Some((folder, file)) if name.starts_with('/') => {
                if folder.split('/').any(|part| part == ".." || part == ".") {
                    return Err(wrong());
                }
                (PathBuf::from(if folder.is_empty() { "/" } else { folder }), file)
            }
            Some(_) => return Err(wrong()),
        };
        // Never the database, the key, a lock or a spool.
        let stem = file.strip_suffix(".zip").unwrap_or_default();
        let is_archive = !stem.is_empty() && !file.starts_with('.') && !file.chars().any(char::is_control);
        if is_archive { Ok((folder, file)) } else { Err(wrong()) }
    }

    /// Where to look for an archive; `None`: its folder is not there.
    fn place(&self, name: &str) -> Result<Option<Place>, ShelfError> {
        let (folder, file) = self.split(name)?;
        let path = folder.join(file);
        // A link is not what was published, wherever it leads.
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(ShelfError::io("read", &path)(io::Error::other("it is no file"))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(source) => return Err(ShelfError::io("look at", &path)(source)),
        }
        let key = Key::parse(file).map_err(|_| ShelfError::Name(name.to_owned()))?;
        match LocalFileSystem::new_with_prefix(&folder) {
            Ok(store) => Ok(Some(Place {
                store: Arc::new(store),
                key,
                path,
            })),
            Err(error) => Err(store_failed("open", folder, error)),
        }
    }
}

/// Bytes free for this user on the disk that holds `folder`, or the nearest folder above it that is there.
pub fn free(folder: &Path) -> Result<u64, ShelfError> {
    let here = |path: &Path| {
        if path.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            path.to_owned()
        }
    };
    for folder in folder.ancestors() {
        let folder = here(folder);
        match rustix::fs::statvfs(&folder) {
            Ok(disk) => return Ok(disk.f_bavail.saturating_mul(disk.f_frsize)),
            Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(ShelfError::io("ask for the room in", &folder)(error.into())),
        }
    }
    Err(ShelfError::io("ask for the room in", folder)(
        io::ErrorKind::NotFound.into(),
    ))
}

/// What a failure of the store means, other than that something is not there.
fn store_failed(action: &'static str, path: PathBuf, error: object_store::Error) -> ShelfError {
    ShelfError::Io {
        action,
        path,
        source: io::Error::other(error),
    }
}
