//! Backups and their archives.

use plugin_api::{Kind, Range, Timestamp};
use rusqlite::params;

use super::fields::{Fields, amount, flag, json, key, moment, moment_of, word};
use super::{
    ArchiveFacts, Backup, BackupEnd, BackupId, BackupState, NewBackup, Removal, ScheduleId, StoreError, Suspension, Tx,
    View,
};

impl View<'_> {
    /// A backup by its number.
    pub fn backup(&self, id: BackupId) -> Result<Option<Backup>, StoreError> {
        self.row("backup", "SELECT * FROM backups WHERE id = $1", [key(id)], backup)
    }

    /// Backups of a desk, or of all; the newest first. Without `all`: those that run or are suspended, and those whose archive
    /// is there.
    pub fn backups(&self, desk: Option<&str>, all: bool) -> Result<Vec<Backup>, StoreError> {
        self.rows(
            "backup",
            "SELECT * FROM backups
             WHERE (CAST($1 AS TEXT) IS NULL OR desk = $1)
               AND (CAST($2 AS BIGINT) = 1 OR ended IS NULL OR (archive_file IS NOT NULL AND removed IS NULL))
             ORDER BY id DESC",
            params![desk, i64::from(all)],
            backup,
        )
    }

    /// Backups of a desk that run, or whose process ended without a word.
    pub fn running(&self, desk: &str) -> Result<Vec<Backup>, StoreError> {
        self.rows(
            "backup",
            "SELECT * FROM backups WHERE desk = $1 AND state = 'running' ORDER BY id",
            [desk],
            backup,
        )
    }

    /// Backups that are suspended, of a desk or of all; the oldest first.
    pub fn suspended(&self, desk: Option<&str>) -> Result<Vec<Backup>, StoreError> {
        self.rows(
            "backup",
            "SELECT * FROM backups WHERE (CAST($1 AS TEXT) IS NULL OR desk = $1) AND state = 'suspended' ORDER BY id",
            [desk],
            backup,
        )
    }

    /// The spool folders of backups that run or are suspended: each the folder for the archive, where that is not the data
    /// directory, and its own name.
    pub fn spools(&self) -> Result<Vec<(Option<String>, String)>, StoreError> {
        self.rows(
            "backup",
            "SELECT id, folder, spool FROM backups WHERE spool IS NOT NULL ORDER BY id",
            [],
            |row| Ok((row.optional_text("folder")?, row.text("spool")?)),
        )
    }

    /// When the last full backup of a desk was started, of those that run, are suspended or made an archive, be it there or
    /// not.
    pub fn last_full(&self, desk: &str) -> Result<Option<Timestamp>, StoreError> {
        self.row(
            "backup",
            "SELECT id, started FROM backups
             WHERE desk = $1 AND kind = 'full' AND (ended IS NULL OR archive_file IS NOT NULL)
             ORDER BY started DESC LIMIT 1",
            [desk],
            |row| row.time("started"),
        )
    }

    /// Up to where the last complete backup of a schedule has read that had all of these modules: the next one begins there.
    /// One with fewer says nothing of what it did not ask for.
    pub fn last_until(&self, schedule: ScheduleId, modules: &[String]) -> Result<Option<Timestamp>, StoreError> {
        let mut until = None;
        self.each(
            "backup",
            "SELECT id, modules, until FROM backups
             WHERE schedule_id = $1 AND state = 'complete' AND until IS NOT NULL
             ORDER BY id DESC",
            [key(schedule)],
            |row| {
                let had: Vec<String> = row.json("modules")?;
                if modules.iter().all(|module| had.contains(module)) {
                    until = row.optional_time("until")?;
                }
                Ok(until.is_none())
            },
        )?;
        Ok(until)
    }

    /// Bytes of the last archive of a kind, be it there or not.
    pub fn last_size(&self, desk: &str, kind: Kind) -> Result<Option<u64>, StoreError> {
        self.row(
            "backup",
            "SELECT id, archive_bytes FROM backups
             WHERE desk = $1 AND kind = $2 AND archive_file IS NOT NULL
             ORDER BY id DESC LIMIT 1",
            params![desk, word("kind", &kind)?],
            |row| row.number("archive_bytes"),
        )
    }

    /// Backups whose archive is there and has expired by `now`, the longest expired first.
    pub fn expired(&self, now: Timestamp) -> Result<Vec<Backup>, StoreError> {
        self.rows(
            "backup",
            "SELECT * FROM backups
             WHERE archive_expires <= $1 AND archive_file IS NOT NULL AND removed IS NULL
             ORDER BY archive_expires, id",
            [moment("now", now)?],
            backup,
        )
    }

    /// When the next archive that is there expires.
    pub fn next_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = self.row(
            "archive",
            "SELECT min(archive_expires) AS expires FROM backups
             WHERE archive_file IS NOT NULL AND removed IS NULL",
            [],
            |row| row.optional_time("expires"),
        )?;
        Ok(next.flatten())
    }
}

