//! What is told of two configurations that differ.

use std::path::Path;

use crate::config::{Config, Sealed, differences};

const OLD: &str = r#"
[[desk]]
name = "main"
modules = ["tickets"]
primary_contact = "Ann"
[desk.connection]
kind = "http"
url = "https://desk.example.com"
auth = "bearer"
token = "hunter2"
[desk.schedule]
every = "weekly"
on = "fri"
at = "02:00"
until = "2027-03-31"
[[person]]
name = "Ann"
[[webhook]]
url = "https://hooks.example.com/hunter2"
"#;

fn parse(text: &str) -> Config {
    match Config::parse("f", text.as_bytes(), Path::new("/etc")) {
        Ok(config) => config,
        Err(problems) => panic!("{problems}\n--- in\n{text}"),
    }
}

fn check(new: &str, expected: &[&str]) {
    let (old, new) = (parse(OLD), parse(new));
    assert_eq!(differences(&old, &new), expected);
    // Either may be the older one.
    assert_eq!(differences(&new, &old), expected);
    let sign = |bytes: &[u8]| {
        use sha2::Digest as _;
        sha2::Sha256::digest([b"key", bytes].concat()).into()
    };
    let (old, new) = (old.sealed(&sign), new.sealed(&sign));
    assert_eq!(old.differences(&new), expected);
}

#[test]
fn the_same_said_otherwise_is_no_difference() {
    check(OLD, &[]);
    check(
        &format!("# A note.\n{OLD}[log]\nlevel = 'info'\n[limits]\nfull_every = '720h'\n[limits.editions]\n"),
        &[],
    );
    check(&OLD.replace("\"02:00\"", "'02:00' # at night"), &[]);
    check(&OLD.replace("\"2027-03-31\"", "2027-03-31\nzone = 'UTC'"), &[]);
    check(
        &format!("{OLD}topics = ['ready', 'failed', 'limit_reached', 'suspended', 'schedule_ended']\n"),
        &[],
    );
}

#[test]
fn keys_and_sections_are_named() {
    for (from, to, expected) in [
        ("\"02:00\"", "\"03:00\"", &["desk main: schedule.at"][..]),
        ("hunter2\"\n[desk", "hunter3\"\n[desk", &["desk main: connection.token"]),
        ("com/hunter2", "com/hunter3", &["webhook 1: url"]),
        (
            "name = \"Ann\"",
            "name = \"Ann\"\nemail = \"ann@example.com\"",
            &["person Ann: email"],
        ),
        (
            "Ann",
            "Ben",
            &["desk main: primary_contact", "person Ann", "person Ben"],
        ),
        ("\"main\"", "\"other\"", &["desk main", "desk other"]),
        (
            "token = \"hunter2\"",
            "token_env = \"T\"",
            &["desk main: connection.token", "desk main: connection.token_env"],
        ),
        (
            "[[webhook]]\nurl = \"https://hooks.example.com/hunter2\"\n",
            "",
            &["webhook 1"],
        ),
        (
            "[[webhook]]",
            "[limits]\nrecords = 5\n[limits.editions]\nfree = []\n[[webhook]]",
            &["limits.records", "limits.editions.free"],
        ),
        (
            "[[webhook]]",
            "[mail]\nhost = 'localhost'\nfrom = 'a@example.com'\nto = ['b@example.com', 'c@example.com']\n[[webhook]]",
            &["mail"],
        ),
    ] {
        let new = OLD.replace(from, to);
        assert_ne!(new, OLD, "{from}");
        check(&new, expected);
    }
    let (schedule, rest) = (OLD.find("[desk.schedule]").unwrap(), OLD.find("[[person]]").unwrap());
    check(
        &format!("{}{}", &OLD[..schedule], &OLD[rest..]),
        &["desk main: schedule"],
    );
}

/// What is kept of a configuration is kept in a store: it must be readable later, and tell nothing.
#[test]
fn what_is_sealed_can_be_kept() {
    let sealed = parse(OLD).sealed(&|bytes| [bytes.len() as u8; 32]);
    let text = serde_json::to_string(&sealed).unwrap();
    assert!(
        !text.contains("hunter2") && text.contains("desk main: connection."),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Sealed>(&text).unwrap(), sealed);
    // A key and a section that this version does not know.
    let older = text
        .replacen("\"at\"", "\"hour\"", 1)
        .replace("\"webhook 1: \"", "\"hook 1: \"");
    let older: Sealed = serde_json::from_str(&older).unwrap();
    let told = [
        "desk main: schedule.at",
        "desk main: schedule.hour",
        "hook 1",
        "webhook 1",
    ];
    assert_eq!(older.differences(&sealed), told);
}
