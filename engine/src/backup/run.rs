//! Runs a backup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use plugin_api::{Job, Kind, Range, Timestamp};
use tokio_util::sync::CancellationToken;

use super::checkpoint::{Forgetful, Keeper};
use super::error::{BackupError, archive_failed};
use super::judge::{Judged, judge};
use super::limit::Limit;
use super::module::Module;
use super::often::{Hurry, Often};
use super::watch::{Running, watch};
use crate::archive::{self, Digest, Head, ModuleState, Outcome, State, Writer};
use crate::clock::{Clock, whole_seconds};
use crate::config::text::nearest;
use crate::connection::{self, Connection, ConnectionError};
use crate::plugins::{Plugin, Registry};
use crate::progress::{Event, ModuleSummary, Phase, Progress, Summary};
use crate::quota::{self, Editions};

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
    /// The folder for its parts; see [`Order`](crate::service::Order).
    pub spool: Option<std::path::PathBuf>,
    /// The checkpoints of an earlier run that is gone on with, at most one a module; empty: it starts.
    pub resume: Vec<super::Checkpoint>,
    /// Whether what there is is published where a passing fault ended modules; see [`Order`](crate::service::Order).
    pub finish: bool,
    /// How much work a fault may cost.
    pub often: Often,
    /// Asks for a checkpoint out of turn.
    pub hurry: Hurry,
    /// What time it is when the last row is written.
    pub clock: Arc<dyn Clock>,
}

/// Runs a backup to its end, and keeps no checkpoints: see [`run_kept`].
pub fn run(
    plan: &Plan,
    registry: &mut Registry,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Summary, BackupError> {
    run_kept(plan, registry, progress, &Forgetful, cancel)
}

/// Runs a backup to its end. Where the plan names a spool folder, checkpoints go to `keeper`.
///
/// The plugins that it uses are taken out of `registry`. Cancelling `cancel` ends it within seconds and leaves nothing
/// behind.
pub fn run_kept(
    plan: &Plan,
    registry: &mut Registry,
    progress: &dyn Progress,
    _keeper: &dyn Keeper,
    cancel: &CancellationToken,
) -> Result<Summary, BackupError> {
    let clock = Instant::now();
    let started = whole_seconds(plan.started.unwrap_or_else(|| plan.clock.now()));
    let plugins = take_plugins(plan, registry)?;
    let requests = Requests::start().map_err(BackupError::System)?;
    let connection = Connection::open(&plan.connection, requests.handle()).map_err(BackupError::Connection)?;
    connection.prepare(cancel).map_err(|error| match error {
        ConnectionError::Cancelled { .. } => BackupError::Cancelled,
        error => BackupError::Connection(error),
    })?;
    if let Some(edition) = connection.edition() {
        quota::edition(&plan.editions, &edition, plan.kind)?;
    }
    let until = plan.connection.upper_end(started);
    let writer = Writer::create(&plan.archive, head(plan, started, &plugins), cancel.clone());
    let writer = Arc::new(writer.map_err(archive_failed)?);

    let limit = Limit::new(plan.records, plan.allow_partial, cancel.child_token());
    let mut running = Running::new(limit);
    export(plan, until, plugins, &connection, &writer, progress, &mut running)?;
    if cancel.is_cancelled() {
        return Err(BackupError::Cancelled);
    }
    if let Some(refusal) = running.limit.refused() {
        return Err(refusal.into());
    }
    let judged = judge(&mut running, progress)?;
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
    // A clock that was set back must not end a backup before its start.
    let finished = whole_seconds(plan.clock.now()).max(started);
    let summary = publish(plan, (started, finished), writer, judged, progress)?;
    Ok(Summary {
        until: plan.range.map_or(until, |range| range.to.min(until)),
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
        // None where it can't be read any more.
        sha256: Digest::of_file(&plugin.file).ok(),
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

/// Runs all exports side by side until each has ended or was given up.
fn export(
    plan: &Plan,
    until: Timestamp,
    plugins: Vec<Plugin>,
    connection: &Connection,
    writer: &Arc<Writer>,
    progress: &dyn Progress,
    running: &mut Running,
) -> Result<(), BackupError> {
    let (sender, ended) = mpsc::channel();
    let window = u32::try_from(connection.limit().saturating_mul(AHEAD)).unwrap_or(u32::MAX);
    for (place, plugin) in plugins.into_iter().enumerate() {
        let job = Job::new(&plugin.description.module, plan.kind, plan.range)
            .started(until)
            .with_window(window)
            .with_log_level(Some(&plan.log_level.as_str().to_ascii_lowercase()));
        progress.event(Event::ModuleStarted { module: &job.module });
        let module = Module::start(place, plugin, job, connection, writer, &running.limit, sender.clone());
        running.modules.push(module.map_err(BackupError::System)?);
    }
    watch(running, &ended, plan.stall_timeout, progress);
    Ok(())
}

fn publish(
    plan: &Plan,
    (started, finished): (Timestamp, Timestamp),
    writer: Writer,
    judged: Judged,
    progress: &dyn Progress,
) -> Result<Summary, BackupError> {
    let Judged {
        mut modules,
        reasons,
        mut notes,
        limit_reached,
    } = judged;
    let states = modules.iter().map(|module| archive::Module {
        module: module.module.clone(),
        state: module.state,
        reason: module.reason.clone(),
    });
    let outcome = Outcome {
        finished,
        modules: states.collect(),
        reasons,
        limit_reached: !limit_reached.is_empty(),
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
        sha256: published.sha256.to_string(),
        limit_reached,
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
