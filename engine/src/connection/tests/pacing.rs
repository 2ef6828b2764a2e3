//! What takes time, with a clock that tokio moves on whenever nothing else is to be done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plugin_api::{ErrorKind, Request};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::super::access::{Fixed, Later};
use super::super::answer::Held;
use super::super::call::Call;
use super::super::dispatch::Dispatch;
use super::super::fetch::{Fetch, Tried};
use super::super::retry::{Class, Outcome, Policy};
use super::super::settings::{Auth, Limits};
use super::super::target::Base;
use super::super::{Answer, Connection, Inner, Next, Queue};
use super::CancellationToken;

/// What the desk does with one try.
pub(super) struct Step {
    takes: Duration,
    status: u16,
    retry_after: Option<u64>,
}

/// A desk by script: it is given the request's name and how many are being answered, this one included.
struct Desk<F> {
    script: F,
    now: AtomicUsize,
}

impl<F: Fn(&str, usize) -> Step + Send + Sync> Fetch for Desk<F> {
    fn fetch<'a>(&'a self, call: &'a Call, held: &'a mut Held) -> Later<'a, Tried> {
        Box::pin(async move {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            let step = (self.script)(&call.name, now);
            tokio::time::sleep(step.takes).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            held.add(10);
            let retry_after = step.retry_after.map(Duration::from_secs);
            Tried {
                outcome: Outcome {
                    class: Class::of_status(step.status, retry_after),
                    retry_after,
                },
                result: Ok(Answer {
                    status: step.status,
                    headers: Vec::new(),
                    body: Vec::new(),
                }),
            }
        })
    }
}

pub(super) fn connect(
    in_flight: usize,
    jitter: f64,
    script: impl Fn(&str, usize) -> Step + Send + Sync + 'static,
) -> Connection {
    let desk = Desk {
        script,
        now: AtomicUsize::new(0),
    };
    connect_by(in_flight, jitter, Box::new(desk))
}

pub(super) fn connect_by(in_flight: usize, jitter: f64, desk: Box<dyn Fetch>) -> Connection {
    let limits = Limits {
        in_flight,
        ..Limits::default()
    };
    let policy = Policy::new(&limits);
    let dispatch = Dispatch::new(&limits, policy, Box::new(move || jitter), desk, Handle::current());
    Connection(Arc::new(Inner {
        base: Arc::new(Base::new("http://localhost/api", false).unwrap()),
        access: Arc::new(Fixed::read("acme", &Auth::None, Duration::ZERO, |_| None).unwrap()),
        dispatch: Arc::new(dispatch),
        zoho: None,
        in_flight: None,
        search_lag: Duration::ZERO,
        sample: None,
    }))
}

pub(super) fn step(millis: u64, status: u16) -> Step {
    Step {
        takes: Duration::from_millis(millis),
        status,
        retry_after: None,
    }
}

