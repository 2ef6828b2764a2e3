//! Passes on what a backup's process says, and remembers what that tells of the process itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::backup::{Checkpoint, Keeper};
use crate::progress::{Event, Progress};

/// How long behind the word that credits are waited for requests may still be counted that were sent before it.
const STRAGGLERS: Duration = Duration::from_secs(10);

pub(super) struct Watcher<'a> {
    progress: &'a dyn Progress,
    keeper: &'a dyn Keeper,
    has_kept: AtomicBool,
    credits: Mutex<Credits<'a>>,
}

struct Credits<'a> {
    /// Since when they are waited for.
    paused: Option<Instant>,
    /// The modules of the backup, each with its requests.
    requests: Vec<(&'a str, u64)>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(modules: &'a [String], progress: &'a dyn Progress, keeper: &'a dyn Keeper) -> Self {
        Self {
            progress,
            keeper,
            has_kept: AtomicBool::new(false),
            credits: Mutex::new(Credits {
                paused: None,
                requests: modules.iter().map(|module| (module.as_str(), 0)).collect(),
            }),
        }
    }

    /// Whether a checkpoint was kept.
    pub(super) fn has_kept(&self) -> bool {
        self.has_kept.load(Ordering::Relaxed)
    }

    /// Whether it waits for credits: it said so, and has made no request since.
    pub(super) fn is_paused(&self) -> bool {
        self.credits().paused.is_some()
    }

    fn credits(&self) -> MutexGuard<'_, Credits<'a>> {
        self.credits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, event: &Event<'_>, now: Instant) {
        let mut credits = self.credits();
        match event {
            Event::Paused { .. } => credits.paused = Some(now),
            Event::Module { module, requests, .. } => {
                let of = credits.requests.iter_mut().find(|(name, _)| name == module);
                let is_new = of.is_some_and(|(_, before)| std::mem::replace(before, *requests) != *requests);
                let is_over = |since: &Instant| now.saturating_duration_since(*since) > STRAGGLERS;
                if is_new && credits.paused.as_ref().is_some_and(is_over) {
                    credits.paused = None;
                }
            }
            Event::Phase { .. } => credits.paused = None,
            _ => {}
        }
    }
}

impl Progress for Watcher<'_> {
    fn event(&self, event: Event<'_>) {
        self.look(&event, Instant::now());
        self.progress.event(event);
    }
}

impl Keeper for Watcher<'_> {
    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        self.keeper.keep(checkpoint)?;
        self.has_kept.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use plugin_api::Timestamp;

    use super::{STRAGGLERS, Watcher};
    use crate::backup::Forgetful;
    use crate::progress::{Event, Silent};

    #[test]
    fn credits_are_waited_for_until_requests_are_made_again() {
        let modules = ["tickets".to_owned()];
        let watcher = Watcher::new(&modules, &Silent, &Forgetful);
        let begun = Instant::now();
        let says = |event: Event<'_>, after: Duration| {
            watcher.look(&event, begun + after);
            watcher.is_paused()
        };
        let module = |module, requests| Event::Module {
            module,
            rows: 0,
            expected: None,
            bytes: 0,
            requests,
            in_flight: 0,
            retries: 0,
            note: None,
        };
        let paused = || Event::Paused {
            until: Timestamp::from_micros(0),
            left: 0,
            reserve: 0,
        };
        let second = Duration::from_secs(1);
        assert!(!says(module("tickets", 3), second));
        assert!(says(paused(), second));
        assert!(says(module("tickets", 4), second * 2), "it was sent before");
        assert!(says(module("tickets", 4), STRAGGLERS * 100), "it says the same again");
        assert!(says(module("another", 5), STRAGGLERS * 100), "none of the backup's");
        assert!(!says(module("tickets", 5), STRAGGLERS * 100));
        assert!(says(paused(), STRAGGLERS * 100));
        let phase = Event::Phase {
            name: crate::progress::Phase::Joining,
            done: 0,
            total: 0,
        };
        assert!(!says(phase, STRAGGLERS * 100));
    }
}
