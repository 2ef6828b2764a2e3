//! `deskvault backup`, `list`, `download`, `delete` and `link`, one after the other in one home, with backups from a script.

use std::fs;
use std::sync::Arc;

use super::{Captured, Fixed, Given, Script, given_in, summary};
use crate::archive::Digest;
use crate::cli::Shell;
use crate::progress::Summary;
use crate::service::RunError;

const DESK: &str = "[[person]]\nname = 'Aiko'\n\n[[desk]]\nname = 'main'\nmodules = ['tickets']\nprimary_contact = 'Aiko'\n\
                    [desk.connection]\nkind = 'sample'\n";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("deskvault.toml"), DESK).unwrap();
        Self(home)
    }

    fn run(&self, line: &str) -> Given {
        self.with(line, &Script::default(), |_| {})
    }

    fn with(&self, line: &str, script: &Script, change: impl FnOnce(&mut Shell)) -> Given {
        let out = Captured::default();
        let given = given_in(self.0.path(), out.clone(), line, script, change);
        let out = out.text().replace(&given.home, "HOME");
        Given { out, ..given }
    }

    /// One whose first backup was stopped.
    fn with_a_suspended_backup() -> Self {
        let home = Self::new();
        let stops = Script {
            backup: Some(|| Err(RunError::Cancelled)),
            ..Script::default()
        };
        assert_eq!(home.with("backup", &stops, |_| {}).exit, 130);
        home
    }

    /// Gives the last backup the archive that the script only names.
    fn put_archive(&self) {
        let place = self.0.path().join("main.zip");
        fs::write(&place, b"an archive").unwrap();
        let script = Script {
            backup: Some(|| Ok(published())),
            ..Script::default()
        };
        let given = self.with("backup --from 2024-06-01 --to 2024-06-30", &script, |_| {});
        assert_eq!(given.exit, 0, "{}", given.err);
    }
}

/// As if it had been published in the working folder of the test.
fn published() -> Summary {
    let digest = tempfile::NamedTempFile::new().unwrap();
    fs::write(digest.path(), b"an archive").unwrap();
    Summary {
        complete: true,
        sha256: Digest::of_file(digest.path()).unwrap().to_string(),
        ..summary::sample()
    }
}

#[test]
fn a_list_of_backups() {
    let home = Home::new();
    assert_eq!(home.run("list").out, "no backups\n");
    assert_eq!(home.run("list --json").out, "");
    home.put_archive();
    let fails = Script {
        backup: Some(|| Err(RunError::Failed { message: "no".into() })),
        ..Script::default()
    };
    assert_eq!(home.with("backup", &fails, |_| {}).exit, 1);
    assert_eq!(
        home.run("list").out,
        "id  desk  kind    range                     state       records      size                  created    expires\n\
         1   main  custom  2024-06-01 to 2024-06-30  complete  1,234,767  12.3 MiB  2024-07-02 04:00:00 UTC  in 7 days\n"
    );
    let all = home.run("list --all --desk main").out;
    let (_, second) = all.split_once('\n').unwrap();
    let second: Vec<&str> = second.split_whitespace().take(8).collect();
    assert_eq!(second.join(" "), "2 main full all FAILED - - 2024-07-02", "{all}");
    let json = home.run("list --json").out;
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&read["id"], &read["state"], &read["archive"]["records"]),
        (&1.into(), &"complete".into(), &1_234_767.into())
    );
    let later = |shell: &mut Shell| shell.time = Arc::new(Fixed("2024-07-09T03:59:30Z"));
    let list = home.with("list", &Script::default(), later).out;
    assert!(list.contains("in less than a minute"), "{list}");
    let unknown = home.run("list --desk mian");
    assert_eq!((unknown.exit, unknown.out.as_str()), (2, ""), "{}", unknown.err);
}

