//! Schedules, against tables, against an oracle, and against a plain reckoning of what is due.

mod due;
mod oracle;
mod written;

use plugin_api::Timestamp;

use super::{Every, Schedule, read_at, read_date, read_every, read_zone};

/// A moment.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|| panic!("no time: {text}"))
}

/// `weekly fri 02:00 Asia/Tokyo 2026-11-23 2027-03-31`, where the day may have a blank.
fn schedule(text: &str) -> Schedule {
    let words: Vec<&str> = text.split(' ').collect();
    let [every, on @ .., time, zone, from, until] = &words[..] else {
        panic!("no schedule: {text}")
    };
    let every: Every = read_every(every, &on.join(" ")).unwrap();
    Schedule {
        every,
        at: read_at(time).unwrap(),
        zone: read_zone(zone).unwrap(),
        from: read_date(from).unwrap(),
        until: read_date(until).unwrap(),
        make_up: true,
    }
}
