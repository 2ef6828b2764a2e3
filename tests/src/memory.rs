//! A backup's services held in memory: rows are kept, requests are answered by a function.

use std::collections::VecDeque;

use engine::plugins::{Answer, Services};
use plugin_api::{ErrorKind, ExportError, Note, Request, Result, Table, Value};

/// Services in memory.
#[derive(Default)]
pub struct Memory {
    /// The tables that were opened.
    pub tables: Vec<Table>,
    /// The rows that were written: the table's number and the cells, as text.
    pub rows: Vec<(u32, Vec<String>)>,
    /// The cursors of the checkpoints.
    pub checkpoints: Vec<serde_json::Value>,
    /// What was noted.
    pub notes: Vec<Note>,
    requests: VecDeque<(u64, Request)>,
    submitted: u64,
}

impl Services for Memory {
    fn open_table(&mut self, table: Table) -> Result<u32> {
        self.tables.push(table);
        Ok(self.tables.len() as u32 - 1)
    }

    fn write_row(&mut self, table: u32, row: &[Value<'_>]) -> Result<()> {
        let misuse = |message: String| ExportError::new(ErrorKind::Misuse, message);
        let open = self
            .tables
            .get(table as usize)
            .ok_or_else(|| misuse(format!("there is no table number {table}")))?;
        if open.columns.len() != row.len() {
            let message = format!(
                "a row of {} has {} cells, not {}",
                open.name,
                row.len(),
                open.columns.len()
            );
            return Err(misuse(message));
        }
        self.rows
            .push((table, row.iter().map(|value| format!("{value:?}")).collect()));
        Ok(())
    }

    fn submit(&mut self, request: Request) -> Result<u64> {
        self.submitted += 1;
        self.requests.push_back((self.submitted, request));
        Ok(self.submitted)
    }

    fn next(&mut self) -> (u64, Result<Answer>) {
        match self.requests.pop_front() {
            None => (0, Err(ExportError::new(ErrorKind::Misuse, "no request is queued"))),
            Some((ticket, request)) => (
                ticket,
                Ok(Answer {
                    status: 200,
                    headers: Vec::new(),
                    body: request.path.into_bytes(),
                }),
            ),
        }
    }

    fn checkpoint(&mut self, cursor: serde_json::Value) -> Result<()> {
        self.checkpoints.push(cursor);
        Ok(())
    }

    fn note(&mut self, note: Note) -> Result<()> {
        self.notes.push(note);
        Ok(())
    }
}
