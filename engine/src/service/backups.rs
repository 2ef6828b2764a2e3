//! A backup from the wish to its end, in this order: may they; is the desk free; what did a crash leave; do the rules allow
//! it; its row; the run; its end. From the second on all is done under the desk's lock.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use plugin_api::{Kind, Range, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::archive;
use crate::backup::Forgetful;
use crate::clock::whole_seconds;
use crate::config::Desk;
use crate::history::Happening;
use crate::people::{Action, Actor};
use crate::progress::{Event, Progress, Summary};
use crate::quota::{self, Refusal};
use crate::store::{Backup, BackupId, BackupState, NewBackup, ScheduleId, ScheduleState, Tx};

use super::Service;
use super::crash::archive_of;
use super::desk_lock::{Attempt, DeskLock, pause};
use super::error::ServiceError;
use super::runner::{Order, RunError, Runner};

/// A backup that a person wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// The desk.
    pub desk: String,
    /// Its modules; empty: all.
    pub modules: Vec<String>,
    /// Which records.
    pub which: Which,
    /// Whether it starts although the desk counts more records than the limit.
    pub allow_partial: bool,
    /// Whether another backup of the desk is waited for; otherwise it is a reason to refuse.
    pub wait: bool,
    /// The folder for the archive where it is not the data directory. The archive then never expires by itself.
    pub out: Option<PathBuf>,
}

/// Which records a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    Full,
    /// Those created or changed in the range.
    Custom(Range),
}

/// A backup whose archive is there and entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Its number.
    pub id: BackupId,
    /// `Complete`, `Incomplete` or `LimitReached`.
    pub state: BackupState,
    /// When the archive expires; none: never.
    pub expires: Option<Timestamp>,
    /// All else.
    pub summary: Summary,
}

/// A backup to be made, whoever wants it.
pub(super) struct Task<'a> {
    pub(super) desk: &'a Desk,
    pub(super) modules: Vec<String>,
    pub(super) asked: Asked,
    pub(super) allow_partial: bool,
    pub(super) wait: bool,
    /// Absolute, and not the data directory.
    pub(super) out: Option<PathBuf>,
}

/// Who asks for what.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    Wish(Which),
    /// The schedule, for a slot. Whether it is full or incremental, the schedule's earlier runs say.
    Schedule(ScheduleId, Timestamp),
}

/// What became of a task.
pub(super) enum Made {
    Done(Box<Done>),
    /// It was refused, or ended without an archive. That is entered.
    Not(RunError),
    /// It is not wanted any more: another process ran the slot, or the schedule was stopped.
    Unwanted,
}

/// A backup that has a row.
pub(super) struct Started {
    pub(super) id: BackupId,
    pub(super) desk: String,
    pub(super) name: String,
    pub(super) schedule: Option<(ScheduleId, Timestamp)>,
    kind: Kind,
    range: Option<Range>,
    at: Timestamp,
}

/// What beginning came to.
enum Begun {
    Started(Started),
    Refused(Refusal),
    Unwanted,
}

