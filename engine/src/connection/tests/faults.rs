//! Faults on the wire: what passes is fetched again, what does not is told at once.

use std::time::Duration;

use plugin_api::{ErrorKind, Request};

use super::super::settings::Limits;
use super::super::{Connection, Next};
use super::server::{Then, answer, gzip, raw};
use super::{Bench, CancellationToken, impatient, settings};

const GOOD: &[u8] = br#"{"data":[{"id":"1","subject":"A letter of some length, so that half of it can be cut off"}]}"#;

fn limits() -> Limits {
    Limits {
        idle_timeout: Duration::from_millis(100),
        max_response_bytes: 10_000,
        ..Limits::default()
    }
}

/// A body with a head that announces so many bytes of it.
fn announced(length: usize, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 X\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn bodies_that_are_not_what_they_should_be_are_fetched_again() {
    let packed = gzip(&GOOD.repeat(20));
    let cut = &packed[..packed.len() / 2];
    let mut not_utf8 = GOOD.to_vec();
    not_utf8[30] = 0xFE;
    let page = b"<html><body>Please wait</body></html>";
    let endless = [
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
        [&b"1000\r\n"[..], &[b' '; 0x1000], b"\r\n"].concat().repeat(3),
    ]
    .concat();
    let half = &GOOD[..GOOD.len() / 2];
    for (name, bytes, then, kind, tries) in [
        (
            "it stops in the middle",
            announced(GOOD.len(), "", half),
            Then::Hang,
            ErrorKind::Network,
            6,
        ),
        ("it does not end", endless, Then::Hang, ErrorKind::TooLarge, 3),
        (
            "it announces more than comes",
            announced(GOOD.len() + 7, "", GOOD),
            Then::Close,
            ErrorKind::Network,
            6,
        ),
        (
            "it announces less than comes",
            announced(GOOD.len() - 7, "", GOOD),
            Then::KeepAlive,
            ErrorKind::Decode,
            6,
        ),
        (
            "HTML",
            announced(page.len(), "", page),
            Then::KeepAlive,
            ErrorKind::Decode,
            6,
        ),
        ("nothing", announced(0, "", b""), Then::KeepAlive, ErrorKind::Decode, 6),
        (
            "half",
            announced(half.len(), "", half),
            Then::KeepAlive,
            ErrorKind::Decode,
            6,
        ),
        (
            "no UTF-8",
            announced(not_utf8.len(), "", &not_utf8),
            Then::KeepAlive,
            ErrorKind::Decode,
            6,
        ),
        (
            "cut gzip",
            announced(cut.len(), "Content-Encoding: gzip\r\n", cut),
            Then::KeepAlive,
            ErrorKind::Network,
            6,
        ),
    ] {
        let hangs = matches!(then, Then::Hang);
        let closes = matches!(then, Then::Close);
        for good_from in [3, usize::MAX] {
            let bytes = bytes.clone();
            let bench = Bench::new(limits(), move |seen| {
                let bytes = bytes.clone();
                async move {
                    if seen.number >= good_from {
                        return answer(200, &["Content-Type: application/json"], GOOD);
                    }
                    let then = match (hangs, closes) {
                        (true, _) => Then::Hang,
                        (_, true) => Then::Close,
                        _ => Then::KeepAlive,
                    };
                    raw(bytes, then)
                }
            });
            if good_from == 3 {
                let answered = bench
                    .ask(Request::get("/x"))
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(answered.body, GOOD, "{name}");
            } else {
                let error = bench.refused(Request::get("/x"));
                assert_eq!(error.kind, kind, "{name}: {error}");
                assert!(
                    error.message.contains(&format!("tried {tries} times")),
                    "{name}: {error}"
                );
            }
            assert_eq!(bench.connection.stats().tries, tries.min(good_from as u64), "{name}");
        }
    }
}

#[test]
fn html_is_no_answer_where_json_is_asked_for() {
    for (accept, tries) in [("application/json", 6), ("text/html", 1), ("*/*", 1)] {
        let bench = Bench::new(limits(), async |_| answer(200, &["Content-Type: text/html"], b"<html>"));
        let answered = bench.ask(Request::get("/x").header("Accept", accept));
        assert_eq!(answered.is_ok(), tries == 1, "{accept}");
        assert_eq!(bench.connection.stats().tries, tries, "{accept}");
    }
    // No content is as good as JSON, and what is no success is the exporter's to read.
    for (status, tries) in [(204, 1), (404, 1), (422, 1)] {
        let bench = Bench::new(limits(), move |_| async move { answer(status, &[], b"<html>") });
        let request = Request::get("/x").header("Accept", "application/json; charset=utf-8");
        assert_eq!(bench.ask(request).unwrap().status, status);
        assert_eq!(bench.connection.stats().tries, tries, "{status}");
    }
}

/// Asks once; gives the error and the tries.
fn failed(url: &str) -> (plugin_api::ExportError, u64) {
    let runtime = super::runtime();
    let policy = impatient(&Limits::default());
    let settings = settings(url, Limits::default());
    let connection = Connection::open_with(&settings, policy, runtime.handle().clone()).unwrap();
    let mut queue = connection.queue(1, &CancellationToken::new());
    queue.submit(Request::get("/x")).unwrap();
    let Next::Done { result, .. } = queue.next() else {
        panic!("it must end")
    };
    let tries = connection.stats().tries;
    runtime.shutdown_background();
    (result.unwrap_err(), tries)
}

#[test]
fn a_name_that_is_not_known_passes_as_a_failure() {
    let (error, tries) = failed("https://desk.invalid");
    assert_eq!((error.kind, tries), (ErrorKind::Network, 6), "{error}");
    assert!(
        error.message.contains("desk.invalid") && error.message.contains("is the desk up and `url` right?"),
        "{error}"
    );
}

/// Listens, and does this with each connection.
fn listen(then: fn(std::net::TcpStream)) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            then(stream);
        }
    });
    address.to_string()
}

