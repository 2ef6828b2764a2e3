//! What the engine does for one exporter during a backup: tables in the archive, requests over the connection.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use plugin_api::{Description, ErrorKind, ExportError, Note, Request, Result, Table, Value};

use super::limit::Limit;
use super::verdict::failed;
use crate::archive::{ArchiveError, TableWriter, Writer};
use crate::connection::{Next, Queue};
use crate::plugins::{Answer, Services};

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
    unread: Vec<String>,
    more_unread: u64,
    remarks: Vec<String>,
    least_requests: Option<u64>,
    /// Requests that failed for good, and the first of them.
    failed: (u64, String),
}

/// A table that an exporter writes.
pub(super) struct Open {
    pub(super) name: Arc<str>,
    pub(super) writer: TableWriter,
    /// What the desk says of the number of its records, where it does.
    pub(super) desk_count: Option<u64>,
    /// What it said when it was asked again at the end.
    pub(super) desk_count_after: Option<u64>,
    /// Records that were deleted while they were read.
    pub(super) gone: u64,
    /// Bytes that were counted already.
    bytes: u64,
}

/// What is left when an export has ended.
pub(super) struct Written {
    /// Its tables, still open.
    pub(super) tables: Vec<Open>,
    /// The one whose next row was beyond the limit.
    pub(super) cut: Option<Arc<str>>,
    /// Records that could not be read, a line each.
    pub(super) unread: Vec<String>,
    /// What the exporter remarked, a line each.
    pub(super) remarks: Vec<String>,
    /// The least number of requests that the desk's rules allow, where the exporter says it.
    pub(super) least_requests: Option<u64>,
    /// Tables that were described and not opened.
    pub(super) unopened: Vec<String>,
    /// Requests that failed for good and of which the exporter said nothing.
    pub(super) failed_requests: Option<String>,
}

impl ModuleServices {
    pub(super) fn new(
        description: &Description,
        archive: Arc<Writer>,
        queue: Queue,
        counts: Arc<Counts>,
        limit: Arc<Limit>,
    ) -> Self {
        limit.join(Arc::clone(&counts));
        Self {
            module: description.module.clone(),
            described: description.tables.clone(),
            archive: Some(archive),
            queue,
            counts,
            limit,
            tables: Vec::new(),
            current: None,
            cut: None,
            unread: Vec::new(),
            more_unread: 0,
            remarks: Vec::new(),
            least_requests: None,
            failed: (0, String::new()),
        }
    }

    /// Takes out what was written (dropped, it is not in the archive), and lets go of the archive.
    pub(super) fn finish(&mut self) -> Written {
        self.archive = None;
        self.counts.ended.store(true, Ordering::Relaxed);
        let mut unread = std::mem::take(&mut self.unread);
        if self.more_unread > 0 {
            unread.push(format!("{} more records could not be read", self.more_unread));
        }
        let tables = std::mem::take(&mut self.tables);
        let opened = |name: &str| tables.iter().any(|open| &*open.name == name);
        let unopened = self.described.iter().filter(|name| !opened(name)).cloned().collect();
        let failed_requests = (self.failed.0 > 0 && unread.is_empty()).then(|| {
            let (count, first) = &self.failed;
            format!("{count} requests failed for good, and the exporter did not say that anything is missing; first: {first}")
        });
        let cut = self.cut.and_then(|table| tables.get(table as usize));
        Written {
            cut: cut.map(|open| Arc::clone(&open.name)),
            tables,
            unread,
            remarks: std::mem::take(&mut self.remarks),
            least_requests: self.least_requests,
            unopened,
            failed_requests,
        }
    }

    /// The desk said how many records a table has.
    fn heard(&self) -> Result<()> {
        let at_least = |open: &Open| {
            let said = open.desk_count_after.or(open.desk_count);
            said.map_or(0, |count| count.max(open.writer.rows()))
        };
        let counted = self.tables.iter().map(at_least).fold(0, u64::saturating_add);
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
    ExportError::new(kind, crate::chain(error))
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
        let writer = archive
            .open_table(&self.module, table)
            .map_err(|error| refused(&error))?;
        let bytes = writer.bytes();
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tables.push(Open {
            name,
            writer,
            bytes,
            desk_count: None,
            desk_count_after: None,
            gone: 0,
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
        if let Err(error) = open.writer.write(row) {
            self.limit.give_back();
            return Err(refused(&error));
        }
        let bytes = open.writer.bytes();
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
        match self.queue.next() {
            Next::Done { ticket, result } => {
                if let Some(failure) = failed(&result) {
                    if self.failed.0 == 0 {
                        self.failed.1 = self.scrub(&failure);
                    }
                    self.failed.0 += 1;
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

    fn checkpoint(&mut self, _cursor: serde_json::Value) -> Result<()> {
        Ok(())
    }

    fn note(&mut self, note: Note) -> Result<()> {
        match note {
            Note::Expected { rows } => {
                let is_count = self.counts.rows.load(Ordering::Relaxed) == 0;
                self.counts.is_count.store(is_count, Ordering::Relaxed);
                self.counts.expected.store(rows, Ordering::Relaxed);
                self.limit.heard()?;
            }
            Note::DeskCount { table, count } => {
                let open = self.table(table)?;
                open.desk_count = Some(count);
                open.writer.desk_count(count);
                self.heard()?;
            }
            Note::DeskCountAfter { table, count } => {
                let open = self.table(table)?;
                open.desk_count_after = Some(count);
                open.writer.desk_count_after(count);
                self.heard()?;
            }
            Note::LeastRequests { requests } => self.least_requests = Some(requests),
            Note::Remark { text } => {
                let line = crate::plugins::one_line(&self.scrub(&text));
                if self.remarks.len() < REMARKS && !self.remarks.contains(&line) {
                    self.remarks.push(line);
                }
            }
            Note::Unread { table, key, reason } => {
                let reason = self.scrub(&reason);
                let open = self.table(table)?;
                let line = format!("{}: record {key:?} could not be read: {reason}", open.name);
                if self.unread.len() < NAMED {
                    self.unread.push(crate::plugins::one_line(&line));
                } else {
                    self.more_unread += 1;
                }
            }
            Note::Gone { table, key } => {
                let open = self.table(table)?;
                open.gone += 1;
                let name = Arc::clone(&open.name);
                tracing::info!(
                    module = self.module,
                    "{name}: record {key:?} was deleted while it was read"
                );
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
