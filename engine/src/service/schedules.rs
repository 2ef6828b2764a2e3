//! Schedules: set and stopped by a person, declared by the configuration, come to their end.

use plugin_api::Timestamp;

use crate::history::Happening;
use crate::notify::Topic;
use crate::people::{Action, Actor};
use crate::quota::Refusal;
use crate::schedule::{Declared, Schedule, next_run};
use crate::store::{Backup, ScheduleId, ScheduleRow, ScheduleState, Tx};

use super::Service;
use super::error::ServiceError;

impl Service {
    /// Sets the schedule of a desk, which must have none.
    pub fn set_schedule(&self, desk: &str, schedule: &Schedule, actor: &Actor) -> Result<ScheduleRow, ServiceError> {
        self.desk(desk)?;
        self.allow(actor, desk, Action::Schedule)?;
        let set = self.store.write(|tx| {
            if let Some(row) = tx.schedule(desk)?
                && !self.end_if_over(tx, &row)?
            {
                return Ok(None);
            }
            let now = self.now();
            if next_run(schedule, now, now).is_none() {
                return Err(ServiceError::NoRun);
            }
            self.add_schedule(tx, desk, schedule, now, actor).map(Some)
        })?;
        let refusal = Refusal::ScheduleExists { desk: desk.to_owned() };
        set.map_or_else(|| self.refuse(desk, actor, &Action::Schedule.to_string(), refusal), Ok)
    }

    /// Stops the schedule of a desk. A backup that runs for it goes on.
    pub fn stop_schedule(&self, desk: &str, actor: &Actor) -> Result<ScheduleRow, ServiceError> {
        self.allow(actor, desk, Action::Stop)?;
        self.store.write(|tx| {
            let none = || ServiceError::NoSchedule { desk: desk.to_owned() };
            let row = tx.schedule(desk)?.ok_or_else(none)?;
            self.stop(tx, &row, actor)?;
            Ok(row)
        })
    }

    /// The active schedule of a desk.
    pub fn schedule(&self, desk: &str, actor: &Actor) -> Result<Option<ScheduleRow>, ServiceError> {
        self.allow(actor, desk, Action::See)?;
        self.store.read(|view| Ok(view.schedule(desk)?))
    }

    /// Sets and stops schedules as the configuration declares them, where that differs from what it declared when it was last
    /// looked at: what it still declares and a person has stopped stays stopped. Gives what was done, a line each.
    pub fn declare_schedules(&self) -> Result<Vec<String>, ServiceError> {
        let mut done = Vec::new();
        for desk in &self.config.desks {
            let declared = desk.schedule.as_ref();
            done.extend(self.store.write(|tx| self.declare(tx, &desk.name, declared))?);
        }
        // Of desks that the configuration no longer has.
        let gone = self.store.read(|view| Ok::<_, ServiceError>(view.schedules()?))?;
        for row in gone.iter().filter(|row| self.known(&row.desk).is_none()) {
            done.extend(self.store.write(|tx| self.declare(tx, &row.desk, None))?);
        }
        Ok(done)
    }

    /// Ends the schedules that have no run left. Gives a line for each.
    pub fn end_schedules(&self) -> Result<Vec<String>, ServiceError> {
        let is_over = |row: &ScheduleRow| next_run(&row.schedule, last(row), self.now()).is_none();
        // Nothing is written where nothing is to be done: this is asked all the time.
        let over = self.store.read(|view| Ok::<_, ServiceError>(view.schedules()?))?;
        if !over.iter().any(is_over) {
            return Ok(Vec::new());
        }
        self.store.write(|tx| {
            let mut ended = Vec::new();
            for row in tx.schedules()? {
                if self.end_if_over(tx, &row)? {
                    ended.push(format!("{}: the schedule has ended", row.desk));
                }
            }
            Ok(ended)
        })
    }

