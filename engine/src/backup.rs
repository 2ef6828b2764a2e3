//! A backup: one run from the first request to the published archive.
//!
//! [`run`] does all of it: it opens the connection, starts every exporter on a thread of its own, watches over them,
//! and publishes what they wrote. It neither prints nor reads a configuration: it is told everything in a [`Plan`],
//! reports through [`Progress`](crate::progress::Progress), and ends with a [`Summary`](crate::progress::Summary) or an error.
//!
//! What a module came to is decided in one place, `verdict`; whether there is an archive, and whether it is complete, in
//! `run`. Four ends are possible: *complete*; *incomplete*, where the archive is there and says what is missing; *limit
//! reached*, where there are more records than a backup may have, and the archive says which tables stopped where; and an
//! error, where there is no archive.
//!
//! Where a plan names a spool folder, there is a fifth: *suspended*. Then [`run_kept`] gives a [`Checkpoint`] of each module to a
//! [`Keeper`] whenever one is due (`often`, `keeping`), and another run goes on behind the last of them (`begun`). Its archive is byte
//! for byte the one that an uninterrupted run would have made.

mod again;
mod begun;
mod cause;
mod checkpoint;
mod error;
mod judge;
mod keeping;
mod limit;
mod memory;
mod module;
mod often;
mod pacing;
mod run;
mod services;
mod verdict;
mod watch;

pub use cause::Cause;
pub use checkpoint::{Checkpoint, End, Forgetful, Keeper, Memory, Said, Unread};
pub use error::BackupError;
pub(crate) use error::is_full;
pub(crate) use judge::stopped_table;
pub use often::{Hurry, Often};
pub use run::{Plan, run, run_kept};
