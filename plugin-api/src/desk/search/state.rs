//! Where a walk stands: pure, without requests.
//!
//! A walk reads one *query* at a time: the part of the range that begins behind a *gap*, a stretch of time without
//! records, and reaches to the far end. Its pages are told apart by offset. Where the offsets end, the next query begins
//! in the last gap that was seen, so that it does not matter whether ends are inclusive; the records behind the gap that
//! were read are the *tail*, and their number is the offset at which the next query goes on.

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::rows::{Row, Rows};
use super::{Order, Search};
use crate::{Range, Timestamp};

/// How often a walk reads one place anew, without getting ahead, because records went away meanwhile.
const MAX_RESTARTS: u32 = 20;

/// After so many times the end of what the desk shows is taken for the end, also where it counts more.
const ENOUGH_RESTARTS: u32 = 3;

/// A walk of so many pages may spend a request on finding out whether the desk allows greater offsets.
const PAGES_WORTH_A_TRY: u64 = 100;

/// A moment at which a query can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Gap {
    bound: Timestamp,
    /// No record is near it: behind it is the tail, and nothing else that was read. Otherwise records of the tail may
    /// lie on both sides.
    exact: bool,
}

/// Why a page is not taken, and what is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Records came or went: go back to the last gap.
    Changed,
    /// The walk can't go on: why.
    Wrong(String),
}

/// Where a walk stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(super) struct State {
    range: Range,
    /// The order that the query asks for.
    asks: Order,
    /// The order in which records come, as soon as two times are seen.
    direction: Option<Order>,
    /// Where the query begins; `None`: at the range's end.
    bound: Option<Timestamp>,
    /// Records of the query that were passed: the offset of the next page.
    read: u64,
    /// What the desk counts for the query, or should.
    count: Option<u64>,
    gap: Option<Gap>,
    /// The records read behind the gap.
    tail: Vec<Row>,
    /// Records that the desk gives in a page.
    step: u64,
    /// The next page must prove that it goes on where the last one ended: it overlaps by a record, or begins a query.
    careful: bool,
    restarts: u32,
    /// Pages that may be asked for at one time: fewer after a change.
    pub(super) abreast: usize,
    /// The greatest offset that may be asked for.
    reach: u64,
    /// Whether greater offsets were tried.
    tried: bool,
    /// What the desk counted at the beginning.
    first_count: Option<u64>,
    /// Records given, and passed over because they are outside the range.
    given: u64,
    outside: u64,
    /// Records came or went meanwhile.
    changed: bool,
    pub(super) ended: bool,
    /// What the desk counts behind the last page.
    last_count: Option<u64>,
}

impl State {
    pub(super) fn new(search: &Search<'_>) -> Self {
        Self {
            range: search.range,
            asks: Order::Ascending,
            direction: None,
            bound: None,
            read: 0,
            count: None,
            gap: None,
            tail: Vec::new(),
            step: search.size,
            careful: true,
            restarts: 0,
            abreast: usize::MAX,
            reach: search.max_offset,
            tried: false,
            first_count: None,
            given: 0,
            outside: 0,
            changed: false,
            ended: search.range.from >= search.range.to,
            last_count: None,
        }
    }

    /// Nothing has been read yet.
    pub(super) fn is_new(&self) -> bool {
        self.given + self.outside + self.read == 0 && self.count.is_none() && !self.changed
    }

    /// Asks for the newest records first from now on: the desk refuses the other.
    pub(super) fn descend(&mut self) {
        self.asks = Order::Descending;
    }

    pub(super) fn asks(&self) -> Order {
        self.asks
    }

    /// Goes on after an interruption, or a change.
    pub(super) fn go_back(&mut self, search: &Search<'_>) {
        self.careful = true;
        self.abreast = 1;
        self.begin_at_gap();
        if self.read < search.size || !self.is_exact() {
            self.read = 0;
        }
    }

