//! Runs a backup in a process of its own, so that a plugin that crashes, hangs or eats memory ends that backup alone.
//!
//! The process is this executable with `run-backup`. It is told what to do as [`job`](super::job) says, and listened to as
//! [`wire`](super::wire) says. Its standard input stays open: its end is how the process learns that the backup is
//! cancelled, or that the daemon is gone, however it went. Whatever happens, the process has ended and is reaped when
//! [`Child::run`](crate::service::Runner::run) returns.

mod watcher;

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, Command};
use tokio::time::{Instant, MissedTickBehavior, sleep_until};
use tokio_util::sync::CancellationToken;

use self::watcher::Watcher;
use super::job::{Job, Text};
use super::systemd;
use super::wire::{Broken, Ear};
use crate::backup::Keeper;
use crate::config::{Config, Daemon, show_size, show_time};
use crate::connection::settings::{Auth, SecretSource};
use crate::progress::{Progress, Summary};
use crate::service::{Cause, Order, RunError, Runner};

/// How long the rest of its output may take when a process has ended.
const REST: Duration = Duration::from_secs(5);
/// How long a process may take to end after it said how the backup ended, or said what it must not.
const LEAVE: Duration = Duration::from_secs(10);

/// How long a process may say nothing: it says a word every five seconds, as [`pulse`](super::pulse) has it.
const SILENCE: Duration = Duration::from_mins(1);
/// Between two looks at how much memory it has.
const LOOK: Duration = Duration::from_millis(100);

/// Starts a process for each backup.
pub(super) struct Child {
    pub(super) executable: PathBuf,
    /// Its arguments; no secret is among them.
    pub(super) arguments: Vec<OsString>,
    /// The configuration that holds for the backup.
    pub(super) text: Arc<Text>,
    /// Where archives are published that are not told to go elsewhere.
    pub(super) folder: PathBuf,
    /// How long a process gets to end when it was told to.
    pub(super) grace: Duration,
    /// Set when one had to be killed because it did not.
    pub(super) forced: Arc<AtomicBool>,
    /// What a process may take.
    pub(super) bounds: Bounds,
    /// Environment variables that hold secrets of this installation, each with the desk that needs it, if one does.
    pub(super) secrets: Vec<(Option<String>, String)>,
}

/// The environment variables in which the configuration has secrets, each with the desk whose it is; those of messages are no
/// desk's. Plugins read the environment of their process, and have no business with what is another's.
pub(super) fn secrets_in(config: &Config) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    let mut add = |desk: Option<&str>, source: &SecretSource| {
        if let SecretSource::Env(name) = source {
            found.push((desk.map(str::to_owned), name.clone()));
        }
    };
    for desk in &config.desks {
        let sources = match &desk.connection.auth {
            Auth::None | Auth::Sample(_) => Vec::new(),
            Auth::Bearer(source) | Auth::Basic { password: source, .. } | Auth::Header { value: source, .. } => {
                vec![source]
            }
            Auth::Zoho(zoho) => vec![&zoho.client_id, &zoho.client_secret, &zoho.refresh_token],
        };
        for source in sources {
            add(Some(&desk.name), source);
        }
    }
    let webhooks = config.notify.webhooks.iter().filter_map(|one| one.secret.as_ref());
    let mail = config.notify.mail.iter().filter_map(|mail| mail.login.as_ref());
    webhooks
        .chain(mail.map(|(_, password)| password))
        .for_each(|source| add(None, source));
    found
}

/// What a process may take before it is ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How long it may say nothing.
    pub(super) silence: Duration,
    /// How long it may run, but for waits for credits.
    pub(super) longest: Option<Duration>,
    /// Bytes of data that it may have; it limits itself, and this is for the words.
    pub(super) memory: u64,
}

impl Bounds {
    /// As the configuration has them.
    pub(super) fn of(daemon: &Daemon) -> Self {
        Self {
            silence: SILENCE,
            longest: daemon.longest_backup,
            memory: daemon.memory,
        }
    }
}

/// This executable, also where an upgrade has put another file in its place since: a backup of tonight must not be run by
/// half of two versions.
pub(super) fn executable() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    let replaced = Path::new("/proc/self/exe");
    Ok(if !path.exists() && replaced.exists() {
        replaced.to_owned()
    } else {
        path
    })
}

impl Runner for Child {
    fn run(
        &self,
        order: &Order,
        progress: &dyn Progress,
        keeper: &dyn Keeper,
        cancel: &CancellationToken,
    ) -> Result<Summary, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| refused(order, format!("the system refuses what a process needs: {error}")))?;
        runtime.block_on(self.converse(order, progress, keeper, cancel))
    }
}

