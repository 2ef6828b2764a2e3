//! A quarter of a year, lived through in less than a minute: a desk on which people work, and its backups, week by week. Each
//! archive is held against what the desk has in its range, cell by cell, and each change of a record against all archives.
//!
//! `daemon` is the whole system, as it is installed; `engine` is the same year without schedule, store and processes, so that
//! what fails can be told apart. `quarter/archives.rs` says what every archive must hold, `quarter/work.rs` is the desk.

#![allow(clippy::print_stdout, reason = "what a test measured or was told is worth seeing")]

#[path = "quarter/archives.rs"]
mod archives;
#[path = "quarter/changes.rs"]
mod changes;
#[path = "quarter/daemon.rs"]
mod daemon;
#[path = "quarter/engine.rs"]
mod engine_alone;
#[path = "quarter/soak.rs"]
mod soak;
#[path = "quarter/work.rs"]
mod work;
