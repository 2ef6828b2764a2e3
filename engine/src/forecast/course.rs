//! How one module goes on.

use super::{Cost, Facts};

/// Rows or requests after which a module's own cost of one is believed as much as that of the last backup, of a thousand
/// expected.
const BELIEVED: f64 = 20.0;
/// A share of the rows, one in so many, whose later half says more than all of them. Requests are much alike: the half
/// of a few will do.
const ENOUGH: u64 = 2;
/// Places of its course that are kept.
const KEPT: usize = 64;

/// The course of a module so far.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Where it is.
    pub(super) now: Cost,
    expected: Option<u64>,
    foreseen: Option<u64>,
    ended: bool,
    /// Where it was, now and then, since its rows or its requests are expected: what comes before those may be of another
    /// kind.
    by_rows: Places,
    by_requests: Places,
}

#[derive(Debug, Default)]
struct Places(Vec<Place>);

/// So many rows or requests: `parts`.
#[derive(Clone, Copy, Debug)]
struct Place {
    parts: u64,
    requests: u64,
    credits: u64,
}

impl Course {
    pub(super) fn look(&mut self, facts: &Facts<'_>) {
        let Facts {
            module: _,
            rows,
            expected,
            foreseen,
            requests,
            credits,
            ended,
        } = *facts;
        self.now.rows = rows;
        self.now.requests = requests;
        self.now.credits = credits;
        self.ended = ended;
        self.expected = expected.filter(|expected| *expected > 0);
        self.foreseen = foreseen;
        let place = |parts| Place {
            parts,
            requests,
            credits,
        };
        // Rows that are written without being asked for stand before those that cost.
        if let Some(expected) = self.expected {
            self.by_rows.keep(place(rows), expected);
        }
        if let Some(foreseen) = self.foreseen {
            self.by_requests.keep(place(requests), foreseen);
        }
    }

    /// Requests and credits that are still to come; none where it is not known.
    pub(super) fn to_come(&self, past: Option<&Cost>) -> Option<(f64, f64)> {
        if self.ended {
            return Some((0.0, 0.0));
        }
        if let Some(foreseen) = self.foreseen {
            let past = past.filter(|past| past.requests > 0).map(|past| past.of(past.requests));
            let more = foreseen.saturating_sub(self.now.requests) as f64;
            let now = self.now.of(self.now.requests);
            // Before the first of them is answered, each costs what the others did.
            let (_, credits) = self
                .by_requests
                .of_a_part(now, past, foreseen, 0)
                .or_else(|| of_one(now))?;
            return Some((more, more * credits));
        }
        let past = past.filter(|past| past.rows > 0).map(|past| past.of(past.rows));
        let expected = self.expected.or(past.map(|past| past.parts))?;
        let more = expected.saturating_sub(self.now.rows) as f64;
        let (requests, credits) =
            self.by_rows
                .of_a_part(self.now.of(self.now.rows), past, expected, expected / ENOUGH)?;
        Some((more * requests, more * credits))
    }
}

impl Cost {
    fn of(&self, parts: u64) -> Place {
        Place {
            parts,
            requests: self.requests,
            credits: self.credits,
        }
    }
}

/// What one of them takes.
fn of_one(place: Place) -> Option<(f64, f64)> {
    let parts = place.parts as f64;
    (place.parts > 0).then(|| (place.requests as f64 / parts, place.credits as f64 / parts))
}

impl Places {
    /// Keeps a place, if the last one is far enough behind.
    fn keep(&mut self, place: Place, expected: u64) {
        let step = expected / KEPT as u64;
        let is_far = |last: &Place| place.parts > last.parts.saturating_add(step);
        if self.0.last().is_none_or(is_far) && self.0.len() < 2 * KEPT {
            self.0.push(place);
        }
    }

    /// What a row, or a request, takes; `enough` are so many that their later half says more than all of them.
    fn of_a_part(&self, now: Place, past: Option<Place>, expected: u64, enough: u64) -> Option<(f64, f64)> {
        // What comes is more like the later half than like the beginning.
        let first = self.0.first().map_or(0, |first| first.parts);
        let is_enough = now.parts.saturating_sub(first) >= enough;
        let middle = if is_enough { first.midpoint(now.parts) } else { first };
        let from = self.0.iter().rev().find(|place| place.parts <= middle);
        let (parts, requests, credits) = from.map_or((0.0, 0.0, 0.0), |from| {
            let since = |now: u64, then: u64| now.saturating_sub(then) as f64;
            (
                since(now.parts, from.parts),
                since(now.requests, from.requests),
                since(now.credits, from.credits),
            )
        });
        let weight = past.map_or(0.0, |_| (expected as f64 * BELIEVED / 1000.0).max(1.0));
        if parts + weight <= 0.0 {
            return None;
        }
        let (before_requests, before_credits) = past.and_then(of_one).unwrap_or((0.0, 0.0));
        Some((
            (requests + before_requests * weight) / (parts + weight),
            (credits + before_credits * weight) / (parts + weight),
        ))
    }
}
