//! The schema, and how a database of an earlier version gets there.

use rusqlite::Connection;

use super::{Place, StoreError, View, dialect, fields};

/// Each brings the schema from the version before it to its own, which is its place in this list, from 1. What was released
/// is never changed, only added to.
const MIGRATIONS: [&str; 2] = [include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// Brings the schema up to date, each step in a transaction of its own.
pub(super) fn migrate(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    migrate_by(connection, place, &MIGRATIONS)
}

fn migrate_by(connection: &Connection, place: &Place, migrations: &[&str]) -> Result<(), StoreError> {
    let known = migrations.len() as u64;
    // Nearly always there is nothing to do, and nobody is made to wait.
    while seen(connection, place)? != known {
        let transaction = dialect::begin_write(connection).map_err(|error| place.error(error))?;
        // Another process may have been faster.
        let found = version(&transaction, place)?;
        if found > known {
            return Err(StoreError::Newer {
                file: place.file.clone(),
                found,
                known,
            });
        }
        if let Some(step) = migrations.get(found as usize) {
            apply(&transaction, place, found + 1, step)?;
        }
        transaction.commit().map_err(|error| place.error(error))?;
    }
    Ok(())
}

fn apply(transaction: &Connection, place: &Place, version: u64, step: &str) -> Result<(), StoreError> {
    let run = |sql: &str| transaction.execute_batch(sql).map_err(|error| place.error(error));
    if version == 1 {
        run("CREATE TABLE schema_version (id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL)")?;
        run("INSERT INTO schema_version (id, version) VALUES (1, 0)")?;
    }
    run(step)?;
    let view = View {
        connection: transaction,
        place,
    };
    if version == 1 {
        // From the first moment: a history without a seal is one that was tampered with.
        view.begin_history()?;
    }
    view.run(
        "UPDATE schema_version SET version = $1 WHERE id = 1",
        [fields::key(version)],
    )?;
    Ok(())
}

/// [`version`] at one moment: between two looks another process may bring the schema in.
fn seen(connection: &Connection, place: &Place) -> Result<u64, StoreError> {
    let reading = dialect::begin_read(connection).map_err(|error| place.error(error))?;
    version(&reading, place)
}

/// The version of the schema; 0 where there is none. For a transaction.
fn version(connection: &Connection, place: &Place) -> Result<u64, StoreError> {
    let has = |name| dialect::has_table(connection, name).map_err(|error| place.error(error));
    if !has(Some("schema_version"))? {
        return if has(None)? {
            let file = place.file.clone();
            Err(StoreError::NoDatabase {
                file,
                what: ", but of another program",
            })
        } else {
            Ok(0)
        };
    }
    let view = View { connection, place };
    let version = view.row("schema", "SELECT version FROM schema_version WHERE id = 1", [], |row| {
        row.number("version")
    })?;
    version.filter(|version| *version > 0).ok_or_else(|| StoreError::Value {
        file: place.file.clone(),
        place: "schema".into(),
        field: "version".into(),
        why: "is missing".into(),
    })
}

#[cfg(test)]
mod tests;
