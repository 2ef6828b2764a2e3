//! What the engine asks of an exporter: which module, which records, and where to go on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Table, Timestamp};

/// Which records a backup takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything.
    Full,
    /// Records created or changed in a range of time.
    Custom,
    /// Records created or changed since the last backup.
    Incremental,
}

/// A range of time, from its first moment up to, but not including, its end. Neighbouring ranges therefore
/// have no moment in common and leave none out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first moment that belongs to it.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Range {
    /// Whether `moment` is inside.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.from <= moment && moment < self.to
    }
}

/// One export of one module. [`Job::new`] makes one; later versions may add fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// The module to export, as the exporter described it.
    pub module: String,
    /// Which records.
    pub kind: Kind,
    /// The range for [`Kind::Custom`] and [`Kind::Incremental`]; none for [`Kind::Full`].
    #[serde(default)]
    pub range: Option<Range>,
    /// When the backup started: the fixed upper end of what it reads. The same for all modules of a backup
    /// and unchanged when it is resumed.
    pub started: Timestamp,
    /// How many requests may be submitted and not yet taken at one time.
    #[serde(default = "default_window")]
    pub window: u32,
    /// The cursor of the last checkpoint, when an earlier run is gone on with: rows written before that
    /// checkpoint are safe and must not be written again. Given only to exporters whose [`Description`] says that they go on
    /// from it.
    #[serde(default)]
    pub resume: Option<Value>,
    /// The most detailed events that the host wants to hear of: `error`, `warn`, `info`, `debug` or `trace`.
    #[serde(default)]
    pub log_level: Option<String>,
    /// About how many bytes of answers may wait in memory for their turn: with as many, nothing more is asked for
    /// ahead. 32 MiB unless said otherwise.
    #[serde(default = "default_waiting_bytes", skip_serializing_if = "is_default_waiting_bytes")]
    pub waiting_bytes: u64,
    /// The tables of an earlier run that is gone on with. The exporter is then not asked for them again: they stay as
    /// they were, and no request is made for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<Table>>,
    /// What the earlier run had [remembered](crate::Output::remember) by the checkpoint that is gone on from, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remembered: Vec<Value>,
    /// Only these records, which an earlier export could not read or whose rows are to be compared; nothing else is to be
    /// written. Given only to exporters whose [`Description`] says that they can do it. What can't be read now either, or
    /// not by itself, is told as [`unread`](crate::Output::unread) again, under the same key.
    ///
    /// Where it is for what this export could not read, [`remembered`](Self::remembered) has all that it remembered, rows
    /// that it wrote are not to be written again, and the desk's counts, where they are told, are those of the whole.
    /// [`resume`](Self::resume) is not given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Wanted>,
}

/// A record that is to be read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Its table.
    pub table: String,
    /// As the exporter itself named it in [`Output::unread`](crate::Output::unread), or the key of a row: the texts of
    /// its key columns.
    pub key: Vec<String>,
}

fn default_window() -> u32 {
    16
}

fn default_waiting_bytes() -> u64 {
    32 << 20
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_default_waiting_bytes(bytes: &u64) -> bool {
    *bytes == default_waiting_bytes()
}

impl Job {
    /// An export of `module`: started on 2100-01-01 unless said otherwise, with a window of 16 requests and all events.
    pub fn new(module: impl Into<String>, kind: Kind, range: Option<Range>) -> Self {
        Self {
            module: module.into(),
            kind,
            range,
            started: Timestamp::from_micros(4_102_444_800_000_000),
            window: default_window(),
            resume: None,
            log_level: Some("trace".to_owned()),
            waiting_bytes: default_waiting_bytes(),
            tables: None,
            remembered: Vec::new(),
            only: Vec::new(),
        }
    }

    /// A [`new`](Self::new) export of everything.
    pub fn full(module: &str) -> Self {
        Self::new(module, Kind::Full, None)
    }

    /// A [`new`](Self::new) export of the records of a range.
    pub fn custom(module: &str, range: Range) -> Self {
        Self::new(module, Kind::Custom, Some(range))
    }

    /// A [`new`](Self::new) export of the records since the last backup.
    pub fn incremental(module: &str, range: Range) -> Self {
        Self::new(module, Kind::Incremental, Some(range))
    }

    /// When the backup started.
    #[must_use]
    pub fn started(mut self, started: Timestamp) -> Self {
        self.started = started;
        self
    }

    /// Goes on behind a checkpoint with this cursor.
    ///
    /// # Panics
    /// If the cursor can't be written as JSON.
    #[must_use]
    pub fn resumed(mut self, cursor: impl Serialize) -> Self {
        match serde_json::to_value(cursor) {
            Ok(cursor) => self.resume = Some(cursor),
            Err(error) => panic!("the cursor is no JSON: {error}"),
        }
        self
    }

    /// Allows this many requests at one time.
    #[must_use]
    pub fn with_window(mut self, window: u32) -> Self {
        self.window = window;
        self
    }

    /// Lets about this many bytes of answers wait in memory.
    #[must_use]
    pub fn with_waiting_bytes(mut self, bytes: u64) -> Self {
        self.waiting_bytes = bytes;
        self
    }

    /// The most detailed events that the host wants to hear of; `None`: the exporter decides.
    #[must_use]
    pub fn with_log_level(mut self, level: Option<&str>) -> Self {
        self.log_level = level.map(str::to_owned);
        self
    }

    /// Whether a record changed at `moment` is asked for.
    pub fn wants(&self, moment: Timestamp) -> bool {
        self.range.is_none_or(|range| range.contains(moment))
    }
}

/// What an exporter says of itself, without a desk at hand.
///
/// ```
/// use plugin_api::Description;
///
/// let description = Description::new("contacts", "Contacts").connection("http").tables(["Contacts"]);
/// assert_eq!(description.tables, ["Contacts"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Description {
    /// The module it exports, unique among the plugins of an installation: lower-case letters, digits and
    /// hyphens, e.g. `tickets` or `request-tracker`.
    pub module: String,
    /// What a person calls it, e.g. `Request Tracker 5`.
    pub label: String,
    /// The kind of connection it speaks over: `http`, or `zoho`.
    pub connection: String,
    /// The names of the tables that it writes.
    pub tables: Vec<String>,
    /// Whether it can read single records again: see [`Job::only`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// Whether it goes on from a cursor: see [`Job::resume`]. The checkpoints of one that does not say so are passed over, and
    /// an export of it that was interrupted begins anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumes: bool,
}

impl Description {
    /// An exporter of `module` over `http`, without tables yet.
    pub fn new(module: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            module: module.into(),
            label: label.into(),
            connection: "http".into(),
            tables: Vec::new(),
            again: false,
            resumes: false,
        }
    }

    /// It can read single records again: see [`Job::only`].
    #[must_use]
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// It goes on from a cursor: see [`Job::resume`].
    #[must_use]
    pub fn resumes(mut self) -> Self {
        self.resumes = true;
        self
    }

    /// The kind of connection it speaks over.
    #[must_use]
    pub fn connection(mut self, kind: impl Into<String>) -> Self {
        self.connection = kind.into();
        self
    }

    /// Adds the names of tables that it writes.
    #[must_use]
    pub fn tables<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.tables.extend(names.into_iter().map(Into::into));
        self
    }
}
