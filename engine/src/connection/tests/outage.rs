//! A desk that answers nothing for a while, with a clock that tokio moves on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plugin_api::{ErrorKind, Request};
use tokio::time::Instant;

use super::super::access::Later;
use super::super::answer::Held;
use super::super::call::Call;
use super::super::fetch::{Fetch, Tried};
use super::super::retry::{Class, Outcome};
use super::super::{Admission, Answer, Connection, Next, Queue};
use super::CancellationToken;
use super::pacing::{Step, connect, connect_by, next, step};

/// Requests in flight.
const PLACES: usize = 10;

/// A desk that is down from `from` to `to` seconds after its start, and counts what it is asked meanwhile.
fn down(from: u64, to: u64) -> (Connection, Arc<AtomicUsize>) {
    let started = Instant::now();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let script = move |_: &str, _: usize| -> Step {
        if (from..to).contains(&started.elapsed().as_secs()) {
            counted.fetch_add(1, Ordering::SeqCst);
            step(10, 503)
        } else {
            step(200, 200)
        }
    };
    (connect(PLACES, 0.5, script), asked)
}

fn queues(connection: &Connection, count: usize, requests: usize) -> Vec<Queue> {
    let cancel = CancellationToken::new();
    let mut queues: Vec<Queue> = (0..count).map(|_| connection.queue(requests, &cancel)).collect();
    for queue in &mut queues {
        for number in 0..requests {
            queue.submit(Request::get(format!("/{number}"))).unwrap();
        }
    }
    queues
}

