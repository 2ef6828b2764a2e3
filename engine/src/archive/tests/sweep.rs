//! What a crash leaves is swept; what a living process writes is not. The other process is this test executable.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use plugin_api::Value;
use tokio_util::sync::CancellationToken;

use super::{create, finish, head, names, settings, tickets};
use crate::archive::{Owner, Sweep, Writer, sweep, sweep_ours};

const SPOOL: &str = ".deskvault-support-full-20260102T030405Z.spool";
const FOLDER: &str = "DESKVAULT_TEST_SPOOL";

/// Not a test of its own: what the other process does. It writes until its input ends, or it is killed.
#[test]
fn another_process() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let writer = create(&settings(Path::new(&folder)));
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    table.write(&[Value::Int(1), Value::Null]).unwrap();
    println!("\nit writes");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    table.close().unwrap();
    finish(writer).unwrap();
}

/// Starts the other process and waits until it has its spool folder.
fn start(folder: &Path) -> Child {
    let test = "archive::tests::sweep::another_process";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "it writes"), "it ended");
    child
}

#[test]
fn a_living_process_keeps_its_folder_and_a_dead_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path());
    for _ in 0..3 {
        let Sweep { removed, alive } = sweep(folder.path(), &BTreeSet::new()).unwrap();
        assert!(removed.is_empty());
        assert_eq!(alive.len(), 1);
        assert_eq!(alive[0].path, folder.path().join(SPOOL));
        let owner = alive[0].owner.as_ref().unwrap();
        assert_eq!((owner.pid, owner.backup.as_str()), (child.id(), "b-1"));
        assert_eq!(owner.since, head().started);
        assert!(!owner.host.is_empty());
    }
    // A backup of this process, of the same second, is none of its business.
    let own = create(&settings(folder.path()));
    assert_eq!(sweep(folder.path(), &BTreeSet::new()).unwrap().alive.len(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(folder.path().join(SPOOL).is_dir(), "a crash leaves it");
    for nobodys in [
        (|_, owner| owner.is_some_and(|owner| owner.backup != "b-1")) as fn(&str, Option<&Owner>) -> bool,
        // What was to be kept was asked for before it began.
        |name, _| name != SPOOL,
    ] {
        let swept = sweep_ours(folder.path(), &BTreeSet::new(), nobodys).unwrap();
        assert_eq!(swept.removed, [], "it may be gone on with");
    }
    let Sweep { removed, alive } = sweep(folder.path(), &BTreeSet::new()).unwrap();
    assert_eq!((removed.len(), alive.len()), (1, 1));
    assert_eq!(removed[0].path, folder.path().join(SPOOL));
    assert!(removed[0].bytes > 0, "its owner's file at least");
    assert_eq!(alive[0].owner.as_ref().map(|owner| owner.pid), Some(std::process::id()));
    drop(own);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_swept_folder_disturbs_nobody_who_ends_in_peace() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path());
    assert!(sweep(folder.path(), &BTreeSet::new()).unwrap().removed.is_empty());
    // Its input ends: it publishes.
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(names(folder.path()), ["support-full-20260102T030405Z.zip"]);
    assert_eq!(sweep(folder.path(), &BTreeSet::new()).unwrap(), Sweep::default());
}

/// Makes a spool folder without an owner whose last change was so long ago.
fn without_owner(folder: &Path, name: &str, age: Duration) {
    let spool = folder.join(name);
    fs::create_dir(&spool).unwrap();
    fs::write(spool.join("Tickets__1.csv.deflate"), "12345").unwrap();
    let then = SystemTime::now() - age;
    for path in [spool.join("Tickets__1.csv.deflate"), spool] {
        File::open(path).unwrap().set_modified(then).unwrap();
    }
}

