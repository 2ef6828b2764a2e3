//! What a plugin sees of the engine during one export.
//!
//! [`ModuleHost`] stands on the boundary: it checks what comes from the plugin, keeps panics of the engine from
//! crossing, and passes the rest to the [`Services`] of the running backup. It is called from the one thread that runs
//! the export; a call from any other is refused and fails the export.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use abi_stable::std_types::{RResult, RSlice, RStr};
use plugin_api::abi::{AbiError, AbiHost, Cell, HttpResponse};
use plugin_api::{ErrorKind, ExportError, Note, Request, Result, Table, Value};
use tokio_util::sync::CancellationToken;

use super::events::Events;
use super::refusal::one_line;
use crate::connection::Answer;

/// What the engine does for an exporter. Implemented by the backup, and by tests.
pub trait Services: Send {
    /// Opens a table and gives its number.
    fn open_table(&mut self, table: Table) -> Result<u32>;
    /// Writes a row. The number of cells was not checked yet.
    fn write_row(&mut self, table: u32, row: &[Value<'_>]) -> Result<()>;
    /// Queues a request and gives its ticket.
    fn submit(&mut self, request: Request) -> Result<u64>;
    /// Waits for a request to finish: its ticket, or 0 if the error is not of a request.
    fn next(&mut self) -> (u64, Result<Answer>);
    /// Keeps a cursor.
    fn checkpoint(&mut self, cursor: serde_json::Value) -> Result<()>;
    /// Takes a fact in.
    fn note(&mut self, note: Note) -> Result<()>;
    /// Takes secrets out of a text that a plugin wrote: a desk may have echoed them.
    fn scrub(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// The host of one export.
pub struct ModuleHost<S> {
    module: String,
    services: Mutex<S>,
    /// The first thing the plugin did wrong, or that went wrong with its rows. The export fails even if the plugin
    /// takes no notice.
    fault: Mutex<Option<ExportError>>,
    cancel: CancellationToken,
    /// The thread that runs the export; 0 before it does.
    thread: AtomicUsize,
    /// Calls under way.
    inside: AtomicBool,
    /// Calls so far that brought the export on.
    calls: AtomicU64,
    /// Events logged.
    events: Mutex<Events>,
}

impl<S: Services> ModuleHost<S> {
    /// The host for an export of `module`. Once `cancel` is cancelled, every call says so.
    pub fn new(module: &str, services: S, cancel: CancellationToken) -> Self {
        Self {
            module: module.to_owned(),
            services: Mutex::new(services),
            fault: Mutex::new(None),
            cancel,
            thread: AtomicUsize::new(0),
            inside: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            events: Mutex::default(),
        }
    }

    /// Binds it to this thread, which is about to run the export.
    pub fn enter(&self) {
        self.thread.store(thread_token(), Ordering::Relaxed);
        self.count_call();
    }

    /// How often the plugin has called the engine for something that brings the export on (logging does not, nor asking
    /// whether it is cancelled); `None` while it is in a call. If it gives the same number for long,
    /// the plugin has been on its own for long.
    pub fn calls(&self) -> Option<u64> {
        let calls = self.calls.load(Ordering::Acquire);
        (!self.inside.load(Ordering::Acquire)).then_some(calls)
    }

    /// The services, to look at or to take things out. Waits for a call under way.
    pub fn services(&self) -> MutexGuard<'_, S> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the export came to: the plugin's own result, unless something went wrong that it took no notice of.
    pub fn outcome(&self, returned: Result<()>) -> Result<()> {
        if let Some(left_out) = self.events.lock().unwrap_or_else(PoisonError::into_inner).end() {
            tracing::warn!(target: "plugin", module = self.module, "{left_out} events of it were left out: it logs too many");
        }
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let outcome = match (returned, fault) {
            (Err(error), _) if error.kind == ErrorKind::Cancelled => Err(error),
            (_, Some(fault)) => Err(fault),
            // That the engine failed is for the engine to say.
            (Err(error), None) if error.kind == ErrorKind::Host => Err(ExportError {
                kind: ErrorKind::Other,
                ..error
            }),
            (Ok(()), None) if self.cancel.is_cancelled() => Err(cancelled()),
            (returned, None) => returned,
        };
        outcome.map_err(|error| ExportError {
            message: self.services().scrub(&error.message),
            ..error
        })
    }

    // Not a clock: a row takes less time than reading one.
    fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Release);
    }

    /// One call of the plugin: on the right thread, not cancelled, and without a panic getting out.
    fn call<T>(&self, work: impl FnOnce(&mut S) -> Result<T>) -> Result<T> {
        if self.thread.load(Ordering::Relaxed) != thread_token() {
            let message = format!(
                "the exporter of {} called the engine from a second thread; an export runs on one thread: tell its \
                 author",
                self.module
            );
            return Err(self.keep(ExportError::new(ErrorKind::Misuse, message)));
        }
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        self.inside.store(true, Ordering::Release);
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut self.services())));
        self.inside.store(false, Ordering::Release);
        result.unwrap_or_else(|payload| {
            let text = payload.downcast_ref::<&str>().copied();
            let text = text
                .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("no message");
            let message = format!(
                "deskvault itself failed while it served {}: {text}; report it",
                self.module
            );
            Err(self.keep(ExportError::new(ErrorKind::Host, message)))
        })
    }

    /// A call that brings the export on, and whose failure the plugin may deal with, unless it is the plugin's own fault.
    fn lenient<T>(&self, work: impl FnOnce(&mut S) -> Result<T>) -> Result<T> {
        let result = self.call(work);
        self.count_call();
        match result {
            Err(error) if matches!(error.kind, ErrorKind::Misuse | ErrorKind::Host) => Err(self.keep(error)),
            result => result,
        }
    }

    /// A call that must not fail unnoticed.
    fn strict<T>(&self, work: impl FnOnce(&mut S) -> Result<T>) -> RResult<T, AbiError> {
        match self.lenient(work) {
            Ok(value) => RResult::ROk(value),
            Err(error) if error.kind == ErrorKind::Cancelled => RResult::RErr(error.into()),
            Err(error) => RResult::RErr(self.keep(error).into()),
        }
    }

    fn keep(&self, error: ExportError) -> ExportError {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.get_or_insert_with(|| error.clone());
        error
    }
}

