//! Processes that end in the middle of things.

use std::fs::File;

use super::*;
use crate::progress::Event;

#[test]
fn an_archive_that_was_published_is_taken_up() {
    let home = Home::new();
    home.dies(Script::DiesBehind(false), |home| drop(home.full()));
    assert_eq!(home.backup(1).state, BackupState::Running);
    // It takes until somebody looks; the archive is as old as it is.
    home.wait(days(1));
    let said = home.service.settle(&CancellationToken::new()).unwrap();
    assert!(said[0].contains("is taken up"), "{said:?}");
    let backup = home.backup(1);
    let archive = backup.archive.unwrap();
    assert_eq!((backup.state, archive.records), (BackupState::Complete, 3));
    assert_eq!(archive.expires, Some(time("2031-03-19T07:00:00Z")));
    assert_eq!(home.archives(), [archive.file]);
    assert_eq!(home.history(), ["backup_started", "data_ready"]);
    assert_eq!(home.told("aiko@example.com").len(), 1);
    let to = home.folder.path().join("out.zip");
    let cancel = CancellationToken::new();
    home.service.download(1, &to, &machine(), &Silent, &cancel).unwrap();
    assert!(matches!(refusal(home.full()), Refusal::FullTooSoon { .. }), "it counts");
    assert!(home.service.settle(&cancel).unwrap().is_empty(), "once");
}

#[test]
fn the_next_backup_takes_it_up_too() {
    let home = Home::with("[limits]\nfull_every = \"0s\"\n");
    home.dies(Script::DiesBehind(false), |home| drop(home.full()));
    // In the very same second, so that both archives have the same stem.
    assert_eq!(home.full().unwrap().id, 2);
    let states: Vec<_> = [1, 2].map(|id| home.backup(id).state).to_vec();
    assert_eq!(states, [BackupState::Complete; 2]);
    let files: Vec<_> = [1, 2].map(|id| home.backup(id).archive.unwrap().file).to_vec();
    assert_eq!(
        files,
        ["main-full-20310312T070000Z.zip", "main-full-20310312T070000Z-2.zip"]
    );
}

#[test]
fn without_an_archive_it_is_suspended_and_another_one_is_refused() {
    let home = Home::new();
    home.dies(Script::Dies, |home| drop(home.full()));
    assert!(matches!(refusal(home.full()), Refusal::Suspended { backup: 1, .. }));
    let first = home.backup(1);
    assert_eq!(
        (first.state, first.suspended),
        (BackupState::Suspended, Some(home.now()))
    );
    let reason = first.reason.unwrap();
    assert!(reason.starts_with("its process ended without a word"), "{reason}");
    assert_eq!(home.history(), ["backup_started", "suspended", "refused: suspended"]);
    assert_eq!(home.told("aiko@example.com"), [], "nobody can mend it");
}

#[test]
fn an_archive_elsewhere_is_found_there() {
    let home = Home::new();
    let out = home.folder.path().join("elsewhere");
    let wish = Wish {
        out: Some(out.clone()),
        ..full()
    };
    home.dies(Script::DiesBehind(false), |home| drop(home.back_up(&wish)));
    home.service.settle(&CancellationToken::new()).unwrap();
    let archive = home.backup(1).archive.unwrap();
    assert_eq!(Path::new(&archive.file), out.join("main-full-20310312T070000Z.zip"));
    assert_eq!(archive.expires, None);
}

#[test]
fn an_archive_that_the_disk_did_not_keep_is_not_called_ready() {
    let home = Home::new();
    home.dies(Script::DiesBehind(false), |home| drop(home.full()));
    let file = home.service.folder().join(&home.archives()[0]);
    let mut bytes = fs::read(&file).unwrap();
    // In the rows, so that the manifest can still be read.
    bytes[60] ^= 1;
    fs::write(&file, bytes).unwrap();
    home.service.settle(&CancellationToken::new()).unwrap();
    let backup = home.backup(1);
    let reason = backup.reason.unwrap();
    assert_eq!((backup.state, backup.archive), (BackupState::Failed, None));
    assert!(reason.contains("is damaged") && reason.contains(".zip"), "{reason}");
    assert!(file.exists(), "whoever can may still make something of it");
}

