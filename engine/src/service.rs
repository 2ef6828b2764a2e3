//! The backup service: rules, store, history, archives and notifications together. The command line, the daemon, and
//! whoever embeds the engine do everything through [`Service`].
//!
//! Start at [`Service::backup`]. What belongs together is in one transaction of the store: a backup's row, its entry in the
//! history and the notification that waits to be sent. What happens in a crash between a file and its row is in `crash`
//! (backups) and in `keeping` (removals). A backup that came to no end is *suspended*, and gone on with: `going_on`. Nothing is run here: a [`Runner`] does that, in this process ([`InProcess`]) or in
//! one of its own.
//!
//! Who may do what is asked at the start of each function that takes an [`Actor`]; every refusal goes into the history. What
//! takes none is deskvault's own work, of which the daemon sees to it.
//!
//! Architecture invariant: a backup's row is written only by whoever holds its desk's lock. A row that says *running* under a
//! lock that can be taken was therefore left by a process that is gone.

mod abandoned;
mod access;
mod backups;
mod crash;
mod desk_lock;
mod due;
mod ending;
mod error;
mod forecasts;
mod going_on;
mod in_process;
mod keeping;
mod making;
mod notices;
mod runner;
mod schedules;
#[cfg(test)]
mod tests;
mod trusting;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plugin_api::Timestamp;

use crate::clock::Clock;
use crate::config::{Config, Desk};
use crate::history::{Happening, NewEntry};
use crate::key::Key;
use crate::people::{Action, Actor};
use crate::quota::Refusal;
use crate::store::{Store, Tx};

pub use crate::backup::Cause;
pub use backups::{Done, Which, Wish};
pub(crate) use desk_lock::is_desk_lock;
pub use due::{Due, Ran};
pub use ending::state_name;
pub use error::ServiceError;
pub use going_on::{GoOn, Resumable, Suspended};
pub use in_process::InProcess;
pub(crate) use in_process::{is_connection_configured_wrong, registry, shared};
pub use runner::{Order, RunError, Runner};

/// The service of one installation. Clones are of the same one, for other threads.
#[derive(Clone)]
pub struct Service {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    store: Arc<Store>,
    key: Arc<Key>,
}

impl Service {
    /// Opens the installation whose data directory the configuration names; makes the folder, the key and the store where
    /// they are not there yet.
    pub fn open(config: Arc<Config>, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let folder = &config.archive.folder;
        let key = Arc::new(Key::open(folder)?);
        let store = Arc::new(Store::open(folder, Arc::clone(&key))?);
        Ok(Self {
            config,
            clock,
            store,
            key,
        })
    }

    /// The same installation under another configuration, which must have the same data directory. Writes nothing.
    pub fn with_config(&self, config: Arc<Config>) -> Result<Self, ServiceError> {
        if config.archive.folder != self.config.archive.folder {
            return Err(ServiceError::DataDirectory {
                old: self.config.archive.folder.clone(),
                new: config.archive.folder.clone(),
            });
        }
        Ok(Self { config, ..self.clone() })
    }

    /// The same installation, for one who must not be held up: neither by what other threads do in the store, nor longer than
    /// `patience` by another process that writes there. What comes to nothing for that is to be tried again.
    pub(crate) fn impatient(&self, patience: Duration) -> Result<Self, ServiceError> {
        let store = Arc::new(self.store.beside(patience)?);
        Ok(Self { store, ..self.clone() })
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What the clock says.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The data directory.
    pub fn folder(&self) -> &Path {
        &self.config.archive.folder
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// A number that moves when another process has written to the store.
    pub fn changes(&self) -> Result<u64, ServiceError> {
        Ok(self.store.changes()?)
    }

    /// Adds an entry to the history, e.g. that another configuration holds.
    pub fn note(&self, desk: Option<&str>, actor: &Actor, what: Happening) -> Result<(), ServiceError> {
        self.store.write(|tx| self.enter(tx, desk, actor, what))
    }

    /// The desk of this name.
    pub fn desk(&self, name: &str) -> Result<&Desk, ServiceError> {
        self.known(name)
            .ok_or_else(|| ServiceError::NoSuchDesk { desk: name.to_owned() })
    }

    /// Whether this may be done at a desk. That it may not goes into the history.
    pub fn allow(&self, actor: &Actor, desk: &str, action: Action) -> Result<(), ServiceError> {
        let allowed = self.may(actor, desk, action);
        allowed.or_else(|refusal| self.refuse(desk, actor, &action.to_string(), refusal))
    }

    /// Enters a refusal into the history and gives it back as the error.
    fn refuse<T>(&self, desk: &str, actor: &Actor, action: &str, refusal: Refusal) -> Result<T, ServiceError> {
        let what = Happening::Refused {
            action: action.to_owned(),
            refusal: refusal.clone(),
        };
        self.note(Some(desk), actor, what)?;
        Err(ServiceError::Refused(refusal))
    }

    /// Adds an entry to the history in a transaction.
    pub(crate) fn enter(
        &self,
        tx: &Tx<'_>,
        desk: Option<&str>,
        actor: &Actor,
        what: Happening,
    ) -> Result<(), ServiceError> {
        let entry = NewEntry {
            at: self.now(),
            desk: desk.map(str::to_owned),
            user: actor.user(desk.and_then(|desk| self.known(desk))),
            via: actor.via(),
            what,
        };
        tx.append(&entry)?;
        Ok(())
    }

    fn known(&self, desk: &str) -> Option<&Desk> {
        self.config.desk(desk)
    }
}
