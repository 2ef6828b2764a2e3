//! Hours of a daemon with three desks that fail now and then, in which years go by: whether it stays as it was. Run by
//! `tests/soak`, not with the others.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use deskvault_tests::chance::Chance;
use deskvault_tests::daemon::Daemon;
use deskvault_tests::home::Home;
use deskvault_tests::zoho::{Desk, modules};
use engine::clock::Clock as _;
use engine::store::BackupState;
use sample_desk::settings::Faults;
use sample_desk::{Life, Settings};

/// How long it is to last, in seconds.
const SECONDS: &str = "DESKVAULT_SOAK";
/// What chance is computed from.
const SEED: &str = "DESKVAULT_SEED";
/// Seconds of the clock in a second: a week takes less than a minute.
const RATE: u32 = 12_000;
/// Between two looks at the daemon.
const LOOK: Duration = Duration::from_secs(10);
/// How long is waited for a backup to run.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the first and the last part of the looks are compared by: a quarter of them.
const PART: usize = 4;
/// Of the time, until it is warm: allocators and caches fill.
const WARM: f64 = 0.1;

/// What a daemon holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// Memory in KiB.
    resident: u64,
    /// Open files.
    files: u64,
    threads: u64,
}

impl Held {
    fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some(Self {
            resident: number("VmRSS:")?,
            files: fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64,
            threads: number("Threads:")?,
        })
    }
}

fn desk(home: &Home, seed: u64) -> Desk {
    let clock = Arc::clone(home.clock());
    let settings = Settings {
        seed,
        tickets: 150,
        // An hour would be over in a third of a second.
        token_life: Duration::from_hours(24 * 365),
        faults: Faults {
            throttled: 4,
            failed: 4,
            gateway: 4,
            cut: 4,
            slow: 1,
            garbage: 4,
        },
        ..Settings::default()
    };
    let life = Life {
        now: Arc::new(move || clock.now().micros()),
        to_come: 300,
    };
    Desk::start_with(settings, life)
}

/// The processes of its backups.
fn children(daemon: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{daemon}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let of_thread = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let all: Vec<String> = of_thread.collect();
    all.join(" ")
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// The process of a backup that runs, or of the next one; none where none comes for a while.
fn some_child(daemon: u32) -> Option<u32> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(pid) = children(daemon).first() {
            return Some(*pid);
        }
        thread::sleep(Duration::from_millis(20));
    }
    None
}

/// Does something to the daemon that it must bear.
fn disturb(chance: &mut Chance, daemon: &Daemon, desks: &[Desk], number: u64, done: &mut BTreeMap<&'static str, u64>) {
    let what = match chance.below(8) {
        0 => {
            let Some(victim) = some_child(daemon.pid()) else { return };
            // Somewhere in its work, which takes about a second.
            thread::sleep(Duration::from_millis(chance.below(600)));
            let killed = Command::new("kill").args(["-9", &victim.to_string()]).status();
            assert!(killed.is_ok(), "kill runs");
            "kill -9 of a backup's process"
        }
        1 => {
            daemon.signal("HUP");
            "SIGHUP"
        }
        turn => {
            for desk in desks {
                for each in 0..=chance.below(6) {
                    match turn {
                        2 | 3 => drop(desk.desk.create(number * 10 + each)),
                        4 => drop(desk.desk.delete(number * 10 + each)),
                        _ => drop(desk.desk.edit(number * 10 + each)),
                    }
                }
            }
            "people work"
        }
    };
    *done.entry(what).or_default() += 1;
}

fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

fn size(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.len())
        .sum()
}

#[test]
#[ignore = "it lasts for hours: tests/soak runs it"]
fn a_daemon_stays_as_it_was_for_hours() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let seconds = number(SECONDS).unwrap_or(7200);
    let seed = number(SEED).unwrap_or_else(|| u64::from(std::process::id()));
    println!("{seconds} seconds, seed {seed}");
    let plugins: Vec<String> = modules().iter().map(|module| format!("deskvault_{module}")).collect();
    let home = Home::new("2026-03-02T08:00:00Z", &plugins);
    let desks: Vec<Desk> = (0..3).map(|each| desk(&home, seed ^ each)).collect();
    let mut sections = String::new();
    for (desk, (name, day)) in desks.iter().zip([("north", "mon"), ("south", "wed"), ("west", "sat")]) {
        let declared = format!("every = \"weekly\"\non = {day:?}\nat = \"02:30\"\nuntil = \"2090-12-31\"\n");
        write!(sections, "{}\n[desk.schedule]\n{declared}\n", desk.section(name)).expect("a text");
    }
    home.configure(&sections);
    let mut daemon = home.daemon();
    home.clock().run_from(home.clock().now(), RATE);

    let mut chance = Chance::new(seed);
    let (begun, mut looks, mut done) = (Instant::now(), Vec::new(), BTreeMap::new());
    let lasts = Duration::from_secs(seconds);
    println!(
        "{:>8} {:>10} {:>6} {:>8} {:>12}",
        "seconds", "memory KiB", "files", "threads", "folder bytes"
    );
    while begun.elapsed() < lasts {
        // The pace of the measurement.
        thread::sleep(LOOK);
        let held = Held::of(daemon.pid()).expect("the daemon runs");
        let at = begun.elapsed();
        if looks.len() % 30 == 0 {
            let folder = size(&home.archives());
            let Held {
                resident,
                files,
                threads,
            } = held;
            println!(
                "{:>8} {resident:>10} {files:>6} {threads:>8} {folder:>12}",
                at.as_secs()
            );
        }
        looks.push((at, held));
        disturb(&mut chance, &daemon, &desks, looks.len() as u64, &mut done);
    }
    home.clock().stand();
    daemon.terminate();

    // What its stop interrupted goes on.
    for backup in home.backups(true) {
        if backup.state == BackupState::Suspended {
            home.run(&["backup", "--resume", &backup.id.to_string()], 0);
        }
    }

    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    let backups = home.backups(true);
    for backup in &backups {
        *states.entry(format!("{:?}", backup.state)).or_default() += 1;
    }
    println!(
        "backups: {states:?}; done to it: {done:?}; the clock says {}",
        home.clock().now()
    );
    println!("{}", home.run(&["history", "verify"], 0));
    for backup in home.backups(false) {
        let file = backup.archive.expect("an archive").file;
        home.run(&["verify", home.archives().join(file).to_str().expect("a path")], 0);
    }
    let warm = lasts.mul_f64(WARM);
    let looks: Vec<Held> = looks
        .into_iter()
        .filter(|(at, _)| *at > warm)
        .map(|(_, held)| held)
        .collect();
    let part = (looks.len() / PART).max(1);
    let (first, last) = (&looks[..part], &looks[looks.len() - part..]);
    let middle = |part: &[Held], of: fn(&Held) -> u64| median(part.iter().map(of).collect());
    for (name, of) in [
        ("memory KiB", (|held| held.resident) as fn(&Held) -> u64),
        ("open files", |held| held.files),
        ("threads", |held| held.threads),
    ] {
        let (first, last) = (middle(first, of), middle(last, of));
        println!("{name}: {first} in the first quarter, {last} in the last");
        // What a store's cache and a history that grows may add.
        assert!(last <= first + first / 5 + 2, "{name} grew from {first} to {last}");
    }
    assert!(backups.len() as u64 > seconds / 60, "only {} backups", backups.len());
}
