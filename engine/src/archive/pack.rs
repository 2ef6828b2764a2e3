//! The packers: threads that deflate the blocks of all tables of a backup.
//!
//! A part is cut into blocks that are packed side by side: each with the 32 KiB before it as its dictionary,
//! each but the last ended by a sync flush, so that they make one deflate stream when they are put together in
//! order. Where a block ends depends on nothing but the part's bytes; neither the number of packers nor who is
//! quicker can be seen in the result.
//!
//! Memory is bounded by the number of blocks: they are made once and go round. Whoever wants one waits until
//! one comes back, and that is how slow packers hold back quick exporters.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::{io, mem, thread};

use flate2::{Compress, Compression, FlushCompress, Status};

use super::part::PartFile;

/// Bytes of CSV in a block. Smaller ones pack worse, larger ones hold more memory.
pub(super) const BLOCK: usize = 256 << 10;
/// How far back deflate can refer.
pub(super) const WINDOW: usize = 32 << 10;
/// The fastest level whose ratio stays within 5 % of `zip -6`; `benches/archive.rs` measures both.
const LEVEL: u32 = 4;
/// More packers than this gain nothing over the disk, but hold memory.
const MAX_PACKERS: usize = 16;

/// A piece of a part: before packing, and after.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The window before it, then its own bytes.
    pub(super) plain: Vec<u8>,
    /// Length of the window in `plain`.
    pub(super) window: usize,
    /// Whether it is its part's last.
    pub(super) last: bool,
    /// Its bytes, packed.
    pub(super) packed: Vec<u8>,
}

struct Job {
    block: Block,
    number: u64,
    part: Arc<PartFile>,
}

/// The threads. Dropping it ends them; what is not packed by then is not packed any more.
#[derive(Debug)]
pub(super) struct Packers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    submitted: Condvar,
    returned: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    idle: Vec<Block>,
    closed: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    /// Nothing that panics is done while the lock is held, so its content is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, mut block: Block) {
        block.plain.clear();
        block.packed.clear();
        self.lock().idle.push(block);
        self.returned.notify_one();
    }
}

impl Packers {
    /// Starts `count` threads; 0: one for each processor.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let count = match count {
            0 => thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let count = count.min(MAX_PACKERS);
        let state = State {
            jobs: VecDeque::new(),
            // One in work and one ready for each packer, and two being filled.
            idle: (0..2 * count + 2).map(|_| Block::default()).collect(),
            closed: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            submitted: Condvar::new(),
            returned: Condvar::new(),
        });
        let mut packers = Self {
            shared,
            threads: Vec::new(),
        };
        for number in 1..=count {
            let shared = Arc::clone(&packers.shared);
            let thread = thread::Builder::new().name(format!("packer-{number}"));
            packers.threads.push(thread.spawn(move || work(&shared))?);
        }
        Ok(packers)
    }

    /// An empty block; waits until there is one.
    pub(super) fn block(&self) -> Block {
        let mut state = self.shared.lock();
        loop {
            if let Some(block) = state.idle.pop() {
                return block;
            }
            state = self.shared.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Has a block packed and put into its part. Every block number from 0 to the last must come once.
    pub(super) fn submit(&self, block: Block, number: u64, part: &Arc<PartFile>) {
        let part = Arc::clone(part);
        self.shared.lock().jobs.push_back(Job { block, number, part });
        self.shared.submitted.notify_one();
    }
}

impl Drop for Packers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.submitted.notify_all();
        for thread in mem::take(&mut self.threads) {
            // A packer catches what panics in it.
            drop(thread.join());
        }
    }
}

fn work(shared: &Shared) {
    loop {
        let mut state = shared.lock();
        let Job {
            mut block,
            number,
            part,
        } = loop {
            if state.closed {
                return;
            }
            if let Some(job) = state.jobs.pop_front() {
                break job;
            }
            state = shared.submitted.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        // The block must come back and the part must end whatever happens, or an exporter waits forever.
        let packed = catch_unwind(AssertUnwindSafe(|| pack(&mut block)))
            .unwrap_or_else(|_| Err(io::Error::other("the packer panicked")));
        part.put(number, block, packed, |block| shared.give_back(block));
    }
}

/// Deflates one block.
fn pack(block: &mut Block) -> io::Result<()> {
    let (window, plain) = block.plain.split_at(block.window);
    // A new one for each block: one that was used and reset packs a block in fifty a byte longer or shorter,
    // and who packed what before would be seen in the archive.
    let mut deflate = Compress::new(Compression::new(LEVEL), false);
    if !window.is_empty() {
        deflate.set_dictionary(window)?;
    }
    let flush = if block.last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    block.packed.clear();
    loop {
        // Room for more than deflate ever makes of it, so that one call does all of it and the sync flush is
        // written once.
        let read = deflate.total_in() as usize;
        block.packed.reserve(plain.len() / 8 + plain.len() + 4096);
        let status = deflate.compress_vec(&plain[read..], &mut block.packed, flush)?;
        let room = block.packed.capacity() > block.packed.len();
        if status == Status::StreamEnd || (room && !block.last && deflate.total_in() as usize == plain.len()) {
            return Ok(());
        }
        if room {
            return Err(io::Error::other("deflate stopped before the end of its input"));
        }
    }
}
