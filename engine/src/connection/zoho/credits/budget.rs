//! What is left of a day's credits, and whether a request may be started. Pure: no time, no I/O.
//!
//! The desk says with each answer what is left, as it was when it took the request. Answers overtake each other; what is in
//! flight may be in that figure or not yet; and other programs spend too. Hence: within a day the least that was said
//! counts, and all that is in flight is taken off it. An answer to a request that was started only after a figure had come
//! can't be older than that figure: if it says more, credits have returned.

use std::collections::BTreeMap;

use crate::connection::settings::Reserve;

/// What every edition has a day.
const LEAST: u64 = 5_000;
/// More than that no desk gives a day: a larger figure is a mistake, and would make for a reserve that is never had.
const MOST: u64 = 100_000_000;
/// Answers without a figure that are told apart; beyond, some are counted together.
const UNCLEAR: usize = 64;

/// What is left of a day's credits.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// The least that the desk said on this day.
    left: Option<u64>,
    /// What it said last before the credits were to return.
    before: Option<u64>,
    /// Requests that had been started when `left` was said.
    known_at: u64,
    /// Requests that had been started when the day was seen to have begun.
    begun_at: u64,
    /// Requests that were started, ever. The number of the last one.
    started: u64,
    /// What each of those that are under way will cost at most.
    in_flight: BTreeMap<u64, u64>,
    /// Requests that ended without a word of what is left: the number of the last one started by then, and what it has cost
    /// at most. Forgotten once a later one is answered.
    unclear: Vec<(u64, u64)>,
    /// The most that was left on this day, and on the one before.
    largest: [u64; 2],
    /// What the edition has a day, at least.
    edition: u64,
    /// The begin of a day was seen.
    is_whole: bool,
    /// Counts the days: each time that credits return.
    epoch: u64,
    /// The desk says nothing of credits.
    is_silent: bool,
}

/// Whether a request may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// It may.
    Open,
    /// Not yet: what is under way may come cheaper than it is reckoned.
    Busy,
    /// Not before credits return.
    Shut,
}

impl Budget {
    /// What the edition has a day at least; 0 where that is not known.
    pub(super) fn set_edition(&mut self, credits: u64) {
        self.edition = credits;
    }

    /// All that was said was of others' credits. Numbers of requests go on.
    pub(super) fn begin_anew(&mut self) {
        *self = Self {
            started: self.started,
            in_flight: std::mem::take(&mut self.in_flight),
            ..Self::default()
        };
    }

    /// Whether one that costs so much may be started, while others of the organisation have `reserved` for theirs.
    pub(super) fn gate(&self, cost: u64, reserve: Reserve, reserved: u64) -> Gate {
        if self.is_silent {
            return Gate::Open;
        }
        let Some(left) = self.left else {
            // One finds out.
            return if self.in_flight.is_empty() {
                Gate::Open
            } else {
                Gate::Busy
            };
        };
        let least = self.reserve(reserve).saturating_add(cost);
        let own = self.outstanding();
        if left >= least.saturating_add(own).saturating_add(reserved) {
            Gate::Open
        } else if !self.in_flight.is_empty() || (reserved > 0 && left >= least.saturating_add(own)) {
            Gate::Busy
        } else {
            Gate::Shut
        }
    }

    /// How many more than `cost` could be had.
    pub(super) fn beyond(&self, cost: u64, reserve: Reserve, reserved: u64) -> u64 {
        let taken = [self.reserve(reserve), cost, self.outstanding(), reserved];
        let taken = taken.into_iter().fold(0, u64::saturating_add);
        self.left.unwrap_or(0).saturating_sub(taken)
    }

