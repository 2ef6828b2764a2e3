//! `deskvault plugins`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::cli::Shell;
use crate::cli::actions::{Actions, Places, PluginLine};
use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::table::table;
use crate::config::text::printable;
use crate::config::{LoadError, Log, Plugins};

use super::{Failure, Outcome, load, print, shown, start_log, unusable};

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

/// Where to look. A configuration is used where there is one, but plugins can be looked at without.
fn places(global: &Global, shell: &Shell) -> Result<Places, Failure> {
    let (plugins, log) = match load(global, shell) {
        Ok(loaded) => (loaded.config.plugins, loaded.config.log),
        Err(LoadError::NotFound { .. }) => {
            let folders = global.plugins.iter().map(|folder| shell.working.join(folder)).collect();
            (
                Plugins {
                    folders,
                    ..Plugins::default()
                },
                Log::default(),
            )
        }
        Err(error) => return Err(unusable(error)),
    };
    start_log(global, &log, shell)?;
    Ok(Places {
        folders: plugins.folders,
        describe_timeout: plugins.describe_timeout,
    })
}

/// A line for each, and below it why it was refused, if it was.
fn render(plugins: &[PluginLine]) -> String {
    if plugins.is_empty() {
        return "no exporters found\n".to_owned();
    }
    let known = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
    let mut rows = vec![
        ["module", "version", "state", "tables", "file"]
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
        vec![module, version, state.to_owned(), tables, shown(&plugin.file)]
    }));
    let mut text = table(&rows, 5);
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
