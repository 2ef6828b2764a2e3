//! What a ticket needs: from its row and its detail to the list of what is to be asked for and written.

use std::cell::RefCell;
use std::rc::Rc;

use plugin_api::{Child, ErrorKind, ExportError, Kind, RawValue, Response, Result, TableId, Timestamp};

use crate::ask::{CONVERSATIONS, PAGE};
use crate::least;
use crate::run::{Drafts, Run};
use crate::source::{Mark, Row, Step};
use crate::ticket::{Conversation, Facts, Ticket, Visit, Way, read};

/// Pages of one list that are asked for because of a count alone; what is behind them is read when the ticket ends.
const AHEAD: u64 = 20;

/// Which list gave a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Search,
    Archived,
}

/// What is to be asked for, or written, one after the other.
#[derive(Debug)]
pub(crate) enum Part {
    Mark(Mark),
    /// Deleted since it was listed.
    Gone(TableId, String),
    Unread(TableId, String, ExportError),
    /// A ticket that turned out to be outside the range.
    Outside,
    /// A ticket begins, with its record where it is to be written.
    Begin(Option<Box<RawValue>>, Origin, Rc<Ticket>),
    /// A page of its attachments.
    Attachments(Rc<Ticket>, u64),
    /// A page of its time entries.
    Entries(Rc<Ticket>, u64),
    /// Its only thread.
    Latest(Rc<Ticket>),
    /// A page of its conversations.
    Conversations(Rc<Ticket>, u64),
    /// A thread: its id, and what the conversations have of it.
    Thread(Rc<Ticket>, String, Box<RawValue>),
    Comment(Rc<Ticket>, Box<RawValue>),
    /// A ticket ends.
    End(Rc<Ticket>),
}

/// What a step of the source comes to.
pub(crate) fn of_step(run: &Run<'_, '_>, child: Result<Child<Step>>) -> Vec<Result<Part>> {
    let made = child.and_then(|child| match child.parent {
        Step::Mark(mark) => Ok(vec![Part::Mark(mark)]),
        Step::Unread(what, error) => Ok(vec![Part::Unread(run.tables.cases, what, error)]),
        Step::Ticket(row) => of_ticket(run, row, child.answer),
    });
    match made {
        Ok(parts) => parts.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }
}

fn of_ticket(run: &Run<'_, '_>, row: Row, answer: Option<Result<Response>>) -> Result<Vec<Part>> {
    let cases = run.tables.cases;
    let id = row.id.clone();
    let made = match answer {
        None => row
            .record
            .clone()
            .map_or_else(|| Err(ExportError::decode("a ticket", "no record")), Ok),
        Some(answer) => answer.and_then(|answer| detail(&row, &answer)),
    };
    let facts = |record: Box<RawValue>| Facts::read(&record).map(|facts| (record, facts));
    let mut unread = None;
    let (record, facts) = match made.and_then(facts) {
        Ok(made) => {
            run.acquaintance.known();
            made
        }
        Err(error) if error.kind == ErrorKind::NotFound => {
            run.acquaintance.unknown(&error)?;
            return Ok(vec![Part::Gone(cases, id)]);
        }
        Err(error) if zoho::may_be_of_one_record(&error) => {
            unread = Some(Part::Unread(cases, id.clone(), error));
            // It is asked for again at the end; if that fails too, what its row has of it is better than nothing.
            if run.may_wait() {
                return Ok(unread.into_iter().collect());
            }
            match row.record.clone().map(facts) {
                Some(Ok(made)) => made,
                _ => return Ok(unread.into_iter().collect()),
            }
        }
        Err(error) => return Err(error),
    };
    if facts.is_trashed {
        return Ok(vec![Part::Gone(cases, id)]);
    }
    // The archived lists know of no range.
    if row.is_archived && !is_wanted(run, &facts) {
        return Ok(unread.into_iter().chain([Part::Outside]).collect());
    }
    let mut parts = of_facts(run, row, record, &facts);
    // Behind its beginning, so that it is one of which something is missing.
    parts.splice(1..1, unread);
    Ok(parts)
}

/// Whether a ticket that no search chose is asked for. One without times can't be told to be outside.
fn is_wanted(run: &Run<'_, '_>, facts: &Facts) -> bool {
    let inside = |time: Option<Timestamp>| time.map(|time| run.job.wants(time));
    let (created, modified) = (inside(facts.created()), inside(facts.modified()));
    match run.job.kind {
        Kind::Full => true,
        Kind::Custom => created.unwrap_or(false) || modified.unwrap_or(created.is_none()),
        Kind::Incremental => modified.or(created).unwrap_or(true),
    }
}