    /// Goes on after a change, which was found while a batch was taken in.
    pub(super) fn go_back_after(&mut self, search: &Search<'_>, found: &Self) {
        self.changed = true;
        if self.careful {
            // The page did not show what it should: its query is read anew.
            self.restarts = found.restarts;
            self.begin_anew();
        } else {
            self.go_back(search);
        }
    }

    fn is_exact(&self) -> bool {
        self.gap.is_none_or(|gap| gap.exact)
    }

    /// Makes the query that begins in the last gap.
    fn begin_at_gap(&mut self) {
        let passed = self.tail.len() as u64;
        let exact = self.is_exact();
        self.count = self.count.filter(|_| exact).map(|count| {
            let before = self.read.saturating_sub(passed);
            count.saturating_sub(before)
        });
        self.bound = self.gap.map(|gap| gap.bound);
        self.read = passed;
        self.asks = self.direction.unwrap_or(self.asks);
    }

    /// A little more than the range on both sides, because whether its ends belong to it is not known.
    fn wide(&self, search: &Search<'_>) -> Range {
        Range {
            from: Timestamp::from_micros(self.range.from.micros().saturating_sub(search.overlap)),
            to: Timestamp::from_micros(self.range.to.micros().saturating_add(search.overlap)),
        }
    }

    /// What to ask for.
    pub(super) fn query(&self, search: &Search<'_>) -> Range {
        let wide = self.wide(search);
        match (self.bound, self.direction) {
            (Some(to), Some(Order::Descending)) => Range { to, ..wide },
            (Some(from), _) => Range { from, ..wide },
            (None, _) => wide,
        }
    }

    /// Whether the time of a record lies in what was read before the query begins: it was given then, or came since. The desk
    /// was not asked for it, and may give it again and again.
    fn is_passed(&self, search: &Search<'_>, row: &Row) -> bool {
        let asked = self.query(search);
        let near = Range {
            from: Timestamp::from_micros(asked.from.micros().saturating_sub(search.overlap)),
            to: Timestamp::from_micros(asked.to.micros().saturating_add(search.overlap)),
        };
        is_in(self.wide(search), row) && !is_in(near, row)
    }

    /// The offset of the next page.
    fn next(&self) -> u64 {
        if self.careful {
            self.read.saturating_sub(1)
        } else {
            self.read
        }
    }

    /// The offsets of the next pages, not more than `most`, but one in any case.
    pub(super) fn offsets(&mut self, search: &Search<'_>, most: usize) -> Result<Vec<u64>, String> {
        if !allows(search, self.reach, self.next()) {
            self.move_on(search)?;
        }
        let first = self.next();
        let mut offsets = vec![first];
        let Some(count) = self.count.filter(|_| !self.careful) else {
            return Ok(offsets);
        };
        let most = most.min(self.abreast).max(1);
        let is_long = self.first_count.unwrap_or(0) / search.size >= PAGES_WORTH_A_TRY;
        let may_try = is_long && !self.tried && (most as u64) > self.reach / search.size;
        while offsets.len() < most {
            let next = first + offsets.len() as u64 * self.step;
            let is_tried = !allows(search, self.reach, next);
            if next >= count || is_tried && !(may_try && allows(search, search.try_offset, next)) {
                break;
            }
            offsets.push(next);
            if is_tried {
                // If it is refused, it is one request and no more.
                break;
            }
        }
        Ok(offsets)
    }

    /// The offsets of this query are at their end: makes the next one.
    fn move_on(&mut self, search: &Search<'_>) -> Result<(), String> {
        if self.gap.is_some_and(|gap| gap.exact && self.bound != Some(gap.bound)) {
            self.begin_at_gap();
            if allows(search, self.reach, self.next()) {
                return Ok(());
            }
        }
        if !self.tried && allows(search, search.try_offset, self.next()) {
            return Ok(());
        }
        // A page with an overlap may reach a few records further: the last one within what the desk gives of a query,
        // or one at its greatest offset.
        let last = self.reach.saturating_sub(search.first);
        let whole = (last + 1).saturating_sub(search.size);
        for offset in [whole, last.min(self.read.saturating_sub(1))] {
            if self.read > offset && self.read - offset < self.step {
                self.tire()?;
                self.careful = true;
                self.read = offset + 1;
                return Ok(());
            }
        }
        self.cut_near(search)
    }

