//! Roles, passwords and tokens.

use std::time::{Duration, Instant};

use plugin_api::Timestamp;

use super::password::{self, PasswordError};
use super::token::{NoEntry, Secret, admit};
use super::{Action, Actor, Person, Role, Token};
use crate::config::{Config, Desk};
use crate::quota::Refusal;

const ACTIONS: [Action; 6] = [
    Action::See,
    Action::Start,
    Action::Schedule,
    Action::Stop,
    Action::Download,
    Action::Delete,
];

fn desk(primary_contact: Option<&str>, viewers: &[&str]) -> Desk {
    let config = Config::parse(
        "test.toml",
        b"[[desk]]\nname = \"main\"\nmodules = [\"tickets\"]\n[desk.connection]\nkind = \"sample\"\n",
        std::path::Path::new("/"),
    );
    let Ok(mut config) = config else {
        panic!("the configuration is right")
    };
    let mut desk = config.desks.remove(0);
    desk.primary_contact = primary_contact.map(str::to_owned);
    desk.viewers = viewers.iter().map(ToString::to_string).collect();
    desk
}

fn person(name: &str) -> Actor {
    Actor::Person {
        name: name.into(),
        via: "token 3".into(),
    }
}

fn machine() -> Actor {
    Actor::Machine {
        system_user: "root (sudo by aiko)".into(),
    }
}

#[test]
fn each_role_may_what_it_may() {
    let main = desk(Some("Aiko"), &["Ben", "Chiyo"]);
    let nobodys = desk(None, &[]);
    // See, start, schedule, stop, download, delete.
    for (actor, desk, may) in [
        (machine(), &main, [true; 6]),
        (machine(), &nobodys, [true; 6]),
        (person("Aiko"), &main, [true; 6]),
        (person("Ben"), &main, [true, false, false, false, false, false]),
        (person("Chiyo"), &main, [true, false, false, false, false, false]),
        (person("Dai"), &main, [false; 6]),
        // No name is like another.
        (person("aiko"), &main, [false; 6]),
        (person("Aiko "), &main, [false; 6]),
        (person(""), &main, [false; 6]),
        (person("Aiko"), &nobodys, [false; 6]),
        (person(""), &nobodys, [false; 6]),
        (Actor::Link, &main, [false, false, false, false, true, false]),
        (Actor::Schedule, &main, [false, true, false, false, false, false]),
        (Actor::Deskvault, &main, [true, false, true, true, false, true]),
    ] {
        for (action, may) in ACTIONS.into_iter().zip(may) {
            let answer = actor.may(desk, action);
            if may {
                assert_eq!(answer, Ok(()), "{actor:?} {action:?}");
                continue;
            }
            let expected = Refusal::Role {
                user: actor.user(Some(desk)),
                action: action.to_string(),
                desk: "main".into(),
            };
            assert_eq!(answer, Err(expected), "{actor:?} {action:?}");
        }
    }
    assert_eq!(Role::of("Aiko", &main), Some(Role::PrimaryContact));
    assert_eq!(Role::of("Ben", &main), Some(Role::Viewer));
    assert_eq!(Role::of("Dai", &main), None);
}

#[test]
fn the_history_gets_names() {
    let main = desk(Some("Aiko"), &[]);
    let nobodys = desk(None, &[]);
    for (actor, desk, user, via) in [
        (
            machine(),
            Some(&main),
            "Aiko",
            "command line, system user root (sudo by aiko)",
        ),
        (
            machine(),
            Some(&nobodys),
            "primary contact",
            "command line, system user root (sudo by aiko)",
        ),
        (
            machine(),
            None,
            "primary contact",
            "command line, system user root (sudo by aiko)",
        ),
        (person("Ben"), Some(&main), "Ben", "token 3"),
        (Actor::Link, Some(&main), "link", "link"),
        (Actor::Schedule, Some(&main), "schedule", "schedule"),
        (Actor::Deskvault, None, "deskvault", "deskvault"),
    ] {
        assert_eq!((actor.user(desk).as_str(), actor.via().as_str()), (user, via));
    }
}

fn with_password(name: &str, hash: Option<String>) -> Person {
    Person {
        name: name.into(),
        email: None,
        password_hash: hash,
    }
}

/// By the reference implementation, of the password below: `argon2 saltsaltsalt -id -t 3 -k 12288 -p 2 -l 24`.
const FOREIGN: &str = "$argon2id$v=19$m=12288,t=3,p=2$c2FsdHNhbHRzYWx0$7rZN+KLReagyoW+ESzS4PjTlyBOBY9ar";
const PASSWORD: &str = "correct horse battery staple";

