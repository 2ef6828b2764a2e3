//! The daemon: runs schedules, lets archives expire, sends notifications, reloads its configuration.
//!
//! [`run`] is all of it; start reading in `rounds`, the main loop. It decides nothing about backups: what is due, what is
//! allowed and what becomes of it is the [service](crate::service)'s matter. Each backup runs in a process of its own
//! (`child`, and seen from inside `inside`), which is told what to do (`job`) and listened to (`wire`) through pipes.
//!
//! | file | what happens there |
//! |---|---|
//! | `rounds` | wakes, looks what is to be done, starts it, stops |
//! | `reload` | another configuration is taken up, or refused |
//! | `desks` | the scheduled backups that run, one thread each |
//! | `chores` | notifications are sent, crashes are cleared up behind |
//! | `exporters` | is there one for each module? |
//! | `limits`, `sandbox`, `pulse` | a backup's process limits itself, shuts itself in, and says that it goes on |
//! | `lock` | one daemon for each data directory |
//! | `systemd` | what the service manager is told |
//!
//! # Architecture invariants
//! - One daemon has a data directory: it holds the lock from before it opens the store until its process ends.
//! - The main loop never waits for a desk, a network or a whole archive: that is what threads and processes are for.
//! - All that is due is decided by the clock that [`Setup`] gives, asked anew in each round: it may jump.
//! - A configuration is taken up whole or not at all, and what runs keeps the one with which it started.

mod child;
mod chores;
mod controls;
mod desks;
mod exporters;
mod inside;
mod job;
mod limits;
mod lock;
mod pulse;
mod reload;
mod rounds;
mod sandbox;
mod status;
mod systemd;
mod trouble;
mod watch;
mod wire;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{LoadError, Loaded, Log};
use crate::service::ServiceError;

pub use controls::Controls;
pub use inside::run_backup;
pub use lock::{FILE as LOCK_FILE, Lock, LockError, Owner};
pub(crate) use wire::hear;

/// Has other messages logged from now on, as another configuration says. The error says why not.
pub type Relog = Box<dyn Fn(&Log) -> Result<(), String>>;

/// What a daemon needs.
pub struct Setup {
    /// The file that is watched, as the process finds it.
    pub file: PathBuf,
    /// Reads that file again, as it was read the first time.
    pub load: Box<dyn Fn() -> Result<Loaded, LoadError>>,
    /// What a reload does to the log.
    pub log: Relog,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The arguments with which this executable runs one backup: `run-backup` and flags. Everybody on the machine may see
    /// them.
    pub arguments: Vec<OsString>,
    /// The arguments with which it lists the exporters that there are, as JSON.
    pub list: Vec<OsString>,
    /// By which it is stopped and told to reload.
    pub controls: Controls,
}

/// Why the daemon did not start.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The data directory can't be locked: another daemon has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The installation can't be opened.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The system refuses what it needs.
    #[error("the system refuses what the daemon needs to run")]
    System(#[from] io::Error),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All that ran was stopped cleanly or had ended.
    Cleanly,
    /// All had ended, because the data directory, or the lock on it, was taken away.
    Ousted,
    /// These did not end in time and were cut off; what they leave behind is cleared up at the next start.
    Forced(Vec<String>),
}

/// Runs until it is told to stop. `loaded` is the configuration to start with.
pub fn run(loaded: Loaded, setup: Setup) -> Result<Ended, DaemonError> {
    Ok(rounds::Rounds::start(loaded, setup)?.run())
}
