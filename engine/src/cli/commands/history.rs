//! `deskvault history`.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use anyhow::Context as _;
use chrono::DateTime;
use chrono_tz::Tz;
use plugin_api::Timestamp;

use crate::cli::Shell;
use crate::cli::args::{Global, History, HistoryCommand, Lang};
use crate::cli::exit::Exit;
use crate::cli::figures::count;
use crate::cli::range::{from_moment, to_moment};
use crate::cli::table::{padded, width};
use crate::config::Config;
use crate::config::text::{did_you_mean, excerpt, printable};
use crate::history::{Entry, Filter, Happening, Head, Language, Verified, csv_head, csv_line, json_line};
use crate::key::Key;
use crate::people::{Action, Actor};
use crate::schedule::read_zone;
use crate::service::{Service, ServiceError};
use crate::store::{self, StoreError};

use super::{Failure, Outcome, confirm, desk, load, print, serve, unusable};

/// Text is held back up to this length.
const BUFFER: usize = 64 << 10;

pub(super) fn run(typed: &History, global: &Global, shell: &Shell) -> Outcome {
    match &typed.command {
        Some(HistoryCommand::Verify { head, json }) => return verify(head.as_deref(), *json, global, shell),
        Some(HistoryCommand::Reseal { yes }) => return reseal(*yes, global, shell),
        None => {}
    }
    let zone = zone(typed.zone.as_deref())?;
    let config = load(global, shell).map_err(unusable)?.config;
    let filter = filter(typed, &config, zone)?;
    let language = typed.lang.map_or(shell.language, |lang| match lang {
        Lang::En => Language::English,
        Lang::Ja => Language::Japanese,
    });
    let mut lines = Lines::new(typed, language, zone, shell)?;
    let is_there = has_database(&config)?;
    if is_there {
        let (service, actor) = serve(config, shell)?;
        if lines.is_table() {
            each(&service, &filter, &actor, |entry| {
                lines.measure(entry);
                Ok(())
            })?;
        }
        each(&service, &filter, &actor, |entry| lines.add(entry))?;
    }
    lines.finish(is_there)?;
    Ok(Exit::Done)
}

fn verify(noted: Option<&str>, json: bool, global: &Global, shell: &Shell) -> Outcome {
    let noted = noted.map(str::parse::<Head>).transpose();
    let noted = noted.map_err(|wrong| Failure::Usage(format!("--head: {wrong}")))?;
    let config = load(global, shell).map_err(unusable)?.config;
    let is_there = has_database(&config)?;
    let verified = if is_there {
        let (service, actor) = serve(config, shell)?;
        may_see(&service, &actor)?;
        let verified = service.store().read(|view| view.verify_history(noted, &mut |_| {}));
        verified.map_err(|error: StoreError| Failure::Failed(error.into()))?
    } else {
        Verified::of_nothing(noted)
    };
    let text = if json {
        serde_json::to_string(&verified)
            .context("cannot write the result as JSON")
            .map_err(Failure::Failed)?
            + "\n"
    } else {
        render(&verified, is_there)
    };
    print(&text, shell)?;
    Ok(if verified.is_whole() { Exit::Done } else { Exit::Damaged })
}

fn reseal(yes: bool, global: &Global, shell: &Shell) -> Outcome {
    if shell.token.is_some() {
        let text = "refused: only who is at the machine itself may seal the history anew, and not with a token";
        return Err(Failure::Refused(text.into()));
    }
    let config = load(global, shell).map_err(unusable)?.config;
    if !has_database(&config)? {
        return print("there is no history yet\n", shell).map(|()| Exit::Done);
    }
    let question = "If deskvault.key or the database can be put back from a copy, do that instead. Seal the history anew, so that \
                    it never verifies as whole again?";
    confirm(question, yes, shell)?;
    Key::renew(&config.archive.folder).map_err(|error| Failure::Failed(error.into()))?;
    let (service, actor) = serve(config, shell)?;
    let resealed = service
        .store()
        .write(|tx| tx.reseal(service.now(), &actor.user(None), &actor.via()));
    let text = match resealed.map_err(|error: StoreError| Failure::Failed(error.into()))? {
        Some(entry) => format!(
            "sealed anew with entry {}: {}\n",
            entry.number,
            entry.what.describe(shell.language, Tz::UTC)
        ),
        None => "the seal is in order: nothing was done\n".to_owned(),
    };
    print(&text, shell)?;
    Ok(Exit::Done)
}