#[test]
fn a_password_opens_what_it_closed() {
    let hash = password::hash("パスワードは長いほど良いです").unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!(password::check(&hash), Ok(()));
    assert_ne!(
        hash,
        password::hash("パスワードは長いほど良いです").unwrap(),
        "the salt is new"
    );
    let people = [
        with_password("Aiko", Some(hash)),
        with_password("Ben", Some(FOREIGN.into())),
        with_password("Chiyo", None),
        with_password(
            "Dai",
            Some("$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA".into()),
        ),
    ];
    for (name, typed, opens) in [
        ("Aiko", "パスワードは長いほど良いです", true),
        ("Aiko", "パスワードは長いほど良いで", false),
        ("Aiko", "", false),
        ("Aiko", PASSWORD, false),
        ("Ben", PASSWORD, true),
        ("Ben", "correct horse battery staplE", false),
        ("Ben", "パスワードは長いほど良いです", false),
        // No password opens what has none, nor what pretends to have one.
        ("Chiyo", "", false),
        ("Chiyo", PASSWORD, false),
        ("Dai", PASSWORD, false),
        ("Emi", PASSWORD, false),
        ("Emi", "パスワードは長いほど良いです", false),
        ("", "", false),
    ] {
        let found = password::login(&people, name, typed).map(|person| person.name.as_str());
        assert_eq!(found, opens.then_some(name), "{name} {typed}");
    }
    assert!(password::login(&people, "Aiko", &"x".repeat(10 << 20)).is_none());
    assert!(password::login(&[], "Aiko", PASSWORD).is_none());
}

#[test]
fn names_cannot_be_told_by_time() {
    let people = [with_password("Aiko", Some(password::hash(PASSWORD).unwrap()))];
    let took = |name: &str| -> Duration {
        let started = Instant::now();
        assert!(password::login(&people, name, "a wrong password").is_none());
        started.elapsed()
    };
    // The fastest of several, in turns: what else runs on the machine only ever makes one slower. Without the pretended work
    // it would be a thousand times as fast.
    let tries: Vec<_> = (0..7).map(|_| (took("Aiko"), took("Nobody"))).collect();
    let known = tries.iter().map(|(known, _)| *known).min().unwrap();
    let unknown = tries.iter().map(|(_, unknown)| *unknown).min().unwrap();
    assert!(unknown > known / 10, "{known:?} {unknown:?}");
}

#[test]
fn short_and_endless_passwords_are_not_hashed() {
    for (typed, characters) in [("", 0), ("short", 5), ("elevenchars", 11), ("パスワード", 5)] {
        let error = password::hash(typed).unwrap_err();
        assert!(
            matches!(error, PasswordError::Short { characters: found } if found == characters),
            "{error}"
        );
        assert!(
            typed.is_empty() || !format!("{error} {error:?}").contains(typed),
            "{error}"
        );
    }
    assert!(matches!(password::hash(&"x".repeat(1025)), Err(PasswordError::Long)));
    assert!(password::hash(&"x".repeat(1024)).is_ok());
}

