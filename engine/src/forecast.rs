//! How much of a backup is still to come: requests, credits, days, and the moment it will be done. Pure.
//!
//! Where an exporter foresees its requests, these are expected to cost what its last ones did; else its rows are. At first,
//! before there are enough of those, they are expected to cost what they did in the last backup. Time is counted in what a day
//! gives: what is left today above the reserve, then whole days.

use std::collections::BTreeMap;

use plugin_api::Timestamp;
use serde::{Deserialize, Serialize};

use crate::connection::Account;
use crate::connection::day;

mod course;
#[cfg(test)]
mod tests;

use course::Course;

/// Modules of one forecast; more are left out.
const MODULES: usize = 256;
/// Nothing is forecast further ahead, in days: it would be no forecast.
const AHEAD: u64 = 10_000;

/// How far a module is; all figures since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The module.
    pub module: &'a str,
    /// Rows written.
    pub rows: u64,
    /// Rows expected in all, where that is known.
    pub expected: Option<u64>,
    /// Requests expected in all, where its exporter foresees them.
    pub foreseen: Option<u64>,
    /// Requests made.
    pub requests: u64,
    /// Credits that they have cost.
    pub credits: u64,
    /// Whether it is over.
    pub ended: bool,
}

/// What a module came to, in this backup so far or in an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The module.
    pub module: String,
    /// Rows.
    pub rows: u64,
    /// Requests.
    pub requests: u64,
    /// Credits.
    pub credits: u64,
}

/// What is still to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// When it was made.
    pub at: Timestamp,
    /// Requests, about.
    pub requests: u64,
    /// Credits, about; none where the desk does not charge.
    pub credits: Option<u64>,
    /// Credits spent so far by this run.
    pub spent: u64,
    /// Days on which there is something to do, today among them.
    pub days: u32,
    /// Until when nothing is asked, as credits are waited for; none where it is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<Timestamp>,
    /// When it will be done, about; none where nobody knows yet how quick it is.
    pub done: Option<Timestamp>,
    /// Whether it is known of every module how much it has. Otherwise there is more to come than this says.
    pub is_whole: bool,
    /// What each module came to so far.
    pub modules: Vec<Cost>,
}

/// Makes forecasts of one backup, from what it is told of it.
#[derive(Debug, Default)]
pub struct Forecaster {
    past: BTreeMap<String, Cost>,
    courses: BTreeMap<String, Course>,
    /// When it was looked at last, and whether it was at work then.
    looked: Option<(Timestamp, bool)>,
    /// Microseconds at work.
    worked: u64,
}

impl Forecaster {
    /// For a backup whose modules cost `past` the last time.
    pub fn new(past: &[Cost]) -> Self {
        let past = past.iter().take(MODULES);
        Self {
            past: past.map(|cost| (cost.module.clone(), cost.clone())).collect(),
            ..Self::default()
        }
    }

    /// Takes in how far it is; `waits` while nothing may be asked.
    pub fn look(&mut self, facts: &[Facts<'_>], now: Timestamp, waits: bool) {
        if let Some((before, true)) = self.looked.filter(|_| !waits) {
            let passed = u64::try_from(now.micros().saturating_sub(before.micros())).unwrap_or(0);
            self.worked = self.worked.saturating_add(passed);
        }
        self.looked = Some((now, !waits));
        for facts in facts {
            if !self.courses.contains_key(facts.module) {
                if self.courses.len() >= MODULES {
                    continue;
                }
                self.courses.insert(facts.module.to_owned(), Course::default());
            }
            if let Some(course) = self.courses.get_mut(facts.module) {
                course.look(facts);
            }
        }
    }

    /// What is still to come; `account` is what the desk gives a day, where it charges.
    pub fn forecast(&self, now: Timestamp, account: Option<&Account>) -> Forecast {
        let (mut requests, mut credits, mut is_whole) = (0_f64, 0_f64, true);
        for (module, course) in &self.courses {
            match course.to_come(self.past.get(module)) {
                Some((more_requests, more_credits)) => {
                    requests += more_requests;
                    credits += more_credits;
                }
                None => is_whole = false,
            }
        }
        let made: u64 = self
            .courses
            .values()
            .map(|course| course.now.requests)
            .fold(0, u64::saturating_add);
        let spent: u64 = self
            .courses
            .values()
            .map(|course| course.now.credits)
            .fold(0, u64::saturating_add);
        let (requests, credits) = (rounded(requests), rounded(credits));
        // Of each request, in microseconds; nothing is known before there was one.
        let pace = (made > 0).then(|| self.worked as f64 / made as f64);
        let work = |share: f64| pace.map(|pace| pace * requests as f64 * share);
        let (days, done) = match account {
            Some(account) => days(now, credits, account, &work),
            None => (1, work(1.0).map(|work| later(now, work))),
        };
        let modules = self.courses.iter().map(|(module, course)| Cost {
            module: module.clone(),
            ..course.now.clone()
        });
        Forecast {
            at: now,
            requests,
            credits: account.map(|_| credits),
            spent,
            days,
            waits_until: None,
            done,
            is_whole,
            modules: modules.collect(),
        }
    }
}

/// On how many days there is something to do, and when it will be done. `work` says how long a share of all of it takes.
fn days(
    now: Timestamp,
    credits: u64,
    account: &Account,
    work: &dyn Fn(f64) -> Option<f64>,
) -> (u32, Option<Timestamp>) {
    let today = account.left.saturating_sub(account.reserve);
    if credits <= today {
        return (1, work(1.0).map(|work| later(now, work)));
    }
    let whole = account.limit.saturating_sub(account.reserve);
    // Others may have spent more than is kept for them.
    let daily = account
        .last_day
        .map_or(whole, |last| last.clamp(whole / 10, whole.max(1)))
        .max(1);
    let rest = credits - today;
    let more = rest.div_ceil(daily);
    if more > AHEAD {
        return (u32::try_from(AHEAD).unwrap_or(u32::MAX), None);
    }
    let mut begin = account.returns.max(now);
    for _ in 1..more {
        // Of days that begin a little after midnight, the next one too.
        let late = account.returns.micros() - day::midnight_before(account.zone, account.returns).micros();
        begin = later(day::next_midnight(account.zone, begin), late.max(0) as f64);
    }
    let last = rest - (more - 1) * daily;
    let done = work(last as f64 / credits as f64).map(|work| later(begin, work));
    let days = more + u64::from(today > 0);
    (u32::try_from(days).unwrap_or(u32::MAX), done)
}

fn later(time: Timestamp, micros: f64) -> Timestamp {
    // What does not fit is far away.
    Timestamp::from_micros(time.micros().saturating_add(micros.clamp(0.0, 1e17) as i64))
}

fn rounded(number: f64) -> u64 {
    // What is no number becomes 0, and what is too large the largest.
    number.max(0.0).round() as u64
}
