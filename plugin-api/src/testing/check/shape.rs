//! What an exporter says of itself, and that every run is like the other.

use std::collections::BTreeSet;

use super::Suite;
use super::compare::{bad_key, difference, disorder, rows_of};
use crate::testing::rules::is_module;
use crate::testing::run::Run;
use crate::{ErrorKind, Exporter, Table};

/// Calls of the host that an exporter may still make after it was told that the backup is cancelled: what a few
/// nested iterators need to find out.
const CALLS_AFTER_CANCEL: u64 = 16;

impl<E: Exporter, F: Fn() -> E> Suite<'_, F> {
    pub(super) fn shape(&self) {
        self.description();
        for rows in &self.base.tables {
            let table = &rows.table;
            if rows.rows.is_empty() {
                let advice = "give the fake desk a record for each table: a table without rows is not tested";
                self.found("exports", format!("table {} has no rows", table.name), advice);
            }
            for parent in &table.parents {
                if !self.base.tables.iter().any(|other| other.table.name == parent.table) {
                    let what = format!(
                        "table {} names the parent table {}, which is not opened",
                        table.name, parent.table
                    );
                    self.found("exports", what, "child_of() names a table of the same module");
                }
            }
            if let Some(count) = self.base.desk_count(&table.name)
                && count != rows.rows.len() as u64
            {
                let what = format!(
                    "the desk counts {count} for table {}, but it has {} rows",
                    table.name,
                    rows.rows.len()
                );
                let advice =
                    "tell desk_count() only what the desk says of exactly these rows: the engine holds it against them";
                self.found("exports", what, advice);
            }
        }
        if let Some(what) = bad_key(&self.base) {
            self.found(
                "keys",
                what,
                "key() names the columns that together differ in every row",
            );
        }
    }

    fn description(&self) {
        let described = &self.description;
        if !is_module(&described.module) {
            let what = format!("{:?} is no name of a module", described.module);
            let advice = "a module is called by 1 to 64 lower-case letters, digits and hyphens";
            self.found("describes itself", what, advice);
        }
        for (what, text) in [("label", &described.label), ("connection", &described.connection)] {
            if text.trim().is_empty() {
                let what = format!("its {what} is empty");
                self.found("describes itself", what, "fill in every part of the description");
            }
        }
        let named: BTreeSet<_> = described.tables.iter().map(String::as_str).collect();
        let opened: BTreeSet<_> = self.base.tables.iter().map(|rows| rows.table.name.as_str()).collect();
        if named != opened || named.len() != described.tables.len() {
            let what = format!("it describes the tables {named:?} and opens {opened:?}");
            let advice = "describe() names exactly the tables that the exporter opens, each once";
            self.found("describes itself", what, advice);
        }
    }

    /// The same rows, whatever answer comes first.
    pub(super) fn order(&self) {
        const ADVICE: &str = "take answers from the iterators, which give them in the order of submission, and walk no \
                              map that has another order in each run";
        let expected = rows_of(&self.base);
        for seed in 1..=4 {
            for window in [1, 2, 16] {
                let run = self.run(&self.desk.clone().seed(seed), &self.job().with_window(window));
                let when = format!("answers in another order (seed {seed}, window {window})");
                if !self.no_crash("order", &when, &run) {
                    continue;
                }
                if let Err(error) = &run.result {
                    self.found("order", format!("{when}: {:?}: {error}", error.kind), ADVICE);
                    continue;
                }
                self.same_columns(&when, &run);
                let actual = rows_of(&run);
                let other = difference(&expected, &actual);
                // A search may cut its range by the window; within one window the order is fixed.
                let other = other.or_else(|| (window == 16).then(|| disorder(&expected, &actual)).flatten());
                if let Some(what) = other {
                    self.found("order", format!("{when}: {what}"), ADVICE);
                }
            }
        }
    }

    pub(super) fn same_columns(&self, when: &str, run: &Run) {
        let tables = |run: &Run| run.tables.iter().map(|rows| rows.table.clone()).collect::<Vec<Table>>();
        let (expected, actual) = (tables(&self.base), tables(run));
        if expected != actual {
            let differing = expected.iter().find(|table| !actual.contains(table));
            let name = differing.map_or("a further table", |table| table.name.as_str());
            let what = format!("{when}: {name} is not as it was in the first run");
            let advice =
                "tables() gives the same tables, columns and keys for the same desk every time, in the same order";
            self.found("columns", what, advice);
        }
    }

    /// Cancelled behind each of some calls.
    pub(super) fn cancel(&self) {
        let calls = usize::try_from(self.base.calls).unwrap_or(usize::MAX);
        for after in super::sample(calls, 40) {
            let run = self.run(&self.desk.clone().cancel_after(after as u64), &self.job());
            let when = format!("cancelled after {after} calls of the host");
            if !self.no_crash("cancel", &when, &run) {
                continue;
            }
            let advice = "pass every error on with `?`; where one request may fail, still return ErrorKind::Cancelled";
            match &run.result {
                Err(error) if error.kind == ErrorKind::Cancelled => {}
                Err(error) => {
                    self.found(
                        "cancel",
                        format!("{when}: it ended with {:?}: {error}", error.kind),
                        advice,
                    );
                }
                Ok(()) => self.found("cancel", format!("{when}: it ended as if it were whole"), advice),
            }
            if run.calls_after_cancel > CALLS_AFTER_CANCEL {
                let what = format!("{when}: it called the host {} times more", run.calls_after_cancel);
                self.found("cancel", what, advice);
            }
        }
    }
}
