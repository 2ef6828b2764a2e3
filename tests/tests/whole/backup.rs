//! Whole backups, in process: what is complete, what is not, and what there is then.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use deskvault_tests::desk::TestDesk;
use deskvault_tests::{bad_plugin, plan, plugin};
use engine::archive::{ModuleState, verify};
use engine::backup::{BackupError, Plan, run};
use engine::connection::settings::{Auth, Secret, SecretSource};
use engine::plugins::Registry;
use engine::progress::{Event, Progress, Silent, Summary};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn backup(plan: &Plan, plugins: &[&str]) -> Result<Summary, BackupError> {
    let file = |name: &&str| {
        if name.starts_with("deskvault") {
            plugin(name)
        } else {
            bad_plugin(name)
        }
    };
    let mut registry = Registry::load_files(plugins.iter().map(file).collect(), PATIENCE);
    assert!(registry.refused.is_empty(), "{:?}", registry.refused);
    run(plan, &mut registry, &Silent, &CancellationToken::new())
}

/// The CSV files of an archive, by name, read by another implementation of ZIP.
fn files(archive: &Path) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(File::open(archive).expect("the archive")).expect("a ZIP");
    let mut files = BTreeMap::new();
    for place in 0..zip.len() {
        let mut entry = zip.by_index(place).expect("an entry");
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        let name = entry.name().expect("a name").into_owned();
        files.insert(name, text);
    }
    files
}

/// What lies in a folder.
pub(crate) fn left_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder");
    entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect()
}

pub(crate) fn state(summary: &Summary, module: &str) -> ModuleState {
    let found = summary.modules.iter().find(|summary| summary.module == module);
    found.expect("the module's summary").state
}

#[test]
fn a_complete_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = TestDesk::start(|path| Some((200, format!("{path}, \"quoted\"\n日本語 😀"))));
    let summary = backup(&plan(&desk.url, &["frozen"], folder.path()), &["deskvault_frozen"]).expect("a backup");
    assert!(summary.complete, "{:?}", summary.reasons);
    assert_eq!((summary.rows(), desk.requests()), (1, 1));
    let files = files(&summary.archive);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["Frozen__1.csv", "manifest.json"]);
    assert_eq!(
        files["Frozen__1.csv"],
        "N,T\r\nn,t\r\n200,\"/frozen, \"\"quoted\"\"\n日本語 😀\"\r\n"
    );
    assert_eq!(left_in(folder.path()).len(), 1, "nothing but the archive");
    let report = verify(&summary.archive, &|_, _| {}, &CancellationToken::new()).expect("a report");
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.manifest.tables[0].desk_count, Some(1));
}

#[test]
fn a_plugin_that_fails_makes_the_backup_incomplete_and_the_others_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = TestDesk::start(|_| Some((200, "fine".into())));
    let modules = [
        "panics-in-export",
        "frozen",
        "too-few-cells",
        "never-returns",
        "two-threads",
    ];
    let plugins = [
        "bad_panics_in_export",
        "deskvault_frozen",
        "bad_too_few_cells",
        "bad_never_returns",
        "bad_two_threads",
    ];
    let mut plan = plan(&desk.url, &modules, folder.path());
    plan.stall_timeout = Duration::from_millis(300);
    // Each of them has a table called Things, of which an archive can have only one.
    for (module, file) in modules.iter().zip(plugins).filter(|(module, _)| **module != "frozen") {
        plan.modules = vec!["frozen".into(), (*module).into()];
        let summary = backup(&plan, &["deskvault_frozen", file]).unwrap_or_else(|error| panic!("{module}: {error}"));
        assert!(!summary.complete, "{module}");
        assert_eq!(state(&summary, "frozen"), ModuleState::Complete, "{module}");
        assert_eq!(state(&summary, module), ModuleState::Failed, "{module}");
        assert!(
            summary.archive.to_string_lossy().ends_with("-incomplete.zip"),
            "{}",
            summary.archive.display()
        );
        let reason = summary.reasons.first().expect("a reason");
        assert!(reason.starts_with(&format!("module {module} failed: ")), "{reason}");
        println!("{reason}");
        let files = files(&summary.archive);
        assert!(files["Frozen__1.csv"].ends_with("200,fine\r\n"), "{module}");
        // What it wrote before it failed is kept.
        let kept = if module.starts_with("panics") || module.starts_with("never") {
            "1,one\r\n"
        } else {
            "id,name\r\n"
        };
        assert!(
            files["Things__1.csv"].ends_with(kept),
            "{module}: {}",
            files["Things__1.csv"]
        );
        let report = verify(&summary.archive, &|_, _| {}, &CancellationToken::new()).expect("a report");
        assert!(report.is_sound(), "{module}: {:?}", report.problems);
        fs::remove_file(&summary.archive).expect("the archive");
    }
}

