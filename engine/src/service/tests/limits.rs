//! Which backups are let through.

use std::sync::mpsc;
use std::thread;

use super::*;
use crate::backup::Keeper;
use crate::progress::Event;
use crate::store::{ArchiveFacts, BackupEnd, NewBackup};

#[test]
fn a_full_backup_closes_the_door_for_30_days_to_the_second() {
    let home = Home::new();
    let start = home.now();
    home.full().unwrap();
    let almost = later(start, Duration::from_secs(30 * 86_400 - 1));
    for moment in [later(start, Duration::from_secs(1)), later(start, days(29)), almost] {
        home.set(moment);
        let refused = refusal(home.full());
        let (last, opens) = (start, later(start, days(30)));
        let desk = "main".to_owned();
        assert_eq!(refused, Refusal::FullTooSoon { desk, last, opens });
    }
    let entries = home.history();
    assert_eq!(
        entries[2..],
        [
            "refused: full_too_soon",
            // Its archive is gone by now; the door stays closed.
            "expired",
            "refused: full_too_soon",
            "refused: full_too_soon"
        ]
    );
    assert_eq!(
        home.service.list(None, true, &machine()).unwrap().len(),
        1,
        "a refusal is no backup"
    );
    // Another desk's door is its own, and other kinds have none.
    home.set(later(start, days(1)));
    let desk = "other".to_owned();
    home.back_up(&Wish { desk, ..full() }).unwrap();
    home.back_up(&custom("2031-03-01T00:00:00Z", "2031-03-02T00:00:00Z"))
        .unwrap();
    home.set(later(start, days(30)));
    home.full().unwrap();
}

#[test]
fn what_came_to_no_archive_opens_the_door_and_what_did_keeps_it_closed() {
    let refused = RunError::Refused {
        refusal: Refusal::Records { counted: 9, limit: 3 },
    };
    for (script, opens) in [
        (Script::Fails(failed()), true),
        (Script::Fails(refused), true),
        (Script::Incomplete, false),
        (Script::LimitReached, false),
        (Script::Complete, false),
    ] {
        let home = Home::new();
        home.next_is(script);
        drop(home.full());
        home.wait(Duration::from_mins(1));
        let ready = home.backup(1).archive.is_some();
        assert_eq!(home.full().is_ok(), opens, "an archive: {ready}");
        if !opens {
            home.service.delete(1, &machine()).unwrap();
            assert!(home.full().is_err(), "deleted, it still counts");
        }
    }
}

#[test]
fn the_door_can_be_left_open() {
    let home = Home::with("[limits]\nfull_every = \"0s\"\n");
    for id in 1..=3 {
        assert_eq!(home.full().unwrap().id, id, "also in one second");
    }
    assert_eq!(home.archives().len(), 3);
}

#[test]
fn a_custom_range_has_31_days() {
    let home = Home::new();
    home.back_up(&custom("2031-01-01T00:00:00Z", "2031-02-01T00:00:00Z"))
        .unwrap();
    let refused = refusal(home.back_up(&custom("2031-01-01T00:00:00Z", "2031-02-01T00:00:01Z")));
    assert!(matches!(refused, Refusal::RangeTooLong { .. }), "{refused}");
    assert_eq!(home.history().last().unwrap(), "refused: range_too_long");
    assert_eq!(home.orders().len(), 1, "nothing ran");
}

