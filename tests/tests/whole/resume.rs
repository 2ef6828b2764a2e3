//! Backups that are interrupted and gone on with: byte for byte what they would have been, and nothing is asked for twice.

#[path = "resume/elsewhere.rs"]
mod elsewhere;
#[path = "resume/said.rs"]
mod said;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deskvault_tests::desk::{Reply, TestDesk};
use deskvault_tests::{bad_plugin, plan, plugin};
use engine::archive::{Held, ModuleState, Prepared, State, reserve};
use engine::backup::{BackupError, Checkpoint, Keeper, Often, Plan, run_kept};
use engine::clock::Clock;
use engine::plugins::Registry;
use engine::progress::{Silent, Summary};
use engine::service::Cause;
use plugin_api::{Kind, Timestamp};
use tokio_util::sync::CancellationToken;

const TICKETS: u64 = 730;
const STARTED: &str = "2031-05-01T00:00:00Z";

/// It stands.
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2031-05-02T00:00:00Z").expect("a time")
    }
}

/// A desk for the exporters `example` and `reads-again`; `fault` answers first.
fn desk(fault: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (TestDesk, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let desk = TestDesk::start(move |path| {
        log.lock().expect("the log").push(path.to_owned());
        if let Some(reply) = fault(path) {
            return Some(reply);
        }
        let body = if path.starts_with("/fields") {
            serde_json::json!({ "fields": [{ "key": "k", "label": "K" }] })
        } else if let Some(page) = path.split("page=").nth(1) {
            let page: u64 = page.split('&').next()?.parse().ok()?;
            let ticket = |id: u64| serde_json::json!({ "id": id, "updated_at": "2031-03-12T07:00:00Z", "subject": format!("{id}").repeat(9), "comment_count": u64::from(id.is_multiple_of(50)) });
            let tickets: Vec<_> = ((page - 1) * 100..page * 100)
                .filter(|id| *id < TICKETS)
                .map(|id| ticket(id + 1))
                .collect();
            serde_json::json!({ "tickets": tickets, "total": TICKETS })
        } else if path.ends_with("/comments") {
            let id = path.split('/').nth(2)?;
            serde_json::json!({ "comments": [{ "id": id, "body": "x", "created_at": "2031-03-12T07:00:00Z" }] })
        } else {
            serde_json::json!({ "there": path })
        };
        Some((200, body.to_string()))
    });
    (desk, asked)
}

/// What was there when a checkpoint was kept: the last one of each module, and the spool folder.
struct Moment {
    checkpoints: Vec<Checkpoint>,
    folder: PathBuf,
}

/// Keeps checkpoints, and what the spool folder then holds; or refuses the one of this number.
struct Recorder {
    spool: PathBuf,
    copies: tempfile::TempDir,
    state: Mutex<(BTreeMap<String, Checkpoint>, Vec<Moment>)>,
    refuses: Option<usize>,
}

impl Recorder {
    fn new(spool: &Path) -> Self {
        Self {
            spool: spool.to_owned(),
            copies: tempfile::tempdir().expect("a folder"),
            state: Mutex::default(),
            refuses: None,
        }
    }

    fn checkpoints(&self) -> Vec<Checkpoint> {
        self.state.lock().expect("the state").0.values().cloned().collect()
    }

    fn moments(&self) -> Vec<Moment> {
        std::mem::take(&mut self.state.lock().expect("the state").1)
    }
}

impl Keeper for Recorder {
    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        let mut state = self.state.lock().expect("the state");
        if self.refuses == Some(state.1.len()) {
            return Err("the store is away".into());
        }
        // As the store has it.
        let text = serde_json::to_string(checkpoint).expect("JSON");
        let checkpoint: Checkpoint = serde_json::from_str(&text).expect("a checkpoint");
        let before = state.0.insert(checkpoint.module.clone(), checkpoint.clone());
        assert!(before.is_none_or(|before| before.number < checkpoint.number));
        let folder = self.copies.path().join(state.1.len().to_string());
        copy(&self.spool, &folder);
        let checkpoints = state.0.values().cloned().collect();
        state.1.push(Moment { checkpoints, folder });
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the folder") {
        let entry = entry.expect("an entry");
        // A tail may go meanwhile.
        let _ = fs::copy(entry.path(), to.join(entry.file_name()));
    }
}

fn reserved(folder: &Path) -> PathBuf {
    let started = Timestamp::parse(STARTED).expect("a time");
    reserve(folder, "desk", Kind::Full, started).expect("a spool folder")
}

