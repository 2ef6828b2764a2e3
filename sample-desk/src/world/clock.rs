//! When records were created and modified: a non-decreasing function of their place, uneven as a real desk's days are.

use super::dice::Dice;

/// 2022-03-01T00:00:00Z, in seconds.
const BEGIN: i64 = 1_646_092_800;
/// 2026-03-01T00:00:00Z, in seconds: nothing is later but what is changed while the desk runs.
const END: i64 = 1_772_323_200;
/// No computed time is later, in microseconds.
pub(super) const LAST: i64 = END * SECOND;
/// Microseconds of a second.
pub(super) const SECOND: i64 = 1_000_000;
/// Stretches of equally many records, each with a pace of its own.
const STRETCHES: u64 = 16;

/// The times of one kind.
pub(super) struct Clock {
    seed: u64,
    kind: u8,
    count: u64,
    /// Where each stretch begins, in seconds.
    starts: [i64; STRETCHES as usize + 1],
    /// Records that came in by one import, all in one second.
    import: (u64, u64),
    /// Records that were changed together, in one second.
    bulk: (u64, u64),
}

impl Clock {
    /// Of `count` records.
    pub(super) fn new(seed: u64, kind: u8, count: u64) -> Self {
        let dice = Dice::new(seed, kind, u64::MAX);
        let weight = |n: u64| 1 + dice.below(n, 8) as i64;
        let all: i64 = (0..STRETCHES).map(weight).sum();
        let mut starts = [BEGIN; STRETCHES as usize + 1];
        let mut sum = 0;
        for n in 0..STRETCHES {
            sum += weight(n);
            starts[n as usize + 1] = BEGIN + (END - BEGIN) * sum / all;
        }
        let import = (count * 3 / 8, count * 3 / 8 + 250.min(count / 8));
        let bulk = (count * 5 / 8, count * 5 / 8 + 130.min(count / 8));
        Self {
            seed,
            kind,
            count: count.max(1),
            starts,
            import,
            bulk,
        }
    }

    /// When the record at `index` was created, in microseconds.
    #[inline]
    pub(super) fn created(&self, index: u64) -> i64 {
        // What is beyond the last one (trashed tickets) lies anywhere.
        let index = if index >= self.count {
            Dice::new(self.seed, self.kind, index).below(90, self.count)
        } else {
            index
        };
        let index = if index >= self.import.0 && index < self.import.1 {
            self.import.0
        } else {
            index
        };
        // Of each eight, some share their second with the first.
        let group = Dice::new(self.seed, self.kind, index & !7).throw(91);
        let together = if group.is_multiple_of(16) {
            2 + (group >> 4 & 7)
        } else {
            0
        };
        let apart = (index | 7) < self.import.0 || index & !7 >= self.import.1;
        let index = if index & 7 < together && apart {
            index & !7
        } else {
            index
        };
        let stretch = index * STRETCHES / self.count;
        let first = (stretch * self.count).div_ceil(STRETCHES);
        let after = ((stretch + 1) * self.count).div_ceil(STRETCHES);
        let (from, to) = (self.starts[stretch as usize], self.starts[stretch as usize + 1]);
        let (length, records) = (to - from, (after - first) as i64);
        let base = from + length * (index - first) as i64 / records;
        let room = (length / records - 1).max(1) as u64;
        let dice = Dice::new(self.seed, self.kind, index);
        let millis = if dice.one_in(93, 40) {
            dice.below(94, 1000) as i64
        } else {
            0
        };
        (base + dice.below(92, room) as i64) * SECOND + millis * 1000
    }

    /// When it was last modified by what the seed says, in microseconds. Never before it was created.
    #[inline]
    pub(super) fn modified(&self, index: u64) -> i64 {
        if index >= self.bulk.0 && index < self.bulk.1 {
            return (self.created(self.bulk.1) + 1000 * SECOND).min(LAST) / SECOND * SECOND;
        }
        let created = self.created(index);
        let dice = Dice::new(self.seed, self.kind, index);
        let throw = dice.throw(95);
        if throw.is_multiple_of(4) {
            return created;
        }
        let delay = ((throw >> 8 & 0xff) * (throw >> 16 & 0xffff)) as i64 * SECOND;
        // Near the end delays shrink: cut off, they would all meet in one second.
        let delay = if created + delay > LAST {
            (LAST - created) / 1000 * (throw >> 40 & 511) as i64 / 512 * 1000
        } else {
            delay
        };
        let modified = created + delay;
        if dice.one_in(96, 40) {
            modified
        } else {
            (modified / SECOND * SECOND).max(created)
        }
    }

    /// How many records were created before `micros`.
    pub(super) fn before(&self, micros: i64) -> u64 {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.created(middle) < micros {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// A time later than `from` by about `step` seconds for each of `n`, growing with `n`, and not beyond the last:
/// what is made while the desk runs is made at once.
#[inline]
pub(super) fn later(from: i64, n: u64, step: u64, jitter: u64) -> i64 {
    (from + (n * step + jitter % step.max(1)) as i64 * SECOND).min(LAST.max(from))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, Clock, LAST, SECOND};

    #[test]
    fn times_never_go_back_and_are_uneven() {
        for count in [1, 5, 100, 257, 1000, 20_000] {
            for seed in 1..5 {
                let clock = Clock::new(seed, 0, count);
                let times: Vec<i64> = (0..count).map(|index| clock.created(index)).collect();
                assert!(times.is_sorted(), "{count} {seed}");
                assert!(times[0] >= BEGIN * SECOND && *times.last().unwrap() <= LAST);
                for (index, created) in times.iter().enumerate() {
                    let modified = clock.modified(index as u64);
                    assert!(modified >= *created && modified <= LAST, "{count} {seed} {index}");
                }
                for probe in [
                    0,
                    BEGIN * SECOND,
                    times[times.len() / 2],
                    times[times.len() / 2] + 1,
                    LAST + 1,
                ] {
                    let expect = times.iter().filter(|time| **time < probe).count();
                    assert_eq!(clock.before(probe), expect as u64);
                }
                if count >= 20_000 {
                    let most = times.chunk_by(|a, b| a / SECOND == b / SECOND).map(<[i64]>::len).max();
                    assert!(most >= Some(250) && most < Some(260), "{most:?}");
                    assert!(times.iter().any(|time| time % SECOND != 0));
                }
            }
        }
    }
}
