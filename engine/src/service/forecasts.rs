//! Forecasts of backups: kept as facts while they run, for whoever asks from elsewhere, and what they came to, for the first
//! forecast of the next one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use plugin_api::{Kind, Timestamp};

use crate::forecast::{Cost, Forecast};
use crate::progress::{Event, Progress, Summary};
use crate::store::BackupId;

use super::Service;
use super::error::ServiceError;
use super::runner::RunError;

/// The least time between two writes: the store has others to serve.
const PAUSE: Duration = Duration::from_secs(1);
/// A fact is not longer; what is came from a broken process.
const LONGEST: usize = 64 << 10;

/// Passes events on, and keeps the forecasts among them.
pub(super) struct Keeping<'a> {
    service: &'a Service,
    backup: BackupId,
    /// Which fact keeps what it cost.
    costs: String,
    progress: &'a dyn Progress,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    at: Option<Instant>,
    waits_until: Option<Timestamp>,
    modules: Vec<Cost>,
}

impl Service {
    /// The last forecast of a backup that runs or is suspended, where there is one.
    pub fn forecast(&self, backup: BackupId) -> Result<Option<Forecast>, ServiceError> {
        let fact = self.store.read(|view| view.fact(&of_backup(backup)))?;
        Ok(fact.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// What the modules of a backup cost so far, where it is gone on with; else what they cost in the last one of its kind.
    pub(super) fn past(&self, backup: BackupId, desk: &str, kind: Kind) -> Result<Vec<Cost>, ServiceError> {
        if let Some(forecast) = self.forecast(backup)? {
            return Ok(forecast.modules);
        }
        let fact = self.store.read(|view| view.fact(&of_desk(desk, kind)))?;
        Ok(fact
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default())
    }

    /// Keeps the forecasts of a backup that is run while it is told of.
    pub(super) fn forecasting<'a>(
        &'a self,
        backup: BackupId,
        desk: &str,
        kind: Kind,
        progress: &'a dyn Progress,
    ) -> Keeping<'a> {
        Keeping {
            service: self,
            backup,
            costs: of_desk(desk, kind),
            progress,
            kept: Mutex::default(),
        }
    }
}

impl Keeping<'_> {
    /// How the backup ended. With an archive, what it cost tells what the next one will; and who can go on has a forecast.
    pub(super) fn end(self, ran: &Result<Summary, RunError>) {
        if matches!(ran, Err(RunError::Suspended { .. })) {
            return;
        }
        let kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let costs = serde_json::to_string(&kept.modules).ok();
        let costs = costs.filter(|costs| ran.is_ok() && !kept.modules.is_empty() && costs.len() <= LONGEST);
        if costs.is_none() && kept.at.is_none() {
            return;
        }
        unkept(&self.service.store.write(|tx| {
            if let Some(costs) = &costs {
                tx.set_fact(&self.costs, costs)?;
            }
            tx.forget_fact(&of_backup(self.backup))
        }));
    }

    fn keep(&self, forecast: &Forecast) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.modules.clone_from(&forecast.modules);
        let is_same = kept.waits_until == forecast.waits_until;
        if is_same && kept.at.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        (kept.at, kept.waits_until) = (Some(Instant::now()), forecast.waits_until);
        drop(kept);
        if let Some(text) = serde_json::to_string(forecast)
            .ok()
            .filter(|text| text.len() <= LONGEST)
        {
            unkept(
                &self
                    .service
                    .store
                    .write(|tx| tx.set_fact(&of_backup(self.backup), &text)),
            );
        }
    }
}

impl Progress for Keeping<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Forecast { forecast } => self.keep(forecast),
            // It waits before it has foreseen anything: what was foreseen when it ran before still holds.
            Event::Paused { until, .. } => {
                if let Ok(Some(before)) = self.service.forecast(self.backup) {
                    self.keep(&Forecast {
                        waits_until: Some(until),
                        ..before
                    });
                }
            }
            _ => {}
        }
        self.progress.event(event);
    }
}

/// A forecast is worth no backup.
fn unkept<E: std::error::Error>(written: &Result<(), E>) {
    if let Err(error) = written {
        tracing::debug!(%error, "a forecast cannot be kept");
    }
}

fn of_backup(backup: BackupId) -> String {
    format!("forecast-{backup}")
}

fn of_desk(desk: &str, kind: Kind) -> String {
    let kind = match kind {
        Kind::Full => "full",
        Kind::Custom => "custom",
        Kind::Incremental => "incremental",
    };
    format!("forecast-cost-{desk}-{kind}")
}
