//! `daemon`, and the process of one backup.

use clap::Args;

/// Runs schedules, until it is stopped.
#[derive(Args, Debug)]
pub(crate) struct Daemon {}

/// Runs one backup as standard input says, for the daemon.
#[derive(Args, Debug)]
pub(crate) struct RunBackup {}