#[test]
fn a_folder_without_an_owner_goes_when_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let minutes = Duration::from_mins;
    without_owner(folder.path(), ".deskvault-old.spool", minutes(11));
    without_owner(folder.path(), ".deskvault-young.spool", minutes(9));
    without_owner(folder.path(), ".deskvault-of-tomorrow.spool", Duration::ZERO);
    let tomorrow = SystemTime::now() + minutes(24 * 60);
    let spool = File::open(folder.path().join(".deskvault-of-tomorrow.spool")).unwrap();
    spool.set_modified(tomorrow).unwrap();
    // Old, but written to a moment ago.
    without_owner(folder.path(), ".deskvault-busy.spool", minutes(60));
    let part = folder.path().join(".deskvault-busy.spool/Tickets__1.csv.deflate");
    File::open(part).unwrap().set_modified(SystemTime::now()).unwrap();
    let Sweep { removed, alive } = sweep(folder.path(), &BTreeSet::new()).unwrap();
    assert_eq!(removed.len(), 1);
    assert_eq!(removed[0].path, folder.path().join(".deskvault-old.spool"));
    assert!(removed[0].bytes >= 5);
    assert_eq!(alive.len(), 3);
    assert!(alive.iter().all(|alive| alive.owner.is_none()));
    let left = [
        ".deskvault-busy.spool",
        ".deskvault-of-tomorrow.spool",
        ".deskvault-young.spool",
    ];
    assert_eq!(names(folder.path()), left);
}

#[test]
fn nothing_else_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let hour = Duration::from_hours(1);
    without_owner(elsewhere.path(), ".deskvault-target.spool", hour);
    // A link that is called like one; a folder with a link for its owner; files and folders that are called otherwise.
    symlink(
        elsewhere.path().join(".deskvault-target.spool"),
        folder.path().join(".deskvault-link.spool"),
    )
    .unwrap();
    without_owner(folder.path(), ".deskvault-linked-owner.spool", hour);
    fs::write(elsewhere.path().join("lockable"), "").unwrap();
    let owner = folder.path().join(".deskvault-linked-owner.spool/owner");
    symlink(elsewhere.path().join("lockable"), owner).unwrap();
    fs::write(folder.path().join(".deskvault-file.spool"), "").unwrap();
    without_owner(folder.path(), ".deskvault-main.lock", hour);
    without_owner(folder.path(), "deskvault.spool", hour);
    fs::write(folder.path().join("archive.zip"), "").unwrap();
    let before = names(folder.path());
    assert_eq!(sweep(folder.path(), &BTreeSet::new()).unwrap(), Sweep::default());
    assert_eq!(names(folder.path()), before);
    let target = names(&elsewhere.path().join(".deskvault-target.spool"));
    assert_eq!(target, ["Tickets__1.csv.deflate"]);
    assert_eq!(
        sweep(&folder.path().join("none"), &BTreeSet::new()).unwrap(),
        Sweep::default()
    );
}

#[test]
fn what_lies_in_a_dead_folder_goes_but_not_what_it_links_to() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("precious"), "kept").unwrap();
    without_owner(folder.path(), ".deskvault-old.spool", Duration::from_hours(1));
    symlink(elsewhere.path(), folder.path().join(".deskvault-old.spool/link")).unwrap();
    let spool = File::open(folder.path().join(".deskvault-old.spool")).unwrap();
    // The link itself is of now: it is still young.
    assert_eq!(sweep(folder.path(), &BTreeSet::new()).unwrap().alive.len(), 1);
    let owner = Owner {
        pid: 1,
        host: "gone".to_owned(),
        since: head().started,
        backup: "b".to_owned(),
    };
    drop(spool);
    let json = serde_json::to_vec(&owner).unwrap();
    fs::write(folder.path().join(".deskvault-old.spool/owner"), json).unwrap();
    assert_eq!(sweep(folder.path(), &BTreeSet::new()).unwrap().removed.len(), 1);
    assert_eq!(fs::read(elsewhere.path().join("precious")).unwrap(), b"kept");
}

#[test]
fn a_writer_does_not_remove_what_became_anothers() {
    let folder = tempfile::tempdir().unwrap();
    let first = create(&settings(folder.path()));
    // A person's hand, against all advice.
    fs::remove_dir_all(folder.path().join(SPOOL)).unwrap();
    let second = Writer::create(&settings(folder.path()), head(), CancellationToken::new()).unwrap();
    second.open_table("tickets", tickets()).unwrap().close().unwrap();
    drop(first);
    assert_eq!(names(folder.path()), [SPOOL]);
    assert!(
        finish(second)
            .unwrap()
            .path
            .ends_with("support-full-20260102T030405Z.zip")
    );
}
