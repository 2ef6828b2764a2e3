//! One try of a request, as a task.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use plugin_api::ExportError;

use super::super::answer::Held;
use super::super::fetch::Tried;
use super::super::retry::{Class, Decision};
use super::super::throttle::Epoch;
use super::{Dispatch, Done, Job, lock};

/// A request in its task. Dropped before its end (a panic, the runtime gone) it still frees its slot and still
/// gives its exporter an outcome.
pub(super) struct Running {
    dispatch: Arc<Dispatch>,
    job: Option<Job>,
    lane: u64,
    slot: Option<Epoch>,
    /// The try was begun.
    sent: bool,
}

/// What a try says of the number of requests in flight.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Refused,
    Nothing,
}

impl Verdict {
    fn of(tried: &Tried) -> Self {
        match (&tried.result, tried.outcome.class) {
            (_, Class::Throttled) => Self::Refused,
            (Ok(_), Class::Final) => Self::Accepted,
            _ => Self::Nothing,
        }
    }
}

impl Running {
    pub(super) fn new(dispatch: Arc<Dispatch>, job: Job, epoch: Epoch) -> Self {
        Self {
            dispatch,
            lane: job.owner.lane,
            job: Some(job),
            slot: Some(epoch),
            sent: false,
        }
    }

    /// Makes the try. Where another is worth it, waits for its time without a slot and queues the request again.
    pub(super) async fn run(mut self) {
        let Some(job) = self.job.as_mut() else { return };
        let dispatch = Arc::clone(&self.dispatch);
        let owner = Arc::clone(&job.owner);
        if owner.cancel.is_cancelled() {
            return;
        }
        self.sent = true;
        add([&dispatch.totals.tries, &owner.counts.tries], 1);
        let mut held = Held::new(&dispatch.waiting);
        let tried = tokio::select! {
            biased;
            () = owner.cancel.cancelled() => return,
            tried = dispatch.fetch.fetch(&job.call, &mut held) => tried,
        };
        add([&dispatch.totals.bytes, &owner.counts.bytes], held.bytes());
        let verdict = Verdict::of(&tried);
        if verdict == Verdict::Refused {
            add([&dispatch.totals.throttled, &owner.counts.throttled], 1);
        }
        let waits = dispatch.heard(&tried, (owner.lane, job.ticket), &job.call);
        let decision = if waits {
            Decision::Again(dispatch.policy.first.mul_f64((dispatch.jitter)()))
        } else {
            dispatch
                .policy
                .decide(job.attempt, job.renewals, tried.outcome, (dispatch.jitter)())
        };
        let wait = match decision {
            Decision::Finish => {
                let (ticket, made) = (job.ticket, job.attempt + job.renewals);
                let result = tried.result.map_err(|error| counted(error, made));
                self.free(verdict, true);
                self.job = None;
                owner.deliver(Done { ticket, result, held });
                dispatch.pump();
                return;
            }
            Decision::Again(wait) => wait,
        };
        let reason = tried.why();
        tracing::debug!(
            request = job.call.name,
            attempt = job.attempt,
            ?wait,
            reason,
            "will be tried again"
        );
        add([&dispatch.totals.retries, &owner.counts.retries], 1);
        match tried.outcome.class {
            Class::Outdated => job.renewals += 1,
            // It waits for other credits, and is then as it was.
            Class::Spent => {}
            // That the desk was away is not its fault.
            _ if waits => {}
            _ => job.attempt += 1,
        }
        if let (Verdict::Refused, Some(asked)) = (verdict, tried.outcome.retry_after) {
            dispatch.hold(asked);
        }
        drop((tried, held));
        self.free(verdict, false);
        dispatch.pump();
        tokio::select! {
            biased;
            () = owner.cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        match self.job.take() {
            Some(job) => dispatch.again(job),
            None => dispatch.pump(),
        }
    }

    /// Its try is over, and what it has cost is counted.
    fn release(&self, job: &Job) {
        self.dispatch
            .fetch
            .release(job.call.permit.load(Ordering::Relaxed), self.sent);
        let charged = job.call.charged.swap(0, Ordering::Relaxed);
        add([&self.dispatch.totals.credits, &job.owner.counts.credits], charged);
    }

    /// Gives the slot back, once. An outcome must be counted before it is delivered, since it may be taken at once.
    fn free(&mut self, verdict: Verdict, finished: bool) {
        let Some(epoch) = self.slot.take() else {
            return;
        };
        if let Some(job) = &self.job {
            self.release(job);
        }
        let mut state = lock(&self.dispatch.state);
        match verdict {
            Verdict::Accepted => state.lanes.throttle().accepted(),
            Verdict::Refused => state.lanes.throttle().refused(epoch),
            Verdict::Nothing => {}
        }
        state.lanes.end(self.lane, finished);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(job) = self.job.take() else { return };
        let cancelled = job.owner.cancel.is_cancelled();
        if self.slot.is_some() {
            self.release(&job);
        }
        self.free(Verdict::Nothing, !cancelled);
        if !cancelled {
            self.dispatch.give_up(&job);
            if !std::thread::panicking() {
                self.dispatch.shut_down();
            }
        }
        self.dispatch.pump();
    }
}

fn add(counters: [&AtomicU64; 2], number: u64) {
    for counter in counters {
        counter.fetch_add(number, Ordering::Relaxed);
    }
}

/// Says how often it was tried.
fn counted(mut error: ExportError, tries: u32) -> ExportError {
    if tries > 1 {
        error.message = format!("{} (tried {tries} times)", error.message);
    }
    error
}
