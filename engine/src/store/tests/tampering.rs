//! Everything that can be done to a history past deskvault, and what verification says of it.

use std::sync::Arc;

use super::{Home, at, entry, history};
use crate::archive::Digest;
use crate::history::{Finding, Happening, Head, Link, SealFault, Verified};
use crate::key::Key;
use crate::store::{Store, StoreError};

const ENTRIES: i64 = 10;

fn home() -> Home {
    let home = Home::new();
    for number in 1..=ENTRIES {
        home.write(|tx| tx.append(&entry(number)));
    }
    home
}

fn verify(store: &Store, noted: Option<Head>) -> Verified {
    let mut told = Vec::new();
    let verified = store.read(|view| view.verify_history(noted, &mut |read| told.push(read)));
    let verified = verified.unwrap_or_else(|error: StoreError| panic!("{error}"));
    assert_eq!(told.last().copied().unwrap_or(0), verified.head.entries);
    verified
}

/// The findings, each cut to the part before the first colon or comma.
fn findings(store: &Store) -> Vec<String> {
    let texts = verify(store, None)
        .findings
        .into_iter()
        .map(|finding| finding.to_string());
    texts
        .map(|text| text.split([':', ',']).next().unwrap_or_default().to_owned())
        .collect()
}

/// Makes the hashes from an entry on anew, as somebody can who knows how they are made.
fn rehash(vandal: &rusqlite::Connection, from: i64) -> Head {
    let mut previous: String = vandal
        .query_row("SELECT hash FROM history WHERE number = $1", [from - 1], |row| {
            row.get(0)
        })
        .unwrap_or_else(|_| Head::EMPTY.hash.to_string());
    let mut last = Head::EMPTY;
    let numbers: Vec<i64> = vandal
        .prepare("SELECT number FROM history WHERE number >= $1 ORDER BY number")
        .unwrap()
        .query_map([from], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for number in numbers {
        let text = |column: &str| -> String {
            let sql = format!("SELECT {column} FROM history WHERE number = $1");
            vandal.query_row(&sql, [number], |row| row.get(0)).unwrap()
        };
        let (desk, user, via, what) = (text("desk"), text("person"), text("via"), text("what"));
        let at = vandal
            .query_row("SELECT happened FROM history WHERE number = $1", [number], |row| {
                row.get(0)
            })
            .unwrap();
        let link = Link {
            number: number.cast_unsigned(),
            at,
            desk: Some(&desk),
            user: &user,
            via: &via,
            what: &what,
        };
        let hash = link.hash(Digest::parse(&previous).unwrap());
        vandal
            .execute(
                "UPDATE history SET previous = $1, hash = $2 WHERE number = $3",
                rusqlite::params![previous, hash.to_string(), number],
            )
            .unwrap();
        previous = hash.to_string();
        last = Head {
            entries: number.cast_unsigned(),
            hash,
        };
    }
    last
}

#[test]
fn an_untouched_history_is_whole() {
    let empty = Home::new();
    let verified = verify(&empty.store, Some(Head::EMPTY));
    assert!(verified.is_whole() && verified.head == Head::EMPTY, "{verified:?}");
    let home = home();
    let verified = verify(&home.store, None);
    assert!(verified.is_whole(), "{verified:?}");
    let entries = history(&home.store);
    assert_eq!(verified.head.to_string(), format!("10:{}", entries[9].hash));
    assert_eq!(entries[0].previous, Head::EMPTY.hash.to_string());
    for (entry, next) in entries.iter().zip(&entries[1..]) {
        assert_eq!((entry.number + 1, &entry.hash), (next.number, &next.previous));
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn every_way_to_tamper_is_found_and_placed() {
    for (name, sql, expected) in [
        (
            "person",
            "UPDATE history SET person = 'root' WHERE number = 4",
            &["entry 4 was altered"][..],
        ),
        (
            "time",
            "UPDATE history SET happened = happened + 1 WHERE number = 4",
            &["entry 4 was altered"],
        ),
        (
            "desk",
            "UPDATE history SET desk = 'other' WHERE number = 4",
            &["entry 4 was altered"],
        ),
        (
            "no desk",
            "UPDATE history SET desk = NULL WHERE number = 4",
            &["entry 4 was altered"],
        ),
        (
            "way",
            "UPDATE history SET via = '' WHERE number = 4",
            &["entry 4 was altered"],
        ),
        (
            "what",
            "UPDATE history SET what = replace(what, '4', '5') WHERE number = 4",
            &["entry 4 was altered"],
        ),
        (
            "a blank",
            "UPDATE history SET what = what || ' ' WHERE number = 4",
            &["entry 4 was altered"],
        ),
        (
            "from one field to the next",
            "UPDATE history SET person = person || substr(via, 1, 1), via = substr(via, 2) WHERE number = 4",
            &["entry 4 was altered"],
        ),
        (
            "its hash",
            "UPDATE history SET hash = previous WHERE number = 4",
            &["entry 4 was altered", "entry 5 does not follow entry 4"],
        ),
        (
            "hash before",
            "UPDATE history SET previous = hash WHERE number = 4",
            &["entry 4 was altered"],
        ),
        (
            "the last",
            "UPDATE history SET person = 'root' WHERE number = 10",
            &["entry 10 was altered"],
        ),
        (
            "the first",
            "UPDATE history SET person = 'root' WHERE number = 1",
            &["entry 1 was altered"],
        ),
        (
            "all",
            "UPDATE history SET happened = 0 WHERE number > 8",
            &["entry 9 was altered", "entry 10 was altered"],
        ),
        (
            "no text",
            "UPDATE history SET person = x'00' WHERE number = 4",
            &["history entry 4"],
        ),
        (
            "no time",
            "UPDATE history SET happened = 'now' WHERE number = 4",
            &["history entry 4"],
        ),
        (
            "no hash",
            "UPDATE history SET hash = 'none' WHERE number = 10",
            &["history entry 10"],
        ),
        (
            "taken out",
            "DELETE FROM history WHERE number = 4",
            &["entry 4 is missing"],
        ),
        (
            "two taken out",
            "DELETE FROM history WHERE number IN (4, 5)",
            &["entries 4 to 5 are missing"],
        ),
        (
            "the first taken out",
            "DELETE FROM history WHERE number = 1",
            &["entry 1 is missing"],
        ),
        (
            "the tail taken out",
            "DELETE FROM history WHERE number > 8",
            &["entries 9 to 10 are missing"],
        ),
        ("all taken out", "DELETE FROM history", &["entries 1 to 10 are missing"]),
        (
            "swapped",
            "UPDATE history SET number = -number WHERE number IN (4, 5);
             UPDATE history SET number = 9 + number WHERE number < 0",
            &[
                "entry 4 was altered",
                "entry 5 was altered",
                "entry 6 does not follow entry 5",
            ],
        ),
        (
            "renumbered",
            "UPDATE history SET number = 12 WHERE number = 10",
            &[
                "entries 10 to 11 are missing",
                "entry 12 was altered",
                "entries 11 to 12 are not sealed",
            ],
        ),
        (
            "taken out, and the gap closed",
            "DELETE FROM history WHERE number = 8;
             UPDATE history SET number = 8 WHERE number = 9; UPDATE history SET number = 9 WHERE number = 10",
            &["entry 8 was altered", "entry 9 was altered", "entry 10 is missing"],
        ),
        (
            "put in before the first",
            "INSERT INTO history SELECT 0, happened, desk, person, via, what, previous, hash FROM history WHERE number = 1",
            &["entry 0 has a number that there cannot be"],
        ),
        (
            "put in with a number below",
            "INSERT INTO history SELECT -3, happened, desk, person, via, what, previous, hash FROM history WHERE number = 1",
            &["history entry -3"],
        ),
        (
            "seal: count",
            "UPDATE history_seal SET entries = 9",
            &["the seal was altered"],
        ),
        (
            "seal: head",
            "UPDATE history_seal SET head = signature",
            &["the seal was altered"],
        ),
        (
            "seal: signature",
            "UPDATE history_seal SET signature = head",
            &["the seal was altered"],
        ),
        (
            "seal: no signature",
            "UPDATE history_seal SET signature = ''",
            &["the seal was altered (`signature` is no SHA-256)"],
        ),
        (
            "seal: negative",
            "UPDATE history_seal SET entries = -1",
            &["the seal was altered (`entries` is negative (-1))"],
        ),
        (
            "seal: taken out",
            "DELETE FROM history_seal",
            &["the seal was taken out"],
        ),
        (
            "tail taken out, and the seal told so",
            "DELETE FROM history WHERE number = 10;
             UPDATE history_seal SET entries = 9, head = (SELECT hash FROM history WHERE number = 9)",
            &["the seal was altered"],
        ),
    ] {
        let home = home();
        home.vandal().execute_batch(sql).unwrap();
        assert_eq!(findings(&home.store), expected, "{name}");
    }
}

#[test]
fn who_knows_how_hashes_are_made_is_found_too() {
    let alter = |vandal: &rusqlite::Connection| {
        vandal
            .execute("UPDATE history SET person = 'root' WHERE number = 4", [])
            .unwrap();
    };
    // Only the altered entry is made anew.
    let one = home();
    let vandal = one.vandal();
    alter(&vandal);
    let hashes = "CREATE TABLE kept AS SELECT number, previous, hash FROM history";
    vandal.execute_batch(hashes).unwrap();
    rehash(&vandal, 4);
    vandal
        .execute_batch(
            "UPDATE history SET previous = (SELECT previous FROM kept WHERE kept.number = history.number),
                                hash = (SELECT hash FROM kept WHERE kept.number = history.number) WHERE number > 4",
        )
        .unwrap();
    assert_eq!(findings(&one.store), ["entry 5 does not follow entry 4"]);

    // All from there on.
    let all = home();
    alter(&all.vandal());
    rehash(&all.vandal(), 4);
    assert_eq!(
        findings(&all.store),
        ["entry 10 is not the one that was sealed as the last"]
    );

    // One is put in between, and all behind it are made anew.
    let more = home();
    more.vandal()
        .execute_batch(
            "UPDATE history SET number = -number - 1 WHERE number > 4; UPDATE history SET number = -number WHERE number < 0;
             INSERT INTO history SELECT 5, happened, desk, person, via, what, previous, hash FROM history WHERE number = 4",
        )
        .unwrap();
    rehash(&more.vandal(), 5);
    assert_eq!(findings(&more.store), ["entry 11 is not sealed"]);

    // One is put in at the end.
    let tail = home();
    tail.vandal()
        .execute_batch(
            "INSERT INTO history SELECT 11, happened, desk, person, via, what, previous, hash FROM history WHERE number = 1",
        )
        .unwrap();
    rehash(&tail.vandal(), 11);
    assert_eq!(findings(&tail.store), ["entry 11 is not sealed"]);
    let appended = tail.store.write(|tx| tx.append(&entry(11)));
    assert!(
        matches!(
            &appended,
            Err(StoreError::Seal {
                fault: SealFault::Unsealed,
                ..
            })
        ),
        "{appended:?}"
    );

    // Whoever has the key as well can make all of it anew: only what somebody noted elsewhere tells.
    let keyed = home();
    let noted = verify(&keyed.store, None).head;
    alter(&keyed.vandal());
    let head = rehash(&keyed.vandal(), 4);
    let key = Key::open(keyed.path()).unwrap();
    let seal = crate::history::Seal::sign(head, &key);
    keyed
        .vandal()
        .execute(
            "UPDATE history_seal SET head = $1, signature = $2",
            [seal.head.hash.to_string(), seal.signature.to_string()],
        )
        .unwrap();
    assert!(verify(&keyed.store, None).is_whole());
    let found = verify(&keyed.store, Some(noted)).findings;
    assert_eq!(
        found,
        [Finding::Noted {
            noted,
            found: Some(head.hash)
        }]
    );
}

#[test]
fn a_head_that_was_noted() {
    let home = home();
    let entries = history(&home.store);
    let head = |count: usize, hash: &str| Head {
        entries: count as u64,
        hash: Digest::parse(hash).unwrap(),
    };
    for count in [1, 5, 10] {
        assert!(
            verify(&home.store, Some(head(count, &entries[count - 1].hash))).is_whole(),
            "{count}"
        );
    }
    assert!(verify(&home.store, Some(Head::EMPTY)).is_whole());
    for (noted, says) in [
        (
            head(5, &entries[5].hash),
            format!("the hash of entry 5 is now {}", entries[4].hash),
        ),
        (
            head(0, &entries[5].hash),
            format!("the hash of entry 0 is now {}", Head::EMPTY.hash),
        ),
        (head(11, &entries[9].hash), "there is no entry 11 any more".to_owned()),
    ] {
        let findings = verify(&home.store, Some(noted)).findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        let text = findings[0].to_string();
        assert!(text.contains(&says) && text.contains(&noted.to_string()), "{text}");
    }
}

#[test]
fn another_key_is_found_and_the_history_not_gone_on_with() {
    let home = home();
    let other = Store::open(home.path(), Arc::new(Key::of([9; 32]))).unwrap();
    let found = verify(&other, None).findings;
    assert!(
        matches!(&found[..], [Finding::Seal { why }] if why.contains("deskvault.key")),
        "{found:?}"
    );
    let appended = other.write(|tx| tx.append(&entry(11)));
    let Err(error @ StoreError::Seal { .. }) = appended else {
        panic!("{appended:?}")
    };
    let text = error.to_string();
    assert!(
        text.contains("deskvault.key") && text.contains("history reseal"),
        "{text}"
    );
    home.write(|tx| tx.append(&entry(11)));
    assert!(verify(&home.store, None).is_whole());
}

#[test]
fn going_on_hides_nothing() {
    let tail = home();
    tail.vandal()
        .execute("DELETE FROM history WHERE number > 8", [])
        .unwrap();
    let added = tail.write(|tx| tx.append(&entry(11)));
    assert_eq!(added.number, 11, "what is gone leaves a gap");
    assert_eq!(findings(&tail.store), ["entries 9 to 10 are missing"]);

    for sql in [
        "UPDATE history_seal SET entries = 9",
        "UPDATE history_seal SET signature = 'x'",
        "DELETE FROM history_seal",
    ] {
        let home = home();
        home.vandal().execute(sql, []).unwrap();
        let appended = home.store.write(|tx| tx.append(&entry(11)));
        assert!(matches!(appended, Err(StoreError::Seal { .. })), "{sql}: {appended:?}");
        assert_eq!(history(&home.store).len(), 10, "{sql}");
    }
}

#[test]
fn findings_are_counted_beyond_a_hundred() {
    let home = Home::new();
    for number in 1..=120 {
        home.write(|tx| tx.append(&entry(number)));
    }
    home.vandal().execute("UPDATE history SET person = 'root'", []).unwrap();
    let verified = verify(&home.store, None);
    assert_eq!((verified.findings.len(), verified.more), (100, 20));
}

#[test]
fn going_on_in_spite_of_a_broken_seal_stays_in_the_history() {
    let reseal = |store: &Store| store.write(|tx| tx.reseal(at(99), "山田", "command line"));
    let sound = home();
    assert!(
        reseal(&sound.store)
            .unwrap_or_else(|error: StoreError| panic!("{error}"))
            .is_none()
    );
    assert_eq!(
        history(&sound.store).len(),
        10,
        "nothing is done where nothing is broken"
    );

    for (sql, fault, before, sealed, others) in [
        ("DELETE FROM history_seal", SealFault::Missing, 10, None, &[][..]),
        (
            "UPDATE history_seal SET head = 'x'",
            SealFault::Unreadable,
            10,
            None,
            &[],
        ),
        (
            "UPDATE history_seal SET entries = 9",
            SealFault::Unfit,
            10,
            Some(9),
            &[],
        ),
        (
            "DELETE FROM history WHERE number > 8; UPDATE history_seal SET entries = 8",
            SealFault::Unfit,
            8,
            Some(8),
            &[],
        ),
        (
            "UPDATE history SET person = 'root' WHERE number = 4; DELETE FROM history_seal",
            SealFault::Missing,
            10,
            None,
            &["entry 4 was altered"],
        ),
        (
            "INSERT INTO history SELECT 11, happened, desk, person, via, what, previous, hash FROM history WHERE number = 1",
            SealFault::Unsealed,
            11,
            Some(10),
            &["entry 11 was altered"],
        ),
        (
            "UPDATE history SET hash = 'x' WHERE number = 10; UPDATE history_seal SET signature = head",
            SealFault::Unfit,
            10,
            Some(10),
            &["history entry 10"],
        ),
        (
            "DELETE FROM history; DELETE FROM history_seal",
            SealFault::Missing,
            0,
            None,
            &[],
        ),
    ] {
        let home = home();
        home.vandal().execute_batch(sql).unwrap();
        assert!(home.store.write(|tx| tx.append(&entry(11))).is_err(), "{sql}");
        let added = reseal(&home.store).unwrap_or_else(|error: StoreError| panic!("{sql}: {error}"));
        let Some(added) = added else { panic!("{sql}") };
        assert_eq!((added.number, added.user.as_str()), (before + 1, "山田"), "{sql}");
        let Happening::Resealed {
            fault: found,
            before: last,
            sealed: said,
        } = added.what
        else {
            panic!("{sql}")
        };
        assert_eq!(found, fault, "{sql}");
        assert!(last.starts_with(&format!("{before}:")), "{sql}: {last}");
        let said = said.and_then(|said| said.split_once(':')?.0.parse::<u64>().ok());
        assert_eq!(said, sealed, "{sql}");
        // From here on it goes on as ever, and what was is still told.
        home.write(|tx| tx.append(&entry(12)));
        let mut expected: Vec<String> = others.iter().map(ToString::to_string).collect();
        expected.push(format!("entry {} sealed the history anew", before + 1));
        assert_eq!(findings(&home.store), expected, "{sql}");
        let again = reseal(&home.store).unwrap_or_else(|error: StoreError| panic!("{sql}: {error}"));
        assert!(again.is_none(), "{sql}");
    }
}

#[test]
fn a_new_key_after_the_old_one_is_lost() {
    let lost = home();
    let folder = lost.path().to_owned();
    std::fs::remove_file(folder.join(crate::key::FILE)).unwrap();
    assert!(super::open(&folder).is_err());
    let store = Store::open(&folder, Arc::new(Key::renew(&folder).unwrap())).unwrap();
    assert!(store.write(|tx| tx.append(&entry(11))).is_err());
    store
        .write(|tx| tx.reseal(at(99), "山田", "command line"))
        .unwrap_or_else(|error: StoreError| panic!("{error}"));
    drop(store);
    let store = super::open(&folder).unwrap();
    store.write(|tx| tx.append(&entry(12))).unwrap();
    assert_eq!(findings(&store), ["entry 11 sealed the history anew"]);
    assert!(
        lost.store.write(|tx| tx.append(&entry(13))).is_err(),
        "whoever still has the old key is refused"
    );
}
