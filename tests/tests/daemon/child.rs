//! What the process of a backup is told, and what it is not.

use std::fs;

use crate::harness::{Place, SLOT};

/// The largest configuration there may be.
const LARGEST: usize = 1 << 20;

#[test]
fn hears_the_largest_configuration_and_no_token() {
    let place = Place::silent();
    let file = place.home.configuration();
    let mut text = fs::read_to_string(&file).expect("the file");
    text.push('#');
    text.extend(std::iter::repeat_n('x', LARGEST - text.len()));
    fs::write(&file, text).expect("the file");
    let mut daemon = place
        .home
        .daemon_with(&[("DESKVAULT_TOKEN", "dvt_hunter2"), ("OTHER", "hunter3")]);
    daemon.wait("it runs", || (place.told("the daemon runs") > 0).then_some(()));
    place.at(SLOT);
    let process = place.under_way(&mut daemon);
    let read = |what: &str| fs::read_to_string(format!("/proc/{process}/{what}")).expect("a process of ours");
    let environment = read("environ");
    assert!(
        environment.contains("OTHER=hunter3") && !environment.contains("hunter2"),
        "{environment}"
    );
    assert!(!read("cmdline").contains("hunter"), "{}", read("cmdline"));
    daemon.terminate();
    let backup = place.suspended("was stopped");

    // What was silent once answers a new request.
    place.speak(true);
    let mut daemon = place.start();
    place.completed(&mut daemon, &backup);
    daemon.terminate();
    assert!(!place.log().contains("hunter"), "{}", place.log());
}
