//! One backup of a desk at a time, in whatever process. Whoever makes one holds a lock on `.deskvault-<desk>.lock` in the data
//! directory; the system lets go of it with the process, however that ends. What stands in the file says who holds it, and is
//! for people alone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plugin_api::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::error::ServiceError;

/// How often a lock that another process holds is tried again: the system can't be waited for and cancelled at once.
const AGAIN: Duration = Duration::from_millis(200);
/// How long one that does not say for which backup it is held may be held before it counts as one that is.
const SOON: Duration = Duration::from_secs(2);
/// What stands in the file is not longer.
const LONGEST: u64 = 4096;

/// What stands before and behind the desk's name in that of the file.
const BEFORE: &str = ".deskvault-";
const BEHIND: &str = ".lock";

/// Whether this is the name of a desk's lock.
pub(crate) fn is_desk_lock(name: &str) -> bool {
    name.starts_with(BEFORE) && name.ends_with(BEHIND)
}

/// The lock of a desk, held.
#[derive(Debug)]
pub(super) struct DeskLock {
    file: File,
    path: PathBuf,
}

/// Who holds it.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    backup: String,
    pid: u32,
    host: String,
    since: Timestamp,
}

/// What trying to get it gave.
#[derive(Debug)]
pub(super) enum Attempt {
    Ours(DeskLock),
    /// The backup that runs, for people.
    Held(String),
}

/// Who holds it, for people.
struct Told {
    text: String,
    /// Whether the backup is named. Otherwise it has only just begun, or somebody clears up behind a crash.
    is_named: bool,
}

impl DeskLock {
    /// Tries to get it.
    pub(super) fn attempt(folder: &Path, desk: &str) -> Result<Attempt, ServiceError> {
        Ok(match Self::try_once(folder, desk)? {
            Ok(lock) => Attempt::Ours(lock),
            Err(told) => Attempt::Held(told.text),
        })
    }

    /// Whether somebody holds it. Nothing is made or written for that; whoever tries to get it in this very moment tries again.
    pub(super) fn is_held(folder: &Path, desk: &str) -> bool {
        match File::open(folder.join(format!("{BEFORE}{desk}{BEHIND}"))) {
            Ok(file) => file.try_lock_shared().is_err(),
            // Where it cannot be known, nothing is said against it.
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    /// Tries to get it, and for a moment again while nobody says for which backup it is held: it may be none, and nobody is
    /// refused because of a backup that there isn't.
    pub(super) fn soon(folder: &Path, desk: &str, cancel: &CancellationToken) -> Result<Attempt, ServiceError> {
        let begun = Instant::now();
        loop {
            match Self::try_once(folder, desk)? {
                Ok(lock) => return Ok(Attempt::Ours(lock)),
                Err(told) if told.is_named || begun.elapsed() >= SOON => return Ok(Attempt::Held(told.text)),
                Err(_) => pause(cancel)?,
            }
        }
    }

    fn try_once(folder: &Path, desk: &str) -> Result<Result<Self, Told>, ServiceError> {
        let path = folder.join(format!("{BEFORE}{desk}{BEHIND}"));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(ServiceError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                // Whoever held it last may have had no time to.
                file.set_len(0).map_err(ServiceError::io("write", &path))?;
                Ok(Ok(Self { file, path }))
            }
            Err(TryLockError::WouldBlock) => Ok(Err(holder(&mut file, desk))),
            Err(TryLockError::Error(source)) => Err(ServiceError::io("lock", &path)(source)),
        }
    }

    /// Gets it, however long that takes; `waiting` is told for whom, at first and whenever that changes.
    pub(super) fn wait(
        folder: &Path,
        desk: &str,
        waiting: &dyn Fn(&str),
        cancel: &CancellationToken,
    ) -> Result<Self, ServiceError> {
        let mut told = None;
        loop {
            match Self::attempt(folder, desk)? {
                Attempt::Ours(lock) => return Ok(lock),
                Attempt::Held(by) => {
                    if told.as_ref() != Some(&by) {
                        waiting(&by);
                        told = Some(by);
                    }
                }
            }
            pause(cancel)?;
        }
    }

    /// Writes down for which backup it is held.
    pub(super) fn tell(&mut self, backup: &str, since: Timestamp) -> Result<(), ServiceError> {
        let holder = Holder {
            backup: backup.to_owned(),
            pid: std::process::id(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            since,
        };
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        let written = self.file.rewind().and_then(|()| self.file.write_all(&text));
        written.map_err(ServiceError::io("write", &self.path))
    }
}

impl Drop for DeskLock {
    fn drop(&mut self) {
        // What can't be cleared is cleared by whoever gets the lock next.
        drop(self.file.set_len(0));
    }
}

/// Waits a moment; a cancelled wait ends at once.
pub(super) fn pause(cancel: &CancellationToken) -> Result<(), ServiceError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|source| ServiceError::System {
        what: "the system refuses a timer",
        source: source.into(),
    })?;
    let over = runtime.block_on(async { tokio::time::timeout(AGAIN, cancel.cancelled()).await });
    over.map_or(Ok(()), |()| Err(ServiceError::Cancelled))
}

