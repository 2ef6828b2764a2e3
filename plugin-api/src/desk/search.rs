//! A search that is walked by time.
//!
//! Offsets shift while records are added, changed and deleted, and most desks end them at a few thousand rows. A
//! walk by time has neither fault: each request asks for the records from the last moment seen onwards, in
//! ascending order of time, up to a fixed end. The range is cut in slices that are read side by side; slices
//! take turns, so that the order of the records does not depend on which answer was first.
//!
//! Whether a desk takes the ends of a range as inclusive is often not documented. So each request asks for a
//! little more on both sides, and a record belongs to the slice in which its own time lies; what comes twice is
//! dropped by its id.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Desk, Ticket};
use crate::response::scalar;
use crate::{ErrorKind, ExportError, Range, Request, Response, Result, Timestamp};

/// How often a slice reads one moment anew because its records went away meanwhile.
const MAX_RESTARTS: u32 = 20;

/// Pages that a slice has at least, by the desk's count: each slice ends with a page that is not full.
const PAGES_PER_SLICE: u64 = 20;

/// What a search by time needs to know of the desk. It is written as a literal: all of it has to be said. Fields are
/// added only in 2.0.
pub struct Search<'s> {
    /// The whole range; records whose time lies outside are dropped.
    pub range: Range,
    /// Makes the request for a range, sorted by time in this order. Offset and limit are added to it.
    pub request: Box<dyn Fn(Range, Order) -> Request + 's>,
    /// The query parameter for the offset.
    pub offset: &'static str,
    /// The first offset: 0 or 1.
    pub first: u64,
    /// The greatest offset that the desk allows, as far as is known: a desk that refuses it is asked for less.
    pub max_offset: u64,
    /// The query parameter for the size of a page.
    pub limit: &'static str,
    /// Records in a page.
    pub size: u64,
    /// Where an answer has its records: a JSON pointer.
    pub items: &'static str,
    /// Where an answer says how many records match; without it the walk is one slice, and one more request makes sure
    /// of its end. It says more than there are in the range: each request reaches beyond it.
    pub count: Option<&'static str>,
    /// Where a record has its time, a JSON pointer.
    pub time: &'static str,
    /// Where a record has its id, a JSON pointer.
    pub id: &'static str,
    /// The resolution of the desk's times, in microseconds, more than 0: each request reaches so far beyond the range
    /// on both sides, because whether its ends belong to it is not known.
    pub overlap: i64,
}

/// The order of a search by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The oldest record first.
    #[default]
    Ascending,
    /// The newest record first: for a desk that refuses the other.
    Descending,
}

/// Where a walk stands, between two pages. It goes into a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchCursor {
    slices: Vec<Slice>,
    turn: usize,
    #[serde(default)]
    count: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slice {
    range: Range,
    /// The last moment seen.
    low: Timestamp,
    /// Records read from `low` on, where one page did not hold all of that moment.
    offset: u64,
    /// The most records that a page had: one with fewer is the last.
    #[serde(default)]
    largest: u64,
    #[serde(default)]
    restarts: u32,
    /// Ids that the next page may hold again, and their times.
    seen: HashMap<String, Timestamp>,
    ended: bool,
}

/// A page of a search: the answer, and which of its records are new.
#[derive(Debug)]
pub struct SearchPage {
    /// The answer.
    pub response: Response,
    items: &'static str,
    fresh: Vec<bool>,
}

impl SearchPage {
    /// The records that were not given before and lie in the range.
    pub fn records(&self) -> Result<Vec<&RawValue>> {
        let records = self.response.records(self.items)?;
        Ok(records
            .into_iter()
            .zip(&self.fresh)
            .filter(|(_, fresh)| **fresh)
            .map(|(record, _)| record)
            .collect())
    }
}

/// Iterator of [`Desk::search`].
pub struct SearchPages<'d, 'a> {
    desk: &'d Desk<'a>,
    search: Search<'d>,
    slices: Vec<Slice>,
    /// The request under way of each slice.
    tickets: Vec<Option<Ticket>>,
    /// Slices that are not ended, the next one first.
    turns: VecDeque<usize>,
    /// What the desk said matches the whole range.
    count: Option<u64>,
    failed: bool,
}

