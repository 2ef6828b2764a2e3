//! Webhooks: against a real HTTP server.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use plugin_api::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::super::wait::{REFUSED_TRIES, TRIES};
use super::{Bench, SECRET, Settings, Topic, Webhook, at, closed_port, has, hook, notice, write};
use crate::clock::Clock as _;
use crate::connection::settings::SecretSource;

/// A request as it came in.
#[derive(Clone, Debug)]
struct Seen {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// What the server does with the request of this number, from 1.
enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    Never,
}

struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// It serves while this lives.
    _runtime: Runtime,
}

impl Server {
    fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, script) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::new(script));
        let all = Arc::clone(&seen);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (all, script) = (Arc::clone(&all), Arc::clone(&script));
                let service = service_fn(move |request| answer(request, Arc::clone(&all), Arc::clone(&script)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            address,
            seen,
            _runtime: runtime,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/hooks/T0/whisper?x=1", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    all: Arc<Mutex<Vec<Seen>>>,
    script: Arc<impl Fn(usize) -> Reply>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let headers = request.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let line = format!("{} {}", request.method(), request.uri());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let number = {
        let mut all = all.lock().unwrap();
        all.push(Seen {
            line,
            headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        });
        all.len()
    };
    let builder = match script(number) {
        Reply::Status(status) => Response::builder().status(status),
        Reply::With(status, name, value) => Response::builder().status(status).header(name, value),
        Reply::Never => std::future::pending().await,
    };
    Ok(builder.body(Full::new(Bytes::from_static(b"thank you"))).unwrap())
}

fn to(url: &str) -> Settings {
    Settings {
        webhooks: vec![hook(url)],
        mail: None,
    }
}

/// HMAC-SHA-256 as RFC 2104 has it, by nothing but the hash.
fn hmac(key: &[u8], message: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize();
    crate::archive::Digest(outer.into()).to_string()
}

#[test]
fn it_is_sent_once_and_signed() {
    let bench = Bench::new();
    let server = Server::start(|_| Reply::Status(204));
    let settings = to(&server.url());
    bench.queue(&settings, &notice(Topic::Ready));
    bench.clock.set(bench.seconds_later(3));
    assert_eq!(bench.deliver(&settings), None);
    assert_eq!(bench.deliver(&settings), None, "and not again");
    let [seen] = &server.seen()[..] else {
        panic!("{:?}", server.seen())
    };
    assert_eq!(seen.line, "POST /hooks/T0/whisper?x=1");
    let header = |name: &str| seen.headers.get(name).map_or("", String::as_str);
    assert_eq!(header("content-type"), "application/json");
    let timestamp = (at().micros() / 1_000_000 + 3).to_string();
    assert_eq!(header("x-deskvault-timestamp"), timestamp);
    let signature = hmac(SECRET.as_bytes(), format!("{timestamp}.{}", seen.body).as_bytes());
    assert_eq!(header("x-deskvault-signature"), format!("v1={signature}"));
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["id"], header("x-deskvault-id"));
    assert_eq!((&body["topic"], &body["desk"]), (&"ready".into(), &"main".into()));
    let kept = bench.kept();
    assert!(
        !has(&kept, SECRET) && !has(&kept, "whisper"),
        "the store keeps a secret"
    );
}

#[test]
fn it_is_sent_again_until_it_arrives() {
    let bench = Bench::new();
    let server = Server::start(|number| match number {
        1 => Reply::Status(500),
        2 => Reply::With(503, "retry-after", "7200".into()),
        3 => Reply::Status(429),
        4 => Reply::Status(408),
        5 => Reply::Status(425),
        _ => Reply::Status(200),
    });
    let settings = to(&server.url());
    bench.queue(&settings, &notice(Topic::Failed));
    let mut waits = Vec::new();
    while let Some(next) = bench.deliver(&settings) {
        // Not a moment too early.
        let known = server.seen().len();
        bench.clock.set(Timestamp::from_micros(next.micros() - 1));
        assert_eq!(bench.deliver(&settings), Some(next));
        assert_eq!(server.seen().len(), known);
        waits.push(next.micros());
        bench.clock.set(next);
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 6);
    assert_eq!(waits.len(), 5);
    let asked = (waits[1] - waits[0]) / 1_000_000;
    assert_eq!(asked, 7200, "the server asked to wait two hours");
    // The same notification each time, each time signed for its moment.
    for seen in &seen {
        assert_eq!(seen.body, server.seen()[0].body);
        let timestamp = &seen.headers["x-deskvault-timestamp"];
        let signature = hmac(SECRET.as_bytes(), format!("{timestamp}.{}", seen.body).as_bytes());
        assert_eq!(seen.headers["x-deskvault-signature"], format!("v1={signature}"));
    }
    assert_ne!(
        seen[0].headers["x-deskvault-timestamp"],
        seen[5].headers["x-deskvault-timestamp"]
    );
}

