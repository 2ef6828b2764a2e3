//! Size, time, and an end at any moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plugin_api::{ErrorKind, Request};
use tokio::sync::Semaphore;

use super::super::Next;
use super::super::settings::Limits;
use super::Bench;
use super::server::{Then, answer, gzip, raw};

#[test]
fn answers_beyond_the_limit_are_dropped_unread() {
    let limits = Limits {
        max_response_bytes: 100_000,
        ..Limits::default()
    };
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000, "what is packed is within the limit");
    let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".iter().copied();
    let chunks: Vec<u8> = chunks
        .chain(
            b"8000\r\n"
                .iter()
                .chain(&vec![b'x'; 0x8000])
                .chain(b"\r\n")
                .copied()
                .cycle()
                .take(1 << 20),
        )
        .collect();
    for (name, reply) in [
        // Announced, and never sent: waiting for it would take until the time-out. It would be as large again.
        (
            "announced",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\nx", Then::Hang),
        ),
        (
            "announced beyond any memory",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx", Then::Hang),
        ),
        ("chunked", raw(chunks, Then::Hang)),
        ("unpacked", answer(200, &["Content-Encoding: gzip"], &bomb)),
    ] {
        let bytes = reply.bytes;
        let hangs = matches!(reply.then, Then::Hang);
        let bench = Bench::new(limits.clone(), move |_| {
            let bytes = bytes.clone();
            async move { raw(bytes, if hangs { Then::Hang } else { Then::KeepAlive }) }
        });
        let error = bench.refused(Request::get("/big"));
        assert_eq!(error.kind, ErrorKind::TooLarge, "{name}: {error}");
        assert!(
            error.message.contains("GET /big")
                && error
                    .message
                    .contains("larger than 100 kB: ask for less at a time, or raise `max_response`"),
            "{error}"
        );
        // One that did not say so may only not have ended.
        let tries = if name.starts_with("announced") { 1 } else { 3 };
        assert_eq!(bench.server.lines().len(), tries, "{name}");
        assert_eq!(bench.connection.stats().waiting_bytes, 0, "{name}");
        assert!(
            bench.connection.stats().received_bytes <= 100_000 * tries as u64,
            "{name}"
        );
    }
    let bench = Bench::new(limits, async |_| {
        answer(200, &["Content-Encoding: gzip"], &gzip(&vec![7; 100_000]))
    });
    assert_eq!(bench.ask(Request::get("/just")).unwrap().body, vec![7; 100_000]);
}

#[test]
fn a_packing_that_was_not_offered_is_named() {
    let bench = Bench::new(Limits::default(), async |_| {
        answer(200, &["Content-Encoding: br"], b"\x1b")
    });
    let error = bench.refused(Request::get("/x"));
    assert_eq!(error.kind, ErrorKind::Decode);
    assert!(error.message.contains("br"), "{error}");
}

#[test]
fn an_answer_that_does_not_end_is_broken_off_and_fetched_again() {
    let limits = Limits {
        request_timeout: Duration::from_millis(40),
        attempts: 3,
        ..Limits::default()
    };
    for bytes in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nslow"] {
        let bench = Bench::new(limits.clone(), move |_| async move { raw(bytes, Then::Hang) });
        let error = bench.refused(Request::get("/slow"));
        assert_eq!(error.kind, ErrorKind::Network);
        assert!(
            error.message.contains("within 0.04 s") && error.message.contains("tried 3 times"),
            "{error}"
        );
        assert_eq!(bench.server.lines().len(), 3);
        assert_eq!(bench.connection.stats().in_flight, 0);
    }
}

#[test]
fn cancelling_wakes_whoever_waits() {
    let bench = Bench::new(Limits::default(), async |_| raw("", Then::Hang));
    let mut queue = bench.queue(100);
    for _ in 0..100 {
        queue.submit(Request::get("/x")).unwrap();
    }
    let cancel = bench.cancel.clone();
    let meter = queue.meter();
    let begun = Instant::now();
    let waiting = std::thread::spawn(move || (queue.next(), queue));
    while meter.stats().tries < 10 {
        std::thread::yield_now();
    }
    cancel.cancel();
    let (next, mut queue) = waiting.join().unwrap();
    assert!(matches!(next, Next::Cancelled), "{next:?}");
    assert!(begun.elapsed() < Duration::from_secs(30), "long before any time-out");
    assert!(matches!(queue.next(), Next::Cancelled));
    assert_eq!(queue.submit(Request::get("/x")).unwrap_err().kind, ErrorKind::Cancelled);
    while bench.connection.stats().in_flight > 0 {
        std::thread::yield_now();
    }
    assert_eq!(
        bench.connection.stats().tries,
        10,
        "what was queued is not started any more"
    );
}

#[test]
fn a_dropped_queue_leaves_its_slots_to_the_others() {
    let gate = Arc::new(Semaphore::new(0));
    let inner = Arc::clone(&gate);
    let bench = Bench::new(Limits::default(), move |seen| {
        let gate = Arc::clone(&inner);
        async move {
            if seen.line.contains("/held") {
                gate.acquire().await.unwrap().forget();
            }
            answer(200, &[], &[b'x'; 1000])
        }
    });
    let mut dropped = bench.queue(50);
    for _ in 0..3 {
        dropped.submit(Request::get("/quick")).unwrap();
    }
    while bench.connection.stats().waiting_bytes < 3000 {
        std::thread::yield_now();
    }
    for _ in 0..40 {
        dropped.submit(Request::get("/held")).unwrap();
    }
    drop(dropped);
    for _ in 0..20 {
        assert_eq!(bench.ask(Request::get("/quick")).unwrap().status, 200);
    }
    while bench.connection.stats().in_flight > 0 {
        std::thread::yield_now();
    }
    assert_eq!(
        bench.connection.stats().waiting_bytes,
        0,
        "untaken answers are off the account"
    );
    assert!(
        bench.connection.stats().tries <= 33,
        "what was queued is not started any more"
    );
}

#[test]
fn a_runtime_that_goes_leaves_no_one_waiting() {
    let bench = Bench::new(Limits::default(), async |_| raw("", Then::Hang));
    let mut queue = bench.queue(30);
    for _ in 0..30 {
        queue.submit(Request::get("/x")).unwrap();
    }
    let Bench { runtime, .. } = bench;
    runtime.shutdown_background();
    for _ in 0..30 {
        let next = queue.next();
        let Next::Done { result: Err(error), .. } = next else {
            panic!("{next:?}")
        };
        assert_eq!(error.kind, ErrorKind::Host);
    }
    assert!(matches!(queue.next(), Next::Nothing));
    assert_eq!(queue.submit(Request::get("/x")).unwrap_err().kind, ErrorKind::Host);
}
