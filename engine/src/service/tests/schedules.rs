//! Schedules through the service: what is due, from where on a run reads, and how one ends.

use std::sync::Arc;

use super::*;
use crate::schedule::{Declared, Schedule};

/// The search of the desk is so far behind.
const LAG: Duration = Duration::from_mins(5);

/// Each Friday at 02:00 UTC; the first on 14 March 2031.
fn weekly(until: &str) -> Declared {
    let day = |text: &str| crate::schedule::read_date(text).unwrap();
    Declared {
        every: crate::schedule::read_every("weekly", "fri").unwrap(),
        at: crate::schedule::read_at("02:00").unwrap(),
        zone: crate::schedule::read_zone("UTC").unwrap(),
        from: None,
        until: day(until),
        make_up: true,
    }
}

fn schedule(home: &Home, until: &str) -> Schedule {
    weekly(until).starting(home.now())
}

fn set(home: &Home) {
    let schedule = schedule(home, "2031-12-31");
    home.service.set_schedule("main", &schedule, &machine()).unwrap();
}

/// The slot of a week, counted from 0.
fn slot(week: u64) -> Timestamp {
    later(time("2031-03-14T02:00:00Z"), days(7 * week))
}

/// Turns the clock to the slot of a week and gives what is due then.
fn due(home: &Home, week: u64) -> Due {
    home.set(later(slot(week), Duration::from_secs(1)));
    let due = home.service.due().unwrap();
    let [due] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(due.slot, slot(week));
    due.clone()
}

fn run(home: &Home, week: u64) -> Ran {
    let due = due(home, week);
    home.run(&due)
}

/// The second in which the run of a week starts, as far as the desk can be read then.
fn read_until(week: u64) -> Timestamp {
    Timestamp::from_micros(later(slot(week), Duration::from_secs(1)).micros() - LAG.as_micros() as i64)
}

#[test]
fn the_first_run_takes_all_and_each_later_one_goes_on_where_the_last_ended() {
    let home = Home::new();
    set(&home);
    assert_eq!(home.service.due().unwrap(), []);
    assert_eq!(home.service.next_due().unwrap(), Some(slot(0)));
    home.set(slot(0));
    assert_eq!(home.service.due().unwrap().len(), 1, "at its very moment");
    assert!(matches!(run(&home, 0), Ran::Done(_)));
    assert_eq!((home.orders()[0].kind, home.last_range()), (Kind::Full, None));
    assert_eq!(home.service.due().unwrap(), []);
    for (week, from) in [(1, read_until(0)), (2, read_until(1)), (3, read_until(2))] {
        assert!(matches!(run(&home, week), Ran::Done(_)));
        let to = read_until(week);
        assert_eq!(home.last_range(), Some(Range { from, to }), "week {week}");
    }
    let history = home.history();
    // A week is as long as an archive is kept.
    assert_eq!(
        history[..5],
        ["scheduled", "backup_started", "data_ready", "expired", "backup_started"]
    );
}

#[test]
fn only_a_complete_run_moves_the_end() {
    let home = Home::new();
    set(&home);
    // Nothing complete yet: all of it again.
    for (week, script) in [
        (0, Script::Fails(failed())),
        (1, Script::Incomplete),
        (2, Script::Complete),
    ] {
        home.next_is(script);
        run(&home, week);
        assert_eq!(home.orders().last().unwrap().kind, Kind::Full, "week {week}");
    }
    let from = home.backup(3).until.unwrap();
    for (week, script) in [
        (3, Script::Fails(failed())),
        (4, Script::Incomplete),
        (5, Script::LimitReached),
        (6, Script::Complete),
    ] {
        home.next_is(script);
        run(&home, week);
        let to = read_until(week);
        assert_eq!(home.last_range(), Some(Range { from, to }), "week {week}");
    }
    run(&home, 7);
    let (from, to) = (read_until(6), read_until(7));
    assert_eq!(home.last_range(), Some(Range { from, to }));
}

