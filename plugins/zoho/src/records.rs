//! The records of a module that the desk has a search for.
//!
//! A full backup walks the search by the time of creation, which never changes, so that nothing is passed over while
//! records are edited. An incremental one walks by the time of the last change. A custom one walks by both, and leaves
//! out of the second walk what the first one gave. The end is fixed: the backup's start, or the end of its range if that
//! is earlier. What is changed later belongs to the next backup.
//!
//! Where these credentials may not search, the plain list names the records, and each is read by itself: the list's
//! rows have neither custom fields nor, mostly, the time of the last change.

use std::cell::Cell;
use std::collections::VecDeque;

use plugin_api::{
    Desk, ErrorKind, ExportError, Job, Kind, ListPages, Order, Range, RawValue, Request, Result, Search, SearchCursor,
    SearchPage, SearchPages, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::answer::{is_of_one_record, is_refused};
use crate::least::{SEARCH_LIMIT, list, list_with_count};
use crate::list::list_pages;

mod facts;
mod row;

pub use facts::Facts;
pub use row::id;
use row::{Times, is_path_safe};

/// The greatest `from` of a search for certain: the specification's.
const MAX_FROM: u64 = 999;

/// The greatest `from` that it may take: the documentation's, and that of live answers.
const TRY_FROM: u64 = 4_999;

/// A second, in microseconds: the desk's times have milliseconds, but mostly none other than 0, and what it does with
/// those of a range is not documented.
const RESOLUTION: i64 = 1_000_000;

/// A module with a search.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its path, e.g. `/contacts`: the list is there, the search at `/contacts/search`, a record at `/contacts/{id}`.
    pub path: &'static str,
    /// Query parameters of the list beside from and limit, e.g. its order.
    pub list: &'static [(&'static str, &'static str)],
}

/// Where [`Records`] stands, for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    walk: Walk,
    search: SearchCursor,
    /// As [`Facts`] had them.
    counted: facts::Counted,
}

impl Cursor {
    /// Reads it from [`Job::resume`].
    ///
    /// # Errors
    /// `Decode` if it is none, e.g. of another version.
    pub fn read(json: &serde_json::Value) -> Result<Self> {
        Self::deserialize(json).map_err(|error| ExportError::decode("the cursor", error))
    }
}

/// By which time a search is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Walk {
    Created,
    Modified,
}

impl Walk {
    fn field(self) -> &'static str {
        match self {
            Self::Created => "createdTime",
            Self::Modified => "modifiedTime",
        }
    }
}

/// Records that came together.
#[derive(Debug)]
pub struct Page {
    body: Body,
    facts: Facts,
    /// Whether the facts have its records.
    is_counted: Cell<bool>,
    /// Where the walk stands behind it: all records up to here have been given. `None` where it can't be gone on with.
    pub cursor: Option<Cursor>,
}

#[derive(Debug)]
enum Body {
    /// Rows of a search, but those that were created in this range.
    Search(SearchPage, Walk, Option<Range>),
    /// A record's detail, and what only the list has of it.
    Detail(Box<RawValue>),
}

impl Page {
    /// The records, each once in the whole walk.
    pub fn records(&self) -> Result<Vec<&RawValue>> {
        let (page, walk, given) = match &self.body {
            Body::Detail(record) => return Ok(vec![record]),
            Body::Search(page, walk, given) => (page, *walk, *given),
        };
        let mut records = page.records()?;
        // Only now: to tell the records of a page apart is most of the work.
        if !self.is_counted.replace(true) {
            self.facts.gave(walk == Walk::Modified, records.len() as u64);
        }
        if let Some(given) = given {
            records.retain(|record| !is_given(record, given));
        }
        Ok(records)
    }

    /// Whether these are details, with what only the list has of them, in place of rows of the search.
    pub fn is_detail(&self) -> bool {
        matches!(self.body, Body::Detail(_))
    }
}

/// Whether the walk by the time of creation gave this record.
fn is_given(record: &RawValue, given: Range) -> bool {
    let created = Times::of(record).ok().and_then(|times| times.created);
    created.is_some_and(|created| given.contains(created))
}

/// The records of a module that a job asks for, each once, page by page.
pub struct Records<'d, 'a> {
    desk: &'d Desk<'a>,
    module: Module,
    kind: Kind,
    /// What is asked for, up to its fixed end.
    range: Range,
    facts: Facts,
    source: Source<'d, 'a>,
}

