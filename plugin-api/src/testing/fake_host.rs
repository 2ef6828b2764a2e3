//! The host of a fake export: it stands behind the ABI as the engine does, is as strict, and records.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use abi_stable::std_types::{RResult, RSlice, RStr};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use super::fake_desk::{Answering, Ended};
use super::random::Random;
use super::reply::Reply;
use super::rules::{check_request, check_table};
use super::run::{Checkpoint, Field, LogEvent, Rows, Run};
use crate::abi::{AbiError, AbiHost, Cell, HttpResponse};
use crate::glue::{message_of, place_of_panic};
use crate::{ErrorKind, ExportError, Note, Request, Result, Table, Value};

/// Calls after which an export is taken to go on for ever.
const MAX_CALLS: u64 = 2_000_000;
/// The same, once the backup is cancelled.
const MAX_CALLS_AFTER_CANCEL: u64 = 10_000;

pub(super) struct FakeHost {
    answering: Answering,
    window: usize,
    /// The backup is cancelled behind so many calls.
    cancel_after: Option<u64>,
    /// Says that the exporter goes on for ever: nobody can stop a thread.
    ended: Sender<Ended>,
    state: Mutex<State>,
}

struct State {
    run: Run,
    random: Random,
    queue: Vec<(u64, Request)>,
    tickets: u64,
    thread: Option<ThreadId>,
    desk_panic: Option<String>,
    runaway: bool,
}

impl FakeHost {
    pub(super) fn new(
        answering: Answering,
        seed: u64,
        window: u32,
        cancel_after: Option<u64>,
        ended: Sender<Ended>,
    ) -> Self {
        let run = Run {
            result: Ok(()),
            tables: Vec::new(),
            checkpoints: Vec::new(),
            notes: Vec::new(),
            events: Vec::new(),
            requests: Vec::new(),
            most_in_flight: 0,
            calls: 0,
            calls_after_cancel: 0,
            misuse: None,
        };
        let state = State {
            run,
            random: Random::new(seed),
            queue: Vec::new(),
            tickets: 0,
            thread: None,
            desk_panic: None,
            runaway: false,
        };
        Self {
            answering,
            window: window.max(1) as usize,
            cancel_after,
            ended,
            state: Mutex::new(state),
        }
    }

    /// Binds it to this thread, which is about to run the export.
    pub(super) fn enter(&self) {
        self.state().thread = Some(thread::current().id());
    }

    /// Calls of the host so far, of every kind.
    pub(super) fn calls(&self) -> u64 {
        let state = self.state();
        state.run.calls + (state.run.events.len() + state.run.notes.len()) as u64
    }

    /// What the export came to, and why the fake desk panicked, if it did.
    pub(super) fn outcome(&self, returned: Result<()>) -> (Run, Option<String>) {
        let mut state = self.state();
        let mut run = state.run.clone();
        run.result = match (returned, &run.misuse) {
            (Ok(()), Some(misuse)) => Err(misuse.clone()),
            (returned, _) => returned,
        };
        (run, state.desk_panic.take())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call of the exporter that can fail.
    fn call<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.state();
        if state.thread != Some(thread::current().id()) {
            return Err(state.misuse("the host was called from a second thread; an export runs on one"));
        }
        let cancelled = self.cancel_after.is_some_and(|calls| state.run.calls >= calls);
        state.run.calls += 1;
        state.run.calls_after_cancel += u64::from(cancelled);
        if state.run.calls > MAX_CALLS || state.run.calls_after_cancel > MAX_CALLS_AFTER_CANCEL {
            state.runaway = true;
            drop(state);
            let _ = self.ended.send(Ended::Runaway);
            loop {
                thread::park();
            }
        }
        if cancelled {
            return Err(ExportError::new(ErrorKind::Cancelled, "the backup was cancelled"));
        }
        work(&mut state)
    }

    fn finish(&self, ticket: &mut u64) -> Result<HttpResponse> {
        let request = self.call(|state| {
            if state.queue.is_empty() {
                return Err(state.misuse("`next` was called, but no request is queued"));
            }
            let at = state.random.below(state.queue.len());
            let (number, request) = state.queue.swap_remove(at);
            *ticket = number;
            Ok(request)
        })?;
        // The author's function must not unwind into the ABI; nor is the state locked while it runs.
        let reply = catch_unwind(AssertUnwindSafe(|| (self.answering)(&request))).unwrap_or_else(|payload| {
            let mut text = message_of(payload.as_ref());
            // The hook of the glue kept it in place of printing it.
            if let Some(place) = place_of_panic(&text) {
                text = format!("{text} (at {place})");
            }
            let reply = Reply::failure(ErrorKind::Host, &format!("the fake desk panicked: {text}"));
            self.state().desk_panic = Some(text);
            reply
        });
        let answer = reply.outcome?;
        Ok(HttpResponse {
            status: answer.status,
            headers_json: json!(answer.headers).to_string().into(),
            body: answer.body.into(),
        })
    }
}