    fn declare(&self, tx: &Tx<'_>, desk: &str, declared: Option<&Declared>) -> Result<Option<String>, ServiceError> {
        let fingerprint = declared.map(serde_json::to_string).transpose();
        let fingerprint = fingerprint.map_err(|source| ServiceError::System {
            what: "a schedule can't be written down",
            source: source.into(),
        })?;
        let before = tx.declared(desk)?;
        if fingerprint == before {
            return Ok(None);
        }
        tx.declare(desk, fingerprint.as_deref())?;
        let active = match tx.schedule(desk)? {
            Some(row) if self.end_if_over(tx, &row)? => None,
            active => active,
        };
        let actor = Actor::Deskvault;
        let Some(declared) = declared else {
            // A schedule that a person set in its place is none of the configuration's.
            return match active.filter(|row| came_from(row, before.as_deref())) {
                Some(row) => {
                    self.stop(tx, &row, &actor)?;
                    Ok(Some(format!(
                        "{desk}: the schedule is stopped: it is no longer declared"
                    )))
                }
                None => Ok(None),
            };
        };
        if let Some(row) = active {
            self.stop(tx, &row, &actor)?;
        }
        let now = self.now();
        let schedule = declared.starting(now);
        if next_run(&schedule, now, now).is_none() {
            return Ok(Some(format!(
                "{desk}: the schedule that is declared has ended: give it another `until`"
            )));
        }
        self.add_schedule(tx, desk, &schedule, now, &actor)?;
        Ok(Some(format!("{desk}: the schedule is set: {schedule}")))
    }

    fn add_schedule(
        &self,
        tx: &Tx<'_>,
        desk: &str,
        schedule: &Schedule,
        made: Timestamp,
        actor: &Actor,
    ) -> Result<ScheduleRow, ServiceError> {
        let user = actor.user(self.known(desk));
        let id: ScheduleId = tx.add_schedule(desk, schedule, made, &user)?;
        let what = Happening::Scheduled {
            schedule: schedule.clone(),
        };
        self.enter(tx, Some(desk), actor, what)?;
        Ok(ScheduleRow {
            id,
            desk: desk.to_owned(),
            schedule: schedule.clone(),
            made,
            user,
            state: ScheduleState::Active,
            last_slot: None,
        })
    }

    fn stop(&self, tx: &Tx<'_>, row: &ScheduleRow, actor: &Actor) -> Result<(), ServiceError> {
        tx.end_schedule(row.id, self.now(), ScheduleState::Stopped)?;
        self.enter(tx, Some(&row.desk), actor, Happening::ScheduleStopped)
    }

    /// Ends an active schedule if it has no run left, and none under way, and tells of it.
    fn end_if_over(&self, tx: &Tx<'_>, row: &ScheduleRow) -> Result<bool, ServiceError> {
        if next_run(&row.schedule, last(row), self.now()).is_some() {
            return Ok(false);
        }
        let is_its = |backup: &Backup| backup.schedule.is_some_and(|(schedule, _)| schedule == row.id);
        if tx.running(&row.desk)?.iter().any(is_its) || tx.suspended(Some(&row.desk))?.iter().any(is_its) {
            return Ok(false);
        }
        tx.end_schedule(row.id, self.now(), ScheduleState::Ended)?;
        self.enter(tx, Some(&row.desk), &Actor::Deskvault, Happening::ScheduleEnded)?;
        let notice = self.notice(Topic::ScheduleEnded, &row.desk, Vec::new(), false);
        self.queue(tx, &notice)?;
        Ok(true)
    }
}

/// From where on a schedule's next slot is looked for.
pub(super) fn last(row: &ScheduleRow) -> Timestamp {
    row.last_slot.unwrap_or(row.made)
}

/// Whether a schedule is the one that was declared so.
fn came_from(row: &ScheduleRow, fingerprint: Option<&str>) -> bool {
    let declared = fingerprint.and_then(|text| serde_json::from_str::<Declared>(text).ok());
    declared.is_some_and(|declared| declared.starting(row.made) == row.schedule)
}
