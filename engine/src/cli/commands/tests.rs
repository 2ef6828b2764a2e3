//! Whole command lines, with an engine that answers from a script.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::anyhow;
use indicatif::ProgressDrawTarget;
use plugin_api::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::backup::Keeper;
use crate::cli::actions::{
    Actions, Connected, DrillRequest, Finding, Places, PluginLine, SampleRequest, Stop, Verification,
};
use crate::cli::console::{Captured, Console};
use crate::cli::{Shell, execute, summary};
use crate::clock::Clock;
use crate::config::{Config, Desk};
use crate::connection::sample::Keys;
use crate::drill::{Difference, Drilled, DrilledRow, Verdict};
use crate::progress::{Event, Progress, Summary};
use crate::service::{Cause, Order, RunError, Runner};

mod archives;
mod backup;
mod connect;
mod described;
mod generate;
mod people;
mod schedule;

const TWO_DESKS: &str = r#"
[[desk]]
name = "main"
modules = ["tickets", "contacts", "accounts"]
[desk.connection]
kind = "http"
url = "http://localhost"
auth = "bearer"
token_env = "SET"

[[desk]]
name = "other"
modules = ["tickets"]
[desk.connection]
kind = "http"
url = "http://localhost"
auth = "bearer"
token_env = "UNSET"
ca_file = "absent.pem"
"#;

/// Answers from a script and keeps what it was asked.
#[derive(Default)]
struct Script {
    asked: Mutex<Vec<String>>,
    /// What a backup gives: complete, incomplete, or why not.
    backup: Option<fn() -> Result<Summary, RunError>>,
    findings: Vec<Finding>,
    plugins: Vec<PluginLine>,
    connected: Option<Connected>,
}

impl Script {
    fn ask(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

/// Runs backups by a script.
struct Scripted<'a> {
    script: &'a Script,
    config: Arc<Config>,
}

impl Runner for Scripted<'_> {
    fn run(
        &self,
        order: &Order,
        progress: &dyn Progress,
        _: &dyn Keeper,
        _: &CancellationToken,
    ) -> Result<Summary, RunError> {
        let range = order
            .range
            .map_or_else(|| "all".to_owned(), |range| format!("{}..{}", range.from, range.to));
        let folder = order.folder.as_ref().unwrap_or(&self.config.archive.folder).display();
        let plugins = self.config.plugins.folders.len();
        self.script.ask(format!(
            "{} {:?} {:?} {range} {folder} {plugins}",
            order.desk, order.modules, order.kind
        ));
        progress.event(Event::ModuleStarted { module: "tickets" });
        self.script.backup.map_or_else(|| Ok(summary::sample()), |give| give())
    }
}

impl Actions for Script {
    fn runner(&self, config: &Arc<Config>, _: &Arc<dyn Clock>) -> Box<dyn Runner + '_> {
        let config = Arc::clone(config);
        Box::new(Scripted { script: self, config })
    }

    fn verify(&self, archive: &Path, _: &dyn Progress, _: &CancellationToken) -> Result<Verification, Stop> {
        self.ask(archive.display().to_string());
        Ok(Verification {
            archive: archive.into(),
            complete: true,
            files: 2,
            rows: 1234,
            bytes: 2048,
            findings: self.findings.clone(),
        })
    }

    fn drill(
        &self,
        _: &Config,
        _: &Places,
        request: &DrillRequest<'_>,
        _: &dyn Progress,
        _: &CancellationToken,
    ) -> Result<Drilled, Stop> {
        self.ask(format!("{} rows by {}", request.rows, request.seed));
        let row = |key: &str, verdict| DrilledRow {
            table: "Contacts".to_owned(),
            key: vec![key.to_owned()],
            verdict,
        };
        let cells = vec![Difference {
            column: "email".to_owned(),
            archive: "a@x".to_owned(),
            desk: "b@x".to_owned(),
        }];
        let mut rows = vec![row("1", Verdict::Same), row("2", Verdict::Changed)];
        rows.extend((request.seed == 7).then(|| row("3", Verdict::Differs { cells })));
        Ok(Drilled {
            seed: request.seed,
            rows,
        })
    }

    fn plugins(&self, places: &Places) -> Result<Vec<PluginLine>, Stop> {
        self.ask(format!("{:?} {:?}", places.folders, places.describe_timeout));
        Ok(self.plugins.clone())
    }

    fn plugin(&self, file: &Path, _: &Places) -> Result<PluginLine, Stop> {
        self.ask(file.display().to_string());
        Ok(self.plugins[0].clone())
    }

    fn connect(&self, desk: &Desk, file: &Path, code: &str, _: &CancellationToken) -> Result<Connected, Stop> {
        self.ask(format!("{} {} {code}", desk.name, file.display()));
        self.connected
            .clone()
            .ok_or_else(|| Stop::Failed(anyhow!("the code is too old")))
    }

    fn sample_desk(
        &self,
        request: &SampleRequest,
        ready: &mut dyn FnMut(&Keys) -> anyhow::Result<()>,
        _: &CancellationToken,
    ) -> Result<(), Stop> {
        self.ask(format!("{request:?}"));
        let text = |text: &str| text.to_owned();
        Ok(ready(&Keys {
            accounts_url: text("http://127.0.0.1:7"),
            desk_url: text("http://127.0.0.1:7"),
            org_id: text("9"),
            client_id: text("1000.A"),
            client_secret: text("s"),
            refresh_token: text("r"),
            code: text("1000.c"),
        })?)
    }
}

