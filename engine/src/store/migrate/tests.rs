use std::ops::ControlFlow;
use std::sync::Arc;

use plugin_api::{Kind, Range, Timestamp};
use rusqlite::Connection;

use super::{MIGRATIONS, migrate, migrate_by, version};
use crate::history::Filter;
use crate::key::Key;
use crate::store::{ArchiveFacts, Backup, BackupState, FILE, Place, Removal, StoreError, View, dialect};

const KNOWN: u64 = MIGRATIONS.len() as u64;

struct Base {
    _folder: tempfile::TempDir,
    connection: Connection,
    place: Place,
}

impl Base {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            file: folder.path().join(FILE),
            key: Arc::new(Key::of([1; 32])),
            patience: dialect::PATIENCE,
        };
        let connection = dialect::open(&place.file).unwrap();
        Self {
            _folder: folder,
            connection,
            place,
        }
    }

    fn version(&self) -> u64 {
        version(&self.connection, &self.place).unwrap()
    }

    fn has(&self, table: &str) -> bool {
        dialect::has_table(&self.connection, Some(table)).unwrap()
    }
}

#[test]
fn goes_from_nothing_to_the_latest_and_stays_there() {
    let base = Base::new();
    assert_eq!(base.version(), 0);
    for _ in 0..2 {
        migrate(&base.connection, &base.place).unwrap();
        assert_eq!(base.version(), KNOWN);
    }
}

#[test]
fn later_steps_find_what_is_there() {
    let base = Base::new();
    migrate(&base.connection, &base.place).unwrap();
    base.connection
        .execute("INSERT INTO facts (name, content) VALUES ('a', '1')", [])
        .unwrap();
    let mut steps = MIGRATIONS.to_vec();
    steps.push("ALTER TABLE facts ADD COLUMN more TEXT; CREATE TABLE later (id BIGINT);");
    migrate_by(&base.connection, &base.place, &steps).unwrap();
    assert_eq!((base.version(), base.has("later")), (KNOWN + 1, true));
    let view = View {
        connection: &base.connection,
        place: &base.place,
    };
    assert_eq!(view.fact("a").unwrap().as_deref(), Some("1"));
    view.history(&Filter::default(), &mut |_| ControlFlow::Break(()))
        .unwrap();
    let older = migrate(&base.connection, &base.place).unwrap_err();
    assert!(matches!(older, StoreError::Newer { .. }), "{older}");
    assert_eq!(base.version(), KNOWN + 1, "it is left as it is");
}

#[test]
fn a_step_that_fails_leaves_nothing() {
    let base = Base::new();
    let mut steps = MIGRATIONS.to_vec();
    steps.push("CREATE TABLE later (id BIGINT); INSERT INTO nowhere VALUES (1);");
    assert!(migrate_by(&base.connection, &base.place, &steps).is_err());
    assert_eq!(
        (base.version(), base.has("later"), base.has("history")),
        (KNOWN, false, true)
    );
    let Some(step) = steps.last_mut() else { panic!("a step") };
    *step = "CREATE TABLE later (id BIGINT);";
    migrate_by(&base.connection, &base.place, &steps).unwrap();
    assert_eq!((base.version(), base.has("later")), (KNOWN + 1, true));
}

#[test]
fn a_version_that_makes_no_sense_is_named() {
    for version in ["0", "-1", "'x'"] {
        let base = Base::new();
        migrate(&base.connection, &base.place).unwrap();
        base.connection
            .execute(&format!("UPDATE schema_version SET version = {version}"), [])
            .unwrap();
        let error = migrate(&base.connection, &base.place).unwrap_err();
        assert!(
            matches!(&error, StoreError::Value { field, .. } if field == "version"),
            "{version}: {error}"
        );
    }
}

#[test]
fn backups_of_the_first_version_stay_as_they_were() {
    let base = Base::new();
    migrate_by(&base.connection, &base.place, &MIGRATIONS[..1]).unwrap();
    let old = "INSERT INTO schedules (id, desk, schedule, made, made_by, state) VALUES (4, 'main', '{}', 1, 'Ann', 'stopped');
        INSERT INTO backups (id, desk, modules, kind, range_from, range_to, folder, started, schedule_id, slot, state, ended,
            reason, until, archive_file, archive_bytes, archive_sha256, archive_records, archive_expires, removed, removal)
        VALUES
            (7, 'main', '[\"a\"]', 'custom', 1, 2, '/mnt', 3, 4, 5, 'incomplete', 6, 'why', 7, 'a.zip', 8, 'ab', 9, 10, 11,
             'expired'),
            (8, 'main', '[]', 'full', NULL, NULL, NULL, 12, NULL, NULL, 'running', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
             NULL, NULL, NULL);
        UPDATE numbers SET given = 8 WHERE name = 'backup';";
    base.connection.execute_batch(old).unwrap();
    migrate(&base.connection, &base.place).unwrap();
    assert_eq!(base.version(), KNOWN);
    let view = View {
        connection: &base.connection,
        place: &base.place,
    };
    let time = Timestamp::from_micros;
    let first = Backup {
        id: 7,
        desk: "main".into(),
        modules: vec!["a".into()],
        kind: Kind::Custom,
        range: Some(Range {
            from: time(1),
            to: time(2),
        }),
        started: time(3),
        schedule: Some((4, time(5))),
        folder: Some("/mnt".into()),
        allow_partial: false,
        state: BackupState::Incomplete,
        spool: None,
        suspended: None,
        by_person: false,
        resumes: 0,
        told: false,
        ended: Some(time(6)),
        reason: Some("why".into()),
        until: Some(time(7)),
        archive: Some(ArchiveFacts {
            file: "a.zip".into(),
            bytes: 8,
            sha256: "ab".into(),
            records: 9,
            expires: Some(time(10)),
        }),
        removed: Some((time(11), Removal::Expired)),
    };
    assert_eq!(view.backup(7).unwrap(), Some(first));
    assert_eq!(view.running("main").unwrap()[0].id, 8);
    let indexes: i64 = base
        .connection
        .query_row(
            "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = 'backups_of_a_desk' AND tbl_name = 'backups'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(indexes, 1);
    let broken: i64 = base
        .connection
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(broken, 0);
    let without_schedule = "UPDATE backups SET schedule_id = 99 WHERE id = 7";
    assert!(
        base.connection.execute(without_schedule, []).is_err(),
        "it refers to schedules"
    );
}
