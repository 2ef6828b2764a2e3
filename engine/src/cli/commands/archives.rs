//! `deskvault list`, `download`, `delete` and `link`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;
use chrono::Local;
use plugin_api::{Range, Timestamp};
use serde::Serialize;

use crate::cli::args::{Delete, Download, Global, Link, List};
use crate::cli::exit::Exit;
use crate::cli::figures::{grouped, size};
use crate::cli::progress::{Style, forecast, reporter, waits};
use crate::cli::table::table;
use crate::cli::{Shell, signals};
use crate::config::Log;
use crate::config::text::printable;
use crate::forecast::Forecast;
use crate::people::{Action, Actor};
use crate::quota::{kind_name, words};
use crate::store::{Backup, BackupId, BackupState, Removal};

use super::{Failure, Outcome, confirm, desk, open, prepare, print, shown};

const DAY: i64 = 24 * HOUR;
const HOUR: i64 = 60 * MINUTE;
const MINUTE: i64 = 60;

pub(super) fn list(typed: &List, global: &Global, shell: &Shell) -> Outcome {
    let (service, actor) = open(global, shell)?;
    let backups = service.list(typed.desk.as_deref(), typed.all, &actor)?;
    if let (true, Some(name)) = (backups.is_empty(), typed.desk.as_deref()) {
        // A desk that the configuration no longer has may have left archives, so it is only now that it is unknown.
        desk(service.config(), Some(name)).map_err(Failure::Usage)?;
    }
    let mut unfinished = BTreeMap::new();
    for backup in &backups {
        let is_interrupted = service.is_interrupted(backup)?;
        if matches!(backup.state, BackupState::Running | BackupState::Suspended) {
            let found = Unfinished {
                rows: service.reached(backup.id)?.rows,
                is_interrupted,
                has_desk: service.has_desk_of(backup),
                forecast: service.forecast(backup.id)?,
            };
            unfinished.insert(backup.id, found);
        }
    }
    let text = if typed.json {
        json(&backups, &unfinished)?
    } else if backups.is_empty() {
        "no backups\n".to_owned()
    } else {
        render(&backups, &unfinished, service.now())
    };
    print(&text, shell)?;
    Ok(Exit::Done)
}

pub(super) fn download(typed: &Download, global: &Global, shell: &Shell) -> Outcome {
    let to = typed
        .to
        .as_ref()
        .map_or_else(|| shell.working.clone(), |to| shell.working.join(to));
    if !to.is_dir() && to.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(Failure::Usage(format!("there is no folder {}", shown(&to))));
    }
    let (service, actor) = open(global, shell)?;
    let (id, actor) = match typed.what.parse() {
        Ok(id) => (id, actor),
        Err(_) => (service.open_link(&typed.what)?, Actor::Link),
    };
    let cancel = prepare(global, &Log::default(), signals::READING, shell)?;
    let style = Style::fitting(false, global.quiet, shell.console.is_terminal);
    let progress = reporter(style, &shell.console, shell.clock.clone());
    let file = service.download(id, &to, &actor, progress.as_ref(), &cancel);
    drop(progress);
    shell.console.restore();
    print(&format!("{}\n", shown(&file?)), shell)?;
    Ok(Exit::Done)
}

pub(super) fn delete(typed: &Delete, global: &Global, shell: &Shell) -> Outcome {
    let (service, actor) = open(global, shell)?;
    let backup = service.show(typed.id, &actor)?;
    // Nobody is asked about what they may not do.
    service.allow(&actor, &backup.desk, Action::Delete)?;
    let what = format!(
        "{}, {}, started {}",
        printable(&backup.desk),
        kind_name(backup.kind),
        words(backup.started)
    );
    if backup.state == BackupState::Suspended || service.is_interrupted(&backup)? {
        let rows = grouped(service.reached(backup.id)?.rows);
        let question = format!(
            "Backup {} ({what}) is suspended; the {rows} rows that are kept of it will be gone for good. Give it up?",
            backup.id
        );
        confirm(&question, typed.yes, shell)?;
        let cancel = prepare(global, &Log::default(), signals::READING, shell)?;
        service.abandon(typed.id, &actor, &cancel)?;
        print(&format!("backup {} is given up\n", typed.id), shell)?;
        return Ok(Exit::Done);
    }
    if backup.archive.is_some() && backup.removed.is_none() {
        let question = format!(
            "The archive of backup {} ({what}) will be gone for good. Delete it?",
            backup.id
        );
        confirm(&question, typed.yes, shell)?;
    }
    let text = match service.delete(typed.id, &actor)? {
        Removal::Missing => format!("the archive of backup {} was gone already; that is noted\n", typed.id),
        _ => format!("the archive of backup {} is deleted\n", typed.id),
    };
    print(&text, shell)?;
    Ok(Exit::Done)
}

pub(super) fn link(typed: &Link, global: &Global, shell: &Shell) -> Outcome {
    let (service, actor) = open(global, shell)?;
    let (link, until) = service.link(typed.id, typed.within, &actor)?;
    print(&format!("{link}\n"), shell)?;
    if !global.quiet {
        let left = in_words(until, service.now());
        shell.console.err(&format!(
            "anyone who has it can download the archive; it dies {left}, on {}",
            words(until)
        ));
    }
    Ok(Exit::Done)
}

/// What is known of a backup that came to no end until now.
struct Unfinished {
    /// Rows that are kept of it.
    rows: u64,
    /// What was last foreseen of it.
    forecast: Option<Forecast>,
    /// Its row says that it runs, and no process runs it.
    is_interrupted: bool,
    /// Whether the configuration has its desk.
    has_desk: bool,
}

