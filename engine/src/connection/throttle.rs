//! How many requests the desk seems to bear at one time: halved when it complains, raised while it does not. Pure.

/// Windows of successes for one step up, once the number is next to one that the desk refused before.
const CAREFUL: f64 = 32.0;

/// Additive increase, multiplicative decrease, between 1 and the configured limit.
#[derive(Debug)]
pub(super) struct Throttle {
    limit: f64,
    allowed: f64,
    /// The number at which the desk last complained. Up to one below it the way back is quick, beyond it slow:
    /// a desk whose true limit is below the configured one is then asked too much only once in a while.
    refused: f64,
    epoch: u64,
}

/// When a request was started, in the count of decreases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(u64);

impl Throttle {
    /// Starts at `limit`, at least 1.
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit.max(1) as f64;
        Self {
            limit,
            allowed: limit,
            refused: f64::INFINITY,
            epoch: 0,
        }
    }

    /// Begins anew at another limit, at least 1.
    pub(super) fn set_limit(&mut self, limit: usize) {
        let epoch = self.epoch;
        *self = Self {
            epoch,
            ..Self::new(limit)
        };
    }

    /// The limit.
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// How many requests may be in flight now.
    pub(super) fn allowed(&self) -> usize {
        self.allowed as usize
    }

    /// The mark of a request that is started now.
    pub(super) fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    /// The desk took a request without complaint.
    pub(super) fn accepted(&mut self) {
        let windows = if self.allowed + 1.0 < self.refused {
            1.0
        } else {
            CAREFUL
        };
        self.allowed = (self.allowed + 1.0 / (self.allowed * windows)).min(self.limit);
    }

    /// The desk complained about a request started at `started`. A burst of complaints about requests that were
    /// in flight together counts once.
    pub(super) fn refused(&mut self, started: Epoch) {
        if started.0 == self.epoch {
            self.epoch += 1;
            self.refused = self.allowed.floor();
            self.allowed = (self.allowed / 2.0).floor().max(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_halves_once_and_never_below_one() {
        let mut throttle = Throttle::new(10);
        let started = throttle.epoch();
        for _ in 0..10 {
            throttle.refused(started);
        }
        assert_eq!(throttle.allowed(), 5);
        for expected in [2, 1, 1, 1] {
            throttle.refused(throttle.epoch());
            assert_eq!(throttle.allowed(), expected);
        }
        assert_eq!(Throttle::new(0).allowed(), 1);
    }

    #[test]
    fn it_recovers_step_by_step_up_to_the_limit() {
        let mut throttle = Throttle::new(8);
        throttle.refused(throttle.epoch());
        assert_eq!(throttle.allowed(), 4);
        throttle.accepted();
        assert_eq!(throttle.allowed(), 4, "one success is not enough");
        let mut successes = 1;
        while throttle.allowed() < 8 {
            throttle.accepted();
            successes += 1;
            assert!(successes < 1000, "it must come back");
        }
        assert!(
            successes > 100,
            "the last step, to what was refused, is slow: {successes}"
        );
        for _ in 0..1000 {
            throttle.accepted();
        }
        assert_eq!(throttle.allowed(), 8);
    }

    #[test]
    fn it_settles_at_what_the_desk_bears() {
        // 25 are configured, the desk bears 10 and answers the rest of a window with 429.
        let (mut throttle, mut answered, mut refused) = (Throttle::new(25), 0_u32, 0_u32);
        let mut windows = 0;
        while answered < 5_000 {
            let (now, started) = (throttle.allowed(), throttle.epoch());
            windows += 1;
            for place in 0..now {
                if place < 10 {
                    answered += 1;
                    throttle.accepted();
                } else {
                    refused += 1;
                    throttle.refused(started);
                }
            }
        }
        assert!(refused < 60, "{refused} requests refused");
        assert!(windows < 600, "{windows} windows where 500 are the least");
    }
}
