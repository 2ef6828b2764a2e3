//! The process of one backup, seen from inside: `deskvault run-backup`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use tokio_util::sync::CancellationToken;

use super::child::refused;
use super::job::Job;
use super::pulse::Pulse;
use super::sandbox;
use super::wire::{Answers, Mouth};
use crate::clock::Clock;
use crate::config::Config;
use crate::progress::Summary;
use crate::service::{InProcess, RunError, Runner as _};

/// Runs the backup that standard input tells of, for the daemon, and says on standard output what comes of it.
///
/// `clock` says when it ends. `adapt` may change the configuration. `prepare` starts the log, and gives the token by which signals cancel; what it says if
/// it fails ends the backup. No thread may be started before it is called: from then on the process is shut in. The error is
/// that nobody could be told.
pub fn run_backup(
    clock: Arc<dyn Clock>,
    adapt: impl FnOnce(&mut Config),
    prepare: impl FnOnce(&Config) -> Result<CancellationToken, String>,
) -> io::Result<()> {
    let (input, output) = take_pipes()?;
    let mouth = Mouth::new(output);
    mouth.end(run(BufReader::new(input), &mouth, clock, (adapt, prepare)))
}

/// The pipes to the daemon, which from now on only they are: what a plugin prints goes to the log, what it reads is empty,
/// and a process that it starts holds neither of them.
fn take_pipes() -> io::Result<(File, File)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((input.into(), output.into()))
}

fn run(
    mut input: BufReader<File>,
    mouth: &Mouth<File>,
    clock: Arc<dyn Clock>,
    (adapt, prepare): (
        impl FnOnce(&mut Config),
        impl FnOnce(&Config) -> Result<CancellationToken, String>,
    ),
) -> Result<Summary, RunError> {
    let wrong = |message: String| RunError::Configuration { message };
    let job = Job::read(&mut input).map_err(|error| {
        wrong(format!(
            "run-backup is for the daemon, which tells it what to do: {error}"
        ))
    })?;
    let mut config = job.text.parse().map_err(|problems| wrong(problems.to_string()))?;
    adapt(&mut config);
    let to_be_told = sandbox::confine(&mut config, &job.order).map_err(|message| refused(&job.order, message))?;
    let cancel = prepare(&config).map_err(wrong)?;
    if let Some(line) = to_be_told {
        tracing::warn!(desk = job.order.desk, "{line}");
    }
    let (done, over) = mpsc::channel();
    let (token, grace, answers) = (cancel.clone(), job.grace, mouth.answers());
    thread::Builder::new()
        .name("daemon".into())
        .spawn(move || follow(input, &answers, &token, &over, grace))
        .map_err(|error| refused(&job.order, format!("the system refuses a thread: {error}")))?;
    let pulse = Pulse::new(mouth);
    let (stop, stopped) = mpsc::channel();
    let ended = thread::scope(|scope| {
        // Without it there is silence, and the daemon ends the backup.
        let pulse = &pulse;
        let beat = move || pulse.beat(&stopped, || mouth.beat());
        let _ = thread::Builder::new().name("pulse".into()).spawn_scoped(scope, beat);
        let ended = InProcess::new(Arc::new(config), clock).run(&job.order, pulse, mouth, &cancel);
        drop(stop);
        ended
    });
    drop(done);
    ended
}

/// Hears answers until the end of the input: the daemon has closed it, or is gone. Then the backup is cancelled; and if it has not
/// ended in time, with a plugin that holds it up, there may be nobody left to kill it, so it does that itself.
fn follow(input: impl BufRead, answers: &Answers, cancel: &CancellationToken, over: &Receiver<()>, grace: Duration) {
    answers.hear(input);
    cancel.cancel();
    if over.recv_timeout(grace) == Err(RecvTimeoutError::Timeout) {
        tracing::error!(
            "the backup did not end within {} s, so its process is killed",
            grace.as_secs_f64()
        );
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