    /// No gap is in sight: begins the next query a little before the last record. Which of those near it come again
    /// is not known.
    fn cut_near(&mut self, search: &Search<'_>) -> Result<(), String> {
        let stuck = |at: &str| {
            format!(
                "more than {} records share the moment {at}: the desk does not list them all",
                self.reach
            )
        };
        let (Some(last), Some(direction)) = (self.tail.last(), self.direction) else {
            let moment = self.tail.last().map(|row| row.time.to_string());
            return Err(stuck(&moment.unwrap_or_default()));
        };
        let last = last.time;
        let wide = self.query(search);
        let (bound, is_ahead) = match direction {
            Order::Ascending => {
                let bound = Timestamp::from_micros(last.micros().saturating_sub(search.overlap));
                (bound, bound > wide.from)
            }
            Order::Descending => {
                let bound = Timestamp::from_micros(last.micros().saturating_add(search.overlap));
                (bound, bound < wide.to)
            }
        };
        if !is_ahead {
            return Err(stuck(&last.to_string()));
        }
        let near = search.overlap.saturating_mul(2);
        self.tail
            .retain(|row| row.time.micros().abs_diff(last.micros()) <= near.unsigned_abs());
        self.gap = Some(Gap { bound, exact: false });
        self.begin_at_gap();
        self.careful = true;
        self.read = 0;
        Ok(())
    }

    /// The desk refuses this offset with 422, and names, perhaps, the greatest one. Whether less may be asked for.
    pub(super) fn refused(&mut self, search: &Search<'_>, offset: u64, named: Option<u64>) -> bool {
        let asked = search.first + offset;
        let allowed = named.filter(|&named| named < asked).unwrap_or(search.max_offset);
        self.tried = true;
        self.reach = allowed;
        allowed < asked && allowed > search.first
    }

    /// Takes the next page in, which was asked for at `offset`; gives which of its records are new and in the range.
    pub(super) fn take(&mut self, search: &Search<'_>, offset: u64, page: Rows) -> Result<Vec<bool>, Refused> {
        let is_first = self.is_new();
        if self.careful {
            self.check_careful(search, &page)?;
        } else {
            self.check_plain(search, offset, &page)?;
        }
        let length = page.len();
        let reached = offset + length;
        let is_whole = page.count.is_some_and(|count| count <= length) && offset == 0 && is_first;
        if !is_whole {
            self.check_order(search, &page.rows).map_err(Refused::Wrong)?;
        }
        if !self.tried && !allows(search, self.reach, offset) && allows(search, search.try_offset, offset) {
            self.tried = true;
            self.reach = search.try_offset;
        }
        if is_first {
            self.first_count = page.count;
        }
        let known: HashSet<&str> = self.tail.iter().map(|row| row.id.as_str()).collect();
        let is_new = |row: &Row| !known.contains(row.id.as_str()) && !self.is_passed(search, row);
        let new: Vec<bool> = page.rows.iter().map(is_new).collect();
        let fresh = page
            .rows
            .iter()
            .zip(&new)
            .map(|(row, new)| *new && self.range.contains(row.time));
        let fresh: Vec<bool> = fresh.collect();
        let added = new.iter().filter(|new| **new).count() as u64;
        let inside = fresh.iter().filter(|fresh| **fresh).count() as u64;
        self.given += inside;
        self.outside += added - inside;
        // A record whose time lies nowhere near is not remembered: it would be new for ever.
        let wide = self.wide(search);
        let ahead = page
            .rows
            .iter()
            .zip(&new)
            .filter(|(row, new)| **new && is_in(wide, row));
        let ahead = ahead.count() as u64;
        if ahead > 0 {
            self.restarts = 0;
        }
        let last = page
            .rows
            .last()
            .filter(|_| new.last() == Some(&true))
            .map(|row| row.id.clone());
        let (was_careful, before, old_gap) = (self.careful, self.read, self.gap);
        let new = page
            .rows
            .into_iter()
            .zip(new)
            .filter_map(|(row, new)| new.then_some(row));
        self.absorb(search, new.collect());
        // Whether the walk is nowhere further than where the page ends.
        let leads = last.is_some() && self.tail.last().map(|row| &row.id) == last.as_ref();
        self.read = reached;
        if let Some(count) = page.count {
            self.ended = reached >= count;
            if was_careful {
                self.changed |= self.count.is_some_and(|expected| expected != count);
                self.count = Some(count);
                if !self.ended {
                    self.after_careful(search, length, ahead, (reached > before, leads))?;
                }
            }
            self.abreast = self.abreast.saturating_mul(2).max(1);
        } else {
            // Nobody says how many there are, and a page may be short because the desk hides a record of it: the
            // end is only where nothing is behind what was read.
            self.ended = added == 0 && reached <= before;
            if !self.ended && self.gap != old_gap {
                self.begin_at_gap();
                self.read = 0;
            }
        }
        Ok(fresh)
    }

