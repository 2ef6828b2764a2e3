//! How a backup ends: its row, its entries in the history, what its schedule remembers of it, and the notification, in one
//! transaction.

use std::path::Path;

use plugin_api::Timestamp;

use crate::archive::State;
use crate::history::Happening;
use crate::notify::Topic;
use crate::people::Actor;
use crate::progress::Summary;
use crate::quota::{self, Refusal};
use crate::store::{ArchiveFacts, BackupEnd, BackupId, BackupState, ScheduleId, Tx};

use super::Service;
use super::backups::Started;
use super::error::ServiceError;
use super::runner::RunError;

/// An end to be entered.
pub(super) struct Ending {
    pub(super) end: BackupEnd,
    /// For the history, in order.
    pub(super) happened: Vec<Happening>,
    /// What is notified of, if anything.
    pub(super) topic: Option<Topic>,
    /// Lines for people, besides.
    pub(super) details: Vec<String>,
    /// Whether the slot of the schedule is done with by it. One that was interrupted is made up.
    pub(super) slot_is_over: bool,
    /// Whether the support contact is told, too.
    pub(super) tell_support: bool,
}

/// An archive that is there, as far as an end tells of it.
pub(super) struct There<'a> {
    pub(super) file: String,
    pub(super) state: State,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) records: u64,
    pub(super) reasons: &'a [String],
    pub(super) stopped: &'a [(String, u64)],
    pub(super) until: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    pub(super) ended: Timestamp,
}

impl There<'_> {
    /// The end of the backup that made it.
    pub(super) fn ending(self, id: BackupId) -> Ending {
        let (records, bytes) = (self.records, self.bytes);
        let mut happened = vec![Happening::DataReady {
            backup: id,
            records,
            bytes,
            sha256: self.sha256.clone(),
        }];
        let (state, topic) = match self.state {
            State::Complete => (BackupState::Complete, Topic::Ready),
            State::Incomplete => (BackupState::Incomplete, Topic::Ready),
            State::LimitReached => (BackupState::LimitReached, Topic::LimitReached),
        };
        match state {
            BackupState::Incomplete => happened.push(Happening::Incomplete {
                backup: id,
                reasons: self.reasons.len() as u64,
                first: self.reasons.first().cloned().unwrap_or_default(),
            }),
            BackupState::LimitReached => happened.push(Happening::LimitReached {
                backup: id,
                records,
                stopped: self.stopped.to_vec(),
            }),
            _ => {}
        }
        Ending {
            end: BackupEnd {
                state,
                ended: self.ended,
                reason: in_short(self.reasons),
                until: self.until,
                archive: Some(ArchiveFacts {
                    file: self.file,
                    bytes,
                    sha256: self.sha256,
                    records,
                    expires: self.expires,
                }),
            },
            happened,
            topic: Some(topic),
            details: self.reasons.to_vec(),
            slot_is_over: true,
            tell_support: topic == Topic::LimitReached,
        }
    }
}

impl Ending {
    /// It failed.
    pub(super) fn failed(id: BackupId, now: Timestamp, error: &RunError) -> Self {
        let reason = error.to_string();
        Self {
            end: BackupEnd {
                state: BackupState::Failed,
                ended: now,
                reason: Some(reason.clone()),
                until: None,
                archive: None,
            },
            happened: vec![Happening::Failed {
                backup: id,
                reason: reason.clone(),
            }],
            topic: Some(Topic::Failed),
            details: vec![reason],
            slot_is_over: true,
            tell_support: false,
        }
    }
}

impl Service {
    /// Enters an archive that was just published. `ours`: it lies in the data directory, and expires.
    pub(super) fn end_with_archive(
        &self,
        backup: &Started,
        actor: &Actor,
        summary: &Summary,
        ours: bool,
    ) -> Result<(BackupState, Option<Timestamp>), ServiceError> {
        let ended = self.now();
        let expires = ours.then(|| quota::expires(ended, self.config.expire_after));
        let there = There {
            file: self.file(&summary.archive)?,
            state: summary.state(),
            bytes: summary.archive_bytes,
            sha256: summary.sha256.clone(),
            records: summary.rows(),
            reasons: &summary.reasons,
            stopped: &summary.limit_reached,
            // A later end, of which its process may tell, would let the next one begin behind what was read.
            until: Some(backup.until.map_or(summary.until, |until| until.min(summary.until))),
            expires,
            ended,
        };
        let ending = there.ending(backup.id);
        let state = ending.end.state;
        self.close_run(backup, actor, &ending)?;
        Ok((state, expires))
    }

