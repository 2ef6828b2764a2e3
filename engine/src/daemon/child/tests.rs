//! A shell stands in for the process: what it says and how it ends is written in its script.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{Bounds, Child, Memory, Text, gave_up, memory_of};
use crate::backup::{Checkpoint, Forgetful};
use crate::cli::summary::sample;
use crate::config::Daemon;
use crate::daemon::job::tests::order;
use crate::daemon::wire::Mouth;
use crate::progress::{Event, Progress, Silent, Summary};
use crate::service::{Cause, RunError, Runner as _};

/// Longer than any of the tests may take, and shorter than what hangs.
const PATIENCE: Duration = Duration::from_secs(30);

fn shell(script: &str, folder: &Path, grace: Duration) -> Child {
    Child {
        executable: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        text: Arc::new(Text {
            file: "a.toml".into(),
            folder: "/".into(),
            bytes: b"[[desk]]\nname = \"main\"\n".to_vec(),
        }),
        folder: folder.to_owned(),
        grace,
        forced: Arc::new(AtomicBool::new(false)),
        bounds: Bounds::of(&Daemon::default()),
        secrets: Vec::new(),
    }
}

/// The summary of a backup as `order` wants it, and its archive.
fn published(folder: &Path) -> Summary {
    let archive = folder.join("a.zip");
    fs::write(&archive, "12345").unwrap();
    Summary {
        desk: order().desk,
        kind: order().kind,
        range: None,
        archive,
        archive_bytes: 5,
        ..sample()
    }
}

/// A file with the line that tells of this end.
fn end(folder: &Path, end: Result<Summary, RunError>) -> String {
    let mut line = Vec::new();
    Mouth::new(&mut line).end(end).unwrap();
    let file = folder.join("end");
    fs::write(&file, line).unwrap();
    format!("cat {}", file.display())
}

