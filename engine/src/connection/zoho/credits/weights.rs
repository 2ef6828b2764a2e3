//! What a request will cost, before it is made. Pure.

use std::collections::HashMap;

/// Kinds of requests that are told apart; there are fewer than a hundred endpoints.
const KINDS: usize = 512;
/// No call costs more: a desk that says so would never be asked again.
const MOST: u64 = 1_000;

/// What calls have cost, by their kind.
#[derive(Debug, Default)]
pub(super) struct Weights(HashMap<Kind, u64>);

/// A kind of request: its path without ids, and how far into a list it goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind(String, u8);

impl Weights {
    /// What a call of this path and query costs at most, as far as that is known.
    pub(super) fn cost(&self, path: &str, query: Option<&str>) -> u64 {
        let kind = Kind::of(path, query);
        self.0.get(&kind).copied().unwrap_or_else(|| kind.documented())
    }

    /// A call has cost this. The most that a kind ever did counts: a search by one id costs less than others.
    pub(super) fn learn(&mut self, path: &str, query: Option<&str>, weight: u64) {
        // What was refused cost nothing, which says nothing.
        if weight == 0 {
            return;
        }
        let kind = Kind::of(path, query);
        let weight = weight.min(MOST);
        if let Some(known) = self.0.get_mut(&kind) {
            *known = weight.max(*known);
        } else if self.0.len() < KINDS {
            self.0.insert(kind, weight);
        }
    }
}

impl Kind {
    fn of(path: &str, query: Option<&str>) -> Self {
        let mut pattern = String::with_capacity(path.len());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            let is_id = segment.bytes().all(|byte| byte.is_ascii_digit());
            pattern.push('/');
            pattern.push_str(if is_id { "{id}" } else { segment });
        }
        let from = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("from=")));
        let from = from.map_or(0, |digits| digits.parse().unwrap_or(u64::MAX));
        // The bounds of the desk's own table of costs.
        let band = match from {
            0..=2_000 => 0,
            2_001..=10_000 => 1,
            10_001..=50_000 => 2,
            50_001..=100_000 => 3,
            _ => 4,
        };
        Self(pattern, band)
    }

    /// What the documentation says of the most expensive call that it could be. (Zoho Desk's API documentation, "API
    /// limits".)
    fn documented(&self) -> u64 {
        match self.1 {
            _ if self.0.ends_with("/count") => 50,
            0 => 3,
            1 => 5,
            2 => 10,
            3 => 50,
            _ => 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_careful_until_they_are_known() {
        let mut weights = Weights::default();
        for (path, query, cost) in [
            ("/api/v1/tickets/17", None, 3),
            ("/api/v1/tickets", Some("limit=100&from=2000"), 3),
            ("/api/v1/tickets", Some("from=2001&limit=100"), 5),
            ("/api/v1/tickets", Some("from=10001"), 10),
            ("/api/v1/tickets", Some("from=50001"), 50),
            ("/api/v1/tickets", Some("from=100001"), 100),
            ("/api/v1/tickets", Some("from=99999999999999999999999"), 100),
            ("/api/v1/tickets", Some("from=x"), 100),
            ("/api/v1/tasks/count", None, 50),
            ("", None, 3),
        ] {
            assert_eq!(weights.cost(path, query), cost, "{path} {query:?}");
        }
        weights.learn("/api/v1/tickets/17", None, 1);
        weights.learn("/api/v1/tickets/17/threads", None, 3);
        weights.learn("/api/v1/tickets/18", Some("include=x"), 0);
        assert_eq!(
            weights.cost("/api/v1/tickets/99", None),
            1,
            "another id is the same kind"
        );
        weights.learn("/api/v1/tickets/19", None, 6);
        weights.learn("/api/v1/tickets/19", None, 1);
        assert_eq!(weights.cost("/api/v1/tickets/99", None), 6, "the most counts");
        weights.learn("/x", None, u64::MAX);
        assert_eq!(weights.cost("/x", None), MOST);
        assert_eq!(
            weights.cost("/api/v1/tickets/1/threads", Some("from=3000")),
            5,
            "each band is a kind"
        );
        for number in 0..2 * KINDS {
            weights.learn(&format!("/a{number}"), None, 7);
        }
        assert_eq!(weights.0.len(), KINDS);
    }
}
