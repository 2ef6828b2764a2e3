//! `deskvault backup`.

use std::time::Duration;

use anyhow::Context as _;
use plugin_api::{Range, Timestamp};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::cli::actions::Actions;
use crate::cli::args::{Backup, Global};
use crate::cli::exit::Exit;
use crate::cli::progress::{Style, reporter};
use crate::cli::{Shell, range, signals, summary};
use crate::config::text::{did_you_mean, excerpt};
use crate::config::{Config, Desk};
use crate::notify::Courier;
use crate::people::Actor;
use crate::progress::{Progress, Summary};
use crate::quota;
use crate::service::{Done, GoOn, Runner, Service, ServiceError, Which, Wish};
use crate::store::{BackupId, BackupState};

use super::{Failure, Outcome, desk, load, prepare, print, serve, unusable};

/// How long notifications may take at the end. What is not sent by then, the daemon sends.
const NOTIFYING: Duration = Duration::from_secs(5);

pub(super) fn run(typed: &Backup, global: &Global, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let range =
        range::range(typed.from.as_deref(), typed.to.as_deref()).map_err(|error| Failure::Usage(error.to_string()))?;
    let config = load(global, shell).map_err(unusable)?.config;
    if let Some(id) = typed.resume {
        return resume(typed, id, config, global, shell, actions);
    }
    let desk = desk(&config, typed.desk.as_deref()).map_err(Failure::Usage)?;
    let wish = Wish {
        desk: desk.name.clone(),
        modules: modules(desk, &typed.modules).map_err(Failure::Usage)?,
        which: range.map_or(Which::Full, Which::Custom),
        allow_partial: typed.allow_partial,
        wait: typed.wait,
        anew: typed.anew,
        out: typed.out.as_ref().map(|out| shell.working.join(out)),
    };
    let cancel = prepare(global, &config.log, signals::BACKUP, shell)?;
    let (service, actor) = serve(config, shell)?;
    let runner = actions.runner(service.config(), &shell.time);
    let maker = Maker::new((&service, &actor), runner.as_ref(), typed, global, shell, &cancel);
    let outcome = match range.filter(|_| typed.split) {
        Some(range) => maker.parts(&wish, range),
        None => maker.make(&wish),
    };
    maker.notify();
    outcome
}

/// `--resume`: the backup's desk is its own, and need not be named with its number.
fn resume(
    typed: &Backup,
    id: Option<BackupId>,
    config: Config,
    global: &Global,
    shell: &Shell,
    actions: &dyn Actions,
) -> Outcome {
    let cancel = prepare(global, &config.log, signals::BACKUP, shell)?;
    let (service, actor) = serve(config, shell)?;
    let of_id = match id {
        Some(id) if typed.desk.is_none() => Some(service.show(id, &actor)?.desk),
        _ => None,
    };
    let name = of_id.as_deref().or(typed.desk.as_deref());
    let wish = GoOn {
        desk: desk(service.config(), name).map_err(Failure::Usage)?.name.clone(),
        backup: id,
        finish: typed.finish,
        wait: typed.wait,
    };
    let runner = actions.runner(service.config(), &shell.time);
    let maker = Maker::new((&service, &actor), runner.as_ref(), typed, global, shell, &cancel);
    let outcome = maker.show(|progress| service.resume(&wish, &actor, maker.runner, progress, maker.cancel));
    maker.notify();
    outcome
}

/// Makes backups and shows what becomes of them.
struct Maker<'a> {
    service: &'a Service,
    actor: &'a Actor,
    runner: &'a dyn Runner,
    style: Style,
    json: bool,
    shell: &'a Shell,
    cancel: &'a CancellationToken,
}

impl<'a> Maker<'a> {
    fn new(
        (service, actor): (&'a Service, &'a Actor),
        runner: &'a dyn Runner,
        typed: &Backup,
        global: &Global,
        shell: &'a Shell,
        cancel: &'a CancellationToken,
    ) -> Self {
        Self {
            service,
            actor,
            runner,
            style: Style::fitting(typed.json, global.quiet, shell.console.is_terminal),
            json: typed.json,
            shell,
            cancel,
        }
    }

    fn make(&self, wish: &Wish) -> Outcome {
        self.show(|progress| {
            self.service
                .backup(wish, self.actor, self.runner, progress, self.cancel)
        })
    }

