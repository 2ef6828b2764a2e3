//! The shelf on a real folder.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{PIECE, Shelf, ShelfError, free};
use crate::archive::Digest;

const NAME: &str = "サポート-full-20260102T030405Z.zip";

/// A shelf with one archive of so many bytes.
fn shelf(length: u64) -> (TempDir, Shelf, Digest) {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
    fs::write(folder.path().join(NAME), bytes).unwrap();
    let digest = Digest::of_file(&folder.path().join(NAME)).unwrap();
    let shelf = Shelf::open(folder.path()).unwrap();
    (folder, shelf, digest)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn download(shelf: &Shelf, name: &str, digest: &Digest, to: &Path) -> Result<u64, ShelfError> {
    shelf.download(name, digest, to, &|_, _| {}, &CancellationToken::new())
}

#[test]
fn an_archive_is_read_out_whole_and_told_on_the_way() {
    for length in [0, 1, PIECE - 1, PIECE, 2 * PIECE + 7] {
        let (folder, shelf, digest) = shelf(length);
        let out = tempfile::tempdir().unwrap();
        let to = out.path().join("copy.zip");
        let told = RefCell::new(Vec::new());
        let progress = |done, total| told.borrow_mut().push((done, total));
        let copied = shelf.download(NAME, &digest, &to, &progress, &CancellationToken::new());
        assert_eq!(copied.unwrap(), length);
        assert_eq!(fs::read(&to).unwrap(), fs::read(folder.path().join(NAME)).unwrap());
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        let told = told.into_inner();
        assert_eq!(told.first(), Some(&(0, length)));
        assert_eq!(told.last(), Some(&(length, length)));
        assert!(told.is_sorted());
        assert_eq!(names(out.path()), ["copy.zip"]);
        assert_eq!(shelf.size(NAME).unwrap(), Some(length));
    }
}

#[test]
fn what_is_not_what_was_published_is_not_given_out() {
    let (folder, shelf, digest) = shelf(PIECE + 1);
    let path = folder.path().join(NAME);
    let mut bytes = fs::read(&path).unwrap();
    bytes[PIECE as usize] ^= 1;
    fs::write(&path, bytes).unwrap();
    let out = tempfile::tempdir().unwrap();
    let error = download(&shelf, NAME, &digest, &out.path().join("copy.zip")).unwrap_err();
    assert!(
        matches!(&error, ShelfError::Damaged { path: found, expected, .. } if *found == path && *expected == digest),
        "{error}"
    );
    assert!(names(out.path()).is_empty());
}

#[test]
fn an_existing_file_is_not_replaced() {
    let (_folder, shelf, digest) = shelf(10);
    let out = tempfile::tempdir().unwrap();
    let to = out.path().join("copy.zip");
    fs::write(&to, "precious").unwrap();
    assert!(matches!(download(&shelf, NAME, &digest, &to), Err(ShelfError::Exists(path)) if path == to));
    // One that comes while it is copied.
    fs::remove_file(&to).unwrap();
    let appears = |_, _| fs::write(&to, "precious").unwrap();
    let result = shelf.download(NAME, &digest, &to, &appears, &CancellationToken::new());
    assert!(matches!(result, Err(ShelfError::Exists(_))));
    assert_eq!(fs::read(&to).unwrap(), b"precious");
    assert_eq!(names(out.path()), ["copy.zip"]);
}

#[test]
fn a_cancelled_copy_leaves_nothing() {
    for cancelled_at in [0, PIECE, PIECE + 1] {
        let (_folder, shelf, digest) = shelf(PIECE + 1);
        let out = tempfile::tempdir().unwrap();
        let cancel = CancellationToken::new();
        let progress = |done, _| {
            if done == cancelled_at {
                cancel.cancel();
            }
        };
        let result = shelf.download(NAME, &digest, &out.path().join("copy.zip"), &progress, &cancel);
        assert!(matches!(result, Err(ShelfError::Cancelled)), "{result:?}");
        assert!(names(out.path()).is_empty());
    }
}

#[test]
fn to_remove_is_to_remove_once() {
    let (folder, shelf, digest) = shelf(10);
    assert!(shelf.delete(NAME).unwrap());
    assert!(!shelf.delete(NAME).unwrap());
    assert_eq!(shelf.size(NAME).unwrap(), None);
    let to = folder.path().join("copy.zip");
    let path = folder.path().join(NAME);
    assert!(matches!(download(&shelf, NAME, &digest, &to), Err(ShelfError::Missing(missing)) if missing == path));
    // The folder itself is gone.
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(!shelf.delete(NAME).unwrap());
    assert_eq!(shelf.size(NAME).unwrap(), None);
}

#[test]
fn an_archive_that_was_put_elsewhere_is_found_by_its_whole_path() {
    let (_folder, shelf, _) = shelf(10);
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("main #1-full-20260102T030405Z.zip");
    fs::write(&path, "12345").unwrap();
    let name = path.to_str().unwrap();
    assert_eq!(shelf.path(name).unwrap(), path);
    assert_eq!(shelf.size(name).unwrap(), Some(5));
    assert_eq!(
        shelf.size("main-full-20260102T030405Z.zip").unwrap(),
        None,
        "not in the folder"
    );
    assert!(shelf.delete(name).unwrap());
    assert!(names(elsewhere.path()).is_empty());
}

#[test]
fn names_that_no_archive_has_reach_nothing() {
    let (folder, shelf, digest) = shelf(10);
    fs::write(folder.path().join("deskvault.key"), "secret").unwrap();
    fs::write(folder.path().join(".hidden.zip"), "hidden").unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/a.zip"), "a").unwrap();
    let inside = folder.path().to_str().unwrap().to_owned();
    for name in [
        "",
        ".",
        "..",
        ".zip",
        "deskvault.key",
        "deskvault.db",
        ".hidden.zip",
        "sub/a.zip",
        "./a.zip",
        "../a.zip",
        "sub/../a.zip",
        "a\n.zip",
        "a\0.zip",
        "a.zip/",
        "/",
        "/a/../b.zip",
        "/./b.zip",
        &format!("{inside}/sub/../{NAME}"),
        &format!("{inside}/deskvault.key"),
    ] {
        assert!(matches!(shelf.path(name), Err(ShelfError::Name(_))), "{name:?}");
        assert!(matches!(shelf.size(name), Err(ShelfError::Name(_))), "{name:?}");
        assert!(matches!(shelf.delete(name), Err(ShelfError::Name(_))), "{name:?}");
        let copied = download(&shelf, name, &digest, &folder.path().join("copy"));
        assert!(matches!(copied, Err(ShelfError::Name(_))), "{name:?}");
    }
    assert_eq!(names(folder.path()).len(), 4);
}

#[test]
fn neither_a_link_nor_a_folder_is_an_archive() {
    let (folder, shelf, digest) = shelf(10);
    symlink(folder.path().join(NAME), folder.path().join("link.zip")).unwrap();
    fs::create_dir(folder.path().join("folder.zip")).unwrap();
    let out = tempfile::tempdir().unwrap();
    for name in ["link.zip", "folder.zip"] {
        assert!(matches!(shelf.size(name), Err(ShelfError::Io { .. })), "{name}");
        assert!(matches!(shelf.delete(name), Err(ShelfError::Io { .. })), "{name}");
        assert!(
            download(&shelf, name, &digest, &out.path().join("copy.zip")).is_err(),
            "{name}"
        );
    }
    assert_eq!(names(folder.path()).len(), 3);
    assert!(names(out.path()).is_empty());
}

#[test]
fn room_is_that_of_the_disk_also_before_the_folder_is_there() {
    let (folder, shelf, _) = shelf(1);
    assert!(shelf.free().unwrap() > 0);
    assert!(free(&folder.path().join("not/yet")).unwrap() > 0);
    assert!(free(Path::new("not-yet")).unwrap() > 0);
    // A file system that has no room for anything.
    assert_eq!(free(Path::new("/proc")).unwrap(), 0);
}
