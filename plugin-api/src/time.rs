//! A moment, as the ABI and the archive know it: microseconds since 1970-01-01T00:00:00Z.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with microseconds. As JSON it is RFC 3339 text: `2031-03-12T07:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 (`2031-03-12T07:00:00.000Z`, any offset); also with a blank in place of the `T`,
    /// without seconds' fraction, and without a zone, which then is UTC. `None` for anything else, and for
    /// a time with more digits than microseconds hold, which would not come back as it was.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() || text.len() > 40 || text.len() < 19 {
            return None;
        }
        if let Some(time) = usual(text.as_bytes()) {
            return Some(time);
        }
        let parsed = match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.to_utc(),
            Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
                .ok()?
                .and_utc(),
        };
        // A leap second and nanoseconds would be rounded away.
        let nanos = parsed.timestamp_subsec_nanos();
        (nanos < 1_000_000_000 && nanos % 1000 == 0).then(|| Self(parsed.timestamp_micros()))
    }

    /// The same moment as chrono has it; `None` where it is outside chrono's years.
    pub(crate) fn to_chrono(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }
}

/// Reads what nearly all desks write, `2031-03-12T07:00:00.000Z` with or without the fraction, which is several times as
/// fast; `None` for all else, be it a time or not.
fn usual(text: &[u8]) -> Option<Timestamp> {
    let (head, tail) = text.split_first_chunk::<19>()?;
    let digits = |range: std::ops::Range<usize>| {
        head[range].iter().try_fold(0_i64, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| head[at] != mark) {
        return None;
    }
    let micros = match tail {
        b"Z" => 0,
        &[b'.', a, b, c, b'Z'] if [a, b, c].iter().all(u8::is_ascii_digit) => {
            [a, b, c]
                .iter()
                .fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
                * 1000
        }
        _ => return None,
    };
    let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    let (hour, minute, second) = (digits(11..13)?, digits(14..16)?, digits(17..19)?);
    // The days that are in no month, and leap seconds, are judged elsewhere.
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970-01-01, with years that begin in March: the leap day comes last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = days + (month * 153 + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(Timestamp(seconds * 1_000_000 + micros))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_chrono() {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} us since 1970", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn the_short_way_is_the_same_as_the_long_one() {
        for day in -719_000..2_900_000_i64 {
            if day % 97 != 0 && day % 365 > 2 {
                continue;
            }
            let seconds = day * 86_400 + day.rem_euclid(86_400);
            let time = chrono::DateTime::from_timestamp(seconds, 0).expect("a time");
            let text = time.format("%Y-%m-%dT%H:%M:%S.250Z").to_string();
            let expected = Timestamp::from_micros(seconds * 1_000_000 + 250_000);
            assert_eq!(Timestamp::parse(&text), Some(expected), "{text}");
            let short = super::usual(text.as_bytes());
            assert!(short.is_none_or(|short| short == expected), "{text}");
        }
    }

    #[test]
    fn reads_and_writes() {
        for (text, expected) in [
            ("2031-03-12T07:00:00.000Z", Some("2031-03-12T07:00:00Z")),
            ("2031-03-12T07:00:00.120Z", Some("2031-03-12T07:00:00.120Z")),
            ("2031-03-12T07:00:00+09:00", Some("2031-03-11T22:00:00Z")),
            ("2031-03-12 07:00:00", Some("2031-03-12T07:00:00Z")),
            ("2031-03-12T07:00:00.123456", Some("2031-03-12T07:00:00.123456Z")),
            ("2031-03-12T07:00:00.123456789Z", None),
            ("2031-02-30T07:00:00Z", None),
            ("2016-12-31T23:59:60Z", None),
            ("1969-12-31T23:59:59.999999Z", Some("1969-12-31T23:59:59.999999Z")),
            ("yesterday, about noon", None),
            ("２０３１-03-12T07:00:00Z", None),
            ("", None),
        ] {
            let shown = Timestamp::parse(text).map(|time| time.to_string());
            assert_eq!(shown.as_deref(), expected, "{text}");
        }
    }
}
