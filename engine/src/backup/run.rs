//! Runs a backup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use plugin_api::{ErrorKind, Job, Kind, Range, Timestamp};
use tokio_util::sync::CancellationToken;

use super::again::read_again;
use super::begun::{self, Begun};
use super::cause::Cause;
use super::checkpoint::{Forgetful, Keeper};
use super::error::{BackupError, archive_failed, on_disk};
use super::judge::{Judged, judge};
use super::keeping::Keeping;
use super::limit::Limit;
use super::module::{Module, Shop};
use super::often::{Hurry, Often};
use super::pacing::{self, Pacing};
use super::verdict::{cause, weight};
use super::watch::{Running, watch};
use crate::archive::{self, ArchiveError, Digest, Head, ModuleState, Outcome, State, Writer};
use crate::clock::{Clock, whole_seconds};
use crate::config::text::nearest;
use crate::connection::{self, Connection, ConnectionError, Credits, Requests};
use crate::forecast::Cost;
use crate::plugins::{Plugin, Registry};
use crate::progress::{Event, ModuleSummary, Phase, Progress, Summary};
use crate::quota::{self, Editions};

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
    /// Up to where it reads; none: as the connection has it. What an earlier run has read ends there.
    pub until: Option<Timestamp>,
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
    /// What time it is when the last row is written, and by which credits are paced.
    pub clock: Arc<dyn Clock>,
    /// What its modules cost in the last backup, for the first forecasts.
    pub past: Vec<Cost>,
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
/// behind, but for what is in the plan's spool folder.
pub fn run_kept(
    plan: &Plan,
    registry: &mut Registry,
    progress: &dyn Progress,
    keeper: &dyn Keeper,
    cancel: &CancellationToken,
) -> Result<Summary, BackupError> {
    let work = Run {
        plan,
        progress,
        keeper,
        cancel,
        clock: Instant::now(),
        started: whole_seconds(plan.started.unwrap_or_else(|| plan.clock.now())),
    };
    work.whole(registry).map_err(|error| work.suspended(error))
}

/// What a run works with from its beginning to its end.
struct Run<'a> {
    plan: &'a Plan,
    progress: &'a dyn Progress,
    keeper: &'a dyn Keeper,
    cancel: &'a CancellationToken,
    clock: Instant,
    started: Timestamp,
}