impl Child {
    async fn converse(
        &self,
        order: &Order,
        progress: &dyn Progress,
        keeper: &dyn Keeper,
        cancel: &CancellationToken,
    ) -> Result<Summary, RunError> {
        if cancel.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        let job = Job {
            order: order.clone(),
            text: Text::clone(&self.text),
            grace: self.grace,
        };
        let job = job
            .to_bytes()
            .map_err(|error| refused(order, format!("the order cannot be told: {error}")))?;
        let mut talk = Talk::start(self, &order.desk).map_err(|error| {
            let message = format!(
                "the backup's process cannot be started ({}): {error}",
                self.executable.display()
            );
            refused(order, message)
        })?;
        let watcher = Watcher::new(&order.modules, progress, keeper);
        let (heard, status) = talk.listen(self, job, &watcher, cancel).await;
        if talk.killed && cancel.is_cancelled() {
            self.forced.store(true, Ordering::SeqCst);
        }
        let has_kept = !order.resume.is_empty() || watcher.has_kept();
        let status =
            status.map_err(|error| ended(order, format!("the backup's process is lost: {error}"), has_kept))?;
        if let (Some((why, is_wrong)), Ok(None | Some(Err(_))) | Err(_)) = (talk.ended_for, &heard) {
            return Err(ended(order, why, has_kept || !is_wrong));
        }
        let memory = Memory {
            most: talk.memory,
            limit: self.bounds.memory,
        };
        self.judge(order, heard, (status, memory, has_kept), cancel.is_cancelled())
    }

    /// What a process came to, by what it said and how it ended.
    fn judge(
        &self,
        order: &Order,
        heard: Heard,
        (status, memory, has_kept): (ExitStatus, Memory, bool),
        cancelled: bool,
    ) -> Result<Summary, RunError> {
        let fate = fate(status, memory);
        match heard {
            Ok(Some(Ok(summary))) => {
                self.check(order, &summary, has_kept)?;
                if !status.success() {
                    // The archive is there and was read again: that stands.
                    tracing::warn!(
                        desk = order.desk,
                        "the backup's process {fate} after its archive was there"
                    );
                }
                Ok(*summary)
            }
            // One that was told to stop before it had heard all of the job has nothing against the configuration.
            Ok(Some(Err(RunError::Configuration { message }))) if cancelled => {
                tracing::warn!(desk = order.desk, "the backup was stopped before it began: {message}");
                Err(stopped(order))
            }
            Ok(Some(Err(error))) => Err(error),
            Ok(None) | Err(Broken::Cut) => {
                let said = if heard.is_ok() {
                    "without a word"
                } else {
                    "in the middle of a word"
                };
                let message = format!("the backup's process {fate} {said}");
                let of_itself = of_itself(status);
                if cancelled && !of_itself {
                    return Err(stopped(order));
                }
                // Where somebody ended it, or the system, there is no telling why; and what was kept is not thrown away for
                // what may be another machine's, another version's or another limit's.
                let by_others = !of_itself && status.signal().is_some();
                Err(ended(order, message, has_kept || by_others))
            }
            Err(_) if cancelled => Err(stopped(order)),
            // What it said before, and was kept, is checked when it is gone on with.
            Err(broken) => {
                let message = format!("the backup's process is not to be trusted: {broken}");
                Err(ended(order, message, has_kept))
            }
        }
    }

    /// Whether an archive is what was asked for, and there.
    fn check(&self, order: &Order, summary: &Summary, has_kept: bool) -> Result<(), RunError> {
        let file = &summary.archive;
        let folder = order
            .spool
            .as_deref()
            .or(order.folder.as_deref())
            .unwrap_or(&self.folder);
        let wrong = if (&summary.desk, summary.kind, summary.range) != (&order.desk, order.kind, order.range) {
            "another backup than that which was asked for".to_owned()
        } else if file.parent() != Some(folder) {
            format!("an archive in another folder: {}", file.display())
        } else {
            match std::fs::symlink_metadata(file) {
                Ok(found) if found.is_file() && found.len() == summary.archive_bytes => return Ok(()),
                Ok(found) => format!(
                    "an archive of {} bytes, and {} has {}",
                    summary.archive_bytes,
                    file.display(),
                    found.len()
                ),
                Err(error) => format!("an archive that cannot be found ({}): {error}", file.display()),
            }
        };
        let message = format!("the backup's process is not to be trusted: it tells of {wrong}");
        Err(ended(order, message, has_kept))
    }
}

fn failed(message: String) -> RunError {
    RunError::Failed { message }
}

