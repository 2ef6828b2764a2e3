//! What a crash left behind: rows that say *running* though nobody runs them, spool folders, archives whose row does not know
//! of them, rows whose archive is gone.
//!
//! The order in which a backup is made, so that an end at any place loses nothing and repeats nothing:
//!
//! 1. its row, *running*; an end behind it: *suspended*, with nothing to go on with, so that it starts over;
//! 2. its spool folder is made, and brought to the disk; an end behind it: as before, and the folder is swept when it is old;
//! 3. the row names the folder: from now on no sweep takes it;
//! 4. the run: files first, and when they are safe on the disk the checkpoint that tells of them, in the store; an end behind
//!    any of it: *suspended*, and gone on with behind the last checkpoint;
//! 5. the archive, joined and verified in the spool folder; an end behind it: as before, and as all modules have ended, it is
//!    only joined again;
//! 6. the archive gets its name, and that is brought to the disk; an end behind it: the archive is there, whole and verified,
//!    and is taken up here: it was published, so it counts;
//! 7. the row's end, and with it its checkpoints go and it names no folder any more; an end behind it: the folder is swept;
//! 8. the spool folder is removed.
//!
//! Who goes on with a backup does 3 to 8 again. A row is *suspended* only while no process has the desk's lock for it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use plugin_api::{Kind, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::archive::{self, Alive, ArchiveError, Digest, Manifest};
use crate::backup::{self, Cause};
use crate::history::Happening;
use crate::people::Actor;
use crate::quota;
use crate::store::{Backup, BackupId, BackupState, Removal};

use super::Service;
use super::backups::{Started, name_of};
use super::desk_lock::{Attempt, DeskLock};
use super::ending::{Ending, There};
use super::error::ServiceError;
use super::runner::RunError;

/// Why a backup is suspended that nobody ran to its end.
const ENDED_WITHOUT_A_WORD: &str = "its process ended without a word: it was killed, it crashed, it ran out of memory, the machine went down, or there was no \
     room to say why";

impl Service {
    /// Mends what crashes left, of every desk of which no backup runs. Gives what was done, a line each.
    pub fn settle(&self, cancel: &CancellationToken) -> Result<Vec<String>, ServiceError> {
        let listed = self
            .store
            .read(|view| Ok::<_, ServiceError>(view.backups(None, false)?))?;
        let known = self.config.desks.iter().map(|desk| desk.name.clone());
        let desks: BTreeSet<String> = listed.iter().map(|backup| backup.desk.clone()).chain(known).collect();
        let mut done = Vec::new();
        for desk in desks {
            let Attempt::Ours(lock) = DeskLock::attempt(self.folder(), &desk)? else {
                continue;
            };
            let before = self.store.read(|view| Ok::<_, ServiceError>(view.running(&desk)?))?;
            self.recover(&desk, &lock, cancel)?;
            for Backup { id, .. } in before {
                let after = self.store.read(|view| Ok::<_, ServiceError>(view.backup(id)?))?;
                done.extend(after.and_then(|after| mended(&after)));
            }
        }
        for backup in listed {
            if self.is_gone(&backup) && self.tell_missing(&backup)? {
                done.push(format!("the archive of backup {} is gone", backup.id));
            }
        }
        let swept = self.sweep(None)?;
        let line = |path: &Path| format!("{} was left by a crash and is removed", path.display());
        done.extend(swept.removed.iter().map(|swept| line(&swept.path)));
        Ok(done)
    }

    /// Brings the desk's backups to an end that nobody else will. The name of one whose process is still alive is given back:
    /// it is to be waited for. `_lock`: the desk's.
    pub(super) fn recover(
        &self,
        desk: &str,
        _lock: &DeskLock,
        cancel: &CancellationToken,
    ) -> Result<Option<String>, ServiceError> {
        for backup in self.store.read(|view| Ok::<_, ServiceError>(view.running(desk)?))? {
            let name = name_of(&backup);
            let folder = backup
                .folder
                .as_ref()
                .map_or_else(|| self.folder().to_owned(), PathBuf::from);
            let owns = |alive: &Alive| alive.owner.as_ref().is_some_and(|owner| owner.backup == name);
            // Before its archive is looked for: a process that is gone leaves none any more.
            let swept = self.sweep(backup.folder.as_deref().map(Path::new))?;
            if swept.alive.iter().any(owns) {
                return Ok(Some(name));
            }
            let id = backup.id;
            if let Some(ending) = self.left(&backup, &folder, &name, cancel)? {
                let closed = self.close(desk, id, backup.schedule, &Actor::Deskvault, &ending);
                closed.map_err(|error| self.without_room(id, desk, error))?;
                tracing::warn!(desk, backup = id, state = ?ending.end.state, "took up a backup whose process is gone");
            } else {
                let why = (Cause::Lost, ENDED_WITHOUT_A_WORD.to_owned());
                let suspended = self.suspend(&Started::of(&backup), &Actor::Deskvault, why, false);
                suspended.map_err(|error| self.without_room(id, desk, error))?;
                tracing::warn!(desk, backup = id, "a backup is left of a process that is gone");
            }
        }
        Ok(None)
    }