impl Service {
    /// Makes a backup. `Ok` means that its archive is published and entered. Whatever the rules, the desk or the disk have
    /// against it is in the history when this returns.
    pub fn backup(
        &self,
        wish: &Wish,
        actor: &Actor,
        runner: &dyn Runner,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Done, ServiceError> {
        let desk = self.desk(&wish.desk)?;
        self.allow(actor, &wish.desk, Action::Start)?;
        let task = Task {
            desk,
            modules: chosen(desk, &wish.modules)?,
            asked: Asked::Wish(wish.which),
            allow_partial: wish.allow_partial,
            wait: wish.wait,
            out: wish
                .out
                .as_deref()
                .map(|out| self.elsewhere(out))
                .transpose()?
                .flatten(),
        };
        match self.make(&task, actor, runner, progress, cancel)? {
            Made::Done(done) => Ok(*done),
            Made::Not(RunError::Refused { refusal }) => Err(ServiceError::Refused(refusal)),
            Made::Not(error) => Err(ServiceError::Run(error)),
            // Only a schedule's run can be.
            Made::Unwanted => Err(ServiceError::Cancelled),
        }
    }

    /// Makes the backup of a task.
    pub(super) fn make(
        &self,
        task: &Task<'_>,
        actor: &Actor,
        runner: &dyn Runner,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Made, ServiceError> {
        let mut lock = self.take_desk(task, actor, progress, cancel)?;
        let begun = match self.begin(task, actor)? {
            Begun::Started(begun) => begun,
            Begun::Refused(refusal) => return Ok(Made::Not(RunError::Refused { refusal })),
            Begun::Unwanted => return Ok(Made::Unwanted),
        };
        if let Err(error) = lock.tell(&begun.name, begun.at) {
            // It is only for those who wait.
            tracing::warn!(%error, "cannot tell others which backup runs");
        }
        let order = Order {
            name: begun.name.clone(),
            desk: begun.desk.clone(),
            modules: task.modules.clone(),
            kind: begun.kind,
            range: begun.range,
            started: begun.at,
            folder: task.out.clone(),
            allow_partial: task.allow_partial,
            spool: None,
            resume: Vec::new(),
            finish: false,
            trusted: self.trusted()?,
        };
        match runner.run(&order, progress, &Forgetful, cancel) {
            Ok(summary) => {
                let entered = self.end_with_archive(&begun, actor, &summary, task.out.is_none());
                let (state, expires) = entered.map_err(|source| ServiceError::NotEntered {
                    archive: summary.archive.clone(),
                    source: Box::new(source),
                })?;
                Ok(Made::Done(Box::new(Done {
                    id: begun.id,
                    state,
                    expires,
                    summary,
                })))
            }
            Err(error) => {
                // Its process may have ended between the publication and its last word: then there is an archive, and the
                // row stays as a crash would have left it.
                let folder = task.out.as_deref().unwrap_or(self.folder());
                if let Some(archive) = archive_of(folder, &begun.desk, begun.kind, begun.at, &begun.name)? {
                    let why = crate::chain(&error);
                    return Err(ServiceError::Untold { archive, why });
                }
                self.end_without(&begun, actor, &error)?;
                Ok(Made::Not(error))
            }
        }
    }

    /// The desk's lock, with everything mended and swept that a crash left.
    fn take_desk(
        &self,
        task: &Task<'_>,
        actor: &Actor,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<DeskLock, ServiceError> {
        let desk = &task.desk.name;
        let waiting = |running: &str| progress.event(Event::Waiting { running });
        let busy = |running: String| self.refuse(desk, actor, "start a backup", Refusal::Busy { running });
        let lock = if task.wait {
            DeskLock::wait(self.folder(), desk, &waiting, cancel)?
        } else {
            match DeskLock::soon(self.folder(), desk, cancel)? {
                Attempt::Ours(lock) => lock,
                Attempt::Held(running) => return busy(running),
            }
        };
        let mut told = false;
        // The process that ran it may have outlived the one that held the lock, for as long as it takes to notice.
        while let Some(running) = self.recover(desk, &lock, cancel)? {
            if !task.wait {
                return busy(running);
            }
            if !std::mem::replace(&mut told, true) {
                waiting(&running);
            }
            pause(cancel)?;
        }
        archive::sweep(self.folder(), &BTreeSet::new())?;
        if let Some(out) = &task.out {
            archive::sweep(out, &BTreeSet::new())?;
        }
        // Also where no daemon runs, and before it is asked how much room there is.
        if let Err(error) = self.expire() {
            tracing::warn!(
                error = crate::chain(&error),
                "archives that have expired cannot be removed"
            );
        }
        if cancel.is_cancelled() {
            return Err(ServiceError::Cancelled);
        }
        Ok(lock)
    }

    /// Asks the rules and gives the backup its row, or enters the refusal.
    fn begin(&self, task: &Task<'_>, actor: &Actor) -> Result<Begun, ServiceError> {
        let desk = &task.desk.name;
        let free = crate::shelf::free(&existing(task.out.as_deref().unwrap_or(self.folder())))?;
        let started = whole_seconds(self.now());
        let until = task.desk.connection.upper_end(started);
        self.store.write(|tx| {
            let schedule = match task.asked {
                Asked::Schedule(id, slot) if !is_wanted(tx, desk, id, slot)? => return Ok(Begun::Unwanted),
                Asked::Schedule(id, slot) => Some((id, slot)),
                Asked::Wish(_) => None,
            };
            let (kind, range) = match self.judge(tx, task, started, until, free)? {
                Ok(judged) => judged,
                Err(refusal) => {
                    self.refused(tx, desk, actor, schedule, &refusal)?;
                    return Ok(Begun::Refused(refusal));
                }
            };
            let id = tx.add_backup(&NewBackup {
                desk: desk.clone(),
                modules: task.modules.clone(),
                kind,
                range,
                started,
                schedule,
                folder: task.out.as_deref().and_then(Path::to_str).map(str::to_owned),
                until: Some(until),
                allow_partial: task.allow_partial,
            })?;
            let what = Happening::BackupStarted {
                backup: id,
                backup_kind: kind,
                range,
            };
            self.enter(tx, Some(desk), actor, what)?;
            Ok(Begun::Started(Started {
                id,
                desk: desk.clone(),
                name: name(desk, id, started),
                schedule,
                kind,
                range,
                at: started,
            }))
        })
    }

    /// Kind and range of the backup, or the rule that refuses it.
    fn judge(
        &self,
        tx: &Tx<'_>,
        task: &Task<'_>,
        now: Timestamp,
        until: Timestamp,
        free: u64,
    ) -> Result<Result<(Kind, Option<Range>), Refusal>, ServiceError> {
        let (limits, desk) = (&self.config.limits, &task.desk.name);
        let judged = match task.asked {
            Asked::Wish(Which::Full) => {
                quota::full(limits, desk, tx.last_full(desk)?, now).map(|()| (Kind::Full, None))
            }
            Asked::Wish(Which::Custom(range)) => quota::custom(limits, range).map(|()| (Kind::Custom, Some(range))),
            Asked::Schedule(schedule, _) => match tx.last_until(schedule, &task.modules)? {
                // The first one takes all, and so does one with a module that none before it had. It counts for the rule above,
                // and is never refused by it.
                None => Ok((Kind::Full, None)),
                Some(from) if from < until => Ok((Kind::Incremental, Some(Range { from, to: until }))),
                Some(from) => Err(Refusal::Clock { now, until: from }),
            },
        };
        Ok(match judged {
            // Parts and the archive lie there side by side.
            Ok((kind, range)) => {
                let peak = tx.last_size(desk, kind)?.map(|bytes| bytes.saturating_mul(2));
                quota::room(peak, free).map(|()| (kind, range))
            }
            Err(refusal) => Err(refusal),
        })
    }

    /// The folder for an archive, absolute; none where it is the data directory.
    fn elsewhere(&self, out: &Path) -> Result<Option<PathBuf>, ServiceError> {
        let out = std::path::absolute(out).map_err(ServiceError::io("find", out))?;
        if out.to_str().is_none() {
            let message = format!("{} is not UTF-8: choose another folder for the archive", out.display());
            return Err(ServiceError::Run(RunError::Configuration { message }));
        }
        let same = match (fs::canonicalize(&out), fs::canonicalize(self.folder())) {
            (Ok(out), Ok(ours)) => out == ours,
            _ => false,
        };
        Ok((!same).then_some(out))
    }
}

/// What the manifest calls a backup: none is called so twice, in whatever installation.
pub(super) fn name(desk: &str, id: BackupId, started: Timestamp) -> String {
    format!("{desk} {id}, {started}")
}

/// What the manifest of this backup's archive calls it.
pub(super) fn name_of(backup: &Backup) -> String {
    name(&backup.desk, backup.id, backup.started)
}

/// Whether a slot is still to be run.
fn is_wanted(tx: &Tx<'_>, desk: &str, schedule: ScheduleId, slot: Timestamp) -> Result<bool, ServiceError> {
    // One that has ended while its last run waited for the desk still has that run.
    let row = tx
        .last_schedule(desk)?
        .filter(|row| row.state != ScheduleState::Stopped);
    Ok(row.is_some_and(|row| row.id == schedule && row.last_slot.is_none_or(|last| last < slot)))
}

/// The modules of the desk that are asked for, in its own order.
fn chosen(desk: &Desk, asked: &[String]) -> Result<Vec<String>, ServiceError> {
    if let Some(module) = asked.iter().find(|module| !desk.modules.contains(module)) {
        return Err(ServiceError::NoSuchModule {
            desk: desk.name.clone(),
            module: module.clone(),
        });
    }
    let wanted = |module: &&String| asked.is_empty() || asked.contains(module);
    Ok(desk.modules.iter().filter(wanted).cloned().collect())
}

/// The folder, or the nearest above it that is there: both lie on the same disk, unless something is mounted between.
fn existing(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|folder| folder.is_dir());
    there.unwrap_or(Path::new("/")).to_owned()
}
