//! How much may be asked at once, and in a day.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

/// The credits of the days.
#[derive(Debug)]
pub(crate) struct Credits {
    daily: u64,
    /// When days begin, in microseconds after midnight of UTC.
    midnight: i64,
    days: Mutex<Days>,
}

#[derive(Debug)]
struct Days {
    /// Days since 1970.
    today: i64,
    left: u64,
    spent_ever: u64,
    spent: BTreeMap<i64, u64>,
}

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

impl Credits {
    /// So many a day, the first of which is that of `now` (microseconds since 1970).
    pub(crate) fn new(daily: u64, midnight: Duration, now: i64) -> Self {
        let midnight = i64::try_from(midnight.as_micros()).unwrap_or(0) % DAY;
        Self {
            daily,
            midnight,
            days: Mutex::new(Days {
                today: now.saturating_sub(midnight).div_euclid(DAY),
                left: daily,
                spent_ever: 0,
                spent: BTreeMap::new(),
            }),
        }
    }

    /// Charges a call and gives what is left; or the seconds until there are credits again.
    pub(crate) fn charge(&self, cost: u64, now: i64) -> Result<u64, u64> {
        let mut days = self.at(now);
        if days.left < cost {
            let time = now.saturating_sub(self.midnight);
            let wait = (DAY - time.rem_euclid(DAY)) / 1_000_000;
            return Err(u64::try_from(wait).unwrap_or(0) + 1);
        }
        days.left -= cost;
        days.spent_ever += cost;
        let today = days.today;
        *days.spent.entry(today).or_default() += cost;
        Ok(days.left)
    }

    /// What is left of the day.
    pub(crate) fn left(&self, now: i64) -> u64 {
        self.at(now).left
    }

    /// With the credits of a new day, if it is one.
    fn at(&self, now: i64) -> MutexGuard<'_, Days> {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let today = now.saturating_sub(self.midnight).div_euclid(DAY);
        // A clock that is set back gives no credits.
        if today > days.today {
            (days.today, days.left) = (today, self.daily);
        }
        days
    }

    /// All that was ever charged.
    pub(crate) fn spent(&self) -> u64 {
        self.days.lock().unwrap_or_else(PoisonError::into_inner).spent_ever
    }

    /// What was charged on each day, counted from 1970.
    pub(crate) fn by_day(&self) -> BTreeMap<i64, u64> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner).spent.clone()
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
        let minute = 60 * 1_000_000;
        let credits = Credits::new(4, Duration::ZERO, DAY - minute);
        assert_eq!(credits.charge(3, DAY - minute), Ok(1));
        assert_eq!(credits.charge(3, DAY - minute), Err(61));
        assert_eq!(credits.charge(1, DAY - 1), Ok(0));
        assert_eq!(credits.charge(3, DAY), Ok(1));
        assert_eq!(credits.charge(3, DAY - 1), Err(1), "the clock was set back");
        assert_eq!(credits.charge(3, DAY * 3), Ok(1));
        assert_eq!(credits.spent(), 10);
        assert_eq!(credits.by_day(), BTreeMap::from([(0, 4), (1, 3), (3, 3)]));
        let elsewhere = Credits::new(4, Duration::from_hours(8), DAY);
        assert_eq!(elsewhere.charge(3, DAY), Ok(1));
        assert_eq!(elsewhere.charge(3, DAY + 7 * 60 * minute), Err(3601));
        assert_eq!(elsewhere.charge(3, DAY + 8 * 60 * minute), Ok(1));
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
