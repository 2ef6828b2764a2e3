//! Going on behind a checkpoint, and other jobs than a whole one.

use serde_json::json;

use super::compare::{bad_key, difference, joined, rows_of, rows_until};
use super::{Suite, sample};
use crate::{Exporter, Job, Range, Timestamp};

/// Checkpoints that are resumed from.
const MOST_CHECKPOINTS: usize = 60;

/// Different requests of an export that need no checkpoint: what is done in so few is as soon done again.
const REQUESTS_WITHOUT_CHECKPOINT: usize = 10;

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
        for at in sample(self.base.checkpoints.len(), MOST_CHECKPOINTS) {
            let checkpoint = &self.base.checkpoints[at];
            let when = format!(
                "resumed from checkpoint {} ({})",
                at + 1,
                short(&checkpoint.cursor.to_string())
            );
            let window = [16, 1, 3][at % 3];
            let job = self.job().resumed(&checkpoint.cursor).with_window(window);
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

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
