//! What an exporter did.

use std::fmt;

use serde_json::Value as Json;

use crate::{ExportError, Job, Note, Request, Result, Table, Timestamp, Value, Wanted};

/// What an exporter did in one export.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the export came to. It is an error too where the exporter broke a rule of the host and took no notice.
    pub result: Result<()>,
    /// The tables it opened, in that order, with their rows.
    pub tables: Vec<Rows>,
    /// Its checkpoints.
    pub checkpoints: Vec<Checkpoint>,
    /// The facts it told; a table's number in them is its index in `tables`.
    pub notes: Vec<Note>,
    /// Its log.
    pub events: Vec<LogEvent>,
    /// The requests it made, in that order.
    pub requests: Vec<Request>,
    /// The most requests that were submitted and not taken at one time.
    pub most_in_flight: usize,
    /// Calls of the host that can fail: the end of the export is between two of them.
    pub(crate) calls: u64,
    /// Those of them that came after the host had said that the backup is cancelled.
    pub(crate) calls_after_cancel: u64,
    /// The first broken rule.
    pub(crate) misuse: Option<ExportError>,
}

/// A table and its rows.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The table as it crossed the ABI.
    pub table: Table,
    /// Its rows.
    pub rows: Vec<Vec<Field>>,
}

/// The value of one field of a row, kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// No value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// A moment.
    Time(Timestamp),
    /// A JSON value, as text.
    Json(String),
}

impl From<Value<'_>> for Field {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Int(value),
            Value::Float(value) => Self::Float(value),
            Value::Text(value) => Self::Text(value.to_owned()),
            Value::Time(value) => Self::Time(value),
            Value::Json(value) => Self::Json(value.to_owned()),
        }
    }
}

/// As in the archive, without the quotes of CSV.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) | Self::Json(value) => f.write_str(value),
            Self::Time(value) => write!(f, "{value}"),
        }
    }
}

/// A checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// How many rows each table had by then, by its index in [`Run::tables`].
    pub rows: Vec<usize>,
    /// What the exporter needs to go on.
    pub cursor: Json,
    /// How many notes of [`Run::notes`] came before it.
    pub notes: usize,
    /// How many requests of [`Run::requests`] were made before it.
    pub requests: usize,
}

/// An event of the exporter's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// 1 (error) to 5 (trace).
    pub level: u8,
    /// The module it came from.
    pub target: String,
    /// What it says.
    pub message: String,
}

impl Run {
    /// A table that was opened.
    pub fn table(&self, name: &str) -> Option<&Rows> {
        self.tables.iter().find(|rows| rows.table.name == name)
    }

    /// The rows of a table, as texts.
    ///
    /// # Panics
    /// If the exporter opened no such table.
    pub fn rows(&self, table: &str) -> Vec<Vec<String>> {
        let Some(found) = self.table(table) else {
            panic!("no table {table:?} was opened; the export came to {:?}", self.result)
        };
        let shown = |row: &Vec<Field>| row.iter().map(ToString::to_string).collect();
        found.rows.iter().map(shown).collect()
    }

    /// What the exporter had remembered by a checkpoint.
    pub fn remembered(&self, checkpoint: &Checkpoint) -> Vec<Json> {
        self.values(checkpoint.notes)
    }

    /// The job with which a host goes on from a checkpoint of this run.
    #[must_use]
    pub fn gone_on(&self, job: Job, checkpoint: &Checkpoint) -> Job {
        let mut job = job.resumed(&checkpoint.cursor);
        job.tables = Some(self.tables.iter().map(|rows| rows.table.clone()).collect());
        job.remembered = self.remembered(checkpoint);
        job
    }

    /// The job with which a host has the records read again that this run could not read.
    #[must_use]
    pub fn again(&self, mut job: Job) -> Job {
        job.tables = Some(self.tables.iter().map(|rows| rows.table.clone()).collect());
        job.remembered = self.values(self.notes.len());
        let wanted = self.unread().into_iter().map(|(table, key)| Wanted {
            table: table.to_owned(),
            key: vec![key.to_owned()],
        });
        job.only = wanted.collect();
        job
    }

    fn values(&self, notes: usize) -> Vec<Json> {
        let values = self.notes.iter().take(notes).filter_map(|note| match note {
            Note::Remember { value } => Some(value.clone()),
            _ => None,
        });
        values.collect()
    }

    /// Records that the exporter told it could not read: table and key.
    pub fn unread(&self) -> Vec<(&str, &str)> {
        let unread = self.notes.iter().filter_map(|note| match note {
            Note::Unread { table, key, .. } => Some((self.name(*table), key.as_str())),
            _ => None,
        });
        unread.collect()
    }

    /// Records that the exporter told were deleted meanwhile: table and key.
    pub fn gone(&self) -> Vec<(&str, &str)> {
        let gone = self.notes.iter().filter_map(|note| match note {
            Note::Gone { table, key } => Some((self.name(*table), key.as_str())),
            _ => None,
        });
        gone.collect()
    }

    /// What the exporter last told of the desk's own count of a table.
    pub fn desk_count(&self, name: &str) -> Option<u64> {
        let mut counts = self.notes.iter().rev().filter_map(|note| match note {
            Note::DeskCount { table, count } if self.name(*table) == name => Some(*count),
            _ => None,
        });
        counts.next()
    }

    fn name(&self, table: u32) -> &str {
        self.tables
            .get(table as usize)
            .map_or("?", |rows| rows.table.name.as_str())
    }
}