#[test]
fn a_list_says_how_far_a_suspended_backup_is_and_how_to_go_on() {
    let home = Home::with_a_suspended_backup();
    let list = home.run("list").out;
    assert!(list.contains("backup 1 is suspended since "), "{list}");
    let way = "`deskvault backup --resume 1` goes on with it\n";
    assert!(list.ends_with(way), "{list}");
    let json = home.run("list --json").out;
    assert!(json.contains(r#""rows_kept":0"#), "{json}");
    assert_eq!(home.run("delete 1 --yes").out, "backup 1 is given up\n");
    assert_eq!(home.run("list").out, "no backups\n");
    let again = home.run("delete 1 --yes");
    assert_eq!(again.exit, 2, "{}", again.err);
}

#[test]
fn a_list_says_what_is_foreseen_of_a_backup_that_runs() {
    let home = Home::with_a_suspended_backup();
    // As it is while another process runs it.
    let folder = home.0.path().join("backups");
    let database = rusqlite::Connection::open(folder.join("deskvault.db")).unwrap();
    let foreseen = r#"{"at":"2024-07-02T04:00:00Z","requests":12300,"credits":41000,"spent":1,"days":3,"done":null,"is_whole":true,"modules":[]}"#;
    database
        .execute(
            "UPDATE backups SET state = 'running', suspended = NULL, reason = NULL",
            [],
        )
        .unwrap();
    let lock = fs::File::open(folder.join(".deskvault-main.lock")).unwrap();
    lock.lock().unwrap();
    assert!(home.run("list").out.ends_with("\nbackup 1 runs\n"));
    database
        .execute(
            "INSERT INTO facts (name, content) VALUES ('forecast-1', $1)",
            [foreseen],
        )
        .unwrap();
    let list = home.run("list").out;
    let said = "backup 1 runs: about 12,300 requests and 41,000 credits more; that takes 3 days of credits\n";
    assert!(list.ends_with(said), "{list}");
    assert!(home.run("list --json").out.contains(r#""requests":12300"#));
    for (until, waits) in [("2024-07-02T22:01:00Z", true), ("2024-07-01T22:01:00Z", false)] {
        let waiting = foreseen.replace(r#""done""#, &format!(r#""waits_until":"{until}","done""#));
        database
            .execute("UPDATE facts SET content = $1 WHERE name = 'forecast-1'", [waiting])
            .unwrap();
        let list = home.run("list").out;
        assert_eq!(
            list.contains("backup 1 runs: waits for credits until "),
            waits,
            "{list}"
        );
    }
    // Whoever ran it is gone.
    drop(lock);
    assert!(home.run("list").out.contains("backup 1 is interrupted"));
}

#[test]
fn a_rule_refuses_with_its_own_exit_code() {
    let home = Home::new();
    assert_eq!(home.run("backup").exit, 3);
    let second = home.run("backup");
    assert_eq!((second.exit, second.out.as_str()), (5, ""));
    assert!(
        second.err.starts_with("error: refused: ")
            && second.err.contains("2024-08-01")
            && second.err.contains("--from"),
        "{}",
        second.err
    );
    let json = home.run("backup --json").out;
    assert!(
        json.starts_with(r#"{"event":"failed","exit":5,"message":"refused: "#),
        "{json}"
    );
    let long = home.run("backup --from 2024-01-01 --to 2024-03-15");
    assert!(
        long.exit == 5 && long.err.contains("--split") && long.err.contains('3'),
        "{}",
        long.err
    );
}

#[test]
fn a_split_runs_part_after_part() {
    let home = Home::new();
    let script = Script::default();
    let given = home.with("backup --from 2024-01-01 --to 2024-03-15 --split -q", &script, |_| {});
    assert_eq!(
        (given.exit, given.err.as_str()),
        (3, ""),
        "each is incomplete, as the script says"
    );
    let asked: Vec<&str> = given
        .asked
        .lines()
        .map(|line| line.split(' ').nth(3).unwrap())
        .collect();
    assert_eq!(
        asked,
        [
            "2024-01-01T00:00:00Z..2024-01-26T00:00:00Z",
            "2024-01-26T00:00:00Z..2024-02-20T00:00:00Z",
            "2024-02-20T00:00:00Z..2024-03-16T00:00:00Z",
        ]
    );
    assert_eq!(home.run("list").out.lines().count(), 4);
    let short = Script::default();
    home.with("backup --from 2024-01-01 --to 2024-01-31 --split", &short, |_| {});
    assert_eq!(short.asked.lock().unwrap().len(), 1, "one part is enough");
}

#[test]
fn a_split_stops_at_the_first_part_that_fails_and_says_how_to_go_on() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let home = Home::new();
    let script = Script {
        backup: Some(|| match RUNS.fetch_add(1, Ordering::Relaxed) {
            1 => Err(RunError::Failed {
                message: "the desk is away".into(),
            }),
            _ => Ok(summary::sample()),
        }),
        ..Script::default()
    };
    let given = home.with("backup --from 2024-01-01 --to 2024-03-15 --split", &script, |_| {});
    assert_eq!((given.exit, given.asked.lines().count()), (1, 2));
    for words in [
        "part 1 of 3: from 2024-01-01T00:00:00Z until before 2024-01-26T00:00:00Z\n",
        "part 2 of 3 was not made: what is before it, from 2024-01-01T00:00:00Z, is done; \
         not done is all from 2024-01-26T00:00:00Z until before 2024-03-16T00:00:00Z: \
         go on with --from 2024-01-26T00:00:00Z --to 2024-03-16T00:00:00Z --split\n",
        "error: the desk is away\n",
    ] {
        assert!(given.err.contains(words), "{words}\n{}", given.err);
    }
    // What it says can be done.
    let again = Script::default();
    home.with(
        "backup --from 2024-01-26T00:00:00Z --to 2024-03-16T00:00:00Z --split",
        &again,
        |_| {},
    );
    let again = again.asked.lock().unwrap().join("\n");
    assert!(again.contains("2024-02-20T00:00:00Z..2024-03-16T00:00:00Z"), "{again}");
}

#[test]
fn an_archive_that_is_gone_is_said_to_be() {
    let home = Home::new();
    home.put_archive();
    let download = home.run("download 1");
    assert_eq!(download.exit, 1);
    assert!(
        download.err.contains("is gone: somebody or something else removed"),
        "{}",
        download.err
    );
    for (line, exit, words) in [
        ("download 7", 2, "there is no backup 7"),
        ("download nonsense", 2, "no link"),
        ("download 1 --to absent/", 2, "there is no folder HOME/absent/"),
        ("delete 7 --yes", 2, "there is no backup 7"),
        ("link 7", 2, "there is no backup 7"),
    ] {
        let given = home.run(line);
        assert!(
            given.exit == exit && given.err.contains(words),
            "{line}: {} {}",
            given.exit,
            given.err
        );
    }
}

#[test]
fn deleting_is_confirmed() {
    let home = Home::new();
    home.put_archive();
    let said = |line: fn() -> std::io::Result<String>| move |shell: &mut Shell| shell.read_line = line;
    let nobody = home.with("delete 1", &Script::default(), |shell| shell.asks = false);
    assert!(nobody.exit == 2 && nobody.err.contains("--yes"), "{}", nobody.err);
    let no = home.with("delete 1", &Script::default(), said(|| Ok("\n".into())));
    assert!(no.exit == 1 && no.err.contains("nothing was done"), "{}", no.err);
    let question = "The archive of backup 1 (main, custom, started 2024-07-02 04:00:00 UTC) will be gone for good. Delete it? [y/N]\n";
    assert!(no.err.starts_with(question), "{}", no.err);
    assert_eq!(home.run("list").out.lines().count(), 2);
    let yes = home.with("delete 1", &Script::default(), said(|| Ok(" Yes\r\n".into())));
    assert_eq!(
        (yes.exit, yes.out.as_str()),
        (0, "the archive of backup 1 was gone already; that is noted\n")
    );
    let again = home.run("delete 1 --yes");
    assert!(
        again.exit == 2 && again.err.contains("was found to be gone"),
        "{}",
        again.err
    );
}

#[test]
fn a_link_is_printed_alone() {
    let home = Home::new();
    home.put_archive();
    let given = home.run("link 1 --for 2d");
    assert_eq!(given.exit, 0);
    assert!(
        given.out.starts_with("deskvault:/archives/1?expires=") && given.out.lines().count() == 1,
        "{}",
        given.out
    );
    assert!(
        given.err.ends_with("it dies in 2 days, on 2024-07-04 04:00:00 UTC\n"),
        "{}",
        given.err
    );
    let opened = home.run(&format!("download {}", given.out.trim()));
    assert!(
        opened.exit == 1 && opened.err.contains("the archive of backup 1 is gone"),
        "{}",
        opened.err
    );
}

#[test]
fn a_token_stands_for_its_person() {
    let home = Home::new();
    let wrong = home.with("list", &Script::default(), |shell| shell.token = Some(String::new()));
    assert!(
        wrong.exit == 2 && wrong.err.contains("DESKVAULT_TOKEN opens nothing: this is no token"),
        "{}",
        wrong.err
    );
    assert_eq!(wrong.err.matches("this is no token").count(), 1, "{}", wrong.err);
}
