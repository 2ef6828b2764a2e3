//! A Zoho Desk by script on loopback: its token endpoint, and below `/api/v1` the desk.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use plugin_api::{ErrorKind, Request};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::super::settings::{Auth, Limits, Names, Pacing, Secret, SecretSource, Settings, Terms, Zoho};
use super::super::{Answer, Connection, ConnectionError, Next};
use super::server::{Reply, Seen, Server, answer};
use super::{impatient, runtime};

/// Everything that is secret here.
const SECRETS: [&str; 3] = ["hunter2-client", "1000.refresh", "1000.access"];

const JSON: &str = "Content-Type: application/json;charset=UTF-8";
const ORGANISATIONS: &str = r#"{"data":[{"id":20077001,"companyName":"Harbour","edition":"PROFESSIONAL","isDefault":true},
    {"id":7,"companyName":"Other","edition":"FREE"}]}"#;

struct Bench {
    server: Server,
    connection: Connection,
    tokens: Arc<AtomicUsize>,
    runtime: Runtime,
    cancel: CancellationToken,
}

fn error(status: u16, code: &str) -> Reply {
    // A desk that echoes what it was sent.
    let body = format!(r#"{{"errorCode":"{code}","message":"no, {}1"}}"#, SECRETS[2]);
    answer(status, &[JSON], body.as_bytes())
}

fn settings(server: &Server, in_flight: Option<usize>, org_id: Option<&str>) -> Settings {
    let inline = |text: &str| SecretSource::Inline(Secret::new(text));
    Settings {
        desk: "acme".into(),
        url: format!("http://{}/api/v1", server.address),
        allow_plain_http: false,
        ca_file: None,
        auth: Auth::Zoho(Zoho {
            accounts_url: format!("http://{}", server.address),
            org_id: org_id.map(str::to_owned),
            client_id: inline("1000.CLIENT"),
            client_secret: inline(SECRETS[0]),
            refresh_token: inline(SECRETS[1]),
            terms: Terms { in_flight },
        }),
        limits: Limits::default(),
        pacing: Pacing::default(),
        search_lag: Duration::ZERO,
        names: Names::default(),
    }
}

impl Bench {
    /// `desk` answers all but tokens and organisations; it is given the number of the token and of the request with it.
    fn new(desk: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(desk, |_| None, None, None)
    }

    fn with(
        desk: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
        accounts: impl Fn(usize) -> Option<Reply> + Send + Sync + 'static,
        in_flight: Option<usize>,
        org_id: Option<&str>,
    ) -> Self {
        let organisations = || answer(200, &[JSON], ORGANISATIONS.as_bytes());
        Self::scripted(desk, accounts, in_flight, org_id, organisations)
    }

    fn scripted(
        desk: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
        accounts: impl Fn(usize) -> Option<Reply> + Send + Sync + 'static,
        in_flight: Option<usize>,
        org_id: Option<&str>,
        organisations: impl Fn() -> Reply + Send + Sync + 'static,
    ) -> Self {
        let runtime = runtime();
        let tokens = Arc::new(AtomicUsize::new(0));
        let given = Arc::clone(&tokens);
        let script = Arc::new(move |seen: Seen| {
            if seen.line.starts_with("POST /oauth/v2/token ") {
                assert_eq!(
                    seen.body,
                    "grant_type=refresh_token&refresh_token=1000.refresh&client_id=1000.CLIENT&client_secret=hunter2-client"
                );
                let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                let token = format!(r#"{{"access_token":"1000.access{number}","expires_in":3600}}"#);
                return accounts(number).unwrap_or_else(|| answer(200, &[JSON], token.as_bytes()));
            }
            let header = |name: &str| seen.headers.iter().find_map(|header| header.strip_prefix(name));
            let token = header("authorization: Zoho-oauthtoken 1000.access")
                .unwrap()
                .parse()
                .unwrap();
            if seen.line.starts_with("GET /api/v1/organizations ") {
                assert_eq!(header("orgid: "), None);
                return organisations();
            }
            assert!(header("orgid: ").is_some());
            desk(&seen, token)
        });
        let server = Server::start(&runtime, move |seen| {
            let script = Arc::clone(&script);
            async move { script(seen) }
        });
        let settings = settings(&server, in_flight, org_id);
        let policy = impatient(&settings.limits);
        let connection = Connection::open_with(&settings, policy, runtime.handle().clone()).unwrap();
        Self {
            server,
            connection,
            tokens,
            runtime,
            cancel: CancellationToken::new(),
        }
    }

    fn prepared(self) -> Self {
        self.connection.prepare(&self.cancel).unwrap();
        self
    }

    fn tokens(&self) -> usize {
        self.tokens.load(Ordering::SeqCst)
    }

    /// Makes so many requests at one time; gives what each came to, as text without secrets.
    fn ask(&self, count: usize, path: &str) -> Vec<Result<Answer, plugin_api::ExportError>> {
        let mut queue = self.connection.queue(count, &self.cancel);
        for _ in 0..count {
            queue.submit(Request::get(path)).unwrap();
        }
        let mut all = Vec::new();
        while let Next::Done { result, .. } = queue.next() {
            if let Err(error) = &result {
                let shown = format!("{error} {error:?}");
                assert!(SECRETS.iter().all(|secret| !shown.contains(secret)), "{shown}");
            }
            all.push(result);
        }
        all
    }
}

#[test]
fn the_organisation_and_its_edition_are_taken_from_the_desk() {
    for (org_id, in_flight, expected) in [
        (None, None, ("20077001", 15)),
        (Some("7"), None, ("7", 5)),
        (None, Some(3), ("20077001", 3)),
        (Some("7"), Some(30), ("7", 30)),
    ] {
        let bench = Bench::with(|_, _| answer(200, &[JSON], b"{}"), |_| None, in_flight, org_id).prepared();
        assert_eq!(bench.ask(1, "/tickets")[0].as_ref().unwrap().status, 200);
        let sent = bench.server.seen().pop().unwrap();
        assert!(
            sent.headers.contains(&format!("orgid: {}", expected.0)),
            "{:?}",
            sent.headers
        );
        assert_eq!(bench.connection.limit(), expected.1);
        assert_eq!(bench.connection.stats().allowed, expected.1);
        assert_eq!(bench.server.lines().len(), 3, "a token, the organisations, the request");
    }
    let bench = Bench::with(|_, _| answer(200, &[], b""), |_| None, None, Some("8"));
    let error = bench.connection.prepare(&bench.cancel).unwrap_err();
    assert!(
        matches!(&error, ConnectionError::Organisation { why, .. } if why.contains("it sees 20077001 (Harbour), 7 (Other)")),
        "{error}"
    );
}

#[test]
fn an_exporter_does_not_choose_the_organisation() {
    let bench = Bench::new(|_, _| answer(200, &[JSON], b"{}")).prepared();
    let mut queue = bench.connection.queue(1, &bench.cancel);
    for header in ["orgId", "Authorization"] {
        let refused = queue.submit(Request::get("/tickets").header(header, "7")).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Misuse);
    }
}

#[test]
fn many_refused_tokens_make_one_renewal_and_lose_nothing() {
    let bench = Bench::new(|_, token| match token {
        1 => error(401, "INVALID_OAUTH"),
        _ => answer(200, &[JSON], b"{\"data\":[]}"),
    })
    .prepared();
    let all = bench.ask(100, "/tickets");
    assert!(
        all.iter()
            .all(|one| one.as_ref().is_ok_and(|answer| answer.status == 200))
    );
    assert_eq!(bench.tokens(), 2);
    let stats = bench.connection.stats();
    assert!(stats.retries <= 15, "those that were in flight: {stats:?}");
    assert_eq!(stats.tries, 101 + stats.retries);
}

#[test]
fn what_cannot_pass_ends_at_once_and_says_what_to_do() {
    let cases: [(u16, &str, ErrorKind, &str); 2] = [
        (
            401,
            "UNAUTHORIZED",
            ErrorKind::Unauthorized,
            "does not let this user in",
        ),
        (
            403,
            "OAUTH_ORG_MISMATCH",
            ErrorKind::Unauthorized,
            "another organisation than `org_id`",
        ),
    ];
    for (status, code, kind, told) in cases {
        let bench = Bench::new(move |_, _| error(status, code)).prepared();
        let refused = bench.ask(1, "/tickets").remove(0).unwrap_err();
        assert_eq!((refused.kind, refused.status), (kind, Some(status)));
        assert!(
            refused.message.contains(told) && refused.message.contains("GET /tickets"),
            "{refused}"
        );
        assert_eq!((bench.tokens(), bench.connection.stats().retries), (1, 0));
    }
    for (status, code) in [
        (403, "SCOPE_MISMATCH"),
        (403, "FORBIDDEN"),
        (404, "URL_NOT_FOUND"),
        (422, "INVALID_DATA"),
    ] {
        let bench = Bench::new(move |_, _| error(status, code)).prepared();
        let given = bench.ask(1, "/tickets").remove(0).unwrap();
        assert_eq!(
            (given.status, bench.connection.stats().retries),
            (status, 0),
            "the exporter's to judge"
        );
        let said = String::from_utf8(given.body).unwrap();
        assert!(!bench.connection.0.access.scrub(&said).contains(SECRETS[2]));
    }
}

#[test]
fn tokens_that_are_always_refused_end_the_attempt() {
    let bench = Bench::new(|_, _| error(401, "INVALID_OAUTH")).prepared();
    for refused in bench.ask(20, "/tickets") {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unauthorized);
        assert!(refused.message.contains("new"), "{refused}");
    }
    assert!(bench.tokens() <= 4, "{} tokens", bench.tokens());
}

