//! A live desk: Request Tracker 5, filled, backed up, and compared with its own database.
//!
//! Where Request Tracker is not installed and cannot be, the test says so and proves nothing.
#![allow(clippy::print_stdout, reason = "a test says what it saw")]

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use deskvault_tests::{plan, plugin};
use engine::backup::Plan;
use engine::connection::settings::{Auth, Secret, SecretSource};
use engine::plugins::Registry;
use engine::progress::{Silent, Summary};
use plugin_api::{Kind, Range, Timestamp};
use tokio_util::sync::CancellationToken;

/// A Request Tracker of its own. It ends with this process, whatever happens to it: its input closes then.
struct Tracker {
    server: Child,
    folder: tempfile::TempDir,
    url: String,
    user: String,
    password: String,
}

impl Tracker {
    /// Starts one; `None` where there is none to start.
    fn start() -> Option<Self> {
        let installed = script().arg("install").output().expect("python3 runs");
        if !installed.status.success() {
            // Not by a macro, whose words are kept back where a test succeeds.
            let why = String::from_utf8_lossy(&installed.stderr);
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: the comparison with a live desk. {}",
                why.trim()
            );
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = script()
            .arg("serve")
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut line = String::new();
        BufReader::new(server.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("a line");
        let state: serde_json::Value = serde_json::from_str(&line).expect("Request Tracker started");
        let text = |key: &str| state[key].as_str().expect("text").to_owned();
        Some(Self {
            server,
            folder,
            url: text("url"),
            user: text("user"),
            password: text("password"),
        })
    }

    fn command(&self, command: &str) -> Command {
        let mut script = script();
        script.arg(command).arg(self.folder.path());
        script
    }

    /// What every cell must be, now; in the range only, where one is given.
    fn truth(&self, name: &str, range: Option<Range>) -> PathBuf {
        let out = self.folder.path().join(name);
        let mut truth = self.command("truth");
        truth.arg(&out);
        if let Some(range) = range {
            truth.args(["--from", &range.from.to_string(), "--to", &range.to.to_string()]);
        }
        succeeds(truth);
        out
    }

    fn plan(&self, range: Option<Range>) -> Plan {
        let mut plan = plan(&self.url, &["request-tracker"], &self.folder.path().join("archives"));
        plan.connection.auth = Auth::Basic {
            user: self.user.clone(),
            password: SecretSource::Inline(Secret::new(&self.password)),
        };
        plan.kind = if range.is_some() { Kind::Custom } else { Kind::Full };
        plan.range = range;
        plan
    }

    /// Backs it up; the backup must be complete.
    fn back_up(&self, range: Option<Range>) -> Summary {
        let file = plugin("deskvault_request_tracker");
        let mut registry = Registry::load_files(vec![file], Duration::from_secs(20));
        let plan = self.plan(range);
        std::fs::create_dir_all(&plan.archive.folder).expect("a folder");
        let summary = engine::backup::run(&plan, &mut registry, &Silent, &CancellationToken::new()).expect("a backup");
        assert!(summary.complete, "{:?}", summary.reasons);
        println!("{} rows in {:.1} s", summary.rows(), summary.seconds);
        summary
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

fn script() -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("request-tracker/rt");
    let mut command = Command::new("python3");
    command.arg(script);
    command
}

#[track_caller]
fn succeeds(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("python3 runs");
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{said}{}", String::from_utf8_lossy(&stderr));
    said
}

#[track_caller]
fn compare(archive: &Path, truth: &Path, keys_only: bool) {
    let mut command = script();
    command.arg("compare").arg(archive).arg(truth);
    if keys_only {
        command.arg("--keys");
    }
    println!("{}", succeeds(command));
}

/// The middle of the filling, as the lines of a table of the truth tell it: the column's values, sorted.
fn middle(truth: &Path, table: &str, column: &str) -> Range {
    let text = std::fs::read_to_string(truth.join(format!("{table}.jsonl"))).expect("the truth");
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Vec<String>>(line).expect("a row"));
    let names = lines.next().expect("columns");
    let at = names.iter().position(|name| name == column).expect("the column");
    let mut times: Vec<Timestamp> = lines.filter_map(|row| Timestamp::parse(&row[at])).collect();
    times.sort_unstable();
    Range {
        from: times[times.len() / 4],
        to: times[times.len() * 3 / 4],
    }
}

#[test]
fn every_cell_is_what_the_database_of_request_tracker_says() {
    let Some(tracker) = Tracker::start() else { return };

    // Nothing in it but what it comes with.
    let truth = tracker.truth("empty", None);
    compare(&tracker.back_up(None).archive, &truth, false);

    succeeds(tracker.command("fill"));
    let truth = tracker.truth("whole", None);
    let summary = tracker.back_up(None);
    compare(&summary.archive, &truth, false);

    for (table, column) in [("Tickets", "LastUpdated"), ("Transactions", "Created")] {
        let range = middle(&truth, table, column);
        let truth = tracker.truth(&format!("range of {table}"), Some(range));
        compare(&tracker.back_up(Some(range)).archive, &truth, false);
    }

    // People work meanwhile: what was there is there, and nothing twice.
    let mut work = tracker
        .command("disturb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let archive = tracker.back_up(None).archive;
    drop(work.stdin.take());
    let worked = work.wait_with_output().expect("it ends");
    assert!(worked.status.success());
    println!("{}", String::from_utf8_lossy(&worked.stdout));
    compare(&archive, &truth, true);
}
