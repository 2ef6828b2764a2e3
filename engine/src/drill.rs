//! The drill: some rows of an archive, chosen at random, are asked of the desk again and compared, cell by cell.
//!
//! [`run`] is given an archive that was verified. It chooses rows of tables whose exporters can read single records again
//! (`pick`), has the exporters do so into memory (`ask`), and compares (`compare`). A record that was changed or deleted on
//! the desk since the backup is told as such; a cell that differs although the record was not changed is a finding.
//!
//! What it is not: a proof that nothing is missing. It asks about rows that are there.
//!
//! Both sides are hostile until checked: of the archive only what [`verify`](crate::archive::verify) has held against its
//! manifest is read, and of the desk's answers no more is kept than `ask` allows.

use std::path::{Path, PathBuf};

use plugin_api::{ExportError, Timestamp};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::archive::{Manifest, TableEntry};
use crate::connection::ConnectionError;
use crate::connection::settings::Settings;
use crate::plugins::Registry;

mod ask;
mod compare;
mod pick;

/// Rows of a drill, unless it is said how many.
pub const ROWS: u64 = 20;
/// More rows than this are not drilled in one go: they are held in memory.
pub const MOST_ROWS: u64 = 10_000;

/// What is to be drilled.
#[derive(Clone, Copy)]
pub struct Drill<'a> {
    /// The archive. It was verified.
    pub archive: &'a Path,
    /// What it says of itself.
    pub manifest: &'a Manifest,
    /// How many rows, at most [`MOST_ROWS`].
    pub rows: u64,
    /// Chooses the rows: the same number chooses the same ones.
    pub seed: u64,
    /// How the desk is reached.
    pub connection: &'a Settings,
}

/// What a drill found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drilled {
    /// By which the rows were chosen.
    pub seed: u64,
    /// The rows, in the order of the archive.
    pub rows: Vec<DrilledRow>,
}

/// A row, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrilledRow {
    /// Its table.
    pub table: String,
    /// The cells of its key.
    pub key: Vec<String>,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// The desk gives the same.
    Same,
    /// The record was changed since the backup.
    Changed,
    /// The desk does not have it any more.
    Gone,
    /// It differs, and the desk does not say when the record was changed last.
    Undecided {
        /// Where.
        cells: Vec<Difference>,
    },
    /// The desk did not give it, or can't be asked for it alone.
    Unread {
        /// Why.
        reason: String,
    },
    /// It differs, though the record was not changed since the backup.
    Differs {
        /// Where.
        cells: Vec<Difference>,
    },
}

/// A cell that differs; its values are cut where they are long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The column's name.
    pub column: String,
    /// What the archive has.
    pub archive: String,
    /// What the desk gives.
    pub desk: String,
}

impl Drilled {
    /// Whether a row differs that should not.
    pub fn found(&self) -> bool {
        self.rows
            .iter()
            .any(|row| matches!(row.verdict, Verdict::Differs { .. }))
    }
}

/// Why a drill came to no end.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// No exporter that is installed can read records of the archive again.
    #[error("no exporter can read single records of this archive again: look at `deskvault plugins list`")]
    Nothing,
    /// The archive could not be read.
    #[error("cannot read {}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The desk can't be reached.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// An exporter broke off.
    #[error("{module}: {error}")]
    Export {
        /// Its module.
        module: String,
        /// Why.
        error: ExportError,
    },
    /// Threads can't be started.
    #[error("cannot start what asks the desk")]
    System(#[source] std::io::Error),
    /// It was stopped.
    #[error("stopped")]
    Cancelled,
}

/// The moment from which on what is changed is not in the archive.
fn until(manifest: &Manifest) -> Timestamp {
    let started = manifest.started;
    manifest.range.map_or(started, |range| range.to.min(started))
}

/// A table from which rows may be chosen.
struct Candidate<'m> {
    table: &'m TableEntry,
    /// Where its key is.
    key: Vec<usize>,
    /// The table by which its rows are asked for, and the column that has its key; none: they are asked for by themselves.
    parent: Option<(&'m str, usize)>,
}

/// Drills. `progress` is told how many rows are done, and of how many.
pub fn run(
    drill: &Drill<'_>,
    registry: &mut Registry,
    progress: &dyn Fn(u64, u64),
    cancel: &CancellationToken,
) -> Result<Drilled, DrillError> {
    let candidates = candidates(drill.manifest, registry);
    let picked = pick::pick(&candidates, drill.rows.min(MOST_ROWS), drill.seed);
    if picked.is_empty() {
        return Err(DrillError::Nothing);
    }
    let rows = pick::read(drill, &candidates, &picked, cancel)?;
    let total = rows.len() as u64;
    progress(0, total);
    let mut judged: Vec<Option<Verdict>> = rows.iter().map(|_| None).collect();
    let mut modules: Vec<&str> = rows.iter().map(|row| row.candidate.table.module.as_str()).collect();
    modules.dedup();
    let desk = ask::Desk::open(drill.connection, cancel)?;
    let mut done = 0;
    for module in modules {
        let Some(plugin) = registry.take(module) else { continue };
        let of_module = |row: &&pick::Row<'_>| row.candidate.table.module == module;
        let wanted = rows.iter().filter(of_module).map(pick::Row::wanted).collect();
        let answers = desk.ask(plugin, wanted, drill.manifest, cancel)?;
        for (row, verdict) in rows.iter().zip(&mut judged).filter(|(row, _)| of_module(row)) {
            *verdict = Some(compare::judge(row, &answers, until(drill.manifest)));
            done += 1;
            progress(done, total);
        }
    }
    let unread = || Verdict::Unread {
        reason: "its exporter is not there any more".to_owned(),
    };
    let rows = rows.into_iter().zip(judged).map(|(row, verdict)| DrilledRow {
        table: row.candidate.table.name.clone(),
        key: row.key(),
        verdict: verdict.unwrap_or_else(unread),
    });
    Ok(Drilled {
        seed: drill.seed,
        rows: rows.collect(),
    })
}

/// The tables whose rows can be asked for.
fn candidates<'m>(manifest: &'m Manifest, registry: &Registry) -> Vec<Candidate<'m>> {
    let is_asked = |table: &&TableEntry| {
        let plugin = registry.get(&table.module);
        plugin.is_some_and(|plugin| plugin.description.again) && !table.key.is_empty() && table.rows > 0
    };
    let place = |table: &TableEntry, name: &str| table.columns.iter().position(|column| column.name == name);
    let tables = manifest.tables.iter().filter(is_asked).filter_map(|table| {
        let key = table.key.iter().map(|name| place(table, name)).collect::<Option<_>>()?;
        let parents = table.parents.iter().filter_map(|parent| {
            let other = manifest.tables.iter().find(|other| other.name == parent.table)?;
            (other.module == table.module).then_some((other.name.as_str(), place(table, &parent.column)?))
        });
        let parent = parents.into_iter().next();
        Some(Candidate { table, key, parent })
    });
    tables.collect()
}
