//! How far a backup is, told while it runs. The engine tells; only the command line shows.

use crate::archive::ModuleState;

/// Something to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The export of a module begins.
    ModuleStarted {
        /// The module.
        module: &'a str,
    },
    /// How far a module is. Told a few times a second.
    Module {
        /// The module.
        module: &'a str,
        /// Rows written.
        rows: u64,
        /// Rows expected in all, where the exporter knows.
        expected: Option<u64>,
        /// Bytes of CSV written.
        bytes: u64,
        /// Requests made, each try counted.
        requests: u64,
        /// Requests in flight now.
        in_flight: u32,
        /// Tries that were repeated.
        retries: u64,
    },
    /// The export of a module has ended.
    ModuleEnded {
        /// The module.
        module: &'a str,
        /// What became of it.
        state: ModuleState,
        /// Why it was skipped or failed.
        reason: Option<&'a str>,
    },
    /// What is done once the modules have ended.
    Phase {
        /// What.
        phase: Phase,
        /// Bytes done.
        done: u64,
        /// Bytes in all; 0: not known.
        total: u64,
    },
}

/// What is done once the modules have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The parts are joined into one file.
    Joining,
    /// The file is read again, every byte of it.
    Verifying,
}

/// Is told how far a backup is. Any thread may tell.
pub trait Progress: Sync {
    /// Something happened. It must not block for long.
    fn event(&self, event: Event<'_>);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event<'_>) {}
}