#[test]
fn what_a_plugin_swallows_or_claims_does_not_pass_for_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = TestDesk::start(|_| Some((200, "fine".into())));
    for (module, state, words) in [
        ("says-host", ModuleState::Failed, "the disk is full, says the plugin"),
        ("unavailable-late", ModuleState::Failed, "no such module"),
        ("swallows", ModuleState::Failed, "elsewhere.example"),
        (
            "opens-nothing",
            ModuleState::Incomplete,
            "describes this table and did not write it",
        ),
    ] {
        let plan = plan(&desk.url, &["frozen", module], folder.path());
        let file = format!("bad_{}", module.replace('-', "_"));
        let summary = backup(&plan, &["deskvault_frozen", &file]).unwrap_or_else(|error| panic!("{module}: {error}"));
        assert!(!summary.complete, "{module}");
        assert_eq!(self::state(&summary, module), state, "{module}");
        assert_eq!(self::state(&summary, "frozen"), ModuleState::Complete, "{module}");
        let reasons = summary.reasons.join("\n");
        assert!(reasons.contains(words), "{module}: {reasons}");
        fs::remove_file(&summary.archive).expect("the archive");
    }
}

#[test]
fn a_secret_that_the_desk_echoes_reaches_neither_message_nor_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = TestDesk::start(|_| Some((404, "no such thing for Authorization: Bearer hunter2secret".into())));
    let mut plan = plan(&desk.url, &["quotes-the-desk"], folder.path());
    plan.connection.auth = Auth::Bearer(SecretSource::Inline(Secret::new("hunter2secret")));
    let summary = backup(&plan, &["bad_quotes_the_desk"]).expect("an incomplete backup");
    let reasons = summary.reasons.join("\n");
    assert!(
        reasons.contains("no such thing for Authorization: [secret]"),
        "{reasons}"
    );
    let manifest = &files(&summary.archive)["manifest.json"];
    assert!(
        manifest.contains("[secret]") && !manifest.contains("hunter2"),
        "{manifest}"
    );
}

#[test]
fn two_modules_that_claim_one_table_do_not_mix() {
    let folder = tempfile::tempdir().expect("a folder");
    let modules = ["panics-in-drop", "too-few-cells"];
    let plan = plan("http://127.0.0.1:9", &modules, folder.path());
    let error = backup(&plan, &["bad_panics_in_drop", "bad_too_few_cells"]).expect_err("one table, two modules");
    let said = error.to_string();
    assert!(
        said.contains("\"panics-in-drop\" and \"too-few-cells\" both write a table \"Things\""),
        "{said}"
    );
}

#[test]
fn where_nothing_could_be_read_there_is_no_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = plan("http://127.0.0.1:9", &["too-few-cells"], folder.path());
    let error = backup(&plan, &["bad_too_few_cells"]).expect_err("no archive");
    assert!(matches!(error, BackupError::Nothing(_)), "{error}");
    assert!(error.to_string().contains("too-few-cells: "), "{error}");
    assert!(left_in(folder.path()).is_empty(), "{:?}", left_in(folder.path()));
}