    /// The end of a backup whose archive was published, if it was: read again, whole, before it is called ready.
    pub(super) fn left(
        &self,
        backup: &Backup,
        folder: &Path,
        name: &str,
        cancel: &CancellationToken,
    ) -> Result<Option<Ending>, ServiceError> {
        let Some(file) = archive_of(folder, &backup.desk, backup.kind, backup.started, name)? else {
            return Ok(None);
        };
        // Whoever gave it its name may have had no time to make the name safe, and nothing is called ready before that is.
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(ServiceError::io("bring to disk", folder))?;
        let report = match archive::verify(&file, &|_, _| {}, cancel) {
            Ok(report) if report.is_sound() => report,
            Ok(report) => {
                let problem = report.problems.first().map(ToString::to_string).unwrap_or_default();
                return Ok(Some(self.damaged(backup.id, &file, &problem)));
            }
            Err(ArchiveError::Cancelled) => return Err(ServiceError::Cancelled),
            Err(error @ ArchiveError::NotAnArchive { .. }) => {
                return Ok(Some(self.damaged(backup.id, &file, &error.to_string())));
            }
            Err(error) => return Err(error.into()),
        };
        let bytes = file.metadata().map_err(ServiceError::io("read", &file))?.len();
        let sha256 = Digest::of_file(&file)
            .map_err(ServiceError::io("read", &file))?
            .to_string();
        let Manifest {
            state,
            reasons,
            finished,
            tables,
            ..
        } = report.manifest;
        let rows = |name: &str| {
            tables
                .iter()
                .find(|table| table.name == name)
                .map_or(0, |table| table.rows)
        };
        let stopped: Vec<(String, u64)> = reasons
            .iter()
            .filter_map(|reason| backup::stopped_table(reason))
            .map(|table| (table.to_owned(), rows(table)))
            .collect();
        let ended = finished.min(self.now());
        let there = There {
            file: self.file(&file)?,
            state,
            bytes,
            sha256,
            records: report.rows,
            reasons: &reasons,
            stopped: &stopped,
            until: backup.until,
            expires: backup
                .folder
                .is_none()
                .then(|| quota::expires(ended, self.config.expire_after)),
            ended,
        };
        Ok(Some(there.ending(backup.id)))
    }

    /// It was published, and the disk has not kept it as it was. It is left for whoever may still make something of it.
    fn damaged(&self, id: BackupId, file: &Path, problem: &str) -> Ending {
        let file = file.display();
        let message = format!("its process ended without a word, and its archive {file} is damaged: {problem}");
        Ending {
            slot_is_over: false,
            ..Ending::failed(id, self.now(), &RunError::Failed { message })
        }
    }

    /// Whether an archive in the data directory is listed and not there. Elsewhere that may only mean that a disk is not
    /// mounted.
    fn is_gone(&self, backup: &Backup) -> bool {
        let archive = backup.archive.as_ref().filter(|_| backup.removed.is_none());
        let file = archive
            .map(|archive| Path::new(&archive.file))
            .filter(|file| file.is_relative());
        file.is_some_and(|file| matches!(self.folder().join(file).try_exists(), Ok(false)))
    }

    /// Enters that an archive is gone, unless somebody else has just removed it.
    pub(super) fn tell_missing(&self, backup: &Backup) -> Result<bool, ServiceError> {
        self.store.write(|tx| {
            let now = tx.backup(backup.id)?;
            if now.is_none_or(|now| now.archive.is_none() || now.removed.is_some()) {
                return Ok(false);
            }
            tx.remove_archive(backup.id, self.now(), Removal::Missing)?;
            let what = Happening::Missing { backup: backup.id };
            self.enter(tx, Some(&backup.desk), &Actor::Deskvault, what)?;
            Ok(true)
        })
    }
}

/// The archive in `folder` whose manifest names the backup.
pub(super) fn archive_of(
    folder: &Path,
    desk: &str,
    kind: Kind,
    started: Timestamp,
    name: &str,
) -> Result<Option<PathBuf>, ServiceError> {
    for file in archive::published(folder, desk, kind, started)? {
        match archive::manifest(&file) {
            Ok(manifest) if manifest.backup == name => return Ok(Some(file)),
            // Whatever it is, it is not ours to judge.
            Ok(_) | Err(ArchiveError::NotAnArchive { .. }) => {}
            // Perhaps it can be read the next time: nothing is called lost before that is known.
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// What became of a backup that was mended.
fn mended(backup: &Backup) -> Option<String> {
    let id = backup.id;
    match backup.state {
        BackupState::Running => None,
        BackupState::Suspended => Some(format!("backup {id} is suspended: its process ended without a word")),
        BackupState::Failed => Some(format!("backup {id} has failed: its process ended without a word")),
        _ => Some(format!(
            "backup {id} had published its archive when its process ended: it is taken up"
        )),
    }
}
