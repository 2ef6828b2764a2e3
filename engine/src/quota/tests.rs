//! Every rule, in tables.

use std::collections::BTreeMap;
use std::time::Duration;

use plugin_api::{Kind, Range, Timestamp};

use super::{Editions, Limits, Refusal, custom, edition, expires, full, room, split, words};

const DAY: u64 = 86_400;

fn at(text: &str) -> Timestamp {
    let text = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    Timestamp::parse(&text).unwrap_or_else(|| panic!("no time: {text}"))
}

/// From a day to a day, both in it; or from a time until another.
fn range(from: &str, to: &str) -> Range {
    let days = i64::from(to.len() == 10);
    Range {
        from: at(from),
        to: Timestamp::from_micros(at(to).micros() + days * DAY as i64 * 1_000_000),
    }
}

fn told(range: Range) -> String {
    format!("{}..{}", words(range.from), words(range.to)).replace(" 00:00:00 UTC", "")
}

#[test]
fn a_full_backup_closes_the_door_for_30_days() {
    let days = |days: u64| Duration::from_secs(days * DAY);
    for (every, last, now, opens) in [
        (days(30), None, "2024-06-01", None),
        (days(30), Some("2024-06-01"), "2024-06-01", Some("2024-07-01")),
        (
            days(30),
            Some("2024-06-01"),
            "2024-06-30T23:59:59.999999Z",
            Some("2024-07-01"),
        ),
        (days(30), Some("2024-06-01"), "2024-07-01", None),
        (days(30), Some("2024-06-01"), "2031-01-01", None),
        // 30 days are 720 hours, over leap days, years and months of any length.
        (
            days(30),
            Some("2024-02-01T12:30:00Z"),
            "2024-03-02T12:29:59Z",
            Some("2024-03-02T12:30:00Z"),
        ),
        (days(30), Some("2024-02-01T12:30:00Z"), "2024-03-02T12:30:00Z", None),
        (days(30), Some("2023-02-01"), "2023-03-02T23:00:00Z", Some("2023-03-03")),
        (days(30), Some("2023-12-15"), "2024-01-13T23:59:59Z", Some("2024-01-14")),
        (days(30), Some("2023-12-15"), "2024-01-14", None),
        // The clock has jumped back behind the last start.
        (days(30), Some("2024-06-01"), "2024-05-01", Some("2024-07-01")),
        (days(1), Some("2024-06-01"), "2024-06-01T23:00:00Z", Some("2024-06-02")),
        (Duration::ZERO, Some("2024-06-01"), "2024-06-01", None),
        (Duration::ZERO, Some("2024-06-01"), "2020-06-01", None),
        (Duration::MAX, Some("2024-06-01"), "9999-06-01", Some("never")),
    ] {
        let limits = Limits {
            full_every: every,
            ..Limits::default()
        };
        let last = last.map(at);
        let expected = opens.map_or(Ok(()), |opens| {
            let opens = if opens == "never" {
                Timestamp::from_micros(i64::MAX)
            } else {
                at(opens)
            };
            let desk = "main".to_owned();
            Err(Refusal::FullTooSoon {
                desk,
                last: last.unwrap(),
                opens,
            })
        });
        assert_eq!(
            full(&limits, "main", last, at(now)),
            expected,
            "{every:?} {last:?} {now}"
        );
    }
}

#[test]
fn a_custom_backup_has_31_days_at_most() {
    for (from, to, parts) in [
        ("2024-06-01", "2024-07-01", 1),
        ("2024-06-01", "2024-07-03", 2),
        ("2024-06-01", "2024-07-02", 2),
        ("2024-06-01", "2024-06-01", 1),
        ("2024-06-01", "2024-06-30", 1),
        ("2024-02-01", "2024-03-02", 1),
        ("2024-02-01", "2024-03-03", 2),
        ("2023-12-15", "2024-01-14", 1),
        ("2024-06-01T08:00:00Z", "2024-07-02T08:00:00Z", 1),
        ("2024-06-01T08:00:00Z", "2024-07-02T08:00:00.000001Z", 2),
        ("2024-01-01", "2024-03-15", 3),
        ("2024-01-01", "2024-12-31", 12),
    ] {
        let range = range(from, to);
        let expected = if parts == 1 {
            Ok(())
        } else {
            Err(Refusal::RangeTooLong {
                range,
                most_seconds: 31 * DAY,
                parts,
            })
        };
        assert_eq!(custom(&Limits::default(), range), expected, "{from} {to}");
        let relaxed = Limits {
            custom_range: Duration::ZERO,
            ..Limits::default()
        };
        assert_eq!(custom(&relaxed, range), Ok(()), "{from} {to}");
    }
}

