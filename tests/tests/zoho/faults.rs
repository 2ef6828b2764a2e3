//! Requests go wrong.

use std::time::Duration;

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
