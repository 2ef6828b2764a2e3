use chrono_tz::Tz;

use super::*;

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn facts(rows: u64, expected: u64, credits: u64) -> Facts<'static> {
    Facts {
        module: "tickets",
        rows,
        expected: (expected > 0).then_some(expected),
        foreseen: None,
        requests: credits / 2,
        credits,
        ended: false,
    }
}

fn account(left: u64, last_day: Option<u64>) -> Account {
    Account {
        left,
        limit: 5_000,
        reserve: 1_000,
        last_day,
        zone: Tz::Europe__Amsterdam,
        returns: moment("2026-11-23T23:01:00Z"),
    }
}

#[test]
fn rows_cost_what_their_like_did() {
    let now = moment("2026-11-23T12:00:00Z");
    let past = Cost {
        module: "tickets".into(),
        rows: 1_000,
        requests: 2_000,
        credits: 4_000,
    };
    for (name, past, seen, credits, is_whole) in [
        ("nothing is known", None, &[facts(0, 0, 3)][..], 0, false),
        ("how many is known", None, &[facts(0, 100, 3)], 0, false),
        (
            "half is done",
            None,
            &[facts(0, 100, 0), facts(50, 100, 150)],
            150,
            true,
        ),
        (
            "what came before is of another kind",
            None,
            &[facts(40, 0, 4), facts(40, 140, 4), facts(90, 140, 104)],
            100,
            true,
        ),
        (
            "more than expected",
            None,
            &[facts(0, 100, 0), facts(150, 100, 300)],
            0,
            true,
        ),
        (
            "the last backup says how many",
            Some(&past),
            &[facts(0, 0, 0)],
            4_000,
            true,
        ),
        ("and what they cost", Some(&past), &[facts(0, 500, 0)], 2_000, true),
        (
            "until it is known",
            Some(&past),
            &[facts(0, 1_000, 0), facts(980, 1_000, 980)],
            21,
            true,
        ),
        (
            "what was expected is less",
            None,
            &[facts(0, 900, 0), facts(50, 100, 100)],
            100,
            true,
        ),
        (
            "figures without sense",
            None,
            &[facts(u64::MAX, 1, u64::MAX), facts(0, u64::MAX, 0)],
            0,
            false,
        ),
    ] {
        let mut forecaster = Forecaster::new(&past.cloned().into_iter().collect::<Vec<_>>());
        for facts in seen {
            forecaster.look(&[*facts], now, false);
        }
        let forecast = forecaster.forecast(now, Some(&account(5_000, None)));
        assert_eq!(
            (forecast.credits, forecast.is_whole),
            (Some(credits), is_whole),
            "{name}"
        );
    }
    let mut forecaster = Forecaster::default();
    forecaster.look(
        &[
            facts(0, 100, 0),
            Facts {
                ended: true,
                ..facts(1, 9, 3)
            },
        ],
        now,
        false,
    );
    assert_eq!(forecaster.forecast(now, None).credits, None, "the desk does not charge");
    let empty = Forecaster::default().forecast(now, None);
    assert_eq!((empty.requests, empty.done, empty.is_whole), (0, None, true));
}

#[test]
fn days_are_counted_by_what_each_gives() {
    let now = moment("2026-11-23T12:00:00Z");
    for (credits, left, last_day, days, done) in [
        (0, 5_000, None, 1, "2026-11-23T12:00:00Z"),
        (4_000, 5_000, None, 1, "2026-11-23T12:00:00Z"),
        (4_001, 5_000, None, 2, "2026-11-23T23:01:00Z"),
        (4_001, 1_000, None, 2, "2026-11-24T23:01:00Z"),
        (4_000, 1_000, None, 1, "2026-11-23T23:01:00Z"),
        (28_000, 5_000, None, 7, "2026-11-28T23:01:00Z"),
        // Others spent half of what was ours.
        (28_000, 5_000, Some(2_000), 13, "2026-12-04T23:01:00Z"),
        // That is no reason to think that it will never be done.
        (4_400, 1_000, Some(0), 11, "2026-12-03T23:01:00Z"),
    ] {
        let account = account(left, last_day);
        let (counted, moment) = super::days(now, credits, &account, &|_| Some(0.0));
        assert_eq!(
            (counted, moment),
            (days, Some(self::moment(done))),
            "{credits} {left} {last_day:?}"
        );
    }
    let nothing = Account {
        limit: 0,
        reserve: u64::MAX,
        ..account(0, Some(u64::MAX))
    };
    assert_eq!(
        super::days(now, u64::MAX, &nothing, &|_| Some(0.0)),
        (AHEAD as u32, None)
    );
    assert_eq!(super::days(now, 1, &account(5_000, None), &|_| None), (1, None));
    let far = super::days(now, 5_000, &account(5_000, None), &|_| Some(f64::INFINITY));
    assert!(far.1.unwrap() > now);
}

