//! What an archive must hold.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use csv::ReaderBuilder;
use deskvault_tests::compare::{Json, Line, Shape, read_truth};
use deskvault_tests::zoho::{Desk, modules};
use plugin_api::{Kind, Range, Timestamp};
use zip::ZipArchive;

/// Tables that have no times: each archive has them whole.
const ALWAYS: [&str; 4] = ["Agents", "Teams", "TeamMembers", "Departments"];

/// Tables of records that stand alone, and have times of their own.
pub(crate) const TIMED: [&str; 8] = [
    "Cases", "Contacts", "Accounts", "Products", "Tasks", "Calls", "Events", "Articles",
];

/// A backup, as its archive is to be.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) kind: Kind,
    pub(crate) range: Option<Range>,
    /// When it started: what the desk held until then is past.
    pub(crate) started: Timestamp,
    /// Everything before this is in it.
    pub(crate) until: Timestamp,
    /// When it was over.
    pub(crate) ended: Timestamp,
}

/// The records of an archive.
pub(crate) struct Rows {
    pub(crate) run: Run,
    /// By table and id: the modifiedTime of each row.
    pub(crate) modified: HashMap<(String, String), Vec<Timestamp>>,
}

/// Whether a record is to be in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    No,
    /// It came, changed or went while the backup ran.
    May,
    Must,
}

impl Run {
    /// Holds its archive against the desk, of which nothing may have changed since it ended, and reads its rows.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, desk: &Desk, archive: &Path) -> Rows {
        let truth = desk.truth_since(self.started);
        let expected = self.expected(&truth);
        let report = desk.compare_with(archive, &expected, &modules(), &|_| true);
        assert!(report.is_same(), "{name}: {report}");
        println!("{name}: {} rows, {} cells, of {self}", report.rows(), report.cells());
        Rows {
            run: self.clone(),
            modified: rows(archive),
        }
    }

    /// The part of a truth that the archive is to hold, in a file beside it.
    fn expected(&self, truth: &Path) -> PathBuf {
        let mut wanted = HashMap::new();
        read_truth(truth, &mut |line| {
            if line.parent.is_none() {
                wanted.insert((line.table.clone(), line.id.clone()), self.of_its_own(&line));
            }
        })
        .expect("the truth");
        let by_id: HashMap<&str, Wanted> = wanted.iter().map(|((_, id), wanted)| (id.as_str(), *wanted)).collect();
        let mut decided = Vec::new();
        read_truth(truth, &mut |line| {
            let of_parent = line.parent.as_deref().and_then(|parent| by_id.get(parent).copied());
            decided.push(match of_parent {
                None => self.of_its_own(&line),
                // A time entry is found by its own time, or with its ticket.
                Some(Wanted::No) if line.table == "TimeEntry" => self.of_its_own(&line),
                Some(of_parent) => of_parent,
            });
        })
        .expect("the truth");

        let path = truth.with_file_name("expected.jsonl");
        let mut file = BufWriter::new(File::create(&path).expect("a file"));
        let lines = BufReader::new(File::open(truth).expect("the truth")).lines();
        for (line, wanted) in lines.zip(decided) {
            let line = line.expect("the truth");
            // What is deleted meanwhile may be there or not; so may what was changed, or came.
            let written = match wanted {
                Wanted::No => continue,
                Wanted::May if !line.ends_with(",\"deleted\":true}") => {
                    let open = line.strip_suffix('}').expect("an object");
                    writeln!(file, "{open},\"deleted\":true}}")
                }
                Wanted::May | Wanted::Must => writeln!(file, "{line}"),
            };
            written.expect("a file");
        }
        file.flush().expect("a file");
        path
    }

    /// Whether a record is wanted for its own sake, by what it was when the backup started.
    fn of_its_own(&self, line: &Line) -> Wanted {
        let first = line.versions.last().map(Vec::as_slice).unwrap_or_default();
        let (created, modified) = (time(first, "createdTime"), time(first, "modifiedTime"));
        match self.range {
            // What is younger than its upper end is for the next one.
            None if created.is_some_and(|created| created >= self.until) => Wanted::May,
            None => Wanted::Must,
            Some(_) if ALWAYS.contains(&line.table.as_str()) => Wanted::Must,
            Some(range) => {
                let inside = |time: Option<Timestamp>| time.is_some_and(|time| range.contains(time));
                let is_inside = match self.kind {
                    Kind::Custom => inside(created) || inside(modified),
                    _ => inside(modified.or(created)),
                };
                match (is_inside, line.versions.len()) {
                    (false, _) => Wanted::No,
                    (true, 1) => Wanted::Must,
                    // Once edited it is no longer found in the range.
                    (true, _) => Wanted::May,
                }
            }
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.range {
            Some(Range { from, to }) => write!(f, "{from} to {to}"),
            None => write!(f, "all until {}", self.until),
        }
    }
}

/// A time of a version of a record.
pub(crate) fn time(version: &[Shape], key: &str) -> Option<Timestamp> {
    let found = version.iter().rev().find_map(|shape| shape.json().get(key));
    found.and_then(Json::text).and_then(Timestamp::parse)
}

/// The rows of the tables that stand alone, by the second of the two header rows.
fn rows(archive: &Path) -> HashMap<(String, String), Vec<Timestamp>> {
    let mut zip = ZipArchive::new(File::open(archive).expect("the archive")).expect("a ZIP");
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.expect("a name").into_owned())
        .collect();
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let mut tables = HashSet::new();
    for name in names {
        let table = name.split("__").next().unwrap_or_default().to_owned();
        if !TIMED.contains(&table.as_str()) {
            continue;
        }
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(zip.by_name(&name).expect("a file"));
        let mut records = reader.records().map(|record| record.expect("a row"));
        let header = records.nth(1).expect("two header rows");
        let place = |column: &str| header.iter().position(|name| name == column).expect("a column");
        let (id, modified) = (place("id"), place("modifiedTime"));
        for row in records {
            let time = Timestamp::parse(&row[modified]).unwrap_or_else(|| panic!("{name}: {}", &row[modified]));
            found.entry((table.clone(), row[id].to_owned())).or_default().push(time);
        }
        tables.insert(table);
    }
    assert_eq!(tables.len(), TIMED.len(), "{tables:?}");
    found
}
