//! What entries say, in both languages and in other programs' forms.

use chrono_tz::Tz;
use plugin_api::{Kind, Range, Timestamp};

use super::{Entry, Filter, Happening, Language, NewEntry, SealFault, csv_head, csv_line, json_line};
use crate::quota::Refusal;
use crate::schedule::{Every, Schedule};

use Language::{English, Japanese};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Each kind, with what it says.
#[allow(clippy::too_many_lines, reason = "a table")]
fn all() -> Vec<(Happening, &'static str, &'static str)> {
    let schedule = Schedule {
        every: Every::Week(chrono::Weekday::Fri),
        at: chrono::NaiveTime::from_hms_opt(2, 0, 0).unwrap(),
        zone: Tz::Asia__Tokyo,
        from: chrono::NaiveDate::from_ymd_opt(2026, 11, 27).unwrap(),
        until: chrono::NaiveDate::from_ymd_opt(2027, 3, 31).unwrap(),
        make_up: true,
    };
    let range = Range {
        from: at("2024-06-01T00:00:00Z"),
        to: at("2024-07-02T00:00:30Z"),
    };
    let until = at("2026-11-30T17:15:00Z");
    vec![
        (
            Happening::BackupStarted {
                backup: 12,
                backup_kind: Kind::Full,
                range: None,
            },
            "Backup 12 started: full",
            "バックアップ開始：フルバックアップ（番号 12）",
        ),
        (
            Happening::BackupStarted {
                backup: 13,
                backup_kind: Kind::Custom,
                range: Some(range),
            },
            "Backup 13 started: custom, from 2024-06-01 09:00 JST to 2024-07-02 09:00:30 JST",
            "バックアップ開始：カスタムバックアップ（番号 13）、対象期間 2024年6月1日 09:00 JST から 2024年7月2日 09:00:30 JST まで",
        ),
        (
            Happening::Scheduled { schedule },
            "Schedule set: weekly on Friday at 02:00 (Asia/Tokyo) until 2027-03-31",
            "スケジュール設定：毎週金曜日 02:00（Asia/Tokyo）、2027-03-31 まで",
        ),
        (
            Happening::DataReady {
                backup: 12,
                records: 1_234_567,
                bytes: 1000,
                sha256: "ab".into(),
            },
            "Data ready: backup 12 with 1,234,567 records, 1,000 bytes, SHA-256 ab",
            "データ準備完了：バックアップ番号 12、1,234,567 件、1,000 バイト、SHA-256 ab",
        ),
        (
            Happening::DownloadStarted { backup: 12 },
            "Download of backup 12 started",
            "ダウンロード開始：バックアップ番号 12",
        ),
        (Happening::ScheduleStopped, "Schedule stopped", "スケジュール停止"),
        (
            Happening::ScheduleEnded,
            "Schedule ended: its end date has come",
            "スケジュール終了：終了日に達しました",
        ),
        (
            Happening::Failed {
                backup: 12,
                reason: "no network".into(),
            },
            "Backup 12 failed: no network",
            "バックアップ失敗：バックアップ番号 12、理由：no network",
        ),
        (
            Happening::Stopped { backup: 12 },
            "Backup 12 was stopped before it was done",
            "バックアップ中止：バックアップ番号 12、完了前に中止されました",
        ),
        (
            Happening::Suspended {
                backup: 12,
                reason: "no room".into(),
            },
            "Backup 12 is suspended, and can be gone on with: no room",
            "バックアップ中断（再開可能）：バックアップ番号 12、理由：no room",
        ),
        (
            Happening::Resumed { backup: 12 },
            "Backup 12 is gone on with",
            "バックアップ再開：バックアップ番号 12",
        ),
        (
            Happening::Incomplete {
                backup: 12,
                reasons: 1,
                first: "threads: no access".into(),
            },
            "Backup 12 is incomplete, for one reason: threads: no access",
            "バックアップ不完全：バックアップ番号 12、理由 1 件：threads: no access",
        ),
        (
            Happening::Incomplete {
                backup: 12,
                reasons: 3,
                first: "threads: no access".into(),
            },
            "Backup 12 is incomplete, for 3 reasons, the first: threads: no access",
            "バックアップ不完全：バックアップ番号 12、理由 3 件、最初の理由：threads: no access",
        ),
        (
            Happening::LimitReached {
                backup: 12,
                records: 10_000_000,
                stopped: vec![("Threads".into(), 5_000_000), ("Comments".into(), 7)],
            },
            "Backup 12 reached the limit at 10,000,000 records; stopped: Threads behind row 5,000,000, Comments behind row 7",
            "上限到達：バックアップ番号 12、10,000,000 件で上限に達しました。停止した表：Threads（5,000,000 行目まで）、Comments（7 行目まで）",
        ),
        (
            Happening::Deleted { backup: 12 },
            "Archive of backup 12 deleted",
            "バックアップ削除：バックアップ番号 12",
        ),
        (
            Happening::Expired { backup: 12 },
            "Archive of backup 12 expired and was removed",
            "有効期限切れ：バックアップ番号 12 のデータを削除しました",
        ),
        (
            Happening::Missing { backup: 12 },
            "Archive of backup 12 was found to be gone: it was removed past deskvault",
            "データ消失：バックアップ番号 12 のファイルが見つかりません（deskvault 以外の操作で削除されました）",
        ),
        (
            Happening::LinkMade { backup: 12, until },
            "Link to backup 12 made, valid until 2026-12-01 02:15 JST",
            "ダウンロードリンク作成：バックアップ番号 12、有効期限 2026年12月1日 02:15 JST",
        ),
        (
            Happening::ConfigurationChanged {
                what: vec!["[limits] records".into(), "desk main".into()],
            },
            "Configuration changed: [limits] records, desk main",
            "設定変更：[limits] records、desk main",
        ),
        (
            Happening::Refused {
                action: "start a backup".into(),
                refusal: Refusal::Busy {
                    running: "main-full-20261123T171500Z".into(),
                },
            },
            "Refused: start a backup: ",
            "拒否：バックアップの開始：",
        ),
        (
            Happening::TokenCreated {
                token: 3,
                person: "山田".into(),
                until,
            },
            "Token 3 of 山田 made, valid until 2026-12-01 02:15 JST",
            "API トークン作成：番号 3、利用者 山田、有効期限 2026年12月1日 02:15 JST",
        ),
        (
            Happening::TokenRevoked {
                token: 3,
                person: "山田".into(),
            },
            "Token 3 of 山田 revoked",
            "API トークン失効：番号 3、利用者 山田",
        ),
        (
            Happening::PluginTrusted {
                file: "/opt/libx.so".into(),
                sha256: "ab".into(),
            },
            "Plugin trusted: /opt/libx.so, SHA-256 ab",
            "プラグイン信頼：/opt/libx.so、SHA-256 ab",
        ),
        (
            Happening::PluginUntrusted {
                file: "/opt/libx.so".into(),
            },
            "Plugin trusted no more: /opt/libx.so",
            "プラグイン信頼の取消：/opt/libx.so",
        ),
        (
            Happening::Resealed {
                fault: SealFault::Unfit,
                before: "8:ab".into(),
                sealed: Some("9:cd".into()),
            },
            "History sealed anew, as it had a seal that does not fit deskvault.key: the last entry was 8:ab; the seal said 9:cd",
            "履歴の再封印：封印が鍵と一致しませんでした（直前の記録：8:ab、封印の内容：9:cd）",
        ),
        (
            Happening::Resealed {
                fault: SealFault::Missing,
                before: "8:ab".into(),
                sealed: None,
            },
            "History sealed anew, as it had no seal: the last entry was 8:ab",
            "履歴の再封印：封印がありませんでした（直前の記録：8:ab）",
        ),
    ]
}