fn planned(url: &str, modules: &[&str], spool: &Path) -> Plan {
    let folder = spool.parent().expect("its folder");
    let mut plan = plan(url, modules, folder);
    plan.started = Timestamp::parse(STARTED);
    plan.name = Some("backup 1 of desk".into());
    plan.spool = Some(spool.to_owned());
    // Each page.
    plan.often = Often {
        rows: 2,
        every: Duration::from_hours(1),
    };
    plan.clock = Arc::new(Standing);
    plan.archive.rows_per_part = 300;
    plan
}

fn run(plan: &Plan, keeper: &dyn Keeper, cancel: &CancellationToken) -> Result<Summary, BackupError> {
    let files = plan.modules.iter().map(|module| match module.as_str() {
        "example" => plugin("deskvault_example"),
        "frozen" => plugin("deskvault_frozen"),
        _ => bad_plugin("reads_again"),
    });
    let mut registry = Registry::load_files(files.collect(), Duration::from_secs(20));
    assert!(registry.refused.is_empty(), "{:?}", registry.refused);
    run_kept(plan, &mut registry, &Silent, keeper, cancel)
}

/// An uninterrupted backup, and all moments of it.
fn whole(url: &str, modules: &[&str]) -> (Vec<u8>, Vec<Moment>, Recorder) {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = reserved(folder.path());
    let recorder = Recorder::new(&spool);
    let summary = run(&planned(url, modules, &spool), &recorder, &CancellationToken::new()).expect("a backup");
    assert_eq!(summary.archive, spool.join("archive.zip"));
    let archive = fs::read(&summary.archive).expect("the archive");
    let moments = recorder.moments();
    (archive, moments, recorder)
}

/// Goes on from a moment, in a folder of its own that was harmed first.
fn go_on(
    url: &str,
    modules: &[&str],
    moment: &Moment,
    harm: impl Fn(&Path),
) -> (Result<Summary, BackupError>, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = reserved(folder.path());
    copy(&moment.folder, &spool);
    harm(&spool);
    let mut plan = planned(url, modules, &spool);
    plan.resume.clone_from(&moment.checkpoints);
    plan.archive.rows_per_part = 7;
    plan.often = Often::default();
    let summary = run(&plan, &Recorder::new(&spool), &CancellationToken::new());
    let archive = summary
        .as_ref()
        .map_or(Vec::new(), |summary| fs::read(&summary.archive).expect("the archive"));
    (summary, archive)
}

/// How many requests for a path a checkpoint spares: all whose answers it covers.
fn spared(checkpoint: &Checkpoint, path: &str) -> usize {
    let id = |path: &str| path.split('/').nth(2).and_then(|id| id.parse::<u64>().ok());
    let is_closed = checkpoint.tables.iter().all(|table| table.open.is_none());
    if checkpoint.module == "reads-again" {
        let next = checkpoint.cursor.as_ref().and_then(serde_json::Value::as_u64);
        let is_read = checkpoint.ended.is_some() || id(path).is_none_or(|id| Some(id) < next);
        return match path {
            // It is read once more at the end.
            "/things/7" if checkpoint.ended.is_some() && is_closed => 2,
            path if path.starts_with("/tables") || path.starts_with("/things/") => usize::from(is_read),
            _ => 0,
        };
    }
    if !path.starts_with("/tickets") && !path.starts_with("/fields") {
        return 0;
    }
    let pages = checkpoint
        .cursor
        .as_ref()
        .map_or(u64::MAX, |cursor| cursor["pages"].as_u64().expect("pages"));
    let page = path
        .split("page=")
        .nth(1)
        .and_then(|page| page.split('&').next()?.parse().ok());
    let page = page.or_else(|| id(path).map(|id| id.div_ceil(100)));
    usize::from(page.is_none_or(|page: u64| page <= pages))
}

/// What is asked for, each path as often as it is.
fn counted(paths: &[String]) -> BTreeMap<&str, usize> {
    let mut counted = BTreeMap::new();
    for path in paths {
        *counted.entry(path.as_str()).or_default() += 1;
    }
    counted
}

