//! A backup that is gone on with where the connection leads elsewhere by now.

use engine::archive::State;
use engine::backup::BackupError;
use engine::service::Cause;
use tokio_util::sync::CancellationToken;

use super::{Recorder, copy, desk, go_on, planned, reserved, run, whole};

#[test]
fn what_was_read_of_one_desk_is_not_gone_on_with_at_another() {
    let (first, _) = desk(|_| None);
    let (other, asked) = desk(|_| None);
    let (_, moments, _copies) = whole(&first.url, &["example"]);
    let moment = &moments[4];
    match go_on(&other.url, &["example"], moment, |_| {}).0 {
        Err(BackupError::Suspended {
            cause: Cause::Machine,
            reason,
        }) => {
            let (was, is) = (first.url.trim_end_matches('/'), other.url.trim_end_matches('/'));
            assert!(
                reason.contains(was) && reason.contains(is) && reason.contains("--anew"),
                "{reason}"
            );
        }
        ended => panic!("{ended:?}"),
    }
    // What there is can be had, and is called what it is.
    let folder = tempfile::tempdir().expect("a folder");
    let spool = reserved(folder.path());
    copy(&moment.folder, &spool);
    let mut plan = planned(&other.url, &["example"], &spool);
    plan.resume.clone_from(&moment.checkpoints);
    plan.finish = true;
    let recorder = Recorder::new(&spool);
    let summary = run(&plan, &recorder, &CancellationToken::new()).expect("a backup");
    assert_eq!(summary.state(), State::Incomplete);
    assert_eq!(*asked.lock().expect("the log"), Vec::<String>::new());
    let kept = recorder.checkpoints();
    assert!(
        kept.iter().all(|kept| kept.source == moment.checkpoints[0].source),
        "{kept:?}"
    );
}