    /// Where the desk counts, and a careful page is not the last: how to go on.
    fn after_careful(
        &mut self,
        search: &Search<'_>,
        length: u64,
        ahead: u64,
        (further, leads): (bool, bool),
    ) -> Result<(), Refused> {
        if ahead == 0 && !further {
            // A record that the desk counts and does not show, e.g. because its index is behind: the counts tell.
            let shows_no_more = length < search.size && self.given + self.outside > 0;
            if shows_no_more && self.restarts >= ENOUGH_RESTARTS {
                self.changed = true;
                self.ended = true;
                return Ok(());
            }
            return self.restart();
        }
        // A desk may give smaller pages than it was asked for.
        self.step = length.max(1);
        // What follows a record that was known before may be known too.
        self.careful = !leads;
        Ok(())
    }

    fn restart(&mut self) -> Result<(), Refused> {
        self.tire().map_err(Refused::Wrong)?;
        self.begin_anew();
        Ok(())
    }

    /// Reads the query again that begins in the last gap: what lies before it is not remembered, and would be given twice.
    fn begin_anew(&mut self) {
        self.begin_at_gap();
        self.read = 0;
    }

    /// Counts what is done without getting ahead.
    fn tire(&mut self) -> Result<(), String> {
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS {
            let place = match self.tail.last() {
                Some(row) => format!("behind the moment {}", row.time),
                None => "at the beginning".to_owned(),
            };
            let counted = self
                .count
                .map(|count| format!(" (it counts {count} from there on)"))
                .unwrap_or_default();
            return Err(format!(
                "{place} the desk does not give what it promises{counted}, or its records change faster than they are \
                 read: try again when the desk is calmer"
            ));
        }
        Ok(())
    }

    /// A careful page must show a record that is known, or begin its query.
    fn check_careful(&mut self, search: &Search<'_>, page: &Rows) -> Result<(), Refused> {
        if self.read == 0 || search.count.is_none() && page.rows.is_empty() {
            return Ok(());
        }
        let first = page.rows.first();
        if first.is_some_and(|first| self.tail.iter().any(|row| row.id == first.id)) {
            return Ok(());
        }
        // Records went away, and those behind them moved up.
        self.restart()?;
        Err(Refused::Changed)
    }

    /// A plain page must be what the count promises: nothing moved since the query's first page.
    fn check_plain(&self, search: &Search<'_>, offset: u64, page: &Rows) -> Result<(), Refused> {
        let expected = self.count.map(|count| self.step.min(count.saturating_sub(offset)));
        if offset != self.read || page.count != self.count || expected != Some(page.len()) {
            return Err(Refused::Changed);
        }
        let known: HashSet<&str> = self.tail.iter().map(|row| row.id.as_str()).collect();
        let is_known = |row: &Row| known.contains(row.id.as_str()) || self.is_passed(search, row);
        if page.rows.iter().any(is_known) {
            return Err(Refused::Changed);
        }
        Ok(())
    }

