//! Backups that are suspended and gone on with.

use super::*;
use crate::archive::Held;
use crate::service::{Resumable, Suspended};
use crate::store::Reached;

fn go_on() -> GoOn {
    GoOn {
        desk: "main".into(),
        backup: None,
        finish: false,
        wait: false,
    }
}

impl Home {
    fn resume(&self, wish: &GoOn) -> Result<Done, ServiceError> {
        let cancel = CancellationToken::new();
        self.service.resume(wish, &machine(), &self.runner, &Silent, &cancel)
    }

    fn by_itself(&self, id: u64) -> Ran {
        let (desk, backup) = ("main".to_owned(), id);
        let cancel = CancellationToken::new();
        self.service
            .run_resumable(&Resumable { desk, backup }, &self.runner, &Silent, &cancel)
            .unwrap()
    }

    fn resumable(&self) -> Vec<u64> {
        let found = self.service.resumable().unwrap();
        found.into_iter().map(|found| found.backup).collect()
    }
}

fn cause(ended: Result<Done, ServiceError>) -> Cause {
    match ended {
        Err(ServiceError::Suspended(suspended)) => suspended.cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_goes_on_as_what_it_was_behind_what_was_kept() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    let wish = Wish {
        allow_partial: true,
        ..full()
    };
    assert_eq!(cause(home.back_up(&wish)), Cause::Desk);
    let row = home.backup(1);
    assert_eq!((row.state, row.suspended), (BackupState::Suspended, Some(home.now())));
    assert_eq!(row.spool.as_ref(), home.spools().first());
    let reached = Reached {
        rows: 7,
        at: Some(home.now()),
    };
    assert_eq!(home.service.reached(1).unwrap(), reached);
    // Listed, and swept by nobody.
    assert_eq!(home.service.list(None, false, &machine()).unwrap().len(), 1);
    home.wait(days(2));
    home.service.settle(&CancellationToken::new()).unwrap();
    assert_eq!(home.spools().len(), 1);
    assert_eq!(home.resumable(), [1]);

    let done = home.resume(&go_on()).unwrap();
    assert_eq!((done.id, done.state), (1, BackupState::Complete));
    let [first, second] = home.orders().try_into().unwrap();
    assert_eq!(second.resume, [checkpoint(7)]);
    assert!(
        second.until.is_some() && second.until == home.backup(1).until,
        "{:?}",
        second.until
    );
    let same = Order {
        resume: Vec::new(),
        ..second
    };
    assert_eq!(same, first, "name, start, folder, spool");
    let row = home.backup(1);
    assert_eq!(
        (row.started, row.suspended, row.spool),
        (time("2031-03-12T07:00:00Z"), None, None)
    );
    assert_eq!(row.archive.unwrap().file, "main-full-20310312T070000Z.zip");
    assert_eq!(home.spools(), [] as [String; 0]);
    assert_eq!(home.service.reached(1).unwrap(), Reached::default(), "forgotten");
    assert_eq!(home.history(), ["backup_started", "suspended", "resumed", "data_ready"]);
    let again = home.resume(&go_on());
    assert!(matches!(again, Err(ServiceError::NotSuspended { .. })), "{again:?}");
}

#[test]
fn another_one_is_refused_until_it_is_given_up() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    cause(home.full());
    assert!(matches!(refusal(home.full()), Refusal::Suspended { backup: 1, .. }));
    // A rule that refuses the new one leaves the old one as it is.
    let too_long = Wish {
        anew: true,
        ..custom("2031-01-01T00:00:00Z", "2031-03-01T00:00:00Z")
    };
    assert!(matches!(refusal(home.back_up(&too_long)), Refusal::RangeTooLong { .. }));
    assert_eq!(home.backup(1).state, BackupState::Suspended);
    let anew = Wish { anew: true, ..full() };
    assert_eq!(home.back_up(&anew).unwrap().id, 2);
    assert_eq!((home.backup(1).state, home.spools().len()), (BackupState::Stopped, 0));
    let last = home.history().split_off(2);
    assert_eq!(
        last,
        [
            "refused: suspended",
            "refused: range_too_long",
            "stopped",
            "backup_started",
            "data_ready"
        ]
    );
}

#[test]
fn what_a_person_stopped_waits_for_a_person() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Stopped)));
    assert_eq!(cause(home.full()), Cause::Stopped);
    assert_eq!((home.resumable(), home.backup(1).by_person), (vec![], true));
    // Once it goes on, it is the daemon's as well.
    home.next_is(Script::Fails(suspended(Cause::Desk)));
    cause(home.resume(&go_on()));
    assert_eq!(home.resumable(), [1]);
    home.next_is(Script::Fails(suspended(Cause::Stopped)));
    assert!(matches!(home.by_itself(1), Ran::Suspended(_)));
    assert_eq!(home.resumable(), [1], "the daemon was stopped, not the backup");
    assert!(matches!(home.by_itself(1), Ran::Done(_)));
    assert_eq!(home.by_itself(1), Ran::Nothing);
}

