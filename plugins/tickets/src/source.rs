//! Where tickets come from: the search, page by page, and behind it the archived lists.

use plugin_api::{ExportError, RawValue, Result};
use zoho::{Module, Records};

use crate::archived::Place;
use crate::ids::key;
use crate::run::Run;
use crate::ticket::Visit;

/// How the desk's tickets are enumerated.
pub(crate) const TICKETS: Module = Module {
    path: "/tickets",
    list: &[("sortBy", "createdTime")],
};

/// What the chain of requests begins with.
#[derive(Debug)]
pub(crate) enum Step {
    Ticket(Row),
    /// Everything before it has been given.
    Mark(Mark),
    /// Something that could not be listed.
    Unread(String, ExportError),
}

/// A ticket, as it was listed.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// What the list has of it.
    pub(crate) record: Option<Box<RawValue>>,
    /// It is the detail already.
    pub(crate) is_whole: bool,
    /// Only the archived lists gave it.
    pub(crate) is_archived: bool,
    pub(crate) visit: Visit,
}

/// A place to go on from.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) at: At,
    /// The tickets since the last one.
    pub(crate) tickets: Vec<u64>,
    /// The least number of requests for the lists that gave them, as soon as that is known.
    pub(crate) least: u64,
}

/// Where it is.
#[derive(Debug)]
pub(crate) enum At {
    /// Amid a page, which is asked for again.
    Page,
    /// Behind a page of the search.
    Search(Box<zoho::Cursor>),
    /// Behind all of the search.
    Searched,
    /// Behind a page of a department's archived tickets.
    Archived(Place),
    /// Behind all of them.
    Department(String),
    /// Behind those of all departments.
    Listed,
    /// Behind so many tickets that were read once more.
    Again(usize),
}

/// Tickets between two marks: what is lost with an interruption is asked for again.
const TOGETHER: usize = 10;

impl Step {
    pub(crate) fn mark(at: At) -> Self {
        Self::Mark(Mark {
            at,
            tickets: Vec::new(),
            least: 0,
        })
    }
}

/// The tickets of a page, with marks among them, and `at` behind them.
pub(crate) fn marked(rows: Vec<Row>, at: At, least: u64) -> Vec<Step> {
    let mut steps = Vec::with_capacity(rows.len() + rows.len() / TOGETHER + 1);
    let mut tickets = Vec::new();
    for row in rows {
        if tickets.len() >= TOGETHER {
            let tickets = std::mem::take(&mut tickets);
            let (at, least) = (At::Page, 0);
            steps.push(Step::Mark(Mark { at, tickets, least }));
        }
        tickets.push(key(&row.id));
        steps.push(Step::Ticket(row));
    }
    steps.push(Step::Mark(Mark { at, tickets, least }));
    steps
}

/// The tickets that the search gives, and behind each page a mark.
pub(crate) fn searched<'s>(run: &'s Run<'_, '_>, records: Records<'s, 's>) -> impl Iterator<Item = Result<Step>> + 's {
    let pages = records.flat_map(move |page| match page.and_then(|page| steps(run, &page)) {
        Ok(steps) => steps.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    pages.chain([Ok(Step::mark(At::Searched))])
}

fn steps(run: &Run<'_, '_>, page: &zoho::Page) -> Result<Vec<Step>> {
    let mut rows = Vec::new();
    let mut given = run.given.borrow_mut();
    for record in page.records()? {
        let id = zoho::id(record)?;
        // Where an export goes on amid a page, it was written before.
        if given.insert(key(&id)) {
            rows.push(Row {
                id,
                record: Some(record.to_owned()),
                is_whole: page.is_detail(),
                is_archived: false,
                visit: Visit::First,
            });
        }
    }
    let at = page
        .cursor
        .clone()
        .map_or(At::Page, |cursor| At::Search(Box::new(cursor)));
    Ok(marked(rows, at, 0))
}

/// Tickets that were read as if drafts counted, once more; the first `done` of them are done.
pub(crate) fn again(unsure: Vec<(u64, Option<u64>)>, done: usize) -> impl Iterator<Item = Result<Step>> {
    let all = unsure.len();
    let left = unsure.into_iter().enumerate().skip(done);
    left.flat_map(move |(at, (ticket, thread))| {
        let row = Step::Ticket(Row {
            id: ticket.to_string(),
            record: None,
            is_whole: false,
            is_archived: false,
            visit: Visit::Again(thread),
        });
        let behind = at + 1;
        let mark = (behind % TOGETHER == 0 || behind == all).then(|| Step::mark(At::Again(behind)));
        [Some(row), mark].into_iter().flatten().map(Ok)
    })
}
