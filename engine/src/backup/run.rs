//! Runs a backup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use plugin_api::{Job, Kind, Range, Timestamp};
use tokio_util::sync::CancellationToken;

use super::error::BackupError;
use super::module::{Ended, Module};
use super::services::Open;
use super::verdict::{count_differs, verdict};
use crate::archive::{self, ArchiveError, Head, ModuleState, Outcome, State, Writer};
use crate::connection::{self, Connection};
use crate::plugins::{Plugin, Registry};
use crate::progress::{Event, ModuleSummary, Phase, Progress, Summary, TableSummary};

/// How often those who watch are told how far it is.
const TICK: Duration = Duration::from_millis(200);
/// How long exporters get to end after the backup was cancelled.
const GRACE: Duration = Duration::from_secs(5);
/// Requests that an exporter may have submitted and not taken, for each that may be in flight: enough that the desk
/// always has the next one.
const AHEAD: usize = 2;

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
    let started = whole_seconds(now());
    let plugins = take_plugins(plan, registry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("requests")
        .enable_all()
        .build()
        .map_err(BackupError::System)?;
    let connection = Connection::open(&plan.connection, runtime.handle().clone()).map_err(BackupError::Connection)?;
    let writer = Writer::create(&plan.archive, head(plan, started, &plugins), cancel.clone());
    let writer = Arc::new(writer.map_err(BackupError::Archive)?);

    let mut modules = export(plan, started, plugins, &connection, &writer, progress, cancel)?;
    if cancel.is_cancelled() {
        for module in &modules {
            module.host.services().finish();
        }
        return Err(BackupError::Cancelled);
    }
    let (summaries, outcome) = judge(&mut modules, progress)?;
    if summaries
        .iter()
        .all(|module| module.state != ModuleState::Complete && module.tables.iter().all(|t| t.rows == 0))
    {
        let said = |module: &ModuleSummary| {
            format!(
                "{}: {}",
                module.module,
                module.reason.as_deref().unwrap_or("no reason given")
            )
        };
        return Err(BackupError::Nothing(summaries.iter().map(said).collect()));
    }
    drop(modules);
    let writer = Arc::into_inner(writer)
        .ok_or_else(|| BackupError::Engine("an exporter that was given up is still writing".into()))?;
    let summary = publish(plan, started, writer, summaries, outcome, progress)?;
    // Requests of a module that was given up may still be under way: they are not waited for.
    runtime.shutdown_background();
    Ok(Summary {
        seconds: clock.elapsed().as_secs_f64(),
        ..summary
    })
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
                near: nearest(module, known),
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

/// The name that is most like `wanted`, if one is.
fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = known.map(|name| (strsim::jaro_winkler(wanted, name), name));
    let best = scored.max_by(|left, right| left.0.total_cmp(&right.0));
    best.filter(|(score, _)| *score > 0.7).map(|(_, name)| name.to_owned())
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
        sha256: None,
    });
    Head {
        desk: plan.desk.clone(),
        backup: format!("{} {started}", plan.desk),
        kind: plan.kind,
        range: plan.range,
        started,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        plugins: plugins.collect(),
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
    cancel: &CancellationToken,
) -> Result<Vec<Module>, BackupError> {
    let (sender, ended) = mpsc::channel();
    let mut modules = Vec::with_capacity(plugins.len());
    for (place, plugin) in plugins.into_iter().enumerate() {
        let job = Job::new(&plugin.description.module, plan.kind, plan.range)
            .started(started)
            .with_window(u32::try_from(plan.connection.limits.in_flight * AHEAD).unwrap_or(u32::MAX))
            .with_log_level(Some(&plan.log_level.as_str().to_ascii_lowercase()));
        progress.event(Event::ModuleStarted { module: &job.module });
        let module = Module::start(place, plugin, job, connection, writer, cancel, sender.clone());
        modules.push(module.map_err(BackupError::System)?);
    }
    watch(&mut modules, &ended, plan.stall_timeout, progress, cancel);
    Ok(modules)
}