    /// Shows how something gets on, and what becomes of it.
    fn show(&self, make: impl FnOnce(&dyn Progress) -> Result<Done, ServiceError>) -> Outcome {
        let shell = self.shell;
        let progress = reporter(self.style, &shell.console, shell.clock.clone());
        let done = make(progress.as_ref());
        // The bars go before the table comes.
        drop(progress);
        shell.console.restore();
        let done = match done {
            Err(error @ ServiceError::TakenUp { id }) => return self.taken_up(id, error),
            done => done?,
        };
        let exit = match done.state {
            BackupState::Complete => Exit::Done,
            _ => Exit::Incomplete,
        };
        let text = if self.json {
            end_line(&done, exit)?
        } else {
            summed_up(&done)
        };
        print(&text, shell).map_err(|failure| published(failure, &done.summary))?;
        Ok(exit)
    }

    /// There was nothing left to do: its archive was there already.
    fn taken_up(&self, id: BackupId, found: ServiceError) -> Outcome {
        let state = self.service.show(id, self.actor)?.state;
        let exit = match state {
            BackupState::Complete => Exit::Done,
            BackupState::Incomplete | BackupState::LimitReached => Exit::Incomplete,
            // It is damaged.
            _ => return Err(found.into()),
        };
        let text = if self.json {
            let event = serde_json::json!({ "event": "end", "exit": exit.code(), "id": id, "state": state });
            format!("{event}\n")
        } else {
            format!("{found}\n")
        };
        print(&text, self.shell)?;
        Ok(exit)
    }

    /// Backs up a range in parts that are not too long, one after the other.
    fn parts(&self, wish: &Wish, range: Range) -> Outcome {
        let parts = quota::split(&self.service.config().limits, range);
        let count = parts.len();
        let mut worst = Exit::Done;
        for (place, part) in parts.enumerate() {
            let Range { from, to } = part;
            if !matches!(self.style, Style::Json | Style::Quiet) {
                let line = format!("part {} of {count}: from {from} until before {to}", place + 1);
                self.shell.console.err(&line);
            }
            let which = Which::Custom(part);
            match self.make(&Wish { which, ..wish.clone() }) {
                Ok(Exit::Done) => {}
                Ok(exit) => worst = exit,
                Err(failure) => {
                    self.shell.console.err(&stopped_at(range, from, place, count));
                    return Err(failure);
                }
            }
        }
        Ok(worst)
    }

    /// Sends what there is to tell, once and not for long.
    fn notify(&self) {
        let settings = &self.service.config().notify;
        if settings.webhooks.is_empty() && settings.mail.is_none() || self.cancel.is_cancelled() {
            return;
        }
        let (store, clock) = (self.service.store(), self.service.clock().as_ref());
        let sent = Courier::new()
            .map_err(anyhow::Error::from)
            .and_then(|courier| Ok(courier.deliver_due(store, settings, clock, NOTIFYING, self.cancel)?));
        if let Err(error) = sent {
            tracing::warn!("notifications are left to the daemon: {error:#}");
        }
    }
}

/// The summary, and before its last line, which names the archive, how the backup is listed.
fn summed_up(done: &Done) -> String {
    let mut text = summary::render(&done.summary);
    let expires = done.expires.map_or_else(
        || "its archive never expires".to_owned(),
        |at| format!("its archive expires on {}", quota::second_words(at)),
    );
    let last = text.trim_end().rfind('\n').map_or(0, |end| end + 1);
    text.insert_str(last, &format!("backup {}: {expires}\n", done.id));
    text
}

/// What is done of a range whose part number `place`, counted from 0, came to nothing, and how to go on.
fn stopped_at(range: Range, at: Timestamp, place: usize, count: usize) -> String {
    let Range { from, to } = range;
    let done = match place {
        0 => "nothing is done".to_owned(),
        _ => format!("what is before it, from {from}, is done"),
    };
    format!(
        "part {} of {count} was not made: {done}; not done is all from {at} until before {to}: go on with --from {at} --to {to} \
         --split",
        place + 1
    )
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
fn end_line(done: &Done, exit: Exit) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct End<'a> {
        event: &'static str,
        exit: u8,
        id: u64,
        state: BackupState,
        expires: Option<Timestamp>,
        #[serde(flatten)]
        summary: &'a Summary,
    }
    let end = End {
        event: "end",
        exit: exit.code(),
        id: done.id,
        state: done.state,
        expires: done.expires,
        summary: &done.summary,
    };
    let line = serde_json::to_string(&end)
        .context("cannot write the result as JSON")
        .map_err(Failure::Failed)?;
    Ok(line + "\n")
}

/// The modules of `desk` that are `chosen`, or all.
fn modules(desk: &Desk, chosen: &[String]) -> Result<Vec<String>, String> {
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
        .map(str::to_owned)
        .collect())
}
