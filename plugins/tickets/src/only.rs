//! Tickets that are read again: those of which an earlier export could not read something, or that are to be compared.
//!
//! Whatever is missing of a ticket, it is read as a whole; of what the earlier export wrote of it, which was remembered,
//! nothing is written again. Keys name the ticket: `7`, or `7/7001` for something of it; or archived lists, of which those
//! tickets are read that were not written.

use std::collections::HashSet;

use plugin_api::{Child, ExportError, Job, Output, Result, Wanted};

use crate::archived::Archived;
use crate::chain;
use crate::entries::of_ticket;
use crate::ids::key;
use crate::run::Run;
use crate::source::{Row, Step, TICKETS};
use crate::ticket::Visit;

/// Reads what is wanted.
pub(crate) fn export(run: &Run<'_, '_>, job: &Job, out: &mut Output<'_>) -> Result<()> {
    let mut ids = Vec::new();
    let mut known = HashSet::new();
    let mut lists = Vec::new();
    for wanted in &job.only {
        match (ticket(wanted), wanted.key.as_slice()) {
            (Some(id), _) => ids.extend(known.insert(id.to_owned()).then(|| id.to_owned())),
            (None, [key]) if wanted.table == "Cases" => lists.push(key.as_str()),
            (None, key) => zoho::stays_unread(out, out.table(&wanted.table)?, key.join(" "))?,
        }
    }
    let archived = Archived::again(run, &mut lists);
    for key in lists {
        zoho::stays_unread(out, run.tables.cases, key)?;
    }
    // Read by themselves: no list gives them again.
    run.given.borrow_mut().extend(ids.iter().map(|id| key(id)));
    let found = run
        .desk
        .each(ids.into_iter().map(Ok), |id| Some(zoho::search_for(TICKETS.path, id)));
    let steps = found
        .map(|child| child.and_then(step))
        .chain(archived.into_iter().flatten());
    chain::walk(run, out, run.desk.each(steps, chain::detail), |_, _| Ok(()))?;
    // What was not come to is as unread as it was.
    let ended = run.ended.borrow();
    let left = |wanted: &&Wanted| ticket(wanted).is_some_and(|id| !ended.contains(id));
    for wanted in job.only.iter().filter(left) {
        zoho::stays_unread(out, out.table(&wanted.table)?, wanted.key.join(" "))?;
    }
    Ok(())
}

/// The ticket that is to be read; `None` where that would not help.
fn ticket(wanted: &Wanted) -> Option<&str> {
    let [key] = wanted.key.as_slice() else {
        return None;
    };
    let id = match wanted.table.as_str() {
        "TimeEntry" => of_ticket(key)?,
        // What a thread or a comment hides.
        "Attachments" => key,
        _ => key.split('/').next()?,
    };
    zoho::is_id(id).then_some(id)
}

/// A ticket as the search has it. One that it does not have is an archived one.
fn step(child: Child<String>) -> Result<Step> {
    let id = child.parent;
    let found = child.answer.transpose().and_then(|answer| {
        let mut found = None;
        if let Some(answer) = &answer {
            for record in answer.records("/data")? {
                if zoho::id(record)? == id {
                    found = Some(record.to_owned());
                }
            }
        }
        Ok(found)
    });
    let (record, is_archived) = match found {
        Ok(record) => (record.clone(), record.is_none()),
        Err(error) if zoho::is_refused(&error) => (None, false),
        Err(error) if zoho::may_be_of_one_record(&error) => return Ok(unread(id, error)),
        Err(error) => return Err(error),
    };
    Ok(Step::Ticket(Row {
        id,
        record,
        is_whole: false,
        is_archived,
        visit: Visit::First,
        foreseen: 0,
    }))
}

fn unread(id: String, error: ExportError) -> Step {
    Step::Unread(id, error)
}
