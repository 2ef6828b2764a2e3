//! When a day's credits return. Pure.

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;
use plugin_api::Timestamp;

use super::super::centre;
use crate::schedule::moment_in;

/// The zone in which the data centre counts its days; UTC where it is none that is known.
pub(super) fn zone(accounts_url: &str) -> Tz {
    let accounts_url = accounts_url.trim_end_matches('/');
    let centre = centre::CENTRES.iter().find(|centre| centre.accounts == accounts_url);
    centre.map_or(Tz::UTC, |centre| match centre.name {
        "us" => Tz::America__Los_Angeles,
        "eu" => Tz::Europe__Amsterdam,
        "in" => Tz::Asia__Kolkata,
        "au" => Tz::Australia__Sydney,
        "jp" => Tz::Asia__Tokyo,
        "ca" => Tz::America__Toronto,
        "cn" => Tz::Asia__Shanghai,
        "sa" => Tz::Asia__Riyadh,
        "sg" => Tz::Asia__Singapore,
        "ae" => Tz::Asia__Dubai,
        "uk" => Tz::Europe__London,
        _ => Tz::UTC,
    })
}

/// The begin of the day after `now`.
pub(crate) fn next_midnight(zone: Tz, now: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400_000_000;
    let next = || {
        let here = utc(now)?.with_timezone(&zone).date_naive();
        let midnight = here.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0)?;
        moment_in(zone, midnight)
    };
    // A clock that is off by millennia is put right some day.
    let day = |next: &Timestamp| *next > now && next.micros() - now.micros() <= 2 * DAY;
    next()
        .filter(day)
        .unwrap_or_else(|| Timestamp::from_micros(now.micros().saturating_add(DAY)))
}

/// The begin of the day of `now`.
pub(crate) fn midnight_before(zone: Tz, now: Timestamp) -> Timestamp {
    let begin = || {
        let here = utc(now)?.with_timezone(&zone).date_naive();
        moment_in(zone, here.and_hms_opt(0, 0, 0)?)
    };
    begin().filter(|begin| *begin <= now).unwrap_or(now)
}

/// Whether both moments are of one day.
pub(super) fn is_same(zone: Tz, one: Timestamp, other: Timestamp) -> bool {
    let date = |time| utc(time).map(|time| time.with_timezone(&zone).date_naive());
    date(one) == date(other)
}

fn utc(time: Timestamp) -> Option<DateTime<Utc>> {
    /// 0000-01-02 and 9999-12-31: no zone is a day ahead or behind.
    const KNOWN: (i64, i64) = (-62_167_132_800_000_000, 253_402_214_400_000_000);
    DateTime::from_timestamp_micros(time.micros().clamp(KNOWN.0, KNOWN.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_where_the_data_centre_is() {
        for (centre, now, expected) in [
            (
                "https://accounts.zoho.com",
                "2026-11-23T20:00:00Z",
                "2026-11-24T08:00:00Z",
            ),
            (
                "https://accounts.zoho.com/",
                "2026-11-23T07:59:59Z",
                "2026-11-23T08:00:00Z",
            ),
            (
                "https://accounts.zoho.eu",
                "2026-11-23T22:59:59Z",
                "2026-11-23T23:00:00Z",
            ),
            (
                "https://accounts.zoho.eu",
                "2026-11-23T23:00:00Z",
                "2026-11-24T23:00:00Z",
            ),
            // Days of 23 and 25 hours.
            (
                "https://accounts.zoho.eu",
                "2026-03-29T00:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
            (
                "https://accounts.zoho.eu",
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
            (
                "https://accounts.zoho.in",
                "2026-11-23T18:30:00Z",
                "2026-11-24T18:30:00Z",
            ),
            ("http://127.0.0.1:9", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
        ] {
            let moment = |text: &str| Timestamp::parse(text).unwrap();
            let next = next_midnight(zone(centre), moment(now));
            assert_eq!(next, moment(expected), "{centre} {now}");
        }
        for centre in centre::CENTRES {
            assert_ne!(zone(centre.accounts), Tz::UTC, "{}", centre.name);
        }
        for micros in [i64::MIN, -1, i64::MAX - 1, i64::MAX] {
            let now = Timestamp::from_micros(micros);
            assert!(next_midnight(Tz::Asia__Tokyo, now) >= now);
        }
    }
}
