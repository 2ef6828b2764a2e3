use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::{Home, at};
use crate::people::Token;
use crate::schedule::{Every, Schedule};
use crate::store::{ScheduleState, StoreError, Waiting};

pub(super) fn schedule() -> Schedule {
    Schedule {
        every: Every::Week(Weekday::Fri),
        at: NaiveTime::from_hms_opt(2, 0, 0).unwrap(),
        zone: Tz::Asia__Tokyo,
        from: NaiveDate::from_ymd_opt(2030, 3, 15).unwrap(),
        until: NaiveDate::from_ymd_opt(2031, 3, 31).unwrap(),
        make_up: true,
    }
}

#[test]
fn one_schedule_a_desk_until_it_is_stopped_or_has_ended() {
    let home = Home::new();
    let add = |desk: &str| home.store.write(|tx| tx.add_schedule(desk, &schedule(), at(0), "山田"));
    let first = add("main").unwrap();
    assert!(matches!(add("main"), Err(StoreError::Conflict(text)) if text.contains("main")));
    let other = add("other").unwrap();
    let row = home.read(|view| view.schedule("main")).unwrap();
    assert_eq!(
        (
            row.id,
            row.desk.as_str(),
            &row.schedule,
            row.made,
            row.user.as_str(),
            row.state,
            row.last_slot
        ),
        (first, "main", &schedule(), at(0), "山田", ScheduleState::Active, None)
    );
    home.write(|tx| tx.ran(first, at(5)));
    assert_eq!(home.read(|view| view.schedule("main")).unwrap().last_slot, Some(at(5)));

    home.write(|tx| tx.end_schedule(first, at(6), ScheduleState::Stopped));
    assert_eq!(home.read(|view| view.schedule("main")), None);
    let last = home.read(|view| view.last_schedule("main")).unwrap();
    assert_eq!((last.id, last.state), (first, ScheduleState::Stopped));
    let second = add("main").unwrap();
    assert!(second > other, "numbers go on");
    let active: Vec<u64> = home.read(|view| view.schedules()).iter().map(|row| row.id).collect();
    assert_eq!(active, [second, other]);
    // A run that was under way when the schedule was stopped.
    home.write(|tx| tx.ran(first, at(7)));
    for (id, state) in [
        (first, ScheduleState::Ended),
        (9, ScheduleState::Stopped),
        (second, ScheduleState::Active),
    ] {
        let ended = home.store.write(|tx| tx.end_schedule(id, at(8), state));
        assert!(matches!(ended, Err(StoreError::Conflict(_))), "{id} {state:?}");
    }
    assert!(matches!(
        home.store.write(|tx| tx.ran(9, at(8))),
        Err(StoreError::Conflict(_))
    ));
    home.write(|tx| tx.end_schedule(second, at(9), ScheduleState::Ended));
    assert_eq!(
        home.read(|view| view.last_schedule("main")).unwrap().state,
        ScheduleState::Ended
    );
}

#[test]
fn declarations_and_facts() {
    let home = Home::new();
    assert_eq!(home.read(|view| view.declared("main")), None);
    home.write(|tx| tx.declare("main", Some("{\"every\":1}")));
    home.write(|tx| tx.declare("other", Some("b")));
    home.write(|tx| tx.declare("main", Some("c")));
    assert_eq!(home.read(|view| view.declared("main")).as_deref(), Some("c"));
    home.write(|tx| tx.declare("main", None));
    assert_eq!(home.read(|view| view.declared("main")), None);
    assert_eq!(home.read(|view| view.declared("other")).as_deref(), Some("b"));
    home.write(|tx| tx.set_fact("a", "1"));
    home.write(|tx| tx.set_fact("a", "2"));
    assert_eq!(home.read(|view| view.fact("a")).as_deref(), Some("2"));
    home.write(|tx| tx.forget_fact("a"));
    assert_eq!(home.read(|view| view.fact("a")), None);
}

#[test]
fn tokens() {
    let home = Home::new();
    let id = home.write(|tx| tx.add_token("山田", "cron", "abc", at(0), at(10)));
    let mut token = Token {
        id,
        person: "山田".into(),
        label: "cron".into(),
        created: at(0),
        expires: at(10),
        revoked: None,
    };
    assert_eq!(home.read(|view| view.token_by_hash("abc")).as_ref(), Some(&token));
    assert_eq!(home.read(|view| view.token_by_hash("ABC")), None);
    assert!(
        home.store
            .write(|tx| tx.add_token("b", "", "abc", at(0), at(1)))
            .is_err(),
        "a hash is there once"
    );
    home.write(|tx| tx.revoke_token(id, at(5)));
    token.revoked = Some(at(5));
    assert_eq!(home.read(|view| view.token(id)).as_ref(), Some(&token));
    assert_eq!(home.read(|view| view.tokens()), [token]);
    for id in [id, 77] {
        let again = home.store.write(|tx| tx.revoke_token(id, at(6)));
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{id}");
    }
}

#[test]
fn a_notification_is_sent_at_least_once() {
    let home = Home::new();
    let claim = |now, until, most| -> Vec<Waiting> { home.write(|tx| tx.claim_notices(at(now), at(until), most)) };
    let ids =
        |claimed: Vec<Waiting>| -> Vec<(u64, u32)> { claimed.iter().map(|notice| (notice.id, notice.tries)).collect() };
    let next = || home.read(|view| view.next_notice());
    assert_eq!((next(), claim(0, 1, 9)), (None, vec![]));
    for (channel, second) in [("webhook", 0), ("mail", 1), ("mail", 1)] {
        home.write(|tx| tx.add_notice(channel, "{}", at(second)));
    }
    assert_eq!(next(), Some(at(0)));
    let first = claim(0, 100, 9);
    assert_eq!(
        first,
        [Waiting {
            id: 1,
            channel: "webhook".into(),
            body: "{}".into(),
            tries: 0,
            made: at(0)
        }]
    );
    assert_eq!(ids(claim(5, 50, 1)), [(2, 0)], "no more than asked for");
    assert_eq!(ids(claim(5, 60, 9)), [(3, 0)], "a claimed one is not given to another");
    assert_eq!((next(), ids(claim(49, 200, 9))), (Some(at(50)), vec![]));
    assert_eq!(ids(claim(50, 200, 9)), [(2, 1)], "whoever claimed it did not come back");

    home.write(|tx| tx.notice_sent(2, at(51)));
    home.write(|tx| tx.notice_failed(3, Some(at(70)), "refused"));
    home.write(|tx| tx.notice_failed(1, None, "given up"));
    assert_eq!(next(), Some(at(70)));
    assert_eq!(ids(claim(1000, 2000, 9)), [(3, 1)]);
    home.write(|tx| tx.notice_sent(3, at(71)));
    for id in [2, 3, 9] {
        let sent = home.store.write(|tx| tx.notice_sent(id, at(99)));
        assert!(matches!(sent, Err(StoreError::Conflict(_))), "{id}");
        // One that was sent is not sent again because somebody slow comes back with an error.
        let failed = home.store.write(|tx| tx.notice_failed(id, Some(at(99)), "late"));
        assert!(matches!(failed, Err(StoreError::Conflict(_))), "{id}");
    }
    assert_eq!((next(), claim(9999, 99999, 9)), (None, vec![]));
}
