//! A database that somebody else has written into: every wrong value gives an error that names it, and no panic.

use std::ops::ControlFlow;

use plugin_api::{Kind, Range, Timestamp};

use super::{Home, at, end, new};
use crate::history::Filter;
use crate::store::{BackupState, NewBackup, StoreError, View};

fn full_home() -> Home {
    let home = Home::new();
    home.write(|tx| {
        let schedule = tx.add_schedule("main", &super::others::schedule(), at(0), "山田")?;
        let id = tx.add_backup(&NewBackup {
            range: Some(Range { from: at(0), to: at(1) }),
            schedule: Some((schedule, at(2))),
            until: Some(at(1)),
            ..new(Kind::Full, at(2))
        })?;
        let mut end = end(BackupState::Complete, at(3));
        if let Some(archive) = &mut end.archive {
            archive.expires = Some(at(4));
        }
        tx.end_backup(id, &end)?;
        tx.add_token("山田", "cron", "abc", at(0), at(1))?;
        tx.add_notice("mail", "{}", at(0))?;
        tx.append(&super::entry(1))?;
        tx.set_fact("a", "1")
    });
    home
}

/// Everything that can be read.
fn read_all(view: &View<'_>) -> Result<(), StoreError> {
    view.backup(1)?;
    view.backups(None, true)?;
    view.running("main")?;
    view.last_full("main")?;
    view.last_until(1)?;
    view.last_size("main", Kind::Full)?;
    view.expired(at(100))?;
    view.next_expiry()?;
    view.schedule("main")?;
    view.schedules()?;
    view.last_schedule("main")?;
    view.declared("main")?;
    view.tokens()?;
    view.token_by_hash("abc")?;
    view.next_notice()?;
    view.fact("a")?;
    view.history(&Filter::default(), &mut |_| ControlFlow::Continue(()))
}

#[test]
fn every_wrong_value_is_named() {
    for (table, column, value, place, says) in [
        ("backups", "state", "'flying'", "backup 1", "is not known"),
        ("backups", "state", "1", "backup 1", "is not known"),
        ("backups", "state", "x'ff00'", "backup 1", "is not text"),
        ("backups", "kind", "'FULL'", "backup 1", "is not known"),
        ("backups", "removal", "'eaten'", "backup 1", "is not known"),
        ("backups", "removed", "5", "backup 1", "lacks its other half"),
        ("backups", "id", "-1", "backup -1", "is negative"),
        ("backups", "archive_bytes", "-1", "backup 1", "is negative"),
        ("backups", "archive_bytes", "NULL", "backup 1", "is missing"),
        ("backups", "archive_bytes", "1.5", "backup 1", "is not a whole number"),
        (
            "backups",
            "archive_records",
            "'many'",
            "backup 1",
            "is not a whole number",
        ),
        ("backups", "archive_sha256", "NULL", "backup 1", "is missing"),
        (
            "backups",
            "archive_expires",
            "9223372036854775807",
            "backup 1",
            "is no time",
        ),
        ("backups", "started", "'yesterday'", "backup 1", "is not a whole number"),
        ("backups", "started", "-9223372036854775808", "backup 1", "is no time"),
        ("backups", "range_to", "NULL", "backup 1", "lacks its other half"),
        ("backups", "slot", "NULL", "backup 1", "lacks its other half"),
        ("backups", "schedule_id", "-4", "backup 1", "is negative"),
        ("backups", "desk", "CAST(x'6dff' AS TEXT)", "backup 1", "is not UTF-8"),
        ("schedules", "schedule", "'{'", "schedule 1", "cannot be read"),
        ("schedules", "schedule", "'{}'", "schedule 1", "cannot be read"),
        ("schedules", "state", "'Active'", "schedule 1", "is not known"),
        (
            "schedules",
            "last_slot",
            "9000000000000000000",
            "schedule 1",
            "is no time",
        ),
        ("schedules", "made", "1e300", "schedule 1", "is not a whole number"),
        ("tokens", "expires", "'never'", "token 1", "is not a whole number"),
        ("tokens", "person", "x'00'", "token 1", "is not text"),
        ("outbox", "due", "'soon'", "notice", "is not a whole number"),
        (
            "history",
            "what",
            "'{\"kind\":\"eaten\"}'",
            "history entry 1",
            "cannot be read",
        ),
        ("history", "what", "'null'", "history entry 1", "cannot be read"),
        (
            "history",
            "happened",
            "9000000000000000000",
            "history entry 1",
            "is no time",
        ),
        ("history", "number", "-1", "history entry -1", "is negative"),
        ("history", "number", "'one'", "history entry", "is not a whole number"),
        ("history", "hash", "'abc'", "history entry 1", "is no SHA-256"),
        ("history", "previous", "upper(hash)", "history entry 1", "is no SHA-256"),
        ("facts", "content", "5.5e0", "", ""),
        ("facts", "content", "x'00'", "fact", "is not text"),
    ] {
        let home = full_home();
        assert!(home.store.read(read_all).is_ok());
        let changed = home
            .vandal()
            .execute(&format!("UPDATE {table} SET {column} = {value}"), [])
            .unwrap();
        assert_eq!(changed, 1, "{table}");
        let read = home.store.read(read_all);
        if says.is_empty() {
            assert!(
                read.is_ok(),
                "{table}.{column} = {value}: text is what the column makes of it"
            );
            continue;
        }
        match read {
            Err(StoreError::Value { place: found, why, .. }) => {
                assert_eq!(found, place, "{table}.{column} = {value}");
                assert!(why.contains(says), "{table}.{column} = {value}: {why}");
            }
            other => panic!("{table}.{column} = {value}: {other:?}"),
        }
    }
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let home = Home::new();
    let far = Timestamp::from_micros(i64::MAX);
    let mut huge = end(BackupState::Complete, at(1));
    if let Some(archive) = &mut huge.archive {
        archive.bytes = u64::MAX;
    }
    let mut linked = super::entry(1);
    linked.what = crate::history::Happening::LinkMade { backup: 1, until: far };
    let mut late = super::entry(1);
    late.at = far;
    let id = home.write(|tx| tx.add_backup(&new(Kind::Full, at(0))));
    let results = [
        home.store.write(|tx| tx.add_backup(&new(Kind::Full, far)).map(drop)),
        home.store.write(|tx| tx.end_backup(id, &huge)),
        home.store.write(|tx| tx.append(&linked).map(drop)),
        home.store.write(|tx| tx.append(&late).map(drop)),
        home.store.write(|tx| tx.add_notice("mail", "{}", far).map(drop)),
        home.store.write(|tx| tx.add_token("a", "", "h", at(0), far).map(drop)),
    ];
    for (number, result) in results.into_iter().enumerate() {
        assert!(
            matches!(result, Err(StoreError::Unwritable { .. })),
            "{number}: {result:?}"
        );
    }
    assert_eq!(super::history(&home.store), []);
}

#[test]
fn numbers_that_are_missing_are_told() {
    let home = Home::new();
    home.vandal().execute("DELETE FROM numbers", []).unwrap();
    let error = home
        .store
        .write(|tx| tx.add_backup(&new(Kind::Full, at(0))))
        .unwrap_err();
    assert!(error.to_string().contains("numbers: `backup` is missing"), "{error}");
}

#[test]
fn what_others_put_into_the_schema_does_not_run() {
    let home = full_home();
    home.vandal()
        .execute_batch("CREATE TRIGGER eat AFTER INSERT ON history BEGIN DELETE FROM history; END;")
        .unwrap();
    home.write(|tx| tx.append(&super::entry(2)));
    assert_eq!(super::history(&home.store).len(), 2);
}
