//! The stable ABI of deskvault exporters, and what their authors need.

pub mod abi;
mod cell;
mod desk;
mod error;
mod exporter;
#[doc(hidden)]
pub mod glue;
mod host;
mod job;
mod logging;
mod mapping;
mod note;
mod output;
mod request;
mod response;
mod table;
mod time;

pub use cell::Value;
pub use desk::{Child, Desk, Each, Pages, Paging, Search, SearchCursor, SearchPage, SearchPages};
pub use error::{ErrorKind, ExportError, Result};
pub use exporter::Exporter;
pub use job::{Description, Job, Kind, Range};
pub use note::Note;
pub use output::{Output, TableId};
pub use request::{Method, Request};
pub use response::Response;
pub use serde_json::value::RawValue;
pub use table::{Column, Parent, Source, Table};
pub use time::Timestamp;

/// The version of this crate.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");