/// What a command line gave. HOME stands for the working folder.
struct Given {
    exit: u8,
    out: String,
    err: String,
    asked: String,
    home: String,
}

/// `/dev/full`.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_archive_whose_summary_cannot_be_written_is_named() {
    let given = given_to(Full, "backup --desk main -q", Some(TWO_DESKS), &Script::default());
    let expected = "error: the archive is there (INCOMPLETE): /var/backups/main サポート.zip; only its summary is not: \
                    cannot write to standard output: ";
    assert!(given.exit == 1 && given.err.starts_with(expected), "{}", given.err);
}

fn given(line: &str, config: Option<&str>, script: &Script) -> Given {
    let out = Captured::default();
    let given = given_to(out.clone(), line, config, script);
    let out = out.text().replace(&given.home, "HOME");
    Given { out, ..given }
}

fn given_to(out: impl Write + Send + 'static, line: &str, config: Option<&str>, script: &Script) -> Given {
    let home = tempfile::tempdir().unwrap();
    if let Some(text) = config {
        fs::write(home.path().join("deskvault.toml"), text).unwrap();
    }
    given_in(home.path(), out, line, script, |_| {})
}

/// What a command line gives in a folder, after something was changed around it.
fn given_in(
    home: &Path,
    out: impl Write + Send + 'static,
    line: &str,
    script: &Script,
    change: impl FnOnce(&mut Shell),
) -> Given {
    let err = Captured::default();
    let mut shell = Shell {
        console: Console::to(out, err.clone(), ProgressDrawTarget::hidden()),
        working: home.to_owned(),
        variable: None,
        has_variable: |name| name == "SET",
        token: None,
        read_line: || Ok(" 1000.code\r\n".into()),
        asks: true,
        language: crate::history::Language::English,
        clock: Arc::new(|| Duration::ZERO),
        time: Arc::new(Fixed("2024-07-02T04:00:00Z")),
        is_process: false,
    };
    change(&mut shell);
    let words = std::iter::once("deskvault")
        .chain(line.split_whitespace())
        .map(Into::into);
    let exit = execute(words, &shell, script).code();
    let place = home.display().to_string();
    let err = err.text().replace(&place, "HOME");
    let asked = script.asked.lock().unwrap().join("\n").replace(&place, "HOME");
    Given {
        exit,
        out: String::new(),
        err,
        asked,
        home: place,
    }
}

/// A clock that stands still.
struct Fixed(&'static str);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::parse(self.0).unwrap()
    }
}

#[allow(clippy::unnecessary_wraps)] // as the others of its type
fn incomplete() -> Result<Summary, RunError> {
    Ok(summary::sample())
}

#[allow(clippy::unnecessary_wraps)] // as the others of its type
fn complete() -> Result<Summary, RunError> {
    Ok(Summary {
        complete: true,
        ..summary::sample()
    })
}

fn suspended() -> Result<Summary, RunError> {
    Err(RunError::Suspended {
        cause: Cause::Machine,
        message: "no room is left".into(),
    })
}

fn cancelled() -> Result<Summary, RunError> {
    Err(RunError::Cancelled)
}

fn misconfigured() -> Result<Summary, RunError> {
    Err(RunError::Configuration {
        message: "the connection can't be opened: no certificate".into(),
    })
}

fn failed() -> Result<Summary, RunError> {
    Err(RunError::Failed {
        message: "cannot write part 3 of Tickets: no space\u{1b}[2J left".into(),
    })
}

#[test]
fn verify() {
    let finding = |damage, file: Option<&str>, message: &str| Finding {
        damage,
        file: file.map(Into::into),
        message: message.into(),
    };
    let orphan = finding(false, Some("Threads__1.csv"), "2 rows without their parent in Tickets");
    let flipped = finding(true, Some("票__1.csv"), "CRC-32 is not that of the content");
    for (findings, exit, expected) in [
        (vec![], 0, "HOME/a.zip: whole; 2 files, 1,234 rows, 2.0 KiB\n"),
        (
            vec![orphan.clone()],
            0,
            "note: Threads__1.csv: 2 rows without their parent in Tickets\nHOME/a.zip: whole; 2 files, 1,234 rows, 2.0 KiB\n",
        ),
        (
            vec![orphan, flipped, finding(true, None, "bytes after the end\u{7}")],
            4,
            "note: Threads__1.csv: 2 rows without their parent in Tickets\n\
             damage: 票__1.csv: CRC-32 is not that of the content\n\
             damage: bytes after the end\\u{7}\n\
             HOME/a.zip: DAMAGED (2 findings); 2 files, 1,234 rows, 2.0 KiB\n",
        ),
    ] {
        let script = Script {
            findings,
            ..Script::default()
        };
        let text = given("verify a.zip", None, &script);
        assert_eq!((text.exit, text.out.as_str(), text.err.as_str()), (exit, expected, ""));
        let json = given("verify a.zip --json", None, &script);
        let read: serde_json::Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!(
            (json.exit, read["findings"].as_array().unwrap().len()),
            (exit, script.findings.len())
        );
    }
}

