//! Links that are good, and every way to make one that is not.

use plugin_api::Timestamp;

use super::{Link, LinkError, check, make};
use crate::key::Key;

const HOUR: i64 = 3_600_000_000;

fn key() -> Key {
    Key::of([7; 32])
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn now() -> Timestamp {
    time("2031-03-12T07:00:00Z")
}

fn later(micros: i64) -> Timestamp {
    Timestamp::from_micros(now().micros() + micros)
}

fn link(base: Option<&str>) -> String {
    make(&key(), base, 42, None, later(HOUR), now()).unwrap().0
}

#[test]
fn a_link_opens_its_archive_until_it_dies() {
    for (base, begin) in [
        (None, "deskvault:/archives/42?expires=1931068800&signature="),
        (
            Some("https://vault.example/"),
            "https://vault.example/archives/42?expires=1931068800&signature=",
        ),
        (
            Some("https://vault.example/a/b"),
            "https://vault.example/a/b/archives/42?expires=1931068800&signature=",
        ),
    ] {
        let link = link(base);
        assert!(link.starts_with(begin) && link.len() == begin.len() + 43, "{link}");
        let expires = later(HOUR);
        let good = Ok(Link { backup: 42, expires });
        assert_eq!(check(&key(), base, &link, now()), good);
        assert_eq!(check(&key(), base, &link, later(HOUR - 1)), good);
        // Again and again, until then and no longer.
        assert_eq!(check(&key(), base, &link, later(HOUR - 1)), good);
        for dead in [HOUR, HOUR + 1, 1000 * HOUR] {
            assert_eq!(
                check(&key(), base, &link, later(dead)),
                Err(LinkError::Expired { at: expires })
            );
        }
        // As a web page sees it, and after the base was changed from none.
        let path = &link[link.find("/archives").unwrap()..];
        assert_eq!(check(&key(), base, path, now()), good);
        assert_eq!(check(&key(), base, &format!("deskvault:{path}"), now()), good);
    }
}

#[test]
fn a_link_dies_with_the_archive_or_earlier() {
    for (archive, until, expected) in [
        (None, 5 * HOUR, Ok(5 * HOUR)),
        (Some(7 * HOUR), 5 * HOUR, Ok(5 * HOUR)),
        (Some(3 * HOUR), 5 * HOUR, Ok(3 * HOUR)),
        // Never later, not even by a part of a second.
        (Some(3 * HOUR + 999_999), 5 * HOUR, Ok(3 * HOUR)),
        (None, 1_000_000, Ok(1_000_000)),
        (None, 999_999, Err(0)),
        (Some(0), 5 * HOUR, Err(0)),
        (Some(-HOUR), 5 * HOUR, Err(-HOUR)),
    ] {
        let made = make(&key(), None, 1, archive.map(later), later(until), now());
        match (made, expected) {
            (Ok((link, dies)), Ok(expected)) => {
                assert_eq!(dies, later(expected));
                assert_eq!(check(&key(), None, &link, now()).unwrap().expires, dies);
            }
            (made, expected) => assert_eq!(
                made.map(|_| ()),
                Err(LinkError::Past {
                    at: later(expected.unwrap_err())
                })
            ),
        }
    }
    let before_all = Timestamp::from_micros(-HOUR);
    let made = make(&key(), None, 1, None, before_all, now());
    assert!(matches!(made, Err(LinkError::Past { .. })), "{made:?}");
}

#[test]
fn every_change_of_a_character_is_noticed() {
    for base in [None, Some("https://vault.example/x")] {
        let link = link(base);
        let characters = "abyzABYZ0189-_%+/=?&:. \n\0é";
        let mut refused = 0;
        for (at, own) in link.char_indices() {
            let (before, after) = (&link[..at], &link[at + own.len_utf8()..]);
            let others = characters.chars().filter(|other| *other != own);
            let mut changed: Vec<String> = others.map(|other| format!("{before}{other}{after}")).collect();
            // Taken out, doubled, in the other case, escaped.
            changed.push(format!("{before}{after}"));
            changed.push(format!("{before}{own}{own}{after}"));
            changed.push(format!("{before}%{:02x}{after}", u32::from(own)));
            changed.push(format!("{before}%{:02X}{after}", u32::from(own)));
            let other_case = if own.is_uppercase() {
                own.to_ascii_lowercase()
            } else {
                own.to_ascii_uppercase()
            };
            if other_case != own {
                changed.push(format!("{before}{other_case}{after}"));
            }
            for changed in changed {
                let error = check(&key(), base, &changed, now()).expect_err(&changed);
                assert!(
                    matches!(error, LinkError::NoLink { .. } | LinkError::Signature),
                    "{changed}: {error:?}"
                );
                refused += 1;
            }
        }
        assert!(refused > 20 * link.len(), "{refused}");
    }
}

#[test]
fn what_is_put_together_from_links_is_none() {
    let one = link(None);
    let (other, _) = make(&key(), None, 43, None, later(HOUR), now()).unwrap();
    let (longer, _) = make(&key(), None, 42, None, later(2 * HOUR), now()).unwrap();
    let (short, _) = make(&key(), None, 42, None, later(1_000_000), now()).unwrap();
    let signature = |link: &str| link.rsplit_once('=').unwrap().1.to_owned();
    let signed = |link: &str, signature: &str| format!("{}={signature}", link.rsplit_once('=').unwrap().0);
    for forged in [
        signed(&other, &signature(&one)),
        signed(&longer, &signature(&one)),
        signed(&longer, &signature(&short)),
        signed(&one, &"A".repeat(43)),
    ] {
        let read = check(&key(), None, &forged, now());
        assert_eq!(read, Err(LinkError::Signature), "{forged}");
    }
    // Of another installation; and when it is dead as well, that is not told to one who cannot sign.
    let stranger = Key::of([8; 32]);
    assert_eq!(check(&stranger, None, &one, now()), Err(LinkError::Signature));
    assert_eq!(check(&stranger, None, &one, later(9 * HOUR)), Err(LinkError::Signature));
}

#[test]
fn garbage_is_refused_in_words() {
    let one = link(None);
    let ten_megabytes = "x".repeat(10 << 20);
    let signature = one.rsplit_once('=').unwrap().1;
    for garbage in [
        String::new(),
        "42".into(),
        "deskvault:".into(),
        "/archives/42".into(),
        format!("{one} "),
        format!(" {one}"),
        format!("{one}\n"),
        format!("{one}="),
        format!("{one}&expires=9999999999"),
        format!("{one}#x"),
        one.to_uppercase(),
        one.replace("/archives/", "/archives/0"),
        one.replace("/archives/", "/archives/+"),
        one.replace("/archives/", "/archives/-"),
        one.replace("/archives/", "//archives/"),
        one.replace("expires=", "expires=0"),
        one.replace("42", "99999999999999999999999999"),
        one.replace("42", ""),
        one.replace("42", "４２"),
        one.replace(':', "%3A"),
        one.replace("deskvault:", "https://vault.example"),
        one.replace("deskvault:", "deskvault:deskvault:"),
        format!("/archives/42?signature={signature}&expires=1931068800"),
        format!("{one}{ten_megabytes}"),
        ten_megabytes.clone(),
        one.replace("42", &ten_megabytes),
    ] {
        let shown: String = garbage.chars().take(200).collect();
        let error = check(&key(), None, &garbage, now()).expect_err(&shown);
        assert_eq!(
            error,
            LinkError::NoLink {
                base: "deskvault:".into()
            },
            "{shown}"
        );
    }
    let words = check(&key(), Some("https://vault.example"), "x", now())
        .unwrap_err()
        .to_string();
    assert!(
        words.contains("from `https://vault.example` to its last character"),
        "{words}"
    );
}
