//! The heartbeat of a backup's process: a word on the pipe every few seconds, as long as the engine itself goes on.
//!
//! A thread of its own says it, and holds it back where the loop that watches the exporters has stood still for long: a
//! process that is deadlocked looks like one that waits for its desk, and only silence tells them apart. What the daemon makes
//! of silence is in `child`.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::progress::{Event, Progress};

/// Between two words.
const BEAT: Duration = Duration::from_secs(5);
/// How long the loop may stand still. It turns five times a second, but for the moment in which a module's tables are closed.
const STILL: Duration = Duration::from_mins(1);

/// Passes events on, and sees by them that the loop turns: it tells in each turn how far every module is.
pub(super) struct Pulse<'a, P> {
    to: &'a P,
    /// When it turned last; none where it does not run.
    turned: Mutex<Option<Instant>>,
}

impl<'a, P: Progress> Pulse<'a, P> {
    pub(super) fn new(to: &'a P) -> Self {
        Self {
            to,
            turned: Mutex::new(None),
        }
    }

    fn turned(&self, when: Option<Instant>) {
        *self.turned.lock().unwrap_or_else(PoisonError::into_inner) = when;
    }

    /// Whether the loop runs as it should, or not at all.
    fn beats(&self, now: Instant) -> bool {
        let turned = *self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        turned.is_none_or(|turned| now.saturating_duration_since(turned) <= STILL)
    }

    /// Has `beat` say a word every few seconds until `over` is dropped at its other end.
    pub(super) fn beat(&self, over: &Receiver<()>, beat: impl Fn()) {
        while over.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            if self.beats(Instant::now()) {
                beat();
            }
        }
    }
}

impl<P: Progress> Progress for Pulse<'_, P> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::ModuleStarted { .. } | Event::Module { .. } => self.turned(Some(Instant::now())),
            Event::ModuleEnded { .. } | Event::Phase { .. } => self.turned(None),
            _ => {}
        }
        self.to.event(event);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::{Pulse, STILL};
    use crate::progress::{Event, Phase, Progress as _, Silent};

    #[test]
    fn it_beats_while_the_loop_turns_and_where_there_is_none() {
        let pulse = Pulse::new(&Silent);
        let (now, later) = (Instant::now(), Instant::now() + STILL * 2);
        assert!(pulse.beats(later), "nothing runs yet");
        pulse.event(Event::ModuleStarted { module: "m" });
        assert!(pulse.beats(now));
        assert!(!pulse.beats(later), "it stands still");
        pulse.event(Event::Waiting { running: "m" });
        assert!(!pulse.beats(later), "that is none of its words");
        pulse.event(Event::Phase {
            name: Phase::Joining,
            done: 0,
            total: 0,
        });
        assert!(pulse.beats(later), "it is over");
    }

    #[test]
    fn it_ends_with_the_backup() {
        let pulse = Pulse::new(&Silent);
        let (done, over) = mpsc::channel();
        drop(done);
        let beats = AtomicU32::new(0);
        let started = Instant::now();
        pulse.beat(&over, || {
            beats.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(beats.into_inner(), 0);
        assert!(started.elapsed() < Duration::from_secs(4));
    }
}