/// What a backup comes to whose process the system does not let be: short of memory or of processes, as passes. What an earlier
/// run has kept stays.
pub(super) fn refused(order: &Order, message: String) -> RunError {
    if order.resume.is_empty() {
        return failed(message);
    }
    RunError::Suspended {
        cause: Cause::Machine,
        message,
    }
}

/// What a backup comes to whose process ended before its time: where `may_go_on`, it can be gone on with.
fn ended(order: &Order, message: String, may_go_on: bool) -> RunError {
    if order.spool.is_none() || !may_go_on {
        return failed(message);
    }
    RunError::Suspended {
        cause: Cause::Lost,
        message,
    }
}

/// What a backup comes to that was told to stop and says nothing itself.
fn stopped(order: &Order) -> RunError {
    if order.spool.is_none() {
        return RunError::Cancelled;
    }
    RunError::Suspended {
        cause: Cause::Stopped,
        message: "it was stopped".into(),
    }
}

/// Whether a process was ended by what runs in it: a crash, or a limit that it came to. It would end there again.
fn of_itself(status: ExitStatus) -> bool {
    matches!(
        status.signal().and_then(Signal::from_named_raw),
        Some(
            Signal::SEGV
                | Signal::BUS
                | Signal::ILL
                | Signal::FPE
                | Signal::ABORT
                | Signal::SYS
                | Signal::TRAP
                | Signal::XCPU
                | Signal::XFSZ
        )
    )
}

/// The memory of a process.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// The most that was seen.
    most: u64,
    limit: u64,
}

/// What became of a process, for people.
fn fate(status: ExitStatus, memory: Memory) -> String {
    let Some(signal) = status.signal() else {
        return format!("ended with exit code {}", status.code().unwrap_or_default());
    };
    let gave_up = format!(" (SIGABRT: {})", gave_up(memory));
    let name = match Signal::from_named_raw(signal) {
        Some(Signal::KILL) => " (SIGKILL: somebody or the system, short of memory, ended it)",
        Some(Signal::SEGV) => " (SIGSEGV: a plugin crashed)",
        Some(Signal::BUS) => " (SIGBUS: a plugin crashed)",
        Some(Signal::ILL) => " (SIGILL: a plugin crashed)",
        Some(Signal::FPE) => " (SIGFPE: a plugin crashed)",
        Some(Signal::TRAP) => " (SIGTRAP: a plugin crashed)",
        Some(Signal::SYS) => " (SIGSYS: a plugin asked the system for what it must not)",
        Some(Signal::ABORT) => &gave_up,
        Some(Signal::TERM) => " (SIGTERM)",
        Some(Signal::XCPU) => " (SIGXCPU: it took too much time of the processor)",
        Some(Signal::XFSZ) => " (SIGXFSZ: it wrote too large a file)",
        _ => "",
    };
    format!("was ended by signal {signal}{name}")
}

/// Why a process aborts. One that gets no more memory does, and cannot say so: how much it had when it was last seen tells.
fn gave_up(memory: Memory) -> String {
    let Memory { most, limit } = memory;
    let shown = show_size(limit);
    if limit > 0 && most >= limit / 2 {
        return format!(
            "it came to its limit of memory, [daemon] memory = \"{shown}\"; a plugin leaks, or the desk needs more"
        );
    }
    format!("a plugin aborted, or asked for more memory at once than its limit, [daemon] memory = \"{shown}\", leaves")
}

/// The bytes of data and stack that a process has, if it can be told.
fn memory_of(process: u32) -> Option<u64> {
    let pages = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = pages.split_whitespace().nth(5)?.parse().ok()?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}

/// A process under way.
struct Talk {
    process: tokio::process::Child,
    input: Option<ChildStdin>,
    /// Whether it was killed.
    killed: bool,
    /// Why it was ended, where that is for what it did; and whether something is wrong with it.
    ended_for: Option<(String, bool)>,
    /// The most memory that it was seen to have.
    memory: u64,
}

type Heard = Result<Option<Result<Box<Summary>, RunError>>, Broken>;

