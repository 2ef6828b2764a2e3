//! Slots and memory, shared by the exporters of a desk.

use std::sync::Arc;
use std::time::Duration;

use plugin_api::Request;
use tokio::sync::{Barrier, Semaphore};

use super::super::settings::Limits;
use super::super::{Next, Queue};
use super::Bench;
use super::server::answer;

fn submit(queue: &mut Queue, path: &str, number: usize) {
    for n in 0..number {
        queue.submit(Request::get(format!("{path}/{n}"))).unwrap();
    }
}

/// Takes everything; gives the tickets in the order of their ends.
fn take_all(queue: &mut Queue) -> Vec<u64> {
    let mut tickets = Vec::new();
    loop {
        match queue.next() {
            Next::Done { ticket, result } => {
                assert_eq!(result.unwrap().status, 200);
                tickets.push(ticket);
            }
            Next::Nothing => return tickets,
            Next::Cancelled => panic!("nobody cancelled"),
        }
    }
}

#[test]
fn the_allowed_number_is_reached_and_never_exceeded() {
    // No answer is given before 7 requests are there: with fewer in flight nothing would move.
    let all_there = Arc::new(Barrier::new(7));
    let limits = Limits {
        in_flight: 7,
        ..Limits::default()
    };
    let bench = Bench::new(limits, move |_| {
        let all_there = Arc::clone(&all_there);
        async move {
            let met = tokio::time::timeout(Duration::from_secs(20), all_there.wait()).await;
            answer(if met.is_ok() { 200 } else { 418 }, &[], b"x")
        }
    });
    std::thread::scope(|scope| {
        for path in ["/a", "/b"] {
            let mut queue = bench.queue(49);
            scope.spawn(move || {
                submit(&mut queue, path, 49);
                let mut tickets = take_all(&mut queue);
                tickets.sort_unstable();
                assert_eq!(tickets, (1..=49).collect::<Vec<_>>(), "each once");
                assert_eq!(queue.stats().tries, 49);
                assert_eq!(queue.stats().received_bytes, 49);
            });
        }
    });
    assert_eq!(bench.server.peak(), 7);
    assert_eq!(bench.connection.stats().tries, 98);
    assert_eq!(bench.connection.stats().in_flight, 0);
}

#[test]
fn two_exporters_share_fairly_and_finish_in_any_order() {
    let (gate, last) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (each, first_of_all) = (Arc::clone(&gate), Arc::clone(&last));
    let limits = Limits {
        in_flight: 6,
        ..Limits::default()
    };
    let bench = Bench::new(limits, move |seen| {
        let gate = Arc::clone(if seen.line.contains("/api/a/0 ") {
            &first_of_all
        } else {
            &each
        });
        async move {
            gate.acquire().await.unwrap().forget();
            answer(200, &[], b"x")
        }
    });
    let wait_for = |number: usize| {
        while bench.server.lines().len() < number {
            std::thread::yield_now();
        }
    };
    let (mut first, mut second) = (bench.queue(100), bench.queue(100));
    submit(&mut first, "/a", 40);
    wait_for(6);
    submit(&mut second, "/b", 40);
    assert_eq!(first.stats().in_flight, 6);
    // One slot after the other comes free. The late-comer gets them until both have as many.
    for freed in 1..=3 {
        gate.add_permits(1);
        wait_for(6 + freed);
    }
    let started = bench.server.lines();
    assert!(started[..6].iter().all(|line| line.contains("/api/a/")), "{started:?}");
    assert!(started[6..9].iter().all(|line| line.contains("/api/b/")), "{started:?}");
    for freed in 4..=40 {
        gate.add_permits(1);
        wait_for(6 + freed);
        let (a, b) = (first.stats().in_flight, second.stats().in_flight);
        assert!(a.abs_diff(b) <= 1 && a + b <= 6, "{a} and {b}");
    }
    gate.add_permits(1_000);
    while bench.connection.stats().in_flight > 1 {
        std::thread::yield_now();
    }
    last.add_permits(1);
    let tickets = take_all(&mut first);
    assert_eq!(tickets.len(), 40);
    assert_eq!(tickets[39], 1, "the first to be submitted was the last to finish");
    assert_eq!(take_all(&mut second).len(), 40);
}

#[test]
fn untaken_answers_stop_their_own_exporter_and_no_other() {
    let limits = Limits {
        in_flight: 2,
        max_waiting_bytes: 10_000,
        ..Limits::default()
    };
    let bench = Bench::new(limits, async |_| answer(200, &[], &[b'x'; 4_000]));
    let asked = |path: &str| bench.server.lines().iter().filter(|line| line.contains(path)).count();
    let (mut lazy, mut busy) = (bench.queue(20), bench.queue(20));
    submit(&mut lazy, "/lazy", 20);
    while bench.connection.stats().waiting_bytes <= 10_000 || bench.connection.stats().in_flight > 0 {
        std::thread::yield_now();
    }
    // Three answers are over the bound; a fourth may have been in flight.
    assert!((3..=4).contains(&asked("/lazy")), "{}", asked("/lazy"));
    submit(&mut busy, "/busy", 20);
    assert_eq!(take_all(&mut busy).len(), 20);
    assert!((3..=4).contains(&asked("/lazy")), "{}", asked("/lazy"));
    assert_eq!(take_all(&mut lazy).len(), 20);
    assert_eq!(bench.connection.stats().waiting_bytes, 0);
}

#[test]
fn answers_larger_than_all_room_still_come() {
    let limits = Limits {
        max_waiting_bytes: 0,
        ..Limits::default()
    };
    let bench = Bench::new(limits, async |_| answer(200, &[], &vec![b'x'; 500_000]));
    std::thread::scope(|scope| {
        for path in ["/a", "/b", "/c"] {
            let mut queue = bench.queue(30);
            scope.spawn(move || {
                submit(&mut queue, path, 30);
                assert_eq!(take_all(&mut queue).len(), 30);
            });
        }
    });
}

#[test]
fn what_an_exporter_waits_for_comes_before_what_it_submitted_ahead() {
    let gate = Arc::new(Semaphore::new(0));
    let each = Arc::clone(&gate);
    let limits = Limits {
        in_flight: 2,
        ..Limits::default()
    };
    let bench = Bench::new(limits, move |_| {
        let gate = Arc::clone(&each);
        async move {
            gate.acquire().await.unwrap().forget();
            answer(200, &[], b"x")
        }
    });
    let mut queue = bench.queue(100);
    submit(&mut queue, "/ahead", 40);
    while bench.server.lines().len() < 2 {
        std::thread::yield_now();
    }
    let mut waited_for = Request::get("/now");
    waited_for.first = true;
    queue.submit(waited_for).unwrap();
    // One slot comes free, and with it one request gets out; of two, the server might hear the later one first.
    gate.add_permits(1);
    while bench.server.lines().len() < 3 {
        std::thread::yield_now();
    }
    let third = bench.server.lines().swap_remove(2);
    assert!(third.contains("/api/now "), "{third}");
    gate.add_permits(1_000);
    assert_eq!(take_all(&mut queue).len(), 41);
}
