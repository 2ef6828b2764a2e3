//! Two daemons on one data directory.

use std::fs;
use std::process::Output;

use engine::daemon::LOCK_FILE;

use crate::harness::{Place, lives, signal, wait};

#[test]
fn a_second_daemon_says_who_has_the_data_directory() {
    let place = Place::new();
    let mut daemon = place.home.daemon();
    let Output { status, stderr, .. } = place.home.command(&["daemon"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{said}");
    let (folder, pid) = (place.home.archives(), daemon.pid());
    for part in [
        format!(
            "the data directory {} is in use by another deskvault daemon",
            folder.display()
        ),
        format!("process {pid} on "),
        "since 2026-03-02 01:59:00 UTC".to_owned(),
        format!("`kill {pid}`"),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
    daemon.terminate();
}

#[test]
fn a_daemon_whose_lock_was_taken_away_suspends_and_stops() {
    let place = Place::silent();
    let mut daemon = place.start_at_the_slot();
    let process = place.under_way(&mut daemon);
    fs::remove_file(place.home.archives().join(LOCK_FILE)).expect("the lock");
    assert_eq!(daemon.ended().code(), Some(1), "{}", place.log());
    assert!(place.log().contains("was taken away"), "{}", place.log());
    assert!(!lives(process));
    let backup = place.suspended("was stopped");
    place.speak(true);
    let mut daemon = place.start();
    place.completed(&mut daemon, &backup);
    daemon.terminate();
}

#[test]
fn a_daemon_that_was_killed_locks_nobody_out() {
    let place = Place::new();
    let daemon = place.start();
    let pid = daemon.pid();
    signal(pid, "KILL");
    drop(daemon);
    wait("its end", || !lives(pid));
    place.home.daemon().terminate();
}
