//! Backups of a range of time: records created or changed in it, with what belongs to them.

use std::collections::HashSet;

use deskvault_tests::compare::{Json, Line, read_truth};
use deskvault_tests::zoho::{Desk, modules};
use plugin_api::{Kind, Range, Timestamp};
use sample_desk::Settings;

/// Tables that have no times: each backup has them whole.
const ALWAYS: [&str; 4] = ["Agents", "Teams", "TeamMembers", "Departments"];

fn time(line: &Line, key: &str) -> Option<Timestamp> {
    line.value(key).and_then(Json::text).and_then(Timestamp::parse)
}

/// Whether a record itself was created or changed in a range.
fn is_inside(line: &Line, kind: Kind, range: Range) -> bool {
    let inside = |key| time(line, key).map(|time| range.contains(time));
    let (created, modified) = (inside("createdTime"), inside("modifiedTime"));
    match kind {
        Kind::Full => true,
        Kind::Custom => created == Some(true) || modified == Some(true),
        Kind::Incremental => modified.or(created) == Some(true),
    }
}

/// A range between two shares of the tickets' times, of a thousand.
fn range(desk: &Desk, key: &str, from: usize, to: usize) -> Range {
    let mut times = Vec::new();
    read_truth(&desk.truth(), &mut |line| {
        times.extend(time(&line, key).filter(|_| line.table == "Cases"));
    })
    .expect("the truth");
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 1000];
    Range {
        from: at(from),
        to: at(to),
    }
}

/// Backs up a range and compares it with the truth of that range.
fn check(name: &str, desk: &Desk, kind: Kind, range: Range) {
    let mut plan = desk.plan(&modules());
    (plan.kind, plan.range) = (kind, Some(range));
    let backup = desk.back_up(&plan).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    println!(
        "{name}: {} rows of {} to {}, {} requests, {:.1} s",
        backup.summary.rows(),
        range.from,
        range.to,
        backup.asked.requests,
        backup.took.as_secs_f64()
    );
    assert!(backup.summary.complete, "{name}: {:?}", backup.summary.reasons);
    let mut inside = HashSet::new();
    let mut tickets = 0;
    read_truth(&desk.truth(), &mut |line| {
        if is_inside(&line, kind, range) {
            tickets += u64::from(line.table == "Cases");
            inside.insert(line.id);
        }
    })
    .expect("the truth");
    assert!(tickets > 0, "{name}: no ticket in the range");
    let wanted = |line: &Line| {
        let of_parent = || line.parent.as_ref().is_some_and(|parent| inside.contains(parent));
        match line.table.as_str() {
            table if ALWAYS.contains(&table) => true,
            // Time entries of a ticket in the range are in it, whenever they were made.
            "TimeEntry" => inside.contains(&line.id) || of_parent(),
            _ if line.parent.is_some() => of_parent(),
            _ => inside.contains(&line.id),
        }
    };
    let report = desk.compare(&backup.summary.archive, &modules(), &wanted);
    assert!(report.is_same(), "{name}: {report}");
}

fn desk(seed: u64, tickets: u64) -> Desk {
    Desk::start(Settings {
        seed,
        tickets,
        ..Settings::default()
    })
}

#[test]
fn custom_ranges() {
    let desk = desk(181, 600);
    for (name, from, to) in [
        ("custom, the middle", 400, 600),
        ("custom, the oldest", 0, 50),
        ("custom, the last", 900, 1000),
    ] {
        check(name, &desk, Kind::Custom, range(&desk, "createdTime", from, to));
    }
}

#[test]
fn incremental_ranges() {
    let desk = desk(191, 600);
    for (name, from, to) in [
        ("incremental, the middle", 400, 600),
        ("incremental, the last", 800, 1000),
    ] {
        check(name, &desk, Kind::Incremental, range(&desk, "modifiedTime", from, to));
    }
}
