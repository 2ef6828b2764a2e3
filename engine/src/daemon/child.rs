//! Runs a backup in a process of its own, so that a plugin that crashes, hangs or eats memory ends that backup alone.
//!
//! The process is this executable with `run-backup`. It is told what to do as [`job`](super::job) says, and listened to as
//! [`wire`](super::wire) says. Its standard input stays open: its end is how the process learns that the backup is
//! cancelled, or that the daemon is gone, however it went. Whatever happens, the process has ended and is reaped when
//! [`Child::run`](crate::service::Runner::run) returns.

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
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::job::{Job, Text};
use super::systemd;
use super::wire::{Broken, Ear};
use crate::backup::Keeper;
use crate::progress::{Progress, Summary};
use crate::service::{Order, RunError, Runner};

/// How long the rest of its output may take when a process has ended.
const REST: Duration = Duration::from_secs(5);
/// How long a process may take to end after it said how the backup ended, or said what it must not.
const LEAVE: Duration = Duration::from_secs(10);

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
        let runtime = runtime.map_err(|error| failed(format!("the system refuses what a process needs: {error}")))?;
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
            .map_err(|error| failed(format!("the order cannot be told: {error}")))?;
        let mut talk = Talk::start(self).map_err(|error| {
            failed(format!(
                "the backup's process cannot be started ({}): {error}",
                self.executable.display()
            ))
        })?;
        let (heard, status) = talk.listen(job, self.grace, (progress, keeper), cancel).await;
        if talk.killed && cancel.is_cancelled() {
            self.forced.store(true, Ordering::SeqCst);
        }
        let status = status.map_err(|error| failed(format!("the backup's process is lost: {error}")))?;
        self.judge(order, heard, status, cancel.is_cancelled())
    }

    /// What a process came to, by what it said and how it ended.
    fn judge(
        &self,
        order: &Order,
        heard: Result<Option<Result<Box<Summary>, RunError>>, Broken>,
        status: ExitStatus,
        cancelled: bool,
    ) -> Result<Summary, RunError> {
        match heard {
            Ok(Some(Ok(summary))) => {
                self.check(order, &summary)?;
                if !status.success() {
                    // The archive is published and was read again: that stands.
                    tracing::warn!(
                        desk = order.desk,
                        "the backup's process {} after its archive was there",
                        fate(status)
                    );
                }
                Ok(*summary)
            }
            // One that was told to stop before it had heard all of the job has nothing against the configuration.
            Ok(Some(Err(RunError::Configuration { message }))) if cancelled => {
                tracing::warn!(desk = order.desk, "the backup was stopped before it began: {message}");
                Err(RunError::Cancelled)
            }
            Ok(Some(Err(error))) => Err(error),
            Ok(None) | Err(_) if cancelled => Err(RunError::Cancelled),
            Ok(None) => Err(failed(format!("the backup's process {} without a word", fate(status)))),
            Err(Broken::Cut) => Err(failed(format!(
                "the backup's process {} in the middle of a word",
                fate(status)
            ))),
            Err(broken) => Err(failed(format!("the backup's process is not to be trusted: {broken}"))),
        }
    }

    /// Whether an archive is what was asked for, and there.
    fn check(&self, order: &Order, summary: &Summary) -> Result<(), RunError> {
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
        Err(failed(format!(
            "the backup's process is not to be trusted: it tells of {wrong}"
        )))
    }
}

fn failed(message: String) -> RunError {
    RunError::Failed { message }
}

/// What became of a process, for people.
fn fate(status: ExitStatus) -> String {
    let Some(signal) = status.signal() else {
        return format!("ended with exit code {}", status.code().unwrap_or_default());
    };
    let name = match Signal::from_named_raw(signal) {
        Some(Signal::KILL) => " (SIGKILL: somebody or the system, short of memory, ended it)",
        Some(Signal::SEGV) => " (SIGSEGV: a plugin crashed)",
        Some(Signal::BUS) => " (SIGBUS: a plugin crashed)",
        Some(Signal::ILL) => " (SIGILL: a plugin crashed)",
        Some(Signal::FPE) => " (SIGFPE: a plugin crashed)",
        Some(Signal::ABORT) => " (SIGABRT: it gave itself up)",
        Some(Signal::TERM) => " (SIGTERM)",
        Some(Signal::XCPU) => " (SIGXCPU: it took too much time of the processor)",
        Some(Signal::XFSZ) => " (SIGXFSZ: it wrote too large a file)",
        _ => "",
    };
    format!("was ended by signal {signal}{name}")
}

/// A process under way.
struct Talk {
    process: tokio::process::Child,
    input: Option<ChildStdin>,
    /// Whether it was killed.
    killed: bool,
}

type Heard = Result<Option<Result<Box<Summary>, RunError>>, Broken>;

impl Talk {
    fn start(child: &Child) -> io::Result<Self> {
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
        let mut process = command.spawn()?;
        let input = process.stdin.take();
        Ok(Self {
            process,
            input,
            killed: false,
        })
    }

    /// Tells it the job and hears it to its end.
    async fn listen(
        &mut self,
        mut job: Vec<u8>,
        grace: Duration,
        (progress, keeper): (&dyn Progress, &dyn Keeper),
        cancel: &CancellationToken,
    ) -> (Heard, io::Result<ExitStatus>) {
        let (mut ear, mut buffer) = (Ear::default(), vec![0; 1 << 14]);
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
                    if length == 0 {
                        output = None;
                        limit = Some(sooner(limit, LEAVE));
                    } else if heard.is_ok() {
                        heard = ear.hear(&buffer[..length], progress, keeper);
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
