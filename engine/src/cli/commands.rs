//! The commands, a file for each group.

mod archives;
mod backup;
mod configuration;
mod connect;
mod daemon;
mod generate;
mod history;
mod people;
mod plugins;
mod sample_desk;
mod schedule;
#[cfg(test)]
mod tests;
mod verify;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::config::text::{did_you_mean, excerpt, or_list};
use crate::config::{self, LoadError, Loaded, Log};
use crate::people::Actor;
use crate::quota::Refusal;
use crate::service::{RunError, Service, ServiceError, Suspended};

use super::actions::{Actions, Stop};
use super::args::{Command, Config, Global, Plugins, Typed};
use super::exit::Exit;
use super::signals::Words;
use super::{Shell, logging, signals};

/// Why a command did not come to its end.
pub(super) enum Failure {
    /// The command line or the configuration is wrong.
    Usage(String),
    /// A rule refuses it, or the role of whoever asks.
    Refused(String),
    /// It was stopped.
    Cancelled,
    /// A backup was stopped, and can be gone on with.
    Stopped(String),
    /// A backup came to no end, and can be gone on with.
    Suspended(String),
    /// An archive is damaged.
    Damaged(String),
    /// It failed.
    Failed(anyhow::Error),
}

type Outcome = Result<Exit, Failure>;

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::Cancelled,
            Stop::Usage(error) => Self::Usage(format!("{error:#}")),
            Stop::Failed(error) => Self::Failed(error),
        }
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Refused(refusal) => Self::Refused(told(&refusal)),
            ServiceError::Cancelled | ServiceError::Run(RunError::Cancelled) => Self::Cancelled,
            ServiceError::Suspended(suspended) if suspended.was_stopped() => {
                Self::Stopped(format!("stopped; {}", to_go_on(&suspended)))
            }
            ServiceError::Suspended(suspended) => {
                let Suspended { id, reason, .. } = suspended.as_ref();
                Self::Suspended(format!("backup {id} is suspended: {reason}\n{}", to_go_on(&suspended)))
            }
            ServiceError::Damaged { .. } => Self::Damaged(error.to_string()),
            ServiceError::Run(RunError::Configuration { .. })
            | ServiceError::NoSuchDesk { .. }
            | ServiceError::NoSuchModule { .. }
            | ServiceError::NoSuchBackup { .. }
            | ServiceError::NoArchive { .. }
            | ServiceError::NotSuspended { .. }
            | ServiceError::SeveralSuspended { .. }
            | ServiceError::NoFolder { .. }
            | ServiceError::NoSchedule { .. }
            | ServiceError::NoRun
            | ServiceError::Link(_)
            | ServiceError::Token(_) => Self::Usage(format!("{:#}", anyhow::Error::from(error))),
            error => Self::Failed(error.into()),
        }
    }
}

/// What is kept of a backup, and how to go on.
fn to_go_on(suspended: &Suspended) -> String {
    let Suspended { id, rows, .. } = suspended;
    let rows = super::figures::grouped(*rows);
    format!("backup {id} keeps {rows} rows; `deskvault backup --resume {id}` goes on with it")
}

/// A refusal, and what can be done on the command line.
fn told(refusal: &Refusal) -> String {
    let hint = match refusal {
        Refusal::FullTooSoon { .. } => {
            "; back up what has changed since with --from and --to, or set another [limits] full_every"
        }
        Refusal::Busy { .. } => "; --wait waits for it",
        Refusal::Suspended { .. } => {
            "; --resume goes on with it, --resume --finish makes an archive of what there is if need be, --anew gives it up and \
             starts another one"
        }
        _ => "",
    };
    format!("refused: {refusal}{hint}")
}

pub(super) fn execute(typed: &Typed, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let global = &typed.global;
    match &typed.command {
        Command::Backup(typed) => backup::run(typed, global, shell, actions),
        Command::Verify(typed) => verify::run(typed, global, shell, actions),
        Command::List(typed) => archives::list(typed, global, shell),
        Command::Download(typed) => archives::download(typed, global, shell),
        Command::Delete(typed) => archives::delete(typed, global, shell),
        Command::Link(typed) => archives::link(typed, global, shell),
        Command::Schedule(typed) => schedule::run(typed, global, shell),
        Command::History(typed) => history::run(typed, global, shell),
        Command::User(typed) => people::user(typed, global, shell),
        Command::Token(typed) => people::token(typed, global, shell),
        Command::Daemon(typed) => daemon::run(typed, global, shell),
        Command::RunBackup(typed) => daemon::backup(typed, global, shell),
        Command::Connect(typed) => connect::run(typed, global, shell, actions),
        Command::SampleDesk(typed) => sample_desk::run(typed, global, shell, actions),
        Command::Plugins(Plugins::List { json }) => plugins::list(*json, global, shell, actions),
        Command::Plugins(Plugins::Check { file }) => plugins::check(file, global, shell, actions),
        Command::Plugins(Plugins::Trust { file }) => plugins::trust(file, global, shell),
        Command::Plugins(Plugins::Untrust { file }) => plugins::untrust(file, global, shell),
        Command::Config(Config::Check) => configuration::check(global, shell),
        Command::Config(Config::Keys) => configuration::keys(shell),
        Command::Completions { shell: kind } => generate::completions(*kind, shell),
        Command::Man { out } => generate::man(out.as_deref(), shell),
    }
}

