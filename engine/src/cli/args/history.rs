//! `history`.

use clap::{Args, Subcommand, ValueEnum};

/// Prints who did what when.
///
/// All entries in order, or those that all of the options given take. A desk's entries go with those that concern the
/// whole installation, such as a changed configuration. Times are UTC unless --zone names another zone.
///
/// The CSV is RFC 4180 in UTF-8. A name that a table program would take for a formula, because it begins with `=`, `+`, `-`
/// or `@`, has a `'` before it; --json has all as it is.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct History {
    #[command(subcommand)]
    pub(crate) command: Option<HistoryCommand>,
    /// Only what concerns this desk.
    #[arg(long, value_name = "NAME")]
    pub(crate) desk: Option<String>,
    /// From this time on: 2024-06-01 (a day of --zone) or 2024-06-01T08:00:00+09:00.
    #[arg(long, value_name = "T")]
    pub(crate) from: Option<String>,
    /// Until the end of this day, or before this time.
    #[arg(long, value_name = "T")]
    pub(crate) to: Option<String>,
    /// Only this kind, e.g. `data_ready`. May be repeated.
    #[arg(long = "kind", value_name = "K")]
    pub(crate) kinds: Vec<String>,
    /// Only what this user did.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// The language of descriptions; otherwise that of the system.
    #[arg(long, value_enum)]
    pub(crate) lang: Option<Lang>,
    /// One JSON object for each.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Comma-separated values.
    #[arg(long)]
    pub(crate) csv: bool,
    /// The time zone by its IANA name, e.g. Asia/Tokyo.
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
}

impl History {
    pub(crate) fn wants_json(&self) -> bool {
        match &self.command {
            Some(HistoryCommand::Verify { json, .. }) => *json,
            Some(HistoryCommand::Reseal { .. }) => false,
            None => self.json,
        }
    }
}

/// A language of descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English.
    En,
    /// Japanese.
    Ja,
}

/// What can be done with the history besides printing it.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Says whether an entry was altered, taken out or put in.
    ///
    /// It prints the head, COUNT:HASH. Noted somewhere else and given to --head later, it also proves that nobody has made
    /// the whole history anew, which whoever has the database and deskvault.key could. The exit code is 4 if something is wrong.
    Verify {
        /// A head that was noted before.
        #[arg(long, value_name = "COUNT:HASH")]
        head: Option<String>,
        /// The result as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Goes on with a history whose seal is not in order, where deskvault refuses to.
    ///
    /// For when deskvault.key is lost and there is no copy of it, or the database was altered and there is no copy of that. It
    /// makes a new key where there is none; links that were made with the old one are dead. What was wrong is written into
    /// the history, and `history verify` names it for ever.
    Reseal {
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
}
