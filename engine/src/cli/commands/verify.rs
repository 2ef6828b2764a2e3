//! `deskvault verify`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::actions::{Actions, DrillRequest, Verification};
use crate::cli::args::{Global, Verify};
use crate::cli::exit::Exit;
use crate::cli::figures::{count, size};
use crate::cli::progress::{Style, reporter};
use crate::cli::{Shell, signals};
use crate::config::Log;
use crate::config::text::printable;
use crate::drill::{Difference, Drilled, Verdict};
use crate::people::Action;

use super::{Failure, Outcome, load, open, plugins, prepare, print, shown, unusable};

pub(super) fn run(typed: &Verify, global: &Global, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let cancel = prepare(global, &Log::default(), signals::READING, shell)?;
    // The result of --json is one object, so progress is not told on standard output.
    let style = Style::fitting(false, global.quiet || typed.json, shell.console.is_terminal);
    let progress = reporter(style, &shell.console, shell.clock.clone());
    let archive = file(typed, global, shell)?;
    let verification = actions.verify(&archive, progress.as_ref(), &cancel)?;
    let damaged = verification.findings.iter().any(|finding| finding.damage);
    let drilled = match typed.drill.filter(|_| !damaged) {
        Some(rows) => {
            let config = Arc::new(load(global, shell).map_err(unusable)?.config);
            let places = plugins::configured(&config, shell)?;
            let seed = typed.seed.map_or_else(random, Ok)?;
            let archive = &archive;
            let request = DrillRequest { archive, rows, seed };
            Some(actions.drill(&config, &places, &request, progress.as_ref(), &cancel)?)
        }
        None => None,
    };
    drop(progress);
    shell.console.restore();
    let result = Verified {
        verification,
        drill: drilled,
    };
    let Verified { verification, drill } = &result;
    let text = if typed.json {
        let line = serde_json::to_string(&result)
            .context("cannot write the result as JSON")
            .map_err(Failure::Failed)?;
        line + "\n"
    } else {
        render(verification) + &drill.as_ref().map_or_else(String::new, drill_table)
    };
    print(&text, shell)?;
    let damaged = damaged || drill.as_ref().is_some_and(Drilled::found);
    Ok(match (damaged, verification.complete) {
        (true, _) => Exit::Damaged,
        (false, false) => Exit::Incomplete,
        (false, true) => Exit::Done,
    })
}

/// What is told as JSON.
#[derive(Serialize)]
struct Verified {
    #[serde(flatten)]
    verification: Verification,
    #[serde(skip_serializing_if = "Option::is_none")]
    drill: Option<Drilled>,
}

/// The archive that is meant: a file, or that of a backup. Who may not download it may not read it in pieces either.
fn file(typed: &Verify, global: &Global, shell: &Shell) -> Result<PathBuf, Failure> {
    let file = shell.working.join(&typed.archive);
    let id = typed.archive.to_str().and_then(|text| text.parse().ok());
    let Some(id) = id.filter(|_| !file.exists()) else {
        return Ok(file);
    };
    let (service, actor) = open(global, shell)?;
    let backup = service.show(id, &actor)?;
    service.allow(&actor, &backup.desk, Action::Download)?;
    let archive = backup.archive.filter(|_| backup.removed.is_none());
    let archive = archive.ok_or_else(|| Failure::Usage(format!("backup {id} has no archive")))?;
    let file = service.config().archive.folder.join(&archive.file);
    if file
        .symlink_metadata()
        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    {
        return Err(Failure::Failed(anyhow::anyhow!(
            "the archive of backup {id} is gone: {} is not there; put it back from a copy, or note it with `deskvault delete {id}`",
            shown(&file)
        )));
    }
    Ok(file)
}

fn random() -> Result<u64, Failure> {
    getrandom::u64()
        .context("cannot choose rows at random")
        .map_err(Failure::Failed)
}

/// The rows that are not as they were, and a summary with the number that chose them.
fn drill_table(drilled: &Drilled) -> String {
    let mut text = String::new();
    let mut counts = [0_u64; 6];
    for row in &drilled.rows {
        let (at, told, cells): (usize, String, &[Difference]) = match &row.verdict {
            Verdict::Same => (0, String::new(), &[]),
            Verdict::Changed => (1, "changed on the desk since".to_owned(), &[]),
            Verdict::Gone => (2, "gone from the desk since".to_owned(), &[]),
            Verdict::Undecided { cells } => (3, "differs, and does not say when it was changed".to_owned(), cells),
            Verdict::Unread { reason } => (4, format!("not compared: {reason}"), &[]),
            Verdict::Differs { cells } => (5, "DIFFERS, though it was not changed since".to_owned(), cells),
        };
        counts[at] += 1;
        if at == 0 {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} {}: {}",
            row.table,
            printable(&row.key.join(" ")),
            printable(&told)
        );
        for cell in cells {
            let (archive, desk) = (printable(&cell.archive), printable(&cell.desk));
            let _ = writeln!(
                text,
                "  {}: {archive:?} in the archive, {desk:?} on the desk",
                printable(&cell.column)
            );
        }
    }
    let [same, changed, gone, undecided, unread, differ] = counts;
    let _ = writeln!(
        text,
        "drill of {} (seed {}): {same} same, {changed} changed, {gone} gone, {undecided} undecided, {unread} not compared, \
         {differ} DIFFERENT",
        count(drilled.rows.len() as u64, "row", "rows"),
        drilled.seed
    );
    text
}

/// Every finding, and on the last line the result.
fn render(verification: &Verification) -> String {
    let mut text = String::new();
    for finding in &verification.findings {
        let kind = if finding.damage { "damage" } else { "note" };
        let file = finding
            .file
            .as_deref()
            .map_or_else(String::new, |file| format!("{}: ", printable(file)));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{kind}: {file}{}", printable(&finding.message));
    }
    let damages = verification.findings.iter().filter(|finding| finding.damage).count() as u64;
    let result = if damages == 0 && verification.complete {
        "whole".to_owned()
    } else if damages == 0 {
        "whole, but the backup is INCOMPLETE".to_owned()
    } else {
        format!("DAMAGED ({})", count(damages, "finding", "findings"))
    };
    let what = format!(
        "{}, {}, {}",
        count(verification.files, "file", "files"),
        count(verification.rows, "row", "rows"),
        size(verification.bytes)
    );
    let _ = writeln!(text, "{}: {result}; {what}", shown(&verification.archive));
    text
}
