//! The quarter without schedule, store and processes: backups one after the other, as their ranges follow from each other.

use std::time::Duration;

use deskvault_tests::clock::{TestClock, moment};
use deskvault_tests::zoho::modules;
use engine::clock::Clock as _;
use plugin_api::{Kind, Range, Timestamp};
use sample_desk::Deed;

use crate::archives::{Rows, Run};
use crate::changes::each_is_in_one_archive;
use crate::work::{DAY, HOUR, Load, MINUTE, Office, SECOND, later};

const LAG: i64 = 5 * MINUTE;

/// Backs up now, and checks the archive.
fn back_up(name: &str, office: &mut Office, kind: Kind, from: Option<Timestamp>) -> Rows {
    // The engine has seconds.
    let now = office.clock.now();
    let started = later(now, -(now.micros() % SECOND));
    let until = later(started, -LAG);
    let range = from.map(|from| Range { from, to: until });
    let mut plan = office.desk.plan(&modules());
    (plan.kind, plan.range, plan.started) = (kind, range, Some(started));
    plan.connection.search_lag = Duration::from_mins(5);
    let backup = office
        .work_while(|desk| desk.back_up(&plan))
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert!(backup.summary.complete, "{name}: {:?}", backup.summary.reasons);
    let run = Run {
        kind,
        range,
        started,
        until,
        ended: office.now(),
    };
    run.check(name, &office.desk, &backup.summary.archive)
}

#[test]
fn every_change_is_in_one_archive_without_a_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = TestClock::standing(folder.path(), "2026-03-02T08:00:00Z");
    let mut office = Office::open(2026, &clock);
    let busy = Load {
        edits: 9,
        births: 3,
        deletions: 1,
    };
    office.work(busy);
    let mut slot = moment("2026-03-08T01:30:00Z");
    let mut runs: Vec<Rows> = Vec::new();
    for week in 1..=8 {
        for at in [
            -5 * DAY,
            -3 * DAY,
            -DAY,
            -HOUR,
            -LAG - SECOND,
            -LAG,
            -LAG + SECOND,
            -MINUTE,
            0,
        ] {
            office.work_at(later(slot, at), busy);
        }
        // Some run while the clock stands, some while it goes on.
        if week % 2 == 0 {
            clock.run_from(slot, 60);
        }
        let (kind, from) = match runs.last() {
            None => (Kind::Full, None),
            Some(last) => (Kind::Incremental, Some(last.run.until)),
        };
        runs.push(back_up(&format!("week {week}"), &mut office, kind, from));
        clock.stand();
        slot = later(slot, 7 * DAY);
    }
    let tally = each_is_in_one_archive(&office, &runs);
    assert!(tally.in_one > 300 && tally.in_full > 50 && tally.past > 10, "{tally:?}");
    assert!(office.meanwhile > 30, "{} while the desk was read", office.meanwhile);
    for deed in [Deed::Create, Deed::Edit, Deed::Delete] {
        assert!(office.count(deed) > 50, "{deed:?}: {}", office.count(deed));
    }
}