pub(super) async fn next(queue: &mut Queue) -> Next {
    while !queue.is_ready() {
        // Not a moment of real time.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    queue.next()
}

/// Takes everything; gives each ticket and its status.
async fn take_all(queue: &mut Queue) -> Vec<(u64, u16)> {
    let mut taken = Vec::new();
    while let Next::Done { ticket, result } = next(queue).await {
        taken.push((ticket, result.unwrap().status));
    }
    taken
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_before_the_desk_said_so() {
    let begun = Instant::now();
    let starts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&starts);
    let connection = connect(1, 0.5, move |name, _| {
        let mut seen = seen.lock().unwrap();
        seen.push((name.to_owned(), begun.elapsed().as_millis()));
        let first = seen.len() == 1;
        Step {
            retry_after: first.then_some(30),
            ..step(100, if first { 429 } else { 200 })
        }
    });
    let cancel = CancellationToken::new();
    let (mut one, mut other) = (connection.queue(5, &cancel), connection.queue(5, &cancel));
    one.submit(Request::get("/a")).unwrap();
    other.submit(Request::get("/b")).unwrap();
    assert_eq!(take_all(&mut one).await, [(1, 200)]);
    assert_eq!(take_all(&mut other).await, [(1, 200)]);
    let starts = starts.lock().unwrap();
    // The desk's 30 s, and for the request itself half of the first back-off, lest all come back at once.
    let expected = [
        ("GET /a", 0..=0),
        ("GET /b", 30_100..=30_110),
        ("GET /a", 30_600..=30_610),
    ];
    assert_eq!(starts.len(), expected.len());
    for ((name, at), (expected_name, expected_at)) in starts.iter().zip(expected) {
        assert!(name == expected_name && expected_at.contains(at), "{starts:?}");
    }
    assert_eq!(connection.stats().throttled, 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_retry_has_no_slot() {
    let begun = Instant::now();
    let ended = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ended);
    let connection = connect(1, 0.999, move |name, _| {
        seen.lock()
            .unwrap()
            .push((name.to_owned(), begun.elapsed().as_millis()));
        step(10, if name == "GET /ill" { 502 } else { 200 })
    });
    let mut queue = connection.queue(10, &CancellationToken::new());
    queue.submit(Request::get("/ill")).unwrap();
    for n in 0..5 {
        queue.submit(Request::get(format!("/{n}"))).unwrap();
    }
    let taken = take_all(&mut queue).await;
    assert_eq!(taken, [(2, 200), (3, 200), (4, 200), (5, 200), (6, 200), (1, 502)]);
    let starts: Vec<u128> = ended
        .lock()
        .unwrap()
        .iter()
        .filter(|(name, _)| name == "GET /ill")
        .map(|(_, at)| *at)
        .collect();
    // Each wait twice the one before: 1, 2, 4, 8, 16 s.
    assert_eq!(starts.len(), 6);
    for (pair, expected) in starts.windows(2).zip([1_000, 2_000, 4_000, 8_000, 16_000]) {
        let wait = pair[1] - pair[0] - 10;
        assert!(wait.abs_diff(expected) < 40, "{starts:?}");
    }
    assert_eq!((queue.stats().tries, queue.stats().retries), (11, 5));
}

#[tokio::test(start_paused = true)]
async fn a_desk_that_bears_less_is_asked_less_and_then_more_again() {
    let bears = Arc::new(AtomicUsize::new(4));
    let limit = Arc::clone(&bears);
    let connection = connect(16, 0.5, move |_, now| {
        step(50, if now > limit.load(Ordering::SeqCst) { 429 } else { 200 })
    });
    let mut queue = connection.queue(10_000, &CancellationToken::new());
    let ask = |queue: &mut Queue, number| {
        for n in 0..number {
            queue.submit(Request::get(format!("/{n}"))).unwrap();
        }
    };
    ask(&mut queue, 1_000);
    let begun = Instant::now();
    let taken = take_all(&mut queue).await;
    assert_eq!(taken.len(), 1_000);
    assert!(
        taken.iter().all(|(_, status)| *status == 200),
        "every request was answered in the end"
    );
    let stats = connection.stats();
    assert!((2..=5).contains(&stats.allowed), "{stats:?}");
    assert!(stats.throttled < 50, "{stats:?}");
    // 1,000 requests of 50 ms, 4 at a time: 12.5 s at the very least.
    let took = begun.elapsed().as_secs_f64() / 12.5;
    assert!(took < 1.25, "{took} x the least time");

    bears.store(100, Ordering::SeqCst);
    ask(&mut queue, 8_000);
    assert_eq!(take_all(&mut queue).await.len(), 8_000);
    assert_eq!(connection.stats().allowed, 16);
    assert_eq!(connection.stats().throttled, stats.throttled);
}

#[tokio::test(start_paused = true)]
async fn no_slot_is_ever_idle() {
    let connection = connect(10, 0.5, |_, _| step(50, 200));
    let cancel = CancellationToken::new();
    let mut queues: Vec<Queue> = (0..3).map(|_| connection.queue(2_000, &cancel)).collect();
    let begun = Instant::now();
    for (queue, number) in queues.iter_mut().zip([2_000, 1_500, 500]) {
        for n in 0..number {
            queue.submit(Request::get(format!("/{n}"))).unwrap();
        }
    }
    for queue in &mut queues {
        take_all(queue).await;
    }
    let ratio = begun.elapsed().as_secs_f64() / (4_000.0 * 0.050 / 10.0);
    assert!((1.0..1.05).contains(&ratio), "{ratio} x requests x latency / in flight");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_a_request() {
    let connection = connect(10, 0.5, |_, _| step(0, 200));
    let mut queue = connection.queue(20, &CancellationToken::new());
    tokio::task::yield_now().await;
    let before = Arc::strong_count(&connection.0.dispatch);
    for n in 1..=100_000 {
        queue.submit(Request::get("/x")).unwrap();
        if n > 15 {
            assert!(matches!(next(&mut queue).await, Next::Done { .. }));
        }
    }
    assert_eq!(take_all(&mut queue).await.len(), 15);
    while connection.stats().in_flight > 0 || Arc::strong_count(&connection.0.dispatch) > before {
        tokio::task::yield_now().await;
    }
    assert_eq!(connection.stats().waiting_bytes, 0);
    assert_eq!(connection.stats().tries, 100_000);
    let weak = Arc::downgrade(&connection.0);
    drop(connection);
    drop(queue);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(weak.upgrade().is_none(), "a connection goes with its last queue");
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_one_request_and_no_slot() {
    let connection = connect(1, 0.5, |name, _| {
        assert_ne!(name, "GET /bad", "as scripted");
        step(1, 200)
    });
    let mut queue = connection.queue(5, &CancellationToken::new());
    queue.submit(Request::get("/bad")).unwrap();
    queue.submit(Request::get("/good")).unwrap();
    let Next::Done { ticket: 1, result } = next(&mut queue).await else {
        panic!("the bad one ends first")
    };
    assert_eq!(result.unwrap_err().kind, ErrorKind::Host);
    assert_eq!(take_all(&mut queue).await, [(2, 200)]);
}
