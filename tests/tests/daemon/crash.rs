//! kill -9: of the daemon, and of a backup's process. The backup is suspended, and is gone on with.

use engine::history::Happening;
use engine::store::BackupState;

use crate::harness::{Place, SLOT, at, lives, signal, wait};

#[test]
fn the_process_of_a_killed_daemon_ends_by_itself_and_the_next_one_goes_on_with_its_backup() {
    let place = Place::silent();
    let mut daemon = place.start_at_the_slot();
    let process = place.under_way(&mut daemon);
    signal(daemon.pid(), "KILL");
    drop(daemon);
    wait("the end of the backup's process", || !lives(process));
    let left = place.home.backups(true).remove(0);
    assert_eq!(left.schedule.map(|schedule| schedule.1), Some(at(SLOT)));
    assert_eq!(place.spools().len(), 1, "its parts are kept: {:?}", place.spools());

    place.speak(true);
    let mut daemon = place.start();
    place.completed(&mut daemon, &left);
    daemon.terminate();
    assert_eq!(
        place.history(),
        ["scheduled", "backup_started", "suspended", "resumed", "data_ready"]
    );
    let suspended = &place.home.history()[2].what;
    assert!(
        matches!(suspended, Happening::Suspended { reason, .. } if reason.contains("its process ended without a word")),
        "{suspended:?}"
    );
}

#[test]
fn a_killed_process_suspends_its_backup_and_nothing_else() {
    let place = Place::silent();
    let mut daemon = place.start_at_the_slot();
    let process = place.under_way(&mut daemon);
    signal(process, "KILL");
    let backup = place.suspended("signal 9 (SIGKILL");
    daemon.wait("it says when it is tried again", || {
        (place.told("is tried again in 1 min") == 1).then_some(())
    });

    // A person need not wait for that, and the daemon does not do it once more.
    place.speak(true);
    place.home.run(&["backup", "--resume"], 0);
    place.completed(&mut daemon, &backup);

    // The daemon goes on: the next slot is run.
    place.at("2026-03-09T02:00:00Z");
    let backups = place.ended(&mut daemon, 2, BackupState::Complete);
    assert_eq!(
        backups[1].schedule.map(|schedule| schedule.1),
        Some(at("2026-03-09T02:00:00Z"))
    );
    daemon.terminate();
    let mut history = place.history();
    // The first archive is a week old by then.
    history.retain(|what| what != "expired");
    assert_eq!(
        history,
        [
            "scheduled",
            "backup_started",
            "suspended",
            "resumed",
            "data_ready",
            "backup_started",
            "data_ready"
        ]
    );
}