#[test]
fn a_module_that_is_new_is_taken_whole() {
    let mut home = Home::new();
    set(&home);
    run(&home, 0);
    run(&home, 1);
    let more = |modules: &str| CONFIGURATION.replacen("modules = [\"tickets\"]", modules, 1);
    home.reload(&more("modules = [\"tickets\", \"contacts\"]"));
    home.next_is(Script::Incomplete);
    for week in [2, 3] {
        run(&home, week);
        assert_eq!(
            home.orders().last().unwrap().kind,
            Kind::Full,
            "until one has it, week {week}"
        );
    }
    run(&home, 4);
    let from = home.backup(4).until.unwrap();
    assert_eq!(home.last_range().unwrap().from, from);
    // One that is left out and comes back has missed nothing.
    home.reload(&more("modules = [\"contacts\"]"));
    run(&home, 5);
    home.reload(&more("modules = [\"tickets\", \"contacts\"]"));
    run(&home, 6);
    assert_eq!(home.last_range().unwrap().from, read_until(4));
}

#[test]
fn the_first_full_is_never_refused_and_counts() {
    let home = Home::new();
    home.full().unwrap();
    set(&home);
    assert!(matches!(run(&home, 0), Ran::Done(_)), "two days later");
    let started = home.backup(2).started;
    home.set(later(time("2031-03-12T07:00:00Z"), days(30)));
    let refused = refusal(home.full());
    assert!(
        matches!(refused, Refusal::FullTooSoon { last, .. } if last == started),
        "{refused}"
    );
    home.set(later(started, days(30)));
    home.full().unwrap();
}

#[test]
fn a_clock_that_is_behind_loses_nothing() {
    let home = Home::new();
    set(&home);
    run(&home, 0);
    run(&home, 1);
    let end = home.backup(2).until.unwrap();
    let row = home.service.schedule("main", &machine()).unwrap().unwrap();
    home.set(later(slot(0), days(1)));
    // Nothing is due by such a clock; but another process may have looked when it was right.
    let due = Due {
        desk: "main".into(),
        schedule: row.id,
        slot: slot(2),
    };
    let Ran::Ended(RunError::Refused { refusal }) = home.run(&due) else {
        panic!("not refused")
    };
    assert!(
        matches!(refusal, Refusal::Clock { until, .. } if until == end),
        "{refusal}"
    );
    assert_eq!(home.history().last().unwrap(), "refused: clock");
    assert!(home.told("aiko@example.com").contains(&("failed".into(), None)));
    run(&home, 3);
    let (from, to) = (end, read_until(3));
    assert_eq!(home.last_range(), Some(Range { from, to }));
}

#[test]
fn a_slot_runs_once() {
    let home = Home::new();
    set(&home);
    let first = due(&home, 0);
    assert!(matches!(home.run(&first), Ran::Done(_)));
    assert_eq!(home.run(&first), Ran::Nothing, "another daemon had seen it too");
    let second = due(&home, 1);
    home.service.stop_schedule("main", &machine()).unwrap();
    assert_eq!(home.run(&second), Ran::Nothing, "it was stopped meanwhile");
    assert_eq!(home.orders().len(), 1);
}

#[test]
fn what_was_interrupted_is_made_up_and_what_failed_is_not() {
    let home = Home::new();
    set(&home);
    home.next_is(Script::Fails(RunError::Cancelled));
    assert!(matches!(run(&home, 0), Ran::Suspended(_)));
    let again = home.service.due().unwrap();
    assert_eq!(again.len(), 1);
    home.dies(Script::Dies, |home| {
        home.run(&again[0]);
    });
    assert_eq!(home.service.due().unwrap(), again);
    home.next_is(Script::Fails(failed()));
    assert_eq!(home.run(&again[0]), Ran::Ended(failed()));
    assert_eq!(home.service.due().unwrap(), []);
    // Of many that were missed, one.
    home.set(later(slot(9), days(1)));
    let due = home.service.due().unwrap();
    assert_eq!((due.len(), due[0].slot), (1, slot(9)));
    home.run(&due[0]);
    assert_eq!(home.service.due().unwrap(), []);
}