impl Talk {
    fn start(child: &Child, desk: &str) -> io::Result<Self> {
        let mut command = Command::new(&child.executable);
        command
            .args(&child.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        for variable in systemd::OURS {
            command.env_remove(variable);
        }
        let is_its_own = |name: &str| {
            let mut of_desks = child.secrets.iter();
            of_desks.any(|(of, variable)| variable == name && of.as_deref() == Some(desk))
        };
        for (_, variable) in &child.secrets {
            if !is_its_own(variable) {
                command.env_remove(variable);
            }
        }
        let mut process = command.spawn()?;
        let input = process.stdin.take();
        Ok(Self {
            process,
            input,
            killed: false,
            ended_for: None,
            memory: 0,
        })
    }

    /// Tells it the job and hears it to its end.
    async fn listen(
        &mut self,
        child: &Child,
        mut job: Vec<u8>,
        watcher: &Watcher<'_>,
        cancel: &CancellationToken,
    ) -> (Heard, io::Result<ExitStatus>) {
        let (grace, bounds) = (child.grace, child.bounds);
        let (mut ear, mut buffer) = (Ear::default(), vec![0; 1 << 14]);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Looks at which it did not wait for credits: those take weeks, and are nobody's fault.
        let mut worked = Duration::ZERO;
        // Looks in between that found nothing to hear, and not the clock's time: this process may itself have stood still, and
        // what was said meanwhile is heard next.
        let mut quiet = Duration::ZERO;
        // Of the job, and of answers behind it.
        let mut told = 0;
        let mut output = self.process.stdout.take();
        let mut status = None;
        // By when it must have ended; what is said later is not heard.
        let mut limit = None;
        let mut stopping = false;
        let mut heard = Ok(());
        while status.is_none() || output.is_some() {
            let deadline = limit.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                () = cancel.cancelled(), if !stopping => {
                    stopping = true;
                    limit = Some(sooner(limit, grace));
                    self.stop();
                }
                () = sleep_until(deadline), if limit.is_some() => {
                    if status.is_some() {
                        // Somebody else holds its output open: what it said itself has come long ago.
                        output = None;
                    } else {
                        // It is reaped below; nothing survives that signal.
                        self.killed = true;
                        limit = None;
                        let _ = self.process.start_kill();
                    }
                }
                _ = look.tick(), if status.is_none() => {
                    self.look();
                    quiet += LOOK;
                    worked += if watcher.is_paused() { Duration::ZERO } else { LOOK };
                    let is_silent = quiet > bounds.silence && output.is_some();
                    let why = if is_silent {
                        // A process that has stopped or hangs does not end by being told.
                        limit = Some(Instant::now());
                        Some(format!("gave no sign of life for {} s: a plugin, or deskvault itself, hangs", bounds.silence.as_secs()))
                    } else {
                        let over = bounds.longest.filter(|longest| worked >= *longest);
                        over.map(|longest| format!("ran for longer than [daemon] longest_backup = \"{}\"", show_time(longest)))
                    };
                    if let (Some(why), None) = (why, &self.ended_for) {
                        self.ended_for = Some((format!("the backup's process {why}, and was ended"), is_silent));
                        limit = Some(sooner(limit, grace));
                        self.stop();
                    }
                }
                wrote = write(self.input.as_mut(), &job[told..]), if self.input.is_some() && told < job.len() => {
                    // A process that does not take it ends, and its end is told.
                    let wrote = wrote.unwrap_or(0);
                    told += wrote;
                    if wrote == 0 || told == job.len() {
                        (job, told) = (Vec::new(), 0);
                    }
                }
                read = read(output.as_mut(), &mut buffer), if output.is_some() => {
                    let length = read.unwrap_or(0);
                    quiet = Duration::ZERO;
                    if length == 0 {
                        output = None;
                        limit = Some(sooner(limit, LEAVE));
                    } else if heard.is_ok() {
                        heard = ear.hear(&buffer[..length], watcher, watcher);
                        job.append(&mut ear.answers());
                        if heard.is_err() {
                            self.stop();
                        }
                        if heard.is_err() || ear.heard_the_end() {
                            limit = Some(sooner(limit, LEAVE));
                        }
                    }
                }
                ended = self.process.wait(), if status.is_none() => {
                    status = Some(ended);
                    limit = Some(Instant::now() + REST);
                }
            }
        }
        let status = status.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()));
        (heard.and_then(|()| ear.end()), status)
    }

    /// Looks how much memory it has.
    fn look(&mut self) {
        self.memory = self.memory.max(self.process.id().and_then(memory_of).unwrap_or(0));
    }

    /// Tells it to end.
    fn stop(&mut self) {
        self.input = None;
        // For one that does not look at its input. It has not been reaped, so that the number is its own.
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

fn sooner(limit: Option<Instant>, within: Duration) -> Instant {
    let by = Instant::now() + within;
    limit.map_or(by, |limit| limit.min(by))
}

async fn write(input: Option<&mut ChildStdin>, bytes: &[u8]) -> io::Result<usize> {
    match input {
        Some(input) => input.write(bytes).await,
        None => Ok(0),
    }
}

async fn read(output: Option<&mut tokio::process::ChildStdout>, buffer: &mut [u8]) -> io::Result<usize> {
    match output {
        Some(output) => output.read(buffer).await,
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests;
