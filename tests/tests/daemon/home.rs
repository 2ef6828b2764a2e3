//! What is wrong at home is named, with what to do; a backup that it ends leaves nothing that looks whole.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::harness::{Place, wait};

fn archives(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "zip"))
        .count()
}

#[track_caller]
fn refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it is no success: {said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

#[test]
fn a_file_where_the_folder_should_be_is_named() {
    let place = Place::new();
    fs::write(place.home.archives(), "a file").expect("a file");
    let output = place.home.command(&["backup"]).output().expect("it runs");
    refused(&output, &[&place.home.archives().display().to_string()]);
    assert_eq!(
        fs::read_to_string(place.home.archives()).expect("it is there"),
        "a file"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let place = Place::new();
    let folder = place.home.archives();
    fs::create_dir(&folder).expect("a folder");
    // Whoever may do everything may write there too, unless the file system does not let it.
    let bind = format!(
        "mount --bind '{0}' '{0}' && mount -o remount,bind,ro '{0}' || exit 77;",
        folder.display()
    );
    let mut unshared = Command::new("unshare");
    let command = place.home.command(&["backup"]);
    unshared.args(["-m", "/bin/sh", "-c", &format!("{bind} exec \"$0\" \"$@\"")]);
    unshared.arg(command.get_program()).args(command.get_args());
    unshared.current_dir(place.home.path());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => unshared.env(name, value),
            None => unshared.env_remove(name),
        };
    }
    match unshared.output() {
        Ok(output) if output.status.code() != Some(77) && output.status.code() != Some(1) || is_ours(&output) => {
            refused(&output, &[&folder.display().to_string()]);
            assert_eq!(archives(&folder), 0);
        }
        _ => eprintln!("SKIPPED: no folder can be made read-only here (mount namespaces are not allowed)"),
    }
}

/// Whether it is deskvault that speaks, and not what was to start it.
fn is_ours(output: &Output) -> bool {
    !String::from_utf8_lossy(&output.stderr).starts_with("unshare:")
}

#[test]
fn a_backup_that_was_killed_is_not_said_to_run() {
    let place = Place::silent();
    let mut backup = place.home.command(&["backup"]);
    let mut backup = backup
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    wait("a request", || place.desk.requests() > 0);
    let list = || place.home.run(&["list"], 0);
    let running = list();
    assert!(
        running.contains(" running ") && !running.contains("INTERRUPTED"),
        "{running}"
    );
    backup.kill().expect("it runs");
    backup.wait().expect("it ends");
    // However often: nothing is written by it.
    for _ in 0..2 {
        let killed = list();
        assert!(
            killed.contains(" INTERRUPTED ") && !killed.contains(" running "),
            "{killed}"
        );
        assert!(
            killed.contains("`deskvault backup --resume 1` goes on with it"),
            "{killed}"
        );
    }
    let json = place.home.run(&["list", "--json"], 0);
    assert!(json.contains("\"interrupted\":true"), "{json}");
    place.speak(true);
    place.home.run(&["backup", "--resume", "1"], 0);
    let done = list();
    assert!(done.contains(" complete ") && !done.contains("INTERRUPTED"), "{done}");
}