#[test]
fn what_a_process_comes_to() {
    let home = tempfile::tempdir().unwrap();
    let told = end(home.path(), Ok(published(home.path())));
    for (script, failed) in [
        (format!("head -n 2 >/dev/null; {told}"), None),
        (format!("{told}; exit 9"), None),
        (format!("{told}; kill -9 $$"), None),
        (
            "exit 0".into(),
            Some("the backup's process ended with exit code 0 without a word"),
        ),
        (
            "exit 3".into(),
            Some("the backup's process ended with exit code 3 without a word"),
        ),
        ("kill -9 $$".into(), Some("ended by signal 9 (SIGKILL")),
        (
            "kill -11 $$".into(),
            Some("ended by signal 11 (SIGSEGV: a plugin crashed)"),
        ),
        (
            "printf '{\"event\"'; kill -6 $$".into(),
            Some("leaves) in the middle of a word"),
        ),
        (
            "echo hello".into(),
            Some("not to be trusted: it said what is no word of a backup"),
        ),
        (
            format!("{told}; {told}"),
            Some("not to be trusted: it said how it ended, and then went on"),
        ),
        (
            "head -c 2000000 /dev/zero; exec sleep 1000 2>/dev/null".into(),
            Some("in one line"),
        ),
        ("yes".into(), Some("no word of a backup")),
        // One that it started holds its output open.
        (
            "sleep 30 2>/dev/null & exit 0".into(),
            Some("exit code 0 without a word"),
        ),
    ] {
        let child = shell(&script, home.path(), PATIENCE);
        let outcome = child.run(&order(), &Silent, &Forgetful, &CancellationToken::new());
        match (failed, outcome) {
            (None, Ok(summary)) => assert_eq!(summary, published(home.path()), "{script}"),
            (Some(words), Err(RunError::Failed { message })) => assert!(message.contains(words), "{script}: {message}"),
            (_, outcome) => panic!("{script}: {outcome:?}"),
        }
        assert!(!child.forced.load(Ordering::SeqCst), "{script}");
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let home = tempfile::tempdir().unwrap();
    let mut child = shell("", home.path(), PATIENCE);
    child.executable = "/no/such/deskvault".into();
    let outcome = child.run(&order(), &Silent, &Forgetful, &CancellationToken::new());
    let Err(RunError::Failed { message }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(message.contains("/no/such/deskvault"), "{message}");
}

#[test]
fn an_archive_must_be_what_was_asked_for_and_there() {
    let home = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let change = |change: &dyn Fn(&mut Summary)| {
        let mut summary = published(home.path());
        change(&mut summary);
        summary
    };
    let link = home.path().join("link.zip");
    std::os::unix::fs::symlink(home.path().join("a.zip"), &link).unwrap();
    for (summary, words) in [
        (change(&|summary| summary.desk = "other".into()), "another backup"),
        (
            change(&|summary| summary.kind = plugin_api::Kind::Custom),
            "another backup",
        ),
        (change(&|summary| summary.range = sample().range), "another backup"),
        (change(&|summary| summary.archive_bytes = 6), "an archive of 6 bytes"),
        (
            change(&|summary| summary.archive = home.path().join("b.zip")),
            "cannot be found",
        ),
        (
            change(&|summary| summary.archive = link.clone()),
            "an archive of 5 bytes",
        ),
        (published(elsewhere.path()), "another folder"),
    ] {
        let told = end(home.path(), Ok(summary));
        let outcome = shell(&told, home.path(), PATIENCE).run(&order(), &Silent, &Forgetful, &CancellationToken::new());
        let Err(RunError::Failed { message }) = outcome else {
            panic!("{words}: {outcome:?}")
        };
        assert!(message.contains(words), "{words}: {message}");
    }
    let mut order = order();
    order.folder = Some(elsewhere.path().to_owned());
    let told = end(home.path(), Ok(published(elsewhere.path())));
    let done = shell(&told, home.path(), PATIENCE).run(&order, &Silent, &Forgetful, &CancellationToken::new());
    assert!(done.is_ok(), "{done:?}");
}

/// Cancels when the process says its first word.
struct Canceller(CancellationToken);

impl Progress for Canceller {
    fn event(&self, _: Event<'_>) {
        self.0.cancel();
    }
}

const WORD: &str = "echo '{\"event\":\"module_started\",\"module\":\"m\"}'";

#[test]
fn cancelled_it_ends_by_itself_or_is_killed() {
    let home = tempfile::tempdir().unwrap();
    let told = end(home.path(), Err(RunError::Cancelled));
    for (script, grace, forced) in [
        // Its input ends: the job's two lines come, then nothing.
        (format!("trap '' TERM; {WORD}; cat >/dev/null; {told}"), PATIENCE, false),
        (format!("{WORD}; exec sleep 1000 2>/dev/null"), PATIENCE, false),
        (
            format!("trap '' TERM; {WORD}; while :; do sleep 1 2>/dev/null; done"),
            Duration::from_millis(300),
            true,
        ),
    ] {
        let cancel = CancellationToken::new();
        let child = shell(&script, home.path(), grace);
        let started = Instant::now();
        let outcome = child.run(&order(), &Canceller(cancel.clone()), &Forgetful, &cancel);
        assert_eq!(outcome, Err(RunError::Cancelled), "{script}");
        assert_eq!(child.forced.load(Ordering::SeqCst), forced, "{script}");
        assert!(started.elapsed() < PATIENCE, "{script}");
    }
}

#[test]
fn one_that_was_stopped_before_it_had_heard_its_job_is_stopped() {
    let home = tempfile::tempdir().unwrap();
    let message = "no line with an order".to_owned();
    let told = end(home.path(), Err(RunError::Configuration { message }));
    let run = |cancel: &CancellationToken, script: &str| {
        shell(script, home.path(), PATIENCE).run(&order(), &Canceller(cancel.clone()), &Forgetful, cancel)
    };
    let script = format!("trap '' TERM; {WORD}; cat >/dev/null; {told}");
    let outcome = run(&CancellationToken::new(), &script);
    assert_eq!(outcome, Err(RunError::Cancelled), "its slot is still due");
    let outcome = run(&CancellationToken::new(), &told);
    assert!(matches!(outcome, Err(RunError::Configuration { .. })), "{outcome:?}");
}

#[test]
fn what_is_published_when_it_is_cancelled_is_published() {
    let home = tempfile::tempdir().unwrap();
    let told = end(home.path(), Ok(published(home.path())));
    let cancel = CancellationToken::new();
    let child = shell(
        &format!("trap '' TERM; {WORD}; cat >/dev/null; {told}"),
        home.path(),
        PATIENCE,
    );
    let outcome = child.run(&order(), &Canceller(cancel.clone()), &Forgetful, &cancel);
    assert_eq!(outcome, Ok(published(home.path())));
}

#[test]
fn nothing_is_started_that_is_cancelled_already() {
    let home = tempfile::tempdir().unwrap();
    let made = home.path().join("made");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome =
        shell(&format!("touch {}", made.display()), home.path(), PATIENCE).run(&order(), &Silent, &Forgetful, &cancel);
    assert_eq!((outcome, made.exists()), (Err(RunError::Cancelled), false));
}

#[test]
fn one_that_hangs_or_runs_for_too_long_is_ended_and_the_reason_told() {
    let home = tempfile::tempdir().unwrap();
    let told = end(home.path(), Err(RunError::Cancelled));
    let soon = Duration::from_millis(300);
    for (script, silence, longest, words) in [
        // It hears nothing and says nothing; nor does it when it was told to end.
        (
            "trap '' TERM; while :; do sleep 1 2>/dev/null; done".to_owned(),
            soon,
            None,
            "gave no sign of life for 0 s",
        ),
        (
            "exec sleep 1000 2>/dev/null".to_owned(),
            soon,
            None,
            "gave no sign of life",
        ),
        // It says that it goes on, and ends well when it is told to.
        (
            format!(
                "trap '{told}; exit' TERM; while :; do echo '{{\"event\":\"beat\"}}'; sleep 0.05 2>/dev/null; done"
            ),
            PATIENCE,
            Some(soon),
            "ran for longer than [daemon] longest_backup = \"300ms\"",
        ),
    ] {
        let mut child = shell(&script, home.path(), PATIENCE);
        child.bounds.silence = silence;
        child.bounds.longest = longest;
        let started = Instant::now();
        let outcome = child.run(&order(), &Silent, &Forgetful, &CancellationToken::new());
        let Err(RunError::Failed { message }) = outcome else {
            panic!("{script}: {outcome:?}")
        };
        assert!(message.contains(words), "{script}: {message}");
        assert!(started.elapsed() < PATIENCE, "{script}");
        assert!(!child.forced.load(Ordering::SeqCst), "the daemon was not stopped");
    }
}

#[test]
fn what_runs_for_too_long_is_suspended_and_waits_for_credits_do_not_count() {
    let home = tempfile::tempdir().unwrap();
    let mut order = order();
    order.spool = Some(home.path().to_owned());
    let soon = Duration::from_millis(300);
    let run = |script: &str| {
        let mut child = shell(script, home.path(), PATIENCE);
        child.bounds.longest = Some(soon);
        child.run(&order, &Silent, &Forgetful, &CancellationToken::new())
    };
    let outcome = run("exec sleep 1000 2>/dev/null");
    let Err(RunError::Suspended {
        cause: Cause::Lost,
        message,
    }) = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(message.contains("[daemon] longest_backup = \"300ms\""), "{message}");
    let paused = "echo '{\"event\":\"paused\",\"until\":\"2031-03-12T07:00:00Z\",\"left\":0,\"reserve\":0}'";
    let told = end(home.path(), Err(RunError::Cancelled));
    assert_eq!(run(&format!("{paused}; sleep 1; {told}")), Err(RunError::Cancelled));
}

#[test]
fn what_was_kept_of_one_that_crashes_is_not_thrown_away() {
    let home = tempfile::tempdir().unwrap();
    let mut order = order();
    order.spool = Some(home.path().to_owned());
    order.resume = vec![checkpoint()];
    for script in ["kill -11 $$", "kill -6 $$", "exit 0"] {
        let outcome = shell(script, home.path(), PATIENCE).run(&order, &Silent, &Forgetful, &CancellationToken::new());
        assert!(
            matches!(outcome, Err(RunError::Suspended { cause: Cause::Lost, .. })),
            "{script}: {outcome:?}"
        );
    }
}

#[test]
fn what_ends_a_process_from_outside_suspends_a_backup_that_has_a_spool() {
    let home = tempfile::tempdir().unwrap();
    let mut order = order();
    order.spool = Some(home.path().to_owned());
    for (signal, lost) in [(9, true), (15, true), (11, false), (6, false), (4, false), (25, false)] {
        let child = shell(&format!("kill -{signal} $$"), home.path(), PATIENCE);
        let outcome = child.run(&order, &Silent, &Forgetful, &CancellationToken::new());
        let found = match &outcome {
            Err(RunError::Suspended { cause: Cause::Lost, .. }) => true,
            Err(RunError::Failed { .. }) => false,
            other => panic!("{signal}: {other:?}"),
        };
        assert_eq!(found, lost, "{signal}: {outcome:?}");
    }
    let cancel = CancellationToken::new();
    let child = shell(&format!("{WORD}; exec sleep 1000 2>/dev/null"), home.path(), PATIENCE);
    let outcome = child.run(&order, &Canceller(cancel.clone()), &Forgetful, &cancel);
    assert!(
        matches!(
            outcome,
            Err(RunError::Suspended {
                cause: Cause::Stopped,
                ..
            })
        ),
        "{outcome:?}"
    );
}

#[test]
fn one_that_aborts_is_told_to_have_come_to_its_limit_where_it_had_come_near() {
    let memory = |most| Memory { most, limit: 2 << 30 };
    let near = gave_up(memory(1 << 30));
    assert!(near.contains("limit of memory, [daemon] memory = \"2 GiB\""), "{near}");
    let far = gave_up(memory(1 << 20));
    assert!(far.starts_with("a plugin aborted"), "{far}");
    assert!(memory_of(std::process::id()).is_some_and(|bytes| bytes > 1 << 16));
}

/// Of a module that has begun.
fn checkpoint() -> Checkpoint {
    let said = serde_json::json!({
        "unread": [], "more_unread": 0, "gone": {}, "remarks": [], "least_requests": null, "failed": [0, ""], "expected": 0
    });
    serde_json::from_value(serde_json::json!({
        "module": "tickets", "version": "1.0.0", "number": 1, "cursor": 1, "tables": [],
        "memory": { "bytes": 0, "sha256": "0".repeat(64) },
        "said": said, "requests": 1, "retries": 0, "milliseconds": 1, "ended": null
    }))
    .unwrap()
}
