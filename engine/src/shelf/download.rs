//! Reading an archive out to a file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use object_store::ObjectStoreExt as _;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{PIECE, Place, ShelfError, store_failed};
use crate::archive::{Digest, Hashed};

/// Reads it in pieces, so that no more than one of them is held.
pub(super) fn download(
    runtime: &Runtime,
    place: &Place,
    expected: &Digest,
    to: &Path,
    progress: &dyn Fn(u64, u64),
    cancel: &CancellationToken,
) -> Result<u64, ShelfError> {
    // Before hours of copying; and again at the end, by the system.
    if to.symlink_metadata().is_ok() {
        return Err(ShelfError::Exists(to.to_owned()));
    }
    let Place { store, key, path } = place;
    let failed = |error| match error {
        object_store::Error::NotFound { .. } => ShelfError::Missing(path.clone()),
        error => store_failed("read", path.clone(), error),
    };
    let total = runtime.block_on(store.head(key)).map_err(failed)?.size;
    let mut copy = tempfile::Builder::new()
        .prefix(".deskvault-")
        .suffix(".part")
        .tempfile_in(folder_of(to))
        .map_err(ShelfError::io("make a file beside", to))?;
    let writing = || ShelfError::io("write", to);
    let mut out = Hashed::new(copy.as_file_mut());
    let mut done = 0;
    progress(done, total);
    while done < total {
        if cancel.is_cancelled() {
            return Err(ShelfError::Cancelled);
        }
        let end = total.min(done + PIECE);
        let piece = runtime.block_on(store.get_range(key, done..end)).map_err(failed)?;
        if piece.len() as u64 != end - done {
            let reason = io::Error::other("it became shorter while it was read");
            return Err(ShelfError::io("read", path)(reason));
        }
        out.write_all(&piece).map_err(writing())?;
        done = end;
        progress(done, total);
    }
    let found = out.digest();
    if found != *expected {
        return Err(ShelfError::Damaged {
            path: path.clone(),
            expected: *expected,
            found,
        });
    }
    copy.as_file().sync_all().map_err(ShelfError::io("bring to disk", to))?;
    if cancel.is_cancelled() {
        return Err(ShelfError::Cancelled);
    }
    copy.persist_noclobber(to).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => ShelfError::Exists(to.to_owned()),
        _ => ShelfError::io("give its name to", to)(error.error),
    })?;
    sync_folder_of(to)?;
    Ok(total)
}

/// Brings to disk what was done to the names in a file's folder.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), ShelfError> {
    let folder = folder_of(path);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(ShelfError::io("bring to disk", folder))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != "").unwrap_or(Path::new("."))
}
