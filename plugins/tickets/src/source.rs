//! Where tickets come from: the search, page by page, and behind it the archived lists.

use plugin_api::{ExportError, RawValue, Result};
use zoho::{Module, Records};

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
pub(crate) enum Mark {
    /// Behind a page of the search.
    Page(Box<zoho::Cursor>),
    /// Behind all of the search.
    Searched,
    /// Behind a department's archived tickets.
    Department(String),
}

/// The tickets that the search gives, and behind each page a mark.
pub(crate) fn searched<'s>(run: &'s Run<'_, '_>, records: Records<'s, 's>) -> impl Iterator<Item = Result<Step>> + 's {
    let pages = records.flat_map(move |page| match page.and_then(|page| steps(run, &page)) {
        Ok(steps) => steps.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    pages.chain([Ok(Step::Mark(Mark::Searched))])
}

fn steps(run: &Run<'_, '_>, page: &zoho::Page) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut given = run.given.borrow_mut();
    for record in page.records()? {
        let id = zoho::id(record)?;
        given.insert(key(&id));
        steps.push(Step::Ticket(Row {
            id,
            record: Some(record.to_owned()),
            is_whole: page.is_detail(),
            is_archived: false,
            visit: Visit::First,
        }));
    }
    steps.extend(
        page.cursor
            .clone()
            .map(|cursor| Step::Mark(Mark::Page(Box::new(cursor)))),
    );
    Ok(steps)
}

/// Tickets that were read as if drafts counted, once more.
pub(crate) fn again(unsure: Vec<(u64, Option<u64>)>) -> impl Iterator<Item = Result<Step>> {
    unsure.into_iter().map(|(ticket, thread)| {
        Ok(Step::Ticket(Row {
            id: ticket.to_string(),
            record: None,
            is_whole: false,
            is_archived: false,
            visit: Visit::Again(thread),
        }))
    })
}
