//! What those who watch are told of credits: that the backup waits for some, and how much is still to come.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::module::Module;
use super::often::Hurry;
use super::run::Plan;
use crate::clock::Clock;
use crate::connection::{Connection, ConnectionError, Pause};
use crate::forecast::{Facts, Forecast, Forecaster};
use crate::progress::{Event, Progress};

/// The least time between two forecasts, unless much was done meanwhile.
const PAUSE: Duration = Duration::from_secs(1);
/// How much that is: one in so many of all requests.
const MUCH: u64 = 100;

/// How often it is looked whether the first requests wait for credits.
const TICK: Duration = Duration::from_millis(200);

/// Opens the connection of a backup: it waits where credits are spent, by the plan's clock.
pub(super) fn open(plan: &Plan, runtime: Handle) -> Result<Connection, ConnectionError> {
    let mut settings = plan.connection.clone();
    settings.pacing.clock = Arc::clone(&plan.clock);
    settings.pacing.wait = true;
    Connection::open(&settings, runtime)
}

/// Makes the first requests, and tells if they wait for credits.
pub(super) fn prepare(
    connection: &Connection,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<(), ConnectionError> {
    thread::scope(|scope| {
        let (sender, prepared) = mpsc::channel();
        scope.spawn(move || {
            let _ = sender.send(connection.prepare(cancel));
        });
        let mut told = None;
        loop {
            match prepared.recv_timeout(TICK) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {
                    let paused = connection.paused();
                    if let Some(pause) = paused.filter(|_| paused != told) {
                        progress.event(event(pause));
                    }
                    told = paused;
                }
                // It sends before it ends, unless it panics; then so does the scope.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    })
}

fn event(Pause { until, left, reserve }: Pause) -> Event<'static> {
    Event::Paused { until, left, reserve }
}

/// Watches over the credits of one backup.
pub(super) struct Pacing {
    connection: Connection,
    clock: Arc<dyn Clock>,
    hurry: Hurry,
    forecaster: Forecaster,
    paused: Option<Pause>,
    told: Option<(Instant, Forecast)>,
}

impl Pacing {
    pub(super) fn new(connection: &Connection, plan: &Plan) -> Self {
        Self {
            connection: connection.clone(),
            clock: Arc::clone(&plan.clock),
            hurry: plan.hurry.clone(),
            forecaster: Forecaster::new(&plan.past),
            paused: None,
            told: None,
        }
    }

    /// Looks how far it is, and tells what is new.
    pub(super) fn tell(&mut self, modules: &[Module], progress: &dyn Progress) {
        let now = self.clock.now();
        let (paused, account) = (self.connection.paused(), self.connection.account());
        let facts: Vec<Facts<'_>> = modules.iter().map(Module::facts).collect();
        self.forecaster.look(&facts, now, paused.is_some());
        let is_new = paused != self.paused;
        if let Some(pause) = paused.filter(|_| is_new) {
            // What is read is to be safe while nothing more can be.
            self.hurry.ask();
            progress.event(event(pause));
        }
        self.paused = paused;
        let is_young = |(at, _): &(Instant, Forecast)| at.elapsed() < PAUSE;
        let forecast = Forecast {
            waits_until: paused.map(|pause| pause.until),
            ..self.forecaster.forecast(now, account.as_ref())
        };
        if !is_new && self.told.as_ref().is_some_and(is_young) && !self.has_moved(&forecast) {
            return;
        }
        // Its moment alone is nothing new.
        let is_old = |told: &Forecast| {
            Forecast {
                at: now,
                ..told.clone()
            } == forecast
        };
        if !self.told.as_ref().is_some_and(|(_, told)| is_old(told)) {
            progress.event(Event::Forecast { forecast: &forecast });
        }
        self.told = Some((Instant::now(), forecast));
    }

    /// Whether much was done since the last one was told.
    fn has_moved(&self, forecast: &Forecast) -> bool {
        let made = |forecast: &Forecast| {
            forecast
                .modules
                .iter()
                .map(|module| module.requests)
                .fold(0, u64::saturating_add)
        };
        let before = self.told.as_ref().map_or(0, |(_, told)| made(told));
        let made = made(forecast);
        let all = made.saturating_add(forecast.requests);
        made.saturating_sub(before) > all / MUCH
    }
}
