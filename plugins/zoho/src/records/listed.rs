//! The records of a module without its search: the plain list, and each record by itself.

use std::collections::VecDeque;

use plugin_api::{Desk, ErrorKind, ExportError, Kind, ListPages, Range, RawValue, Request, Result, Timestamp};
use serde::{Deserialize, Serialize};

use super::row::{Times, is_path_safe};
use super::{Body, Cursor, Facts, Module, Page, Place, id};
use crate::answer::is_of_one_record;
use crate::gone::Acquaintance;
use crate::least::SEARCH_LIMIT;
use crate::list::list_from;

/// Records in a page of a module's list, and the index of its first record: what counts from 1 takes 0 for 1, but for
/// articles, which refuse it, and pages of more than 50 (the API's specification, and seen on a live desk).
pub(super) fn pages_of(path: &str) -> (u64, u64) {
    if path == "/articles" {
        (50, 1)
    } else {
        (SEARCH_LIMIT, 0)
    }
}

/// Ids that a cursor keeps: one of them must still be there to go on from.
const KEPT: usize = 8;

/// How often an interrupted list is looked through further back, for records that went away meanwhile; half a page each.
const MAX_STEPS_BACK: u32 = 20;

/// Where the list stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListCursor {
    /// Records from the beginning of the list up to here.
    passed: u64,
    /// The ids of the last of them.
    last: VecDeque<String>,
}

impl ListCursor {
    /// Records from the beginning of the list up to here.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }
}

/// A list, and what of it is asked for.
pub(super) struct Listed {
    pub(super) module: Module,
    pub(super) kind: Kind,
    pub(super) range: Range,
    pub(super) facts: Facts,
    pub(super) acquaintance: Acquaintance,
}

/// A row of the list, its id, and where the list stands behind it.
type Row = (Box<RawValue>, String, ListCursor);

impl Listed {
    /// The records, from the beginning or behind a cursor, each as its detail with what only the list has of it.
    pub(super) fn pages<'d>(
        self,
        desk: &'d Desk<'_>,
        resume: Option<&ListCursor>,
    ) -> Result<Box<dyn Iterator<Item = Result<Page>> + 'd>> {
        let path = self.module.path;
        let base = Request::get(path);
        let base = self
            .module
            .list
            .iter()
            .fold(base, |request, (name, value)| request.query(*name, value));
        let facts = self.facts.clone();
        let rows = Rows::open(desk, &base, resume)?.inspect(move |row| {
            if row.is_ok() {
                facts.listed();
            }
        });
        let details = desk.each(rows, move |(_, id, _)| Some(Request::get(format!("{path}/{id}"))));
        let pages = details.filter_map(move |child| {
            let page = child.and_then(|child| {
                let Some(answer) = child.answer else { return Ok(None) };
                self.page(child.parent, answer)
            });
            page.transpose()
        });
        Ok(Box::new(pages))
    }

    /// A record that was read by itself; `None` if it is gone, can't be read, or is not asked for.
    fn page(&self, (row, id, behind): Row, answer: Result<plugin_api::Response>) -> Result<Option<Page>> {
        let record = match answer {
            Ok(answer) if answer.is_empty() => {
                self.facts.gone(id);
                return Ok(None);
            }
            Ok(answer) => {
                self.acquaintance.known();
                crate::union(answer.record()?, &row)?
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                self.acquaintance.unknown(&error)?;
                self.facts.gone(id);
                return Ok(None);
            }
            Err(error) if is_of_one_record(&error) => {
                self.facts.unread(id, error);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok(self.wants(&record)?.then(|| Page {
            body: Body::Detail(record),
            cursor: Some(Cursor(Place::List(behind))),
        }))
    }

    /// Whether a record is asked for. One without times can't be told to be outside: it is kept.
    fn wants(&self, record: &RawValue) -> Result<bool> {
        let times = Times::of(record)?;
        let inside = |time: Option<Timestamp>| time.map(|time| self.range.contains(time));
        let (created, modified) = (inside(times.created), inside(times.modified));
        Ok(match self.kind {
            Kind::Full => created.unwrap_or(true),
            Kind::Custom => created.unwrap_or(false) || modified.unwrap_or(created.is_none()),
            Kind::Incremental => modified.or(created).unwrap_or(true),
        })
    }
}

/// The rows of a list.
struct Rows<'d, 'a> {
    pages: ListPages<'d, 'a>,
    waiting: VecDeque<(Box<RawValue>, String)>,
    at: ListCursor,
}

impl<'d, 'a> Rows<'d, 'a> {
    fn open(desk: &'d Desk<'a>, base: &Request, resume: Option<&ListCursor>) -> Result<Self> {
        let (size, first) = pages_of(&base.path);
        let pages = |from| desk.list(base.clone(), &list_from("/data", size, from + first));
        let Some(cursor) = resume else {
            return Ok(Self {
                pages: pages(0)?,
                waiting: VecDeque::new(),
                at: ListCursor::default(),
            });
        };
        // The record behind which to go on is where it was, or further to the front where others went away.
        let mut from = cursor.passed.saturating_sub(KEPT as u64);
        for _ in 0..MAX_STEPS_BACK {
            let mut rows = Self {
                pages: pages(from)?,
                waiting: VecDeque::new(),
                at: cursor.clone(),
            };
            rows.read()?;
            let place = |id: &String| rows.waiting.iter().position(|(_, waiting)| waiting == id);
            if let Some(place) = cursor.last.iter().rev().find_map(place) {
                rows.waiting.drain(..=place);
                rows.at.passed = from + place as u64 + 1;
                return Ok(rows);
            }
            if from == 0 {
                break;
            }
            from = from.saturating_sub(size / 2);
        }
        let why = "the records behind which it was interrupted are gone from the list: make the backup anew";
        Err(ExportError::decode(&base.path, why))
    }

    /// Reads the next page; nothing is waiting behind the last one.
    fn read(&mut self) -> Result<()> {
        let Some(page) = self.pages.next().transpose()? else {
            return Ok(());
        };
        for record in page.records()? {
            let id = id(record)?;
            if !is_path_safe(&id) {
                let asked = &page.response.asked;
                return Err(ExportError::decode(asked, format_args!("{id:?} is no id of a record")));
            }
            self.waiting.push_back((record.to_owned(), id));
        }
        Ok(())
    }

    fn row(&mut self) -> Result<Option<Row>> {
        // A page that is given has a new record.
        if self.waiting.is_empty() {
            self.read()?;
        }
        let Some((row, id)) = self.waiting.pop_front() else {
            return Ok(None);
        };
        self.at.passed += 1;
        self.at.last.push_back(id.clone());
        if self.at.last.len() > KEPT {
            self.at.last.pop_front();
        }
        Ok(Some((row, id, self.at.clone())))
    }
}

impl Iterator for Rows<'_, '_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.row().transpose()
    }
}