    /// The rows must go one way, and the same way as those before.
    fn check_order(&mut self, search: &Search<'_>, rows: &[Row]) -> Result<(), String> {
        // A careful page may go back behind the last record.
        let before = self.tail.last().filter(|_| !self.careful).map(|row| row.time);
        let mut before = before;
        let wide = self.wide(search);
        for row in rows.iter().filter(|row| is_in(wide, row)) {
            let way = before.and_then(|before| match before.cmp(&row.time) {
                Ordering::Less => Some(Order::Ascending),
                Ordering::Greater => Some(Order::Descending),
                Ordering::Equal => None,
            });
            before = Some(row.time);
            if let Some(way) = way
                && *self.direction.get_or_insert(way) != way
            {
                return Err("the records are not in the order of their time".to_owned());
            }
        }
        Ok(())
    }

    /// Adds what is new to the tail, and cuts off what lies before the last gap.
    fn absorb(&mut self, search: &Search<'_>, new: Vec<Row>) {
        let wide = self.wide(search);
        self.tail.extend(new.into_iter().filter(|row| is_in(wide, row)));
        match self.direction {
            // Which side of a gap is behind is not known.
            None => return,
            Some(Order::Ascending) => self.tail.sort_by_key(|row| row.time),
            Some(Order::Descending) => self.tail.sort_by_key(|row| Reverse(row.time)),
        }
        let overlap = search.overlap.unsigned_abs();
        let between = |at: usize| self.tail[at - 1].time.micros().abs_diff(self.tail[at].time.micros());
        let found = (1..self.tail.len()).rev().find(|&at| between(at) / 2 >= overlap);
        if let Some(at) = found {
            // In the middle, but a time as the desk has them.
            let middle = between(at) / 2 / overlap * overlap;
            let earlier = self.tail[at - 1].time.min(self.tail[at].time);
            let bound = Timestamp::from_micros(earlier.micros().saturating_add_unsigned(middle));
            self.gap = Some(Gap { bound, exact: true });
            self.tail.drain(..at);
        }
    }

    /// How many records the desk said match, as soon as it did.
    pub(super) fn expected(&self) -> Option<u64> {
        self.first_count
    }

    /// Whether the desk is to be asked once more for its count.
    pub(super) fn wants_last_count(&self) -> bool {
        let agrees = self.first_count == Some(self.given + self.outside);
        self.ended && self.last_count.is_none() && self.first_count.is_some() && (self.changed || !agrees)
    }

    /// Makes the query the whole range again, for the last count.
    pub(super) fn whole(&self) -> Self {
        Self {
            bound: None,
            ..self.clone()
        }
    }

    pub(super) fn set_last_count(&mut self, count: u64) {
        self.last_count = Some(count);
    }

    /// The desk's count of exactly the range, before and after: what was passed over outside of it is taken off.
    pub(super) fn counted(&self) -> Option<(u64, Option<u64>)> {
        let inside = |count: u64| count.saturating_sub(self.outside);
        let first = self.first_count.filter(|_| self.ended)?;
        Some((inside(first), self.last_count.map(inside)))
    }
}

/// Whether the time of a record lies where it was looked for. One that does not was changed meanwhile, and the desk's
/// index does not know it yet.
fn is_in(wide: Range, row: &Row) -> bool {
    wide.from <= row.time && row.time <= wide.to
}

/// Whether a page at this offset lies within the rows that the desk gives of one query. Some refuse a page of which only
/// the first row does.
fn allows(search: &Search<'_>, reach: u64, offset: u64) -> bool {
    offset == 0 || search.first.saturating_add(offset).saturating_add(search.size) <= reach.saturating_add(1)
}
