//! What is due, and what comes next.

use plugin_api::Timestamp;

use super::{at, schedule};
use crate::schedule::{PATIENCE, Run, Schedule, next_run};

fn told(run: Option<Run>) -> String {
    match run {
        None => "ended".to_owned(),
        Some(Run { slot, overdue: true }) => format!("due {slot}"),
        Some(Run { slot, .. }) => slot.to_string(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_runs_next() {
    // 2026-11-27 is a Friday.
    let weekly = "weekly fri 02:00 UTC 2026-11-23 2026-12-18";
    let lazy = format!("lazy {weekly}");
    let set = "2026-11-23T10:00:00Z";
    for (text, last, now, expected) in [
        (weekly, set, set, "2026-11-27T02:00:00Z"),
        (weekly, set, "2026-11-27T01:59:59.999999Z", "2026-11-27T02:00:00Z"),
        (weekly, set, "2026-11-27T02:00:00Z", "due 2026-11-27T02:00:00Z"),
        // It has run: the next one.
        (
            weekly,
            "2026-11-27T02:00:00Z",
            "2026-11-27T02:00:00Z",
            "2026-12-04T02:00:00Z",
        ),
        // Three were missed: the latest is made up, and then it is over with them.
        (weekly, set, "2026-12-13T00:00:00Z", "due 2026-12-11T02:00:00Z"),
        (
            weekly,
            "2026-12-11T02:00:00Z",
            "2026-12-13T00:00:00Z",
            "2026-12-18T02:00:00Z",
        ),
        // The last one, missed, is made up behind the end as well.
        (
            weekly,
            "2026-12-11T02:00:00Z",
            "2027-06-01T00:00:00Z",
            "due 2026-12-18T02:00:00Z",
        ),
        (weekly, "2026-12-18T02:00:00Z", "2026-12-18T02:00:00Z", "ended"),
        (weekly, "2026-12-18T02:00:00Z", "2027-06-01T00:00:00Z", "ended"),
        // Set at the very slot, or behind it: it is the next one that runs.
        (
            weekly,
            "2026-11-27T02:00:00Z",
            "2026-11-27T02:00:01Z",
            "2026-12-04T02:00:00Z",
        ),
        // The clock jumped back: what has run does not run again.
        (
            weekly,
            "2026-12-04T02:00:00Z",
            "2026-11-27T02:00:00Z",
            "2026-12-11T02:00:00Z",
        ),
        (weekly, "2026-12-18T02:00:00Z", "2026-11-27T02:00:00Z", "ended"),
        // Missed ones are passed over, but not those of the last ten minutes.
        (&lazy, set, "2026-11-27T02:00:00Z", "due 2026-11-27T02:00:00Z"),
        (&lazy, set, "2026-11-27T02:09:59.999999Z", "due 2026-11-27T02:00:00Z"),
        (&lazy, set, "2026-11-27T02:10:00Z", "2026-12-04T02:00:00Z"),
        (&lazy, set, "2026-12-18T02:10:00Z", "ended"),
        // Fortnights count from the first run, and so do quarters.
        (
            "fortnightly mon 09:30 UTC 2024-02-20 2024-04-01",
            "2024-02-20T00:00:00Z",
            "2024-06-01T00:00:00Z",
            "due 2024-03-25T09:30:00Z",
        ),
        (
            "fortnightly mon 09:30 UTC 2024-02-20 2024-04-01",
            "2024-02-26T09:30:00Z",
            "2024-02-27T00:00:00Z",
            "2024-03-11T09:30:00Z",
        ),
        (
            "quarterly 31 00:00 UTC 2023-11-30 2030-01-01",
            "2023-11-30T00:00:00Z",
            "2023-12-01T00:00:00Z",
            "2024-02-29T00:00:00Z",
        ),
        (
            "quarterly 31 00:00 UTC 2023-11-30 2030-01-01",
            "2024-02-29T00:00:00Z",
            "2024-03-01T00:00:00Z",
            "2024-05-31T00:00:00Z",
        ),
        (
            "quarterly 30 00:00 UTC 2024-01-31 2030-01-01",
            "2024-02-29T00:00:00Z",
            "2024-03-01T00:00:00Z",
            "2024-05-30T00:00:00Z",
        ),
        (
            "quarterly last fri 00:00 UTC 2024-01-27 2030-01-01",
            "2024-02-23T00:00:00Z",
            "2024-03-01T00:00:00Z",
            "2024-05-31T00:00:00Z",
        ),
        (
            "monthly 29 00:00 UTC 2023-02-01 2030-01-01",
            "2023-02-01T00:00:00Z",
            "2023-02-01T00:00:00Z",
            "2023-02-28T00:00:00Z",
        ),
        (
            "monthly first sat 23:59 UTC 2026-12-01 2030-01-01",
            "2026-12-05T23:59:00Z",
            "2026-12-31T00:00:00Z",
            "2027-01-02T23:59:00Z",
        ),
        // Clocks: forward over it, back over it, and a day left out.
        (
            "weekly sun 02:30 Europe/Berlin 2025-03-30 2026-01-01",
            "2025-03-01T00:00:00Z",
            "2025-03-01T00:00:00Z",
            "2025-03-30T01:00:00Z",
        ),
        (
            "weekly sun 02:30 Europe/Berlin 2025-10-26 2026-01-01",
            "2025-10-01T00:00:00Z",
            "2025-10-01T00:00:00Z",
            "2025-10-26T00:30:00Z",
        ),
        (
            "weekly sun 02:30 Europe/Berlin 2025-10-26 2026-01-01",
            "2025-10-26T00:30:00Z",
            "2025-10-26T01:30:00Z",
            "2025-11-02T01:30:00Z",
        ),
        (
            "weekly fri 12:00 Pacific/Apia 2011-12-23 2011-12-30",
            "2011-12-23T22:00:00Z",
            "2011-12-24T00:00:00Z",
            "2011-12-30T10:00:00Z",
        ),
        // The whole of its last day belongs to a schedule, as its zone has it.
        (
            "weekly thu 23:59:59 America/New_York 2026-11-23 2026-11-26",
            set,
            set,
            "2026-11-27T04:59:59Z",
        ),
        ("weekly fri 02:00 Asia/Tokyo 2026-11-23 2026-11-26", set, set, "ended"),
    ] {
        let mut wanted = schedule(text.trim_start_matches("lazy "));
        wanted.make_up = !text.starts_with("lazy");
        assert_eq!(
            told(next_run(&wanted, at(last), at(now))),
            expected,
            "{text} | {last} | {now}"
        );
    }
}

#[test]
fn the_next_five() {
    let schedule = schedule("monthly 31 02:00 UTC 2027-01-01 2027-04-30");
    let told: Vec<String> = schedule
        .slots(at("2027-01-01T00:00:00Z"), at("2027-02-01T00:00:00Z"))
        .take(5)
        .map(|run| told(Some(run)))
        .collect();
    let expected = [
        "due 2027-01-31T02:00:00Z",
        "2027-02-28T02:00:00Z",
        "2027-03-31T02:00:00Z",
        "2027-04-30T02:00:00Z",
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_ends_of_time_are_no_panic() {
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX].map(Timestamp::from_micros);
    let mut wanted = schedule("weekly fri 02:00 Asia/Tokyo 1970-01-01 9999-12-31");
    let mut given = Vec::new();
    for text in [
        "weekly fri",
        "fortnightly sun",
        "monthly 31",
        "quarterly last mon",
        "monthly fourth tue",
    ] {
        let (every, on) = text.split_once(' ').unwrap();
        wanted.every = crate::schedule::read_every(every, on).unwrap();
        for (from, until) in [
            (chrono::NaiveDate::MIN, chrono::NaiveDate::MAX),
            (wanted.from, wanted.until),
        ] {
            let odd = Schedule {
                from,
                until,
                ..wanted.clone()
            };
            for last in ends {
                for now in ends {
                    given.push(next_run(&odd, last, now));
                }
            }
        }
    }
    assert!(given.iter().any(Option::is_some) && given.iter().any(Option::is_none));
}

/// Numbers by chance, the same ones each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn schedule(&mut self) -> Schedule {
        let weekday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let every = self.of(&["weekly", "fortnightly", "monthly", "quarterly"]);
        let on = match (every, self.below(2)) {
            ("weekly" | "fortnightly", _) => self.of(&weekday).to_owned(),
            (_, 0) => (1 + self.below(31)).to_string(),
            _ => format!(
                "{} {}",
                self.of(&["first", "second", "third", "fourth", "last"]),
                self.of(&weekday)
            ),
        };
        let zone = self.of(&chrono_tz::TZ_VARIANTS);
        let (hour, minute) = (self.below(24), self.below(60));
        let mut schedule = schedule(&format!(
            "{every} {on} {hour:02}:{minute:02} {zone} 1999-12-31 2000-01-01"
        ));
        schedule.from = schedule.from + chrono::Days::new(self.below(30_000));
        schedule.until = schedule.from + chrono::Days::new(self.below(3000));
        schedule.make_up = self.below(2) == 0;
        schedule
    }
}

/// What the documentation of `next_run` says, said again with a list of all slots.
fn plainly(schedule: &Schedule, slots: &[Timestamp], last: Timestamp, now: Timestamp) -> Option<Run> {
    let come = slots.iter().rev().find(|slot| **slot <= now);
    if let Some(slot) = come.filter(|slot| **slot > last) {
        let late = u64::try_from(now.micros() - slot.micros()).unwrap();
        if schedule.make_up || u128::from(late) < PATIENCE.as_micros() {
            return Some(Run {
                slot: *slot,
                overdue: true,
            });
        }
    }
    let next = slots.iter().find(|slot| **slot > now && **slot > last)?;
    Some(Run {
        slot: *next,
        overdue: false,
    })
}

/// A daemon that wakes by chance, and now and then is down for long, runs each slot at most once, in order, never early, and
/// misses none while it is up.
#[test]
fn schedules_by_chance() {
    let chance = &mut Chance(4);
    let mut ran = 0;
    for _ in 0..2000 {
        let schedule = chance.schedule();
        let set = Timestamp::from_micros(0);
        // From slot to slot, always in time: these are all there are.
        let mut all: Vec<Timestamp> = Vec::new();
        while let Some(run) = next_run(&schedule, *all.last().unwrap_or(&set), *all.last().unwrap_or(&set)) {
            assert!(all.last().is_none_or(|last| *last < run.slot), "{schedule}");
            all.push(run.slot);
        }
        let (mut now, mut last) = (set, set);
        for _ in 0..100 {
            let first = all.first().map_or(1, |slot| slot.micros());
            // A little, or up to a moment around some slot, or anything.
            now = match chance.below(4) {
                0 => Timestamp::from_micros(now.micros() + chance.below(3_600_000_000) as i64),
                1 if !all.is_empty() => {
                    let near = chance.of(&all).micros();
                    Timestamp::from_micros(near - 601_000_000 + chance.below(1_202_000_000) as i64)
                }
                2 if !all.is_empty() => chance.of(&all),
                _ => Timestamp::from_micros(first + chance.below(260_000_000_000_000) as i64),
            };
            let run = next_run(&schedule, last, now);
            assert_eq!(run, plainly(&schedule, &all, last, now), "{schedule} | {last} | {now}");
            let Some(run) = run else { continue };
            assert!(
                run.slot > last && run.overdue == (run.slot <= now),
                "{schedule} | {last} | {now}"
            );
            if run.overdue {
                // Whatever was missed before is done with.
                last = run.slot;
                ran += 1;
                let next = next_run(&schedule, last, now);
                assert!(next.is_none_or(|next| !next.overdue), "{schedule} | {last} | {now}");
            }
        }
    }
    assert!(ran > 2000, "{ran}");
}
