//! `daemon`, and the process of one backup.

use clap::Args;

/// Runs schedules, until it is stopped.
///
/// It runs the backups that schedules ask for, each in a process of its own; lets archives expire; ends schedules that are
/// over; and sends notifications. One daemon has a data directory: a second one says who has it. What it tells goes to
/// standard error.
///
/// SIGHUP, or another text in the configuration's file, has it read the file again: what is right holds from then on, but
/// for backups that run; what is wrong is refused as a whole, and the old one holds. SIGTERM and SIGINT stop it: nothing new
/// is started, and backups that run are suspended: what they read is kept, and they are gone on with at the next start. The
/// exit code is 0, or 1 if one had to be cut off after `grace` of [daemon]. A second signal ends at once.
#[derive(Args, Debug)]
pub(crate) struct Daemon {}

/// Runs one backup as standard input says, for the daemon.
#[derive(Args, Debug)]
pub(crate) struct RunBackup {}
