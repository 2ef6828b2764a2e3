//! What is wrong with people, schedules, limits and notifications, and what they come to.

use std::path::Path;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, Weekday};
use plugin_api::Kind;

use super::errors::check;
use crate::config::Config;
use crate::connection::settings::SecretSource;
use crate::notify::{Security, Topic};
use crate::schedule::{Declared, Every};

/// A desk; what is tested stands from line 4 of the file on, before its connection.
fn desk(text: &str) -> String {
    format!("[[desk]]\nname = 'main'\nmodules = ['m']\n{text}\n[desk.connection]\nkind = 'sample'\n")
}

/// What follows a desk, from line 6 of the file on.
fn after(text: &str) -> String {
    format!("[[desk]]\nname = 'main'\nmodules = ['m']\n[desk.connection]\nkind = 'sample'\n{text}\n")
}

fn parse(text: &str) -> Config {
    match Config::parse("f", text.as_bytes(), Path::new("/etc")) {
        Ok(config) => config,
        Err(problems) => panic!("{problems}\n--- in\n{text}"),
    }
}

#[test]
fn people_and_their_roles() {
    let people = "\n[[person]]\nname = 'Ann Archer'\n[[person]]\nname = 'Ben Baker'\n";
    let told = |keys: &str, expected: &[&str]| check(&format!("{}{people}", desk(keys)), expected);
    told("primary_contact = 'Ann Archer'\nviewers = ['Ben Baker']", &["sound"]);
    told(
        "primary_contact = 'Ann Acher'\nviewers = ['Ben Baker', 'Cid']",
        &[
            "f:4:1: `primary_contact` is \"Ann Acher\", and there is no such [[person]]; did you mean \"Ann Archer\"?",
            "f:5:25: a viewer is \"Cid\", and there is no such [[person]]",
        ],
    );
    told(
        "viewers = ['Ben Baker', 'Ben Baker']",
        &[
            "f:1:1: `primary_contact` is missing in [[desk]]: where there are people, each desk has one; for example: \
             primary_contact = \"Ann Archer\"",
            "f:4:25: \"Ben Baker\" stands twice in this list",
        ],
    );
    told(
        "primary_contact = 'Ann Archer'\nviewers = ['Ann Archer']",
        &["f:5:12: \"Ann Archer\" is the primary contact of this desk, who sees everything: no viewer besides"],
    );
    told(
        "primary_contact = 1",
        &["f:4:19: `primary_contact` must be text in quotes, not a number"],
    );
    check(
        &desk("primary_contact = 'Ann'"),
        &["f:4:1: `primary_contact` is \"Ann\", and there is no such [[person]]"],
    );
    // The desk names somebody whose name cannot be read: one mistake, one message.
    check(
        &format!("{}[[person]]\nname = ' Ann'\n", desk("primary_contact = 'Ann'")),
        &[
            "f:8:8: `name` must be a name: at most 100 characters, none of them a control character, without blanks around it",
        ],
    );
    check(
        &format!(
            "{}[[person]]\nname = 'ann archer'\n",
            &format!("{}{people}", desk("primary_contact = 'Ann Archer'"))
        ),
        &["f:13:1: another person is called \"ann archer\" too"],
    );
    let config = parse(&format!(
        "{people}email = 'ben@example.com'\n{}",
        desk("primary_contact = 'Ann Archer'\nviewers = ['Ben Baker']")
    ));
    let desk = &config.desks[0];
    assert_eq!(
        (desk.primary_contact.as_deref(), desk.viewers.as_slice()),
        (Some("Ann Archer"), &["Ben Baker".to_owned()][..])
    );
    let emails: Vec<_> = config.people.iter().map(|person| person.email.as_deref()).collect();
    assert_eq!(emails, [None, Some("ben@example.com")]);
}

#[test]
fn addresses_of_people() {
    for wrong in [
        "ann",
        "ann@",
        "Ann <ann@example.com>",
        "ann@example.com, ben@example.com",
        "a\\nb@example.com",
        "",
    ] {
        check(
            &desk(&format!("support_contact = \"{wrong}\"")),
            &["f:4:19: `support_contact` must be an e-mail address alone, such as \"ann@example.com\""],
        );
    }
    assert_eq!(
        parse(&desk("support_contact = 'help@example.com'")).desks[0]
            .support_contact
            .as_deref(),
        Some("help@example.com")
    );
}