fn holder(file: &mut File, desk: &str) -> Told {
    let mut text = Vec::new();
    let read = file.take(LONGEST).read_to_end(&mut text);
    // It is written behind the lock, so that for a moment nothing or half of it is there.
    let holder = read.ok().and_then(|_| serde_json::from_slice::<Holder>(&text).ok());
    let is_named = holder.is_some();
    let text = holder.map_or_else(
        || format!("another backup of {desk}"),
        |Holder {
             backup,
             pid,
             host,
             since,
         }| {
            let text = format!(
                "{backup} (since {}, process {pid} on {host})",
                crate::quota::words(since)
            );
            crate::config::text::printable(&text)
        },
    );
    Told { text, is_named }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use plugin_api::Timestamp;
    use tokio_util::sync::CancellationToken;

    use super::{Attempt, DeskLock};
    use crate::service::ServiceError;

    fn ours(attempt: Attempt) -> DeskLock {
        match attempt {
            Attempt::Ours(lock) => lock,
            Attempt::Held(by) => panic!("{by}"),
        }
    }

    #[test]
    fn the_second_is_told_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let attempt = |desk| DeskLock::attempt(folder.path(), desk).unwrap();
        let mut lock = ours(attempt("main"));
        let by = |attempt| match attempt {
            Attempt::Held(by) => by,
            Attempt::Ours(_) => panic!("two have it"),
        };
        assert_eq!(by(attempt("main")), "another backup of main");
        lock.tell("backup 7", Timestamp::parse("2031-03-12T07:00:00Z").unwrap())
            .unwrap();
        let said = by(attempt("main"));
        let pid = std::process::id();
        assert!(
            said.starts_with(&format!("backup 7 (since 2031-03-12 07:00:00 UTC, process {pid} on ")),
            "{said}"
        );
        drop(ours(attempt("other")));
        let is_held = |desk| DeskLock::is_held(folder.path(), desk);
        assert_eq!(["main", "other", "none"].map(is_held), [true, false, false]);
        assert!(!folder.path().join(".deskvault-none.lock").exists(), "nothing is made");
        assert!(by(attempt("main")).starts_with("backup 7"), "and nothing is written");
        drop(lock);
        drop(ours(attempt("main")));
    }

    #[test]
    fn nobody_is_refused_by_one_that_is_no_backup() {
        let folder = tempfile::tempdir().unwrap();
        let cancel = CancellationToken::new();
        let soon = || DeskLock::soon(folder.path(), "main", &cancel).unwrap();
        let (go, goes) = mpsc::channel();
        thread::scope(|scope| {
            // As whoever clears up behind a crash: held, without a name, and let go.
            let clearing = ours(DeskLock::attempt(folder.path(), "main").unwrap());
            scope.spawn(move || {
                goes.recv().unwrap();
                drop(clearing);
            });
            let waits = scope.spawn(|| ours(soon()));
            go.send(()).unwrap();
            let mut backup = waits.join().unwrap();
            backup.tell("backup 8", Timestamp::from_micros(0)).unwrap();
            assert!(matches!(soon(), Attempt::Held(by) if by.starts_with("backup 8 (since 1970")));
        });
        let _silent = ours(soon());
        assert!(matches!(soon(), Attempt::Held(by) if by == "another backup of main"));
    }

    #[test]
    fn a_wait_ends_with_the_first_or_is_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let first = ours(DeskLock::attempt(folder.path(), "main").unwrap());
        let cancel = CancellationToken::new();
        let (told, waits) = mpsc::channel();
        thread::scope(|scope| {
            let wait = |cancel: &CancellationToken| {
                let (told, cancel, folder) = (told.clone(), cancel.clone(), folder.path());
                scope.spawn(move || {
                    let waiting = |by: &str| told.send(by.to_owned()).unwrap();
                    DeskLock::wait(folder, "main", &waiting, &cancel)
                })
            };
            let cancelled = wait(&cancel);
            assert_eq!(waits.recv().unwrap(), "another backup of main");
            cancel.cancel();
            assert!(matches!(cancelled.join().unwrap(), Err(ServiceError::Cancelled)));
            let patient = wait(&CancellationToken::new());
            waits.recv().unwrap();
            drop(first);
            drop(patient.join().unwrap().unwrap());
        });
    }
}
