//! The runs of schedules: which are due, and running one.

use plugin_api::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::people::Actor;
use crate::progress::Progress;
use crate::schedule::next_run;
use crate::store::{ScheduleId, ScheduleRow};

use super::Service;
use super::backups::{Asked, Done, Made, Task, With};
use super::error::ServiceError;
use super::going_on::Suspended;
use super::runner::{RunError, Runner};
use super::schedules::last;

/// A run of a schedule that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The desk.
    pub desk: String,
    /// The schedule.
    pub schedule: ScheduleId,
    /// The moment for which it is scheduled.
    pub slot: Timestamp,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Ran {
    /// Its archive is there.
    Done(Box<Done>),
    /// There is no archive, and the slot is over: the next one takes up what is missing.
    Ended(RunError),
    /// It came to no end, and can be gone on with. The slot is still due, and this backup's.
    Suspended(Suspended),
    /// It was stopped before anything was started. The slot is still due.
    Stopped,
    /// It was not wanted any more: another process ran it, or the schedule was stopped.
    Nothing,
}

impl Ran {
    /// What became of what was made.
    pub(super) fn of(made: Result<Made, ServiceError>) -> Result<Self, ServiceError> {
        match made {
            Ok(Made::Done(done)) => Ok(Self::Done(done)),
            Err(ServiceError::Cancelled) => Ok(Self::Stopped),
            Ok(Made::Suspended(suspended)) => Ok(Self::Suspended(suspended)),
            // There is no room to say so in its row.
            Err(ServiceError::Suspended(suspended)) => Ok(Self::Suspended(*suspended)),
            Ok(Made::Not(error)) => Ok(Self::Ended(error)),
            Ok(Made::Unwanted) | Err(ServiceError::TakenUp { .. }) => Ok(Self::Nothing),
            Err(error) => Err(error),
        }
    }
}

impl Service {
    /// The runs that are due, at most one for a desk. One that is being run is due until it has ended.
    pub fn due(&self) -> Result<Vec<Due>, ServiceError> {
        let now = self.now();
        let due = |row: ScheduleRow| {
            let run = next_run(&row.schedule, last(&row), now).filter(|run| run.overdue)?;
            Some(Due {
                desk: row.desk,
                schedule: row.id,
                slot: run.slot,
            })
        };
        Ok(self.schedules()?.into_iter().filter_map(due).collect())
    }

    /// The earliest moment for which a run is scheduled, come or to come.
    pub fn next_due(&self) -> Result<Option<Timestamp>, ServiceError> {
        let now = self.now();
        let slot = |row: &ScheduleRow| next_run(&row.schedule, last(row), now).map(|run| run.slot);
        Ok(self.schedules()?.iter().filter_map(slot).min())
    }

    /// Runs what is due. It waits while another backup of the desk runs, and then looks whether it is still wanted: no slot is
    /// run twice, by how many processes whatever. An error means that the store or the disk fails: the slot is still due.
    pub fn run_due(
        &self,
        due: &Due,
        runner: &dyn Runner,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Ran, ServiceError> {
        let desk = self.desk(&due.desk)?;
        let task = Task {
            desk,
            modules: desk.modules.clone(),
            asked: Asked::Schedule(due.schedule, due.slot),
            allow_partial: false,
            wait: true,
            anew: false,
            out: None,
        };
        let with = With {
            actor: &Actor::Schedule,
            runner,
            progress,
            cancel,
        };
        Ran::of(self.make(&task, &with))
    }

    /// The active schedules of the desks that the configuration has.
    fn schedules(&self) -> Result<Vec<ScheduleRow>, ServiceError> {
        let mut rows = self.store.read(|view| Ok::<_, ServiceError>(view.schedules()?))?;
        rows.retain(|row| self.known(&row.desk).is_some());
        Ok(rows)
    }
}
