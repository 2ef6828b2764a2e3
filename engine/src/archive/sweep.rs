//! What backups leave behind whose process died: their spool folders, which nobody will ever publish.
//!
//! Nothing else is touched: neither another name, nor what a link leads to, nor a folder whose owner lives.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plugin_api::Timestamp;

use super::error::ArchiveError;
use super::name;
use super::spool::{self, OWNER, Owner, is_same, own};

/// A folder without an owner is between being made and being locked, which takes milliseconds; or a crash came just there; or
/// it is of a version that knew no owners, and its backup writes every few seconds.
const YOUNG: Duration = Duration::from_mins(10);

/// What [`sweep`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// The folders that it removed.
    pub removed: Vec<Swept>,
    /// The folders that it left, because a backup is writing there.
    pub alive: Vec<Alive>,
}

/// A spool folder that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// The folder.
    pub path: PathBuf,
    /// Bytes of its files.
    pub bytes: u64,
}

/// A spool folder in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alive {
    /// The folder.
    pub path: PathBuf,
    /// Who uses it; none where that can't be read, as in the first moment.
    pub owner: Option<Owner>,
}

/// Removes the spool folders in `folder` whose backup's process is gone, but for those whose names are in `keep`: they can be
/// gone on with. One that can't be removed is logged and left for the next time. A `folder` that is not there has none.
pub fn sweep(folder: &Path, keep: &BTreeSet<String>) -> Result<Sweep, ArchiveError> {
    sweep_ours(folder, keep, |_, _| true)
}

/// [`sweep`] of what is `nobodys` alone. That is asked of each folder, by its name and its owner, when its process is known to be
/// gone and nobody else can lock it: `keep` may be older than a backup that has begun since, and ended before it was looked at;
/// and in a folder that others use too, it may be a backup that they go on with one day.
pub fn sweep_ours(
    folder: &Path,
    keep: &BTreeSet<String>,
    nobodys: impl Fn(&str, Option<&Owner>) -> bool,
) -> Result<Sweep, ArchiveError> {
    let mut found = Sweep::default();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(ArchiveError::io("list", folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(ArchiveError::io("list", folder))?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| name::is_spool(name)) else {
            continue;
        };
        let is_kept = keep.contains(name);
        // The type of the entry itself, not of what it leads to.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        match look(folder, &path, is_kept) {
            Ok(Found::Alive(owner)) => found.alive.push(Alive { path, owner }),
            Ok(Found::Young | Found::Dead(_) | Found::Nobodys(_)) if is_kept => {}
            Ok(Found::Young) => found.alive.push(Alive { path, owner: None }),
            Ok(Found::Gone) => {}
            Ok(Found::Dead(_)) if !nobodys(name, spool::read_owner(&path.join(OWNER)).as_ref()) => {}
            // The lock is held until the folder is gone, so that no other sweep is at it too.
            Ok(Found::Dead(_lock) | Found::Nobodys(_lock)) => match remove(&path) {
                Ok(bytes) => {
                    tracing::info!(folder = %path.display(), bytes, "removed what a crashed backup left");
                    found.removed.push(Swept { path, bytes });
                }
                Err(error) => unremoved(&path, &error),
            },
            Err(error) => unremoved(&path, &error),
        }
    }
    Ok(found)
}

fn unremoved(path: &Path, error: &io::Error) {
    tracing::warn!(folder = %path.display(), %error, "cannot remove what a crashed backup may have left");
}

enum Found {
    /// Somebody writes there.
    Alive(Option<Owner>),
    /// Nobody does; its lock is ours now.
    Dead(File),
    /// Nobody ever had it; its lock is ours now.
    Nobodys(File),
    /// Nobody has locked it yet.
    Young,
    /// It went away meanwhile.
    Gone,
}

/// Whose a spool folder is. One that `is_kept` is never made this process's.
fn look(parent: &Path, folder: &Path, is_kept: bool) -> io::Result<Found> {
    let owner = folder.join(OWNER);
    let file = match spool::open_file(&owner, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_kept => return Ok(Found::Young),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return without_owner(parent, folder),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) if is_same(&file, &owner) => Ok(Found::Dead(file)),
        // Another sweep was quicker; what lies there now is new.
        Ok(()) => Ok(Found::Gone),
        Err(TryLockError::WouldBlock) => Ok(Found::Alive(spool::read_owner(&owner))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A folder that nobody has locked yet: what is old enough is taken.
fn without_owner(parent: &Path, folder: &Path) -> io::Result<Found> {
    // The clock of the file system, which is another machine's if it is a network's.
    let now = tempfile::tempfile_in(parent)?.metadata()?.modified()?;
    let mut newest = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Gone),
        metadata => metadata?.modified()?,
    };
    for entry in fs::read_dir(folder)? {
        newest = newest.max(entry?.metadata()?.modified()?);
    }
    if now.duration_since(newest).is_ok_and(|age| age > YOUNG) {
        let since = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default()
            .as_micros();
        let since = Timestamp::from_micros(i64::try_from(since).unwrap_or(i64::MAX));
        return own(folder, &Owner::this("sweep", since)).map(Found::Nobodys);
    }
    Ok(Found::Young)
}

/// Removes a folder and gives the bytes of its files.
fn remove(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    fs::remove_dir_all(folder)?;
    Ok(bytes)
}
