//! What the service manager is told, where one asks for it (`NOTIFY_SOCKET`): that the daemon is ready, what it does, and
//! that it is alive.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::people::token;

/// Environment variables that no process of the daemon's gets: those of the service manager are meant for this one alone, and
/// whose token there may be has nothing to do with backups and their plugins.
pub(super) const OURS: [&str; 4] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", token::VARIABLE];

/// The service manager.
pub(super) struct Manager {
    /// How often it must hear that the daemon is alive; half of what it allows. None: it need not.
    pause: Option<Duration>,
    alive: Option<Instant>,
    status: String,
    /// Whether it could be told: a way that is broken is complained of once.
    reached: bool,
}

impl Manager {
    /// The one that started this process, or none.
    pub(super) fn of_process() -> Self {
        Self {
            pause: sd_notify::watchdog_enabled().map(|most| most / 2),
            alive: None,
            status: String::new(),
            reached: true,
        }
    }

    /// The longest that the daemon may take from one [`Self::alive`] to the next.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// The daemon is ready, at start and after each reload.
    pub(super) fn ready(&mut self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// It reloads its configuration.
    pub(super) fn reloading(&mut self) {
        // systemd 253 and later want the time with it.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(_) => self.tell(&[NotifyState::Reloading]),
        }
    }

    /// It stops, and takes until then at most.
    pub(super) fn stopping(&mut self, at_most: Duration) {
        let micros = u32::try_from(at_most.as_micros()).unwrap_or(u32::MAX);
        self.tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(micros)]);
    }

    /// What it does, a line for people. Told only where it differs from the last.
    pub(super) fn status(&mut self, status: &str) {
        if self.status != status {
            status.clone_into(&mut self.status);
            self.tell(&[NotifyState::Status(&crate::config::text::printable(status))]);
        }
    }

    /// The main loop has come round. Called by nothing else: a watchdog that another thread feeds proves nothing.
    pub(super) fn alive(&mut self) {
        let Some(pause) = self.pause else { return };
        if self.alive.is_none_or(|last| last.elapsed() >= pause) {
            self.alive = Some(Instant::now());
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    fn tell(&mut self, states: &[NotifyState<'_>]) {
        let outcome = sd_notify::notify(states);
        if let Err(error) = &outcome
            && self.reached
        {
            tracing::warn!(%error, "the service manager cannot be told of the daemon's state (NOTIFY_SOCKET)");
        }
        self.reached = outcome.is_ok();
    }
}
