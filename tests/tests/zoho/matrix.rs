//! Every fault at a share of the requests and at a chosen moment: what becomes of a backup, and where it came to no good end, of
//! the next one. The table beside this file says what must; `DESKVAULT_WRITE_MATRIX=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use case::{Case, Fault};
use deskvault_tests::clock::TestClock;
use deskvault_tests::zoho::{Backup, Desk, modules};
use engine::backup::{BackupError, Checkpoint, Keeper, Often, Plan};
use engine::clock::Clock;
use engine::connection::settings::{Auth, Secret, SecretSource};
use plugin_api::Timestamp;
use sample_desk::Life;
use sample_desk::settings::Trouble;
use verdict::{chain, losses, message, reasons};
use way::Way;

#[path = "matrix/case.rs"]
mod case;
#[path = "matrix/verdict.rs"]
mod verdict;
#[path = "matrix/way.rs"]
mod way;

/// Threads: more than there are processors, since much of it is waiting.
const THREADS: usize = 4;

/// What becomes of a backup.
struct Row {
    fault: String,
    when: String,
    outcome: String,
    lost: String,
    twice: u64,
    message: String,
    /// What becomes of it when the fault is over.
    then: &'static str,
}

/// Keeps the checkpoints of a backup.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, Checkpoint>>);

impl Keeper for Kept {
    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        let mut kept = self.0.lock().expect("no panic");
        kept.insert(checkpoint.module.clone(), checkpoint.clone());
        Ok(())
    }
}

/// A backup as the service does it: what is interrupted is kept.
fn plan(case: &Case, desk: &Desk) -> Plan {
    let mut plan = desk.plan(&modules());
    case.hasten(&mut plan);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a time");
    let now = Timestamp::from_micros(now.as_secs() as i64 * 1_000_000);
    plan.started = Some(now);
    plan.spool = Some(engine::archive::reserve(desk.folder.path(), &plan.desk, plan.kind, now).expect("a folder"));
    plan.often = Often {
        rows: 100,
        ..Often::default()
    };
    if matches!(case.fault, Fault::Desk(Trouble::Spent, _)) {
        // The credits return in seconds of its clock.
        let clock = TestClock::standing(desk.folder.path(), &now.to_string());
        clock.run_from(now, 1_000);
        plan.clock = clock as Arc<dyn Clock>;
    }
    plan
}

/// Backs up a desk on which this goes wrong, and holds the archive against it.
fn row(case: &Case) -> Row {
    let name = format!("{} {}", case.name(), case.moment());
    let is_created = matches!(case.fault, Fault::Desk(Trouble::Created, _));
    let life = Life {
        to_come: if is_created { 300 } else { 0 },
        ..Life::default()
    };
    let desk = Desk::start_with(case.desk(), life);
    let mut plan = plan(case, &desk);
    let way = match case.fault {
        Fault::Way(what) => Some(Way::lead(&mut plan, &desk, what, case.when)),
        Fault::Desk(..) => None,
    };
    let kept = Kept::default();
    let started = Instant::now();
    let ended = desk.back_up_kept(&plan, &kept);
    let (took, asked) = (started.elapsed().as_secs_f64(), desk.desk.stats());
    let met = way.as_ref().map_or(asked.faults, Way::met);
    assert!(met > 0, "{name}: nothing went wrong");
    let (mut outcome, mut lost, twice, mut said) = match &ended {
        Ok(backup) => {
            let outcome = if backup.summary.complete {
                "complete"
            } else {
                "incomplete"
            };
            let (lost, twice) = losses(&name, &desk, backup, is_created);
            (outcome.to_owned(), lost.to_owned(), twice, message(&reasons(backup)))
        }
        // The name of the error is what a program makes of it.
        Err(error) => {
            let shown = format!("{error:?}");
            let name = shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            (name.to_lowercase(), "-".into(), 0, message(&[chain(error)]))
        }
    };
    println!(
        "{name}: {outcome}, {took:.2} s, {} requests, {met} faults; {said}",
        asked.requests
    );
    let is_whole = ended.as_ref().is_ok_and(|backup| backup.summary.complete);
    let mut then = if is_whole {
        "-"
    } else {
        go_on(case, &name, &desk, &plan, &ended, &kept)
    };
    if case.varies() {
        assert!(
            ["complete", "incomplete", "suspended"].contains(&outcome.as_str()),
            "{name}: {outcome}"
        );
        outcome = "complete, or not: as the request that meets it is one record's or a whole module's".into();
        (lost, said, then) = ("0, or only named ones".into(), "-".into(), "complete, 0 lost, 0 twice");
    }
    Row {
        fault: case.name(),
        when: case.moment(),
        outcome,
        lost,
        twice,
        message: said,
        then,
    }
}

/// The fault is over: what was suspended is gone on with, and else there is another backup.
fn go_on(
    case: &Case,
    name: &str,
    desk: &Desk,
    before: &Plan,
    ended: &Result<Backup, BackupError>,
    kept: &Kept,
) -> &'static str {
    let is_suspended = matches!(ended, Err(BackupError::Suspended { .. }));
    let refresh_token = desk.desk.heal();
    let mut next = desk.plan(&modules());
    case.hasten(&mut next);
    if let Auth::Zoho(zoho) = &mut next.connection.auth {
        zoho.refresh_token = SecretSource::Inline(Secret::new(refresh_token));
    }
    if is_suspended {
        let checkpoints = std::mem::take(&mut *kept.0.lock().expect("no panic"));
        assert!(!checkpoints.is_empty(), "{name}: it is suspended, and nothing is kept");
        next = Plan {
            connection: next.connection,
            resume: checkpoints.into_values().collect(),
            ..before.clone()
        };
    }
    // It may still be away.
    let address = desk.desk.url().trim_start_matches("http://");
    while TcpStream::connect(address).is_err() {
        std::thread::yield_now();
    }
    let backup = desk.back_up(&next).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert!(backup.summary.complete, "{name}: {:?}", reasons(&backup));
    let (lost, twice) = losses(name, desk, &backup, false);
    assert_eq!((lost, twice), ("0", 0), "{name}, when it was gone on with");
    if is_suspended {
        "resumed: complete, 0 lost, 0 twice"
    } else {
        "the next: complete, 0 lost, 0 twice"
    }
}

/// The table as text.
fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "# What becomes of a backup when something goes wrong at the desk\n\n\
         Written by the test beside it (`DESKVAULT_WRITE_MATRIX=1`), which fails where it is not so any more. *Lost* are records \
         of the desk without a row, *twice* records with more than one. Shares are of all requests; of `repeats`, of those for a \
         page that has one before it; of what goes wrong on the way, of connections, of which each request has its own. *Then* is \
         what comes when the fault is over.\n\n\
         | fault | when | outcome | lost | twice | message | then |\n|---|---|---|---|---|---|---|\n",
    );
    for Row {
        fault,
        when,
        outcome,
        lost,
        twice,
        message,
        then,
    } in rows
    {
        let _ = writeln!(
            out,
            "| {fault} | {when} | {outcome} | {lost} | {twice} | {message} | {then} |"
        );
    }
    out
}

#[test]
fn every_fault_ends_as_the_table_says() {
    let cases = case::all();
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(place) else { return };
                    let row = row(case);
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