#[test]
fn from_each_checkpoint_the_same_bytes_come_and_nothing_is_asked_for_twice() {
    let refused = |path: &str| (path == "/things/7").then(|| (403, "no".into()));
    let (desk, asked) = desk(refused);
    let modules = ["example", "reads-again"];
    let (archive, moments, _copies) = whole(&desk.url, &modules);
    let log = std::mem::take(&mut *asked.lock().expect("the log"));
    let in_all = log.len();
    assert!(moments.len() >= 8 + 20 + 2, "{}", moments.len());
    for (number, moment) in moments.iter().enumerate() {
        let (summary, bytes) = go_on(&desk.url, &modules, moment, |spool| {
            fs::write(spool.join("archive.zip"), "half").expect("a file");
        });
        let summary = summary.expect("a backup");
        assert!(bytes == archive, "moment {number}");
        assert!(summary.notes.is_empty(), "{:?}", summary.notes);
        let again = std::mem::take(&mut *asked.lock().expect("the log"));
        let of_all: u64 = summary.modules.iter().map(|module| module.requests).sum();
        assert!(of_all as usize >= in_all, "{of_all} of {in_all}: those of both runs");
        // All that no checkpoint covers, and nothing else; but whether a page follows the last one has to be asked.
        let again: Vec<String> = again.into_iter().filter(|path| !path.contains("page=9&")).collect();
        let mut left = counted(&log);
        left.retain(|path, times| {
            let spared: usize = moment
                .checkpoints
                .iter()
                .map(|checkpoint| spared(checkpoint, path))
                .sum();
            *times -= spared;
            *times > 0
        });
        assert_eq!(counted(&again), left, "moment {number}");
    }
    // All had ended: joining and verifying asks for nothing.
    let last = moments.last().expect("a moment");
    assert!(last.checkpoints.iter().all(|checkpoint| checkpoint.ended.is_some()));
    go_on(&desk.url, &modules, last, |_| {}).0.expect("a backup");
    assert_eq!(*asked.lock().expect("the log"), Vec::<String>::new());
}

#[test]
fn a_module_whose_files_are_not_what_its_checkpoint_says_starts_over() {
    let (desk, _) = desk(|_| None);
    let (archive, moments, _copies) = whole(&desk.url, &["example"]);
    let moment = &moments[4];
    let tables = &moment.checkpoints[0].tables;
    let tail = tables[0].open.as_ref().expect("an open part").tail.clone();
    for (file, is_cut) in [
        ("Tickets__1.csv.deflate".to_owned(), true),
        ("Tickets__1.csv.deflate".to_owned(), false),
        (tail.clone(), true),
        (tail, false),
        ("form.json".to_owned(), false),
    ] {
        let (summary, bytes) = go_on(&desk.url, &["example"], moment, |spool| {
            let path = spool.join(&file);
            if is_cut {
                let bytes = fs::read(&path).expect("the file");
                fs::write(&path, &bytes[1..]).expect("the file");
            } else {
                fs::remove_file(&path).expect("the file");
            }
        });
        let summary = summary.expect("a backup");
        let notes = summary.notes.join("\n");
        assert!(notes.contains("started over"), "{file}: {notes}");
        if file == "form.json" {
            // Nobody knows how the first run wrote: the plan of the second says.
            assert!(notes.contains("does not say how it was written"), "{notes}");
        } else {
            assert!(notes.contains(&file), "{notes}");
            assert!(bytes == archive, "{file}");
        }
    }
    // Another version of the plugin may not know what to do with the cursor.
    let mut checkpoints = moment.checkpoints.clone();
    checkpoints[0].version = "0.0.1".into();
    let other = Moment {
        checkpoints,
        folder: moment.folder.clone(),
    };
    let summary = go_on(&desk.url, &["example"], &other, |_| {}).0.expect("a backup");
    assert!(summary.notes.join("\n").contains("0.0.1"), "{:?}", summary.notes);
}

