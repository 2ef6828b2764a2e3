//! The history: who did what when. Entries are only ever added, each with the hash of the one before it.

use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};

use crate::quota::Refusal;

/// An entry, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number: 1, 2, 3, without a gap.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// The desk; none for what concerns the whole installation.
    pub desk: Option<String>,
    /// Who, by name.
    pub user: String,
    /// By which way, e.g. `command line, system user root` or `schedule`.
    pub via: String,
    /// What happened.
    pub what: Happening,
    /// The hash of the entry before it, SHA-256 in hexadecimal; of the first: zeros.
    pub previous: String,
    /// Its own.
    pub hash: String,
}

/// An entry to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// See [`Entry`].
    pub at: Timestamp,
    /// See [`Entry`].
    pub desk: Option<String>,
    /// See [`Entry`].
    pub user: String,
    /// See [`Entry`].
    pub via: String,
    /// See [`Entry`].
    pub what: Happening,
}

/// What happened. `backup` is a backup's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// A backup started.
    BackupStarted {
        /// The backup.
        backup: u64,
        /// Its kind.
        backup_kind: Kind,
        /// Its range.
        range: Option<Range>,
    },
    /// A schedule was set.
    Scheduled {
        /// The schedule.
        schedule: crate::schedule::Schedule,
    },
    /// An archive is there.
    DataReady {
        /// The backup.
        backup: u64,
        /// Records in it.
        records: u64,
        /// Its size.
        bytes: u64,
        /// SHA-256 of the archive.
        sha256: String,
    },
    /// An archive is being downloaded.
    DownloadStarted {
        /// The backup.
        backup: u64,
    },
    /// A schedule was stopped by a person, or because the configuration declares it no longer or another one.
    ScheduleStopped,
    /// A schedule came to its end date.
    ScheduleEnded,
    /// A backup ended without an archive.
    Failed {
        /// The backup.
        backup: u64,
        /// Why.
        reason: String,
    },
    /// Something could not be read.
    Incomplete {
        /// The backup.
        backup: u64,
        /// How many reasons the archive names.
        reasons: u64,
        /// The first of them.
        first: String,
    },
    /// A backup came to the limit of records and stopped there.
    LimitReached {
        /// The backup.
        backup: u64,
        /// Records in it.
        records: u64,
        /// The tables that stopped, and behind which row.
        stopped: Vec<(String, u64)>,
    },
    /// An archive was deleted by a person.
    Deleted {
        /// The backup.
        backup: u64,
    },
    /// An archive expired.
    Expired {
        /// The backup.
        backup: u64,
    },
    /// A link was made.
    LinkMade {
        /// The backup.
        backup: u64,
        /// When the link dies.
        until: Timestamp,
    },
    /// Another configuration holds from now on.
    ConfigurationChanged {
        /// What differs, in names of sections and keys.
        what: Vec<String>,
    },
    /// Something was refused.
    Refused {
        /// What was asked for, e.g. `backup`.
        action: String,
        /// By which rule.
        refusal: Refusal,
    },
    /// A token was made.
    TokenCreated {
        /// Its number.
        token: u64,
        /// Whose.
        person: String,
        /// Until when it holds.
        until: Timestamp,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Its number.
        token: u64,
        /// Whose it was.
        person: String,
    },
}

/// Which entries are asked for; what is none is not asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of this desk, and of no desk.
    pub desk: Option<String>,
    /// From this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Of one of these kinds, as `Happening` names them in JSON; empty: all.
    pub kinds: Vec<String>,
    /// By this user.
    pub user: Option<String>,
}

/// A language of descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}
