//! What the service manager hears.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Duration;

use engine::key::Key;
use engine::store::{BackupState, Store, StoreError};

use crate::harness::{Place, SLOT};

/// Hears messages until one has this line.
#[track_caller]
fn hear(socket: &UnixDatagram, line: &str) {
    let mut heard = String::new();
    let mut buffer = [0; 4096];
    for _ in 0..200 {
        let length = socket
            .recv(&mut buffer)
            .unwrap_or_else(|error| panic!("{line}: {error}: {heard}"));
        let message = String::from_utf8_lossy(&buffer[..length]);
        if message.lines().any(|said| said.starts_with(line)) {
            return;
        }
        heard.push_str(&message);
    }
    panic!("{line}: {heard}");
}

#[test]
fn the_service_manager_is_told() {
    let place = Place::new();
    let path = place.home.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_mins(1))).expect("a limit");
    let path = path.to_str().expect("a path in UTF-8");
    let mut daemon = place
        .home
        .daemon_with(&[("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "400000")]);
    hear(&socket, "STATUS=next run 2026-03-02 02:00:00 UTC");
    hear(&socket, "READY=1");
    hear(&socket, "WATCHDOG=1");
    hear(&socket, "WATCHDOG=1");
    daemon.signal("HUP");
    hear(&socket, "RELOADING=1");
    hear(&socket, "READY=1");
    place.at(SLOT);
    hear(&socket, "STATUS=backing up help since 2026-03-02 02:00:00 UTC");
    hear(&socket, "STATUS=next run 2026-03-09 02:00:00 UTC");
    place.ended(&mut daemon, 1, BackupState::Complete);
    place.configure("25:00", "");
    hear(
        &socket,
        "STATUS=the configuration in the file is refused, the old one holds (line 11); next run",
    );
    daemon.terminate();
    hear(&socket, "STOPPING=1");
}

#[test]
fn another_process_that_writes_for_long_holds_up_no_round() {
    let place = Place::new();
    let path = place.home.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let path = path.to_str().expect("a path in UTF-8");
    let mut daemon = place
        .home
        .daemon_with(&[("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "400000")]);
    hear(&socket, "READY=1");
    let folder = place.home.archives();
    let key = Key::open(&folder).expect("the key");
    let store = Store::open(&folder, Arc::new(key)).expect("the store");
    let held: Result<(), StoreError> = store.write(|_| {
        place.configure("02:00", "[limits]\nrecords = 7\n");
        hear(
            &socket,
            "STATUS=the configuration in the file is refused, the old one holds (the store fails",
        );
        // Further rounds, which try it again.
        for _ in 0..6 {
            hear(&socket, "WATCHDOG=1");
        }
        Ok(())
    });
    held.expect("nothing was written");
    // Whoever does not listen holds up the daemon in the end.
    hear(&socket, "STATUS=next run 2026-03-02 02:00:00 UTC");
    assert_eq!(
        place.told("another configuration holds: limits.records"),
        1,
        "{}",
        place.log()
    );
    assert_eq!(place.told("the configuration is refused"), 1, "{}", place.log());
    daemon.signal("TERM");
    hear(&socket, "STOPPING=1");
    assert_eq!(daemon.ended().code(), Some(0), "{}", place.log());
}
