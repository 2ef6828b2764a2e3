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

/// What a comparison is told of the archive beside the truth.
enum Told<'a> {
    Everything,
    Range,
    /// People worked; the truth of afterwards.
    Work(&'a Path),
}

#[track_caller]
fn compare(archive: &Path, truth: &Path, told: &Told<'_>) {
    let mut command = script();
    command.arg("compare").arg(archive).arg(truth);
    match told {
        Told::Everything => &mut command,
        Told::Range => command.arg("--any-order"),
        Told::Work(after) => command.arg("--after").arg(after),
    };
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
    compare(&tracker.back_up(None).archive, &truth, &Told::Everything);

    succeeds(tracker.command("fill"));
    let truth = tracker.truth("whole", None);
    let summary = tracker.back_up(None);
    compare(&summary.archive, &truth, &Told::Everything);

    for (table, column) in [("Tickets", "LastUpdated"), ("Transactions", "Created")] {
        let range = middle(&truth, table, column);
        let truth = tracker.truth(&format!("range of {table}"), Some(range));
        compare(&tracker.back_up(Some(range)).archive, &truth, &Told::Range);
    }

    // People work meanwhile: what was there is there, and nothing twice; what nobody touched is as it was.
    let mut work = tracker
        .command("disturb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut said = BufReader::new(work.stdout.take().expect("its output")).lines();
    let mut next = move || said.next().expect("a line").expect("text");
    assert_eq!(next(), "at work");
    let archive = tracker.back_up(None).archive;
    drop(work.stdin.take());
    let rounds = next();
    assert!(work.wait().expect("it ends").success());
    println!("{rounds}");
    let number: u32 = rounds
        .strip_suffix(" rounds of work")
        .expect("how often")
        .parse()
        .expect("a number");
    assert!(number > 1, "nobody worked during the backup: {rounds}");
    let after = tracker.truth("after", None);
    compare(&archive, &truth, &Told::Work(&after));
}

/// The comparison itself: each damage of an archive is found. It needs no Request Tracker.
#[test]
fn the_comparison_finds_every_damage() {
    let mut tests = Command::new("python3");
    tests
        .args(["-B", "-m", "unittest", "desk.test_compare"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("request-tracker"));
    let Output { status, stderr, .. } = tests.output().expect("python3 runs");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{said}");
    // Nothing found is no success.
    assert!(said.contains("Ran 6 tests"), "{said}");
}

/// Where there is no Request Tracker, a whole run says so in sight, and succeeds.
#[test]
fn a_missing_request_tracker_is_told_in_sight() {
    let mut run = Command::new(std::env::current_exe().expect("a path"));
    run.args(["--exact", "every_cell_is_what_the_database_of_request_tracker_says"]);
    // Without --nocapture, as people run tests: the line must be seen all the same.
    run.env("DESKVAULT_TEST_NO_REQUEST_TRACKER", "1");
    let Output { status, stdout, stderr } = run.output().expect("it runs");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{said}{}", String::from_utf8_lossy(&stdout));
    assert!(
        said.contains("SKIPPED: the comparison with a live desk. Request Tracker 5 is not installed."),
        "{said}"
    );
}
