//! Which backups are allowed: kinds and their limits. Pure: what was and what time it is are arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};

/// The limits, as the configuration sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long after the start of a full backup no other one may start; 0: any number.
    pub full_every: Duration,
    /// The longest range of a custom backup.
    pub custom_range: Duration,
    /// Records in one backup at most.
    pub records: u64,
    /// Which kinds an edition may use.
    pub editions: Editions,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            full_every: Duration::from_hours(30 * 24),
            custom_range: Duration::from_hours(31 * 24),
            records: 10_000_000,
            editions: Editions::default(),
        }
    }
}

/// Which kinds of backup an edition may use. One that is not named may use all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editions(pub BTreeMap<String, Vec<Kind>>);

/// Why something was refused, by which rule. It goes over the pipe of a backup's process and into the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Refusal {
    /// A full backup was started not long enough ago.
    #[error("a full backup of {desk} was started on {last}; the next one may start on {opens}")]
    FullTooSoon {
        /// The desk.
        desk: String,
        /// When the last one was started.
        last: Timestamp,
        /// The first moment at which another one may start.
        opens: Timestamp,
    },
    /// The range of a custom backup is too long.
    #[error("the range is longer than {most_days} days; cut it with --split into {parts} backups")]
    RangeTooLong {
        /// Days at most.
        most_days: u64,
        /// Parts into which `--split` would cut it.
        parts: u64,
    },
    /// The edition may not use this kind.
    #[error("the edition {edition} may not make {} backups", kind_name(*.kind))]
    Edition {
        /// The desk's edition.
        edition: String,
        /// The kind.
        kind: Kind,
    },
    /// The desk counts more records than a backup may have.
    #[error(
        "the desk counts {counted} records or more, and a backup has at most {limit}: start it with --allow-partial"
    )]
    Records {
        /// What it counts at least.
        counted: u64,
        /// The limit.
        limit: u64,
    },
    /// Another backup of the desk is running.
    #[error("{running} is running")]
    Busy {
        /// The name of that backup.
        running: String,
    },
    /// There is not enough room on the disk.
    #[error("{need} bytes of room are needed in the archive folder, and {free} are free")]
    Room {
        /// Bytes needed.
        need: u64,
        /// Bytes free.
        free: u64,
    },
    /// This person may not do that.
    #[error("{user} may not {action}: only the primary contact of {desk} may")]
    Role {
        /// Who.
        user: String,
        /// What.
        action: String,
        /// The desk.
        desk: String,
    },
    /// The desk has a schedule already.
    #[error("{desk} has a schedule already: stop it first")]
    ScheduleExists {
        /// The desk.
        desk: String,
    },
    /// The clock is behind the last backup.
    #[error("the clock says {now}, and the last backup reaches until {until}: set the clock right")]
    Clock {
        /// What the clock says.
        now: Timestamp,
        /// The upper end of the last backup.
        until: Timestamp,
    },
}

/// The name of a kind for people.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Full => "full",
        Kind::Custom => "custom",
        Kind::Incremental => "incremental",
    }
}

/// Whether a full backup of the desk may start `now`. `last`: when the last one was started, of those that count (it is
/// running or has an archive).
pub fn full(limits: &Limits, desk: &str, last: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    let _ = (limits, desk, last, now);
    Ok(())
}

/// Whether a custom backup may have this range.
pub fn custom(limits: &Limits, range: Range) -> Result<(), Refusal> {
    let _ = (limits, range);
    Ok(())
}

/// Cuts a range into the fewest equal parts that [`custom`] lets pass, in order: each begins where the one before ends.
pub fn split(limits: &Limits, range: Range) -> Vec<Range> {
    let _ = limits;
    vec![range]
}

/// Whether a desk of this edition may make a backup of this kind. `edition` is as the desk names it, in any case.
pub fn edition(editions: &Editions, edition: &str, kind: Kind) -> Result<(), Refusal> {
    let _ = (editions, edition, kind);
    Ok(())
}

/// Whether a backup may start with so many bytes free. `last`: bytes that the last one of its kind took at its peak.
pub fn room(last: Option<u64>, free: u64) -> Result<(), Refusal> {
    let _ = (last, free);
    Ok(())
}

/// When an archive that was made at this moment expires.
pub fn expires(made: Timestamp, after: Duration) -> Timestamp {
    let _ = after;
    made
}
