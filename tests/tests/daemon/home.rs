//! What is wrong at home is named, with what to do; a backup that it ends leaves nothing that looks whole.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use deskvault_tests::desk::TestDesk;
use deskvault_tests::home::Home;
use engine::backup::Keeper;
use engine::config::load;
use engine::key::Key;
use engine::people::Actor;
use engine::progress::{Progress, Silent, Summary};
use engine::service::{InProcess, Order, RunError, Runner, Service, ServiceError, Which, Wish};
use engine::store::{BackupState, Store};
use tokio_util::sync::CancellationToken;

use crate::harness::{BEFORE, Place, SLOT, at, wait};

fn archives(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "zip"))
        .count()
}

#[track_caller]
fn refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it is no success: {said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

#[test]
fn a_file_where_the_folder_should_be_is_named() {
    let place = Place::new();
    fs::write(place.home.archives(), "a file").expect("a file");
    let output = place.home.command(&["backup"]).output().expect("it runs");
    refused(&output, &[&place.home.archives().display().to_string()]);
    assert_eq!(
        fs::read_to_string(place.home.archives()).expect("it is there"),
        "a file"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let place = Place::new();
    let folder = place.home.archives();
    fs::create_dir(&folder).expect("a folder");
    // Whoever may do everything may write there too, unless the file system does not let it.
    let bind = format!(
        "mount --bind '{0}' '{0}' && mount -o remount,bind,ro '{0}' || exit 77;",
        folder.display()
    );
    let mut unshared = Command::new("unshare");
    let command = place.home.command(&["backup"]);
    unshared.args(["-m", "/bin/sh", "-c", &format!("{bind} exec \"$0\" \"$@\"")]);
    let mut unshared = like(unshared, &command, place.home.path());
    match unshared.output() {
        Ok(output) if output.status.code() != Some(77) && output.status.code() != Some(1) || is_ours(&output) => {
            refused(&output, &[&folder.display().to_string()]);
            assert_eq!(archives(&folder), 0);
        }
        _ => eprintln!("SKIPPED: no folder can be made read-only here (mount namespaces are not allowed)"),
    }
}

/// Whether it is deskvault that speaks, and not what was to start it.
fn is_ours(output: &Output) -> bool {
    !String::from_utf8_lossy(&output.stderr).starts_with("unshare:")
}

/// Tickets of the desk of [`Paged`], a hundred a page.
const TICKETS: u64 = 730;

/// What is done before a path of a desk is answered.
type Hook = Box<dyn FnOnce() + Send>;

/// A home whose backups keep a checkpoint behind each of eight pages.
struct Paged {
    home: Home,
    desk: TestDesk,
    hooks: Arc<Mutex<Vec<(&'static str, Hook)>>>,
}

impl Paged {
    fn new() -> Self {
        Self::with(0)
    }

    /// With tickets of so many bytes on the fourth page.
    fn with(large: usize) -> Self {
        let hooks: Arc<Mutex<Vec<(&str, Hook)>>> = Arc::default();
        let waiting = Arc::clone(&hooks);
        let desk = TestDesk::start(move |path| {
            let mut waiting = waiting.lock().expect("the hooks");
            let found = waiting.iter().position(|(of, _)| path.contains(of));
            let hook = found.map(|place| waiting.remove(place).1);
            // Other requests go on meanwhile.
            drop(waiting);
            if let Some(hook) = hook {
                hook();
            }
            Some((200, answer(path, large)))
        });
        let home = Home::new(BEFORE, &["deskvault_example".to_owned()]);
        let paged = Self { home, desk, hooks };
        paged.configure("");
        paged
    }

    /// The configuration, with other sections behind it.
    fn configure(&self, more: &str) {
        self.home.configure(&format!(
            "[[desk]]\nname = \"help\"\nmodules = [\"example\"]\n[desk.connection]\nkind = \"http\"\nurl = \"{}\"\n\
             auth = \"none\"\nmax_response = \"256 MiB\"\n[desk.schedule]\nevery = \"weekly\"\non = \"mon\"\nat = \"02:00\"\nuntil = \"2026-12-31\"\n\
             [backup]\ncheckpoint_rows = 100\n{more}\n",
            self.desk.url
        ));
    }

    /// Has this done before a path with these words is answered for the first time.
    fn before(&self, path: &'static str, hook: impl FnOnce() + Send + 'static) {
        self.hooks.lock().expect("the hooks").push((path, Box::new(hook)));
    }

    /// Runs a command that has a backup suspended, because there is no room for the database. Gives what it says.
    #[track_caller]
    fn suspended(&self, arguments: &[&str], small: &Small) -> String {
        let output = self.home.command(arguments).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(6), "{said}");
        for words in [
            "backup 1 is suspended",
            &small.0.join("deskvault.db").display().to_string(),
            "make room",
            "`deskvault backup --resume 1`",
        ] {
            assert!(said.contains(words), "{words:?} is not in: {said}");
        }
        said
    }

    /// There was one backup, it is complete, and the store is sound.
    #[track_caller]
    fn is_complete(&self) {
        let backups = self.home.backups(true);
        let states: Vec<BackupState> = backups.iter().map(|backup| backup.state).collect();
        assert_eq!(states, [BackupState::Complete]);
        self.home.run(&["history", "verify"], 0);
    }

    /// The only archive in a folder, whole.
    #[track_caller]
    fn archive(&self, folder: &Path) -> Vec<u8> {
        let entries = fs::read_dir(folder)
            .expect("the folder")
            .flatten()
            .map(|entry| entry.path());
        let zips: Vec<PathBuf> = entries
            .filter(|file| file.extension().is_some_and(|extension| extension == "zip"))
            .collect();
        let [file] = zips.as_slice() else {
            panic!("{zips:?}");
        };
        self.home.run(&["verify", file.to_str().expect("a path")], 0);
        fs::read(file).expect("the archive")
    }
}

/// Rows of the first backup that its checkpoints cover.
fn reached(folder: &Path) -> u64 {
    let key = Key::open(folder).expect("the key");
    let store = Store::open(folder, Arc::new(key)).expect("the store");
    let reached = store.read(|view| view.reached(1));
    reached.expect("the store").rows
}

fn answer(path: &str, large: usize) -> String {
    if path.starts_with("/fields") {
        return "{\"fields\":[]}".to_owned();
    }
    let page = path.split("page=").nth(1).and_then(|rest| rest.split('&').next());
    let page: u64 = page.and_then(|page| page.parse().ok()).unwrap_or_default();
    let ids = (1..=TICKETS).filter(|id| (id - 1) / 100 + 1 == page);
    let subject = "x".repeat(if page == 4 { large } else { 0 });
    let tickets = ids.map(|id| {
        format!("{{\"id\":{id},\"updated_at\":\"2026-02-01T07:00:00Z\",\"comment_count\":0,\"subject\":\"{subject}\"}}")
    });
    format!(
        "{{\"tickets\":[{}],\"total\":{TICKETS}}}",
        tickets.collect::<Vec<_>>().join(",")
    )
}

/// A small file system in place of a folder, where the system lets us make one.
struct Small(PathBuf);

impl Small {
    fn mount(folder: PathBuf) -> Option<Self> {
        fs::create_dir_all(&folder).expect("a folder");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs"])
            .arg(&folder);
        let mounted = mount.stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes all the room there is.
    fn fill(filler: &Path) {
        let mut file = fs::File::create(filler).expect("a file");
        while file.write_all(&[1; 4096]).is_ok() {}
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn where_the_disk_of_the_database_is_full_a_backup_is_suspended_and_goes_on_when_there_is_room() {
    let whole = Paged::new();
    whole.home.run(&["backup", "-q"], 0);
    let expected = whole.archive(&whole.home.archives());
    // Before anything is read, and when some of it is kept.
    for (path, kept) in [("/fields", 0), ("page=4", 300)] {
        let paged = Paged::new();
        let Some(small) = Small::mount(paged.home.archives()) else {
            eprintln!("SKIPPED: no file system can be made here, so that a full disk is not tried");
            return;
        };
        let (folder, filler) = (paged.home.archives(), small.filler());
        paged.before(path, move || {
            wait("checkpoints", || reached(&folder) == kept);
            Small::fill(&filler);
        });
        let said = paged.suspended(&["backup", "--out", "elsewhere"], &small);
        assert!(said.contains(&format!("backup 1 keeps {kept} rows")), "{said}");
        // As long as there is none, it stays so.
        paged.suspended(&["backup", "--resume"], &small);
        fs::remove_file(small.filler()).expect("room");
        paged.home.run(&["backup", "--resume"], 0);
        let archive = paged.archive(&paged.home.path().join("elsewhere"));
        assert!(
            archive == expected,
            "{path}: it is not the archive of one that had room"
        );
        paged.is_complete();
    }
}

/// Runs a backup, and leaves no room behind it.
struct FillsBehind(InProcess, PathBuf);

impl Runner for FillsBehind {
    fn run(
        &self,
        order: &Order,
        progress: &dyn Progress,
        keeper: &dyn Keeper,
        cancel: &CancellationToken,
    ) -> Result<Summary, RunError> {
        let ran = self.0.run(order, progress, keeper, cancel);
        Small::fill(&self.1);
        ran
    }
}

#[test]
fn an_archive_that_no_room_is_left_to_enter_is_taken_up_when_there_is_some() {
    let paged = Paged::new();
    let Some(small) = Small::mount(paged.home.archives()) else {
        eprintln!("SKIPPED: no file system can be made here, so that a full disk is not tried");
        return;
    };
    let loaded = load(Some(&paged.home.configuration()), None, paged.home.path()).expect("the configuration");
    let (config, clock) = (Arc::new(loaded.config), paged.home.clock().clone());
    let service = Service::open(Arc::clone(&config), clock.clone()).expect("the service");
    let runner = FillsBehind(InProcess::new(config, clock), small.filler());
    let wish = Wish {
        desk: "help".into(),
        modules: Vec::new(),
        which: Which::Full,
        allow_partial: false,
        wait: false,
        anew: false,
        out: Some(paged.home.path().join("elsewhere")),
    };
    let made = service.backup(&wish, &Actor::machine(), &runner, &Silent, &CancellationToken::new());
    let Err(ServiceError::Suspended(suspended)) = made else {
        panic!("{made:?}");
    };
    for words in ["the archive is there", "deskvault.db", "make room"] {
        assert!(suspended.reason.contains(words), "{}", suspended.reason);
    }
    paged.suspended(&["backup", "--resume", "1"], &small);
    fs::remove_file(small.filler()).expect("room");
    let said = paged.home.run(&["backup", "--resume", "1"], 0);
    assert!(said.contains("the archive of backup 1 is there already"), "{said}");
    paged.archive(&paged.home.path().join("elsewhere"));
    paged.is_complete();
}

#[test]
fn the_daemon_outlives_a_full_disk_and_goes_on_by_itself_when_there_is_room() {
    let paged = Paged::new();
    let Some(small) = Small::mount(paged.home.archives()) else {
        eprintln!("SKIPPED: no file system can be made here, so that a full disk is not tried");
        return;
    };
    let filler = small.filler();
    paged.before("page=3", {
        let filler = filler.clone();
        move || Small::fill(&filler)
    });
    let mut daemon = paged.home.daemon();
    daemon.wait("it runs", || daemon_told(&paged.home, "the daemon runs"));
    paged.home.clock().stand_at(at(SLOT));
    daemon.wait("that it is tried again", || {
        daemon_told(&paged.home, "did not come to an end, and is tried again")
    });
    let log = daemon.log();
    assert!(log.contains("No space left") || log.contains("make room"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    fs::remove_file(&filler).expect("room");
    daemon.wait("its archive", || {
        let last = paged.home.backups(true).pop();
        last.filter(|last| last.state == BackupState::Complete)
    });
    paged.archive(&paged.home.archives());
    paged.is_complete();
    daemon.terminate();
    drop(small);
}

fn daemon_told(home: &Home, words: &str) -> Option<()> {
    let log = fs::read_to_string(home.path().join("daemon.log")).unwrap_or_default();
    log.contains(words).then_some(())
}

#[test]
fn where_no_file_can_be_opened_any_more_that_is_said() {
    let paged = Paged::new();
    let mut refused = 0;
    for most in [8, 10, 12, 14, 16, 18, 20, 24, 32, 64] {
        let command = paged.home.command(&["backup"]);
        let mut limited = Command::new("/bin/sh");
        limited.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")]);
        let output = like(limited, &command, paged.home.path()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !said.contains("panicked") && !said.contains("must be writable"),
            "{most}: {said}"
        );
        if !output.status.success() {
            let is_named = said.to_ascii_lowercase().contains("open files");
            assert!(is_named && output.status.code().is_some(), "{most}: {said}");
            refused += 1;
        }
    }
    assert_eq!(refused, 9, "64 are enough");
    paged.archive(&paged.home.archives());
}

/// A command that runs another one, with what that was to have.
fn like(mut outer: Command, inner: &Command, folder: &Path) -> Command {
    outer
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(folder);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

#[test]
fn a_command_that_runs_out_of_memory_says_so_and_what_it_kept_goes_on() {
    let paged = Paged::with(700 << 10);
    let folder = paged.home.archives();
    paged.before("page=4", move || wait("checkpoints", || reached(&folder) == 300));
    let command = paged.home.command(&["backup"]);
    let mut limited = Command::new("/bin/sh");
    limited.args([
        "-c",
        "export MALLOC_ARENA_MAX=1; ulimit -c 0; ulimit -v 160000; exec \"$0\" \"$@\"",
    ]);
    let output = like(limited, &command, paged.home.path()).output().expect("it runs");
    refused(&output, &["memory"]);
    assert_eq!(reached(&paged.home.archives()), 300);
    paged.home.run(&["backup", "--resume"], 0);
    paged.archive(&paged.home.archives());
    paged.is_complete();
}

#[test]
fn one_that_needs_more_memory_than_it_may_have_says_so_and_goes_on_with_more() {
    // More than half of it at once, as it comes and as it is read.
    let paged = Paged::with(700 << 10);
    let small = "[daemon]\nmemory = \"128 MiB\"\n";
    paged.configure(small);
    let folder = paged.home.archives();
    paged.before("page=4", move || wait("checkpoints", || reached(&folder) == 300));
    let mut daemon = paged.home.daemon();
    daemon.wait("it runs", || daemon_told(&paged.home, "the daemon runs"));
    paged.home.clock().stand_at(at(SLOT));
    let backup = daemon.wait("that it is suspended", || {
        let last = paged.home.backups(true).pop();
        last.filter(|last| last.state != BackupState::Running)
    });
    let reason = backup.reason.unwrap_or_default();
    assert_eq!(backup.state, BackupState::Suspended, "{reason}");
    assert!(reason.contains("[daemon] memory = \"128 MiB\""), "{reason}");
    // With another configuration it need not wait.
    paged.configure("[daemon]\nmemory = \"2 GiB\"\n");
    daemon.wait("its archive", || {
        let last = paged.home.backups(true).pop();
        last.filter(|last| last.state == BackupState::Complete)
    });
    paged.archive(&paged.home.archives());
    paged.is_complete();
    daemon.terminate();
}

#[test]
fn a_backup_that_was_killed_is_not_said_to_run() {
    let place = Place::silent();
    let mut backup = place.home.command(&["backup"]);
    let mut backup = backup
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    wait("a request", || place.desk.requests() > 0);
    let list = || place.home.run(&["list"], 0);
    let running = list();
    assert!(
        running.contains(" running ") && !running.contains("INTERRUPTED"),
        "{running}"
    );
    backup.kill().expect("it runs");
    backup.wait().expect("it ends");
    // However often: nothing is written by it.
    for _ in 0..2 {
        let killed = list();
        assert!(
            killed.contains(" INTERRUPTED ") && !killed.contains(" running "),
            "{killed}"
        );
        assert!(
            killed.contains("`deskvault backup --resume 1` goes on with it"),
            "{killed}"
        );
    }
    let json = place.home.run(&["list", "--json"], 0);
    assert!(json.contains("\"interrupted\":true"), "{json}");
    place.speak(true);
    place.home.run(&["backup", "--resume", "1"], 0);
    let done = list();
    assert!(done.contains(" complete ") && !done.contains("INTERRUPTED"), "{done}");
}
