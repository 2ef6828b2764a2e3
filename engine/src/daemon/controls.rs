//! How the daemon is told to stop and to reload, from other threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Tells a daemon what to do. Clones tell the same one.
#[derive(Clone, Default)]
pub struct Controls(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stop: CancellationToken,
    reload: AtomicBool,
    /// Whether somebody has rung since the daemon last woke. Many rings are one.
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Controls {
    /// It is to stop: no new work, and what is under way is stopped cleanly.
    pub fn stop(&self) {
        self.0.stop.cancel();
        self.wake();
    }

    /// It is to read its configuration again.
    pub fn reload(&self) {
        self.0.reload.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Cancelled when it is to stop.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Whether it was told to reload since this was last asked.
    pub(crate) fn take_reload(&self) -> bool {
        self.0.reload.swap(false, Ordering::SeqCst)
    }

    /// Something has happened: it is to look.
    pub(super) fn wake(&self) {
        *self.0.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.bell.notify_all();
    }

    /// Waits until something has happened, or for so long.
    pub(super) fn wait(&self, at_most: Duration) {
        let rung = self.0.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.bell.wait_timeout_while(rung, at_most, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::Controls;

    #[test]
    fn what_is_told_before_it_is_waited_for_is_not_lost() {
        let controls = Controls::default();
        let started = Instant::now();
        controls.reload();
        controls.reload();
        controls.wait(Duration::from_hours(1));
        assert!(controls.take_reload() && !controls.take_reload());
        let other = controls.clone();
        let thread = thread::spawn(move || other.stop());
        controls.wait(Duration::from_hours(1));
        assert!(controls.stopping().is_cancelled());
        thread.join().unwrap();
        controls.wait(Duration::from_millis(1));
        assert!(started.elapsed() < Duration::from_mins(1));
    }
}