impl Run<'_> {
    fn whole(&self, registry: &mut Registry) -> Result<Summary, BackupError> {
        let Self { plan, cancel, .. } = self;
        let plugins = take_plugins(plan, registry)?;
        let requests = Requests::start().map_err(BackupError::System)?;
        let as_it_is = plan.finish && !plan.resume.is_empty();
        let connection = self.connect(&requests);
        let connection = match connection {
            // What there is is published without it.
            Err(error @ (BackupError::Connection(_) | BackupError::Refused(_) | BackupError::OtherDesk { .. }))
                if as_it_is =>
            {
                Err(error)
            }
            connection => Ok(connection?),
        };
        let until = plan.until.unwrap_or_else(|| plan.connection.upper_end(self.started));
        let (writer, begun) = self.begin(&plugins, head(plan, self.started, &plugins))?;
        let writer = Arc::new(writer);

        let limit = Limit::new(plan.records, plan.allow_partial || as_it_is, cancel.child_token());
        limit.begin(begun.iter().map(Begun::rows).fold(0, u64::saturating_add));
        let earlier = begun.iter().map(|begun| begun.figures.milliseconds).max();
        let earlier_credits = begun.iter().map(|begun| begun.figures.credits);
        let earlier_credits = earlier_credits.fold(0, u64::saturating_add);
        let is_kept = plan.spool.is_some();
        // Where there is an earlier one, the connection was found to lead to the same.
        let now = || {
            connection
                .as_ref()
                .ok()
                .map(|connection| plan.connection.source(connection))
        };
        let source = self.earlier_source().map(str::to_owned).or_else(now);
        let (keeping, keep) = Keeping::new(
            writer.folder().to_path_buf(),
            plan.often,
            plan.hurry.clone(),
            limit.stop.clone(),
            source,
        );
        let judged = thread::scope(|scope| {
            thread::Builder::new()
                .name("checkpoints".to_owned())
                .spawn_scoped(scope, || keep(self.keeper))
                .map_err(BackupError::System)?;
            let keeping = is_kept.then_some(keeping);
            let mut running = Running::new(limit);
            for (plugin, begun) in plugins.into_iter().zip(begun) {
                let module = Module::new(plugin, begun, &running.limit, keeping.as_ref());
                running.modules.push(module);
            }
            let exported = match &connection {
                Ok(connection) => self.export(until, connection, &writer, &mut running),
                Err(error) => {
                    running.not_reached(&crate::chain(error));
                    Ok(())
                }
            };
            // Why something could not be kept says more than what came of it.
            match keeping.as_ref().and_then(Keeping::failed) {
                Some(reason) => Err(machine(reason)),
                None => exported,
            }?;
            self.come_to_an_end(&running)?;
            let judged = judge(&mut running, self.progress)?;
            drop(running);
            Ok::<_, BackupError>(judged)
        })?;
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
        let finished = whole_seconds(plan.clock.now()).max(self.started);
        let summary = publish(plan, (self.started, finished), writer, judged, self.progress)?;
        let before = Duration::from_millis(earlier.unwrap_or_default());
        Ok(Summary {
            until: plan.range.map_or(until, |range| range.to.min(until)),
            seconds: (before + self.clock.elapsed()).as_secs_f64(),
            credits: credits(
                connection.ok().and_then(|connection| connection.stats().credits),
                earlier_credits,
            ),
            ..summary
        })
    }

    fn connect(&self, requests: &Requests) -> Result<Connection, BackupError> {
        let Self {
            plan, cancel, progress, ..
        } = self;
        let connection = pacing::open(plan, requests.handle()).map_err(BackupError::Connection)?;
        pacing::prepare(&connection, *progress, cancel).map_err(|error| match error {
            ConnectionError::Cancelled { .. } => BackupError::Cancelled,
            error => BackupError::Connection(error),
        })?;
        if let Some(edition) = connection.edition() {
            quota::edition(&plan.editions, &edition, plan.kind)?;
        }
        let is = plan.connection.source(&connection);
        match self.earlier_source() {
            Some(was) if was != is => Err(BackupError::OtherDesk {
                was: was.to_owned(),
                is,
            }),
            _ => Ok(connection),
        }
    }

    /// The desk that an earlier run has read.
    fn earlier_source(&self) -> Option<&str> {
        self.plan
            .resume
            .iter()
            .find_map(|checkpoint| checkpoint.source.as_deref())
    }

    /// Makes a spool folder, or takes the one that the plan names, and reads what an earlier run left in it.
    fn begin(&self, plugins: &[Plugin], head: Head) -> Result<(Writer, Vec<Begun>), BackupError> {
        let Self { plan, cancel, .. } = self;
        let Some(spool) = &plan.spool else {
            let writer = Writer::create(&plan.archive, head, CancellationToken::clone(cancel));
            let begun = plugins.iter().map(|_| Begun::default()).collect();
            return Ok((writer.map_err(archive_failed)?, begun));
        };
        let keep = begun::files(&begun::usable(plugins, &plan.resume));
        let taken = Writer::take(&plan.archive, head, spool, &keep, CancellationToken::clone(cancel));
        let (writer, is_known) = taken.map_err(archive_failed)?;
        let begun = begun::begin(plugins, &plan.resume, &writer, is_known)?;
        Ok((writer, begun))
    }

    /// Runs all exports side by side until each has ended or was given up; then has read once more what could not be read.
    fn export(
        &self,
        until: Timestamp,
        connection: &Connection,
        writer: &Arc<Writer>,
        running: &mut Running,
    ) -> Result<(), BackupError> {
        let Self { plan, progress, .. } = self;
        let (sender, ended) = mpsc::channel();
        let window = connection.window();
        let job = |module: &str| {
            Job::new(module, plan.kind, plan.range)
                .started(until)
                .with_window(window)
                .with_log_level(Some(&plan.log_level.as_str().to_ascii_lowercase()))
        };
        let limit = Arc::clone(&running.limit);
        let shop = Shop {
            connection,
            archive: writer,
            limit: &limit,
            ended: sender,
        };
        for (place, module) in running.modules.iter_mut().enumerate() {
            progress.event(Event::ModuleStarted { module: &module.name });
            if module.has_ended() {
                module.tell(*progress);
            } else {
                let job = job(&module.name);
                module
                    .start(place, job, &shop, Vec::new())
                    .map_err(BackupError::System)?;
            }
        }
        running.pacing = Some(Pacing::new(connection, plan));
        watch(running, &ended, plan.stall_timeout, *progress, true)?;
        self.come_to_an_end(running)?;
        if limit.is_reached() {
            return Ok(());
        }
        let may_go_on = plan.spool.is_some() && !plan.finish;
        // Records that only seem unread because nothing is asked any more.
        if let Some(reason) = connection.given_up()
            && may_go_on
            && running.modules.iter().any(|module| !module.again().is_empty())
        {
            let cause = Cause::Desk;
            return Err(BackupError::Suspended { cause, reason });
        }
        let with = (connection, writer);
        let passing = read_again(running, job, with, (plan.stall_timeout, may_go_on), *progress)?;
        passing.map_or(Ok(()), |(cause, reason)| Err(BackupError::Suspended { cause, reason }))
    }

    /// Whether what the modules came to is to be published: if not, why.
    fn come_to_an_end(&self, running: &Running) -> Result<(), BackupError> {
        if self.cancel.is_cancelled() {
            return Err(BackupError::Cancelled);
        }
        if let Some(refusal) = running.limit.refused() {
            return Err(refusal.into());
        }
        for module in &running.modules {
            module.wait_kept().map_err(|error| machine(error.message))?;
        }
        if self.plan.spool.is_none() || running.limit.is_reached() {
            return Ok(());
        }
        let worth = !self.plan.resume.is_empty() || running.modules.iter().any(Module::has_something);
        let passing: Vec<(Cause, String)> = running
            .modules
            .iter()
            .filter_map(|module| {
                let error = module.passing()?;
                let is_due = error.kind == ErrorKind::Host || worth && !self.plan.finish;
                let why = || format!("module {}: {}", module.name, crate::plugins::describe(error));
                // What was stopped because of another one says nothing of its own.
                is_due.then(|| (cause(error), why()))
            })
            .collect();
        // What somebody has to mend is named first, and alone.
        let Some(worst) = passing
            .iter()
            .map(|(cause, _)| *cause)
            .max_by_key(|cause| weight(*cause))
        else {
            return Ok(());
        };
        let of_it = passing.iter().filter(|(cause, _)| *cause == worst);
        let reasons: Vec<&str> = of_it.map(|(_, reason)| reason.as_str()).collect();
        Err(BackupError::Suspended {
            cause: worst,
            reason: reasons.join("\n"),
        })
    }

    /// What an error means for a backup that can be gone on with.
    fn suspended(&self, error: BackupError) -> BackupError {
        if self.plan.spool.is_none() {
            return error;
        }
        let has_earlier = !self.plan.resume.is_empty();
        let stopped = (
            Cause::Stopped,
            "the backup was stopped, and can be gone on with".to_owned(),
        );
        let (cause, reason) = match &error {
            BackupError::Cancelled => stopped,
            // Who stopped it may keep nothing any more: nobody has to put that right.
            BackupError::Engine(_)
            | BackupError::Suspended {
                cause: Cause::Machine, ..
            } if self.cancel.is_cancelled() => stopped,
            BackupError::Archive(cause @ ArchiveError::Io { .. }) => (Cause::Machine, on_disk(cause)),
            BackupError::Archive(ArchiveError::InUse { .. }) => (Cause::Lost, crate::chain(&error)),
            BackupError::Engine(_) | BackupError::System(_) => (Cause::Machine, crate::chain(&error)),
            BackupError::NoPlugin { .. } | BackupError::OtherDesk { .. } if has_earlier => {
                (Cause::Machine, crate::chain(&error))
            }
            BackupError::Connection(cause) if has_earlier => match cause {
                ConnectionError::Desk { .. } => (Cause::Desk, crate::chain(&error)),
                _ => (Cause::Credentials, crate::chain(&error)),
            },
            _ => return error,
        };
        BackupError::Suspended { cause, reason }
    }
}

/// What a backup cost, with what its earlier runs did.
fn credits(of_this_run: Option<Credits>, earlier: u64) -> Option<Credits> {
    let some = (earlier > 0).then(Credits::default);
    let mut credits = of_this_run.or(some)?;
    credits.spent = credits.spent.saturating_add(earlier);
    Some(credits)
}

/// The disk refuses something.
fn machine(reason: String) -> BackupError {
    BackupError::Suspended {
        cause: Cause::Machine,
        reason,
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
                refused: registry.refused.iter().take(3).map(ToString::to_string).collect(),
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