fn cancelled() -> ExportError {
    ExportError::new(ErrorKind::Cancelled, "the backup was cancelled")
}

/// Tells threads apart, cheaply: the address of a thread-local.
fn thread_token() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

/// Reads what a plugin passed as JSON, whose bytes may be anything.
fn read<T: serde::de::DeserializeOwned>(what: &str, json: RStr<'_>) -> Result<T> {
    if json.len() > LONGEST_JSON {
        let message = format!(
            "{what} has {} bytes, and may have {LONGEST_JSON}: tell its author",
            json.len()
        );
        return Err(ExportError::new(ErrorKind::Misuse, message));
    }
    serde_json::from_slice(json.as_rslice().as_slice())
        .map_err(|error| ExportError::new(ErrorKind::Misuse, format!("{what} can't be read: {error}")))
}

/// Cells of a row that are kept on the stack.
const FEW: usize = 64;

/// The longest cursor, fact or event that is taken, as JSON, in bytes. A row may be longer: it is written, and not kept.
const LONGEST_JSON: usize = 16 << 20;

impl<S: Services> AbiHost for ModuleHost<S> {
    fn log(&self, level: u8, event_json: RStr<'_>) {
        let taken = self
            .events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(Instant::now());
        if let Some(left_out) = taken.left_out {
            tracing::warn!(target: "plugin", module = self.module, "{left_out} events of it were left out: it logs too many");
        }
        if !taken.is_logged {
            return;
        }
        // What can't be read is not logged: an event is no data.
        let _ = self.call(|services| {
            let event: serde_json::Value = read("an event", event_json)?;
            let text = |key: &str| {
                let text = event.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
                one_line(&services.scrub(text))
            };
            let (message, target) = (text("message"), text("target"));
            let fields = match event.get("fields") {
                Some(serde_json::Value::Object(fields)) if !fields.is_empty() => {
                    let fields = serde_json::Value::Object(fields.clone()).to_string();
                    format!(" {}", one_line(&services.scrub(&fields)))
                }
                _ => String::new(),
            };
            let module = self.module.as_str();
            match level {
                1 => tracing::error!(target: "plugin", module, from = target, "{message}{fields}"),
                2 => tracing::warn!(target: "plugin", module, from = target, "{message}{fields}"),
                3 => tracing::info!(target: "plugin", module, from = target, "{message}{fields}"),
                4 => tracing::debug!(target: "plugin", module, from = target, "{message}{fields}"),
                _ => tracing::trace!(target: "plugin", module, from = target, "{message}{fields}"),
            }
            Ok(())
        });
    }

