//! The backups that run by themselves, scheduled ones and those that are gone on with: one thread for each desk, and none twice.

use std::collections::BTreeMap;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use plugin_api::Timestamp;

use crate::service::{Due, Ran, Resumable, ServiceError};

/// The wait before a backup that did not come to an end is tried again; doubled each time.
const FIRST: Duration = Duration::from_mins(1);
/// The longest such wait.
const LONGEST: Duration = Duration::from_hours(1);

/// What is to be done at a desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A run of its schedule.
    Slot(Due),
    /// A backup that is suspended is gone on with.
    Rest(Resumable),
}

impl Work {
    /// The desk.
    pub(super) fn desk(&self) -> &str {
        match self {
            Self::Slot(due) => &due.desk,
            Self::Rest(resumable) => &resumable.desk,
        }
    }

    /// What it is called in messages.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Slot(_) => "the scheduled backup",
            Self::Rest(_) => "the backup that was suspended",
        }
    }
}

/// When something is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// At once: it was not its fault, and it got further.
    AtOnce,
    /// After the first wait: it got further.
    Soon,
    /// After a longer wait than the last time.
    Later,
}

/// What a run came to.
pub(super) type Outcome = Result<Ran, ServiceError>;

/// The desks at work, and those that wait to try again.
#[derive(Default)]
pub(super) struct Desks {
    running: BTreeMap<String, Running>,
    waiting: BTreeMap<String, Waiting>,
}

struct Running {
    work: Work,
    since: Timestamp,
    thread: JoinHandle<Outcome>,
}

#[derive(Debug, PartialEq)]
struct Waiting {
    work: Work,
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

    /// Whether this is to be started: the desk is not at work, and it has waited long enough.
    pub(super) fn may_start(&mut self, work: &Work, now: Instant) -> bool {
        if self.running.contains_key(work.desk()) {
            return false;
        }
        match self.waiting.get(work.desk()) {
            Some(waiting) if waiting.work == *work => waiting.until <= now,
            Some(_) => {
                self.waiting.remove(work.desk());
                true
            }
            None => true,
        }
    }

    /// Starts it on a thread of its own.
    pub(super) fn start(
        &mut self,
        work: Work,
        since: Timestamp,
        run: impl FnOnce(&Work) -> Outcome + Send + 'static,
    ) -> io::Result<()> {
        let told = work.clone();
        let name = format!("backup {}", work.desk());
        let thread = thread::Builder::new().name(name).spawn(move || run(&told))?;
        self.running
            .insert(work.desk().to_owned(), Running { work, since, thread });
        Ok(())
    }

    /// A run that has ended since this was last asked. None for its outcome: it panicked.
    pub(super) fn ended(&mut self) -> Option<(Work, Option<Outcome>)> {
        let desk = self.running.iter().find(|(_, running)| running.thread.is_finished());
        let desk = desk.map(|(desk, _)| desk.clone())?;
        let running = self.running.remove(&desk)?;
        Some((running.work, running.thread.join().ok()))
    }

    /// It is still to be done: it is tried again after a while. Gives how long that is.
    pub(super) fn wait(&mut self, work: Work, again: Again, now: Instant) -> Duration {
        let before = self.waiting.get(work.desk()).filter(|waiting| waiting.work == work);
        let length = match again {
            Again::AtOnce => Duration::ZERO,
            Again::Soon => FIRST,
            Again::Later => before.map_or(FIRST, |waiting| (waiting.length * 2).clamp(FIRST, LONGEST)),
        };
        let until = now + length;
        self.waiting
            .insert(work.desk().to_owned(), Waiting { work, until, length });
        length
    }

    /// Nothing waits any longer: what was in its way may be gone.
    pub(super) fn wake(&mut self) {
        self.waiting.clear();
    }

    /// It came to its end.
    pub(super) fn done(&mut self, work: &Work) {
        self.waiting.remove(work.desk());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    use plugin_api::Timestamp;

    use super::{Again, Desks, FIRST, LONGEST, Work};
    use crate::service::{Due, Ran};

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn due(desk: &str, slot: i64) -> Work {
        Work::Slot(Due {
            desk: desk.into(),
            schedule: 1,
            slot: Timestamp::from_micros(slot),
        })
    }

    fn ended(desks: &mut Desks) -> (Work, Option<super::Outcome>) {
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
            let length = desks.wait(due("a", 1), Again::Later, now);
            assert!(!desks.may_start(&due("a", 1), now + length / 2));
            assert!(desks.may_start(&due("a", 1), now + length));
            now += length;
            lengths.push(length.as_secs() / 60);
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!((FIRST, LONGEST), (Duration::from_mins(1), Duration::from_hours(1)));
        assert!(desks.may_start(&due("a", 2), now), "another slot waits for nothing");
        assert_eq!(desks.wait(due("a", 2), Again::Later, now), FIRST);
        desks.done(&due("a", 2));
        assert_eq!(desks.wait(due("a", 2), Again::Later, now), FIRST);
    }
    #[test]
    fn one_that_gets_further_waits_no_longer_each_time() {
        let mut desks = Desks::default();
        let now = Instant::now();
        let mut wait = |again| desks.wait(due("a", 1), again, now);
        let waits = [
            Again::Later,
            Again::Later,
            Again::AtOnce,
            Again::Later,
            Again::Later,
            Again::Soon,
        ];
        let lengths = waits.map(|again| wait(again).as_secs() / 60);
        assert_eq!(lengths, [1, 2, 0, 1, 2, 1]);
        assert_eq!(wait(Again::AtOnce), Duration::ZERO);
        assert!(desks.may_start(&due("a", 1), now));
        desks.wait(due("a", 1), Again::Later, now);
        assert!(!desks.may_start(&due("a", 1), now));
        desks.wake();
        assert!(desks.may_start(&due("a", 1), now));
    }
}
