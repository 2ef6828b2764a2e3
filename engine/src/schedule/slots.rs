//! The days of a schedule, numbered from its first run: calendar arithmetic, without a step through the days between.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use plugin_api::Timestamp;

use super::{DayOfMonth, Every, Schedule, local};

/// The slots of a schedule: 0 is the first run. There is at least one.
pub(super) struct Slots<'a> {
    schedule: &'a Schedule,
    first: NaiveDate,
    last: i64,
}

impl<'a> Slots<'a> {
    /// None: there is no day for it until its end.
    pub(super) fn of(schedule: &'a Schedule) -> Option<Self> {
        let first = first(schedule.every, schedule.from)?;
        let mut slots = Self {
            schedule,
            first,
            last: i64::MAX,
        };
        let near = slots.near(schedule.until);
        // The month of the end may have its day behind the end.
        slots.last = (near - 1..=near)
            .rev()
            .find(|number| slots.date(*number).is_some_and(|date| date <= schedule.until))?;
        (slots.last >= 0).then_some(slots)
    }

    /// The moment of a slot; none behind the end.
    pub(super) fn moment(&self, number: i64) -> Option<Timestamp> {
        let date = self.date(number).filter(|_| number <= self.last)?;
        local::moment(self.schedule.zone, date.and_time(self.schedule.at))
    }

    /// The latest slot that has come by now.
    pub(super) fn latest(&self, now: Timestamp) -> Option<i64> {
        let near = self.near(local::date(self.schedule.zone, now)).min(self.last);
        // The slot of that day or month may be still to come. Where clocks go back over midnight, one of the day after may
        // have come already.
        let up_to = (near + 1).min(self.last);
        (near - 1..=up_to)
            .rev()
            .filter(|number| *number >= 0)
            .find(|number| self.moment(*number).is_some_and(|moment| moment <= now))
    }

    /// The date of a slot.
    fn date(&self, number: i64) -> Option<NaiveDate> {
        match self.schedule.every {
            Every::Week(_) | Every::Fortnight(_) => {
                let days = u64::try_from(number).ok()?.checked_mul(self.step().unsigned_abs())?;
                self.first
                    .checked_add_days(Days::new(days))
                    .filter(|date| date.year() <= LAST_YEAR)
            }
            Every::Month(day) | Every::Quarter(day) => {
                day_of(day, month(self.first).checked_add(number.checked_mul(self.step())?)?)
            }
        }
    }

    /// The number of the slot that is due on this date or was due before, or of that month.
    fn near(&self, date: NaiveDate) -> i64 {
        let passed = match self.schedule.every {
            Every::Week(_) | Every::Fortnight(_) => (date - self.first).num_days(),
            Every::Month(_) | Every::Quarter(_) => month(date) - month(self.first),
        };
        passed.div_euclid(self.step())
    }

    /// Days or months from one slot to the next.
    fn step(&self) -> i64 {
        match self.schedule.every {
            Every::Week(_) => 7,
            Every::Fortnight(_) => 14,
            Every::Month(_) => 1,
            Every::Quarter(_) => 3,
        }
    }
}

/// The first day on or after `from` that is named.
pub(super) fn first(every: Every, from: NaiveDate) -> Option<NaiveDate> {
    match every {
        Every::Week(weekday) | Every::Fortnight(weekday) => {
            let days = weekday.days_since(from.weekday());
            from.checked_add_days(Days::new(days.into()))
                .filter(|date| date.year() <= LAST_YEAR)
        }
        Every::Month(day) | Every::Quarter(day) => {
            let this = day_of(day, month(from)).filter(|date| *date >= from);
            this.or_else(|| day_of(day, month(from) + 1))
        }
    }
}

/// Months since the year 0.
fn month(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

/// The day of a month that is meant.
fn day_of(day: DayOfMonth, month: i64) -> Option<NaiveDate> {
    let year = i32::try_from(month.div_euclid(12))
        .ok()
        .filter(|year| *year <= LAST_YEAR)?;
    let month = u32::try_from(month.rem_euclid(12)).ok()? + 1;
    let nth = |nth: u8, weekday: Weekday| NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth);
    match day {
        DayOfMonth::Day(day) => (1..=u32::from(day))
            .rev()
            .find_map(|day| NaiveDate::from_ymd_opt(year, month, day)),
        DayOfMonth::Nth(number, weekday) => nth(number, weekday),
        DayOfMonth::Last(weekday) => nth(5, weekday).or_else(|| nth(4, weekday)),
    }
}

/// What comes later can't be written in a manifest.
const LAST_YEAR: i32 = 9999;
