//! Records that come into being, and what is done on purpose.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::Value;

use super::changes::check_truth;
use super::{pages, record, truth, truth_since};
use crate::Settings;
use crate::life::{Deed, Done, Life};
use crate::world::desk::World;
use crate::world::{By, Desk, Filter, Kind, Shape, Standing};

/// 2026-04-01T00:00:00Z.
const APRIL: i64 = 1_775_001_600_000_000;
const MINUTE: i64 = 60_000_000;

const KINDS: [Kind; 8] = [
    Kind::Ticket,
    Kind::Contact,
    Kind::Account,
    Kind::Product,
    Kind::Task,
    Kind::Call,
    Kind::Event,
    Kind::Article,
];

/// A desk of which a share is to come, and its clock.
fn living(seed: u64, tickets: u64) -> (World, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(APRIL));
    let settings = Settings {
        seed,
        tickets,
        ..Settings::default()
    };
    let life = Life {
        now: {
            let time = Arc::clone(&time);
            Arc::new(move || time.load(Ordering::Relaxed))
        },
        to_come: 200,
    };
    (World::living(&settings, life), time)
}

fn count(desk: &World, kind: Kind) -> u64 {
    desk.page(kind, &Filter::default(), By::Created, false, 0, 0).total
}

#[test]
fn what_is_to_come_is_not_there_before_it_is_made() {
    for (seed, tickets) in [(1, 100), (2, 333), (8, 257)] {
        let (desk, time) = living(seed, tickets);
        let whole = super::desk(seed, tickets);
        let counts = KINDS.map(|kind| count(&desk, kind));
        for (kind, count) in KINDS.into_iter().zip(counts) {
            assert!(
                count <= super::super::births::end(&whole.sizes, kind).into(),
                "{kind:?}"
            );
            pages::check(&desk, kind);
        }
        assert!(counts[0] < count(&whole, Kind::Ticket), "no ticket is to come");
        assert_eq!(check_truth(&desk), (0, 0));

        let mut born: Vec<Done> = Vec::new();
        for number in 0.. {
            time.fetch_add(MINUTE, Ordering::Relaxed);
            let now = time.load(Ordering::Relaxed);
            let Some(done) = desk.act(Deed::Create, number) else {
                break;
            };
            assert_eq!((done.deed, done.at), (Deed::Create, now));
            assert_eq!(desk.standing(done.id, done.kind), Standing::Present);
            let times = desk.times(done.id);
            assert_eq!((times.created, times.modified), (now, now), "{done:?}");
            // It is the one record of its moment, and the last of all.
            for by in [By::Created, By::Modified] {
                let last = desk.page(done.kind, &Filter::default(), by, true, 0, 1);
                assert_eq!(last.ids, [done.id], "{done:?} {by:?}");
            }
            let filter = Filter {
                created: Some((now, now)),
                modified: Some((now, now)),
                ..Filter::default()
            };
            let found = desk.page(done.kind, &filter, By::Created, false, 0, 10);
            assert_eq!((found.total, found.ids), (1, vec![done.id]), "{done:?}");
            for kind in [Kind::Thread, Kind::Comment, Kind::Attachment, Kind::TimeEntry] {
                for child in desk.children(done.id, kind) {
                    assert_eq!(desk.times(child).created, now, "{done:?} {child}");
                }
            }
            born.push(done);
        }
        for kind in KINDS {
            assert_eq!(count(&desk, kind), count(&whole, kind), "{kind:?}");
            pages::check(&desk, kind);
        }
        assert_eq!(check_truth(&desk), (0, 0));
        // But for their times they are as they would have been from the beginning.
        let without_times = |desk: &World, done: &Done| {
            let mut record = record(desk, done.id, done.kind, Shape::Search);
            record
                .retain(|key, _| !key.to_lowercase().contains("time") && !key.ends_with("Date") && key != "lastThread");
            record
        };
        for done in born.iter().filter(|done| done.kind != Kind::Article) {
            assert_eq!(without_times(&desk, done), without_times(&whole, done), "{done:?}");
        }
    }
}

#[test]
fn the_same_is_done_on_every_desk_of_a_seed() {
    let live = || {
        let (desk, time) = living(5, 300);
        let mut deeds = Vec::new();
        for number in 0..150 {
            time.fetch_add(MINUTE, Ordering::Relaxed);
            for deed in [Deed::Edit, Deed::Create, Deed::Delete] {
                deeds.extend(desk.act(deed, number));
            }
        }
        (desk, deeds)
    };
    let ((one, deeds), (other, again)) = (live(), live());
    assert_eq!(deeds, again);
    assert_eq!(truth(&one), truth(&other));
    for kind in KINDS {
        pages::check(&one, kind);
    }
    let mut counts = BTreeMap::new();
    for done in &deeds {
        *counts.entry(format!("{:?}", done.deed)).or_insert(0) += 1;
    }
    assert_eq!((counts["Edit"], counts["Delete"]), (150, 150));
    assert!(counts["Create"] > 60, "{counts:?}");
    assert!(deeds.iter().all(|done| done.kind != Kind::Comment));
    assert!(deeds.is_sorted_by_key(|done| done.at));
    check_truth(&one);
}

#[test]
fn the_truth_since_a_moment_has_no_past() {
    let (desk, time) = living(6, 200);
    let act = |deed, number| {
        time.fetch_add(MINUTE, Ordering::Relaxed);
        desk.act(deed, number).unwrap()
    };
    let early: Vec<Done> = (0..20).map(|number| act(Deed::Edit, number)).collect();
    let lost: Vec<Done> = (0..20).map(|number| act(Deed::Delete, number)).collect();
    time.fetch_add(MINUTE, Ordering::Relaxed);
    let since = time.load(Ordering::Relaxed);
    let name = |done: &Done| {
        let table = truth(&desk).into_keys().find(|(_, id)| *id == done.id.to_string());
        table.unwrap()
    };
    let quiet = truth_since(&desk, since);
    assert!(
        quiet
            .values()
            .all(|line| line.get("before").is_none() && line.get("deleted").is_none())
    );
    assert!(lost.iter().all(|done| !quiet.contains_key(&name(done))));
    assert!(early.iter().any(|done| quiet.contains_key(&name(done))));

    let late: Vec<Done> = (20..40).map(|number| act(Deed::Edit, number)).collect();
    let edited = truth_since(&desk, since);
    for done in &late {
        let line = &edited[&name(done)];
        let before = line["before"].as_array().unwrap();
        assert_eq!(before[0], quiet[&name(done)]["shapes"], "what it was at that moment");
        let times = late.iter().filter(|other| other.id == done.id).count();
        assert_eq!(before.len(), times, "{line}");
    }
    let gone: Vec<Done> = (20..30).map(|number| act(Deed::Delete, number)).collect();
    let all = truth_since(&desk, since);
    assert!(gone.iter().all(|done| all[&name(done)]["deleted"] == Value::Bool(true)));
    assert_eq!(all.len(), quiet.len());
}
