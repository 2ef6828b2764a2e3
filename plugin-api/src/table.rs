//! What a table is: its name, its columns, its key, and where a column's value comes from.

use serde::{Deserialize, Serialize};

/// One CSV of a module, e.g. `Tickets`, written as parts `Tickets__1.csv`, `Tickets__2.csv`, ...
///
/// ```
/// use plugin_api::{Column, Table};
///
/// let threads = Table::new("Threads")
///     .column(Column::new("id", "Thread Id"))
///     .column(Column::new("ticketId", "Ticket Id").from("/ticket/id"))
///     .column(Column::new("createdTime", "Created Time").time())
///     .rest("Other Fields")
///     .key(["id"])
///     .child_of("Tickets", "ticketId");
/// assert_eq!(threads.columns.len(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Table {
    /// The stem of its files: a letter, then at most 63 letters, digits or single underscores.
    /// Unique in the archive, also when letter case is ignored.
    pub name: String,
    /// Its columns in the order of the file. Column names are unique in the table.
    pub columns: Vec<Column>,
    /// Names of the columns that together identify a row; no two rows share them. Empty: no key.
    #[serde(default)]
    pub key: Vec<String>,
    /// Columns that hold the key of a row in another table. `verify` reports rows whose parent is not there.
    #[serde(default)]
    pub parents: Vec<Parent>,
}

/// A column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Column {
    /// The desk's own name of it (API name); the second header row.
    pub name: String,
    /// What a person reads; the first header row.
    pub label: String,
    /// Where [`Output::record`](crate::Output::record) takes the value from. The host has no use for it but to give it back
    /// in [`Job::tables`](crate::Job::tables).
    #[serde(default, skip_serializing_if = "Source::is_same_name")]
    pub source: Source,
}

/// Where the value of a column is found in a record of the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The key of the record that is named like the column.
    #[default]
    SameName,
    /// A JSON pointer (RFC 6901) into the record, through objects: it does not reach into arrays.
    Pointer(String),
    /// As [`Source::SameName`], or the pointer where there is one; an ISO 8601 time, written in UTC.
    Time(Option<String>),
    /// The exporter gives the value itself.
    Given,
    /// A JSON object of every key of the record that no other column took.
    Rest,
}

impl Source {
    fn is_same_name(&self) -> bool {
        *self == Self::SameName
    }
}

/// Says that a column holds the key of a row in another table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parent {
    /// The table in which the parent is found.
    pub table: String,
    /// The column of this table that holds the parent's key; an empty cell means "no parent".
    pub column: String,
}

impl Table {
    /// A table without columns yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            columns: Vec::new(),
            key: Vec::new(),
            parents: Vec::new(),
        }
    }

    /// Adds a column on the right.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Adds columns on the right.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.columns.extend(columns);
        self
    }

    /// Adds the column that keeps, as a JSON object, every key of a record that no other column took,
    /// so that nothing the desk said is lost. `label` is also its name.
    #[must_use]
    pub fn rest(self, label: &str) -> Self {
        let mut column = Column::new(label, label);
        column.source = Source::Rest;
        self.column(column)
    }

    /// Names the columns that identify a row.
    #[must_use]
    pub fn key<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.key = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Says that `column` holds the key of a row of `table`.
    #[must_use]
    pub fn child_of(mut self, table: impl Into<String>, column: impl Into<String>) -> Self {
        self.parents.push(Parent {
            table: table.into(),
            column: column.into(),
        });
        self
    }

    /// Where the column called `name` stands, counted from 0.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl Column {
    /// A column whose value is the record's key of the same name.
    pub fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            source: Source::SameName,
        }
    }

    /// Takes the value from elsewhere in the record: a JSON pointer through objects, e.g. `/Owner/id`. A list is a value
    /// as a whole: an index, as in `/tags/0`, finds nothing.
    #[must_use]
    pub fn from(mut self, pointer: impl Into<String>) -> Self {
        let pointer = pointer.into();
        self.source = match self.source {
            Source::Time(_) => Source::Time(Some(pointer)),
            _ => Source::Pointer(pointer),
        };
        self
    }

    /// The value is an ISO 8601 time; it is written in UTC, in the archive's one format.
    /// Text that is no such time is kept as it is.
    #[must_use]
    pub fn time(mut self) -> Self {
        self.source = match self.source {
            Source::Pointer(pointer) => Source::Time(Some(pointer)),
            other @ Source::Time(_) => other,
            _ => Source::Time(None),
        };
        self
    }

    /// The exporter gives the value itself, with [`Output::record_with`](crate::Output::record_with).
    #[must_use]
    pub fn given(mut self) -> Self {
        self.source = Source::Given;
        self
    }
}
