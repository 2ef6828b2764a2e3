//! The limit of records in one backup: one count of rows over all modules, and what the desk's own counts say of it.
//!
//! What the desk counts is heard first, and refuses a backup that would be too large, unless a part of it is wanted. A backup
//! that reaches the limit all the same stops at that row.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use plugin_api::{ErrorKind, ExportError};
use tokio_util::sync::CancellationToken;

use super::services::Counts;
use crate::quota::Refusal;

/// A backup is refused only while it has written no more rows than this, or than a tenth of the limit: what took hours is not
/// thrown away, but goes on until the limit is reached.
const FEW: u64 = 100_000;
/// What an exporter expects once it has written rows may be a projection from them; it is heard when it is not more than so
/// many times as many.
const PROJECTED: u64 = 100;
/// And it may be so many times too large: the first tickets may have more threads than others, and a record that is found by
/// its creation and by its change is expected twice.
const EXAGGERATED: u64 = 2;

/// The limit of one backup.
pub(super) struct Limit {
    /// Rows at most; `u64::MAX`: any number.
    most: u64,
    allow_partial: bool,
    /// Rows that were let through, and those that were refused: once one was, all are.
    taken: AtomicU64,
    reached: AtomicBool,
    /// What the desk counts, where that refuses the backup.
    refused: OnceLock<u64>,
    modules: Mutex<Vec<Arc<Counts>>>,
    /// Ends all exports.
    pub(super) stop: CancellationToken,
}

/// What is known of the rows of a module.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Rows written.
    rows: u64,
    /// The sum of what the desk counts for its tables.
    counted: u64,
    /// Rows that it expects in all.
    expected: u64,
    /// Whether it said so before it had written any.
    is_count: bool,
    /// There will be no more rows.
    ended: bool,
}

impl Known {
    /// How many rows it will have at least.
    fn at_least(self) -> u64 {
        let expected = match self.expected {
            expected if self.is_count => expected,
            expected if expected <= self.rows.saturating_mul(PROJECTED) => expected / EXAGGERATED,
            _ => 0,
        };
        if self.ended {
            self.rows
        } else {
            self.rows.max(self.counted).max(expected)
        }
    }

    /// How many rows it is said to have.
    fn said(self) -> u64 {
        if self.ended {
            self.rows
        } else {
            self.at_least().max(self.expected)
        }
    }
}

impl Limit {
    /// At most so many rows; none: any number. `stop` is cancelled when the limit is reached, and when the desk counts more,
    /// unless a part is allowed.
    pub(super) fn new(most: Option<u64>, allow_partial: bool, stop: CancellationToken) -> Self {
        Self {
            most: most.unwrap_or(u64::MAX),
            allow_partial,
            taken: AtomicU64::new(0),
            reached: AtomicBool::new(false),
            refused: OnceLock::new(),
            modules: Mutex::default(),
            stop,
        }
    }

    /// So many rows are there already.
    pub(super) fn begin(&self, rows: u64) {
        self.taken.store(rows, Ordering::Relaxed);
    }

    /// One more module counts.
    pub(super) fn join(&self, counts: Arc<Counts>) {
        self.modules.lock().unwrap_or_else(PoisonError::into_inner).push(counts);
    }

    /// Whether one more row may be written. Never for more than the limit, however many ask at the same time.
    pub(super) fn take(&self) -> bool {
        if self.most == u64::MAX || self.taken.fetch_add(1, Ordering::Relaxed) < self.most {
            return true;
        }
        self.judge(true);
        self.reached.store(true, Ordering::Release);
        self.stop.cancel();
        false
    }

    /// A row that was let through could not be written.
    pub(super) fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    /// Something new was said of what there is.
    pub(super) fn heard(&self) -> Result<(), ExportError> {
        self.judge(false);
        if self.refused.get().is_some() {
            return Err(self.refusal());
        }
        Ok(())
    }

    /// What an exporter is told that may not go on.
    pub(super) fn refusal(&self) -> ExportError {
        ExportError::new(ErrorKind::Cancelled, self.reason())
    }

    /// Why nothing more was written.
    pub(super) fn reason(&self) -> String {
        format!("limit of {} records reached", self.most)
    }

    /// Whether a row was refused.
    pub(super) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Acquire)
    }

    /// Why the backup may not be, where that is so.
    pub(super) fn refused(&self) -> Option<Refusal> {
        self.refused.get().map(|counted| Refusal::Records {
            counted: *counted,
            limit: self.most,
        })
    }

    fn judge(&self, is_beyond: bool) {
        if self.allow_partial || self.most == u64::MAX {
            return;
        }
        let modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<Known> = modules.iter().map(|counts| counts.known()).collect();
        drop(modules);
        if let Some(counted) = too_many(&known, self.most, is_beyond) {
            // The first count that is too large stands.
            self.refused.get_or_init(|| counted);
            self.stop.cancel();
        }
    }
}

impl Counts {
    fn known(&self) -> Known {
        Known {
            rows: self.rows.load(Ordering::Relaxed),
            counted: self.counted.load(Ordering::Relaxed),
            expected: self.expected.load(Ordering::Relaxed),
            is_count: self.is_count.load(Ordering::Relaxed),
            ended: self.ended.load(Ordering::Relaxed),
        }
    }
}