/// Every finding, and on the last line the result.
fn render(verified: &Verified, is_there: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for finding in &verified.findings {
        let _ = writeln!(text, "ALTERED: {}", printable(&finding.to_string()));
    }
    if verified.more > 0 {
        let _ = writeln!(
            text,
            "ALTERED: and {}",
            count(verified.more, "finding more", "findings more")
        );
    }
    let entries = count(verified.head.entries, "entry", "entries");
    let _ = if !verified.is_whole() {
        let findings = count(verified.findings.len() as u64 + verified.more, "finding", "findings");
        writeln!(text, "the history is NOT whole ({findings}); {entries} are there")
    } else if is_there {
        writeln!(
            text,
            "the history is whole: {entries}\nhead, to be noted elsewhere: {}",
            verified.head
        )
    } else {
        writeln!(text, "there is no history yet")
    };
    text
}

/// The chain goes over all desks: whoever sees one of them may have it verified.
fn may_see(service: &Service, actor: &Actor) -> Result<(), Failure> {
    let mut refusal = None;
    for desk in &service.config().desks {
        match actor.may(desk, Action::See) {
            Ok(()) => return Ok(()),
            Err(error) => refusal = Some(error),
        }
    }
    refusal.map_or(Ok(()), |refusal| Err(ServiceError::Refused(refusal).into()))
}

/// Whether there is anything to read. Nothing is made only to be looked into.
pub(super) fn has_database(config: &Config) -> Result<bool, Failure> {
    let folder = &config.archive.folder;
    let file = folder.join(store::FILE);
    let is_there = file
        .try_exists()
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(Failure::Failed)?;
    if !is_there && folder.exists() {
        Key::expect_nothing_forgotten(folder).map_err(|error| Failure::Failed(error.into()))?;
    }
    Ok(is_there)
}

