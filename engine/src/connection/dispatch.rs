//! Starts requests as slots come free, tries them again, and hands what came of them to their queue.
//!
//! There is no task of its own that could fall behind or die: whoever changes something (a request submitted, a try
//! ended, an answer taken) calls [`Dispatch::pump`], which starts what may be started, each try as a task.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plugin_api::{ErrorKind, ExportError};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Admission;
use super::answer::{Answer, Held};
use super::call::Call;
use super::circuit::{Circuit, Held as Hold, Place};
use super::fetch::{Fetch, Sign, Tried};
use super::lanes::Lanes;
use super::retry::Policy;
use super::throttle::Epoch;
use looking::Looking;
use running::Running;

mod looking;
mod running;

/// How often it is looked whether what waits to be admitted may be started.
const LOOK: Duration = Duration::from_millis(200);

/// What the exporters of a desk share.
pub(super) struct Dispatch {
    state: Mutex<State>,
    /// Bytes of bodies that are arriving or wait to be taken.
    pub(super) waiting: Arc<AtomicU64>,
    pub(super) totals: Counts,
    max_waiting: u64,
    fetch: Box<dyn Fetch>,
    policy: Policy,
    jitter: Box<dyn Fn() -> f64 + Send + Sync>,
    runtime: Handle,
}

struct State {
    lanes: Lanes<Job>,
    /// The desk asked for no requests until then.
    hold_until: Option<Instant>,
    /// A request waits to be admitted, and it will be looked after.
    looks: bool,
    /// Whether the desk answers at all.
    circuit: Circuit,
    /// What the desk is looked at by while it does not answer.
    cheapest: Option<Cheapest>,
    /// The runtime is gone: nothing will be started any more.
    closed: bool,
}

/// A request that was answered, and by how little: not by a success, for how many credits, with how many bytes.
struct Cheapest {
    price: (bool, u64, usize),
    call: Arc<Call>,
}

/// Counters, of a desk or of one queue.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) tries: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) throttled: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) credits: AtomicU64,
}

/// What the requests of one queue have in common.
pub(super) struct Owner {
    pub(super) lane: u64,
    pub(super) cancel: CancellationToken,
    pub(super) counts: Counts,
    inbox: Mutex<VecDeque<Done>>,
    arrived: Condvar,
}

/// The outcome of a request, on its way to the exporter. `held` keeps its bytes on the account.
pub(super) struct Done {
    pub(super) ticket: u64,
    pub(super) result: Result<Answer, ExportError>,
    pub(super) held: Held,
}

/// A request that waits for its (next) try.
pub(super) struct Job {
    pub(super) ticket: u64,
    /// The number of its next try, from 1.
    pub(super) attempt: u32,
    /// Tries that came to nothing because the token had ended; they are not among the attempts.
    pub(super) renewals: u32,
    pub(super) call: Arc<Call>,
    pub(super) owner: Arc<Owner>,
}