enum Source<'d, 'a> {
    /// `true` until the first page came.
    Search(Walk, Box<SearchPages<'d, 'a>>, bool),
    List(Box<dyn Iterator<Item = Result<Page>> + 'd>),
    Ended,
}

impl<'d, 'a> Records<'d, 'a> {
    /// Begins, or goes on behind a page's cursor.
    pub fn open(desk: &'d Desk<'a>, job: &Job, module: Module, resume: Option<&Cursor>) -> Result<Self> {
        let mut range = job.range.unwrap_or(Range {
            from: Timestamp::from_micros(0),
            to: job.started,
        });
        range.to = range.to.min(job.started);
        let begin = if job.kind == Kind::Incremental {
            Walk::Modified
        } else {
            Walk::Created
        };
        let walk = resume.map_or(begin, |cursor| cursor.walk);
        let facts = Facts::default();
        if let Some(cursor) = resume {
            facts.resume(cursor.counted);
        }
        let pages = search(desk, module, walk, range, resume.map(|cursor| &cursor.search))?;
        Ok(Self {
            desk,
            module,
            kind: job.kind,
            range,
            facts,
            source: Source::Search(walk, Box::new(pages), resume.is_none()),
        })
    }

    /// What is found out besides the records.
    pub fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn page(&mut self) -> Result<Option<Page>> {
        loop {
            match &mut self.source {
                Source::Ended => return Ok(None),
                Source::List(pages) => return pages.next().transpose(),
                Source::Search(walk, pages, is_first) => {
                    let (walk, was_first) = (*walk, std::mem::replace(is_first, false));
                    match pages.next() {
                        Some(Ok(page)) => return self.found(walk, page).map(Some),
                        Some(Err(error)) if was_first && is_refused(&error) => {
                            self.source = Source::List(self.listed(&error)?);
                        }
                        Some(Err(error)) => return Err(error),
                        None => {
                            self.facts.walked(walk == Walk::Modified, pages.counted());
                            self.next_walk(walk)?;
                        }
                    }
                }
            }
        }
    }

    /// The page of a search, and what it says of the whole.
    fn found(&mut self, walk: Walk, page: SearchPage) -> Result<Page> {
        let Source::Search(_, pages, _) = &self.source else {
            return Err(ExportError::new(
                ErrorKind::Other,
                "a page of a search that is not walked",
            ));
        };
        self.facts.searched(walk == Walk::Modified, pages.expected());
        let given = (walk == Walk::Modified && self.kind == Kind::Custom).then_some(self.range);
        if let Some(given) = given {
            let records = page.records()?;
            let again = records.iter().filter(|record| is_given(record, given)).count();
            self.facts.gave_again(again as u64);
        }
        let cursor = Cursor {
            walk,
            search: pages.cursor(),
            counted: self.facts.counted(),
        };
        Ok(Page {
            body: Body::Search(page, walk, given),
            facts: self.facts(),
            is_counted: Cell::new(false),
            cursor: Some(cursor),
        })
    }

    /// What comes behind a walk.
    fn next_walk(&mut self, walk: Walk) -> Result<()> {
        self.source = if self.kind == Kind::Custom && walk == Walk::Created {
            let pages = search(self.desk, self.module, Walk::Modified, self.range, None)?;
            Source::Search(Walk::Modified, Box::new(pages), false)
        } else {
            self.facts.ended();
            Source::Ended
        };
        Ok(())
    }

