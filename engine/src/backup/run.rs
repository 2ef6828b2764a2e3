//! Runs a backup.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use plugin_api::{ErrorKind, Job, Kind, Range, Timestamp};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::error::BackupError;
use super::module::{Ended, Module};
use super::services::Open;
use super::verdict::{DeskCounts, count_differs, verdict};
use crate::archive::{self, ArchiveError, Digest, Head, ModuleState, Outcome, State, Writer};
use crate::config::text::nearest;
use crate::connection::{self, Connection, ConnectionError};
use crate::plugins::{Plugin, Registry};
use crate::progress::{Event, ModuleSummary, Phase, Progress, Summary, TableSummary};
use crate::quota::Editions;

/// How often those who watch are told how far it is.
const TICK: Duration = Duration::from_millis(200);
/// How long exporters get to end after the backup was cancelled.
const GRACE: Duration = Duration::from_secs(5);
/// Requests that an exporter may have submitted and not taken, for each that may be in flight: enough that the desk
/// always has the next one, also while the exporter waits for one answer and submits none.
const AHEAD: usize = 4;

/// What a backup is to do.
#[derive(Clone)]
pub struct Plan {
    /// The desk's name.
    pub desk: String,
    /// The kind of its connection, as exporters name it.
    pub connection_kind: String,
    /// How the desk is reached.
    pub connection: connection::settings::Settings,
    /// The modules to export, in the order of their tables in the archive.
    pub modules: Vec<String>,
    /// Which records.
    pub kind: Kind,
    /// The range, for a kind that has one: records created or changed in it.
    pub range: Option<Range>,
    /// How the archive is written.
    pub archive: archive::settings::Settings,
    /// How long an exporter may go without calling the engine while nothing it asked for is in flight.
    pub stall_timeout: Duration,
    /// The most detailed events that exporters are to pass on.
    pub log_level: tracing::Level,
    /// When it starts; none: now, by the machine's clock.
    pub started: Option<Timestamp>,
    /// What the manifest calls the backup; none: the desk and the start.
    pub name: Option<String>,
    /// Records in it at most; none: any number.
    pub records: Option<u64>,
    /// Whether it starts although the desk counts more records than that.
    pub allow_partial: bool,
    /// Which kinds the desk's edition may use.
    pub editions: Editions,
}

