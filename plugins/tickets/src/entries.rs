//! Time entries, by the agents that made them: one list for each agent, in place of one for each ticket. It has entries
//! of tasks, calls and events too.
//!
//! The lists are read side by side, a page of each at a time. Pages overlap by one entry: if it is not there, entries
//! went away, those behind moved up, and the list is read anew.

use std::collections::HashMap;

use plugin_api::{ErrorKind, ExportError, Kind, List, Output, Request, Response, Result};
use serde::{Deserialize, Serialize};
use zoho::{AgentStatus, Agents, segment};

use crate::ask::PAGE;
use crate::memory::{self, Pairs, Value};
use crate::run::Run;
use crate::ticket::{Entry, read};

/// How often a list is read anew.
const RESTARTS: u32 = 20;

/// What is told where the desk does not let agents' entries be read: the tickets are asked for theirs.
pub(crate) const WITHOUT_TICKET: &str = "time entries that belong to no ticket";

/// The time entries of one agent, as far as they are read.
struct Walk {
    /// Which one it is.
    number: usize,
    agent: String,
    is_deleted: bool,
    /// The parameter that takes the range.
    by: &'static str,
    place: Place,
}

/// Where a list of time entries stands, behind a page. It is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    from: u64,
    /// Entries in a page that is not the last.
    size: u64,
    last: Option<String>,
    restarts: u32,
    /// Answers so far: the lists are read side by side.
    pages: u64,
    ended: bool,
}

/// How far they are. It goes into checkpoints.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Deleted agents of whom the desk lists none.
    unlisted: u64,
    /// It is told that some are refused.
    refused: bool,
    /// All are read.
    done: bool,
}

/// An entry that is new, and its ticket: numbers of their ids.
type Found = (u64, Option<u64>);

/// What is remembered of the agents, and of where their lists stand.
type Earlier = (Option<Vec<(String, bool)>>, HashMap<usize, Place>);

