//! Whether the desk answers at all. While it does not, requests wait instead of failing one after the other. Pure: moments
//! come in, decisions go out.
//!
//! It opens when the last tries of several requests all failed in ways that pass; a single record that can't be read never
//! opens it, nor does a desk that never answered: its URL is wrong more often than its machine is down. While it is open,
//! one look at the desk is taken at growing waits, by the cheapest request that was answered.

use std::time::Duration;

use tokio::time::Instant;

/// Tries that failed one after the other, over all lanes, behind which the desk is taken to be down.
const FAILED: u32 = 10;
/// Requests that they belong to, at least.
const REQUESTS: usize = 3;
/// The longest wait between two looks.
const LONGEST: Duration = Duration::from_mins(1);

/// A request: its lane and its ticket.
pub(super) type Place = (u64, u64);

/// Whether the desk answers.
#[derive(Debug)]
pub(super) struct Circuit {
    /// The wait before the first look.
    first: Duration,
    patience: Duration,
    /// It has answered before.
    answered: bool,
    /// Tries since it last answered, and the requests that they belong to, as far as they matter.
    failed: u32,
    requests: Vec<Place>,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed,
    Open(Open),
    GivenUp(String),
}

/// The desk does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// Since when.
    pub(super) since: Instant,
    /// When it is looked at again.
    pub(super) next: Instant,
    /// Until when it is waited for.
    until: Instant,
    /// How often it was looked at.
    pub(super) looks: u32,
    /// What went wrong last.
    pub(super) why: String,
}

/// What a failure makes of the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The try counts, and requests go on.
    No,
    /// The try does not count: its request waits with the others.
    Yes,
    /// The same, and looks at the desk are to be begun.
    From(Instant),
}

impl Circuit {
    /// Closed. Looks come at `first`, then at doubled waits; what waits for longer than `patience` is given up.
    pub(super) fn new(first: Duration, patience: Duration) -> Self {
        Self {
            first,
            patience,
            answered: false,
            failed: 0,
            requests: Vec::new(),
            state: State::Closed,
        }
    }

    /// A try was answered: the desk is there. Gives whether it was taken not to be.
    pub(super) fn answered(&mut self) -> bool {
        self.answered = true;
        self.failed = 0;
        self.requests.clear();
        if matches!(self.state, State::Open(_)) {
            self.state = State::Closed;
            return true;
        }
        false
    }

    /// A try failed in a way that passes.
    pub(super) fn failed(&mut self, request: Place, why: &str, now: Instant) -> Held {
        match self.state {
            State::Open(_) => return Held::Yes,
            State::GivenUp(_) => return Held::No,
            State::Closed => {}
        }
        self.failed = self.failed.saturating_add(1);
        if self.requests.len() < REQUESTS && !self.requests.contains(&request) {
            self.requests.push(request);
        }
        if !self.answered || self.failed < FAILED || self.requests.len() < REQUESTS {
            return Held::No;
        }
        let next = now + self.first.min(LONGEST);
        self.state = State::Open(Open {
            since: now,
            next,
            until: now + self.patience,
            looks: 0,
            why: why.to_owned(),
        });
        Held::From(next)
    }

    /// A look at the desk failed. When the next one is due; none: it is given up.
    pub(super) fn looked(&mut self, why: &str, now: Instant) -> Option<Instant> {
        let State::Open(open) = &mut self.state else {
            return None;
        };
        if now >= open.until {
            self.state = State::GivenUp(why.to_owned());
            return None;
        }
        open.looks = open.looks.saturating_add(1);
        why.clone_into(&mut open.why);
        let doubled = self
            .first
            .saturating_mul(1_u32.checked_shl(open.looks).unwrap_or(u32::MAX));
        // The last look comes when the patience ends, not up to a minute behind it.
        open.next = (now + doubled.min(LONGEST)).min(open.until).max(now);
        Some(open.next)
    }

    /// No look may be taken for so long, as credits are waited for: the patience does not run meanwhile. When the next one is
    /// due; none where that is not needed any more.
    pub(super) fn put_off(&mut self, wait: Duration, now: Instant) -> Option<Instant> {
        let State::Open(open) = &mut self.state else {
            return None;
        };
        open.until += wait;
        open.next = now + wait;
        Some(open.next)
    }

