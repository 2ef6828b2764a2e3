//! Whose request is next: the slots of one desk, shared by its exporters. Pure: no time, no I/O.
//!
//! Each exporter has a lane. A free slot goes to the lane with the fewest requests in flight, so that an exporter
//! with a thousand requests queued leaves one with two its half.

use std::collections::{BTreeMap, VecDeque};

use super::throttle::{Epoch, Throttle};

/// The lanes of a desk; `J` is what waits in them.
pub(super) struct Lanes<J> {
    by_id: BTreeMap<u64, Lane<J>>,
    opened: u64,
    starts: u64,
    in_flight: usize,
    throttle: Throttle,
}

struct Lane<J> {
    pending: VecDeque<J>,
    running: usize,
    /// Finished and not yet taken by the exporter.
    finished: usize,
    last_start: u64,
}

impl<J> Lanes<J> {
    /// At most `limit` requests in flight.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            by_id: BTreeMap::new(),
            opened: 0,
            starts: 0,
            in_flight: 0,
            throttle: Throttle::new(limit),
        }
    }

    /// A further lane; gives its number.
    pub(super) fn open(&mut self) -> u64 {
        self.opened += 1;
        let lane = Lane {
            pending: VecDeque::new(),
            running: 0,
            finished: 0,
            last_start: self.starts,
        };
        self.by_id.insert(self.opened, lane);
        self.opened
    }

    /// Removes a lane. What is in flight keeps its slots until it ends.
    pub(super) fn close(&mut self, lane: u64) {
        self.by_id.remove(&lane);
    }

    /// Removes and gives everything that has not been started, in one lane or in all.
    pub(super) fn drain(&mut self, only: Option<u64>) -> Vec<J> {
        let chosen = self
            .by_id
            .iter_mut()
            .filter(|(id, _)| only.is_none_or(|only| only == **id));
        chosen.flat_map(|(_, lane)| std::mem::take(&mut lane.pending)).collect()
    }

    /// Queues `job` behind the others of its lane.
    pub(super) fn push(&mut self, lane: u64, job: J) {
        if let Some(lane) = self.by_id.get_mut(&lane) {
            lane.pending.push_back(job);
        }
    }

    /// Queues `job` before the others of its lane: it has waited already, or its exporter does nothing until it is done.
    pub(super) fn push_first(&mut self, lane: u64, job: J) {
        if let Some(lane) = self.by_id.get_mut(&lane) {
            lane.pending.push_front(job);
        }
    }

    /// Takes the next job to start, if there is a slot for it. Without `room` for further answers only a lane with
    /// nothing in flight and nothing to take may start one: its exporter may be waiting for just that, and the
    /// others' answers are not its to take.
    /// Where `admit` is against it, that one and all others wait.
    pub(super) fn start(&mut self, room: bool, admit: impl FnOnce(&J) -> bool) -> Option<(J, Epoch)> {
        if self.in_flight >= self.throttle.allowed() {
            return None;
        }
        let (_, lane) = self
            .by_id
            .iter_mut()
            .filter(|(_, lane)| !lane.pending.is_empty())
            .filter(|(_, lane)| room || (lane.running == 0 && lane.finished == 0))
            .min_by_key(|(_, lane)| (lane.running, lane.last_start))?;
        if !lane.pending.front().is_some_and(admit) {
            return None;
        }
        let job = lane.pending.pop_front()?;
        self.starts += 1;
        lane.last_start = self.starts;
        lane.running += 1;
        self.in_flight += 1;
        Some((job, self.throttle.epoch()))
    }

    /// A try has ended and its slot is free; `finished` if the exporter now has an outcome to take.
    pub(super) fn end(&mut self, lane: u64, finished: bool) {
        self.in_flight -= 1;
        if let Some(lane) = self.by_id.get_mut(&lane) {
            lane.running -= 1;
            lane.finished += usize::from(finished);
        }
    }

    /// The exporter took an outcome.
    pub(super) fn taken(&mut self, lane: u64) {
        if let Some(lane) = self.by_id.get_mut(&lane) {
            lane.finished = lane.finished.saturating_sub(1);
        }
    }

    /// What the desk makes of the number in flight.
    pub(super) fn throttle(&mut self) -> &mut Throttle {
        &mut self.throttle
    }

    /// Requests in flight, and how many are allowed now.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        (self.in_flight, self.throttle.allowed())
    }

    /// Whether no exporter is left.
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Requests of one lane in flight.
    pub(super) fn running(&self, lane: u64) -> usize {
        self.by_id.get(&lane).map_or(0, |lane| lane.running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(limit: usize, lanes: u64, jobs: u64) -> Lanes<(u64, u64)> {
        let mut all = Lanes::new(limit);
        for _ in 0..lanes {
            let lane = all.open();
            for job in 1..=jobs {
                all.push(lane, (lane, job));
            }
        }
        all
    }

    fn start(lanes: &mut Lanes<(u64, u64)>, room: bool) -> Option<(u64, u64)> {
        lanes.start(room, |_| true).map(|(job, _)| job)
    }

    #[test]
    fn slots_are_shared_and_never_exceeded() {
        let mut lanes = filled(4, 2, 10);
        let started: Vec<_> = std::iter::from_fn(|| start(&mut lanes, true)).collect();
        assert_eq!(started, [(1, 1), (2, 1), (1, 2), (2, 2)]);
        assert_eq!(lanes.in_flight(), (4, 4));
        // Lane 1 is quick: its slots come free, and it keeps its half, no more.
        for expected in 3..=5 {
            lanes.end(1, true);
            assert_eq!(start(&mut lanes, true), Some((1, expected)));
            assert_eq!(start(&mut lanes, true), None);
        }
        assert_eq!((lanes.running(1), lanes.running(2)), (2, 2));
    }

    #[test]
    fn a_newcomer_gets_the_next_slots() {
        let mut lanes = filled(4, 1, 10);
        while start(&mut lanes, true).is_some() {}
        let lane = lanes.open();
        lanes.push(lane, (lane, 1));
        lanes.end(1, true);
        assert_eq!(start(&mut lanes, true), Some((lane, 1)));
    }

    #[test]
    fn without_room_only_a_starving_lane_starts_one() {
        let mut lanes = filled(4, 2, 10);
        assert_eq!(start(&mut lanes, true), Some((1, 1)));
        assert_eq!(start(&mut lanes, false), Some((2, 1)));
        assert_eq!(start(&mut lanes, false), None, "both have one in flight");
        lanes.end(1, true);
        assert_eq!(start(&mut lanes, false), None, "lane 1 has something to take");
        lanes.taken(1);
        assert_eq!(start(&mut lanes, false), Some((1, 2)));
        lanes.end(2, false);
        assert_eq!(
            start(&mut lanes, false),
            Some((2, 2)),
            "a try that is to be repeated leaves nothing to take"
        );
    }

    #[test]
    fn a_closed_lane_frees_its_slots_as_they_end() {
        let mut lanes = filled(2, 2, 10);
        while start(&mut lanes, true).is_some() {}
        lanes.close(1);
        lanes.end(1, true);
        lanes.taken(1);
        lanes.push(1, (1, 99));
        assert_eq!(lanes.in_flight(), (1, 2));
        assert_eq!(start(&mut lanes, true), Some((2, 2)));
        lanes.push_first(2, (2, 99));
        assert_eq!(lanes.drain(Some(2)).len(), 9);
        assert!(lanes.drain(None).is_empty());
    }
}
