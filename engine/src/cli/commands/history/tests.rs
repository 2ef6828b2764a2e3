use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressDrawTarget;
use plugin_api::{Kind, Timestamp};

use crate::cli::Shell;
use crate::cli::console::{Captured, Console};
use crate::cli::engine::Engine;
use crate::history::{Entry, Happening, Language, NewEntry};
use crate::key::Key;
use crate::store::{Store, StoreError};

const CONFIG: &str = r#"
[[desk]]
name = "main"
modules = ["tickets"]
[desk.connection]
kind = "http"
url = "http://localhost"
auth = "none"

[[desk]]
name = "other"
modules = ["tickets"]
[desk.connection]
kind = "http"
url = "http://localhost"
auth = "none"
"#;

struct Home {
    folder: tempfile::TempDir,
    language: Language,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("deskvault.toml"), CONFIG).unwrap();
        Self {
            folder,
            language: Language::English,
        }
    }

    /// With a history of five entries.
    fn with_history() -> Self {
        let home = Self::new();
        let happenings = [
            (
                "main",
                "山田 太郎",
                Happening::BackupStarted {
                    backup: 1,
                    backup_kind: Kind::Full,
                    range: None,
                },
            ),
            (
                "main",
                "schedule",
                Happening::Failed {
                    backup: 1,
                    reason: "red\u{1b}[31m".into(),
                },
            ),
            (
                "",
                "deskvault",
                Happening::ConfigurationChanged {
                    what: vec!["[limits]".into()],
                },
            ),
            ("other", "Ann", Happening::ScheduleStopped),
            ("main", "山田 太郎", Happening::Deleted { backup: 1 }),
        ];
        let store = home.store();
        for (hour, (desk, user, what)) in (0..).zip(happenings) {
            let new = NewEntry {
                at: Timestamp::from_micros((1_795_392_000 + hour * 3600) * 1_000_000),
                desk: (!desk.is_empty()).then(|| desk.to_owned()),
                user: user.into(),
                via: "schedule".into(),
                what,
            };
            store
                .write(|tx| tx.append(&new))
                .unwrap_or_else(|error: StoreError| panic!("{error}"));
        }
        home
    }

    fn archives(&self) -> std::path::PathBuf {
        self.folder.path().join("backups")
    }

    fn store(&self) -> Store {
        let key = Key::open(&self.archives()).unwrap();
        Store::open(&self.archives(), Arc::new(key)).unwrap()
    }

    fn vandal(&self, sql: &str) {
        let vandal = rusqlite::Connection::open(self.archives().join(crate::store::FILE)).unwrap();
        vandal.execute_batch(sql).unwrap();
    }

    /// Exit code, standard output, standard error.
    fn run(&self, line: &str) -> (u8, String, String) {
        let (out, err) = (Captured::default(), Captured::default());
        let shell = Shell {
            console: Console::to(out.clone(), err.clone(), ProgressDrawTarget::hidden()),
            working: self.folder.path().to_owned(),
            variable: None,
            has_variable: |_| false,
            token: None,
            read_line: || Ok(String::new()),
            asks: false,
            language: self.language,
            clock: Arc::new(|| Duration::ZERO),
            time: Arc::new(crate::clock::SystemClock),
            is_process: false,
        };
        let words = ["deskvault", "history"]
            .into_iter()
            .chain(line.split_whitespace())
            .map(Into::into);
        let exit = crate::cli::execute(words, &shell, &Engine).code();
        (exit, out.text(), err.text())
    }

    #[track_caller]
    fn shows(&self, line: &str) -> String {
        let (exit, out, err) = self.run(line);
        assert_eq!((exit, err.as_str()), (0, ""), "{line}: {out}");
        out
    }
}

fn is_empty(folder: &Path) -> bool {
    !folder.exists()
}