#[test]
fn time_is_that_of_work() {
    let mut forecaster = Forecaster::default();
    let at = |seconds: i64| Timestamp::from_micros(moment("2026-11-23T12:00:00Z").micros() + seconds * 1_000_000);
    for (seconds, rows, waits) in [
        (0, 0, false),
        (10, 50, false),
        (15, 50, true),
        (90_000, 50, true),
        (90_001, 50, false),
    ] {
        forecaster.look(&[facts(rows, 100, rows * 2)], at(seconds), waits);
    }
    // Another ten seconds and five; a clock that is set back counts nothing.
    let forecast = forecaster.forecast(at(90_001), Some(&account(5_000, None)));
    assert_eq!((forecast.requests, forecast.done), (50, Some(at(90_011))));
    forecaster.look(&[facts(50, 100, 100)], at(0), false);
    assert_eq!(forecaster.worked, 10_000_000);
}

#[test]
fn it_is_right_from_the_first_tenth_of_an_even_course_on() {
    let now = moment("2026-11-23T12:00:00Z");
    let mut forecaster = Forecaster::default();
    // A costly beginning that is written quickly, then rows that cost 1.07 each, as they are counted better and better.
    for rows in (0..=100_000_u64).step_by(100) {
        let credits = 500 + rows * 107 / 100;
        let expected = if rows == 0 { 0 } else { 100_000 + 20_000 / (rows / 100) };
        forecaster.look(&[facts(rows, expected, credits)], now, false);
        let forecast = forecaster.forecast(now, Some(&account(5_000, None)));
        let all = forecast.spent + forecast.credits.unwrap();
        if rows >= 10_000 {
            assert!(all.abs_diff(107_500) < 2_000, "{rows}: {all}");
        }
    }
    let many: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    for module in &many {
        forecaster.look(
            &[Facts {
                module,
                ..facts(1, 2, 3)
            }],
            now,
            false,
        );
    }
    assert_eq!(forecaster.courses.len(), MODULES);
}

#[test]
fn requests_that_are_foreseen_cost_what_their_like_did() {
    let now = moment("2026-11-23T12:00:00Z");
    let seen = |foreseen: u64, requests: u64, credits: u64| Facts {
        module: "tickets",
        rows: 7,
        expected: Some(9),
        foreseen: Some(foreseen),
        requests,
        credits,
        ended: false,
    };
    let past = Cost {
        module: "tickets".into(),
        rows: 1_000,
        requests: 2_000,
        credits: 4_000,
    };
    for (name, past, seen, to_come) in [
        ("nothing was asked", None, &[seen(100, 0, 0)][..], (0, 0)),
        ("before the first of them", None, &[seen(110, 10, 30)], (100, 300)),
        (
            "what came before is of another kind",
            None,
            &[seen(110, 10, 30), seen(110, 60, 90)],
            (50, 60),
        ),
        (
            "so is the beginning",
            None,
            &[seen(200, 0, 0), seen(200, 40, 120), seen(200, 80, 160)],
            (120, 120),
        ),
        ("more than foreseen", None, &[seen(10, 20, 60)], (0, 0)),
        ("as in the last backup", Some(&past), &[seen(100, 0, 0)], (100, 200)),
        (
            "figures without sense",
            None,
            &[seen(u64::MAX, u64::MAX, 1), seen(0, 1, u64::MAX)],
            (0, 0),
        ),
    ] {
        let mut forecaster = Forecaster::new(&past.cloned().into_iter().collect::<Vec<_>>());
        for facts in seen {
            forecaster.look(&[*facts], now, false);
        }
        let forecast = forecaster.forecast(now, Some(&account(5_000, None)));
        assert_eq!(
            (forecast.requests, forecast.credits),
            (to_come.0, Some(to_come.1)),
            "{name}"
        );
    }
}