impl Tx<'_> {
    /// A backup starts.
    pub fn add_backup(&self, new: &NewBackup) -> Result<BackupId, StoreError> {
        let id = self.next_number("backup")?;
        self.run(
            "INSERT INTO backups
                (id, desk, modules, kind, range_from, range_to, folder, started, schedule_id, slot, state, until,
                 allow_partial, by_person, resumes, told)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'running', $11, $12, 0, 0, 0)",
            params![
                key(id),
                new.desk,
                json("modules", &new.modules)?,
                word("kind", &new.kind)?,
                moment_of("range", new.range.map(|range| range.from))?,
                moment_of("range", new.range.map(|range| range.to))?,
                new.folder,
                moment("started", new.started)?,
                new.schedule.map(|(schedule, _)| key(schedule)),
                moment_of("slot", new.schedule.map(|(_, slot)| slot))?,
                moment_of("until", new.until)?,
                flag(new.allow_partial),
            ],
        )?;
        Ok(id)
    }

    /// A backup that runs is suspended. [`StoreError::Conflict`] where it does not run.
    pub fn suspend_backup(&self, id: BackupId, suspension: &Suspension) -> Result<(), StoreError> {
        let suspended = self.run(
            "UPDATE backups
             SET state = 'suspended', suspended = $1, reason = $2, by_person = $3,
                 resumes = CASE WHEN $4 = 1 THEN resumes ELSE 0 END, told = $5
             WHERE id = $6 AND state = 'running'",
            params![
                moment("suspended", suspension.at)?,
                suspension.reason,
                flag(suspension.by_person),
                flag(suspension.lost),
                flag(suspension.told),
                key(id),
            ],
        )?;
        changed(suspended, || format!("backup {id} is not running"))
    }

    /// A backup that runs has a spool folder of this name; it has nothing in it, so that checkpoints of another one are
    /// forgotten. [`StoreError::Conflict`] where it does not run.
    pub fn set_spool(&self, id: BackupId, spool: &str) -> Result<(), StoreError> {
        let set = self.run(
            "UPDATE backups SET spool = $1 WHERE id = $2 AND state = 'running'",
            params![spool, key(id)],
        )?;
        changed(set, || format!("backup {id} is not running"))?;
        self.forget_checkpoints(id)
    }

    /// A backup that is suspended runs again. [`StoreError::Conflict`] where it is not suspended.
    pub fn resume_backup(&self, id: BackupId) -> Result<(), StoreError> {
        let resumed = self.run(
            "UPDATE backups
             SET state = 'running', suspended = NULL, reason = NULL, by_person = 0, resumes = resumes + 1
             WHERE id = $1 AND state = 'suspended'",
            [key(id)],
        )?;
        changed(resumed, || format!("backup {id} is not suspended"))
    }

    /// A backup that runs or is suspended has ended; its checkpoints are forgotten. [`StoreError::Conflict`] where it does
    /// neither: a backup ends once.
    pub fn end_backup(&self, id: BackupId, end: &BackupEnd) -> Result<(), StoreError> {
        let has_archive = matches!(
            end.state,
            BackupState::Complete | BackupState::Incomplete | BackupState::LimitReached
        );
        let has_ended = !matches!(end.state, BackupState::Running | BackupState::Suspended);
        if !has_ended || has_archive != end.archive.is_some() {
            return Err(StoreError::Conflict(format!(
                "backup {id} cannot end as {:?} {} an archive",
                end.state,
                if end.archive.is_some() { "with" } else { "without" }
            )));
        }
        let archive = end.archive.as_ref();
        let ended = self.run(
            "UPDATE backups
             SET state = $1, ended = $2, reason = $3, until = COALESCE($4, until), archive_file = $5,
                 archive_bytes = $6, archive_sha256 = $7, archive_records = $8, archive_expires = $9,
                 spool = NULL, suspended = NULL
             WHERE id = $10 AND ended IS NULL",
            params![
                word("state", &end.state)?,
                moment("ended", end.ended)?,
                end.reason,
                moment_of("until", end.until)?,
                archive.map(|archive| &archive.file),
                archive.map(|archive| amount("bytes", archive.bytes)).transpose()?,
                archive.map(|archive| &archive.sha256),
                archive.map(|archive| amount("records", archive.records)).transpose()?,
                moment_of("expires", archive.and_then(|archive| archive.expires))?,
                key(id),
            ],
        )?;
        self.forget_checkpoints(id)?;
        changed(ended, || format!("backup {id} is not running"))
    }

    /// The archive of a backup is gone. [`StoreError::Conflict`] where there was none, or it was gone before.
    pub fn remove_archive(&self, id: BackupId, at: Timestamp, removal: Removal) -> Result<(), StoreError> {
        let removed = self.run(
            "UPDATE backups SET removed = $1, removal = $2
             WHERE id = $3 AND archive_file IS NOT NULL AND removed IS NULL",
            params![moment("removed", at)?, word("removal", &removal)?, key(id)],
        )?;
        changed(removed, || format!("backup {id} has no archive"))
    }
}