#[test]
fn there_must_be_room_for_the_last_one_and_a_quarter() {
    let home = Home::new();
    let now = home.now();
    // One that took more than any disk has.
    home.service
        .store()
        .write(|tx| {
            let id = tx.add_backup(&NewBackup {
                desk: "main".into(),
                modules: Vec::new(),
                kind: Kind::Custom,
                range: None,
                started: now,
                schedule: None,
                folder: None,
                until: None,
                allow_partial: false,
            })?;
            let archive = ArchiveFacts {
                file: "main-custom.zip".into(),
                bytes: 1 << 61,
                sha256: String::new(),
                records: 1,
                expires: None,
            };
            let (state, archive) = (BackupState::Complete, Some(archive));
            let (reason, until) = (None, None);
            tx.end_backup(
                id,
                &BackupEnd {
                    state,
                    ended: now,
                    reason,
                    until,
                    archive,
                },
            )
        })
        .unwrap();
    let refused = refusal(home.back_up(&custom("2031-03-01T00:00:00Z", "2031-03-02T00:00:00Z")));
    assert!(matches!(refused, Refusal::Room { .. }), "{refused}");
    home.full().expect("another kind is another size");
}

/// Waits in the middle of a backup until it is let go.
struct Gate<'a> {
    fake: &'a Fake,
    begun: mpsc::Sender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Runner for Gate<'_> {
    fn run(
        &self,
        order: &Order,
        progress: &dyn Progress,
        keeper: &dyn Keeper,
        cancel: &CancellationToken,
    ) -> Result<Summary, RunError> {
        self.begun.send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        self.fake.run(order, progress, keeper, cancel)
    }
}

/// Tells for whom is waited.
struct Ear(mpsc::Sender<String>);

impl Progress for Ear {
    fn event(&self, event: Event<'_>) {
        if let Event::Waiting { running } = event {
            self.0.send(running.to_owned()).unwrap();
        }
    }
}

#[test]
fn one_backup_of_a_desk_at_a_time() {
    let home = Home::with("[limits]\nfull_every = \"0s\"\n");
    let (begun, begins) = mpsc::channel();
    let (go, goes) = mpsc::channel();
    let gate = Gate {
        fake: &home.runner,
        begun,
        go: Mutex::new(goes),
    };
    let (told, waits) = mpsc::channel();
    let ear = Ear(told);
    let patient = Wish { wait: true, ..full() };
    let cancel = CancellationToken::new();
    let now = CancellationToken::new();
    thread::scope(|scope| {
        let first = scope.spawn(|| home.service.backup(&full(), &machine(), &gate, &Silent, &now));
        begins.recv().unwrap();
        // At once, and by name.
        let Refusal::Busy { running } = refusal(home.full()) else {
            panic!("not busy")
        };
        assert!(
            running.starts_with("main 1, 2031-03-12T07:00:00Z (since 2031-03-12 07:00:00 UTC"),
            "{running}"
        );
        // Another desk is another matter.
        let desk = "other".to_owned();
        home.back_up(&Wish { desk, ..full() }).unwrap();
        // One that waits can be stopped.
        let stopped = scope.spawn(|| home.service.backup(&patient, &machine(), &home.runner, &ear, &cancel));
        assert_eq!(waits.recv().unwrap(), running);
        cancel.cancel();
        assert!(matches!(stopped.join().unwrap(), Err(ServiceError::Cancelled)));
        // Else it gets its turn.
        let second = scope.spawn(|| home.service.backup(&patient, &machine(), &home.runner, &ear, &now));
        assert_eq!(waits.recv().unwrap(), running);
        go.send(()).unwrap();
        assert_eq!(first.join().unwrap().unwrap().id, 1);
        assert_eq!(second.join().unwrap().unwrap().id, 3);
    });
    let history = home.history();
    assert_eq!(
        history.iter().filter(|line| *line == "refused: busy").count(),
        1,
        "{history:?}"
    );
}

#[test]
fn what_is_not_there_can_not_be_backed_up() {
    let home = Home::new();
    let desk = "mian".to_owned();
    assert!(matches!(
        home.back_up(&Wish { desk, ..full() }),
        Err(ServiceError::NoSuchDesk { .. })
    ));
    let modules = vec!["contacts".to_owned()];
    assert!(matches!(
        home.back_up(&Wish { modules, ..full() }),
        Err(ServiceError::NoSuchModule { .. })
    ));
    assert_eq!(home.orders(), []);
}
