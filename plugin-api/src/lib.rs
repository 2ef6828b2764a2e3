//! The stable ABI of deskvault exporters, and what their authors need.
#![warn(missing_docs)]

pub mod abi;
mod cell;
mod error;
mod job;
mod request;
mod table;
mod time;

pub use cell::Value;
pub use error::{ErrorKind, ExportError, Result};
pub use job::{Description, Job, Kind, Range};
pub use request::{Method, Request};
pub use table::{Column, Parent, Source, Table};
pub use time::Timestamp;
