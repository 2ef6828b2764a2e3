//! The main loop.
//!
//! A round looks at everything that may have come: signals, the file of the configuration, runs that have ended or are
//! due, archives that expire, schedules that are over. It is made at the next moment at which something is due, and at
//! least once a second: another process may have set a schedule, and the clock may have been set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plugin_api::Timestamp;

use super::child::{Bounds, Child, executable, secrets_in};
use super::chores::{Current, Settler, send_notices};
use super::desks::{Again, Desks, Work};
use super::job::Text;
use super::lock::Lock;
use super::systemd::Manager;
use super::trouble::Trouble;
use super::watch::{Stamp, Watch};
use super::{Controls, DaemonError, Ended, Setup, exporters, reload, status};
use crate::chain;
use crate::config::Loaded;
use crate::progress::Silent;
use crate::service::{Cause, Ran, Resumable, Service, ServiceError, state_name};
use crate::store::StoreError;

/// The longest time between two rounds.
const LONGEST: Duration = Duration::from_secs(1);
/// How long another process that writes may hold up one step of a round. There are a few steps in each, and the service manager
/// must hear of it in between.
const PATIENCE: Duration = Duration::from_secs(2);
/// The shortest, where something is due that can't be done yet.
const SHORTEST: Duration = Duration::from_millis(10);
/// What threads get beyond the grace of processes, to enter what those came to.
const LAST: Duration = Duration::from_secs(10);

/// A daemon at work.
pub(super) struct Rounds {
    pub(super) setup: Setup,
    /// For the threads, who may wait.
    pub(super) current: Current,
    /// For the rounds themselves.
    pub(super) own: Service,
    /// The text of the configuration that holds.
    pub(super) text: Arc<Text>,
    pub(super) manager: Manager,
    pub(super) watch: Watch,
    /// Why the configuration that is in the file is not the one that holds, in a few words.
    pub(super) refused: Option<String>,
    /// Whether the schedules are still to be set as the configuration declares them.
    pub(super) undeclared: bool,
    /// Whether the data directory is somebody else's by now.
    ousted: bool,
    pub(super) desks: Desks,
    settler: Settler,
    notices: JoinHandle<()>,
    /// Whether a process had to be killed.
    forced: Arc<AtomicBool>,
    troubles: Troubles,
    lock: Lock,
}

#[derive(Default)]
struct Troubles {
    declare: Trouble,
    expire: Trouble,
    end: Trouble,
    due: Trouble,
    next: Trouble,
    left: Trouble,
    start: Trouble,
}

impl Rounds {
    /// Opens everything. Nobody else has the data directory from here on.
    pub(super) fn start(loaded: Loaded, setup: Setup) -> Result<Self, DaemonError> {
        let mut manager = Manager::of_process();
        manager.status("starting");
        let lock = Lock::take(&loaded.config.archive.folder, setup.clock.now())?;
        let text = Arc::new(reload::text(&loaded));
        let service = Service::open(Arc::new(loaded.config), Arc::clone(&setup.clock))?;
        let what = reload::enter(&service)?;
        if !what.is_empty() {
            tracing::info!("another configuration holds than the last time: {}", what.join(", "));
        }
        for line in service.declare_schedules()? {
            tracing::info!("{line}");
        }
        let own = service.impatient(PATIENCE)?;
        let current = Current::new(service);
        let mut settler = Settler::default();
        settler.ask();
        let notices = send_notices(current.clone(), setup.controls.stopping().clone())?;
        Ok(Self {
            setup,
            current,
            own,
            text,
            manager,
            // It may have been changed since it was read: it is looked at once more.
            watch: Watch::new(Stamp::None),
            refused: None,
            undeclared: false,
            ousted: false,
            desks: Desks::default(),
            settler,
            notices,
            forced: Arc::default(),
            troubles: Troubles::default(),
            lock,
        })
    }

