//! The kernel shuts in a thread, so a test can send one inside.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use super::{DNS, Shut, Zone, enter, libraries_in, ports};
use crate::config::Config;

/// Does something in a zone; none where this kernel has no Landlock, which is said aloud.
fn inside<T: Send>(zone: &Zone, work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let shut_in = scope.spawn(|| match enter(zone) {
            Ok(Shut::Not) => {
                eprintln!("SKIPPED: this kernel has no Landlock");
                None
            }
            Ok(_) => Some(work()),
            Err(error) => panic!("{error}"),
        });
        shut_in.join().unwrap()
    })
}

fn denied<T>(result: io::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

#[test]
fn what_is_not_in_the_zone_is_out_of_reach() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["spool", "plugins", "other"] {
        fs::create_dir(at(name)).unwrap();
    }
    for file in [
        "deskvault.db",
        "other/a.zip",
        "plugins/lib.so",
        "plugins/secret",
        "spool/part",
    ] {
        fs::write(at(file), "text").unwrap();
    }
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let zone = Zone {
        read: libraries_in(&at("plugins")),
        list: vec![at("plugins")],
        write: vec![at("spool"), at("made"), "/dev/null".into()],
        ports: Some(BTreeSet::from([port(&open)])),
    };
    let parent = rustix::process::getppid().unwrap();
    inside(&zone, || {
        assert_eq!(fs::read_to_string(at("plugins/lib.so")).unwrap(), "text");
        assert_eq!(fs::read_dir(at("plugins")).unwrap().count(), 2);
        assert!(denied(fs::write(at("plugins/lib.so"), "other")));
        assert!(denied(fs::write(at("plugins/new.so"), "other")));
        assert!(denied(fs::read(at("plugins/secret"))));

        fs::write(at("spool/part"), "more").unwrap();
        fs::create_dir(at("spool/new")).unwrap();
        fs::rename(at("spool/part"), at("spool/whole")).unwrap();
        fs::remove_dir(at("spool/new")).unwrap();
        fs::write(at("made/budget"), "made for it").unwrap();
        fs::write("/dev/null", "gone").unwrap();

        for file in ["deskvault.db", "other/a.zip"] {
            assert!(denied(fs::read(at(file))), "{file}");
            assert!(denied(fs::write(at(file), "x")), "{file}");
            assert!(denied(fs::remove_file(at(file))), "{file}");
        }
        assert!(denied(fs::read_dir(folder.path())));
        assert!(denied(fs::read("/etc/passwd")));
        assert!(denied(fs::rename(at("spool/whole"), at("other/b.zip"))) || !at("other/b.zip").exists());
        assert!(denied(Command::new("/bin/true").status()));

        assert!(TcpStream::connect(open.local_addr().unwrap()).is_ok());
        assert!(denied(TcpStream::connect(closed.local_addr().unwrap())), "another port");
        assert!(denied(TcpListener::bind("127.0.0.1:0")), "a port of its own");
        let signalled = rustix::process::test_kill_process(parent);
        assert_eq!(signalled, Err(rustix::io::Errno::PERM), "another process");
        // What it starts is inside too.
        let at = &at;
        assert!(thread::scope(|scope| scope
            .spawn(move || denied(fs::read(at("deskvault.db"))))
            .join()
            .unwrap()));
    });
    assert!(fs::read(at("deskvault.db")).is_ok(), "others are not");
}

fn config(connection: &str) -> Config {
    let text = format!("[[desk]]\nname = \"main\"\nmodules = [\"m\"]\n[desk.connection]\n{connection}\n");
    match Config::parse("f", text.as_bytes(), Path::new("/etc/deskvault")) {
        Ok(config) => config,
        Err(problems) => panic!("{problems}"),
    }
}

#[test]
fn secrets_are_read_before_and_ports_are_those_of_the_desk() {
    let folder = tempfile::tempdir().unwrap();
    let (token, missing) = (folder.path().join("token"), folder.path().join("missing"));
    fs::write(&token, "hunter2hunter2\n").unwrap();
    let connection = |file: &Path| {
        let file = file.display();
        format!(
            "kind = \"http\"\nurl = \"https://desk.example.com:8443/api\"\nauth = \"bearer\"\ntoken_file = \"{file}\""
        )
    };
    for (file, readable) in [(&token, false), (&missing, true)] {
        let mut config = config(&connection(file));
        let mut desk = config.desks.remove(0).connection;
        let zone = Zone::of(&config, &mut desk, Path::new("/archives/spool"));
        assert_eq!(zone.read.contains(file), readable, "{}", file.display());
        assert!(zone.write.contains(&"/etc/deskvault/backups/.deskvault-credits".into()));
        assert!(!zone.write.contains(&"/etc/deskvault/backups".into()));
        assert_eq!(zone.ports, Some(BTreeSet::from([DNS, 8443])));
        let crate::connection::settings::Auth::Bearer(source) = &desk.auth else {
            panic!("another kind")
        };
        // Messages go on naming the file, and the secret is there without it.
        assert_eq!(source.to_string(), format!("the file {}", file.display()));
        fs::rename(&token, folder.path().join("away")).unwrap();
        let read = crate::connection::secret::read(source, |_| None);
        assert_eq!(read.is_err(), readable);
        fs::rename(folder.path().join("away"), &token).unwrap();
    }
    let sample = config("kind = \"sample\"").desks.remove(0);
    assert_eq!(ports(&sample.connection), None, "it listens in the process itself");
}
