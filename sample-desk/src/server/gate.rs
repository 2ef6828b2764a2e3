//! How much may be asked at once, and in a day.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::settings::Edition;

/// Requests in flight.
#[derive(Debug)]
pub(crate) struct Gate {
    cap: usize,
    inside: AtomicUsize,
    greatest: AtomicUsize,
}

/// A request that is in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap,
            inside: AtomicUsize::new(0),
            greatest: AtomicUsize::new(0),
        }
    }

    /// Lets a request in, if there is room.
    pub(crate) fn enter(&self) -> Option<Pass<'_>> {
        let inside = self.inside.fetch_add(1, Ordering::AcqRel) + 1;
        self.greatest.fetch_max(inside, Ordering::Relaxed);
        let pass = Pass(self);
        (inside <= self.cap).then_some(pass)
    }

    /// The most that ever were in flight at once, those that were refused among them.
    pub(crate) fn greatest(&self) -> usize {
        self.greatest.load(Ordering::Relaxed)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Requests in flight that an edition allows.
pub(crate) fn concurrency(edition: Edition) -> usize {
    match edition {
        Edition::Free => 5,
        Edition::Express | Edition::Standard => 10,
        Edition::Professional => 15,
        Edition::Enterprise => 25,
    }
}

/// Credits of a day that an edition has, with so many users.
pub(crate) fn daily_credits(edition: Edition, users: u64) -> u64 {
    match edition {
        Edition::Free => 5_000,
        Edition::Express => 25_000 + 100 * users,
        Edition::Standard => 50_000 + 250 * users,
        Edition::Professional => 75_000 + 500 * users,
        Edition::Enterprise => 100_000 + 1_000 * users,
    }
}

/// What a list or a search costs from this offset.
pub(crate) fn list_cost(offset: u64) -> u64 {
    match offset {
        0..=2_000 => 3,
        2_001..=10_000 => 5,
        10_001..=50_000 => 10,
        50_001..=100_000 => 50,
        _ => 100,
    }
}

/// The credits of a day.
#[derive(Debug)]
pub(crate) struct Credits {
    daily: u64,
    day: Mutex<Day>,
}

#[derive(Debug)]
struct Day {
    left: u64,
    spent_ever: u64,
    ends: Instant,
}

const DAY: Duration = Duration::from_hours(24);

impl Credits {
    /// A day that ends at `ends`.
    pub(crate) fn new(daily: u64, ends: Instant) -> Self {
        Self {
            daily,
            day: Mutex::new(Day {
                left: daily,
                spent_ever: 0,
                ends,
            }),
        }
    }

    /// Charges a call and gives what is left; or the seconds until there are credits again.
    pub(crate) fn charge(&self, cost: u64, now: Instant) -> Result<u64, u64> {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        while now >= day.ends {
            day.ends += DAY;
            day.left = self.daily;
        }
        if day.left < cost {
            return Err(day.ends.duration_since(now).as_secs() + 1);
        }
        day.left -= cost;
        day.spent_ever += cost;
        Ok(day.left)
    }

    /// What is left of the day.
    pub(crate) fn left(&self) -> u64 {
        self.day.lock().unwrap_or_else(PoisonError::into_inner).left
    }

    /// All that was ever charged.
    pub(crate) fn spent(&self) -> u64 {
        self.day.lock().unwrap_or_else(PoisonError::into_inner).spent_ever
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_refused() {
        let gate = Gate::new(2);
        let first = gate.enter().unwrap();
        let second = gate.enter().unwrap();
        assert!(gate.enter().is_none());
        drop(first);
        let third = gate.enter().unwrap();
        assert!(gate.enter().is_none());
        drop((second, third));
        assert_eq!(gate.inside.load(Ordering::Relaxed), 0);
        assert_eq!(gate.greatest(), 3);
    }

    #[test]
    fn credits_come_again_the_next_day() {
        let now = Instant::now();
        let credits = Credits::new(4, now + Duration::from_mins(1));
        assert_eq!(credits.charge(3, now), Ok(1));
        assert_eq!(credits.charge(3, now), Err(61));
        assert_eq!(credits.charge(1, now), Ok(0));
        assert_eq!(credits.charge(3, now + Duration::from_mins(1)), Ok(1));
        assert_eq!(credits.charge(3, now + DAY * 3), Ok(1));
        assert_eq!(credits.spent(), 10);
    }

    #[test]
    fn lists_cost_by_offset() {
        for (offset, cost) in [
            (0, 3),
            (2_000, 3),
            (2_001, 5),
            (10_001, 10),
            (50_001, 50),
            (100_001, 100),
        ] {
            assert_eq!(list_cost(offset), cost, "{offset}");
        }
    }
}
