//! Requests go wrong.

use std::time::Duration;

use deskvault_tests::compare::{Json, read_truth};
use deskvault_tests::zoho::Desk;
use sample_desk::Settings;
use sample_desk::settings::{Changes, Faults};

use crate::whole::{complete, same};

/// Five of a hundred requests, of all kinds.
const FAULTS: Faults = Faults {
    throttled: 9,
    failed: 9,
    gateway: 8,
    cut: 8,
    slow: 8,
    garbage: 8,
};

#[test]
fn five_of_a_hundred_requests_go_wrong() {
    for (seed, tickets) in [(61, 200), (62, 600)] {
        let desk = Desk::start(Settings {
            seed,
            tickets,
            faults: FAULTS,
            ..Settings::default()
        });
        let backup = complete(&format!("faults, seed {seed}"), &desk);
        let share = backup.asked.faults as f64 / backup.asked.requests as f64;
        assert!((0.03..0.07).contains(&share), "{share} of the requests went wrong");
    }
}

type Set = fn(&mut Faults);

#[test]
fn each_kind_of_fault_alone() {
    let kinds: [(&str, Set); 5] = [
        ("throttled", |faults| faults.throttled = 50),
        ("failed", |faults| faults.failed = 50),
        ("gateway", |faults| faults.gateway = 50),
        ("cut", |faults| faults.cut = 50),
        ("garbage", |faults| faults.garbage = 50),
    ];
    for (place, (name, set)) in kinds.into_iter().enumerate() {
        let mut faults = Faults::default();
        set(&mut faults);
        let desk = Desk::start(Settings {
            seed: 71 + place as u64,
            tickets: 100,
            faults,
            ..Settings::default()
        });
        let backup = complete(name, &desk);
        assert!(backup.asked.faults > 0, "{name}: nothing went wrong");
    }
}

#[test]
fn a_token_that_lives_a_second() {
    let desk = Desk::start(Settings {
        seed: 81,
        tickets: 200,
        latency: Duration::from_millis(40),
        token_life: Duration::from_secs(1),
        ..Settings::default()
    });
    let backup = complete("token life of a second", &desk);
    assert!(
        backup.took > Duration::from_secs(1),
        "no token ended in {:?}",
        backup.took
    );
    assert!(backup.asked.token_requests > 1, "no token was renewed");
}

#[test]
fn everything_at_once() {
    let desk = Desk::start(Settings {
        seed: 91,
        tickets: 400,
        faults: FAULTS,
        changes: Changes {
            edit_every: 5,
            delete_every: 23,
        },
        token_life: Duration::from_secs(3),
        ..Settings::default()
    });
    let backup = crate::whole::back_up("everything at once", &desk);
    assert!(backup.summary.complete, "{:?}", backup.summary.reasons);
    same("everything at once", &desk, &backup, &deskvault_tests::zoho::modules());
}

/// A plan that waits for nothing long.
fn hasty(desk: &Desk) -> engine::backup::Plan {
    let mut plan = desk.plan(&deskvault_tests::zoho::modules());
    plan.connection.limits.first_wait = Duration::from_millis(2);
    plan
}

/// A ticket that has threads.
fn a_ticket(desk: &Desk) -> String {
    let mut found = None;
    read_truth(&desk.truth(), &mut |line| {
        if line.table == "Threads" && found.is_none() {
            found = line.parent;
        }
    })
    .expect("the truth");
    found.expect("a ticket with threads")
}

#[test]
fn attachments_of_a_comment_that_is_read_at_the_end_are_counted() {
    let settings = Settings {
        seed: 102,
        tickets: 100,
        ..Settings::default()
    };
    let mut ticket = None;
    read_truth(&Desk::start(settings.clone()).truth(), &mut |line| {
        let href = line.value("href").and_then(Json::text).unwrap_or_default();
        let id = href
            .split_once("/comments/")
            .and_then(|(before, _)| before.rsplit('/').next());
        ticket = ticket
            .take()
            .or(id.map(str::to_owned).filter(|_| line.table == "Attachments"));
    })
    .expect("the truth");
    let ticket = ticket.expect("a comment that has attachments");
    // Its threads and comments, and not itself.
    let desk = Desk::start(Settings {
        planned: vec![format!("failed#0+600:/tickets/{ticket}/").parse().expect("a fault")],
        ..settings
    });
    let backup = desk.back_up(&hasty(&desk)).expect("an archive");
    assert!(backup.asked.faults > 0, "nothing went wrong with {ticket}");
    assert!(backup.summary.complete, "{:?}", backup.manifest.reasons);
    crate::whole::same("its attachments", &desk, &backup, &deskvault_tests::zoho::modules());
}

