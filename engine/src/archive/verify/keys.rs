//! Keys and parents over a whole archive of any size.
//!
//! Every key, and every reference to a key, leaves a mark: which table's key, a hash of 128 bits, key or
//! reference, file and row. Marks are sorted in runs that go to a temporary file when they are many; merged,
//! the keys of one value come first and then the references to it. One pass tells what is twice and what has no
//! parent, in memory that does not grow.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{mem, vec};

use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_128;

use super::content::Progress;
use super::{Problem, RepeatedKeys, said};
use crate::archive::manifest::{FileEntry, Manifest, TableEntry};

/// Marks that are sorted at a time: 2 MiB of them.
const RUN: usize = 64 << 10;
/// Bytes of all runs' buffers together when they are merged.
const BUFFERS: usize = 4 << 20;
/// Length of a mark in the temporary file.
pub(super) const LENGTH: usize = 32;
/// Examples named for each sort of finding.
const EXAMPLES: usize = 3;
/// The role of a key; others are references, counted from 1.
pub(super) const KEY: u32 = 0;
/// Bits of a place that number the row; the others number the file.
const ROW_BITS: u32 = 44;

/// That a row has, or refers to, a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    /// The table whose key it is.
    pub(super) group: u32,
    /// In halves, because a `u128` would make a mark half as large again.
    pub(super) hash: (u64, u64),
    pub(super) role: u32,
    pub(super) place: u64,
}

/// The hash of a key.
pub(super) fn hash(key: &[u8]) -> (u64, u64) {
    let hash = xxh3_128(key);
    ((hash >> 64) as u64, hash as u64)
}

/// A row: its file's number in the archive, and its own in the file, counted from 1.
pub(super) fn place(file: usize, row: u64) -> u64 {
    (file as u64) << ROW_BITS | row.min((1 << ROW_BITS) - 1)
}

/// Which marks a table's rows leave.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) group: u32,
    pub(super) role: u32,
    /// The columns that are hashed.
    pub(super) columns: Vec<usize>,
}

/// Which marks all tables' rows leave.
#[derive(Debug)]
pub(super) struct Plan {
    tables: Vec<Vec<Wanted>>,
    /// Table and number of its parent, by role - 1.
    references: Vec<(usize, usize)>,
    /// What cannot be checked, and why.
    notes: Vec<String>,
}

/// What the marks tell.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) problems: Vec<Problem>,
    pub(super) more_problems: u64,
    pub(super) repeated: Vec<RepeatedKeys>,
    pub(super) notes: Vec<String>,
}