/// An error where nothing was changed.
pub(super) fn changed(rows: usize, otherwise: impl FnOnce() -> String) -> Result<(), StoreError> {
    if rows == 0 {
        return Err(StoreError::Conflict(otherwise()));
    }
    Ok(())
}

fn backup(row: &Fields<'_>) -> Result<Backup, StoreError> {
    let range = row.both(
        "range_from",
        row.optional_time("range_from")?,
        row.optional_time("range_to")?,
    )?;
    let schedule = row.both(
        "schedule_id",
        row.optional_number("schedule_id")?,
        row.optional_time("slot")?,
    )?;
    let removed = row.both("removed", row.optional_time("removed")?, row.optional_word("removal")?)?;
    Ok(Backup {
        id: row.number("id")?,
        desk: row.text("desk")?,
        modules: row.json("modules")?,
        kind: row.word("kind")?,
        range: range.map(|(from, to)| Range { from, to }),
        started: row.time("started")?,
        schedule,
        folder: row.optional_text("folder")?,
        allow_partial: row.flag("allow_partial")?,
        state: row.word("state")?,
        spool: row.optional_text("spool")?,
        suspended: row.optional_time("suspended")?,
        by_person: row.flag("by_person")?,
        resumes: row.number("resumes")?,
        told: row.flag("told")?,
        ended: row.optional_time("ended")?,
        reason: row.optional_text("reason")?,
        until: row.optional_time("until")?,
        archive: archive(row)?,
        removed,
    })
}

fn archive(row: &Fields<'_>) -> Result<Option<ArchiveFacts>, StoreError> {
    let Some(file) = row.optional_text("archive_file")? else {
        return Ok(None);
    };
    Ok(Some(ArchiveFacts {
        file,
        bytes: row.number("archive_bytes")?,
        sha256: row.text("archive_sha256")?,
        records: row.number("archive_records")?,
        expires: row.optional_time("archive_expires")?,
    }))
}
