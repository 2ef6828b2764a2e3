//! `deskvault plugins`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::Shell;
use crate::cli::actions::{Actions, Places, PluginLine};
use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::table::table;
use crate::config::text::printable;
use crate::config::{Config, LoadError, Loaded, Log, Plugins};
use crate::plugins::{self, Pin, Standing, Trust};
use crate::service::Service;

use super::history::has_database;
use super::{Failure, Outcome, load, open, print, shown, start_log, unusable};

pub(super) fn list(json: bool, global: &Global, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let places = places(global, shell)?;
    let plugins = actions.plugins(&places)?;
    let text = if json {
        let lines: Result<Vec<String>, _> = plugins.iter().map(serde_json::to_string).collect();
        let lines = lines
            .context("cannot write the result as JSON")
            .map_err(Failure::Failed)?;
        lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
    } else {
        render(&plugins)
    };
    print(&text, shell)?;
    Ok(Exit::Done)
}

pub(super) fn check(file: &Path, global: &Global, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let places = places(global, shell)?;
    let plugin = actions.plugin(&shell.working.join(file), &places)?;
    print(&render(std::slice::from_ref(&plugin)), shell)?;
    Ok(if plugin.refused.is_none() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

pub(super) fn trust(file: &Path, global: &Global, shell: &Shell) -> Outcome {
    only_here(shell)?;
    // As text: its cause would be told twice.
    let pin =
        plugins::pin(&shell.working.join(file)).map_err(|refusal| Failure::Failed(anyhow::anyhow!("{refusal}")))?;
    let (service, actor) = open(global, shell)?;
    let text = format!("trusted: {}, SHA-256 {}\n", shown(&pin.file), pin.sha256);
    service.trust(pin, &actor)?;
    print(&text, shell)?;
    Ok(Exit::Done)
}

pub(super) fn untrust(file: &Path, global: &Global, shell: &Shell) -> Outcome {
    only_here(shell)?;
    let file = shell.working.join(file);
    // It may be gone: then it is called as it was typed.
    let file = file.canonicalize().unwrap_or(file);
    let (service, actor) = open(global, shell)?;
    if !service.untrust(&file, &actor)? {
        let text = format!("{} was not trusted", shown(&file));
        return Err(Failure::Usage(text));
    }
    print(&format!("trusted no more: {}\n", shown(&file)), shell)?;
    Ok(Exit::Done)
}

/// Which code runs with the rights of deskvault is decided at its machine.
fn only_here(shell: &Shell) -> Result<(), Failure> {
    if shell.token.is_none() {
        return Ok(());
    }
    Err(Failure::Refused(
        "refused: only who is at the machine itself may say which plugins are trusted, and not with a token".into(),
    ))
}

/// Starts the log, and says where to look. A configuration is used where there is one, but plugins can be looked at without.
fn places(global: &Global, shell: &Shell) -> Result<Places, Failure> {
    let (plugins, pins) = match load(global, shell) {
        Ok(Loaded { config, .. }) => {
            start_log(global, &config.log, shell)?;
            return configured(&Arc::new(config), shell);
        }
        Err(LoadError::NotFound { .. }) => {
            start_log(global, &Log::default(), shell)?;
            let folders = global.plugins.iter().map(|folder| shell.working.join(folder)).collect();
            let plugins = Plugins {
                folders,
                ..Plugins::default()
            };
            (plugins, Vec::new())
        }
        Err(error) => return Err(unusable(error)),
    };
    Ok(looked_in(&plugins, pins))
}

/// Where a configuration says to look.
pub(super) fn configured(config: &Arc<Config>, shell: &Shell) -> Result<Places, Failure> {
    let plugins = config.plugins.clone();
    Ok(looked_in(&plugins, pins(config, shell)?))
}

fn looked_in(plugins: &Plugins, pins: Vec<Pin>) -> Places {
    Places {
        folders: plugins.folders.clone(),
        describe_timeout: plugins.describe_timeout,
        trust: Trust::new(plugins.require_trust, pins),
    }
}

/// What was trusted; nothing is made for asking.
fn pins(config: &Arc<Config>, shell: &Shell) -> Result<Vec<Pin>, Failure> {
    if !has_database(config)? {
        return Ok(Vec::new());
    }
    Ok(Service::open(Arc::clone(config), Arc::clone(&shell.time))?.trusted()?)
}

/// A line for each, and below it why it was refused, if it was.
fn render(plugins: &[PluginLine]) -> String {
    if plugins.is_empty() {
        return "no exporters found\n".to_owned();
    }
    let known = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
    let mut rows = vec![
        ["module", "version", "state", "trust", "tables", "file"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(plugins.iter().map(|plugin| {
        let state = if plugin.refused.is_none() { "ready" } else { "REFUSED" };
        let tables = if plugin.tables.is_empty() {
            "-".to_owned()
        } else {
            printable(&plugin.tables.join(", "))
        };
        let (module, version) = (known(plugin.module.as_deref()), known(plugin.version.as_deref()));
        let trust = plugin.trust.map_or("-", Standing::name).to_owned();
        vec![module, version, state.to_owned(), trust, tables, shown(&plugin.file)]
    }));
    let mut text = table(&rows, 6);
    let reasons: Vec<String> = plugins
        .iter()
        .filter_map(|plugin| plugin.refused.as_deref())
        .map(printable)
        .collect();
    if !reasons.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}", reasons.join("\n"));
    }
    text
}