#[test]
fn the_slot_of_a_schedule_follows_what_became_of_its_run() {
    for (script, due) in [(Script::Dies, 1), (Script::DiesBehind(false), 0)] {
        let home = Home::new();
        let schedule = crate::schedule::Declared {
            every: crate::schedule::read_every("weekly", "fri").unwrap(),
            at: crate::schedule::read_at("02:00").unwrap(),
            zone: crate::schedule::read_zone("UTC").unwrap(),
            from: None,
            until: crate::schedule::read_date("2031-12-31").unwrap(),
            make_up: true,
        };
        let schedule = schedule.starting(home.now());
        home.service.set_schedule("main", &schedule, &machine()).unwrap();
        home.set(time("2031-03-14T02:00:01Z"));
        let slot = home.service.due().unwrap();
        home.dies(script, |home| {
            home.run(&slot[0]);
        });
        home.service.settle(&CancellationToken::new()).unwrap();
        assert_eq!(home.service.due().unwrap().len(), due);
        if due == 0 {
            // What it was to read up to was written down at its start.
            assert_eq!(home.backup(1).until, Some(time("2031-03-14T01:55:01Z")));
            home.set(time("2031-03-21T02:00:00Z"));
            let slot = home.service.due().unwrap();
            home.run(&slot[0]);
            assert_eq!(home.last_range().unwrap().from, time("2031-03-14T01:55:01Z"));
        }
    }
}

/// Cancels what waits.
struct Impatient(CancellationToken);

impl Progress for Impatient {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::Waiting { .. }) {
            self.0.cancel();
        }
    }
}

#[test]
fn a_process_that_outlives_its_lock_is_waited_for() {
    let home = Home::new();
    home.dies(Script::Dies, |home| drop(home.full()));
    // Its spool folder is still held, as by the child of a daemon that was killed.
    let spool = home
        .service
        .folder()
        .join(".deskvault-main-full-20310312T070000Z.spool");
    let owner = serde_json::json!({
        "pid": 1, "host": "here", "since": "2031-03-12T07:00:00Z", "backup": "main 1, 2031-03-12T07:00:00Z",
    });
    fs::write(spool.join("owner"), owner.to_string()).unwrap();
    let held = File::open(spool.join("owner")).unwrap();
    held.try_lock().unwrap();
    let Refusal::Busy { running } = refusal(home.full()) else {
        panic!("not busy")
    };
    assert_eq!(running, "main 1, 2031-03-12T07:00:00Z");
    let cancel = CancellationToken::new();
    let patient = Wish { wait: true, ..full() };
    let impatient = Impatient(cancel.clone());
    let waited = home
        .service
        .backup(&patient, &machine(), &home.runner, &impatient, &cancel);
    assert!(matches!(waited, Err(ServiceError::Cancelled)), "{waited:?}");
    assert_eq!(home.backup(1).state, BackupState::Running);
    drop(held);
    assert!(matches!(refusal(home.full()), Refusal::Suspended { .. }));
    assert_eq!(home.backup(1).state, BackupState::Suspended);
}

#[test]
fn a_file_that_is_gone_is_told_of() {
    let home = Home::new();
    home.full().unwrap();
    fs::remove_file(home.service.folder().join(&home.archives()[0])).unwrap();
    let said = home.service.settle(&CancellationToken::new()).unwrap();
    assert_eq!(said, ["the archive of backup 1 is gone"]);
    assert_eq!(home.history()[2..], ["missing"]);
    assert!(home.service.list(None, false, &machine()).unwrap().is_empty());
}