/// The union of a ticket's detail and its row.
fn detail(row: &Row, answer: &Response) -> Result<Box<RawValue>> {
    let detail = answer.record()?;
    let id = zoho::id(detail).map_err(|error| error.at(&answer.asked))?;
    if id != row.id {
        return Err(ExportError::decode(
            &answer.asked,
            format_args!("the desk gave ticket {id} in its place"),
        ));
    }
    match &row.record {
        Some(record) => zoho::union(detail, record),
        None => Ok(detail.to_owned()),
    }
}

fn of_facts(run: &Run<'_, '_>, row: Row, record: Box<RawValue>, facts: &Facts) -> Vec<Part> {
    let counts = facts.counts();
    let is_first = row.visit == Visit::First;
    let origin = if row.is_archived {
        Origin::Archived
    } else {
        Origin::Search
    };
    let earlier = run.partial.get(&row.id);
    let met = earlier.map(|earlier| earlier.threads.iter().chain(&earlier.comments).cloned().collect());
    let ticket = Rc::new(Ticket {
        way: if earlier.is_some() {
            Way::Conversations
        } else {
            way(run.drafts.get(), &row, facts)
        },
        met: RefCell::new(met.unwrap_or_default()),
        id: row.id,
        counts,
        department: facts.department_id.clone(),
        layout: facts.layout_id.clone(),
        visit: row.visit,
        ..Ticket::default()
    });
    if let Visit::Again(Some(thread)) = row.visit {
        ticket.met.borrow_mut().insert(thread.to_string());
    }
    let is_new = is_first && earlier.is_none();
    let mut parts = vec![Part::Begin(is_new.then_some(record), origin, Rc::clone(&ticket))];
    if is_first {
        for page in 0..least::pages(counts.attachments).min(AHEAD) {
            parts.push(Part::Attachments(Rc::clone(&ticket), page * PAGE));
        }
        if counts
            .entries
            .is_none_or(|count| count > run.entries.borrow().of_ticket(&ticket.id))
        {
            for page in 0..least::pages(counts.entries).min(AHEAD) {
                parts.push(Part::Entries(Rc::clone(&ticket), page * PAGE));
            }
        }
    }
    match ticket.way {
        Way::Nothing => {}
        Way::Latest => parts.push(Part::Latest(Rc::clone(&ticket))),
        Way::Conversations => {
            let rows = counts.threads.unwrap_or(0).saturating_add(counts.comments.unwrap_or(0));
            for page in 0..zoho::list_with_count(rows, CONVERSATIONS).min(AHEAD) {
                parts.push(Part::Conversations(Rc::clone(&ticket), page * CONVERSATIONS));
            }
        }
    }
    parts.push(Part::End(ticket));
    parts
}

/// How threads and comments are asked for. A draft may not be counted.
fn way(drafts: Drafts, row: &Row, facts: &Facts) -> Way {
    let may_hide = drafts == Drafts::NotCounted
        || row.visit != Visit::First
        || drafts == Drafts::Unknown && (facts.ends_in_draft() || crate::ids::number(&row.id).is_none());
    match (facts.counts().threads, facts.counts().comments) {
        _ if may_hide => Way::Conversations,
        (Some(0), Some(0)) => Way::Nothing,
        (Some(1), Some(0)) => Way::Latest,
        _ => Way::Conversations,
    }
}

/// What an answer of the second stage comes to: the threads and comments of a page of conversations.
pub(crate) fn of_part(child: Result<Child<Part>>) -> Vec<Result<Part>> {
    let child = match child {
        Ok(child) => child,
        Err(error) => return vec![Err(error)],
    };
    let (Part::Conversations(ticket, _), Some(answer)) = (&child.parent, child.answer) else {
        return vec![Ok(child.parent)];
    };
    match answer.and_then(|answer| conversations(ticket, &answer)) {
        Ok(parts) => parts.into_iter().map(Ok).collect(),
        // What is missing is looked for in other lists when the ticket ends.
        Err(error) if zoho::may_be_of_one_record(&error) => {
            ticket.trouble.replace(Some(error));
            Vec::new()
        }
        Err(error) => vec![Err(error)],
    }
}

/// The threads and comments of a page of conversations that were not met before.
pub(crate) fn conversations(ticket: &Rc<Ticket>, answer: &Response) -> Result<Vec<Part>> {
    let records = answer.records("/data")?;
    ticket.full.set(records.len() as u64 >= CONVERSATIONS);
    let mut parts = Vec::with_capacity(records.len());
    for record in records {
        let id = zoho::id(record)?;
        let is_comment = read::<Conversation<'_>>("a row of conversations", record)?.is_comment();
        if is_comment && ticket.visit != Visit::First || !ticket.met.borrow_mut().insert(id.clone()) {
            continue;
        }
        let record = zoho::without(record, "type")?;
        parts.push(if is_comment {
            Part::Comment(Rc::clone(ticket), record)
        } else {
            Part::Thread(Rc::clone(ticket), id, record)
        });
    }
    Ok(parts)
}