impl Plan {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let tables = &manifest.tables;
        let by_name: BTreeMap<&str, usize> = tables
            .iter()
            .enumerate()
            .map(|(number, table)| (table.name.as_str(), number))
            .collect();
        let mut plan = Self {
            tables: Vec::new(),
            references: Vec::new(),
            notes: Vec::new(),
        };
        for (number, entry) in tables.iter().enumerate() {
            let places: HashMap<&str, usize> = entry
                .columns
                .iter()
                .enumerate()
                .map(|(place, column)| (column.name.as_str(), place))
                .collect();
            let columns = |names: &mut dyn Iterator<Item = &String>| -> Vec<usize> {
                names.filter_map(|name| places.get(name.as_str()).copied()).collect()
            };
            let mut wanted = Vec::new();
            if !entry.key.is_empty() {
                let columns = columns(&mut entry.key.iter());
                wanted.push(Wanted {
                    group: number as u32,
                    role: KEY,
                    columns,
                });
            }
            for (index, parent) in entry.parents.iter().enumerate() {
                let why = match by_name.get(parent.table.as_str()) {
                    None => "the archive has no such table",
                    Some(table) if tables[*table].key.len() != 1 => "its key is not one column",
                    Some(table) => {
                        plan.references.push((number, index));
                        wanted.push(Wanted {
                            group: *table as u32,
                            role: plan.references.len() as u32,
                            columns: columns(&mut std::iter::once(&parent.column)),
                        });
                        continue;
                    }
                };
                plan.notes.push(format!(
                    "table {}: parents in {} are not checked: {why}",
                    entry.name,
                    parent.table.escape_debug()
                ));
            }
            plan.tables.push(wanted);
        }
        plan
    }

    pub(super) fn of_table(&self, number: usize) -> &[Wanted] {
        &self.tables[number]
    }

    /// Merges the marks and says what they tell. `progress` is told now and then how many are merged.
    pub(super) fn judge(
        self,
        marks: Marks,
        manifest: &Manifest,
        progress: Progress<'_>,
        cancel: &CancellationToken,
    ) -> io::Result<Verdict> {
        let mut twice: BTreeMap<u32, Twice> = BTreeMap::new();
        let mut orphans: Vec<Orphans> = self.references.iter().map(|_| Orphans::default()).collect();
        let mut current = (u32::MAX, (0, 0));
        let mut key = None;
        for (number, mark) in marks.sorted()?.enumerate() {
            let mark = mark?;
            if number % RUN == 0 {
                progress.merged(number as u64);
                if cancel.is_cancelled() {
                    return Ok(Verdict::default());
                }
            }
            if current != (mark.group, mark.hash) {
                current = (mark.group, mark.hash);
                key = None;
            }
            if mark.role == KEY {
                match key {
                    Some(first) => twice.entry(mark.group).or_default().add(mark.place, first),
                    None => key = Some(mark.place),
                }
            } else if key.is_none() {
                orphans[mark.role as usize - 1].add(mark.place);
            }
        }
        let files: Vec<&FileEntry> = manifest.tables.iter().flat_map(|table| &table.files).collect();
        let shown = |place: u64| {
            let name = files
                .get((place >> ROW_BITS) as usize)
                .map_or("?", |file| file.name.as_str());
            format!("{name} row {}", place & ((1 << ROW_BITS) - 1))
        };
        let mut verdict = Verdict {
            notes: self.notes,
            ..Verdict::default()
        };
        for (number, entry) in manifest.tables.iter().enumerate() {
            let Twice { count, examples } = twice.remove(&(number as u32)).unwrap_or_default();
            let examples: Vec<_> = examples
                .into_iter()
                .map(|(again, first)| (shown(again), shown(first)))
                .collect();
            let name = &entry.name;
            if count != entry.repeated_keys {
                if entry.repeated_keys > 0 {
                    let (found, expected) = (said(count), entry.repeated_keys);
                    verdict.problems.push(Problem::at_large(format!(
                        "table {name}: {found}, the manifest says {expected}"
                    )));
                }
                verdict.more_problems += count - examples.len() as u64;
                let lines = examples.iter().map(|(again, first)| {
                    let file = again.split(' ').next().map(str::to_owned);
                    let message = format!(
                        "{} has the same key as {first}",
                        again.split_once(' ').map_or("", |at| at.1)
                    );
                    Problem { file, message }
                });
                verdict.problems.extend(lines);
            } else if count > 0 {
                let rows: Vec<&str> = examples.iter().map(|(again, _)| again.as_str()).collect();
                verdict.notes.push(format!(
                    "table {name}: {}, as the manifest says, first {}",
                    said(count),
                    rows.join(", ")
                ));
            }
            if count > 0 {
                verdict.repeated.push(RepeatedKeys {
                    table: name.clone(),
                    rows: count,
                    examples,
                });
            }
        }
        for ((table, parent), Orphans { count, examples }) in self.references.into_iter().zip(orphans) {
            if count > 0 {
                let entry: &TableEntry = &manifest.tables[table];
                let parent = &entry.parents[parent];
                let examples: Vec<String> = examples.into_iter().map(shown).collect();
                let (child, column, parent) = (&entry.name, &parent.column, &parent.table);
                let examples = examples.join(", ");
                verdict.notes.push(format!(
                    "table {child}: {count} rows whose {column} is in no row of {parent}, first {examples}"
                ));
            }
        }
        Ok(verdict)
    }
}

/// Keys that are there again: how often, and the first places with the place that had it before.
#[derive(Debug, Default)]
struct Twice {
    count: u64,
    examples: BTreeSet<(u64, u64)>,
}

