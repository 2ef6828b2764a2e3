//! SIGTERM in the middle of a backup.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use deskvault_tests::bad_plugin;
use engine::store::BackupState;

use crate::harness::{Place, SLOT, at, lives, stop, wait};

/// What `[daemon] grace` is by default.
const GRACE: Duration = Duration::from_secs(30);

#[test]
fn a_backup_is_stopped_and_gone_on_with_at_the_next_start() {
    let place = Place::silent();
    let mut daemon = place.start_at_the_slot();
    let process = place.under_way(&mut daemon);
    assert_eq!(place.spools().len(), 1);
    let started = Instant::now();
    let status = stop(&mut daemon);
    assert_eq!(status.code(), Some(0));
    assert!(started.elapsed() < GRACE, "{:?}", started.elapsed());
    assert!(!lives(process) && place.spools().len() == 1, "{:?}", place.spools());
    assert_eq!(place.history(), ["scheduled", "backup_started", "suspended"]);

    place.speak(true);
    let mut daemon = place.start();
    let backups = place.ended(&mut daemon, 1, BackupState::Complete);
    assert_eq!(backups[0].schedule.map(|schedule| schedule.1), Some(at(SLOT)));
    daemon.terminate();
    assert_eq!(place.history()[3..], ["resumed", "data_ready"]);
    assert!(place.spools().is_empty(), "{:?}", place.spools());
}

/// A place with a plugin that goes its own way and never comes back, under way.
fn stuck(grace: &str) -> Place {
    let place = Place::silent();
    fs::copy(
        bad_plugin("bad_never_returns"),
        place.home.path().join("plugins/libdeskvault_never.so"),
    )
    .expect("a plugin");
    place.configure("02:00", &format!("[daemon]\ngrace = \"{grace}\"\n"));
    let text = fs::read_to_string(place.home.configuration()).expect("the file");
    fs::write(
        place.home.configuration(),
        text.replace("\"frozen\"", "\"never-returns\""),
    )
    .expect("the file");
    place
}

#[test]
fn one_that_does_not_end_in_time_is_cut_off() {
    let place = stuck("1s");
    let mut daemon = place.start_at_the_slot();
    daemon.wait("a backup", || (place.history().len() == 2).then_some(()));
    // The plugin is in its export, from which it does not come back: its table is open.
    daemon.wait("its parts", || place.has_part("Things").then_some(()));
    let status = stop(&mut daemon);
    let log = place.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(
        log.contains("backups did not end in time and were cut off: help"),
        "{log}"
    );
    assert_eq!(place.history(), ["scheduled", "backup_started", "suspended"]);
    // Nobody wants to go on with it: it is given up, and another one takes its place.
    place.configure("02:00", "");
    place.speak(true);
    place.home.run(&["backup"], 5);
    place.home.run(&["backup", "--anew", "--quiet"], 0);
    assert!(place.spools().is_empty(), "{:?}", place.spools());
    assert_eq!(
        place.history()[3..],
        ["refused", "stopped", "backup_started", "data_ready"]
    );
}

#[test]
fn a_second_signal_ends_at_once() {
    let place = stuck("1h");
    let mut daemon = place.start_at_the_slot();
    daemon.wait("its parts", || place.has_part("Things").then_some(()));
    let (pid, process) = (daemon.pid(), Place::process(&mut daemon));
    daemon.signal("TERM");
    daemon.wait("it stops", || (place.told("the daemon stops") > 0).then_some(()));
    assert_eq!(stop(&mut daemon).code(), Some(130));
    assert!(!lives(pid));
    wait("the end of the backup's process", || !lives(process));
    assert_eq!(place.spools().len(), 1, "it can be gone on with");
}

#[test]
fn a_receiver_that_never_answers_holds_up_no_stop_and_is_told_later() {
    let place = Place::new();
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port");
    receiver.set_nonblocking(true).expect("a listener that can be asked");
    let address = receiver.local_addr().expect("an address");
    place.configure("02:00", &format!("[[webhook]]\nurl = \"http://{address}/hunter2\"\n"));
    let mut daemon = place.start_at_the_slot();
    let accepted = || receiver.accept().ok().map(|(stream, _)| stream);
    // Held open: it hears all and says nothing.
    let silent = daemon.wait("a request", accepted);
    place.ended(&mut daemon, 1, BackupState::Complete);
    let started = Instant::now();
    daemon.terminate();
    assert!(started.elapsed() < GRACE, "{:?}", started.elapsed());
    assert!(place.log().contains("it is tried again at"), "{}", place.log());
    assert!(
        !place.log().contains("hunter2"),
        "a part of the URL is a secret: {}",
        place.log()
    );

    place.at("2026-03-02T03:00:00Z");
    let mut daemon = place.start();
    let again = daemon.wait("the same again", accepted);
    daemon.terminate();
    drop((silent, again));
}