/// Takes everything; gives what was answered, and the kinds of what was not.
async fn take(queue: &mut Queue) -> (usize, Vec<ErrorKind>) {
    let (mut good, mut bad) = (0, Vec::new());
    while let Next::Done { result, .. } = next(queue).await {
        match result {
            Ok(answer) if answer.status == 200 => good += 1,
            Ok(answer) => panic!("{}", answer.status),
            Err(error) => {
                assert!(error.message.contains("answered nothing for 900 s"), "{error}");
                bad.push(error.kind);
            }
        }
    }
    (good, bad)
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_a_desk_that_comes_back() {
    let (connection, asked) = down(2, 602);
    let started = Instant::now();
    let mut queues = queues(&connection, 3, 100);
    tokio::time::sleep(Duration::from_mins(5)).await;
    let note = queues[0].meter().trouble().unwrap();
    assert!(
        note.starts_with("the desk does not answer since") && note.contains("tried again at"),
        "{note}"
    );
    assert!(connection.given_up().is_none());
    for queue in &mut queues {
        assert_eq!(take(queue).await, (100, Vec::new()));
    }
    let took = started.elapsed().as_secs();
    assert!((602..602 + 61 + 10).contains(&took), "{took} s");
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked <= 2 * PLACES + 20, "{asked} requests of a desk that is down");
    assert!(queues[0].meter().trouble().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_desk_that_does_not_come_back_is_given_up() {
    let (connection, _) = down(2, u64::MAX);
    let started = Instant::now();
    let mut queues = queues(&connection, 3, 100);
    for queue in &mut queues {
        let (good, bad) = take(queue).await;
        assert_eq!(good + bad.len(), 100);
        assert!(
            good < 100 && bad.iter().all(|kind| *kind == ErrorKind::Network),
            "{bad:?}"
        );
    }
    let took = started.elapsed().as_secs();
    assert!((900..=905).contains(&took), "{took} s");
    assert!(connection.given_up().unwrap().contains("status 503"));
    // Whoever asks now is told at once.
    let tries = connection.stats().tries;
    queues[0].submit(Request::get("/late")).unwrap();
    assert_eq!(take(&mut queues[0]).await, (0, vec![ErrorKind::Network]));
    assert_eq!((connection.stats().tries, started.elapsed().as_secs()), (tries, took));
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_read_do_not_stop_the_others() {
    let connection = connect(PLACES, 0.5, |name, _| {
        step(10, if name.contains("/bad") { 503 } else { 200 })
    });
    let mut queue = connection.queue(200, &CancellationToken::new());
    for number in 0..150 {
        let bad = if number % 30 == 29 { "bad" } else { "" };
        queue.submit(Request::get(format!("/{bad}{number}"))).unwrap();
    }
    let started = Instant::now();
    let mut statuses = std::collections::BTreeMap::new();
    while let Next::Done { result, .. } = next(&mut queue).await {
        *statuses.entry(result.unwrap().status).or_insert(0) += 1;
        assert!(connection.given_up().is_none());
    }
    assert_eq!(statuses, [(200, 145), (503, 5)].into());
    // At the end only the bad ones are left, which looks like an outage: but the look shows that it is none.
    assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_is_not_looked_for() {
    let (connection, asked) = down(2, u64::MAX);
    let queues = queues(&connection, 3, 100);
    tokio::time::sleep(Duration::from_mins(2)).await;
    drop(queues);
    tokio::time::sleep(Duration::from_mins(2)).await;
    let before = asked.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(asked.load(Ordering::SeqCst), before);
    // A later queue finds out for itself.
    let mut late = connection.queue(1, &CancellationToken::new());
    late.submit(Request::get("/late")).unwrap();
    let Next::Done { result, .. } = next(&mut late).await else {
        panic!("it must end")
    };
    assert_eq!(result.unwrap().status, 503);
}

/// A desk that charges, and from a moment on is down.
#[derive(Default)]
struct Toll {
    is_down: AtomicBool,
    /// Credits are waited for.
    is_shut: AtomicBool,
    /// Requests that were admitted, and of them those that are over.
    admitted: [AtomicUsize; 2],
    /// What it was asked while it was down.
    asked: Mutex<Vec<String>>,
}

impl Fetch for Arc<Toll> {
    fn fetch<'a>(&'a self, call: &'a Call, _: &'a mut Held) -> Later<'a, Tried> {
        let is_down = self.is_down.load(Ordering::SeqCst);
        if is_down {
            self.asked.lock().unwrap().push(call.name.clone());
        }
        let price = if call.name.ends_with("/cheap") { 1 } else { 3 };
        call.charged.fetch_add(price, Ordering::SeqCst);
        let status = if is_down { 503 } else { 200 };
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let answer = Answer {
                status,
                headers: Vec::new(),
                body: Vec::new(),
            };
            Tried {
                outcome: Outcome {
                    class: Class::of_status(status, None),
                    retry_after: None,
                },
                result: Ok(answer),
            }
        })
    }

    fn admit(&self, _: &Call) -> Admission {
        if self.is_shut.load(Ordering::SeqCst) {
            return Admission::Later;
        }
        Admission::Now(self.admitted[0].fetch_add(1, Ordering::SeqCst) as u64 + 1)
    }

    fn release(&self, permit: u64, sent: bool) {
        assert!(permit > 0 && sent);
        self.admitted[1].fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_is_one_cheap_request_that_is_admitted_and_charged_as_others_are() {
    let toll = Arc::new(Toll::default());
    let connection = connect_by(PLACES, 0.5, Box::new(Arc::clone(&toll)));
    let mut queue = connection.queue(100, &CancellationToken::new());
    for path in ["/dear/1", "/cheap", "/dear/2"] {
        queue.submit(Request::get(path)).unwrap();
    }
    assert_eq!(take(&mut queue).await, (3, Vec::new()));
    toll.is_down.store(true, Ordering::SeqCst);
    for number in 0..50 {
        queue.submit(Request::get(format!("/dear/{number}"))).unwrap();
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    let looks = |asked: &[String]| asked.iter().filter(|name| *name == "GET /cheap").count();
    let before = toll.asked.lock().unwrap().clone();
    assert!((4..10).contains(&looks(&before)), "{before:?}");
    assert!(
        before.iter().rev().take(4).all(|name| name == "GET /cheap"),
        "{before:?}"
    );
    // While credits are waited for, it is not looked, and the desk is not given up for that.
    toll.is_shut.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(*toll.asked.lock().unwrap(), before);
    assert_eq!(connection.given_up(), None);
    toll.is_shut.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(looks(&toll.asked.lock().unwrap()), looks(&before) + 1);
    toll.is_down.store(false, Ordering::SeqCst);
    assert_eq!(take(&mut queue).await, (50, Vec::new()));
    let [admitted, over] = [0, 1].map(|place| toll.admitted[place].load(Ordering::SeqCst));
    let asked = toll.asked.lock().unwrap();
    assert_eq!(admitted, over);
    // Down or not, each was charged: the last look found the desk again.
    let dear = asked.len() - looks(&asked) + 2 + 50;
    let credits = connection.0.dispatch.totals.credits.load(Ordering::SeqCst);
    assert_eq!(credits as usize, 3 * dear + looks(&asked) + 2);
}