#[test]
fn one_that_is_lost_again_and_again_waits_for_a_person_with_all_that_was_kept() {
    let home = Home::new();
    home.next_is(Script::Fails(suspended(Cause::Lost)));
    cause(home.full());
    for round in 0..2 {
        home.next_is(Script::Fails(suspended(Cause::Lost)));
        assert!(matches!(home.by_itself(1), Ran::Suspended(_)), "{round}");
    }
    // It got further: they are counted anew. That the desk is away is none of them.
    home.dies(Script::KeepsAndDies(9), |home| drop(home.by_itself(1)));
    home.service.settle(&CancellationToken::new()).unwrap();
    for (round, why) in [Cause::Lost, Cause::Desk, Cause::Lost, Cause::Lost]
        .into_iter()
        .enumerate()
    {
        home.next_is(Script::Fails(suspended(why)));
        let ran = home.by_itself(1);
        assert!(matches!(ran, Ran::Suspended(_)), "{round}: {ran:?}");
    }
    assert_eq!((home.resumable(), home.told("aiko@example.com").len()), (vec![1], 0));
    home.next_is(Script::Fails(suspended(Cause::Lost)));
    let ran = home.by_itself(1);
    assert!(
        matches!(&ran, Ran::Suspended(Suspended { by_person: true, .. })),
        "{ran:?}"
    );
    let row = home.backup(1);
    assert_eq!((row.state, row.by_person), (BackupState::Suspended, true));
    assert!(row.reason.unwrap().contains("3 times in a row"));
    assert_eq!(home.told("aiko@example.com").len(), 1);
    assert_eq!(home.resumable(), [] as [u64; 0], "nobody goes on for ever");
    home.service.settle(&CancellationToken::new()).unwrap();
    assert_eq!(home.spools().len(), 1);
    home.resume(&go_on()).unwrap();
    assert_eq!(home.orders().last().unwrap().resume, [checkpoint(9)]);
}

#[test]
fn one_that_nobody_comes_for_is_finished_as_it_is() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Lost)));
    cause(home.full());
    for _ in 0..3 {
        home.next_is(Script::Fails(suspended(Cause::Lost)));
        home.by_itself(1);
    }
    assert_eq!((home.resumable(), home.backup(1).by_person), (vec![], true));
    home.set(later(home.now(), days(7)));
    assert_eq!(home.resumable(), [1]);
    let entries = home.history().len();
    for _ in 0..2 {
        home.next_is(Script::Fails(suspended(Cause::Lost)));
        assert!(matches!(home.by_itself(1), Ran::Suspended(_)));
        assert_eq!(home.resumable(), [1], "it is tried again");
    }
    assert_eq!(home.history().len(), entries, "that is nothing new");
    assert_eq!(home.told("aiko@example.com").len(), 1);
    home.next_is(Script::Incomplete);
    assert!(matches!(home.by_itself(1), Ran::Done(_)));
    assert!(home.orders().last().unwrap().finish);
    assert_eq!(home.spools(), [] as [&str; 0]);
}

#[test]
fn what_a_person_stopped_stays_theirs() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    cause(home.full());
    home.next_is(Script::Fails(suspended(Cause::Stopped)));
    cause(home.resume(&go_on()));
    home.set(later(home.now(), days(700)));
    assert_eq!((home.resumable(), home.backup(1).by_person), (vec![], true));
}

#[test]
fn one_that_waits_for_a_person_is_told_of_though_its_trouble_was() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Credentials)));
    cause(home.full());
    assert_eq!(home.told("aiko@example.com").len(), 1);
    for _ in 0..4 {
        home.next_is(Script::Fails(suspended(Cause::Lost)));
        home.by_itself(1);
    }
    assert_eq!((home.resumable(), home.told("aiko@example.com").len()), (vec![], 2));
}

#[test]
fn a_rule_throws_nothing_away() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    cause(home.full());
    let refusal = Refusal::Records { counted: 11, limit: 10 };
    home.next_is(Script::Fails(RunError::Refused { refusal }));
    assert_eq!(cause(home.resume(&go_on())), Cause::Machine);
    let row = home.backup(1);
    assert!(row.reason.unwrap().contains("--finish"));
    assert_eq!((home.spools().len(), home.told("aiko@example.com").len()), (1, 1));
    home.resume(&go_on()).unwrap();
    assert_eq!(home.orders().last().unwrap().resume, [checkpoint(7)]);
}

#[test]
fn one_whose_modules_have_ended_is_lost_more_often_before_it_waits_for_a_person() {
    let home = Home::new();
    home.next_is(Script::Ends(suspended(Cause::Lost)));
    cause(home.full());
    for round in 0..20 {
        assert_eq!(home.resumable(), [1], "{round}");
        home.next_is(Script::Fails(suspended(Cause::Lost)));
        home.by_itself(1);
    }
    assert_eq!(home.resumable(), [] as [u64; 0]);
    home.resume(&go_on()).unwrap();
    assert!(home.orders().last().unwrap().resume[0].ended.is_some());
}

