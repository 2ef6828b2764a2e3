//! The service as its users see it: in a folder of its own, by a clock that the test turns, with a runner that makes real
//! archives without a desk.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plugin_api::{Column, Kind, Range, Table, Timestamp, Value};
use tokio_util::sync::CancellationToken;

use crate::archive::{self, Digest, Head, Held, ModuleState, OpenPart, Outcome, Prepared, TableMark, Writer};
use crate::backup::{Cause, Checkpoint, End, Keeper, Memory, Said};
use crate::clock::Clock;
use crate::config::Config;
use crate::history::{Filter, Happening};
use crate::people::Actor;
use crate::progress::{ModuleSummary, Progress, Silent, Summary, TableSummary};
use crate::quota::Refusal;
use crate::store::{Backup, BackupState};

use super::{Done, Due, GoOn, Order, Ran, RunError, Runner, Service, ServiceError, Which, Wish};

mod abandoned;
mod crash;
mod going_on;
mod keeping;
mod limits;
mod schedules;
mod who;

const CONFIGURATION: &str = r#"
[[person]]
name = "Aiko"
email = "aiko@example.com"

[[person]]
name = "Ben"

[[desk]]
name = "main"
modules = ["tickets"]
primary_contact = "Aiko"
viewers = ["Ben"]
support_contact = "support@example.com"
[desk.connection]
kind = "sample"
search_lag = "5m"

[[desk]]
name = "other"
modules = ["tickets"]
primary_contact = "Aiko"
[desk.connection]
kind = "sample"

[[webhook]]
url = "http://127.0.0.1:9/"
secret = "0123456789abcdef0123456789abcdef"

[mail]
host = "127.0.0.1"
security = "none"
from = "deskvault@example.com"
"#;

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_micros(time.micros() + by.as_micros() as i64)
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

/// A clock that is turned by hand.
struct Hand(Mutex<Timestamp>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What the next run comes to.
#[derive(Clone)]
enum Script {
    Complete,
    Incomplete,
    LimitReached,
    Fails(RunError),
    /// The process ends before the archive is there.
    Dies,
    /// It keeps a checkpoint with so many rows, and this comes of it.
    Keeps(u64, RunError),
    /// Its modules end, and this comes of it.
    Ends(RunError),
    /// It keeps one, and the process ends.
    KeepsAndDies(u64),
    /// The process ends when it has just been published, it may be as one that reached the limit.
    DiesBehind(bool),
}

/// Makes archives of one table, as the script says; without one, complete.
#[derive(Default)]
struct Fake {
    folder: PathBuf,
    script: Mutex<VecDeque<Script>>,
    orders: Mutex<Vec<Order>>,
}

impl Runner for Fake {
    fn run(
        &self,
        order: &Order,
        _: &dyn Progress,
        keeper: &dyn Keeper,
        _: &CancellationToken,
    ) -> Result<Summary, RunError> {
        self.orders.lock().unwrap().push(order.clone());
        let script = self.script.lock().unwrap().pop_front().unwrap_or(Script::Complete);
        let state = match script {
            Script::Fails(error) => return Err(error),
            Script::Dies => panic!("the process ends"),
            Script::Keeps(rows, error) => {
                keeper.keep(&checkpoint(rows)).unwrap();
                return Err(error);
            }
            Script::Ends(error) => {
                let ended = Some(End::Done);
                keeper.keep(&Checkpoint { ended, ..checkpoint(3) }).unwrap();
                return Err(error);
            }
            Script::KeepsAndDies(rows) => {
                keeper.keep(&checkpoint(rows)).unwrap();
                panic!("the process ends behind a checkpoint");
            }
            Script::Complete | Script::DiesBehind(false) => ModuleState::Complete,
            Script::Incomplete | Script::LimitReached | Script::DiesBehind(true) => ModuleState::Incomplete,
        };
        let limit_reached = matches!(script, Script::LimitReached | Script::DiesBehind(true));
        let summary = self.make(order, state, limit_reached);
        if matches!(script, Script::DiesBehind(_)) {
            let held = Held::take(order.spool.as_ref().unwrap(), &order.name, order.started).unwrap();
            let prepared = Prepared {
                backup: &order.name,
                state: summary.state(),
                sha256: &summary.sha256,
            };
            let published = held.publish(&prepared, &|_, _| {}, &CancellationToken::new());
            panic!("the process ends behind {}", published.unwrap().path.display());
        }
        Ok(summary)
    }
}

/// Has something happen in the middle of a backup.
struct Meanwhile<'a, F> {
    fake: &'a Fake,
    then: F,
}

