//! E-mail: against a real SMTP server, Python's aiosmtpd. Where that is not installed these tests say so and pass.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::wait::{REFUSED_TRIES, TRIES};
use super::{Bench, Mail, SECRET, Security, Settings, Topic, at, closed_port, has, inline, notice, post, write};

/// How long a message may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    port: u16,
    lines: Receiver<String>,
    child: Child,
    input: Option<ChildStdin>,
}

impl Server {
    /// Starts one as `mail_server.py` says; none where it cannot run.
    fn start(wanted: &Value) -> Option<Self> {
        let found = Command::new("python3")
            .args(["-c", "import aiosmtpd.smtp"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            println!("skipped: python3 has no aiosmtpd here");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/notify/tests/mail_server.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg(wanted.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                if send.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let port = lines.recv_timeout(PATIENCE).unwrap().parse().unwrap();
        let input = child.stdin.take();
        Some(Self {
            port,
            lines,
            child,
            input,
        })
    }

    /// The next message.
    fn message(&self) -> Value {
        serde_json::from_str(&self.lines.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    /// Ends it, and gives what it took and nobody looked at.
    fn rest(mut self) -> Vec<String> {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
        self.lines.iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut input) = self.input.take() {
            // It may have ended by itself.
            let _ = input.flush();
            drop(input);
            let _ = self.child.wait();
        }
    }
}

fn through(server: &Server, mail: Mail) -> Settings {
    Settings {
        webhooks: Vec::new(),
        mail: Some(Mail {
            port: Some(server.port),
            ..mail
        }),
    }
}

fn header<'a>(message: &'a Value, name: &str) -> &'a str {
    let headers = message["headers"].as_array().unwrap();
    let mut found = headers
        .iter()
        .filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
    let value = found.next().map_or("", |header| header[1].as_str().unwrap());
    assert!(found.next().is_none(), "{name} twice: {message}");
    value
}

#[test]
fn each_receiver_gets_one_message() {
    let Some(server) = Server::start(&json!({})) else {
        return;
    };
    let bench = Bench::new();
    let settings = through(
        &server,
        post("127.0.0.1", &["愛子 <aiko@desk.example>", "ben@desk.example"]),
    );
    let mut told = notice(Topic::LimitReached);
    told.also_to = vec!["support@desk.example".into(), "BEN@desk.example".into()];
    told.details = vec![
        "スレッド stopped behind row 12\r\nBcc: all@desk.example".into(),
        "x".repeat(2000),
    ];
    assert_eq!(bench.queue(&settings, &told), 3);
    assert_eq!(bench.deliver(&settings), None);
    assert_eq!(bench.deliver(&settings), None);
    let mut messages: Vec<Value> = (0..3).map(|_| server.message()).collect();
    messages.sort_by_key(|message| message["to"].to_string());
    for (message, to) in messages
        .iter()
        .zip(["aiko@desk.example", "ben@desk.example", "support@desk.example"])
    {
        assert_eq!(message["from"], "vault@desk.example");
        assert_eq!(message["to"], json!([to]));
        assert_eq!(header(message, "To"), to);
        assert_eq!(header(message, "From"), "deskvault <vault@desk.example>");
        assert_eq!(
            header(message, "Subject"),
            "[deskvault] backup of main came to the limit of records"
        );
        assert_eq!(header(message, "Date"), "Wed, 12 Mar 2031 07:00:00 +0000");
        assert_eq!(header(message, "Auto-Submitted"), "auto-generated");
        assert!(header(message, "Message-ID").ends_with("@desk.example>"), "{message}");
        assert_eq!(header(message, "Message-ID"), header(&messages[0], "Message-ID"));
        assert_eq!(header(message, "Bcc"), "");
        let text = message["text"].as_str().unwrap();
        assert!(
            text.contains("- スレッド stopped behind row 12\\r\\nBcc: all@desk.example"),
            "{text}"
        );
        assert!(
            text.contains(&"x".repeat(2000)) && text.contains("Records: 1234567"),
            "{text}"
        );
        // What every server takes: no long lines.
        let raw = message["raw"].as_str().unwrap();
        assert!(raw.lines().all(|line| line.len() <= 998), "{raw}");
    }
    assert_eq!(server.rest(), Vec::<String>::new());
}

#[test]
fn a_name_from_elsewhere_is_no_header() {
    let Some(server) = Server::start(&json!({})) else {
        return;
    };
    let bench = Bench::new();
    let settings = through(&server, post("127.0.0.1", &["aiko@desk.example"]));
    let mut told = notice(Topic::Failed);
    told.desk = "支援\r\nBcc: all@desk.example\r\n\r\nfree text".into();
    bench.queue(&settings, &told);
    assert_eq!(bench.deliver(&settings), None);
    let message = server.message();
    assert_eq!(header(&message, "Bcc"), "");
    assert_eq!(
        header(&message, "Subject"),
        "[deskvault] backup of 支援\\r\\nBcc: all@desk.example\\r\\n\\r\\nfree text FAILED"
    );
    assert_eq!(message["to"], json!(["aiko@desk.example"]));
}

#[test]
fn it_logs_in_where_that_is_asked_for() {
    let Some(server) = Server::start(&json!({ "login": ["vault", SECRET] })) else {
        return;
    };
    let login = |user: &str| Mail {
        login: Some((user.into(), inline())),
        ..post("127.0.0.1", &["aiko@desk.example"])
    };
    let bench = Bench::new();
    let settings = through(&server, login("vault"));
    bench.queue(&settings, &notice(Topic::Ready));
    assert_eq!(bench.deliver(&settings), None);
    assert_eq!(server.message()["login"], true);
    // As another user it does not, however often it tries; nor without a login.
    for mail in [login("intruder"), post("127.0.0.1", &["aiko@desk.example"])] {
        let bench = Bench::new();
        let settings = through(&server, mail);
        bench.queue(&settings, &notice(Topic::Ready));
        assert_eq!(bench.deliver_all(&settings), TRIES);
        let kept = bench.kept();
        assert!(has(&kept, "it refuses the login (53"), "the reason is kept");
        for form in [SECRET, "aHVudGVyMiBodW50ZXIy", "AGludHJ1ZGVyAGh1bnRlcjIgaHVudGVyMg=="] {
            assert!(!has(&kept, form), "{form}");
        }
    }
    assert_eq!(server.rest(), Vec::<String>::new());
}

#[test]
fn a_receiver_that_is_refused_holds_up_no_other() {
    let wanted = json!({ "refuse": ["nobody@desk.example"], "busy": ["busy@desk.example"] });
    let Some(server) = Server::start(&wanted) else { return };
    let bench = Bench::new();
    let to = ["nobody@desk.example", "busy@desk.example", "aiko@desk.example"];
    let settings = through(&server, post("127.0.0.1", &to));
    bench.queue(&settings, &notice(Topic::Failed));
    bench.deliver_all(&settings);
    assert_eq!(server.message()["to"], json!(["aiko@desk.example"]));
    let kept = bench.kept();
    assert!(has(&kept, "nobody of that name") && has(&kept, "try again later"));
    assert!(has(&kept, &format!("(try {REFUSED_TRIES})")) && has(&kept, &format!("(try {TRIES})")));
    assert_eq!(server.rest(), Vec::<String>::new(), "and that one only once");
}

#[test]
fn tls_is_insisted_on_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let authority_file = write(folder.path(), "authority.pem", &authority.pem());
    let key = KeyPair::generate().unwrap();
    let key_file = write(folder.path(), "key.pem", &key.serialize_pem());
    let certificate = |name: &str| {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        write(folder.path(), name, &params.signed_by(&key, &authority).unwrap().pem())
    };
    let (good, foreign) = (certificate("127.0.0.1"), certificate("other.example"));
    let start = |tls: &str, certificate: &Path| {
        let mut wanted = json!({ "tls": tls, "certificate": certificate, "key": key_file });
        if tls == "starttls" {
            wanted["login"] = json!(["vault", SECRET]);
        }
        Server::start(&wanted)
    };
    let Some(plain) = Server::start(&json!({})) else { return };
    let (Some(starttls), Some(smtps)) = (start("starttls", &good), start("smtps", &good)) else {
        return;
    };
    let (Some(foreign_starttls), Some(foreign_smtps)) = (start("starttls", &foreign), start("smtps", &foreign)) else {
        return;
    };
    for (server, security, has_authority, arrives) in [
        (&starttls, Security::StartTls, true, true),
        (&smtps, Security::Tls, true, true),
        // Whose certificate is not trusted, or is another's.
        (&starttls, Security::StartTls, false, false),
        (&smtps, Security::Tls, false, false),
        (&foreign_starttls, Security::StartTls, true, false),
        (&foreign_smtps, Security::Tls, true, false),
        // Who offers none.
        (&plain, Security::StartTls, true, false),
    ] {
        let bench = Bench::new();
        let settings = through(
            server,
            Mail {
                security,
                ca_file: has_authority.then(|| authority_file.clone()),
                login: (security == Security::StartTls).then(|| ("vault".into(), inline())),
                ..post("127.0.0.1", &["aiko@desk.example"])
            },
        );
        bench.queue(&settings, &notice(Topic::Ready));
        let next = bench.deliver(&settings);
        assert_eq!(next.is_none(), arrives, "{security:?} {has_authority}");
        if arrives {
            let message = server.message();
            assert_eq!(message["to"], json!(["aiko@desk.example"]));
            assert_eq!(message["tls"], true, "{message}");
        }
        assert!(!has(&bench.kept(), SECRET));
    }
    for server in [starttls, smtps, foreign_starttls, foreign_smtps, plain] {
        assert_eq!(server.rest(), Vec::<String>::new());
    }
}

#[test]
fn a_server_that_is_not_there_or_silent_is_tried_again() {
    let Some(server) = Server::start(&json!({ "silent": true })) else {
        return;
    };
    let bench = Bench::new();
    let settings = through(
        &server,
        Mail {
            timeout: Duration::from_millis(700),
            ..post("127.0.0.1", &["aiko@desk.example"])
        },
    );
    bench.queue(&settings, &notice(Topic::Ready));
    assert!(bench.deliver(&settings).is_some_and(|next| next > at()));
    assert!(has(&bench.kept(), "does not take the message within 0.7 seconds"));
    // Broken off by a stop, too.
    let patient = through(&server, post("127.0.0.1", &["aiko@desk.example"]));
    bench.clock.set(bench.seconds_later(60));
    assert_eq!(server.message(), json!({ "silent": true }));
    let cancel = CancellationToken::new();
    std::thread::scope(|scope| {
        let (bench, patient, token) = (&bench, &patient, cancel.clone());
        let delivery = scope.spawn(move || {
            bench
                .courier
                .deliver_due(&bench.store, patient, &bench.clock, Duration::MAX, &token)
        });
        assert_eq!(server.message(), json!({ "silent": true }));
        cancel.cancel();
        assert!(delivery.join().unwrap().unwrap().is_some());
    });
    let gone = Settings {
        webhooks: Vec::new(),
        mail: Some(Mail {
            port: Some(closed_port()),
            ..post("127.0.0.1", &["aiko@desk.example"])
        }),
    };
    let bench = Bench::new();
    bench.queue(&gone, &notice(Topic::Ready));
    assert_eq!(bench.deliver_all(&gone), TRIES);
}

#[test]
fn without_tls_nothing_leaves_this_machine() {
    let bench = Bench::new();
    let settings = Settings {
        webhooks: Vec::new(),
        mail: Some(Mail {
            login: Some(("vault".into(), inline())),
            ..post("mail.example", &["aiko@desk.example"])
        }),
    };
    bench.queue(&settings, &notice(Topic::Ready));
    assert!(bench.deliver(&settings).is_some_and(|next| next > at()));
    assert!(has(&bench.kept(), "only a server on this machine"));
}