/// Runs a backup to its end.
///
/// The plugins that it uses are taken out of `registry`. Cancelling `cancel` ends it within seconds and leaves nothing
/// behind.
pub fn run(
    plan: &Plan,
    registry: &mut Registry,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Summary, BackupError> {
    let clock = Instant::now();
    let started = whole_seconds(plan.started.unwrap_or_else(now));
    let plugins = take_plugins(plan, registry)?;
    let requests = Requests::start().map_err(BackupError::System)?;
    let connection = Connection::open(&plan.connection, requests.handle()).map_err(BackupError::Connection)?;
    connection.prepare(cancel).map_err(|error| match error {
        ConnectionError::Cancelled { .. } => BackupError::Cancelled,
        error => BackupError::Connection(error),
    })?;
    let writer = Writer::create(&plan.archive, head(plan, started, &plugins), cancel.clone());
    let writer = Arc::new(writer.map_err(archive_failed)?);

    let mut running = Running::new(cancel);
    export(plan, started, plugins, &connection, &writer, progress, &mut running)?;
    if cancel.is_cancelled() {
        return Err(BackupError::Cancelled);
    }
    let judged = judge(&mut running.modules, progress)?;
    drop(running);
    if judged
        .modules
        .iter()
        .all(|module| module.state != ModuleState::Complete && module.is_empty())
    {
        let said = |module: &ModuleSummary| {
            let reason = module.reason.as_deref().unwrap_or("no reason given");
            format!("{}: {reason}", module.module)
        };
        return Err(BackupError::Nothing(judged.modules.iter().map(said).collect()));
    }
    let writer = Arc::into_inner(writer)
        .ok_or_else(|| BackupError::Engine("an exporter that was given up is still writing".into()))?;
    let summary = publish(plan, started, writer, judged, progress)?;
    Ok(Summary {
        seconds: clock.elapsed().as_secs_f64(),
        credits: connection.stats().credits,
        ..summary
    })
}

/// The threads that make the requests. What is still under way when they are dropped is not waited for: a name may take
/// long to resolve.
struct Requests {
    handle: tokio::runtime::Handle,
    /// Taken out only when it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Requests {
    fn start() -> std::io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_name("requests").enable_all().build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    fn handle(&self) -> tokio::runtime::Handle {
        self.handle.clone()
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The modules under way. However the backup ends, none of them keeps a table open: what they wrote can then be removed.
struct Running {
    modules: Vec<Module>,
    /// Ends them all.
    stop: CancellationToken,
}

impl Running {
    fn new(cancel: &CancellationToken) -> Self {
        Self {
            modules: Vec::new(),
            stop: cancel.child_token(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        for module in &self.modules {
            module.host.services().finish();
        }
    }
}

fn archive_failed(error: ArchiveError) -> BackupError {
    match error {
        ArchiveError::Cancelled => BackupError::Cancelled,
        error => BackupError::Archive(error),
    }
}

/// The plugins of the plan's modules.
fn take_plugins(plan: &Plan, registry: &mut Registry) -> Result<Vec<Plugin>, BackupError> {
    if plan.modules.is_empty() {
        return Err(BackupError::NoModule(plan.desk.clone()));
    }
    for module in &plan.modules {
        let Some(plugin) = registry.get(module) else {
            let known = registry.plugins().map(|plugin| plugin.description.module.as_str());
            return Err(BackupError::NoPlugin {
                module: module.clone(),
                near: nearest(module, known).map(str::to_owned),
            });
        };
        if plugin.description.connection != plan.connection_kind {
            return Err(BackupError::OtherConnection {
                module: module.clone(),
                file: plugin.file.clone(),
                needs: plugin.description.connection.clone(),
                desk: plan.desk.clone(),
                has: plan.connection_kind.clone(),
            });
        }
    }
    let plugins: Vec<Plugin> = plan.modules.iter().filter_map(|module| registry.take(module)).collect();
    let mut writers: BTreeMap<String, &str> = BTreeMap::new();
    for description in plugins.iter().map(|plugin| &plugin.description) {
        for table in &description.tables {
            if let Some(first) = writers.insert(table.to_ascii_lowercase(), &description.module) {
                let (first, second) = (first.to_owned(), description.module.clone());
                return Err(BackupError::TableTwice {
                    table: table.clone(),
                    first,
                    second,
                });
            }
        }
    }
    Ok(plugins)
}

fn head(plan: &Plan, started: Timestamp, plugins: &[Plugin]) -> Head {
    let plugins = plugins.iter().map(|plugin| archive::Plugin {
        module: plugin.description.module.clone(),
        version: plugin.version.clone(),
        file: plugin
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        sha256: digest(&plugin.file),
    });
    Head {
        desk: plan.desk.clone(),
        backup: plan.name.clone().unwrap_or_else(|| format!("{} {started}", plan.desk)),
        kind: plan.kind,
        range: plan.range,
        started,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        plugins: plugins.collect(),
    }
}

/// SHA-256 of a plugin's file; none where it can't be read any more.
fn digest(file: &Path) -> Option<Digest> {
    let mut file = File::open(file).ok()?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(Digest(hasher.finalize().into())),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Runs all exports side by side until each has ended or was given up.
fn export(
    plan: &Plan,
    started: Timestamp,
    plugins: Vec<Plugin>,
    connection: &Connection,
    writer: &Arc<Writer>,
    progress: &dyn Progress,
    running: &mut Running,
) -> Result<(), BackupError> {
    let (sender, ended) = mpsc::channel();
    let window = u32::try_from(connection.limit().saturating_mul(AHEAD)).unwrap_or(u32::MAX);
    // What was written just now may not be found yet. The next incremental backup starts at this same moment, so that
    // nothing falls between the two.
    let lag = i64::try_from(plan.connection.search_lag().as_micros()).unwrap_or(0);
    let until = Timestamp::from_micros(started.micros().saturating_sub(lag));
    for (place, plugin) in plugins.into_iter().enumerate() {
        let job = Job::new(&plugin.description.module, plan.kind, plan.range)
            .started(until)
            .with_window(window)
            .with_log_level(Some(&plan.log_level.as_str().to_ascii_lowercase()));
        progress.event(Event::ModuleStarted { module: &job.module });
        let module = Module::start(place, plugin, job, connection, writer, &running.stop, sender.clone());
        running.modules.push(module.map_err(BackupError::System)?);
    }
    watch(running, &ended, plan.stall_timeout, progress);
    Ok(())
}

/// Waits for the ends of all modules; tells how far they are; gives up those that are stuck. Where the engine itself
/// failed under one, e.g. the disk is full, the others are stopped too: their work would be for nothing.
fn watch(running: &mut Running, ended: &Receiver<Ended>, patience: Duration, progress: &dyn Progress) {
    let Running { modules, stop } = running;
    let mut stopped_at = None;
    while modules.iter().any(|module| module.ended.is_none()) {
        match ended.recv_timeout(TICK) {
            Ok(Ended { module, outcome }) => {
                if outcome.as_ref().is_err_and(|error| error.kind == ErrorKind::Host) {
                    stop.cancel();
                }
                let module = &mut modules[module];
                module.end(outcome);
                module.tell(progress);
            }
            Err(RecvTimeoutError::Timeout) => {
                for module in modules.iter_mut().filter(|module| module.ended.is_none()) {
                    module.tell(progress);
                    module.give_up_if_stuck(patience);
                }
            }
            // The watcher holds a sender itself, so this can't be; if it were, nobody would be left to wait for.
            Err(RecvTimeoutError::Disconnected) => {
                for module in modules.iter_mut() {
                    module.give_up("its thread ended without a word");
                }
            }
        }
        if stop.is_cancelled() && stopped_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
            for module in modules.iter_mut() {
                module.give_up("it did not end when the backup was stopped");
            }
        }
    }
}

/// What the modules came to.
struct Judged {
    modules: Vec<ModuleSummary>,
    /// Why the backup is not complete.
    reasons: Vec<String>,
    /// What is worth knowing besides.
    notes: Vec<String>,
}

/// Closes the tables and says what each module came to.
fn judge(modules: &mut [Module], progress: &dyn Progress) -> Result<Judged, BackupError> {
    let failed = modules.iter().find_map(|module| match &module.ended {
        Some((Err(error), _)) if error.kind == ErrorKind::Host => Some((module, error)),
        _ => None,
    });
    if let Some((module, error)) = failed {
        let said = crate::plugins::describe(error);
        return Err(BackupError::Engine(format!("module {}: {said}", module.name)));
    }
    let mut judged = Judged {
        modules: Vec::new(),
        reasons: Vec::new(),
        notes: Vec::new(),
    };
    for module in modules {
        let Some((outcome, took)) = module.ended.take() else {
            continue;
        };
        let written = module.host.services().finish();
        let rows = written.tables.iter().map(|table| table.writer.rows()).sum();
        let mut verdict = verdict(&outcome, rows);
        let mut missing = written.unread;
        let whole = verdict.state == ModuleState::Complete;
        let remarks = written
            .remarks
            .iter()
            .map(|remark| format!("{}: {remark}", module.name));
        judged.notes.extend(remarks);
        if whole {
            missing.extend(written.unopened.iter().map(|table| {
                format!(
                    "{table}: {} describes this table and did not write it: tell its author",
                    module.name
                )
            }));
            judged.notes.extend(
                written
                    .failed_requests
                    .map(|failed| format!("{}: {failed}", module.name)),
            );
        }
        let mut tables = Vec::with_capacity(written.tables.len());
        for Open {
            name,
            writer,
            desk_count,
            desk_count_after,
            gone,
            ..
        } in written.tables
        {
            let closed = writer.close().map_err(archive_failed)?;
            // A module that broke off has said so already.
            if whole {
                let counts = DeskCounts {
                    before: desk_count,
                    after: desk_count_after,
                };
                missing.extend(count_differs(&name, closed.rows, gone, counts));
            }
            tables.push(TableSummary {
                table: name.to_string(),
                rows: closed.rows,
                bytes: closed.bytes,
                expected: desk_count,
                expected_after: desk_count_after,
            });
        }
        if verdict.state == ModuleState::Skipped {
            let why = verdict.reason.as_deref().unwrap_or("no reason given");
            missing.push(format!("module {} was skipped: {why}", module.name));
        }
        if whole && !missing.is_empty() {
            verdict.state = ModuleState::Incomplete;
            verdict.reason = missing.first().cloned();
        }
        judged.reasons.extend(missing);
        progress.event(Event::ModuleEnded {
            module: &module.name,
            state: verdict.state,
            reason: verdict.reason.as_deref(),
        });
        let stats = module.stats();
        judged.modules.push(ModuleSummary {
            module: module.name.clone(),
            state: verdict.state,
            reason: verdict.reason,
            requests: stats.tries,
            least_requests: written.least_requests.filter(|_| whole),
            retries: stats.retries,
            seconds: took.as_secs_f64(),
            tables,
        });
    }
    Ok(judged)
}

fn publish(
    plan: &Plan,
    started: Timestamp,
    writer: Writer,
    judged: Judged,
    progress: &dyn Progress,
) -> Result<Summary, BackupError> {
    let Judged {
        mut modules,
        reasons,
        mut notes,
    } = judged;
    let states = modules.iter().map(|module| archive::Module {
        module: module.module.clone(),
        state: module.state,
        reason: module.reason.clone(),
    });
    let outcome = Outcome {
        finished: whole_seconds(now()),
        modules: states.collect(),
        reasons,
    };
    progress.event(Event::Phase {
        name: Phase::Joining,
        done: 0,
        total: 0,
    });
    let joined = writer.join(outcome).map_err(archive_failed)?;
    let verifying = |done, total| progress.event(Event::verifying(done, total));
    let published = joined.publish(&verifying).map_err(archive_failed)?;
    notes.extend(published.report.notes);
    let manifest = published.report.manifest;
    // The verification may have found repeated keys.
    for (summary, module) in modules.iter_mut().zip(&manifest.modules) {
        (summary.state, summary.reason) = (module.state, module.reason.clone());
    }
    Ok(Summary {
        desk: plan.desk.clone(),
        kind: plan.kind,
        range: plan.range,
        started,
        until: started,
        sha256: String::new(),
        limit_reached: Vec::new(),
        complete: manifest.state == State::Complete,
        reasons: manifest.reasons,
        notes,
        archive: published.path,
        archive_bytes: published.bytes,
        seconds: 0.0,
        modules,
        credits: None,
    })
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // A clock before 1970 is wrong; the start of time says so as well as any other.
    Timestamp::from_micros(since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.micros() - time.micros().rem_euclid(1_000_000))
}
