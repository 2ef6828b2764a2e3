//! What was asked of the desk.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::server::surface::Endpoint;

/// What was asked of a desk since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests of the API, refused ones and faults among them; those of the token endpoint are not.
    pub requests: u64,
    /// Requests by the pattern of their path, `/tickets/{id}/threads`. Unknown paths are under the empty one, and a
    /// request that was refused before its path was looked at is under none.
    pub by_path: BTreeMap<String, u64>,
    /// Requests by the first segment of their path, `tickets`.
    pub by_module: BTreeMap<String, u64>,
    /// Answers by their status; 0 for a connection that was closed without an answer.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests that were refused because too many were in flight.
    pub over_cap: u64,
    /// Requests with which something went wrong on purpose.
    pub faults: u64,
    /// Credits that were charged.
    pub credits: u64,
    /// The greatest number of requests in flight, refused ones among them.
    pub in_flight: usize,
    /// Requests to the token endpoint.
    pub token_requests: u64,
    /// Bytes of the bodies of the API's answers.
    pub bytes: u64,
}

/// The counters behind it.
pub(crate) struct Counters {
    paths: Vec<AtomicU64>,
    unknown: AtomicU64,
    statuses: [AtomicU64; 600],
    pub(crate) over_cap: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) token_requests: AtomicU64,
}

pub(crate) fn add(counter: &AtomicU64, number: u64) -> u64 {
    counter.fetch_add(number, Ordering::Relaxed)
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Counters {
    pub(crate) fn new(endpoints: usize) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            paths: (0..endpoints).map(|_| zero()).collect(),
            unknown: zero(),
            statuses: std::array::from_fn(|_| zero()),
            over_cap: zero(),
            faults: zero(),
            bytes: zero(),
            token_requests: zero(),
        }
    }

    pub(crate) fn path(&self, endpoint: Option<usize>) {
        add(endpoint.and_then(|at| self.paths.get(at)).unwrap_or(&self.unknown), 1);
    }

    pub(crate) fn status(&self, status: u16) {
        if let Some(counter) = self.statuses.get(usize::from(status)) {
            add(counter, 1);
        }
    }

    /// The counters as they are, without what others count.
    pub(crate) fn read(&self, endpoints: &[Endpoint]) -> Stats {
        let mut stats = Stats {
            over_cap: get(&self.over_cap),
            faults: get(&self.faults),
            bytes: get(&self.bytes),
            token_requests: get(&self.token_requests),
            ..Stats::default()
        };
        for (endpoint, count) in endpoints.iter().zip(&self.paths).filter(|(_, count)| get(count) > 0) {
            stats.by_path.insert(endpoint.path.clone(), get(count));
            *stats.by_module.entry(endpoint.module.clone()).or_default() += get(count);
        }
        if get(&self.unknown) > 0 {
            stats.by_path.insert(String::new(), get(&self.unknown));
        }
        let statuses = self.statuses.iter().enumerate().filter(|(_, count)| get(count) > 0);
        stats.by_status = statuses.map(|(status, count)| (status as u16, get(count))).collect();
        stats
    }
}