impl<F: Fn() + Send + Sync> Runner for Meanwhile<'_, F> {
    fn run(
        &self,
        order: &Order,
        progress: &dyn Progress,
        keeper: &dyn Keeper,
        cancel: &CancellationToken,
    ) -> Result<Summary, RunError> {
        (self.then)();
        self.fake.run(order, progress, keeper, cancel)
    }
}

impl Fake {
    fn make(&self, order: &Order, state: ModuleState, limit_reached: bool) -> Summary {
        let settings = archive::settings::Settings {
            folder: order.folder.clone().unwrap_or_else(|| self.folder.clone()),
            packers: 1,
            ..archive::settings::Settings::default()
        };
        let head = Head {
            desk: order.desk.clone(),
            backup: order.name.clone(),
            kind: order.kind,
            range: order.range,
            started: order.started,
            engine: "0.1.0".into(),
            plugins: Vec::new(),
        };
        let (spool, cancel) = (order.spool.as_ref().unwrap(), CancellationToken::new());
        let (writer, _) = Writer::take(&settings, head, spool, &BTreeSet::new(), cancel).unwrap();
        let table = Table::new("Tickets").columns([Column::new("id", "Id")]).key(["id"]);
        let mut table = writer.open_table("tickets", table).unwrap();
        for id in 0..3 {
            table.write(&[Value::Int(id)]).unwrap();
        }
        table.close().unwrap();
        let reasons: Vec<String> = match (state, limit_reached) {
            (ModuleState::Complete, _) => vec![],
            (_, true) => vec!["Tickets: stopped behind row 3: limit of 3 records reached".into()],
            _ => vec!["ticket 4 could not be read".into(), "ticket 5 neither".into()],
        };
        let outcome = Outcome {
            finished: order.started,
            modules: vec![archive::Module {
                module: "tickets".into(),
                state,
                reason: reasons.first().cloned(),
            }],
            reasons: reasons.clone(),
            limit_reached,
        };
        let published = writer.finish(outcome, &|_, _| {}).unwrap();
        Summary {
            desk: order.desk.clone(),
            kind: order.kind,
            range: order.range,
            complete: state == ModuleState::Complete,
            sha256: Digest::of_file(&published.path).unwrap().to_string(),
            archive: published.path,
            archive_bytes: published.bytes,
            started: order.started,
            until: order
                .range
                .map_or(order.until.unwrap_or(order.started), |range| range.to),
            limit_reached: limit_reached.then(|| ("Tickets".into(), 3)).into_iter().collect(),
            seconds: 1.0,
            modules: vec![ModuleSummary {
                module: "tickets".into(),
                state,
                reason: None,
                requests: 1,
                least_requests: None,
                retries: 0,
                seconds: 1.0,
                tables: vec![TableSummary {
                    table: "Tickets".into(),
                    rows: 3,
                    bytes: 9,
                    expected: None,
                    expected_after: None,
                }],
            }],
            reasons,
            notes: Vec::new(),
            credits: None,
        }
    }
}

/// A checkpoint of the module that there is, with so many rows.
fn checkpoint(rows: u64) -> Checkpoint {
    let nothing = Digest([0; 32]);
    let table = Table::new("Tickets").columns([Column::new("id", "Id")]).key(["id"]);
    Checkpoint {
        module: "tickets".into(),
        version: "1.0.0".into(),
        number: rows,
        source: None,
        cursor: Some(serde_json::json!({ "behind": rows })),
        tables: vec![TableMark {
            table,
            parts: Vec::new(),
            open: Some(OpenPart {
                rows,
                blocks: 0,
                packed_bytes: 0,
                packed_sha256: nothing,
                tail: "tail".into(),
                tail_bytes: 0,
                tail_sha256: nothing,
            }),
            desk_count: None,
            desk_count_after: None,
        }],
        memory: Memory {
            bytes: 0,
            sha256: nothing,
        },
        said: Said::default(),
        requests: 1,
        retries: 0,
        milliseconds: 1,
        credits: 0,
        ended: None,
    }
}

