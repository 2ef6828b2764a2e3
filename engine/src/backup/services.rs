//! What the engine does for one exporter during a backup: tables in the archive, requests over the connection.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use plugin_api::{ErrorKind, ExportError, Note, Request, Result, Table, Value};

use super::begun::{BegunTable, Figures, Written};
use super::checkpoint::{Checkpoint, Said, Unread};
use super::error::on_disk;
use super::keeping::Kept;
use super::limit::Limit;
use super::memory::{self, Remembered};
use super::verdict::failed;
use crate::archive::{ArchiveError, Snapshot, TableSummary, Writer};
use crate::connection::{Next, Queue};
use crate::plugins::{Answer, Plugin, Services};

/// Unread records that are named one by one; the others are counted.
const NAMED: usize = 1000;
/// Remarks that are kept; an exporter makes a few.
const REMARKS: usize = 100;

/// Counts of one module, for whoever watches.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) rows: AtomicU64,
    pub(super) bytes: AtomicU64,
    /// Rows expected in all; 0: not known.
    pub(super) expected: AtomicU64,
    /// Whether that was said before any row was written: it can't be a projection from those.
    pub(super) is_count: AtomicBool,
    /// Requests in all, as the exporter foresees them; 0: it does not.
    pub(super) foreseen: AtomicU64,
    /// What the desk counts, over the tables for which it does; or their rows, where they are more already.
    pub(super) counted: AtomicU64,
    /// The export is over.
    pub(super) ended: AtomicBool,
    /// The table that was written to last.
    table: Mutex<Option<Arc<str>>>,
}

impl Counts {
    /// The table that was written to last.
    pub(super) fn table(&self) -> Option<Arc<str>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The services of one module.
pub(super) struct ModuleServices {
    module: String,
    /// Of its plugin.
    version: String,
    /// Whether it goes on from a cursor.
    resumes: bool,
    /// The tables that it said it writes.
    described: Vec<String>,
    /// None once the export has ended: a thread that was given up must not keep the archive from being closed.
    archive: Option<Arc<Writer>>,
    queue: Queue,
    counts: Arc<Counts>,
    limit: Arc<Limit>,
    tables: Vec<Open>,
    /// The table that was written to last.
    current: Option<u32>,
    /// The table whose next row was beyond the limit.
    cut: Option<u32>,
    pub(super) said: Said,
    /// Records that are read once more: they were unread before.
    again: Vec<Unread>,
    memory: Remembered,
    /// None: nothing is kept.
    kept: Option<Kept>,
    /// A cursor that was not kept, behind which nothing was said or written yet.
    offered: Option<serde_json::Value>,
    earlier: Figures,
    since: Instant,
}

/// A table that an exporter writes.
pub(super) struct Open {
    pub(super) name: Arc<str>,
    pub(super) written: Written,
    /// What the desk says of the number of its records, where it does.
    pub(super) desk_count: Option<u64>,
    /// What it said when it was asked again at the end.
    pub(super) desk_count_after: Option<u64>,
    /// What an earlier run was told.
    desk_count_before: Option<u64>,
    /// It is there from an earlier run, and the exporter has not opened it yet.
    earlier: Option<Table>,
    /// Bytes that were counted already.
    bytes: u64,
}

/// What is left when an export has ended.
pub(super) struct Left {
    /// Its tables, still open.
    pub(super) tables: Vec<Open>,
    /// The one whose next row was beyond the limit.
    pub(super) cut: Option<Arc<str>>,
    pub(super) said: Said,
    /// Tables that were described and not opened.
    pub(super) unopened: Vec<String>,
    pub(super) memory: Remembered,
    pub(super) kept: Option<Kept>,
}

impl Left {
    /// Whether a table can be written to.
    pub(super) fn is_open(&self) -> bool {
        self.tables.iter().any(|open| matches!(open.written, Written::Open(_)))
    }

