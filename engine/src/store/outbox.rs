//! Notifications that wait to be sent. Whoever sends one claims it first, for a time: a claim that its owner did not come
//! back from ends by itself, so that each is sent at least once.

use plugin_api::Timestamp;
use rusqlite::params;

use super::backups::changed;
use super::fields::{key, moment};
use super::{StoreError, Tx, View, Waiting};

impl View<'_> {
    /// When the next notification is due; in the past: one is due now. A claimed one is due when its claim ends.
    pub fn next_notice(&self) -> Result<Option<Timestamp>, StoreError> {
        let due = self.row(
            "notice",
            "SELECT min(due) AS due FROM outbox WHERE due IS NOT NULL",
            [],
            |row| row.optional_time("due"),
        )?;
        Ok(due.flatten())
    }
}

impl Tx<'_> {
    /// Puts a notification into the outbox, due at once. `channel` and `body` are for whoever sends it.
    pub fn add_notice(&self, channel: &str, body: &str, at: Timestamp) -> Result<u64, StoreError> {
        let id = self.next_number("notice")?;
        let made = moment("made", at)?;
        self.run(
            "INSERT INTO outbox (id, channel, body, made, tries, due) VALUES ($1, $2, $3, $4, 0, $4)",
            params![key(id), channel, body, made],
        )?;
        Ok(id)
    }

    /// Claims up to `most` notifications that are due by `now`, the longest due first. Nobody else gets them before
    /// `until`, by when [`notice_sent`](Self::notice_sent) or [`notice_failed`](Self::notice_failed) should have been told.
    pub fn claim_notices(&self, now: Timestamp, until: Timestamp, most: u32) -> Result<Vec<Waiting>, StoreError> {
        let claimed = self.rows(
            "notice",
            "SELECT * FROM outbox WHERE due <= $1 ORDER BY due, id LIMIT $2",
            params![moment("now", now)?, most],
            |row| {
                Ok(Waiting {
                    id: row.number("id")?,
                    channel: row.text("channel")?,
                    body: row.text("body")?,
                    tries: u32::try_from(row.number("tries")?).map_err(|_| row.wrong("tries", "is too large"))?,
                    made: row.time("made")?,
                })
            },
        )?;
        // Counted now: a try that ends in a crash was one as well.
        for notice in &claimed {
            self.run(
                "UPDATE outbox SET due = $1, tries = tries + 1 WHERE id = $2",
                params![moment("until", until)?, key(notice.id)],
            )?;
        }
        Ok(claimed)
    }

    /// A notification was sent.
    pub fn notice_sent(&self, id: u64, at: Timestamp) -> Result<(), StoreError> {
        let sent = self.run(
            "UPDATE outbox SET sent = $1, due = NULL, error = NULL WHERE id = $2 AND sent IS NULL",
            params![moment("sent", at)?, key(id)],
        )?;
        changed(sent, || format!("there is no notification {id} to be sent"))
    }

    /// A notification could not be sent: it is tried again then, or given up.
    pub fn notice_failed(&self, id: u64, next_try: Option<Timestamp>, error: &str) -> Result<(), StoreError> {
        let due = next_try.map(|at| moment("due", at)).transpose()?;
        let failed = self.run(
            "UPDATE outbox SET due = $1, error = $2 WHERE id = $3 AND sent IS NULL",
            params![due, error, key(id)],
        )?;
        changed(failed, || format!("there is no notification {id} to be sent"))
    }
}
