//! What time it is. The one door to the machine's clock for all that decides by time: rules and the daemon are tested with
//! another one.

use std::time::SystemTime;

use plugin_api::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present moment, UTC. It may jump, also backwards.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 is wrong; the start of time says so as well as any other.
        Timestamp::from_micros(since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// The second in which a moment lies. Archives are named by it.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.micros() - time.micros().rem_euclid(1_000_000))
}
