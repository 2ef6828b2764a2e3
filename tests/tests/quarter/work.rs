//! The desk, and the people who work there.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use deskvault_tests::clock::TestClock;
use deskvault_tests::zoho::Desk;
use engine::clock::Clock as _;
use plugin_api::Timestamp;
use sample_desk::{Deed, Done, Life, Settings};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// So much later; earlier, if it is negative.
pub(crate) fn later(time: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(time.micros() + micros)
}

/// Somebody does something after so many requests,
const EVERY: u64 = 15;
/// which are looked at this often.
const PAUSE: Duration = Duration::from_millis(1);

/// Says so when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A desk, its clock, and what was done there.
pub(crate) struct Office {
    pub(crate) desk: Desk,
    pub(crate) clock: Arc<TestClock>,
    /// When it was opened.
    pub(crate) opened: Timestamp,
    done: Vec<Done>,
    number: u64,
    /// How many of them while the desk was read.
    pub(crate) meanwhile: usize,
}

/// How much is done at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) edits: u32,
    pub(crate) births: u32,
    pub(crate) deletions: u32,
}

impl Office {
    /// Opens a desk.
    pub(crate) fn open(seed: u64, clock: &Arc<TestClock>) -> Self {
        let settings = Settings {
            seed,
            tickets: 200,
            ..Settings::default()
        };
        let time = Arc::clone(clock);
        let life = Life {
            now: Arc::new(move || time.now().micros()),
            to_come: 300,
        };
        println!("seed {seed}");
        Self {
            desk: Desk::start_with(settings, life),
            clock: Arc::clone(clock),
            opened: clock.now(),
            done: Vec::new(),
            number: 0,
            meanwhile: 0,
        }
    }

    /// Puts the clock forward to a moment, where it stands, and works there.
    pub(crate) fn work_at(&mut self, at: Timestamp, load: Load) {
        self.clock.stand_at(at);
        self.work(load);
    }

    /// Works now. What there is nothing of to be done is left.
    pub(crate) fn work(&mut self, load: Load) {
        let desk = &self.desk.desk;
        for (count, deed) in [
            (load.births, Deed::Create),
            (load.edits, Deed::Edit),
            (load.deletions, Deed::Delete),
        ] {
            for _ in 0..count {
                self.number += 1;
                self.done.extend(match deed {
                    Deed::Create => desk.create(self.number),
                    Deed::Edit => desk.edit(self.number),
                    Deed::Delete => desk.delete(self.number),
                });
            }
        }
    }

    /// Works while the desk is read: after every so many requests somebody does something. Returns what `read` does.
    pub(crate) fn work_while<T>(&mut self, read: impl FnOnce(&Desk) -> T) -> T {
        let (desk, number, over) = (&self.desk.desk, self.number, AtomicBool::new(false));
        let (read, done) = thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let mut done = Vec::new();
                let mut next = desk.stats().requests + EVERY;
                while !over.load(Ordering::Acquire) {
                    if desk.stats().requests < next {
                        thread::sleep(PAUSE);
                        continue;
                    }
                    next += EVERY;
                    let number = number + 1 + done.len() as u64;
                    done.extend(match number % 8 {
                        0 => desk.delete(number),
                        1 => desk.create(number).or_else(|| desk.edit(number)),
                        _ => desk.edit(number),
                    });
                }
                done
            });
            // Also where `read` panics: the worker would go on for ever.
            let over = Over(&over);
            let read = read(&self.desk);
            drop(over);
            (read, worker.join().expect("the worker"))
        });
        self.number += done.len() as u64;
        self.meanwhile += done.len();
        self.done.extend(done);
        read
    }

    /// What time it is: later than everything that was done.
    pub(crate) fn now(&self) -> Timestamp {
        let last = self.done.iter().map(|done| done.at).max();
        last.map_or(self.clock.now(), |last| {
            self.clock.now().max(Timestamp::from_micros(last))
        })
    }

    /// How often something of a kind was done.
    pub(crate) fn count(&self, deed: Deed) -> usize {
        self.done.iter().filter(|done| done.deed == deed).count()
    }

    /// When records were deleted, by id.
    pub(crate) fn deletions(&self) -> HashMap<String, i64> {
        let deleted = self.done.iter().filter(|done| done.deed == Deed::Delete);
        deleted.map(|done| (done.id.to_string(), done.at)).collect()
    }
}
