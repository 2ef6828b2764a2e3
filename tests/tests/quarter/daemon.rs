//! The whole system: configuration, daemon, a process for each backup, store and history, and the command line beside them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use deskvault_tests::clock::moment;
use deskvault_tests::daemon::Daemon;
use deskvault_tests::home::{Home, Listed};
use deskvault_tests::zoho::modules;
use engine::clock::Clock as _;
use engine::store::{BackupState, Removal};
use plugin_api::{Kind, Timestamp};
use sample_desk::Deed;

use crate::archives::{Rows, Run};
use crate::changes::each_is_in_one_archive;
use crate::work::{DAY, HOUR, Load, MINUTE, Office, SECOND, later};

/// How far the desk's search may be behind, if the configuration says nothing else.
const LAG: i64 = 5 * MINUTE;
/// Seconds of the clock in a second, while a backup runs.
const RATE: u32 = 60;
const BUSY: Load = Load {
    edits: 5,
    births: 2,
    deletions: 1,
};

/// On Sundays at half past two, which on 29 March there is not in Berlin.
const SUNDAYS: &str =
    "every = \"weekly\"\non = \"sun\"\nat = \"02:30\"\nzone = \"Europe/Berlin\"\nuntil = \"2026-05-31\"\n";
const WEDNESDAYS: &str =
    "every = \"weekly\"\non = \"wed\"\nat = \"04:00\"\nzone = \"Europe/Berlin\"\nuntil = \"2026-05-31\"\n";

/// An installation and the desk that it backs up.
struct Quarter {
    office: Office,
    home: Home,
    daemon: Daemon,
    runs: Vec<Rows>,
    /// What ran for the schedules, in order: slot and kind.
    slots: Vec<(Timestamp, Kind)>,
}

