//! The chain of requests: each stage asks ahead of what is written, as far as the window allows.

use plugin_api::{Child, Output, Request, Response, Result};

use crate::ask::{self, CONVERSATIONS, PAGE};
use crate::parts::{Part, of_part, of_step};
use crate::run::Run;
use crate::source::Step;
use crate::write::Writer;

/// The request for a ticket's detail.
pub(crate) fn detail(step: &Step) -> Option<Request> {
    match step {
        Step::Ticket(row) if !row.is_whole => Some(ask::ticket(&row.id, "")),
        _ => None,
    }
}

fn conversations(part: &Part) -> Option<Request> {
    match part {
        Part::Conversations(ticket, from) => Some(ask::page(&ticket.id, "/conversations", *from, CONVERSATIONS)),
        _ => None,
    }
}

/// The last requests. A thread's body may be large: its answer must not wait behind a further stage.
fn last(part: &Part) -> Option<Request> {
    match part {
        Part::Attachments(ticket, from) => Some(ask::page(&ticket.id, "/attachments", *from, PAGE)),
        Part::Entries(ticket, from) => Some(ask::page(&ticket.id, "/timeEntry", *from, PAGE)),
        Part::Latest(ticket) => Some(ask::ticket(&ticket.id, "/latestThread")),
        Part::Thread(ticket, id, _) => Some(ask::thread(&ticket.id, id)),
        _ => None,
    }
}

/// Writes everything that comes of tickets and their details. `mark` is told what is written whole.
pub(crate) fn walk(
    run: &Run<'_, '_>,
    out: &mut Output<'_>,
    details: impl Iterator<Item = Result<Child<Step>>>,
    mut mark: impl FnMut(crate::source::Mark, &mut Output<'_>) -> Result<()>,
) -> Result<()> {
    let parts = details.flat_map(|child| of_step(run, child));
    let parts = run.desk.each(parts, conversations).flat_map(of_part);
    let mut writer = Writer::new(run);
    for child in run.desk.each(parts, last) {
        let child = child?;
        let answer: Option<Result<Response>> = child.answer;
        match child.parent {
            Part::Mark(at) => mark(at, out)?,
            part => writer.part(part, answer, out)?,
        }
    }
    Ok(())
}
