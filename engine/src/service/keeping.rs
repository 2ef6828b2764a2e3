//! Finished archives: listed, downloaded, linked to, deleted, expired.
//!
//! A file goes before its row says so, in one transaction that is committed behind it. *Deleted* is thus never said of data
//! that is still there. When the process ends in between, the file is gone and its row is as it was: an expired archive is then
//! let go once more, any other is found to be missing by the next [`Service::settle`], and told of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use plugin_api::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::archive::Digest;
use crate::history::Happening;
use crate::links;
use crate::people::{Action, Actor};
use crate::progress::{Event, Phase, Progress};
use crate::quota;
use crate::shelf::{Shelf, ShelfError};
use crate::store::{ArchiveFacts, Backup, BackupId, BackupState, Removal, View};

use super::Service;
use super::error::ServiceError;

/// How long a link holds to an archive that never expires, where nothing else is asked for.
const LINK: Duration = Duration::from_hours(7 * 24);

impl Service {
    /// The backups of a desk, or of all that the actor may see; the newest first. Without `all`: those that run, and those
    /// whose archive is there.
    pub fn list(&self, desk: Option<&str>, all: bool, actor: &Actor) -> Result<Vec<Backup>, ServiceError> {
        if let Some(desk) = desk {
            self.allow(actor, desk, Action::See)?;
        }
        let now = self.now();
        let mut backups = self
            .store
            .read(|view| Ok::<_, ServiceError>(view.backups(desk, all)?))?;
        backups.retain(|backup| self.may(actor, &backup.desk, Action::See).is_ok());
        // Past its moment it is gone, whenever somebody comes to remove it.
        backups.retain(|backup| all || !backup.archive.as_ref().is_some_and(|archive| has_expired(archive, now)));
        Ok(backups)
    }

    /// A backup.
    pub fn show(&self, id: BackupId, actor: &Actor) -> Result<Backup, ServiceError> {
        let backup = self.store.read(|view| find(view, id))?;
        self.allow(actor, &backup.desk, Action::See)?;
        Ok(backup)
    }