#[test]
fn one_schedule_a_desk_until_it_has_ended() {
    let home = Home::new();
    let first = schedule(&home, "2031-03-21");
    home.service.set_schedule("main", &first, &machine()).unwrap();
    let second = home.service.set_schedule("main", &first, &machine());
    assert!(matches!(refusal(second), Refusal::ScheduleExists { .. }));
    run(&home, 0);
    assert!(home.service.end_schedules().unwrap().is_empty(), "it has a run left");
    run(&home, 1);
    assert_eq!(home.service.next_due().unwrap(), None);
    assert_eq!(home.service.end_schedules().unwrap(), ["main: the schedule has ended"]);
    assert!(home.service.end_schedules().unwrap().is_empty(), "once");
    assert_eq!(
        home.history().iter().filter(|line| *line == "schedule_ended").count(),
        1
    );
    assert!(home.told("aiko@example.com").contains(&("schedule_ended".into(), None)));
    let over = home.service.set_schedule("main", &first, &machine());
    assert!(matches!(over, Err(ServiceError::NoRun)), "{over:?}");
    home.service
        .set_schedule("main", &schedule(&home, "2031-12-31"), &machine())
        .unwrap();
    home.service.stop_schedule("main", &machine()).unwrap();
    assert!(matches!(
        home.service.stop_schedule("main", &machine()),
        Err(ServiceError::NoSchedule { .. })
    ));
}

#[test]
fn a_schedule_that_ended_unnoticed_makes_room_for_another() {
    let home = Home::new();
    home.service
        .set_schedule("main", &schedule(&home, "2031-03-14"), &machine())
        .unwrap();
    run(&home, 0);
    home.service
        .set_schedule("main", &schedule(&home, "2031-12-31"), &machine())
        .unwrap();
    assert_eq!(home.history()[3..], ["schedule_ended", "scheduled"]);
}

/// The configuration with a schedule of the desk `other`, the last desk in it.
fn declared(schedule: &str) -> String {
    let (desks, rest) = CONFIGURATION.split_once("[[webhook]]").unwrap();
    format!("{desks}{schedule}\n[[webhook]]{rest}")
}

fn on(day: &str) -> String {
    declared(&format!(
        "[desk.schedule]\nevery = \"weekly\"\non = \"{day}\"\nat = \"02:00\"\nuntil = \"2031-12-31\"\n"
    ))
}

#[test]
fn the_configuration_declares_schedules() {
    let mut home = Home::new();
    let active = |home: &Home| {
        home.service
            .schedule("other", &machine())
            .unwrap()
            .map(|row| row.schedule)
    };
    assert!(home.service.declare_schedules().unwrap().is_empty());
    home.reload(&on("fri"));
    assert_eq!(home.service.declare_schedules().unwrap().len(), 1);
    let first = active(&home).unwrap();
    assert!(home.service.declare_schedules().unwrap().is_empty(), "unchanged");
    // What a person has stopped stays stopped, whoever starts the daemon again on whichever day.
    home.service.stop_schedule("other", &machine()).unwrap();
    home.wait(days(3));
    home.reload(&on("fri"));
    assert!(home.service.declare_schedules().unwrap().is_empty());
    assert_eq!(active(&home), None);
    // A changed one replaces it.
    for day in ["mon", "tue"] {
        home.reload(&on(day));
        assert_eq!(home.service.declare_schedules().unwrap().len(), 1);
        assert_ne!(active(&home).unwrap(), first);
    }
    home.reload(CONFIGURATION);
    home.service.declare_schedules().unwrap();
    assert_eq!(active(&home), None, "declared no more");
    let expected = [
        "scheduled",
        "schedule_stopped",
        "scheduled",
        "schedule_stopped",
        "scheduled",
        "schedule_stopped",
    ];
    assert_eq!(home.history(), expected);
}

