//! The history's tables: entries are added, read and verified, never changed.

use std::ops::ControlFlow;

use rusqlite::params;

use super::dialect;
use super::fields::{Fields, amount, json, moment};
use super::{StoreError, Tx, View};
use crate::archive::Digest;
use crate::history::{Entry, Filter, Head, Link, NewEntry, Raw, Seal, Verified, Verifier};

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
        let seal = Seal::sign(Head::EMPTY, &self.place.key);
        self.run(
            "INSERT INTO history_seal (id, entries, head, signature) VALUES (1, $1, $2, $3)",
            params![
                amount("entries", seal.head.entries)?,
                seal.head.hash.to_string(),
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
        let broken = |why: String| StoreError::Seal {
            file: self.place.file.clone(),
            why,
        };
        // The seal's row is written before it is relied upon: so nobody else goes on from the same entry, also where
        // several may write at the same time.
        let seal = self.row(
            "seal of the history",
            "UPDATE history_seal SET entries = entries WHERE id = 1 RETURNING entries, head, signature",
            [],
            seal,
        );
        let seal = match seal {
            Err(StoreError::Value { field, why, .. }) => return Err(broken(format!("`{field}` of its seal {why}"))),
            seal => seal?.ok_or_else(|| broken("its seal is missing".into()))?,
        };
        if !seal.is_signed(&self.place.key) {
            return Err(broken("its seal does not fit the key".into()));
        }
        let what = json("what", &new.what)?;
        let link = Link {
            number: seal.head.entries + 1,
            at: moment("at", new.at)?,
            desk: new.desk.as_deref(),
            user: &new.user,
            via: &new.via,
            what: &what,
        };
        let previous = seal.head.hash;
        let head = Head {
            entries: link.number,
            hash: link.hash(previous),
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
                previous.to_string(),
                head.hash.to_string()
            ],
        );
        match added {
            Err(StoreError::Sql { source, .. }) if dialect::is_conflict(&source) => {
                return Err(broken(format!("entry {} is there, and is not sealed", link.number)));
            }
            added => added?,
        };
        let seal = Seal::sign(head, &self.place.key);
        self.run(
            "UPDATE history_seal SET entries = $1, head = $2, signature = $3 WHERE id = 1",
            params![
                amount("entries", seal.head.entries)?,
                seal.head.hash.to_string(),
                seal.signature.to_string()
            ],
        )?;
        Ok(Entry {
            number: link.number,
            at: new.at,
            desk: new.desk.clone(),
            user: new.user.clone(),
            via: new.via.clone(),
            what: new.what.clone(),
            previous: previous.to_string(),
            hash: head.hash.to_string(),
        })
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
