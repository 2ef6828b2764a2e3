//! Watching over the modules of a running backup until each has ended or was given up.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use plugin_api::ErrorKind;

use super::error::BackupError;
use super::limit::Limit;
use super::module::{Ended, Module};
use super::pacing::Pacing;
use super::verdict::{is_cut, passes};
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
    /// What is told of credits, once the desk is reached.
    pub(super) pacing: Option<Pacing>,
}

impl Running {
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            modules: Vec::new(),
            limit: Arc::new(limit),
            pacing: None,
        }
    }
}

impl Running {
    /// Ends all modules that have not ended, because the desk could not be reached.
    pub(super) fn not_reached(&mut self, why: &str) {
        for module in &mut self.modules {
            module.not_reached(why);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.limit.stop.cancel();
        for module in &self.modules {
            module.finish();
        }
    }
}

/// Waits for the ends of all modules; tells how far they are; gives up those that are stuck. Where the engine itself
/// failed under one, e.g. the disk is full, the others are stopped too: their work would be for nothing.
///
/// Whether the ends of those that are not to be run again are kept: `keep_ends`.
pub(super) fn watch(
    running: &mut Running,
    ended: &Receiver<Ended>,
    patience: Duration,
    progress: &dyn Progress,
    keep_ends: bool,
) -> Result<(), BackupError> {
    let Running { modules, limit, pacing } = running;
    let stop = &limit.stop;
    let mut stopped_at = None;
    while modules.iter().any(|module| module.ended.is_none()) {
        match ended.recv_timeout(TICK) {
            Ok(Ended {
                module,
                outcome,
                plugin,
            }) => {
                if outcome.as_ref().is_err_and(|error| error.kind == ErrorKind::Host) {
                    stop.cancel();
                }
                let module = &mut modules[module];
                module.end(outcome, plugin);
                module.tell(progress);
                if keep_ends && has_come_to_its_end(module, limit) {
                    module.keep_end(!module.again().is_empty())?;
                }
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
        if let Some(pacing) = pacing {
            pacing.tell(modules, progress);
        }
        if stop.is_cancelled() && stopped_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
            for module in modules.iter_mut() {
                module.give_up("it did not end when the backup was stopped");
            }
        }
    }
    Ok(())
}

/// Whether a module is not to be run again when its backup is gone on with.
fn has_come_to_its_end(module: &Module, limit: &Limit) -> bool {
    let Some((outcome, left)) = &module.ended else {
        return false;
    };
    let passes = outcome.as_ref().is_err_and(passes);
    !(passes || limit.is_reached() && is_cut(outcome, left.cut.is_some()))
}
