//! The connection as a whole: against a scripted server on loopback, and, where time matters, against a script in
//! place of the network with a clock that tokio moves.

use std::time::Duration;

use plugin_api::{ErrorKind, ExportError, Request};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::retry::Policy;
use super::settings::{Auth, Limits, Names, Pacing, Secret, SecretSource, Settings};
use super::{Answer, Connection, ConnectionError, Next, Queue};
use server::Server;

mod bounds;
mod faults;
mod outage;
mod pacing;
mod sample;
mod server;
mod sharing;
mod tls;
mod wire;
mod zoho;

/// In every connection's credentials here, and never to be seen.
const TOKEN: &str = "hunter2";

fn settings(url: &str, limits: Limits) -> Settings {
    Settings {
        desk: "acme".into(),
        url: url.into(),
        allow_plain_http: false,
        ca_file: None,
        auth: Auth::Bearer(SecretSource::Inline(Secret::new(TOKEN))),
        limits,
        pacing: Pacing::default(),
        search_lag: Duration::ZERO,
        names: Names::default(),
    }
}

/// As in earnest, but retries come at once.
fn impatient(limits: &Limits) -> Policy {
    Policy {
        first: Duration::from_micros(1),
        ..Policy::new(limits)
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A scripted server, and a connection to its `/api`.
struct Bench {
    server: Server,
    connection: Connection,
    cancel: CancellationToken,
    runtime: Runtime,
}

impl Bench {
    fn new<F, R>(limits: Limits, script: F) -> Self
    where
        F: Fn(server::Seen) -> R + Send + Sync + 'static,
        R: Future<Output = server::Reply> + Send + 'static,
    {
        let runtime = runtime();
        let server = Server::start(&runtime, script);
        let policy = impatient(&limits);
        let settings = settings(&format!("http://{}/api", server.address), limits);
        let connection = Connection::open_with(&settings, policy, runtime.handle().clone()).unwrap();
        Self {
            server,
            connection,
            cancel: CancellationToken::new(),
            runtime,
        }
    }

    fn queue(&self, window: usize) -> Queue {
        self.connection.queue(window, &self.cancel)
    }

    /// The outcome of one request.
    fn ask(&self, request: Request) -> Result<Answer, ExportError> {
        let mut queue = self.queue(1);
        let ticket = queue.submit(request)?;
        let Next::Done { ticket: done, result } = queue.next() else {
            panic!("a request must end")
        };
        assert_eq!(ticket, done);
        assert!(matches!(queue.next(), Next::Nothing));
        result
    }

    /// The error of one request, seen to hold no secret.
    fn refused(&self, request: Request) -> ExportError {
        let error = self.ask(request).unwrap_err();
        let shown = format!("{error} {error:?} {error:#?}");
        for secret in [TOKEN, "Bearer", "whisper"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        error
    }
}

fn opened(settings: &Settings) -> Result<(), ConnectionError> {
    let runtime = runtime();
    Connection::open(settings, runtime.handle().clone()).map(|_| ())
}

#[test]
fn a_connection_that_cannot_be_safe_is_not_opened() {
    for (url, allow, good) in [
        ("http://desk.example/api", false, false),
        ("http://desk.example/api", true, true),
        ("http://192.168.1.2", false, false),
        ("http://localhost:1/api", false, true),
        ("https://desk.example", false, true),
        ("https://me:hunter2@desk.example", true, false),
    ] {
        let settings = Settings {
            allow_plain_http: allow,
            ..settings(url, Limits::default())
        };
        match opened(&settings) {
            Ok(()) => assert!(good, "{url}"),
            Err(error) => {
                assert!(!good, "{url}: {error}");
                let shown = format!("{error} {error:?}");
                assert!(shown.contains("acme") && !shown.contains(TOKEN), "{shown}");
            }
        }
    }
}

#[test]
fn what_an_exporter_may_not_ask_is_refused_at_once() {
    let bench = Bench::new(Limits::default(), async |_| server::answer(200, &[], b"ok"));
    for request in [
        Request::get("/../admin").query("key", "whisper"),
        Request::get("https://desk.example/api/tickets"),
        Request::get("/tickets").header("Authorization", "whisper"),
        Request::get("/tickets").header("X-A", "whisper\r\nX-B: 1"),
        get_with_a_body("whisper"),
    ] {
        assert_eq!(bench.refused(request).kind, ErrorKind::Misuse);
    }
    let mut queue = bench.queue(2);
    assert!(matches!(queue.next(), Next::Nothing));
    assert_eq!(queue.submit(Request::get("/1")).unwrap(), 1);
    assert_eq!(queue.submit(Request::get("/2")).unwrap(), 2);
    assert_eq!(queue.submit(Request::get("/3")).unwrap_err().kind, ErrorKind::Misuse);
    let Next::Done { .. } = queue.next() else {
        panic!("two are queued")
    };
    assert_eq!(
        queue.submit(Request::get("/3")).unwrap(),
        3,
        "a refused request has no ticket"
    );
    assert_eq!(bench.connection.stats().retries, 0);
}

fn get_with_a_body(body: &str) -> Request {
    let mut request = Request::get("/tickets");
    request.body = Some(body.into());
    request
}
