//! When a notification that was not delivered is tried again. Pure: the number of the try, how it ended and chance come in.

use std::time::Duration;

/// How a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// In a way that tends to pass, or that somebody may mend: no connection, a server that is out of order, a secret that
    /// is missing.
    Passing,
    /// The receiver does not want it.
    Refused,
}

/// Tries in all. With the waits between them that is about a day.
pub(super) const TRIES: u32 = 32;
/// Tries in all where the receiver does not want it.
pub(super) const REFUSED_TRIES: u32 = 3;
/// About how long is waited after the first try; it doubles with each further one.
const FIRST: Duration = Duration::from_secs(15);
/// About the longest wait of our own choice.
const LONGEST: Duration = Duration::from_hours(1);
/// The longest that a receiver can make us wait.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// How long to wait after try number `attempt` (from 1); none: it is given up. `asked` is how long the receiver asks to
/// wait, which is not undercut; `jitter`, in `0.0..1.0`, spreads those that failed together.
pub(super) fn after(attempt: u32, class: Class, asked: Option<Duration>, jitter: f64) -> Option<Duration> {
    let tries = match class {
        Class::Passing => TRIES,
        Class::Refused => REFUSED_TRIES,
    };
    if attempt >= tries {
        return None;
    }
    let doublings = attempt.saturating_sub(1).min(16);
    let own = FIRST
        .saturating_mul(1 << doublings)
        .min(LONGEST)
        .mul_f64(0.75 + jitter / 2.0);
    Some(asked.map_or(own, |asked| own.max(asked.min(LONGEST_ASKED))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: f64 = 0.5;

    #[test]
    fn waits_double_up_to_an_hour_and_end_after_about_a_day() {
        let waits: Vec<u64> = (1..TRIES)
            .map(|attempt| after(attempt, Class::Passing, None, MIDDLE).unwrap().as_secs())
            .collect();
        assert_eq!(waits[..9], [15, 30, 60, 120, 240, 480, 960, 1920, 3600]);
        assert!(waits[8..].iter().all(|wait| *wait == 3600), "{waits:?}");
        let hours = waits.iter().sum::<u64>() as f64 / 3600.0;
        assert!((20.0..28.0).contains(&hours), "{hours}");
        for attempt in [TRIES, TRIES + 1, u32::MAX] {
            assert_eq!(after(attempt, Class::Passing, None, MIDDLE), None);
        }
    }

    #[test]
    fn what_is_not_wanted_is_given_up_soon() {
        let waits: Vec<_> = (1..6)
            .map(|attempt| after(attempt, Class::Refused, None, MIDDLE))
            .collect();
        let some = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(waits, [some(15), some(30), None, None, None]);
    }

    #[test]
    fn chance_spreads_and_the_receiver_is_not_undercut() {
        let asked = |seconds, attempt| after(attempt, Class::Passing, Some(Duration::from_secs(seconds)), MIDDLE);
        for (attempt, jitter, expected) in [(1, 0.0, 11.25), (1, 1.0, 18.75), (20, 0.0, 2700.0), (20, 1.0, 4500.0)] {
            let wait = after(attempt, Class::Passing, None, jitter).unwrap();
            assert!((wait.as_secs_f64() - expected).abs() < 0.001, "{wait:?}");
        }
        assert_eq!(asked(300, 1), Some(Duration::from_mins(5)));
        assert_eq!(asked(1, 1), Some(Duration::from_secs(15)));
        assert_eq!(asked(u64::MAX, 1), Some(Duration::from_hours(24)));
        assert_eq!(asked(300, TRIES), None);
    }
}