#[test]
fn a_refresh_token_that_is_dead_is_said_once_and_not_hammered() {
    for (body, told) in [
        (
            r#"{"error":"invalid_code"}"#,
            "the refresh token is not valid (any more): grant another with `deskvault connect`",
        ),
        (r#"{"error":"invalid_client"}"#, "check `client_id` and `client_secret`"),
    ] {
        let refuse = move |_| Some(answer(200, &[JSON], body.as_bytes()));
        let bench = Bench::with(|_, _| answer(200, &[JSON], b"{}"), refuse, None, None);
        let refused = bench.connection.prepare(&bench.cancel).unwrap_err().to_string();
        assert!(
            refused.starts_with("desk acme: GET /organizations: ") && refused.contains(told),
            "{refused}"
        );
        assert!(bench.connection.prepare(&bench.cancel).is_err());
        assert_eq!(bench.server.lines().len(), 1, "{:?}", bench.server.lines());
    }
}

#[test]
fn a_token_endpoint_that_fails_for_a_while_is_asked_again() {
    let bench = Bench::with(
        |_, _| answer(200, &[JSON], b"{}"),
        |number| match number {
            1 => Some(answer(502, &[], b"<html>bad gateway</html>")),
            2 => Some(answer(200, &[JSON], b"{\"access_token\":\"1000.acc")),
            3 => Some(answer(200, &[], b"")),
            _ => None,
        },
        None,
        None,
    )
    .prepared();
    assert_eq!(bench.ask(1, "/tickets")[0].as_ref().unwrap().status, 200);
    assert_eq!(bench.tokens(), 4);
}

#[test]
fn the_server_that_gives_no_token_is_named() {
    let elsewhere = |_| Some(answer(302, &["Location: http://127.0.0.1:9/evil"], b""));
    let bench = Bench::with(|_, _| answer(200, &[JSON], b"{}"), elsewhere, None, None);
    let refused = bench.connection.prepare(&bench.cancel).unwrap_err().to_string();
    let asked = format!(
        "POST http://{}/oauth/v2/token: it answered with 302",
        bench.server.address
    );
    assert!(refused.contains(&asked) && !refused.contains("evil"), "{refused}");
}

#[test]
fn spent_credits_are_remembered() {
    for (code, header) in [
        ("THRESHOLD_EXCEEDED", &["Retry-After: 40000"][..]),
        ("TOO_MANY_REQUESTS", &["Retry-After: 40000"]),
        ("THRESHOLD_EXCEEDED", &[]),
    ] {
        let body = format!(r#"{{"errorCode":"{code}","message":"no"}}"#);
        let bench = Bench::new(move |_, _| answer(429, header, body.as_bytes())).prepared();
        let first = bench.ask(1, "/tickets").remove(0).unwrap_err();
        let later = bench.ask(50, "/contacts").remove(0).unwrap_err();
        for error in [&first, &later] {
            assert_eq!((error.kind, error.status), (ErrorKind::Http, Some(429)));
            let when = if header.is_empty() {
                "within 24 hours"
            } else {
                "in 11 h 7 min, at 20"
            };
            assert!(error.message.contains(&format!("they return {when}")), "{error}");
            // By which exporters know that it is not about one record.
            assert!(error.message.contains(": 429 THRESHOLD_EXCEEDED ("), "{error}");
        }
        assert!(later.message.starts_with("GET /contacts: desk acme: "), "{later}");
        assert_eq!(bench.server.lines().len(), 3, "a token, the organisations, one request");
    }
}

#[test]
fn too_many_at_one_time_slow_it_down_and_lose_nothing() {
    let now = Arc::new(AtomicUsize::new(0));
    let bench = Bench::new(move |_, _| {
        let number = now.fetch_add(1, Ordering::SeqCst);
        if number.is_multiple_of(10) {
            error(429, "TOO_MANY_REQUESTS")
        } else {
            answer(200, &[JSON], b"{}")
        }
    })
    .prepared();
    let all = bench.ask(200, "/tickets");
    assert!(
        all.iter()
            .all(|one| one.as_ref().is_ok_and(|answer| answer.status == 200))
    );
    let stats = bench.connection.stats();
    assert!(stats.throttled >= 20 && stats.allowed < 15, "{stats:?}");
}

#[test]
fn places_that_others_hold_for_a_while_are_waited_for() {
    let count = AtomicUsize::new(0);
    let bench = Bench::new(move |_, _| match count.fetch_add(1, Ordering::SeqCst) {
        0..11 => error(429, "TOO_MANY_REQUESTS"),
        _ => answer(200, &[JSON], b"{}"),
    })
    .prepared();
    assert_eq!(bench.ask(1, "/tickets")[0].as_ref().unwrap().status, 200);
    let bench = Bench::new(|_, _| error(429, "TOO_MANY_REQUESTS")).prepared();
    assert_eq!(bench.ask(1, "/tickets")[0].as_ref().unwrap().status, 429);
    assert_eq!(bench.connection.stats().retries, 11, "but not for ever");
}

#[test]
fn who_may_not_see_the_organisation_can_name_it() {
    for (code, lacking) in [
        ("SCOPE_MISMATCH", "the scope Desk.basic.READ is missing, "),
        ("FORBIDDEN", "the profile of who granted access may not read"),
    ] {
        let prepared = |org_id| {
            let accounts = |_| None;
            let bench = Bench::scripted(
                |_, _| answer(200, &[JSON], b"{}"),
                accounts,
                None,
                org_id,
                move || error(403, code),
            );
            let prepared = bench.connection.prepare(&bench.cancel);
            let source = settings(&bench.server, None, org_id).source(&bench.connection);
            prepared.map(|()| (bench.connection.limit(), source))
        };
        // As it is called by who may see it, so that a backup goes on when the scope is granted meanwhile.
        assert_eq!(prepared(Some("9")).unwrap(), (5, "the organisation 9".to_owned()));
        let unclear = prepared(None).unwrap_err().to_string();
        assert!(
            unclear.contains(lacking) && unclear.contains("or set `org_id`"),
            "{unclear}"
        );
    }
    let bench = Bench::scripted(
        |_, _| answer(200, &[JSON], b"{}"),
        |_| None,
        None,
        Some("9"),
        || answer(404, &[], b"<html>"),
    );
    let failed = bench.connection.prepare(&bench.cancel).unwrap_err().to_string();
    let address = bench.server.address;
    assert!(
        failed.starts_with(&format!("desk acme: http://{address}: GET /organizations: 404 without")),
        "{failed}"
    );
}

#[test]
fn a_body_that_is_not_what_it_should_be_is_asked_for_again() {
    let bad: [&[u8]; 4] = [b"<html>busy</html>", b"{\"data\":[{\"id\":", b"{\"a\":\"\xff\"}", b""];
    for body in bad {
        let count = AtomicUsize::new(0);
        let bench = Bench::new(move |_, _| match count.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => answer(200, &[JSON], body),
            _ => answer(200, &[JSON], b"{\"data\":[]}"),
        })
        .prepared();
        let given = bench.ask(1, "/tickets").remove(0).unwrap();
        assert_eq!(
            (given.body.as_slice(), bench.connection.stats().retries),
            (&b"{\"data\":[]}"[..], 2)
        );

        let bench = Bench::new(move |_, _| answer(200, &[], body)).prepared();
        let refused = bench.ask(1, "/tickets").remove(0).unwrap_err();
        assert_eq!((refused.kind, refused.status), (ErrorKind::Decode, Some(200)));
        assert!(refused.message.contains("tried 6 times"), "{refused}");
        // What an attachment holds is nobody's business.
        let given = bench.ask(1, "/tickets/1/attachments/2/content").remove(0).unwrap();
        assert_eq!(given.body, body);
    }
    let bench = Bench::new(|_, _| answer(404, &[], b"<html>not here</html>")).prepared();
    let refused = bench.ask(1, "/tickets/1").remove(0).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Decode, "a proxy's 404 is no deleted record");
}

