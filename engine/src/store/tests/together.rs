//! Several processes at one database, and processes that are killed while they write.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plugin_api::Kind;

use super::{at, end, entry, history, new, open};
use crate::history::{Happening, NewEntry};
use crate::store::{BackupId, BackupState, Store, StoreError};

const FOLDER: &str = "DESKVAULT_TEST_STORE";
const ROUNDS: &str = "DESKVAULT_TEST_ROUNDS";

/// What a process that writes has been told is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Started(BackupId),
    Ended(BackupId),
}

impl Told {
    fn parse(line: &str) -> Option<Self> {
        let id = |text: &str| text.parse().ok();
        None.or_else(|| line.strip_prefix("started ").and_then(id).map(Self::Started))
            .or_else(|| line.strip_prefix("ended ").and_then(id).map(Self::Ended))
    }
}

/// Not a test: what the processes do that the tests below start.
#[test]
#[ignore = "the process that other tests start"]
fn writer() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let rounds: u64 = std::env::var(ROUNDS).unwrap().parse().unwrap();
    let store = open(Path::new(&folder)).unwrap_or_else(|error| panic!("{}", crate::chain(&error)));
    let tell = |line: String| writeln!(std::io::stdout(), "{line}").unwrap();
    // The harness has begun a line of its own.
    tell(String::new());
    for _ in 0..rounds {
        let id = start(&store).unwrap_or_else(|error| panic!("{}", crate::chain(&error)));
        tell(format!("started {id}"));
        finish(&store, id).unwrap_or_else(|error| panic!("{}", crate::chain(&error)));
        tell(format!("ended {id}"));
    }
}

fn start(store: &Store) -> Result<BackupId, StoreError> {
    store.write(|tx| {
        let backup = tx.add_backup(&new(Kind::Full, at(0)))?;
        tx.append(&NewEntry {
            what: Happening::BackupStarted {
                backup,
                backup_kind: Kind::Full,
                range: None,
            },
            ..entry(0)
        })?;
        Ok(backup)
    })
}

fn finish(store: &Store, backup: BackupId) -> Result<(), StoreError> {
    store.write(|tx| {
        tx.end_backup(backup, &end(BackupState::Complete, at(1)))?;
        tx.add_notice("mail", &backup.to_string(), at(1))?;
        tx.append(&NewEntry {
            what: Happening::DataReady {
                backup,
                records: 2,
                bytes: 10,
                sha256: "00".repeat(32),
            },
            ..entry(1)
        })?;
        Ok(())
    })
}

/// A process that writes; it is killed with its owner.
struct Writer(Child);

