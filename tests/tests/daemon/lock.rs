//! Two daemons on one data directory.

use std::process::Output;

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
fn a_daemon_that_was_killed_locks_nobody_out() {
    let place = Place::new();
    let daemon = place.start();
    let pid = daemon.pid();
    signal(pid, "KILL");
    drop(daemon);
    wait("its end", || !lives(pid));
    place.home.daemon().terminate();
}
