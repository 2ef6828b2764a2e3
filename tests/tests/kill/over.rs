//! Many kills over one backup.

use std::thread;
use std::time::{Duration, Instant};

use deskvault_tests::chance::Chance;

use crate::bench::{Bench, CHECKPOINT_ROWS, desk, kill};

/// Between two looks at the desk.
const PAUSE: Duration = Duration::from_millis(2);
/// Requests of a run besides those for records: the token, the organisation, what a module asks before its first page.
const PREPARING: u64 = 60;

/// Work in flight: four tickets are begun for each of the 25 requests that may be made at one time, with about six requests each.
/// Their answers are taken as they come, and wait in memory for their turn.
const IN_FLIGHT: u64 = 4 * 25 * 6;

fn number(variable: &str, otherwise: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// What one kill met.
struct Kill {
    whom: &'static str,
    /// Requests by then.
    at: u64,
    /// Rows that were kept by then.
    kept: u64,
    /// Requests since something was kept last, as far as that was seen.
    since: u64,
}

#[test]
fn a_backup_outlives_its_process_and_its_daemon() {
    let (seed, tickets) = (number("DESKVAULT_SEED", 5), number("DESKVAULT_TICKETS", 600));
    let kills = number("DESKVAULT_KILLS", 12);
    println!("DESKVAULT_SEED={seed} DESKVAULT_TICKETS={tickets} DESKVAULT_KILLS={kills}");
    let desk = desk(seed, tickets);
    let begun = Instant::now();
    let undisturbed = Bench::at_the_slot(&desk).archive();
    let once = desk.desk.stats().requests;
    println!(
        "undisturbed: {once} requests, {} bytes, {:?}",
        undisturbed.len(),
        begun.elapsed()
    );

    let mut chance = Chance::new(seed);
    let mut bench = Bench::at_the_slot(&desk);
    let asked = || desk.desk.stats().requests - once;
    let mut met: Vec<Kill> = Vec::new();
    // So that they are spread over the whole of it, and each run gets to its records.
    let span = once / (kills + 1);
    while (met.len() as u64) < kills && !bench.is_over() {
        let (from, kept_from) = (asked(), bench.kept());
        let target = from + PREPARING / 2 + chance.below(span * 2);
        let daemon_is_meant = chance.below(3) == 0;
        let (mut kept, mut kept_at) = (kept_from, from);
        let late = Instant::now() + Duration::from_mins(3);
        // It is not to be lost three times in a row before it has got anywhere.
        while (asked() < target || kept <= kept_from && !met.is_empty()) && !bench.is_over() {
            let now = bench.kept();
            if now > kept {
                (kept, kept_at) = (now, asked());
            }
            assert!(
                Instant::now() < late,
                "it does not go on: {} requests, {kept} rows\n{}",
                asked(),
                bench.daemon.log()
            );
            thread::sleep(PAUSE);
        }
        let Some(process) = bench.process().filter(|_| !bench.is_over()) else {
            continue;
        };
        let at = asked();
        let whom = if daemon_is_meant { "daemon" } else { "backup" };
        met.push(Kill {
            whom,
            at,
            kept: bench.kept(),
            since: at - kept_at,
        });
        if daemon_is_meant {
            bench.kill_daemon();
        } else {
            let before = bench.told("did not come to an end");
            kill(process);
            let told = |bench: &Bench| bench.told("did not come to an end") > before;
            while !told(&bench) && !bench.is_over() {
                thread::sleep(PAUSE);
            }
        }
    }
    let archive = bench.archive();
    let again = asked().saturating_sub(once);
    println!(
        "{:>5} {:7} {:>9} {:>9} {:>17}",
        "kill", "whom", "requests", "rows kept", "since a checkpoint"
    );
    let shown = met.len().div_ceil(40).max(1);
    for (number, kill) in met.iter().enumerate().filter(|(number, _)| number % shown == 0) {
        let Kill { whom, at, kept, since } = kill;
        println!("{:>5} {whom:7} {at:>9} {kept:>9} {since:>17}", number + 1);
    }
    let each = again / (met.len() as u64).max(1);
    println!(
        "{} kills, {again} requests more than the {once} undisturbed, {each} a kill; {:?}",
        met.len(),
        begun.elapsed()
    );
    assert!(
        archive == undisturbed,
        "{} bytes, and {} undisturbed",
        archive.len(),
        undisturbed.len()
    );
    assert!(met.len() as u64 >= kills - kills / 4, "{} of {kills} kills", met.len());
    assert!(
        each <= PREPARING + IN_FLIGHT + CHECKPOINT_ROWS,
        "{each} requests a kill are made again"
    );
    bench.home.run(&["history", "verify"], 0);
    // The desk has not changed since: what it says now is what the archive holds.
    bench.home.run(&["verify", "1", "--drill=10"], 0);
    bench.daemon.terminate();
}
