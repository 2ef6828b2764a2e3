use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

const NAME: &str = "20077001-0a1b2c3d";

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("credits");
    (folder, below)
}

/// Says that so much is under way; gives what others have.
fn say(ledger: &Ledger, own: u64) -> u64 {
    ledger.update(|_, others| (own, others)).unwrap().unwrap()
}

#[test]
fn who_shares_sees_what_others_have_under_way_until_they_are_gone() {
    let (_kept, folder) = folder();
    let one = Ledger::open(&folder, NAME).unwrap();
    let two = Ledger::open(&folder, NAME).unwrap();
    let elsewhere = Ledger::open(&folder, "20077001-ffffffff").unwrap();
    assert_eq!(say(&elsewhere, 1_000), 0);
    assert_eq!(say(&one, 30), 0);
    assert_eq!(say(&two, 5), 30);
    assert_eq!(say(&one, 0), 5);
    assert_eq!(say(&two, 5), 0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(NAME))), (0o700, 0o600));
    // It ends without a word: only its lock goes.
    say(&one, 70);
    let (left, name) = (one.file.try_clone().unwrap(), one.name.clone());
    one.own.unlock().unwrap();
    std::mem::forget(one);
    assert_eq!(say(&two, 5), 0);
    assert!(!folder.join(name).exists());
    drop((left, two, elsewhere));
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        2,
        "the files of the two organisations"
    );
}

#[test]
fn what_stands_in_the_file_is_taken_for_nothing_unless_it_is_sound() {
    let (_kept, folder) = folder();
    let ledger = Ledger::open(&folder, NAME).unwrap();
    let many: Vec<String> = (0..300).map(|number| format!("\"{NAME}.{number:016x}\":1")).collect();
    let page = |reserved: &str| format!(r#"{{"epoch":1,"left":2,"largest":3,"at":4,"reserved":{{{reserved}}}}}"#);
    for (text, sound) in [
        (String::new(), false),
        ("{".into(), false),
        ("null".into(), false),
        ("\0\0\0\0".into(), false),
        (page(""), true),
        (page("") + "   ", true),
        (page("") + "x", false),
        (page(&format!("\"{NAME}.0123456789abcdef\":7")), true),
        (page("\"../../etc/passwd\":7"), false),
        (page(&format!("\"{NAME}.0123456789ABCDEF\":7")), false),
        (page(&many.join(",")), false),
        (page("").replace('1', "-1"), false),
        (page("").replace("\"at\"", "\"at\":1,\"more\""), false),
        (" ".repeat(100_000), false),
    ] {
        fs::write(folder.join(NAME), &text).unwrap();
        let (read, _) = ledger.read().unwrap();
        assert_eq!(read != Page::default(), sound, "{text:.80}");
        // And it is written over.
        let written = ledger.update(|page, others| {
            assert_eq!(others, 0);
            page.epoch = 9;
            (1, ())
        });
        assert_eq!(written.unwrap(), Some(()));
        let (read, length) = ledger.read().unwrap();
        assert_eq!((read.epoch, read.reserved.len()), (9, 1), "{text:.80}");
        assert!(length <= LONGEST);
    }
}

#[test]
fn nothing_but_files_is_opened_and_a_stuck_one_is_not_waited_for() {
    let (kept, folder) = folder();
    fs::create_dir(&folder).unwrap();
    let secret = kept.path().join("secret");
    fs::write(&secret, "x").unwrap();
    symlink(&secret, folder.join(NAME)).unwrap();
    assert!(Ledger::open(&folder, NAME).is_err());
    assert_eq!(fs::read_to_string(&secret).unwrap(), "x");
    assert!(Ledger::open(&secret, NAME).is_err());
    let other = "1-00000000";
    let ledger = Ledger::open(&folder, other).unwrap();
    let holder = File::open(folder.join(other)).unwrap();
    holder.lock().unwrap();
    assert_eq!(ledger.update(|_, _| (1, ())).unwrap(), None);
    holder.unlock().unwrap();
    assert_eq!(ledger.update(|_, _| (1, ())).unwrap(), Some(()));
}

#[test]
fn names_tell_organisations_and_places_apart() {
    let eu = name("20077001", "https://desk.zoho.eu/api/v1");
    assert_ne!(eu, name("20077001", "https://desk.zoho.com/api/v1"));
    assert!(eu.starts_with("20077001-") && eu.len() == 17, "{eu}");
    assert!(is_member(&eu, &format!("{eu}.0123456789abcdef")));
    assert!(name(&"9".repeat(90), "x").len() <= 29);
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let page = Page {
        at: at("2026-11-23T22:30:00Z").micros(),
        ..Page::default()
    };
    let zone = super::super::day::zone("https://accounts.zoho.eu");
    for (now, fresh) in [
        ("2026-11-23T22:59:00Z", true),
        ("2026-11-23T23:00:00Z", false),
        ("2026-11-23T22:29:00Z", true),
        ("2026-11-23T12:00:00Z", false),
        ("2026-11-24T22:30:00Z", false),
    ] {
        assert_eq!(is_fresh(&page, at(now), zone), fresh, "{now}");
    }
}