#[test]
fn credits_are_counted() {
    let left = AtomicUsize::new(1000);
    let bench = Bench::new(move |seen, _| {
        if seen.line.contains("/free") {
            return answer(204, &[], b"");
        }
        let left = left.fetch_sub(3, Ordering::SeqCst) - 3;
        let left = format!("X-Rate-Limit-Remaining-v3: {left}");
        answer(200, &[JSON, "X-Rate-Limit-Request-Weight-v3: 3", &left], b"{}")
    })
    .prepared();
    assert_eq!(bench.connection.stats().credits, None);
    assert_eq!(bench.ask(1, "/free")[0].as_ref().unwrap().status, 204);
    assert_eq!(bench.connection.stats().credits, None);
    bench.ask(40, "/tickets");
    let credits = bench.connection.stats().credits.unwrap();
    assert_eq!((credits.spent, credits.left), (120, Some(880)));
}

#[test]
fn a_cancelled_backup_does_not_wait_for_a_token() {
    let bench = Bench::with(
        |_, _| answer(200, &[JSON], b"{}"),
        |_| {
            Some(Reply {
                bytes: Vec::new(),
                then: super::server::Then::Hang,
            })
        },
        None,
        None,
    );
    let cancel = bench.cancel.clone();
    let tokens = Arc::clone(&bench.tokens);
    bench.runtime.spawn(async move {
        while tokens.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    });
    let error = bench.connection.prepare(&bench.cancel).unwrap_err();
    assert!(matches!(error, ConnectionError::Cancelled { .. }), "{error}");
}

#[test]
fn a_code_is_not_waited_for_once_it_is_cancelled() {
    use super::super::zoho::connect::{ConnectError, exchange};
    let runtime = runtime();
    let cancel = CancellationToken::new();
    let asked = cancel.clone();
    let server = Server::start(&runtime, move |_| {
        asked.cancel();
        async {
            Reply {
                bytes: Vec::new(),
                then: super::server::Then::Hang,
            }
        }
    });
    let settings = settings(&server, None, None);
    let Auth::Zoho(zoho) = &settings.auth else {
        panic!("it is a Zoho Desk")
    };
    let given = exchange(&settings, zoho, "1000.code", runtime.handle(), &cancel);
    assert!(matches!(
        given.err(),
        Some(ConnectError::Connection(ConnectionError::Cancelled { .. }))
    ));
}