#[test]
fn hashes_are_refused_before_they_cost_anything() {
    let tail = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA";
    let of = |parameters: &str| format!("$argon2id$v=19${parameters}${tail}");
    for parameters in [
        "m=19456,t=2,p=1",
        "m=7168,t=5,p=1",
        "m=65536,t=3,p=4",
        "m=262144,t=4,p=16",
    ] {
        assert_eq!(password::check(&of(parameters)), Ok(()), "{parameters}");
    }
    let started = Instant::now();
    for (hash, why) in [
        (String::new(), "no password's hash"),
        ("hunter2hunter2".into(), "no password's hash"),
        (
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".into(),
            "no password's hash",
        ),
        (format!("$argon2i$v=19$m=65536,t=3,p=4${tail}"), "argon2id"),
        (format!("$argon2d$v=19$m=65536,t=3,p=4${tail}"), "argon2id"),
        (format!("$argon2id$v=16$m=65536,t=3,p=4${tail}"), "version 19"),
        (format!("$argon2id$m=65536,t=3,p=4${tail}"), "version 19"),
        (of("m=4194304,t=1,p=1"), "too much memory"),
        (of("m=4294967295,t=4294967295,p=16777215"), "too much memory"),
        (of("m=19456,t=4294967295,p=1"), "too much memory"),
        (of("m=262144,t=5,p=1"), "too much memory"),
        (of("m=65536,t=3,p=17"), "too much memory"),
        (of("m=19455,t=2,p=1"), "too easily broken"),
        (of("m=4096,t=3,p=1"), "too easily broken"),
        (of("m=65536,t=0,p=1"), "too easily broken"),
        (of("m=8,t=1,p=1"), "too easily broken"),
        (of("m=65536,t=3"), "not m, t and p"),
        (of("m=65536,t=3,p=1,keyid=AAAA"), "not m, t and p"),
        (of("m=65536,t=3,p=0"), "cannot be used"),
        ("$argon2id$v=19$m=65536,t=3,p=4".into(), "no salt or no hash"),
        (
            "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0".into(),
            "no salt or no hash",
        ),
        (
            "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAA".into(),
            "too short",
        ),
        (of(&"m=65536,t=3,p=4,".repeat(100_000)), "too long"),
    ] {
        let shown: String = hash.chars().take(100).collect();
        let error = password::check(&hash).expect_err(&shown);
        assert!(
            error.contains(why) && error.contains("deskvault user hash"),
            "{shown}: {error}"
        );
        assert!(!error.contains("AAAA") && !error.contains("hunter2"), "{error}");
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn a_token_is_known_by_its_hash_alone() {
    let secret = Secret::new().unwrap();
    let shown = secret.reveal();
    assert!(shown.starts_with("dvt_") && shown.len() == 47, "{shown}");
    assert_ne!(shown, Secret::new().unwrap().reveal());
    assert_eq!(secret.hash().len(), 64);
    let again = Secret::parse(shown);
    assert_eq!(again.map(|again| again.hash()).ok(), Some(secret.hash()));
    // By another program: printf %s dvt_AAA... | sha256sum
    let zeros = format!("dvt_{}", "A".repeat(43));
    assert_eq!(
        Secret::parse(&zeros).map(|secret| secret.hash()).ok().as_deref(),
        Some("44750f1d20f44934539069f075e6bba0e52403685559ed70a2912dcb8d8ffaf4")
    );
    for none in [
        "",
        "dvt_",
        "dvt",
        &shown[4..],
        &shown[..46],
        &format!("{shown}A"),
        &format!("{shown}\n"),
        &format!(" {shown}"),
        &shown.replace("dvt_", "DVT_"),
        &format!("dvt_{}=", "A".repeat(42)),
        &format!("dvt_{}B", "A".repeat(42)),
        &format!("dvt_{}", "é".repeat(21)),
        &"dvt_x".repeat(2 << 20),
    ] {
        let read = Secret::parse(none).map(|_| ());
        assert_eq!(read, Err(NoEntry::NoToken), "{}", none.len());
    }
}

#[test]
fn a_token_admits_its_person_until_it_ends() {
    let token = Token {
        id: 3,
        person: "Aiko".into(),
        label: "the report".into(),
        created: time("2031-03-01T00:00:00Z"),
        expires: time("2031-04-01T00:00:00Z"),
        revoked: None,
    };
    let revoked = Token {
        revoked: Some(time("2031-03-10T00:00:00Z")),
        ..token.clone()
    };
    let people = [with_password("Aiko", None), with_password("Ben", None)];
    let (early, late) = (time("2031-03-31T23:59:59Z"), time("2031-04-01T00:00:00Z"));
    for (token, people, now, expected) in [
        (Some(&token), &people[..], early, Ok("Aiko by token 3")),
        (
            Some(&token),
            &people,
            late,
            Err("token 3 has expired on 2031-04-01 00:00:00 UTC"),
        ),
        (
            Some(&revoked),
            &people,
            early,
            Err("token 3 was revoked on 2031-03-10 00:00:00 UTC"),
        ),
        (Some(&revoked), &people, late, Err("token 3 was revoked")),
        (
            Some(&token),
            &people[1..],
            early,
            Err("token 3 is Aiko's, of whom the configuration does not know"),
        ),
        (Some(&token), &[], early, Err("does not know")),
        (None, &people, early, Err("not known here")),
    ] {
        match (admit(token, people, now), expected) {
            (Ok(actor), Ok(expected)) => {
                assert_eq!(format!("{} by {}", actor.user(None), actor.via()), expected);
            }
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (answer, _) => panic!("{answer:?} where {expected:?} is expected"),
        }
    }
}
