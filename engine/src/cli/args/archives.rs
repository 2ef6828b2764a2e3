//! `list`, `download`, `delete` and `link`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Lists backups and their archives, the newest first.
///
/// Those that run, and those whose archive is there. Times are UTC. An archive expires some days after it was made, as the
/// configuration says; one that was written elsewhere by `backup --out` never does.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only this desk's; otherwise those of all desks.
    #[arg(long, value_name = "NAME")]
    pub(crate) desk: Option<String>,
    /// Also those that made no archive, and those whose archive is gone.
    #[arg(long)]
    pub(crate) all: bool,
    /// One JSON object for each.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Writes an archive to where it is wanted.
///
/// Every byte is held against what was published: if it is damaged, nothing is written, and the exit code is 4. A file that is
/// there is not replaced.
#[derive(Args, Debug)]
pub(crate) struct Download {
    /// The backup's number, as `list` shows it, or a link that `link` made.
    #[arg(value_name = "ID|LINK")]
    pub(crate) what: String,
    /// The file, or a folder; otherwise the working folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) to: Option<PathBuf>,
}

/// Deletes an archive, or gives up a suspended backup with all that is kept of it.
///
/// Asks before. The backup stays in the history and in `list --all`.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// The backup's number, as `list` shows it.
    pub(crate) id: u64,
    /// Does not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Makes a link by which anyone can download an archive.
///
/// It is signed, leads to this one archive, and dies with it or earlier. `deskvault download LINK` takes it on this machine.
#[derive(Args, Debug)]
pub(crate) struct Link {
    /// The backup's number, as `list` shows it.
    pub(crate) id: u64,
    /// How long it lives at most: 12h or 2d. Otherwise as long as the archive, or 7 days where that never expires.
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub(crate) within: Option<Duration>,
}

fn time(text: &str) -> Result<Duration, String> {
    let time = crate::config::time(text).filter(|time| !time.is_zero());
    time.ok_or_else(|| "write a whole number and s, m, h or d, e.g. 12h or 2d".to_owned())
}
