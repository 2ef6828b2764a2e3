use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use super::{FILE, Key, KeyError};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    (folder, file)
}

fn put(file: &Path, content: impl AsRef<[u8]>, mode: u32) {
    fs::write(file, content).unwrap();
    fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn refused(key: Result<Key, KeyError>) -> String {
    match key {
        Ok(_) => panic!("a key"),
        Err(error) => crate::chain(&error),
    }
}

#[test]
fn is_made_once_and_is_its_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data/deskvault");
    assert!(Key::existing(&folder).unwrap().is_none());
    assert!(!folder.exists(), "looking makes nothing");
    let first = Key::open(&folder).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder.join(FILE)), mode(&folder)), (0o600, 0o700));
    let again = Key::open(&folder).unwrap();
    let existing = Key::existing(&folder).unwrap().unwrap();
    assert!(first.0 == again.0 && first.0 == existing.0);
    let other = Key::open(&parent.path().join("other")).unwrap();
    assert!(first.0 != other.0);
    let names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [FILE], "nothing is left beside it");
}

#[test]
fn all_who_start_at_once_get_the_same() {
    for _ in 0..50 {
        let (folder, _) = folder();
        let barrier = Barrier::new(8);
        let keys: Vec<Key> = std::thread::scope(|scope| {
            let open = || {
                barrier.wait();
                Key::open(folder.path()).unwrap()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| key.0 == keys[0].0));
    }
}

#[test]
fn what_is_no_key_is_refused_in_words() {
    let hex = "0123456789abcdef".repeat(4);
    for (content, is_key) in [
        (format!("{hex}\n"), true),
        (hex.clone(), false),
        (format!("{hex}\n\n"), false),
        (format!("{}\n", &hex[1..]), false),
        (format!("{hex}0\n"), false),
        (format!("{}\n", hex.replace('a', "g")), false),
        (hex.replace('0', "é"), false),
        (String::new(), false),
        ("x".repeat(100_000), false),
    ] {
        let (folder, file) = folder();
        put(&file, &content, 0o600);
        let key = Key::open(folder.path());
        if is_key {
            assert!(key.is_ok());
        } else {
            let text = refused(key);
            assert!(
                text.contains(FILE) && text.contains("holds no key") && text.contains("put it back"),
                "{text}"
            );
            assert!(!text.contains("cdef"), "what is in it is not shown: {text}");
            assert_eq!(fs::read_to_string(&file).unwrap(), content, "it is left as it was");
        }
    }
    let (folder, file) = folder();
    fs::create_dir(&file).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o700)).unwrap();
    assert!(refused(Key::open(folder.path())).contains("cannot read"));
}

#[test]
fn one_that_others_may_use_is_refused() {
    for mode in [0o640, 0o604, 0o660, 0o644, 0o666, 0o610] {
        let (folder, file) = folder();
        Key::open(folder.path()).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let text = refused(Key::open(folder.path()));
        assert!(
            text.contains("chmod 600") && text.contains(&format!("{mode:o}")),
            "{text}"
        );
        fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
        assert!(Key::open(folder.path()).is_ok());
    }
}

#[test]
fn no_new_key_for_a_database_of_an_old_one() {
    let (folder, file) = folder();
    Key::open(folder.path()).unwrap();
    fs::write(folder.path().join(crate::store::FILE), "").unwrap();
    assert!(Key::open(folder.path()).is_ok());
    fs::remove_file(&file).unwrap();
    let text = refused(Key::open(folder.path()));
    assert!(text.contains("is missing") && text.contains("put it back"), "{text}");
    assert!(!file.exists());
}

#[test]
fn a_database_that_is_gone_is_not_begun_anew_under_its_key() {
    let (folder, file) = folder();
    let first = Key::open(folder.path()).unwrap();
    // A first start that was interrupted behind the key.
    assert!(Key::open(folder.path()).unwrap().0 == first.0);
    fs::write(folder.path().join(".deskvault-main.lock"), "").unwrap();
    let text = refused(Key::open(folder.path()));
    assert!(
        text.contains("deskvault.db is missing") && text.contains("away"),
        "{text}"
    );
    let database = folder.path().join(crate::store::FILE);
    fs::write(&database, "").unwrap();
    let text = refused(Key::open(folder.path()));
    assert!(text.contains("missing or empty"), "{text}");
    fs::write(&database, "SQLite").unwrap();
    assert!(Key::open(folder.path()).unwrap().0 == first.0);
    // What the error says to do.
    fs::remove_file(&database).unwrap();
    fs::remove_file(&file).unwrap();
    assert!(Key::open(folder.path()).unwrap().0 != first.0);
}

#[test]
fn signs_as_hmac_sha_256_does() {
    // RFC 4231, test case 2, with the key filled up with zeros, which HMAC does itself.
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(b"Jefe");
    let known = super::mac(&bytes, b"what do ya want for nothing?");
    assert_eq!(
        crate::archive::Digest(known).to_string(),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    let key = Key::of([7; 32]);
    let signature = key.sign("link", b"archive 1");
    assert_eq!(signature, super::mac(&super::mac(&[7; 32], b"link"), b"archive 1"));
    assert!(key.check("link", b"archive 1", &signature));
    for (purpose, bytes, signature) in [
        ("seal", &b"archive 1"[..], &signature[..]),
        ("link", b"archive 2", &signature),
        ("link", b"archive 1", &signature[..31]),
        ("link", b"archive 1", &[]),
    ] {
        assert!(!key.check(purpose, bytes, signature), "{purpose} {bytes:?}");
    }
    for at in 0..32 {
        let mut wrong = signature;
        wrong[at] ^= 1;
        assert!(!key.check("link", b"archive 1", &wrong), "{at}");
    }
    assert!(!Key::of([8; 32]).check("link", b"archive 1", &signature));
}
