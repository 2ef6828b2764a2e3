//! What those who watch are told of credits: that the backup waits for some, and how much is still to come.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::module::Module;
use crate::clock::Clock;
use crate::connection::{Connection, Pause};
use crate::forecast::{Cost, Facts, Forecast, Forecaster};
use crate::progress::{Event, Progress};

/// The least time between two forecasts.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches over the credits of one backup.
pub(super) struct Pacing {
    connection: Connection,
    clock: Arc<dyn Clock>,
    forecaster: Forecaster,
    paused: Option<Pause>,
    told: Option<(Instant, Forecast)>,
    /// That a checkpoint is wanted now.
    checkpoint: Arc<AtomicBool>,
}

impl Pacing {
    /// Watches over a backup whose modules cost `past` the last time.
    pub(super) fn new(connection: &Connection, clock: &Arc<dyn Clock>, past: &[Cost], checkpoint: Arc<AtomicBool>) -> Self {
        Self {
            connection: connection.clone(),
            clock: Arc::clone(clock),
            forecaster: Forecaster::new(past),
            paused: None,
            told: None,
            checkpoint,
        }
    }

    /// Looks how far it is, and tells what is new.
    pub(super) fn tell(&mut self, modules: &[Module], progress: &dyn Progress) {
        let now = self.clock.now();
        let paused = self.connection.paused();
        let facts: Vec<Facts<'_>> = modules.iter().map(Module::facts).collect();
        self.forecaster.look(&facts, now, paused.is_some());
        let is_new = paused != self.paused;
        if is_new && let Some(Pause { until, left, reserve }) = paused {
            // What is read is safe while nothing more can be.
            self.checkpoint.store(true, std::sync::atomic::Ordering::Release);
            progress.event(Event::Paused { until, left, reserve });
        }
        self.paused = paused;
        if !is_new && self.told.as_ref().is_some_and(|(at, _)| at.elapsed() < PAUSE) {
            return;
        }
        let forecast = self.forecaster.forecast(now, self.connection.account().as_ref());
        // Its moment alone is nothing new.
        let is_old = |told: &Forecast| Forecast { at: now, ..told.clone() } == forecast;
        if !self.told.as_ref().is_some_and(|(_, told)| is_old(told)) {
            progress.event(Event::Forecast { forecast: &forecast });
        }
        self.told = Some((Instant::now(), forecast));
    }
}
