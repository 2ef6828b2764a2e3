//! The history's tables: entries are added, read and verified, never changed.

use std::ops::ControlFlow;

use plugin_api::Timestamp;
use rusqlite::params;

use super::dialect;
use super::fields::{Fields, amount, json, moment};
use super::{StoreError, Tx, View};
use crate::archive::Digest;
use crate::history::{Entry, Filter, Happening, Head, Link, NewEntry, Raw, Seal, SealFault, Verified, Verifier};

impl View<'_> {
    /// Hands on the entries that `filter` takes, in order, until `take` breaks off. Nothing is held in memory but one entry.
    /// What is handed on is not verified.
    pub fn history(&self, filter: &Filter, take: &mut dyn FnMut(Entry) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.each("history entry", "SELECT * FROM history ORDER BY number", [], |row| {
            let entry = entry(row)?;
            Ok(!filter.takes(&entry) || take(entry).is_continue())
        })
    }

    /// Reads the whole history again and says what is wrong with it. `noted` is a head that somebody wrote down before;
    /// `progress` is told how many entries were read, after each.
    pub fn verify_history(&self, noted: Option<Head>, progress: &mut dyn FnMut(u64)) -> Result<Verified, StoreError> {
        let mut verifier = Verifier::new(noted);
        let mut read = 0;
        self.each("history entry", "SELECT * FROM history ORDER BY number", [], |row| {
            // What cannot be read is a finding like others.
            match raw(row) {
                Ok(raw) => verifier.entry(&raw),
                Err(StoreError::Value { place, field, why, .. }) => {
                    verifier.unreadable(row.number("number").ok(), format!("{place}: `{field}` {why}"));
                }
                Err(error) => return Err(error),
            }
            read += 1;
            progress(read);
            Ok(true)
        })?;
        let seal = match self.seal() {
            Err(StoreError::Value { field, why, .. }) => Err(format!("`{field}` {why}")),
            seal => Ok(seal?),
        };
        Ok(verifier.finish(seal, &self.place.key))
    }

    /// Seals the history that has no entry yet. With the schema.
    pub(super) fn begin_history(&self) -> Result<(), StoreError> {
        self.put_seal(Head::EMPTY)
    }

    fn put_seal(&self, head: Head) -> Result<(), StoreError> {
        let seal = Seal::sign(head, &self.place.key);
        self.run(
            "INSERT INTO history_seal (id, entries, head, signature) VALUES (1, $1, $2, $3)
             ON CONFLICT (id) DO UPDATE
             SET entries = excluded.entries, head = excluded.head, signature = excluded.signature",
            params![
                amount("entries", head.entries)?,
                head.hash.to_string(),
                seal.signature.to_string()
            ],
        )?;
        Ok(())
    }

    fn seal(&self) -> Result<Option<Seal>, StoreError> {
        self.row(
            "seal of the history",
            "SELECT entries, head, signature FROM history_seal WHERE id = 1",
            [],
            seal,
        )
    }
}

