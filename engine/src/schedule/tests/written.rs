//! How a schedule is written, told and kept.

use super::{at, schedule};
use crate::schedule::{Declared, Every, Schedule, read_at, read_date, read_every, read_zone};

/// What was read as JSON has it, or what must be.
fn told(read: Result<Every, String>) -> String {
    match read {
        Ok(every) => serde_json::to_string(&every).unwrap(),
        Err(wish) => format!("must {wish}"),
    }
}

#[test]
fn reads_days() {
    for (every, on, expected) in [
        ("weekly", "fri", r#"{"every":"weekly","on":"fri"}"#),
        ("weekly", "Friday", r#"{"every":"weekly","on":"fri"}"#),
        (" Weekly ", " SUN ", r#"{"every":"weekly","on":"sun"}"#),
        ("fortnightly", "wednesday", r#"{"every":"fortnightly","on":"wed"}"#),
        ("monthly", "31", r#"{"every":"monthly","on":"31"}"#),
        ("monthly", "01", r#"{"every":"monthly","on":"1"}"#),
        ("monthly", "first fri", r#"{"every":"monthly","on":"first fri"}"#),
        ("monthly", "second-tuesday", r#"{"every":"monthly","on":"second tue"}"#),
        ("quarterly", "Fourth  Thu", r#"{"every":"quarterly","on":"fourth thu"}"#),
        ("quarterly", "last fri", r#"{"every":"quarterly","on":"last fri"}"#),
        (
            "weekly",
            "31",
            "must be a weekday such as \"fri\" where it runs weekly, not \"31\"",
        ),
        (
            "fortnightly",
            "first fri",
            "must be a weekday such as \"fri\" where it runs fortnightly, not \"first fri\"",
        ),
        (
            "weekly",
            "",
            "must be a weekday such as \"fri\" where it runs weekly, not \"\"",
        ),
        (
            "weekly",
            "fr\u{1b}i",
            "must be a weekday such as \"fri\" where it runs weekly, not \"fr\\u{1b}i\"",
        ),
        (
            "monthly",
            "fri",
            "must be a day of the month, \"1\" to \"31\", or one of its weekdays, \"first fri\" to \"fourth fri\" or \
             \"last fri\", where it runs monthly, not \"fri\"",
        ),
        (
            "daily",
            "fri",
            "must go with weekly, fortnightly, monthly or quarterly, not with \"daily\"",
        ),
        (
            "montly",
            "1",
            "must go with weekly, fortnightly, monthly or quarterly, not with \"montly\"; did you mean \"monthly\"?",
        ),
    ] {
        assert_eq!(told(read_every(every, on)), expected, "{every} {on}");
    }
    for on in [
        "0",
        "32",
        "-1",
        "1.5",
        "+1",
        "fifth fri",
        "first",
        "first fri sat",
        "0031x",
        "999999999999",
        "３１",
        "",
    ] {
        let told = told(read_every("quarterly", on));
        assert!(told.starts_with("must be a day of the month, "), "{on}: {told}");
    }
}

#[test]
fn reads_times_zones_and_dates() {
    for (text, expected) in [
        ("02:00", Some("02:00:00")),
        (" 23:59:59 ", Some("23:59:59")),
        ("00:00", Some("00:00:00")),
        ("24:00", None),
        ("2:00", None),
        ("02:60", None),
        ("23:59:60", None),
        ("02:00 am", None),
        ("02.00", None),
        ("+2:00", None),
        ("", None),
    ] {
        assert_eq!(
            read_at(text).ok().map(|time| time.to_string()).as_deref(),
            expected,
            "{text}"
        );
    }
    for (text, expected) in [
        ("2027-03-31", Some("2027-03-31")),
        ("2028-02-29", Some("2028-02-29")),
        ("2027-02-29", None),
        ("2027-3-31", None),
        ("1969-12-31", None),
        ("+10000-1-1", None),
        ("31/03/2027", None),
        ("tomorrow", None),
    ] {
        assert_eq!(
            read_date(text).ok().map(|date| date.to_string()).as_deref(),
            expected,
            "{text}"
        );
    }
    for (text, expected) in [
        ("Asia/Tokyo", "Asia/Tokyo"),
        ("utc", "UTC"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        (
            "Asia/Tokio",
            "be the IANA name of a time zone such as \"Asia/Tokyo\" or \"UTC\", not \"Asia/Tokio\"; did you mean \"Asia/Tokyo\"?",
        ),
        (
            "+09:00",
            "be the IANA name of a time zone such as \"Asia/Tokyo\" or \"UTC\", not \"+09:00\"",
        ),
    ] {
        let told = read_zone(text).map_or_else(|wish| wish, |zone| zone.name().to_owned());
        assert_eq!(told, expected);
    }
    assert_eq!(
        read_at("noon").unwrap_err(),
        "be a time of day such as \"02:00\", not \"noon\""
    );
    assert_eq!(
        read_date("never").unwrap_err(),
        "be a date such as \"2027-03-31\", not \"never\""
    );
}

#[test]
fn tells_in_two_languages() {
    for (text, english, japanese) in [
        (
            "weekly fri 02:00 Asia/Tokyo 2026-11-23 2027-03-31",
            "weekly on Friday at 02:00 (Asia/Tokyo) until 2027-03-31",
            "毎週金曜日 02:00（Asia/Tokyo）、2027-03-31 まで",
        ),
        (
            "fortnightly sun 23:30:15 UTC 2026-11-23 2027-03-31",
            "fortnightly on Sunday at 23:30:15 (UTC) until 2027-03-31",
            "隔週日曜日 23:30:15（UTC）、2027-03-31 まで",
        ),
        (
            "monthly 15 02:00 UTC 2026-11-23 2027-03-31",
            "monthly on day 15 at 02:00 (UTC) until 2027-03-31",
            "毎月 15 日 02:00（UTC）、2027-03-31 まで",
        ),
        (
            "monthly 31 02:00 UTC 2026-11-23 2027-03-31",
            "monthly on day 31, or the last day of a shorter month, at 02:00 (UTC) until 2027-03-31",
            "毎月 31 日（短い月は末日） 02:00（UTC）、2027-03-31 まで",
        ),
        (
            "quarterly second tue 02:00 UTC 2026-11-23 2027-03-31",
            "quarterly on the second Tuesday at 02:00 (UTC) until 2027-03-31",
            "3 か月ごとの第 2 火曜日 02:00（UTC）、2027-03-31 まで",
        ),
        (
            "quarterly last mon 02:00 UTC 2026-11-23 2027-03-31",
            "quarterly on the last Monday at 02:00 (UTC) until 2027-03-31",
            "3 か月ごとの最終月曜日 02:00（UTC）、2027-03-31 まで",
        ),
    ] {
        let schedule = schedule(text);
        assert_eq!(schedule.to_string(), english);
        assert_eq!(schedule.japanese(), japanese);
    }
    let lazy = Schedule {
        make_up: false,
        ..schedule("weekly fri 02:00 UTC 2026-11-23 2027-03-31")
    };
    assert!(
        lazy.to_string()
            .ends_with(" until 2027-03-31; a missed run is not made up"),
        "{lazy}"
    );
    assert!(
        lazy.japanese().ends_with("、実行できなかった回は補いません"),
        "{}",
        lazy.japanese()
    );
}

#[test]
fn is_kept_as_readable_json() {
    let kept = r#"{"every":"monthly","on":"first fri","at":"02:00:00","zone":"Asia/Tokyo","from":"2026-11-23","until":"2027-03-31","make_up":true}"#;
    let monthly = schedule("monthly first fri 02:00 Asia/Tokyo 2026-11-23 2027-03-31");
    assert_eq!(serde_json::to_string(&monthly).unwrap(), kept);
    assert_eq!(serde_json::from_str::<Schedule>(kept).unwrap(), monthly);
    let open = kept.replace("\"2026-11-23\"", "null");
    let declared: Declared = serde_json::from_str(&open).unwrap();
    assert_eq!(declared.from, None);
    assert_eq!(serde_json::to_string(&declared).unwrap(), open);
    let wrong = serde_json::from_str::<Schedule>(&kept.replace("first fri", "fifth fri")).unwrap_err();
    assert!(
        wrong.to_string().starts_with("`on` must be a day of the month"),
        "{wrong}"
    );
    for text in [
        "weekly sun",
        "fortnightly mon",
        "quarterly 31",
        "monthly last sat",
        "quarterly fourth wed",
    ] {
        let every = schedule(&format!("{text} 02:00 UTC 2026-11-23 2027-03-31")).every;
        let again: Every = serde_json::from_str(&serde_json::to_string(&every).unwrap()).unwrap();
        assert_eq!(again, every, "{text}");
    }
}

fn declared(text: &str) -> Declared {
    let schedule = schedule(text);
    Declared {
        every: schedule.every,
        at: schedule.at,
        zone: schedule.zone,
        from: Some(schedule.from),
        until: schedule.until,
        make_up: schedule.make_up,
    }
}

#[test]
fn without_a_first_day_it_begins_with_the_next_run() {
    // A Friday in Tokyo begins at 15:00 UTC of Thursday; 02:00 there is 17:00.
    for (text, set, from, first) in [
        (
            "fortnightly fri",
            "2026-11-23T10:00:00Z",
            "2026-11-24",
            "2026-11-26T17:00:00Z",
        ),
        (
            "fortnightly fri",
            "2026-11-26T16:59:59Z",
            "2026-11-27",
            "2026-11-26T17:00:00Z",
        ),
        // This Friday's run would be over: the fortnight counts from the next.
        (
            "fortnightly fri",
            "2026-11-26T17:00:00Z",
            "2026-11-28",
            "2026-12-03T17:00:00Z",
        ),
        (
            "quarterly 27",
            "2026-11-26T17:00:00Z",
            "2026-11-28",
            "2026-12-26T17:00:00Z",
        ),
    ] {
        let mut open = declared(&format!("{text} 02:00 Asia/Tokyo 2026-01-01 2027-12-31"));
        let given = open.starting(at(set));
        assert_eq!(given.from.to_string(), "2026-01-01", "{text} {set}");
        open.from = None;
        let schedule = open.starting(at(set));
        assert_eq!(schedule.from.to_string(), from, "{text} {set}");
        let next = schedule.slots(at(set), at(set)).next().unwrap();
        assert_eq!((next.slot, next.overdue), (at(first), false), "{text} {set}");
    }
}

#[test]
fn a_schedule_names_a_day() {
    for (text, expected) in [
        ("weekly fri 02:00 UTC 2026-11-23 2026-11-27", ""),
        (
            "weekly fri 02:00 UTC 2026-11-23 2026-11-26",
            "be 2026-11-27 or later: that is the first day, from 2026-11-23 on, that it names",
        ),
        (
            "quarterly 31 02:00 UTC 2026-12-01 2026-12-30",
            "be 2026-12-31 or later: that is the first day, from 2026-12-01 on, that it names",
        ),
        (
            "weekly fri 02:00 UTC 2026-11-23 2026-11-22",
            "not be before the first day, 2026-11-23",
        ),
        ("weekly fri 02:00 UTC 9999-12-31 9999-12-31", ""),
        (
            "weekly thu 02:00 UTC 9999-12-31 9999-12-31",
            "leave room for a run from 9999-12-31 on",
        ),
    ] {
        assert_eq!(declared(text).check().err().unwrap_or_default(), expected, "{text}");
    }
    let open = Declared {
        from: None,
        ..declared("weekly fri 02:00 UTC 2026-11-23 2026-11-26")
    };
    assert_eq!(open.check(), Ok(()));
}