#[test]
fn a_fault_that_passes_suspends_and_the_archive_is_the_uninterrupted_one() {
    let is_revoked = Arc::new(AtomicBool::new(false));
    let pages = Arc::new(AtomicUsize::new(0));
    let (revoked, seen) = (Arc::clone(&is_revoked), Arc::clone(&pages));
    let (desk, _) = desk(move |path| {
        let is_fourth = path.contains("page=4") && seen.fetch_add(1, Ordering::SeqCst) == 0;
        if is_fourth {
            revoked.store(true, Ordering::SeqCst);
        }
        revoked.load(Ordering::SeqCst).then(|| (401, "revoked".into()))
    });
    let folder = tempfile::tempdir().expect("a folder");
    let spool = reserved(folder.path());
    let recorder = Recorder::new(&spool);
    let mut plan = planned(&desk.url, &["example"], &spool);
    let error = run(&plan, &recorder, &CancellationToken::new()).expect_err("suspended");
    let BackupError::Suspended { cause, reason } = error else {
        panic!("{error}");
    };
    assert!(
        cause == Cause::Credentials && reason.contains("module example"),
        "{cause:?} {reason}"
    );
    assert!(spool.exists());
    plan.resume = recorder.checkpoints();
    assert!(plan.resume.iter().all(|checkpoint| checkpoint.ended.is_none()));
    // Still.
    assert!(matches!(
        run(&plan, &recorder, &CancellationToken::new()),
        Err(BackupError::Suspended { .. })
    ));
    // Published as it is, where that is wanted.
    let other = tempfile::tempdir().expect("a folder");
    let left = reserved(other.path());
    copy(&spool, &left);
    let mut finish = planned(&desk.url, &["example"], &left);
    finish.resume.clone_from(&plan.resume);
    finish.finish = true;
    let summary = run(&finish, &Recorder::new(&left), &CancellationToken::new()).expect("an archive");
    assert!(!summary.complete && summary.rows() > 100, "{summary:?}");
    assert_eq!(summary.modules[0].state, ModuleState::Failed);
    let started = Timestamp::parse(STARTED).expect("a time");
    let held = Held::take(&left, "backup 1 of desk", started).expect("the folder");
    let prepared = Prepared {
        backup: "backup 1 of desk",
        state: State::Incomplete,
        sha256: &summary.sha256,
    };
    let published = held
        .publish(&prepared, &|_, _| {}, &CancellationToken::new())
        .expect("published");
    assert!(published.path.to_string_lossy().ends_with("-incomplete.zip"));
    held.remove().expect("removed");

    is_revoked.store(false, Ordering::SeqCst);
    let summary = run(&plan, &recorder, &CancellationToken::new()).expect("a backup");
    let archive = fs::read(summary.archive).expect("the archive");
    assert!(archive == whole(&desk.url, &["example"]).0);
}

/// Cancels at the third checkpoint.
struct Stops(Recorder, CancellationToken);

impl Keeper for Stops {
    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        if checkpoint.number == 3 {
            self.1.cancel();
        }
        self.0.keep(checkpoint)
    }
}

/// Is gone: the third time that it is asked, all is stopped.
struct Gone(AtomicUsize, CancellationToken);

impl Keeper for Gone {
    fn keep(&self, _: &Checkpoint) -> Result<(), String> {
        if self.0.fetch_add(1, Ordering::SeqCst) == 2 {
            self.1.cancel();
        }
        Err("nobody keeps anything".into())
    }
}

#[test]
fn what_is_refused_from_the_first_request_on_fails_and_what_is_stopped_is_suspended() {
    let (closed, _) = desk(|_| Some((401, "no".into())));
    let folder = tempfile::tempdir().expect("a folder");
    let spool = reserved(folder.path());
    let plan = planned(&closed.url, &["example"], &spool);
    let error = run(&plan, &Recorder::new(&spool), &CancellationToken::new()).expect_err("nothing");
    assert!(matches!(error, BackupError::Nothing(_)), "{error}");

    let (open, _) = desk(|_| None);
    let spool = reserved(folder.path());
    let mut plan = planned(&open.url, &["example"], &spool);
    let cancel = CancellationToken::new();
    let stops = Stops(Recorder::new(&spool), cancel.clone());
    let error = run(&plan, &stops, &cancel).expect_err("stopped");
    assert!(
        matches!(
            error,
            BackupError::Suspended {
                cause: Cause::Stopped,
                ..
            }
        ),
        "{error}"
    );
    plan.resume = stops.0.checkpoints();
    let summary = run(&plan, &stops.0, &CancellationToken::new()).expect("a backup");
    assert!(fs::read(summary.archive).expect("the archive") == whole(&open.url, &["example"]).0);

    // Who is stopped need not keep.
    let spool = reserved(folder.path());
    let plan = planned(&open.url, &["example"], &spool);
    let cancel = CancellationToken::new();
    let error = run(&plan, &Gone(AtomicUsize::new(0), cancel.clone()), &cancel).expect_err("stopped");
    let is_stopped = matches!(&error, BackupError::Suspended { cause, .. } if *cause == Cause::Stopped);
    assert!(is_stopped, "{error}");

    // A keeper that can't keep ends it too; what was kept before stands.
    let spool = reserved(folder.path());
    let mut plan = planned(&open.url, &["example"], &spool);
    let mut keeper = Recorder::new(&spool);
    keeper.refuses = Some(2);
    let error = run(&plan, &keeper, &CancellationToken::new()).expect_err("not kept");
    assert!(error.to_string().contains("the store is away"), "{error}");
    plan.resume = keeper.checkpoints();
    let summary = run(&plan, &Recorder::new(&spool), &CancellationToken::new()).expect("a backup");
    assert!(fs::read(summary.archive).expect("the archive") == whole(&open.url, &["example"]).0);
}

