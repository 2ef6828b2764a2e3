//! `schedule`, in one data directory, at a time of the test's choice.

use std::fs;
use std::process::{Child, Command};
use std::sync::Arc;

use plugin_api::Timestamp;

use super::{Script, given_in};
use crate::cli::console::Captured;
use crate::clock::Clock;
use crate::people::token::Secret;
use crate::service::Service;

const CONFIG: &str = r#"
[[person]]
name = "aiko"
[[person]]
name = "mia"

[[desk]]
name = "main"
modules = ["tickets"]
primary_contact = "aiko"
viewers = ["mia"]
[desk.connection]
kind = "http"
url = "http://localhost"
auth = "bearer"
token_env = "SET"

[[desk]]
name = "other"
modules = ["tickets"]
primary_contact = "aiko"
[desk.connection]
kind = "http"
url = "http://localhost"
auth = "bearer"
token_env = "SET"
[desk.schedule]
every = "monthly"
on = "31"
at = "02:00"
until = "2027-12-31"
"#;

/// A clock that stands.
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// An installation.
struct Bench {
    home: tempfile::TempDir,
    now: Timestamp,
    /// What is typed where a question is asked; none: there is nobody.
    answer: Option<fn() -> std::io::Result<String>>,
    token: Option<String>,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("deskvault.toml"), CONFIG).unwrap();
        Self {
            home,
            now: at("2026-11-23T10:00:00Z"),
            answer: None,
            token: None,
        }
    }

    /// Exit code, standard output, standard error.
    fn run(&self, line: &str) -> (u8, String, String) {
        let out = Captured::default();
        let line = format!("schedule {line}");
        let given = given_in(self.home.path(), out.clone(), &line, &Script::default(), |shell| {
            shell.token.clone_from(&self.token);
            shell.asks = self.answer.is_some();
            shell.read_line = self.answer.unwrap_or(|| Ok(String::new()));
            shell.time = Arc::new(Stopped(self.now));
        });
        (given.exit, out.text(), given.err)
    }

    fn service(&self) -> Service {
        let config = crate::config::load(None, None, self.home.path()).unwrap().config;
        Service::open(Arc::new(config), Arc::new(Stopped(self.now))).unwrap()
    }

    /// From now on, this person's token is used.
    fn act_as(&mut self, person: &str) {
        let secret = Secret::new().unwrap();
        let expires = at("2030-01-01T00:00:00Z");
        let service = self.service();
        let added = service
            .store()
            .write(|tx| tx.add_token(person, "test", &secret.hash(), self.now, expires));
        added.unwrap();
        self.token = Some(secret.reveal().to_owned());
    }
}

const NO_DAEMON: &str = "the daemon is not running: no schedule runs until `deskvault daemon` does\n";
const WEEKLY: &str = "set weekly --on fri --at 02:00 --zone Asia/Tokyo --until 2026-12-18 --desk main";