impl<'d, 'a> SearchPages<'d, 'a> {
    pub(super) fn new(desk: &'d Desk<'a>, search: Search<'d>, resume: Option<&SearchCursor>) -> Result<Self> {
        if search.size == 0 || search.overlap <= 0 {
            return Err(ExportError::new(
                ErrorKind::Misuse,
                "a search needs a page size and an overlap",
            ));
        }
        let mut pages = Self {
            desk,
            slices: Vec::new(),
            tickets: Vec::new(),
            turns: VecDeque::new(),
            count: None,
            failed: false,
            search,
        };
        match resume {
            // A cursor of a walk that has not begun, e.g. a default, leaves nothing out.
            Some(cursor) if !cursor.slices.is_empty() => {
                pages.count = cursor.count;
                pages.slices.clone_from(&cursor.slices);
                let order = (cursor.turn..pages.slices.len()).chain(0..cursor.turn.min(pages.slices.len()));
                pages.turns = order.filter(|&at| !pages.slices[at].ended).collect();
            }
            _ if pages.search.range.from < pages.search.range.to => {
                pages.slices.push(Slice::new(pages.search.range));
                pages.turns.push_back(0);
            }
            _ => {}
        }
        pages.tickets = vec![None; pages.slices.len()];
        Ok(pages)
    }

    /// Where the walk stands behind the page that was given last.
    pub fn cursor(&self) -> SearchCursor {
        SearchCursor {
            slices: self.slices.clone(),
            turn: self.turns.front().copied().unwrap_or(0),
            count: self.count,
        }
    }

    /// How many records the desk said match, as soon as it did: about as many as the range has, for the progress bar.
    /// It is not the count for [`Output::desk_count`](crate::Output::desk_count).
    pub fn expected(&self) -> Option<u64> {
        self.count
    }

    /// Asks for the next page of every slice that has none under way, as far as the window allows; but of the slice
    /// whose turn it is in any case: other iterators may have taken the whole window.
    fn ask(&mut self) -> Result<()> {
        let mut under_way = self.tickets.iter().flatten().count();
        for (number, &at) in self.turns.iter().enumerate() {
            if self.tickets[at].is_none() && (number == 0 || self.desk.may_submit(under_way)) {
                let request = self.slices[at].request(&self.search);
                self.tickets[at] = Some(self.desk.submit(&request)?);
                under_way += 1;
            }
        }
        Ok(())
    }

    fn page(&mut self) -> Result<Option<SearchPage>> {
        self.ask()?;
        let Some(at) = self.turns.pop_front() else {
            return Ok(None);
        };
        let Some(ticket) = self.tickets[at].take() else {
            return Err(ExportError::new(
                ErrorKind::Other,
                "a slice of the search was not asked for",
            ));
        };
        let response = self.desk.judged(self.desk.take(ticket)?)?;
        let fresh = self.slices[at].advance(&self.search, &response)?;
        if self.count.is_none()
            && let Some(pointer) = self.search.count
        {
            self.count = Some(response.count(pointer)?);
            self.cut(at);
        }
        if !self.slices[at].ended {
            self.turns.push_back(at);
        }
        Ok(Some(SearchPage {
            response,
            items: self.search.items,
            fresh,
        }))
    }

    /// Cuts what is left of the only slice in as many as the count is worth.
    fn cut(&mut self, at: usize) {
        let (slice, count) = (&mut self.slices[at], self.count.unwrap_or(0));
        let parts = (count / self.search.size / PAGES_PER_SLICE).min(self.desk.window as u64) as i64;
        let (from, to) = (slice.low.micros(), slice.range.to.micros());
        let width = to.saturating_sub(from) / parts.max(1);
        if slice.ended || parts < 2 || width <= self.search.overlap {
            return;
        }
        let bound = |part: i64| Timestamp::from_micros(if part == parts { to } else { from + part * width });
        let largest = slice.largest;
        slice.range.to = bound(1);
        for part in 1..parts {
            let range = Range {
                from: bound(part),
                to: bound(part + 1),
            };
            self.turns.push_back(self.slices.len());
            self.slices.push(Slice {
                largest,
                ..Slice::new(range)
            });
            self.tickets.push(None);
        }
    }
}

impl Slice {
    fn new(range: Range) -> Self {
        Self {
            range,
            low: range.from,
            offset: 0,
            largest: 0,
            restarts: 0,
            seen: HashMap::new(),
            ended: false,
        }
    }

