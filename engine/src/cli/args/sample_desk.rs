//! `deskvault sample-desk`, as it is typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// Runs a sample desk: Zoho Desk's API on this machine, with made-up records.
///
/// It prints what to put into a configuration, and runs until Ctrl-C. What it holds is computed from a seed: the same seed,
/// the same records. Without flags it is the desk of a connection of kind `sample`.
#[derive(Args, Debug)]
pub(crate) struct SampleDesk {
    /// The port on 127.0.0.1; any free one if none is named.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// What all records are computed from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many tickets it has; all else is in proportion, up to 10 million records.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(100..=1_500_000))]
    pub(crate) tickets: u64,
    /// Custom fields of each module that has them.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(0..=40))]
    pub(crate) custom_fields: u32,
    /// Threads of a million whose body has a megabyte.
    #[arg(long, value_name = "PPM", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) huge_bodies: u32,
    /// The edition, which says how many requests it answers at one time, and how many credits a day has.
    #[arg(long, value_enum, default_value_t = Edition::Enterprise)]
    pub(crate) edition: Edition,
    /// Credits of a day, in place of the edition's.
    #[arg(long, value_name = "N")]
    pub(crate) credits: Option<u64>,
    /// Requests that it answers at one time, in place of the edition's; to more it says 429.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<usize>,
    /// How long each answer takes.
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = time)]
    pub(crate) latency: Duration,
    /// How long an access token lives.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub(crate) token_life: Duration,
    /// A scope that was not granted, e.g. Desk.search.READ. May be repeated.
    #[arg(long, value_name = "SCOPE")]
    pub(crate) missing_scope: Vec<String>,
    /// A module that the edition does not have, by the first part of its path, e.g. products. May be repeated.
    #[arg(long, value_name = "MODULE")]
    pub(crate) unlicensed: Vec<String>,
    /// A module that the user may not read, by the first part of its path. May be repeated.
    #[arg(long, value_name = "MODULE")]
    pub(crate) forbidden: Vec<String>,
    #[command(flatten)]
    pub(crate) faults: Faults,
    /// Edits a record after every N requests; 0: never.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) edit_every: u32,
    /// Deletes a record after every N requests; 0: never.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) delete_every: u32,
    /// How it takes what is uncertain of Zoho's API, e.g. `contacts_from=0` or `ascending=refused`. May be repeated; a wrong name
    /// is told all there are.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) reading: Vec<String>,
    /// Writes every record that a complete backup holds into this file when it ends, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
}

/// What goes wrong on purpose.
#[derive(Args, Debug)]
#[command(next_help_heading = "What goes wrong, of a thousand requests")]
pub(crate) struct Faults {
    /// 429 although there is room.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = share())]
    pub(crate) throttled: u32,
    /// 500.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = share())]
    pub(crate) failed: u32,
    /// 502, 503 or 504 with a page of HTML.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = share())]
    pub(crate) gateway: u32,
    /// The connection is cut in the middle of the answer, or before it.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = share())]
    pub(crate) cut: u32,
    /// The answer takes a second longer.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = share())]
    pub(crate) slow: u32,
    /// 200 with HTML, with half of the JSON, with bytes that are no UTF-8, or with nothing.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = share())]
    pub(crate) garbage: u32,
    /// One thing that goes wrong, and when: `reset@10` with ten of a thousand requests, `down#500` with request number 500,
    /// `failed#1+99:/tickets/` with those up to the hundredth whose path has that in it. May be repeated; a wrong name is told
    /// all there are.
    #[arg(long = "fault", value_name = "NAME@SHARE|NAME#NUMBER", value_parser = crate::connection::sample::planned)]
    pub(crate) planned: Vec<crate::connection::sample::Planned>,
}

/// Zoho Desk's editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Edition {
    /// 5 requests at one time, 5,000 credits a day
    Free,
    /// 10 requests at one time
    Express,
    /// 10 requests at one time
    Standard,
    /// 15 requests at one time
    Professional,
    /// 25 requests at one time
    Enterprise,
}

fn share() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=1000)
}

/// A time as in the configuration.
fn time(text: &str) -> Result<Duration, String> {
    crate::config::time(text).ok_or_else(|| "a time is a whole number and ms, s, m, h or d, such as 50ms".to_owned())
}
