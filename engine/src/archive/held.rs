//! What whoever ordered a backup does with its spool folder: reserves it before the backup's process starts, and publishes the
//! archive that this left in it.
//!
//! Architecture invariant: only [`Held::publish`] and [`Joined::publish`](super::Joined::publish) give a file its final name.

use std::path::{Path, PathBuf};

use plugin_api::{Kind, Timestamp};
use tokio_util::sync::CancellationToken;

use super::error::ArchiveError;
use super::join::{self, Published};
use super::manifest::State;
use super::name;
use super::spool::{Owner, Spool};
use super::verify::verify;
use super::writer;

/// Makes the spool folder of a backup in `folder`, which is made too where it is missing, and brings both to the disk. It has the
/// first name that no other backup has, be that running, published or crashed. Nobody holds it yet: a [`Writer`](super::Writer)
/// takes it, or [`Held::take`].
pub fn reserve(folder: &Path, desk: &str, kind: Kind, started: Timestamp) -> Result<PathBuf, ArchiveError> {
    writer::reserve(folder, desk, kind, started)
}

/// A spool folder that nobody else can write to while this lives. Dropping it lets go of it and leaves it there.
#[derive(Debug)]
pub struct Held(Spool);

/// An archive that a backup left in its spool folder, as it told of it. All of it is checked.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<'a> {
    /// What its manifest calls the backup.
    pub backup: &'a str,
    /// What it says of itself.
    pub state: State,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: &'a str,
}

impl Held {
    /// Takes a spool folder.
    ///
    /// # Errors
    /// [`ArchiveError::InUse`] while another process writes there; an I/O error of kind `NotFound` where there is none.
    pub fn take(spool: &Path, backup: &str, since: Timestamp) -> Result<Self, ArchiveError> {
        Spool::take(spool, &Owner::this(backup, since)).map(Self)
    }

    /// Publishes the archive that lies in the spool folder: reads it again, whole, gives it its final name, and brings that to
    /// the disk. Where an interrupted attempt has done so already, what it published is read again, and given back.
    /// The spool folder stays.
    pub fn publish(
        &self,
        prepared: &Prepared<'_>,
        progress: &(dyn Fn(u64, u64) + Sync),
        cancel: &CancellationToken,
    ) -> Result<Published, ArchiveError> {
        join::publish_prepared(&self.0, prepared, |path| verify(path, progress, cancel))
    }

    /// Removes the spool folder and all that is in it.
    pub fn remove(self) -> Result<(), ArchiveError> {
        self.0.remove()
    }

    /// The folder for the finished archive.
    pub fn folder(&self) -> &Path {
        self.0.parent()
    }

    /// The name that the archive will have in a state.
    pub fn archive(&self, state: State) -> PathBuf {
        self.folder().join(name::archive(self.0.stem(), state))
    }
}
