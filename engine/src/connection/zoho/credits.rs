//! The day's credits: what is left of them, what is kept for others, and waiting for the next day's.
//!
//! [`Pacer::admit`] is asked before each try whether it may be made, and [`Pacer::release`] is told when it is over; between
//! the two the answer comes by [`Pacer::answered`]. `budget` decides, `weights` knows what a request costs, `day` when credits
//! return, and `ledger` is what is shared with others who back up desks of the same organisation.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use plugin_api::Timestamp;

use self::budget::{Budget, Gate};
use self::ledger::{Known, Ledger};
use self::weights::Weights;
use crate::connection::settings::{Pacing, Reserve};
use crate::connection::{Account, Admission, Credits, Pause};

mod budget;
pub(crate) mod day;
mod ledger;
#[cfg(test)]
mod tests;
mod weights;

/// Credits do not return to the second: a request that is made before they do costs from the reserve.
const MARGIN: Duration = Duration::from_mins(1);
/// Where they should have returned and have not, it is asked again after this, then after twice as long, and so on: each time
/// costs a request from the reserve, seven of them until the next midnight.
const AGAIN: Duration = Duration::from_mins(15);
/// No wait that the desk asks for is longer.
const LONGEST: Duration = Duration::from_hours(48);
/// What is shared is looked at again after this.
const FRESH: Duration = Duration::from_secs(1);
/// Where nothing waits for credits: by less than this, upwards, is answers that overtook each other; by more, a new day.
const OVERTAKEN: u64 = 5_000;
/// Credits that are taken at once out of what is shared, at most.
const TAKEN: u64 = 200;

/// Sees to it that no more credits are spent than may be.
pub(super) struct Pacer {
    desk: String,
    /// Where the API is: organisations of different data centres may have the same number.
    origin: String,
    pacing: Pacing,
    zone: Tz,
    state: Mutex<State>,
}

struct State {
    credits: Option<Credits>,
    budget: Budget,
    weights: Weights,
    paused: Option<Paused>,
    /// Credits should have returned, and no answer has said so yet.
    is_probing: bool,
    /// How often it was asked in vain whether they have.
    in_vain: u32,
    /// Why no request will ever be started.
    refused: Option<String>,
    shared: Option<Shared>,
    /// When the last of the requests was started that were answered before the budget was shared.
    asked_at: Timestamp,
    /// What was spent since the begin of the day was seen, and on the last whole day.
    spent: (Option<u64>, Option<u64>),
}

/// What is shared with others.
struct Shared {
    ledger: Ledger,
    /// What others have under way.
    reserved: u64,
    /// Credits of requests that may be started before the file is looked at again.
    granted: u64,
    /// What the file says that is under way here.
    said: u64,
    looked: Option<Instant>,
    is_broken: bool,
}

/// A pause.
#[derive(Clone, Copy)]
struct Paused {
    /// What others are told.
    told: Pause,
    /// When it began, by a clock that does not jump, and how long it was to be.
    since: Instant,
    length: Duration,
}

impl Pacer {
    /// One for the desk of this name, whose API is at `origin`. Where it is known of which organisation it is (`org_id`, or from an
    /// earlier backup), what others have left of the day counts at once.
    pub(super) fn new((desk, origin): (&str, &str), pacing: &Pacing, accounts_url: &str, org_id: Option<&str>) -> Self {
        let pacer = Self {
            desk: desk.to_owned(),
            origin: origin.to_owned(),
            zone: day::zone(accounts_url),
            state: Mutex::new(State {
                credits: None,
                budget: Budget::default(),
                weights: Weights::default(),
                paused: None,
                is_probing: false,
                in_vain: 0,
                refused: None,
                shared: None,
                asked_at: pacing.clock.now(),
                spent: (None, None),
            }),
            pacing: pacing.clone(),
        };
        if let Some(folder) = pacer.shares() {
            let known = Known::read(folder, desk, origin);
            let known = known.filter(|known| org_id.is_none_or(|wanted| known.org_id == wanted));
            if let Some(org_id) = org_id.or(known.as_ref().map(|known| known.org_id.as_str())) {
                pacer.share(org_id, known.as_ref().map_or(0, |known| known.daily));
            }
        }
        pacer
    }

