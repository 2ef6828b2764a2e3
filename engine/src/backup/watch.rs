//! Watching over the modules of a running backup until each has ended or was given up.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use plugin_api::ErrorKind;

use super::limit::Limit;
use super::module::{Ended, Module};
use super::pacing::Pacing;
use crate::progress::Progress;

/// How often those who watch are told how far it is.
const TICK: Duration = Duration::from_millis(200);
/// How long exporters get to end after the backup was cancelled.
const GRACE: Duration = Duration::from_secs(5);

/// The modules under way. However the backup ends, none of them keeps a table open: what they wrote can then be removed.
pub(super) struct Running {
    pub(super) modules: Vec<Module>,
    /// How many rows they may write. Its token ends them all.
    pub(super) limit: Arc<Limit>,
}

impl Running {
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            modules: Vec::new(),
            limit: Arc::new(limit),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.limit.stop.cancel();
        for module in &self.modules {
            module.host.services().finish();
        }
    }
}

/// Waits for the ends of all modules; tells how far they are; gives up those that are stuck. Where the engine itself
/// failed under one, e.g. the disk is full, the others are stopped too: their work would be for nothing.
pub(super) fn watch(
    running: &mut Running,
    ended: &Receiver<Ended>,
    patience: Duration,
    pacing: &mut Pacing,
    progress: &dyn Progress,
) {
    let Running { modules, limit } = running;
    let stop = &limit.stop;
    let mut stopped_at = None;
    while modules.iter().any(|module| module.ended.is_none()) {
        match ended.recv_timeout(TICK) {
            Ok(Ended { module, outcome }) => {
                if outcome.as_ref().is_err_and(|error| error.kind == ErrorKind::Host) {
                    stop.cancel();
                }
                let module = &mut modules[module];
                module.end(outcome);
                module.tell(progress);
            }
            Err(RecvTimeoutError::Timeout) => {
                for module in modules.iter_mut().filter(|module| module.ended.is_none()) {
                    module.tell(progress);
                    module.give_up_if_stuck(patience);
                }
            }
            // The watcher holds a sender itself, so this can't be; if it were, nobody would be left to wait for.
            Err(RecvTimeoutError::Disconnected) => {
                for module in modules.iter_mut() {
                    module.give_up("its thread ended without a word");
                }
            }
        }
        pacing.tell(modules, progress);
        if stop.is_cancelled() && stopped_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
            for module in modules.iter_mut() {
                module.give_up("it did not end when the backup was stopped");
            }
        }
    }
}
