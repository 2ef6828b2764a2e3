//! Backups that came to no end: suspended, gone on with, finished as they are, given up.
//!
//! A backup is suspended where nothing of it is wrong: it was stopped, its process was killed, the disk is full, the desk does
//! not answer. Its row and its spool folder stay, and with them what was kept of it. Whoever goes on has the desk's lock, and
//! the lock of the spool folder.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::backup::Cause;
use crate::history::Happening;
use crate::notify::Topic;
use crate::people::{Action, Actor};
use crate::progress::Progress;
use crate::store::{Backup, BackupEnd, BackupId, BackupState, Reached, ScheduleId, StoreError, Suspension, Tx};

use super::Service;
use super::backups::{Done, Made, Started, With, name_of};
use super::desk_lock::DeskLock;
use super::due::Ran;
use super::ending::state_name;
use super::error::ServiceError;
use super::keeping::find;
use super::runner::Runner;

/// So often in a row a backup is gone on with whose process ends before its time, and without a checkpoint in between; then it
/// waits for a person.
const MOST: u64 = 3;
/// The same where all modules have ended: there is no checkpoint to come, and nothing is asked for again.
const MOST_TO_JOIN: u64 = 20;

/// A backup that a person wants to be gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoOn {
    /// The desk.
    pub desk: String,
    /// Its number; none: the only one that is suspended.
    pub backup: Option<BackupId>,
    /// Whether what there is makes an incomplete archive where it still can't be gone on with.
    pub finish: bool,
    /// Whether another backup of the desk is waited for; otherwise it is a reason to refuse.
    pub wait: bool,
}

/// A backup that has just been suspended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suspended {
    /// Its number.
    pub id: BackupId,
    /// The desk.
    pub desk: String,
    /// What is in its way.
    pub cause: Cause,
    /// The same in words.
    pub reason: String,
    /// Rows that would not be asked for again.
    pub rows: u64,
    /// Whether it had got further than before.
    pub got_further: bool,
    /// Whether it waits for a person.
    pub by_person: bool,
}

/// A backup that deskvault goes on with by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumable {
    /// The desk.
    pub desk: String,
    /// Its number.
    pub backup: BackupId,
}