    /// Records that could not be read, a line each.
    pub(super) fn unread(&self) -> Vec<String> {
        let line = |Unread { table, key, reason }: &Unread| {
            crate::plugins::one_line(&format!("{table}: record {key:?} could not be read: {reason}"))
        };
        let mut lines: Vec<String> = self.said.unread.iter().map(line).collect();
        if self.said.more_unread > 0 {
            lines.push(format!("{} more records could not be read", self.said.more_unread));
        }
        lines
    }

    /// Requests that failed for good and of which the exporter said nothing.
    pub(super) fn failed_requests(&self) -> Option<String> {
        let (count, first) = &self.said.failed;
        (*count > 0 && self.said.unread.is_empty() && self.said.more_unread == 0).then(|| {
            format!("{count} requests failed for good, and the exporter did not say that anything is missing; first: {first}")
        })
    }
}

/// What the services of a module work with.
pub(super) struct Means<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) archive: Arc<Writer>,
    pub(super) queue: Queue,
    pub(super) counts: Arc<Counts>,
    pub(super) limit: Arc<Limit>,
}

impl Open {
    /// One of an earlier run.
    pub(super) fn earlier(begun: BegunTable) -> Self {
        Self {
            name: Arc::from(begun.table.name.as_str()),
            bytes: begun.written.bytes(),
            written: begun.written,
            desk_count: begun.desk_count,
            desk_count_after: begun.desk_count_after,
            desk_count_before: begun.desk_count,
            earlier: Some(begun.table),
        }
    }

    /// As it is opened again.
    pub(super) fn again(self) -> Self {
        let earlier = match &self.written {
            Written::Open(writer) => Some(writer.table().clone()),
            Written::Closed(_) => None,
        };
        let desk_count_before = self.desk_count;
        Self {
            desk_count_before,
            earlier,
            ..self
        }
    }

    /// What an exporter is to open again.
    pub(super) fn to_go_on(&self) -> Option<&Table> {
        self.earlier.as_ref()
    }

    /// The table as it now is: closed, unless it `stays_open`. None if it was closed before.
    pub(super) fn snapshot(&mut self, stays_open: bool) -> std::result::Result<Option<Snapshot>, ArchiveError> {
        match std::mem::replace(&mut self.written, Written::Closed(TableSummary::default())) {
            Written::Open(writer) if stays_open => {
                let snapshot = writer.snapshot();
                self.written = Written::Open(writer);
                snapshot.map(Some)
            }
            Written::Open(writer) => {
                let (summary, snapshot) = writer.finish()?;
                self.written = Written::Closed(summary);
                Ok(Some(snapshot))
            }
            closed @ Written::Closed(_) => {
                self.written = closed;
                Ok(None)
            }
        }
    }

    /// What was written of it, closed.
    pub(super) fn close(&mut self) -> std::result::Result<TableSummary, ArchiveError> {
        self.snapshot(false)?;
        match &self.written {
            Written::Closed(summary) => Ok(*summary),
            Written::Open(_) => Err(ArchiveError::Cancelled),
        }
    }

    /// What the desk counts at least.
    fn at_least(&self) -> u64 {
        let said = self.desk_count_after.or(self.desk_count);
        said.map_or(0, |count| count.max(self.written.rows()))
    }
}

impl Counts {
    /// Notes what is there already.
    pub(super) fn begin(&self, tables: &[Open], expected: u64) {
        let sum = |of: &dyn Fn(&Open) -> u64| tables.iter().map(of).fold(0, u64::saturating_add);
        self.rows.store(sum(&|open| open.written.rows()), Ordering::Relaxed);
        self.bytes.store(sum(&|open| open.written.bytes()), Ordering::Relaxed);
        self.counted.store(sum(&Open::at_least), Ordering::Relaxed);
        self.expected.store(expected, Ordering::Relaxed);
    }
}