    /// The organisation is known: what its edition has a day at least, and with whom its credits are shared.
    pub(super) fn introduce(&self, org_id: &str, daily: u64) {
        self.share(org_id, daily);
        let known = Known {
            org_id: org_id.to_owned(),
            daily,
        };
        if let Some(folder) = self.shares()
            && Known::read(folder, &self.desk, &self.origin).as_ref() != Some(&known)
            && let Err(error) = known.keep(folder, &self.desk, &self.origin)
        {
            // The next backup asks the desk, as this one did.
            tracing::debug!(%error, "desk {}: of which organisation it is cannot be kept", self.desk);
        }
    }

    /// The folder for what is shared, where anything is.
    fn shares(&self) -> Option<&Path> {
        self.pacing.folder.as_deref().filter(|_| self.pacing.wait)
    }

    fn share(&self, org_id: &str, daily: u64) {
        let mut state = self.state();
        let name = ledger::name(org_id, &self.origin);
        if let Some(shared) = state.shared.take() {
            if shared.ledger.is(&name) {
                state.shared = Some(shared);
            } else {
                // It was of another organisation: what that one has left says nothing.
                state.budget.begin_anew();
            }
        }
        state.budget.set_edition(daily);
        let Some(folder) = self.shares().filter(|_| state.shared.is_none()) else {
            return;
        };
        match Ledger::open(folder, &name) {
            Ok(ledger) => {
                state.shared = Some(Shared {
                    ledger,
                    reserved: 0,
                    granted: 0,
                    said: 0,
                    looked: None,
                    is_broken: false,
                });
            }
            Err(error) => tracing::warn!(
                folder = %folder.display(),
                %error,
                "desk {}: its credits are not shared with other backups of its organisation, since the folder for that \
                 cannot be used",
                self.desk
            ),
        }
    }

    /// Whether a request may be made now.
    pub(super) fn admit(&self, path: &str, query: Option<&str>) -> Admission {
        if !self.pacing.wait {
            return Admission::Now(0);
        }
        let now = self.pacing.clock.now();
        let mut guard = self.state();
        let state = &mut *guard;
        if state.refused.is_some() {
            return Admission::Now(0);
        }
        if let Some(paused) = state.paused {
            if !paused.is_over(now) && !state.has_returned(self, now) {
                return Admission::Later;
            }
            state.paused = None;
            if paused.is_over(now) {
                state.budget.forget();
                state.is_probing = true;
            }
        }
        let cost = state.weights.cost(path, query);
        let gate = state.gate(self, cost, now);
        match gate {
            Gate::Open => {
                if state.credits.is_none() {
                    state.asked_at = now;
                }
                Admission::Now(state.budget.start(cost))
            }
            Gate::Busy => Admission::Later,
            // It fails with what is said of it.
            Gate::Shut if state.refuses(self, cost) => Admission::Now(0),
            Gate::Shut => {
                let until = if state.is_probing {
                    None
                } else {
                    Some(self.midnight(now))
                };
                self.pause(state, now, until);
                Admission::Later
            }
        }
    }

    /// The answer to a request that was admitted: what it has cost, and what is left.
    pub(super) fn answered(
        &self,
        permit: u64,
        path: &str,
        query: Option<&str>,
        weight: Option<u64>,
        left: Option<u64>,
    ) {
        let mut guard = self.state();
        let state = &mut *guard;
        if weight.is_some() || left.is_some() {
            let credits = state.credits.get_or_insert_default();
            credits.spent = credits.spent.saturating_add(weight.unwrap_or(0));
            if !self.pacing.wait {
                credits.left = match (credits.left, left) {
                    (Some(before), Some(now)) if now > before && now - before < OVERTAKEN => Some(before),
                    (before, now) => now.or(before),
                };
            }
        }
        if let Some(weight) = weight {
            state.weights.learn(path, query, weight);
        }
        if !self.pacing.wait {
            return;
        }
        if let (Some(spent), Some(weight)) = (state.spent.0.as_mut(), weight) {
            *spent = spent.saturating_add(weight);
        }
        if state.budget.answered(permit, weight, left) {
            tracing::info!(left, "desk {}: credits have returned", self.desk);
            (state.is_probing, state.in_vain) = (false, 0);
            state.spent.0 = Some(weight.unwrap_or(0));
        }
        if let Some(credits) = &mut state.credits {
            credits.left = state.budget.left_or_before();
        }
    }

