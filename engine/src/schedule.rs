//! Schedules: when a backup of a desk runs by itself. Pure: [`next_run`] takes the time as an argument.
//!
//! A schedule names *days* (`slots.rs`, reckoned without zones), a time of day and a zone; `local.rs` says which moment a
//! time of day is where clocks are put forward and back. `read.rs` is how a schedule is written, `words.rs` how it is told.
//! `oracle.py` computes the same with other libraries and databases; its answers are in `oracle.txt`.

mod local;
mod read;
mod slots;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use plugin_api::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use local::moment as moment_in;
pub use read::{read_at, read_date, read_every, read_zone};

use slots::Slots;

/// When backups run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How often, and on which day.
    #[serde(flatten)]
    pub every: Every,
    /// The time of day, in `zone`.
    pub at: NaiveTime,
    /// The time zone by its IANA name.
    pub zone: Tz,
    /// The first day on which it may run: the first run is the first slot on it or later, and fortnights and quarters are
    /// counted from that run.
    pub from: NaiveDate,
    /// The last day on which it runs.
    pub until: NaiveDate,
    /// Whether a run that was missed is made up, once.
    pub make_up: bool,
}

/// A schedule as it is written, in the configuration or on the command line: the first day may be left open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// See [`Schedule`].
    #[serde(flatten)]
    pub every: Every,
    /// See [`Schedule`].
    pub at: NaiveTime,
    /// See [`Schedule`].
    pub zone: Tz,
    /// See [`Schedule`]; none: from the moment on at which it is set.
    pub from: Option<NaiveDate>,
    /// See [`Schedule`].
    pub until: NaiveDate,
    /// See [`Schedule`].
    pub make_up: bool,
}

/// How often, and on which day. As JSON it is what [`read_every`] reads: `{"every":"monthly","on":"first fri"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "read::Written", try_from = "read::Written")]
pub enum Every {
    /// Each week on that day.
    Week(Weekday),
    /// Every second week on that day.
    Fortnight(Weekday),
    /// Each month.
    Month(DayOfMonth),
    /// Every third month.
    Quarter(DayOfMonth),
}

/// A day of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayOfMonth {
    /// 1 to 31; 29 to 31 fall on the last day of a shorter month.
    Day(u8),
    /// The first (1) to fourth (4) such weekday.
    Nth(u8, Weekday),
    /// The last such weekday.
    Last(Weekday),
}

/// A run to come, or one that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The moment for which it is scheduled.
    pub slot: Timestamp,
    /// Whether that moment has come: it is to be run at once.
    pub overdue: bool,
}

/// A slot that came less than this ago is no missed one, whatever `make_up` says: a daemon needs time to start, too.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// What runs next, seen from `now`. `last`: the slot of the last run, or the moment at which the schedule was set where
/// none has run yet. The latest slot behind `last` that has come is due; of several that were missed only that one is
/// made up. Without one it is the first slot to come. `None`: the schedule has ended.
///
/// With `make_up` false, a slot that came [`PATIENCE`] ago or more is passed over. No slot is given that does not lie
/// behind `last`, also where the clock has jumped back: none runs twice.
pub fn next_run(schedule: &Schedule, last: Timestamp, now: Timestamp) -> Option<Run> {
    let slots = Slots::of(schedule)?;
    if let Some(slot) = slots.latest(now).and_then(|number| slots.moment(number)) {
        let patience = i64::try_from(PATIENCE.as_micros()).unwrap_or(i64::MAX);
        let is_late = now.micros().saturating_sub(slot.micros()) >= patience;
        if slot > last && (schedule.make_up || !is_late) {
            return Some(Run { slot, overdue: true });
        }
    }
    let number = slots.latest(last.max(now)).map_or(0, |latest| latest + 1);
    let slot = slots.moment(number)?;
    Some(Run { slot, overdue: false })
}

impl Schedule {
    /// The runs to come, in order, beginning with [`next_run`].
    pub fn slots(&self, last: Timestamp, now: Timestamp) -> impl Iterator<Item = Run> {
        let next = move |run: &Run| next_run(self, run.slot, now);
        std::iter::successors(next_run(self, last, now), next)
    }
}

impl Declared {
    /// The schedule that begins `now`. Where no first day is given it is that of the next slot which is still to come, so
    /// that fortnights and quarters count from a run that takes place.
    pub fn starting(&self, now: Timestamp) -> Schedule {
        let mut schedule = Schedule {
            every: self.every,
            at: self.at,
            zone: self.zone,
            from: self.from.unwrap_or_default(),
            until: self.until,
            make_up: self.make_up,
        };
        if self.from.is_none() {
            let today = local::date(self.zone, now);
            // Today's time has come already: the first day is tomorrow.
            let passed = local::moment(self.zone, today.and_time(self.at)).is_none_or(|moment| moment <= now);
            schedule.from = today.checked_add_days(Days::new(passed.into())).unwrap_or(today);
        }
        schedule
    }

    /// Whether it names days at all. An error says what `until` must do.
    pub fn check(&self) -> Result<(), String> {
        let Some(from) = self.from else { return Ok(()) };
        if self.until < from {
            return Err(format!("not be before the first day, {from}"));
        }
        match slots::first(self.every, from) {
            Some(first) if first <= self.until => Ok(()),
            Some(first) => Err(format!(
                "be {first} or later: that is the first day, from {from} on, that it names"
            )),
            None => Err(format!("leave room for a run from {from} on")),
        }
    }
}
