//! The knobs of a sample desk. Plain data.

use std::time::Duration;

pub use planned::{Planned, Trouble, When};

mod planned;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What all data is computed from.
    pub seed: u64,
    /// Tickets that a complete backup holds: 100 to 1.5 million (10 million records of all kinds). All other
    /// kinds are in proportion.
    pub tickets: u64,
    /// Custom fields of each module that has them, at most 40.
    pub custom_fields: u32,
    /// Threads whose body has a megabyte, of a million.
    pub huge_bodies_ppm: u32,
    /// The edition, which decides concurrency and credits.
    pub edition: Edition,
    /// Credits of a day in place of the edition's.
    pub credits: Option<u64>,
    /// When its days begin, after midnight of UTC: with them credits return.
    pub midnight: Duration,
    /// Requests in flight that are allowed, in place of the edition's.
    pub concurrency: Option<usize>,
    /// How long each answer takes.
    pub latency: Duration,
    /// Whether a connection serves more than one request.
    pub keep_alive: bool,
    /// How long an access token lives.
    pub token_life: Duration,
    /// Scopes that the token lacks, e.g. `Desk.search.READ`. Names that there are not keep the desk from starting, here and
    /// in the two below.
    pub missing_scopes: Vec<String>,
    /// Modules (first segment of the path, e.g. `products`) that the edition does not have: `LICENSE_ACCESS_LIMITED`.
    pub unlicensed: Vec<String>,
    /// Modules that the profile may not read: FORBIDDEN.
    pub forbidden: Vec<String>,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// What happens to records while they are read.
    pub changes: Changes,
    /// Readings of what is not certain of the API.
    pub behaviour: Behaviour,
    /// Further things that go wrong on purpose, each by itself. Of several for one request the first is meant.
    pub planned: Vec<Planned>,
}

/// Zoho Desk's editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// 5 requests in flight, 5,000 credits a day.
    Free,
    /// 10 in flight.
    Express,
    /// 10 in flight.
    Standard,
    /// 15 in flight.
    Professional,
    /// 25 in flight.
    Enterprise,
}

/// Shares of the requests, of a thousand, that go wrong. Which ones is computed from the seed and the number of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// 429 `TOO_MANY_REQUESTS` though there is room.
    pub throttled: u32,
    /// 500 `INTERNAL_SERVER_ERROR`.
    pub failed: u32,
    /// 502, 503 and 504 with HTML.
    pub gateway: u32,
    /// The connection is cut in the middle of the body, or before the head.
    pub cut: u32,
    /// The answer takes a second longer.
    pub slow: u32,
    /// 200 with HTML, with half of the JSON, with bytes that are no UTF-8, or with nothing.
    pub garbage: u32,
}

/// What happens while the desk is read: one change after so many requests; 0: never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// A record is edited: some of its fields, modifiedTime and modifiedBy.
    pub edit_every: u32,
    /// A record is deleted.
    pub delete_every: u32,
}

/// Readings of what the documentation, the specification and live clients disagree on. The default is the first one named.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, answered by yes or no"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// First index of /tickets: 0, or 1 with 0 taken for 1.
    pub tickets_from: u32,
    /// First index of /tickets/{id}/threads: 0 or 1.
    pub threads_from: u32,
    /// First index of /contacts and /accounts: 1 or 0.
    pub contacts_from: u32,
    /// Whether the ends of a time range belong to it: true or false.
    pub inclusive_ranges: bool,
    /// The greatest `from` of a search: 4999 or 999.
    pub search_max_from: u32,
    /// What `sortBy=createdTime` (ascending) does in a search.
    pub ascending: Ascending,
    /// Whether search returns archived tickets: false or true.
    pub search_has_archived: bool,
    /// Whether search returns spam: false or true.
    pub search_has_spam: bool,
    /// Whether rows of /tickets/search have the description: true or false.
    pub search_has_description: bool,
    /// The greatest `limit` of /tickets/{id}/threads: 200 or 100.
    pub threads_max_limit: u32,
    /// Whether the second page of /conversations is as it should be (true), or empty (false).
    pub conversations_page: bool,
    /// Whether /tickets/{id}/attachments repeats the attachments of threads: false or true.
    pub attachments_repeat: bool,
    /// Whether threadCount counts drafts: true or false.
    pub drafts_count: bool,
    /// Whether /agents/{id}/timeEntry answers for deleted agents (true), or with 404 (false).
    pub deleted_agents_entries: bool,
    /// Whether /articles takes modifiedTimeRange: true, or 422 (false).
    pub articles_range: bool,
    /// Whether an empty list is 204 (true), or `{"data":[]}` (false).
    pub empty_is_204: bool,
    /// Whether /departments without isEnabled lists enabled ones only: true or false.
    pub departments_enabled_only: bool,
    /// Whether /agents without status lists active ones only: false or true.
    pub agents_active_only: bool,
    /// Whether booleans of records come as text: false or true.
    pub booleans_as_text: bool,
}

/// What a search does that is asked for the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ascending {
    /// It gives the oldest first.
    Honoured,
    /// It gives the newest first all the same.
    Ignored,
    /// 422.
    Refused,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            tickets_from: 0,
            threads_from: 0,
            contacts_from: 1,
            inclusive_ranges: true,
            search_max_from: 4999,
            ascending: Ascending::Honoured,
            search_has_archived: false,
            search_has_spam: false,
            search_has_description: true,
            threads_max_limit: 200,
            conversations_page: true,
            attachments_repeat: false,
            drafts_count: true,
            deleted_agents_entries: true,
            articles_range: true,
            empty_is_204: true,
            departments_enabled_only: true,
            agents_active_only: false,
            booleans_as_text: false,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            tickets: 200,
            custom_fields: 8,
            huge_bodies_ppm: 200,
            edition: Edition::Enterprise,
            credits: None,
            midnight: Duration::ZERO,
            concurrency: None,
            latency: Duration::ZERO,
            keep_alive: true,
            token_life: Duration::from_hours(1),
            missing_scopes: Vec::new(),
            unlicensed: Vec::new(),
            forbidden: Vec::new(),
            faults: Faults::default(),
            changes: Changes::default(),
            behaviour: Behaviour::default(),
            planned: Vec::new(),
        }
    }
}