#[test]
fn prints_a_table_in_which_wide_letters_are_aligned() {
    let home = Home::with_history();
    assert_eq!(
        home.shows(""),
        "no.  time (UTC)           desk   user       via       what happened\n\
         1    2026-11-23 00:00:00  main   山田 太郎  schedule  Backup 1 started: full\n\
         2    2026-11-23 01:00:00  main   schedule   schedule  Backup 1 failed: red\\u{1b}[31m\n\
         3    2026-11-23 02:00:00  -      deskvault  schedule  Configuration changed: [limits]\n\
         4    2026-11-23 03:00:00  other  Ann        schedule  Schedule stopped\n\
         5    2026-11-23 04:00:00  main   山田 太郎  schedule  Archive of backup 1 deleted\n"
    );
    let japanese = "番号  日時 (Asia/Tokyo)    デスク  ユーザー   経路      内容\n\
                    5     2026-11-23 13:00:00  main    山田 太郎  schedule  バックアップ削除：バックアップ番号 1\n";
    assert_eq!(home.shows("--kind deleted --zone asia/tokyo --lang ja"), japanese);
    let of_japan = Home {
        language: Language::Japanese,
        ..home
    };
    assert_eq!(of_japan.shows("--kind deleted --zone Asia/Tokyo"), japanese);
}

#[test]
fn filters() {
    let home = Home::with_history();
    let numbers = |line: &str| -> Vec<u64> {
        let lines = home.shows(&format!("--json {line}"));
        lines
            .lines()
            .map(|line| serde_json::from_str::<Entry>(line).unwrap().number)
            .collect()
    };
    for (line, expected) in [
        ("", &[1, 2, 3, 4, 5][..]),
        ("--desk main", &[1, 2, 3, 5]),
        ("--desk other", &[3, 4]),
        ("--user Ann", &[4]),
        ("--kind failed --kind schedule-stopped", &[2, 4]),
        ("--from 2026-11-23T01:00:00Z --to 2026-11-23T03:00:00Z", &[2, 3]),
        ("--from 2026-11-23T03:00:00", &[4, 5]),
        ("--to 2026-11-22", &[]),
        ("--from 2026-11-23 --to 2026-11-23", &[1, 2, 3, 4, 5]),
        // There the 23rd began five hours later.
        ("--from 2026-11-23 --zone Etc/GMT+2", &[3, 4, 5]),
        ("--desk main --kind deleted --user Ann", &[]),
    ] {
        assert_eq!(numbers(line), expected, "{line}");
    }
    assert_eq!(home.shows("--user nobody"), "no entries\n");
    assert_eq!(home.shows("--json --user nobody"), "");
}

#[test]
fn what_is_typed_wrong_is_told() {
    let home = Home::with_history();
    for (line, says) in [
        (
            "--kind deletd",
            "there is no \"deletd\"; did you mean deleted?; there is backup_started, ",
        ),
        ("--zone Asia/Tokio", "--zone must be the IANA name"),
        ("--desk mian", "there is no desk `mian`"),
        ("--from yesterday", "--from is no time"),
        (
            "--from 2026-11-24 --to 2026-11-23",
            "--from 2026-11-24 must lie before --to 2026-11-23",
        ),
        ("verify --head 5", "a head is COUNT:HASH"),
        ("verify --head 5:xyz", "a head is COUNT:HASH"),
        ("--json --csv", "cannot be used with"),
        ("--lang fr", "invalid value"),
    ] {
        let (exit, out, err) = home.run(line);
        assert_eq!((exit, out.as_str()), (2, ""), "{line}: {err}");
        assert!(err.contains(says), "{line}: {err}");
    }
}

#[test]
fn csv_has_a_head_and_a_line_for_each() {
    let home = Home::with_history();
    let text = home.shows("--csv --lang ja");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().get(0), Some("number"));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[3].get(6), Some("スケジュール停止"));
    assert_eq!(home.shows("--csv --user nobody").lines().count(), 1);
}

#[test]
fn where_there_is_no_history_nothing_is_made() {
    let home = Home::new();
    for (line, expected) in [
        ("", "there is no history yet\n"),
        ("--json", ""),
        ("verify", "there is no history yet\n"),
    ] {
        assert_eq!(home.shows(line), expected, "{line}");
        assert!(is_empty(&home.archives()), "{line}");
    }
    let head = format!("3:{}", "ab".repeat(32));
    let (exit, out, _) = home.run(&format!("verify --head {head}"));
    assert!(exit == 4 && out.contains("there is no entry 3 any more"), "{out}");
    assert!(is_empty(&home.archives()));
}

