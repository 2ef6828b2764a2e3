//! Going on behind a checkpoint, and other jobs than a whole one.

use std::collections::HashMap;

use serde_json::json;

use super::compare::{bad_key, difference, disorder, joined, rows_of, rows_until};
use super::{Suite, sample, shown};
use crate::testing::run::Run;
use crate::{Exporter, Job, Note, Range, Request, Timestamp};

/// Checkpoints that are resumed from.
const MOST_CHECKPOINTS: usize = 60;

/// Different requests of an export that need no checkpoint: what is done in so few is as soon done again.
const REQUESTS_WITHOUT_CHECKPOINT: usize = 10;

/// Requests that are made again behind a checkpoint, one at a time being in flight for each of an exporter's iterators: those,
/// and the few by which it finds its place again.
const REQUESTS_AGAIN: usize = 8;

/// A cursor goes into the store with every checkpoint.
const CURSOR_BYTES: usize = 16 << 10;

impl<E: Exporter, F: Fn() -> E> Suite<'_, F> {
    pub(super) fn resume(&self) {
        const ADVICE: &str = "a checkpoint comes when every row it stands for is written, and its cursor holds all that \
                              the exporter needs to go on exactly behind them";
        let whole = rows_of(&self.base);
        if self.base.checkpoints.is_empty() && self.asked.len() > REQUESTS_WITHOUT_CHECKPOINT {
            let what = format!("it makes {} different requests and no checkpoint", self.asked.len());
            let advice = "call out.checkpoint() after each page: a backup of hours that is interrupted starts anew \
                          otherwise";
            self.found("resume", what, advice);
        }
        if !self.base.checkpoints.is_empty() && !(self.make)().describe().resumes {
            let what = "it makes checkpoints, and its description does not say that it goes on from them".to_owned();
            let advice = "call Description::resumes(): a backup that is interrupted starts anew otherwise";
            self.found("resume", what, advice);
        }
        for at in sample(self.base.checkpoints.len(), MOST_CHECKPOINTS) {
            let checkpoint = &self.base.checkpoints[at];
            let when = format!(
                "resumed from checkpoint {} ({})",
                at + 1,
                short(&checkpoint.cursor.to_string())
            );
            let window = [16, 1, 3][at % 3];
            let job = self.base.gone_on(self.job(), checkpoint).with_window(window);
            let size = checkpoint.cursor.to_string().len();
            if size > CURSOR_BYTES {
                let what = format!("the cursor of checkpoint {} takes {size} bytes", at + 1);
                let advice = "a cursor must not grow with the number of records: give what does to out.remember()";
                self.found("resume", what, advice);
            }
            let run = self.run(&self.desk.clone().seed(at as u64), &job);
            if !self.no_crash("resume", &when, &run) {
                continue;
            }
            if let Err(error) = &run.result {
                self.found("resume", format!("{when}: {:?}: {error}", error.kind), ADVICE);
                continue;
            }
            self.same_columns(&when, &run);
            let both = joined(rows_until(&self.base, &checkpoint.rows), rows_of(&run));
            if let Some(what) = difference(&whole, &both) {
                self.found("resume", format!("{when}: {what}"), ADVICE);
            }
            if window == self.base_window()
                && let Some(what) = disorder(&whole, &both)
            {
                self.found("resume", format!("{when}: {what}"), ADVICE);
            }
            for rows in &self.base.tables {
                let name = &rows.table.name;
                let (then, now) = (self.base.desk_count(name), run.desk_count(name));
                if now.is_some() && now != then {
                    let what = format!("{when}: the desk's count of {name} is told as {now:?}, before as {then:?}");
                    let advice = "the desk's count is that of the whole job, also when it is resumed";
                    self.found("resume", what, advice);
                }
            }
        }
    }

    /// The window of a job that says nothing of it.
    fn base_window(&self) -> u32 {
        self.job().window
    }

    /// What was asked before a checkpoint is not asked again behind it. With a window of 1, so that little is in flight.
    pub(super) fn requests_when_resumed(&self) {
        let job = self.job().with_window(1);
        let whole = self.run(self.desk, &job);
        let total = counts(&whole.requests);
        for at in sample(whole.checkpoints.len(), MOST_CHECKPOINTS) {
            let checkpoint = &whole.checkpoints[at];
            let run = self.run(self.desk, &whole.gone_on(job.clone(), checkpoint));
            let mut both = counts(&run.requests);
            for (request, count) in counts(whole.requests.get(..checkpoint.requests).unwrap_or_default()) {
                *both.entry(request).or_default() += count;
            }
            let again = |(request, count): (&String, &usize)| {
                let more = count.saturating_sub(total.get(request).copied().unwrap_or(0));
                (more > 0).then(|| (request.clone(), more))
            };
            let mut again: Vec<_> = both.iter().filter_map(again).collect();
            let count: usize = again.iter().map(|(_, more)| more).sum();
            again.sort();
            if count > REQUESTS_AGAIN {
                let first: Vec<_> = again.iter().take(20).map(|(request, _)| request.as_str()).collect();
                let what = format!(
                    "resumed from checkpoint {} ({}): {count} requests that an export without interruption does not make: {}",
                    at + 1,
                    short(&checkpoint.cursor.to_string()),
                    first.join(", ")
                );
                let advice = "keep what answers said in the cursor, or by out.remember(), in place of asking again";
                self.found("resume", what, advice);
            }
            for (name, now, then) in [("least number of requests", least(&run), least(&whole))] {
                if now.is_some() && now != then {
                    let what = format!(
                        "resumed from checkpoint {}: the {name} is {now:?}, before {then:?}",
                        at + 1
                    );
                    let advice = "keep what it came to in the cursor: it is told for the whole job";
                    self.found("resume", what, advice);
                }
            }
        }
    }

    pub(super) fn ranges(&self) {
        let module = &self.description.module;
        let range = |from: i64, to: i64| Range {
            from: Timestamp::from_micros(from * 1_000_000),
            to: Timestamp::from_micros(to * 1_000_000),
        };
        let all = Job::custom(module, range(0, 4_102_444_800));
        let incremental = Job::incremental(module, range(0, 4_102_444_800));
        self.whole_range("a range with everything in it", &all);
        self.whole_range("an incremental backup with everything in its range", &incremental);
        for (when, job) in [
            ("a month long ago", Job::custom(module, range(0, 2_678_400))),
            ("an empty range", Job::custom(module, range(0, 0))),
            (
                "a cursor of another version",
                self.job().resumed(json!({"no such": ["cursor"], "page": -1})),
            ),
        ] {
            let run = self.run(self.desk, &job);
            if self.no_crash("ranges", when, &run)
                && let Some(what) = bad_key(&run)
            {
                self.found(
                    "keys",
                    format!("{when}: {what}"),
                    "a record is written once in every kind of backup",
                );
            }
        }
    }

    /// A range that has everything gives everything.
    fn whole_range(&self, when: &str, job: &Job) {
        const ADVICE: &str = "ask job.wants() of the time that the range is about, and of nothing else (the fake desk \
                              answers requests with the range, too; its records are of 1970 to 2099)";
        let run = self.run(self.desk, job);
        if !self.no_crash("ranges", when, &run) {
            return;
        }
        if let Some(what) = bad_key(&run) {
            let advice = "a record is written once in every kind of backup";
            self.found("keys", format!("{when}: {what}"), advice);
        }
        match &run.result {
            Err(error) => self.found("ranges", format!("{when}: {:?}: {error}", error.kind), ADVICE),
            Ok(()) => {
                if let Some(what) = difference(&rows_of(&self.base), &rows_of(&run)) {
                    self.found("ranges", format!("{when}: {what}"), ADVICE);
                }
            }
        }
    }
}

/// How often each request was made.
fn counts(requests: &[Request]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for request in requests {
        *counts.entry(shown(request)).or_default() += 1;
    }
    counts
}

/// The least number of requests that a run told.
fn least(run: &Run) -> Option<u64> {
    let mut least = run.notes.iter().rev().filter_map(|note| match note {
        Note::LeastRequests { requests } => Some(*requests),
        _ => None,
    });
    least.next()
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
