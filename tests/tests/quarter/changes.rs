//! Nothing lost, nothing twice: every change of every record against the archives of all runs.

use std::collections::BTreeSet;

use deskvault_tests::compare::read_truth;
use plugin_api::{Kind, Timestamp};

use crate::archives::{Rows, TIMED, time};
use crate::work::Office;

/// What became of all changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Changes that are in a full archive.
    pub(crate) in_full: u64,
    /// Changes that are in one incremental archive.
    pub(crate) in_one: u64,
    /// Changes whose record was changed again or deleted before the next backup read it.
    pub(crate) past: u64,
    /// Changes after the last backup.
    pub(crate) to_come: u64,
}

/// Checks that each change of a record since the desk was opened is in the one run that has to have it, and in no other
/// incremental one, unless another change came before it could be read. The runs are in the order of time.
#[track_caller]
pub(crate) fn each_is_in_one_archive(office: &Office, runs: &[Rows]) -> Tally {
    for pair in runs.windows(2) {
        let (one, next) = (&pair[0].run, &pair[1].run);
        if let Some(range) = next.range {
            assert_eq!(range.from, one.until, "a gap or an overlap between {one} and {next}");
            assert_eq!(range.to, next.until, "{next}");
        }
    }
    let deletions = office.deletions();
    let mut tally = Tally::default();
    read_truth(&office.desk.truth(), &mut |line| {
        if !TIMED.contains(&line.table.as_str()) {
            return;
        }
        let versions = || line.versions.iter();
        let created = versions().filter_map(|version| time(version, "createdTime"));
        let modified = versions().filter_map(|version| time(version, "modifiedTime"));
        let times: BTreeSet<Timestamp> = created.chain(modified).filter(|time| *time >= office.opened).collect();
        let deleted = deletions.get(&line.id).copied().map(Timestamp::from_micros);
        let key = (line.table.clone(), line.id.clone());
        for at in &times {
            let name = format!("{} {} of {at}", line.table, line.id);
            let Some(whose) = runs.iter().find(|rows| rows.run.until > *at) else {
                tally.to_come += 1;
                continue;
            };
            let next = times.iter().copied().filter(|time| time > at).chain(deleted).min();
            let incremental = runs.iter().filter(|rows| rows.run.kind == Kind::Incremental);
            // A row that was wanted for an earlier change may show one that came while it was read.
            let before = incremental.filter(|rows| !(rows.run.started..=rows.run.ended).contains(at));
            let with = before.filter(|rows| rows.modified.get(&key).is_some_and(|times| times.contains(at)));
            let with: Vec<String> = with.map(|rows| rows.run.to_string()).collect();
            let run = &whose.run;
            if next.is_some_and(|next| next < run.started) {
                assert!(with.is_empty(), "{name} was past, and is in {with:?}");
                tally.past += 1;
            } else if run.kind == Kind::Full {
                // What the full one reads after the upper end of its range, the next one reads again.
                assert!(with.is_empty(), "{name} is in {with:?} too");
                let there = whose.modified.get(&key).map_or(0, Vec::len);
                let went = deleted.is_some_and(|deleted| deleted <= run.ended);
                assert!(there == 1 || there == 0 && went, "{name} is {there} times in {run}");
                tally.in_full += 1;
            } else if next.is_some_and(|next| next <= run.ended) {
                assert!(with.len() <= 1, "{name} is in {with:?}");
                tally.past += 1;
            } else {
                assert_eq!(with, [run.to_string()], "{name}");
                tally.in_one += 1;
            }
        }
    })
    .expect("the truth");
    println!("{tally:?}");
    tally
}
