use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::Connection;

use super::{MIGRATIONS, migrate, migrate_by, version};
use crate::history::Filter;
use crate::key::Key;
use crate::store::{FILE, Place, StoreError, View, dialect};

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
