//! A backup from the wish to its end, in this order: may they; is the desk free; what did a crash leave; do the rules allow
//! it; its row; the run; its end. From the second on all is done under the desk's lock.

use std::fs;
use std::path::{Path, PathBuf};

use plugin_api::{Kind, Range, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::clock::whole_seconds;
use crate::config::Desk;
use crate::history::Happening;
use crate::people::{Action, Actor};
use crate::progress::{Event, Progress, Summary};
use crate::quota::{self, Refusal};
use crate::store::{Backup, BackupId, BackupState, NewBackup, ScheduleId, ScheduleState, StoreError, Tx};

use super::Service;
use super::desk_lock::{Attempt, DeskLock, pause};
use super::error::ServiceError;
use super::going_on::Suspended;
use super::runner::{RunError, Runner};

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
    /// Whether backups of the desk that are suspended are given up; otherwise one is a reason to refuse.
    pub anew: bool,
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
    pub(super) anew: bool,
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

/// For whom, and by what.
#[derive(Clone, Copy)]
pub(super) struct With<'a> {
    pub(super) actor: &'a Actor,
    pub(super) runner: &'a dyn Runner,
    pub(super) progress: &'a dyn Progress,
    pub(super) cancel: &'a CancellationToken,
}

/// What became of a task.
pub(super) enum Made {
    Done(Box<Done>),
    /// It was refused, or ended without an archive. That is entered.
    Not(RunError),
    /// It came to no end, and can be gone on with. That is entered.
    Suspended(Suspended),
    /// It is not wanted any more: another process ran the slot, or the schedule was stopped.
    Unwanted,
}

impl Made {
    /// For a person, who waits for an archive.
    pub(super) fn done(self) -> Result<Done, ServiceError> {
        match self {
            Self::Done(done) => Ok(*done),
            Self::Not(RunError::Refused { refusal }) => Err(ServiceError::Refused(refusal)),
            Self::Not(error) => Err(ServiceError::Run(error)),
            Self::Suspended(suspended) => Err(ServiceError::Suspended(Box::new(suspended))),
            // Only a schedule's run can be.
            Self::Unwanted => Err(ServiceError::Cancelled),
        }
    }
}

/// A backup that has a row.
pub(super) struct Started {
    pub(super) id: BackupId,
    pub(super) desk: String,
    pub(super) name: String,
    pub(super) modules: Vec<String>,
    pub(super) kind: Kind,
    pub(super) range: Option<Range>,
    pub(super) at: Timestamp,
    /// Up to where it reads.
    pub(super) until: Option<Timestamp>,
    pub(super) schedule: Option<(ScheduleId, Timestamp)>,
    /// The folder for its archive where that is not the data directory.
    pub(super) folder: Option<PathBuf>,
    pub(super) allow_partial: bool,
    /// The name of its spool folder, if it has one.
    pub(super) spool: Option<String>,
    /// Why it was suspended before, where people know, and that it is gone on with is not entered yet.
    pub(super) troubled: Option<String>,
}

impl Started {
    pub(super) fn of(backup: &Backup) -> Self {
        Self {
            id: backup.id,
            desk: backup.desk.clone(),
            name: name_of(backup),
            modules: backup.modules.clone(),
            kind: backup.kind,
            range: backup.range,
            at: backup.started,
            until: backup.until,
            schedule: backup.schedule,
            folder: backup.folder.as_ref().map(PathBuf::from),
            allow_partial: backup.allow_partial,
            spool: backup.spool.clone(),
            troubled: None,
        }
    }
}

/// Why a backup does not begin.
enum Stays {
    Refused(Option<(ScheduleId, Timestamp)>, Refusal),
    Unwanted,
    Error(ServiceError),
}