#[test]
fn verify_with_a_drill() {
    let all = "HOME/a.zip: whole; 2 files, 1,234 rows, 2.0 KiB\n";
    for (arguments, exit, expected) in [
        (
            "verify a.zip --drill --seed 5",
            0,
            "Contacts 2: changed on the desk since\ndrill of 2 rows (seed 5): 1 same, 1 changed, 0 gone, 0 undecided, 0 not \
             compared, 0 DIFFERENT\n",
        ),
        (
            "verify a.zip --drill=3 --seed 7",
            4,
            "Contacts 2: changed on the desk since\nContacts 3: DIFFERS, though it was not changed since\n  email: \"a@x\" in \
             the archive, \"b@x\" on the desk\ndrill of 3 rows (seed 7): 1 same, 1 changed, 0 gone, 0 undecided, 0 not \
             compared, 1 DIFFERENT\n",
        ),
    ] {
        let script = Script::default();
        let text = given(arguments, Some(TWO_DESKS), &script);
        assert_eq!((text.exit, text.err.as_str()), (exit, ""), "{}", text.out);
        assert_eq!(text.out, format!("{all}{expected}"));
    }
    let damaged = Script {
        findings: vec![Finding {
            damage: true,
            file: None,
            message: "x".into(),
        }],
        ..Script::default()
    };
    // What is damaged is not held against the desk.
    let text = given("verify a.zip --drill", Some(TWO_DESKS), &damaged);
    assert_eq!((text.exit, text.out.contains("drill")), (4, false));
}

#[test]
fn plugins() {
    let taken = PluginLine {
        file: PathBuf::from("/p/libtickets.so"),
        module: Some("tickets".into()),
        version: Some("1.0.0".into()),
        tables: vec!["Tickets".into(), "Threads".into()],
        trust: Some(crate::plugins::Standing::Installed),
        refused: None,
    };
    let refused = PluginLine {
        file: PathBuf::from("/p/libbad.so"),
        module: None,
        version: None,
        tables: vec![],
        trust: None,
        refused: Some("/p/libbad.so: not a library: rebuild it".into()),
    };
    let script = Script {
        plugins: vec![taken.clone(), refused.clone()],
        ..Script::default()
    };
    let list = given("plugins list --plugins p", None, &script);
    assert_eq!((list.exit, list.asked.as_str()), (0, r#"["HOME/p"] 10s"#));
    assert_eq!(
        list.out,
        "module   version  state    trust      tables            file\n\
         tickets  1.0.0    ready    installed  Tickets, Threads  /p/libtickets.so\n\
         -        -        REFUSED  -          -                 /p/libbad.so\n\
         \n\
         /p/libbad.so: not a library: rebuild it\n"
    );
    assert_eq!(
        given("plugins list --json", Some(TWO_DESKS), &script)
            .out
            .lines()
            .count(),
        2
    );
    assert_eq!(
        given("plugins list", Some("x = 1"), &script).exit,
        2,
        "a wrong configuration is not passed over"
    );
    for (plugin, exit) in [(taken, 0), (refused, 1)] {
        let script = Script {
            plugins: vec![plugin],
            ..Script::default()
        };
        let check = given("plugins check x.so", None, &script);
        assert_eq!((check.exit, check.asked.as_str()), (exit, "HOME/x.so"));
    }
    assert_eq!(
        given("plugins list", None, &Script::default()).out,
        "no exporters found\n"
    );
}

#[test]
fn configuration() {
    let check = given("config check", Some(TWO_DESKS), &Script::default());
    assert_eq!((check.exit, check.err.as_str()), (0, ""));
    assert_eq!(
        check.out,
        "deskvault.toml: right\n\
         desk main: 3 modules (http), tickets, contacts, accounts\n\
         desk other: 1 module (http), tickets\n\
         archives: HOME/backups\n\
         note: desk other: ca_file: there is no HOME/absent.pem\n\
         note: desk other: the environment variable UNSET is not set here\n"
    );
    let check = given(
        "config check",
        Some(&TWO_DESKS.replace("UNSET", "hunter2")),
        &Script::default(),
    );
    assert!(
        check.out.contains("could be the secret itself) is not set here") && !check.out.contains("hunter2"),
        "{}",
        check.out
    );
    assert_eq!(given("config check", Some("desk = 1"), &Script::default()).exit, 2);
    assert_eq!(
        given("config keys", None, &Script::default()).out,
        crate::config::specification()
    );
}
