//! The pacer, with a clock that the test moves.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::clock::Clock;
use crate::connection::settings::Reserve;

#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(Timestamp::parse(text).unwrap().micros())))
    }

    fn set(&self, text: &str) {
        self.0.store(Timestamp::parse(text).unwrap().micros(), Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

fn pacer(hands: &Hands, folder: Option<PathBuf>) -> Pacer {
    keeping(Reserve::Percent(20), 5_000, hands, folder)
}

/// One that keeps so many credits of an edition that has so many a day at least.
fn keeping(reserve: Reserve, edition: u64, hands: &Hands, folder: Option<PathBuf>) -> Pacer {
    let pacer = unknown(None, reserve, hands, folder);
    pacer.introduce("7", edition);
    pacer
}

/// One that was not told yet of which organisation it is.
fn unknown(org_id: Option<&str>, reserve: Reserve, hands: &Hands, folder: Option<PathBuf>) -> Pacer {
    let pacing = Pacing {
        clock: Arc::new(hands.clone()),
        reserve,
        folder,
        wait: true,
    };
    let desk = ("acme", "https://desk.zoho.eu/api/v1");
    Pacer::new(desk, &pacing, "https://accounts.zoho.eu", org_id)
}

/// Makes a request that costs 3, if it may.
fn ask(pacer: &Pacer, left: &mut u64) -> bool {
    let Admission::Now(permit) = pacer.admit("/tickets", None) else {
        return false;
    };
    *left -= 3;
    pacer.answered(permit, "/tickets", None, Some(3), Some(*left));
    pacer.release(permit, true);
    true
}

fn until(pacer: &Pacer) -> String {
    pacer.paused().unwrap().until.to_string()
}

#[test]
fn it_waits_at_the_reserve_until_midnight_of_the_data_centre() {
    let hands = Hands::at("2026-11-23T12:00:00Z");
    let pacer = pacer(&hands, None);
    let mut left = 1_010;
    while ask(&pacer, &mut left) {}
    assert_eq!(left, 1_001);
    let pause = pacer.paused().unwrap();
    assert_eq!((pause.left, pause.reserve), (1_001, 1_000));
    assert_eq!(until(&pacer), "2026-11-23T23:01:00Z");
    hands.set("2026-11-23T23:00:59Z");
    assert!(!ask(&pacer, &mut left));
    // Set back by years: the wait is as long as it was, by the other clock.
    hands.set("2001-01-01T00:00:00Z");
    assert!(!ask(&pacer, &mut left) && pacer.paused().is_some());
    hands.set("2026-11-23T23:01:00Z");
    left = 5_000;
    assert!(ask(&pacer, &mut left) && ask(&pacer, &mut left));
    assert_eq!(pacer.paused(), None);
    let account = pacer.account().unwrap();
    assert_eq!((account.left, account.limit, account.reserve), (4_994, 5_000, 1_000));
}

#[test]
fn credits_that_are_late_are_asked_for_now_and_then() {
    let hands = Hands::at("2026-11-23T22:00:00Z");
    let pacer = pacer(&hands, None);
    let mut left = 1_005;
    while ask(&pacer, &mut left) {}
    hands.set("2026-11-23T23:01:00Z");
    assert!(ask(&pacer, &mut left), "one finds out");
    assert!(!ask(&pacer, &mut left), "and no other");
    assert_eq!(until(&pacer), "2026-11-23T23:16:00Z");
    hands.set("2026-11-23T23:16:00Z");
    left = 4_000;
    assert!(ask(&pacer, &mut left) && ask(&pacer, &mut left));
}

#[test]
fn credits_that_do_not_come_cost_ever_less_of_the_reserve() {
    let hands = Hands::at("2026-11-23T22:00:00Z");
    let pacer = pacer(&hands, None);
    let mut left = 1_005;
    while ask(&pacer, &mut left) {}
    let mut times = Vec::new();
    for _ in 0..8 {
        hands.set(&until(&pacer));
        assert!(ask(&pacer, &mut left), "one finds out");
        assert!(!ask(&pacer, &mut left), "and no other");
        times.push(until(&pacer)[8..16].to_owned());
    }
    let expected = [
        "23T23:16", "23T23:46", "24T00:46", "24T02:46", "24T06:46", "24T14:46", "24T23:01", "24T23:16",
    ];
    assert_eq!(times, expected);
}

#[test]
fn a_reserve_that_is_more_than_a_day_gives_is_refused_when_that_is_certain() {
    let refused = |pacer: &Pacer| {
        let why = pacer.refused()?;
        assert!(
            why.contains("`credits_reserve` keeps 6000") && why.contains("less"),
            "{why}"
        );
        assert_eq!(
            pacer.admit("/tickets", None),
            Admission::Now(0),
            "it fails, and waits for nothing"
        );
        Some(why)
    };
    let hands = Hands::at("2026-11-23T22:00:00Z");
    let mut left = 4_500;
    // No users add to the smallest edition.
    let small = keeping(Reserve::Credits(6_000), 5_000, &hands, None);
    assert_eq!(
        refused(&small),
        None,
        "before the desk has said anything, it may not charge at all"
    );
    assert!(ask(&small, &mut left));
    assert!(refused(&small).is_some_and(|why| why.contains("gives 5000 a day")));
    // A larger one may have more than is left today, and a trial of it has less than is documented.
    for (edition, tomorrow, is_refused) in [
        (100_000, 5_000, true),
        (0, 5_000, true),
        (0, 7_000, false),
        (5_000, 7_000, false),
    ] {
        hands.0.store(
            Timestamp::parse("2026-11-23T22:00:00Z").unwrap().micros(),
            Ordering::SeqCst,
        );
        let pacer = keeping(Reserve::Credits(6_000), edition, &hands, None);
        left = if edition == 5_000 { 6_500 } else { 4_500 };
        assert!(ask(&pacer, &mut left));
        while ask(&pacer, &mut left) {}
        assert_eq!(refused(&pacer), None, "{edition} {tomorrow}");
        hands.set("2026-11-23T23:01:00Z");
        left = tomorrow;
        assert!(ask(&pacer, &mut left));
        assert_eq!(refused(&pacer).is_some(), is_refused, "{edition} {tomorrow}");
    }
    assert_eq!(refused(&keeping(Reserve::Percent(90), 5_000, &hands, None)), None);
}

#[test]
fn what_the_desk_says_is_believed() {
    let hands = Hands::at("2026-11-23T12:00:00Z");
    for (retry_after, expected) in [
        (Some(3_600), "2026-11-23T13:00:00Z"),
        (Some(u64::MAX), "2026-11-25T12:00:00Z"),
        (Some(0), "2026-11-23T12:00:01Z"),
        (None, "2026-11-23T23:01:00Z"),
    ] {
        let pacer = pacer(&hands, None);
        let mut left = 4_000;
        assert!(ask(&pacer, &mut left));
        pacer.spent(retry_after.map(Duration::from_secs));
        pacer.spent(Some(Duration::ZERO));
        assert_eq!(until(&pacer), expected);
        assert!(!ask(&pacer, &mut left));
    }
}

#[test]
fn two_share_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let hands = Hands::at("2026-11-23T12:00:00Z");
    let shared = Some(folder.path().join("credits"));
    let (one, two) = (pacer(&hands, shared.clone()), pacer(&hands, shared));
    let mut left = 1_300;
    let mut asked = [0, 0];
    loop {
        let (first, second) = (ask(&one, &mut left), ask(&two, &mut left));
        asked[0] += u32::from(first);
        asked[1] += u32::from(second);
        if !first && !second {
            break;
        }
    }
    assert!((1_000..1_003).contains(&left), "{left}");
    assert!(asked.iter().all(|asked| *asked > 20), "{asked:?}");
    // While one has a request under way, the other leaves it its room.
    hands.set("2026-11-23T23:01:00Z");
    left = 5_000;
    assert!(ask(&one, &mut left));
    left = 1_006;
    assert!(ask(&one, &mut left));
    let Admission::Now(permit) = one.admit("/tickets", None) else {
        panic!("there is room for one")
    };
    assert_eq!(two.admit("/tickets", None), Admission::Later);
    one.release(permit, false);
}

#[test]
fn at_the_reserve_the_next_backup_asks_nothing_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Some(folder.path().join("credits"));
    let hands = Hands::at("2026-11-23T12:00:00Z");
    let keeps = Reserve::Percent(20);
    let mut left = 20_010;
    // Of an edition that has 100,000 a day: its reserve is more than what is seen of it tells.
    let first = keeping(keeps, 100_000, &hands, shared.clone());
    while ask(&first, &mut left) {}
    assert_eq!(left, 20_001);
    drop(first);
    for org_id in [None, Some("7")] {
        let next = unknown(org_id, keeps, &hands, shared.clone());
        assert!(!ask(&next, &mut left), "{org_id:?}");
        let pause = next.paused().unwrap();
        assert_eq!((pause.left, pause.reserve), (20_001, 20_000));
    }
    // Another organisation is not held to it; nor one that turns out to be another.
    assert!(ask(&unknown(Some("8"), keeps, &hands, shared.clone()), &mut 50_000));
    let moved = unknown(None, keeps, &hands, shared.clone());
    moved.introduce("9", 100_000);
    assert!(ask(&moved, &mut 50_000) && ask(&moved, &mut 50_000));
    drop(moved);
    assert!(
        ask(&unknown(None, keeps, &hands, shared.clone()), &mut 50_000),
        "it is known by now"
    );
    // What stands there is not believed for its name.
    let file = fs::read_dir(shared.as_ref().unwrap()).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("desk-")
            .then_some(path)
    });
    let file = file.unwrap();
    for harm in [
        &b""[..],
        b"{",
        br#"{"org_id":"../7","daily":1}"#,
        br#"{"org_id":"","daily":1}"#,
        br#"{"org_id":"7"}"#,
        &vec![0xff; 100_000],
    ] {
        fs::write(&file, harm).unwrap();
        assert!(ask(&unknown(None, keeps, &hands, shared.clone()), &mut 50_000));
    }
    // With the next day the first request finds out.
    keeping(keeps, 100_000, &hands, shared.clone());
    hands.set("2026-11-23T23:01:00Z");
    let next = unknown(None, keeps, &hands, shared);
    assert!(ask(&next, &mut 100_000) && ask(&next, &mut 99_000));
}
