//! Checkpoints and suspended backups.

use plugin_api::{Column, Kind, Table};

use super::{Home, at, end, new};
use crate::archive::{Digest, FileEntry, TableMark};
use crate::backup::{Checkpoint, End, Memory, Said};
use crate::store::{BackupState, LONGEST_RECORD, Reached, StoreError, Suspension};

fn checkpoint(module: &str, number: u64, rows: u64) -> Checkpoint {
    let part = FileEntry {
        name: "Tickets__1.csv".into(),
        rows,
        bytes: 1,
        crc32: 2,
        sha256: Digest([3; 32]),
        packed_bytes: 4,
        packed_sha256: Digest([5; 32]),
    };
    Checkpoint {
        module: module.into(),
        version: "1.2.3".into(),
        number,
        source: None,
        cursor: Some(serde_json::json!({ "from": 1.5, "票": [number] })),
        tables: vec![TableMark {
            table: Table::new("Tickets").columns([Column::new("id", "Id")]),
            parts: vec![part],
            open: None,
            desk_count: Some(9),
            desk_count_after: None,
        }],
        memory: Memory {
            bytes: 7,
            sha256: Digest([8; 32]),
        },
        said: Said::default(),
        requests: 3,
        retries: 0,
        milliseconds: 5,
        credits: 0,
        ended: Some(End::Done),
    }
}

fn suspension(second: i64) -> Suspension {
    Suspension {
        at: at(second),
        reason: "no room".into(),
        by_person: true,
        lost: false,
        told: true,
    }
}

#[test]
fn the_last_of_each_module_is_kept_until_the_backup_ends() {
    let home = Home::new();
    let id = home.write(|tx| tx.add_backup(&new(Kind::Full, at(1))));
    let other = home.write(|tx| tx.add_backup(&new(Kind::Full, at(1))));
    for (module, number, rows) in [("tickets", 1, 10), ("tickets", 2, 20), ("agents", 1, 3)] {
        home.write(|tx| tx.keep_checkpoint(id, &checkpoint(module, number, rows), at(rows as i64)));
    }
    home.write(|tx| tx.keep_checkpoint(other, &checkpoint("tickets", 1, 1), at(1)));
    let kept = home.read(|view| view.checkpoints(id));
    assert_eq!(kept, [checkpoint("agents", 1, 3), checkpoint("tickets", 2, 20)]);
    let reached = Reached {
        rows: 23,
        at: Some(at(20)),
    };
    assert_eq!(home.read(|view| view.reached(id)), reached);
    home.write(|tx| tx.end_backup(id, &end(BackupState::Complete, at(30))));
    assert_eq!(home.read(|view| view.checkpoints(id)), []);
    assert_eq!(home.read(|view| view.reached(id)), Reached::default());
    assert_eq!(home.read(|view| view.checkpoints(other)).len(), 1);
    let late = home
        .store
        .write(|tx| tx.keep_checkpoint(id, &checkpoint("tickets", 3, 1), at(31)));
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
}

