//! Where tickets come from: the search, page by page, and behind it the archived lists.

use plugin_api::{ExportError, RawValue, Result};
use zoho::{Module, Records};

use crate::archived::Place;
use crate::foreseen::{self, Tickets};
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
    /// Requests that it takes, by what the list has of it.
    pub(crate) foreseen: u64,
}

/// A place to go on from.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) at: At,
    /// The tickets since the last one.
    pub(crate) tickets: Vec<u64>,
    /// The same, by what their lists have of them.
    pub(crate) foreseen: Tickets,
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
        Self::Mark(Mark::new(at))
    }
}

impl Mark {
    fn new(at: At) -> Self {
        Self {
            at,
            tickets: Vec::new(),
            foreseen: Tickets::default(),
            least: 0,
        }
    }
}

/// The tickets of a page, with marks among them, and `at` behind them.
pub(crate) fn marked(rows: Vec<Row>, at: At, least: u64) -> Vec<Step> {
    let mut steps = Vec::with_capacity(rows.len() + rows.len() / TOGETHER + 1);
    let mut mark = Mark::new(At::Page);
    for row in rows {
        if mark.tickets.len() >= TOGETHER {
            steps.push(Step::Mark(std::mem::replace(&mut mark, Mark::new(At::Page))));
        }
        mark.tickets.push(key(&row.id));
        mark.foreseen.add(row.foreseen);
        steps.push(Step::Ticket(row));
    }
    (mark.at, mark.least) = (at, least);
    steps.push(Step::Mark(mark));
    steps
}

/// The tickets that the search gives, and behind each page a mark.
pub(crate) fn searched<'s>(
    run: &'s Run<'_, '_>,
    mut records: Records<'s, 's>,
) -> impl Iterator<Item = Result<Step>> + 's {
    let pages = std::iter::from_fn(move || {
        let page = records.next()?;
        let steps = page.and_then(|page| {
            let steps = steps(run, &page)?;
            let mut foreseen = run.foreseen.borrow_mut();
            // What is wrong with them is told when they are given.
            let (ahead, pages) = records.ahead(foreseen.pages()).unwrap_or_default();
            foreseen.ahead(&ahead, pages);
            Ok(steps)
        });
        Some(match steps {
            Ok(steps) => steps.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    });
    pages.flatten().chain([Ok(Step::mark(At::Searched))])
}

fn steps(run: &Run<'_, '_>, page: &zoho::Page) -> Result<Vec<Step>> {
    let mut rows = Vec::new();
    let mut given = run.given.borrow_mut();
    let mut foreseen = run.foreseen.borrow_mut();
    let records = page.records()?;
    let is_listed = foreseen.given(records.len() as u64);
    for record in records {
        let requests = foreseen::of_row(record);
        if !is_listed {
            foreseen.list(requests);
        }
        let id = zoho::id(record)?;
        // Where an export goes on amid a page, it was written before.
        if given.insert(key(&id)) {
            rows.push(Row {
                id,
                record: Some(record.to_owned()),
                is_whole: page.is_detail(),
                is_archived: false,
                visit: Visit::First,
                foreseen: requests,
            });
        } else {
            foreseen.unlist(requests);
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
            foreseen: 0,
        });
        let behind = at + 1;
        let mark = (behind % TOGETHER == 0 || behind == all).then(|| Step::mark(At::Again(behind)));
        [Some(row), mark].into_iter().flatten().map(Ok)
    })
}
