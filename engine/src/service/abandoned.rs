//! Backups that nobody brings to an end: those whose process is gone, until somebody mends it, and those whose desk the
//! configuration does not have. What was kept of either stays: another configuration may share the folder.

use crate::store::{Backup, BackupState};

use super::Service;
use super::desk_lock::DeskLock;
use super::error::ServiceError;

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
}
