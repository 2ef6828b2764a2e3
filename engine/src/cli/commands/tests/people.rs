//! `deskvault user` and `token`.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::{Captured, Fixed, Given, Script, given_in};
use crate::cli::Shell;
use crate::history::{Entry, Filter, Happening};
use crate::key::Key;
use crate::people::password;
use crate::store::Store;

const DESK: &str = "[[person]]\nname = 'Aiko'\n[[person]]\nname = 'Ben'\n\n[[desk]]\nname = 'main'\nmodules = ['tickets']\n\
                    primary_contact = 'Aiko'\nviewers = ['Ben']\n[desk.connection]\nkind = 'sample'\n";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("deskvault.toml"), DESK).unwrap();
        Self(home)
    }

    fn run(&self, line: &str) -> Given {
        self.with(line, |_| {})
    }

    fn with(&self, line: &str, change: impl FnOnce(&mut Shell)) -> Given {
        let out = Captured::default();
        let given = given_in(self.0.path(), out.clone(), line, &Script::default(), change);
        let out = out.text().replace(&given.home, "HOME");
        Given { out, ..given }
    }

    /// A token for a person.
    fn token(&self, person: &str) -> String {
        let given = self.run(&format!("token create {person}"));
        assert_eq!(given.exit, 0, "{}", given.err);
        given.out.trim().to_owned()
    }

    fn folder(&self) -> std::path::PathBuf {
        self.0.path().join("backups")
    }

    fn history(&self) -> Vec<Entry> {
        let key = Arc::new(Key::open(&self.folder()).unwrap());
        let store = Store::open(&self.folder(), key).unwrap();
        let mut entries = Vec::new();
        let read = store.read(|view| {
            view.history(&Filter::default(), &mut |entry| {
                entries.push(entry);
                ControlFlow::Continue(())
            })
        });
        assert!(read.is_ok());
        entries
    }
}

fn every_byte(folder: &Path) -> Vec<u8> {
    let files = fs::read_dir(folder).unwrap();
    files
        .flat_map(|file| fs::read(file.unwrap().path()).unwrap_or_default())
        .collect()
}

#[test]
fn a_password_becomes_its_hash_and_nothing_else_is_printed() {
    let home = Home::new();
    for (read, password) in [
        (
            (|| Ok("correct horse battery\n".into())) as fn() -> _,
            "correct horse battery",
        ),
        (|| Ok("correct horse battery\r\n".into()), "correct horse battery"),
        (
            || Ok("パスワードは長いほど良いです".into()),
            "パスワードは長いほど良いです",
        ),
        (|| Ok("  spaces are part of it  \n".into()), "  spaces are part of it  "),
    ] {
        let given = home.with("user hash", |shell| shell.read_line = read);
        assert_eq!((given.exit, given.err.as_str()), (0, ""));
        let hash = given.out.strip_suffix('\n').unwrap();
        assert_eq!(password::check(hash), Ok(()));
        let person = crate::people::Person {
            name: "Aiko".into(),
            email: None,
            password_hash: Some(hash.into()),
        };
        assert!(password::login(&[person], "Aiko", password).is_some(), "{password}");
    }
    for (read, why) in [
        ((|| Ok(String::new())) as fn() -> _, "0 characters"),
        (|| Ok("\n".into()), "0 characters"),
        (|| Ok("elevenchars\n".into()), "11 characters, and 12 are the least"),
        (|| Ok("x".repeat(4096)), "more than 1024 bytes"),
    ] {
        let given = home.with("user hash", |shell| shell.read_line = read);
        assert_eq!((given.exit, given.out.as_str()), (2, ""));
        assert!(
            given.err.contains(why) && !given.err.contains("elevenchars"),
            "{}",
            given.err
        );
    }
}

