//! Notifications from the outbox to real servers on loopback.

mod mail;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use plugin_api::Timestamp;
use tokio_util::sync::CancellationToken;

use super::message::{self, Body};
use super::{Courier, Mail, Notice, Security, Settings, Topic, Webhook, queue};
use crate::clock::Clock;
use crate::connection::settings::{Secret, SecretSource};
use crate::key::Key;
use crate::store::{Store, StoreError};

/// In the settings of every test, and never to be seen.
const SECRET: &str = "hunter2 hunter2";

/// A clock that stands still unless it is set.
struct Stopped(AtomicI64);

impl Stopped {
    fn new() -> Self {
        Self(AtomicI64::new(at().micros()))
    }

    fn set(&self, time: Timestamp) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

fn at() -> Timestamp {
    Timestamp::parse("2031-03-12T07:00:00Z").unwrap()
}

fn notice(topic: Topic) -> Notice {
    Notice {
        topic,
        desk: "main".into(),
        at: at(),
        backup: Some(12),
        state: Some("complete".into()),
        records: Some(1_234_567),
        bytes: Some(89),
        expires: Timestamp::parse("2031-03-19T07:00:00Z"),
        details: Vec::new(),
        also_to: Vec::new(),
    }
}

fn inline() -> SecretSource {
    SecretSource::Inline(Secret::new(SECRET))
}

fn hook(url: &str) -> Webhook {
    Webhook {
        url: url.into(),
        secret: Some(inline()),
        topics: Vec::new(),
        ca_file: None,
        allow_plain_http: false,
    }
}

fn post(host: &str, to: &[&str]) -> Mail {
    Mail {
        host: host.into(),
        port: None,
        security: Security::None,
        login: None,
        from: "deskvault <vault@desk.example>".into(),
        to: to.iter().map(ToString::to_string).collect(),
        topics: Vec::new(),
        timeout: Duration::from_secs(20),
        ca_file: None,
    }
}

/// A store with an outbox, and a clock.
struct Bench {
    store: Store,
    clock: Stopped,
    courier: Courier,
    cancel: CancellationToken,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = Arc::new(Key::open(folder.path()).unwrap());
        Self {
            store: Store::open(folder.path(), key).unwrap(),
            clock: Stopped::new(),
            courier: Courier::new().unwrap(),
            cancel: CancellationToken::new(),
            folder,
        }
    }

    fn queue(&self, settings: &Settings, notice: &Notice) -> usize {
        self.store
            .write(|tx| queue(tx, settings, notice))
            .map_err(|error: StoreError| error.to_string())
            .unwrap()
    }

    /// Sends what is due, and says what is due next.
    fn deliver(&self, settings: &Settings) -> Option<Timestamp> {
        self.courier
            .deliver_due(&self.store, settings, &self.clock, Duration::MAX, &self.cancel)
            .unwrap()
    }

    /// Delivers, and turns the clock to whatever is due next, until nothing is. Says how many deliveries that took.
    fn deliver_all(&self, settings: &Settings) -> u32 {
        for deliveries in 1..100 {
            match self.deliver(settings) {
                None => return deliveries,
                Some(next) => {
                    assert!(next > self.clock.now(), "{next}");
                    self.clock.set(next);
                }
            }
        }
        panic!("it is never given up")
    }

    /// How many notifications the store knows to be sent.
    fn sent(&self) -> i64 {
        let file = self.folder.path().join(crate::store::FILE);
        let database = rusqlite::Connection::open(file).unwrap();
        let sent = database.query_row("SELECT count(*) FROM outbox WHERE sent IS NOT NULL", [], |row| {
            row.get(0)
        });
        sent.unwrap()
    }

    /// Every byte that the store keeps.
    fn kept(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files
            .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect()
    }

    fn seconds_later(&self, seconds: i64) -> Timestamp {
        Timestamp::from_micros(self.clock.now().micros() + seconds * 1_000_000)
    }
}