#[test]
fn an_archive_elsewhere_may_only_be_unmounted() {
    let home = Home::new();
    let out = home.folder.path().join("elsewhere");
    let wish = Wish {
        out: Some(out.clone()),
        ..full()
    };
    home.back_up(&wish).unwrap();
    let away = home.folder.path().join("away");
    fs::rename(&out, &away).unwrap();
    assert!(home.service.settle(&CancellationToken::new()).unwrap().is_empty());
    fs::rename(&away, &out).unwrap();
    let to = home.folder.path().join("out.zip");
    home.service
        .download(1, &to, &machine(), &Silent, &CancellationToken::new())
        .unwrap();
}

#[test]
fn the_history_says_which_table_stopped_where_also_of_one_that_is_taken_up() {
    let home = Home::new();
    home.dies(Script::DiesBehind(true), |home| drop(home.full()));
    home.service.settle(&CancellationToken::new()).unwrap();
    assert_eq!(home.backup(1).state, BackupState::LimitReached);
    let mut stops = Vec::new();
    let mut take = |entry: crate::history::Entry| {
        if let Happening::LimitReached { stopped, .. } = entry.what {
            stops.extend(stopped);
        }
        std::ops::ControlFlow::Continue(())
    };
    home.service.history(&Filter::default(), &machine(), &mut take).unwrap();
    assert_eq!(stops, [("Tickets".to_owned(), 3)]);
}

#[test]
fn an_end_that_the_store_does_not_take_is_made_up_for() {
    for script in [Script::Complete, Script::Fails(failed())] {
        let home = Home::new();
        let made = !matches!(script, Script::Fails(_));
        home.next_is(script);
        // As a disk without room does: nothing more can be entered.
        let vandal = rusqlite::Connection::open(home.service.store().file()).unwrap();
        let vandal = Mutex::new(vandal);
        let set = |entries: u64| {
            let sql = "UPDATE history_seal SET entries = $1";
            vandal.lock().unwrap().execute(sql, [entries.cast_signed()]).unwrap();
        };
        let runner = Meanwhile {
            fake: &home.runner,
            then: || set(7),
        };
        let cancel = CancellationToken::new();
        let ended = home.service.backup(&full(), &machine(), &runner, &Silent, &cancel);
        assert_eq!(matches!(ended, Err(ServiceError::NotEntered { .. })), made, "{ended:?}");
        assert!(ended.is_err());
        assert_eq!(home.backup(1).state, BackupState::Running);
        assert!(home.service.settle(&cancel).is_err(), "still not");
        assert_eq!(home.told("aiko@example.com"), []);
        set(1);
        home.service.settle(&cancel).unwrap();
        let expected = if made {
            BackupState::Complete
        } else {
            BackupState::Suspended
        };
        assert_eq!(home.backup(1).state, expected);
        assert_eq!(home.told("aiko@example.com").len(), usize::from(made));
        let whole = home.service.store().read(|view| view.verify_history(None, &mut |_| {}));
        assert!(whole.unwrap().is_whole());
    }
}

#[test]
fn a_clock_that_goes_back_in_mid_backup_ends_it_all_the_same() {
    let home = Home::new();
    let runner = Meanwhile {
        fake: &home.runner,
        then: || home.set(time("2031-03-01T00:00:00Z")),
    };
    let cancel = CancellationToken::new();
    let done = home
        .service
        .backup(&full(), &machine(), &runner, &Silent, &cancel)
        .unwrap();
    assert_eq!(done.state, BackupState::Complete);
    assert!(matches!(refusal(home.full()), Refusal::FullTooSoon { .. }));
}

#[test]
fn a_long_reason_in_any_script_is_kept_whole() {
    let home = Home::new();
    let message = "机が応答しません。".repeat(400_000);
    home.next_is(Script::Fails(RunError::Failed {
        message: message.clone(),
    }));
    assert!(home.full().is_err());
    assert_eq!(home.backup(1).reason.as_deref(), Some(message.as_str()));
    assert_eq!(home.history()[1], format!("failed 1: {message}"));
    let whole = home.service.store().read(|view| view.verify_history(None, &mut |_| {}));
    assert!(whole.unwrap().is_whole());
}
