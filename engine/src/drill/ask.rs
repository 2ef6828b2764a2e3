//! Has exporters read records again, and keeps what they write in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use plugin_api::{Column, ErrorKind, ExportError, Job, Note, Request, Result, Value, Wanted};
use tokio_util::sync::CancellationToken;

use super::DrillError;
use crate::archive::{self, Manifest};
use crate::connection::settings::Settings;
use crate::connection::{Answer, Connection, ConnectionError, Next, Queue, Requests};
use crate::plugins::{ModuleHost, Plugin, Services, one_line};

/// Bytes of cells that are kept of one exporter's rows.
const MOST: usize = 256 << 20;
/// How often is looked whether the drill was stopped.
const LOOK: Duration = Duration::from_millis(100);
/// How long a stopped exporter is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// The desk that is asked.
pub(super) struct Desk {
    connection: Connection,
    /// Held: they make the requests.
    _requests: Requests,
}

impl Desk {
    pub(super) fn open(settings: &Settings, cancel: &CancellationToken) -> std::result::Result<Self, DrillError> {
        let requests = Requests::start().map_err(DrillError::System)?;
        let desk = Self {
            connection: Connection::open(settings, requests.handle())?,
            _requests: requests,
        };
        desk.connection.prepare(cancel).map_err(|error| match error {
            ConnectionError::Cancelled { .. } => DrillError::Cancelled,
            error => DrillError::Connection(error),
        })?;
        Ok(desk)
    }

    /// What the exporter gives for these records, each once.
    pub(super) fn ask(
        &self,
        plugin: Plugin,
        wanted: Vec<Wanted>,
        manifest: &Manifest,
        cancel: &CancellationToken,
    ) -> std::result::Result<Answers, DrillError> {
        let module = plugin.description.module.clone();
        let window = self.connection.window();
        let mut job = Job::full(&module).started(manifest.started).with_window(window);
        for wanted in wanted {
            if !job.only.contains(&wanted) {
                job.only.push(wanted);
            }
        }
        let stop = cancel.child_token();
        let sink = Sink {
            queue: self.connection.queue(window as usize, &stop),
            answers: Answers::default(),
            bytes: 0,
        };
        let host = Arc::new(ModuleHost::new(&module, sink, stop));
        let inside = Arc::clone(&host);
        let (sender, ended) = mpsc::channel();
        // Of its own: an exporter that does not come back is left behind.
        let thread = thread::Builder::new().name(format!("drill {module}"));
        let spawned = thread.spawn(move || {
            inside.enter();
            let returned = plugin.export(&job, &*inside);
            let _ = sender.send(inside.outcome(returned));
        });
        spawned.map_err(DrillError::System)?;
        let mut patience = GRACE;
        let outcome = loop {
            match ended.recv_timeout(LOOK) {
                Ok(outcome) => break outcome,
                Err(RecvTimeoutError::Timeout) if !cancel.is_cancelled() => {}
                Err(RecvTimeoutError::Timeout) if patience > LOOK => patience -= LOOK,
                Err(RecvTimeoutError::Timeout) => return Err(DrillError::Cancelled),
                Err(RecvTimeoutError::Disconnected) => {
                    break Err(ExportError::new(ErrorKind::Panic, "its thread died"));
                }
            }
        };
        match outcome {
            Ok(()) => Ok(std::mem::take(&mut host.services().answers)),
            Err(error) if error.kind == ErrorKind::Cancelled => Err(DrillError::Cancelled),
            Err(error) => Err(DrillError::Export { module, error }),
        }
    }
}

/// What an exporter gave.
#[derive(Default)]
pub(super) struct Answers {
    tables: Vec<Table>,
    /// Table, key as the exporter names it, and why.
    unread: Vec<(String, String, String)>,
}

/// A table, and its rows by their keys.
pub(super) struct Table {
    name: String,
    pub(super) columns: Vec<Column>,
    key: Vec<usize>,
    rows: HashMap<Vec<String>, Vec<String>>,
}

impl Table {
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    pub(super) fn row(&self, key: &[String]) -> Option<&[String]> {
        self.rows.get(key).map(Vec::as_slice)
    }
}

impl Answers {
    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Why a record that was asked for was not given.
    pub(super) fn unread(&self, wanted: &Wanted) -> Option<&str> {
        self.unread_of(&wanted.table, &wanted.key)
    }

    pub(super) fn unread_of(&self, table: &str, key: &[String]) -> Option<&str> {
        let key = key.join(" ");
        let mut unread = self.unread.iter();
        // Something of a record is named behind the record's own key.
        let found = unread.find(|(in_table, named, _)| {
            in_table == table && (*named == key || named.split_once('/').is_some_and(|(_, part)| part == key))
        });
        found.map(|(_, _, reason)| reason.as_str())
    }
}

/// Stands where a backup has its archive.
struct Sink {
    queue: Queue,
    answers: Answers,
    bytes: usize,
}

impl Services for Sink {
    fn open_table(&mut self, table: plugin_api::Table) -> Result<u32> {
        let key = table.key.iter().filter_map(|name| table.position(name)).collect();
        self.answers.tables.push(Table {
            name: table.name,
            columns: table.columns,
            key,
            rows: HashMap::new(),
        });
        Ok(self.answers.tables.len() as u32 - 1)
    }

    fn write_row(&mut self, table: u32, row: &[Value<'_>]) -> Result<()> {
        let Some(table) = self.answers.tables.get_mut(table as usize) else {
            return Err(ExportError::new(
                ErrorKind::Misuse,
                "a row of a table that was not opened",
            ));
        };
        if row.len() != table.columns.len() {
            let message = format!("a row of {} has another number of cells than its table", table.name);
            return Err(ExportError::new(ErrorKind::Misuse, message));
        }
        let cells: Vec<String> = row.iter().map(|value| archive::cell_text(*value)).collect();
        self.bytes = cells
            .iter()
            .fold(self.bytes, |bytes, cell| bytes.saturating_add(cell.len()));
        if self.bytes > MOST {
            let message = format!("the desk gives more than {MOST} bytes for the rows that were chosen: choose fewer");
            return Err(ExportError::new(ErrorKind::Host, message));
        }
        let key = table.key.iter().filter_map(|at| cells.get(*at).cloned()).collect();
        table.rows.insert(key, cells);
        Ok(())
    }

    fn submit(&mut self, request: Request) -> Result<u64> {
        self.queue.submit(request)
    }

    fn next(&mut self) -> (u64, Result<Answer>) {
        match self.queue.next() {
            Next::Done { ticket, result } => (ticket, result),
            Next::Nothing => {
                let message = "the exporter waits for a request, and none is queued: tell its author";
                (0, Err(ExportError::new(ErrorKind::Misuse, message)))
            }
            Next::Cancelled => (0, Err(ExportError::new(ErrorKind::Cancelled, "the drill was stopped"))),
        }
    }

    fn checkpoint(&mut self, _: serde_json::Value) -> Result<()> {
        Ok(())
    }

    fn note(&mut self, note: Note) -> Result<()> {
        if let Note::Unread { table, key, reason } = note
            && let Some(table) = self.answers.tables.get(table as usize)
        {
            let name = table.name.clone();
            let reason = one_line(&self.scrub(&reason));
            self.answers.unread.push((name, key, reason));
        }
        Ok(())
    }

    fn scrub(&self, text: &str) -> String {
        self.queue.scrub(text)
    }
}
