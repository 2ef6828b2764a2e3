//! What an export knows while it works, shared by all its parts.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use plugin_api::{Desk, Job, Output, Result, TableId};
use serde::{Deserialize, Serialize};

use zoho::Acquaintance;

use crate::foreseen::Foreseen;
use crate::ids::key;
use crate::memory::{Partial, Written};

/// An export under way.
pub(crate) struct Run<'r, 'a> {
    pub(crate) job: &'r Job,
    pub(crate) desk: &'r Desk<'a>,
    pub(crate) tables: Tables,
    pub(crate) entries: RefCell<Entries>,
    /// Tickets that were given, by their key: the archived lists may give them again.
    pub(crate) given: RefCell<HashSet<u64>>,
    pub(crate) drafts: Cell<Drafts>,
    /// Tickets that were read as if drafts counted, while that was not known: the ticket, and its one thread.
    pub(crate) unsure: RefCell<Vec<(u64, Option<u64>)>>,
    /// What was written since the last checkpoint.
    pub(crate) fresh: RefCell<Written>,
    pub(crate) sums: RefCell<Sums>,
    /// What an earlier run wrote of tickets that are read again.
    pub(crate) partial: HashMap<String, Partial>,
    /// Tickets that were read again, or are gone.
    pub(crate) ended: RefCell<HashSet<String>>,
    /// Of the tickets that are listed.
    pub(crate) acquaintance: Acquaintance,
    pub(crate) foreseen: RefCell<Foreseen>,
}

/// The tables, open for writing.
#[derive(Clone, Copy)]
pub(crate) struct Tables {
    pub(crate) cases: TableId,
    pub(crate) threads: TableId,
    pub(crate) comments: TableId,
    pub(crate) entries: TableId,
    pub(crate) attachments: TableId,
}

impl Tables {
    pub(crate) fn of(out: &Output<'_>) -> Result<Self> {
        Ok(Self {
            cases: out.table("Cases")?,
            threads: out.table("Threads")?,
            comments: out.table("Comments")?,
            entries: out.table("TimeEntry")?,
            attachments: out.table("Attachments")?,
        })
    }
}

/// Time entries that were found.
#[derive(Default)]
pub(crate) struct Entries {
    /// How many of a ticket, by its key.
    of_ticket: HashMap<u64, u32>,
    /// All of them, by their key.
    known: HashSet<u64>,
}

impl Entries {
    /// Takes an entry in, and gives what is to be remembered of it; `None` if it was there before.
    pub(crate) fn add(&mut self, id: &str, ticket: Option<&str>) -> Option<(u64, Option<u64>)> {
        let entry = (key(id), ticket.map(key));
        self.add_keys(entry).then_some(entry)
    }

    /// The same with what was remembered; false if it was there before.
    pub(crate) fn add_keys(&mut self, (id, ticket): (u64, Option<u64>)) -> bool {
        let is_new = self.known.insert(id);
        if is_new && let Some(ticket) = ticket {
            let count = self.of_ticket.entry(ticket).or_default();
            *count = count.saturating_add(1);
        }
        is_new
    }

    /// How many entries of a ticket there are.
    pub(crate) fn of_ticket(&self, id: &str) -> u64 {
        self.of_ticket.get(&key(id)).copied().unwrap_or(0).into()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.known.len() as u64
    }
}

/// Whether a ticket's number of threads has its drafts in it: found out from the first ticket with drafts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Drafts {
    #[default]
    Unknown,
    Counted,
    NotCounted,
}

/// What the desk counts, and what there is, added up over the tickets. It goes into checkpoints.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sums {
    /// Tickets that only the archived lists gave.
    pub(crate) archived: u64,
    pub(crate) threads: Sum,
    pub(crate) comments: Sum,
    /// Of tickets.
    pub(crate) entries: Sum,
    /// Time entries that were written, of whatever.
    pub(crate) entry_rows: u64,
    /// Attachments: those that were written, and those that are missing.
    pub(crate) attachments: u64,
    /// The least number of requests.
    pub(crate) least: u64,
    /// Records that were told as unread.
    #[serde(default)]
    pub(crate) told: u64,
}

/// A host may not name more records that could not be read: what is told beyond is not asked for again.
const NAMED: u64 = 500;

/// A sum of what tickets say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    /// As the tickets themselves said.
    pub(crate) told: u64,
    /// As a second look explains it; records that are missing are in it.
    pub(crate) explained: u64,
    /// Those that are missing.
    pub(crate) missing: u64,
}

impl Sum {
    /// Adds a ticket that has so many, of which `there` were found and `missing` were not. Where it does not say, what
    /// was found counts.
    pub(crate) fn add(&mut self, told: Option<u64>, there: u64, missing: u64) {
        self.told += told.unwrap_or(there + missing);
        self.explained += there + missing;
        self.missing += missing;
    }

    /// Tells it of a table.
    pub(crate) fn tell(self, out: &mut Output<'_>, table: TableId) -> Result<()> {
        out.desk_count(table, self.told)?;
        if self.explained != self.told {
            out.desk_count_after(table, self.explained)?;
        }
        Ok(())
    }
}

impl Run<'_, '_> {
    /// Whether only some tickets are read, once more. What can't be read now either is then written as far as it can be.
    pub(crate) fn is_again(&self) -> bool {
        !self.job.only.is_empty()
    }

    /// Whether what can't be read is left to the second try, in place of writing what there is of it.
    pub(crate) fn may_wait(&self) -> bool {
        !self.is_again() && self.sums.borrow().told < NAMED
    }

    /// Changes the sums.
    pub(crate) fn sum(&self, change: impl FnOnce(&mut Sums)) {
        change(&mut self.sums.borrow_mut());
    }
}