    /// What is under way, and what may have been charged without a word, at most.
    pub(super) fn outstanding(&self) -> u64 {
        let unclear = self.unclear.iter().map(|(_, cost)| *cost);
        self.in_flight
            .values()
            .copied()
            .chain(unclear)
            .fold(0, u64::saturating_add)
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Starts one; gives its number, from 1 upwards.
    pub(super) fn start(&mut self, cost: u64) -> u64 {
        self.started += 1;
        self.in_flight.insert(self.started, cost);
        self.started
    }

    /// One that never was sent has ended.
    pub(super) fn unsent(&mut self, number: u64) {
        self.in_flight.remove(&number);
    }

    /// One has ended, and nothing is known of what it has cost. Gives whether it was under way.
    pub(super) fn lost(&mut self, number: u64) -> bool {
        let cost = self.in_flight.remove(&number);
        cost.is_some_and(|cost| {
            self.unclear(cost);
            true
        })
    }

    /// One was answered: what it has cost, and what is left. Gives whether credits have returned.
    pub(super) fn answered(&mut self, number: u64, weight: Option<u64>, left: Option<u64>) -> bool {
        let Some(cost) = self.in_flight.remove(&number) else {
            return false;
        };
        let cost = weight.map_or(cost, |weight| weight.min(MOST));
        let Some(now) = left.map(|left| left.min(MOST)) else {
            self.is_silent = self.left.is_none() && self.before.is_none() && weight.is_none();
            self.unclear(cost);
            return false;
        };
        self.is_silent = false;
        if number <= self.begun_at {
            // It may have been taken on this day or on the one before: what it says is of no use.
            self.unclear(cost);
            return false;
        }
        let returned = match self.left.or(self.before) {
            Some(before) if now > before && (number > self.known_at || self.left.is_none()) => {
                self.day_begins();
                true
            }
            _ => false,
        };
        if returned || self.left.is_none_or(|before| now <= before) {
            (self.left, self.before) = (Some(now), None);
            self.known_at = self.started;
            self.unclear.retain(|(ended, _)| *ended >= number);
        }
        self.largest[0] = self.largest[0].max(now.saturating_add(cost));
        returned
    }

    /// The desk says that nothing is left.
    pub(super) fn spent(&mut self) {
        self.left = Some(0);
        self.known_at = self.started;
    }

    /// Credits should have returned: the next request finds out.
    pub(super) fn forget(&mut self) {
        self.before = self.left.take().or(self.before);
        self.begun_at = self.started;
        self.unclear.clear();
    }

    /// Another process of the organisation says what is left, on the day of this number.
    pub(super) fn hear(&mut self, epoch: u64, left: u64, largest: u64) {
        let left = left.min(MOST);
        if epoch > self.epoch {
            self.day_begins();
            self.epoch = epoch;
            (self.left, self.before) = (Some(left), None);
            self.known_at = self.started;
        } else if epoch == self.epoch && self.left.is_some_and(|known| left < known) {
            self.left = Some(left);
            self.known_at = self.started;
        }
        if epoch >= self.epoch {
            self.largest[0] = self.largest[0].max(largest.min(MOST));
        }
    }

    /// The first words of another process: on which day they are, and, where it is this one, what is left. Ours is
    /// `newer` than that where it was asked for later.
    pub(super) fn join(&mut self, epoch: u64, left: Option<u64>, largest: u64, newer: bool) {
        match (left, self.left) {
            (Some(theirs), Some(ours)) if ours > theirs && newer => self.epoch = epoch.saturating_add(1),
            (Some(theirs), ours) => {
                self.epoch = epoch;
                self.left = Some(ours.unwrap_or(theirs).min(theirs.min(MOST)));
                self.known_at = self.started;
            }
            (None, _) => self.epoch = epoch.saturating_add(1),
        }
        self.largest[0] = self.largest[0].max(largest.min(MOST));
    }

    /// The number of the day.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What is left, as far as it is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.left
    }

    /// What is left now, or was before it was to be found out anew.
    pub(super) fn left_or_before(&self) -> Option<u64> {
        self.left.or(self.before)
    }

    /// The most that was left on this day.
    pub(super) fn largest(&self) -> u64 {
        self.largest[0]
    }

    /// Credits of a whole day. The edition has some by itself, more with its users, and trials of every edition have the
    /// least: what was seen tells which.
    pub(super) fn limit(&self) -> u64 {
        let seen = self.largest[0].max(self.largest[1]);
        if seen > LEAST {
            seen.max(self.edition)
        } else if self.is_whole && seen < LEAST / 2 {
            // Not as documented: less than any edition has.
            seen
        } else {
            LEAST
        }
    }

    /// Credits that a whole day has for certain: the begin of one was seen, or should have been (`is_late`), or it is the edition
    /// to which users add nothing.
    pub(super) fn certain_limit(&self, is_late: bool) -> Option<u64> {
        if self.is_whole {
            return Some(self.limit());
        }
        (is_late || self.edition == LEAST).then(|| self.limit().max(self.edition))
    }

    /// What is kept for others.
    pub(super) fn reserve(&self, reserve: Reserve) -> u64 {
        match reserve {
            Reserve::None => 0,
            Reserve::Credits(credits) => credits,
            Reserve::Percent(percent) => self.limit().saturating_mul(percent.into()).div_ceil(100),
        }
    }

    fn day_begins(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
        self.begun_at = self.started;
        self.largest = [0, self.largest[0]];
        self.is_whole = true;
    }

    fn unclear(&mut self, cost: u64) {
        let is_full = self.unclear.len() >= UNCLEAR;
        match self.unclear.last_mut() {
            Some(last) if last.0 == self.started || is_full => *last = (self.started, last.1.saturating_add(cost)),
            _ => self.unclear.push((self.started, cost)),
        }
    }
}

#[cfg(test)]
mod tests;