    /// How it stands with a desk that does not answer.
    pub(super) fn open(&self) -> Option<&Open> {
        match &self.state {
            State::Open(open) => Some(open),
            _ => None,
        }
    }

    /// What went wrong last, where nothing is asked any more.
    pub(super) fn given_up(&self) -> Option<&str> {
        match &self.state {
            State::GivenUp(why) => Some(why),
            _ => None,
        }
    }

    /// How long it is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A circuit of a desk that has answered, with the default rules.
    fn circuit() -> Circuit {
        let mut circuit = Circuit::new(secs(1), secs(900));
        assert!(!circuit.answered());
        circuit
    }

    /// Fails the tries of these requests, round by round, until it opens; gives how many that took.
    fn fail(circuit: &mut Circuit, requests: &[Place], tries: u32) -> Option<u32> {
        let now = Instant::now();
        (1..=tries).find(|n| {
            let place = requests[*n as usize % requests.len()];
            circuit.failed(place, "refused", now) != Held::No
        })
    }

    #[test]
    fn it_opens_only_where_several_requests_fail_and_none_is_answered() {
        assert_eq!(fail(&mut circuit(), &[(1, 1)], 1000), None, "one bad record");
        assert_eq!(fail(&mut circuit(), &[(1, 1), (2, 1)], 1000), None, "two");
        assert_eq!(fail(&mut circuit(), &[(1, 1), (1, 2), (2, 1)], 1000), Some(10));
        let mut new = Circuit::new(secs(1), secs(900));
        assert_eq!(fail(&mut new, &[(1, 1), (1, 2), (2, 1)], 1000), None, "never answered");
        let mut mixed = circuit();
        for round in 0..100 {
            assert_eq!(fail(&mut mixed, &[(1, round), (1, round + 1), (2, 1)], 9), None);
            assert!(!mixed.answered());
        }
    }

    #[test]
    fn looks_grow_to_a_minute_and_end_with_the_patience() {
        let mut circuit = circuit();
        assert!(fail(&mut circuit, &[(1, 1), (1, 2), (2, 1)], 10).is_some());
        let since = circuit.open().unwrap().since;
        let (mut now, mut waits) = (circuit.open().unwrap().next, Vec::new());
        while let Some(next) = circuit.looked("still refused", now) {
            waits.push((next - now).as_secs());
            now = next;
            assert_eq!(
                circuit.failed((9, 9), "", now),
                Held::Yes,
                "a straggler counts for nothing"
            );
        }
        assert_eq!(waits[..7], [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(now - since, secs(900));
        assert_eq!(circuit.given_up(), Some("still refused"));
        assert!(circuit.open().is_none());
        assert_eq!(circuit.failed((1, 1), "", now), Held::No);
        assert!(!circuit.answered());
        assert!(circuit.given_up().is_some(), "what was given up stays so");
    }

    #[test]
    fn the_patience_does_not_run_while_no_look_may_be_taken() {
        let mut circuit = circuit();
        assert!(fail(&mut circuit, &[(1, 1), (1, 2), (2, 1)], 10).is_some());
        let since = circuit.open().unwrap().since;
        let mut now = since + secs(600);
        for _ in 0..10_000 {
            now = circuit.put_off(secs(1), now).unwrap();
        }
        while let Some(next) = circuit.looked("still refused", now) {
            now = next;
        }
        assert_eq!(now - since, secs(10_900));
        assert_eq!(circuit.put_off(secs(1), now), None, "it was given up");
    }

    #[test]
    fn one_answer_closes_it() {
        let mut circuit = circuit();
        assert!(fail(&mut circuit, &[(1, 1), (1, 2), (2, 1)], 10).is_some());
        assert!(circuit.answered());
        assert!(circuit.open().is_none());
        assert_eq!(
            circuit.looked("late", Instant::now()),
            None,
            "a look that comes late changes nothing"
        );
        assert_eq!(fail(&mut circuit, &[(1, 1), (1, 2), (2, 1)], 9), None, "it counts anew");
    }
}
