//! A list that is read by offset, for a desk that neither counts nor sorts as one could wish.
//!
//! Offsets shift while records come and go. With an overlap each page shows the last record of the page before once more:
//! where it does not, records went away, and the walk steps back until it finds one that it knows. Whether a desk counts
//! from 0 or from 1 shows in the same way, at no cost.

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::search::range_named;
use super::{Desk, Ticket};
use crate::response::scalar;
use crate::{ErrorKind, ExportError, Request, Response, Result};

/// How often a list steps back, without getting ahead, because records went away meanwhile.
const MAX_STEPS_BACK: u32 = 20;

/// Sizes to which desks cut pages without a word, whatever they were asked for.
const CUTS: [u64; 4] = [10, 25, 50, 100];

/// What a list by offset needs to know of the desk.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// The query parameter for the offset.
    pub offset: &'static str,
    /// The first offset: 0, or 1. Where it is contested, 0: a desk that counts from 1 takes 0 for 1, or refuses it with 422
    /// and is then asked from 1 on.
    pub first: u64,
    /// The query parameter for the size of a page.
    pub limit: &'static str,
    /// Records in a page, as documented. A desk that refuses so many with 422, and names how many it gives
    /// (`exceeds the range of '1-50'`), is asked for those. For one that gives fewer without a word
    /// see [`asks_on`](List::asks_on).
    pub size: u64,
    /// Where an answer has its records: a JSON pointer.
    pub items: &'static str,
    /// Where a record has its id: a JSON pointer.
    pub id: &'static str,
    /// How many records there are, where the desk says so: pages are asked for side by side, and nothing behind the one
    /// that completes them. Fewer or more are no error; hold them against
    /// [`Output::desk_count`](crate::Output::desk_count).
    pub total: Option<u64>,
    /// Whether each page repeats the last record of the one before, for a list that may change while it is read. A list
    /// without is read with one page in `size` less.
    pub overlap: bool,
    /// Whether one more request makes sure of the end behind a first page that a desk [may have cut](List::may_be_cut). A
    /// list that is held against a count of the desk does without.
    pub asks_on: bool,
}

/// A page of a list: the answer, and which of its records are new.
#[derive(Debug)]
pub struct ListPage {
    /// The answer.
    pub response: Response,
    items: &'static str,
    fresh: Vec<bool>,
}

impl List {
    /// Whether a first page with so many records, where `asked` were asked for, may have been cut short by a desk that
    /// gives fewer and does not say so: only another page shows whether the list goes on.
    pub fn may_be_cut(records: u64, asked: u64) -> bool {
        records < asked && CUTS.contains(&records)
    }
}

impl ListPage {
    /// The records that were not given before.
    pub fn records(&self) -> Result<Vec<&RawValue>> {
        let records = self.response.records(self.items)?;
        let fresh = records.into_iter().zip(&self.fresh).filter(|(_, fresh)| **fresh);
        Ok(fresh.map(|(record, _)| record).collect())
    }
}

/// Where a list stands behind a page, for a checkpoint. What it has given is for the exporter to
/// [remember](crate::Output::remember): the ids go back to [`Desk::list_on`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListCursor {
    passed: u64,
    first: u64,
    size: u64,
}

/// Iterator of [`Desk::list`]. Pages without new records are not given.
pub struct ListPages<'d, 'a> {
    desk: &'d Desk<'a>,
    request: Request,
    list: List,
    /// Records of the list that were passed, from its first one on: where the next page begins.
    passed: u64,
    /// Pages under way, each with the offset it was asked for, counted from 0.
    under_way: VecDeque<(u64, Ticket)>,
    /// Every id that was given.
    known: Ids,
    steps_back: u32,
    ended: bool,
}

/// Ids that were given; most desks have numbers, of which a million take little.
#[derive(Default)]
struct Ids {
    numbers: HashSet<u64>,
    others: HashSet<String>,
}

impl Ids {
    fn number(id: &str) -> Option<u64> {
        // Only if it is written as it would be written again: "07" is another id than "7".
        id.parse().ok().filter(|number: &u64| number.to_string() == id)
    }

    fn contains(&self, id: &str) -> bool {
        Self::number(id).map_or_else(|| self.others.contains(id), |number| self.numbers.contains(&number))
    }

    fn insert(&mut self, id: String) -> bool {
        match Self::number(&id) {
            Some(number) => self.numbers.insert(number),
            None => self.others.insert(id),
        }
    }

    fn len(&self) -> u64 {
        (self.numbers.len() + self.others.len()) as u64
    }
}

impl<'d, 'a> ListPages<'d, 'a> {
    pub(super) fn new(desk: &'d Desk<'a>, request: Request, list: &List) -> Result<Self> {
        if list.size == 0 || list.overlap && list.size < 2 {
            let message = "a list needs pages of more than 0 records, and of more than 1 to overlap";
            return Err(ExportError::new(ErrorKind::Misuse, message));
        }
        Ok(Self {
            desk,
            request,
            list: *list,
            passed: 0,
            under_way: VecDeque::new(),
            known: Ids::default(),
            steps_back: 0,
            ended: list.total == Some(0),
        })
    }

    /// Goes on behind a page, where these ids were given before.
    pub(super) fn on(
        desk: &'d Desk<'a>,
        request: Request,
        list: &List,
        cursor: ListCursor,
        given: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let mut list = *list;
        if cursor.passed > 0 && cursor.size > u64::from(list.overlap) {
            (list.first, list.size) = (cursor.first, cursor.size.min(list.size));
        }
        let mut pages = Self::new(desk, request, &list)?;
        pages.passed = cursor.passed;
        for id in given {
            pages.known.insert(id);
        }
        Ok(pages)
    }