#[test]
fn what_a_person_set_in_its_place_is_none_of_the_configurations() {
    let mut home = Home::new();
    home.reload(&on("fri"));
    home.service.declare_schedules().unwrap();
    home.service.stop_schedule("other", &machine()).unwrap();
    let own = schedule(&home, "2031-10-31");
    home.service.set_schedule("other", &own, &machine()).unwrap();
    home.reload(CONFIGURATION);
    assert!(home.service.declare_schedules().unwrap().is_empty());
    let active = home.service.schedule("other", &machine()).unwrap();
    assert_eq!(active.unwrap().schedule, own);
}

#[test]
fn what_is_declared_and_over_is_said_and_not_set() {
    let mut home = Home::new();
    home.reload(&on("fri").replace("2031-12-31", "2031-01-31"));
    let said = home.service.declare_schedules().unwrap();
    assert!(said[0].contains("has ended"), "{said:?}");
    assert_eq!(home.history(), Vec::<String>::new());
}

#[test]
fn a_desk_that_is_gone_loses_what_was_declared_for_it() {
    let mut home = Home::new();
    home.reload(&on("fri"));
    home.service.declare_schedules().unwrap();
    home.reload(&CONFIGURATION.replace("name = \"other\"", "name = \"third\""));
    assert_eq!(home.service.declare_schedules().unwrap().len(), 1);
    assert_eq!(home.service.due().unwrap(), []);
    let other = Arc::clone(home.service.config());
    assert!(home.service.with_config(other).is_ok());
}

#[test]
fn another_data_directory_needs_a_restart() {
    let home = Home::new();
    let elsewhere = configuration(
        &format!("{CONFIGURATION}\n[archive]\nfolder = \"elsewhere\"\n"),
        home.folder.path(),
    );
    assert!(matches!(
        home.service.with_config(elsewhere),
        Err(ServiceError::DataDirectory { .. })
    ));
    assert!(!home.folder.path().join("elsewhere").exists());
}

#[test]
fn a_schedule_that_is_stopped_lets_its_run_go_on() {
    let home = Home::new();
    set(&home);
    let due = due(&home, 0);
    let runner = Meanwhile {
        fake: &home.runner,
        then: || drop(home.service.stop_schedule("main", &machine()).unwrap()),
    };
    let ran = home.service.run_due(&due, &runner, &Silent, &CancellationToken::new());
    assert!(matches!(ran.unwrap(), Ran::Done(_)));
    assert_eq!(home.backup(1).state, BackupState::Complete);
    assert_eq!(
        home.history(),
        ["scheduled", "backup_started", "schedule_stopped", "data_ready"]
    );
}

#[test]
fn two_processes_at_one_slot_make_one_backup() {
    let home = Home::new();
    set(&home);
    let due = due(&home, 0);
    let other = Service::open(Arc::clone(home.service.config()), Arc::<Hand>::clone(&home.clock)).unwrap();
    let cancel = CancellationToken::new();
    let run = |service: &Service| service.run_due(&due, &home.runner, &Silent, &cancel).unwrap();
    let ran = std::thread::scope(|scope| {
        let threads = [&home.service, &other].map(|service| scope.spawn(move || run(service)));
        threads.map(|thread| thread.join().unwrap())
    });
    let count = |what: fn(&Ran) -> bool| ran.iter().filter(|ran| what(ran)).count();
    assert_eq!(count(|ran| matches!(ran, Ran::Done(_))), 1, "{ran:?}");
    assert_eq!(count(|ran| matches!(ran, Ran::Nothing)), 1, "{ran:?}");
    assert_eq!(home.orders().len(), 1);
}