    /// The desk says that the credits of the day are spent.
    pub(super) fn spent(&self, retry_after: Option<Duration>) {
        let now = self.pacing.clock.now();
        let mut guard = self.state();
        let state = &mut *guard;
        state.budget.spent();
        if state.paused.is_none() {
            let asked = retry_after.map(|wait| after(now, wait.min(LONGEST)));
            let until = asked.or_else(|| (!state.is_probing).then(|| self.midnight(now)));
            self.pause(state, now, until);
        }
    }

    /// A request that was admitted is over, answered or not, `sent` or not.
    pub(super) fn release(&self, permit: u64, sent: bool) {
        if permit == 0 {
            return;
        }
        let mut guard = self.state();
        let state = &mut *guard;
        if sent {
            state.budget.lost(permit);
        } else {
            state.budget.unsent(permit);
        }
        // Else others would wait for what nobody has under way any more.
        if state.budget.is_idle() && state.shared.as_ref().is_some_and(|shared| shared.said > 0) {
            state.look(self, None, self.pacing.clock.now());
        }
    }

    /// What was charged, and what is left.
    pub(super) fn credits(&self) -> Option<Credits> {
        self.state().credits
    }

    /// Why no request will ever be started, where that is so.
    pub(super) fn refused(&self) -> Option<String> {
        let mut state = self.state();
        // Of a desk that does not charge nothing is kept.
        if self.pacing.wait && state.budget.left_or_before().is_some() {
            state.refuses(self, 1);
        }
        state.refused.clone()
    }

    /// What is waited for, where nothing may be asked.
    pub(super) fn paused(&self) -> Option<Pause> {
        self.state().paused.map(|paused| paused.told)
    }

    /// What there is a day, for a forecast.
    pub(super) fn account(&self) -> Option<Account> {
        let now = self.pacing.clock.now();
        let state = self.state();
        let left = state.budget.left_or_before()?;
        // While it is being found out what the new day has, they are back already.
        let paused = state.paused.map(|paused| paused.told.until);
        let returned = state.budget.left().is_none().then_some(now);
        Some(Account {
            left,
            limit: state.budget.limit(),
            reserve: state.budget.reserve(self.pacing.reserve),
            last_day: state.spent.1,
            zone: self.zone,
            returns: paused.or(returned).unwrap_or_else(|| self.midnight(now)),
        })
    }

    fn midnight(&self, now: Timestamp) -> Timestamp {
        after(day::next_midnight(self.zone, now), MARGIN)
    }

