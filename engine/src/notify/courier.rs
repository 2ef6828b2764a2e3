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
use crate::store::{Store, StoreError, Tx, Waiting};

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
        let round = Round {
            store,
            settings,
            clock,
            chance: &*self.chance,
        };
        self.runtime.block_on(round.run(within, cancel))?;
        store.read(|view| {
            let next = view.next_notice()?;
            Ok(next)
        })
    }
}

/// What one delivery needs.
struct Round<'a> {
    store: &'a Store,
    settings: &'a Settings,
    clock: &'a dyn Clock,
    chance: &'a (dyn Fn() -> f64 + Send + Sync),
}

impl Round<'_> {
    async fn run(&self, within: Duration, cancel: &CancellationToken) -> Result<(), StoreError> {
        let stop = async {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(within) => {}
            }
        };
        tokio::pin!(stop);
        loop {
            if cancel.is_cancelled() {
                return Ok(());
            }
            let (mut tries, mut under_way) = (JoinSet::new(), HashMap::new());
            let claimed = self.claim()?;
            let may_be_more = claimed.len() == AT_ONCE as usize;
            for notice in claimed {
                match Parcel::pack(self.settings, &notice) {
                    Ok(parcel) => {
                        let task = tries.spawn(parcel.send(self.clock.now())).id();
                        under_way.insert(task, notice);
                    }
                    Err(why) => self.give_up(&notice, &why)?,
                }
            }
            while !under_way.is_empty() {
                tokio::select! {
                    Some(ended) = tries.join_next_with_id() => {
                        let (task, sent) = ended
                            .unwrap_or_else(|error| (error.id(), Err(Failed::passing("sending it has panicked".into()))));
                        if let Some(notice) = under_way.remove(&task) {
                            self.settle(&notice, sent)?;
                        }
                    }
                    () = &mut stop => {
                        let why = "it was broken off: deskvault was stopped, or had no more time for it";
                        for notice in under_way.values() {
                            self.settle(notice, Err(Failed::passing(why.into())))?;
                        }
                        return Ok(());
                    }
                }
            }
            if !may_be_more {
                return Ok(());
            }
        }
    }

    fn claim(&self) -> Result<Vec<Waiting>, StoreError> {
        let now = self.clock.now();
        let mail = self.settings.mail.as_ref().map_or(Duration::ZERO, |mail| mail.timeout);
        let until = later(now, mail.max(webhook::TIMEOUT).saturating_add(MARGIN));
        self.store.write(|tx| tx.claim_notices(now, until, AT_ONCE))
    }

    /// Writes down how a try ended.
    fn settle(&self, notice: &Waiting, sent: Result<(), Failed>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let id = notice.id;
        let failed = match sent {
            Ok(()) => {
                tracing::info!("notification {id} was sent to {}", self.shown(notice));
                return self.note(|tx| tx.notice_sent(id, now));
            }
            Err(failed) => failed,
        };
        let attempt = notice.tries.saturating_add(1);
        let Some(wait) = wait::after(attempt, failed.class, failed.asked, (self.chance)()) else {
            return self.give_up(notice, &format!("{} (try {attempt})", failed.why));
        };
        let next = later(now, wait);
        tracing::warn!(
            "notification {id} was not sent to {}: {}; it is tried again at {next}",
            self.shown(notice),
            failed.why
        );
        self.note(|tx| tx.notice_failed(id, Some(next), &failed.why))
    }

    fn give_up(&self, notice: &Waiting, why: &str) -> Result<(), StoreError> {
        let id = notice.id;
        tracing::error!("notification {id} to {} is given up: {why}", self.shown(notice));
        self.note(|tx| tx.notice_failed(id, None, why))
    }

    /// Another process may have been faster, where this one was held up until its claim had ended.
    fn note(&self, change: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        match self.store.write(change) {
            Err(StoreError::Conflict(why)) => {
                tracing::debug!("{why}");
                Ok(())
            }
            other => other,
        }
    }

    /// The receiver, for messages.
    fn shown(&self, notice: &Waiting) -> String {
        match self.settings.target(&notice.channel) {
            Ok(Target::Webhook(webhook, place)) => format!("webhook {place} ({})", webhook::origin(&webhook.url)),
            Ok(Target::Mail(mail, to)) => format!("{} by {}", printable(&to), printable(&mail.host)),
            Err(_) => "a receiver that is gone".to_owned(),
        }
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

fn later(moment: Timestamp, wait: Duration) -> Timestamp {
    let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(moment.micros().saturating_add(wait))
}
