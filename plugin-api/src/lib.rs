//! The stable ABI of deskvault exporters, and what their authors need.
//!
//! An exporter is a dynamic library that reads one module of a help desk (its tickets, its contacts) and writes it as
//! tables. The engine finds it, loads it, makes its requests, and turns its rows into the archive. This page is the
//! tutorial: an exporter over a weekend. Its code is the package `plugins/example`, which is built and tested with
//! everything else.
//!
//! # 1. A library
//!
//! ```text
//! cargo new --lib my-desk
//! ```
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! plugin-api = { package = "deskvault-plugin-api", path = "../deskvault/plugin-api", version = "1" }
//! serde = { version = "1", features = ["derive"] }
//! serde_json = "1"
//! ```
//!
//! Leave `panic` alone: a plugin must unwind, and the engine refuses one that is built with `panic = "abort"`. There
//! is no `unsafe` to write, and no `async`. `#![deny(unsafe_code)]` may stand at the top of the library; `forbid` may not,
//! because [`export_plugin!`] expands to some, which it allows for itself.
//!
//! # 2. The trait
//!
//! An author implements [`Exporter`] and names the implementation in [`export_plugin!`]. [`describe`] says which module
//! it is, [`tables`] which tables and columns it has, and [`export`] writes the rows. A [`Column`] says where in the
//! desk's record its value is found, so that most rows are one call of [`Output::record`]. Give each table a
//! [`key`](Table::key), and a column for the [`rest`](Table::rest): it keeps every key of a record that no other
//! column took, also those that the desk gets next year.
//!
//! [`describe`]: Exporter::describe
//! [`tables`]: Exporter::tables
//! [`export`]: Exporter::export
//!
//! # 3. The desk
//!
//! [`Desk`] makes requests. The connection belongs to the engine: base URL, credentials, limits, retries, `Retry-After`,
//! redirects and TLS are its business, and an exporter sees none of it. For speed there are iterators, which keep many
//! requests in flight behind a plain `for`, and give the answers in the order of the requests:
//!
//! | to read | use |
//! |---|---|
//! | one thing | [`Desk::get`], [`Desk::send`] |
//! | a list in pages | [`Desk::pages`] with [`Paging`]: by offset, by number, or by links |
//! | the same, though it shifts while it is read | [`Desk::list`] with [`List`] |
//! | something for each record | [`Desk::each`] |
//! | everything of a range of time | [`Desk::search`]: nothing is lost or repeated while records are added and go |
//!
//! They can be nested and chained; they share the window of the [`Job`]. A list by offset or number shifts when a
//! record is deleted while it is read, and then passes one over that was never deleted. Where the desk tells a total on
//! every page ([`Paging::total`]), a walk ends with an error as soon as the total falls, and a backup that is made again
//! has it all; a record that goes while another comes can't be noticed so. Without a total nothing notices it: order
//! such a list by something that does not change, tell the desk's own count, if there is one, with
//! [`Output::desk_count`], and prefer links or a search where the desk has them.
//!
//! A search by the time of the last *change* has an end of its own: a record that changes while it is read moves behind
//! the end of the range, and is left to the next incremental backup. So walk by the time of creation, or by id, where
//! everything is asked for.
//!
//! # 4. Jobs and checkpoints
//!
//! A [`Job`] asks for everything, or for a range of time, from its first moment up to but not including its end:
//! [`Job::wants`] decides. Let the desk filter if it can, and ask `wants` all the same.
//!
//! A backup of a large desk takes hours and may be interrupted. Say with [`Output::checkpoint`] that all rows up to here
//! are whole, and what is needed to go on: a small cursor of your own. The engine gives it back as [`Job::resume`]; rows
//! from before it are safe and must not be written again. Say with [`Description::resumes`] that you do that: without it
//! checkpoints are passed over, and what was interrupted begins anew.
//!
//! # 5. Errors, and what they mean for the backup
//!
//! Pass errors on with `?`. Their [kind](ErrorKind) decides what becomes of the backup:
//!
//! | kind | the backup |
//! |---|---|
//! | `Cancelled` | ends. Return at once |
//! | `Unavailable` | goes on without this module, and is *incomplete*: it was asked for, and the desk does not have it |
//! | `Forbidden` | goes on without this module, and is *incomplete*: there is something, but not for these credentials |
//! | `Unauthorized` | is *incomplete*: the module failed, as will all others with these credentials |
//! | `Http`, `Network`, `Decode`, `TooLarge`, `NotFound`, `Other` | is *incomplete*, and says why; the other modules go on |
//! | `Misuse`, `Panic` | the same, and it is the plugin's fault |
//!
//! One record that can't be read need not end a module of a million: [`Output::unread`] names it, the backup is
//! *incomplete*, and the export goes on. [`Output::gone`] is for what was deleted between being listed and being read.
//! **Never return `Ok` when something is missing**: an archive that looks whole and is not is the one thing a backup must
//! never be.
//!
//! Write to the log with [`tracing`](https://docs.rs/tracing): the engine gets it. Do not print. Events of threads that
//! the plugin starts itself go nowhere: the engine hears the one thread that it called.
//!
//! # 6. The whole of it
//!
//! This is `src/lib.rs`. Its last two lines are for the file of section 7: leave them out as long as there is none.
//!
#![doc = "```ignore"]
#![doc = include_str!("../../plugins/example/src/lib.rs")]
#![doc = "```"]
//!
//! # 7. Testing
//!
//! [`testing`] has a fake desk and a suite that every exporter must pass: order, resuming, cancelling, failures, empty and
//! odd answers. A desk is a function from request to reply. The test itself takes three lines, and finds most of what goes
//! wrong at three in the morning. This is all of `src/tests.rs`:
//!
#![doc = "```ignore"]
#![doc = include_str!("../../plugins/example/src/tests/smallest.rs")]
#![doc = "```"]
//!
//! More tests, of what the exporter writes to the letter, are in the example's own `plugins/example/src/tests.rs`.
//!
//! # 8. Run it
//!
//! Build with `cargo build --release`. The library is `target/release/libmy_desk.so`, on macOS `.dylib`; plugins are for
//! Unix only. Copy it into a folder that the configuration, `deskvault.toml`, names:
//!
//! ```toml
//! [plugins]
//! folders = ["plugins"]
//!
//! [[desk]]
//! name = "main"
//! modules = ["example"]
//!
//! [desk.connection]
//! kind = "http"
//! url = "https://desk.example.org/api"
//! ```
//!
//! ```text
//! deskvault plugins check plugins/libmy_desk.so
//! deskvault plugins list
//! deskvault backup
//! ```
//!
//! The first says whether the engine takes the library, and if not, what to do; the second shows all modules, each of
//! which belongs to one library; the third makes the backup.
//!
//! # Versions: what never changes
//!
//! The binary interface has a generation, which is 1 for every 1.x of this crate. A plugin that was built with 1.x loads
//! in every later engine that speaks generation 1, without being built again. For that, what crosses never changes: the
//! layout of the manifest, of cells, errors and responses; the order of the hosts' and exporters' methods; the meaning
//! of a cell's and an error's number; the keys of the JSON texts. What may come, in a minor version: further JSON keys,
//! which are ignored where they are not known; further notes, passed over in the same way; further error kinds, read as
//! `Other`; further methods behind the others. The Rust side of this crate follows semantic versioning. All of it is
//! pinned by tests, one of which builds a plugin from the frozen sources of 1.0 and loads it.
//!
//! # Invariants
//!
//! - This crate knows nobody: it has no type of the engine and no async runtime.
//! - No foreign crate's type crosses the boundary but `abi_stable`'s texts, slices and results, which are laid out for it.
//! - `unsafe` is here, in the ABI and the glue; never in a plugin.
//! - No panic crosses, in either direction; an exporter that panicked is not called again.
//!
//! To read the code, start with [`Exporter`], then [`glue`] (what stands between it and the ABI), then [`abi`].

pub mod abi;
mod cell;
mod desk;
mod error;
mod exporter;
#[doc(hidden)]
pub mod glue;
mod host;
mod job;
mod json;
mod logging;
mod mapping;
mod note;
mod output;
mod request;
mod response;
mod table;
pub mod testing;
mod time;

#[cfg(test)]
mod frozen;

pub use cell::Value;
pub use desk::{
    Child, Counted, Desk, Each, Judge, List, ListCursor, ListPage, ListPages, Order, Pages, Paging, Search,
    SearchCursor, SearchPage, SearchPages,
};
pub use error::{ErrorKind, ExportError, Result};
pub use exporter::Exporter;
pub use job::{Description, Job, Kind, Range, Wanted};
pub use note::Note;
pub use output::{Output, TableId};
pub use request::{Method, Request};
pub use response::Response;
pub use serde_json::value::RawValue;
pub use table::{Column, Parent, Source, Table};
pub use time::Timestamp;

/// The version of this crate.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");
