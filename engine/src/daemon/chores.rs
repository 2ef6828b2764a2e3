//! What goes on beside the main loop, each on a thread of its own: notifications are sent, and what crashes left behind is
//! cleared up. Both may take long: a server that does not answer, an archive of many gigabytes that is read again.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::controls::Controls;
use super::trouble::Trouble;
use crate::notify::Courier;
use crate::service::{Service, ServiceError};

/// How often the outbox is looked into: others than the daemon put notifications there, too.
const LOOK: Duration = Duration::from_secs(1);
/// The least time between two looks for what others have left behind.
const PAUSE: Duration = Duration::from_secs(30);

/// The service under the configuration that holds now.
#[derive(Clone)]
pub(super) struct Current(Arc<Mutex<Service>>);

impl Current {
    pub(super) fn new(service: Service) -> Self {
        Self(Arc::new(Mutex::new(service)))
    }

    pub(super) fn get(&self) -> Service {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, service: Service) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = service;
    }
}

/// Starts to send notifications, until `stop`.
pub(super) fn send_notices(current: Current, stop: CancellationToken) -> std::io::Result<JoinHandle<()>> {
    let courier = Courier::new()?;
    // Its own: the daemon's bell wakes one thread alone.
    let bell = Controls::default();
    thread::Builder::new().name("notifications".into()).spawn(move || {
        let mut trouble = Trouble::default();
        while !stop.is_cancelled() {
            let service = current.get();
            trouble.look("notifications cannot be sent", deliver(&courier, &service, &stop));
            bell.wait(LOOK);
        }
    })
}

fn deliver(courier: &Courier, service: &Service, stop: &CancellationToken) -> Result<(), ServiceError> {
    let next = service
        .store()
        .read(|view| Ok::<_, ServiceError>(view.next_notice()?))?;
    if next.is_some_and(|next| next <= service.now()) {
        let (settings, clock) = (&service.config().notify, service.clock().as_ref());
        courier.deliver_due(service.store(), settings, clock, Duration::MAX, stop)?;
    }
    Ok(())
}

/// Clears up behind crashes: at start, and whenever a backup is found that says it runs and is none of ours.
#[derive(Default)]
pub(super) struct Settler {
    thread: Option<JoinHandle<Result<Vec<String>, ServiceError>>>,
    wanted: bool,
    last: Option<Instant>,
    trouble: Trouble,
}

impl Settler {
    /// There may be something to clear up.
    pub(super) fn ask(&mut self) {
        self.wanted = true;
    }

    /// Whether it is at work.
    pub(super) fn is_busy(&self) -> bool {
        self.thread.is_some()
    }

    /// Whether it is time to look for something.
    pub(super) fn may_look(&self, now: Instant) -> bool {
        self.thread.is_none() && self.last.is_none_or(|last| now.duration_since(last) >= PAUSE)
    }

    /// Notes what has ended, and starts where it was asked to.
    pub(super) fn go_on(&mut self, service: &Service, controls: &Controls, now: Instant) {
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            let told = thread
                .join()
                .unwrap_or_else(|_| Ok(vec!["clearing up has panicked".to_owned()]));
            if let Some(lines) = self.trouble.look("what was left behind cannot be cleared up", told) {
                for line in lines {
                    tracing::warn!("{line}");
                }
            }
        }
        if !self.wanted || self.thread.is_some() || controls.stopping().is_cancelled() {
            return;
        }
        (self.wanted, self.last) = (false, Some(now));
        let (service, controls) = (service.clone(), controls.clone());
        let work = move || {
            let settled = service.settle(controls.stopping());
            controls.wake();
            settled
        };
        match thread::Builder::new().name("settle".into()).spawn(work) {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => tracing::error!(%error, "the system refuses a thread"),
        }
    }
}
