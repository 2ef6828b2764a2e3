//! A home whose desk answers, or is silent until it is told to speak.

use std::fs;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use deskvault_tests::daemon::Daemon;
use deskvault_tests::desk::TestDesk;
use deskvault_tests::home::{Home, Listed};
use engine::history::Happening;
use engine::store::BackupState;
use plugin_api::Timestamp;

/// A minute before the first slot, which is a Monday's.
pub(crate) const BEFORE: &str = "2026-03-02T01:59:00Z";
/// The first slot.
pub(crate) const SLOT: &str = "2026-03-02T02:00:00Z";

/// A home, and its desk.
pub(crate) struct Place {
    pub(crate) home: Home,
    pub(crate) desk: TestDesk,
    speaks: Arc<AtomicBool>,
}

impl Place {
    /// With a schedule of each Monday, two o'clock, before the first slot.
    pub(crate) fn new() -> Self {
        let speaks = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&speaks);
        let place = Self {
            home: Home::new(BEFORE, &["deskvault_frozen".to_owned()]),
            desk: TestDesk::start(move |_| asked.load(Ordering::SeqCst).then(|| (200, "\"fine\"".to_owned()))),
            speaks,
        };
        place.configure("02:00", "");
        place
    }

    /// One whose desk answers nothing.
    pub(crate) fn silent() -> Self {
        let place = Self::new();
        place.speak(false);
        place
    }

    /// Starts a daemon, and waits until it has set the schedule and makes its rounds.
    pub(crate) fn start(&self) -> Daemon {
        let before = self.told("the daemon runs");
        let mut daemon = self.home.daemon();
        daemon.wait("it runs", || (self.told("the daemon runs") > before).then_some(()));
        daemon
    }

    /// Starts a daemon and lets the first slot come.
    pub(crate) fn start_at_the_slot(&self) -> Daemon {
        let daemon = self.start();
        self.at(SLOT);
        daemon
    }

    /// How often daemons have logged these words here.
    pub(crate) fn told(&self, words: &str) -> usize {
        self.log().matches(words).count()
    }

    /// What daemons have logged here.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("daemon.log")).unwrap_or_default()
    }

    pub(crate) fn speak(&self, speaks: bool) {
        self.speaks.store(speaks, Ordering::SeqCst);
    }

    pub(crate) fn at(&self, moment: &str) {
        self.home.clock().stand_at(at(moment));
    }

    /// The configuration, with other sections behind it.
    pub(crate) fn configure(&self, hour: &str, more: &str) {
        let url = &self.desk.url;
        self.home.configure(&format!(
            "[[desk]]\nname = \"help\"\nmodules = [\"frozen\"]\n[desk.connection]\nkind = \"http\"\nurl = \"{url}\"\nauth = \"none\"\n\
             [desk.schedule]\nevery = \"weekly\"\non = \"mon\"\nat = \"{hour}\"\nuntil = \"2026-12-31\"\n{more}\n"
        ));
    }

    /// Waits until a request of a backup waits for an answer. Gives its process.
    pub(crate) fn under_way(&self, daemon: &mut Daemon) -> u32 {
        daemon.wait("a request", || (self.desk.requests() > 0).then_some(()));
        Self::process(daemon)
    }

    /// Waits for a backup's process.
    pub(crate) fn process(daemon: &mut Daemon) -> u32 {
        let of = daemon.pid();
        daemon.wait("the backup's process", || child_of(of))
    }

    /// Waits until there are so many backups, and the last of them has ended so.
    pub(crate) fn ended(&self, daemon: &mut Daemon, count: usize, state: BackupState) -> Vec<Listed> {
        daemon.wait(&format!("{count} backups, the last {state:?}"), || {
            let backups = self.home.backups(true);
            let is_so = backups.len() == count && backups.last().is_some_and(|last| last.state == state);
            is_so.then_some(backups)
        })
    }

    /// Waits until the only backup is suspended. Gives it. What was read of it is kept, and nothing is published.
    pub(crate) fn suspended(&self, reason: &str) -> Listed {
        let mut found = None;
        wait("a suspended backup", || {
            found = self.home.backups(true).pop();
            found.as_ref().is_some_and(|last| last.state == BackupState::Suspended)
        });
        let backup = found.expect("a backup");
        assert_eq!(self.home.backups(true).len(), 1);
        assert!(
            backup.archive.is_none() && backup.ended.is_none() && self.archives().is_empty(),
            "{backup:?}, {:?}",
            self.archives()
        );
        let told = backup.reason.as_deref().unwrap_or_default();
        assert!(told.contains(reason), "{reason}: {told}");
        let entry = self.home.history().pop().expect("an entry");
        assert!(
            matches!(&entry.what, Happening::Suspended { backup: id, reason } if *id == backup.id && reason == told),
            "{entry:?}"
        );
        assert_eq!(self.spools().len(), 1, "{:?}", self.spools());
        backup
    }

    /// The end of a backup that was suspended: the same one is complete, once, in one archive that is whole and the only one,
    /// and nothing else of it is left. Gives it.
    pub(crate) fn completed(&self, daemon: &mut Daemon, before: &Listed) -> Listed {
        let backup = self.ended(daemon, 1, BackupState::Complete).remove(0);
        let same = |backup: &Listed| (backup.id, backup.started, backup.schedule, backup.kind, backup.range);
        assert_eq!(same(&backup), same(before));
        daemon.wait("its parts are taken away", || self.spools().is_empty().then_some(()));
        let facts = backup.archive.as_ref().expect("an archive");
        assert_eq!(self.archives(), [facts.file.as_str()]);
        assert_eq!(facts.records, 1, "{facts:?}");
        let file = self.home.archives().join(&facts.file);
        self.home.run(&["verify", file.to_str().expect("a path")], 0);
        let told = |kind: &str| self.history().iter().filter(|other| *other == kind).count();
        assert_eq!((told("backup_started"), told("data_ready")), (1, 1));
        self.home.run(&["history", "verify"], 0);
        backup
    }

    /// The kinds of all entries of the history, in order.
    pub(crate) fn history(&self) -> Vec<String> {
        let entries = self.home.history();
        entries.iter().map(|entry| entry.what.kind().to_owned()).collect()
    }

    /// Folders of parts in the data directory.
    pub(crate) fn spools(&self) -> Vec<String> {
        self.named(".spool")
    }

    /// Whether a part of this table is being written.
    pub(crate) fn has_part(&self, table: &str) -> bool {
        let folders = self.spools().into_iter().map(|spool| self.home.archives().join(spool));
        let files = folders
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .flatten();
        let mut names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.any(|name| name.starts_with(&format!("{table}__")))
    }

    /// Archives in the data directory.
    fn archives(&self) -> Vec<String> {
        self.named(".zip")
    }

    /// What is in the data directory under a name that ends so.
    fn named(&self, end: &str) -> Vec<String> {
        let entries = fs::read_dir(self.home.archives()).expect("the data directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(end)).collect()
    }
}

pub(crate) fn at(moment: &str) -> Timestamp {
    Timestamp::parse(moment).expect("a moment")
}

/// A process that was started by this one and has not ended.
fn child_of(parent: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.find(|pid| matches!(stat(*pid), Some((_, of)) if of == parent))
}

/// Whether a process has not ended.
pub(crate) fn lives(pid: u32) -> bool {
    stat(pid).is_some()
}

/// State and parent of a process that has not ended.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which may hold anything.
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    let state = words.next()?.chars().next()?;
    (state != 'Z' && state != 'X').then_some((state, words.next()?.parse().ok()?))
}

/// Sends a process a signal.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(sent.expect("kill runs").success(), "SIG{name} to {pid}");
}

/// Waits without a daemon.
#[track_caller]
pub(crate) fn wait(what: &str, mut look: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_mins(1);
    while !look() {
        assert!(Instant::now() < until, "{what} did not come");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Stops the daemon as a service manager does. Gives how it ended.
#[track_caller]
pub(crate) fn stop(daemon: &mut Daemon) -> ExitStatus {
    daemon.signal("TERM");
    daemon.ended()
}
