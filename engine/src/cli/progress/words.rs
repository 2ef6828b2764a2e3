//! Credits and forecasts in words.

use std::fmt::Display;

use chrono::{DateTime, Datelike as _, TimeZone};
use plugin_api::Timestamp;

use crate::cli::figures::{count, grouped, size};
use crate::forecast::Forecast;
use crate::progress::Phase;

/// What a phase counts: bytes, or rows.
pub(super) fn amount(name: Phase, done: u64) -> String {
    match name {
        Phase::Drilling => count(done, "row", "rows"),
        Phase::Joining | Phase::Verifying | Phase::Downloading => size(done),
    }
}

/// Requests below which nobody needs to be told.
const FEW: u64 = 100;

/// Whether anybody wants to know it.
pub(super) fn is_worth_it(forecast: &Forecast) -> bool {
    forecast.requests >= FEW || forecast.days > 1
}

/// `about 12,300 requests and 41,000 credits more; done in 3 days, on Thu 26 Nov at about 14:00`.
pub(crate) fn forecast<Z: TimeZone<Offset: Display>>(forecast: &Forecast, zone: &Z) -> String {
    let Forecast {
        at,
        requests,
        credits,
        days,
        done,
        is_whole,
        ..
    } = forecast;
    let about = if *is_whole { "about" } else { "at least" };
    let credits = credits.map_or_else(String::new, |credits| {
        format!(" and {} credits", grouped(coarse(credits)))
    });
    let amount = format!("{about} {} requests{credits} more", grouped(coarse(*requests)));
    let Some(done) = done.filter(|_| *is_whole) else {
        return match days {
            0 | 1 => amount,
            days => format!("{amount}; that takes {days} days of credits"),
        };
    };
    let when = moment(done, *at, zone);
    match days {
        0 | 1 => format!("{amount}; done {when}"),
        days => format!("{amount}; done in {days} days, {when}"),
    }
}

/// `waits for credits until Tue 24 Nov at about 09:00; 1,012 are left today and 1,000 are kept for other programs`.
pub(super) fn paused<Z: TimeZone<Offset: Display>>(until: Timestamp, left: u64, reserve: u64, zone: &Z) -> String {
    let waits = waits(until, zone);
    let kept = match reserve {
        0 => String::new(),
        reserve => format!(", and {} are kept for other programs", grouped(reserve)),
    };
    format!("{waits}; {} are left today{kept}", grouped(left))
}

/// `waits for credits until Tue 24 Nov at about 09:00`.
pub(crate) fn waits<Z: TimeZone<Offset: Display>>(until: Timestamp, zone: &Z) -> String {
    let at = utc(until).map_or_else(
        || until.to_string(),
        |until| until.with_timezone(zone).format("%a %-d %b at about %H:%M").to_string(),
    );
    format!("waits for credits until {at}")
}

/// When: without the day where it is today's.
fn moment<Z: TimeZone<Offset: Display>>(done: Timestamp, now: Timestamp, zone: &Z) -> String {
    let (Some(done), Some(now)) = (utc(done), utc(now)) else {
        return format!("on {done}");
    };
    let (done, now) = (done.with_timezone(zone), now.with_timezone(zone));
    if done.date_naive() == now.date_naive() {
        return done.format("at about %H:%M").to_string();
    }
    let year = if done.year() == now.year() { "" } else { " %Y" };
    done.format(&format!("on %a %-d %b{year} at about %H:%M")).to_string()
}

fn utc(time: Timestamp) -> Option<DateTime<chrono::Utc>> {
    DateTime::from_timestamp_micros(time.micros())
}

/// Three digits of it.
fn coarse(number: u64) -> u64 {
    let mut unit = 1_u64;
    while number / unit >= 1_000 {
        unit *= 10;
    }
    (number / unit + u64::from(number % unit * 2 >= unit && unit > 1)).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    #[test]
    fn forecasts_read_as_sentences() {
        let moment = |text: &str| Timestamp::parse(text).unwrap();
        let zone = FixedOffset::east_opt(3600).unwrap();
        let base = Forecast {
            at: moment("2026-11-23T20:00:00Z"),
            requests: 12_345,
            credits: Some(40_951),
            spent: 1,
            days: 3,
            waits_until: None,
            done: Some(moment("2026-11-26T13:00:00Z")),
            is_whole: true,
            modules: Vec::new(),
        };
        let said = |forecast: &Forecast| super::forecast(forecast, &zone);
        assert_eq!(
            said(&base),
            "about 12,300 requests and 41,000 credits more; done in 3 days, on Thu 26 Nov at about 14:00"
        );
        let today = Forecast {
            days: 1,
            credits: None,
            done: Some(moment("2026-11-23T21:05:00Z")),
            ..base.clone()
        };
        assert_eq!(said(&today), "about 12,300 requests more; done at about 22:05");
        let next_year = Forecast {
            days: 90,
            done: Some(moment("2027-02-20T23:30:00Z")),
            ..base.clone()
        };
        assert!(said(&next_year).ends_with("done in 90 days, on Sun 21 Feb 2027 at about 00:30"));
        let partly = Forecast {
            is_whole: false,
            requests: 0,
            credits: Some(u64::MAX),
            ..base.clone()
        };
        assert_eq!(
            said(&partly),
            "at least 0 requests and 18,400,000,000,000,000,000 credits more; that takes 3 days of credits"
        );
        let far = Forecast {
            done: Some(Timestamp::from_micros(i64::MAX)),
            ..base
        };
        assert!(!said(&far).is_empty());
        assert_eq!(
            paused(moment("2026-11-24T08:01:00Z"), 1_012, 1_000, &zone),
            "waits for credits until Tue 24 Nov at about 09:01; 1,012 are left today, and 1,000 are kept for other programs"
        );
        assert!(paused(Timestamp::from_micros(i64::MAX), 0, 0, &zone).ends_with("; 0 are left today"));
        for (number, expected) in [
            (0, 0),
            (999, 999),
            (1_000, 1_000),
            (1_004, 1_000),
            (1_005, 1_010),
            (9_999, 10_000),
        ] {
            assert_eq!(coarse(number), expected);
        }
    }
}
