//! Moments, ranges and spans of time as people read them.

use chrono::{DateTime, Days, NaiveTime, SecondsFormat};
use plugin_api::{Kind, Range, Timestamp};

/// The name of a kind for people.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Full => "full",
        Kind::Custom => "custom",
        Kind::Incremental => "incremental",
    }
}

/// A moment for people: `2024-06-01 00:00:00 UTC`, with a fraction where it has one.
pub fn words(moment: Timestamp) -> String {
    let Some(time) = DateTime::from_timestamp_micros(moment.micros()) else {
        return moment.to_string();
    };
    let text = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    format!("{} UTC", text.trim_end_matches('Z').replacen('T', " ", 1))
}

/// A moment to the second, for people: that of something that happened, or of an end. More is of no use to them.
pub fn second_words(moment: Timestamp) -> String {
    words(second_of(moment))
}

/// The first whole second that is not before a moment: what is promised for it holds.
pub(super) fn second_from(moment: Timestamp) -> Timestamp {
    let short = moment.micros().wrapping_neg().rem_euclid(1_000_000);
    Timestamp::from_micros(moment.micros().saturating_add(short))
}

/// The whole second in which a moment lies.
pub(super) fn second_of(moment: Timestamp) -> Timestamp {
    Timestamp::from_micros(moment.micros().saturating_sub(moment.micros().rem_euclid(1_000_000)))
}

/// The first and the last of the days of a range, if it has whole days.
pub(super) fn days(range: Range) -> Option<(String, String)> {
    let midnight = |moment: Timestamp| {
        DateTime::from_timestamp_micros(moment.micros())
            .map(|time| time.naive_utc())
            .filter(|time| time.time() == NaiveTime::MIN)
    };
    let (first, end) = (midnight(range.from)?, midnight(range.to)?);
    let last = end.date().checked_sub_days(Days::new(1))?;
    (first.date() <= last).then(|| (first.date().to_string(), last.to_string()))
}

/// A length of time in all units that it takes, most significant first, each with its number.
pub(super) fn units(micros: u128) -> Vec<(u128, usize)> {
    let mut rest = micros;
    let mut units: Vec<(u128, usize)> = Vec::new();
    for (unit, length) in [86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1]
        .into_iter()
        .enumerate()
    {
        if rest >= length || (unit == 4 && units.is_empty()) {
            units.push((rest / length, unit));
            rest %= length;
        }
    }
    units
}