#[test]
fn a_split_is_equal() {
    for (from, to, expected) in [
        (
            "2024-01-01",
            "2024-03-15",
            "2024-01-01..2024-01-26 2024-01-26..2024-02-20 2024-02-20..2024-03-16",
        ),
        ("2024-06-01", "2024-07-01", "2024-06-01..2024-07-02"),
        // 33 days: the longer part first.
        (
            "2024-06-01",
            "2024-07-03",
            "2024-06-01..2024-06-18 2024-06-18..2024-07-04",
        ),
        (
            "2024-06-01",
            "2024-07-02T00:00:01Z",
            "2024-06-01..2024-06-16 12:00:01 UTC 2024-06-16 12:00:01 UTC..2024-07-02 00:00:01 UTC",
        ),
        // Whole days that begin in Tokyo.
        (
            "2024-05-31T15:00:00Z",
            "2024-07-03T15:00:00Z",
            "2024-05-31 15:00:00 UTC..2024-06-17 15:00:00 UTC 2024-06-17 15:00:00 UTC..2024-07-03 15:00:00 UTC",
        ),
        (
            "2024-06-01",
            "2024-07-02T00:00:00.000001Z",
            "2024-06-01..2024-06-16 12:00:00.000001 UTC 2024-06-16 12:00:00.000001 UTC..2024-07-02 00:00:00.000001 UTC",
        ),
    ] {
        let parts: Vec<String> = split(&Limits::default(), range(from, to)).map(told).collect();
        assert_eq!(parts.join(" "), expected, "{from} {to}");
    }
    let limits = Limits {
        custom_range: Duration::from_secs(DAY * 3 / 2),
        ..Limits::default()
    };
    // Two parts of a day and a half, not three of a day: they are fewer.
    let parts: Vec<String> = split(&limits, range("2024-06-01", "2024-06-03")).map(told).collect();
    assert_eq!(
        parts,
        [
            "2024-06-01..2024-06-02 12:00:00 UTC",
            "2024-06-02 12:00:00 UTC..2024-06-04"
        ]
    );
}

/// No moment is in two parts or in none, each part passes, they are the fewest, and as equal as can be.
#[test]
fn any_split_holds_what_it_promises() {
    let mut seed = 7_u64;
    let mut chance = |end: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % end
    };
    let mut kinds = [0; 3];
    for round in 0..20_000 {
        let unit = [DAY * 1_000_000, 1_000_000, 1][round % 3] as i64;
        let most = match chance(3) {
            0 => Duration::from_secs(31 * DAY),
            1 => Duration::from_secs(1 + chance(40 * DAY)),
            _ => Duration::from_micros(1_000_000 + chance(100_000_000_000)),
        };
        let limits = Limits {
            custom_range: most,
            ..Limits::default()
        };
        let from = (chance(40_000) as i64 * DAY as i64 * 1_000_000) / unit * unit;
        let most_micros = most.as_micros() as i64;
        let length = (most_micros / 1000 * chance(40_000) as i64 / unit).max(1) * unit;
        let range = Range {
            from: Timestamp::from_micros(from),
            to: Timestamp::from_micros(from + length),
        };
        let parts: Vec<Range> = split(&limits, range).collect();
        let lengths: Vec<i64> = parts.iter().map(|part| part.to.micros() - part.from.micros()).collect();
        assert_eq!((parts[0].from, parts[parts.len() - 1].to), (range.from, range.to));
        assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from), "{range:?}");
        assert_eq!(
            parts.len() as i64,
            (length + most_micros - 1) / most_micros,
            "{range:?} {most:?}"
        );
        let (longest, shortest) = (lengths[0], lengths[lengths.len() - 1]);
        assert!(
            lengths.is_sorted_by(|a, b| a >= b) && shortest > 0 && longest <= most_micros,
            "{range:?} {most:?}"
        );
        for part in &parts {
            assert_eq!(custom(&limits, *part), Ok(()));
        }
        let day = DAY as i64 * 1_000_000;
        let kind = match () {
            () if lengths.iter().all(|length| length % day == 0) => 0,
            () if lengths.iter().all(|length| length % 1_000_000 == 0) => 1,
            () => 2,
        };
        assert!(longest - shortest <= [day, 1_000_000, 1][kind], "{range:?} {most:?}");
        // Whole days of 31 are cut between days, whole seconds of whole seconds between seconds.
        if most_micros % unit == 0 {
            assert!(kind <= round % 3, "{range:?} {most:?}");
        }
        kinds[kind] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 100), "{kinds:?}");
}