fn each(
    service: &Service,
    filter: &Filter,
    actor: &Actor,
    mut take: impl FnMut(&Entry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failure = None;
    service.history(filter, actor, &mut |entry| match take(&entry) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failure.map_or(Ok(()), Err)
}

fn zone(typed: Option<&str>) -> Result<Tz, Failure> {
    typed
        .map_or(Ok(Tz::UTC), read_zone)
        .map_err(|must| Failure::Usage(format!("--zone must {must}")))
}

fn filter(typed: &History, config: &Config, zone: Tz) -> Result<Filter, Failure> {
    let usage = |error: crate::cli::range::RangeError| Failure::Usage(error.to_string());
    if let Some(name) = &typed.desk {
        desk(config, Some(name)).map_err(Failure::Usage)?;
    }
    let from = typed
        .from
        .as_deref()
        .map(|from| from_moment(from, zone))
        .transpose()
        .map_err(usage)?;
    let to = typed
        .to
        .as_deref()
        .map(|to| to_moment(to, zone))
        .transpose()
        .map_err(usage)?;
    if let (Some(begin), Some(end), Some(from), Some(to)) = (from, to, &typed.from, &typed.to)
        && begin >= end
    {
        return Err(Failure::Usage(format!(
            "--from {} must lie before --to {}",
            excerpt(from),
            excerpt(to)
        )));
    }
    let kinds = typed.kinds.iter().map(|typed| kind(typed)).collect::<Result<_, _>>()?;
    Ok(Filter {
        desk: typed.desk.clone(),
        from,
        to,
        kinds,
        user: typed.user.clone(),
    })
}

/// The name of a kind, also with hyphens.
fn kind(typed: &str) -> Result<String, Failure> {
    let name = typed.to_lowercase().replace('-', "_");
    if Happening::KINDS.contains(&name.as_str()) {
        return Ok(name);
    }
    let near = did_you_mean(&name, Happening::KINDS.iter().copied(), ("", ""));
    Err(Failure::Usage(format!(
        "--kind: there is no \"{}\"{near}; there is {}",
        excerpt(typed),
        Happening::KINDS.join(", ")
    )))
}

enum Form {
    Table,
    Json,
    Csv,
}

/// The output, in pieces: a history may be longer than the memory is large.
struct Lines<'s> {
    form: Form,
    language: Language,
    zone: Tz,
    shell: &'s Shell,
    held: String,
    /// The widths of the table's columns but for the last.
    widths: [usize; 5],
    entries: u64,
}

impl<'s> Lines<'s> {
    fn new(typed: &History, language: Language, zone: Tz, shell: &'s Shell) -> Result<Self, Failure> {
        let form = match (typed.json, typed.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv,
            _ => Form::Table,
        };
        let mut lines = Self {
            form,
            language,
            zone,
            shell,
            held: String::new(),
            widths: [0; 5],
            entries: 0,
        };
        match lines.form {
            Form::Csv => lines.held = csv_head().map_err(unwritable)?,
            Form::Table => lines.widths = lines.head().map(|cell| width(&cell)),
            Form::Json => {}
        }
        Ok(lines)
    }

    fn is_table(&self) -> bool {
        matches!(self.form, Form::Table)
    }

    fn head(&self) -> [String; 5] {
        let (number, time, desk, user, via) = match self.language {
            Language::English => ("no.", "time", "desk", "user", "via"),
            Language::Japanese => ("番号", "日時", "デスク", "ユーザー", "経路"),
        };
        [
            number.to_owned(),
            format!("{time} ({})", self.zone.name()),
            desk.to_owned(),
            user.to_owned(),
            via.to_owned(),
        ]
    }

    /// All cells of a table's row but for the last.
    fn cells(&self, entry: &Entry) -> [String; 5] {
        [
            entry.number.to_string(),
            time(entry.at, self.zone),
            printable(entry.desk.as_deref().unwrap_or("-")),
            printable(&entry.user),
            printable(&entry.via),
        ]
    }

    fn measure(&mut self, entry: &Entry) {
        let cells = self.cells(entry);
        for (most, cell) in self.widths.iter_mut().zip(cells) {
            *most = (*most).max(width(&cell));
        }
    }

    fn add(&mut self, entry: &Entry) -> Result<(), Failure> {
        match self.form {
            Form::Json => {
                self.held += &json_line(entry, self.language, self.zone).map_err(unwritable)?;
                self.held.push('\n');
            }
            Form::Csv => self.held += &csv_line(entry, self.language, self.zone).map_err(unwritable)?,
            Form::Table => {
                if self.entries == 0 {
                    let last = match self.language {
                        Language::English => "what happened",
                        Language::Japanese => "内容",
                    };
                    self.row(&self.head(), last);
                }
                let description = entry.what.describe(self.language, self.zone);
                self.row(&self.cells(entry), &printable(&description));
            }
        }
        self.entries += 1;
        if self.held.len() < BUFFER {
            return Ok(());
        }
        print(&std::mem::take(&mut self.held), self.shell)
    }

    fn row(&mut self, cells: &[String; 5], last: &str) {
        for (cell, columns) in cells.iter().zip(self.widths) {
            self.held += &padded(cell, columns);
            self.held += "  ";
        }
        self.held += last;
        self.held.push('\n');
    }

    fn finish(mut self, is_there: bool) -> Result<(), Failure> {
        if self.is_table() && self.entries == 0 {
            self.held += if is_there {
                "no entries\n"
            } else {
                "there is no history yet\n"
            };
        }
        print(&self.held, self.shell)
    }
}

/// `2026-11-23 17:15:03`.
fn time(at: Timestamp, zone: Tz) -> String {
    let time = DateTime::from_timestamp_micros(at.micros());
    time.map_or_else(
        || at.to_string(),
        |time| time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

fn unwritable(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Failed(error.into().context("cannot write an entry"))
}

#[cfg(test)]
mod tests;
