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
    assert_eq!(place.spools().len(), 1, "its parts stay");

    place.speak(true);
    let mut daemon = place.start();
    let backups = place.ended(&mut daemon, 1, BackupState::Complete);
    assert_eq!(backups[0].schedule.map(|schedule| schedule.1), Some(at(SLOT)));
    daemon.terminate();
    assert_eq!(
        place.history(),
        ["scheduled", "backup_started", "suspended", "resumed", "data_ready"]
    );
    assert!(place.spools().is_empty(), "{:?}", place.spools());
    place.home.run(&["history", "verify"], 0);
}

#[test]
fn a_killed_process_suspends_its_backup_and_nothing_else() {
    let place = Place::silent();
    let mut daemon = place.start_at_the_slot();
    let process = place.under_way(&mut daemon);
    signal(process, "KILL");
    let backups = place.ended(&mut daemon, 1, BackupState::Suspended);
    let reason = backups[0].reason.clone().expect("a reason");
    assert!(reason.contains("signal 9 (SIGKILL"), "{reason}");
    let last = place.home.history().pop().expect("an entry");
    assert!(
        matches!(&last.what, Happening::Suspended { reason, .. } if reason.contains("SIGKILL")),
        "{last:?}"
    );
    // The daemon lives, and would go on with it in a minute; the next one does at once.
    daemon.terminate();
    place.speak(true);
    let mut daemon = place.start();
    place.ended(&mut daemon, 1, BackupState::Complete);
    place.at("2026-03-09T02:00:00Z");
    let backups = place.ended(&mut daemon, 2, BackupState::Complete);
    assert_eq!(
        backups[1].schedule.map(|schedule| schedule.1),
        Some(at("2026-03-09T02:00:00Z"))
    );
    daemon.terminate();
}