/// One whose missed runs are not made up, with one slot.
fn hasty(home: &Home) -> Due {
    let declared = Declared {
        make_up: false,
        ..weekly("2031-03-14")
    };
    let schedule = declared.starting(home.now());
    home.service.set_schedule("main", &schedule, &machine()).unwrap();
    due(home, 0)
}

const LONG: Duration = Duration::from_mins(20);

#[test]
fn a_schedule_has_not_ended_while_its_last_run_goes_on() {
    let home = Home::new();
    let due = hasty(&home);
    let runner = Meanwhile {
        fake: &home.runner,
        then: || {
            home.wait(LONG);
            assert!(home.service.end_schedules().unwrap().is_empty());
        },
    };
    let ran = home.service.run_due(&due, &runner, &Silent, &CancellationToken::new());
    assert!(matches!(ran.unwrap(), Ran::Done(_)));
    assert_eq!(home.service.end_schedules().unwrap().len(), 1);
    assert_eq!(
        home.history(),
        ["scheduled", "backup_started", "data_ready", "schedule_ended"]
    );
}

#[test]
fn the_last_run_of_a_schedule_waits_for_its_desk_like_any_other() {
    let home = Home::new();
    let due = hasty(&home);
    // While it waits for another backup.
    home.wait(LONG);
    assert_eq!(home.service.end_schedules().unwrap().len(), 1);
    assert!(matches!(home.run(&due), Ran::Done(_)));
    assert_eq!(home.run(&due), Ran::Nothing, "once");
}

#[test]
fn a_slot_whose_backup_is_suspended_is_its() {
    let home = Home::new();
    set(&home);
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    assert!(matches!(run(&home, 0), Ran::Suspended(_)));
    assert_eq!(home.service.due().unwrap().len(), 1, "it is not over");
    // The next slot comes; what goes on is the backup of the first.
    let next = due(&home, 1);
    assert!(home.service.end_schedules().unwrap().is_empty());
    let Ran::Done(done) = home.run(&next) else {
        panic!("not done")
    };
    assert_eq!((done.id, home.backup(1).schedule.unwrap().1), (1, slot(0)));
    assert_eq!(home.orders()[1].resume, [checkpoint(7)]);
    let again = home.service.due().unwrap();
    assert_eq!((again.len(), again[0].slot), (1, slot(1)), "and now that one");
    assert!(matches!(home.run(&again[0]), Ran::Done(_)));
    assert_eq!(home.backup(2).kind, Kind::Incremental);
}

#[test]
fn a_slot_is_over_whose_backup_waits_for_a_person() {
    let home = Home::new();
    set(&home);
    home.next_is(Script::Keeps(7, suspended(Cause::Lost)));
    assert!(matches!(run(&home, 0), Ran::Suspended(_)));
    for _ in 0..3 {
        home.next_is(Script::Fails(suspended(Cause::Lost)));
        assert!(matches!(run(&home, 0), Ran::Suspended(_)));
    }
    assert!(home.backup(1).by_person && home.service.due().unwrap().is_empty());
    // The next one is a backup of its own, and takes all.
    assert!(matches!(run(&home, 1), Ran::Done(_)));
    assert_eq!(
        (home.backup(2).kind, home.orders().last().unwrap().resume.len()),
        (Kind::Full, 0)
    );
    // A person goes on with the first: no slot comes twice by that.
    let wish = GoOn {
        desk: "main".into(),
        backup: None,
        finish: false,
        wait: false,
    };
    let cancel = CancellationToken::new();
    let done = home.service.resume(&wish, &machine(), &home.runner, &Silent, &cancel);
    assert_eq!(done.unwrap().id, 1);
    assert!(home.service.due().unwrap().is_empty());
    assert!(matches!(run(&home, 2), Ran::Done(_)));
    assert_eq!(home.backup(3).kind, Kind::Incremental);
}
