//! A search that is walked by time, with as few requests as the desk's rules allow.
//!
//! The first page tells how many records match. The others are asked for by offset, as many at one time as the window
//! allows: a *batch*. Nothing of a batch is given before all of it is there, and every answer counts the same number of
//! records: then none came or went meanwhile that shifted the offsets. If one did, the batch is thrown away, and the
//! walk goes back to the last gap between two records, and on from there page by page, with an overlap, until the
//! desk is quiet again. Where the desk's offsets end the walk begins a new query in such a gap as well: a moment
//! without records, so that it does not matter whether the ends of a range belong to it, and no record is asked for twice.
//!
//! What can't be seen from outside: that between two answers one record went *and* another came. A walk by time of
//! creation has it only where records are restored.
//!
//! Start with [`SearchPages`]; [`state`] decides, and makes no requests.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::rows::{Pointers, Rows};
use self::state::{Refused, State};
use super::{Desk, Ticket};
use crate::{ErrorKind, ExportError, Range, Request, Response, Result};

mod rows;
mod state;

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
    /// The greatest offset that the desk allows for certain. It costs nothing to be careful here: where offsets end, the
    /// walk goes on by time.
    pub max_offset: u64,
    /// The greatest offset that it may allow. It is tried only where too many records share a moment, or in a walk so
    /// long that one refused request (422) does not count; `max_offset` where nothing more is to be tried.
    pub try_offset: u64,
    /// The query parameter for the size of a page.
    pub limit: &'static str,
    /// Records in a page.
    pub size: u64,
    /// Where an answer has its records: a JSON pointer.
    pub items: &'static str,
    /// Where an answer says how many records match. Without it pages are asked for one after the other, each overlaps
    /// the one before, and one more request makes sure of the end. It says more than there are in the range: each
    /// request reaches beyond it.
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
#[serde(deny_unknown_fields)]
pub struct SearchCursor {
    state: Option<State>,
}

/// What the desk counts for exactly the range of a walk: for [`Output::desk_count`](crate::Output::desk_count) and
/// [`Output::desk_count_after`](crate::Output::desk_count_after).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// At the beginning.
    pub before: u64,
    /// Behind the last page; it is asked for only where the count changed meanwhile, or is not what was given.
    pub after: Option<u64>,
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
    /// How many records it has that were not given before.
    pub fn count(&self) -> u64 {
        self.fresh.iter().filter(|fresh| **fresh).count() as u64
    }

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
    pointers: Pointers,
    /// Behind the page that was given last.
    given: State,
    /// Behind the last page that is known to be good.
    ahead: State,
    /// Pages that are good, with the state behind each.
    ready: VecDeque<(SearchPage, State)>,
    /// The requests under way, with their offsets.
    batch: VecDeque<(u64, Ticket)>,
    failed: bool,
}

impl<'d, 'a> SearchPages<'d, 'a> {
    pub(super) fn new(desk: &'d Desk<'a>, search: Search<'d>, resume: Option<&SearchCursor>) -> Result<Self> {
        if search.size == 0 || search.overlap <= 0 {
            let message = "a search needs a page size and an overlap of more than 0";
            return Err(ExportError::new(ErrorKind::Misuse, message));
        }
        // A cursor of a walk that has not begun, e.g. a default, leaves nothing out.
        let given = match resume.and_then(|cursor| cursor.state.clone()) {
            Some(state) if !state.is_new() => state,
            _ => State::new(&search),
        };
        let mut ahead = given.clone();
        if !ahead.is_new() && !ahead.ended {
            ahead.go_back(&search);
        }
        Ok(Self {
            desk,
            pointers: Pointers::new(&search)?,
            search,
            given,
            ahead,
            ready: VecDeque::new(),
            batch: VecDeque::new(),
            failed: false,
        })
    }

    /// Where the walk stands behind the page that was given last.
    pub fn cursor(&self) -> SearchCursor {
        SearchCursor {
            state: Some(self.given.clone()),
        }
    }

    /// How many records the desk said match, as soon as it did: about as many as the range has, for the progress bar.
    /// It is not the count for [`Output::desk_count`](crate::Output::desk_count): that is [`counted`](Self::counted).
    pub fn expected(&self) -> Option<u64> {
        self.given.expected()
    }

    /// Pages that have come and are given next: what they hold can be counted for a forecast before it is worked on.
    pub fn ahead(&self) -> impl ExactSizeIterator<Item = &SearchPage> {
        self.ready.iter().map(|(page, _)| page)
    }

