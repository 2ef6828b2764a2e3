//! How many requests are still to come. Lists say of each ticket how many threads and comments it has, long before it is
//! read itself: what it takes follows from that, by the rules of [`least`].

use plugin_api::RawValue;

use crate::least;
use crate::run::Drafts;
use crate::ticket::{Counts, Facts};

/// Tickets as their lists have them, and what those took that are done; all of this run.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    listed: Tickets,
    /// Tickets of pages that have come and were not given yet: they are among the listed ones.
    ahead: u64,
    /// Pages of these.
    pages: usize,
    /// What the one that takes the most takes.
    most: u64,
    done: Tickets,
    /// What those that are done took in truth: no list has counts of attachments.
    took: u64,
}

/// Some tickets, and what they take by what their lists have of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tickets {
    pub(crate) count: u64,
    pub(crate) requests: u64,
}

impl Tickets {
    pub(crate) fn add(&mut self, requests: u64) {
        self.count += 1;
        self.requests = self.requests.saturating_add(requests);
    }
}

impl Foreseen {
    /// A page of the search is given; whether its tickets are among the listed ones already.
    pub(crate) fn given(&mut self, tickets: u64) -> bool {
        if self.pages == 0 {
            return false;
        }
        self.pages -= 1;
        self.ahead = if self.pages == 0 {
            0
        } else {
            self.ahead.saturating_sub(tickets)
        };
        true
    }

    /// Pages that have been counted and not given.
    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    /// Counts the tickets of pages that have come; now there are so many of these.
    pub(crate) fn ahead(&mut self, tickets: &[&RawValue], pages: usize) {
        for ticket in tickets {
            self.list(of_row(ticket));
        }
        self.ahead += tickets.len() as u64;
        self.pages = pages;
    }

    /// A ticket was listed that takes so much.
    pub(crate) fn list(&mut self, requests: u64) {
        self.listed.add(requests);
        self.most = self.most.max(requests);
    }

    /// One that was listed was written before.
    pub(crate) fn unlist(&mut self, requests: u64) {
        self.listed.count = self.listed.count.saturating_sub(1);
        self.listed.requests = self.listed.requests.saturating_sub(requests);
    }

    /// These are done.
    pub(crate) fn done(&mut self, tickets: Tickets) {
        self.done.count += tickets.count;
        self.done.requests = self.done.requests.saturating_add(tickets.requests);
    }

    /// One that is done took so much.
    pub(crate) fn took(&mut self, requests: u64) {
        self.took = self.took.saturating_add(requests);
    }

    /// About how many requests are to come, where the search has `tickets`, of which `given` were given; none before any is
    /// listed.
    pub(crate) fn to_come(&self, tickets: u64, given: u64) -> Option<u64> {
        let unlisted = tickets.saturating_sub(given.saturating_add(self.ahead));
        if self.listed.count == 0 && unlisted > 0 {
            return None;
        }
        // One that takes as much as hundreds of others says nothing of those.
        let others = self.listed.count.saturating_sub(1).max(1) as f64;
        let each = self.listed.requests.saturating_sub(self.most) as f64 / others;
        let left = self.listed.count.saturating_sub(self.done.count) + unlisted;
        let more = match self.done.count {
            0 => 0.0,
            done => (self.took as f64 - self.done.requests as f64) / done as f64,
        };
        let known = self.listed.requests.saturating_sub(self.done.requests) as f64;
        let lists = unlisted.div_ceil(zoho::SEARCH_LIMIT) as f64;
        let requests = known + unlisted as f64 * each + left as f64 * more + lists;
        Some(requests.max(0.0).round() as u64)
    }
}

/// What a ticket takes, by its row of a list.
pub(crate) fn of_row(row: &RawValue) -> u64 {
    let counts = Facts::read(row).map(|facts| facts.counts()).unwrap_or_default();
    let (Some(threads), Some(comments)) = (counts.threads, counts.comments) else {
        // The detail at least.
        return 1;
    };
    let counts = Counts {
        attachments: Some(counts.attachments.unwrap_or(0)),
        entries: Some(0),
        ..counts
    };
    least::ticket(&counts, threads, comments, 0, Drafts::Unknown)
}

