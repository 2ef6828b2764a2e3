//! The core of deskvault: it decides when and whether a backup runs, and turns what exporters give it into one archive.
//!
//! What is exported is not decided here: every module of a desk is read by a plugin, which knows only `plugin-api`.
//!
//! | room | what happens there |
//! |---|---|
//! | [`backup`] | one run from the first request to the published archive; start reading there |
//! | [`plugins`] | exporters are found, checked, loaded, called; all that is unsafe in the engine |
//! | [`connection`] | how a desk is reached: credentials, limits, the queue of requests |
//! | [`archive`] | rows to CSV parts to one ZIP, published whole or not at all; its verification |
//! | [`config`] | TOML in, a typed configuration or everything that is wrong with it out |
//! | [`progress`] | what a backup tells while it runs, and what it sums up |
//! | [`cli`] | the `deskvault` command: the only room that prints |
//!
//! # Architecture invariants
//! - A row goes through one pipe: page, row, CSV part, archive. Nothing of it is held in memory beyond a page and a part's
//!   buffer.
//! - Only `archive`'s publish step gives a file its final name.
//! - Only `connection` sees secrets. Their type can be neither printed nor serialised.
//! - A plugin gets no socket from us, only requests that the connection makes for it.
//! - What others wrote (answers, plugins, archives, configurations) is hostile until checked.
//! - The sample desk is known behind one door, `connection::sample`.
//! - `unsafe` exists in `plugins::library` and nowhere else.
//!
//! # The data directory
//! The folder for archives (`[archive] folder`) is the only place that is written to:
//!
//! | name | written by | until |
//! |---|---|---|
//! | `<desk>-<kind>-<start>.zip` | `archive`'s publish step | somebody deletes it |
//! | `<desk>-<kind>-<start>-incomplete.zip` | the same, where something could not be read | somebody deletes it |
//! | `.deskvault-<desk>-<kind>-<start>.spool/` | a backup under way: a file for each part, then the archive before it has its name | the backup ends; a crash leaves it behind |

pub mod archive;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection;
pub mod daemon;
pub mod history;
pub mod key;
pub mod links;
pub mod notify;
pub mod people;
pub mod plugins;
pub mod progress;
pub mod quota;
pub mod schedule;
pub mod service;
pub mod shelf;
pub mod store;

/// An error and its causes in one line, for where only a text can go on.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
