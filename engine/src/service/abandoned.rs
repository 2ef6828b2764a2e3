//! Backups that nobody brings to an end: those whose process is gone, until somebody mends it, and suspended ones whose desk the
//! configuration has no more.

use crate::people::Actor;
use crate::store::{Backup, BackupId, BackupState};

use super::Service;
use super::backups::Started;
use super::desk_lock::{Attempt, DeskLock};
use super::ending::Ending;
use super::error::ServiceError;
use super::runner::RunError;

impl Service {
    /// Whether the row of a backup says that it runs, and no process runs it: one that crashed or was killed. Whoever goes on with
    /// it, or makes the next backup of its desk, mends the row; this only looks.
    pub fn is_interrupted(&self, backup: &Backup) -> Result<bool, ServiceError> {
        if backup.state != BackupState::Running || DeskLock::is_held(self.folder(), &backup.desk) {
            return Ok(false);
        }
        // It may have ended between the look at its row and the look at the lock.
        let now = self.store.read(|view| Ok::<_, ServiceError>(view.backup(backup.id)?))?;
        Ok(now.is_some_and(|now| now.state == BackupState::Running))
    }

    /// Whether the configuration has the desk of a backup.
    pub fn has_desk_of(&self, backup: &Backup) -> bool {
        self.known(&backup.desk).is_some()
    }

    /// The suspended backups whose desk the configuration has no more, and that have stood still for longer than it has patience.
    /// Without the desk they can be neither gone on with nor finished.
    pub fn abandoned(&self) -> Result<Vec<Backup>, ServiceError> {
        let mut found = self.store.read(|view| Ok::<_, ServiceError>(view.suspended(None)?))?;
        found.retain(|backup| !self.has_desk_of(backup));
        let mut abandoned = Vec::new();
        for backup in found {
            if self.is_to_be_finished(&backup)? {
                abandoned.push(backup);
            }
        }
        Ok(abandoned)
    }

    /// Ends those. Gives their numbers.
    pub(super) fn end_abandoned(&self) -> Result<Vec<BackupId>, ServiceError> {
        let mut ended = Vec::new();
        for found in self.abandoned()? {
            let Attempt::Ours(_lock) = DeskLock::attempt(self.folder(), &found.desk)? else {
                continue;
            };
            // Another process may have gone on with it meanwhile, by another configuration.
            let Some(backup) = self.abandoned()?.into_iter().find(|backup| backup.id == found.id) else {
                continue;
            };
            let message = "its desk is no longer in the configuration, and it was suspended for longer than [backup] \
                           keep_suspended: what was kept of it is removed";
            let error = RunError::Failed {
                message: message.into(),
            };
            let ending = Ending {
                // The schedule went with the desk.
                slot_is_over: false,
                ..Ending::failed(backup.id, self.now(), &error)
            };
            self.close(&backup.desk, backup.id, backup.schedule, &Actor::Deskvault, &ending)?;
            self.remove_spool(&Started::of(&backup));
            ended.push(backup.id);
        }
        Ok(ended)
    }
}
