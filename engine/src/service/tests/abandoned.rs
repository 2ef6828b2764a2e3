//! Backups that nobody brings to an end.

use super::*;
use crate::service::desk_lock::{Attempt, DeskLock};

#[test]
fn a_row_that_says_running_is_told_from_a_backup_that_runs() {
    let home = Home::new();
    home.dies(Script::Dies, |home| drop(home.full()));
    let is_interrupted = || home.service.is_interrupted(&home.backup(1)).unwrap();
    for _ in 0..2 {
        assert!(is_interrupted());
        assert_eq!(home.backup(1).state, BackupState::Running, "it only looks");
    }
    let Attempt::Ours(lock) = DeskLock::attempt(home.service.folder(), "main").unwrap() else {
        panic!("somebody has it")
    };
    assert!(!is_interrupted(), "somebody runs it");
    drop(lock);
    // As one that was seen to run, and has ended since.
    let seen = home.backup(1);
    home.service.settle(&CancellationToken::new()).unwrap();
    assert!(!home.service.is_interrupted(&seen).unwrap());
}

#[test]
fn a_suspended_backup_whose_desk_is_not_configured_is_kept() {
    let home = Home::new();
    let stopped = RunError::Suspended {
        cause: Cause::Desk,
        message: "it is away".into(),
    };
    home.next_is(Script::Keeps(7, stopped));
    assert!(matches!(home.full(), Err(ServiceError::Suspended(_))));
    let row = home.backup(1);
    let spool = home.service.folder().join(row.spool.as_ref().unwrap());
    let without = CONFIGURATION.replace("name = \"main\"", "name = \"third\"");
    let without = configuration(&without, home.folder.path());
    let service = home.service.with_config(without).unwrap();
    assert!(!service.has_desk_of(&row) && home.service.has_desk_of(&row));
    home.wait(days(365));
    assert!(service.settle(&CancellationToken::new()).unwrap().is_empty());
    assert_eq!((home.backup(1).state, spool.is_dir()), (BackupState::Suspended, true));
    service.abandon(1, &machine(), &CancellationToken::new()).unwrap();
    assert_eq!((home.backup(1).state, spool.is_dir()), (BackupState::Stopped, false));
}

#[test]
fn one_is_given_up_with_all_that_was_kept() {
    let home = Home::new();
    let cancel = CancellationToken::new();
    let abandon = || home.service.abandon(1, &machine(), &cancel);
    home.dies(Script::KeepsAndDies(9), |home| drop(home.full()));
    let Attempt::Ours(lock) = DeskLock::attempt(home.service.folder(), "main").unwrap() else {
        panic!("somebody has it")
    };
    assert!(
        matches!(abandon(), Err(ServiceError::Refused(_))),
        "somebody goes on with it"
    );
    drop(lock);
    assert_eq!(home.spools().len(), 1);
    abandon().unwrap();
    assert_eq!((home.backup(1).state, home.spools().len()), (BackupState::Stopped, 0));
    assert!(matches!(abandon(), Err(ServiceError::NotSuspended { .. })));
    assert_eq!(home.service.reached(1).unwrap().rows, 0);
}
