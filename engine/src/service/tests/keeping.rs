//! Archives at rest.

use super::*;
use crate::links::LinkError;
use crate::store::Removal;

fn home() -> Home {
    let home = Home::new();
    home.full().unwrap();
    home
}

fn file(home: &Home) -> PathBuf {
    home.service.folder().join(&home.archives()[0])
}

fn download(home: &Home, to: &Path) -> Result<PathBuf, ServiceError> {
    let cancel = CancellationToken::new();
    home.service.download(1, to, &machine(), &Silent, &cancel)
}

#[test]
fn an_archive_expires_at_its_moment() {
    let home = home();
    let expires = later(home.now(), days(7));
    assert_eq!(home.service.next_expiry().unwrap(), Some(expires));
    home.set(Timestamp::from_micros(expires.micros() - 1));
    assert!(home.service.expire().unwrap().is_empty());
    assert_eq!(home.service.list(None, false, &machine()).unwrap().len(), 1);
    home.set(expires);
    // Also before anybody came to remove it.
    assert!(home.service.list(None, false, &machine()).unwrap().is_empty());
    let to = home.folder.path().join("out.zip");
    assert!(matches!(download(&home, &to), Err(ServiceError::NoArchive { .. })));
    assert_eq!(home.service.expire().unwrap(), [1]);
    assert!(home.archives().is_empty());
    assert!(home.service.expire().unwrap().is_empty(), "once");
    assert_eq!(home.history(), ["backup_started", "data_ready", "expired"]);
    let kept = home.service.list(None, true, &machine()).unwrap();
    assert_eq!(kept[0].removed, Some((expires, Removal::Expired)));
    assert_eq!(home.service.next_expiry().unwrap(), None);
}

#[test]
fn how_long_it_is_kept_is_configured() {
    let home = Home::with("[archive]\nexpire_after = \"1d\"\n");
    assert_eq!(home.full().unwrap().expires, Some(later(home.now(), days(1))));
}

#[test]
fn one_that_expired_and_was_taken_away_expires_all_the_same() {
    let home = home();
    fs::remove_file(file(&home)).unwrap();
    home.wait(days(8));
    assert_eq!(home.service.expire().unwrap(), [1]);
    assert_eq!(home.backup(1).removed.unwrap().1, Removal::Expired);
}

#[test]
fn elsewhere_it_never_expires() {
    let home = Home::new();
    let out = home.folder.path().join("elsewhere");
    let wish = Wish {
        out: Some(out.clone()),
        ..full()
    };
    assert_eq!(home.back_up(&wish).unwrap().expires, None);
    assert_eq!((zips(&out).len(), home.archives().len()), (1, 0));
    home.wait(days(1000));
    assert!(home.service.expire().unwrap().is_empty());
    home.service.delete(1, &machine()).unwrap();
    assert!(zips(&out).is_empty());
}

#[test]
fn the_data_directory_by_another_name_is_not_elsewhere() {
    let home = Home::new();
    let link = home.folder.path().join("link");
    std::os::unix::fs::symlink(home.service.folder(), &link).unwrap();
    let wish = Wish {
        out: Some(link),
        ..full()
    };
    assert!(home.back_up(&wish).unwrap().expires.is_some());
    assert_eq!(home.backup(1).archive.unwrap().file, home.archives()[0]);
}

#[test]
fn a_download_is_what_was_published() {
    let home = home();
    let folder = home.folder.path().join("out");
    fs::create_dir(&folder).unwrap();
    let into = download(&home, &folder).unwrap();
    assert_eq!(into, folder.join(&home.archives()[0]));
    assert_eq!(fs::read(&into).unwrap(), fs::read(file(&home)).unwrap());
    let named = home.folder.path().join("a.zip");
    assert_eq!(download(&home, &named).unwrap(), named);
    assert!(download(&home, &named).is_err(), "what is there is not replaced");
    assert_eq!(home.history()[2..], ["download_started"; 3]);
}