/// Only what `deskvault user hash` makes passes; whatever else stands there may be the password, and is not shown.
#[test]
fn hashes_of_passwords() {
    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$yvoBlFZwBwW5QF5APFC6MtCCqPE5qx4Z5/2C2XUOrYU";
    let person = |hash: &str| {
        format!(
            "{}[[person]]\nname = 'Ann'\npassword_hash = {hash}\n",
            desk("primary_contact = 'Ann'")
        )
    };
    assert_eq!(
        parse(&person(&format!("'{HASH}'"))).people[0].password_hash.as_deref(),
        Some(HASH)
    );
    let half = HASH.rsplit_once('$').unwrap().0;
    for wrong in [
        "hunter2",
        "",
        "$2b$12$abcdefghijklmnopqrstuv",
        &HASH.replace("argon2id", "argon2i"),
        &HASH.replace("m=19456", "m=8"),
        &HASH.replace("v=19", "v=7"),
        half,
        &format!("{HASH}hunter2 "),
    ] {
        let problem = match Config::parse("f", person(&format!("'{wrong}'")).as_bytes(), Path::new("/")) {
            Ok(_) => panic!("{wrong} is taken"),
            Err(problems) => problems.to_string(),
        };
        assert!(problem.starts_with("f:9:17: `password_hash` must "), "{problem}");
        assert!(wrong.is_empty() || !problem.contains(wrong), "{problem}");
    }
    check(
        &person("['hunter2']"),
        &["f:9:17: `password_hash` must be text in quotes, not a list"],
    );
}

#[test]
fn schedules() {
    let told = |keys: &str, expected: &[&str]| check(&after(&format!("[desk.schedule]\n{keys}")), expected);
    let sound = "every = 'weekly'\non = 'fri'\nat = '02:00'\nuntil = '2027-03-31'\n";
    let with = |from: &str, to: &str| {
        assert!(sound.contains(from));
        sound.replace(from, to)
    };
    let declared = |keys: &str| {
        parse(&after(&format!("[desk.schedule]\n{keys}"))).desks[0]
            .schedule
            .clone()
    };
    let friday = Declared {
        every: Every::Week(Weekday::Fri),
        at: NaiveTime::from_hms_opt(2, 0, 0).unwrap(),
        zone: chrono_tz::UTC,
        from: None,
        until: NaiveDate::from_ymd_opt(2027, 3, 31).unwrap(),
        make_up: true,
    };
    assert_eq!(declared(sound), Some(friday.clone()));
    assert_eq!(declared(&with("'2027-03-31'", "2027-03-31")), Some(friday.clone()));
    assert_eq!(
        declared(&format!(
            "{sound}zone = 'Asia/Tokyo'\nfrom = '2026-10-01'\nmake_up = false\n"
        )),
        Some(Declared {
            zone: chrono_tz::Asia::Tokyo,
            from: NaiveDate::from_ymd_opt(2026, 10, 1),
            make_up: false,
            ..friday
        })
    );
    told(
        "",
        &[
            "f:6:1: `at` is missing in [desk.schedule]; for example: at = \"02:00\"",
            "f:6:1: `every` is missing in [desk.schedule]; for example: every = \"weekly\"",
            "f:6:1: `on` is missing in [desk.schedule]; for example: on = \"fri\"",
            "f:6:1: `until` is missing in [desk.schedule]; for example: until = \"2027-03-31\"",
        ],
    );
    told(
        &with("weekly", "wekly"),
        &[
            "f:7:9: `every` must be \"weekly\", \"fortnightly\", \"monthly\" or \"quarterly\", not \"wekly\"; did you mean \"weekly\"?",
        ],
    );
    for on in ["31", "last fri", "never"] {
        let problem = format!("f:8:1: `on` must be a weekday such as \"fri\" where it runs weekly, not \"{on}\"");
        told(&with("'fri'", &format!("'{on}'")), &[&problem]);
    }
    told(&with("'fri'", "''"), &["f:8:6: `on` must name a day, such as \"fri\""]);
    told(
        &with("'fri'", "31"),
        &["f:8:6: `on` must be text in quotes, not a number"],
    );
    told(
        &with("'02:00'", "'25:00'"),
        &["f:9:6: `at` must be a time of day such as \"02:00\", not \"25:00\""],
    );
    told(
        &with("'2027-03-31'", "'2027-02-29'"),
        &["f:10:9: `until` must be a date such as \"2027-03-31\", not \"2027-02-29\""],
    );
    told(
        &with("'2027-03-31'", "2027-03-31T02:00:00Z"),
        &["f:10:9: `until` must be a date such as \"2027-03-31\", not \"2027-03-31T02:00:00Z\""],
    );
    told(
        &format!("{sound}zone = 'Asia/Tokio'\n"),
        &[
            "f:11:8: `zone` must be the IANA name of a time zone such as \"Asia/Tokyo\" or \"UTC\", not \"Asia/Tokio\"; did you mean \"Asia/Tokyo\"?",
        ],
    );
    told(
        &format!("{sound}from = '2027-04-01'\n"),
        &["f:10:1: `until` must not be before the first day, 2027-04-01"],
    );
    // Thursday to Thursday: no Friday.
    let none = format!("{}from = '2027-03-27'\n", with("2027-03-31", "2027-04-01"));
    let problem = match Config::parse(
        "f",
        after(&format!("[desk.schedule]\n{none}")).as_bytes(),
        Path::new("/"),
    ) {
        Ok(_) => panic!("a schedule without a run is taken"),
        Err(problems) => problems.to_string(),
    };
    assert!(problem.starts_with("f:10:1: `until` must "), "{problem}");
}

