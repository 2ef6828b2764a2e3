//! Another configuration: by SIGHUP, and by another text in the file.

use std::fs;

use deskvault_tests::daemon::Daemon;
use engine::history::Happening;

use crate::harness::{Place, SLOT};

fn wait(place: &Place, daemon: &mut Daemon, words: &str, times: usize) {
    daemon.wait(words, || (place.told(words) >= times).then_some(()));
}

/// What the history says has changed, entry by entry.
fn changes(place: &Place) -> Vec<Vec<String>> {
    let changed = |what: Happening| match what {
        Happening::ConfigurationChanged { what } => Some(what),
        _ => None,
    };
    place
        .home
        .history()
        .into_iter()
        .filter_map(|entry| changed(entry.what))
        .collect()
}

#[test]
fn by_signal_a_bad_one_is_refused_and_a_good_one_holds() {
    let place = Place::new();
    let mut daemon = place.start();
    daemon.signal("HUP");
    wait(&place, &mut daemon, "nothing has changed", 1);

    place.configure("25:00", "[limits]\nrecrods = 7\n");
    daemon.signal("HUP");
    wait(
        &place,
        &mut daemon,
        "the configuration is refused, and the old one holds",
        1,
    );
    let said = place.log();
    for place in ["deskvault.toml:11:6: ", "deskvault.toml:14:1: "] {
        assert!(
            said.contains(place),
            "all that is wrong, with line and column: {place}: {said}"
        );
    }
    place.at(SLOT);
    wait(&place, &mut daemon, "the scheduled backup is complete", 1);

    place.configure("02:00", "[limits]\nrecords = 7\n");
    daemon.signal("HUP");
    wait(&place, &mut daemon, "another configuration holds: limits.records", 1);
    assert_eq!(changes(&place), [["limits.records"]]);
    assert_eq!(
        place.history().len(),
        4,
        "nothing of what was refused has held: {:?}",
        place.history()
    );
    daemon.terminate();

    // What was changed while no daemon ran is told by the next.
    place.configure("03:00", "[limits]\nrecords = 7\n");
    let mut daemon = place.start();
    assert_eq!(changes(&place).last().expect("an entry"), &["desk help: schedule.at"]);
    daemon.terminate();
    let mut daemon = place.start();
    assert_eq!(
        changes(&place).len(),
        2,
        "the same configuration is none that has changed"
    );
    daemon.terminate();
}

#[test]
fn a_file_that_changes_is_read_again() {
    let place = Place::new();
    let mut daemon = place.start();
    place.configure("03:00", "");
    wait(
        &place,
        &mut daemon,
        "another configuration holds: desk help: schedule.at",
        1,
    );
    daemon.wait("the schedule", || (place.history().len() == 4).then_some(()));
    assert_eq!(
        place.history(),
        ["scheduled", "configuration_changed", "schedule_stopped", "scheduled"]
    );

    place.configure("03:00", "[desk]\n");
    wait(&place, &mut daemon, "the configuration is refused", 1);
    let elsewhere = fs::read_to_string(place.home.configuration()).expect("the file");
    fs::write(
        place.home.configuration(),
        elsewhere
            .replace("[desk]\n", "")
            .replace("\"archives\"", "\"elsewhere\""),
    )
    .expect("the file");
    wait(&place, &mut daemon, "that needs a restart", 1);
    assert!(!place.home.path().join("elsewhere").exists());
    place.configure("03:00", "");
    wait(&place, &mut daemon, "nothing has changed", 1);
    assert_eq!(place.history().len(), 4, "nothing of what was refused holds");
    daemon.terminate();
}

#[test]
fn a_module_that_nobody_exports_is_told_of_at_once() {
    let place = Place::new();
    let mut daemon = place.start();
    let text = fs::read_to_string(place.home.configuration()).expect("the file");
    fs::write(
        place.home.configuration(),
        text.replace("[\"frozen\"]", "[\"frozen\", \"frosen\"]"),
    )
    .expect("the file");
    wait(&place, &mut daemon, "desk help: no plugin exports the module frosen", 1);
    assert_eq!(place.told("the module frozen"), 0);
    daemon.terminate();
}

#[test]
fn a_wrong_configuration_starts_no_daemon() {
    let place = Place::new();
    place.configure("25:00", "[limits]\nrecrods = 7\n");
    let output = place.home.command(&["daemon"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("2 errors") && said.contains("deskvault.toml:11:6: ") && said.contains("deskvault.toml:14:1: "),
        "{said}"
    );
    assert!(!place.home.archives().exists(), "nothing was made");
}