#[test]
fn a_damaged_archive_is_not_handed_out() {
    let home = home();
    let mut bytes = fs::read(file(&home)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(file(&home), bytes).unwrap();
    let to = home.folder.path().join("a.zip");
    let damaged = download(&home, &to);
    assert!(matches!(damaged, Err(ServiceError::Damaged { .. })), "{damaged:?}");
    assert!(!to.exists());
    assert_eq!(home.archives().len(), 1, "it is still there");
}

#[test]
fn what_is_gone_is_told_of_by_whoever_wants_it() {
    let to = |home: &Home| home.folder.path().join("a.zip");
    let first = home();
    fs::remove_file(file(&first)).unwrap();
    assert!(matches!(
        download(&first, &to(&first)),
        Err(ServiceError::Missing { .. })
    ));
    assert_eq!(first.history()[2..], ["missing"], "and no download started");
    assert!(matches!(
        download(&first, &to(&first)),
        Err(ServiceError::NoArchive { .. })
    ));

    let second = home();
    fs::remove_file(file(&second)).unwrap();
    assert_eq!(second.service.delete(1, &machine()).unwrap(), Removal::Missing);
    assert_eq!(second.history()[2..], ["missing"]);
}

#[test]
fn a_deleted_archive_is_gone_for_good() {
    let home = home();
    assert_eq!(home.service.delete(1, &machine()).unwrap(), Removal::Deleted);
    assert!(home.archives().is_empty());
    let again = home.service.delete(1, &machine());
    assert!(
        matches!(&again, Err(ServiceError::NoArchive { why, .. }) if why.starts_with("it was deleted on")),
        "{again:?}"
    );
    assert!(matches!(
        home.service.delete(7, &machine()),
        Err(ServiceError::NoSuchBackup { id: 7 })
    ));
    assert_eq!(home.history(), ["backup_started", "data_ready", "deleted"]);
}

#[test]
fn what_can_not_be_removed_is_not_called_removed() {
    let home = home();
    let name = home.archives()[0].clone();
    let path = file(&home);
    // A folder in its place, which nothing here would remove.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("x"), "x").unwrap();
    assert!(home.service.delete(1, &machine()).is_err());
    home.wait(days(31));
    home.full().unwrap();
    home.wait(days(8));
    // Another one goes all the same.
    assert_eq!(home.service.expire().unwrap(), [2]);
    for _ in 0..2 {
        let error = home.service.expire().unwrap_err();
        assert!(matches!(error, ServiceError::Shelf(_)), "{error:?}");
    }
    let backup = home.backup(1);
    assert_eq!((backup.removed, backup.archive.unwrap().file), (None, name));
    let both = [
        "backup_started",
        "data_ready",
        "backup_started",
        "data_ready",
        "expired",
    ];
    assert_eq!(home.history(), both);
}

#[test]
fn a_link_dies_with_its_archive_or_earlier() {
    let home = home();
    let start = home.now();
    let service = &home.service;
    let (long, until) = service.link(1, None, &machine()).unwrap();
    assert_eq!(until, later(start, days(7)));
    let (short, until) = service.link(1, Some(days(2)), &machine()).unwrap();
    assert_eq!(until, later(start, days(2)));
    let (_, until) = service.link(1, Some(days(70)), &machine()).unwrap();
    assert_eq!(until, later(start, days(7)), "not beyond the archive");
    let id = service.open_link(&short).unwrap();
    let to = home.folder.path().join("a.zip");
    service
        .download(id, &to, &Actor::Link, &Silent, &CancellationToken::new())
        .unwrap();
    assert_eq!(
        home.history()[2..],
        ["link_made", "link_made", "link_made", "download_started"]
    );
    home.wait(days(2));
    let dead = service.open_link(&short);
    assert!(
        matches!(dead, Err(ServiceError::Link(LinkError::Expired { .. }))),
        "{dead:?}"
    );
    // A living link to an archive that is gone leads nowhere.
    let id = service.open_link(&long).unwrap();
    service.delete(id, &machine()).unwrap();
    let to = home.folder.path().join("b.zip");
    let gone = service.download(id, &to, &Actor::Link, &Silent, &CancellationToken::new());
    assert!(matches!(gone, Err(ServiceError::NoArchive { .. })), "{gone:?}");
    assert!(!to.exists());
    assert!(service.open_link(&long.replace("archives/1", "archives/2")).is_err());
    assert!(matches!(
        service.link(1, None, &machine()),
        Err(ServiceError::NoArchive { .. })
    ));
}