fn json(backups: &[Backup], unfinished: &BTreeMap<BackupId, Unfinished>) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        backup: &'a Backup,
        #[serde(skip_serializing_if = "Option::is_none")]
        rows_kept: Option<u64>,
        /// With the state `running`: no process runs it any more.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        interrupted: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        forecast: Option<&'a Forecast>,
    }
    let line = |backup: &Backup| {
        let found = unfinished.get(&backup.id);
        serde_json::to_string(&Line {
            backup,
            rows_kept: found.map(|found| found.rows),
            interrupted: found.is_some_and(|found| found.is_interrupted),
            forecast: found.and_then(|found| found.forecast.as_ref()),
        })
    };
    let lines = backups.iter().map(|backup| Ok(line(backup)? + "\n"));
    lines
        .collect::<serde_json::Result<String>>()
        .context("cannot write the result as JSON")
        .map_err(Failure::Failed)
}

fn render(backups: &[Backup], unfinished: &BTreeMap<BackupId, Unfinished>, now: Timestamp) -> String {
    let head = [
        "id", "desk", "kind", "range", "state", "records", "size", "created", "expires",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for backup in backups {
        let archive = backup.archive.as_ref();
        let figure = |figure: Option<String>| figure.unwrap_or_else(|| "-".to_owned());
        rows.push(vec![
            backup.id.to_string(),
            printable(&backup.desk),
            kind_name(backup.kind).to_owned(),
            backup.range.map_or_else(|| "all".to_owned(), span),
            match unfinished.get(&backup.id) {
                Some(found) if found.is_interrupted => "INTERRUPTED".to_owned(),
                _ => state(backup.state).to_owned(),
            },
            figure(
                archive
                    .map(|archive| grouped(archive.records))
                    .or(unfinished.get(&backup.id).map(|found| grouped(found.rows))),
            ),
            figure(archive.map(|archive| size(archive.bytes))),
            second(backup.ended.unwrap_or(backup.started)),
            expires(backup, now),
        ]);
    }
    // Words flush left, figures flush right.
    let mut text = table(&rows, 5);
    for backup in backups {
        let id = backup.id;
        let Some(found) = unfinished.get(&id) else { continue };
        if backup.state == BackupState::Running && !found.is_interrupted {
            let told = found.forecast.as_ref().map_or_else(String::new, |foreseen| {
                let until = foreseen.waits_until.filter(|until| *until > now);
                let waits = until.map_or_else(String::new, |until| waits(until, &Local) + "; ");
                format!(": {waits}{}", forecast(foreseen, &Local))
            });
            let _ = writeln!(text, "backup {id} runs{told}");
            continue;
        }
        let what = match backup.suspended {
            Some(since) if !found.is_interrupted => {
                let reason = printable(backup.reason.as_deref().unwrap_or("no reason is known"));
                format!("suspended since {}: {reason}", second(since))
            }
            _ => "interrupted: the process that ran it is gone, or there was no room to say why it ended".to_owned(),
        };
        let next = if found.has_desk {
            format!("`deskvault backup --resume {id}` goes on with it")
        } else {
            format!(
                "it can be gone on with when the desk {} is in the configuration again; `deskvault delete {id}` gives it up",
                printable(&backup.desk)
            )
        };
        // The reason of one that was given up says so already.
        let next = if what.contains(&next) {
            String::new()
        } else {
            format!("; {next}")
        };
        let _ = writeln!(text, "backup {id} is {what}{next}");
    }
    text
}

fn state(state: BackupState) -> &'static str {
    match state {
        BackupState::Running => "running",
        BackupState::Suspended => "SUSPENDED",
        BackupState::Complete => "complete",
        BackupState::Incomplete => "INCOMPLETE",
        BackupState::LimitReached => "LIMIT REACHED",
        BackupState::Failed => "FAILED",
        BackupState::Stopped => "stopped",
        BackupState::Refused => "refused",
    }
}

/// `2024-06-01 to 2024-06-30`, both days included, where it is of whole days.
fn span(range: Range) -> String {
    let micros = DAY * 1_000_000;
    let is_midnight = |time: Timestamp| time.micros().rem_euclid(micros) == 0;
    let Range { from, to } = range;
    if is_midnight(from) && is_midnight(to) {
        let last = Timestamp::from_micros(to.micros().saturating_sub(micros));
        let day = |time: Timestamp| time.to_string().chars().take(10).collect::<String>();
        return format!("{} to {}", day(from), day(last));
    }
    format!("{from} until {to}")
}

/// A moment to the second: more is of no use in a list.
fn second(time: Timestamp) -> String {
    words(Timestamp::from_micros(
        time.micros() - time.micros().rem_euclid(1_000_000),
    ))
}

fn expires(backup: &Backup, now: Timestamp) -> String {
    match (&backup.archive, backup.removed) {
        (None, _) => "-".to_owned(),
        (Some(_), Some((_, Removal::Expired))) => "expired".to_owned(),
        (Some(_), Some((_, Removal::Deleted))) => "deleted".to_owned(),
        (Some(_), Some((_, Removal::Missing))) => "was gone".to_owned(),
        (Some(archive), None) => archive
            .expires
            .map_or_else(|| "never".to_owned(), |at| in_words(at, now)),
    }
}

/// `in 6 days`.
fn in_words(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.micros().saturating_sub(now.micros()).div_euclid(1_000_000);
    let (number, unit) = match seconds {
        ..=0 => return "now".to_owned(),
        1..MINUTE => return "in less than a minute".to_owned(),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("in {number} {unit}{plural}")
}