#[test]
fn limits_and_keeping() {
    let config = parse(&after(
        "[limits]\nfull_every = '0s'\ncustom_range = '36500d'\nrecords = 5\n[limits.editions]\nfree = []\n\
         express = ['custom', 'incremental']\n[archive]\nexpire_after = '36500d'\nlink_url = 'https://b.example/x'\n\
         [daemon]\ngrace = '2m'\n",
    ));
    assert_eq!((config.limits.full_every, config.limits.records), (Duration::ZERO, 5));
    assert_eq!(config.limits.custom_range, config.expire_after);
    assert_eq!(config.expire_after, Duration::from_hours(36_500 * 24));
    let editions: Vec<_> = config.limits.editions.0.into_iter().collect();
    let express = vec![Kind::Custom, Kind::Incremental];
    assert_eq!(editions, [("express".to_owned(), express), ("free".to_owned(), vec![])]);
    assert_eq!(config.link_url.as_deref(), Some("https://b.example/x"));
    assert_eq!(config.daemon.grace, Duration::from_mins(2));
    for (text, expected) in [
        (
            "[limits]\nfull_every = '36501d'",
            "f:7:14: `full_every` must be from \"0ms\" to \"36500d\", not \"36501d\"",
        ),
        (
            "[limits]\nrecords = 0",
            "f:7:11: `records` must be from 1 to 1000000000, not 0",
        ),
        (
            "[archive]\nexpire_after = '0s'",
            "f:7:16: `expire_after` must be from \"1s\" to \"36500d\", not \"0s\"",
        ),
        (
            "[archive]\nlink_url = 'https://b.example?x'",
            "f:7:12: `link_url` must not have a query (`?`) or a fragment (`#`)",
        ),
        (
            "[archive]\nlink_url = 'https://a:b@c'",
            "f:7:12: `link_url` must not have a user or a password in it",
        ),
        (
            "[daemon]\ngrace = '2h'",
            "f:7:9: `grace` must be from \"0ms\" to \"1h\", not \"2h\"",
        ),
        (
            "[limits.editions]\nfree = ['fulll']\nexpress = 'full'",
            "f:7:9: items of this list must be \"full\", \"custom\" or \"incremental\", not \"fulll\"; did you mean \"full\"?\n\
             f:8:11: `express` must be a list of words in quotes, not text",
        ),
        (
            "[limits.editions]\nultimate = ['full']",
            "f:7:1: unknown key `ultimate` in [limits.editions]",
        ),
    ] {
        check(&after(text), &[expected]);
    }
}

