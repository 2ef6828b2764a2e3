//! Reading a whole archive back, and saying what is not as it must be.
//!
//! Every byte is accounted for: headers and directories are derived from the manifest and compared
//! (`structure`), packed and plain data are held against their hashes and re-read as CSV (`content`), keys and
//! parents are matched over all tables (`keys`). Memory does not grow with the archive. What an archive says
//! of itself may be a lie; nothing is taken from it unchecked.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio_util::sync::CancellationToken;

use super::error::ArchiveError;
use super::manifest::{Manifest, ModuleState};
use super::rest;
use super::zip_format::{Layout, Limits, ZIP_32};

mod content;
mod keys;
mod plain;
pub(super) mod structure;

/// More problems than this are counted, not listed.
const MAX_PROBLEMS: usize = 100;
/// More notes than this are counted, not listed.
const MAX_NOTES: usize = 1000;
/// More threads than this gain nothing over the disk, but hold memory.
const MAX_THREADS: usize = 8;

/// What a verification found.
#[derive(Debug)]
pub struct Report {
    /// What the archive says of itself.
    pub manifest: Manifest,
    /// What is not as it must be, naming file and row. Empty: the archive is sound.
    pub problems: Vec<Problem>,
    /// How many problems there are beyond those listed.
    pub more_problems: u64,
    /// The tables in which rows repeat a key. A problem only where the manifest says something else.
    pub repeated_keys: Vec<RepeatedKeys>,
    /// Whether there are problems other than repeated keys.
    pub(super) damaged: bool,
    /// What a person may want to know of a sound archive, a line each: modules that the desk does not have, rows
    /// whose parent is not there. Why it is incomplete, if it is, says the manifest.
    pub notes: Vec<String>,
    /// CSV files read.
    pub files: u64,
    /// Rows read, header rows not counted.
    pub rows: u64,
    /// Bytes of CSV read.
    pub bytes: u64,
    /// Length of the archive.
    pub packed_bytes: u64,
}

