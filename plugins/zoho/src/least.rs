//! The least number of requests with which the desk's rules allow an export. This is the one place where it is
//! written down; the engine shows it beside the number that was made.
//!
//! Records come in pages of at most [`SEARCH_LIMIT`], [`AGENTS_LIMIT`], ... (the API's limits per endpoint). Where the
//! number of records is known before the last page is read, because the page itself has a `count` or another answer
//! had it, n records take [`list_with_count`] requests: a full last page needs no other one to prove it the last, and
//! an empty list still takes one. Where it is not known, the end shows only in a page that is not full: [`list`]. Clients
//! met lists that give 10 or 50 records whatever they are asked for: where nothing counts them, one request more makes
//! sure, which is none of these.
//!
//! | module | least requests, for a full backup |
//! |---|---|
//! | contacts, accounts, products | fields: 1; search: `list_with_count(n, 100)` |
//! | activities | fields: 3; each of tasks, calls, events: `list_with_count(n, 100)`; comments: `list(c, 100)` for each activity with `isCommented` |
//! | agents | fields: 1; `/agents/count`: 1; active, disabled and deleted ones: `list(n, 200)` each |
//! | teams | `list(n, 200)`. That `limit=0` gives all teams at once is not counted on: an answer without bound |
//! | departments | `/departments/count`: 1; enabled and disabled ones: `list(n, 200)` each |
//! | tickets, articles | of these terms; what belongs to each ticket or article is added up in their own packages |
//!
//! A custom range takes two searches, by the time of creation and of change, each with its own n; an incremental one takes
//! the second alone. Without the scope for searches the rules allow no less than the request that was refused, the list,
//! and a request for each record: `1 + list(n, 100) + n`.

use plugin_api::{Output, Result};
use serde::{Deserialize, Serialize};

/// Records in a page of a search, and of most lists.
pub const SEARCH_LIMIT: u64 = 100;

/// Records in a page of agents, deleted agents, teams and departments.
pub const AGENTS_LIMIT: u64 = 200;

/// Requests for `n` records in pages of `limit`, where their number is known before the last page is asked for.
pub const fn list_with_count(n: u64, limit: u64) -> u64 {
    if n == 0 { 1 } else { n.div_ceil(limit) }
}

/// Requests for `n` records in pages of `limit`, where only a page that is not full shows the end.
pub const fn list(n: u64, limit: u64) -> u64 {
    n / limit + 1
}

/// The least number of requests of an export, added up term by term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Least(u64);

impl Least {
    /// Adds so many requests.
    pub fn add(&mut self, requests: u64) {
        self.0 = self.0.saturating_add(requests);
    }

    /// The sum so far.
    pub const fn requests(self) -> u64 {
        self.0
    }

    /// Tells it.
    pub fn tell(self, out: &mut Output<'_>) -> Result<()> {
        out.least_requests(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{list, list_with_count};

    #[test]
    fn pages_are_counted() {
        for (n, with_count, without) in [(0, 1, 1), (1, 1, 1), (99, 1, 1), (100, 1, 2), (101, 2, 2), (300, 3, 4)] {
            assert_eq!((list_with_count(n, 100), list(n, 100)), (with_count, without), "{n}");
        }
    }
}