#[test]
fn webhooks() {
    let config = parse(&after(
        "[[webhook]]\nurl = 'http://127.0.0.1:8080/a?key=1'\nsecret_file = 's'\ntopics = ['failed']\n\
         [[webhook]]\nurl = 'http://hooks.example.com'\nallow_plain_http = true\n",
    ));
    let [first, second] = config.notify.webhooks.as_slice() else {
        panic!("two webhooks")
    };
    assert_eq!(first.topics, [Topic::Failed]);
    assert!(matches!(&first.secret, Some(SecretSource::File(file)) if file == Path::new("/etc/s")));
    assert!(second.allow_plain_http && second.secret.is_none() && second.topics.is_empty());
    let url = "url = 'https://hooks.example.com/hunter2'\n";
    for (text, expected) in [
        (
            "",
            "f:6:1: `url` is missing in [[webhook]]; for example: url = \"https://hooks.example.com/deskvault\"",
        ),
        (
            "url = 'http://hooks.example.com/hunter2'",
            "f:7:1: `url` is plain HTTP to another machine: everyone on the way can read the notifications; use https, or \
             accept it with allow_plain_http = true",
        ),
        (
            "url = 'hooks.example.com/hunter2'",
            "f:7:7: `url` must start with https:// or http://",
        ),
        (
            "url = 'https://u:hunter2@a.example'",
            "f:7:7: `url` must not have a user or a password in it",
        ),
        (
            "url = 'https://a.example#hunter2'",
            "f:7:7: `url` must not have a fragment (`#`)",
        ),
        (
            &format!("{url}secret = 'hunter2'\nsecret_env = 'S'"),
            "f:9:1: `secret_env` and `secret` exclude each other: keep one of them",
        ),
        (
            &format!("{url}secret_env = 'hunter 2'"),
            "f:8:14: `secret_env` must be the name of an environment variable (letters, digits and `_`), not the secret itself",
        ),
        (
            &format!("{url}topics = []"),
            "f:8:10: `topics` must have at least one item",
        ),
        (
            &format!("{url}topics = ['redy']"),
            "f:8:11: items of this list must be \"ready\", \"failed\", \"limit_reached\", \"suspended\" or \"schedule_ended\", not \"redy\"; \
             did you mean \"ready\"?",
        ),
        (
            &format!("{url}[[webhook]]\n{url}"),
            "f:9:1: another [[webhook]] has the same `url`: it would be told twice",
        ),
    ] {
        check(&after(&format!("[[webhook]]\n{text}")), &[expected]);
    }
    check(
        &after("[webhook]\n"),
        &["f:6:1: `webhook` is a section: write [[webhook]], with double brackets"],
    );
}

#[test]
fn mail() {
    let config = parse(&after(
        "[mail]\nhost = '::1'\nport = 2525\nsecurity = 'none'\nuser = 'u'\npassword = 'hunter2'\nfrom = 'a@example.com'\n\
         to = ['b@example.com', 'c@example.com']\ntimeout = '5s'\n",
    ));
    let mail = config.notify.mail.expect("mail");
    assert_eq!(
        (mail.host.as_str(), mail.port, mail.security),
        ("::1", Some(2525), Security::None)
    );
    assert_eq!((mail.to.len(), mail.timeout), (2, Duration::from_secs(5)));
    assert!(matches!(mail.login, Some((user, SecretSource::Inline(_))) if user == "u"));
    let sound = "host = 'smtp.example.com'\nfrom = 'a@example.com'\n";
    check(&after(&format!("[mail]\n{sound}")), &["sound"]);
    for (text, expected) in [
        (
            "",
            "f:6:1: `from` is missing in [mail]; for example: from = \"deskvault@example.com\"\n\
             f:6:1: `host` is missing in [mail]; for example: host = \"smtp.example.com\"",
        ),
        (
            &format!("{sound}security = 'none'"),
            "f:9:1: `security` is \"none\", and `host` is another machine: everyone on the way can read the mail and the \
             password; use \"tls\" or \"starttls\"",
        ),
        (
            &format!("{sound}user = 'u'"),
            "f:6:1: one of `password_env`, `password_file` and `password` is missing in [mail]",
        ),
        (
            &format!("{sound}password = 'hunter2'"),
            "f:9:1: `password` is for a `user`, and none is named in [mail]",
        ),
        (
            &sound.replace("smtp.example.com", "smtp.example.com:587"),
            "f:7:8: `host` must be the name or the address of a host alone, without a scheme and a port",
        ),
        (
            &format!("{sound}port = 0"),
            "f:9:8: `port` must be from 1 to 65535, not 0",
        ),
        (
            &format!("{sound}to = ['b@example.com', 'b']"),
            "f:9:24: items of this list must be an e-mail address alone, such as \"ann@example.com\"",
        ),
        (
            &format!("{sound}to = 'b@example.com'"),
            "f:9:6: `to` must be a list of e-mail addresses, such as [\"ann@example.com\"], not text",
        ),
        (
            &format!("{sound}security = 'ssl'"),
            "f:9:12: `security` must be \"tls\", \"starttls\" or \"none\", not \"ssl\"",
        ),
    ] {
        check(&after(&format!("[mail]\n{text}")), &[expected]);
    }
}
