//! Schedules, and what the configuration declared of them.

use plugin_api::Timestamp;
use rusqlite::params;

use super::backups::changed;
use super::fields::{Fields, json, key, moment, word};
use super::{ScheduleId, ScheduleRow, ScheduleState, StoreError, Tx, View};
use crate::schedule::Schedule;

impl View<'_> {
    /// The active schedule of a desk.
    pub fn schedule(&self, desk: &str) -> Result<Option<ScheduleRow>, StoreError> {
        self.row(
            "schedule",
            "SELECT * FROM schedules WHERE desk = $1 AND state = 'active'",
            [desk],
            schedule,
        )
    }

    /// The active schedules of all desks.
    pub fn schedules(&self) -> Result<Vec<ScheduleRow>, StoreError> {
        self.rows(
            "schedule",
            "SELECT * FROM schedules WHERE state = 'active' ORDER BY desk",
            [],
            schedule,
        )
    }

    /// The schedule of a desk that was set last, whatever it is now.
    pub fn last_schedule(&self, desk: &str) -> Result<Option<ScheduleRow>, StoreError> {
        self.row(
            "schedule",
            "SELECT * FROM schedules WHERE desk = $1 ORDER BY id DESC LIMIT 1",
            [desk],
            schedule,
        )
    }

    /// What the configuration declared for a desk when it was last looked at, as [`Tx::declare`] was told.
    pub fn declared(&self, desk: &str) -> Result<Option<String>, StoreError> {
        self.fact(&declaration(desk))
    }
}

impl Tx<'_> {
    /// A schedule is set. [`StoreError::Conflict`] where the desk has an active one.
    pub fn add_schedule(
        &self,
        desk: &str,
        schedule: &Schedule,
        made: Timestamp,
        user: &str,
    ) -> Result<ScheduleId, StoreError> {
        if self.schedule(desk)?.is_some() {
            return Err(StoreError::Conflict(format!("{desk} has a schedule already")));
        }
        let id = self.next_number("schedule")?;
        self.run(
            "INSERT INTO schedules (id, desk, schedule, made, made_by, state) VALUES ($1, $2, $3, $4, $5, 'active')",
            params![key(id), desk, json("schedule", schedule)?, moment("made", made)?, user],
        )?;
        Ok(id)
    }

    /// An active schedule is stopped, or has ended. [`StoreError::Conflict`] where it is not active.
    pub fn end_schedule(&self, id: ScheduleId, at: Timestamp, state: ScheduleState) -> Result<(), StoreError> {
        if state == ScheduleState::Active {
            return Err(StoreError::Conflict(format!("schedule {id} cannot end as active")));
        }
        let ended = self.run(
            "UPDATE schedules SET state = $1, ended = $2 WHERE id = $3 AND state = 'active'",
            params![word("state", &state)?, moment("ended", at)?, key(id)],
        )?;
        changed(ended, || format!("schedule {id} is not active"))
    }

    /// The run of a slot came to an end. Also of a schedule that was stopped meanwhile.
    pub fn ran(&self, id: ScheduleId, slot: Timestamp) -> Result<(), StoreError> {
        let ran = self.run(
            "UPDATE schedules
             SET last_slot = CASE WHEN last_slot > $1 THEN last_slot ELSE $1 END
             WHERE id = $2",
            params![moment("last_slot", slot)?, key(id)],
        )?;
        changed(ran, || format!("there is no schedule {id}"))
    }

    /// Keeps what the configuration declares for a desk; none: nothing any more.
    pub fn declare(&self, desk: &str, declared: Option<&str>) -> Result<(), StoreError> {
        match declared {
            Some(declared) => self.set_fact(&declaration(desk), declared),
            None => self.forget_fact(&declaration(desk)),
        }
    }
}

fn declaration(desk: &str) -> String {
    format!("declared schedule of {desk}")
}

fn schedule(row: &Fields<'_>) -> Result<ScheduleRow, StoreError> {
    Ok(ScheduleRow {
        id: row.number("id")?,
        desk: row.text("desk")?,
        schedule: row.json("schedule")?,
        made: row.time("made")?,
        user: row.text("made_by")?,
        state: row.word("state")?,
        last_slot: row.optional_time("last_slot")?,
    })
}