    fn request(&self, search: &Search<'_>) -> Request {
        let wide = Range {
            from: Timestamp::from_micros(self.low.micros().saturating_sub(search.overlap)),
            to: Timestamp::from_micros(self.range.to.micros().saturating_add(search.overlap)),
        };
        (search.request)(wide, Order::Ascending)
            .query(search.offset, search.first + self.asked_offset())
            .query(search.limit, search.size)
    }

    /// The next request within one moment asks for the last record of the page before once more: if it is not there,
    /// records went away, and those behind them moved up.
    fn asked_offset(&self) -> u64 {
        if self.largest > 1 {
            self.offset.saturating_sub(1)
        } else {
            self.offset
        }
    }

    /// Takes a page in, says which of its records are new, and moves on.
    fn advance(&mut self, search: &Search<'_>, response: &Response) -> Result<Vec<bool>> {
        let wrong = |what: &str| ExportError::decode(&response.asked, what);
        let scalar = |record: &RawValue, pointer| scalar(record, pointer).map_err(|why| wrong(&why));
        let records = response.records(search.items)?;
        let mut keys = Vec::with_capacity(records.len());
        for record in &records {
            let time = scalar(record, search.time)?.and_then(|text| Timestamp::parse(&text));
            let time = time.ok_or_else(|| wrong(&format!("a record has no time at {}", search.time)))?;
            let id = scalar(record, search.id)?;
            let id = id.ok_or_else(|| wrong(&format!("a record has no id at {}", search.id)))?;
            keys.push((time, id));
        }
        if !keys.is_sorted_by_key(|(time, _)| *time) {
            return Err(wrong("the records are not in ascending order of time"));
        }
        let (asked, length) = (self.asked_offset(), keys.len() as u64);
        let first_is_known = keys.first().is_some_and(|(_, id)| self.seen.contains_key(id));
        let moved_up = asked < self.offset && !first_is_known;
        let last = keys.last().map(|(time, _)| *time);
        let mut anything_new = false;
        let fresh = keys
            .into_iter()
            .map(|(time, id)| {
                let is_new = self.seen.insert(id, time).is_none();
                anything_new |= is_new;
                is_new && self.range.contains(time)
            })
            .collect();
        // A desk may give smaller pages than it was asked for: only a page that is smaller than an earlier one, or
        // one with nothing new to ask behind, is the last.
        let count = search.count.and_then(|pointer| response.count(pointer).ok());
        let more = count.is_some_and(|count| count > asked + length);
        let short = if search.count.is_some() {
            length < self.largest && !more
        } else {
            // Nobody says how many there are, and a page may be short because the desk hides a record of it: the end
            // is only where nothing is behind what was read.
            !anything_new && asked + length <= self.offset
        };
        self.largest = self.largest.max(length);
        let stuck = more && asked + length <= self.offset && last.is_none_or(|last| last <= self.low);
        if moved_up || stuck {
            self.restarts += 1;
            if self.restarts > MAX_RESTARTS {
                let message = format!(
                    "the records of the moment {} change faster than they are read: try again when the desk is calmer",
                    self.low
                );
                return Err(wrong(&message));
            }
            self.offset = 0;
            return Ok(fresh);
        }
        let Some(last) = last.filter(|last| !short && *last < self.range.to) else {
            self.ended = true;
            self.seen.clear();
            return Ok(fresh);
        };
        if last > self.low {
            self.low = last;
            self.offset = 0;
            self.restarts = 0;
            // The next request reaches back by the overlap: older records can't come again.
            let reach = last.micros().saturating_sub(search.overlap);
            self.seen.retain(|_, time| time.micros() >= reach);
            return Ok(fresh);
        }
        self.offset = asked + length;
        if search.first + self.asked_offset() > search.max_offset {
            let message = format!(
                "more than {} records share the moment {}: the desk does not list them all",
                search.max_offset, self.low
            );
            return Err(wrong(&message));
        }
        Ok(fresh)
    }
}

impl Iterator for SearchPages<'_, '_> {
    type Item = Result<SearchPage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let page = self.page();
        self.failed = page.is_err();
        page.transpose()
    }
}

impl Drop for SearchPages<'_, '_> {
    fn drop(&mut self) {
        for ticket in self.tickets.iter().flatten() {
            self.desk.forget(*ticket);
        }
    }
}
