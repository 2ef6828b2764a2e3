//! Keeping checkpoints: while rows go on, one thread brings what a checkpoint tells of to the disk, and gives it to the keeper.
//!
//! A module has at most one checkpoint under way: whoever wants to begin the next waits for it. So no more is ever lost than
//! lies between the beginnings of two.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use plugin_api::{ErrorKind, ExportError};
use tokio_util::sync::CancellationToken;

use super::checkpoint::{Checkpoint, Keeper};
use super::error::on_disk;
use super::often::{Hurry, Often};
use crate::archive::{self, Snapshot, TableMark};

/// A keeper may fail so often in a row; the backup goes on meanwhile, and the next checkpoint makes up for it.
const FAILURES: u32 = 3;
/// How often whoever waits for a checkpoint looks whether the backup was cancelled.
const LOOK: Duration = Duration::from_millis(100);

/// What the modules of a backup have in common.
#[derive(Clone)]
pub(super) struct Keeping {
    pub(super) often: Often,
    pub(super) hurry: Hurry,
    work: Sender<Taken>,
    failed: Arc<Mutex<Option<String>>>,
    /// Cancelled when something can't be kept: what would come is for nothing.
    stop: CancellationToken,
    /// Which desk is read.
    source: Option<Arc<str>>,
}

/// A checkpoint whose tables are not on the disk yet.
struct Taken {
    checkpoint: Checkpoint,
    snapshots: Vec<Snapshot>,
    memory: Option<PathBuf>,
    slot: Arc<Slot>,
}

/// A module's place.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    kept: Condvar,
}

#[derive(Default)]
struct State {
    is_under_way: bool,
    /// The tables at the last checkpoint that was kept.
    marks: Vec<TableMark>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeping {
    pub(super) fn new(
        folder: PathBuf,
        often: Often,
        hurry: Hurry,
        stop: CancellationToken,
        source: Option<String>,
    ) -> (Self, impl FnOnce(&dyn Keeper) + Send) {
        let (work, taken) = std::sync::mpsc::channel();
        let keeping = Self {
            often,
            hurry,
            work,
            failed: Arc::default(),
            stop: stop.clone(),
            source: source.map(Arc::from),
        };
        let failed = Arc::clone(&keeping.failed);
        let keep = move |keeper: &dyn Keeper| keep_all(&folder, keeper, &taken, &failed, &stop);
        (keeping, keep)
    }

    /// Why something could not be kept.
    pub(super) fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For one module, whose last checkpoint had this number and these tables.
    pub(super) fn module(&self, number: u64, marks: Vec<TableMark>, rows: u64) -> Kept {
        Kept {
            hurried: self.hurry.asked(),
            keeping: self.clone(),
            slot: Arc::new(Slot {
                state: Mutex::new(State {
                    is_under_way: false,
                    marks,
                }),
                kept: Condvar::new(),
            }),
            number,
            rows,
            at: Instant::now(),
        }
    }
}

/// The checkpoints of one module.
pub(super) struct Kept {
    keeping: Keeping,
    slot: Arc<Slot>,
    /// Of the last one that was begun.
    number: u64,
    /// Rows and time at its beginning.
    rows: u64,
    at: Instant,
    hurried: u64,
}

impl Kept {
    /// Whether one is to begin when there are so many rows.
    pub(super) fn is_due(&self, rows: u64) -> bool {
        let Keeping { often, hurry, .. } = &self.keeping;
        rows.saturating_sub(self.rows) >= (often.rows / 2).max(1)
            || self.at.elapsed() >= often.every / 2
            || hurry.asked() != self.hurried
    }

    /// Waits until none is under way. The error says that the backup was stopped, unless it `must_end`, or why something can't be
    /// kept.
    pub(super) fn wait(&self, must_end: bool) -> Result<(), ExportError> {
        let mut state = self.slot.lock();
        while state.is_under_way {
            let (waited, _) = self
                .slot
                .kept
                .wait_timeout(state, LOOK)
                .unwrap_or_else(PoisonError::into_inner);
            state = waited;
            if state.is_under_way && !must_end && self.keeping.stop.is_cancelled() {
                return Err(ExportError::new(ErrorKind::Cancelled, "the backup was cancelled"));
            }
        }
        drop(state);
        match self.keeping.failed() {
            Some(why) => Err(ExportError::new(ErrorKind::Host, why)),
            None => Ok(()),
        }
    }

    /// Begins one. [`wait`](Self::wait) must have said that none is under way before the snapshots were taken.
    pub(super) fn begin(&mut self, mut checkpoint: Checkpoint, snapshots: Vec<Snapshot>, memory: Option<PathBuf>) {
        self.number += 1;
        checkpoint.number = self.number;
        checkpoint.source = self.keeping.source.as_deref().map(str::to_owned);
        self.hurried = self.keeping.hurry.asked();
        self.at = Instant::now();
        self.slot.lock().is_under_way = true;
        let taken = Taken {
            checkpoint,
            snapshots,
            memory,
            slot: Arc::clone(&self.slot),
        };
        if let Err(lost) = self.keeping.work.send(taken) {
            // The thread has ended: so has the backup.
            lost.0.slot.lock().is_under_way = false;
        }
    }

    /// Notes how many rows the one that begins has.
    pub(super) fn at_rows(&mut self, rows: u64) {
        self.rows = rows;
    }
}

fn keep_all(
    folder: &Path,
    keeper: &dyn Keeper,
    work: &Receiver<Taken>,
    failed: &Mutex<Option<String>>,
    stop: &CancellationToken,
) {
    let has_failed = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let mut failures = 0;
    for taken in work {
        let slot = Arc::clone(&taken.slot);
        if has_failed().is_none()
            && let Err(why) = keep_one(folder, keeper, taken, &mut failures)
        {
            has_failed().get_or_insert(why);
            stop.cancel();
        }
        slot.lock().is_under_way = false;
        slot.kept.notify_all();
    }
}

/// Keeps one checkpoint. What the disk refuses is an error at once; a keeper may fail a few times in a row.
fn keep_one(folder: &Path, keeper: &dyn Keeper, taken: Taken, failures: &mut u32) -> Result<(), String> {
    let Taken {
        mut checkpoint,
        snapshots,
        memory,
        slot,
    } = taken;
    let before = slot.lock().marks.clone();
    let settled = archive::settle(folder, &snapshots, checkpoint.number, &before, memory.as_deref());
    checkpoint.tables = settled.map_err(|error| on_disk(&error))?;
    drop(snapshots);
    match keeper.keep(&checkpoint) {
        Ok(()) => {
            *failures = 0;
            archive::forget_tails(folder, &before, &checkpoint.tables);
            slot.lock().marks = checkpoint.tables;
            Ok(())
        }
        // It may have been kept all the same: the files of both stay.
        Err(why) => {
            *failures += 1;
            let why = format!("a checkpoint of module {} cannot be kept: {why}", checkpoint.module);
            tracing::warn!(failures, "{why}");
            if *failures < FAILURES { Ok(()) } else { Err(why) }
        }
    }
}
