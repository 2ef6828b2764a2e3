//! Looks at a desk that does not answer, until it does or is given up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::super::Admission;
use super::super::answer::Held;
use super::super::call::Call;
use super::super::fetch::Sign;
use super::{Dispatch, LOOK, lock};

/// The task that looks. Dropped before its end (a panic, the runtime gone) it leaves nobody waiting.
pub(super) struct Looking {
    dispatch: Arc<Dispatch>,
    ended: bool,
}

impl Looking {
    pub(super) fn new(dispatch: Arc<Dispatch>) -> Self {
        Self { dispatch, ended: false }
    }

    /// Looks at `next` for the first time.
    pub(super) async fn run(mut self, mut next: Instant) {
        loop {
            tokio::time::sleep_until(next).await;
            let Some(again) = self.look().await else { break };
            next = again;
        }
        self.ended = true;
        self.dispatch.lose_all();
        self.dispatch.pump();
    }

    /// Looks once; gives when the next look is due, if one is.
    async fn look(&self) -> Option<Instant> {
        let dispatch = &self.dispatch;
        let call = dispatch.looked_for()?;
        // It costs credits as others do: where those are waited for, it waits too.
        let Admission::Now(permit) = dispatch.fetch.admit(&call) else {
            return lock(&dispatch.state).circuit.put_off(LOOK, Instant::now());
        };
        call.permit.store(permit, Ordering::Relaxed);
        dispatch.totals.tries.fetch_add(1, Ordering::Relaxed);
        let mut held = Held::new(&dispatch.waiting);
        let tried = dispatch.fetch.fetch(&call, &mut held).await;
        dispatch.fetch.release(permit, true);
        dispatch.totals.bytes.fetch_add(held.bytes(), Ordering::Relaxed);
        let charged = call.charged.load(Ordering::Relaxed);
        dispatch.totals.credits.fetch_add(charged, Ordering::Relaxed);
        let mut state = lock(&dispatch.state);
        if tried.sign() == Sign::Life {
            if state.circuit.answered() {
                tracing::info!("the desk answers again");
            }
            return None;
        }
        let next = state.circuit.looked(&tried.why(), Instant::now());
        tracing::debug!(reason = tried.why(), ?next, "the desk still does not answer");
        next
    }
}

impl Dispatch {
    /// The request by which the desk is looked at; none where that is not needed any more.
    fn looked_for(&self) -> Option<Call> {
        let mut state = lock(&self.state);
        // Nobody waits any more: whoever comes next finds out for itself.
        if state.lanes.is_empty() {
            state.circuit.answered();
        }
        // Without an outage, an answer that was under way has come.
        state.circuit.open()?;
        state.cheapest.as_ref()?.call.again()
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if std::thread::panicking() {
            // Each request finds out for itself.
            lock(&self.dispatch.state).circuit.answered();
            self.dispatch.pump();
        } else {
            self.dispatch.shut_down();
        }
    }
}
