//! Clocks that jump.

use engine::store::BackupState;

use crate::harness::{Place, at};

#[test]
fn forwards_makes_up_once_and_backwards_repeats_nothing() {
    let place = Place::new();
    let mut daemon = place.start();
    // Over the first slot and two more.
    place.at("2026-03-17T12:00:00Z");
    let backups = place.ended(&mut daemon, 1, BackupState::Complete);
    assert_eq!(
        backups[0].schedule.map(|schedule| schedule.1),
        Some(at("2026-03-16T02:00:00Z"))
    );

    place.home.clock().jump_to(at("2026-03-02T02:00:00Z"));
    // Two reloads have at least one whole round between them.
    for times in 1..=2 {
        daemon.signal("HUP");
        let again = || (place.told("nothing has changed") >= times).then_some(());
        daemon.wait("a round", again);
    }
    assert_eq!(place.home.backups(true).len(), 1);
    place.at("2026-03-23T02:00:00Z");
    let backups = place.ended(&mut daemon, 2, BackupState::Complete);
    assert_eq!(
        backups[1].schedule.map(|schedule| schedule.1),
        Some(at("2026-03-23T02:00:00Z"))
    );
    daemon.terminate();
}
