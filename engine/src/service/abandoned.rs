//! Backups that nobody brings to an end: those whose process is gone, until somebody mends it, and those whose desk the
//! configuration does not have. What was kept of either stays: another configuration may share the folder.

use tokio_util::sync::CancellationToken;

use crate::people::{Action, Actor};
use crate::quota::Refusal;
use crate::store::{Backup, BackupId, BackupState};

use super::Service;
use super::backups::Started;
use super::desk_lock::{Attempt, DeskLock};
use super::error::ServiceError;
use super::keeping::find;

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

    /// Gives up a backup that is suspended: what was kept of it is removed, and the slot of its schedule is over.
    /// [`ServiceError::NotSuspended`] where it is not.
    pub fn abandon(&self, id: BackupId, actor: &Actor, cancel: &CancellationToken) -> Result<(), ServiceError> {
        let desk = self.store.read(|view| find(view, id))?.desk;
        self.allow(actor, &desk, Action::Delete)?;
        let lock = match DeskLock::soon(self.folder(), &desk, cancel)? {
            Attempt::Ours(lock) => lock,
            Attempt::Held(running) => return self.refuse(&desk, actor, "give a backup up", Refusal::Busy { running }),
        };
        // What a crash left becomes suspended, or has its archive.
        self.recover(&desk, &lock, cancel)?;
        let given_up = self.store.write(|tx| {
            let backup = find(tx, id)?;
            if backup.state != BackupState::Suspended {
                let what = format!("backup {id} of {desk}");
                return Err(ServiceError::NotSuspended { what });
            }
            if let Some((schedule, slot)) = backup.schedule.filter(|_| !backup.by_person) {
                tx.ran(schedule, slot)?;
            }
            self.give_up(tx, &backup, actor)?;
            Ok(backup)
        })?;
        self.remove_spool(&Started::of(&given_up));
        Ok(())
    }

    /// Whether the configuration has the desk of a backup.
    pub fn has_desk_of(&self, backup: &Backup) -> bool {
        self.known(&backup.desk).is_some()
    }
}
