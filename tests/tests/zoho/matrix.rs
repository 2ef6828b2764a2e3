//! Every fault at a share of the requests and at a chosen moment: what becomes of a backup. The table beside this file says
//! what must; `DESKVAULT_WRITE_MATRIX=1` writes it anew.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use deskvault_tests::compare::{Json, read_truth};
use deskvault_tests::zoho::{Backup, Desk, modules};
use engine::backup::Plan;
use plugin_api::Timestamp;
use sample_desk::settings::{Planned, Trouble, When};
use sample_desk::{Life, Settings};

/// Threads: more than there are processors, since much of it is waiting.
const THREADS: usize = 4;
/// The request with which what comes at a moment begins: by then each module is in its midst.
const MOMENT: u64 = 60;

/// What becomes of a backup.
struct Row {
    fault: String,
    when: String,
    outcome: String,
    lost: String,
    twice: u64,
    message: String,
}

/// When each fault comes.
fn moments(trouble: Trouble) -> Vec<When> {
    let (rare, often) = (When::Share(10), When::Share(100));
    match trouble {
        // Once is for good.
        Trouble::Revoked => vec![When::At(0, 0), When::At(5 * MOMENT, 0)],
        // Each keeps all requests waiting: at a share it would do nothing else.
        Trouble::Spent => vec![When::At(MOMENT, 0)],
        Trouble::Down => vec![When::At(1, 0), When::At(MOMENT, 0), When::At(4 * MOMENT, 0)],
        // More new tokens than ten in ten minutes are refused.
        Trouble::TokenEnded => vec![rare, When::At(MOMENT, 0)],
        // Only waits.
        Trouble::Slow => Vec::new(),
        // Of a list; few have a second page, and those are not many.
        Trouble::Repeats => vec![often, When::Share(500), When::Share(1000)],
        _ => vec![rare, often, When::At(MOMENT, 9)],
    }
}

fn when(when: When) -> String {
    match when {
        When::Share(share) => format!("{} %", share / 10),
        When::At(0, _) => "with the first request".into(),
        When::At(number, 0) => format!("with request {number}"),
        When::At(number, more) => format!("with requests {number} to {}", number + more),
    }
}

fn settings(planned: Planned) -> Settings {
    // A list has a second page only where there are more than a hundred.
    let tickets = if planned.trouble == Trouble::Repeats { 320 } else { 60 };
    Settings {
        seed: 7,
        tickets,
        custom_fields: 2,
        huge_bodies_ppm: 0,
        planned: vec![planned],
        ..Settings::default()
    }
}

/// A policy that waits for nothing long.
fn hasten(plan: &mut Plan) {
    let limits = &mut plan.connection.limits;
    limits.first_wait = Duration::from_millis(2);
    limits.idle_timeout = Duration::from_millis(150);
    limits.max_response_bytes = 2 << 20;
    limits.patience = Duration::from_secs(2);
}