#[test]
fn who_does_not_want_it_is_asked_few_times() {
    for status in [400, 401, 403, 404, 410, 413, 422] {
        let bench = Bench::new();
        let server = Server::start(move |_| Reply::Status(status));
        let settings = to(&server.url());
        bench.queue(&settings, &notice(Topic::Failed));
        assert_eq!(bench.deliver_all(&settings), REFUSED_TRIES, "{status}");
        assert_eq!(server.seen().len(), REFUSED_TRIES as usize);
        assert!(has(
            &bench.kept(),
            &format!("refuses the notification with status {status}")
        ));
    }
}

#[test]
fn no_redirect_is_followed() {
    let elsewhere = Server::start(|_| Reply::Status(200));
    for status in [301, 302, 303, 307, 308] {
        let bench = Bench::new();
        let location = elsewhere.url();
        let server = Server::start(move |_| Reply::With(status, "location", location.clone()));
        let settings = to(&server.url());
        bench.queue(&settings, &notice(Topic::Failed));
        assert_eq!(bench.deliver_all(&settings), REFUSED_TRIES, "{status}");
        assert!(has(&bench.kept(), "no redirect is followed"));
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
}

#[test]
fn who_is_not_there_is_asked_for_a_day() {
    let bench = Bench::new();
    let settings = to(&format!("http://127.0.0.1:{}/whisper", closed_port()));
    bench.queue(&settings, &notice(Topic::Failed));
    assert_eq!(bench.deliver_all(&settings), TRIES);
    let hours = (bench.clock.now().micros() - at().micros()) as f64 / 3.6e9;
    assert!((17.0..30.0).contains(&hours), "{hours}");
    let kept = bench.kept();
    assert!(has(&kept, "no connection") && !has(&kept, "whisper"));
}

#[test]
fn a_silent_receiver_holds_up_no_other_and_is_broken_off() {
    let bench = Bench::new();
    let silent = Server::start(|_| Reply::Never);
    let good = Server::start(|_| Reply::Status(200));
    let settings = Settings {
        webhooks: vec![hook(&silent.url()), hook(&good.url())],
        mail: None,
    };
    bench.queue(&settings, &notice(Topic::Failed));
    let started = Instant::now();
    let cancel = CancellationToken::new();
    std::thread::scope(|scope| {
        let (bench, settings, token) = (&bench, &settings, cancel.clone());
        let delivery = scope.spawn(move || {
            bench
                .courier
                .deliver_due(&bench.store, settings, &bench.clock, Duration::MAX, &token)
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        // That it was seen is not enough: the answer may still be under way, and then it would be sent again.
        while bench.sent() == 0 || silent.seen().is_empty() {
            assert!(Instant::now() < deadline, "{:?} {:?}", good.seen(), silent.seen());
            std::thread::yield_now();
        }
        assert!(!delivery.is_finished());
        cancel.cancel();
        let next = delivery.join().unwrap().unwrap();
        assert!(next.is_some_and(|next| next > at()), "{next:?}");
    });
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    // Only the one that was broken off is sent again.
    bench.clock.set(bench.seconds_later(60));
    let next = bench
        .courier
        .deliver_due(
            &bench.store,
            &settings,
            &bench.clock,
            Duration::from_millis(300),
            &bench.cancel,
        )
        .unwrap();
    assert!(next.is_some());
    assert_eq!((good.seen().len(), silent.seen().len()), (1, 2));
    assert!(has(&bench.kept(), "broken off"));
}

#[test]
fn a_claim_that_nobody_came_back_from_ends() {
    let bench = Bench::new();
    let server = Server::start(|_| Reply::Status(200));
    let settings = to(&server.url());
    bench.queue(&settings, &notice(Topic::Failed));
    // As a process does that is killed before it has sent it.
    let until = bench.seconds_later(90);
    let claimed = bench
        .store
        .write(|tx| tx.claim_notices(at(), until, 8))
        .unwrap_or_else(|error: crate::store::StoreError| panic!("{error}"));
    assert_eq!(claimed.len(), 1);
    assert_eq!(bench.deliver(&settings), Some(until));
    assert!(server.seen().is_empty(), "somebody else has it");
    bench.clock.set(until);
    assert_eq!(bench.deliver(&settings), None);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn many_are_sent_all() {
    let bench = Bench::new();
    let server = Server::start(|_| Reply::Status(200));
    let settings = to(&server.url());
    for second in 0..50 {
        let mut notice = notice(Topic::Ready);
        notice.at = Timestamp::from_micros(at().micros() - second);
        bench.queue(&settings, &notice);
    }
    assert_eq!(bench.deliver(&settings), None);
    let mut ids: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| seen.headers["x-deskvault-id"].clone())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), server.seen().len()), (50, 50));
}

