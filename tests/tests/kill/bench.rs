//! A home whose daemon backs up a sample desk at its first slot, and what the test sees of it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deskvault_tests::clock::moment;
use deskvault_tests::daemon::Daemon;
use deskvault_tests::home::{Home, Listed};
use deskvault_tests::zoho::{Desk, modules};
use engine::key::Key;
use engine::store::{BackupState, Store, StoreError};
use sample_desk::{Life, Settings};

/// A minute before the first slot, which is a Monday's.
const BEFORE: &str = "2026-03-02T01:59:00Z";
const SLOT: &str = "2026-03-02T02:00:00Z";
/// Rows of a module that a kill may cost.
pub(crate) const CHECKPOINT_ROWS: u64 = 40;

/// A desk that does not change, with credits for any number of kills.
pub(crate) fn desk(seed: u64, tickets: u64) -> Desk {
    let settings = Settings {
        seed,
        tickets,
        credits: Some(1 << 40),
        // More of them may be fetched the shorter they live.
        token_life: Duration::from_secs(3),
        ..Settings::default()
    };
    // Its clock runs: it is by that one that it gives so many tokens and no more.
    let (begun, before) = (Instant::now(), moment(BEFORE).micros());
    let life = Life {
        now: Arc::new(move || before + begun.elapsed().as_micros() as i64),
        ..Life::default()
    };
    Desk::start_with(settings, life)
}

/// A home.
pub(crate) struct Bench {
    pub(crate) home: Home,
    pub(crate) daemon: Daemon,
    store: Store,
}

impl Bench {
    /// One whose daemon has come to the slot.
    pub(crate) fn at_the_slot(desk: &Desk) -> Self {
        let plugins: Vec<String> = modules().iter().map(|module| format!("deskvault_{module}")).collect();
        let home = Home::new(BEFORE, &plugins);
        home.configure(&format!(
            "{}\n[desk.schedule]\nevery = \"weekly\"\non = \"mon\"\nat = \"02:00\"\nuntil = \"2026-12-31\"\n\n[backup]\n\
             checkpoint_rows = {CHECKPOINT_ROWS}\n",
            desk.section("help")
        ));
        let mut daemon = home.daemon();
        daemon.wait("the schedule", || home.history().first().map(drop));
        home.clock().stand_at(moment(SLOT));
        let folder = home.archives();
        let key = Arc::new(Key::open(&folder).expect("the key"));
        let store = Store::open(&folder, key).expect("the store");
        Self { home, daemon, store }
    }

    /// The only backup there is, if it has begun.
    pub(crate) fn backup(&self) -> Option<engine::store::Backup> {
        let row: Result<_, StoreError> = self.store.read(|view| view.backup(1));
        row.expect("the store")
    }

    /// Rows that are kept.
    pub(crate) fn kept(&self) -> u64 {
        let reached: Result<_, StoreError> = self.store.read(|view| view.reached(1));
        reached.expect("the store").rows
    }

    /// Whether it has come to its end.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.backup().map(|row| row.state);
        !matches!(state, None | Some(BackupState::Running | BackupState::Suspended))
    }

    /// Waits for its archive.
    pub(crate) fn archive(&mut self) -> Vec<u8> {
        let Self { home, daemon, .. } = self;
        let backup: Listed = daemon.wait("the archive", || {
            let last = home.backups(true).pop()?;
            let is_over = !matches!(last.state, BackupState::Running | BackupState::Suspended);
            is_over.then_some(last)
        });
        assert_eq!(
            (backup.id, backup.state),
            (1, BackupState::Complete),
            "{:?}\n{}",
            backup.reason,
            daemon.log()
        );
        let file: PathBuf = home.archives().join(&backup.archive.expect("an archive").file);
        fs::read(file).expect("the archive")
    }

    /// The process of the backup, if there is one.
    pub(crate) fn process(&self) -> Option<u32> {
        child_of(self.daemon.pid())
    }

    /// Kills the daemon and starts another one when the backup's process has noticed.
    pub(crate) fn kill_daemon(&mut self) {
        let process = self.process();
        self.daemon.signal("KILL");
        self.daemon.ended();
        deskvault_wait("the end of the backup's process", || {
            process.is_none_or(|pid| !lives(pid))
        });
        self.daemon = self.home.daemon();
    }

    /// How often daemons have logged these words here.
    pub(crate) fn told(&self, words: &str) -> usize {
        self.daemon.log().matches(words).count()
    }
}

/// Waits without a daemon.
fn deskvault_wait(what: &str, mut look: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_mins(1);
    while !look() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills a process, if it has not ended.
pub(crate) fn kill(pid: u32) {
    // It may have ended just now.
    let _ = std::process::Command::new("kill")
        .args(["-s", "KILL", &pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
}

/// A process that was started by this one and has not ended.
fn child_of(parent: u32) -> Option<u32> {
    let children = fs::read_dir(format!("/proc/{parent}/task")).ok()?.flatten();
    let text = children.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let pids = text.collect::<Vec<_>>().join(" ");
    let mut pids = pids.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.find(|pid| lives(*pid))
}

/// Whether a process has not ended.
fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
