use plugin_api::{Kind, Range};

use super::{Home, at, end, new};
use crate::store::{Backup, BackupState, NewBackup, Removal, StoreError};

use BackupState::{Complete, Failed, Incomplete, LimitReached, Refused, Stopped};

const STATES: [BackupState; 6] = [Complete, Incomplete, LimitReached, Failed, Stopped, Refused];

#[test]
fn comes_back_as_it_was_given() {
    let home = Home::new();
    let range = Some(Range {
        from: at(-9),
        to: at(0),
    });
    let new = NewBackup {
        range,
        folder: Some("/mnt/東京".into()),
        until: Some(at(-1)),
        allow_partial: true,
        ..new(Kind::Custom, at(1))
    };
    let id = home.write(|tx| tx.add_backup(&new));
    let started = Backup {
        id,
        desk: "main".into(),
        modules: vec!["tickets".into()],
        kind: Kind::Custom,
        range,
        started: at(1),
        schedule: None,
        folder: new.folder.clone(),
        allow_partial: true,
        state: BackupState::Running,
        spool: None,
        suspended: None,
        by_person: false,
        resumes: 0,
        told: false,
        ended: None,
        reason: None,
        until: Some(at(-1)),
        archive: None,
        removed: None,
    };
    assert_eq!(home.read(|view| view.backup(id)).as_ref(), Some(&started));
    assert_eq!(home.read(|view| view.running("main")), std::slice::from_ref(&started));
    assert_eq!(home.read(|view| view.running("other")), []);

    let mut end = end(Incomplete, at(2));
    end.reason = Some("threads: 2 records".into());
    if let Some(archive) = &mut end.archive {
        archive.expires = Some(at(100));
    }
    home.write(|tx| tx.end_backup(id, &end));
    let ended = Backup {
        state: Incomplete,
        spool: None,
        ended: Some(at(2)),
        reason: end.reason.clone(),
        archive: end.archive.clone(),
        ..started
    };
    assert_eq!(
        home.read(|view| view.backup(id)),
        Some(ended.clone()),
        "what it reads up to stays"
    );
    assert_eq!(home.read(|view| view.running("main")), []);

    home.write(|tx| tx.remove_archive(id, at(3), Removal::Deleted));
    let removed = Some((at(3), Removal::Deleted));
    assert_eq!(home.read(|view| view.backup(id)), Some(Backup { removed, ..ended }));
    assert_eq!(home.read(|view| view.backup(id + 1)), None);
    assert_eq!(home.read(|view| view.backup(u64::MAX)), None);
}

#[test]
fn every_state_comes_back() {
    let home = Home::new();
    for state in STATES {
        let id = home.write(|tx| {
            let id = tx.add_backup(&new(Kind::Full, at(0)))?;
            tx.end_backup(id, &end(state, at(1)))?;
            Ok(id)
        });
        assert_eq!(
            home.read(|view| view.backup(id)).map(|backup| backup.state),
            Some(state)
        );
    }
}

#[test]
fn a_backup_ends_once_and_an_archive_goes_once() {
    let home = Home::new();
    let id = home.write(|tx| tx.add_backup(&new(Kind::Full, at(0))));
    let conflict = |result: Result<(), StoreError>, text: &str| match result {
        Err(StoreError::Conflict(said)) => assert!(said.contains(text), "{said}"),
        other => panic!("{text}: {other:?}"),
    };
    let store = &home.store;
    conflict(
        store.write(|tx| tx.remove_archive(id, at(1), Removal::Expired)),
        "has no archive",
    );
    conflict(
        store.write(|tx| tx.end_backup(id, &end(BackupState::Running, at(1)))),
        "cannot end as Running",
    );
    let mut without = end(Complete, at(1));
    without.archive = None;
    conflict(
        store.write(|tx| tx.end_backup(id, &without)),
        "Complete without an archive",
    );
    let mut with = end(Complete, at(1));
    with.state = Failed;
    conflict(store.write(|tx| tx.end_backup(id, &with)), "Failed with an archive");

    home.write(|tx| tx.end_backup(id, &end(Complete, at(1))));
    conflict(
        store.write(|tx| tx.end_backup(id, &end(Failed, at(2)))),
        "is not running",
    );
    home.write(|tx| tx.remove_archive(id, at(3), Removal::Expired));
    conflict(
        store.write(|tx| tx.remove_archive(id, at(4), Removal::Deleted)),
        "has no archive",
    );
    conflict(
        store.write(|tx| tx.end_backup(id + 1, &end(Failed, at(2)))),
        "is not running",
    );
    let backup = home.read(|view| view.backup(id)).unwrap();
    assert_eq!(
        (backup.state, backup.removed),
        (Complete, Some((at(3), Removal::Expired)))
    );
}