#[test]
fn what_is_configured_wrongly_is_said_and_waits_to_be_mended() {
    let server = Server::start(|_| Reply::Status(200));
    let folder = tempfile::tempdir().unwrap();
    let good = hook(&server.url());
    let secret = write(folder.path(), "secret", "");
    for (webhook, why) in [
        (
            Webhook {
                secret: Some(SecretSource::File(secret.clone())),
                ..good.clone()
            },
            "is empty",
        ),
        (
            Webhook {
                secret: Some(SecretSource::Env("DESKVAULT_NOT_SET".into())),
                ..good.clone()
            },
            "the environment variable DESKVAULT_NOT_SET is not set",
        ),
        (hook("http://hooks.example/whisper"), "plain http"),
        (hook("hooks"), "no URL"),
        (
            Webhook {
                ca_file: Some(folder.path().join("missing.pem")),
                ..hook("https://127.0.0.1:1/whisper")
            },
            "missing.pem cannot be read",
        ),
    ] {
        let bench = Bench::new();
        let settings = Settings {
            webhooks: vec![webhook.clone()],
            mail: None,
        };
        bench.queue(&settings, &notice(Topic::Failed));
        assert!(bench.deliver(&settings).is_some_and(|next| next > at()), "{why}");
        let kept = bench.kept();
        assert!(has(&kept, why) && !has(&kept, "whisper"), "{why}");
        assert!(server.seen().is_empty());
    }
    // Mended, it goes out.
    let bench = Bench::new();
    let settings = Settings {
        webhooks: vec![Webhook {
            secret: Some(SecretSource::File(secret.clone())),
            ..good
        }],
        mail: None,
    };
    bench.queue(&settings, &notice(Topic::Failed));
    let next = bench.deliver(&settings).unwrap();
    std::fs::write(&secret, "another secret\n").unwrap();
    bench.clock.set(next);
    assert_eq!(bench.deliver(&settings), None);
    let seen = server.seen();
    let message = format!("{}.{}", seen[0].headers["x-deskvault-timestamp"], seen[0].body);
    let signature = hmac(b"another secret", message.as_bytes());
    assert_eq!(seen[0].headers["x-deskvault-signature"], format!("v1={signature}"));
}

#[test]
fn without_a_secret_it_is_not_signed() {
    let bench = Bench::new();
    let server = Server::start(|_| Reply::Status(200));
    let settings = Settings {
        webhooks: vec![Webhook {
            secret: None,
            ..hook(&server.url())
        }],
        mail: None,
    };
    bench.queue(&settings, &notice(Topic::Failed));
    assert_eq!(bench.deliver(&settings), None);
    assert!(!server.seen()[0].headers.contains_key("x-deskvault-signature"));
}