#[test]
fn a_schedule_is_set_shown_and_stopped() {
    let mut bench = Bench::new();
    let given = bench.run(WEEKLY);
    let expected = "main: weekly on Friday at 02:00 (Asia/Tokyo) until 2026-12-18\n\
                    the first run takes everything, on Fri 2026-11-27 02:00:00 +09:00 (2026-11-26 17:00:00 UTC)\n";
    assert_eq!(given, (0, expected.to_owned(), NO_DAEMON.to_owned()));

    // Two of its four runs have come meanwhile.
    bench.now = at("2026-12-04T00:00:00Z");
    let given = bench.run("show --desk main");
    let expected = "\
main: weekly on Friday at 02:00 (Asia/Tokyo) until 2026-12-18
  set by aiko on 2026-11-23 10:00:00 UTC
    Fri 2026-12-04 02:00:00 +09:00  2026-12-03 17:00:00 UTC  due; takes everything
    Fri 2026-12-11 02:00:00 +09:00  2026-12-10 17:00:00 UTC
    Fri 2026-12-18 02:00:00 +09:00  2026-12-17 17:00:00 UTC
";
    assert_eq!(given, (0, expected.to_owned(), NO_DAEMON.to_owned()));

    let service = bench.service();
    let slot = at("2026-12-03T17:00:00Z");
    let ran = service.store().write(|tx| {
        let row = tx.schedule("main")?.unwrap();
        tx.ran(row.id, slot)
    });
    ran.unwrap();
    let (exit, out, _) = bench.run("show --desk main");
    let expected = "\
main: weekly on Friday at 02:00 (Asia/Tokyo) until 2026-12-18
  set by aiko on 2026-11-23 10:00:00 UTC
  the last run was that of 2026-12-03 17:00:00 UTC
    Fri 2026-12-11 02:00:00 +09:00  2026-12-10 17:00:00 UTC
    Fri 2026-12-18 02:00:00 +09:00  2026-12-17 17:00:00 UTC
";
    assert_eq!((exit, out.as_str()), (0, expected));

    let given = bench.run("stop --desk main --yes");
    assert_eq!(
        given,
        (0, "the schedule of main is stopped\n".to_owned(), String::new())
    );
    let (exit, out, err) = bench.run("show");
    let expected = "\
main: no schedule; the last one, weekly on Friday at 02:00 (Asia/Tokyo) until 2026-12-18, was stopped
other: no schedule; the configuration declares one, which the daemon has not taken up yet
";
    assert_eq!((exit, out.as_str(), err.as_str()), (0, expected, ""));
}

#[test]
fn a_schedule_begins_at_once_or_on_a_day() {
    let bench = Bench::new();
    let (exit, out, _) = bench
        .run("set quarterly --on last-mon --at 23:30 --from 2027-02-01 --until 2027-12-31 --desk main --no-make-up");
    let expected = "main: quarterly on the last Monday at 23:30 (UTC) until 2027-12-31; a missed run is not made up\n\
                    the first run takes everything, on Mon 2027-02-22 23:30:00 +00:00 (2027-02-22 23:30:00 UTC)\n";
    assert_eq!((exit, out.as_str()), (0, expected));
    // A quarter, five runs, but for the end.
    let (_, out, _) = bench.run("show --desk main");
    let days: Vec<&str> = out
        .lines()
        .skip(2)
        .map(|line| line.trim_start().get(..14).unwrap())
        .collect();
    assert_eq!(
        days,
        ["Mon 2027-02-22", "Mon 2027-05-31", "Mon 2027-08-30", "Mon 2027-11-29"]
    );
}

#[test]
fn a_desk_has_one_schedule() {
    let mut bench = Bench::new();
    assert_eq!(bench.run(WEEKLY).0, 0);
    let (exit, out, err) = bench.run("set monthly --on 1 --at 02:00 --until 2027-12-31 --desk main");
    assert!(exit == 5 && out.is_empty(), "{exit} {out}");
    assert_eq!(err, "error: refused: main has a schedule already: stop it first\n");
    // Behind its last run it has ended, and makes room.
    let service = bench.service();
    let ran = service.store().write(|tx| {
        let row = tx.schedule("main")?.unwrap();
        tx.ran(row.id, at("2026-12-17T17:00:00Z"))
    });
    ran.unwrap();
    bench.now = at("2026-12-19T00:00:00Z");
    let (exit, out, _) = bench.run("set monthly --on 1 --at 02:00 --until 2027-12-31 --desk main");
    assert!(
        exit == 0 && out.starts_with("main: monthly on day 1 at 02:00 (UTC) until 2027-12-31\n"),
        "{out}"
    );
}

