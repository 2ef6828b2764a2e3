//! How a schedule is written. An error is what goes behind "must": it says what is allowed.

use chrono::{Datelike as _, NaiveDate, NaiveTime, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde::{Deserialize, Serialize};

use super::{DayOfMonth, Every};
use crate::config::text::{did_you_mean, excerpt};

/// How often a schedule can run.
const OFTEN: [&str; 4] = ["weekly", "fortnightly", "monthly", "quarterly"];
/// Which of a month's such weekdays; the last is the last, be it the fourth or the fifth.
const NTH: [&str; 5] = ["first", "second", "third", "fourth", "last"];

/// Reads `weekly` or `fortnightly` with a weekday (`fri`, `friday`), `monthly` or `quarterly` with a day of the month (`31`)
/// or one of its weekdays (`first fri`, `first-fri`, `last friday`), all in any case.
///
/// The error speaks of `on`, unless `every` is none of the four.
pub fn read_every(every: &str, on: &str) -> Result<Every, String> {
    let typed = every;
    let every = every.trim().to_ascii_lowercase();
    let weekday = || {
        let wish = || {
            format!(
                "be a weekday such as \"fri\" where it runs {every}, not \"{}\"",
                excerpt(on)
            )
        };
        read_weekday(on.trim()).ok_or_else(wish)
    };
    let day = || {
        let wish = || {
            format!(
                "be a day of the month, \"1\" to \"31\", or one of its weekdays, \"first fri\" to \"fourth fri\" or \
                 \"last fri\", where it runs {every}, not \"{}\"",
                excerpt(on)
            )
        };
        read_day(on).ok_or_else(wish)
    };
    match every.as_str() {
        "weekly" => weekday().map(Every::Week),
        "fortnightly" => weekday().map(Every::Fortnight),
        "monthly" => day().map(Every::Month),
        "quarterly" => day().map(Every::Quarter),
        _ => Err(format!(
            "go with weekly, fortnightly, monthly or quarterly, not with \"{}\"{}",
            excerpt(typed),
            did_you_mean(&every, OFTEN, ("\"", "\""))
        )),
    }
}

/// Reads a time of day: `02:00`, or `02:00:30`.
pub fn read_at(text: &str) -> Result<NaiveTime, String> {
    let digits = |byte: u8| byte.is_ascii_digit();
    let is_time = matches!(text.trim().as_bytes(), [a, b, b':', c, d] | [a, b, b':', c, d, b':', _, _]
        if [a, b, c, d].iter().all(|byte| digits(**byte)));
    Some(text.trim())
        .filter(|_| is_time)
        .and_then(|text| {
            let with_seconds = NaiveTime::parse_from_str(text, "%H:%M:%S");
            with_seconds.or_else(|_| NaiveTime::parse_from_str(text, "%H:%M")).ok()
        })
        // 23:59:60 comes once in years, and not to a schedule.
        .filter(|time| chrono::Timelike::nanosecond(time) == 0)
        .ok_or_else(|| format!("be a time of day such as \"02:00\", not \"{}\"", excerpt(text)))
}

/// Reads the IANA name of a zone: `Asia/Tokyo`, `UTC`; in any case.
pub fn read_zone(text: &str) -> Result<Tz, String> {
    let name = text.trim();
    let zone = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
    zone.copied().ok_or_else(|| {
        let near = did_you_mean(name, TZ_VARIANTS.iter().map(|zone| zone.name()), ("\"", "\""));
        format!(
            "be the IANA name of a time zone such as \"Asia/Tokyo\" or \"UTC\", not \"{}\"{near}",
            excerpt(text)
        )
    })
}

/// Reads a date of the years 1970 to 9999: `2027-03-31`.
pub fn read_date(text: &str) -> Result<NaiveDate, String> {
    Some(text.trim())
        .filter(|text| text.len() == 10)
        .and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .filter(|date| (1970..=9999).contains(&date.year()))
        .ok_or_else(|| format!("be a date such as \"2027-03-31\", not \"{}\"", excerpt(text)))
}

fn read_weekday(text: &str) -> Option<Weekday> {
    text.parse().ok()
}

fn read_day(text: &str) -> Option<DayOfMonth> {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text.split_whitespace().flat_map(|word| word.split('-')).collect();
    match words[..] {
        [day] if day.bytes().all(|byte| byte.is_ascii_digit()) => {
            let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
            Some(DayOfMonth::Day(day))
        }
        [nth, weekday] => {
            let weekday = read_weekday(weekday)?;
            match NTH.iter().position(|name| *name == nth)? {
                4 => Some(DayOfMonth::Last(weekday)),
                at => Some(DayOfMonth::Nth(u8::try_from(at + 1).ok()?, weekday)),
            }
        }
        _ => None,
    }
}

/// [`Every`] as JSON has it.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    every: String,
    on: String,
}

impl From<Every> for Written {
    fn from(every: Every) -> Self {
        let weekday = |day: Weekday| day.to_string().to_ascii_lowercase();
        let day = |day: DayOfMonth| match day {
            DayOfMonth::Day(day) => day.to_string(),
            DayOfMonth::Nth(nth, day) => format!("{} {}", ordinal(nth), weekday(day)),
            DayOfMonth::Last(day) => format!("last {}", weekday(day)),
        };
        let (every, on) = match every {
            Every::Week(on) => (OFTEN[0], weekday(on)),
            Every::Fortnight(on) => (OFTEN[1], weekday(on)),
            Every::Month(on) => (OFTEN[2], day(on)),
            Every::Quarter(on) => (OFTEN[3], day(on)),
        };
        let every = every.to_owned();
        Self { every, on }
    }
}

impl TryFrom<Written> for Every {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        read_every(&written.every, &written.on).map_err(|wish| format!("`on` must {wish}"))
    }
}

/// `first` to `fourth`.
pub(super) fn ordinal(nth: u8) -> &'static str {
    NTH[usize::from(nth.clamp(1, 4)) - 1]
}