/// Reads the time entries of all agents, or goes on with them; `save` makes a checkpoint.
pub(crate) fn read_all(
    run: &Run<'_, '_>,
    out: &mut Output<'_>,
    progress: &mut Progress,
    (agents, places): Earlier,
    mut save: impl FnMut(Progress, &mut Output<'_>) -> Result<()>,
) -> Result<()> {
    if progress.done {
        return Ok(());
    }
    let mut walks = match agents.map_or_else(|| list(run, out), Ok) {
        Ok(agents) => walks(run, &agents, places),
        Err(error) if zoho::is_refused(&error) => {
            out.unread(run.tables.entries, WITHOUT_TICKET, &error)?;
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    save(*progress, out)?;
    while let Some(round) = walks.iter().map(|walk| walk.place.pages).min() {
        // Where the export was interrupted amid a round, some are ahead.
        let (now, mut next): (Vec<_>, Vec<_>) = walks.into_iter().partition(|walk| walk.place.pages == round);
        for child in run.desk.each(now.into_iter().map(Ok), |walk| Some(page(run, walk))) {
            let child = child?;
            let mut walk = child.parent;
            let found = answered(run, out, progress, &mut walk, child.answer)?;
            walk.place.pages += 1;
            memory::keep(out, &Value::Entries(walk.number, walk.place.clone(), Pairs(found)))?;
            save(*progress, out)?;
            if !walk.place.ended {
                next.push(walk);
            }
        }
        next.sort_by_key(|walk| walk.number);
        walks = next;
    }
    if progress.unlisted > 0 {
        out.remark(format!(
            "TimeEntry: the desk lists no time entries of {} deleted agents; those of tickets were read from the tickets",
            progress.unlisted
        ))?;
    }
    progress.done = true;
    save(*progress, out)
}

/// Takes in the answer to the request for a page; gives the entries that are new.
fn answered(
    run: &Run<'_, '_>,
    out: &mut Output<'_>,
    progress: &mut Progress,
    walk: &mut Walk,
    answer: Option<Result<Response>>,
) -> Result<Vec<Found>> {
    let table = run.tables.entries;
    let mut found = Vec::new();
    let taken = answer.transpose().and_then(|answer| match answer {
        Some(answer) => take(run, out, walk, &answer, &mut found),
        None => Ok(true),
    });
    walk.place.ended = *taken.as_ref().unwrap_or(&true);
    match taken {
        Ok(_) => {}
        Err(error) if error.kind == ErrorKind::NotFound && walk.is_deleted => {
            // Nobody knows before.
            run.sum(|sums| sums.least += 1);
            progress.unlisted += 1;
        }
        // Probably the same for all agents: the tickets are asked for theirs. An agent who was just listed is not
        // unknown either.
        Err(error) if zoho::is_refused(&error) || error.kind == ErrorKind::NotFound => {
            if !std::mem::replace(&mut progress.refused, true) {
                out.unread(table, WITHOUT_TICKET, &error)?;
            }
        }
        Err(error) if zoho::may_be_of_one_record(&error) => out.unread(table, agent(walk), &error)?,
        Err(error) => return Err(error),
    }
    Ok(found)
}

/// The key of a ticket's own time entries: the number alone would be that of an entry.
pub(crate) fn key_of(ticket: &str) -> String {
    format!("{OF_TICKET}{ticket}")
}

/// The ticket that such a key names.
pub(crate) fn of_ticket(key: &str) -> Option<&str> {
    key.strip_prefix(OF_TICKET)
}

const OF_TICKET: &str = "ticket ";

fn agent(walk: &Walk) -> String {
    format!("time entries of agent {}", walk.agent)
}

/// The agents: active, disabled and deleted ones.
fn list(run: &Run<'_, '_>, out: &mut Output<'_>) -> Result<Vec<(String, bool)>> {
    let mut listed = Vec::new();
    let mut agents = Agents::list(run.desk, false);
    while let Some(page) = agents.next() {
        let page = match page {
            // Without their list the deleted agents' entries are those that tickets have.
            Err(error)
                if agents.reading() == Some(AgentStatus::Deleted)
                    && (zoho::is_refused(&error) || error.kind == ErrorKind::NotFound) =>
            {
                out.unread(
                    run.tables.entries,
                    "time entries of deleted agents that belong to no ticket",
                    &error,
                )?;
                break;
            }
            page => page?,
        };
        for (id, _) in page.agents()? {
            listed.push((id, page.status == AgentStatus::Deleted));
        }
    }
    run.sum(|sums| sums.least += agents.least());
    memory::keep(out, &Value::Agents(listed.clone()))?;
    Ok(listed)
}

/// The lists of all agents that are not at their ends.
fn walks(run: &Run<'_, '_>, agents: &[(String, bool)], mut places: HashMap<usize, Place>) -> Vec<Walk> {
    let begin = Place {
        from: 0,
        size: PAGE,
        last: None,
        restarts: 0,
        pages: 0,
        ended: false,
    };
    let all = agents
        .iter()
        .flat_map(|agent| ranges(run.job.kind).iter().map(move |by| (agent, *by)));
    let walks = all.enumerate().map(|(number, ((agent, is_deleted), by))| Walk {
        number,
        agent: agent.clone(),
        is_deleted: *is_deleted,
        by,
        place: places.remove(&number).unwrap_or_else(|| begin.clone()),
    });
    walks.filter(|walk| !walk.place.ended).collect()
}

/// By which times the entries of a range are asked for: what was made in it may have been changed behind it.
fn ranges(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Custom => &["createdTimeRange", "modifiedTimeRange"],
        Kind::Full | Kind::Incremental => &["modifiedTimeRange"],
    }
}

fn page(run: &Run<'_, '_>, walk: &Walk) -> Request {
    let request = Request::get(format!("/agents/{}/timeEntry", segment(&walk.agent)));
    let request = request.query("from", walk.place.from).query("limit", PAGE);
    match run.job.range {
        Some(range) => request.query(walk.by, zoho::range(range)),
        None => request,
    }
}

/// Takes a page in; `found` gets the entries that are new. Whether it was the last.
fn take(
    run: &Run<'_, '_>,
    out: &mut Output<'_>,
    walk: &mut Walk,
    answer: &Response,
    found: &mut Vec<Found>,
) -> Result<bool> {
    let records = answer.records("/data")?;
    let ids = records
        .iter()
        .map(|record| zoho::id(record))
        .collect::<Result<Vec<_>>>()?;
    for (id, record) in ids.iter().zip(records) {
        // What of it can't be read is not needed to write it.
        let entry: Entry = read("a time entry", record).unwrap_or_default();
        // What was made later belongs to the next backup, or to its ticket.
        if entry.created().is_some_and(|created| created >= run.job.started) {
            continue;
        }
        let added = run.entries.borrow_mut().add(id, entry.ticket().as_deref());
        if let Some(added) = added {
            found.push(added);
            out.record(run.tables.entries, record)?;
            run.sum(|sums| sums.entry_rows += 1);
        }
    }
    let count = ids.len() as u64;
    let place = &mut walk.place;
    if place.last.is_some() && ids.first() != place.last.as_ref() {
        place.restarts += 1;
        if place.restarts > RESTARTS {
            let why = "entries are deleted faster than they are read: try again when the desk is calmer";
            return Err(ExportError::decode(&answer.asked, why));
        }
        (place.from, place.last) = (0, None);
        return Ok(false);
    }
    if place.from == 0 && List::may_be_cut(count, place.size) {
        place.size = count;
    }
    if count < place.size {
        run.sum(|sums| sums.least += zoho::list(place.from + count, PAGE));
        return Ok(true);
    }
    place.from += count - 1;
    place.last = ids.last().cloned();
    Ok(false)
}