#[test]
fn a_reset_and_a_handshake_that_is_cut_pass_as_failures() {
    use std::io::Read as _;
    // What was not read when a connection is closed resets it.
    let reset = listen(|mut stream| drop(stream.read_exact(&mut [0; 1])));
    let (error, tries) = failed(&format!("http://{reset}"));
    assert_eq!((error.kind, tries), (ErrorKind::Network, 6), "{error}");
    let (error, tries) = failed(&format!("https://{reset}"));
    assert_eq!((error.kind, tries), (ErrorKind::Network, 6), "{error}");
    let closed = listen(drop);
    let (error, tries) = failed(&format!("https://{closed}"));
    assert_eq!((error.kind, tries), (ErrorKind::Network, 6), "{error}");
    assert!(error.message.contains("no connection"), "{error}");
}

#[test]
fn a_clock_that_is_wrong_changes_no_wait() {
    // The desk's clock is a day ahead; it asks for no more than a second.
    let bench = Bench::new(limits(), |seen: super::server::Seen| async move {
        if seen.number > 1 {
            return answer(200, &[], b"ok");
        }
        let ahead = chrono::Utc::now() + chrono::TimeDelta::days(1);
        let date = |time: chrono::DateTime<chrono::Utc>| time.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let (now, until) = (date(ahead), date(ahead + chrono::TimeDelta::seconds(1)));
        answer(503, &[&format!("Date: {now}"), &format!("Retry-After: {until}")], b"")
    });
    let started = std::time::Instant::now();
    assert_eq!(bench.ask(Request::get("/x")).unwrap().status, 200);
    let took = started.elapsed();
    assert!((1.0..5.0).contains(&took.as_secs_f64()), "{took:?}");
}

#[test]
fn a_desk_whose_clock_is_behind_gives_nothing() {
    for (behind, age, good) in [
        (0, "", true),
        (3_600, "", false),
        (3_600, "Age: 3600", true),
        (-3_600, "", true),
    ] {
        let bench = Bench::new(limits(), move |_| async move {
            let date = chrono::Utc::now() - chrono::TimeDelta::seconds(behind);
            let date = format!("Date: {}", date.format("%a, %d %b %Y %H:%M:%S GMT"));
            let heads: Vec<&str> = [date.as_str(), age]
                .into_iter()
                .filter(|head| !head.is_empty())
                .collect();
            answer(200, &heads, b"ok")
        });
        for _ in 0..2 {
            match bench.ask(Request::get("/x")) {
                Ok(answer) => assert!(good && answer.status == 200, "{behind} {age}"),
                Err(error) => {
                    assert!(!good && error.kind == ErrorKind::Host, "{error}");
                    assert!(error.message.contains("60 min ahead of the desk's"), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_clock_that_is_far_ahead_is_refused() {
    let agree = |behind, lag| super::super::clocks_agree(Duration::from_secs(behind), Duration::from_secs(lag));
    for (behind, lag, good) in [
        (0, 0, true),
        (4, 0, true),
        (5, 0, false),
        (29, 60, true),
        (30, 60, false),
        (239, 300, true),
        (240, 300, false),
        (720, 300, false),
    ] {
        let agreed = agree(behind, lag);
        assert_eq!(agreed.is_ok(), good, "{behind} {lag}");
        if let Err(error) = agreed {
            let ahead = match behind {
                5 | 30 => format!("{behind} s ahead"),
                _ => format!("{} min ahead", behind / 60),
            };
            assert!(error.contains(&ahead) && error.contains("NTP"), "{error}");
        }
    }
}
