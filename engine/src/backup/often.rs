//! When a checkpoint is due. Pure, but for the flag by which another part of the backup asks for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How much work may be lost: a checkpoint begins at half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Often {
    /// Rows of one module.
    pub rows: u64,
    /// Time in which it works.
    pub every: Duration,
}

impl Default for Often {
    fn default() -> Self {
        Self {
            rows: 10_000,
            every: Duration::from_secs(30),
        }
    }
}

/// Asks all modules of a backup for a checkpoint at their next opportunity, e.g. because requests are about to wait for long.
/// A clone asks for the same backup. Costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Hurry(Arc<AtomicU64>);

impl Hurry {
    /// Asks for one.
    pub fn ask(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}