    /// Where it stands behind the page that was given last. `None` at its end.
    pub fn cursor(&self) -> Option<ListCursor> {
        (!self.ended).then_some(ListCursor {
            passed: self.passed,
            first: self.list.first,
            size: self.list.size,
        })
    }

    /// How far a page begins before the end of the one before.
    fn back(&self) -> u64 {
        u64::from(self.list.overlap)
    }

    fn ask(&mut self, at: u64) -> Result<()> {
        let request = self.request.clone();
        let request = request.query(self.list.offset, self.list.first.saturating_add(at));
        let request = request.query(self.list.limit, self.list.size);
        let ticket = self.desk.submit_page(request, self.under_way.len())?;
        self.under_way.push_back((at, ticket));
        Ok(())
    }

    /// Asks for the next page, and for those behind it as far as the total promises any.
    fn fill(&mut self) -> Result<()> {
        if self.under_way.is_empty() {
            self.ask(self.passed.saturating_sub(self.back()))?;
        }
        // The first page shows whether the desk takes what it is asked for; and a list that just changed is read page by page.
        while self.passed > 0
            && self.steps_back == 0
            && let Some(&(at, _)) = self.under_way.back()
            && let next = at + self.list.size - self.back()
            && self.list.total.is_some_and(|total| next + self.back() < total)
            && self.desk.may_submit(self.under_way.len())
        {
            self.ask(next)?;
        }
        Ok(())
    }

    /// Nothing that is under way is of use any more.
    fn drop_ahead(&mut self) {
        for (_, ticket) in self.under_way.drain(..) {
            self.desk.forget(ticket);
        }
    }

    /// What a refusal of the first page, with 422, teaches. False if it teaches nothing.
    fn learn(&mut self, response: &Response) -> bool {
        if response.status != 422 || self.passed > 0 {
            return false;
        }
        let said = String::from_utf8_lossy(response.body()).into_owned();
        let quoted = |name: &str| said.contains(&format!("'{name}'")) || said.contains(&format!("/{name}\""));
        let named = range_named(&said);
        match named {
            Some((_, most)) if quoted(self.list.limit) && most < self.list.size && most > self.back() => {
                self.list.size = most;
            }
            Some((least, _)) if quoted(self.list.offset) && least > self.list.first => self.list.first = least,
            None if self.list.first == 0 => self.list.first = 1,
            _ => return false,
        }
        true
    }

    fn page(&mut self) -> Result<Option<ListPage>> {
        self.fill()?;
        let Some((at, ticket)) = self.under_way.pop_front() else {
            self.ended = true;
            return Ok(None);
        };
        let response = self.desk.take(ticket)?;
        if self.learn(&response) {
            return Ok(None);
        }
        let response = self.desk.judged(response)?;
        let records = response.records(self.list.items)?;
        let id = |record: &&RawValue| {
            let id = scalar(record, self.list.id).map_err(|why| ExportError::decode(&response.asked, why))?;
            let missing =
                || ExportError::decode(&response.asked, format_args!("a record has no id at {}", self.list.id));
            id.ok_or_else(missing)
        };
        let ids = records.iter().map(id).collect::<Result<Vec<_>>>()?;
        let length = ids.len() as u64;
        // A desk that counts from 1 and takes 0 for 1 shows one record more that is known, on its second page.
        let follows = at > 0 || self.is_begun_amid() && self.known.len() > 0;
        if self.list.overlap && follows && !ids.iter().any(|id| self.known.contains(id)) {
            return self.step_back(at, &response.asked).map(|()| None);
        }
        let fresh: Vec<bool> = ids.into_iter().map(|id| self.known.insert(id)).collect();
        if fresh.contains(&true) {
            self.steps_back = 0;
        }
        if at == 0 && self.list.asks_on && List::may_be_cut(length, self.list.size) {
            self.list.size = length;
        }
        let short = length < self.list.size;
        self.passed = at + length;
        self.ended = short && self.under_way.is_empty();
        if let Some(total) = self.list.total {
            // With more than the total, the total is wrong.
            self.ended |= self.known.len() == total && self.under_way.is_empty();
        }
        let page = ListPage {
            response,
            items: self.list.items,
            fresh,
        };
        Ok(page.fresh.contains(&true).then_some(page))
    }

    /// Whether it does not begin with the list's first record: what moved up in front of where it begins is not seen.
    fn is_begun_amid(&self) -> bool {
        self.list.first > 1
    }

    /// The page shows no record that is known: those before it went away, and the others moved up.
    fn step_back(&mut self, at: u64, asked: &str) -> Result<()> {
        self.drop_ahead();
        self.steps_back += 1;
        if self.steps_back > MAX_STEPS_BACK || at == 0 {
            let message = "the list changes faster than it is read: try again when the desk is calmer";
            return Err(ExportError::decode(asked, message));
        }
        let by = (self.list.size / 2).max(1).saturating_mul(1 << self.steps_back.min(20));
        self.passed = at.saturating_sub(by).saturating_add(self.back());
        Ok(())
    }
}

impl Iterator for ListPages<'_, '_> {
    type Item = Result<ListPage>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.page() {
                Ok(Some(page)) => return Some(Ok(page)),
                Ok(None) => {}
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl Drop for ListPages<'_, '_> {
    fn drop(&mut self) {
        self.drop_ahead();
    }
}
