//! Power is lost at any step of a checkpoint and of a publication: what was kept is there, and what is published is whole.
//!
//! Only what was brought to the disk is certain to remain. Of the rest, a test tries the extremes: nothing, all, names without
//! their content, and old and new names together.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use plugin_api::Value;
use tokio_util::sync::CancellationToken;

use super::{head, outcome, settings, tickets};
use crate::archive::durable::watched::watch;
use crate::archive::settings::Settings;
use crate::archive::{
    ArchiveError, Held, Prepared, Resumption, State, TableMark, TableWriter, Writer, forget_tails, reserve, settle,
};

/// What is certain to be on the disk.
#[derive(Default)]
struct Disk {
    /// Content by the number of a file, which is held so that no other file gets its number.
    files: BTreeMap<u64, (File, Vec<u8>)>,
    folders: BTreeMap<PathBuf, BTreeMap<OsString, u64>>,
}

/// What remains of what was not brought to the disk.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Nothing,
    All,
    /// Names and lengths are there, and zeros in place of the content.
    Names,
    /// What was renamed or removed has its old name too.
    OldNames,
}

const RESTS: [Rest; 4] = [Rest::Nothing, Rest::All, Rest::Names, Rest::OldNames];

fn listing(folder: &Path) -> BTreeMap<OsString, u64> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name(), entry.metadata().unwrap().ino()))
        .collect()
}

impl Disk {
    fn brought(&mut self, path: &Path) {
        if path.is_dir() {
            self.folders.insert(path.to_path_buf(), listing(path));
        } else {
            let file = File::open(path).unwrap();
            let number = file.metadata().unwrap().ino();
            self.files.insert(number, (file, fs::read(path).unwrap()));
        }
    }

    /// What remains of a folder, put into another one.
    fn remains(&self, from: &Path, to: &Path, rest: Rest) {
        fs::create_dir_all(to).unwrap();
        let mut names = self.folders.get(from).cloned().unwrap_or_default();
        let now = if from.is_dir() { listing(from) } else { BTreeMap::new() };
        match rest {
            Rest::Nothing => {}
            Rest::All | Rest::Names => names = now,
            Rest::OldNames => names.extend(now),
        }
        for (name, number) in names {
            let (old, new) = (from.join(&name), to.join(&name));
            let is_folder = old.is_dir();
            if is_folder {
                self.remains(&old, &new, rest);
                continue;
            }
            let certain = self
                .files
                .get(&number)
                .map(|(_, bytes)| bytes.clone())
                .unwrap_or_default();
            let now = fs::read(&old).unwrap_or_default();
            let content = match rest {
                Rest::All if old.exists() => now,
                Rest::Names => {
                    let mut torn = certain;
                    torn.resize(torn.len().max(now.len()), 0);
                    torn
                }
                Rest::Nothing | Rest::All | Rest::OldNames => certain,
            };
            fs::write(new, content).unwrap();
        }
    }
}

/// What remained of a loss of power, and the marks that were kept by then.
struct Loss {
    folder: PathBuf,
    rest: Rest,
    marks: Vec<TableMark>,
}

/// The losses of power that a test tries: one before each time that something is brought to the disk.
struct Losses {
    root: PathBuf,
    copies: tempfile::TempDir,
    disk: Disk,
    marks: Vec<TableMark>,
    found: Vec<Loss>,
}

impl Losses {
    fn of(root: &Path) -> Arc<Mutex<Self>> {
        let losses = Arc::new(Mutex::new(Self {
            root: root.to_path_buf(),
            copies: tempfile::tempdir().unwrap(),
            disk: Disk::default(),
            marks: Vec::new(),
            found: Vec::new(),
        }));
        let told = Arc::clone(&losses);
        watch(root, move |path| {
            let mut losses = told.lock().unwrap();
            losses.lose();
            losses.disk.brought(path);
            Ok(())
        });
        losses
    }

    fn lose(&mut self) {
        for rest in RESTS {
            let folder = self.copies.path().join(self.found.len().to_string());
            self.disk.remains(&self.root, &folder, rest);
            self.found.push(Loss {
                folder,
                rest,
                marks: self.marks.clone(),
            });
        }
    }
}