/// Backs up a desk on which this goes wrong, and holds the archive against it.
fn row(planned: &Planned) -> Row {
    let life = Life {
        to_come: if planned.trouble == Trouble::Created { 300 } else { 0 },
        ..Life::default()
    };
    let desk = Desk::start_with(settings(planned.clone()), life);
    let mut plan = desk.plan(&modules());
    hasten(&mut plan);
    // As the service does it: what is interrupted is kept.
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a time");
    let now = Timestamp::from_micros(now.as_secs() as i64 * 1_000_000);
    plan.started = Some(now);
    let reserved = engine::archive::reserve(desk.folder.path(), &plan.desk, plan.kind, now);
    plan.spool = Some(reserved.expect("a folder"));
    let started = Instant::now();
    let ended = desk.back_up(&plan);
    let took = started.elapsed().as_secs_f64();
    let asked = desk.desk.stats();
    println!(
        "{planned}: {:.2} s, {} requests, {} faults",
        took, asked.requests, asked.faults
    );
    let is_rare = matches!(planned.when, When::Share(..=10));
    let may_be_none = is_rare || planned.trouble == Trouble::Repeats && planned.when == When::Share(100);
    assert!(asked.faults > 0 || may_be_none, "{planned}: nothing went wrong");
    let (outcome, lost, twice, message) = match &ended {
        Ok(backup) => {
            let outcome = if backup.summary.complete {
                "complete"
            } else {
                "incomplete"
            };
            let (lost, twice) = losses(planned, &desk, backup);
            (outcome.to_owned(), lost, twice, message(&reasons(backup)))
        }
        // The name of the error is what a program makes of it.
        Err(error) => {
            let shown = format!("{error:?}");
            let name = shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            (name.to_lowercase(), "-".into(), 0, message(&[chain(error)]))
        }
    };
    Row {
        fault: planned.trouble.name().into(),
        when: when(planned.when),
        outcome,
        lost,
        twice,
        message,
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

fn reasons(backup: &Backup) -> Vec<String> {
    let failed = backup.summary.modules.iter().filter_map(|module| module.reason.clone());
    backup.summary.reasons.iter().cloned().chain(failed).collect()
}

/// Records without a row: none, those that the archive names, or others; and how many have more than one.
fn losses(planned: &Planned, desk: &Desk, backup: &Backup) -> (String, u64) {
    let left: Vec<&str> = modules()
        .into_iter()
        .filter(|module| backup.manifest.tables.iter().any(|table| table.module == *module))
        .collect();
    let report = desk.compare(&backup.summary.archive, &left, &|_| true);
    // What was made after the backup began is for the next one.
    let mut young = HashSet::new();
    let mut parents = std::collections::HashMap::new();
    read_truth(&desk.truth(), &mut |line| {
        let made = line
            .value("createdTime")
            .and_then(Json::text)
            .and_then(Timestamp::parse);
        if made.is_some_and(|made| made >= backup.summary.started) {
            young.insert(line.id.clone());
        }
        if let Some(parent) = line.parent {
            parents.insert(line.id, parent);
        }
    })
    .expect("the truth");
    let reasons = reasons(backup);
    let is_failed = |table: &str| {
        let entry = backup.manifest.tables.iter().find(|entry| entry.name == table);
        let module = entry.and_then(|entry| {
            let mut modules = backup.summary.modules.iter();
            modules.find(|module| module.module == entry.module)
        });
        module.is_none_or(|module| module.state == engine::archive::ModuleState::Failed)
            || reasons
                .iter()
                .any(|reason| reason.starts_with(&format!("{table}: the desk counts")))
    };
    let (mut named, mut silent) = (0, BTreeSet::new());
    for (table, key) in &report.lost {
        let ids: Vec<&str> = key.split('/').collect();
        let with_parents = ids
            .iter()
            .copied()
            .chain(ids.iter().filter_map(|id| parents.get(*id).map(String::as_str)));
        let all: Vec<&str> = with_parents.collect();
        if all.iter().any(|id| young.contains(*id)) {
            continue;
        }
        let is_named = reasons
            .iter()
            .any(|reason| reason.contains("could not be read") && all.iter().any(|id| reason.contains(id)));
        if is_named || is_failed(table) {
            named += 1;
        } else {
            silent.insert(format!("{table} {key}"));
        }
    }
    assert!(
        silent.is_empty(),
        "{planned}: lost without a word: {silent:?}; reasons: {reasons:?}"
    );
    assert!(
        named == 0 || !backup.summary.complete,
        "{planned}: complete, and {named} records are lost"
    );
    let others = report.count - report.lost.len() as u64 - report.repeated;
    assert!(
        others == 0 || planned.trouble == Trouble::Created,
        "{planned}: {report}"
    );
    let lost = if named == 0 { "0" } else { "only named ones" };
    (lost.to_owned(), report.repeated)
}

/// What kind of message the first reason is: without what varies by chance.
fn message(reasons: &[String]) -> String {
    let Some(first) = reasons.first() else {
        return "-".into();
    };
    for (part, kind) in [
        ("could not be read", "a record could not be read"),
        ("the desk counts", "the desk's count differs from the rows"),
        (
            "the refresh token is not valid",
            "the refresh token is not valid (any more)",
        ),
        (
            "answered nothing for",
            "the desk answered nothing for as long as it is waited for",
        ),
        ("THRESHOLD_EXCEEDED", "the credits of the day are spent"),
    ] {
        if first.contains(part) {
            return kind.to_owned();
        }
    }
    let mut kind = String::new();
    for c in first.lines().next().unwrap_or_default().chars().take(160) {
        match c {
            '0'..='9' if kind.ends_with('N') => {}
            '0'..='9' => kind.push('N'),
            '|' => kind.push('/'),
            c => kind.push(c),
        }
    }
    kind
}

/// The table as text.
fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "# What becomes of a backup when something goes wrong at the desk\n\n\
         Written by the test beside it (`DESKVAULT_WRITE_MATRIX=1`), which fails where it is not so any more. *Lost* are records \
         of the desk without a row, *twice* records with more than one. Shares are of all requests.\n\n\
         | fault | when | outcome | lost | twice | message |\n|---|---|---|---|---|---|\n",
    );
    for Row {
        fault,
        when,
        outcome,
        lost,
        twice,
        message,
    } in rows
    {
        let _ = writeln!(out, "| {fault} | {when} | {outcome} | {lost} | {twice} | {message} |");
    }
    out
}

#[test]
fn every_fault_ends_as_the_table_says() {
    let cases: Vec<Planned> = Trouble::ALL
        .iter()
        .flat_map(|trouble| moments(*trouble).into_iter().map(move |when| (*trouble, when)))
        .map(|(trouble, when)| Planned {
            trouble,
            when,
            path: None,
        })
        .collect();
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = row(case);
                    let place = cases.iter().position(|other| other == case);
                    rows.lock().expect("no panic").push((place, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("no panic");
    rows.sort_by_key(|(place, _)| *place);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    let found = table(&rows);
    println!("{found}");
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/zoho/matrix.md");
    if std::env::var_os("DESKVAULT_WRITE_MATRIX").is_some() {
        std::fs::write(&file, &found).expect("the table");
    }
    let expected = std::fs::read_to_string(&file).expect("the table");
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "a row of {} (left is what happened)", file.display());
    }
    assert_eq!(
        found.lines().count(),
        expected.lines().count(),
        "rows of {}",
        file.display()
    );
}
