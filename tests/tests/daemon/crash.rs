//! kill -9: of the daemon, and of a backup's process.

use engine::history::Happening;
use engine::store::BackupState;

use crate::harness::{Place, SLOT, at, lives, signal, wait};

#[test]
fn the_process_of_a_killed_daemon_ends_by_itself_and_the_next_one_clears_up() {
    let place = Place::silent();
    let mut daemon = place.start_at_the_slot();
    let process = place.under_way(&mut daemon);
    signal(daemon.pid(), "KILL");
    drop(daemon);
    wait("the end of the backup's process", || !lives(process));
    assert!(
        place.spools().is_empty(),
        "it has taken its parts away: {:?}",
        place.spools()
    );

    place.speak(true);
    let mut daemon = place.start();
    let backups = place.ended(&mut daemon, 2, BackupState::Complete);
    assert_eq!(backups[0].state, BackupState::Failed, "{backups:?}");
    assert_eq!(
        backups[1].schedule.map(|schedule| schedule.1),
        Some(at(SLOT)),
        "the slot is made up for"
    );
    daemon.terminate();
    assert_eq!(
        place.history(),
        ["scheduled", "backup_started", "failed", "backup_started", "data_ready"]
    );
    place.home.run(&["history", "verify"], 0);
}

#[test]
fn a_killed_process_fails_its_backup_and_nothing_else() {
    let place = Place::silent();
    let mut daemon = place.start_at_the_slot();
    let process = place.under_way(&mut daemon);
    signal(process, "KILL");
    let backups = place.ended(&mut daemon, 1, BackupState::Failed);
    let reason = backups[0].reason.clone().expect("a reason");
    assert!(reason.contains("signal 9 (SIGKILL"), "{reason}");
    let last = place.home.history().pop().expect("an entry");
    assert!(
        matches!(&last.what, Happening::Failed { reason, .. } if reason.contains("SIGKILL")),
        "{last:?}"
    );
    daemon.wait("its parts are taken away", || place.spools().is_empty().then_some(()));

    // The daemon goes on: the next slot is run.
    place.speak(true);
    place.at("2026-03-09T02:00:00Z");
    let backups = place.ended(&mut daemon, 2, BackupState::Complete);
    assert_eq!(
        backups[1].schedule.map(|schedule| schedule.1),
        Some(at("2026-03-09T02:00:00Z"))
    );
    daemon.terminate();
}
