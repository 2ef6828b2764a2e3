//! The core of deskvault: it decides when and whether a backup runs, and turns what exporters give it into one archive.
//!
//! What is exported is not decided here: every module of a desk is read by a plugin, which knows only `plugin-api`.
//!
//! | room | what happens there |
//! |---|---|
//! | [`service`] | everything together: who asks, which rules hold, what runs, what is kept and told; start reading there |
//! | [`daemon`] | runs schedules and keeps house until it is stopped, each backup in a process of its own |
//! | [`backup`] | one run from the first request to the published archive |
//! | [`plugins`] | exporters are found, checked, loaded, called; all that is unsafe in the engine |
//! | [`connection`] | how a desk is reached: credentials, limits, the queue of requests |
//! | [`archive`] | rows to CSV parts to one ZIP, published whole or not at all; its verification |
//! | [`shelf`] | finished archives: read out, removed, and the room that is left for more |
//! | [`store`] | the memory, one database: backups, schedules, the history, tokens, notifications to be sent |
//! | [`history`] | who did what when: its entries, their phrases, the chain that shows tampering. Pure |
//! | [`quota`] | kinds of backup and their limits. Pure |
//! | [`schedule`] | when a backup runs by itself. Pure |
//! | [`people`], [`links`] | roles, passwords, tokens; signed links to archives |
//! | [`notify`] | webhooks and e-mail, sent from the store's outbox |
//! | [`config`] | TOML in, a typed configuration or everything that is wrong with it out |
//! | [`forecast`] | what a backup still needs: requests, credits, days. Pure |
//! | [`drill`] | rows of an archive, chosen at random, are asked of the desk again and compared |
//! | [`fuzzing`] | the doors through which `fuzz/` reaches parsers that are not public |
//! | [`progress`] | what a backup tells while it runs, and what it sums up |
//! | [`clock`], [`key`] | the one door to the machine's clock; what links and the history are signed with |
//! | [`cli`] | the `deskvault` command: the only room that prints |
//!
//! # Architecture invariants
//! - A row goes through one pipe: page, row, CSV part, archive. Nothing of it is held in memory beyond a page and a part's
//!   buffer.
//! - Only `archive`'s publish step gives an archive its final name.
//! - A change of the store, the entry of the history that tells of it and the notification of it are one transaction.
//! - Rules decide by the time and the facts that they are given; what decides by time asks `clock`, nothing else.
//! - SQL stands in `store` alone.
//! - Secrets of the configuration are read by `connection`, and used there and by `notify`. Their type can be neither printed
//!   nor serialised.
//! - A plugin gets no socket from us, only requests that the connection makes for it.
//! - What others wrote (answers, plugins, archives, configurations, links) is hostile until checked.
//! - The sample desk is known behind one door, `connection::sample`.
//! - `unsafe` exists in `plugins::library` and nowhere else.
//!
//! # The data directory
//! The folder for archives (`[archive] folder`) is the only place that is written to, but for archives that `--out` puts
//! elsewhere. One installation has it; whoever copies it away takes all of it, or at least the database with its key.
//!
//! | name | written by | until |
//! |---|---|---|
//! | `deskvault.db`, with `-wal` and `-shm` | `store` | for good |
//! | `deskvault.key` | `key`, at the first start; mode 0600 | for good: without it links and the history's seal are worth nothing |
//! | `deskvault.lock` | `daemon`: the lock on the folder, and who holds it | it stays, and locks nobody out by being there |
//! | `.deskvault-credits/` | `connection`: for each organisation what of its day's credits is left, and what each process has reserved of them, under a lock | it stays |
//! | `.deskvault-<desk>.lock` | `service`: the lock on a desk while a backup of it runs, and which one | likewise |
//! | `<desk>-<kind>-<start>.zip` | `archive`'s publish step | it expires, or is deleted |
//! | `<desk>-<kind>-<start>-incomplete.zip` | the same, where something could not be read | likewise |
//! | `<desk>-<kind>-<start>-limit-reached.zip` | the same, where it came to the limit of records | likewise |
//! | `.deskvault-<desk>-<kind>-<start>.spool/` | a backup under way or suspended: a file for each part, what of it was not packed at the last checkpoint (`.tail`), what exporters remembered (`.memory`), how it is written (`form.json`), then the archive before it has its name; its `owner` is locked by the backup's process | the backup ends; what belongs to no backup is swept before the next one and by the daemon |
//!
//! A second backup of a desk in one second has `-2` behind its start.

pub mod archive;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection;
pub mod daemon;
pub mod drill;
pub mod forecast;
#[doc(hidden)]
pub mod fuzzing;
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