#[test]
fn people_are_told_once_what_they_must_mend() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Credentials)));
    cause(home.full());
    for _ in 0..2 {
        home.next_is(Script::Fails(suspended(Cause::Machine)));
        home.by_itself(1);
    }
    let told = ("suspended".to_owned(), Some("suspended".to_owned()));
    assert_eq!(home.told("aiko@example.com"), std::slice::from_ref(&told));
    // It got further, and then something else is in the way.
    home.next_is(Script::Keeps(8, suspended(Cause::Machine)));
    home.by_itself(1);
    assert_eq!(home.told("aiko@example.com"), [told.clone(), told]);
}

#[test]
fn the_same_trouble_is_entered_once_however_often_it_is_met() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Machine)));
    cause(home.full());
    let wrong = |message: &str| RunError::Configuration {
        message: message.into(),
    };
    // Seven days later it is to be finished, and there is no plugin: hour by hour.
    home.wait(days(7));
    for _ in 0..5 {
        home.next_is(Script::Fails(wrong("no such plugin")));
        home.by_itself(1);
        assert!(home.orders().last().unwrap().finish);
    }
    let entries = ["backup_started", "suspended", "resumed", "suspended"];
    assert_eq!(home.history(), entries);
    // A person's own try is theirs, and so is what came of it another time.
    home.next_is(Script::Fails(wrong("no such plugin")));
    cause(home.resume(&go_on()));
    assert_eq!(home.history()[4..], ["resumed", "suspended"]);
    home.next_is(Script::Fails(wrong("no such plugin")));
    home.by_itself(1);
    home.next_is(Script::Incomplete);
    assert!(matches!(home.by_itself(1), Ran::Done(_)));
    assert_eq!(home.history()[6..], ["resumed", "data_ready", "incomplete"]);
    let told = home.told("aiko@example.com");
    let suspended = told.iter().filter(|(topic, _)| topic == "suspended");
    assert_eq!(suspended.count(), 1, "{told:?}");
}

#[test]
fn one_that_stands_still_is_finished() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    cause(home.full());
    for (wait, finish) in [(days(6), false), (days(1), true)] {
        home.wait(wait);
        home.next_is(Script::Fails(suspended(Cause::Desk)));
        home.by_itself(1);
        assert_eq!(home.orders().last().unwrap().finish, finish);
    }
    home.next_is(Script::Incomplete);
    let finish = GoOn {
        finish: true,
        ..go_on()
    };
    assert_eq!(home.resume(&finish).unwrap().state, BackupState::Incomplete);
}

#[test]
fn without_its_folder_it_starts_over_and_without_the_disk_it_waits() {
    let home = Home::new();
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    cause(home.full());
    fs::remove_dir_all(home.service.folder().join(&home.spools()[0])).unwrap();
    assert_eq!(home.resume(&go_on()).unwrap().id, 1);
    assert_eq!(home.orders()[1].resume, [], "nothing is left of what was kept");

    let home = Home::new();
    let out = home.folder.path().join("elsewhere");
    let wish = Wish {
        out: Some(out.clone()),
        ..full()
    };
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    cause(home.back_up(&wish));
    let away = home.folder.path().join("away");
    fs::rename(&out, &away).unwrap();
    assert_eq!(home.resumable(), [] as [u64; 0]);
    let gone = home.resume(&go_on());
    assert!(matches!(gone, Err(ServiceError::NoFolder { .. })), "{gone:?}");
    fs::rename(&away, &out).unwrap();
    home.resume(&go_on()).unwrap();
    assert_eq!(home.orders()[1].resume, [checkpoint(7)]);
    assert_eq!(zips(&out).len(), 1);
}

#[test]
fn a_slip_in_the_configuration_costs_nothing_that_was_read() {
    let wrong = || RunError::Configuration {
        message: "no such plugin".into(),
    };
    let home = Home::new();
    home.next_is(Script::Fails(wrong()));
    assert!(matches!(
        home.full(),
        Err(ServiceError::Run(RunError::Configuration { .. }))
    ));
    assert_eq!(home.backup(1).state, BackupState::Failed);
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    cause(home.full());
    home.next_is(Script::Fails(wrong()));
    assert_eq!(cause(home.resume(&go_on())), Cause::Machine);
}

#[test]
fn a_folder_elsewhere_is_swept_of_nothing_that_may_be_gone_on_with() {
    let home = Home::new();
    let out = home.folder.path().join("elsewhere");
    let other_name = home.folder.path().join("also-elsewhere");
    let to = |out: &Path| Wish {
        out: Some(out.to_owned()),
        anew: true,
        ..full()
    };
    home.next_is(Script::Keeps(7, suspended(Cause::Desk)));
    cause(home.back_up(&to(&out)));
    let row = home.backup(1);
    // As its process leaves it.
    let name = crate::service::backups::name_of(&row);
    drop(Held::take(&out.join(row.spool.unwrap()), &name, row.started).unwrap());
    std::os::unix::fs::symlink(&out, &other_name).unwrap();
    // Another desk's backup goes there by another name, and then one of another installation.
    home.service.sweep(Some(&other_name)).unwrap();
    let other = Home::new();
    other.service.sweep(Some(&out)).unwrap();
    home.resume(&go_on()).unwrap();
    assert_eq!(home.orders()[1].resume, [checkpoint(7)]);
}