impl ModuleServices {
    /// For an export that begins where `left` says. `again`: the unread records that alone are read once more.
    pub(super) fn new(means: Means<'_>, left: Left, again: Vec<Unread>, earlier: Figures) -> Self {
        let Means {
            plugin,
            archive,
            queue,
            counts,
            limit,
        } = means;
        Self {
            module: plugin.description.module.clone(),
            version: plugin.version.clone(),
            resumes: plugin.description.resumes,
            described: plugin.description.tables.clone(),
            archive: Some(archive),
            queue,
            counts,
            limit,
            tables: left.tables,
            current: None,
            cut: None,
            said: left.said,
            again,
            memory: left.memory,
            kept: left.kept,
            offered: None,
            earlier,
            since: Instant::now(),
        }
    }

    /// Takes out what was written (dropped, it is not in the archive), and lets go of the archive.
    pub(super) fn finish(&mut self) -> Left {
        self.archive = None;
        self.counts.ended.store(true, Ordering::Relaxed);
        let tables = std::mem::take(&mut self.tables);
        let cut = self.cut.and_then(|table| tables.get(table as usize));
        let mut said = std::mem::take(&mut self.said);
        said.expected = self.counts.expected.load(Ordering::Relaxed);
        Left {
            cut: cut.map(|open| Arc::clone(&open.name)),
            unopened: unopened(&self.described, &tables),
            tables,
            said,
            memory: std::mem::take(&mut self.memory),
            kept: self.kept.take(),
        }
    }

    /// Whether it names records that it could not read.
    pub(super) fn has_unread(&self) -> bool {
        !self.said.unread.is_empty()
    }

    /// Begins a checkpoint with the cursor that was offered, if one is due.
    fn keep_if_due(&mut self) -> Result<()> {
        let rows = self.counts.rows.load(Ordering::Relaxed);
        let Some(kept) = self.kept.as_mut().filter(|kept| kept.is_due(rows)) else {
            return Ok(());
        };
        let Some(cursor) = self.offered.take() else {
            return Ok(());
        };
        kept.wait(false)?;
        let mut snapshots = Vec::with_capacity(self.tables.len());
        for open in &self.tables {
            if let Written::Open(writer) = &open.written {
                snapshots.push(writer.snapshot().map_err(|error| refused(&error))?);
            }
        }
        let (memory, file) = self.memory.snapshot()?;
        let stats = self.queue.stats();
        let mut said = self.said.clone();
        said.expected = self.counts.expected.load(Ordering::Relaxed);
        let figures = self.earlier.and(&stats, self.since.elapsed());
        kept.at_rows(rows);
        let checkpoint = Checkpoint::new(&self.module, &self.version, memory, said, figures);
        kept.begin(checkpoint.at(cursor), snapshots, file);
        Ok(())
    }

    /// The desk said how many records a table has.
    fn heard(&self) -> Result<()> {
        let counted = self.tables.iter().map(Open::at_least).fold(0, u64::saturating_add);
        self.counts.counted.store(counted, Ordering::Relaxed);
        self.limit.heard()
    }

    fn table(&mut self, number: u32) -> Result<&mut Open> {
        let open = self.tables.get_mut(number as usize);
        open.ok_or_else(|| {
            let module = &self.module;
            let message = format!("{module} writes to table number {number}, which it did not open: tell its author");
            ExportError::new(ErrorKind::Misuse, message)
        })
    }
}

/// What a failure of the archive means for the exporter.
fn refused(error: &ArchiveError) -> ExportError {
    let kind = match error {
        ArchiveError::Cells { .. } | ArchiveError::Table { .. } => ErrorKind::Misuse,
        ArchiveError::Cancelled => ErrorKind::Cancelled,
        _ => ErrorKind::Host,
    };
    ExportError::new(kind, on_disk(error))
}

