//! What comes of what plugins say, and do not say, when there is something to go on with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::archive::ModuleState;
use engine::backup::Often;
use tokio_util::sync::CancellationToken;

use super::{Moment, Recorder, desk, go_on, planned, reserved, run, whole};

#[test]
fn a_plugin_that_does_not_say_that_it_goes_on_from_cursors_begins_anew() {
    let (desk, _) = desk(|_| None);
    let (archive, moments, _copies) = whole(&desk.url, &["frozen"]);
    // It tells a cursor behind its row, of which nothing is kept.
    let [moment] = moments.as_slice() else {
        panic!("{} moments", moments.len())
    };
    let [checkpoint] = moment.checkpoints.as_slice() else {
        panic!("{:?}", moment.checkpoints)
    };
    assert!(
        checkpoint.ended.is_some() && checkpoint.cursor.is_none(),
        "{checkpoint:?}"
    );
    let (summary, bytes) = go_on(&desk.url, &["frozen"], moment, |_| {});
    assert!(bytes == archive && summary.expect("a backup").notes.is_empty());
    // What was kept all the same, of a build that said so.
    let mut checkpoint = checkpoint.clone();
    (checkpoint.ended, checkpoint.cursor) = (None, Some(1.into()));
    let in_between = Moment {
        checkpoints: vec![checkpoint],
        folder: moment.folder.clone(),
    };
    let (summary, bytes) = go_on(&desk.url, &["frozen"], &in_between, |_| {});
    let summary = summary.expect("a backup");
    assert!(bytes == archive, "the row is there twice, or not at all");
    let notes = summary.notes.join("\n");
    assert!(notes.contains("does not say that it can go on"), "{notes}");
}

#[test]
fn records_beyond_those_that_are_named_are_told_of_and_leave_the_backup_incomplete() {
    const NAMED: usize = 1000;
    let unread = NAMED + 3;
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let last = format!("/things/{unread}");
    let (desk, asked) = desk(move |path| {
        if path.starts_with("/tables") {
            return Some((200, format!("{{\"records\":{unread}}}")));
        }
        // What is asked for once more is there.
        let refused = (!over.load(Ordering::SeqCst)).then(|| (403, "no".into()));
        if path == last {
            over.store(true, Ordering::SeqCst);
        }
        refused
    });
    let folder = tempfile::tempdir().expect("a folder");
    let spool = reserved(folder.path());
    let mut plan = planned(&desk.url, &["reads-again"], &spool);
    plan.often = Often::default();
    let summary = run(&plan, &Recorder::new(&spool), &CancellationToken::new()).expect("a backup");
    let requests = asked.lock().expect("the log").len();
    assert_eq!(requests, 1 + unread + NAMED, "the named ones are asked for once more");
    // Only a complete one moves the point at which the next one begins.
    assert!(!summary.complete);
    assert_eq!(summary.reasons, ["3 more records could not be read"]);
    let [module] = summary.modules.as_slice() else {
        panic!("{:?}", summary.modules)
    };
    assert_eq!(module.state, ModuleState::Incomplete);
    assert_eq!(module.tables[0].rows, NAMED as u64);
}