impl State {
    fn misuse(&mut self, message: impl Into<String>) -> ExportError {
        let error = ExportError::new(ErrorKind::Misuse, message);
        self.run.misuse.get_or_insert(error).clone()
    }

    fn read<T: DeserializeOwned>(&mut self, what: &str, json: RStr<'_>) -> Result<T> {
        serde_json::from_slice(json.as_rslice().as_slice())
            .map_err(|error| self.misuse(format!("{what} can't be read: {error}")))
    }

    fn open_table(&mut self, table: Table) -> Result<u32> {
        let others = self.run.tables.iter().map(|rows| &rows.table);
        check_table(&table, others).map_err(|why| self.misuse(why))?;
        let rows = Vec::new();
        self.run.tables.push(Rows { table, rows });
        Ok((self.run.tables.len() - 1) as u32)
    }

    fn write_row(&mut self, number: u32, cells: &[Cell<'_>]) -> Result<()> {
        let Some(rows) = self.run.tables.get(number as usize) else {
            return Err(self.misuse(format!("a row for table number {number}, which was not opened")));
        };
        let (name, columns) = (rows.table.name.clone(), rows.table.columns.len());
        if cells.len() != columns {
            let cells = cells.len();
            return Err(self.misuse(format!(
                "a row with {cells} cells for table {name}, which has {columns}"
            )));
        }
        let mut row = Vec::with_capacity(columns);
        for cell in cells {
            let value = Value::from_cell(cell);
            let value = value.map_err(|kind| self.misuse(format!("table {name}: a cell of unknown kind {kind}")))?;
            if let Value::Json(text) = value
                && let Err(error) = serde_json::from_str::<&RawValue>(text)
            {
                let start: String = text.chars().take(80).collect();
                return Err(self.misuse(format!("table {name}: a JSON cell is no JSON: {error}: {start}")));
            }
            row.push(Field::from(value));
        }
        self.run.tables[number as usize].rows.push(row);
        Ok(())
    }

    fn submit(&mut self, request: Request, window: usize) -> Result<u64> {
        check_request(&request).map_err(|why| self.misuse(why))?;
        if self.queue.len() >= window {
            return Err(self.misuse(format!("more than the job's window of {window} requests are not taken")));
        }
        self.tickets += 1;
        self.run.requests.push(request.clone());
        self.queue.push((self.tickets, request));
        self.run.most_in_flight = self.run.most_in_flight.max(self.queue.len());
        Ok(self.tickets)
    }

    fn note(&mut self, json: RStr<'_>) {
        let Ok(note) = self.read::<Json>("a note", json) else {
            return;
        };
        // What a later version tells is passed over.
        let Ok(note) = serde_json::from_value(note) else {
            return;
        };
        if let Note::DeskCount { table, .. } | Note::Unread { table, .. } | Note::Gone { table, .. } = note
            && table as usize >= self.run.tables.len()
        {
            self.misuse(format!("a note on table number {table}, which was not opened"));
        } else {
            self.run.notes.push(note);
        }
    }
}

impl AbiHost for FakeHost {
    fn log(&self, level: u8, event_json: RStr<'_>) {
        let event: Json = serde_json::from_slice(event_json.as_rslice().as_slice()).unwrap_or_default();
        let text = |key: &str| event.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let event = LogEvent {
            level,
            target: text("target"),
            message: text("message"),
        };
        self.state().run.events.push(event);
    }

    fn open_table(&self, table_json: RStr<'_>) -> RResult<u32, AbiError> {
        across(self.call(|state| {
            let table = state.read("a table", table_json)?;
            state.open_table(table)
        }))
    }

    fn write_row(&self, table: u32, row: RSlice<'_, Cell<'_>>) -> RResult<(), AbiError> {
        across(self.call(|state| state.write_row(table, row.as_slice())))
    }

    fn submit(&self, request_json: RStr<'_>) -> RResult<u64, AbiError> {
        across(self.call(|state| {
            let request = state.read("a request", request_json)?;
            state.submit(request, self.window)
        }))
    }

    fn next(&self, ticket: &mut u64) -> RResult<HttpResponse, AbiError> {
        *ticket = 0;
        across(self.finish(ticket))
    }

    fn checkpoint(&self, cursor_json: RStr<'_>) -> RResult<(), AbiError> {
        across(self.call(|state| {
            let cursor = state.read("a cursor", cursor_json)?;
            let rows = state.run.tables.iter().map(|rows| rows.rows.len()).collect();
            let (notes, requests) = (state.run.notes.len(), state.run.requests.len());
            state.run.checkpoints.push(Checkpoint {
                rows,
                cursor,
                notes,
                requests,
            });
            Ok(())
        }))
    }

    fn progress(&self, note_json: RStr<'_>) {
        self.state().note(note_json);
    }

    fn cancelled(&self) -> bool {
        let calls = self.state().run.calls;
        self.cancel_after.is_some_and(|after| calls >= after)
    }
}

fn across<T>(result: Result<T>) -> RResult<T, AbiError> {
    match result {
        Ok(value) => RResult::ROk(value),
        Err(error) => RResult::RErr(error.into()),
    }
}