#[test]
fn the_ends_of_time_are_no_panic() {
    let all = Range {
        from: Timestamp::from_micros(i64::MIN),
        to: Timestamp::from_micros(i64::MAX),
    };
    let refusal = custom(&Limits::default(), all).unwrap_err();
    assert!(!refusal.to_string().is_empty() && !refusal.japanese().is_empty());
    let mut parts = split(&Limits::default(), all);
    assert_eq!(parts.next().map(|part| part.from), Some(all.from));
    assert_eq!(parts.next_back().map(|part| part.to), Some(all.to));
    let back = Range {
        from: all.to,
        to: all.from,
    };
    assert_eq!(split(&Limits::default(), back).collect::<Vec<_>>(), [back]);
}

#[test]
fn an_edition_may_use_what_its_list_names() {
    let editions = Editions(BTreeMap::from([
        ("free".to_owned(), Vec::new()),
        ("Standard".to_owned(), vec![Kind::Full, Kind::Custom]),
    ]));
    for (name, kind, allowed) in [
        ("free", Kind::Full, false),
        ("FREE", Kind::Custom, false),
        (" Free ", Kind::Incremental, false),
        ("standard", Kind::Full, true),
        ("STANDARD", Kind::Custom, true),
        ("standard", Kind::Incremental, false),
        ("enterprise", Kind::Incremental, true),
        ("", Kind::Full, true),
    ] {
        let expected = if allowed {
            Ok(())
        } else {
            Err(Refusal::Edition {
                edition: name.trim().to_owned(),
                kind,
            })
        };
        assert_eq!(edition(&editions, name, kind), expected, "{name} {kind:?}");
        assert_eq!(edition(&Editions::default(), name, kind), Ok(()), "{name} {kind:?}");
    }
}

#[test]
fn a_quarter_more_than_last_time_must_be_free() {
    for (last, free, need) in [
        (None, 0, None),
        (Some(0), 0, None),
        (Some(1000), 1250, None),
        (Some(1000), 1249, Some(1250)),
        (Some(1001), 1251, Some(1252)),
        (Some(u64::MAX), u64::MAX, None),
        (Some(u64::MAX / 5 * 4), u64::MAX - 1, Some(u64::MAX)),
        (Some(1), 1, Some(2)),
    ] {
        let expected = need.map_or(Ok(()), |need| Err(Refusal::Room { need, free }));
        assert_eq!(room(last, free), expected, "{last:?} {free}");
    }
}

#[test]
fn an_archive_expires_so_long_after_it_was_made() {
    let week = Duration::from_secs(7 * DAY);
    for (made, after, expected) in [
        ("2024-02-25T10:00:00.000001Z", week, "2024-03-03T10:00:00.000001Z"),
        ("2023-12-28", week, "2024-01-04"),
        ("2023-12-28", Duration::from_secs(1), "2023-12-28T00:00:01Z"),
        ("2023-12-28", Duration::ZERO, "2023-12-28"),
    ] {
        assert_eq!(expires(at(made), after), at(expected), "{made} {after:?}");
    }
    assert_eq!(
        expires(at("2024-01-01"), Duration::MAX),
        Timestamp::from_micros(i64::MAX)
    );
}

