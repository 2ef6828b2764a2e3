//! The scheduled backups that run: one thread for each desk, and none twice.

use std::collections::BTreeMap;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use plugin_api::Timestamp;

use crate::service::{Due, Ran, ServiceError};

/// The wait before a slot that did not come to an end is tried again; doubled each time.
const FIRST: Duration = Duration::from_mins(1);
/// The longest such wait.
const LONGEST: Duration = Duration::from_hours(1);

/// What a run came to.
pub(super) type Outcome = Result<Ran, ServiceError>;

/// The desks at work, and those that wait to try again.
#[derive(Default)]
pub(super) struct Desks {
    running: BTreeMap<String, Running>,
    waiting: BTreeMap<String, Waiting>,
}

struct Running {
    due: Due,
    since: Timestamp,
    thread: JoinHandle<Outcome>,
}

#[derive(Debug, PartialEq)]
struct Waiting {
    due: Due,
    until: Instant,
    length: Duration,
}

impl Desks {
    /// Those that run, and since when.
    pub(super) fn running(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.running
            .iter()
            .map(|(desk, running)| (desk.as_str(), running.since))
    }

    /// Whether this is to be started: the desk is not at work, and the slot has waited long enough.
    pub(super) fn may_start(&mut self, due: &Due, now: Instant) -> bool {
        if self.running.contains_key(&due.desk) {
            return false;
        }
        match self.waiting.get(&due.desk) {
            Some(waiting) if waiting.due == *due => waiting.until <= now,
            Some(_) => {
                self.waiting.remove(&due.desk);
                true
            }
            None => true,
        }
    }

    /// Starts it on a thread of its own.
    pub(super) fn start(
        &mut self,
        due: Due,
        since: Timestamp,
        run: impl FnOnce(&Due) -> Outcome + Send + 'static,
    ) -> io::Result<()> {
        let told = due.clone();
        let name = format!("backup {}", due.desk);
        let thread = thread::Builder::new().name(name).spawn(move || run(&told))?;
        self.running.insert(due.desk.clone(), Running { due, since, thread });
        Ok(())
    }

    /// A run that has ended since this was last asked. None for its outcome: it panicked.
    pub(super) fn ended(&mut self) -> Option<(Due, Option<Outcome>)> {
        let desk = self.running.iter().find(|(_, running)| running.thread.is_finished());
        let desk = desk.map(|(desk, _)| desk.clone())?;
        let running = self.running.remove(&desk)?;
        Some((running.due, running.thread.join().ok()))
    }

    /// The slot is still due: it is tried again after a while, a longer one each time. Gives how long that is.
    pub(super) fn wait(&mut self, due: Due, now: Instant) -> Duration {
        let before = self.waiting.get(&due.desk).filter(|waiting| waiting.due == due);
        let length = before.map_or(FIRST, |waiting| (waiting.length * 2).min(LONGEST));
        let until = now + length;
        self.waiting.insert(due.desk.clone(), Waiting { due, until, length });
        length
    }

    /// It came to its end.
    pub(super) fn done(&mut self, due: &Due) {
        self.waiting.remove(&due.desk);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    use plugin_api::Timestamp;

    use super::{Desks, FIRST, LONGEST};
    use crate::service::{Due, Ran};

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn due(desk: &str, slot: i64) -> Due {
        Due {
            desk: desk.into(),
            schedule: 1,
            slot: Timestamp::from_micros(slot),
        }
    }

    fn ended(desks: &mut Desks) -> (Due, Option<super::Outcome>) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(ended) = desks.ended() {
                return ended;
            }
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
    }

    #[test]
    fn a_desk_is_at_work_once() {
        let mut desks = Desks::default();
        let (go, wait) = mpsc::channel::<()>();
        let start = Instant::now();
        assert!(desks.may_start(&due("a", 1), start));
        desks
            .start(due("a", 1), NOW, move |_| {
                let _ = wait.recv();
                Ok(Ran::Nothing)
            })
            .unwrap();
        assert!(!desks.may_start(&due("a", 1), start) && !desks.may_start(&due("a", 2), start));
        assert!(desks.may_start(&due("b", 1), start), "another goes on beside it");
        assert_eq!(desks.running().collect::<Vec<_>>(), [("a", NOW)]);
        assert!(desks.ended().is_none());
        drop(go);
        let (slot, outcome) = ended(&mut desks);
        assert_eq!(slot, due("a", 1));
        assert!(matches!(outcome, Some(Ok(Ran::Nothing))), "{outcome:?}");
        assert!(desks.may_start(&due("a", 2), start));
    }

    #[test]
    fn one_that_panics_has_ended_too() {
        let mut desks = Desks::default();
        desks.start(due("a", 1), NOW, |_| panic!("on purpose")).unwrap();
        assert!(matches!(ended(&mut desks), (_, None)));
    }

    #[test]
    fn a_slot_that_is_still_due_waits_longer_each_time() {
        let mut desks = Desks::default();
        let mut now = Instant::now();
        let mut lengths = Vec::new();
        for _ in 0..9 {
            let length = desks.wait(due("a", 1), now);
            assert!(!desks.may_start(&due("a", 1), now + length / 2));
            assert!(desks.may_start(&due("a", 1), now + length));
            now += length;
            lengths.push(length.as_secs() / 60);
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!((FIRST, LONGEST), (Duration::from_mins(1), Duration::from_hours(1)));
        assert!(desks.may_start(&due("a", 2), now), "another slot waits for nothing");
        assert_eq!(desks.wait(due("a", 2), now), FIRST);
        desks.done(&due("a", 2));
        assert_eq!(desks.wait(due("a", 2), now), FIRST);
    }
}