impl Owner {
    pub(super) fn new(lane: u64, cancel: CancellationToken) -> Self {
        Self {
            lane,
            cancel,
            counts: Counts::default(),
            inbox: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Waits for an outcome; `None` once cancelled.
    pub(super) fn wait(&self) -> Option<Done> {
        let mut inbox = lock(&self.inbox);
        loop {
            if self.cancel.is_cancelled() {
                return None;
            }
            if let Some(done) = inbox.pop_front() {
                return Some(done);
            }
            inbox = self.arrived.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether [`wait`](Self::wait) would return at once.
    #[cfg(test)]
    pub(super) fn is_ready(&self) -> bool {
        self.cancel.is_cancelled() || !lock(&self.inbox).is_empty()
    }

    /// Makes [`wait`](Self::wait) look at the cancellation again.
    fn wake(&self) {
        // Between its look at the token and its sleep the waiting thread holds this lock: no wake-up is lost.
        drop(lock(&self.inbox));
        self.arrived.notify_all();
    }

    fn deliver(&self, done: Done) {
        lock(&self.inbox).push_back(done);
        self.arrived.notify_all();
    }
}

impl Dispatch {
    pub(super) fn new(
        limits: &super::Limits,
        policy: Policy,
        jitter: Box<dyn Fn() -> f64 + Send + Sync>,
        fetch: Box<dyn Fetch>,
        runtime: Handle,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                lanes: Lanes::new(limits.in_flight),
                hold_until: None,
                looks: false,
                circuit: Circuit::new(policy.first, limits.patience),
                cheapest: None,
                closed: false,
            }),
            waiting: Arc::default(),
            totals: Counts::default(),
            max_waiting: limits.max_waiting_bytes,
            fetch,
            policy,
            jitter,
            runtime,
        }
    }

    /// A lane for a further queue; it ends when `cancel` is cancelled.
    pub(super) fn open(self: &Arc<Self>, cancel: CancellationToken) -> Arc<Owner> {
        let owner = Arc::new(Owner::new(lock(&self.state).lanes.open(), cancel));
        let (dispatch, watched) = (Arc::clone(self), Arc::clone(&owner));
        self.runtime.spawn(async move {
            watched.cancel.cancelled().await;
            let dropped = lock(&dispatch.state).lanes.drain(Some(watched.lane));
            drop(dropped);
            watched.wake();
        });
        owner
    }

    /// Ends a queue: what is queued is dropped, what is in flight is broken off.
    pub(super) fn close(self: &Arc<Self>, owner: &Owner) {
        owner.cancel.cancel();
        let mut state = lock(&self.state);
        let dropped = state.lanes.drain(Some(owner.lane));
        state.lanes.close(owner.lane);
        drop(state);
        drop(dropped);
        let untaken = std::mem::take(&mut *lock(&owner.inbox));
        drop(untaken);
        self.pump();
    }

    /// Queues a request behind the others of its queue, or before them.
    pub(super) fn submit(self: &Arc<Self>, job: Job, first: bool) -> Result<(), ExportError> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(shutting_down(&job));
        }
        if let Some(why) = given_up(&state) {
            drop(state);
            self.deliver_lost(&job, &why);
            return Ok(());
        }
        let lane = job.owner.lane;
        if first {
            state.lanes.push_first(lane, job);
        } else {
            state.lanes.push(lane, job);
        }
        drop(state);
        self.pump();
        Ok(())
    }

    /// Queues a request again that was tried already, before the others of its queue.
    fn again(self: &Arc<Self>, job: Job) {
        let mut state = lock(&self.state);
        if let Some(why) = given_up(&state) {
            drop(state);
            self.deliver_lost(&job, &why);
            return;
        }
        state.lanes.push_first(job.owner.lane, job);
        drop(state);
        self.pump();
    }

    /// What a try tells of the desk. Gives whether its request waits until the desk answers again, and the try does not count.
    fn heard(self: &Arc<Self>, tried: &Tried, place: Place, call: &Arc<Call>) -> bool {
        let now = Instant::now();
        match tried.sign() {
            Sign::None => false,
            Sign::Life => {
                let mut state = lock(&self.state);
                let price = match &tried.result {
                    Ok(answer) => {
                        let charged = call.charged.load(Ordering::Relaxed);
                        (!(200..300).contains(&answer.status), charged, answer.body.len())
                    }
                    Err(_) => (true, u64::MAX, usize::MAX),
                };
                // Of equals the later one: it is there for certain.
                if state.cheapest.as_ref().is_none_or(|cheapest| price <= cheapest.price) {
                    let call = Arc::clone(call);
                    state.cheapest = Some(Cheapest { price, call });
                }
                if state.circuit.answered() {
                    tracing::info!("the desk answers again");
                }
                false
            }
            Sign::Trouble => {
                let why = tried.why();
                let held = lock(&self.state).circuit.failed(place, &why, now);
                if let Hold::From(next) = held {
                    tracing::warn!("the desk does not answer: requests wait until it does ({why})");
                    let looking = Looking::new(Arc::clone(self));
                    self.runtime.spawn(looking.run(next));
                }
                held != Hold::No
            }
        }
    }

    /// How it stands with a desk that does not answer, in words; none where it does.
    pub(super) fn outage(&self) -> Option<Outage> {
        let state = lock(&self.state);
        if let Some(why) = given_up(&state) {
            return Some(Outage {
                given_up: true,
                note: why,
            });
        }
        let open = state.circuit.open()?;
        let now = Instant::now();
        let at = |time: chrono::DateTime<chrono::Utc>| time.format("%H:%M:%S UTC").to_string();
        let ago = chrono::TimeDelta::from_std(now - open.since).unwrap_or_default();
        let ahead = chrono::TimeDelta::from_std(open.next.saturating_duration_since(now)).unwrap_or_default();
        let wall = chrono::Utc::now();
        Some(Outage {
            given_up: false,
            note: format!(
                "the desk does not answer since {}; tried again at {}",
                at(wall - ago),
                at(wall + ahead)
            ),
        })
    }

    /// The exporter took an outcome.
    pub(super) fn taken(self: &Arc<Self>, owner: &Owner) {
        lock(&self.state).lanes.taken(owner.lane);
        self.pump();
    }

    /// Requests in flight, how many are allowed now, and how many of them are of this lane.
    pub(super) fn in_flight(&self, lane: u64) -> (usize, usize, usize) {
        let state = lock(&self.state);
        let (now, allowed) = state.lanes.in_flight();
        (now, allowed, state.lanes.running(lane))
    }

    /// What the desk allows is known now.
    pub(super) fn set_limit(self: &Arc<Self>, limit: usize) {
        lock(&self.state).lanes.throttle().set_limit(limit);
        self.pump();
    }

    /// Requests that may be in flight as long as the desk does not complain.
    pub(super) fn limit(&self) -> usize {
        lock(&self.state).lanes.throttle().limit()
    }

    /// Starts what may be started.
    fn pump(self: &Arc<Self>) {
        while let Some((job, epoch)) = self.next_job() {
            let running = Running::new(Arc::clone(self), job, epoch);
            // Not under the lock: a runtime that is shutting down drops the task, and its guard, at once.
            self.runtime.spawn(running.run());
        }
    }

    /// Looks again in a while whether what waits to be admitted may be started: nobody tells when credits return.
    fn look_again(self: &Arc<Self>) {
        let dispatch = Arc::downgrade(self);
        self.runtime.spawn(async move {
            tokio::time::sleep(LOOK).await;
            if let Some(dispatch) = dispatch.upgrade() {
                lock(&dispatch.state).looks = false;
                dispatch.pump();
            }
        });
    }

    fn next_job(self: &Arc<Self>) -> Option<(Job, Epoch)> {
        let mut state = lock(&self.state);
        if state.circuit.open().is_some() {
            return None;
        }
        if let Some(until) = state.hold_until {
            if Instant::now() < until {
                return None;
            }
            state.hold_until = None;
        }
        let room = self.waiting.load(Ordering::Relaxed) <= self.max_waiting;
        let mut waits = false;
        let admit = |job: &Job| match self.fetch.admit(&job.call) {
            Admission::Now(permit) => {
                job.call.permit.store(permit, Ordering::Relaxed);
                true
            }
            Admission::Later => {
                waits = true;
                false
            }
        };
        let started = state.lanes.start(room, admit);
        if waits && !std::mem::replace(&mut state.looks, true) {
            drop(state);
            self.look_again();
        }
        started
    }

    /// No request is started before `wait` is over: each would only be refused, and cost one of its tries.
    fn hold(self: &Arc<Self>, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = lock(&self.state);
        if state.hold_until.is_some_and(|set| set >= until) {
            return;
        }
        state.hold_until = Some(until);
        drop(state);
        let dispatch = Arc::clone(self);
        self.runtime.spawn(async move {
            tokio::time::sleep_until(until).await;
            dispatch.pump();
        });
    }

    /// The runtime is gone. Whoever waits gets an error; otherwise it would wait for ever.
    fn shut_down(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let left = state.lanes.drain(None);
        drop(state);
        for job in &left {
            self.give_up(job);
        }
    }

    /// The desk was given up: whoever waits for it is told.
    fn lose_all(&self) {
        let mut state = lock(&self.state);
        let Some(why) = given_up(&state) else { return };
        let left = state.lanes.drain(None);
        drop(state);
        tracing::warn!("{why}");
        for job in &left {
            self.deliver_lost(job, &why);
        }
    }

    fn deliver_lost(&self, job: &Job, why: &str) {
        let error = ExportError::new(ErrorKind::Network, format!("{}: {why}", job.call.name));
        job.owner.deliver(Done {
            ticket: job.ticket,
            result: Err(error),
            held: Held::new(&self.waiting),
        });
    }

    fn give_up(&self, job: &Job) {
        let done = Done {
            ticket: job.ticket,
            result: Err(shutting_down(job)),
            held: Held::new(&self.waiting),
        };
        job.owner.deliver(done);
    }
}

/// A desk that does not answer.
pub(super) struct Outage {
    /// Whether it is waited for no longer: every request fails.
    pub(super) given_up: bool,
    /// What a person is told.
    pub(super) note: String,
}

/// What is said of a desk that is waited for no longer, where it is.
fn given_up(state: &State) -> Option<String> {
    let why = state.circuit.given_up()?;
    let seconds = state.circuit.patience().as_secs_f64();
    Some(format!(
        "given up, since the desk answered nothing for {seconds:.0} s (`patience`); at last: {why}"
    ))
}

fn shutting_down(job: &Job) -> ExportError {
    let message = format!(
        "{}: given up, since the engine is shutting down or has failed",
        job.call.name
    );
    ExportError::new(ErrorKind::Host, message)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic is done under these locks, so what they guard is whole even after a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