#[test]
fn a_token_is_shown_once_and_acts_as_its_person() {
    let home = Home::new();
    let given = home.run("token create Ben --label report --for 30d");
    assert_eq!(given.exit, 0, "{}", given.err);
    let token = given.out.trim();
    assert!(token.starts_with("dvt_") && token.len() == 47, "{token}");
    assert!(
        given
            .err
            .contains("token 1 is Ben's and holds until 2024-08-01 04:00:00 UTC")
            && !given.err.contains("dvt_"),
        "{}",
        given.err
    );
    let kept = every_byte(&home.folder());
    let holds = |needle: &str| kept.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(
        !holds(token) && holds("report"),
        "the token itself is nowhere in the store"
    );

    let as_ben = |line: &str, time: &'static str| {
        home.with(line, |shell| {
            shell.token = Some(token.to_owned());
            shell.time = Arc::new(Fixed(time));
        })
    };
    let (early, late) = ("2024-07-31T00:00:00Z", "2024-08-01T04:00:00Z");
    assert_eq!(as_ben("list", early).exit, 0);
    let given = as_ben("list", late);
    assert!(
        given.exit == 2 && given.err.contains("token 1 has expired"),
        "{}",
        given.err
    );
    // One that makes another would never end.
    let given = as_ben("token create Aiko", early);
    assert_eq!((given.exit, given.out.as_str()), (5, ""));
    assert!(given.err.contains("Ben may not make tokens"), "{}", given.err);

    let list = home.run("token list");
    assert!(
        list.out.contains("report") && !list.out.contains("dvt_"),
        "{}",
        list.out
    );
    let json = home.run("token list --json");
    let line: serde_json::Value = serde_json::from_str(json.out.trim()).unwrap();
    assert_eq!(line["holds"], true);
    assert_eq!(
        (&line["id"], &line["person"], &line["revoked"]),
        (&1.into(), &"Ben".into(), &().into())
    );

    let given = home.run("token revoke 1");
    assert_eq!(
        (given.exit, given.out.as_str()),
        (0, "token 1 of Ben is revoked\n"),
        "{}",
        given.err
    );
    let given = as_ben("list", early);
    assert!(
        given.exit == 2 && given.err.contains("token 1 was revoked"),
        "{}",
        given.err
    );
    let given = home.run("token revoke 1");
    assert!(
        given.exit == 2 && given.err.contains("was revoked already"),
        "{}",
        given.err
    );
    assert!(
        home.run("token list")
            .out
            .contains("revoked on 2024-07-02 04:00:00 UTC")
    );

    let told: Vec<_> = home
        .history()
        .into_iter()
        .map(|entry| {
            (
                entry.user,
                entry.via.starts_with("command line, system user "),
                entry.what,
            )
        })
        .collect();
    let [created, refused, revoked] = &told[..] else {
        panic!("{told:?}")
    };
    assert!(
        matches!(created, (user, true, Happening::TokenCreated { token: 1, person, .. }) if user == "Aiko" && person == "Ben")
    );
    assert!(
        matches!(refused, (user, false, Happening::Refused { .. }) if user == "Ben"),
        "{refused:?}"
    );
    assert!(
        matches!(revoked, (user, true, Happening::TokenRevoked { token: 1, person }) if user == "Aiko" && person == "Ben")
    );
}

#[test]
fn with_a_token_a_person_looks_after_their_own() {
    let home = Home::new();
    let (of_aiko, of_ben) = (home.token("Aiko"), home.token("Ben"));
    let with = |token: &str, line: &str| home.with(line, |shell| shell.token = Some(token.to_owned()));
    for (token, own, other) in [(&of_aiko, "Aiko", "Ben"), (&of_ben, "Ben", "Aiko")] {
        let list = with(token, "token list");
        assert!(list.out.contains(own) && !list.out.contains(other), "{}", list.out);
    }
    // The other's is not even there.
    let given = with(&of_ben, "token revoke 1");
    assert!(
        given.exit == 2 && given.err.contains("there is no token 1"),
        "{}",
        given.err
    );
    assert_eq!(with(&of_ben, "token revoke 2").exit, 0);
    let given = with(&of_ben, "token list");
    assert!(given.exit == 2 && given.err.contains("was revoked"), "{}", given.err);
    assert_eq!(with(&of_aiko, "token list").exit, 0);
}

#[test]
fn what_cannot_be_made_is_refused_in_words() {
    let home = Home::new();
    let label = format!("token create Aiko --label {}", "x".repeat(101));
    for (line, why) in [
        (
            "token create Emi",
            "the configuration does not know of Emi: name one of its [[person]]",
        ),
        ("token create aiko", "did you mean `Aiko`?"),
        ("token create Aiko --for 0s", "a second at least"),
        ("token create Aiko --for 36600d", "at most"),
        ("token create Aiko --for soon", "a whole number and a unit"),
        (label.as_str(), "at most 100 characters"),
        ("token create", "<PERSON>"),
        ("token revoke 7", "there is no token 7"),
        ("token revoke x", "invalid value"),
    ] {
        let given = home.run(line);
        assert_eq!((given.exit, given.out.as_str()), (2, ""), "{line}: {}", given.err);
        assert!(given.err.contains(why), "{line}: {}", given.err);
    }
    assert_eq!(home.run("token list").out, "no tokens\n");
    assert_eq!(home.run("token list --json").out, "");
    for wrong in ["", "dvt_x", "x"] {
        let given = home.with("token list", |shell| shell.token = Some(wrong.to_owned()));
        assert!(
            given.exit == 2 && given.err.contains("no token of deskvault"),
            "{}",
            given.err
        );
    }
    assert!(home.history().is_empty());
}