#[test]
fn what_is_no_schedule() {
    let bench = Bench::new();
    for (line, expected) in [
        (
            "set weekly --on 31 --at 02:00 --until 2027-12-31 --desk main",
            "error: --on must be a weekday such as \"fri\" where it runs weekly, not \"31\"\n",
        ),
        (
            "set monthly --on 32 --at 02:00 --until 2027-12-31 --desk main",
            "error: --on must be a day of the month, \"1\" to \"31\", or one of its weekdays, ...",
        ),
        (
            "set weekly --on fri --at 02:00 --from 2026-12-01 --until 2026-11-30 --desk main",
            "error: --until must not be before the first day, 2026-12-01\n",
        ),
        (
            "set weekly --on fri --at 02:00 --from 2026-12-01 --until 2026-12-03 --desk main",
            "error: --until must be 2026-12-04 or later: ...",
        ),
        (
            "set weekly --on fri --at 02:00 --until 2026-11-26 --desk main",
            "error: the schedule would never run: it ends before its first run\n",
        ),
        (
            "set weekly --on fri --at 2am --until 2027-12-31 --desk main",
            "error: invalid value '2am' for '--at <HH:MM>': it must be a time of day such as \"02:00\", not \"2am\"\n...",
        ),
        (
            "set weekly --on fri --at 02:00 --until 2027-02-29 --desk main",
            "error: invalid value '2027-02-29' for '--until <DATE>': it must be a date such as \"2027-03-31\", ...",
        ),
        (
            "set weekly --on fri --at 02:00 --until 2027-12-31 --zone Asia/Tokio --desk main",
            "error: invalid value 'Asia/Tokio' for '--zone <ZONE>': it must be the IANA name of a time zone such as ...",
        ),
        (
            "set daily --on fri --at 02:00 --until 2027-12-31 --desk main",
            "error: invalid value 'daily' for '<EVERY>'\n  [possible values: weekly, fortnightly, monthly, quarterly]\n...",
        ),
        (
            "set weekly --on fri --at 02:00 --desk main",
            "error: the following required arguments were not provided:\n  --until <DATE>\n...",
        ),
        (
            "set weekly --on fri --at 02:00 --until 2027-12-31",
            "error: the configuration has several desks: choose one with --desk: `main` or `other`\n",
        ),
        (
            "show --desk mian",
            "error: there is no desk `mian` in the configuration; did you mean `main`?\n",
        ),
        (
            "stop",
            "error: the configuration has several desks: choose one with --desk: `main` or `other`\n",
        ),
        ("stop --desk main --yes", "error: the desk main has no schedule\n"),
    ] {
        let (exit, out, err) = bench.run(line);
        let fits = expected
            .strip_suffix("...")
            .map_or(err == expected, |start| err.starts_with(start));
        assert!(exit == 2 && out.is_empty() && fits, "{line}: {exit} {out}{err}");
    }
    let kept = bench.service().store().read(|view| {
        let kept = view.schedules()?;
        Ok::<_, crate::store::StoreError>(kept)
    });
    assert!(kept.unwrap().is_empty());
}

#[test]
fn stopping_asks() {
    let mut bench = Bench::new();
    assert_eq!(bench.run(WEEKLY).0, 0);
    let question = "The schedule of main (weekly on Friday at 02:00 (Asia/Tokyo) until 2026-12-18) will not run any more. Stop it?";
    let is_set = |bench: &Bench| {
        bench
            .service()
            .store()
            .read(|view| view.schedule("main"))
            .unwrap()
            .is_some()
    };
    // There is nobody to ask.
    let (exit, out, err) = bench.run("stop --desk main");
    assert!(
        exit == 2 && out.is_empty() && err.contains(question) && err.contains("--yes"),
        "{exit} {err}"
    );
    assert!(is_set(&bench));
    for answer in [|| Ok("n\n".to_owned()), || Ok(String::new())] {
        bench.answer = Some(answer);
        let (exit, out, err) = bench.run("stop --desk main");
        assert!(exit == 1 && out.is_empty() && err.starts_with(question), "{exit} {err}");
        assert!(is_set(&bench));
    }
    bench.answer = Some(|| Ok("yes\n".to_owned()));
    let (exit, out, _) = bench.run("stop --desk main");
    assert_eq!((exit, out.as_str()), (0, "the schedule of main is stopped\n"));
    assert!(!is_set(&bench));
}

#[test]
fn a_declared_one_stays_stopped() {
    let bench = Bench::new();
    let done = bench.service().declare_schedules().unwrap();
    assert_eq!(done.len(), 1);
    let (exit, out, _) = bench.run("stop --desk other -y");
    let expected =
        "the schedule of other is stopped; it stays stopped until its declaration in the configuration is changed\n";
    assert_eq!((exit, out.as_str()), (0, expected));
    let (_, out, _) = bench.run("show --desk other");
    let expected = "other: no schedule; the last one, monthly on day 31, or the last day of a shorter month, at 02:00 (UTC) \
                    until 2027-12-31, was stopped\n";
    assert_eq!(out, expected);
}

