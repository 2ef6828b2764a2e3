//! How much, how fast, and what goes wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;

use crate::Settings;
use crate::server::tests::tiny::{TRASHED, id};
use crate::server::tests::{Bench, send};
use crate::settings::{Edition, Faults};
use crate::world::Kind;

#[tokio::test]
async fn one_request_too_many_is_refused_at_once() {
    for (edition, cap) in [
        (Edition::Free, 5),
        (Edition::Express, 10),
        (Edition::Professional, 15),
        (Edition::Enterprise, 25),
    ] {
        // Those inside stay inside, so that nothing depends on how fast the test is.
        let settings = Settings {
            edition,
            latency: Duration::from_hours(1),
            ..Settings::default()
        };
        let bench = Arc::new(Bench::new(settings).await);
        for inside in 1..=cap {
            let asker = Arc::clone(&bench);
            tokio::spawn(async move { asker.get("/tickets").await });
            while bench.stats().in_flight < inside {
                tokio::task::yield_now().await;
            }
        }
        let refused = bench.get("/tickets").await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (429, "TOO_MANY_REQUESTS"),
            "{edition:?}"
        );
        assert!(refused.header("retry-after").is_none());
        assert_eq!(bench.stats().over_cap, 1);
        assert_eq!(bench.stats().by_status.get(&429), Some(&1));
        assert_eq!(bench.stats().in_flight, cap + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_the_next_upon_an_answer_is_never_one_over() {
    let settings = Settings {
        concurrency: Some(4),
        credits: Some(1 << 40),
        ..Settings::default()
    };
    let bench = Arc::new(Bench::new(settings).await);
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                for _ in 0..300 {
                    assert_eq!(bench.get("/tickets/search?limit=100").await.status, 200);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!((bench.stats().over_cap, bench.stats().requests), (0, 1200));
    assert!(bench.stats().in_flight <= 4);
}

#[tokio::test]
async fn credits_are_charged_and_end() {
    let bench = Bench::new(Settings {
        credits: Some(17),
        ..Settings::default()
    })
    .await;
    let one = format!("/tickets/{}", id(Kind::Ticket, 1));
    let by_id = format!("/tickets/search?id={}", id(Kind::Ticket, 1));
    let cases = [
        ("/tickets", 3, 14),
        ("/tickets/search?from=100", 3, 11),
        (one.as_str(), 1, 10),
        (by_id.as_str(), 1, 9),
        ("/contacts?from=2002", 5, 4),
        ("/tickets?limit=0", 0, 4),
        ("/agents/count", 1, 3),
        ("/tickets?from=2000", 3, 0),
    ];
    for (path, weight, left) in cases {
        let answer = bench.get(path).await;
        let header = |name: &str| answer.header(name).unwrap().parse::<u64>().unwrap();
        let found = (
            header("x-rate-limit-request-weight-v3"),
            header("x-rate-limit-remaining-v3"),
        );
        assert_eq!(found, (weight, left), "{path}");
    }
    let spent = bench.get("/tickets").await;
    assert_eq!((spent.status, spent.code().as_str()), (429, "THRESHOLD_EXCEEDED"));
    let wait: u64 = spent.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=86_401).contains(&wait), "{wait}");
    assert_eq!(bench.stats().credits, 17);
}

#[tokio::test]
async fn an_edition_has_its_credits_by_users() {
    // Of 250 agents a third is active, of which every other one is no light agent: 42.
    for (edition, credits) in [
        (Edition::Free, 5_000),
        (Edition::Standard, 60_500),
        (Edition::Enterprise, 142_000),
    ] {
        let bench = Bench::new(Settings {
            edition,
            ..Settings::default()
        })
        .await;
        let left = bench
            .get("/agents/count")
            .await
            .header("x-rate-limit-remaining-v3")
            .unwrap()
            .to_owned();
        assert_eq!(left, (credits - 1).to_string(), "{edition:?}");
    }
}

#[tokio::test]
async fn an_answer_takes_its_time_beside_others() {
    let settings = Settings {
        latency: Duration::from_millis(100),
        ..Settings::default()
    };
    let bench = Arc::new(Bench::new(settings).await);
    let start = Instant::now();
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.get("/tickets").await.status })
        })
        .collect();
    for asked in asked {
        assert_eq!(asked.await.unwrap(), 200);
    }
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(100), "{took:?}");
    assert!(bench.stats().in_flight > 1, "one after the other");
}