#[test]
fn refusals_speak_two_languages() {
    let (desk, running) = ("main".to_owned(), "main-full-2024".to_owned());
    let too_long = |from, to| Refusal::RangeTooLong {
        range: range(from, to),
        most_seconds: 31 * DAY,
        parts: split(&Limits::default(), range(from, to)).len() as u64,
    };
    for (refusal, english, japanese) in [
        (
            Refusal::FullTooSoon {
                desk: desk.clone(),
                last: at("2024-05-02T00:00:00.250Z"),
                opens: at("2024-06-01T00:00:00.250Z"),
            },
            "a full backup of main was started on 2024-05-02 00:00:00 UTC; the next one may start on 2024-06-01 00:00:01 UTC or later",
            "main のフルバックアップは 2024-05-02 00:00:00 UTC に開始されています。次のフルバックアップは 2024-06-01 00:00:01 UTC 以降に開始できます",
        ),
        (
            too_long("2024-01-01", "2024-03-15"),
            "2024-01-01 to 2024-03-15 is 75 days, and the range of a custom backup is at most 31 days: --split makes 3 backups of it, one after the other, of 25 days each",
            "2024-01-01～2024-03-15 は 75 日で、カスタムバックアップの期間の上限（31 日）を超えています。--split を付けると、25 日ずつ 3 回に分けて順に実行します",
        ),
        (
            too_long("2024-06-01", "2024-07-03"),
            "2024-06-01 to 2024-07-03 is 33 days, and the range of a custom backup is at most 31 days: --split makes 2 backups of it, one after the other, of 17 days at most each",
            "2024-06-01～2024-07-03 は 33 日で、カスタムバックアップの期間の上限（31 日）を超えています。--split を付けると、最長 17 日ずつ 2 回に分けて順に実行します",
        ),
        (
            too_long("2024-06-01T08:00:00Z", "2024-07-02T08:00:02Z"),
            "2024-06-01 08:00:00 UTC to 2024-07-02 08:00:02 UTC is 31 days and 2 seconds, and the range of a custom backup is at most 31 days: --split makes 2 backups of it, one after the other, of 15 days, 12 hours and 1 second each",
            "2024-06-01 08:00:00 UTC～2024-07-02 08:00:02 UTC は 31 日 2 秒で、カスタムバックアップの期間の上限（31 日）を超えています。--split を付けると、15 日 12 時間 1 秒ずつ 2 回に分けて順に実行します",
        ),
        (
            Refusal::Edition {
                edition: "FREE".to_owned(),
                kind: Kind::Incremental,
            },
            "the edition FREE of the desk may not make incremental backups: `[limits.editions]` of the configuration says which it may",
            "このデスクのエディション（FREE）では増分バックアップを実行できません。実行できる種類は設定の [limits.editions] にあります",
        ),
        (
            Refusal::Records {
                counted: 12_345_678,
                limit: 10_000_000,
            },
            "the desk counts 12,345,678 records or more, and a backup has at most 10,000,000: with --allow-partial it starts, and stops at that record",
            "デスクのレコード数は 12,345,678 件以上で、1 回のバックアップの上限 10,000,000 件を超えています。--allow-partial を付けると開始し、上限に達した時点で終了します",
        ),
        (
            Refusal::Busy { running },
            "the backup main-full-2024 is running: wait until it has ended",
            "バックアップ main-full-2024 を実行中です。終了するまでお待ちください",
        ),
        (
            Refusal::Suspended {
                desk: "main".into(),
                backup: 7,
            },
            "backup 7 of main is suspended: go on with it, or give it up",
            "main のバックアップ（番号 7）が中断されています。再開するか、取りやめてください",
        ),
        (
            Refusal::Room {
                need: 1_250_000_001,
                free: 1_249_999_999,
            },
            "the backup may need 1,251 MB of room in the archive folder, a quarter more than the last one of its kind, and 1,249 MB are free",
            "アーカイブフォルダーの空き容量が足りません。必要な容量は 1,251 MB（同じ種類の前回のバックアップの 1.25 倍）、空き容量は 1,249 MB です",
        ),
        (
            Refusal::Role {
                user: "Mia".to_owned(),
                action: crate::people::Action::Delete.to_string(),
                desk: desk.clone(),
            },
            "Mia may not delete an archive at main: ask its primary contact",
            "Mia には main でアーカイブの削除を行う権限がありません。主担当者に依頼してください",
        ),
        (
            Refusal::ScheduleExists { desk },
            "main has a schedule already: stop it first",
            "main にはすでにスケジュールがあります。先に停止してください",
        ),
        (
            Refusal::Clock {
                now: at("2024-06-01"),
                until: at("2024-06-02"),
            },
            "the clock says 2024-06-01 00:00:00 UTC, and the last backup of the schedule reaches until 2024-06-02 00:00:00 UTC: set the clock right",
            "時計は 2024-06-01 00:00:00 UTC を示していますが、スケジュールの前回のバックアップは 2024-06-02 00:00:00 UTC までを対象としています。時計を正しく合わせてください",
        ),
    ] {
        assert_eq!(refusal.to_string(), english);
        assert_eq!(refusal.japanese(), japanese);
        let json = serde_json::to_value(&refusal).unwrap();
        assert_eq!(json["rule"], refusal.rule());
        assert_eq!(serde_json::from_value::<Refusal>(json).unwrap(), refusal);
    }
}

/// The words of an action are those of `people`, where they are read back.
#[test]
fn every_action_has_its_japanese() {
    use crate::people::Action::{Delete, Download, Schedule, See, Start, Stop};

    for action in [See, Start, Schedule, Stop, Download, Delete] {
        let refusal = Refusal::Role {
            user: "Mia".to_owned(),
            action: action.to_string(),
            desk: "main".to_owned(),
        };
        let japanese = refusal.japanese();
        assert!(!japanese.contains(&action.to_string()), "{japanese}");
    }
}
