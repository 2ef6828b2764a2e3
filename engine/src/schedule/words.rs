//! A schedule in words, English and Japanese.

use std::fmt;

use chrono::{NaiveTime, Timelike as _, Weekday};

use super::read::ordinal;
use super::{DayOfMonth, Every, Schedule};

/// `weekly on Friday at 02:00 (Asia/Tokyo) until 2027-03-31`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, zone, until) = (time(self.at), self.zone.name(), self.until);
        write!(f, "{} at {at} ({zone}) until {until}", self.every)?;
        if self.make_up {
            return Ok(());
        }
        f.write_str("; a missed run is not made up")
    }
}

/// `monthly on the first Friday`.
impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Week(day) => write!(f, "weekly on {}", english(*day)),
            Self::Fortnight(day) => write!(f, "fortnightly on {}", english(*day)),
            Self::Month(day) => write!(f, "monthly on {day}"),
            Self::Quarter(day) => write!(f, "quarterly on {day}"),
        }
    }
}

impl fmt::Display for DayOfMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day @ ..=28) => write!(f, "day {day}"),
            Self::Day(day) => write!(f, "day {day}, or the last day of a shorter month,"),
            Self::Nth(nth, day) => write!(f, "the {} {}", ordinal(*nth), english(*day)),
            Self::Last(day) => write!(f, "the last {}", english(*day)),
        }
    }
}

impl Schedule {
    /// What `Display` says, in Japanese.
    pub fn japanese(&self) -> String {
        let every = match self.every {
            Every::Week(day) => format!("毎週{}", japanese(day)),
            Every::Fortnight(day) => format!("隔週{}", japanese(day)),
            Every::Month(day) => format!("毎月{}", japanese_day(day)),
            Every::Quarter(day) => format!("3 か月ごとの{}", japanese_day(day)),
        };
        let (at, zone, until) = (time(self.at), self.zone.name(), self.until);
        let missed = if self.make_up {
            ""
        } else {
            "、実行できなかった回は補いません"
        };
        format!("{every} {at}（{zone}）、{until} まで{missed}")
    }
}

/// `02:00`, or `02:00:30`.
fn time(at: NaiveTime) -> String {
    let format = if at.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    at.format(format).to_string()
}

fn english(day: Weekday) -> &'static str {
    const NAMES: [&str; 7] = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    NAMES[day.num_days_from_monday() as usize]
}

fn japanese(day: Weekday) -> &'static str {
    const NAMES: [&str; 7] = ["月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"];
    NAMES[day.num_days_from_monday() as usize]
}

fn japanese_day(day: DayOfMonth) -> String {
    match day {
        DayOfMonth::Day(day @ ..=28) => format!(" {day} 日"),
        DayOfMonth::Day(day) => format!(" {day} 日（短い月は末日）"),
        DayOfMonth::Nth(nth, day) => format!("第 {nth} {}", japanese(day)),
        DayOfMonth::Last(day) => format!("最終{}", japanese(day)),
    }
}
