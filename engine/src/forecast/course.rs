//! How one module goes on.

use super::{Cost, Facts};

/// Rows after which a module's own cost of a row is believed as much as that of the last backup, of a thousand expected.
const BELIEVED: f64 = 20.0;
/// A share of the rows, one in so many, whose later half says more than all of them.
const ENOUGH: u64 = 2;
/// Places of its course that are kept.
const KEPT: usize = 64;

/// The course of a module so far.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Where it is.
    pub(super) now: Cost,
    expected: Option<u64>,
    ended: bool,
    /// Where it was, now and then, since its rows are expected: what comes before those may be of another kind.
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    rows: u64,
    requests: u64,
    credits: u64,
}

impl Course {
    pub(super) fn look(&mut self, facts: &Facts<'_>) {
        let Facts {
            module: _,
            rows,
            expected,
            requests,
            credits,
            ended,
        } = *facts;
        self.now.rows = rows;
        self.now.requests = requests;
        self.now.credits = credits;
        self.ended = ended;
        self.expected = expected.filter(|expected| *expected > 0);
        // Rows that are written without being asked for stand before those that cost.
        if self.expected.is_none() {
            return;
        }
        let step = self.expected.unwrap_or(0) / KEPT as u64;
        if self
            .places
            .last()
            .is_none_or(|last| rows > last.rows.saturating_add(step))
            && self.places.len() < 2 * KEPT
        {
            self.places.push(Place {
                rows,
                requests,
                credits,
            });
        }
    }

    /// Requests and credits that are still to come; none where it is not known.
    pub(super) fn to_come(&self, past: Option<&Cost>) -> Option<(f64, f64)> {
        if self.ended {
            return Some((0.0, 0.0));
        }
        let past = past.filter(|past| past.rows > 0);
        let expected = self.expected.or(past.map(|past| past.rows))?;
        let more = expected.saturating_sub(self.now.rows) as f64;
        let (requests, credits) = self.of_a_row(past, expected)?;
        Some((more * requests, more * credits))
    }

    /// What a row takes.
    fn of_a_row(&self, past: Option<&Cost>, expected: u64) -> Option<(f64, f64)> {
        // Of the later half, once that is enough: what comes is more like it than like the beginning.
        let first = self.places.first().map_or(0, |first| first.rows);
        let is_enough = self.now.rows.saturating_sub(first) >= expected / ENOUGH;
        let middle = if is_enough {
            first.midpoint(self.now.rows)
        } else {
            first
        };
        let from = self.places.iter().rev().find(|place| place.rows <= middle);
        let (rows, requests, credits) = from.map_or((0.0, 0.0, 0.0), |from| {
            let since = |now: u64, then: u64| now.saturating_sub(then) as f64;
            (
                since(self.now.rows, from.rows),
                since(self.now.requests, from.requests),
                since(self.now.credits, from.credits),
            )
        });
        let weight = past.map_or(0.0, |_| (expected as f64 * BELIEVED / 1000.0).max(1.0));
        if rows + weight <= 0.0 {
            return None;
        }
        let before = |sum: u64| past.map_or(0.0, |past| sum as f64 / past.rows as f64) * weight;
        Some((
            (requests + before(past.map_or(0, |past| past.requests))) / (rows + weight),
            (credits + before(past.map_or(0, |past| past.credits))) / (rows + weight),
        ))
    }
}