    /// Writes an archive into a file that is not there yet, or into a folder under its own name, and checks that it is what
    /// was published. Gives the file.
    pub fn download(
        &self,
        id: BackupId,
        to: &Path,
        actor: &Actor,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<PathBuf, ServiceError> {
        let (backup, archive) = self.archive(id, actor, Action::Download)?;
        let archives = Shelf::open(self.folder())?;
        let file = archives.path(&archive.file)?;
        let to = match file.file_name() {
            Some(name) if to.is_dir() => to.join(name),
            _ => to.to_owned(),
        };
        if archives.size(&archive.file)?.is_none() {
            return Err(self.missing(&backup, file));
        }
        // Before the first byte: what leaves is known of.
        self.note(Some(&backup.desk), actor, Happening::DownloadStarted { backup: id })?;
        let sha256 = Digest::parse(&archive.sha256).ok_or_else(|| ServiceError::Damaged { id, file: file.clone() })?;
        let told = |done, total| {
            progress.event(Event::Phase {
                name: Phase::Downloading,
                done,
                total,
            });
        };
        match archives.download(&archive.file, &sha256, &to, &told, cancel) {
            Ok(_) => Ok(to),
            Err(ShelfError::Missing { .. }) => Err(self.missing(&backup, file)),
            Err(ShelfError::Damaged { .. }) => Err(ServiceError::Damaged { id, file }),
            Err(ShelfError::Cancelled) => Err(ServiceError::Cancelled),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes an archive. [`Removal::Missing`]: it was gone already, by whatever hand, and that is entered.
    pub fn delete(&self, id: BackupId, actor: &Actor) -> Result<Removal, ServiceError> {
        self.archive(id, actor, Action::Delete)?;
        let removed = self.remove(id, Removal::Deleted, actor)?;
        removed.ok_or_else(|| ServiceError::NoArchive {
            id,
            why: "it has just been removed".into(),
        })
    }

    /// Lets the archives go whose time is over. Gives the numbers of their backups. One that can't be removed keeps none of
    /// the others, and is the error when they are gone.
    pub fn expire(&self) -> Result<Vec<BackupId>, ServiceError> {
        let (mut gone, mut left) = (Vec::new(), None);
        for backup in self
            .store
            .read(|view| Ok::<_, ServiceError>(view.expired(self.now())?))?
        {
            match self.remove(backup.id, Removal::Expired, &Actor::Deskvault) {
                Ok(removed) => gone.extend(removed.map(|_| backup.id)),
                // A store that fails would fail for the others, too.
                Err(ServiceError::Shelf(error)) => left = left.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        left.map_or(Ok(gone), |error| Err(error.into()))
    }

    /// When the next archive expires.
    pub fn next_expiry(&self) -> Result<Option<Timestamp>, ServiceError> {
        self.store.read(|view| Ok(view.next_expiry()?))
    }

    /// A link by which anyone can download an archive, and when it dies: with the archive, or `within` such a time.
    pub fn link(
        &self,
        id: BackupId,
        within: Option<Duration>,
        actor: &Actor,
    ) -> Result<(String, Timestamp), ServiceError> {
        let (backup, archive) = self.archive(id, actor, Action::Download)?;
        let now = self.now();
        let until = match (within, archive.expires) {
            (Some(within), _) => quota::expires(now, within),
            (None, Some(expires)) => expires,
            (None, None) => quota::expires(now, LINK),
        };
        let base = self.config.link_url.as_deref();
        let (link, until) = links::make(&self.key, base, id, archive.expires, until, now)?;
        self.note(Some(&backup.desk), actor, Happening::LinkMade { backup: id, until })?;
        Ok((link, until))
    }

    /// The backup to whose archive a link leads; download it as [`Actor::Link`].
    pub fn open_link(&self, link: &str) -> Result<BackupId, ServiceError> {
        Ok(links::check(&self.key, self.config.link_url.as_deref(), link, self.now())?.backup)
    }

    /// An archive that is there, for somebody who may do that with it.
    fn archive(&self, id: BackupId, actor: &Actor, action: Action) -> Result<(Backup, ArchiveFacts), ServiceError> {
        let backup = self.store.read(|view| find(view, id))?;
        self.allow(actor, &backup.desk, action)?;
        let facts = there(&backup, self.now()).map_err(|why| ServiceError::NoArchive { id, why })?;
        Ok((backup, facts))
    }

    /// Removes an archive and enters it; none where somebody else has done so.
    fn remove(&self, id: BackupId, removal: Removal, actor: &Actor) -> Result<Option<Removal>, ServiceError> {
        let archives = Shelf::open(self.folder())?;
        self.store.write(|tx| {
            let backup = find(tx, id)?;
            let Some(archive) = backup.archive.filter(|_| backup.removed.is_none()) else {
                return Ok(None);
            };
            let was_there = archives.delete(&archive.file)?;
            let (removal, what) = match removal {
                // Whoever took it away, its time is over.
                Removal::Expired => (Removal::Expired, Happening::Expired { backup: id }),
                _ if was_there => (Removal::Deleted, Happening::Deleted { backup: id }),
                _ => (Removal::Missing, Happening::Missing { backup: id }),
            };
            tx.remove_archive(id, self.now(), removal)?;
            self.enter(tx, Some(&backup.desk), actor, what)?;
            Ok(Some(removal))
        })
    }

    /// The error of an archive that is not there. Where it lay in the data directory, that is entered; elsewhere a disk may
    /// only not be mounted.
    fn missing(&self, backup: &Backup, file: PathBuf) -> ServiceError {
        let id = backup.id;
        let ours = file.parent() == Some(self.folder());
        match ours.then(|| self.tell_missing(backup)) {
            Some(Err(error)) => error,
            // Somebody has just removed it by way of deskvault: it expired, or was deleted.
            Some(Ok(false)) => match self.store.read(|view| find(view, id)) {
                Ok(now) => match there(&now, self.now()) {
                    Err(why) => ServiceError::NoArchive { id, why },
                    Ok(_) => ServiceError::Missing { id, file },
                },
                Err(error) => error,
            },
            _ => ServiceError::Missing { id, file },
        }
    }
}

/// The backup of a number.
pub(super) fn find(view: &View<'_>, id: BackupId) -> Result<Backup, ServiceError> {
    view.backup(id)?.ok_or(ServiceError::NoSuchBackup { id })
}

fn has_expired(archive: &ArchiveFacts, now: Timestamp) -> bool {
    archive.expires.is_some_and(|expires| expires <= now)
}

/// The archive of a backup, or why there is none.
fn there(backup: &Backup, now: Timestamp) -> Result<ArchiveFacts, String> {
    let on = |what: &str, at: Timestamp| format!("it {what} on {}", quota::second_words(at));
    match (&backup.archive, backup.removed) {
        (None, _) if backup.state == BackupState::Running => Err("it is still running".into()),
        (None, _) if backup.state == BackupState::Suspended => Err("it is suspended".into()),
        (None, _) => Err("it ended without one".into()),
        (Some(_), Some((at, Removal::Expired))) => Err(on("expired", at)),
        (Some(_), Some((at, Removal::Deleted))) => Err(on("was deleted", at)),
        (Some(_), Some((at, Removal::Missing))) => Err(on("was found to be gone", at)),
        (Some(archive), None) => match archive.expires {
            Some(at) if has_expired(archive, now) => Err(on("expired", at)),
            _ => Ok(archive.clone()),
        },
    }
}
