//! The history: who did what when. Entries are only ever added, each with the hash of the one before it.
//!
//! Pure: the store keeps entries, in the transaction of what they tell of. Start at [`Happening`]; how tampering is found is
//! in `chain.rs`, how an entry reads in English and Japanese in `phrases.rs`, and its other forms in `export.rs`.

mod chain;
mod export;
mod phrases;
#[cfg(test)]
mod tests;
mod words;

use chrono_tz::Tz;
use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};

pub use chain::{Finding, Head, SealFault, Verified};
pub(crate) use chain::{Link, Raw, Seal, Verifier};
pub use export::{csv_head, csv_line, json_line};
pub use words::moment;

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
    /// A backup was stopped or given up by a person; there is no archive.
    Stopped {
        /// The backup.
        backup: u64,
    },
    /// A backup came to no end, and can be gone on with.
    Suspended {
        /// The backup.
        backup: u64,
        /// Why.
        reason: String,
    },
    /// A backup that was suspended is gone on with.
    Resumed {
        /// The backup.
        backup: u64,
    },
    /// An archive is there, and something could not be read.
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
    /// An archive was found to be gone.
    Missing {
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
    /// A plugin's library was trusted.
    PluginTrusted {
        /// The file.
        file: String,
        /// SHA-256 of it.
        sha256: String,
    },
    /// A plugin's library is trusted no more.
    PluginUntrusted {
        /// The file.
        file: String,
    },
    /// The history is gone on with, although its seal was not in order: what was wrong before stays wrong.
    Resealed {
        /// What was wrong.
        fault: SealFault,
        /// The last entry that was there, `COUNT:HASH`.
        before: String,
        /// What the seal said, as far as it could be read.
        sealed: Option<String>,
    },
}

/// Names of kinds, as in JSON: `Happening::kind` and the list of all, so that none is forgotten in either.
macro_rules! kinds {
    ($($variant:ident => $name:literal,)+) => {
        impl Happening {
            /// The names of all kinds.
            pub const KINDS: &[&str] = &[$($name),+];

            /// The name of its kind, e.g. `backup_started`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)+
                }
            }
        }
    };
}

kinds! {
    BackupStarted => "backup_started",
    Scheduled => "scheduled",
    DataReady => "data_ready",
    DownloadStarted => "download_started",
    ScheduleStopped => "schedule_stopped",
    ScheduleEnded => "schedule_ended",
    Failed => "failed",
    Stopped => "stopped",
    Suspended => "suspended",
    Resumed => "resumed",
    Incomplete => "incomplete",
    LimitReached => "limit_reached",
    Deleted => "deleted",
    Expired => "expired",
    Missing => "missing",
    LinkMade => "link_made",
    ConfigurationChanged => "configuration_changed",
    Refused => "refused",
    TokenCreated => "token_created",
    TokenRevoked => "token_revoked",
    PluginTrusted => "plugin_trusted",
    PluginUntrusted => "plugin_untrusted",
    Resealed => "resealed",
}

impl Happening {
    /// It, in a sentence; moments in this time zone.
    pub fn describe(&self, language: Language, zone: Tz) -> String {
        phrases::describe(self, language, zone)
    }
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
    /// Of one of these kinds, as [`Happening::kind`] names them; empty: all.
    pub kinds: Vec<String>,
    /// By this user.
    pub user: Option<String>,
}

impl Filter {
    /// Whether an entry is asked for.
    pub fn takes(&self, entry: &Entry) -> bool {
        let of_desk = |desk: &String| entry.desk.as_ref().is_none_or(|own| own == desk);
        self.desk.as_ref().is_none_or(of_desk)
            && self.from.is_none_or(|from| from <= entry.at)
            && self.to.is_none_or(|to| entry.at < to)
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == entry.what.kind()))
            && self.user.as_ref().is_none_or(|user| *user == entry.user)
    }
}

/// A language of descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// The language of a system: that of the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that says something.
    pub fn of_system(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| variable(name).filter(|text| !text.is_empty()));
        match said {
            Some(locale) if locale.split(['_', '.', '@']).next() == Some("ja") => Self::Japanese,
            _ => Self::English,
        }
    }
}