impl Writer {
    fn start(folder: &Path, rounds: u64) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::tests::together::writer",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(FOLDER, folder)
            .env(ROUNDS, rounds.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// What it says until it ends.
    fn told(&mut self, mut each: impl FnMut(Told)) {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(told) = Told::parse(&line) {
                each(told);
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// That the database is sound, that each backup has the entries and the notice that belong to it and nothing else has, and
/// that all of `told` is kept. Gives the numbers of backups and of entries.
#[track_caller]
fn check(folder: &Path, told: &BTreeSet<Told>, seed: u64) -> (usize, usize) {
    let store = open(folder).unwrap_or_else(|error| panic!("seed {seed}: {}", crate::chain(&error)));
    let sound: String = store
        .lock()
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok", "seed {seed}");
    let verified = store.read(|view| view.verify_history(None, &mut |_| {}));
    let verified = verified.unwrap_or_else(|error: StoreError| panic!("seed {seed}: {error}"));
    assert!(verified.is_whole(), "seed {seed}: {:?}", verified.findings);

    let entries = history(&store);
    let mut expected: BTreeMap<Told, u32> = BTreeMap::new();
    let backups = store.read(|view| view.backups(None, true));
    let backups = backups.unwrap_or_else(|error: StoreError| panic!("seed {seed}: {error}"));
    for backup in &backups {
        expected.insert(Told::Started(backup.id), 1);
        if backup.state == BackupState::Complete {
            expected.insert(Told::Ended(backup.id), 1);
        }
    }
    let mut found: BTreeMap<Told, u32> = BTreeMap::new();
    for entry in &entries {
        let what = match entry.what {
            Happening::BackupStarted { backup, .. } => Told::Started(backup),
            Happening::DataReady { backup, .. } => Told::Ended(backup),
            ref other => panic!("seed {seed}: {other:?}"),
        };
        *found.entry(what).or_default() += 1;
    }
    assert_eq!(found, expected, "seed {seed}: backups and their entries");
    let lost: Vec<_> = told.iter().filter(|told| !expected.contains_key(told)).collect();
    assert!(lost.is_empty(), "seed {seed}: reported as kept, and lost: {lost:?}");
    let notices: u64 = store
        .lock()
        .query_row("SELECT count(*) FROM outbox", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .cast_unsigned();
    let ended = expected.keys().filter(|told| matches!(told, Told::Ended(_))).count();
    assert_eq!(notices, ended as u64, "seed {seed}: notices");
    (backups.len(), entries.len())
}

/// Numbers by chance that a seed gives again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("DESKVAULT_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(now);
    println!("DESKVAULT_TEST_SEED={seed}");
    seed | 1
}

#[test]
fn nothing_is_lost_when_the_writer_is_killed_200_times() {
    let seed = seed();
    let mut chance = Chance(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut told = BTreeSet::new();
    let (mut in_writing, mut last) = (0, 0);
    for _ in 0..200 {
        let mut writer = Writer::start(folder.path(), u64::MAX);
        // Half of them while they start and open, the others while they write: after so many reports, and a moment later.
        let reports = if chance.below(2) == 0 { 0 } else { 1 + chance.below(12) };
        let pause = Duration::from_micros(chance.below(if reports == 0 { 20_000 } else { 3000 }));
        let (tell, reached) = std::sync::mpsc::channel();
        let output = writer.0.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let mut told = Vec::new();
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                told.extend(Told::parse(&line));
                if told.len() as u64 == reports {
                    let _ = tell.send(());
                }
            }
            told
        });
        if reports > 0 {
            let _ = reached.recv_timeout(Duration::from_mins(1));
        }
        // The moment of the kill is by chance: nothing is waited for.
        thread::sleep(pause);
        writer.0.kill().unwrap();
        writer.0.wait().unwrap();
        told.extend(reader.join().unwrap());
        let (_, entries) = check(folder.path(), &told, seed);
        in_writing += u32::from(entries > last);
        last = entries;
    }
    let unreported = last - told.len();
    println!("{last} entries, {unreported} of them kept but not reported any more");
    assert!(
        in_writing >= 80,
        "seed {seed}: too few were killed while they wrote: {in_writing}"
    );
}

#[test]
fn processes_that_write_at_once_wait_for_each_other() {
    for _ in 0..3 {
        let folder: PathBuf = tempfile::tempdir().unwrap().keep();
        let writers: Vec<Writer> = (0..6).map(|_| Writer::start(&folder, 20)).collect();
        let told: Vec<BTreeSet<Told>> = thread::scope(|scope| {
            let wait = |mut writer: Writer| {
                let mut told = BTreeSet::new();
                writer.told(|one| assert!(told.insert(one)));
                let status = writer.0.wait().unwrap();
                let mut said = String::new();
                std::io::Read::read_to_string(&mut writer.0.stderr.take().unwrap(), &mut said).unwrap();
                assert!(status.success(), "{said}");
                told
            };
            let threads: Vec<_> = writers
                .into_iter()
                .map(|writer| scope.spawn(move || wait(writer)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let all: BTreeSet<Told> = told.iter().flatten().copied().collect();
        assert_eq!(all.len(), 6 * 40, "no number was given to two");
        assert_eq!(check(&folder, &all, 0), (120, 240));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn threads_with_stores_of_their_own_wait_for_each_other() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let barrier = Barrier::new(8);
        let shared = open(folder.path()).unwrap();
        thread::scope(|scope| {
            for number in 0..8 {
                let (barrier, shared, path) = (&barrier, &shared, folder.path());
                scope.spawn(move || {
                    let own;
                    barrier.wait();
                    // Half of them share one, the others open the database each for itself.
                    let store = if number % 2 == 0 {
                        shared
                    } else {
                        own = open(path).unwrap();
                        &own
                    };
                    for _ in 0..10 {
                        let id = start(store).unwrap();
                        finish(store, id).unwrap();
                    }
                });
            }
        });
        assert_eq!(check(folder.path(), &BTreeSet::new(), 0), (80, 160));
    }
}

#[test]
fn many_may_open_a_new_database_at_once() {
    for _ in 0..30 {
        let folder = tempfile::tempdir().unwrap();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    drop(open(folder.path()).unwrap());
                });
            }
        });
        assert_eq!(check(folder.path(), &BTreeSet::new(), 0), (0, 0));
    }
}