#[test]
fn a_backup_is_suspended_and_runs_again() {
    let home = Home::new();
    let id = home.write(|tx| tx.add_backup(&new(Kind::Full, at(1))));
    home.write(|tx| tx.set_spool(id, ".deskvault-main.spool"));
    home.write(|tx| tx.suspend_backup(id, &suspension(2)));
    let row = home.read(|view| view.backup(id)).unwrap();
    assert_eq!((row.state, row.suspended), (BackupState::Suspended, Some(at(2))));
    assert_eq!(
        (row.by_person, row.told, row.reason.as_deref()),
        (true, true, Some("no room"))
    );
    assert_eq!(home.read(|view| view.running("main")), []);
    assert_eq!(home.read(|view| view.suspended(None)), std::slice::from_ref(&row));
    assert_eq!(home.read(|view| view.suspended(Some("other"))), []);
    assert_eq!(home.read(|view| view.backups(None, false)).len(), 1);
    assert_eq!(home.read(|view| view.last_full("main")), Some(at(1)));
    let spools = home.read(|view| view.spools());
    assert_eq!(spools, [(None, ".deskvault-main.spool".to_owned())]);
    for wrong in [
        home.store.write(|tx| tx.suspend_backup(id, &suspension(3))),
        home.store.write(|tx| tx.set_spool(id, "x")),
        home.store
            .write(|tx| tx.keep_checkpoint(id, &checkpoint("tickets", 1, 1), at(3)).map(drop)),
    ] {
        assert!(matches!(wrong, Err(StoreError::Conflict(_))), "{wrong:?}");
    }
    home.write(|tx| tx.resume_backup(id));
    let row = home.read(|view| view.backup(id)).unwrap();
    assert_eq!(
        (row.state, row.suspended, row.by_person),
        (BackupState::Running, None, false)
    );
    assert_eq!((row.resumes, row.told), (1, true));
    home.write(|tx| tx.keep_checkpoint(id, &checkpoint("tickets", 1, 1), at(4)));
    let row = home.read(|view| view.backup(id)).unwrap();
    assert_eq!((row.resumes, row.told), (0, false), "it has got further");
    for (checkpoint, left) in [
        (checkpoint("tickets", 1, 1), 1),
        (checkpoint("tickets", 3, 2), 0),
        (checkpoint("agents", 1, 0), 0),
    ] {
        home.write(|tx| {
            tx.suspend_backup(
                id,
                &Suspension {
                    lost: true,
                    ..suspension(4)
                },
            )
        });
        home.write(|tx| tx.resume_backup(id));
        let further = home.write(|tx| tx.keep_checkpoint(id, &checkpoint, at(4)));
        let row = home.read(|view| view.backup(id)).unwrap();
        assert_eq!(
            (row.resumes, row.told, further),
            (left, left > 0, left == 0),
            "{checkpoint:?}"
        );
    }
    // Another folder has nothing of it.
    home.write(|tx| tx.set_spool(id, ".deskvault-main-2.spool"));
    assert_eq!(home.read(|view| view.checkpoints(id)), []);
    home.write(|tx| tx.end_backup(id, &end(BackupState::Failed, at(5))));
    assert_eq!(home.read(|view| view.spools()), []);
}

#[test]
fn what_is_no_checkpoint_is_left_out() {
    let home = Home::new();
    let id = home.write(|tx| tx.add_backup(&new(Kind::Full, at(1))));
    for module in ["a", "b", "c", "d", "e"] {
        home.write(|tx| tx.keep_checkpoint(id, &checkpoint(module, 1, 1), at(2)));
    }
    let set = |module: &str, record: &str| {
        let sql = "UPDATE checkpoints SET record = $1 WHERE module = $2";
        home.vandal().execute(sql, [record, module]).unwrap();
    };
    let sealed = |text: &str| format!("{}{text}", Digest::of(text));
    set("a", &sealed("{}"));
    set("b", &sealed(&serde_json::to_string(&checkpoint("a", 1, 1)).unwrap()));
    let long = serde_json::to_string(&checkpoint("c", 1, 1)).unwrap();
    set("c", &sealed(&format!("{long}{}", " ".repeat(LONGEST_RECORD))));
    // A digit of the cursor, as a bad disk or a hand alters it.
    let text = serde_json::to_string(&checkpoint("e", 1, 1)).unwrap();
    set("e", &sealed(&text));
    assert_eq!(home.read(|view| view.checkpoints(id)).len(), 2);
    let altered = sealed(&text).replace(r#""from":1.5"#, r#""from":2.5"#);
    assert_ne!(altered, sealed(&text));
    set("e", &altered);
    assert_eq!(home.read(|view| view.checkpoints(id)), [checkpoint("d", 1, 1)]);
}

#[test]
fn a_record_has_a_bound_and_so_have_its_rows() {
    let home = Home::new();
    let id = home.write(|tx| tx.add_backup(&new(Kind::Full, at(1))));
    let mut large = checkpoint("a", 1, u64::MAX);
    home.write(|tx| tx.keep_checkpoint(id, &large, at(2)));
    home.write(|tx| tx.keep_checkpoint(id, &checkpoint("b", 1, u64::MAX), at(2)));
    assert_eq!(home.read(|view| view.reached(id)).rows, 1 << 51);
    large.cursor = Some("x".repeat(LONGEST_RECORD).into());
    let kept = home.store.write(|tx| tx.keep_checkpoint(id, &large, at(3)));
    assert!(matches!(kept, Err(StoreError::Unwritable { .. })), "{kept:?}");
    assert_eq!(home.read(|view| view.reached(id)).at, Some(at(2)));
}
