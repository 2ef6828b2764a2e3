//! How many events of a plugin go into the log: so many a second, and so many in all, so that it can neither drown the others nor
//! fill the disk. What is left out is counted, and told in one line.

use std::time::{Duration, Instant};

/// Events in a second.
const A_SECOND: u64 = 50;
/// Events in one export, however long it takes.
const IN_ALL: u64 = 100_000;

/// The events of one export.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// When the second under way began, and how many were logged in it.
    second: Option<(Instant, u64)>,
    logged: u64,
    /// Since that was last told.
    left_out: u64,
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// How many were left out before it, where that is to be told now.
    pub(super) left_out: Option<u64>,
    pub(super) is_logged: bool,
}

impl Events {
    /// One comes.
    pub(super) fn take(&mut self, now: Instant) -> Taken {
        let is_new = self
            .second
            .is_none_or(|(began, _)| now.saturating_duration_since(began) >= Duration::from_secs(1));
        let mut left_out = None;
        if is_new {
            self.second = Some((now, 0));
            // Told once a second at most as well, and not again and again when there were enough in all.
            if self.logged < IN_ALL {
                left_out = self.end();
            }
        }
        let in_second = self.second.as_mut().map_or(u64::MAX, |(_, count)| {
            *count += 1;
            *count
        });
        let is_logged = in_second <= A_SECOND && self.logged < IN_ALL;
        if is_logged {
            self.logged += 1;
        } else {
            self.left_out += 1;
        }
        Taken { left_out, is_logged }
    }

    /// How many were left out and not told yet, if any were.
    pub(super) fn end(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.left_out)).filter(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{A_SECOND, Events, IN_ALL};

    #[test]
    fn a_flood_is_thinned_out_and_counted() {
        let (mut events, start) = (Events::default(), Instant::now());
        let first = (0..10_000).filter(|_| events.take(start).is_logged).count();
        assert_eq!(first as u64, A_SECOND);
        let next = events.take(start + Duration::from_secs(1));
        assert_eq!((next.left_out, next.is_logged), (Some(10_000 - A_SECOND), true));
        assert_eq!(events.end(), None, "it was told");
        let later = events.take(start + Duration::from_secs(9));
        assert_eq!((later.left_out, later.is_logged), (None, true));
    }

    #[test]
    fn there_is_an_end_to_it() {
        let (mut events, start) = (Events::default(), Instant::now());
        let mut logged = 0;
        for second in 0..IN_ALL / A_SECOND + 100 {
            for _ in 0..A_SECOND {
                let taken = events.take(start + Duration::from_secs(second));
                assert_eq!(taken.left_out, None);
                logged += u64::from(taken.is_logged);
            }
        }
        assert_eq!((logged, events.end()), (IN_ALL, Some(100 * A_SECOND)));
    }
}
