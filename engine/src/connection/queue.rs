//! The requests of one exporter.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use plugin_api::{ErrorKind, ExportError, Request};

use super::answer::Answer;
use super::call::Call;
use super::dispatch::{Dispatch, Job, Owner};
use super::{Connection, QueueStats};

/// The requests of one exporter: submitted without waiting, taken in whatever order they finish. Dropping it
/// breaks off what is in flight and drops what is queued.
pub struct Queue {
    connection: Connection,
    owner: Arc<Owner>,
    window: u64,
    submitted: u64,
    taken: u64,
}

/// What [`Queue::next`] gives.
#[derive(Debug)]
pub enum Next {
    /// A request has finished.
    Done {
        /// What [`Queue::submit`] gave for it.
        ticket: u64,
        /// The desk's answer, whatever its status, or why there is none.
        result: Result<Answer, ExportError>,
    },
    /// Every submitted request has been taken.
    Nothing,
    /// The backup was cancelled.
    Cancelled,
}

/// The counters of a queue, for a progress bar on another thread.
#[derive(Clone)]
pub struct Meter {
    dispatch: Arc<Dispatch>,
    owner: Arc<Owner>,
}

impl Queue {
    pub(super) fn new(connection: Connection, owner: Arc<Owner>, window: usize) -> Self {
        Self {
            connection,
            owner,
            window: window.max(1) as u64,
            submitted: 0,
            taken: 0,
        }
    }

    /// Queues a request; gives its ticket, from 1 upwards. Never waits.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] for a request that may not be made (its path leads outside the base URL, a header
    /// belongs to the connection, ...) or if `window` requests have not been taken yet;
    /// [`ErrorKind::Cancelled`] once cancelled. Nothing is queued then.
    pub fn submit(&mut self, request: Request) -> Result<u64, ExportError> {
        if self.owner.cancel.is_cancelled() {
            return Err(ExportError::new(ErrorKind::Cancelled, "the backup was cancelled"));
        }
        if self.submitted - self.taken >= self.window {
            let message = format!(
                "{} requests have not been taken yet: take some before the next",
                self.window
            );
            return Err(ExportError::new(ErrorKind::Misuse, message));
        }
        let inner = &self.connection.0;
        let first = request.first;
        let call = Call::new(request, &inner.base, &*inner.access)?;
        let ticket = self.submitted + 1;
        let job = Job {
            ticket,
            attempt: 1,
            renewals: 0,
            call: Arc::new(call),
            owner: Arc::clone(&self.owner),
        };
        inner.dispatch.submit(job, first)?;
        self.submitted = ticket;
        Ok(ticket)
    }

    /// Waits until any submitted request has finished, or the backup is cancelled.
    #[expect(
        clippy::should_implement_trait,
        reason = "it does not end: more can be submitted after `Nothing`"
    )]
    pub fn next(&mut self) -> Next {
        if self.owner.cancel.is_cancelled() {
            return Next::Cancelled;
        }
        if self.submitted == self.taken {
            return Next::Nothing;
        }
        let Some(done) = self.owner.wait() else {
            return Next::Cancelled;
        };
        self.taken += 1;
        // The bytes are the exporter's now; only then is there room for others.
        drop(done.held);
        self.connection.0.dispatch.taken(&self.owner);
        Next::Done {
            ticket: done.ticket,
            result: done.result,
        }
    }

    /// Whether [`next`](Self::next) would return at once.
    #[cfg(test)]
    pub(super) fn is_ready(&self) -> bool {
        self.submitted == self.taken || self.owner.is_ready()
    }

    /// The text without the connection's secrets, which a desk may have echoed.
    pub fn scrub(&self, text: &str) -> String {
        self.connection.0.access.scrub(text)
    }

    /// What this queue has done so far.
    pub fn stats(&self) -> QueueStats {
        self.meter().stats()
    }

    /// The same counters, for another thread.
    pub fn meter(&self) -> Meter {
        Meter {
            dispatch: Arc::clone(&self.connection.0.dispatch),
            owner: Arc::clone(&self.owner),
        }
    }
}

impl Meter {
    /// What the queue has done so far.
    pub fn stats(&self) -> QueueStats {
        let counts = &self.owner.counts;
        QueueStats {
            in_flight: self.dispatch.in_flight(self.owner.lane).2,
            tries: counts.tries.load(Ordering::Relaxed),
            retries: counts.retries.load(Ordering::Relaxed),
            throttled: counts.throttled.load(Ordering::Relaxed),
            received_bytes: counts.bytes.load(Ordering::Relaxed),
            credits: counts.credits.load(Ordering::Relaxed),
        }
    }

    /// What a person is told while the desk does not answer and requests wait until it does.
    pub fn trouble(&self) -> Option<String> {
        self.dispatch.outage().map(|outage| outage.note)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.connection.0.dispatch.close(&self.owner);
    }
}
