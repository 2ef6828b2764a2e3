//! One module of a running backup: its thread, and what is seen of it from outside.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use plugin_api::{ErrorKind, ExportError, Job, Table};
use tokio_util::sync::CancellationToken;

use super::begun::{Begun, Earlier, Figures};
use super::checkpoint::{Checkpoint, End, Unread};
use super::error::{BackupError, archive_failed};
use super::keeping::Keeping;
use super::limit::Limit;
use super::services::{Counts, Left, Means, ModuleServices, Open, unopened};
use super::verdict::passes;
use crate::archive::Writer;
use crate::connection::{Connection, Meter};
use crate::forecast::Facts;
use crate::plugins::{ModuleHost, Plugin};
use crate::progress::{Event, Progress};

/// A module under way.
pub(super) struct Module {
    pub(super) name: String,
    version: String,
    counts: Arc<Counts>,
    /// What its exporter works with; none where it had ended before.
    work: Option<Work>,
    /// What earlier exports of it took.
    earlier: Figures,
    /// What it came to, and what it left.
    pub(super) ended: Option<(Result<(), ExportError>, Left)>,
    /// Its plugin, until it is started, and when it may be needed once more.
    plugin: Option<Plugin>,
    /// What its exporter is given to go on with.
    go_on: Option<Earlier>,
}

/// An export under way, or over.
struct Work {
    host: Arc<ModuleHost<ModuleServices>>,
    meter: Meter,
    cancel: CancellationToken,
    started: Instant,
    /// Calls when last looked, and since when it has been that many.
    away: (Option<u64>, Instant),
}

/// A module's thread has come to its end.
pub(super) struct Ended {
    /// The module's place.
    pub(super) module: usize,
    pub(super) outcome: Result<(), ExportError>,
    /// Where it has unread records and can read them once more.
    pub(super) plugin: Option<Plugin>,
}

/// What all modules of a backup work with.
pub(super) struct Shop<'a> {
    pub(super) connection: &'a Connection,
    pub(super) archive: &'a Arc<Writer>,
    pub(super) limit: &'a Arc<Limit>,
    pub(super) ended: Sender<Ended>,
}

impl Module {
    /// One that begins there. It is not started yet.
    pub(super) fn new(plugin: Plugin, begun: Begun, limit: &Limit, keeping: Option<&Keeping>) -> Self {
        let counts = Arc::new(Counts::default());
        limit.join(Arc::clone(&counts));
        let rows = begun.rows();
        let kept = keeping.map(|keeping| keeping.module(begun.number, begun.marks, rows));
        let tables: Vec<Open> = begun.tables.into_iter().map(Open::earlier).collect();
        counts.begin(&tables, begun.said.expected);
        let described = plugin.description.tables.clone();
        let left = Left {
            cut: None,
            unopened: unopened(&described, &tables),
            tables,
            said: begun.said,
            memory: begun.memory,
            kept,
        };
        let has_ended = begun.ended.is_some();
        counts.ended.store(has_ended, Ordering::Relaxed);
        Self {
            name: plugin.description.module.clone(),
            version: plugin.version.clone(),
            counts,
            work: None,
            earlier: begun.figures,
            // What it left is there from the beginning: whoever starts it takes it from here.
            ended: Some((begun.ended.unwrap_or_else(|| Err(not_started())), left)),
            plugin: Some(plugin),
            go_on: begun.earlier,
        }
    }