    /// Makes rounds until it is told to stop.
    pub(super) fn run(mut self) -> Ended {
        let folder = self.service().folder().display().to_string();
        self.look_for_exporters();
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            "the daemon runs; data directory {folder}"
        );
        let mut next = self.round();
        self.manager.ready();
        while !self.setup.controls.stopping().is_cancelled() {
            self.setup.controls.wait(self.pause(next));
            next = self.round();
        }
        self.stop()
    }

    /// Has it logged if modules have no exporter.
    pub(super) fn look_for_exporters(&mut self) {
        let looking = exporters::look(Arc::clone(self.service().config()), self.setup.list.clone());
        self.troubles
            .start
            .look("it cannot be seen which exporters there are", looking);
    }

    /// The service under the configuration that holds.
    pub(super) fn service(&self) -> Service {
        self.current.get()
    }

    /// Tells the service manager what runs and what comes next.
    pub(super) fn tell_status(&mut self, next: Option<Timestamp>) {
        let running: Vec<_> = self.desks.running().collect();
        let line = status::line(&running, next, self.refused.as_deref());
        self.manager.status(&line);
    }

    /// How long nothing is to be done.
    fn pause(&self, next: Option<Timestamp>) -> Duration {
        let micros = next.map_or(i64::MAX, |next| {
            next.micros().saturating_sub(self.setup.clock.now().micros())
        });
        // What is due already and was not started is running, or waits to be tried again.
        let until = if micros > 0 {
            Duration::from_micros(micros as u64)
        } else {
            LONGEST
        };
        until
            .min(self.manager.pause().unwrap_or(LONGEST))
            .clamp(SHORTEST, LONGEST)
    }

    /// Looks at everything once. Gives when the next run is.
    fn round(&mut self) -> Option<Timestamp> {
        self.manager.alive();
        self.reap();
        let controls = self.setup.controls.clone();
        if controls.stopping().is_cancelled() {
            return None;
        }
        if !self.lock.is_held() {
            tracing::error!(
                "the data directory {} was taken away, or its {}: another daemon may have it by now, so this one stops",
                self.own.folder().display(),
                super::LOCK_FILE
            );
            self.ousted = true;
            controls.stop();
            return None;
        }
        if controls.take_reload() {
            self.reload();
        } else if self.watch.changed(Stamp::of(&self.setup.file), Instant::now()) {
            self.reload_if_changed();
        }
        let own = self.own.clone();
        let troubles = &mut self.troubles;
        if self.undeclared {
            let declared = troubles
                .declare
                .look("schedules cannot be set as declared", own.declare_schedules());
            self.undeclared = declared.is_none();
            tell(declared.as_deref());
        }
        let expired = troubles
            .expire
            .look("archives that have expired cannot be removed", own.expire());
        for id in expired.unwrap_or_default() {
            tracing::info!("the archive of backup {id} has expired");
        }
        self.manager.alive();
        let over = troubles.end.look("schedules cannot be ended", own.end_schedules());
        tell(over.as_deref());
        let due = troubles.due.look("it cannot be seen what is due", work(&own));
        let service = self.service();
        for work in due.unwrap_or_default() {
            self.start_run(&service, work);
        }
        self.look_for_crashes(&service);
        let next = self
            .troubles
            .next
            .look("it cannot be seen what comes next", own.next_due())
            .flatten();
        self.tell_status(next);
        next
    }

    /// Starts what is to be done, unless it runs or waits.
    fn start_run(&mut self, service: &Service, work: Work) {
        if !self.desks.may_start(&work, Instant::now()) {
            return;
        }
        match &work {
            Work::Slot(due) => tracing::info!(desk = due.desk, slot = %due.slot, "a scheduled backup starts"),
            Work::Rest(rest) => tracing::info!(
                desk = rest.desk,
                backup = rest.backup,
                "a suspended backup is gone on with"
            ),
        }
        let runner = executable().map(|executable| Child {
            executable,
            arguments: self.setup.arguments.clone(),
            text: Arc::clone(&self.text),
            folder: service.folder().to_owned(),
            grace: service.config().daemon.grace,
            forced: Arc::clone(&self.forced),
            bounds: Bounds::of(&service.config().daemon),
            secrets: secrets_in(service.config()),
        });
        let (service, controls) = (service.clone(), self.setup.controls.clone());
        let started = runner.and_then(|runner| {
            self.desks.start(work.clone(), service.now(), move |work| {
                // However it ends, the loop hears of it.
                let _bell = Bell(controls.clone());
                match work {
                    Work::Slot(due) => service.run_due(due, &runner, &Silent, controls.stopping()),
                    Work::Rest(rest) => service.run_resumable(rest, &runner, &Silent, controls.stopping()),
                }
            })
        });
        let looked = self.troubles.start.look("a backup cannot be started", started);
        if looked.is_none() {
            self.desks.wait(work, Again::Later, Instant::now());
        }
    }

    /// Sees what became of runs that have ended.
    fn reap(&mut self) {
        while let Some((work, outcome)) = self.desks.ended() {
            self.settler.ask();
            let (desk, what) = (work.desk().to_owned(), work.what());
            let (why, again) = match outcome {
                Some(Ok(Ran::Done(done))) => {
                    let archive = done.summary.archive.display();
                    tracing::info!(
                        desk,
                        backup = done.id,
                        "{what} is {}: {archive}",
                        state_name(done.state)
                    );
                    self.desks.done(&work);
                    continue;
                }
                Some(Ok(Ran::Ended(error))) => {
                    tracing::error!(desk, "{what} ended without an archive: {}", chain(&error));
                    self.desks.done(&work);
                    continue;
                }
                Some(Ok(Ran::Nothing)) => {
                    tracing::info!(desk, "{what} was not wanted any more");
                    self.desks.done(&work);
                    continue;
                }
                Some(Ok(Ran::Suspended(suspended))) if suspended.by_person => {
                    tracing::error!(desk, "{what} is not gone on with any more: {}", suspended.reason);
                    // But for finishing it as it is, where nobody comes: that is not tried again at once either.
                    let backup = suspended.id;
                    let rest = Work::Rest(Resumable { desk, backup });
                    self.desks.wait(rest, Again::Later, Instant::now());
                    continue;
                }
                Some(Ok(Ran::Suspended(suspended))) => {
                    let again = match (suspended.got_further, suspended.cause) {
                        (true, Cause::Lost) => Again::AtOnce,
                        (true, _) => Again::Soon,
                        (false, _) => Again::Later,
                    };
                    (suspended.reason, again)
                }
                Some(Ok(Ran::Stopped)) => ("it was stopped".to_owned(), Again::Later),
                Some(Err(error)) => (chain(&error), Again::Later),
                None => (
                    "it has panicked: tell the authors of deskvault".to_owned(),
                    Again::Later,
                ),
            };
            if self.setup.controls.stopping().is_cancelled() {
                tracing::info!(
                    desk,
                    "{what} was stopped with the daemon, and is gone on with at its next start"
                );
                continue;
            }
            // Whatever was begun is gone on with, by whichever way.
            let next = self.own.resumable().unwrap_or_default();
            let rest = next.into_iter().find(|rest| rest.desk == desk).map(Work::Rest);
            let wait = self.desks.wait(rest.unwrap_or(work), again, Instant::now());
            let when = if wait.is_zero() {
                "at once".to_owned()
            } else {
                format!("in {} min", wait.as_secs() / 60)
            };
            tracing::error!(desk, "{what} did not come to an end, and is tried again {when}: {why}");
        }
    }

    /// A row that says a backup runs may be what a crash left behind.
    fn look_for_crashes(&mut self, service: &Service) {
        let now = Instant::now();
        if self.settler.may_look(now) {
            let desks = service.config().desks.iter();
            let running = self.own.store().read(|view| {
                let running = desks
                    .map(|desk| view.running(&desk.name))
                    .collect::<Result<Vec<_>, _>>();
                Ok::<_, StoreError>(running?.concat())
            });
            let running = self
                .troubles
                .left
                .look("it cannot be seen what runs", running)
                .unwrap_or_default();
            let ours: Vec<_> = self.desks.running().map(|(desk, _)| desk).collect();
            if running.iter().any(|backup| !ours.contains(&backup.desk.as_str())) {
                self.settler.ask();
            }
        }
        self.settler.go_on(service, &self.setup.controls, now);
    }

    /// No new work; what runs has been told, and gets its time.
    fn stop(mut self) -> Ended {
        let service = self.service();
        let most = service.config().daemon.grace + LAST;
        self.manager.stopping(most);
        let running: Vec<_> = self.desks.running().map(|(desk, _)| desk.to_owned()).collect();
        self.manager
            .status(&format!("stopping; waiting for {} backups", running.len()));
        tracing::info!("the daemon stops; backups that run and are stopped: {}", running.len());
        let deadline = Instant::now() + most;
        loop {
            self.manager.alive();
            self.reap();
            self.settler.go_on(&service, &self.setup.controls, Instant::now());
            let busy = self.desks.running().next().is_some() || self.settler.is_busy() || !self.notices.is_finished();
            if !busy || Instant::now() >= deadline {
                break;
            }
            self.setup.controls.wait(Duration::from_millis(100));
        }
        let left: Vec<_> = self.desks.running().map(|(desk, _)| desk.to_owned()).collect();
        if !left.is_empty() {
            return Ended::Forced(left);
        }
        if self.forced.load(Ordering::SeqCst) {
            return Ended::Forced(running);
        }
        if self.ousted {
            return Ended::Ousted;
        }
        tracing::info!("the daemon has stopped");
        Ended::Cleanly
    }
}

/// What is to be done: what is suspended is gone on with, and a desk with such a backup has no slot before that has ended.
fn work(service: &Service) -> Result<Vec<Work>, ServiceError> {
    let mut work: Vec<Work> = service.resumable()?.into_iter().map(Work::Rest).collect();
    for due in service.due()? {
        if work.iter().all(|other| other.desk() != due.desk) {
            work.push(Work::Slot(due));
        }
    }
    Ok(work)
}

fn tell(lines: Option<&[String]>) {
    for line in lines.unwrap_or_default() {
        tracing::info!("{line}");
    }
}

/// Rings when it is dropped.
struct Bell(Controls);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.wake();
    }
}
