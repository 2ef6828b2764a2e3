//! `--from` and `--to`: text to a half-open range of time.

use chrono::{Days, NaiveDate, Offset as _, TimeZone as _};
use chrono_tz::Tz;
use plugin_api::{Range, Timestamp};

use crate::config::text::excerpt;

/// Why there is no range.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RangeError {
    #[error("--from and --to go together: {missing} is missing")]
    Alone { missing: &'static str },
    #[error(
        "{option} is no time: \"{text}\"; write a date, 2024-06-01, or a time, 2024-06-01T08:00:00 (UTC) or \
         2024-06-01T08:00:00+09:00"
    )]
    NoTime { option: &'static str, text: String },
    #[error(
        "{option} is too far away: \"{text}\"; a range lies within the years 0000 to 9999, and its last day is 9999-12-30"
    )]
    Beyond { option: &'static str, text: String },
    #[error("the range is empty: --from {from} must lie before --to {to}")]
    Empty { from: String, to: String },
}

/// The range that two options name: none without both. A date means midnight of its day as `from`, and as `to` the end of it,
/// so that both days belong to the range; a time as `to` is the first moment that does not.
pub(crate) fn range(from: Option<&str>, to: Option<&str>) -> Result<Option<Range>, RangeError> {
    let (from, to) = match (from, to) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(RangeError::Alone { missing: "--to" }),
        (None, Some(_)) => return Err(RangeError::Alone { missing: "--from" }),
        (Some(from), Some(to)) => (from, to),
    };
    let (begin, end) = (from_moment(from, Tz::UTC)?, to_moment(to, Tz::UTC)?);
    if begin < end {
        Ok(Some(Range { from: begin, to: end }))
    } else {
        let (from, to) = (excerpt(from), excerpt(to));
        Err(RangeError::Empty { from, to })
    }
}

/// The first moment that `--from` means; a date is a day of this zone.
pub(crate) fn from_moment(typed: &str, zone: Tz) -> Result<Timestamp, RangeError> {
    moment("--from", typed, 0, zone)
}

/// The first moment behind what `--to` means; a date is a day of this zone.
pub(crate) fn to_moment(typed: &str, zone: Tz) -> Result<Timestamp, RangeError> {
    moment("--to", typed, 1, zone)
}