/// Something that is not as it must be. Shown in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file in the archive that it is about; none: the archive itself, or a table.
    pub file: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    fn of(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: Some(file.to_owned()),
            message: message.into(),
        }
    }

    fn at_large(message: impl Into<String>) -> Self {
        Self {
            file: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Rows of a table that have the key of an earlier row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedKeys {
    /// The table.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// The first of them, each with the row whose key it repeats: file and row.
    pub examples: Vec<(String, String)>,
}

/// How many rows repeat a key, for people.
pub(super) fn said(rows: u64) -> String {
    match rows {
        1 => "1 row repeats the key of another row".to_owned(),
        rows => format!("{rows} rows repeat the key of another row"),
    }
}

impl Report {
    /// Whether no problem was found. A sound archive may be incomplete: see its manifest's state.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, problems: Vec<Problem>) {
        let room = MAX_PROBLEMS - self.problems.len();
        self.more_problems += problems.len().saturating_sub(room) as u64;
        self.problems.extend(problems.into_iter().take(room));
    }
}

/// Reads everything in the archive at `path` and reports what is wrong with it. `progress` is told, by any
/// thread, the bytes done and in all: those that are read, and some for each key that is compared.
///
/// An error means that nothing could be reported: the file cannot be read, is no archive, or has lost its
/// manifest.
pub fn verify(
    path: &Path,
    progress: &(dyn Fn(u64, u64) + Sync),
    cancel: &CancellationToken,
) -> Result<Report, ArchiveError> {
    verify_with(path, progress, cancel, ZIP_32)
}

pub(super) fn verify_with(
    path: &Path,
    progress: &(dyn Fn(u64, u64) + Sync),
    cancel: &CancellationToken,
    limits: Limits,
) -> Result<Report, ArchiveError> {
    let (file, metadata) = rest::open(path)?;
    let found = rest::locate(path, &file, &metadata)?;
    if cancel.is_cancelled() {
        return Err(ArchiveError::Cancelled);
    }
    let layout = Layout::of(&found.manifest, &found.text, limits);
    let problems = structure::compare(&file, &found, &layout).map_err(ArchiveError::io("read", path))?;
    let mut report = Report {
        notes: notes(&found.manifest),
        manifest: found.manifest,
        problems: Vec::new(),
        more_problems: 0,
        repeated_keys: Vec::new(),
        damaged: false,
        files: 0,
        rows: 0,
        bytes: 0,
        packed_bytes: metadata.len(),
    };
    report.add(problems);
    if found.repacked {
        // Not the bytes that the manifest tells of: each file would only say the same again.
        report.damaged = true;
        return Ok(report);
    }

    let folder = path.parent().filter(|folder| *folder != "").unwrap_or(Path::new("."));
    let marks = keys::Marks::new(folder);
    let plan = keys::Plan::of(&report.manifest);
    let progress = content::Progress::new(&report.manifest, &plan, progress);
    progress.read(0);
    let job = content::Job::new(&file, &report.manifest, &plan, &marks, progress, cancel);
    let results = read_files(&job, &layout, &found.listing).map_err(ArchiveError::io("read", path))?;
    if cancel.is_cancelled() {
        return Err(ArchiveError::Cancelled);
    }
    for result in results {
        report.files += 1;
        report.rows += result.rows;
        report.bytes += result.bytes;
        report.add(result.problems);
        report.more_problems += result.more_problems;
    }
    report.damaged = !report.problems.is_empty();
    let keys = plan
        .judge(marks, &report.manifest, progress, cancel)
        .map_err(ArchiveError::io("write a temporary file beside", path))?;
    if cancel.is_cancelled() {
        return Err(ArchiveError::Cancelled);
    }
    report.add(keys.problems);
    report.more_problems += keys.more_problems;
    report.repeated_keys = keys.repeated;
    report.notes.extend(keys.notes);
    if report.notes.len() > MAX_NOTES {
        let more = report.notes.len() - MAX_NOTES;
        report.notes.truncate(MAX_NOTES);
        report.notes.push(format!("{more} more notes"));
    }
    progress.end();
    Ok(report)
}

/// Reads all CSV files on several threads. The results are in the order of the files.
fn read_files(
    job: &content::Job<'_>,
    layout: &Layout,
    listing: &[structure::Listed],
) -> std::io::Result<Vec<content::Findings>> {
    let entries = &layout.entries[..layout.entries.len() - 1];
    let places: std::collections::HashMap<&str, u64> = listing
        .iter()
        .map(|listed| (listed.name.as_str(), listed.offset))
        .collect();
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS)
        .min(entries.len());
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let results = Mutex::new(Ok(Vec::with_capacity(entries.len())));
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = entries.get(number) else { return };
            // A missing entry is named by the comparison of the structure.
            let Some(offset) = places.get(entry.name.as_str()) else {
                continue;
            };
            let start = offset.saturating_add(layout.local_header(entry).len() as u64);
            let result = job.read(number, start);
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *results, result) {
                (Ok(list), Ok(findings)) => list.push((number, findings)),
                (results @ Ok(_), Err(error)) => *results = Err(error),
                (Err(_), _) => {}
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut results: Vec<_> = results.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, findings)| findings).collect())
}

/// What the manifest itself has to tell.
fn notes(manifest: &Manifest) -> Vec<String> {
    let skipped = manifest
        .modules
        .iter()
        .filter(|module| module.state == ModuleState::Skipped);
    // One that was kept from us is among the reasons already.
    let mentioned: HashSet<&str> = manifest
        .reasons
        .iter()
        .filter_map(|reason| Some(reason.strip_prefix("module ")?.split_once(' ')?.0))
        .collect();
    skipped
        .filter(|module| !mentioned.contains(module.module.as_str()))
        .map(|module| {
            let why = module.reason.as_deref().unwrap_or("no reason given");
            format!("module {} was skipped: {why}", module.module)
        })
        .collect()
}