#[test]
fn a_database_that_is_gone_is_not_taken_for_no_history() {
    let home = Home::with_history();
    std::fs::write(home.archives().join(".deskvault-main.lock"), "").unwrap();
    for entry in std::fs::read_dir(home.archives()).unwrap() {
        let file = entry.unwrap().path();
        if file.file_name().unwrap().to_str().unwrap().starts_with("deskvault.db") {
            std::fs::remove_file(file).unwrap();
        }
    }
    for line in ["", "verify", "reseal --yes"] {
        let (exit, out, err) = home.run(line);
        let said = format!("{line}: {exit} {out} {err}");
        assert!(exit == 1 && said.contains("deskvault.db is missing"), "{said}");
    }
}

#[test]
fn verifies() {
    let home = Home::with_history();
    let whole = home.shows("verify");
    let (first, head) = whole.trim_end().split_once("\nhead, to be noted elsewhere: ").unwrap();
    assert!(
        first == "the history is whole: 5 entries" && head.starts_with("5:"),
        "{whole}"
    );
    assert_eq!(home.shows(&format!("verify --head {head}")), whole);
    let json: serde_json::Value = serde_json::from_str(&home.shows("verify --json")).unwrap();
    assert_eq!(
        (&json["head"], &json["findings"]),
        (&head.into(), &serde_json::json!([]))
    );

    home.vandal("UPDATE history SET person = 'Bob' WHERE number = 2; DELETE FROM history WHERE number = 4");
    let (exit, out, err) = home.run("verify");
    assert_eq!((exit, err.as_str()), (4, ""));
    assert_eq!(
        out,
        "ALTERED: entry 2 was altered, or stands in another's place: its hash is not that of what it says\n\
         ALTERED: entry 4 is missing\n\
         the history is NOT whole (2 findings); 4 entries are there\n"
    );
    let (exit, out, _) = home.run("verify --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, json["findings"].as_array().unwrap().len()), (4, 2));
    // It is still shown as it is there.
    assert_eq!(home.shows("--json").lines().count(), 4);
}

#[test]
fn a_long_history_comes_whole() {
    let home = Home::new();
    let store = home.store();
    store
        .write(|tx| {
            for backup in 0..2000 {
                tx.append(&NewEntry {
                    at: Timestamp::from_micros(1_795_392_000_000_000),
                    desk: Some("main".into()),
                    user: "山田 太郎".into(),
                    via: "schedule".into(),
                    what: Happening::Deleted { backup },
                })?;
            }
            Ok(())
        })
        .unwrap_or_else(|error: StoreError| panic!("{error}"));
    let table = home.shows("");
    assert!(table.len() > 2 * super::BUFFER);
    assert_eq!(table.lines().count(), 2001);
    assert!(table.ends_with("Archive of backup 1999 deleted\n"));
    let last: Entry = serde_json::from_str(home.shows("--json").lines().last().unwrap()).unwrap();
    assert_eq!(last.number, 2000);
}

#[test]
fn seals_anew_after_the_key_was_lost() {
    let home = Home::with_history();
    assert_eq!(home.shows("reseal --yes"), "the seal is in order: nothing was done\n");
    fs::remove_file(home.archives().join(crate::key::FILE)).unwrap();
    let (exit, _, err) = home.run("verify");
    assert!(exit == 1 && err.contains("deskvault history reseal"), "{err}");
    let (exit, _, err) = home.run("reseal");
    assert!(exit == 2 && err.contains("--yes"), "{err}");
    assert!(
        !home.archives().join(crate::key::FILE).exists(),
        "nothing is done before it is confirmed"
    );
    let text = home.shows("reseal --yes");
    assert!(
        text.starts_with("sealed anew with entry 6: History sealed anew, as it had a seal that does not fit"),
        "{text}"
    );
    let (exit, out, _) = home.run("verify");
    assert!(
        exit == 4 && out.starts_with("ALTERED: entry 6 sealed the history anew"),
        "{out}"
    );
    assert_eq!(home.shows("--kind resealed --json").lines().count(), 1);
    assert_eq!(Home::new().shows("reseal --yes"), "there is no history yet\n");
}