impl From<StoreError> for Stays {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<ServiceError> for Stays {
    fn from(error: ServiceError) -> Self {
        Self::Error(error)
    }
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
            anew: wish.anew,
            out: wish
                .out
                .as_deref()
                .map(|out| self.elsewhere(out))
                .transpose()?
                .flatten(),
        };
        let means = With {
            actor,
            runner,
            progress,
            cancel,
        };
        self.make(&task, &means)?.done()
    }

    /// Makes the backup of a task. Where the last one of a schedule is suspended, that is gone on with: the slot is its.
    pub(super) fn make(&self, task: &Task<'_>, with: &With<'_>) -> Result<Made, ServiceError> {
        let mut lock = self.take_desk(&task.desk.name, task.wait, task.out.as_deref(), with)?;
        if let Asked::Schedule(schedule, _) = task.asked
            && let Some(backup) = self.suspended_for(&task.desk.name, schedule)?
        {
            let finish = self.is_to_be_finished(&backup)?;
            return self.go_on(&mut lock, &backup, finish, with);
        }
        let given_up = if task.anew {
            self.suspended(&task.desk.name)?
        } else {
            Vec::new()
        };
        match self.begin(task, with.actor) {
            Ok(started) => {
                for backup in given_up {
                    self.remove_spool(&Started::of(&backup));
                }
                self.run_begun(&mut lock, started, false, with)
            }
            Err(Stays::Refused(schedule, refusal)) => {
                let desk = &task.desk.name;
                self.store
                    .write(|tx| self.refused(tx, desk, with.actor, schedule, &refusal))?;
                Ok(Made::Not(RunError::Refused { refusal }))
            }
            Err(Stays::Unwanted) => Ok(Made::Unwanted),
            Err(Stays::Error(error)) => Err(error),
        }
    }

    /// The desk's lock, with everything mended and swept that a crash left.
    pub(super) fn take_desk(
        &self,
        desk: &str,
        wait: bool,
        out: Option<&Path>,
        with: &With<'_>,
    ) -> Result<DeskLock, ServiceError> {
        let With {
            actor,
            progress,
            cancel,
            ..
        } = *with;
        let waiting = |running: &str| progress.event(Event::Waiting { running });
        let busy = |running: String| self.refuse(desk, actor, "start a backup", Refusal::Busy { running });
        let lock = if wait {
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
            if !wait {
                return busy(running);
            }
            if !std::mem::replace(&mut told, true) {
                waiting(&running);
            }
            pause(cancel)?;
        }
        self.sweep(None)?;
        if let Some(out) = out {
            self.sweep(Some(out))?;
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

    /// Asks the rules and gives the backup its row. Where a rule refuses it, nothing was changed.
    fn begin(&self, task: &Task<'_>, actor: &Actor) -> Result<Started, Stays> {
        let desk = &task.desk.name;
        let free =
            crate::shelf::free(&existing(task.out.as_deref().unwrap_or(self.folder()))).map_err(ServiceError::from)?;
        let started = whole_seconds(self.now());
        let until = task.desk.connection.upper_end(started);
        self.store.write(|tx| {
            let schedule = match task.asked {
                Asked::Schedule(id, slot) if !is_wanted(tx, desk, id, slot)? => return Err(Stays::Unwanted),
                Asked::Schedule(id, slot) => Some((id, slot)),
                Asked::Wish(_) => None,
            };
            for suspended in tx.suspended(Some(desk))? {
                if task.anew {
                    self.give_up(tx, &suspended, actor)?;
                } else if schedule.is_none() {
                    let (desk, backup) = (desk.clone(), suspended.id);
                    return Err(Stays::Refused(None, Refusal::Suspended { desk, backup }));
                }
            }
            let judged = self.judge(tx, task, started, until, free)?;
            let (kind, range) = judged.map_err(|refusal| Stays::Refused(schedule, refusal))?;
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
            let row = tx.backup(id)?;
            row.as_ref()
                .map(Started::of)
                .ok_or(Stays::Error(ServiceError::NoSuchBackup { id }))
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