#[test]
fn json_says_the_same() {
    let bench = Bench::new();
    assert_eq!(bench.run(WEEKLY).0, 0);
    let (exit, out, err) = bench.run("show --json");
    assert!(exit == 0 && err.is_empty(), "{err}");
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let main = serde_json::json!({
        "desk": "main",
        "schedule": {
            "every": "weekly", "on": "fri", "at": "02:00:00", "zone": "Asia/Tokyo",
            "from": "2026-11-24", "until": "2026-12-18", "make_up": true,
        },
        "words": "weekly on Friday at 02:00 (Asia/Tokyo) until 2026-12-18",
        "set_by": "aiko",
        "set_at": "2026-11-23T10:00:00Z",
        "last_run": null,
        "next_runs": [
            {"at": "2026-11-26T17:00:00Z", "local": "2026-11-27T02:00:00+09:00", "due": false},
            {"at": "2026-12-03T17:00:00Z", "local": "2026-12-04T02:00:00+09:00", "due": false},
            {"at": "2026-12-10T17:00:00Z", "local": "2026-12-11T02:00:00+09:00", "due": false},
            {"at": "2026-12-17T17:00:00Z", "local": "2026-12-18T02:00:00+09:00", "due": false},
        ],
        "daemon_is_gone": true,
    });
    assert_eq!(lines[0], main);
    assert_eq!(
        (&lines[1]["desk"], &lines[1]["schedule"], &lines[1]["next_runs"]),
        (&"other".into(), &serde_json::Value::Null, &serde_json::json!([]))
    );
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_viewer_only_looks() {
    let mut bench = Bench::new();
    assert_eq!(bench.run(WEEKLY).0, 0);
    bench.act_as("mia");
    let (exit, out, _) = bench.run("show");
    // Of the other desk she sees nothing.
    assert!(
        exit == 0 && out.starts_with("main: weekly") && !out.contains("other"),
        "{exit} {out}"
    );
    bench.answer = Some(|| panic!("nobody is asked about what they may not do"));
    for line in ["stop --desk main", WEEKLY, "show --desk other"] {
        let (exit, out, err) = bench.run(line);
        assert!(
            exit == 5 && out.is_empty() && err.starts_with("error: refused: mia may not "),
            "{line}: {exit} {err}"
        );
    }
    assert!(
        bench
            .service()
            .store()
            .read(|view| view.schedule("main"))
            .unwrap()
            .is_some()
    );
    bench.act_as("aiko");
    assert_eq!(bench.run("stop --desk main --yes").0, 0);
}

/// A process that has ended, whose number was not given again yet.
fn gone() -> u32 {
    let child: std::io::Result<Child> = Command::new("true").spawn();
    let mut child = child.unwrap();
    child.wait().unwrap();
    child.id()
}

#[test]
fn says_if_no_daemon_runs() {
    let bench = Bench::new();
    assert_eq!(bench.run(WEEKLY).2, NO_DAEMON);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let lock = bench.service().folder().join("deskvault.lock");
    for (pid, host, expected) in [
        (std::process::id(), host.as_str(), ""),
        (gone(), host.as_str(), NO_DAEMON),
        // Of another host's processes nothing is known.
        (gone(), "elsewhere", ""),
    ] {
        let owner = serde_json::json!({"pid": pid, "host": host, "since": "2026-11-23T10:00:00Z", "version": "0.1.0"});
        fs::write(&lock, owner.to_string()).unwrap();
        assert_eq!(bench.run("show").2, expected, "{pid} {host}");
    }
    fs::write(&lock, "half a wor").unwrap();
    assert_eq!(bench.run("show").2, "");
    fs::remove_file(&lock).unwrap();
    assert_eq!(bench.run("show -q").2, "");
    assert_eq!(bench.run("show").2, NO_DAEMON);
}