#[test]
fn what_could_not_be_read_is_read_once_more_at_the_end() {
    let refusals = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&refusals);
    // Two are refused at first, one for ever.
    let (desk, asked) = desk(move |path| {
        let is_refused = path == "/things/7"
            || matches!(path, "/things/3" | "/things/12") && seen.fetch_add(1, Ordering::SeqCst) < 2;
        is_refused.then(|| (403, "no".into()))
    });
    let (archive, moments, _copies) = whole(&desk.url, &["reads-again"]);
    assert_eq!(refusals.load(Ordering::SeqCst), 4);
    let ended: Vec<&Moment> = moments
        .iter()
        .filter(|moment| moment.checkpoints[0].ended.is_some())
        .collect();
    assert_eq!(ended.len(), 2, "at its end, and when all was read");
    let unread = |moment: &Moment| -> Vec<String> {
        let said = &moment.checkpoints[0].said;
        said.unread.iter().map(|unread| unread.key.clone()).collect()
    };
    assert_eq!(
        (unread(ended[0]), unread(ended[1])),
        (vec!["3".into(), "7".into(), "12".into()], vec!["7".to_owned()])
    );
    // Interrupted in between: only that is done over.
    asked.lock().expect("the log").clear();
    let (summary, bytes) = go_on(&desk.url, &["reads-again"], ended[0], |_| {});
    let summary = summary.expect("a backup");
    assert!(bytes == archive);
    assert_eq!(
        *asked.lock().expect("the log"),
        ["/things/3", "/things/7", "/things/12"]
    );
    assert_eq!(
        (summary.rows(), summary.reasons.len()),
        (19, 1),
        "{:?}",
        summary.reasons
    );
    assert!(
        summary.reasons[0].contains("record \"7\" could not be read"),
        "{:?}",
        summary.reasons
    );
}

/// A file system of a megabyte, where the system lets us make one.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path());
        let mounted = mount.stderr(std::process::Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_suspends_with_a_plain_message_and_the_backup_goes_on_when_there_is_room() {
    let Some(small) = Small::mount() else {
        println!("no file system can be made here: a full disk is not tried");
        return;
    };
    let (desk, _) = desk(|_| None);
    let archive = whole(&desk.url, &["example"]).0;
    let spool = reserved(small.0.path());
    let filler = small.0.path().join("filler");
    let mut plan = planned(&desk.url, &["example"], &spool);
    let copies = Recorder::new(&spool);
    let mut messages = Vec::new();
    // More room each time, until it is enough: parts, tails and the archive find none in turn.
    for room in (0..90).map(|step| step * 4096) {
        let _ = fs::remove_file(&filler);
        let used: u64 = fs::read_dir(&spool)
            .expect("the folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .metadata()
                    .expect("its length")
                    .len()
                    .next_multiple_of(4096)
            })
            .sum();
        let free = (1 << 20) - used;
        fill(&filler, free.saturating_sub(room));
        match run(&plan, &copies, &CancellationToken::new()) {
            Ok(summary) => {
                assert!(fs::read(summary.archive).expect("the archive") == archive);
                assert!(messages.len() > 3, "{messages:#?}");
                return;
            }
            Err(BackupError::Suspended { cause, reason }) => {
                let is_plain = reason.contains("No space left") && reason.contains("goes on when there is room");
                assert!(cause == Cause::Machine && is_plain, "{cause:?} {reason}");
                assert!(
                    reason.contains(&spool.display().to_string()),
                    "no file is named: {reason}"
                );
                messages.push(reason);
            }
            Err(error) => panic!("{error}"),
        }
        plan.resume = copies.checkpoints();
    }
    panic!("it never came to its end: {messages:#?}");
}

/// A file of so many bytes, or as many as there is room for.
fn fill(path: &Path, bytes: u64) {
    use std::io::Write as _;
    let mut file = fs::File::create(path).expect("a file");
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(4096) as usize;
        if file.write_all(&vec![1; piece]).is_err() {
            break;
        }
        left -= piece as u64;
    }
}