impl Twice {
    fn add(&mut self, place: u64, first: u64) {
        self.count += 1;
        self.examples.insert((place, first));
        if self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

/// References without a key: how many, and the first places.
#[derive(Debug, Default)]
struct Orphans {
    count: u64,
    examples: BTreeSet<u64>,
}

impl Orphans {
    fn add(&mut self, place: u64) {
        self.count += 1;
        self.examples.insert(place);
        if self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

/// All marks of an archive, in memory while they are few.
#[derive(Debug)]
pub(super) struct Marks {
    folder: PathBuf,
    run: usize,
    buffer: Mutex<Vec<Mark>>,
    spill: Mutex<Spill>,
}

#[derive(Debug, Default)]
struct Spill {
    /// Has no name, so nothing is left of it.
    file: Option<File>,
    /// Where each run starts and ends.
    runs: Vec<(u64, u64)>,
    length: u64,
}

impl Marks {
    /// The temporary file will be in `folder`, or where it is not allowed, in the system's.
    pub(super) fn new(folder: &Path) -> Self {
        Self::with_run(folder, RUN)
    }

    fn with_run(folder: &Path, run: usize) -> Self {
        Self {
            folder: folder.to_path_buf(),
            run,
            buffer: Mutex::default(),
            spill: Mutex::default(),
        }
    }

    /// Takes the marks of a batch and leaves it empty.
    pub(super) fn add(&self, batch: &mut Vec<Mark>) -> io::Result<()> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.append(batch);
        if buffer.len() < self.run {
            return Ok(());
        }
        let mut run = mem::take(&mut *buffer);
        drop(buffer);
        run.sort_unstable();
        self.spill
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(&self.folder, &run)
    }

    fn sorted(self) -> io::Result<Sorted> {
        let mut last = self.buffer.into_inner().unwrap_or_else(PoisonError::into_inner);
        last.sort_unstable();
        let Spill { file, runs, .. } = self.spill.into_inner().unwrap_or_else(PoisonError::into_inner);
        // A run is read in pieces that are worth it, however many there are.
        let buffer = (BUFFERS / (runs.len() + 1)).clamp(4 << 10, 64 << 10) / LENGTH * LENGTH;
        let mut sorted = Sorted {
            file,
            runs: Vec::new(),
            heap: BinaryHeap::new(),
            last: last.into_iter(),
        };
        sorted.runs = runs
            .into_iter()
            .map(|(position, end)| Run {
                position,
                end,
                bytes: Vec::new(),
                used: 0,
                buffer,
            })
            .collect();
        for run in 0..=sorted.runs.len() {
            sorted.refill(run)?;
        }
        Ok(sorted)
    }
}

impl Spill {
    fn write(&mut self, folder: &Path, run: &[Mark]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile())?),
        };
        let start = self.length;
        let mut bytes = Vec::with_capacity(1 << 16);
        for marks in run.chunks((1 << 16) / LENGTH) {
            bytes.clear();
            for mark in marks {
                bytes.extend_from_slice(&mark.group.to_le_bytes());
                bytes.extend_from_slice(&mark.hash.0.to_le_bytes());
                bytes.extend_from_slice(&mark.hash.1.to_le_bytes());
                bytes.extend_from_slice(&mark.role.to_le_bytes());
                bytes.extend_from_slice(&mark.place.to_le_bytes());
            }
            file.write_all(&bytes)?;
            self.length += bytes.len() as u64;
        }
        self.runs.push((start, self.length));
        Ok(())
    }
}

/// A sorted run in the temporary file.
#[derive(Debug)]
struct Run {
    position: u64,
    end: u64,
    bytes: Vec<u8>,
    used: usize,
    buffer: usize,
}

impl Run {
    fn next(&mut self, file: &File) -> io::Result<Option<Mark>> {
        if self.used == self.bytes.len() {
            let length = (self.end - self.position).min(self.buffer as u64);
            self.bytes.resize(length as usize, 0);
            file.read_exact_at(&mut self.bytes, self.position)?;
            self.position += length;
            self.used = 0;
        }
        let Some(bytes) = self.bytes[self.used..].first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        self.used += LENGTH;
        Ok(Some(Mark {
            group: u32::from_le_bytes(part(bytes, 0)),
            hash: (u64::from_le_bytes(part(bytes, 4)), u64::from_le_bytes(part(bytes, 12))),
            role: u32::from_le_bytes(part(bytes, 20)),
            place: u64::from_le_bytes(part(bytes, 24)),
        }))
    }
}

fn part<const N: usize>(bytes: &[u8; LENGTH], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

/// All marks in order.
#[derive(Debug)]
struct Sorted {
    file: Option<File>,
    runs: Vec<Run>,
    last: vec::IntoIter<Mark>,
    /// The next mark of each run, and the run's number; one more than there are is the run in memory.
    heap: BinaryHeap<Reverse<(Mark, usize)>>,
}

impl Sorted {
    fn refill(&mut self, run: usize) -> io::Result<()> {
        let next = match (self.runs.get_mut(run), &self.file) {
            (Some(run), Some(file)) => run.next(file)?,
            _ => self.last.next(),
        };
        self.heap.extend(next.map(|mark| Reverse((mark, run))));
        Ok(())
    }
}

impl Iterator for Sorted {
    type Item = io::Result<Mark>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((mark, run)) = self.heap.pop()?;
        Some(self.refill(run).map(|()| mark))
    }
}

#[cfg(test)]
mod tests {
    use super::{KEY, Mark, Marks, hash, place};

    #[test]
    fn marks_come_sorted_from_memory_and_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        for (run, count) in [(1000, 10), (7, 1000), (64, 64), (1, 5), (8, 0)] {
            let marks = Marks::with_run(folder.path(), run);
            let mut expected = Vec::new();
            let mut batch = Vec::new();
            for number in 0..count {
                let mark = Mark {
                    group: number % 3,
                    hash: hash(&(number / 2_u32).to_le_bytes()),
                    role: KEY + number % 2,
                    place: place(number as usize % 5, u64::from(number)),
                };
                batch.push(mark);
                expected.push(mark);
                if batch.len() == 3 {
                    marks.add(&mut batch).unwrap();
                }
            }
            marks.add(&mut batch).unwrap();
            expected.sort_unstable();
            let sorted: Vec<Mark> = marks.sorted().unwrap().map(Result::unwrap).collect();
            assert_eq!(sorted, expected, "runs of {run}");
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