impl Services for ModuleServices {
    fn open_table(&mut self, table: Table) -> Result<u32> {
        let name = Arc::from(table.name.as_str());
        if !self.described.contains(&table.name) {
            let message = format!(
                "{} opens the table {:?}, which is not among those it describes ({}): tell its author",
                self.module,
                table.name,
                self.described.join(", ")
            );
            return Err(ExportError::new(ErrorKind::Misuse, message));
        }
        let Some(archive) = &self.archive else {
            return Err(ExportError::new(ErrorKind::Cancelled, "the export has ended"));
        };
        let earlier = self
            .tables
            .iter_mut()
            .position(|open| open.earlier.is_some() && open.name == name);
        if let Some(number) = earlier {
            let was = self.tables[number].earlier.take();
            if !was.is_some_and(|was| is_same(&was, &table)) {
                let message = format!(
                    "{} opens the table {name} with other columns than before it was interrupted: start a new backup",
                    self.module
                );
                return Err(ExportError::new(ErrorKind::Misuse, message));
            }
            return Ok(number as u32);
        }
        let writer = archive
            .open_table(&self.module, table)
            .map_err(|error| refused(&error))?;
        let bytes = writer.bytes();
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.offered = None;
        self.tables.push(Open {
            name,
            written: Written::Open(Box::new(writer)),
            bytes,
            desk_count: None,
            desk_count_after: None,
            desk_count_before: None,
            earlier: None,
        });
        Ok(self.tables.len() as u32 - 1)
    }