const ROWS: u64 = 24;

fn rows(table: &mut TableWriter, rows: std::ops::Range<u64>) {
    for row in rows {
        // Forty kilobytes that pack badly.
        let mut state = row + 1;
        let text: String = (0..40_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                char::from(b'a' + (state >> 33) as u8 % 26)
            })
            .collect();
        table
            .write(&[Value::Int(row.cast_signed()), Value::Text(&text)])
            .unwrap();
    }
}

fn small(folder: &Path) -> Settings {
    Settings {
        rows_per_part: 16,
        ..settings(folder)
    }
}

fn take(spool: &Path, marks: &[TableMark]) -> Writer {
    let keep: BTreeSet<String> = marks.iter().flat_map(TableMark::files).collect();
    let (writer, known) = Writer::take(
        &small(spool.parent().unwrap()),
        head(),
        spool,
        &keep,
        CancellationToken::new(),
    )
    .unwrap();
    assert!(known);
    writer
}

fn reserved(folder: &Path) -> PathBuf {
    let head = head();
    reserve(folder, &head.desk, head.kind, head.started).unwrap()
}

/// Goes on to the end, and gives the archive.
fn go_on(spool: &Path, marks: &[TableMark]) -> Vec<u8> {
    let writer = take(spool, marks);
    let mut resumed = writer.resume("tickets", marks).unwrap();
    let table = match resumed.pop() {
        None => Some(writer.open_table("tickets", tickets()).unwrap()),
        Some(Resumption::Open(table)) => Some(*table),
        Some(Resumption::Closed(_)) => None,
    };
    if let Some(mut table) = table {
        let from = table.rows();
        rows(&mut table, from..ROWS);
        table.close().unwrap();
    }
    let published = writer.finish(outcome(), &|_, _| {}).unwrap();
    fs::read(published.path).unwrap()
}

#[test]
fn what_a_checkpoint_tells_of_is_there_whenever_power_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    fs::create_dir(&root).unwrap();
    let losses = Losses::of(&root);
    let spool = reserved(&root);
    let writer = take(&spool, &[]);
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    let mut before: Vec<TableMark> = Vec::new();
    let memory = spool.join("tickets.memory");
    let mut remembered: BTreeMap<u64, String> = BTreeMap::new();
    for (number, to) in [1, 8, 9, 16, 17, 20].into_iter().enumerate() {
        let from = table.rows();
        rows(&mut table, from..to);
        let snapshot = table.snapshot().unwrap();
        let text = remembered
            .last_key_value()
            .map_or(String::new(), |(_, text)| text.clone());
        let text = format!("{text}\"behind row {to}\"\n");
        fs::write(&memory, &text).unwrap();
        remembered.insert(to, text);
        rows(&mut table, to..(to + 3).min(ROWS).min(if to < 8 { to } else { to + 1 }));
        let marks = settle(&spool, &[snapshot], number as u64 + 1, &before, Some(&memory)).unwrap();
        // Kept. Losing it from here on needs what it tells of.
        losses.lock().unwrap().marks.clone_from(&marks);
        losses.lock().unwrap().lose();
        forget_tails(&spool, &before, &marks);
        losses.lock().unwrap().lose();
        before = marks;
    }
    drop((table, writer));
    // Whoever goes on here has no use for the memory.
    let with_memory = losses.lock().unwrap().found.len();
    let archive = go_on(&spool, &before);
    let mut losses = losses.lock().unwrap();
    let found = std::mem::take(&mut losses.found);
    assert!(found.len() > 4 * 6 * 4, "{}", found.len());
    let name = spool.file_name().unwrap();
    let mut finished = BTreeSet::new();
    let kept = found.iter().enumerate().filter(|(_, loss)| !loss.marks.is_empty());
    for (number, Loss { folder, rest, marks }) in kept {
        let spool = folder.join(name);
        let rows: Vec<u64> = marks.iter().map(TableMark::rows).collect();
        if number < with_memory {
            let text = fs::read_to_string(spool.join("tickets.memory")).unwrap();
            assert!(text.starts_with(&remembered[&rows[0]]), "{rest:?} {rows:?}: {text}");
        }
        // To the end once for each; otherwise all that is to be gone on with is compared with what was written.
        if finished.insert((rows.clone(), format!("{rest:?}"))) {
            assert!(go_on(&spool, marks) == archive, "{rest:?} {rows:?}");
        } else {
            let resumed = take(&spool, marks).resume("tickets", marks);
            assert!(resumed.is_ok(), "{rest:?} {rows:?}: {resumed:?}");
        }
    }
}

