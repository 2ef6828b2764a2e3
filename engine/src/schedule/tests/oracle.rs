//! What `oracle.py` says, slot by slot. Its first lines tell what is compared, and how far.

use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use plugin_api::Timestamp;

use crate::schedule::{Every, Run, Schedule, next_run, read_at, read_date, read_every, read_zone};

const FIXTURE: &str = include_str!("../oracle.txt");

/// A `days` line.
struct Case {
    every: Every,
    from: NaiveDate,
    until: NaiveDate,
    days: Vec<NaiveDate>,
}

/// The lines of a kind, each in its fields.
fn lines(kind: &str) -> Vec<Vec<&'static str>> {
    let lines = FIXTURE.lines().map(|line| line.split('|').collect::<Vec<_>>());
    let lines: Vec<_> = lines.filter(|fields| fields[0] == kind).collect();
    assert!(!lines.is_empty(), "no {kind} in the fixture");
    lines
}

/// `a=x b=y`.
fn letters(text: &'static str) -> HashMap<char, &'static str> {
    let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
    pairs.map(|(letter, means)| (letter.parse().unwrap(), means)).collect()
}

fn cases() -> Vec<Case> {
    let case = |fields: Vec<&'static str>| {
        let [_, every, on, from, until, patterns, row] = fields[..] else {
            panic!("{fields:?}")
        };
        let patterns = letters(patterns);
        let mut days = Vec::new();
        for (year, letter) in (1970..).zip(row.chars()) {
            for day in patterns[&letter].as_bytes().chunks(4) {
                let day: u32 = std::str::from_utf8(day).unwrap().parse().unwrap();
                days.push(NaiveDate::from_ymd_opt(year, day / 100, day % 100).unwrap());
            }
        }
        assert_eq!(days.last().unwrap().year(), 2369);
        Case {
            every: read_every(every, on).unwrap(),
            from: read_date(from).unwrap(),
            until: read_date(until).unwrap(),
            days,
        }
    };
    lines("days").into_iter().map(case).collect()
}

fn micros(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// Goes through a schedule: at each slot the next one is known, is not due a moment before, and is due when it comes.
/// `expected`: the moment of each day, in seconds.
fn walk(schedule: &Schedule, days: &[NaiveDate], expected: impl Fn(usize, NaiveDateTime, Timestamp) -> i64) {
    let mut last = Timestamp::from_micros(i64::MIN);
    for (number, day) in days.iter().enumerate() {
        let run = next_run(schedule, last, last).unwrap_or_else(|| panic!("{schedule}: ends before {day}"));
        let slot = micros(expected(number, day.and_time(schedule.at), run.slot));
        assert_eq!(run, Run { slot, overdue: false }, "{schedule}: {day}");
        let before = Timestamp::from_micros(slot.micros() - 1);
        assert_eq!(next_run(schedule, last, before), Some(run), "{schedule}: {day}");
        let due = Some(Run { slot, overdue: true });
        assert_eq!(next_run(schedule, last, slot), due, "{schedule}: {day}");
        last = slot;
    }
    assert_eq!(next_run(schedule, last, last), None, "{schedule}: does not end");
}

fn of(case: &Case, zone: Tz, at: &str) -> Schedule {
    Schedule {
        every: case.every,
        at: read_at(at).unwrap(),
        zone,
        from: case.from,
        until: case.until,
        make_up: true,
    }
}

#[test]
fn days_are_those_of_rrule_over_400_years() {
    for case in cases() {
        let schedule = of(&case, Tz::UTC, "02:00");
        walk(&schedule, &case.days, |_, shown, _| shown.and_utc().timestamp());
    }
}

#[test]
fn moments_are_those_of_zoneinfo() {
    let cases = cases();
    let mut zones: Vec<Tz> = Vec::new();
    for fields in lines("zone") {
        let [_, zone, case, at, shifts, row] = fields[..] else {
            panic!("{fields:?}")
        };
        let zone = read_zone(zone).unwrap();
        zones.push(zone);
        let shifts = letters(shifts);
        let mut moments: Vec<i64> = Vec::new();
        let mut rest = row;
        while let Some(letter) = rest.chars().next() {
            let end = rest[1..].find(char::is_alphabetic).map_or(rest.len(), |end| end + 1);
            let times: usize = if end == 1 { 1 } else { rest[1..end].parse().unwrap() };
            moments.extend(vec![shifts[&letter].parse::<i64>().unwrap(); times]);
            rest = &rest[end..];
        }
        let case = &cases[case.parse::<usize>().unwrap()];
        // All of this century and the last, from 1970 on.
        assert!(case.days[moments.len() - 1].year() == 2099 && case.days[moments.len()].year() == 2100);
        let schedule = of(case, zone, at);
        walk(&schedule, &case.days, |number, shown, slot| {
            if let Some(shift) = moments.get(number) {
                return shown.and_utc().timestamp() - shift;
            }
            let slot = DateTime::from_timestamp_micros(slot.micros()).unwrap();
            let local = zone.from_utc_datetime(&slot.naive_utc()).naive_local();
            slot.timestamp() + (shown - local).num_seconds()
        });
    }
    zones.dedup();
    assert!(zones.len() >= 20, "{zones:?}");
}

#[test]
fn rare_changes_of_clocks_are_those_of_zoneinfo() {
    for fields in lines("clock") {
        let [_, zone, shown, utc] = fields[..] else {
            panic!("{fields:?}")
        };
        let (day, time) = shown.split_once('T').unwrap();
        let from = read_date(day).unwrap();
        let case = Case {
            every: Every::Week(from.weekday()),
            from,
            until: from,
            days: vec![from],
        };
        let utc = Timestamp::parse(utc).unwrap().micros() / 1_000_000;
        walk(&of(&case, read_zone(zone).unwrap(), time), &case.days, |_, _, _| utc);
    }
}

/// Where answers differ, this is the first thing to look at: the fixture is to be made again with the other version.
#[test]
fn both_databases_are_the_same() {
    assert_eq!(lines("tzdata")[0][1], chrono_tz::IANA_TZDB_VERSION);
}
