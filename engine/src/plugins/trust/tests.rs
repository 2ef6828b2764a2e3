use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Pin, Rules, Standing, Trust};
use crate::plugins::opened::Opened;
use crate::plugins::refusal::Reason;

/// A folder that is nobody else's, with a library in it.
fn library() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().canonicalize().unwrap().join("libx.so");
    fs::write(&file, "library").unwrap();
    mode(&file, 0o644);
    (folder, file)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn check(trust: &Trust, file: &Path) -> Result<Standing, String> {
    let opened = Opened::open(file).unwrap();
    trust.check(&opened, file).map_err(|reason| reason.to_string())
}

fn pinned(file: &Path) -> Pin {
    Pin {
        file: file.to_owned(),
        sha256: Opened::open(file).unwrap().sha256().unwrap(),
    }
}

/// The rules of an installation in this folder, whose program has this mode.
fn installed_in(folder: &Path, program: u32, pins: Vec<Pin>, require: Option<bool>) -> Trust {
    let executable = folder.join("deskvault");
    fs::write(&executable, "program").unwrap();
    mode(&executable, program);
    Trust {
        rules: Some(Rules {
            require,
            pins,
            installation: vec![folder.canonicalize().unwrap()],
            executable: fs::metadata(&executable).ok(),
            user: rustix::process::geteuid().as_raw(),
        }),
    }
}

#[test]
fn outside_the_installation_trust_is_required_unless_it_is_said_otherwise() {
    let (_folder, file) = library();
    for (require, expected) in [
        (None, Err("plugins trust FILE")),
        (Some(true), Err("plugins trust FILE")),
        (Some(false), Ok(Standing::NotRequired)),
    ] {
        match (check(&Trust::new(require, Vec::new()), &file), expected) {
            (Err(said), Err(words)) => assert!(said.contains("is not trusted") && said.contains(words), "{said}"),
            (found, expected) => assert_eq!(found.ok(), expected.ok(), "{require:?}"),
        }
        assert_eq!(
            check(&Trust::new(require, vec![pinned(&file)]), &file),
            Ok(Standing::Trusted)
        );
    }
    assert_eq!(check(&Trust::blind(), &file), Ok(Standing::NotRequired));
}

#[test]
fn in_the_installation_it_is_not_required() {
    let (folder, file) = library();
    let trust = |require| installed_in(folder.path(), 0o755, Vec::new(), require);
    assert_eq!(check(&trust(None), &file), Ok(Standing::Installed));
    assert_eq!(check(&trust(Some(false)), &file), Ok(Standing::Installed));
    assert!(check(&trust(Some(true)), &file).is_err());
}

#[test]
fn a_file_that_was_trusted_and_is_another_is_refused_wherever_it_is() {
    let (folder, file) = library();
    let pin = pinned(&file);
    fs::write(&file, "another").unwrap();
    for trust in [
        Trust::new(None, vec![pin.clone()]),
        Trust::new(Some(false), vec![pin.clone()]),
        installed_in(folder.path(), 0o755, vec![pin.clone()], None),
    ] {
        let said = check(&trust, &file).unwrap_err();
        assert!(
            said.contains("not the file that was trusted") && said.contains(&pin.sha256.to_string()),
            "{said}"
        );
    }
    // The same bytes under another name were not trusted there.
    let other = file.with_file_name("liby.so");
    fs::write(&other, "library").unwrap();
    assert!(check(&Trust::new(None, vec![pin]), &other).is_err());
}

#[test]
fn what_others_may_write_is_refused_by_name() {
    let (folder, file) = library();
    let pins = vec![pinned(&file)];
    let trust = Trust::new(None, pins.clone());
    for (on, bad, good) in [
        (&file, 0o664, 0o644),
        (&file, 0o646, 0o644),
        (&folder.path().to_owned(), 0o770, 0o700),
        (&folder.path().to_owned(), 0o707, 0o700),
    ] {
        mode(on, bad);
        let said = check(&trust, &file).unwrap_err();
        assert!(
            said.contains("could be replaced by others") && said.contains(&on.display().to_string()),
            "{said}"
        );
        mode(on, good);
        assert_eq!(check(&trust, &file), Ok(Standing::Trusted));
    }
    // In such a folder nobody replaces what is another's.
    mode(folder.path(), 0o1777);
    assert_eq!(check(&trust, &file), Ok(Standing::Trusted));
    mode(folder.path(), 0o700);

    // Who may replace the program may replace its plugins: a umask of 002 harms nobody.
    mode(&file, 0o664);
    assert!(check(&installed_in(folder.path(), 0o755, Vec::new(), None), &file).is_err());
    assert!(check(&installed_in(folder.path(), 0o775, Vec::new(), None), &file).is_ok());
    mode(&file, 0o666);
    assert!(check(&installed_in(folder.path(), 0o777, Vec::new(), None), &file).is_err());
}

#[test]
fn a_link_is_followed_to_the_file_and_its_own_folder_counts() {
    let (_folder, file) = library();
    let (links, _) = library();
    let link = links.path().join("libz.so");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let trust = Trust::new(None, vec![pinned(&file)]);
    assert_eq!(check(&trust, &link), Ok(Standing::Trusted), "by where it leads to");
    mode(links.path(), 0o777);
    assert!(check(&trust, &link).unwrap_err().contains("could be replaced"));
}

#[test]
fn what_belongs_to_somebody_else_is_refused() {
    let (_folder, file) = library();
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can give a file away");
        return;
    }
    let trust = Trust::new(Some(false), Vec::new());
    std::os::unix::fs::chown(&file, Some(12_345), None).unwrap();
    let said = check(&trust, &file).unwrap_err();
    assert!(said.contains("number 12345") && said.contains("libx.so"), "{said}");
}

#[test]
fn the_file_that_was_opened_is_the_one_that_is_hashed() {
    let (_folder, file) = library();
    let opened = Opened::open(&file).unwrap();
    let before = opened.sha256().unwrap();
    fs::write(file.with_extension("new"), "another").unwrap();
    fs::rename(file.with_extension("new"), &file).unwrap();
    assert_eq!(opened.sha256().unwrap(), before);
    assert_eq!(fs::read(opened.path()).unwrap(), b"library", "what is loaded");
    let opened = Opened::open(&file).unwrap();
    assert!(opened.is_unchanged().unwrap());
    fs::write(&file, "in place!").unwrap();
    assert!(!opened.is_unchanged().unwrap());
}

#[test]
fn what_is_no_plugin_cannot_be_trusted() {
    let (folder, file) = library();
    let refusal = super::pin(&file).unwrap_err();
    assert!(matches!(refusal.reason, Reason::NotALibrary(_)), "{refusal}");
    assert!(super::pin(&folder.path().join("gone.so")).is_err());
    assert!(super::pin(folder.path()).is_err());
}
