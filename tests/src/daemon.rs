//! The daemon's process, as a test holds it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::home::Home;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A running daemon. It is killed when it is dropped.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it, and waits until it has the data directory.
    pub(crate) fn start(home: &Home, environment: &[(&str, &str)]) -> Self {
        let log = home.path().join("daemon.log");
        let file = File::options().create(true).append(true).open(&log).expect("the log");
        let child = home
            .command(&["daemon"])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the daemon starts");
        let mut daemon = Self { child, log };
        let (lock, pid) = (home.archives().join("deskvault.lock"), daemon.child.id());
        daemon.wait("its lock", || {
            let text = fs::read_to_string(&lock).ok()?;
            let holder: serde_json::Value = serde_json::from_str(&text).ok()?;
            (holder.get("pid")?.as_u64()? == u64::from(pid)).then_some(())
        });
        daemon
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logged, and those before it in this home.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until there is what `look` looks for.
    ///
    /// # Panics
    /// Where it does not come, or the daemon ends.
    #[track_caller]
    pub fn wait<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            if let Some(status) = self.child.try_wait().expect("the daemon's process") {
                panic!("{what}: the daemon ended with {status}:\n{}", self.log());
            }
            assert!(Instant::now() < until, "{what} did not come:\n{}", self.log());
            thread::sleep(PAUSE);
        }
    }

    /// Sends it a signal, e.g. `HUP`.
    ///
    /// # Panics
    /// Where it can't.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status();
        assert!(sent.expect("kill runs").success(), "SIG{name}");
    }

    /// Stops it as a service manager does.
    ///
    /// # Panics
    /// Where it does not end in time, or with another exit code than 0.
    #[track_caller]
    pub fn terminate(&mut self) {
        self.signal("TERM");
        let status = self.ended();
        assert!(status.success(), "the daemon ended with {status}:\n{}", self.log());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it does not come.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the daemon's process") {
                return status;
            }
            assert!(Instant::now() < until, "the daemon does not end:\n{}", self.log());
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