    /// What the desk counts for the range, once the walk has come to its end; `None` before, and where the desk does
    /// not count.
    pub fn counted(&self) -> Option<Counted> {
        let (before, after) = self.given.counted()?;
        Some(Counted { before, after })
    }

    fn request(&self, state: &State, offset: u64, limit: u64) -> Request {
        (self.search.request)(state.query(&self.search), state.asks())
            .query(self.search.offset, self.search.first.saturating_add(offset))
            .query(self.search.limit, limit)
    }

    /// Asks for the next batch.
    fn ask(&mut self) -> Result<()> {
        let mut ahead = self.ahead.clone();
        let offsets = ahead
            .offsets(&self.search, self.desk.window)
            .map_err(|why| self.wrong(&why))?;
        self.ahead = ahead;
        for offset in offsets {
            // Other iterators may have taken the whole window: one is asked for in any case.
            if !self.desk.may_submit(self.batch.len()) {
                break;
            }
            let request = self.request(&self.ahead, offset, self.search.size);
            let ticket = self.desk.submit_page(request, self.batch.len())?;
            self.batch.push_back((offset, ticket));
        }
        Ok(())
    }

    /// Waits for the whole batch, and makes its pages ready if it is good.
    fn receive(&mut self) -> Result<()> {
        let mut answers = Vec::with_capacity(self.batch.len());
        while let Some((offset, ticket)) = self.batch.pop_front() {
            answers.push((offset, self.desk.take(ticket)?));
        }
        let mut state = self.ahead.clone();
        let mut good = Vec::with_capacity(answers.len());
        for (offset, response) in answers {
            if response.status == 422 && self.ahead.is_new() && state.asks() == Order::Ascending {
                self.ahead.descend();
                return Ok(());
            }
            if response.status == 422 && state.refused(&self.search, offset, greatest(&response, self.search.offset)) {
                break;
            }
            let response = self.desk.judged(response)?;
            let rows = Rows::read(&self.search, &self.pointers, &response)?;
            match state.take(&self.search, offset, rows) {
                Ok(fresh) => {
                    let page = SearchPage {
                        response,
                        items: self.search.items,
                        fresh,
                    };
                    good.push((page, state.clone()));
                }
                Err(Refused::Changed) => {
                    self.ahead.go_back_after(&self.search, &state);
                    return Ok(());
                }
                Err(Refused::Wrong(why)) => return Err(ExportError::decode(&response.asked, why)),
            }
        }
        self.ahead = state;
        for (page, _) in &good {
            self.desk.hold(&page.response);
        }
        self.ready.extend(good);
        Ok(())
    }

    fn wrong(&self, why: &str) -> ExportError {
        let request = self.request(&self.ahead, 0, self.search.size);
        ExportError::decode(super::asked(&request), why)
    }

    fn page(&mut self) -> Result<Option<SearchPage>> {
        loop {
            if self.batch.is_empty() && !self.ahead.ended {
                self.ask()?;
            }
            if let Some((page, state)) = self.ready.pop_front() {
                self.desk.release(&page.response);
                self.given = state;
                return Ok(Some(page));
            }
            if self.ahead.ended {
                self.given = self.ahead.clone();
                self.count_again()?;
                return Ok(None);
            }
            self.receive()?;
        }
    }

    /// Asks for the count once more, where it changed meanwhile.
    fn count_again(&mut self) -> Result<()> {
        let Some(pointer) = self.search.count.filter(|_| self.given.wants_last_count()) else {
            return Ok(());
        };
        let request = self.request(&self.given.whole(), 0, 1);
        let response = self.desk.judged(self.desk.send(&request)?)?;
        self.given.set_last_count(response.count(pointer)?);
        self.ahead = self.given.clone();
        Ok(())
    }
}

/// The greatest offset that a refusal names: `... 'from' exceeds the range of '0-999'`.
fn greatest(response: &Response, offset: &str) -> Option<u64> {
    let said = std::str::from_utf8(response.body())
        .ok()
        .filter(|said| said.contains(offset))?;
    range_named(said).map(|(_, last)| last)
}

/// The range that a text names: `range of '1-50'`.
pub(super) fn range_named(said: &str) -> Option<(u64, u64)> {
    let (_, named) = said.split_once("range of '")?;
    let (first, rest) = named.split_once('-')?;
    let (last, _) = rest.split_once('\'')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
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
        for (_, ticket) in &self.batch {
            self.desk.forget(*ticket);
        }
        for (page, _) in &self.ready {
            self.desk.release(&page.response);
        }
    }
}
