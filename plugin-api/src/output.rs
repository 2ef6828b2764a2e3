//! Where an exporter puts its rows.

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::abi::{Cell, CellKind};
use crate::host::Host;
use crate::mapping::Mapping;
use crate::{ErrorKind, ExportError, Note, Result, Table, Value};

/// The tables of one export, open for writing.
pub struct Output<'a> {
    host: Host<'a>,
    tables: Vec<Open>,
    /// Tables of an earlier run, open from the start, that the exporter has not added again yet.
    earlier: Vec<String>,
}

struct Open {
    table: Table,
    /// By which the host knows it.
    number: u32,
    mapping: Mapping,
    /// Where the columns of its key are.
    key: Vec<usize>,
    rows: u64,
    /// The largest count that the desk gave.
    desk_count: Option<u64>,
}

/// A row whose whole key is empty can't be told from others: the record is not what the exporter believes.
fn check_key(table: &Table, key: &[usize], cells: &[Cell<'_>]) -> Result<()> {
    let is_empty = |at: &usize| {
        let cell = cells.get(*at);
        cell.is_none_or(|cell| cell.kind == CellKind::NULL || cell.kind == CellKind::TEXT && cell.text.is_empty())
    };
    if key.is_empty() || !key.iter().all(is_empty) {
        return Ok(());
    }
    let message = format!("a record has no {}, which is the key", table.key.join(", "));
    Err(ExportError::new(ErrorKind::Decode, message))
}

/// A table that was opened. [`Output::table`] gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableId(usize);

impl<'a> Output<'a> {
    pub(crate) fn open(host: Host<'a>, tables: Vec<Table>) -> Result<Self> {
        let mut output = Self {
            host,
            tables: Vec::new(),
            earlier: Vec::new(),
        };
        for table in tables {
            output.add(table)?;
        }
        Ok(output)
    }

    /// Opens the tables of an earlier run, those too that its exporter learnt of only while it worked.
    pub(crate) fn open_again(host: Host<'a>, tables: &[Table]) -> Result<Self> {
        let mut output = Self::open(host, tables.to_vec())?;
        output.earlier = tables.iter().map(|table| table.name.clone()).collect();
        Ok(output)
    }

    /// Opens one more table, for an exporter that learns of it only while it works. One that an earlier run had opened
    /// stays as it was then.
    pub fn add(&mut self, table: Table) -> Result<TableId> {
        if let Some(at) = self.earlier.iter().position(|name| *name == table.name) {
            self.earlier.swap_remove(at);
            return self.table(&table.name);
        }
        let mapping = Mapping::new(&table)?;
        let number = self.host.open_table(&table)?;
        let key = table.key.iter().filter_map(|name| table.position(name)).collect();
        self.tables.push(Open {
            table,
            number,
            mapping,
            key,
            rows: 0,
            desk_count: None,
        });
        Ok(TableId(self.tables.len() - 1))
    }

    /// The table of this name.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] if [`Exporter::tables`](crate::Exporter::tables) named no such table.
    pub fn table(&self, name: &str) -> Result<TableId> {
        let found = self.tables.iter().position(|open| open.table.name == name);
        found.map(TableId).ok_or_else(|| {
            let names: Vec<_> = self.tables.iter().map(|open| open.table.name.as_str()).collect();
            let message = format!("there is no table {name:?}: the exporter opened {}", names.join(", "));
            ExportError::new(ErrorKind::Misuse, message)
        })
    }

    /// Writes one row, cell by cell, in the order of the table's columns.
    pub fn write(&mut self, table: TableId, row: &[Value<'_>]) -> Result<()> {
        let open = &mut self.tables[table.0];
        let cells: Vec<_> = row.iter().map(|value| value.to_cell()).collect();
        // A row of the wrong length is the host's to refuse.
        if cells.len() == open.table.columns.len() {
            check_key(&open.table, &open.key, &cells).map_err(|error| error.at(&open.table.name))?;
        }
        self.host.write_row(open.number, &cells)?;
        open.rows += 1;
        Ok(())
    }

    /// Writes a record of the desk: each column takes what its [`Source`](crate::Source) says.
    pub fn record(&mut self, table: TableId, record: &RawValue) -> Result<()> {
        self.record_with(table, record, &[])
    }

    /// As [`record`](Self::record), with some columns' values given by name.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if the record is no JSON object, or has nothing for any column of the table's key.
    pub fn record_with(&mut self, table: TableId, record: &RawValue, given: &[(&str, Value<'_>)]) -> Result<()> {
        let open = &mut self.tables[table.0];
        let mut placed = Vec::with_capacity(given.len());
        for &(name, value) in given {
            let at = open.table.position(name).ok_or_else(|| {
                let message = format!("table {} has no column {name:?}", open.table.name);
                ExportError::new(ErrorKind::Misuse, message)
            })?;
            placed.push((at, value));
        }
        let (host, number) = (self.host, open.number);
        let Open {
            table, key, mapping, ..
        } = &mut *open;
        mapping
            .row(record, &placed, |cells| {
                check_key(table, key, cells)?;
                host.write_row(number, cells)
            })
            .map_err(|error| error.at(&table.name))?;
        open.rows += 1;
        Ok(())
    }

    /// Rows written to a table so far, in this run.
    pub fn rows(&self, table: TableId) -> u64 {
        self.tables[table.0].rows
    }

    /// Says that all rows written so far are whole, and that an export which is given this cursor in
    /// [`Job::resume`](crate::Job) goes on exactly after them. Call it often, e.g. after each page: the host decides
    /// how many of them it keeps; none of an exporter whose [`Description`](crate::Description) does not say that it
    /// [goes on](crate::Description::resumes) from them.
    pub fn checkpoint(&mut self, cursor: &impl serde::Serialize) -> Result<()> {
        let cursor: Json = serde_json::to_value(cursor)
            .map_err(|error| ExportError::new(ErrorKind::Misuse, format!("the cursor is no JSON: {error}")))?;
        self.host.checkpoint(&cursor)
    }

    /// Has the host keep something for an export that goes on from the next checkpoint or a later one, which is given
    /// it in [`Job::remembered`](crate::Job), with all that was remembered before. For what grows with the export and can't be
    /// in every cursor, e.g. the keys that one list gave and another may give again.
    pub fn remember(&mut self, value: &impl serde::Serialize) -> Result<()> {
        let value: Json = serde_json::to_value(value).map_err(|error| {
            ExportError::new(
                ErrorKind::Misuse,
                format!("what is to be remembered is no JSON: {error}"),
            )
        })?;
        self.host.tell(&Note::Remember { value })
    }

    /// About how many rows the whole export will write, for the progress bar.
    pub fn expect(&mut self, rows: u64) -> Result<()> {
        self.host.tell(&Note::Expected { rows })
    }

    /// What the desk itself says of the number of records in a table, for the range that is backed up. The engine
    /// holds the rows against it: a difference makes the backup *incomplete*. Told more than once, the largest one
    /// counts: a later and smaller one would hide a record that was passed over while the list shrank.
    pub fn desk_count(&mut self, table: TableId, count: u64) -> Result<()> {
        let open = &mut self.tables[table.0];
        if open.desk_count.is_some_and(|told| told >= count) {
            return Ok(());
        }
        open.desk_count = Some(count);
        let table = open.number;
        self.host.tell(&Note::DeskCount { table, count })
    }

    /// What the desk says of the number of records in a table when it is asked again behind the last of them. Rows
    /// between [`desk_count`](Self::desk_count) and this are explained: records came or went while they were read.
    pub fn desk_count_after(&mut self, table: TableId, count: u64) -> Result<()> {
        let table = self.tables[table.0].number;
        self.host.tell(&Note::DeskCountAfter { table, count })
    }

    /// The least number of requests with which the desk's rules allow what was exported so far; the later one counts.
    pub fn least_requests(&mut self, requests: u64) -> Result<()> {
        self.host.tell(&Note::LeastRequests { requests })
    }

    /// About how many requests the rest of the export will take, for forecasts; the later one counts. Call it now and
    /// then, where more is known of that than the rows that are expected.
    pub fn to_come(&mut self, requests: u64) -> Result<()> {
        self.host.tell(&Note::ToCome { requests })
    }

    /// Something that a person should know though nothing is missing, in one line: e.g. that a slower way was taken.
    pub fn remark(&mut self, text: impl Into<String>) -> Result<()> {
        self.host.tell(&Note::Remark { text: text.into() })
    }

    /// A record that the desk listed but did not give, after all retries. The backup becomes *incomplete* and names
    /// it; the export goes on.
    pub fn unread(&mut self, table: TableId, key: impl Into<String>, reason: &ExportError) -> Result<()> {
        let table = self.tables[table.0].number;
        let reason = reason.message.clone();
        self.host.tell(&Note::Unread {
            table,
            key: key.into(),
            reason,
        })
    }

    /// A record that was deleted on the desk between being listed and being read.
    pub fn gone(&mut self, table: TableId, key: impl Into<String>) -> Result<()> {
        let table = self.tables[table.0].number;
        self.host.tell(&Note::Gone { table, key: key.into() })
    }
}