/// An installation.
struct Home {
    service: Service,
    clock: Arc<Hand>,
    runner: Fake,
    folder: tempfile::TempDir,
}

impl Home {
    /// The names of the spool folders that there are.
    fn spools(&self) -> Vec<String> {
        let names = fs::read_dir(self.service.folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| Path::new(name).extension().is_some_and(|end| end == "spool"))
            .collect()
    }

    /// On 12 March 2031 at 07:00.
    fn new() -> Self {
        Self::with("")
    }

    /// With more in the configuration.
    fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Hand(Mutex::new(time("2031-03-12T07:00:00Z"))));
        let config = configuration(&format!("{CONFIGURATION}{more}"), folder.path());
        let service = Service::open(config, Arc::<Hand>::clone(&clock)).unwrap();
        let runner = Fake {
            folder: service.folder().to_owned(),
            ..Fake::default()
        };
        Self {
            service,
            clock,
            runner,
            folder,
        }
    }

    /// Under another configuration from now on.
    fn reload(&mut self, text: &str) {
        let config = configuration(text, self.folder.path());
        self.service = self.service.with_config(config).unwrap();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn set(&self, now: Timestamp) {
        *self.clock.0.lock().unwrap() = now;
    }

    fn wait(&self, by: Duration) {
        self.set(later(self.now(), by));
    }

    fn next_is(&self, script: Script) {
        self.runner.script.lock().unwrap().push_back(script);
    }

    fn orders(&self) -> Vec<Order> {
        self.runner.orders.lock().unwrap().clone()
    }

    fn last_range(&self) -> Option<Range> {
        self.orders().last().unwrap().range
    }

    fn back_up(&self, wish: &Wish) -> Result<Done, ServiceError> {
        let cancel = CancellationToken::new();
        self.service.backup(wish, &machine(), &self.runner, &Silent, &cancel)
    }

    fn full(&self) -> Result<Done, ServiceError> {
        self.back_up(&full())
    }

    fn run(&self, due: &Due) -> Ran {
        let cancel = CancellationToken::new();
        self.service.run_due(due, &self.runner, &Silent, &cancel).unwrap()
    }

    /// Has a process die in the middle of what it does here.
    fn dies(&self, script: Script, work: impl FnOnce(&Self)) {
        self.next_is(script);
        let died = catch_unwind(AssertUnwindSafe(|| work(self)));
        assert!(died.is_err(), "it went on");
    }

    fn backup(&self, id: u64) -> Backup {
        self.service.show(id, &machine()).unwrap()
    }

    /// The kinds of the history's entries, with what matters of some.
    fn history(&self) -> Vec<String> {
        let mut said = Vec::new();
        let mut take = |entry: crate::history::Entry| {
            said.push(match &entry.what {
                Happening::Refused { refusal, .. } => format!("refused: {}", refusal.rule()),
                Happening::Failed { backup, reason } => format!("failed {backup}: {reason}"),
                what => what.kind().to_owned(),
            });
            std::ops::ControlFlow::Continue(())
        };
        self.service.history(&Filter::default(), &machine(), &mut take).unwrap();
        said
    }

    /// What the notifications by mail to one address say: topic and state.
    fn told(&self, address: &str) -> Vec<(String, Option<String>)> {
        // Claimed for no time, so that the next look finds them as well.
        let (far, at_once) = (time("2099-01-01T00:00:00Z"), time("2000-01-01T00:00:00Z"));
        let waiting = self
            .service
            .store()
            .write(|tx| tx.claim_notices(far, at_once, 100))
            .unwrap();
        let channel = format!("mail:{address}");
        let mail = waiting.iter().filter(|waiting| waiting.channel == channel);
        mail.map(|waiting| {
            let body: serde_json::Value = serde_json::from_str(&waiting.body).unwrap();
            let text = |key: &str| body[key].as_str().map(str::to_owned);
            (text("topic").unwrap(), text("state"))
        })
        .collect()
    }

    /// The archives in a folder.
    fn archives(&self) -> Vec<String> {
        zips(self.service.folder())
    }
}

