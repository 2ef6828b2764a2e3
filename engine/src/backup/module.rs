//! One module of a running backup: its thread, and what is seen of it from outside.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use plugin_api::{ErrorKind, ExportError, Job};
use tokio_util::sync::CancellationToken;

use super::limit::Limit;
use super::services::{Counts, ModuleServices};
use crate::archive::Writer;
use crate::connection::{Connection, Meter, QueueStats};
use crate::plugins::{ModuleHost, Plugin};
use crate::progress::{Event, Progress};

/// A module under way.
pub(super) struct Module {
    pub(super) name: String,
    pub(super) host: Arc<ModuleHost<ModuleServices>>,
    pub(super) meter: Meter,
    counts: Arc<Counts>,
    cancel: CancellationToken,
    started: Instant,
    /// Calls when last looked, and since when it has been that many.
    away: (Option<u64>, Instant),
    /// What it came to, and how long it took.
    pub(super) ended: Option<(Result<(), ExportError>, Duration)>,
}

/// A module's thread has come to its end.
pub(super) struct Ended {
    /// The module's place.
    pub(super) module: usize,
    pub(super) outcome: Result<(), ExportError>,
}

impl Module {
    /// Starts the export on a thread of its own; `ended` is told when it is over.
    pub(super) fn start(
        place: usize,
        plugin: Plugin,
        job: Job,
        connection: &Connection,
        archive: &Arc<Writer>,
        limit: &Arc<Limit>,
        ended: Sender<Ended>,
    ) -> std::io::Result<Self> {
        let name = job.module.clone();
        // Of its own, so that one module can be given up without the others.
        let cancel = limit.stop.child_token();
        let queue = connection.queue(job.window as usize, &cancel);
        let (meter, counts) = (queue.meter(), Arc::new(Counts::default()));
        let services = ModuleServices::new(
            &plugin.description,
            Arc::clone(archive),
            queue,
            Arc::clone(&counts),
            Arc::clone(limit),
        );
        let host = Arc::new(ModuleHost::new(&name, services, cancel.clone()));
        let inside = Arc::clone(&host);
        thread::Builder::new().name(format!("export {name}")).spawn(move || {
            inside.enter();
            let returned = plugin.export(&job, &*inside);
            let outcome = inside.outcome(returned);
            let retired = plugin.retire();
            let outcome =
                outcome.and(retired.map_err(|refusal| ExportError::new(ErrorKind::Panic, refusal.to_string())));
            drop(inside);
            // Nobody listens any more if the module was given up.
            let _ = ended.send(Ended { module: place, outcome });
        })?;
        Ok(Self {
            name,
            host,
            meter,
            counts,
            cancel,
            started: Instant::now(),
            away: (None, Instant::now()),
            ended: None,
        })
    }

    /// Notes how it ended.
    pub(super) fn end(&mut self, outcome: Result<(), ExportError>) {
        self.ended.get_or_insert((outcome, self.started.elapsed()));
        self.counts.ended.store(true, Ordering::Relaxed);
    }

    /// Gives it up if it has been away for longer than `patience`: it runs, but neither calls the engine nor waits for
    /// the desk. Its thread can't be ended; it is left, and every call it may still make is refused.
    pub(super) fn give_up_if_stuck(&mut self, patience: Duration) {
        let calls = self.host.calls();
        if calls.is_none() || calls != self.away.0 || self.meter.stats().in_flight > 0 {
            self.away = (calls, Instant::now());
            return;
        }
        let away = self.away.1.elapsed();
        if self.ended.is_none() && away > patience {
            let seconds = away.as_secs_f64();
            self.give_up(&format!(
                "it did not call the engine for {seconds:.1} s and was given up: tell its author"
            ));
        }
    }

    /// Gives it up.
    pub(super) fn give_up(&mut self, why: &str) {
        self.cancel.cancel();
        self.end(Err(ExportError::new(ErrorKind::Other, why)));
    }

    /// What the desk was asked.
    pub(super) fn stats(&self) -> QueueStats {
        self.meter.stats()
    }

    /// Tells how far it is.
    pub(super) fn tell(&self, progress: &dyn Progress) {
        let stats = self.stats();
        let expected = self.counts.expected.load(Ordering::Relaxed);
        progress.event(Event::Module {
            module: &self.name,
            rows: self.counts.rows.load(Ordering::Relaxed),
            expected: (expected > 0).then_some(expected),
            bytes: self.counts.bytes.load(Ordering::Relaxed),
            requests: stats.tries,
            in_flight: stats.in_flight as u32,
            retries: stats.retries,
            note: self.meter.trouble().as_deref().or(self.counts.table().as_deref()),
        });
    }
}
