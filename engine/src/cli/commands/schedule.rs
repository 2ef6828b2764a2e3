//! `deskvault schedule`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, TimeZone as _};
use plugin_api::Timestamp;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::cli::Shell;
use crate::cli::args::{Global, Schedule, SetSchedule, ShowSchedule, StopSchedule};
use crate::cli::exit::Exit;
use crate::cli::table::table;
use crate::config::Desk;
use crate::config::text::printable;
use crate::people::Action;
use crate::quota::words;
use crate::schedule::{Declared, Run, read_every};
use crate::service::{Service, ServiceError};
use crate::store::{ScheduleRow, ScheduleState};

use super::{Failure, Outcome, confirm, desk, open, print};

/// Runs to come that are shown.
const SHOWN: usize = 5;

pub(super) fn run(typed: &Schedule, global: &Global, shell: &Shell) -> Outcome {
    match typed {
        Schedule::Set(typed) => set(typed, global, shell),
        Schedule::Show(typed) => show(typed, global, shell),
        Schedule::Stop(typed) => stop(typed, global, shell),
    }
}

fn set(typed: &SetSchedule, global: &Global, shell: &Shell) -> Outcome {
    let declared = Declared {
        every: read_every(typed.every.name(), &typed.on).map_err(|wish| Failure::Usage(format!("--on must {wish}")))?,
        at: typed.at,
        zone: typed.zone,
        from: typed.from,
        until: typed.until,
        make_up: !typed.no_make_up,
    };
    let wish = |wish| Failure::Usage(format!("--until must {wish}"));
    declared.check().map_err(wish)?;
    let (service, actor) = open(global, shell)?;
    let name = &desk(service.config(), typed.desk.as_deref())
        .map_err(Failure::Usage)?
        .name;
    let now = service.now();
    let row = service.set_schedule(name, &declared.starting(now), &actor)?;
    let first = row
        .schedule
        .slots(row.made, now)
        .next()
        .map_or_else(String::new, |first| {
            let (local, utc) = (local(&row, first), words(first.slot));
            format!("the first run takes everything, on {local} ({utc})\n")
        });
    print(&format!("{}: {}\n{first}", printable(name), row.schedule), shell)?;
    tell_of_the_daemon(&service, global, shell);
    Ok(Exit::Done)
}

fn show(typed: &ShowSchedule, global: &Global, shell: &Shell) -> Outcome {
    let (service, actor) = open(global, shell)?;
    let desks = if let Some(name) = &typed.desk {
        vec![desk(service.config(), Some(name)).map_err(Failure::Usage)?]
    } else {
        // What somebody may not see was not asked for.
        let all = service.config().desks.iter();
        all.filter(|desk| actor.may(desk, Action::See).is_ok()).collect()
    };
    let is_daemon_gone = is_daemon_gone(service.folder());
    let (mut text, mut are_any) = (String::new(), false);
    for desk in desks {
        let row = service.schedule(&desk.name, &actor)?;
        are_any |= row.is_some();
        if typed.json {
            text.push_str(&json(&desk.name, row.as_ref(), service.now(), is_daemon_gone)?);
        } else {
            match row {
                Some(row) => text.push_str(&block(&row, service.now())),
                None => text.push_str(&none(&service, desk)?),
            }
        }
    }
    print(&text, shell)?;
    if are_any && !typed.json {
        tell_of_the_daemon(&service, global, shell);
    }
    Ok(Exit::Done)
}

fn stop(typed: &StopSchedule, global: &Global, shell: &Shell) -> Outcome {
    let (service, actor) = open(global, shell)?;
    let desk = desk(service.config(), typed.desk.as_deref()).map_err(Failure::Usage)?;
    // Nobody is asked about what they may not do, or what is not there.
    service.allow(&actor, &desk.name, Action::Stop)?;
    let name = printable(&desk.name);
    if let Some(row) = service.schedule(&desk.name, &actor)? {
        let question = format!(
            "The schedule of {name} ({}) will not run any more. Stop it?",
            row.schedule
        );
        confirm(&question, typed.yes, shell)?;
    }
    service.stop_schedule(&desk.name, &actor)?;
    let stays = if desk.schedule.is_some() {
        "; it stays stopped until its declaration in the configuration is changed"
    } else {
        ""
    };
    print(&format!("the schedule of {name} is stopped{stays}\n"), shell)?;
    Ok(Exit::Done)
}