/// A time, or midnight so many days after a date.
fn moment(option: &'static str, typed: &str, days: u64, zone: Tz) -> Result<Timestamp, RangeError> {
    let no_time = || RangeError::NoTime {
        option,
        text: excerpt(typed),
    };
    let text = typed.trim();
    let is_date = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| {
            if at == 4 || at == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        });
    let time = if is_date {
        let midnight = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .and_then(|date| date.checked_add_days(Days::new(days))?.and_hms_opt(0, 0, 0))
            .ok_or_else(no_time)?;
        let local = zone.from_local_datetime(&midnight).earliest();
        // Where clocks skip midnight, the day begins when they do.
        let begin = local.map_or_else(
            || midnight.and_utc() - zone.offset_from_utc_datetime(&(midnight - Days::new(1))).fix(),
            |local| local.to_utc(),
        );
        Timestamp::from_micros(begin.timestamp_micros())
    } else {
        Timestamp::parse(text).ok_or_else(no_time)?
    };
    // What cannot be written and read again has no place in a manifest.
    Timestamp::parse(&time.to_string())
        .filter(|again| *again == time)
        .ok_or_else(|| RangeError::Beyond {
            option,
            text: excerpt(typed),
        })
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::{from_moment, range, to_moment};

    #[test]
    fn a_date_is_a_day_of_the_zone() {
        for (date, zone, from, to) in [
            ("2024-06-01", Tz::UTC, "2024-06-01T00:00:00Z", "2024-06-02T00:00:00Z"),
            (
                "2024-06-01",
                Tz::Asia__Tokyo,
                "2024-05-31T15:00:00Z",
                "2024-06-01T15:00:00Z",
            ),
            (
                "2024-03-10",
                Tz::America__New_York,
                "2024-03-10T05:00:00Z",
                "2024-03-11T04:00:00Z",
            ),
            // Clocks go from midnight to one.
            (
                "2024-03-31",
                Tz::Asia__Beirut,
                "2024-03-30T22:00:00Z",
                "2024-03-31T21:00:00Z",
            ),
            // Midnight comes twice: the day begins with the first.
            (
                "2024-11-03",
                Tz::America__Havana,
                "2024-11-03T04:00:00Z",
                "2024-11-04T05:00:00Z",
            ),
            (
                "2024-06-01T00:00:00",
                Tz::Asia__Tokyo,
                "2024-06-01T00:00:00Z",
                "2024-06-01T00:00:00Z",
            ),
        ] {
            let (begin, end) = (from_moment(date, zone).unwrap(), to_moment(date, zone).unwrap());
            assert_eq!(
                (begin.to_string().as_str(), end.to_string().as_str()),
                (from, to),
                "{date} {zone}"
            );
        }
    }

    fn check(from: &str, to: &str, expected: &str) {
        let option = |text: &'static str| Some(text).filter(|text| !text.is_empty());
        let (from, to): (&'static str, &'static str) = (from.to_owned().leak(), to.to_owned().leak());
        let shown = match range(option(from), option(to)) {
            Ok(None) => "all".to_owned(),
            Ok(Some(range)) => format!("{} .. {}", range.from, range.to),
            Err(error) => error.to_string(),
        };
        let matches = if let Some(start) = expected.strip_suffix("...") {
            shown.starts_with(start)
        } else {
            shown == expected
        };
        assert!(matches, "{from} to {to}: {shown}");
    }

    #[test]
    fn ranges() {
        for (from, to, expected) in [
            ("", "", "all"),
            (
                "2024-06-01",
                "2024-06-01",
                "2024-06-01T00:00:00Z .. 2024-06-02T00:00:00Z",
            ),
            (
                "2024-06-01",
                "2024-07-01",
                "2024-06-01T00:00:00Z .. 2024-07-02T00:00:00Z",
            ),
            (
                "2024-02-28",
                "2024-02-29",
                "2024-02-28T00:00:00Z .. 2024-03-01T00:00:00Z",
            ),
            (
                "2024-12-31",
                "2024-12-31",
                "2024-12-31T00:00:00Z .. 2025-01-01T00:00:00Z",
            ),
            (
                "2024-06-01T08:00:00",
                "2024-06-01 09:00:00",
                "2024-06-01T08:00:00Z .. 2024-06-01T09:00:00Z",
            ),
            (
                "2024-06-01T08:00:00+09:00",
                "2024-06-01",
                "2024-05-31T23:00:00Z .. 2024-06-02T00:00:00Z",
            ),
            (
                "2024-06-01",
                "2024-06-01T00:00:00.000001Z",
                "2024-06-01T00:00:00Z .. 2024-06-01T00:00:00.000001Z",
            ),
            ("2024-06-01", "", "--from and --to go together: --to is missing"),
            ("", "2024-06-01", "--from and --to go together: --from is missing"),
            (
                "2024-06-02",
                "2024-06-01",
                "the range is empty: --from 2024-06-02 must lie before --to 2024-06-01",
            ),
            (
                "2024-06-01T08:00:00Z",
                "2024-06-01T08:00:00Z",
                "the range is empty: ...",
            ),
            (
                "2023-02-29",
                "2024-06-01",
                "--from is no time: \"2023-02-29\"; write a date, ...",
            ),
            ("2024-06-01", "tomorrow", "--to is no time: \"tomorrow\"; ..."),
            ("2024-06-01", "2024-06-01T24:00:00Z", "--to is no time: ..."),
            ("2024-06-01", "2016-12-31T23:59:60Z", "--to is no time: ..."),
            ("01/06/2024", "2024-06-01", "--from is no time: ..."),
            ("2024-6-1", "2024-06-01", "--from is no time: ..."),
            ("+2024-06-1", "2024-06-01", "--from is no time: ..."),
            ("２０２４-06-01", "2024-06-01", "--from is no time: ..."),
            (
                "2024-06-01",
                "9999-12-30",
                "2024-06-01T00:00:00Z .. 9999-12-31T00:00:00Z",
            ),
            (
                "2024-06-01",
                "9999-12-31",
                "--to is too far away: \"9999-12-31\"; a range lies within the years 0000 to 9999, ...",
            ),
            ("0000-01-01T00:00:00+14:00", "2024-06-01", "--from is too far away: ..."),
            (
                "2024-06-01\u{1b}[2J",
                "2024-06-01",
                "--from is no time: \"2024-06-01\\u{1b}[2J\"; ...",
            ),
        ] {
            check(from, to, expected);
        }
    }
}
