//! `deskvault daemon`, and the process of one of its backups.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};

use crate::cli::args::{Daemon, Global, RunBackup};
use crate::cli::exit::Exit;
use crate::cli::{Shell, logging, signals};
use crate::config::{self, LoadError, Loaded};
use crate::daemon::{self, Controls, Ended, Setup};

use super::{Failure, Outcome, load, start_log, unusable};

pub(super) fn run(_: &Daemon, global: &Global, shell: &Shell) -> Outcome {
    let loaded = load(global, shell).map_err(unusable)?;
    let (subscriber, log) = logging::changeable(&shell.console, global, &loaded.config.log).map_err(Failure::Usage)?;
    tracing::dispatcher::set_global_default(subscriber)
        .context("cannot start the log")
        .map_err(Failure::Failed)?;
    let controls = Controls::default();
    signals::steer(controls.clone())
        .context("cannot listen for signals")
        .map_err(Failure::Failed)?;
    let setup = Setup {
        file: shell.working.join(&loaded.file),
        load: again(&loaded, global, shell),
        log,
        clock: Arc::clone(&shell.time),
        arguments: arguments(&["run-backup".as_ref()], global, shell),
        list: arguments(
            &[
                "plugins".as_ref(),
                "list".as_ref(),
                "--json".as_ref(),
                "--config".as_ref(),
                loaded.file.as_os_str(),
            ],
            global,
            shell,
        ),
        controls,
    };
    match daemon::run(loaded, setup).map_err(|error| Failure::Failed(error.into()))? {
        Ended::Cleanly => Ok(Exit::Done),
        Ended::Ousted => Err(Failure::Failed(anyhow!(
            "the data directory was taken away while the daemon ran: start it again if it is to go on in a new one"
        ))),
        Ended::Forced(desks) => Err(Failure::Failed(anyhow!(
            "backups did not end in time and were cut off: {}; what they leave behind is cleared up at the next start",
            desks.join(", ")
        ))),
    }
}

/// Reads the same file again, whatever other files have come into being.
fn again(loaded: &Loaded, global: &Global, shell: &Shell) -> Box<dyn Fn() -> Result<Loaded, LoadError>> {
    let (file, working) = (loaded.file.clone(), shell.working.clone());
    let plugins: Vec<_> = global.plugins.iter().map(|folder| working.join(folder)).collect();
    Box::new(move || {
        let mut loaded = config::load(Some(&file), None, &working)?;
        if !plugins.is_empty() {
            loaded.config.plugins.folders.clone_from(&plugins);
        }
        Ok(loaded)
    })
}

/// The command line of a process: it logs what the daemon would, and looks for plugins where the daemon would.
fn arguments(command: &[&OsStr], global: &Global, shell: &Shell) -> Vec<OsString> {
    let mut words: Vec<OsString> = command.iter().map(Into::into).collect();
    words.extend((0..global.verbose).map(|_| "--verbose".into()));
    if global.quiet {
        words.push("--quiet".into());
    }
    for folder in &global.plugins {
        words.push("--plugins".into());
        words.push(shell.working.join(folder).into());
    }
    words
}

pub(super) fn backup(_: &RunBackup, global: &Global, shell: &Shell) -> Outcome {
    let adapt = |config: &mut config::Config| {
        if !global.plugins.is_empty() {
            config.plugins.folders = global.plugins.iter().map(|folder| shell.working.join(folder)).collect();
        }
    };
    let told = daemon::run_backup(Arc::clone(&shell.time), adapt, |config| {
        start_log(global, &config.log, shell).map_err(|failure| failure.text())?;
        signals::obey().map_err(|error| format!("cannot listen for signals: {error}"))
    });
    told.context("the daemon cannot be told how the backup ended")
        .map_err(Failure::Failed)?;
    Ok(Exit::Done)
}
