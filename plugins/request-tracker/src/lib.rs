//! Exports a whole Request Tracker 5 over its REST 2.0: tickets, their history with its texts, attachments (metadata),
//! time worked, users, groups with members, queues and articles.
//!
//! # How nothing is lost or written twice while people work
//!
//! No list is read by page numbers where it may change meanwhile. Tickets and transactions are read in slices of their
//! numbers (1 to 100, 101 to 200, ...) up to the highest one at the start: a slice fits one answer, whatever is added or
//! changed, and slices are independent, so that many are asked for at one time. Other lists are walked by "number
//! greater than the last". The one list that RT cannot search by number, the users, only ever grows at its end. Every
//! answer says how many records there are, and is held against it.
//!
//! # Where to start
//!
//! `work` goes from one table to the next; `list` is how RT is searched; `custom` turns custom fields into
//! columns; `cell` makes the cells. What RT does not give, and how we know, is in `tests/request-tracker/README.md`.

mod article;
mod cell;
mod custom;
mod group;
mod link;
mod list;
mod queue;
mod slices;
mod tables;
mod ticket;
mod transaction;
mod user;
mod work;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use custom::Custom;
use plugin_api::{Description, Desk, ExportError, Exporter, Job, Output, Result, Table, export_plugin};
use serde::Deserialize;

/// The exporter. Custom fields come and go while a backup runs, so they are asked for once, and the rows are made by
/// what the columns were made by. An export stays on its thread, and several may run at one time.
#[derive(Default)]
struct RequestTracker {
    opened: Mutex<HashMap<ThreadId, Custom>>,
}

impl Exporter for RequestTracker {
    fn describe(&self) -> Description {
        Description::new("request-tracker", "Request Tracker 5")
            .tables(tables::NAMES)
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        list::check_address(desk)?;
        let custom = Custom::read(desk)?;
        let tables = tables::all(&custom);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(thread::current().id(), custom);
        Ok(tables)
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let custom = opened.remove(&thread::current().id());
        drop(opened);
        // An export that goes on keeps its tables, and is not asked for them.
        let custom = match (custom, job.remembered.first()) {
            (Some(custom), _) => custom,
            (None, Some(remembered)) => Custom::deserialize(remembered)
                .map_err(|error| ExportError::decode("what was remembered of the custom fields", error))?,
            (None, None) => Custom::read(desk)?,
        };
        if job.remembered.is_empty() {
            out.remember(&custom)?;
        }
        work::export(job, desk, custom, out)
    }
}

export_plugin!(RequestTracker::default());

#[cfg(test)]
mod tests;
