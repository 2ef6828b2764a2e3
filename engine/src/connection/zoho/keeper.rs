//! The one access token of a desk, shared by all requests: renewed in time, by one renewal at a time.
//!
//! While a token is still valid, requests go on with it as the next one is fetched. Time is measured by a clock that
//! only goes forward: what somebody does to the clock on the wall does not matter.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plugin_api::{ErrorKind, ExportError};
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::access::Later;
use super::super::retry::{Decision, Policy};
use super::super::secret;
use super::super::settings::Secret;
use super::grant::{Grant, Refusal};

/// A wait for a token of this length is told.
const LONG: Duration = Duration::from_secs(10);

/// How long before its end a token is renewed; a twelfth of its life where that is shorter.
const EARLY: Duration = Duration::from_mins(5);

/// How long a failed renewal counts before the next is tried.
const PAUSE: Duration = Duration::from_secs(30);

/// New tokens that are refused one after the other before it is taken for granted that all will be.
const REFUSED: u32 = 4;

/// Tokens that are remembered, to be taken out of texts.
const REMEMBERED: usize = 8;

/// Fetches a token: one try.
pub(super) trait Source: Send + Sync {
    fn fetch(&self) -> Later<'_, Result<Grant, Refusal>>;
}

/// A token that may be sent.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: Secret,
    /// Its place among all tokens, from 1.
    pub(super) number: u64,
    renew_at: Instant,
    ends_at: Instant,
}

pub(super) struct Keeper {
    desk: String,
    source: Box<dyn Source>,
    policy: Policy,
    chance: Box<dyn Fn() -> f64 + Send + Sync>,
    state: Mutex<State>,
    /// Changes when a renewal has ended, however it did.
    ended: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    current: Option<Token>,
    is_renewing: bool,
    failed: Option<Failed>,
    /// Tokens so far.
    given: u64,
    /// Tokens that were refused since one was last taken.
    refused: u32,
    sent: VecDeque<Secret>,
}

/// Why there is no token.
struct Failed {
    error: ExportError,
    /// When another renewal may be tried; none: never.
    again: Option<Instant>,
}

enum Look {
    Use(Token),
    Wait,
    Fail(ExportError),
}

impl Keeper {
    pub(super) fn new(
        desk: &str,
        source: Box<dyn Source>,
        policy: Policy,
        chance: Box<dyn Fn() -> f64 + Send + Sync>,
    ) -> Arc<Self> {
        Arc::new(Self {
            desk: desk.to_owned(),
            source,
            policy,
            chance,
            state: Mutex::default(),
            ended: watch::Sender::new(()),
        })
    }

    /// A token that is valid now. Waits where one has to be fetched.
    pub(super) async fn token(self: &Arc<Self>) -> Result<Token, ExportError> {
        // Before the look, so that a renewal that ends in between is not missed.
        let mut ended = self.ended.subscribe();
        loop {
            match self.look(Instant::now()) {
                Look::Use(token) => return Ok(token),
                Look::Fail(error) => return Err(error),
                // The sender lives as long as `self`.
                Look::Wait => drop(ended.changed().await),
            }
        }
    }

    /// The desk refused this token. If it is still the current one, the next request waits for another.
    pub(super) fn refused(&self, number: u64) {
        let mut state = self.lock();
        if state.current.as_ref().is_none_or(|token| token.number != number) {
            return;
        }
        state.current = None;
        state.refused += 1;
        if state.refused >= REFUSED {
            let why = "the desk refuses even new access tokens: is `data_center` (or `desk_url`) the one where the \
                       refresh token was granted?";
            state.failed = Some(Failed {
                error: self.error(ErrorKind::Unauthorized, why),
                again: None,
            });
        }
    }

    /// The desk took this token.
    pub(super) fn taken(&self, number: u64) {
        let mut state = self.lock();
        if state.current.as_ref().is_some_and(|token| token.number == number) {
            state.refused = 0;
        }
    }

    /// The text without tokens.
    pub(super) fn scrub(&self, text: &str) -> String {
        secret::scrub(text, &self.lock().sent)
    }

