//! What goes over the wire, what is tried again, and where redirects may lead.

use plugin_api::{ErrorKind, Request};

use super::super::client;
use super::super::settings::{Limits, Settings};
use super::super::target::Base;
use super::server::{Reply, Server, Then, answer, gzip, raw};
use super::{Bench, TOKEN};

#[test]
fn a_request_and_its_answer_arrive_whole() {
    let bench = Bench::new(Limits::default(), async |_| {
        answer(
            200,
            &["X-Total: 7", "Set-Cookie: session=whisper", "Content-Encoding: gzip"],
            &gzip(b"[1,2]"),
        )
    });
    let answered = bench
        .ask(Request::get("/tickets/日本").query("q", "a+b & c").header("orgId", "5"))
        .unwrap();
    assert_eq!((answered.status, &answered.body[..]), (200, &b"[1,2]"[..]));
    assert!(answered.headers.contains(&("x-total".into(), "7".into())));
    assert!(!format!("{:?}", answered.headers).contains("whisper"));

    let body = serde_json::json!({"text": "日本\n\u{1f600}"});
    bench.ask(Request::post_json("/search", &body)).unwrap();
    let seen = bench.server.seen();
    assert_eq!(
        seen[0].line,
        "GET /api/tickets/%E6%97%A5%E6%9C%AC?q=a%2Bb%20%26%20c HTTP/1.1"
    );
    for header in [
        format!("authorization: Bearer {TOKEN}"),
        format!("user-agent: deskvault/{}", env!("CARGO_PKG_VERSION")),
        "accept-encoding: gzip".into(),
        "orgid: 5".into(),
        format!("host: {}", bench.server.address),
    ] {
        assert!(
            seen[0].headers.contains(&header),
            "{header} is not in {:?}",
            seen[0].headers
        );
    }
    assert_eq!(seen[1].line, "POST /api/search HTTP/1.1");
    assert_eq!(seen[1].body, body.to_string());
    assert!(seen[1].headers.contains(&"content-type: application/json".to_owned()));
    assert_eq!(bench.server.connections(), 1, "connections are used again");
}

/// A resolver that leads every name to where nobody listens.
struct Astray;

impl reqwest::dns::Resolve for Astray {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async { Err("led astray".into()) })
    }
}

#[test]
fn localhost_is_this_machine_whatever_a_resolver_says() {
    let runtime = super::runtime();
    let server = Server::start(&runtime, async |_| answer(200, &[], b"ok"));
    for (host, allow_plain_http, arrives) in [
        ("localhost", false, true),
        ("LocalHost", false, true),
        ("localhost", true, false),
    ] {
        let url = format!("http://{host}:{}/", server.address.port());
        let settings = Settings {
            allow_plain_http,
            ..super::settings(&url, Limits::default())
        };
        let base = Base::new(&url, allow_plain_http).unwrap();
        let builder = reqwest::Client::builder().dns_resolver(std::sync::Arc::new(Astray));
        let client = client(builder, &settings, &base).unwrap();
        let answered = runtime.block_on(async { client.get(&url).send().await });
        assert_eq!(answered.is_ok(), arrives, "{host}: {answered:?}");
    }
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for (status, headers, tries) in [
        (200, &[][..], 1),
        (204, &[], 1),
        (304, &[], 1),
        (302, &[], 1),
        (400, &[], 1),
        (401, &[], 1),
        (403, &[], 1),
        (404, &[], 1),
        (422, &[], 1),
        (501, &[], 1),
        (505, &[], 1),
        (408, &[], 6),
        (429, &[], 6),
        (429, &["Retry-After: 0"], 6),
        (429, &["Retry-After: 86400"], 1),
        (500, &[], 3),
        (502, &[], 6),
        (503, &[], 6),
        (503, &["Retry-After: 86400"], 1),
        (504, &[], 6),
    ] {
        let bench = Bench::new(
            Limits::default(),
            move |_| async move { answer(status, headers, b"why") },
        );
        let answered = bench.ask(Request::get("/x")).unwrap();
        assert_eq!(answered.status, status);
        assert_eq!(bench.server.lines().len(), tries, "{status} {headers:?}");
        assert_eq!(bench.connection.stats().retries, tries as u64 - 1);
    }
}

#[test]
fn what_breaks_off_is_fetched_again() {
    let packed = gzip(&[b'x'; 5_000]);
    let cut = &packed[..packed.len() - 12];
    let cut_gzip = [
        format!(
            "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            cut.len()
        )
        .as_bytes(),
        cut,
    ]
    .concat();
    let mut flipped = packed.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let broken_gzip = [
        format!(
            "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            flipped.len()
        )
        .as_bytes(),
        &flipped,
    ]
    .concat();
    for (name, bytes) in [
        ("nothing at all", Vec::new()),
        ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        (
            "half a body",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec(),
        ),
        (
            "half a chunk",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal".to_vec(),
        ),
        (
            "no last chunk",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_vec(),
        ),
        ("half of what was packed", cut_gzip),
        ("what was packed, damaged", broken_gzip),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
    ] {
        let first = bytes.clone();
        let bench = Bench::new(Limits::default(), move |seen| {
            let first = first.clone();
            async move {
                if seen.number < 3 {
                    raw(first, Then::Close)
                } else {
                    answer(200, &[], b"whole")
                }
            }
        });
        let answered = bench
            .ask(Request::get("/x"))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(answered.body, b"whole", "{name}");
        assert_eq!(bench.server.lines().len(), 3, "{name}");

        let bench = Bench::new(Limits::default(), move |_| {
            let bytes = bytes.clone();
            async move { raw(bytes, Then::Close) }
        });
        let error = bench.refused(Request::get("/x").query("key", "whisper"));
        assert_eq!(error.kind, ErrorKind::Network, "{name}");
        assert_eq!(bench.server.lines().len(), 6, "{name}");
        assert!(
            error.message.contains("GET /x: ") && error.message.contains("tried 6 times"),
            "{error}"
        );
        assert_eq!(bench.connection.stats().waiting_bytes, 0, "{name}");
    }
}