    fn open_table(&self, table_json: RStr<'_>) -> RResult<u32, AbiError> {
        self.strict(|services| services.open_table(read("a table", table_json)?))
    }

    fn write_row(&self, table: u32, row: RSlice<'_, Cell<'_>>) -> RResult<(), AbiError> {
        self.strict(|services| {
            let wrong = |kind: u8| {
                let message = format!("a cell of kind {kind} is not known, or its text is not UTF-8");
                ExportError::new(ErrorKind::Misuse, message)
            };
            // Nearly all rows fit in here: one that does not takes an allocation.
            let mut few = [Value::Null; FEW];
            if let Some(values) = few.get_mut(..row.len()) {
                for (value, cell) in values.iter_mut().zip(row) {
                    *value = Value::from_cell(cell).map_err(wrong)?;
                }
                return services.write_row(table, values);
            }
            let values = row
                .iter()
                .map(Value::from_cell)
                .collect::<std::result::Result<Vec<_>, _>>();
            services.write_row(table, &values.map_err(wrong)?)
        })
    }

    fn submit(&self, request_json: RStr<'_>) -> RResult<u64, AbiError> {
        match self.lenient(|services| services.submit(read("a request", request_json)?)) {
            Ok(ticket) => RResult::ROk(ticket),
            Err(error) => RResult::RErr(error.into()),
        }
    }

    fn next(&self, ticket: &mut u64) -> RResult<HttpResponse, AbiError> {
        *ticket = 0;
        let answer = self.lenient(|services| {
            let (finished, answer) = services.next();
            *ticket = finished;
            answer
        });
        match answer.and_then(http_response) {
            Ok(response) => RResult::ROk(response),
            Err(error) => RResult::RErr(error.into()),
        }
    }

    fn checkpoint(&self, cursor_json: RStr<'_>) -> RResult<(), AbiError> {
        self.strict(|services| services.checkpoint(read("a cursor", cursor_json)?))
    }

    fn progress(&self, note_json: RStr<'_>) {
        let _ = self.strict(|services| {
            let note: serde_json::Map<String, serde_json::Value> = read("a note", note_json)?;
            // One that is known and can't be read is a mistake; any other comes from a later version.
            if !note.keys().any(|key| Note::NAMES.contains(&key.as_str())) {
                tracing::warn!(
                    module = self.module,
                    "a note is passed over: this deskvault is older than the plugin"
                );
                return Ok(());
            }
            let note = serde_json::from_value(note.into())
                .map_err(|error| ExportError::new(ErrorKind::Misuse, format!("a note can't be read: {error}")))?;
            services.note(note)
        });
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

fn http_response(answer: Answer) -> Result<HttpResponse> {
    let headers =
        serde_json::to_string(&answer.headers).map_err(|error| ExportError::new(ErrorKind::Host, error.to_string()))?;
    Ok(HttpResponse {
        status: answer.status,
        headers_json: headers.into(),
        body: answer.body.into(),
    })
}