#[test]
fn lists_what_there_is() {
    let home = Home::new();
    let numbers = |desk: Option<&str>, all| -> Vec<u64> {
        home.read(|view| view.backups(desk, all))
            .iter()
            .map(|backup| backup.id)
            .collect()
    };
    assert!(numbers(None, true).is_empty());
    home.write(|tx| {
        for (at_second, state) in (1_i64..).zip(STATES) {
            let id = tx.add_backup(&new(Kind::Full, at(at_second)))?;
            tx.end_backup(id, &end(state, at(at_second)))?;
        }
        tx.remove_archive(2, at(9), Removal::Missing)?;
        tx.add_backup(&new(Kind::Full, at(7)))?;
        tx.add_backup(&NewBackup {
            desk: "other".into(),
            ..new(Kind::Full, at(8))
        })
    });
    assert_eq!(numbers(None, true), [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers(None, false), [8, 7, 3, 1]);
    assert_eq!(numbers(Some("main"), false), [7, 3, 1]);
    assert_eq!(numbers(Some("other"), true), [8]);
    assert!(numbers(Some("none"), true).is_empty());
}

#[test]
fn what_closes_the_door_to_another_full_backup() {
    for (kind, state, closes) in [
        (Kind::Full, None, true),
        (Kind::Full, Some(Complete), true),
        (Kind::Full, Some(Incomplete), true),
        (Kind::Full, Some(LimitReached), true),
        (Kind::Full, Some(Failed), false),
        (Kind::Full, Some(Stopped), false),
        (Kind::Full, Some(Refused), false),
        (Kind::Custom, Some(Complete), false),
        (Kind::Incremental, Some(Complete), false),
    ] {
        let home = Home::new();
        home.write(|tx| {
            let id = tx.add_backup(&new(kind, at(5)))?;
            state.map_or(Ok(()), |state| tx.end_backup(id, &end(state, at(6))))
        });
        let last = home.read(|view| view.last_full("main"));
        assert_eq!(last, closes.then(|| at(5)), "{kind:?} {state:?}");
        assert_eq!(home.read(|view| view.last_full("other")), None);
        if state == Some(Complete) && closes {
            home.write(|tx| tx.remove_archive(1, at(7), Removal::Deleted));
            assert_eq!(
                home.read(|view| view.last_full("main")),
                Some(at(5)),
                "deleting it opens no door"
            );
        }
    }
}

#[test]
fn only_a_complete_run_moves_the_end_of_a_schedule() {
    let home = Home::new();
    let schedule = home.write(|tx| tx.add_schedule("main", &super::others::schedule(), at(0), "deskvault"));
    let other = home.write(|tx| tx.add_schedule("other", &super::others::schedule(), at(0), "deskvault"));
    let modules = ["tickets".to_owned()];
    assert_eq!(home.read(|view| view.last_until(schedule, &modules)), None);
    for (second, state, expected) in [
        (10, None, None),
        (20, Some(Incomplete), None),
        (30, Some(Complete), Some(30)),
        (40, Some(Failed), Some(30)),
        (50, Some(LimitReached), Some(30)),
        (60, Some(Stopped), Some(30)),
        (70, Some(Complete), Some(70)),
        (80, None, Some(70)),
    ] {
        home.write(|tx| {
            let id = tx.add_backup(&NewBackup {
                schedule: Some((schedule, at(second))),
                until: Some(at(second)),
                ..new(Kind::Incremental, at(second))
            })?;
            state.map_or(Ok(()), |state| tx.end_backup(id, &end(state, at(second))))
        });
        let last = home.read(|view| view.last_until(schedule, &modules));
        assert_eq!(last, expected.map(at), "{second} {state:?}");
    }
    assert_eq!(home.read(|view| view.last_until(other, &modules)), None);
}

#[test]
fn a_run_without_a_module_says_nothing_of_where_it_is_read_up_to() {
    let home = Home::new();
    let schedule = home.write(|tx| tx.add_schedule("main", &super::others::schedule(), at(0), "deskvault"));
    let names = |modules: &[&str]| modules.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (second, modules) in [
        (10, names(&["tickets", "contacts"])),
        (20, names(&["tickets", "contacts", "agents"])),
        (30, names(&["tickets"])),
    ] {
        home.write(|tx| {
            let id = tx.add_backup(&NewBackup {
                modules,
                schedule: Some((schedule, at(second))),
                until: Some(at(second)),
                ..new(Kind::Incremental, at(second))
            })?;
            tx.end_backup(id, &end(Complete, at(second)))
        });
    }
    for (modules, expected) in [
        (&["tickets"][..], Some(30)),
        (&["contacts"], Some(20)),
        (&["contacts", "tickets"], Some(20)),
        (&["agents"], Some(20)),
        (&["agents", "articles"], None),
    ] {
        let last = home.read(|view| view.last_until(schedule, &names(modules)));
        assert_eq!(last, expected.map(at), "{modules:?}");
    }
}

#[test]
fn the_size_of_the_last_archive_of_a_kind() {
    let home = Home::new();
    assert_eq!(home.read(|view| view.last_size("main", Kind::Full)), None);
    home.write(|tx| {
        for (kind, bytes) in [(Kind::Full, 100), (Kind::Full, 40), (Kind::Incremental, 7)] {
            let id = tx.add_backup(&new(kind, at(0)))?;
            let mut end = end(Complete, at(1));
            if let Some(archive) = &mut end.archive {
                archive.bytes = bytes;
            }
            tx.end_backup(id, &end)?;
        }
        let failed = tx.add_backup(&new(Kind::Full, at(3)))?;
        tx.end_backup(failed, &end(Failed, at(4)))?;
        tx.remove_archive(2, at(5), Removal::Deleted)
    });
    let size = |kind| home.read(|view| view.last_size("main", kind));
    assert_eq!(
        (size(Kind::Full), size(Kind::Incremental), size(Kind::Custom)),
        (Some(40), Some(7), None)
    );
}

#[test]
fn archives_expire_at_their_moment() {
    let home = Home::new();
    home.write(|tx| {
        for expires in [Some(at(100)), Some(at(50)), None] {
            let id = tx.add_backup(&new(Kind::Full, at(0)))?;
            let mut end = end(Complete, at(1));
            if let Some(archive) = &mut end.archive {
                archive.expires = expires;
            }
            tx.end_backup(id, &end)?;
        }
        Ok(())
    });
    let expired = |second| -> Vec<u64> {
        home.read(|view| view.expired(at(second)))
            .iter()
            .map(|backup| backup.id)
            .collect()
    };
    assert_eq!((expired(49), expired(50), expired(200)), (vec![], vec![2], vec![2, 1]));
    assert_eq!(home.read(|view| view.next_expiry()), Some(at(50)));
    home.write(|tx| tx.remove_archive(2, at(51), Removal::Expired));
    assert_eq!(expired(200), [1]);
    assert_eq!(home.read(|view| view.next_expiry()), Some(at(100)));
    home.write(|tx| tx.remove_archive(1, at(51), Removal::Deleted));
    assert_eq!(home.read(|view| view.next_expiry()), None);
}

#[test]
fn a_number_is_never_given_twice() {
    let home = Home::new();
    let first = home.write(|tx| tx.add_backup(&new(Kind::Full, at(0))));
    let second = home.write(|tx| tx.add_backup(&new(Kind::Full, at(0))));
    home.vandal().execute("DELETE FROM backups", []).unwrap();
    let third = home.write(|tx| tx.add_backup(&new(Kind::Full, at(0))));
    assert_eq!((first, second, third), (1, 2, 3));
}

#[test]
fn a_transaction_is_kept_whole_or_not_at_all() {
    let home = Home::new();
    let failed: Result<(), StoreError> = home.store.write(|tx| {
        tx.add_backup(&new(Kind::Full, at(0)))?;
        tx.append(&super::entry(1))?;
        Err(StoreError::Conflict("no".into()))
    });
    assert!(failed.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        home.store.write(|tx| -> Result<(), StoreError> {
            tx.append(&super::entry(1))?;
            panic!("in the middle")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(home.read(|view| view.backups(None, true)), []);
    assert_eq!(super::history(&home.store), []);
    home.write(|tx| tx.append(&super::entry(1)));
    assert_eq!(super::history(&home.store).len(), 1, "the store goes on");
}
