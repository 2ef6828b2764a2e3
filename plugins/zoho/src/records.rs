//! The records of a module that the desk has a search for.
//!
//! A full backup walks the search by the time of creation, which never changes, so that nothing is passed over while
//! records are edited. An incremental one walks by the time of the last change. A custom one walks by both, and leaves
//! out of the second walk what the first one gave. The end is fixed: the backup's start, or the end of its range if that
//! is earlier. What is changed later belongs to the next backup.
//!
//! Where these credentials may not search, the plain list names the records, and each is read by itself: the list's
//! rows have neither custom fields nor, mostly, the time of the last change.

use plugin_api::{
    Desk, ErrorKind, ExportError, Job, Kind, Order, Range, RawValue, Request, Result, Search, SearchCursor, SearchPage,
    SearchPages, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::answer::is_refused;
use crate::gone::Acquaintance;
use crate::least::{SEARCH_LIMIT, list, list_with_count};

mod facts;
mod listed;
mod row;

pub use facts::Facts;
use listed::{ListCursor, Listed};
use row::Times;
pub use row::{id, is_path_safe as is_id};

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
pub struct Cursor(Place);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Search {
        walk: Walk,
        search: Box<SearchCursor>,
        /// As [`Facts`] had them.
        counted: facts::Counted,
    },
    List(ListCursor),
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
    /// Where the walk stands behind it: all records up to here have been given. `None` where it can't be gone on with.
    pub cursor: Option<Cursor>,
}

#[derive(Debug)]
enum Body {
    /// Rows of a search, but those that were created in this range.
    Search(SearchPage, Option<Range>),
    /// A record's detail, and what only the list has of it.
    Detail(Box<RawValue>),
}

impl Page {
    /// The records, each once in the whole walk.
    pub fn records(&self) -> Result<Vec<&RawValue>> {
        let (page, given) = match &self.body {
            Body::Detail(record) => return Ok(vec![record]),
            Body::Search(page, given) => (page, *given),
        };
        let mut records = page.records()?;
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
        let mut records = Self {
            desk,
            module,
            kind: job.kind,
            range,
            facts: Facts::default(),
            source: Source::Ended,
        };
        records.source = match resume {
            None => Source::Search(begin, Box::new(records.search(begin, None)?), true),
            Some(Cursor(Place::Search { walk, search, counted })) => {
                records.facts.resume(*counted);
                Source::Search(*walk, Box::new(records.search(*walk, Some(search))?), false)
            }
            Some(Cursor(Place::List(cursor))) => records.listed(Some(cursor))?,
        };
        Ok(records)
    }

    /// What is found out besides the records.
    pub fn facts(&self) -> Facts {
        self.facts.clone()
    }

    /// The records of pages that have come and are given next, without the first `passed` pages: what they are can be
    /// counted for a forecast. And how many such pages there are.
    pub fn ahead(&self, passed: usize) -> Result<(Vec<&RawValue>, usize)> {
        let Source::Search(walk, pages, _) = &self.source else {
            return Ok((Vec::new(), 0));
        };
        let given = self.given(*walk);
        let mut records = Vec::new();
        for page in pages.ahead().skip(passed) {
            let new = page.records()?.into_iter();
            records.extend(new.filter(|record| given.is_none_or(|given| !is_given(record, given))));
        }
        Ok((records, pages.ahead().len()))
    }

    /// The range of what an earlier walk gave.
    fn given(&self, walk: Walk) -> Option<Range> {
        (walk == Walk::Modified && self.kind == Kind::Custom).then_some(self.range)
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
                            self.facts.remark(format!(
                                "{}: the list was read, and each record by itself, which takes many more requests: searching is refused: {}",
                                self.module.path, error.message
                            ));
                            self.source = self.listed(None)?;
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
        self.facts
            .searched(walk == Walk::Modified, page.count(), pages.expected());
        let given = self.given(walk);
        if let Some(given) = given {
            let records = page.records()?;
            let again = records.iter().filter(|record| is_given(record, given)).count();
            self.facts.gave_again(again as u64);
        }
        let cursor = Cursor(Place::Search {
            walk,
            search: Box::new(pages.cursor()),
            counted: self.facts.counted(),
        });
        Ok(Page {
            body: Body::Search(page, given),
            cursor: Some(cursor),
        })
    }

    /// What comes behind a walk.
    fn next_walk(&mut self, walk: Walk) -> Result<()> {
        self.source = if self.kind == Kind::Custom && walk == Walk::Created {
            let pages = self.search(Walk::Modified, None)?;
            Source::Search(Walk::Modified, Box::new(pages), false)
        } else {
            self.facts.ended();
            Source::Ended
        };
        Ok(())
    }

    fn search(&self, walk: Walk, resume: Option<&SearchCursor>) -> Result<SearchPages<'d, 'a>> {
        let field = walk.field();
        let path = self.module.path;
        let request = move |range: Range, order: Order| {
            let sign = if order == Order::Descending { "-" } else { "" };
            Request::get(format!("{path}/search"))
                .query(format!("{field}Range"), crate::range(range))
                .query("sortBy", format!("{sign}{field}"))
        };
        let search = Search {
            range: self.range,
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
        self.desk.search(search, resume)
    }

    /// The same without searching.
    fn listed(&self, resume: Option<&ListCursor>) -> Result<Source<'d, 'a>> {
        let passed = resume.map_or(0, ListCursor::passed);
        self.facts.refused(listed::pages_of(self.module.path).0, passed);
        let acquaintance = Acquaintance::default();
        if passed > 0 {
            acquaintance.known();
        }
        let listed = Listed {
            module: self.module,
            kind: self.kind,
            range: self.range,
            facts: self.facts(),
            acquaintance,
        };
        Ok(Source::List(listed.pages(self.desk, resume)?))
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
fn least(walks: [Option<u64>; 2], listed: Option<u64>, page: u64) -> u64 {
    match listed {
        Some(listed) => 1 + list(listed, page) + listed,
        None => walks
            .into_iter()
            .flatten()
            .map(|records| list_with_count(records, SEARCH_LIMIT))
            .sum(),
    }
}