    /// Nothing is started before `until`; none: it was asked already whether they have returned.
    fn pause(&self, state: &mut State, now: Timestamp, until: Option<Timestamp>) {
        let until = until
            .unwrap_or_else(|| {
                let wait = AGAIN.saturating_mul(1_u32.checked_shl(state.in_vain).unwrap_or(u32::MAX));
                let (next, midnight) = (after(now, wait), self.midnight(now));
                state.in_vain = if next < midnight { state.in_vain + 1 } else { 0 };
                next.min(midnight)
            })
            .max(after(now, Duration::from_secs(1)));
        let length = Duration::from_micros(u64::try_from(until.micros().saturating_sub(now.micros())).unwrap_or(0));
        let told = Pause {
            until,
            left: state.budget.left_or_before().unwrap_or(0),
            reserve: state.budget.reserve(self.pacing.reserve),
        };
        if !state.is_probing {
            state.spent = (None, state.spent.0.or(state.spent.1));
        }
        tracing::info!(
            left = told.left,
            reserve = told.reserve,
            until = %told.until,
            "desk {}: waits for the credits of another day",
            self.desk
        );
        let limit = state.budget.limit();
        if told.reserve > limit {
            tracing::warn!(
                "desk {}: `credits_reserve` keeps more of each day's API credits than the {limit} that the desk is known to \
                 give: if they are no more tomorrow, the backup ends",
                self.desk
            );
        }
        state.paused = Some(Paused {
            told,
            since: Instant::now(),
            length,
        });
        state.look(self, None, now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Paused {
    /// By either clock: the one may be set back, the other stands while the machine sleeps.
    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.told.until || self.since.elapsed() >= self.length
    }
}

impl State {
    fn gate(&mut self, pacer: &Pacer, cost: u64, now: Timestamp) -> Gate {
        let reserve = pacer.pacing.reserve;
        if self.shared.is_none() {
            return self.budget.gate(cost, reserve, 0);
        }
        let is_old = |shared: &Shared| shared.looked.is_none_or(|looked| looked.elapsed() >= FRESH);
        if self
            .shared
            .as_ref()
            .is_some_and(|shared| is_old(shared) || shared.granted < cost)
        {
            self.look(pacer, Some(cost), now);
        }
        let Some(shared) = &mut self.shared else {
            return self.budget.gate(cost, reserve, 0);
        };
        let gate = self.budget.gate(cost, reserve, shared.reserved);
        if gate != Gate::Open || shared.is_broken {
            return gate;
        }
        if shared.granted < cost {
            return Gate::Busy;
        }
        shared.granted -= cost;
        Gate::Open
    }

    /// Whether the reserve is more than there is a day, so that one that costs so much is never started.
    fn refuses(&mut self, pacer: &Pacer, cost: u64) -> bool {
        let Reserve::Credits(reserve) = pacer.pacing.reserve else {
            return false;
        };
        let Some(limit) = self.budget.certain_limit(self.is_probing) else {
            return false;
        };
        if reserve.saturating_add(cost) <= limit {
            return false;
        }
        self.refused = Some(format!(
            "`credits_reserve` keeps {reserve} of each day's API credits for others, and the desk gives {limit} a day: set it to \
             less, e.g. to \"20%\""
        ));
        true
    }

    /// While it waits: whether another has found that credits have returned.
    fn has_returned(&mut self, pacer: &Pacer, now: Timestamp) -> bool {
        let epoch = self.budget.epoch();
        let is_old = |shared: &Shared| shared.looked.is_none_or(|looked| looked.elapsed() >= FRESH);
        if !self.shared.as_ref().is_some_and(is_old) {
            return false;
        }
        self.look(pacer, None, now);
        self.budget.epoch() > epoch
    }

    /// Looks at what is shared, and says what is under way here; with a `cost`, one of that is about to be started.
    fn look(&mut self, pacer: &Pacer, cost: Option<u64>, now: Timestamp) {
        let Some(shared) = &mut self.shared else { return };
        let (budget, reserve, asked_at) = (&mut self.budget, pacer.pacing.reserve, self.asked_at);
        let (is_first, epoch) = (shared.looked.is_none(), budget.epoch());
        let updated = shared.ledger.update(|page, others| {
            let fresh = ledger::is_fresh(page, now, pacer.zone);
            let theirs = page.left.filter(|_| fresh);
            if is_first {
                budget.join(
                    page.epoch,
                    theirs,
                    if fresh { page.largest } else { 0 },
                    page.at < asked_at.micros(),
                );
            } else if let Some(left) = theirs {
                budget.hear(page.epoch, left, page.largest);
            }
            if let Some(left) = budget.left() {
                let epoch = budget.epoch();
                if page.epoch != epoch || page.left != Some(left) || !fresh {
                    page.at = now.micros();
                }
                (page.epoch, page.left, page.largest) = (epoch, Some(left), budget.largest());
            }
            let granted = match cost {
                Some(cost) if budget.gate(cost, reserve, others) == Gate::Open => {
                    let more = budget.beyond(cost, reserve, others) / 4;
                    cost.saturating_add(more.min(TAKEN))
                }
                _ => 0,
            };
            let said = budget.outstanding().saturating_add(granted);
            (said, (others, granted, said))
        });
        match updated {
            Ok(Some((others, granted, said))) => {
                (shared.reserved, shared.granted, shared.said) = (others, granted, said);
                shared.looked = Some(Instant::now());
                shared.is_broken = false;
                if !is_first && budget.epoch() > epoch {
                    // Another has found that credits have returned.
                    (self.is_probing, self.in_vain) = (false, 0);
                    self.spent.0 = Some(0);
                }
            }
            // Another is at it.
            Ok(None) => shared.granted = 0,
            Err(error) => {
                if !std::mem::replace(&mut shared.is_broken, true) {
                    tracing::warn!(
                        %error,
                        "desk {}: what other backups of its organisation spend is not known, since their common file \
                         cannot be used",
                        pacer.desk
                    );
                }
                (shared.reserved, shared.granted) = (0, 0);
                shared.looked = Some(Instant::now());
            }
        }
    }
}

fn after(time: Timestamp, wait: Duration) -> Timestamp {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.micros().saturating_add(micros))
}