#[test]
fn what_is_asked_for_must_be_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut asked = plan("http://127.0.0.1:9", &["frosen"], folder.path());
    let said = backup(&asked, &["deskvault_frozen"])
        .expect_err("no such module")
        .to_string();
    assert!(
        said.contains("\"frosen\"") && said.contains("did you mean \"frozen\""),
        "{said}"
    );
    asked.modules = vec!["frozen".into()];
    asked.connection_kind = "zoho".into();
    let said = backup(&asked, &["deskvault_frozen"])
        .expect_err("another kind")
        .to_string();
    assert!(said.contains("needs a connection of kind \"http\""), "{said}");
    asked.modules.clear();
    assert!(matches!(backup(&asked, &[]), Err(BackupError::NoModule(_))));
}

#[test]
fn a_cancelled_backup_leaves_nothing() {
    /// Cancels as soon as a request is in flight.
    struct Canceller(CancellationToken);

    impl Progress for Canceller {
        fn event(&self, event: Event<'_>) {
            if matches!(event, Event::Module { in_flight: 1.., .. }) {
                self.0.cancel();
            }
        }
    }

    let folder = tempfile::tempdir().expect("a folder");
    let desk = TestDesk::start(|_| None);
    let mut registry = Registry::load_files(vec![plugin("deskvault_frozen")], PATIENCE);
    let cancel = CancellationToken::new();
    let started = Instant::now();
    let plan = plan(&desk.url, &["frozen"], folder.path());
    let error = run(&plan, &mut registry, &Canceller(cancel.clone()), &cancel).expect_err("cancelled");
    assert!(matches!(error, BackupError::Cancelled), "{error}");
    assert!(started.elapsed() < PATIENCE);
    assert!(left_in(folder.path()).is_empty(), "{:?}", left_in(folder.path()));
}

/// Lets requests through in groups; counts those that no others came to join.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    change: Condvar,
}

#[derive(Default)]
struct GateState {
    waiting: usize,
    group: usize,
    alone: usize,
}

impl Gate {
    const TOGETHER: usize = 4;
    const MOST_ALONE: usize = 20;

    fn pass(&self) {
        let mut state = self.state.lock().expect("the gate");
        state.waiting += 1;
        if state.waiting == Self::TOGETHER {
            (state.waiting, state.group) = (0, state.group + 1);
            self.change.notify_all();
            return;
        }
        let group = state.group;
        let alone = |state: &mut GateState| state.group == group && state.alone < Self::MOST_ALONE;
        let waited = self.change.wait_timeout_while(state, Duration::from_secs(1), alone);
        let (mut state, waited) = waited.expect("the gate");
        if waited.timed_out() && state.group == group {
            state.waiting -= 1;
            state.alone += 1;
        }
    }
}

#[test]
fn requests_for_the_records_of_a_long_list_stay_many_in_flight() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Arc::new(Gate::default());
    let at_the_desk = Arc::clone(&gate);
    let desk = TestDesk::start(move |path| {
        let body = if path.starts_with("/fields") {
            serde_json::json!({ "fields": [] })
        } else if let Some(page) = path.split("page=").nth(1) {
            // 40 pages of 100: more than an exporter may run ahead.
            let page: u64 = page.split('&').next()?.parse().ok()?;
            let ticket = |id: u64| serde_json::json!({ "id": id, "updated_at": "2031-03-12T07:00:00Z", "comment_count": u64::from((1..=12).contains(&(id % 100))) });
            let tickets: Vec<_> = ((page - 1) * 100..page * 100)
                .filter(|id| *id < 4000)
                .map(|id| ticket(id + 1))
                .collect();
            serde_json::json!({ "tickets": tickets, "total": 4000 })
        } else {
            at_the_desk.pass();
            let id = path.split('/').nth(2)?;
            serde_json::json!({ "comments": [{ "id": id, "body": "x", "created_at": "2031-03-12T07:00:00Z" }] })
        };
        Some((200, body.to_string()))
    });
    let summary = backup(&plan(&desk.url, &["example"], folder.path()), &["deskvault_example"]).expect("a backup");
    assert!(summary.complete, "{:?}", summary.reasons);
    assert_eq!(summary.rows(), 4000 + 480);
    let alone = gate.state.lock().expect("the gate").alone;
    assert!(alone < Gate::MOST_ALONE, "{alone} requests were made by themselves");
}