/// The same desk, on which requests for one ticket go wrong.
fn with_a_bad_ticket(when: &str) -> (Desk, String) {
    let settings = Settings {
        seed: 101,
        tickets: 60,
        ..Settings::default()
    };
    let ticket = a_ticket(&Desk::start(settings.clone()));
    let planned = format!("failed{when}:/tickets/{ticket}");
    let desk = Desk::start(Settings {
        planned: vec![planned.parse().expect("a fault")],
        ..settings
    });
    (desk, ticket)
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_the_others_are_there() {
    let (desk, ticket) = with_a_bad_ticket("@1000");
    let backup = desk.back_up(&hasty(&desk)).expect("an archive");
    assert!(!backup.summary.complete);
    let named = |reason: &String| reason.contains(&ticket) && reason.contains("could not be read");
    assert!(
        backup.manifest.reasons.iter().any(named),
        "{:?}",
        backup.manifest.reasons
    );
    assert!(
        backup
            .manifest
            .reasons
            .iter()
            .all(|reason| reason.contains(&ticket) || reason.contains("the desk counts")),
        "{:?}",
        backup.manifest.reasons
    );
    let all = deskvault_tests::zoho::modules();
    let report = desk.compare(&backup.summary.archive, &all, &|_| true);
    let mut parents = std::collections::HashMap::new();
    read_truth(&desk.truth(), &mut |line| {
        parents.extend(line.parent.map(|parent| (line.id, parent)));
    })
    .expect("the truth");
    // Of the ticket itself there may be as much as a list says.
    let lost = report.lost.iter().map(|(table, key)| (table, key));
    let differ = report.differences.iter().map(|differs| (&differs.table, &differs.key));
    for (table, key) in lost.chain(differ) {
        let is_of_it = key.split('/').any(|id| {
            let parent = parents.get(id);
            let above = parent.and_then(|parent| parents.get(parent));
            id == ticket || parent == Some(&ticket) || above == Some(&ticket)
        });
        assert!(is_of_it, "{table} {key} is lost or wrong");
    }
    let wrong: u64 = report.tables.values().map(|table| table.differ).sum();
    assert!(!report.lost.is_empty());
    assert!(wrong <= 1 && report.repeated == 0, "{report}");
}

#[test]
fn a_record_that_could_not_be_read_is_read_at_the_end() {
    // By the time that all else is read, nothing is wrong with it any more.
    let (desk, ticket) = with_a_bad_ticket("#0+400");
    let backup = desk.back_up(&hasty(&desk)).expect("an archive");
    assert!(backup.asked.faults > 0, "nothing went wrong with {ticket}");
    assert!(backup.summary.complete, "{:?}", backup.manifest.reasons);
    crate::whole::same("read at the end", &desk, &backup, &deskvault_tests::zoho::modules());
}

#[test]
fn a_desk_that_is_away_for_longer_than_it_is_waited_for_suspends_and_ends_whole_when_it_is_back() {
    let settings = |planned: &[&str]| Settings {
        seed: 121,
        tickets: 60,
        planned: planned.iter().map(|one| one.parse().expect("a fault")).collect(),
        ..Settings::default()
    };
    // Every answer from this request on is a failure, and there are more than the looks that are taken.
    let away = Desk::start(settings(&["unavailable#200+100000"]));
    let mut plan = hasty(&away);
    plan.connection.limits.patience = Duration::from_millis(300);
    let now = plugin_api::Timestamp::parse("2026-11-23T10:00:00Z");
    plan.started = now;
    let reserved = engine::archive::reserve(away.folder.path(), &plan.desk, plan.kind, now.expect("a time"));
    plan.spool = Some(reserved.expect("a folder"));
    let begun = std::time::Instant::now();
    let error = away.back_up(&plan).err().expect("it is suspended");
    let shown = format!("{error:?}");
    assert!(shown.starts_with("Suspended") && shown.contains("Desk"), "{shown}");
    assert!(shown.contains("answered nothing for"), "{shown}");
    assert!(begun.elapsed() < Duration::from_secs(30), "it ends soon after");
    // The same records on a desk that answers, in the same folder: nothing of before is in the way.
    let back = Desk::start(settings(&[]));
    let reached = back.plan(&deskvault_tests::zoho::modules());
    (plan.connection.url, plan.connection.auth) = (reached.connection.url, reached.connection.auth);
    let backup = back.back_up(&plan).expect("an archive");
    assert!(backup.summary.complete, "{:?}", backup.manifest.reasons);
    crate::whole::same("gone on with", &back, &backup, &deskvault_tests::zoho::modules());
}