impl Command {
    /// Whether the result is read by a machine.
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Backup(typed) => typed.json,
            Self::Verify(typed) => typed.json,
            Self::List(typed) => typed.json,
            Self::History(typed) => typed.wants_json(),
            Self::Schedule(super::args::Schedule::Show(typed)) => typed.json,
            Self::Token(super::args::Token::List { json }) | Self::Plugins(Plugins::List { json }) => *json,
            _ => false,
        }
    }
}

/// The configuration, with `--plugins` in place.
fn load(global: &Global, shell: &Shell) -> Result<Loaded, LoadError> {
    let mut loaded = config::load(global.config.as_deref(), shell.variable.as_deref(), &shell.working)?;
    if !global.plugins.is_empty() {
        loaded.config.plugins.folders = global.plugins.iter().map(|folder| shell.working.join(folder)).collect();
    }
    Ok(loaded)
}

/// The service of the installation, and as whom the command acts there: as the primary contact, or as the person whose token
/// the environment holds.
fn open(global: &Global, shell: &Shell) -> Result<(Service, Actor), Failure> {
    serve(load(global, shell).map_err(unusable)?.config, shell)
}

/// [`open`], where the configuration is loaded already.
fn serve(config: config::Config, shell: &Shell) -> Result<(Service, Actor), Failure> {
    let service = Service::open(Arc::new(config), Arc::clone(&shell.time))?;
    let actor = match &shell.token {
        Some(token) => service.actor(token)?,
        None => Actor::machine(),
    };
    Ok((service, actor))
}

/// Has a person confirm what can't be undone, unless that was done with `--yes`.
fn confirm(question: &str, yes: bool, shell: &Shell) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !shell.asks {
        return Err(Failure::Usage(format!(
            "{question} There is nobody to ask: confirm it with --yes"
        )));
    }
    shell.console.err(&format!("{question} [y/N]"));
    let answer = (shell.read_line)()
        .context("cannot read the answer")
        .map_err(Failure::Failed)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::Failed(anyhow::anyhow!("not confirmed; nothing was done")))
}

/// The desk called `name`, or the only one.
fn desk<'a>(config: &'a config::Config, name: Option<&str>) -> Result<&'a config::Desk, String> {
    let names = || config.desks.iter().map(|desk| desk.name.as_str());
    let all = || or_list(&names().map(|name| format!("`{name}`")).collect::<Vec<_>>());
    match (name, config.desks.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(format!(
            "the configuration has several desks: choose one with --desk: {}",
            all()
        )),
        (Some(name), _) => config.desk(name).ok_or_else(|| {
            let hint = did_you_mean(name, names(), ("`", "`"));
            let hint = if hint.is_empty() {
                format!("; there is {}", all())
            } else {
                hint
            };
            format!("there is no desk `{}` in the configuration{hint}", excerpt(name))
        }),
    }
}

fn unusable(error: LoadError) -> Failure {
    let text = match &error {
        LoadError::Invalid { problems } => {
            let count = super::figures::count(problems.list.len() as u64, "error", "errors");
            format!("{count} in the configuration\n{problems}")
        }
        _ => format!("{:#}", anyhow::Error::from(error)),
    };
    Failure::Usage(text)
}

/// Starts the log and listens for signals, where the process is ours.
fn prepare(global: &Global, log: &Log, words: Words, shell: &Shell) -> Result<CancellationToken, Failure> {
    if !shell.is_process {
        return Ok(CancellationToken::new());
    }
    start_log(global, log, shell)?;
    signals::watch(&shell.console, words)
        .context("cannot listen for signals")
        .map_err(Failure::Failed)
}

fn start_log(global: &Global, log: &Log, shell: &Shell) -> Result<(), Failure> {
    if shell.is_process {
        let subscriber = logging::subscriber(&shell.console, global, log).map_err(Failure::Usage)?;
        tracing::dispatcher::set_global_default(subscriber)
            .context("cannot start the log")
            .map_err(Failure::Failed)?;
    }
    Ok(())
}

/// Writes a result to standard output.
fn print(text: &str, shell: &Shell) -> Result<(), Failure> {
    shell
        .console
        .out(text)
        .context("cannot write to standard output")
        .map_err(Failure::Failed)
}

/// A path for people.
fn shown(path: &Path) -> String {
    config::text::printable(&path.display().to_string())
}
