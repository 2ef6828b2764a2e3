//! An installation of deskvault for a test: a folder with configuration, plugins, archives and the clock of the test.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use engine::history::Entry;
use engine::store::{ArchiveFacts, BackupState, Removal};
use plugin_api::{Kind, Range, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use crate::clock::{self, TestClock};
use crate::daemon::Daemon;
use crate::{folder_of_tests, plugin};

/// An installation, removed when it is dropped.
pub struct Home {
    folder: TempDir,
    clock: Arc<TestClock>,
}

/// A backup, as `deskvault list --json` tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed {
    /// Its number.
    pub id: u64,
    /// Its kind.
    pub kind: Kind,
    /// Its range.
    pub range: Option<Range>,
    /// When it started.
    pub started: Timestamp,
    /// The slot of the schedule that it ran for.
    pub schedule: Option<(u64, Timestamp)>,
    /// What it came to.
    pub state: BackupState,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it failed or is incomplete.
    pub reason: Option<String>,
    /// The upper end of what it read.
    pub until: Option<Timestamp>,
    /// Its archive.
    pub archive: Option<ArchiveFacts>,
    /// When the archive was removed, and why.
    pub removed: Option<(Timestamp, Removal)>,
}

impl Home {
    /// A home with the exporters of these libraries, e.g. `deskvault_tickets`, in which a clock stands at this moment.
    ///
    /// # Panics
    /// Where it can't be made.
    pub fn new(at: &str, plugins: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let put = folder.path().join("plugins");
        fs::create_dir(&put).expect("a folder");
        ours_alone(&put);
        let clock = TestClock::standing(folder.path(), at);
        let home = Self { folder, clock };
        for name in plugins {
            home.add(&plugin(name));
        }
        home
    }

    /// Puts another library among the plugins.
    ///
    /// # Panics
    /// Where it can't.
    pub fn add(&self, library: &Path) {
        let to = self.path().join("plugins").join(library.file_name().expect("a name"));
        // They are large, and many tests have them.
        fs::hard_link(library, &to)
            .or_else(|_| fs::copy(library, &to).map(drop))
            .expect("a plugin");
        ours_alone(&to);
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its clock.
    pub fn clock(&self) -> &Arc<TestClock> {
        &self.clock
    }

    /// The configuration's file.
    pub fn configuration(&self) -> PathBuf {
        self.path().join("deskvault.toml")
    }

    /// The data directory, if the configuration is one of [`configure`](Self::configure).
    pub fn archives(&self) -> PathBuf {
        self.path().join("archives")
    }

    /// Replaces the configuration, at once: by these sections, and where plugins and archives are. A key of `[archive]` may
    /// be put in front of the others.
    ///
    /// # Panics
    /// Where it can't.
    pub fn configure(&self, sections: &str) {
        let text = format!(
            "{sections}\n[plugins]\nfolders = [\"plugins\"]\nrequire_trust = false\n\n[archive]\nfolder = \"archives\"\n"
        );
        let beside = self.path().join("deskvault.toml.new");
        fs::write(&beside, text).expect("the configuration");
        fs::rename(&beside, self.configuration()).expect("the configuration");
    }

    /// The command, to be run here.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(under_test());
        command
            .args(arguments)
            .current_dir(self.path())
            .env(clock::VARIABLE, self.clock.file())
            .env_remove("DESKVAULT_CONFIG")
            .env_remove("DESKVAULT_LOG")
            .env_remove("DESKVAULT_TOKEN");
        command
    }

    /// Runs the command and returns what it prints.
    ///
    /// # Panics
    /// Where it ends with another exit code.
    #[track_caller]
    pub fn run(&self, arguments: &[&str], exit: i32) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("the command runs");
        let (said, cried) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(exit), "deskvault {arguments:?}: {said}{cried}");
        said.into_owned()
    }

    /// The backups whose archive is there, and those that run; or all of them. The oldest first.
    ///
    /// # Panics
    /// Where `deskvault list` fails.
    #[track_caller]
    pub fn backups(&self, all: bool) -> Vec<Listed> {
        let arguments: &[&str] = if all {
            &["list", "--all", "--json"]
        } else {
            &["list", "--json"]
        };
        let mut backups: Vec<Listed> = self.lines(arguments);
        backups.sort_by_key(|backup| backup.id);
        backups
    }

    /// The history, whole.
    ///
    /// # Panics
    /// Where `deskvault history` fails.
    #[track_caller]
    pub fn history(&self) -> Vec<Entry> {
        self.lines(&["history", "--json"])
    }

    /// Starts the daemon.
    ///
    /// # Panics
    /// Where it can't be started.
    pub fn daemon(&self) -> Daemon {
        Daemon::start(self, &[])
    }

    /// Starts the daemon with these environment variables.
    ///
    /// # Panics
    /// Where it can't be started.
    pub fn daemon_with(&self, environment: &[(&str, &str)]) -> Daemon {
        Daemon::start(self, environment)
    }

    #[track_caller]
    fn lines<T: DeserializeOwned>(&self, arguments: &[&str]) -> Vec<T> {
        let said = self.run(arguments, 0);
        let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {line}"));
        said.lines().map(read).collect()
    }
}

/// Has nobody else write there, whatever the umask of who runs the tests: what others may write is refused.
fn ours_alone(path: &Path) {
    let mode = fs::metadata(path).expect("a plugin").permissions().mode();
    if mode & 0o022 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & !0o022)).expect("permissions");
    }
}

/// `deskvault-under-test`, which cargo builds beside the folder of the tests.
fn under_test() -> PathBuf {
    let file = folder_of_tests().with_file_name(format!("deskvault-under-test{EXE_SUFFIX}"));
    assert!(file.is_file(), "{} is not built", file.display());
    file
}
