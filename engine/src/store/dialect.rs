//! Everything that is `SQLite`'s own: how the file is opened, how a transaction begins, what its errors mean.
//!
//! All other SQL of the store is what `SQLite` and `PostgreSQL` have in common: `BIGINT` and `TEXT`, parameters `$1`, `$2` in
//! the order in which they first occur, `RETURNING`, `ON CONFLICT`, partial indexes. A test looks for words that only `SQLite` has, and
//! prepares every statement. For `PostgreSQL` this file is to be written again:
//!
//! | here | there |
//! |---|---|
//! | the file, its mode, WAL, `synchronous`, `foreign_keys` | a connection string; nothing else |
//! | `BEGIN IMMEDIATE`: one writer at a time | `BEGIN`; what must not be done twice locks its row first: each number and the history's seal are taken by an `UPDATE` before anything else is read |
//! | `PRAGMA data_version` | `LISTEN`, or a counter of changes |
//! | the list of tables in `sqlite_master` | the one in `information_schema` |
//! | result codes | SQLSTATE |

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};
use rustix::fs::{Access, access, statvfs};
use rustix::io::Errno;

use super::StoreError;

/// How long another process may write before this one gives up.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// Opens the database; an empty one where there is none, readable by its owner alone.
pub(super) fn open(file: &Path) -> Result<Connection, StoreError> {
    make(file).map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { file: file.to_owned() }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { file: file.to_owned() },
        _ if is_out_of_files(&source) => StoreError::NoFiles { file: file.to_owned() },
        _ => StoreError::Open {
            file: file.to_owned(),
            source,
        },
    })?;
    if !file.is_file() {
        return Err(StoreError::NoDatabase {
            file: file.to_owned(),
            what: "",
        });
    }
    prepare(file)
        .map_err(|error| translate(file, error, PATIENCE))?
        .ok_or_else(|| StoreError::FileSystem { file: file.to_owned() })
}

/// Makes an empty file where there is none: SQLite would make it readable by all. What it puts beside it gets the same mode.
///
/// One that is there is never opened here. Its locks are the process's: to close it would free those of every connection
/// to it, and another process, which then takes itself for the only one, would remove the log under them.
fn make(file: &Path) -> io::Result<()> {
    let made = match file.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
        }
        found => {
            let found = found?;
            if found.is_file() && found.permissions().mode() & 0o077 != 0 {
                fs::set_permissions(file, Permissions::from_mode(0o600))?;
            }
            // SQLite would read it all the same, and fail only later.
            return Ok(access(file, Access::READ_OK | Access::WRITE_OK)?);
        }
    };
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_dangling(file) => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "it is a symbolic link, and what it leads to is not there",
        )),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Whether a symbolic link leads to nothing.
fn is_dangling(file: &Path) -> bool {
    file.is_symlink() && !file.exists()
}

/// The connection, set up; none where there can be no write-ahead log.
fn prepare(file: &Path) -> rusqlite::Result<Option<Connection>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // What is in the file is not trusted: neither triggers nor views of others run, and the schema stays as it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    if !with_log(&connection)? {
        return Ok(None);
    }
    // A transaction that is reported as done survives a power cut as well.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(Some(connection))
}

/// Turns the write-ahead log on. The busy timeout does not hold for that step, where several processes make one database.
fn with_log(connection: &Connection) -> rusqlite::Result<bool> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Err(error) if is_busy(&error) && begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(2)),
            mode => return Ok(mode?.eq_ignore_ascii_case("wal")),
        }
    }
}

/// A transaction that may write: no other one may, in any process, until it ends.
pub(super) fn begin_write(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

/// A transaction that reads what was there when it began to.
pub(super) fn begin_read(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
    Transaction::new_unchecked(connection, TransactionBehavior::Deferred)
}

/// A number that moves when another connection has written.
pub(super) fn changes(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// Whether there is a table of this name (`Some`), or any table at all.
pub(super) fn has_table(connection: &Connection, name: Option<&str>) -> rusqlite::Result<bool> {
    let found: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND ($1 IS NULL OR name = $1)",
        [name],
        |row| row.get(0),
    )?;
    Ok(found > 0)
}

/// Whether a statement failed because such a row is there already, or because what it points to is not there.
pub(super) fn is_conflict(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// What an error of `SQLite` means for people.
pub(super) fn translate(file: &Path, error: rusqlite::Error, patience: Duration) -> StoreError {
    let file = file.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NoDatabase { file, what: "" },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged {
            file,
            why: error.to_string(),
        },
        Some(ErrorCode::CannotOpen) => unopened(file),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { file },
        Some(ErrorCode::DiskFull) => StoreError::Full { file },
        // The memory that processes share lies beside the database, and is what a full disk refuses first.
        _ if error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) => StoreError::Full { file },
        _ if is_busy(&error) => StoreError::Busy {
            file,
            seconds: patience.as_secs(),
        },
        _ => StoreError::Sql { file, source: error },
    }
}

/// Why `SQLite` cannot open the database, or what lies beside it: it keeps the system's reason to itself.
fn unopened(file: PathBuf) -> StoreError {
    // As many at once as a connection needs: the database, its log, the memory that processes share, the folder.
    let mut held = Vec::new();
    for _ in 0..4 {
        match File::open("/dev/null") {
            Ok(one) => held.push(one),
            Err(error) if is_out_of_files(&error) => return StoreError::NoFiles { file },
            Err(_) => break,
        }
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    let may_write = access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    // No block, or none left of what every new file takes one of.
    let is_full = statvfs(folder).is_ok_and(|disk| disk.f_bavail == 0 || disk.f_files > 0 && disk.f_favail == 0);
    if may_write && is_full {
        return StoreError::Full { file };
    }
    StoreError::ReadOnly { file }
}

fn is_out_of_files(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;
    use std::time::Duration;

    use rusqlite::ffi;

    use super::translate;

    #[test]
    fn a_full_disk_is_called_one_whatever_it_refuses_first() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let text = translate(Path::new("deskvault.db"), error, Duration::ZERO).to_string();
            assert_eq!(
                text, "no room is left on the disk for deskvault.db: make room",
                "{code}"
            );
        }
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_READ), None);
        let text = translate(Path::new("deskvault.db"), error, Duration::ZERO).to_string();
        assert_eq!(text, "deskvault.db");
    }

    /// Whether this process has a lock of the database itself: without one another process may take the log away.
    fn is_locked(file: &Path) -> bool {
        let inode = format!(":{} ", file.metadata().unwrap().ino());
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let pid = format!(" {} ", std::process::id());
        locks
            .lines()
            .any(|line| line.contains("POSIX") && line.contains(&inode) && line.contains(&pid))
    }

    #[test]
    fn opening_it_once_more_frees_no_lock_of_those_that_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deskvault.db");
        let first = super::open(&file).unwrap();
        first.execute_batch("CREATE TABLE t (a BIGINT)").unwrap();
        assert!(is_locked(&file));
        let second = super::open(&file).unwrap();
        assert!(is_locked(&file), "the second freed the lock of the first");
        drop(second);
        assert!(is_locked(&file));
        drop(first);
        assert!(!is_locked(&file));
    }
}