    fn look(self: &Arc<Self>, now: Instant) -> Look {
        let mut state = self.lock();
        let usable = state.current.clone().filter(|token| now < token.ends_at);
        let is_due = usable.as_ref().is_none_or(|token| now >= token.renew_at);
        let may_try = match &state.failed {
            None => true,
            Some(Failed { again, .. }) => again.is_some_and(|again| now >= again),
        };
        if is_due && may_try && !state.is_renewing {
            state.is_renewing = true;
            // Of its own: the request that noticed may be broken off, and others wait for the token.
            tokio::spawn(Flight(Arc::clone(self)).run());
        }
        match (usable, &state.failed) {
            (Some(token), _) => Look::Use(token),
            (None, _) if state.is_renewing => Look::Wait,
            (None, Some(failed)) => Look::Fail(failed.error.clone()),
            (None, None) => Look::Wait,
        }
    }

    fn error(&self, kind: ErrorKind, why: &str) -> ExportError {
        ExportError::new(kind, format!("desk {}: {why}", self.desk))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A renewal under way. Dropped, whatever happened, the next one may start.
struct Flight(Arc<Keeper>);

impl Flight {
    async fn run(self) {
        let keeper = &self.0;
        let mut attempt = 1;
        loop {
            // Its life counts from here at the latest.
            let asked = Instant::now();
            let refusal = match keeper.source.fetch().await {
                Ok(grant) => return self.land(grant, asked),
                Err(refusal) => refusal,
            };
            match keeper
                .policy
                .decide(attempt, 0, refusal.outcome(keeper.policy.token_wait), (keeper.chance)())
            {
                Decision::Finish => return self.fail(&refusal, attempt),
                Decision::Again(wait) => {
                    if wait >= LONG {
                        // Nothing else tells why nothing goes on.
                        tracing::warn!(
                            seconds = wait.as_secs(),
                            "the desk gives no new access token yet; it is asked again"
                        );
                    }
                    tracing::debug!(attempt, ?wait, ?refusal, "no new access token, will be tried again");
                    tokio::time::sleep(wait).await;
                }
            }
            attempt += 1;
        }
    }

    fn land(&self, grant: Grant, asked: Instant) {
        let mut state = self.0.lock();
        state.given += 1;
        let early = EARLY.min(grant.life / 12);
        if state.sent.len() == REMEMBERED {
            state.sent.pop_front();
        }
        state.sent.push_back(grant.access.clone());
        state.current = Some(Token {
            secret: grant.access,
            number: state.given,
            renew_at: asked + grant.life.saturating_sub(early),
            ends_at: asked + grant.life,
        });
        if state.failed.as_ref().is_some_and(|failed| failed.again.is_some()) {
            state.failed = None;
        }
        drop(state);
        tracing::debug!(seconds = grant.life.as_secs(), "a new access token");
    }

    fn fail(&self, refusal: &Refusal, attempts: u32) {
        let (kind, why) = told(refusal);
        // The request that waited for it says how often that was tried in all.
        let error = self.0.error(kind, &why);
        tracing::warn!(attempts, "{}", error.message);
        let again = (kind != ErrorKind::Unauthorized).then(|| Instant::now() + PAUSE);
        self.0.lock().failed = Some(Failed { error, again });
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.lock().is_renewing = false;
        self.0.ended.send_replace(());
    }
}

/// What a person is told.
pub(super) fn told(refusal: &Refusal) -> (ErrorKind, String) {
    match refusal {
        Refusal::DeadToken => (
            ErrorKind::Unauthorized,
            "the refresh token is not valid (any more): grant another with `deskvault connect`".into(),
        ),
        Refusal::Client => (
            ErrorKind::Unauthorized,
            "the accounts server does not know the client: check `client_id` and `client_secret`, and whether \
             `data_center` is the one where the client is registered"
                .into(),
        ),
        Refusal::TooMany => (
            ErrorKind::Http,
            "the accounts server gives no more tokens for now, as too many were asked for: wait ten minutes, and let no \
             other program use the same refresh token"
                .into(),
        ),
        Refusal::Other(name) => (
            ErrorKind::Unauthorized,
            format!("the accounts server refuses with the error {name:?}: check the client and `data_center`"),
        ),
        Refusal::Passing(why) => (
            ErrorKind::Network,
            format!("no access token could be had from the accounts server: {why}"),
        ),
    }
}