impl Tx<'_> {
    /// Adds an entry. [`StoreError::Seal`] where the history was tampered with: it is not gone on with, because what comes
    /// after would hide that.
    pub fn append(&self, new: &NewEntry) -> Result<Entry, StoreError> {
        // The seal's row is written before it is relied upon: so nobody else goes on from the same entry, also where
        // several may write at the same time.
        let seal = self.row(
            "seal of the history",
            "UPDATE history_seal SET entries = entries WHERE id = 1 RETURNING entries, head, signature",
            [],
            seal,
        );
        let head = self.sound(seal)?.map_err(|fault| self.broken(fault))?;
        self.add(head, new)
    }

    /// Goes on with a history whose seal is not in order, with an entry that says so and stays. None, and nothing done, where
    /// it is in order.
    pub fn reseal(&self, at: Timestamp, user: &str, via: &str) -> Result<Option<Entry>, StoreError> {
        let seal = self.seal();
        let sealed = seal
            .as_ref()
            .ok()
            .and_then(Option::as_ref)
            .map(|seal| seal.head.to_string());
        let last = self.last()?;
        let fault = match self.sound(seal)? {
            Err(fault) => fault,
            Ok(head) if head.entries < last.entries => SealFault::Unsealed,
            Ok(_) => return Ok(None),
        };
        let what = Happening::Resealed {
            fault,
            before: last.to_string(),
            sealed,
        };
        let new = NewEntry {
            at,
            desk: None,
            user: user.to_owned(),
            via: via.to_owned(),
            what,
        };
        self.add(last, &new).map(Some)
    }

    /// The head of a seal that is in order.
    fn sound(&self, seal: Result<Option<Seal>, StoreError>) -> Result<Result<Head, SealFault>, StoreError> {
        Ok(match seal {
            Err(StoreError::Value { .. }) => Err(SealFault::Unreadable),
            Err(error) => return Err(error),
            Ok(None) => Err(SealFault::Missing),
            Ok(Some(seal)) if !seal.is_signed(&self.place.key) => Err(SealFault::Unfit),
            Ok(Some(seal)) => Ok(seal.head),
        })
    }

    /// The last entry that is there.
    fn last(&self) -> Result<Head, StoreError> {
        let last = self.row(
            "history entry",
            "SELECT number, hash FROM history WHERE number > 0 ORDER BY number DESC LIMIT 1",
            [],
            |row| {
                Ok(Head {
                    entries: row.number("number")?,
                    // One that cannot be read is a finding already; the chain begins anew behind it.
                    hash: digest(row, "hash").unwrap_or(Head::EMPTY.hash),
                })
            },
        )?;
        Ok(last.unwrap_or(Head::EMPTY))
    }

    /// Adds an entry behind `last`, and seals it.
    fn add(&self, last: Head, new: &NewEntry) -> Result<Entry, StoreError> {
        let what = json("what", &new.what)?;
        let link = Link {
            number: last.entries + 1,
            at: moment("at", new.at)?,
            desk: new.desk.as_deref(),
            user: &new.user,
            via: &new.via,
            what: &what,
        };
        let head = Head {
            entries: link.number,
            hash: link.hash(last.hash),
        };
        let added = self.run(
            "INSERT INTO history (number, happened, desk, person, via, what, previous, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                amount("number", link.number)?,
                link.at,
                link.desk,
                link.user,
                link.via,
                link.what,
                last.hash.to_string(),
                head.hash.to_string()
            ],
        );
        match added {
            Err(StoreError::Sql { source, .. }) if dialect::is_conflict(&source) => {
                return Err(self.broken(SealFault::Unsealed));
            }
            added => added?,
        };
        self.put_seal(head)?;
        Ok(Entry {
            number: link.number,
            at: new.at,
            desk: new.desk.clone(),
            user: new.user.clone(),
            via: new.via.clone(),
            what: new.what.clone(),
            previous: last.hash.to_string(),
            hash: head.hash.to_string(),
        })
    }

    fn broken(&self, fault: SealFault) -> StoreError {
        StoreError::Seal {
            file: self.place.file.clone(),
            fault,
        }
    }
}

fn entry(row: &Fields<'_>) -> Result<Entry, StoreError> {
    Ok(Entry {
        number: row.number("number")?,
        at: row.time("happened")?,
        desk: row.optional_text("desk")?,
        user: row.text("person")?,
        via: row.text("via")?,
        what: row.json("what")?,
        previous: digest(row, "previous")?.to_string(),
        hash: digest(row, "hash")?.to_string(),
    })
}

/// An entry as it stands there, not as it is understood: what a hash was made of does not depend on how this version reads it.
fn raw(row: &Fields<'_>) -> Result<Raw, StoreError> {
    Ok(Raw {
        number: row.number("number")?,
        at: row.time("happened")?.micros(),
        desk: row.optional_text("desk")?,
        user: row.text("person")?,
        via: row.text("via")?,
        what: row.text("what")?,
        previous: digest(row, "previous")?,
        hash: digest(row, "hash")?,
    })
}

fn seal(row: &Fields<'_>) -> Result<Seal, StoreError> {
    Ok(Seal {
        head: Head {
            entries: row.number("entries")?,
            hash: digest(row, "head")?,
        },
        signature: digest(row, "signature")?,
    })
}

fn digest(row: &Fields<'_>, field: &str) -> Result<Digest, StoreError> {
    Digest::parse(&row.text(field)?).ok_or_else(|| row.wrong(field, "is no SHA-256"))
}