    fn write_row(&mut self, table: u32, row: &[Value<'_>]) -> Result<()> {
        self.table(table)?;
        if !self.limit.take() {
            self.cut = Some(table);
            return Err(self.limit.refusal());
        }
        let open = &mut self.tables[table as usize];
        let written = match &mut open.written {
            Written::Open(writer) => writer.write(row).map(|()| writer.bytes()),
            Written::Closed(_) => Err(ArchiveError::Cancelled),
        };
        let bytes = match written {
            Ok(bytes) => bytes,
            Err(error) => {
                self.limit.give_back();
                return Err(refused(&error));
            }
        };
        self.offered = None;
        let more = bytes - std::mem::replace(&mut open.bytes, bytes);
        if self.current != Some(table) {
            self.current = Some(table);
            let name = Arc::clone(&self.tables[table as usize].name);
            *self.counts.table.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
        }
        self.counts.rows.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(more, Ordering::Relaxed);
        Ok(())
    }

    fn submit(&mut self, request: Request) -> Result<u64> {
        self.queue.submit(request)
    }

    fn next(&mut self) -> (u64, Result<Answer>) {
        // It may wait for long.
        if self.offered.is_some()
            && let Err(error) = self.keep_if_due()
        {
            return (0, Err(error));
        }
        match self.queue.next() {
            Next::Done { ticket, result } => {
                if let Some(failure) = failed(&result) {
                    if self.said.failed.0 == 0 {
                        self.said.failed.1 = self.scrub(&failure);
                    }
                    self.said.failed.0 = self.said.failed.0.saturating_add(1);
                }
                (ticket, result)
            }
            Next::Nothing => {
                let message = "the exporter waits for a request, and none is queued: tell its author";
                (0, Err(ExportError::new(ErrorKind::Misuse, message)))
            }
            Next::Cancelled => (
                0,
                Err(ExportError::new(ErrorKind::Cancelled, "the backup was cancelled")),
            ),
        }
    }

    fn checkpoint(&mut self, cursor: serde_json::Value) -> Result<()> {
        // One that passes over the cursor would write its rows another time.
        if self.kept.is_none() || !self.again.is_empty() || !self.resumes {
            return Ok(());
        }
        self.offered = Some(cursor);
        self.keep_if_due()
    }

    fn note(&mut self, note: Note) -> Result<()> {
        match note {
            // What is said of a few records holds for them alone; but the desk's counts are those of the whole.
            Note::Expected { .. } | Note::LeastRequests { .. } | Note::ToCome { .. } if !self.again.is_empty() => {
                return Ok(());
            }
            Note::Expected { rows } => {
                let is_count = self.counts.rows.load(Ordering::Relaxed) == 0;
                self.counts.is_count.store(is_count, Ordering::Relaxed);
                self.counts.expected.store(rows, Ordering::Relaxed);
                return self.limit.heard();
            }
            Note::ToCome { requests } => {
                let made = self.earlier.and(&self.queue.stats(), Duration::ZERO).requests;
                let foreseen = made.saturating_add(requests).max(1);
                self.counts.foreseen.store(foreseen, Ordering::Relaxed);
                return Ok(());
            }
            _ => self.offered = None,
        }
        match note {
            Note::DeskCount { table, count } => {
                let open = self.table(table)?;
                // A later and smaller count would hide what was passed over.
                let count = open.desk_count_before.map_or(count, |before| before.max(count));
                open.desk_count = Some(count);
                if let Written::Open(writer) = &mut open.written {
                    writer.desk_count(count);
                }
                self.heard()?;
            }
            Note::DeskCountAfter { table, count } => {
                let open = self.table(table)?;
                open.desk_count_after = Some(count);
                if let Written::Open(writer) = &mut open.written {
                    writer.desk_count_after(count);
                }
                self.heard()?;
            }
            Note::LeastRequests { requests } => self.said.least_requests = Some(requests),
            Note::Remark { text } => {
                let line = crate::plugins::one_line(&self.scrub(&text));
                if self.said.remarks.len() < REMARKS && !self.said.remarks.contains(&line) {
                    self.said.remarks.push(line);
                }
            }
            Note::Unread { table, key, reason } => {
                let reason = crate::plugins::one_line(&self.scrub(&reason));
                let table = self.table(table)?.name.to_string();
                let mut unread = Unread { table, key, reason };
                let is_it = |first: &&Unread| (&first.table, &first.key) == (&unread.table, &unread.key);
                if let Some(first) = self.again.iter().find(is_it) {
                    // Why it could not be read at first says more than why it could not be read by itself.
                    unread.reason.clone_from(&first.reason);
                }
                // What was read ahead of a checkpoint may be told of again behind it.
                let is_same = |known: &&mut Unread| (&known.table, &known.key) == (&unread.table, &unread.key);
                if let Some(known) = self.said.unread.iter_mut().find(is_same) {
                    *known = unread;
                } else if self.said.unread.len() < NAMED {
                    self.said.unread.push(unread);
                } else {
                    self.said.more_unread = self.said.more_unread.saturating_add(1);
                }
            }
            Note::Gone { table, key } => {
                let name = Arc::clone(&self.table(table)?.name);
                self.said.gone(&name, &key);
                tracing::info!(
                    module = self.module,
                    "{name}: record {key:?} was deleted while it was read"
                );
            }
            Note::Remember { value } => {
                // Also where no checkpoint is kept: records may be read again at the end.
                if let Some(archive) = &self.archive {
                    let path = || archive.folder().join(memory::file(&self.module));
                    self.memory.add(path, &value)?;
                }
            }
            // What a later version tells is passed over.
            _ => {}
        }
        Ok(())
    }

    fn scrub(&self, text: &str) -> String {
        self.queue.scrub(text)
    }
}

/// The tables that were described and not opened.
pub(super) fn unopened(described: &[String], tables: &[Open]) -> Vec<String> {
    let opened = |name: &str| tables.iter().any(|open| &*open.name == name);
    described.iter().filter(|name| !opened(name)).cloned().collect()
}

/// Whether rows of one table fit into the other. Where a column's values come from is not seen in them.
fn is_same(one: &Table, other: &Table) -> bool {
    let columns = |table: &Table| -> Vec<(String, String)> {
        let columns = table.columns.iter();
        columns
            .map(|column| (column.name.clone(), column.label.clone()))
            .collect()
    };
    columns(one) == columns(other)
}