    /// Whether its export has ended, in this run or before.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some() && self.counts.ended.load(Ordering::Relaxed)
    }

    /// The error with which it ended, where that passes.
    pub(super) fn passing(&self) -> Option<&ExportError> {
        let (outcome, _) = self.ended.as_ref()?;
        outcome.as_ref().err().filter(|error| passes(error))
    }

    /// Whether there is anything of it that would be a loss.
    pub(super) fn has_something(&self) -> bool {
        let has_ended_well = matches!(&self.ended, Some((Ok(()), _)));
        has_ended_well || self.counts.rows.load(Ordering::Relaxed) > 0
    }

    /// Ends it, unless it has ended, because the desk could not be reached.
    pub(super) fn not_reached(&mut self, why: &str) {
        if let Some((outcome, _)) = self
            .ended
            .as_mut()
            .filter(|_| !self.counts.ended.load(Ordering::Relaxed))
        {
            *outcome = Err(ExportError::new(ErrorKind::Network, why));
            self.counts.ended.store(true, Ordering::Relaxed);
        }
    }

    /// The records that its exporter could not read, where it is to read them once more.
    pub(super) fn again(&self) -> Vec<Unread> {
        let can = |plugin: &Plugin| plugin.description.again;
        match &self.ended {
            Some((Ok(()), left)) if self.plugin.as_ref().is_some_and(can) && left.is_open() => left.said.unread.clone(),
            _ => Vec::new(),
        }
    }

    /// Starts its export on a thread of its own; `ended` is told when it is over. `again`: it ended before, and reads only these
    /// records once more.
    pub(super) fn start(
        &mut self,
        place: usize,
        mut job: Job,
        shop: &Shop<'_>,
        again: Vec<Unread>,
    ) -> std::io::Result<()> {
        let (Some(plugin), Some((outcome, mut left))) = (self.plugin.take(), self.ended.take()) else {
            return Err(std::io::Error::other("a module was started twice"));
        };
        if !again.is_empty() {
            left.said.unread.clear();
            // They were what is asked for once more.
            left.said.failed = (0, String::new());
            left.tables = left.tables.into_iter().map(Open::again).collect();
            job.remembered = left.memory.values().map_err(std::io::Error::other)?;
        }
        let tables = left.tables.iter().filter_map(Open::to_go_on);
        let tables: Vec<Table> = tables.cloned().collect();
        let go_on = self.go_on.take();
        if !again.is_empty() || go_on.is_some() {
            job.tables = Some(tables).filter(|tables| !tables.is_empty());
        }
        if let Some(Earlier { cursor, remembered }) = go_on.filter(|_| again.is_empty()) {
            (job.resume, job.remembered) = (cursor, remembered);
        }
        drop(outcome);
        self.counts.ended.store(false, Ordering::Relaxed);
        // Of its own, so that one module can be given up without the others.
        let cancel = shop.limit.stop.child_token();
        let queue = shop.connection.queue(job.window as usize, &cancel);
        let meter = queue.meter();
        let means = Means {
            plugin: &plugin,
            archive: Arc::clone(shop.archive),
            queue,
            counts: Arc::clone(&self.counts),
            limit: Arc::clone(shop.limit),
        };
        let is_last = !again.is_empty() || !plugin.description.again;
        let services = ModuleServices::new(means, left, again, self.earlier);
        let host = Arc::new(ModuleHost::new(&self.name, services, cancel.clone()));
        let (inside, ended) = (Arc::clone(&host), shop.ended.clone());
        let thread = thread::Builder::new().name(format!("export {}", self.name));
        thread.spawn(move || {
            inside.enter();
            let returned = plugin.export(&job, &*inside);
            let mut outcome = inside.outcome(returned);
            let is_needed = !is_last && outcome.is_ok() && inside.services().has_unread();
            let mut plugin = Some(plugin);
            if !is_needed && let Some(plugin) = plugin.take() {
                let retired = plugin.retire();
                outcome =
                    outcome.and(retired.map_err(|refusal| ExportError::new(ErrorKind::Panic, refusal.to_string())));
            }
            drop(inside);
            // Nobody listens any more if the module was given up.
            let _ = ended.send(Ended {
                module: place,
                outcome,
                plugin,
            });
        })?;
        self.work = Some(Work {
            host,
            meter,
            cancel,
            started: Instant::now(),
            away: (None, Instant::now()),
        });
        Ok(())
    }

    /// Notes how it ended.
    pub(super) fn end(&mut self, outcome: Result<(), ExportError>, plugin: Option<Plugin>) {
        let Some(work) = &self.work else { return };
        if self.ended.is_none() {
            self.counts.ended.store(true, Ordering::Relaxed);
            self.earlier = self.earlier.and(&work.meter.stats(), work.started.elapsed());
            let left = work.host.services().finish();
            self.ended = Some((outcome, left));
            self.plugin = plugin;
        }
    }

    /// Ends it without a word.
    pub(super) fn finish(&self) {
        if let Some(work) = &self.work {
            work.host.services().finish();
        }
    }

    /// Gives it up if it has been away for longer than `patience`: it runs, but neither calls the engine nor waits for
    /// the desk. Its thread can't be ended; it is left, and every call it may still make is refused.
    pub(super) fn give_up_if_stuck(&mut self, patience: Duration) {
        let Some(work) = self.work.as_mut().filter(|_| self.ended.is_none()) else {
            return;
        };
        let calls = work.host.calls();
        if calls.is_none() || calls != work.away.0 || work.meter.stats().in_flight > 0 {
            work.away = (calls, Instant::now());
            return;
        }
        let away = work.away.1.elapsed();
        if away > patience {
            let seconds = away.as_secs_f64();
            self.give_up(&format!(
                "it did not call the engine for {seconds:.1} s and was given up: tell its author"
            ));
        }
    }

    /// Gives it up.
    pub(super) fn give_up(&mut self, why: &str) {
        if let Some(work) = &self.work {
            work.cancel.cancel();
        }
        self.end(Err(ExportError::new(ErrorKind::Other, why)), None);
    }

    /// What it took so far, with its earlier exports.
    pub(super) fn figures(&self) -> Figures {
        match &self.work {
            Some(work) if self.ended.is_none() => self.earlier.and(&work.meter.stats(), work.started.elapsed()),
            _ => self.earlier,
        }
    }

    /// Begins its last checkpoint, if it is kept. Its tables are closed first, unless they `stay_open` for the records that are
    /// read once more.
    pub(super) fn keep_end(&mut self, stay_open: bool) -> Result<(), BackupError> {
        let figures = self.figures();
        let Some((outcome, left)) = &mut self.ended else {
            return Ok(());
        };
        if left.kept.is_none() && stay_open {
            return Ok(());
        }
        let engine = |error: ExportError| BackupError::Engine(error.message);
        if let Some(kept) = &left.kept {
            kept.wait(true).map_err(engine)?;
        }
        let mut snapshots = Vec::with_capacity(left.tables.len());
        for open in &mut left.tables {
            snapshots.extend(open.snapshot(stay_open).map_err(archive_failed)?);
        }
        if let Some(kept) = &mut left.kept {
            let (memory, file) = left.memory.snapshot().map_err(engine)?;
            let mut checkpoint = Checkpoint::new(&self.name, &self.version, memory, left.said.clone(), figures);
            checkpoint.ended = Some(End::of(outcome));
            kept.begin(checkpoint, snapshots, file);
        }
        Ok(())
    }

    /// Waits until its last checkpoint is kept.
    pub(super) fn wait_kept(&self) -> Result<(), ExportError> {
        let kept = self.ended.as_ref().and_then(|(_, left)| left.kept.as_ref());
        kept.map_or(Ok(()), |kept| kept.wait(true))
    }

    /// How far it is, for a forecast.
    pub(super) fn facts(&self) -> Facts<'_> {
        let figures = self.figures();
        let expected = self.counts.expected.load(Ordering::Relaxed);
        let foreseen = self.counts.foreseen.load(Ordering::Relaxed);
        Facts {
            module: &self.name,
            rows: self.counts.rows.load(Ordering::Relaxed),
            expected: (expected > 0).then_some(expected),
            foreseen: (foreseen > 0).then_some(foreseen),
            requests: figures.requests,
            credits: figures.credits,
            ended: self.ended.is_some(),
        }
    }

    /// Tells how far it is.
    pub(super) fn tell(&self, progress: &dyn Progress) {
        let figures = self.figures();
        let working = self.work.as_ref().filter(|_| self.ended.is_none());
        let in_flight = working.map_or(0, |work| work.meter.stats().in_flight as u32);
        let trouble = working.and_then(|work| work.meter.trouble());
        let expected = self.counts.expected.load(Ordering::Relaxed);
        progress.event(Event::Module {
            module: &self.name,
            rows: self.counts.rows.load(Ordering::Relaxed),
            expected: (expected > 0).then_some(expected),
            bytes: self.counts.bytes.load(Ordering::Relaxed),
            requests: figures.requests,
            in_flight,
            retries: figures.retries,
            note: trouble.as_deref().or(self.counts.table().as_deref()),
        });
    }
}

/// What a module has come to that was never started, because the desk could not be reached.
fn not_started() -> ExportError {
    ExportError::new(ErrorKind::Cancelled, "it was not started")
}
