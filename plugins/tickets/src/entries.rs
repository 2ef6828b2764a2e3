//! Time entries, by the agents that made them: one list for each agent, in place of one for each ticket. It has entries
//! of tasks, calls and events too.
//!
//! The lists are read side by side, a page of each at a time. Pages overlap by one entry: if it is not there, entries
//! went away, those behind moved up, and the list is read anew.

use plugin_api::{ErrorKind, ExportError, Kind, List, Output, Request, Response, Result};
use zoho::{AgentStatus, Agents, segment};

use crate::ask::PAGE;
use crate::run::Run;
use crate::ticket::{Entry, read};

/// How often a list is read anew.
const RESTARTS: u32 = 20;

/// The time entries of one agent, as far as they are read.
struct Walk {
    agent: String,
    is_deleted: bool,
    /// The parameter that takes the range.
    by: &'static str,
    from: u64,
    /// Entries in a page that is not the last.
    size: u64,
    last: Option<String>,
    restarts: u32,
}

/// Reads the time entries of all agents. Where `write` is not set, an earlier run has written them, and they are only
/// found out about.
pub(crate) fn read_all(run: &Run<'_, '_>, out: &mut Output<'_>, write: bool) -> Result<()> {
    let table = run.tables.entries;
    let mut walks = match agents(run, out) {
        Ok(walks) => walks,
        Err(error) if zoho::is_refused(&error) => {
            return out.unread(table, "time entries that belong to no ticket", &error);
        }
        Err(error) => return Err(error),
    };
    let mut unlisted = 0_u64;
    while !walks.is_empty() {
        let mut next = Vec::new();
        let mut refused = None;
        for child in run.desk.each(walks.into_iter().map(Ok), |walk| Some(page(run, walk))) {
            let child = child?;
            let mut walk = child.parent;
            let taken = child.answer.transpose().and_then(|answer| match answer {
                Some(answer) => take(run, out, &mut walk, &answer, write),
                None => Ok(true),
            });
            match taken {
                Ok(true) => {}
                Ok(false) => next.push(walk),
                Err(error) if error.kind == ErrorKind::NotFound && walk.is_deleted => {
                    // Nobody knows before.
                    run.sum(|sums| sums.least += 1);
                    unlisted += 1;
                }
                // Probably the same for all agents: the tickets are asked for theirs. An agent who was just listed is not
                // unknown either.
                Err(error) if zoho::is_refused(&error) || error.kind == ErrorKind::NotFound => {
                    refused = refused.or(Some(error));
                }
                Err(error) if zoho::may_be_of_one_record(&error) => out.unread(table, agent(&walk), &error)?,
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = refused {
            out.unread(table, "time entries that belong to no ticket", &error)?;
        }
        walks = next;
    }
    if unlisted > 0 {
        out.remark(format!(
            "TimeEntry: the desk lists no time entries of {unlisted} deleted agents; those of tickets were read from the tickets"
        ))?;
    }
    Ok(())
}

fn agent(walk: &Walk) -> String {
    format!("time entries of agent {}", walk.agent)
}

/// The agents: active, disabled and deleted ones.
fn agents(run: &Run<'_, '_>, out: &mut Output<'_>) -> Result<Vec<Walk>> {
    let mut walks = Vec::new();
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
            walks.extend(ranges(run.job.kind).iter().map(|by| Walk {
                agent: id.clone(),
                is_deleted: page.status == AgentStatus::Deleted,
                by,
                from: 0,
                size: PAGE,
                last: None,
                restarts: 0,
            }));
        }
    }
    run.sum(|sums| sums.least += agents.least());
    Ok(walks)
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
    let request = request.query("from", walk.from).query("limit", PAGE);
    match run.job.range {
        Some(range) => request.query(walk.by, zoho::range(range)),
        None => request,
    }
}

/// Takes a page in. Whether it was the last.
fn take(run: &Run<'_, '_>, out: &mut Output<'_>, walk: &mut Walk, answer: &Response, write: bool) -> Result<bool> {
    let records = answer.records("/data")?;
    let ids = records
        .iter()
        .map(|record| zoho::id(record))
        .collect::<Result<Vec<_>>>()?;
    for (id, record) in ids.iter().zip(records) {
        // What of it can't be read is not needed to write it.
        let entry: Entry = read("a time entry", record).unwrap_or_default();
        // What was made later belongs to the next backup, or to its ticket. A run that goes on could not tell whether the
        // earlier one had it.
        if entry.created().is_some_and(|created| created >= run.job.started) {
            continue;
        }
        if run.entries.borrow_mut().add(id, entry.ticket().as_deref()) && write {
            out.record(run.tables.entries, record)?;
            run.sum(|sums| sums.entry_rows += 1);
        }
    }
    let count = ids.len() as u64;
    if walk.last.is_some() && ids.first() != walk.last.as_ref() {
        walk.restarts += 1;
        if walk.restarts > RESTARTS {
            let why = "entries are deleted faster than they are read: try again when the desk is calmer";
            return Err(ExportError::decode(&answer.asked, why));
        }
        (walk.from, walk.last) = (0, None);
        return Ok(false);
    }
    if walk.from == 0 && List::may_be_cut(count, walk.size) {
        walk.size = count;
    }
    if count < walk.size {
        run.sum(|sums| sums.least += zoho::list(walk.from + count, PAGE));
        return Ok(true);
    }
    walk.from += count - 1;
    walk.last = ids.last().cloned();
    Ok(false)
}