/// What there is at least over all modules, if that is more than the limit and early enough to say so. `is_beyond`: the row
/// beyond the limit is there. Then whoever had expected it was right, and could have been asked first.
fn too_many(modules: &[Known], most: u64, is_beyond: bool) -> Option<u64> {
    let sum = |rows: &dyn Fn(&Known) -> u64| modules.iter().map(rows).fold(0_u64, u64::saturating_add);
    let (written, counted) = (sum(&|known| known.rows), sum(&|known| known.at_least()));
    let is_more = counted > most || is_beyond && sum(&|known| known.said()) > most;
    (is_more && written <= FEW.max(most / 10)).then_some(counted.max(most.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio_util::sync::CancellationToken;

    use super::{Counts, Known, Limit, too_many};
    use crate::quota::Refusal;

    fn limit(most: u64, allow_partial: bool) -> (Limit, Arc<Counts>) {
        let limit = Limit::new(Some(most), allow_partial, CancellationToken::new());
        let counts = Arc::new(Counts::default());
        limit.join(Arc::clone(&counts));
        (limit, counts)
    }

    #[test]
    fn exactly_as_many_rows_as_the_limit_are_let_through_whoever_asks() {
        let (limit, _) = limit(10_000, false);
        let passed = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // Goes on asking after it was refused, as no exporter may.
                    for _ in 0..5_000 {
                        passed.fetch_add(u64::from(limit.take()), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 10_000);
        assert!(limit.is_reached() && limit.stop.is_cancelled());
        assert_eq!(limit.refused(), None, "nobody counted");
    }

    #[test]
    fn the_limit_itself_is_not_beyond_it() {
        let (limit, _) = limit(2, false);
        assert!(limit.take() && limit.take());
        assert!(!limit.is_reached() && !limit.stop.is_cancelled());
        // A row that could not be written leaves room for another; behind a refusal nothing does.
        limit.give_back();
        assert!(limit.take());
        assert!(!limit.take());
        limit.give_back();
        assert!(!limit.take());
        let none = Limit::new(None, false, CancellationToken::new());
        assert!(none.take() && !none.is_reached());
    }

    #[test]
    fn a_count_beyond_the_limit_refuses_at_once_unless_a_part_is_allowed() {
        for (allow_partial, refused) in [(false, true), (true, false)] {
            let (limit, counts) = limit(10, allow_partial);
            counts.counted.store(10, Ordering::Relaxed);
            assert!(limit.heard().is_ok());
            counts.counted.store(11, Ordering::Relaxed);
            assert_eq!(limit.heard().is_err(), refused);
            assert_eq!(limit.stop.is_cancelled(), refused);
            let counted = Refusal::Records { counted: 11, limit: 10 };
            assert_eq!(limit.refused(), refused.then_some(counted));
            assert!(!limit.is_reached());
        }
    }

    #[test]
    fn a_projection_from_few_rows_counts_when_the_row_beyond_is_there() {
        let (limit, counts) = limit(3, false);
        counts.expected.store(1_000, Ordering::Relaxed);
        for rows in 1..=3 {
            assert!(limit.take());
            counts.rows.store(rows, Ordering::Relaxed);
            assert!(limit.heard().is_ok());
        }
        assert!(!limit.take());
        assert_eq!(limit.refused(), Some(Refusal::Records { counted: 4, limit: 3 }));
    }

    #[test]
    fn what_is_known_adds_up_without_counting_anything_twice() {
        let known = Known::default();
        let rows = |rows| Known { rows, ..known };
        let counted = |counted| Known { counted, ..known };
        let expected = |expected, rows| Known {
            rows,
            expected,
            ..known
        };
        let count = |expected| Known {
            expected,
            is_count: true,
            ..known
        };
        let most = 10_000_000;
        for (modules, any, found) in [
            (vec![], false, None),
            (vec![counted(6_000_000), count(4_000_000)], false, None),
            (vec![counted(6_000_000), count(4_000_001)], false, Some(10_000_001)),
            // Two words for the same rows.
            (
                vec![Known {
                    counted: 6_000_000,
                    ..count(6_000_000)
                }],
                false,
                None,
            ),
            // More rows than counted, and rows besides the counted ones of others.
            (
                vec![
                    Known {
                        rows: 5,
                        counted: 3,
                        ..known
                    },
                    counted(9_999_996),
                ],
                false,
                Some(10_000_001),
            ),
            // A projection is heard from a hundredth on, and believed by half.
            (vec![expected(30_000_000, 299_999)], false, None),
            (vec![expected(30_000_000, 300_000)], false, Some(15_000_000)),
            (vec![expected(20_000_000, 300_000)], false, None),
            // If the row beyond is there, it was right.
            (vec![expected(10_000_001, 1)], true, Some(10_000_001)),
            (vec![expected(10_000_000, 1)], true, None),
            // Too late to refuse.
            (vec![expected(30_000_000, 1_000_000)], false, Some(15_000_000)),
            (vec![expected(30_000_000, 1_000_001)], false, None),
            (vec![counted(10_000_001), rows(1_000_001)], false, None),
            (vec![rows(most)], true, None),
            // What has ended has what it has.
            (
                vec![Known {
                    ended: true,
                    rows: 1,
                    ..count(u64::MAX)
                }],
                false,
                None,
            ),
            (vec![count(u64::MAX), count(u64::MAX)], false, Some(u64::MAX)),
        ] {
            assert_eq!(too_many(&modules, most, any), found, "{modules:?}");
        }
        // With a low limit it is early at the limit itself.
        assert_eq!(too_many(&[expected(101, 100)], 100, true), Some(101));
        assert_eq!(too_many(&[rows(100)], 100, true), None);
    }
}