/// A schedule with its next runs.
fn block(row: &ScheduleRow, now: Timestamp) -> String {
    let (desk, user, made) = (printable(&row.desk), printable(&row.user), words(second(row.made)));
    let last = row.last_slot.map_or_else(String::new, |slot| {
        format!("  the last run was that of {}\n", words(slot))
    });
    let rows: Vec<Vec<String>> = next(row, now)
        .map(|run| {
            let takes = match (
                run.overdue,
                row.last_slot.is_none() && Some(run) == next(row, now).next(),
            ) {
                (true, true) => "due; takes everything",
                (true, false) => "due",
                (false, true) => "takes everything",
                (false, false) => "",
            };
            vec!["  ".to_owned(), local(row, run), words(run.slot), takes.to_owned()]
        })
        .collect();
    format!(
        "{desk}: {}\n  set by {user} on {made}\n{last}{}",
        row.schedule,
        table(&rows, 4)
    )
}

/// What is to be said of a desk without a schedule.
fn none(service: &Service, desk: &Desk) -> Result<String, Failure> {
    let (last, declared) = service
        .store()
        .read(|view| Ok::<_, ServiceError>((view.last_schedule(&desk.name)?, view.declared(&desk.name)?)))?;
    let last = last.map_or_else(String::new, |row| {
        let what = match row.state {
            ScheduleState::Ended => "has ended",
            ScheduleState::Stopped | ScheduleState::Active => "was stopped",
        };
        format!("; the last one, {}, {what}", row.schedule)
    });
    let written = desk.schedule.as_ref().map(serde_json::to_string).transpose();
    let waits = if written.is_ok_and(|written| written.is_some() && written != declared) {
        "; the configuration declares one, which the daemon has not taken up yet"
    } else {
        ""
    };
    Ok(format!("{}: no schedule{last}{waits}\n", printable(&desk.name)))
}

fn json(desk: &str, row: Option<&ScheduleRow>, now: Timestamp, is_daemon_gone: bool) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Next {
        at: Timestamp,
        local: String,
        due: bool,
    }
    let runs: Vec<Next> = row.map_or_else(Vec::new, |row| {
        let run = |run: Run| Next {
            at: run.slot,
            local: in_zone(row, run).to_rfc3339(),
            due: run.overdue,
        };
        next(row, now).map(run).collect()
    });
    let line = serde_json::json!({
        "desk": desk,
        "schedule": row.map(|row| &row.schedule),
        "words": row.map(|row| row.schedule.to_string()),
        "set_by": row.map(|row| &row.user),
        "set_at": row.map(|row| row.made),
        "last_run": row.and_then(|row| row.last_slot),
        "next_runs": serde_json::to_value(runs)
            .context("cannot write the result as JSON")
            .map_err(Failure::Failed)?,
        "daemon_is_gone": is_daemon_gone,
    });
    Ok(format!("{line}\n"))
}

fn next(row: &ScheduleRow, now: Timestamp) -> impl Iterator<Item = Run> {
    row.schedule.slots(row.last_slot.unwrap_or(row.made), now).take(SHOWN)
}

/// A run as the clocks of its zone show it: `Fri 2026-11-27 02:00:00 +09:00`.
fn local(row: &ScheduleRow, run: Run) -> String {
    in_zone(row, run).format("%a %Y-%m-%d %H:%M:%S %:z").to_string()
}

fn in_zone(row: &ScheduleRow, run: Run) -> DateTime<chrono_tz::Tz> {
    let utc = DateTime::from_timestamp_micros(run.slot.micros()).unwrap_or_default();
    row.schedule.zone.from_utc_datetime(&utc.naive_utc())
}

/// The whole second in which a moment lies.
fn second(moment: Timestamp) -> Timestamp {
    Timestamp::from_micros(moment.micros() - moment.micros().rem_euclid(1_000_000))
}

fn tell_of_the_daemon(service: &Service, global: &Global, shell: &Shell) {
    if !global.quiet && is_daemon_gone(service.folder()) {
        let hint = "the daemon is not running: no schedule runs until `deskvault daemon` does";
        shell.console.err(hint);
    }
}

/// Whether it is known that no daemon is running here. The lock is only read: to try it could keep a daemon from starting
/// that tries it at the same moment.
fn is_daemon_gone(folder: &Path) -> bool {
    /// As much of it as is needed here.
    #[derive(Deserialize)]
    struct Owner {
        pid: i32,
        host: String,
    }
    let mut words = Vec::new();
    let read = File::open(folder.join("deskvault.lock")).and_then(|file| file.take(4096).read_to_end(&mut words));
    if let Err(error) = read {
        return error.kind() == std::io::ErrorKind::NotFound;
    }
    let Ok(owner) = serde_json::from_slice::<Owner>(&words) else {
        return false;
    };
    let is_here = rustix::system::uname().nodename().to_string_lossy() == owner.host;
    let process = Pid::from_raw(owner.pid).filter(|_| is_here);
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}
