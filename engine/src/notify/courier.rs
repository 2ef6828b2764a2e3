//! Takes what is due out of the outbox and sends it.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use plugin_api::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::message::Body;
use super::wait::{self, Class};
use super::{Settings, Target, mail, webhook};
use crate::clock::Clock;
use crate::config::text::printable;
use crate::store::{Store, StoreError, Waiting};

/// Notifications that are sent at one time.
const AT_ONCE: u32 = 8;
/// How much longer than its try a claim lasts. Whoever has it may have been stopped in between.
const MARGIN: Duration = Duration::from_mins(1);

/// Sends notifications. It has threads and a clock of its own for the network, and knows nothing between two calls: what
/// is to be sent is in the store.
pub struct Courier {
    runtime: Runtime,
    chance: Box<dyn Fn() -> f64 + Send + Sync>,
}

/// Why a try failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) class: Class,
    /// How long the receiver asks to wait.
    pub(super) asked: Option<Duration>,
    /// Half a sentence without secrets.
    pub(super) why: String,
}

impl Failed {
    pub(super) fn passing(why: String) -> Self {
        Self {
            class: Class::Passing,
            asked: None,
            why,
        }
    }
}

impl Courier {
    /// Sets it up. The error is the system's: no thread, no poll.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            runtime: Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("courier")
                .enable_all()
                .build()?,
            chance: Box::new(crate::connection::chance()),
        })
    }

    /// Sends all that is due, and says when something will be due next; in the past, where not all could be sent now.
    ///
    /// It returns when that is done, after `within` at the latest, or soon after it was cancelled. What is then under way
    /// is broken off and sent again another time. Not to be called from a runtime's own thread.
    pub fn deliver_due(
        &self,
        store: &Store,
        settings: &Settings,
        clock: &dyn Clock,
        within: Duration,
        cancel: &CancellationToken,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.runtime.block_on(async {
            let stop = async {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = tokio::time::sleep(within) => {}
                }
            };
            tokio::pin!(stop);
            loop {
                let now = clock.now();
                let longest = settings.mail.as_ref().map_or(Duration::ZERO, |mail| mail.timeout);
                let until = later(now, longest.max(webhook::TIMEOUT) + MARGIN);
                if cancel.is_cancelled() || within.is_zero() {
                    return Ok(());
                }
                let claimed = store.write(|tx| tx.claim_notices(now, until, AT_ONCE))?;
                let may_be_more = claimed.len() == AT_ONCE as usize;
                let mut under_way = HashMap::new();
                let mut tries = JoinSet::new();
                for notice in claimed {
                    match Parcel::pack(settings, &notice) {
                        Ok(parcel) => {
                            let task = tries.spawn(parcel.send(now)).id();
                            under_way.insert(task, notice);
                        }
                        Err(why) => give_up(store, &notice, &why)?,
                    }
                }
                while !under_way.is_empty() {
                    let ended = tokio::select! {
                        ended = tries.join_next_with_id() => ended,
                        () = &mut stop => {
                            for notice in under_way.values() {
                                let why = "it was broken off: deskvault was stopped, or had no more time for it";
                                self.failed(store, settings, clock, notice, &Failed::passing(why.into()))?;
                            }
                            return Ok(());
                        }
                    };
                    let Some(ended) = ended else { break };
                    let (task, sent) = match ended {
                        Ok((task, sent)) => (task, sent),
                        Err(error) => (error.id(), Err(Failed::passing("sending it has panicked".into()))),
                    };
                    let Some(notice) = under_way.remove(&task) else { continue };
                    match sent {
                        Ok(()) => {
                            store.write(|tx| tx.notice_sent(notice.id, clock.now()))?;
                            tracing::info!("notification {} was sent to {}", notice.id, shown(settings, &notice.channel));
                        }
                        Err(failed) => self.failed(store, settings, clock, &notice, &failed)?,
                    }
                }
                if !may_be_more {
                    return Ok(());
                }
            }
        })?;
        store.read(|view| view.next_notice())
    }

    fn failed(
        &self,
        store: &Store,
        settings: &Settings,
        clock: &dyn Clock,
        notice: &Waiting,
        failed: &Failed,
    ) -> Result<(), StoreError> {
        let attempt = notice.tries.saturating_add(1);
        let Some(wait) = wait::after(attempt, failed.class, failed.asked, (self.chance)()) else {
            let why = format!("{}; it was tried {attempt} times", failed.why);
            return give_up_at(store, notice, &shown(settings, &notice.channel), &why);
        };
        let next = later(clock.now(), wait);
        store.write(|tx| tx.notice_failed(notice.id, Some(next), &failed.why))?;
        tracing::warn!(
            "notification {} was not sent to {}: {}; it is tried again after {next}",
            notice.id,
            shown(settings, &notice.channel),
            failed.why
        );
        Ok(())
    }
}

/// A notification and whom it is for.
struct Parcel {
    target: Target,
    body: Body,
    json: String,
}

impl Parcel {
    /// The error says why it can never be sent.
    fn pack(settings: &Settings, notice: &Waiting) -> Result<Self, String> {
        let target = settings.target(&notice.channel)?;
        let body = serde_json::from_str(&notice.body).map_err(|_| "another version of deskvault wrote it")?;
        let json = notice.body.clone();
        Ok(Self { target, body, json })
    }

    async fn send(self, now: Timestamp) -> Result<(), Failed> {
        match &self.target {
            Target::Webhook(webhook, _) => webhook::send(webhook, &self.body, self.json, now).await,
            Target::Mail(mail, to) => mail::send(mail, to, &self.body).await,
        }
    }
}

fn give_up(store: &Store, notice: &Waiting, why: &str) -> Result<(), StoreError> {
    give_up_at(store, notice, "anybody", why)
}

fn give_up_at(store: &Store, notice: &Waiting, whom: &str, why: &str) -> Result<(), StoreError> {
    store.write(|tx| tx.notice_failed(notice.id, None, why))?;
    tracing::error!("notification {} is given up and was not sent to {whom}: {why}", notice.id);
    Ok(())
}

/// A receiver in a message.
fn shown(settings: &Settings, channel: &str) -> String {
    match settings.target(channel) {
        Ok(Target::Webhook(webhook, place)) => format!("webhook {place} ({})", webhook::origin(&webhook.url)),
        Ok(Target::Mail(mail, to)) => format!("{} by {}", printable(&to), printable(&mail.host)),
        Err(_) => "anybody".to_owned(),
    }
}

fn later(moment: Timestamp, wait: Duration) -> Timestamp {
    let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(moment.micros().saturating_add(wait))
}
