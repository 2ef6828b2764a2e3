//! Exports Zoho Desk's tickets: with threads, comments, time entries and attachment links.
//!
//! # The way
//!
//! Time entries come first, agent by agent (`entries`). Then the tickets: rows of the search, and behind them those of the
//! archived lists (`source`), go through a chain of requests that keeps all of them in flight at one time:
//!
//! ```text
//! row -> detail -> conversations -> each thread's body, attachments, time entries that no agent gave
//! ```
//!
//! `parts` says what a ticket needs, `chain` asks for it, `write` writes what came, and `finish` holds it against the
//! desk's counts. What differs is looked at a second time; what is missing then is told by name.
//!
//! # What is held in memory
//!
//! What is in flight, and for the whole run one number for each ticket, and two for each time entry. An export that goes on is
//! given these back (`memory`), and asks for nothing that they stand for.

mod archived;
mod ask;
mod chain;
mod entries;
mod export;
mod finish;
mod foreseen;
mod ids;
mod least;
mod memory;
mod only;
mod parts;
mod run;
mod source;
mod tables;
mod ticket;
mod write;

use plugin_api::{Description, Desk, Exporter, Job, Output, Result, Table, export_plugin};

struct Tickets;

impl Exporter for Tickets {
    fn describe(&self) -> Description {
        Description::new("tickets", "Tickets")
            .connection("zoho")
            .tables(tables::NAMES)
            .again()
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        let custom = zoho::custom_fields(desk, ["tickets", "timeEntry"])?;
        Ok(tables::all(custom))
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        desk.judge_by(zoho::judge);
        zoho::remark_unread_fields(out)?;
        export::export(job, desk, out)
    }
}

export_plugin!(Tickets);

#[cfg(test)]
mod tests;
