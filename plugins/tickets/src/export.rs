//! The order of work, and where an interrupted export goes on.

use std::cell::{Cell, RefCell};

use plugin_api::{Desk, ExportError, Job, Output, Result};
use serde::{Deserialize, Serialize};
use zoho::{Acquaintance, Facts, Records};

use crate::archived::{self, Archived};
use crate::memory::{self, Ended, Keys, Memory, Value};
use crate::run::{Drafts, Entries, Run, Sums, Tables};
use crate::source::{At, Mark, TICKETS, again, searched};
use crate::{chain, entries, least, only};

/// Where an export goes on. What grows with the desk is remembered beside it: see [`Memory`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    sums: Sums,
    drafts: Drafts,
    entries: entries::Progress,
    /// How far the search is, from its second page on.
    page: Option<zoho::Cursor>,
    /// The search is done.
    searched: bool,
    /// What the desk counted of them, at the beginning and at the end.
    counts: Option<(u64, Option<u64>)>,
    /// Where the list of a department's archived tickets is.
    archived: Option<archived::Place>,
    /// All archived tickets are done.
    listed: bool,
    /// Tickets that were read once more, because the desk does not count drafts.
    again: usize,
}

/// Exports what the job asks for.
pub(crate) fn export(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    let resumed: Option<Cursor> = job.resume.as_ref().map(read).transpose()?;
    let is_resumed = resumed.is_some();
    let mut cursor = resumed.unwrap_or_default();
    let mut memory = Memory::of(job)?;
    let run = run(job, desk, out, &cursor, &mut memory)?;
    if run.is_again() {
        if let Some(ended) = memory.ended {
            run.sums.replace(ended.sums);
            run.drafts.set(ended.drafts);
        }
        only::export(&run, job, out)?;
        return memory.ended.map_or(Ok(()), |ended| tell(&run, out, ended.counts));
    }
    let records = (!cursor.searched)
        .then(|| Records::open(desk, job, TICKETS, cursor.page.as_ref()))
        .transpose()?;
    let facts = records.as_ref().map(Records::facts);
    let archived = (!cursor.listed).then(|| Archived::new(&run, memory.departments, cursor.archived.clone()));
    let steps = records
        .into_iter()
        .flat_map(|records| searched(&run, records))
        .chain(archived.into_iter().flatten());
    // The first tickets are on their way while the agents' lists are read.
    let mut details = desk.each(steps, chain::detail).peekable();
    details.peek();
    foresee(&run, out, &cursor, facts.as_ref())?;
    if !is_resumed {
        run.sum(|sums| sums.least += least::FIELDS);
    }
    let mut progress = cursor.entries;
    entries::read_all(
        &run,
        out,
        &mut progress,
        (memory.agents, memory.places),
        |entries, out| {
            cursor.entries = entries;
            cursor.sums = *run.sums.borrow();
            out.checkpoint(&cursor)
        },
    )?;

    chain::walk(&run, out, details, |mark, out| {
        if let Some(facts) = &facts {
            facts.tell(out, run.tables.cases)?;
            expect(&run, out, facts.expected())?;
            cursor.counts = facts.desk_counts();
        }
        run.foreseen.borrow_mut().done(mark.foreseen);
        foresee(&run, out, &cursor, facts.as_ref())?;
        pass(&run, out, &mut cursor, facts.as_ref(), mark)
    })?;

    if run.drafts.get() == Drafts::NotCounted {
        let unsure = run.unsure.take();
        let steps = again(unsure, cursor.again);
        chain::walk(&run, out, desk.each(steps, chain::detail), |mark, out| {
            pass(&run, out, &mut cursor, None, mark)
        })?;
    }
    if let Some(facts) = facts {
        facts.tell(out, run.tables.cases)?;
    }
    let ended = Ended {
        sums: *run.sums.borrow(),
        drafts: run.drafts.get(),
        counts: cursor.counts,
    };
    memory::keep(out, &Value::Ended(Box::new(ended)))?;
    out.least_requests(ended.sums.least)?;
    tell(&run, out, cursor.counts)
}

/// What is known at the beginning.
fn run<'r, 'a>(
    job: &'r Job,
    desk: &'r Desk<'a>,
    out: &Output<'_>,
    cursor: &Cursor,
    memory: &mut Memory,
) -> Result<Run<'r, 'a>> {
    let mut entries = Entries::default();
    for entry in &memory.entries {
        entries.add_keys(*entry);
    }
    let acquaintance = Acquaintance::default();
    if !memory.tickets.is_empty() {
        acquaintance.known();
    }
    // Where drafts turned out to be counted, they were read well.
    let is_sure = cursor.drafts == Drafts::Counted;
    let unsure = if is_sure { Vec::new() } else { memory.unsure.clone() };
    Ok(Run {
        job,
        desk,
        tables: Tables::of(out)?,
        entries: RefCell::new(entries),
        given: RefCell::new(memory.tickets.iter().copied().collect()),
        drafts: Cell::new(cursor.drafts),
        unsure: RefCell::new(unsure),
        fresh: RefCell::default(),
        sums: RefCell::new(cursor.sums),
        partial: std::mem::take(&mut memory.partial),
        ended: RefCell::default(),
        acquaintance,
        foreseen: RefCell::default(),
    })
}

/// Makes a checkpoint where all before a mark is written.
fn pass(run: &Run<'_, '_>, out: &mut Output<'_>, cursor: &mut Cursor, facts: Option<&Facts>, mark: Mark) -> Result<()> {
    run.sum(|sums| sums.least += mark.least);
    match mark.at {
        At::Page => {}
        At::Search(page) => cursor.page = Some(*page),
        At::Searched => {
            (cursor.page, cursor.searched) = (None, true);
            run.sum(|sums| sums.least += facts.map_or(0, Facts::least));
        }
        At::Archived(place) => cursor.archived = Some(place),
        At::Department(id) => {
            cursor.archived = None;
            memory::keep(out, &Value::Department(id))?;
        }
        At::Listed => cursor.listed = true,
        At::Again(done) => cursor.again = done,
    }
    let mut written = run.fresh.take();
    written.tickets = Keys(mark.tickets);
    if !written.is_empty() {
        memory::keep(out, &Value::Written(written))?;
    }
    cursor.sums = *run.sums.borrow();
    cursor.drafts = run.drafts.get();
    out.checkpoint(cursor)
}

fn read(json: &serde_json::Value) -> Result<Cursor> {
    Cursor::deserialize(json).map_err(|error| ExportError::decode("the cursor", error))
}

/// About how many requests are to come, as soon as it is known how many tickets there are.
fn foresee(run: &Run<'_, '_>, out: &mut Output<'_>, cursor: &Cursor, facts: Option<&Facts>) -> Result<()> {
    let counted = facts.and_then(Facts::expected);
    let Some(tickets) = counted.or(cursor.searched.then_some(0)) else {
        return Ok(());
    };
    let given = run.given.borrow().len() as u64;
    let to_come = run.foreseen.borrow().to_come(tickets, given);
    to_come.map_or(Ok(()), |requests| out.to_come(requests))
}

/// About how many rows there will be, by what the tickets so far came to.
fn expect(run: &Run<'_, '_>, out: &mut Output<'_>, tickets: Option<u64>) -> Result<()> {
    let tables = run.tables;
    // The search does not count archived ones: they are known when their lists are read.
    let tickets = tickets.map(|tickets| tickets.max(run.given.borrow().len() as u64));
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
