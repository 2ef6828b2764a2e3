//! Backups that take more credits than a day gives.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use deskvault_tests::clock::{TestClock, moment};
use deskvault_tests::zoho::{Desk, Reached, modules, registry};
use engine::archive::verify;
use engine::backup::Plan;
use engine::clock::Clock as _;
use engine::connection::settings::Reserve;
use engine::forecast::Forecast;
use engine::progress::{Event, Progress, Summary};
use plugin_api::Timestamp;
use sample_desk::settings::Edition;
use sample_desk::{Life, Settings};
use tokio_util::sync::CancellationToken;

/// Credits of a day.
const DAILY: u64 = 5_000;
/// What is kept of them.
const RESERVE: u64 = 1_000;
const START: &str = "2026-11-23T09:30:00Z";
const DAY: i64 = 86_400_000_000;

/// The days of all backups that run by one clock: it stands while one of them works, and is put forward when all wait.
struct Days<'a> {
    clock: &'a TestClock,
    /// Until when each waits.
    waits: Mutex<Vec<Option<Timestamp>>>,
    /// What is done in each night.
    night: &'a (dyn Fn() + Sync),
}

impl<'a> Days<'a> {
    fn of(clock: &'a TestClock, backups: usize, night: &'a (dyn Fn() + Sync)) -> Self {
        Self {
            clock,
            waits: Mutex::new(vec![None; backups]),
            night,
        }
    }

    /// This one waits until then; or has ended, if there is none.
    fn wait(&self, backup: usize, until: Timestamp) {
        let mut waits = self.waits.lock().expect("no panic");
        waits[backup] = Some(until);
        let next = waits.iter().copied().collect::<Option<Vec<_>>>();
        let Some(next) = next.and_then(|all| all.into_iter().min()) else {
            return;
        };
        if next > self.clock.now() && next < Timestamp::from_micros(i64::MAX) {
            self.clock.stand_at(next);
            (self.night)();
            waits
                .iter_mut()
                .filter(|wait| **wait == Some(next))
                .for_each(|wait| *wait = None);
        }
    }
}

/// One of the backups.
struct Seen<'a> {
    days: &'a Days<'a>,
    number: usize,
    pauses: Mutex<Vec<(u64, u64)>>,
    forecasts: Mutex<Vec<Forecast>>,
}

impl Progress for Seen<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Paused { until, left, reserve } => {
                self.pauses.lock().expect("no panic").push((left, reserve));
                self.days.wait(self.number, until);
            }
            Event::Forecast { forecast } => self.forecasts.lock().expect("no panic").push(forecast.clone()),
            _ => {}
        }
    }
}

fn open(clock: &Arc<TestClock>, seed: u64, tickets: u64) -> Desk {
    let time = Arc::clone(clock);
    let settings = Settings {
        seed,
        tickets,
        edition: Edition::Free,
        ..Settings::default()
    };
    let life = Life {
        now: Arc::new(move || time.now().micros()),
        ..Life::default()
    };
    Desk::start_with(settings, life)
}

fn plan(reached: &Reached, clock: &Arc<TestClock>, folder: &Path, shared: Option<&Path>) -> Plan {
    let mut plan = reached.plan(&modules(), folder);
    plan.clock = Arc::clone(clock) as Arc<dyn engine::clock::Clock>;
    plan.started = Some(clock.now());
    plan.connection.pacing.reserve = Reserve::Percent(20);
    plan.connection.pacing.folder = shared.map(Path::to_owned);
    plan
}

fn run(plan: &Plan, progress: &dyn Progress) -> Summary {
    let summary = engine::backup::run(plan, &mut registry(&modules()), progress, &CancellationToken::new());
    let summary = summary.expect("an archive");
    let report = verify(&summary.archive, &|_, _| {}, &CancellationToken::new()).expect("a report");
    assert!(report.is_sound(), "{:?}", report.problems);
    assert!(summary.complete, "{:?}", summary.reasons);
    summary
}

/// On no day more was spent, by whomever, than leaves the reserve.
fn kept(spent: &BTreeMap<i64, u64>) {
    for (day, of_day) in spent {
        assert!(*of_day <= DAILY - RESERVE, "{of_day} credits on day {day} of {spent:?}");
    }
}

/// A desk of so many tickets.
struct Small {
    seed: u64,
    tickets: u64,
    /// Days that it takes.
    days: RangeInclusive<usize>,
    /// How far the moment may be off. Work is done at the beginnings of days: where the last one has little to do, nobody
    /// can tell it from the one before, which is much of a few days.
    off: fn(i64) -> i64,
    /// Whether the archive is held against what the desk holds.
    is_compared: bool,
}

#[test]
fn seven_days_of_a_small_edition() {
    for small in [
        Small {
            seed: 21,
            tickets: 3_150,
            days: 7..=8,
            off: |took| took / 10,
            is_compared: true,
        },
        Small {
            seed: 48,
            tickets: 1_500,
            days: 4..=4,
            off: |_| DAY,
            is_compared: false,
        },
    ] {
        days_of(&small);
    }
}