/// Whether `needle` is somewhere in there.
fn has(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn each_who_wants_it_is_told_once() {
    let wanting = |url: &str, topics: &[Topic]| Webhook {
        topics: topics.to_vec(),
        ..hook(url)
    };
    let mut settings = Settings {
        webhooks: vec![
            wanting("https://one.example/secret", &[]),
            wanting("https://two.example/secret", &[Topic::Failed]),
            wanting("https://three.example/secret", &[Topic::Ready, Topic::LimitReached]),
            // The same once more.
            wanting("https://one.example/secret", &[]),
        ],
        mail: Some(post("mail.example", &["Aiko <aiko@desk.example>", "ben@desk.example"])),
    };
    let told = |settings: &Settings, topic, also_to: &[&str]| {
        let mut notice = notice(topic);
        notice.also_to = also_to.iter().map(ToString::to_string).collect();
        settings.channels(&notice)
    };
    let mails = |channels: &[String]| -> Vec<String> {
        channels
            .iter()
            .filter_map(|channel| channel.strip_prefix("mail:"))
            .map(str::to_owned)
            .collect()
    };
    for (topic, webhooks) in [
        (Topic::Ready, 2),
        (Topic::Failed, 2),
        (Topic::LimitReached, 2),
        (Topic::ScheduleEnded, 1),
    ] {
        let channels = told(
            &settings,
            topic,
            &["aiko@desk.example", "AIKO@desk.example", "Chiyo <chiyo@desk.example>"],
        );
        assert_eq!(
            mails(&channels),
            ["aiko@desk.example", "ben@desk.example", "chiyo@desk.example"]
        );
        assert_eq!(channels.len(), webhooks + 3, "{channels:?}");
        assert!(
            channels.iter().all(|channel| !channel.contains("secret")),
            "{channels:?}"
        );
        for channel in &channels {
            assert!(settings.target(channel).is_ok(), "{channel}");
        }
    }
    settings.mail = settings.mail.map(|mail| Mail {
        topics: vec![Topic::Failed],
        ..mail
    });
    assert_eq!(mails(&told(&settings, Topic::Failed, &[])).len(), 2);
    assert!(mails(&told(&settings, Topic::Ready, &["chiyo@desk.example"])).is_empty());
    settings.mail = None;
    assert!(mails(&told(&settings, Topic::Failed, &["chiyo@desk.example"])).is_empty());
    assert!(told(&Settings::default(), Topic::Failed, &["chiyo@desk.example"]).is_empty());
}

#[test]
fn what_is_told_comes_back_and_has_an_id_of_its_own() {
    let mut notice = notice(Topic::LimitReached);
    notice.details = vec!["Threads stopped behind row 12".into()];
    notice.also_to = vec!["aiko@desk.example".into()];
    let json = message::body(&notice);
    assert!(!json.contains("aiko"), "{json}");
    let body: Body = serde_json::from_str(&json).unwrap();
    notice.also_to.clear();
    assert_eq!(body.notice, notice);
    assert_eq!(body.id.len(), 32);
    assert_eq!(message::body(&notice), json, "told again, it is the same");
    let later = Notice {
        at: Timestamp::from_micros(at().micros() + 1),
        ..notice.clone()
    };
    assert_ne!(
        serde_json::from_str::<Body>(&message::body(&later)).unwrap().id,
        body.id
    );
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    for (key, expected) in [
        ("topic", serde_json::json!("limit_reached")),
        ("desk", serde_json::json!("main")),
        ("at", serde_json::json!("2031-03-12T07:00:00Z")),
        ("backup", serde_json::json!(12)),
        ("records", serde_json::json!(1_234_567)),
        ("details", serde_json::json!(["Threads stopped behind row 12"])),
    ] {
        assert_eq!(value[key], expected, "{json}");
    }
}

#[test]
fn an_email_says_what_happened() {
    let told = |notice: Notice| {
        let body: Body = serde_json::from_str(&message::body(&notice)).unwrap();
        (message::subject(&body.notice), message::text(&body))
    };
    for (topic, state, subject) in [
        (Topic::Ready, "complete", "[deskvault] backup of main is ready"),
        (
            Topic::Ready,
            "incomplete",
            "[deskvault] backup of main is ready, but incomplete",
        ),
        (Topic::Failed, "failed", "[deskvault] backup of main FAILED"),
        (
            Topic::LimitReached,
            "limit_reached",
            "[deskvault] backup of main came to the limit of records",
        ),
        (
            Topic::ScheduleEnded,
            "ended",
            "[deskvault] the schedule of main has ended",
        ),
    ] {
        let (said, text) = told(Notice {
            state: Some(state.into()),
            details: vec!["no connection\nBcc: all@desk.example".into(), "二つ目".into()],
            ..notice(topic)
        });
        assert_eq!(said, subject);
        for line in [
            "- no connection\\nBcc: all@desk.example",
            "- 二つ目",
            "Desk: main",
            "Backup: 12",
            "Time: 2031-03-12T07:00:00Z",
            "Records: 1234567",
            "Expires: 2031-03-19T07:00:00Z",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
    let (subject, text) = told(Notice {
        desk: format!("支援\r\nBcc: all@desk.example{}", "票".repeat(1000)),
        details: vec!["x".into(); 1000],
        ..notice(Topic::Failed)
    });
    assert!(
        !subject.contains(char::is_control) && subject.chars().count() < 200,
        "{subject}"
    );
    assert!(
        text.lines().count() < 130 && text.contains("- and 900 more"),
        "{}",
        text.lines().count()
    );
}

#[test]
fn what_nobody_receives_any_more_is_given_up() {
    let bench = Bench::new();
    let settings = Settings {
        webhooks: vec![hook("https://one.example/secret")],
        mail: Some(post("mail.example", &["aiko@desk.example"])),
    };
    assert_eq!(bench.queue(&settings, &notice(Topic::Ready)), 2);
    bench
        .store
        .write(|tx| tx.add_notice("pigeon:grey", "{}", at()))
        .map_err(|error: StoreError| error.to_string())
        .unwrap();
    assert_eq!(bench.deliver(&Settings::default()), None);
    let kept = bench.kept();
    for why in [
        "does not name its URL any more",
        "has no [mail] any more",
        "does not know such a receiver",
    ] {
        assert!(has(&kept, why), "{why}");
    }
}

#[test]
fn what_another_version_wrote_is_given_up() {
    let bench = Bench::new();
    let settings = Settings {
        webhooks: Vec::new(),
        mail: Some(post("mail.example", &[])),
    };
    bench
        .store
        .write(|tx| {
            tx.add_notice(
                "mail:aiko@desk.example",
                "{\"id\":\"x\",\"topic\":\"earthquake\"}",
                at(),
            )
        })
        .map_err(|error: StoreError| error.to_string())
        .unwrap();
    assert_eq!(bench.deliver(&settings), None);
    assert!(has(&bench.kept(), "another version of deskvault wrote it"));
}

/// A port on which nobody listens.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