    /// Enters that a backup ended without an archive.
    pub(super) fn end_without(&self, backup: &Started, actor: &Actor, error: &RunError) -> Result<(), ServiceError> {
        let mut ending = Ending::failed(backup.id, self.now(), error);
        if let RunError::Refused { refusal } = error {
            ending.end.state = BackupState::Refused;
            ending.happened = vec![refusal_of(refusal)];
        }
        ending.tell_support = is_limit_of_records(error);
        self.close_run(backup, actor, &ending)
    }

    /// Enters the end of a backup that was run.
    fn close_run(&self, backup: &Started, actor: &Actor, ending: &Ending) -> Result<(), ServiceError> {
        self.store.write(|tx| {
            self.enter_late(tx, backup, actor)?;
            self.close_in(tx, &backup.desk, backup.id, backup.schedule, actor, ending)
        })
    }

    /// Enters that a rule refused a backup before it had a row. A schedule's slot is over by it, and people are told: nobody
    /// sits before it.
    pub(super) fn refused(
        &self,
        tx: &Tx<'_>,
        desk: &str,
        actor: &Actor,
        schedule: Option<(ScheduleId, Timestamp)>,
        refusal: &Refusal,
    ) -> Result<(), ServiceError> {
        self.enter(tx, Some(desk), actor, refusal_of(refusal))?;
        if let Some((schedule, slot)) = schedule {
            tx.ran(schedule, slot)?;
            let notice = self.notice(Topic::Failed, desk, vec![refusal.to_string()], false);
            self.queue(tx, &notice)?;
        }
        Ok(())
    }

    /// Enters an end.
    pub(super) fn close(
        &self,
        desk: &str,
        id: BackupId,
        schedule: Option<(ScheduleId, Timestamp)>,
        actor: &Actor,
        ending: &Ending,
    ) -> Result<(), ServiceError> {
        self.store
            .write(|tx| self.close_in(tx, desk, id, schedule, actor, ending))
    }

    /// [`Service::close`], in a transaction that is there already.
    fn close_in(
        &self,
        tx: &Tx<'_>,
        desk: &str,
        id: BackupId,
        schedule: Option<(ScheduleId, Timestamp)>,
        actor: &Actor,
        ending: &Ending,
    ) -> Result<(), ServiceError> {
        tx.end_backup(id, &ending.end)?;
        for what in &ending.happened {
            self.enter(tx, Some(desk), actor, what.clone())?;
        }
        if let (Some((schedule, slot)), true) = (schedule, ending.slot_is_over) {
            tx.ran(schedule, slot)?;
        }
        if let Some(topic) = ending.topic {
            let mut notice = self.notice(topic, desk, ending.details.clone(), ending.tell_support);
            notice.backup = Some(id);
            notice.state = Some(state_name(ending.end.state).to_owned());
            if let Some(archive) = &ending.end.archive {
                notice.records = Some(archive.records);
                notice.bytes = Some(archive.bytes);
                notice.expires = archive.expires;
            }
            self.queue(tx, &notice)?;
        }
        Ok(())
    }

    /// An archive as its row names it: by its name in the data directory, or by its path elsewhere.
    pub(super) fn file(&self, archive: &Path) -> Result<String, ServiceError> {
        let named = if archive.parent() == Some(self.folder()) {
            archive.file_name().map_or(archive, Path::new)
        } else {
            archive
        };
        // The folder was looked at before the start, and the name is made of the desk's.
        let text = named
            .to_str()
            .ok_or_else(|| std::io::Error::other("its name is not UTF-8"));
        text.map(str::to_owned).map_err(ServiceError::io("enter", archive))
    }
}

/// A state as it is told to machines.
pub fn state_name(state: BackupState) -> &'static str {
    match state {
        BackupState::Running => "running",
        BackupState::Suspended => "suspended",
        BackupState::Complete => "complete",
        BackupState::Incomplete => "incomplete",
        BackupState::LimitReached => "limit_reached",
        BackupState::Failed => "failed",
        BackupState::Stopped => "stopped",
        BackupState::Refused => "refused",
    }
}

fn refusal_of(refusal: &Refusal) -> Happening {
    Happening::Refused {
        action: "start a backup".to_owned(),
        refusal: refusal.clone(),
    }
}

fn is_limit_of_records(error: &RunError) -> bool {
    let RunError::Refused { refusal } = error else {
        return false;
    };
    matches!(refusal, Refusal::Records { .. })
}

/// The first of many reasons, and how many more there are.
fn in_short(reasons: &[String]) -> Option<String> {
    let (first, more) = reasons.split_first()?;
    Some(match more.len() {
        0 => first.clone(),
        more => format!("{first} (and {more} more)"),
    })
}