fn days_of(small: &Small) {
    let begun = Instant::now();
    let folder = tempfile::tempdir().expect("a folder");
    let clock = TestClock::standing(folder.path(), START);
    let desk = open(&clock, small.seed, small.tickets);
    let days = Days::of(&clock, 1, &|| {});
    let seen = Seen {
        days: &days,
        number: 0,
        pauses: Mutex::default(),
        forecasts: Mutex::default(),
    };
    let paced = folder.path().join("paced");
    std::fs::create_dir(&paced).expect("a folder");
    let summary = run(&plan(&desk.reached(), &clock, &paced, None), &seen);
    let ended = clock.now();
    let spent = desk.desk.credits_by_day();
    let all = desk.desk.stats().credits;
    println!(
        "{} rows, {all} credits, by day {spent:?}, {:?}",
        summary.rows(),
        begun.elapsed()
    );
    kept(&spent);
    assert!(small.days.contains(&spent.len()), "{} days", spent.len());
    let pauses = seen.pauses.into_inner().expect("no panic");
    assert_eq!(pauses.len(), spent.len() - 1);
    for (left, reserve) in pauses {
        assert!(
            reserve == RESERVE && (RESERVE..RESERVE + 100).contains(&left),
            "{left} left"
        );
    }
    forecasts_are_right(&seen.forecasts.into_inner().expect("no panic"), all, ended, small.off);
    if small.is_compared {
        // It is what the desk holds, as it is without limits: none is missing, none is there twice, no cell differs.
        let report = desk.compare(&summary.archive, &modules(), &|_| true);
        assert!(report.is_same(), "{report}");
        assert_eq!(report.rows(), summary.rows());
    }
}

/// The moment and the credits, from the first tenth of the work on.
fn forecasts_are_right(forecasts: &[Forecast], all: u64, ended: Timestamp, may_be_off: fn(i64) -> i64) {
    let took = ended.micros() - moment(START).micros();
    let mut looked = Vec::new();
    for forecast in forecasts {
        let whole = forecast.spent + forecast.credits.expect("it charges");
        let off = whole.abs_diff(all) as f64 / all as f64;
        println!(
            "{}: {} spent, {whole} in all, {off:.3} off, {:?}",
            forecast.at, forecast.spent, forecast.done
        );
        if forecast.spent < all / 10 {
            continue;
        }
        looked.push(forecast.spent);
        assert!(off <= 0.1, "{forecast:?}: it is {all}");
        let done = forecast.done.expect("a moment").micros();
        assert!(
            (done - ended.micros()).abs() <= may_be_off(took),
            "{forecast:?}: it was {ended}"
        );
    }
    // Not only where a day ends, but also at the tenth itself.
    assert!(looked.len() > 10, "{} forecasts of {}", looked.len(), forecasts.len());
    assert!(looked[0] < all / 5, "the first one is at {} of {all}", looked[0]);
}

#[test]
fn others_of_the_organisation_spend_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = TestClock::standing(folder.path(), START);
    let desk = Arc::new(open(&clock, 502, 1_000));
    let other = 900;
    let nights = Mutex::new(BTreeSet::new());
    // Once a day, however often the clock is put forward in one.
    let spender = || {
        let today = clock.now().micros() / DAY;
        if nights.lock().expect("no panic").insert(today) {
            desk.desk.spend(other);
        }
    };
    spender();
    let days = Days::of(&clock, 2, &spender);
    let shared = folder.path().join(".deskvault-credits");
    let folders = [folder.path().join("one"), folder.path().join("two")];
    let least = Mutex::new(u64::MAX);
    thread::scope(|scope| {
        for (number, folder) in folders.iter().enumerate() {
            std::fs::create_dir(folder).expect("a folder");
            let (days, clock, shared, desk, least) = (&days, &clock, &shared, &desk, &least);
            scope.spawn(move || {
                let seen = Seen {
                    days,
                    number,
                    pauses: Mutex::default(),
                    forecasts: Mutex::default(),
                };
                run(&plan(&desk.reached(), clock, folder, Some(shared)), &seen);
                let left = seen
                    .pauses
                    .into_inner()
                    .expect("no panic")
                    .into_iter()
                    .map(|(left, _)| left)
                    .min();
                let mut least = least.lock().expect("no panic");
                *least = left.unwrap_or(u64::MAX).min(*least);
                days.wait(number, Timestamp::from_micros(i64::MAX));
            });
        }
    });
    let spent = desk.desk.credits_by_day();
    println!("by day {spent:?}");
    assert!(spent.len() >= 3, "{spent:?}");
    assert!(*least.lock().expect("no panic") >= RESERVE);
    kept(&spent);
    let files = std::fs::read_dir(&shared).expect("the folder").count();
    assert_eq!(
        files, 2,
        "the organisation's, and which one the desk is of: who has ended leaves nothing else behind"
    );
}
