//! What the service manager hears.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use engine::store::BackupState;

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
