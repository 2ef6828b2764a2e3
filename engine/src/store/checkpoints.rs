//! Checkpoints: how far each module of a backup is that has not ended.

use plugin_api::Timestamp;
use rusqlite::params;

use crate::archive::Digest;
use crate::backup::Checkpoint;

use super::fields::{Fields, amount, flag, json, key, moment};
use super::{BackupId, Reached, StoreError, Tx, View, backups::changed};

/// The longest record of a checkpoint, in bytes of its JSON: 64 MiB. A longer one is neither kept nor read.
pub const LONGEST_RECORD: usize = 64 << 20;

/// Digits of the digest before a record.
const DIGITS: usize = 64;

impl View<'_> {
    /// The checkpoints of a backup, by the names of their modules. One that cannot be understood is left out, and logged: its
    /// module starts over.
    pub fn checkpoints(&self, backup: BackupId) -> Result<Vec<Checkpoint>, StoreError> {
        let found = self.rows(
            "checkpoint",
            "SELECT number, module, record FROM checkpoints WHERE backup = $1 AND LENGTH(record) <= $2 ORDER BY module",
            params![key(backup), amount("record", (DIGITS + LONGEST_RECORD) as u64)?],
            |row| Ok(read(row)),
        )?;
        let readable = found.into_iter().filter_map(|read| {
            read.inspect_err(|error| tracing::warn!(backup, %error, "a checkpoint is left out: its module starts over"))
                .ok()
        });
        Ok(readable.collect())
    }

    /// The checkpoint of one module; none as well where it cannot be understood.
    fn checkpoint(&self, backup: BackupId, module: &str) -> Result<Option<Checkpoint>, StoreError> {
        let found = self.row(
            "checkpoint",
            "SELECT number, module, record FROM checkpoints WHERE backup = $1 AND module = $2 AND LENGTH(record) <= $3",
            params![key(backup), module, amount("record", (DIGITS + LONGEST_RECORD) as u64)?],
            |row| Ok(read(row).ok()),
        )?;
        Ok(found.flatten())
    }

    /// How far a backup is by its checkpoints.
    pub fn reached(&self, backup: BackupId) -> Result<Reached, StoreError> {
        let reached = self.row(
            "checkpoint",
            "SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) AS records, MAX(kept) AS kept FROM checkpoints
             WHERE backup = $1",
            [key(backup)],
            |row| {
                Ok(Reached {
                    rows: row.number("records")?,
                    at: row.optional_time("kept")?,
                })
            },
        )?;
        Ok(reached.unwrap_or_default())
    }
}

impl Tx<'_> {
    /// Keeps a checkpoint of a backup that runs, in place of its module's last one. Gives whether that got it further.
    /// [`StoreError::Conflict`] where the backup does not run, [`StoreError::Unwritable`] where the record is longer than
    /// [`LONGEST_RECORD`].
    pub fn keep_checkpoint(
        &self,
        backup: BackupId,
        checkpoint: &Checkpoint,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // Where it has got further, what went wrong before it counts no more. An exporter that tells the same place again and
        // again has not.
        let before = self.checkpoint(backup, &checkpoint.module)?;
        let stands_still = before.is_some_and(|before| is_as_far(&before, checkpoint));
        let runs = self.run(
            "UPDATE backups
             SET resumes = CASE WHEN $1 = 1 THEN resumes ELSE 0 END, told = CASE WHEN $1 = 1 THEN told ELSE 0 END
             WHERE id = $2 AND state = 'running'",
            params![flag(stands_still), key(backup)],
        )?;
        changed(runs, || format!("backup {backup} is not running"))?;
        let record = json("record", checkpoint)?;
        if record.len() > LONGEST_RECORD {
            return Err(StoreError::Unwritable {
                field: "record".into(),
                why: format!(
                    "the checkpoint of {} has {} bytes, more than {LONGEST_RECORD}",
                    checkpoint.module,
                    record.len()
                ),
            });
        }
        let record = sealed(&record);
        self.run(
            "INSERT INTO checkpoints (backup, module, number, record, records, kept) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (backup, module) DO UPDATE
             SET number = excluded.number, record = excluded.record, records = excluded.records, kept = excluded.kept",
            params![
                key(backup),
                checkpoint.module,
                amount("number", checkpoint.number)?,
                record,
                amount("records", rows(checkpoint))?,
                moment("kept", now)?,
            ],
        )?;
        Ok(!stands_still)
    }

    /// Forgets the checkpoints of a backup: it has ended, or starts over.
    pub fn forget_checkpoints(&self, backup: BackupId) -> Result<(), StoreError> {
        self.run("DELETE FROM checkpoints WHERE backup = $1", [key(backup)])?;
        Ok(())
    }
}

/// The checkpoint in a row.
fn read(row: &Fields<'_>) -> Result<Checkpoint, StoreError> {
    let checkpoint = unsealed(&row.text("record")?).map_err(|why| row.wrong("record", why))?;
    let is_its = checkpoint.module == row.text("module")?;
    is_its
        .then_some(checkpoint)
        .ok_or_else(|| row.wrong("record", "is another module's"))
}

/// A record behind the digest of its JSON, in hexadecimal digits. A database has no checksums of its own, and a cursor with one
/// wrong digit would lose records in silence.
fn sealed(json: &str) -> String {
    format!("{}{json}", Digest::of(json))
}

/// The checkpoint of such a record; the error says in words why it is none.
fn unsealed(record: &str) -> Result<Checkpoint, String> {
    let (digest, json) = record
        .split_at_checked(DIGITS)
        .ok_or_else(|| "is too short".to_owned())?;
    if Digest::parse(digest) != Some(Digest::of(json)) {
        return Err("is not what was kept".to_owned());
    }
    serde_json::from_str(json).map_err(|error| format!("cannot be read ({error})"))
}

/// Whether a checkpoint tells of no more than the one before it.
fn is_as_far(before: &Checkpoint, now: &Checkpoint) -> bool {
    (&before.cursor, &before.ended, rows(before)) == (&now.cursor, &now.ended, rows(now))
}

/// The rows that a checkpoint covers. More than any desk has are not believed, so that they can be summed up.
fn rows(checkpoint: &Checkpoint) -> u64 {
    let tables = checkpoint.tables.iter().map(|table| {
        let finished = table.parts.iter().map(|part| part.rows);
        let open = table.open.as_ref().map(|part| part.rows);
        finished.chain(open).fold(0, u64::saturating_add)
    });
    tables.fold(0, u64::saturating_add).min(1 << 50)
}