fn zips(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|end| end == "zip"));
    names.sort();
    names
}

fn configuration(text: &str, folder: &Path) -> Arc<Config> {
    let parsed = Config::parse("deskvault.toml", text.as_bytes(), folder);
    Arc::new(parsed.unwrap_or_else(|problems| panic!("{problems}")))
}

fn machine() -> Actor {
    Actor::Machine {
        system_user: "root".into(),
    }
}

fn full() -> Wish {
    Wish {
        desk: "main".into(),
        modules: Vec::new(),
        which: Which::Full,
        allow_partial: false,
        wait: false,
        anew: false,
        out: None,
    }
}

fn custom(from: &str, to: &str) -> Wish {
    let range = Range {
        from: time(from),
        to: time(to),
    };
    Wish {
        which: Which::Custom(range),
        ..full()
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> Refusal {
    match result {
        Err(ServiceError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn suspended(cause: Cause) -> RunError {
    RunError::Suspended {
        cause,
        message: "it is away".into(),
    }
}

fn failed() -> RunError {
    RunError::Failed {
        message: "the desk is away".into(),
    }
}

#[test]
fn a_backup_is_told_of_whole() {
    let home = Home::new();
    let done = home.full().unwrap();
    assert_eq!(
        (done.id, done.state, done.summary.rows()),
        (1, BackupState::Complete, 3)
    );
    assert_eq!(done.expires, Some(time("2031-03-19T07:00:00Z")));
    let order = &home.orders()[0];
    assert_eq!(
        (order.name.as_str(), order.kind, order.range, order.folder.as_ref()),
        ("main 1, 2031-03-12T07:00:00Z", Kind::Full, None, None)
    );
    let backup = home.backup(1);
    let archive = backup.archive.unwrap();
    assert_eq!(home.archives(), std::slice::from_ref(&archive.file));
    assert_eq!((archive.records, &archive.sha256), (3, &done.summary.sha256));
    assert_eq!(home.history(), ["backup_started", "data_ready"]);
    let expected = [("ready".to_owned(), Some("complete".to_owned()))];
    assert_eq!(home.told("aiko@example.com"), expected);
    assert_eq!(home.told("support@example.com"), []);
}

#[test]
fn every_end_is_entered_and_told() {
    for (script, state, history, told, support) in [
        (
            Script::Incomplete,
            BackupState::Incomplete,
            &["backup_started", "data_ready", "incomplete"][..],
            Some(("ready", "incomplete")),
            false,
        ),
        (
            Script::LimitReached,
            BackupState::LimitReached,
            &["backup_started", "data_ready", "limit_reached"],
            Some(("limit_reached", "limit_reached")),
            true,
        ),
        (
            Script::Fails(failed()),
            BackupState::Failed,
            &["backup_started", "failed 1: the desk is away"],
            Some(("failed", "failed")),
            false,
        ),
        (
            Script::Fails(RunError::Cancelled),
            BackupState::Suspended,
            &["backup_started", "suspended"],
            None,
            false,
        ),
        (
            Script::Fails(RunError::Refused {
                refusal: Refusal::Records { counted: 9, limit: 3 },
            }),
            BackupState::Refused,
            &["backup_started", "refused: records"],
            Some(("failed", "refused")),
            true,
        ),
    ] {
        let home = Home::new();
        home.next_is(script);
        let done = home.full();
        let backup = home.backup(1);
        assert_eq!(backup.state, state);
        assert_eq!(done.is_ok(), backup.archive.is_some(), "{state:?}");
        assert_eq!(home.archives().len(), usize::from(done.is_ok()), "{state:?}");
        assert_eq!(home.history(), history, "{state:?}");
        let told = told.map(|(topic, state)| (topic.to_owned(), Some(state.to_owned())));
        let told: Vec<_> = told.into_iter().collect();
        assert_eq!(home.told("aiko@example.com"), told, "{state:?}");
        let support = told.into_iter().filter(|_| support).collect::<Vec<_>>();
        assert_eq!(home.told("support@example.com"), support, "{state:?}");
    }
}