#[test]
fn a_desk_that_is_not_there_is_named() {
    let bench = Bench::new(Limits::default(), async |_| answer(200, &[], b""));
    let address = bench.server.address;
    let Bench {
        runtime, connection, ..
    } = bench;
    // The port was free a moment ago, and is so again once its listener is gone.
    runtime.shutdown_background();
    drop(connection);
    let runtime = super::runtime();
    while std::net::TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    let limits = Limits::default();
    let settings = super::settings(&format!("http://{address}"), limits.clone());
    let policy = super::impatient(&limits);
    let connection = super::Connection::open_with(&settings, policy, runtime.handle().clone()).unwrap();
    let mut queue = connection.queue(1, &super::CancellationToken::new());
    queue.submit(Request::get("/x")).unwrap();
    let super::Next::Done { result, .. } = queue.next() else {
        panic!("it must end")
    };
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network);
    for part in [
        "desk acme",
        &format!("http://{address}"),
        "GET /x",
        "refused",
        "is the desk up",
        "tried 6 times",
    ] {
        assert!(error.message.contains(part), "{part} is not in {error}");
    }
}

fn moved(status: u16, to: &str) -> Reply {
    answer(status, &[&format!("Location: {to}")], b"moved")
}

#[test]
fn redirects_within_the_desk_are_followed() {
    for status in [301, 302, 303, 307, 308] {
        let bench = Bench::new(Limits::default(), move |seen| async move {
            match seen.line.as_str() {
                "GET /api/old?a=1 HTTP/1.1" => moved(status, "/api/new?b=2#top"),
                _ => answer(200, &[], b"here"),
            }
        });
        assert_eq!(bench.ask(Request::get("/old").query("a", 1)).unwrap().body, b"here");
        let seen = bench.server.seen();
        assert_eq!(seen[1].line, "GET /api/new?b=2 HTTP/1.1");
        assert!(seen[1].headers.contains(&format!("authorization: Bearer {TOKEN}")));
    }
    for (status, expected) in [
        (301, None),
        (302, None),
        (303, Some(("GET /api/new HTTP/1.1", ""))),
        (307, Some(("POST /api/new HTTP/1.1", "{}"))),
        (308, Some(("POST /api/new HTTP/1.1", "{}"))),
    ] {
        let bench = Bench::new(Limits::default(), move |seen| async move {
            match seen.number {
                1 => moved(status, "new"),
                _ => answer(200, &[], b"here"),
            }
        });
        let outcome = bench.ask(Request::post_json("/old", &serde_json::json!({})));
        let seen = bench.server.seen();
        let second = seen.get(1).map(|seen| (seen.line.as_str(), seen.body.as_str()));
        assert_eq!(second, expected, "{status}");
        assert_eq!(outcome.is_ok(), expected.is_some(), "{status}");
    }
}

#[test]
fn redirects_elsewhere_are_refused_and_nobody_is_asked() {
    let other_runtime = super::runtime();
    let other = Server::start(&other_runtime, async |_| answer(200, &[], b"evil"));
    for (location, named) in [
        (
            format!("http://{}/api/x?key=whisper", other.address),
            format!("http://{}/api/x", other.address),
        ),
        (
            format!("//{}/api/x", other.address),
            format!("http://{}/api/x", other.address),
        ),
        (
            format!("http://localhost:{}/api/x", other.address.port()),
            "http://localhost:".into(),
        ),
        ("https://desk.example/api/x".into(), "https://desk.example/api/x".into()),
        ("/login?next=whisper".into(), "/login,".into()),
    ] {
        let to = location.clone();
        let bench = Bench::new(Limits::default(), move |_| {
            let to = to.clone();
            async move { moved(302, &to) }
        });
        let error = bench.refused(Request::get("/x"));
        assert_eq!((error.kind, error.status), (ErrorKind::Http, Some(302)), "{error}");
        assert!(error.message.contains(&named), "{named} is not in {error}");
        assert_eq!(bench.server.lines().len(), 1, "a refused redirect is not tried again");
    }
    assert_eq!(other.connections(), 0);

    let bench = Bench::new(Limits::default(), async |_| moved(302, "/api/round"));
    let error = bench.refused(Request::get("/x"));
    assert!(error.message.contains("more than 5 times"), "{error}");
    assert_eq!(error.status, Some(302));
    assert_eq!(bench.server.lines().len(), 6);
}
