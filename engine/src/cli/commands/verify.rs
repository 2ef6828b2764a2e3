//! `deskvault verify`.

use std::fmt::Write as _;

use anyhow::Context as _;

use crate::cli::actions::{Actions, Verification};
use crate::cli::args::{Global, Verify};
use crate::cli::exit::Exit;
use crate::cli::figures::{count, size};
use crate::cli::progress::{Style, reporter};
use crate::cli::{Shell, signals};
use crate::config::Log;
use crate::config::text::printable;

use super::{Failure, Outcome, prepare, print, shown};

pub(super) fn run(typed: &Verify, global: &Global, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let cancel = prepare(global, &Log::default(), signals::READING, shell)?;
    // The result of --json is one object, so progress is not told on standard output.
    let style = Style::fitting(false, global.quiet || typed.json, shell.console.is_terminal);
    let progress = reporter(style, &shell.console, shell.clock.clone());
    let verification = actions.verify(&shell.working.join(&typed.archive), progress.as_ref(), &cancel)?;
    drop(progress);
    shell.console.restore();
    let text = if typed.json {
        let line = serde_json::to_string(&verification)
            .context("cannot write the result as JSON")
            .map_err(Failure::Failed)?;
        line + "\n"
    } else {
        render(&verification)
    };
    print(&text, shell)?;
    let damaged = verification.findings.iter().any(|finding| finding.damage);
    Ok(match (damaged, verification.complete) {
        (true, _) => Exit::Damaged,
        (false, false) => Exit::Incomplete,
        (false, true) => Exit::Done,
    })
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