impl Quarter {
    fn begin(at: &str, schedule: &str) -> Self {
        let plugins: Vec<String> = modules().iter().map(|module| format!("deskvault_{module}")).collect();
        let home = Home::new(at, &plugins);
        let office = Office::open(2026, &Arc::clone(home.clock()));
        declare(&home, &office, schedule);
        Self {
            daemon: home.daemon(),
            office,
            home,
            runs: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// People work in the days before a run, up to it: at the seam, and behind it.
    fn week_before(&mut self, slot: Timestamp) {
        for before in [4 * DAY, 2 * DAY, HOUR, LAG + SECOND, LAG, LAG - SECOND, MINUTE] {
            let at = later(slot, -before);
            if at >= self.home.clock().now() {
                self.office.work_at(at, BUSY);
            }
        }
    }

    /// A slot comes, and its backup runs while people work on. The clock stands meanwhile, or runs on.
    #[track_caller]
    fn slot(&mut self, slot: &str, kind: Kind, rate: u32) -> Listed {
        let slot = moment(slot);
        self.week_before(slot);
        self.run(slot, slot, kind, rate)
    }

    /// The clock comes to `at`, where the run of a slot is due.
    #[track_caller]
    fn run(&mut self, at: Timestamp, slot: Timestamp, kind: Kind, rate: u32) -> Listed {
        let Self {
            office, home, daemon, ..
        } = self;
        let clock = Arc::clone(home.clock());
        let backup = office.work_while(|_| {
            clock.run_from(at, rate);
            daemon.wait(&format!("the run of {slot}"), || {
                let of_slot = |backup: &Listed| backup.schedule.is_some_and(|(_, of)| of == slot);
                let backup = home.backups(true).into_iter().rev().find(of_slot)?;
                (backup.state != BackupState::Running).then_some(backup)
            })
        });
        clock.stand();
        assert_eq!(
            (backup.state, backup.kind),
            (BackupState::Complete, kind),
            "{slot}: {:?}\n{}",
            backup.reason,
            daemon.log()
        );
        let late = backup.started.micros() - at.micros();
        assert!(
            (0..10 * MINUTE).contains(&late),
            "{slot}: started on {}",
            backup.started
        );
        let until = later(backup.started, -LAG);
        assert_eq!(backup.until, Some(until), "{slot}");
        let run = Run {
            kind,
            range: backup.range,
            started: backup.started,
            until,
            ended: office.now(),
        };
        let rows = run.check(&format!("{slot}"), &self.office.desk, &self.archive(&backup));
        self.runs.push(rows);
        self.slots.push((slot, kind));
        backup
    }

    fn archive(&self, backup: &Listed) -> std::path::PathBuf {
        self.home
            .archives()
            .join(&backup.archive.as_ref().expect("an archive").file)
    }

    /// The moment comes at which an archive expires: file and list entry go, the history stays.
    #[track_caller]
    fn expires(&mut self, backup: &Listed) {
        let Self { home, daemon, .. } = self;
        let facts = backup.archive.as_ref().expect("an archive");
        let at = facts.expires.expect("it expires");
        let ended = backup.ended.expect("it ended");
        let week = at.micros() - ended.micros();
        assert!(
            (7 * DAY - MINUTE..=7 * DAY).contains(&week),
            "made on {ended}, expires on {at}"
        );
        let file = home.archives().join(&facts.file);
        // It is there to its last second.
        let now = home.clock().now();
        if now < later(at, -SECOND) {
            home.clock().stand_at(later(at, -SECOND));
            assert!(file.is_file(), "{} is gone before {at}", file.display());
        }
        home.clock().stand_at(at.max(now));
        let removed = daemon.wait(&format!("the end of {}", facts.file), || {
            // From its moment on it is not listed any more; that it is gone, too, is what is waited for.
            assert!(home.backups(false).into_iter().all(|listed| listed.id != backup.id));
            let mut all = home.backups(true).into_iter();
            all.find(|row| row.id == backup.id)
                .expect("it stays in `list --all`")
                .removed
        });
        assert_eq!(removed.1, Removal::Expired);
        assert!(!file.exists(), "{}", file.display());
        let kinds: Vec<String> = self.told_of(backup.id);
        for kind in ["backup_started", "data_ready", "expired"] {
            assert_eq!(
                kinds.iter().filter(|told| *told == kind).count(),
                1,
                "{kind}: {kinds:?}"
            );
        }
    }

    /// The kinds of entries that the history has of a backup.
    fn told_of(&self, backup: u64) -> Vec<String> {
        let entries = self.home.history().into_iter();
        let of_backup = entries.map(|entry| serde_json::to_value(entry.what).expect("JSON"));
        let of_backup = of_backup.filter(|what| what["backup"] == backup);
        of_backup
            .map(|what| what["kind"].as_str().expect("a kind").to_owned())
            .collect()
    }

    /// How many entries of a kind the history has.
    fn told(&self, kind: &str) -> usize {
        let entries = self.home.history().into_iter();
        let kinds = entries.map(|entry| serde_json::to_value(entry.what).expect("JSON")["kind"].clone());
        kinds.filter(|told| told == kind).count()
    }

    /// Nothing ran for a schedule but what was waited for.
    #[track_caller]
    fn nothing_else_ran(&self) {
        let scheduled = self.home.backups(true).into_iter();
        let ran: Vec<(Timestamp, Kind)> = scheduled
            .filter_map(|backup| Some((backup.schedule?.1, backup.kind)))
            .collect();
        assert_eq!(ran, self.slots, "{}", self.daemon.log());
    }

    fn restart_at(&mut self, down: &str, work: &[&str], up: &str) {
        let Self { office, home, .. } = self;
        home.clock().stand_at(moment(down));
        self.daemon.terminate();
        for at in work {
            office.work_at(moment(at), BUSY);
        }
        home.clock().stand_at(moment(up));
        self.daemon = home.daemon();
    }
}

fn declare(home: &Home, office: &Office, schedule: &str) {
    home.configure(&format!("{}\n[desk.schedule]\n{schedule}", office.desk.section("help")));
}

/// A link to an archive holds until the archive goes.
fn link_holds(quarter: &Quarter, backup: &Listed, link: &str, to: &Path) {
    quarter
        .home
        .run(&["download", link, "--to", to.to_str().expect("a path")], 0);
    assert_eq!(
        fs::read(to).expect("the copy"),
        fs::read(quarter.archive(backup)).expect("the archive")
    );
    assert!(quarter.told_of(backup.id).contains(&"download_started".to_owned()));
}

#[test]
fn a_daemon_lives_through_a_quarter() {
    let mut quarter = Quarter::begin("2026-03-02T08:00:00Z", SUNDAYS);
    let wait = |quarter: &mut Quarter, kind: &str, count: usize| {
        let Quarter { home, daemon, .. } = quarter;
        daemon.wait(kind, || {
            let entries = home.history();
            let kinds = entries
                .iter()
                .map(|entry| serde_json::to_value(&entry.what).expect("JSON")["kind"].clone());
            (kinds.filter(|told| told == kind).count() == count).then_some(())
        });
    };
    wait(&mut quarter, "scheduled", 1);

    // The first run takes everything. A link to its archive holds as long as the archive does.
    let full = quarter.slot("2026-03-08T01:30:00Z", Kind::Full, RATE);
    let said = quarter.home.run(&["link", &full.id.to_string()], 0);
    let link = said.lines().next().expect("a link").to_owned();
    let copy = quarter.home.path().join("copy.zip");
    link_holds(&quarter, &full, &link, &copy);

    // Each later one takes what was made or changed since.
    let mut last = quarter.slot("2026-03-15T01:30:00Z", Kind::Incremental, 0);
    quarter.expires(&full);
    let again = quarter.home.path().join("again.zip");
    quarter
        .home
        .run(&["download", &link, "--to", again.to_str().expect("a path")], 2);
    assert!(!again.exists(), "a link outlives its archive");
    for (slot, rate) in [
        ("2026-03-22T01:30:00Z", RATE),
        // Half past two does not exist on this day: the first moment after the gap.
        ("2026-03-29T01:00:00Z", 0),
        ("2026-04-05T00:30:00Z", RATE),
    ] {
        let next = quarter.slot(slot, Kind::Incremental, rate);
        quarter.expires(&last);
        last = next;
    }

    // The daemon is down over two slots: one run makes up for both, for the later slot.
    quarter.restart_at(
        "2026-04-06T09:00:00Z",
        &["2026-04-08T10:00:00Z", "2026-04-12T00:25:00Z", "2026-04-20T10:00:00Z"],
        "2026-04-21T10:00:00Z",
    );
    let (up, missed) = (moment("2026-04-21T10:00:00Z"), moment("2026-04-19T00:30:00Z"));
    let made_up = quarter.run(up, missed, Kind::Incremental, RATE);
    quarter.expires(&last);
    let last = quarter.slot("2026-04-26T00:30:00Z", Kind::Incremental, RATE);
    quarter.nothing_else_ran();

    // A person stops it. That the daemon has come past the next slot is seen by what expires behind it.
    quarter.expires(&made_up);
    quarter.home.run(&["schedule", "stop", "--yes"], 0);
    assert_eq!(quarter.told("schedule_stopped"), 1);
    quarter.office.work_at(moment("2026-05-01T12:00:00Z"), BUSY);
    quarter.expires(&last);
    assert!(quarter.home.clock().now() > moment("2026-05-03T00:30:00Z"));
    quarter.nothing_else_ran();

    // Backups by hand go on, and are nothing to the schedule.
    quarter.home.clock().stand_at(moment("2026-05-03T02:00:00Z"));
    quarter
        .home
        .run(&["backup", "--from", "2026-04-27", "--to", "2026-05-01"], 0);
    let by_hand = quarter.home.backups(false).pop().expect("a backup");
    let run = Run {
        kind: Kind::Custom,
        range: by_hand.range,
        started: by_hand.started,
        until: moment("2026-05-02T00:00:00Z"),
        ended: quarter.office.now(),
    };
    assert_eq!(by_hand.until, Some(run.until));
    run.check("by hand", &quarter.office.desk, &quarter.archive(&by_hand));

    // Restarted with the same declaration it stays stopped; with another one it begins anew.
    quarter.restart_at(
        "2026-05-04T09:00:00Z",
        &["2026-05-06T10:00:00Z"],
        "2026-05-07T10:00:00Z",
    );
    quarter.expires(&by_hand);
    assert!(quarter.home.clock().now() > moment("2026-05-10T00:30:00Z"));
    quarter.nothing_else_ran();
    assert_eq!((quarter.told("scheduled"), quarter.told("schedule_stopped")), (1, 1));
    quarter.home.clock().stand_at(moment("2026-05-11T09:00:00Z"));
    declare(&quarter.home, &quarter.office, WEDNESDAYS);
    wait(&mut quarter, "scheduled", 2);
    let full = quarter.slot("2026-05-13T02:00:00Z", Kind::Full, 0);
    let next = quarter.slot("2026-05-20T02:00:00Z", Kind::Incremental, 0);
    quarter.expires(&full);
    let last = quarter.slot("2026-05-27T02:00:00Z", Kind::Incremental, RATE);
    quarter.expires(&next);

    // Its end date comes, and nothing runs any more.
    quarter.home.clock().stand_at(moment("2026-06-01T00:00:00Z"));
    wait(&mut quarter, "schedule_ended", 1);
    quarter.expires(&last);
    assert!(quarter.home.clock().now() > moment("2026-06-03T02:00:00Z"));
    quarter.nothing_else_ran();
    assert!(quarter.home.backups(false).is_empty(), "an archive outlived its week");

    quarter.home.run(&["history", "verify"], 0);
    quarter.daemon.terminate();
    let Quarter { office, runs, .. } = &quarter;
    let tally = each_is_in_one_archive(office, runs);
    assert!(tally.in_one > 300 && tally.in_full > 50 && tally.past > 10, "{tally:?}");
    assert!(office.meanwhile > 20, "{} while the desk was read", office.meanwhile);
    assert!(office.count(Deed::Create) > 60, "{}", office.count(Deed::Create));
}