#[tokio::test]
async fn faults_are_what_they_say() {
    let check = async |faults: Faults, expect: &[&str]| {
        let bench = Bench::new(Settings {
            faults,
            ..Settings::default()
        })
        .await;
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..60 {
            let what = match bench.try_get("/tickets?limit=50").await {
                Err(error) => {
                    if error.is_incomplete_message() {
                        "cut before"
                    } else {
                        "cut within"
                    }
                }
                Ok(answer) => match answer.status {
                    200 if answer.body.is_empty() => "nothing",
                    200 if std::str::from_utf8(&answer.body).is_err() => "no text",
                    200 if answer.body.starts_with(b"<") => "page",
                    200 if serde_json::from_slice::<serde_json::Value>(&answer.body).is_err() => "half",
                    200 => "good",
                    429 => {
                        if answer.header("retry-after").is_none() {
                            "429"
                        } else {
                            "429 and when"
                        }
                    }
                    500 => "500",
                    502..=504 => {
                        if answer.body.starts_with(b"<") {
                            "gateway"
                        } else {
                            "gateway in JSON"
                        }
                    }
                    _ => "else",
                },
            };
            seen.insert(what);
        }
        let seen: Vec<&str> = seen.into_iter().collect();
        assert_eq!(seen, expect, "{faults:?}");
        assert_eq!(bench.stats().faults, 60);
        assert_eq!(bench.stats().requests, 60);
    };
    check(
        Faults {
            throttled: 1000,
            ..Faults::default()
        },
        &["429"],
    )
    .await;
    check(
        Faults {
            garbage: 1000,
            ..Faults::default()
        },
        &["half", "no text", "nothing", "page"],
    )
    .await;
    check(
        Faults {
            cut: 1000,
            ..Faults::default()
        },
        &["cut before", "cut within"],
    )
    .await;
    let mixed = Faults {
        throttled: 200,
        failed: 0,
        gateway: 200,
        cut: 200,
        slow: 0,
        garbage: 400,
    };
    let all = [
        "429",
        "cut before",
        "cut within",
        "gateway",
        "half",
        "no text",
        "nothing",
        "page",
    ];
    check(mixed, &all).await;
}

#[tokio::test]
async fn a_slow_answer_is_right_and_late() {
    let faults = Faults {
        slow: 1000,
        ..Faults::default()
    };
    let bench = Bench::new(Settings {
        faults,
        ..Settings::default()
    })
    .await;
    let start = Instant::now();
    assert_eq!(bench.get("/tickets").await.ids().len(), 10);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn the_token_endpoint_fails_but_never_lies() {
    let faults = Faults {
        failed: 500,
        garbage: 500,
        ..Faults::default()
    };
    let bench = Bench::new(Settings {
        faults,
        ..Settings::default()
    })
    .await;
    let mut failed = 0;
    for _ in 0..40 {
        let answer = super::token(&bench.desk, "grant_type=refresh_token").await;
        match answer.status {
            500 => failed += 1,
            _ => assert_eq!(answer.json()["error"], "invalid_client"),
        }
    }
    assert!((5..35).contains(&failed), "{failed}");
}

#[tokio::test]
async fn every_request_may_change_the_desk_once() {
    let faults = Faults {
        failed: 300,
        cut: 300,
        ..Faults::default()
    };
    let bench = Bench::new(Settings {
        faults,
        ..Settings::default()
    })
    .await;
    for _ in 0..50 {
        let _ = bench.try_get("/tickets").await;
    }
    let _ = send(&bench.desk, Method::GET, "/api/v1/nothing", &[], "").await;
    let changes = bench.tiny.changes.lock().unwrap().clone();
    assert_eq!(changes, (0..51).collect::<Vec<u64>>());
    assert_eq!(bench.stats().requests, 51);
}

#[tokio::test]
async fn what_is_in_the_recycle_bin_is_listed_and_can_be_asked_for() {
    let bench = Bench::new(Settings::default()).await;
    let trashed = |kind, number| id(kind, TRASHED + number).to_string();
    let all = bench.get("/recycleBin").await;
    assert_eq!(all.ids()[0], trashed(Kind::Ticket, 1));
    assert_eq!(all.json()["data"][0]["type"], "tickets");
    assert_eq!(all.ids().len(), 3);
    assert_eq!(all.json()["data"][0]["deletedById"], id(Kind::Agent, 3).to_string());
    let oldest = bench.get("/recycleBin?sortBy=deletedTime").await.ids();
    assert_eq!(oldest, all.ids().into_iter().rev().collect::<Vec<_>>());
    let department = id(Kind::Department, 1);
    assert_eq!(
        bench
            .get(&format!("/recycleBin?departmentId={department}"))
            .await
            .ids()
            .len(),
        2
    );
    assert_eq!(
        bench.get("/recycleBin?module=tasks").await.ids(),
        [trashed(Kind::Task, 0)]
    );
    assert_eq!(bench.get("/recycleBin?module=calls").await.status, 204);
    assert_eq!(
        bench
            .get(&format!("/tickets/{}", trashed(Kind::Ticket, 0)))
            .await
            .status,
        200
    );
}
