//! `deskvault backup`: what it asks for, what it refuses, and how it ends.

use super::{Script, TWO_DESKS, cancelled, complete, failed, given, incomplete, misconfigured, suspended};
use crate::cli::summary;
use crate::progress::Summary;

#[test]
fn what_a_backup_asks_for() {
    for (line, asked) in [
        (
            "--desk main",
            r#"main ["tickets", "contacts", "accounts"] Full all HOME/backups 0"#,
        ),
        (
            "--desk main -m accounts -m tickets",
            r#"main ["tickets", "accounts"] Full all HOME/backups 0"#,
        ),
        (
            "--desk other -o out --plugins p --plugins q",
            r#"other ["tickets"] Full all HOME/out 2"#,
        ),
        (
            "--desk other --from 2024-06-01 --to 2024-06-30",
            r#"other ["tickets"] Custom 2024-06-01T00:00:00Z..2024-07-01T00:00:00Z HOME/backups 0"#,
        ),
    ] {
        let given = given(&format!("backup {line}"), Some(TWO_DESKS), &Script::default());
        assert_eq!(given.asked, asked, "{line}\n{}", given.err);
    }
}

#[test]
fn what_a_backup_refuses() {
    for (line, config, expected) in [
        (
            "",
            Some(TWO_DESKS),
            "error: the configuration has several desks: choose one with --desk: `main` or `other`\n",
        ),
        (
            "--desk mian",
            Some(TWO_DESKS),
            "error: there is no desk `mian` in the configuration; did you mean `main`?\n",
        ),
        (
            "--desk x",
            Some(TWO_DESKS),
            "error: there is no desk `x` in the configuration; there is `main` or `other`\n",
        ),
        (
            "--desk main -m tikets -m x",
            Some(TWO_DESKS),
            "error: desk `main` has no module `tikets`; did you mean `tickets`?\n\
             desk `main` has no module `x`; it has `tickets`, `contacts`, `accounts`\n",
        ),
        (
            "--from 2024-06-01",
            Some(TWO_DESKS),
            "error: --from and --to go together: --to is missing\n",
        ),
        (
            "",
            None,
            "error: no configuration file: there is no HOME/deskvault.toml or HOME/config/deskvault.toml; \
             name one with --config or DESKVAULT_CONFIG\n",
        ),
        (
            "",
            Some("[lgo]\n"),
            "error: 2 errors in the configuration\n\
             deskvault.toml:1:1: [[desk]] is missing in the file\n\
             deskvault.toml:1:2: unknown section [lgo]; did you mean [log]?\n",
        ),
        (
            "--config x.toml",
            Some(TWO_DESKS),
            "error: cannot read the configuration file HOME/x.toml: No such file or directory (os error 2)\n",
        ),
    ] {
        let given = given(&format!("backup {line}"), config, &Script::default());
        assert_eq!(
            (given.exit, given.err.as_str(), given.out.as_str(), given.asked.as_str()),
            (2, expected, "", ""),
            "{line}"
        );
    }
    let given = given("backup --dsek main", Some(TWO_DESKS), &Script::default());
    assert_eq!(given.exit, 2);
    assert!(given.err.contains("--desk"), "{}", given.err);
}

#[test]
fn how_a_backup_ends() {
    let table = summary::render(&summary::sample());
    let last = table.rfind("archive (").unwrap();
    let table = format!(
        "{}backup 1: its archive expires on 2024-07-09 04:00:00 UTC\n{}",
        &table[..last],
        &table[last..]
    );
    for (backup, exit, out, err) in [
        (complete as fn() -> _, 0, table.replace("INCOMPLETE", "complete"), ""),
        (incomplete, 3, table, ""),
        (
            cancelled,
            130,
            String::new(),
            "error: stopped; backup 1 keeps 0 rows; `deskvault backup --resume 1` goes on with it\n",
        ),
        (
            suspended,
            6,
            String::new(),
            "error: backup 1 is suspended: no room is left\nbackup 1 keeps 0 rows; `deskvault backup --resume 1` goes on with \
             it\n",
        ),
        (
            misconfigured,
            2,
            String::new(),
            "error: the connection can't be opened: no certificate\n",
        ),
        (
            failed,
            1,
            String::new(),
            "error: cannot write part 3 of Tickets: no space\\u{1b}[2J left\n",
        ),
    ] {
        let script = Script {
            backup: Some(backup),
            ..Script::default()
        };
        let given = given("backup --desk main", Some(TWO_DESKS), &script);
        assert_eq!(
            (given.exit, given.out, given.err),
            (exit, out, format!("tickets: started\n{err}"))
        );
    }
}

#[test]
fn how_a_backup_ends_for_machines() {
    for (backup, exit, event) in [
        (complete as fn() -> _, 0, "end"),
        (incomplete, 3, "end"),
        (cancelled, 130, "failed"),
        (misconfigured, 2, "failed"),
        (failed, 1, "failed"),
    ] {
        let script = Script {
            backup: Some(backup),
            ..Script::default()
        };
        let given = given("backup --desk main --json", Some(TWO_DESKS), &script);
        let lines: Vec<serde_json::Value> = given
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{}", given.out);
        assert_eq!(lines[0]["event"], "module_started");
        assert_eq!(
            (given.exit, &lines[1]["event"], &lines[1]["exit"]),
            (exit, &event.into(), &exit.into())
        );
        if let Ok(summary) = backup() {
            let read: Summary = serde_json::from_value(lines[1].clone()).unwrap();
            assert_eq!(read, summary);
        }
    }
    let quiet = given("backup --desk main --json -q", Some(TWO_DESKS), &Script::default());
    assert_eq!(
        (quiet.out.lines().count(), quiet.err.as_str()),
        (1, ""),
        "{}",
        quiet.out
    );
    assert!(quiet.out.starts_with(r#"{"event":"end","#), "{}", quiet.out);
    let given = given("backup --desk x --json", Some(TWO_DESKS), &Script::default());
    assert_eq!(given.exit, 2);
    assert!(
        given
            .out
            .starts_with(r#"{"event":"failed","exit":2,"message":"there is no desk"#),
        "{}",
        given.out
    );
}
