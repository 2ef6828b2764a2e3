//! For the tests of an exporter: a fake host, and a suite that every exporter must pass.
//!
//! A [`FakeDesk`] answers requests by a function of the author's. It runs an exporter as the engine does, through the
//! same ABI and the same checks, and records what it did. Answers come in a scrambled order, so that an exporter
//! which relies on their order is found out.
//!
//! ```
//! use plugin_api::testing::{FakeDesk, Reply};
//! use plugin_api::{Column, Description, Desk, Exporter, Job, Output, Paging, Request, Result, Table};
//!
//! struct Contacts;
//!
//! impl Exporter for Contacts {
//!     fn describe(&self) -> Description {
//!         Description::new("contacts", "Contacts").tables(["Contacts"])
//!     }
//!
//!     fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
//!         let table = Table::new("Contacts").column(Column::new("id", "Contact Id"));
//!         Ok(vec![table.rest("Other Fields").key(["id"])])
//!     }
//!
//!     fn export(&self, _: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
//!         let contacts = out.table("Contacts")?;
//!         let paging = Paging::by_offset("from", 0, "limit", 100).items("/data");
//!         for page in desk.pages(Request::get("/contacts"), &paging) {
//!             for record in page?.records("/data")? {
//!                 out.record(contacts, record)?;
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! fn pages(request: &Request) -> Reply {
//!     match request.path.as_str() {
//!         "/contacts" if request.query[0].1 == "0" => Reply::json(200, r#"{"data":[{"id":"1","name":"Ada"}]}"#),
//!         "/contacts" => Reply::empty(),
//!         _ => Reply::status(404),
//!     }
//! }
//!
//! // What it writes, exactly:
//! let run = FakeDesk::new(pages).run(Contacts, &Job::full("contacts"));
//! assert_eq!(run.result, Ok(()));
//! assert_eq!(run.rows("Contacts"), [["1", r#"{"name":"Ada"}"#]]);
//!
//! // And everything that any exporter must hold to:
//! plugin_api::testing::check_exporter(|| Contacts, FakeDesk::new(pages));
//! ```

mod check;
mod fake_desk;
mod fake_host;
mod mutate;
pub(crate) mod random;
mod reply;
mod rules;
mod run;

#[cfg(test)]
mod tests;

pub use check::{Finding, check_exporter, check_resume, conformance_report};
pub use fake_desk::FakeDesk;
pub use reply::Reply;
pub use run::{Checkpoint, Field, LogEvent, Rows, Run};