/// Waits for the ends of all modules; tells how far they are; gives up those that are stuck.
fn watch(
    modules: &mut [Module],
    ended: &Receiver<Ended>,
    patience: Duration,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) {
    let mut cancelled_at = None;
    while modules.iter().any(|module| module.ended.is_none()) {
        match ended.recv_timeout(TICK) {
            Ok(Ended { module, outcome }) => {
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
        if cancel.is_cancelled() && cancelled_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
            for module in modules.iter_mut() {
                module.give_up("it did not end when the backup was cancelled");
            }
        }
    }
}

/// Closes the tables and says what each module came to.
fn judge(modules: &mut [Module], progress: &dyn Progress) -> Result<(Vec<ModuleSummary>, Outcome), BackupError> {
    let mut summaries = Vec::with_capacity(modules.len());
    let mut reasons = Vec::new();
    for module in modules {
        let Some((outcome, took)) = module.ended.take() else {
            continue;
        };
        let mut judged = verdict(&module.name, &outcome).map_err(BackupError::Engine)?;
        let written = module.host.services().finish();
        let mut tables = Vec::with_capacity(written.tables.len());
        let mut missing = written.unread;
        for Open {
            name,
            writer,
            desk_count,
            gone,
            ..
        } in written.tables
        {
            let closed = writer.close().map_err(BackupError::Archive)?;
            // A module that broke off has said so already.
            if judged.state == ModuleState::Complete {
                missing.extend(count_differs(&name, closed.rows, gone, desk_count));
            }
            tables.push(TableSummary {
                table: name.to_string(),
                rows: closed.rows,
                bytes: closed.bytes,
                expected: desk_count,
            });
        }
        if judged.missing {
            let why = judged.reason.as_deref().unwrap_or("no reason given");
            missing.push(format!("module {} was skipped: {why}", module.name));
        }
        if judged.state == ModuleState::Complete && !missing.is_empty() {
            judged.state = ModuleState::Incomplete;
            judged.reason = missing.first().cloned();
        }
        reasons.extend(missing);
        progress.event(Event::ModuleEnded {
            module: &module.name,
            state: judged.state,
            reason: judged.reason.as_deref(),
        });
        let stats = module.stats();
        summaries.push(ModuleSummary {
            module: module.name.clone(),
            state: judged.state,
            reason: judged.reason,
            requests: stats.tries,
            retries: stats.retries,
            seconds: took.as_secs_f64(),
            tables,
        });
    }
    let modules = summaries.iter().map(|module| archive::Module {
        module: module.module.clone(),
        state: module.state,
        reason: module.reason.clone(),
    });
    let outcome = Outcome {
        finished: whole_seconds(now()),
        modules: modules.collect(),
        reasons,
    };
    Ok((summaries, outcome))
}

fn publish(
    plan: &Plan,
    started: Timestamp,
    writer: Writer,
    modules: Vec<ModuleSummary>,
    outcome: Outcome,
    progress: &dyn Progress,
) -> Result<Summary, BackupError> {
    let archive_failed = |error| match error {
        ArchiveError::Cancelled => BackupError::Cancelled,
        error => BackupError::Archive(error),
    };
    progress.event(Event::Phase {
        name: Phase::Joining,
        done: 0,
        total: 0,
    });
    let joined = writer.join(outcome).map_err(archive_failed)?;
    let verifying = |done, total| progress.event(Event::verifying(done, total));
    let published = joined.publish(&verifying).map_err(archive_failed)?;
    let manifest = published.report.manifest;
    Ok(Summary {
        desk: plan.desk.clone(),
        kind: plan.kind,
        range: plan.range,
        started,
        complete: manifest.state == State::Complete,
        reasons: manifest.reasons,
        notes: published.report.notes,
        archive: published.path,
        archive_bytes: published.bytes,
        seconds: 0.0,
        modules,
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