#[test]
fn what_is_published_is_whole_whenever_power_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    fs::create_dir(&root).unwrap();
    let losses = Losses::of(&root);
    let spool = reserved(&root);
    let writer = take(&spool, &[]);
    let mut table = writer.open_table("tickets", tickets()).unwrap();
    rows(&mut table, 0..ROWS);
    let (_, closed) = table.finish().unwrap();
    let marks = settle(&spool, &[closed], 1, &[], None).unwrap();
    losses.lock().unwrap().marks.clone_from(&marks);
    let published = writer.finish(outcome(), &|_, _| {}).unwrap();
    let archive = fs::read(&published.path).unwrap();
    let sha256 = published.sha256.to_string();
    let prepared = Prepared {
        backup: "b-1",
        state: State::Complete,
        sha256: &sha256,
    };
    let publish = |spool: &Path| {
        let held = Held::take(spool, "b-1", head().started).unwrap();
        held.publish(&prepared, &|_, _| {}, &CancellationToken::new())
    };
    let target = publish(&spool).unwrap().path;
    losses.lock().unwrap().lose();
    let mut losses = losses.lock().unwrap();
    let found = std::mem::take(&mut losses.found);
    let (spool, target) = (spool.file_name().unwrap(), target.file_name().unwrap());
    let mut again = 0;
    for Loss { folder, rest, marks } in found.iter().filter(|loss| !loss.marks.is_empty()) {
        let (spool, target) = (folder.join(spool), folder.join(target));
        // What has its final name is whole.
        if target.exists() {
            assert!(fs::read(&target).unwrap() == archive, "{rest:?}");
        }
        match publish(&spool) {
            Ok(published) => assert_eq!(published.path, target),
            // It was not whole on the disk: it is joined once more.
            Err(error) => {
                assert!(!target.exists(), "{rest:?}: {error}");
                assert!(go_on(&spool, marks) == archive, "{rest:?}");
                publish(&spool).unwrap();
                again += 1;
            }
        }
        assert!(fs::read(&target).unwrap() == archive, "{rest:?}");
    }
    assert!(again > 0, "some were lost before the archive was there");
}

#[test]
fn a_full_disk_is_told_with_the_file_that_found_no_room() {
    for place in ["Tickets__1.csv.deflate", ".tail", "archive.zip", "form.json"] {
        let folder = tempfile::tempdir().unwrap();
        let spool = reserved(folder.path());
        watch(folder.path(), move |path| {
            let is_there = path.to_string_lossy().ends_with(place);
            if is_there {
                Err(io::ErrorKind::StorageFull.into())
            } else {
                Ok(())
            }
        });
        let all = || -> Result<(), ArchiveError> {
            let keep = BTreeSet::new();
            let (writer, _) = Writer::take(&small(folder.path()), head(), &spool, &keep, CancellationToken::new())?;
            let mut table = writer.open_table("tickets", tickets())?;
            rows(&mut table, 0..9);
            settle(&spool, &[table.snapshot()?], 1, &[], None)?;
            table.close()?;
            writer.finish(outcome(), &|_, _| {}).map(drop)
        };
        match all() {
            Err(ArchiveError::Io { path, source, .. }) => {
                assert!(path.to_string_lossy().ends_with(place), "{place}: {}", path.display());
                assert_eq!(source.kind(), io::ErrorKind::StorageFull);
            }
            other => panic!("{place}: {other:?}"),
        }
        assert!(spool.exists());
    }
}
