//! The order of work, and where an interrupted export goes on.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use plugin_api::{Desk, ErrorKind, ExportError, Job, Output, Result};
use serde::{Deserialize, Serialize};
use zoho::{Acquaintance, Records};

use crate::archived::Archived;
use crate::run::{Drafts, Entries, Run, Sums, Tables};
use crate::source::{Mark, TICKETS, again, searched};
use crate::{chain, entries, least};

/// Where an export goes on. The time entries are found out about again, without being written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    sums: Sums,
    drafts: Drafts,
    /// Tickets that were read as if drafts counted, and are forgotten.
    unsure: u64,
    /// How far the search is, from its second page on.
    page: Option<zoho::Cursor>,
    /// The search is done.
    searched: bool,
    /// What the desk counted of them, at the beginning and at the end.
    counts: Option<(u64, Option<u64>)>,
    /// Departments whose archived tickets are done.
    departments: Vec<String>,
}

/// Exports what the job asks for.
pub(crate) fn export(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    let resumed: Option<Cursor> = job.resume.as_ref().map(read).transpose()?;
    let is_resumed = resumed.is_some();
    let mut cursor = resumed.unwrap_or_default();
    let run = Run {
        job,
        desk,
        tables: Tables::of(out)?,
        entries: RefCell::new(Entries::default()),
        given: RefCell::new(HashSet::new()),
        drafts: Cell::new(cursor.drafts),
        unsure: RefCell::new(Vec::new()),
        sums: RefCell::new(cursor.sums),
        acquaintance: Acquaintance::default(),
    };
    let records = (!cursor.searched)
        .then(|| Records::open(desk, job, TICKETS, cursor.page.as_ref()))
        .transpose()?;
    let facts = records.as_ref().map(Records::facts);
    let archived = Archived::new(&run, cursor.departments.clone(), is_resumed);
    let steps = records
        .into_iter()
        .flat_map(|records| searched(&run, records))
        .chain(archived);
    // The first tickets are on their way while the agents' lists are read.
    let mut details = desk.each(steps, chain::detail).peekable();
    details.peek();
    if !is_resumed {
        run.sum(|sums| sums.least += least::FIELDS);
    }
    let before = *run.sums.borrow();
    entries::read_all(&run, out, !is_resumed)?;
    if is_resumed {
        run.sums.replace(before);
    }
    cursor.sums = *run.sums.borrow();
    out.checkpoint(&cursor)?;

    let forgotten = cursor.unsure;
    chain::walk(&run, out, details, |mark, out| {
        match mark {
            Mark::Page(page) => cursor.page = Some(*page),
            Mark::Searched => cursor.searched = true,
            Mark::Department(id) => cursor.departments.push(id),
        }
        cursor.sums = *run.sums.borrow();
        cursor.drafts = run.drafts.get();
        cursor.unsure = match cursor.drafts {
            Drafts::Counted => 0,
            _ => forgotten + run.unsure.borrow().len() as u64,
        };
        if let Some(facts) = &facts {
            facts.tell(out, run.tables.cases)?;
            expect(&run, out, facts.expected())?;
            cursor.counts = facts.desk_counts();
        }
        out.checkpoint(&cursor)
    })?;

    if run.drafts.get() == Drafts::NotCounted {
        if forgotten > 0 {
            let why = "the desk does not count drafts, which came out only after the backup was resumed: back up anew";
            let key = format!("drafts of {forgotten} tickets that were read before");
            out.unread(run.tables.threads, key, &ExportError::new(ErrorKind::Other, why))?;
        }
        let unsure = run.unsure.take();
        chain::walk(&run, out, desk.each(again(unsure), chain::detail), |_, _| Ok(()))?;
    }
    let mut least = run.sums.borrow().least;
    if let Some(facts) = facts {
        facts.tell(out, run.tables.cases)?;
        least += facts.least();
    }
    out.least_requests(least)?;
    tell(&run, out, cursor.counts)
}

fn read(json: &serde_json::Value) -> Result<Cursor> {
    Cursor::deserialize(json).map_err(|error| ExportError::decode("the cursor", error))
}

/// About how many rows there will be, by what the tickets so far came to.
fn expect(run: &Run<'_, '_>, out: &mut Output<'_>, tickets: Option<u64>) -> Result<()> {
    let tables = run.tables;
    let of_tickets = [tables.threads, tables.comments, tables.attachments].map(|table| out.rows(table));
    let (rows, done) = (of_tickets.iter().sum::<u64>(), out.rows(tables.cases));
    match tickets.filter(|_| done > 0) {
        Some(tickets) => {
            let children = u128::from(rows) * u128::from(tickets) / u128::from(done);
            let children = u64::try_from(children).unwrap_or(u64::MAX);
            out.expect(
                tickets
                    .saturating_add(children)
                    .saturating_add(run.entries.borrow().len()),
            )
        }
        None => Ok(()),
    }
}

/// Tells the desk's counts; `tickets` is that of the search, which knows nothing of those that only the archived lists
/// gave.
fn tell(run: &Run<'_, '_>, out: &mut Output<'_>, tickets: Option<(u64, Option<u64>)>) -> Result<()> {
    let (sums, tables) = (*run.sums.borrow(), run.tables);
    if let Some((before, after)) = tickets {
        out.desk_count(tables.cases, before + sums.archived)?;
        if let Some(after) = after {
            out.desk_count_after(tables.cases, after + sums.archived)?;
        }
    }
    sums.threads.tell(out, tables.threads)?;
    sums.comments.tell(out, tables.comments)?;
    // Those of tasks, calls and events, and of tickets outside the range.
    let of_others = (sums.entry_rows + sums.entries.missing).saturating_sub(sums.entries.explained);
    let mut entries = sums.entries;
    entries.told += of_others;
    entries.explained += of_others;
    entries.tell(out, tables.entries)?;
    out.desk_count(tables.attachments, sums.attachments)
}
