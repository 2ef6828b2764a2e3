//! Kind `sample`: a sample desk in this process, reached as a Zoho Desk is.

use std::time::{Duration, Instant};

use plugin_api::{ErrorKind, Request};
use tokio_util::sync::CancellationToken;

use super::super::sample::{Changes, Edition, Faults};
use super::super::settings::{Auth, Limits, Names, Pacing, Sample, Settings, Terms};
use super::super::{Connection, Next, sample};
use super::{impatient, runtime};

fn settings(desk: sample::Settings) -> Settings {
    Settings {
        desk: "sample".into(),
        url: String::new(),
        allow_plain_http: false,
        ca_file: None,
        auth: Auth::Sample(Sample {
            desk,
            terms: Terms::default(),
        }),
        limits: Limits::default(),
        pacing: Pacing::default(),
        search_lag: Duration::ZERO,
        names: Names::default(),
    }
}

/// Asks for `path` as often as `more` says; gives how often the answer was as it should be.
fn ask(connection: &Connection, path: &str, mut more: impl FnMut(usize) -> bool) -> usize {
    let window = connection.limit() * 2;
    let mut queue = connection.queue(window, &CancellationToken::new());
    let (mut submitted, mut waiting, mut good) = (0, 0, 0);
    loop {
        while waiting < window && more(submitted) {
            queue.submit(Request::get(path).query("limit", "1")).unwrap();
            submitted += 1;
            waiting += 1;
        }
        let Next::Done { result, .. } = queue.next() else {
            assert_eq!(good, submitted);
            return good;
        };
        let answer = result.unwrap();
        assert!(matches!(answer.status, 200 | 204), "{}", answer.status);
        waiting -= 1;
        good += 1;
    }
}

#[test]
fn every_edition_is_asked_as_much_as_it_bears_and_no_more() {
    for (edition, in_flight) in [
        (Edition::Free, 5),
        (Edition::Express, 10),
        (Edition::Standard, 10),
        (Edition::Professional, 15),
        (Edition::Enterprise, 25),
    ] {
        let runtime = runtime();
        let desk = sample::Settings {
            edition,
            latency: Duration::from_millis(5),
            ..sample::Settings::default()
        };
        let connection = Connection::open(&settings(desk), runtime.handle().clone()).unwrap();
        connection.prepare(&CancellationToken::new()).unwrap();
        assert_eq!(connection.limit(), in_flight);
        ask(&connection, "/contacts", |submitted| submitted < 500);
        let (stats, seen) = (connection.stats(), connection.0.sample.as_ref().unwrap().stats());
        assert_eq!((stats.throttled, stats.retries), (0, 0), "{edition:?}");
        assert_eq!(seen.in_flight, in_flight, "{edition:?}");
        assert_eq!(stats.credits.unwrap().spent, seen.credits, "{edition:?}");
    }
}

#[test]
fn tokens_that_live_for_a_second_are_renewed_under_load() {
    let runtime = runtime();
    let desk = sample::Settings {
        token_life: Duration::from_secs(1),
        latency: Duration::from_millis(5),
        ..sample::Settings::default()
    };
    let connection = Connection::open(&settings(desk), runtime.handle().clone()).unwrap();
    connection.prepare(&CancellationToken::new()).unwrap();
    let begun = Instant::now();
    let good = ask(&connection, "/contacts", |_| {
        begun.elapsed() < Duration::from_millis(2500)
    });
    let seconds = begun.elapsed().as_secs_f64();
    let tokens = connection.0.sample.as_ref().unwrap().stats().token_requests as f64;
    // A twelfth of its life before its end, and never two at one time.
    assert!(
        (seconds.floor()..=seconds / 0.9 + 2.0).contains(&tokens),
        "{tokens} tokens in {seconds} s"
    );
    let retries = connection.stats().retries;
    assert!(
        retries <= 60,
        "{retries} of {good} requests met a token that had just ended"
    );
}

#[test]
fn faults_of_all_kinds_come_to_nothing() {
    let runtime = runtime();
    let desk = sample::Settings {
        faults: Faults {
            throttled: 8,
            failed: 9,
            gateway: 8,
            cut: 8,
            slow: 0,
            garbage: 17,
        },
        changes: Changes::default(),
        ..sample::Settings::default()
    };
    let settings = settings(desk);
    let policy = impatient(&settings.limits);
    let connection = Connection::open_with(&settings, policy, runtime.handle().clone()).unwrap();
    connection.prepare(&CancellationToken::new()).unwrap();
    ask(&connection, "/contacts", |submitted| submitted < 5000);
    assert!(connection.stats().retries > 200, "{:?}", connection.stats());
}

#[test]
fn credits_that_are_spent_end_it_with_a_word() {
    let runtime = runtime();
    let desk = sample::Settings {
        credits: Some(100),
        ..sample::Settings::default()
    };
    let connection = Connection::open(&settings(desk), runtime.handle().clone()).unwrap();
    connection.prepare(&CancellationToken::new()).unwrap();
    let mut queue = connection.queue(100, &CancellationToken::new());
    for _ in 0..100 {
        queue.submit(Request::get("/contacts").query("limit", "1")).unwrap();
    }
    let mut refused = 0;
    while let Next::Done { result, .. } = queue.next() {
        if let Err(error) = result {
            assert_eq!(error.kind, ErrorKind::Http);
            assert!(
                error.message.contains("credits of the day are spent; they return in "),
                "{error}"
            );
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
    let asked = connection.0.sample.as_ref().unwrap().stats().requests;
    assert!(
        asked < 70,
        "{asked} requests: those in flight when it was said, and no more"
    );
}

#[test]
fn scopes_that_are_missing_are_named() {
    use super::super::zoho::connect::Reading;
    let runtime = runtime();
    let desk = sample::Settings {
        missing_scopes: vec!["Desk.search.READ".into(), "Desk.settings.READ".into()],
        forbidden: vec!["articles".into()],
        ..sample::Settings::default()
    };
    let connection = Connection::open(&settings(desk), runtime.handle().clone()).unwrap();
    let cancel = CancellationToken::new();
    connection.prepare(&cancel).unwrap();
    let probes = connection.probe(&cancel).unwrap();
    let bad: Vec<_> = probes.iter().filter(|probe| probe.reading != Reading::Ok).collect();
    let told: Vec<_> = bad.iter().map(|probe| (probe.module, probe.path)).collect();
    assert_eq!(
        told,
        [
            ("tickets", "/tickets/search"),
            ("articles", "/articles"),
            ("tickets", "/agents/{id}/timeEntry")
        ]
    );
    assert_eq!(bad[0].reading, Reading::Missing("Desk.search.READ"));
    assert!(matches!(&bad[1].reading, Reading::Refused(why) if why.starts_with("FORBIDDEN")));
    assert_eq!(bad[2].reading, Reading::Missing("Desk.settings.READ"));
}