impl Service {
    /// Goes on with a backup that is suspended. `Ok` as for [`Service::backup`].
    pub fn resume(
        &self,
        wish: &GoOn,
        actor: &Actor,
        runner: &dyn Runner,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Done, ServiceError> {
        self.desk(&wish.desk)?;
        self.allow(actor, &wish.desk, Action::Start)?;
        let means = With {
            actor,
            runner,
            progress,
            cancel,
        };
        let running = self.running(&wish.desk)?;
        let mut lock = self.take_desk(&wish.desk, wish.wait, None, &means)?;
        let mut suspended = self.suspended(&wish.desk)?;
        if let Some(id) = wish.backup {
            suspended.retain(|backup| backup.id == id);
        }
        let backup = match suspended.as_slice() {
            [backup] => backup,
            [] => {
                if let Some(id) = self.taken_up(&running, wish.backup)? {
                    return Err(ServiceError::TakenUp { id });
                }
                let what = match wish.backup {
                    Some(id) => format!("backup {id} of {}", wish.desk),
                    None => format!("a backup of {}", wish.desk),
                };
                return Err(ServiceError::NotSuspended { what });
            }
            several => {
                let ids = several.iter().map(|backup| backup.id).collect();
                let desk = wish.desk.clone();
                return Err(ServiceError::SeveralSuspended { desk, ids });
            }
        };
        self.go_on(&mut lock, backup, wish.finish, &means)?.done()
    }

    /// The backups that the daemon goes on with, at most one a desk: not those whose folder is not there, nor those that wait
    /// for a person. Where nobody came for one that was given up, it is finished as it is; what a person stopped stays theirs.
    pub fn resumable(&self) -> Result<Vec<Resumable>, ServiceError> {
        let all = self.store.read(|view| Ok::<_, ServiceError>(view.suspended(None)?))?;
        let mut found: Vec<Resumable> = Vec::new();
        for backup in all {
            let is_there = backup.folder.as_ref().is_none_or(|folder| Path::new(folder).is_dir());
            let is_first = found.iter().all(|other| other.desk != backup.desk);
            if !is_there || !is_first || self.known(&backup.desk).is_none() {
                continue;
            }
            if !backup.by_person || was_given_up(&backup) && self.is_to_be_finished(&backup)? {
                found.push(Resumable {
                    desk: backup.desk,
                    backup: backup.id,
                });
            }
        }
        Ok(found)
    }

    /// Goes on with one of those. It waits while another backup of the desk runs, and then looks whether it still is suspended.
    /// One that has stood still for longer than the configuration has patience is finished as it is.
    pub fn run_resumable(
        &self,
        resumable: &Resumable,
        runner: &dyn Runner,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Ran, ServiceError> {
        let find = || {
            let found = self
                .store
                .read(|view| Ok::<_, ServiceError>(view.backup(resumable.backup)?))?;
            Ok::<_, ServiceError>(found.filter(|row| row.state == BackupState::Suspended))
        };
        let actor = match find()? {
            None => return Ok(Ran::Nothing),
            Some(backup) if backup.schedule.is_some() => Actor::Schedule,
            Some(_) => Actor::Deskvault,
        };
        let with = With {
            actor: &actor,
            runner,
            progress,
            cancel,
        };
        let went = self.take_desk(&resumable.desk, true, None, &with).and_then(|mut lock| {
            // It may be another process that went on with it meanwhile.
            let Some(backup) = find()? else {
                return Ok(Made::Unwanted);
            };
            let finish = self.is_to_be_finished(&backup)?;
            self.go_on(&mut lock, &backup, finish, &with)
        });
        Ran::of(went)
    }

    /// How far a backup is by its checkpoints.
    pub fn reached(&self, backup: BackupId) -> Result<Reached, ServiceError> {
        self.store.read(|view| Ok(view.reached(backup)?))
    }

    /// The one that a person wants to be gone on with, of those that a crash left: where its archive was found meanwhile.
    fn taken_up(&self, left: &[Backup], wanted: Option<BackupId>) -> Result<Option<BackupId>, ServiceError> {
        for id in left.iter().map(|backup| backup.id) {
            let now = self.store.read(|view| Ok::<_, ServiceError>(view.backup(id)?))?;
            if wanted.is_none_or(|wanted| wanted == id) && now.is_some_and(|now| now.archive.is_some()) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The backups of a desk whose rows say that they run.
    fn running(&self, desk: &str) -> Result<Vec<Backup>, ServiceError> {
        self.store.read(|view| Ok(view.running(desk)?))
    }

    /// The backups of a desk that are suspended.
    pub(super) fn suspended(&self, desk: &str) -> Result<Vec<Backup>, ServiceError> {
        self.store.read(|view| Ok(view.suspended(Some(desk))?))
    }

    /// The backup that is suspended and has the slot of a schedule. One that waits for a person has it no more.
    pub(super) fn suspended_for(&self, desk: &str, schedule: ScheduleId) -> Result<Option<Backup>, ServiceError> {
        let is_its = |backup: &Backup| !backup.by_person && backup.schedule.is_some_and(|(its, _)| its == schedule);
        Ok(self.suspended(desk)?.into_iter().find(is_its))
    }

    /// Whether a backup has stood still for so long that what there is of it makes its archive.
    pub(super) fn is_to_be_finished(&self, backup: &Backup) -> Result<bool, ServiceError> {
        let last = self.reached(backup.id)?.at.unwrap_or(backup.started);
        let still = self.now().micros().saturating_sub(last.micros());
        Ok(u128::try_from(still).is_ok_and(|still| still >= self.config.backup.keep_suspended.as_micros()))
    }

    /// Goes on with a backup that is suspended, under its desk's lock.
    pub(super) fn go_on(
        &self,
        lock: &mut DeskLock,
        backup: &Backup,
        finish: bool,
        with: &With<'_>,
    ) -> Result<Made, ServiceError> {
        let id = backup.id;
        let out = backup.folder.as_ref().map(PathBuf::from);
        if let Some(folder) = out.as_ref().filter(|folder| !folder.is_dir()) {
            let folder = folder.clone();
            return Err(ServiceError::NoFolder { id, folder });
        }
        // Its folder may have been away when it was looked for last.
        let folder = self.folder_of(out.as_deref());
        if let Some(ending) = self.left(backup, folder, &name_of(backup), with.cancel)? {
            let closed = self.close(&backup.desk, id, backup.schedule, &Actor::Deskvault, &ending);
            closed.map_err(|error| self.without_room(id, &backup.desk, error))?;
            return Err(ServiceError::TakenUp { id });
        }
        // What stands in its way until a person mends it, and was told, mostly still does.
        let is_quiet = backup.told && !is_person(with.actor);
        let started = Started {
            troubled: backup.reason.clone().filter(|_| is_quiet),
            ..Started::of(backup)
        };
        let resumed = self.store.write(|tx| {
            tx.resume_backup(id)?;
            if started.troubled.is_some() {
                return Ok(());
            }
            self.enter(tx, Some(&backup.desk), with.actor, Happening::Resumed { backup: id })
        });
        resumed.map_err(|error| self.without_room(id, &backup.desk, error))?;
        self.run_begun(lock, started, finish, with)
    }

    /// Suspends a backup that runs. Where its process has ended before its time again and again, and it got no further, it waits
    /// for a person: nothing of it is thrown away, and its schedule goes on with the next slot.
    pub(super) fn suspend(
        &self,
        backup: &Started,
        actor: &Actor,
        (cause, reason): (Cause, String),
        got_further: bool,
    ) -> Result<Made, ServiceError> {
        let id = backup.id;
        self.store.write(|tx| {
            let row = find(tx, id)?;
            let most = (cause == Cause::Lost).then(|| most(tx, &row)).transpose()?;
            let given_up = most.filter(|most| row.resumes >= *most);
            // Later tries, of a person or to finish it, come to nothing new.
            let is_first = given_up == Some(row.resumes);
            let reason = match given_up {
                Some(most) => format!(
                    "{reason}; it was gone on with {most} times in a row, got no further, and waits for a person: `deskvault \
                     backup --resume {id}` goes on with it"
                ),
                None => reason,
            };
            let was_stopped = cause == Cause::Stopped && backup.schedule.is_none() && is_person(actor);
            let by_person = given_up.is_some() || was_stopped;
            // That it waits from now on is told even where its trouble was told before.
            let tell = is_first || cause.needs_a_person() && !row.told;
            tx.suspend_backup(
                id,
                &Suspension {
                    at: self.now(),
                    reason: reason.clone(),
                    by_person,
                    lost: cause == Cause::Lost,
                    told: row.told || tell,
                },
            )?;
            if let (true, Some((schedule, slot))) = (is_first, row.schedule) {
                tx.ran(schedule, slot)?;
            }
            // That it is still the same is nothing new: a try each hour would fill the history.
            if backup.troubled.as_deref() != Some(&reason) {
                self.enter_late(tx, backup, actor)?;
                let what = Happening::Suspended {
                    backup: id,
                    reason: reason.clone(),
                };
                self.enter(tx, Some(&backup.desk), actor, what)?;
            }
            if tell {
                let mut notice = self.notice(Topic::Suspended, &backup.desk, vec![reason.clone()], false);
                notice.backup = Some(id);
                notice.state = Some(state_name(BackupState::Suspended).to_owned());
                self.queue(tx, &notice)?;
            }
            Ok(Made::Suspended(Suspended {
                id,
                desk: backup.desk.clone(),
                cause,
                reason,
                rows: tx.reached(id)?.rows,
                got_further,
                by_person,
            }))
        })
    }

    /// Enters that a backup was gone on with, where that was left out because it might have come to the same as before.
    pub(super) fn enter_late(&self, tx: &Tx<'_>, backup: &Started, actor: &Actor) -> Result<(), ServiceError> {
        if backup.troubled.is_none() {
            return Ok(());
        }
        let what = Happening::Resumed { backup: backup.id };
        self.enter(tx, Some(&backup.desk), actor, what)
    }

    /// A person has no use any more for what there is of a backup.
    pub(super) fn give_up(&self, tx: &Tx<'_>, backup: &Backup, actor: &Actor) -> Result<(), ServiceError> {
        let end = BackupEnd {
            state: BackupState::Stopped,
            ended: self.now(),
            reason: Some("it was given up".to_owned()),
            until: None,
            archive: None,
        };
        tx.end_backup(backup.id, &end)?;
        let what = Happening::Stopped { backup: backup.id };
        self.enter(tx, Some(&backup.desk), actor, what)
    }
}

/// How often in a row a backup is gone on with that gets no further.
fn most(tx: &Tx<'_>, backup: &Backup) -> Result<u64, StoreError> {
    let kept = tx.checkpoints(backup.id)?;
    let has_ended = |module| kept.iter().any(|kept| &kept.module == module && kept.ended.is_some());
    let most = if backup.modules.iter().all(has_ended) {
        MOST_TO_JOIN
    } else {
        MOST
    };
    Ok(most)
}

/// Whether a backup waits for a person because it was lost again and again, and not because they stopped it.
fn was_given_up(backup: &Backup) -> bool {
    backup.by_person && backup.resumes > 0
}

/// Whether somebody sits before it.
fn is_person(actor: &Actor) -> bool {
    matches!(actor, Actor::Machine { .. } | Actor::Person { .. })
}

impl Suspended {
    /// Whether it was told to stop.
    pub fn was_stopped(&self) -> bool {
        self.cause == Cause::Stopped
    }
}