fn entry(what: Happening) -> Entry {
    Entry {
        number: 7,
        at: at("2026-11-23T17:15:00Z"),
        desk: Some("main".into()),
        user: "山田 太郎".into(),
        via: "command line, system user root".into(),
        what,
        previous: "00".repeat(32),
        hash: "11".repeat(32),
    }
}

#[test]
fn every_kind_reads_well_in_both_languages() {
    for (what, english, japanese) in all() {
        let (found_english, found_japanese) = (
            what.describe(English, Tz::Asia__Tokyo),
            what.describe(Japanese, Tz::Asia__Tokyo),
        );
        if let Happening::Refused { refusal, .. } = &what {
            assert_eq!(found_english, format!("{english}{refusal}"));
            assert_eq!(found_japanese, format!("{japanese}{}", refusal.japanese()));
            continue;
        }
        assert_eq!((found_english.as_str(), found_japanese.as_str()), (english, japanese));
    }
}

#[test]
fn every_kind_is_in_the_list_and_called_as_in_json() {
    let all = all();
    for (what, ..) in &all {
        let json = serde_json::to_value(what).unwrap();
        assert_eq!(json["kind"], what.kind());
        assert_eq!(serde_json::from_value::<Happening>(json).unwrap(), *what);
    }
    for kind in Happening::KINDS {
        assert!(
            all.iter().any(|(what, ..)| what.kind() == *kind),
            "{kind} is not tested"
        );
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn filters() {
    let entry = entry(Happening::Deleted { backup: 1 });
    let filter = Filter::default;
    let text = |text: &str| Some(text.to_owned());
    let kinds = |kinds: &[&str]| kinds.iter().map(ToString::to_string).collect();
    for (name, filter, takes) in [
        ("all", filter(), true),
        (
            "its desk",
            Filter {
                desk: text("main"),
                ..filter()
            },
            true,
        ),
        (
            "another desk",
            Filter {
                desk: text("other"),
                ..filter()
            },
            false,
        ),
        (
            "from it",
            Filter {
                from: Some(entry.at),
                ..filter()
            },
            true,
        ),
        (
            "until it",
            Filter {
                to: Some(entry.at),
                ..filter()
            },
            false,
        ),
        (
            "from later",
            Filter {
                from: Some(at("2026-11-23T17:15:00.000001Z")),
                ..filter()
            },
            false,
        ),
        (
            "until later",
            Filter {
                to: Some(at("2026-11-23T17:15:00.000001Z")),
                ..filter()
            },
            true,
        ),
        (
            "its kind",
            Filter {
                kinds: kinds(&["failed", "deleted"]),
                ..filter()
            },
            true,
        ),
        (
            "another kind",
            Filter {
                kinds: kinds(&["failed"]),
                ..filter()
            },
            false,
        ),
        (
            "its user",
            Filter {
                user: text("山田 太郎"),
                ..filter()
            },
            true,
        ),
        (
            "a part of its user",
            Filter {
                user: text("山田"),
                ..filter()
            },
            false,
        ),
        (
            "all but one",
            Filter {
                desk: text("main"),
                user: text("x"),
                ..filter()
            },
            false,
        ),
    ] {
        assert_eq!(filter.takes(&entry), takes, "{name}");
    }
    let whole = Entry { desk: None, ..entry };
    assert!(
        Filter {
            desk: text("other"),
            ..filter()
        }
        .takes(&whole),
        "it concerns all desks"
    );
}

#[test]
fn csv_comes_back_as_it_was_and_holds_no_formula() {
    let mut entry = entry(Happening::Failed {
        backup: 1,
        reason: "a \"quoted\", long\r\nreason".into(),
    });
    entry.user = "=cmd|' /C calc'!A0".into();
    entry.via = "-1".into();
    entry.desk = None;
    let text = csv_head().unwrap() + &csv_line(&entry, Japanese, Tz::UTC).unwrap();
    assert!(text.ends_with("\r\n") && !text.starts_with('\u{feff}'), "{text:?}");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    let cell = |name: &str| rows[0][head.iter().position(|column| column == name).unwrap()].to_owned();
    assert_eq!(
        (cell("number"), cell("time"), cell("desk"), cell("kind")),
        (
            "7".into(),
            "2026-11-23T17:15:00Z".into(),
            String::new(),
            "failed".into()
        )
    );
    assert_eq!(
        (cell("user"), cell("via")),
        ("'=cmd|' /C calc'!A0".into(), "'-1".into())
    );
    assert_eq!(
        cell("description"),
        "バックアップ失敗：バックアップ番号 1、理由：a \"quoted\", long\r\nreason"
    );
    assert_eq!(serde_json::from_str::<Happening>(&cell("details")).unwrap(), entry.what);
    assert_eq!(
        (cell("previous"), cell("hash")),
        (entry.previous.clone(), entry.hash.clone())
    );
    for (what, ..) in all() {
        for language in [English, Japanese] {
            let text = what.describe(language, Tz::UTC);
            assert!(!text.starts_with(['=', '+', '-', '@']), "{text}");
        }
    }
}

#[test]
fn json_lines_are_entries_with_their_descriptions() {
    let entry = entry(Happening::DownloadStarted { backup: 1 });
    let line = json_line(&entry, English, Tz::UTC).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&value["description"], &value["what"]["kind"]),
        (&"Download of backup 1 started".into(), &"download_started".into())
    );
}