    /// The list, and each of its records by itself.
    fn listed(&self, refusal: &ExportError) -> Result<Box<dyn Iterator<Item = Result<Page>> + 'd>> {
        self.facts.refused(&format!(
            "{}: searching is refused, so the list was read and each record by itself, which takes many more requests; \
             {}",
            self.module.path, refusal.message
        ));
        let (module, range, kind, facts) = (self.module, self.range, self.kind, self.facts.clone());
        let base = module
            .list
            .iter()
            .fold(Request::get(module.path), |request, (name, value)| {
                request.query(*name, value)
            });
        let pages = list_pages(self.desk, base, "/data", SEARCH_LIMIT)?;
        let told = facts.clone();
        let rows = Rows {
            pages,
            waiting: VecDeque::new(),
        }
        .inspect(move |row| {
            if row.is_ok() {
                told.listed();
            }
        });
        let details = self
            .desk
            .each(rows, move |(id, _)| Some(Request::get(format!("{}/{id}", module.path))));
        let records = details.filter_map(move |child| {
            let record = child.and_then(|child| {
                let (id, row) = child.parent;
                match child.answer.transpose() {
                    Ok(None) => Ok(None),
                    Ok(Some(answer)) => {
                        let record = crate::union(answer.record()?, &row)?;
                        Ok(wanted(&record, kind, range)?.then_some(record))
                    }
                    Err(error) if error.kind == ErrorKind::NotFound => {
                        facts.gone(id);
                        Ok(None)
                    }
                    Err(error) if is_of_one_record(&error) => {
                        facts.unread(id, error);
                        Ok(None)
                    }
                    Err(error) => Err(error),
                }
            });
            let page = record.map(|record| {
                record.map(|record| Page {
                    body: Body::Detail(record),
                    facts: facts.clone(),
                    is_counted: Cell::new(true),
                    cursor: None,
                })
            });
            page.transpose()
        });
        Ok(Box::new(records))
    }
}

/// Whether a record that was read by itself is asked for. One without times can't be told to be outside: it is kept.
fn wanted(record: &RawValue, kind: Kind, range: Range) -> Result<bool> {
    let times = Times::of(record)?;
    let inside = |time: Option<Timestamp>| time.map(|time| range.contains(time));
    let (created, modified) = (inside(times.created), inside(times.modified));
    Ok(match kind {
        Kind::Full => created.unwrap_or(true),
        Kind::Custom => created.unwrap_or(false) || modified.unwrap_or(created.is_none()),
        Kind::Incremental => modified.or(created).unwrap_or(true),
    })
}

fn search<'d, 'a>(
    desk: &'d Desk<'a>,
    module: Module,
    walk: Walk,
    range: Range,
    resume: Option<&SearchCursor>,
) -> Result<SearchPages<'d, 'a>> {
    let field = walk.field();
    let request = move |range: Range, order: Order| {
        let sign = if order == Order::Descending { "-" } else { "" };
        Request::get(format!("{}/search", module.path))
            .query(format!("{field}Range"), crate::range(range))
            .query("sortBy", format!("{sign}{field}"))
    };
    let search = Search {
        range,
        request: Box::new(request),
        offset: "from",
        first: 0,
        max_offset: MAX_FROM,
        try_offset: TRY_FROM,
        limit: "limit",
        size: SEARCH_LIMIT,
        items: "/data",
        count: Some("/count"),
        time: if walk == Walk::Created {
            "/createdTime"
        } else {
            "/modifiedTime"
        },
        id: "/id",
        overlap: RESOLUTION,
    };
    desk.search(search, resume)
}

/// The rows of a list with their ids.
struct Rows<'d, 'a> {
    pages: ListPages<'d, 'a>,
    waiting: VecDeque<Row>,
}

type Row = (String, Box<RawValue>);

impl Rows<'_, '_> {
    fn row(&mut self) -> Result<Option<Row>> {
        while self.waiting.is_empty() {
            let Some(page) = self.pages.next().transpose()? else {
                return Ok(None);
            };
            for record in page.records()? {
                let id = id(record)?;
                if !is_path_safe(&id) {
                    let asked = &page.response.asked;
                    return Err(ExportError::decode(asked, format_args!("{id:?} is no id of a record")));
                }
                self.waiting.push_back((id, record.to_owned()));
            }
        }
        Ok(self.waiting.pop_front())
    }
}

impl Iterator for Rows<'_, '_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.row().transpose()
    }
}

impl Iterator for Records<'_, '_> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        let page = self.page();
        if page.is_err() {
            self.source = Source::Ended;
        }
        page.transpose()
    }
}

/// The least number of requests for what each walk gave, or the list where there is no search.
fn least(walks: [Option<u64>; 2], listed: Option<u64>) -> u64 {
    match listed {
        Some(listed) => 1 + list(listed, SEARCH_LIMIT) + listed,
        None => walks
            .into_iter()
            .flatten()
            .map(|records| list_with_count(records, SEARCH_LIMIT))
            .sum(),
    }
}
