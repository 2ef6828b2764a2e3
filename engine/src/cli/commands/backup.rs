//! `deskvault backup`.

use anyhow::Context as _;
use plugin_api::Kind;
use serde::Serialize;

use crate::cli::actions::{Actions, BackupRequest};
use crate::cli::args::{Backup, Global};
use crate::cli::exit::Exit;
use crate::cli::progress::{Style, reporter};
use crate::cli::{Shell, range, signals, summary};
use crate::config::Desk;
use crate::config::text::{did_you_mean, excerpt};
use crate::progress::Summary;

use super::{Failure, Outcome, desk, load, prepare, print, unusable};

pub(super) fn run(typed: &Backup, global: &Global, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let range =
        range::range(typed.from.as_deref(), typed.to.as_deref()).map_err(|error| Failure::Usage(error.to_string()))?;
    let mut config = load(global, shell).map_err(unusable)?.config;
    if let Some(out) = &typed.out {
        config.archive.folder = shell.working.join(out);
    }
    let desk = desk(&config, typed.desk.as_deref()).map_err(Failure::Usage)?;
    let modules = modules(desk, &typed.modules).map_err(Failure::Usage)?;
    let kind = if range.is_some() { Kind::Custom } else { Kind::Full };
    let request = BackupRequest {
        config: &config,
        desk,
        modules,
        kind,
        range,
    };

    let cancel = prepare(global, &config.log, signals::BACKUP, shell)?;
    let style = Style::fitting(typed.json, global.quiet, shell.console.is_terminal);
    let progress = reporter(style, &shell.console, shell.clock.clone());
    let summary = actions.backup(&request, progress.as_ref(), &cancel)?;
    // The bars go before the table comes.
    drop(progress);
    shell.console.restore();

    let exit = if summary.complete { Exit::Done } else { Exit::Incomplete };
    let text = if typed.json {
        end_line(&summary, exit)?
    } else {
        summary::render(&summary)
    };
    print(&text, shell).map_err(|failure| published(failure, &summary))?;
    Ok(exit)
}

/// That the result cannot be told does not undo the archive.
fn published(failure: Failure, summary: &Summary) -> Failure {
    let state = if summary.complete { "complete" } else { "INCOMPLETE" };
    match failure {
        Failure::Failed(error) => Failure::Failed(error.context(format!(
            "the archive is there ({state}): {}; only its summary is not",
            summary.archive.display()
        ))),
        other => other,
    }
}

/// The last line of `--json`: the summary as an event.
fn end_line(summary: &Summary, exit: Exit) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct End<'a> {
        event: &'static str,
        exit: u8,
        #[serde(flatten)]
        summary: &'a Summary,
    }
    let end = End {
        event: "end",
        exit: exit.code(),
        summary,
    };
    let line = serde_json::to_string(&end)
        .context("cannot write the result as JSON")
        .map_err(Failure::Failed)?;
    Ok(line + "\n")
}

/// The modules of `desk` that are `chosen`, or all.
fn modules<'a>(desk: &'a Desk, chosen: &[String]) -> Result<Vec<&'a str>, String> {
    let has = || desk.modules.iter().map(String::as_str);
    let unknown: Vec<String> = chosen
        .iter()
        .filter(|name| !desk.modules.contains(name))
        .map(|name| {
            let hint = did_you_mean(name, has(), ("`", "`"));
            let all = has().map(|module| format!("`{module}`")).collect::<Vec<_>>().join(", ");
            let hint = if hint.is_empty() {
                format!("; it has {all}")
            } else {
                hint
            };
            format!("desk `{}` has no module `{}`{hint}", desk.name, excerpt(name))
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown.join("\n"));
    }
    Ok(has()
        .filter(|module| chosen.is_empty() || chosen.iter().any(|name| name == module))
        .collect())
}