#[test]
fn the_language_is_that_of_the_system() {
    for (variables, expected) in [
        (&[][..], English),
        (&[("LANG", "ja_JP.UTF-8")], Japanese),
        (&[("LANG", "ja")], Japanese),
        (&[("LANG", "jam_JM")], English),
        (&[("LANG", "C")], English),
        (&[("LANG", "ja_JP"), ("LC_ALL", "en_US")], English),
        (&[("LANG", "en_US"), ("LC_MESSAGES", "ja_JP")], Japanese),
        (&[("LC_ALL", ""), ("LANG", "ja_JP@x")], Japanese),
    ] {
        let look = |name: &str| {
            variables
                .iter()
                .find(|(own, _)| *own == name)
                .map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(Language::of_system(look), expected, "{variables:?}");
    }
}

#[test]
fn an_entry_of_the_first_version_has_this_hash() {
    // Kept for ever: with another hash every history that there is would be called altered.
    let new = NewEntry {
        at: at("2026-11-23T17:15:00Z"),
        desk: Some("main".into()),
        user: "山田 太郎".into(),
        via: "schedule".into(),
        what: Happening::ScheduleStopped,
    };
    let what = serde_json::to_string(&new.what).unwrap();
    let mut link = super::Link {
        number: 1,
        at: new.at.micros(),
        desk: new.desk.as_deref(),
        user: &new.user,
        via: &new.via,
        what: &what,
    };
    let with = link.hash(super::Head::EMPTY.hash).to_string();
    link.desk = None;
    let without = link.hash(super::Head::EMPTY.hash).to_string();
    assert_eq!(
        (with.as_str(), without.as_str()),
        (
            "57d14c3e60e555cf498ced0d935d64feb636dbdfeac0b43fd351fccc86de97c6",
            "b65c84603c69a311c46f86472f04e86e8665d4a1f9acb7bdc3355b290ab8e3d9"
        )
    );
}
