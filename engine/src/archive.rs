//! The archive: rows to CSV parts to one ZIP, published whole or not at all; and its verification.
//!
//! [`Writer`] is one backup's archive under way. Exporter threads open tables and write rows; a table's CSV is
//! cut into parts, a part into blocks that all processors pack side by side. [`Writer::finish`] joins the parts
//! without packing them again, writes `manifest.json` last, brings the file to disk, runs [`verify`] over it,
//! and only then gives it its name. Until then all is in a spool folder that goes when the writer does, unless it was reserved by
//! somebody else.
//!
//! The bytes of an archive follow from its rows, settings and given times alone: the same backup gives the
//! same file, whatever the number of processors. [`verify`] lives on that: it derives from the manifest what
//! every byte outside the data must be, and compares.
//!
//! A backup that is interrupted can be gone on with: [`TableWriter::snapshot`] and [`settle`] bring a table to the disk while rows go
//! on, [`Writer::take`] and [`Writer::resume`] go on behind it, and [`reserve`] and [`Held`] are for whoever ordered the backup.
//!
//! What an archive is not: signed or encrypted. Whoever can write to it can forge it whole.
//!
//! Start reading at `writer`, then `table_writer` and `pack`; `csv_row` says how values look.

mod csv_row;
mod digest;
mod durable;
mod error;
mod form;
mod held;
mod join;
mod manifest;
mod mark;
mod name;
mod pack;
mod part;
mod rest;
mod resume;
pub mod settings;
mod snapshot;
mod spool;
mod sweep;
mod table_writer;
mod verify;
mod writer;
mod zip_format;

#[cfg(test)]
mod tests;

pub(crate) use csv_row::cell_text;
pub use digest::Digest;
pub(crate) use digest::Hashed;
pub use error::ArchiveError;
pub use held::{Held, Prepared, reserve};
pub use join::{Joined, Published};
pub use manifest::{FORMAT, FileEntry, Manifest, Module, ModuleState, Plugin, State, TableEntry};
pub use mark::{OpenPart, TableMark};
pub use rest::{manifest, published};
pub use snapshot::{Snapshot, forget_tails, settle};
pub use spool::Owner;
pub use sweep::{Alive, Sweep, Swept, sweep, sweep_ours};
pub use table_writer::{TableSummary, TableWriter};
pub use verify::{Problem, RepeatedKeys, Report, verify};
pub use writer::{Head, Outcome, Resumption, Writer};