#[cfg(test)]
mod tests {
    use plugin_api::RawValue;

    use super::{Foreseen, Tickets, of_row};

    fn row(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn a_row_tells_what_its_ticket_takes() {
        for (text, requests) in [
            (r#"{"threadCount":"0","commentCount":"0"}"#, 1),
            (r#"{"threadCount":"1","commentCount":"0"}"#, 2),
            (r#"{"threadCount":"4","commentCount":"1"}"#, 6),
            (r#"{"threadCount":"4","commentCount":"1","attachmentCount":"2"}"#, 7),
            (r#"{"commentCount":"1"}"#, 1),
            ("7", 1),
        ] {
            assert_eq!(of_row(&row(text)), requests, "{text}");
        }
    }

    #[test]
    fn what_is_to_come_follows_from_what_is_listed() {
        let mut foreseen = Foreseen::default();
        assert_eq!(foreseen.to_come(400, 0), None, "nothing is listed");
        assert_eq!(foreseen.to_come(0, 0), Some(0), "there is none");
        let four = row(r#"{"threadCount":2,"commentCount":0}"#);
        assert!(!foreseen.given(100));
        (0..100).for_each(|_| foreseen.list(of_row(&four)));
        // 400 tickets of 4 requests, and three pages.
        assert_eq!(foreseen.to_come(400, 100), Some(400 * 4 + 3));
        // A page more came; one of its tickets is a long one.
        let long = row(r#"{"threadCount":500,"commentCount":0}"#);
        let mut rows: Vec<&RawValue> = vec![&four; 99];
        rows.push(&long);
        foreseen.ahead(&rows, 1);
        assert_eq!(foreseen.to_come(400, 100), Some(399 * 4 + 504 + 2));
        assert!(foreseen.given(100) && !foreseen.given(100));
        assert_eq!(foreseen.to_come(400, 200), Some(399 * 4 + 504 + 2));
        // Those that are done took half a request more each.
        foreseen.done(Tickets {
            count: 100,
            requests: 400,
        });
        (0..100).for_each(|at| foreseen.took(4 + at % 2));
        assert_eq!(foreseen.to_come(400, 200), Some(299 * 4 + 504 + 150 + 2));
        // More were given than the search counts: archived ones.
        assert_eq!(foreseen.to_come(150, 200), Some(99 * 4 + 504 + 50));
    }

    #[test]
    fn it_is_right_from_the_first_tenth_on() {
        // Pages of 100 come five at a time; most tickets take 10 requests, many 2, and one in 3,000 takes hundreds.
        let mut sum = 0.0;
        for seed in 1..=300_u64 {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut below = |n: u64| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % n
            };
            let tickets: Vec<u64> = (0..3_150)
                .map(|at| match (below(3_000), below(100)) {
                    (0, _) => 260,
                    _ if at == 1_050 => 270,
                    (_, 0..30) => 2,
                    (_, 30..36) => 1,
                    _ => 4 + below(9),
                })
                .collect();
            // One in eight has attachments, of which the lists say nothing.
            let took: Vec<u64> = tickets
                .iter()
                .map(|foreseen| foreseen + u64::from(below(8) == 0))
                .collect();
            let all: u64 = took.iter().sum();
            let mut foreseen = Foreseen::default();
            let (mut listed, mut made) = (0, 0);
            for (at, (row, took)) in tickets.iter().zip(&took).enumerate() {
                if at >= listed {
                    let batch = if listed == 0 { 100 } else { 500 };
                    let end = (listed + batch).min(tickets.len());
                    tickets[listed..end].iter().for_each(|row| foreseen.list(*row));
                    listed = end;
                }
                foreseen.done(Tickets {
                    count: 1,
                    requests: *row,
                });
                foreseen.took(*took);
                made += took;
                if made >= all / 10 {
                    let to_come = foreseen.to_come(3_150, listed as u64).expect("a forecast");
                    let off = (made + to_come) as f64 / all as f64 - 1.0;
                    if made < all / 10 + took {
                        sum += off;
                    }
                    assert!(off.abs() < 0.1, "{seed}, {at}: {off}");
                }
            }
        }
        assert!((sum / 300.0).abs() < 0.03, "{sum}");
    }
}
