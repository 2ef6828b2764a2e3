//! What every exporter must hold to, whatever it exports.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::fake_desk::{FakeDesk, describe};
use super::reply::Reply;
use super::run::Run;
use crate::{Description, Desk, ErrorKind, Exporter, Job, Output, Request, Result, Table};

mod compare;
mod failures;
mod records;
mod resume;
mod shape;

/// Findings of one check that are shown; the others are counted.
const SHOWN: usize = 3;

/// Something that an exporter does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check that found it, as listed at [`check_exporter`].
    pub check: &'static str,
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub advice: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}\n    -> {}", self.check, self.what, self.advice)
    }
}

/// Runs an exporter against a desk in every way that the engine might, and panics with a report if it does anything
/// that would make a backup wrong.
///
/// An exporter that neither comes back nor calls the host is given up after [`FakeDesk::patience`].
///
/// `make` makes the exporter anew for each run. The desk is one with records for every table, the more of them (and of
/// pages) the better; its answers depend on the request alone.
///
/// | check | what it holds the exporter to |
/// |---|---|
/// | `describes itself` | a valid description, always the same, that names the tables it opens |
/// | `exports` | the desk is exported without an error, with rows in every table, as many as the desk counts |
/// | `columns` | the same tables and columns in every run |
/// | `keys` | no two rows of a table share their key, and none is without |
/// | `order` | the same rows in the same order, whichever answer comes first; the same rows with any window |
/// | `cancel` | after the host has said so, it returns `Cancelled`, after a few calls at most |
/// | `empty desk` | no records, as empty lists and as 204: no error, no `Unread` |
/// | `forbidden` | 403 and 401 are passed on, with their kinds |
/// | `failing desk` | 500 everywhere and no network are passed on |
/// | `failing request` | one request that fails is never `Ok` with rows missing, unless they are told as unread or gone |
/// | `unreadable answer` | HTML, half of a JSON text, JSON of another shape and an empty body with 200 are [`ErrorKind::Decode`] |
/// | `unknown keys` | new keys in records do no harm, and are kept in the column made by [`Table::rest`] |
/// | `missing keys` | without any one key: no panic, no rows without key |
/// | `resume` | from every checkpoint: what was written before, and what is written then, is the whole, once; there is one where an export makes more than ten different requests; the description says that it is gone on from; no request is made again behind it, but for the few in flight; its cursor stays small |
/// | `ranges` | a range that has everything gives every row; no range panics, nor a cursor of another version |
///
/// # Panics
/// If the exporter fails a check.
pub fn check_exporter<E: Exporter>(make: impl Fn() -> E, desk: FakeDesk) {
    assert_none(&conformance_report(make, desk));
}

/// Runs the check `resume` of [`check_exporter`] alone: for a desk that is large enough to be interrupted everywhere, and too
/// large for the other checks.
///
/// # Panics
/// If the exporter fails it.
#[allow(clippy::needless_pass_by_value, reason = "reads as check_exporter does")]
pub fn check_resume<E: Exporter>(make: impl Fn() -> E, desk: FakeDesk) {
    let findings = RefCell::default();
    if let Some(suite) = Suite::new(&make, &desk, &findings) {
        suite.resume();
        suite.requests_when_resumed();
    }
    assert_none(&shortened(findings.into_inner()));
}

fn assert_none(findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let report: Vec<_> = findings.iter().map(ToString::to_string).collect();
    panic!(
        "the exporter fails {} checks:\n\n{}\n",
        findings.len(),
        report.join("\n\n")
    );
}

/// As [`check_exporter`], but gives what it found: nothing, for a good exporter.
#[allow(clippy::needless_pass_by_value, reason = "reads as check_exporter does")]
pub fn conformance_report<E: Exporter>(make: impl Fn() -> E, desk: FakeDesk) -> Vec<Finding> {
    let findings = RefCell::default();
    if let Some(suite) = Suite::new(&make, &desk, &findings) {
        suite.shape();
        suite.order();
        suite.cancel();
        suite.empty_desk();
        suite.failing_desk();
        suite.failing_requests();
        suite.unreadable_answers();
        suite.unknown_keys();
        suite.missing_keys();
        suite.resume();
        suite.requests_when_resumed();
        suite.ranges();
    }
    shortened(findings.into_inner())
}

/// At most a few of each check.
fn shortened(findings: Vec<Finding>) -> Vec<Finding> {
    let mut shown: Vec<Finding> = Vec::new();
    let mut left_out: Vec<(&'static str, usize)> = Vec::new();
    for finding in findings {
        if shown.iter().filter(|other| other.check == finding.check).count() < SHOWN {
            shown.push(finding);
        } else if let Some((_, count)) = left_out.iter_mut().find(|(check, _)| *check == finding.check) {
            *count += 1;
        } else {
            left_out.push((finding.check, 1));
        }
    }
    for (check, count) in left_out {
        if let Some(last) = shown.iter_mut().rfind(|finding| finding.check == check) {
            last.what = format!("{} (and {count} more of this kind)", last.what);
        }
    }
    shown
}

/// An exporter, its desk, and what a plain export came to.
struct Suite<'s, F> {
    make: &'s F,
    desk: &'s FakeDesk,
    description: Description,
    base: Run,
    /// The tables as the exporter made them, with their columns' sources.
    tables: Vec<Table>,
    /// The different requests of the plain export, with the desk's replies.
    asked: Vec<(Request, Reply)>,
    findings: &'s RefCell<Vec<Finding>>,
}

impl<'s, E: Exporter, F: Fn() -> E> Suite<'s, F> {
    /// The plain export; `None` if it fails, for then nothing else says anything.
    fn new(make: &'s F, desk: &'s FakeDesk, findings: &'s RefCell<Vec<Finding>>) -> Option<Self> {
        let add = |check, what, advice| findings.borrow_mut().push(Finding { check, what, advice });
        let [description, again] = match describe(make()) {
            Ok(both) => both,
            Err(error) => {
                add(
                    "describes itself",
                    format!("describe() failed: {error}"),
                    "describe() must neither panic nor fail, also without a desk at hand",
                );
                return None;
            }
        };
        if description != again {
            add(
                "describes itself",
                format!("it describes itself as {description:?}, and then as {again:?}"),
                "describe() gives the same every time: it asks nobody and remembers nothing",
            );
        }
        let (base, tables) = spied(make, desk, &Job::full(&description.module));
        if let Err(error) = &base.result {
            let kind = error.kind;
            add(
                "exports",
                format!("the export of the desk ended with {kind:?}: {error}"),
                "this desk should be exported whole: correct the exporter, or what the fake desk answers",
            );
            return None;
        }
        let mut known = HashSet::new();
        let different = base.requests.iter().filter(|request| known.insert(identity(request)));
        let asked = different
            .map(|request| (request.clone(), (desk.answering)(request)))
            .collect();
        Some(Self {
            make,
            desk,
            description,
            base,
            tables,
            asked,
            findings,
        })
    }

    fn found(&self, check: &'static str, what: impl Into<String>, advice: &'static str) {
        let what = what.into();
        self.findings.borrow_mut().push(Finding { check, what, advice });
    }

    fn job(&self) -> Job {
        Job::full(&self.description.module)
    }

    fn run(&self, desk: &FakeDesk, job: &Job) -> Run {
        desk.run((self.make)(), job)
    }

    /// Says what is never right, whatever happened to the desk. True if there was nothing.
    fn no_crash(&self, check: &'static str, when: &str, run: &Run) -> bool {
        let error = match (&run.misuse, &run.result) {
            (Some(misuse), _) => misuse,
            (None, Err(error)) if error.kind == ErrorKind::Panic || error.message.contains("goes on for ever") => error,
            _ => return true,
        };
        let place = error
            .place
            .as_deref()
            .map(|place| format!(" at {place}"))
            .unwrap_or_default();
        let what = format!("{when}: {:?}: {error}{place}", error.kind);
        let advice = "an exporter neither panics, nor breaks the host's rules, nor goes on for ever: return the error";
        self.found(check, what, advice);
        false
    }
}

/// Runs an export and keeps the tables as the exporter itself gave them.
fn spied<E: Exporter>(make: &impl Fn() -> E, desk: &FakeDesk, job: &Job) -> (Run, Vec<Table>) {
    let tables = Arc::new(Mutex::new(Vec::new()));
    let spy = Spy {
        exporter: make(),
        tables: Arc::clone(&tables),
    };
    let run = desk.run(spy, job);
    let tables = tables.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (run, tables)
}

struct Spy<E> {
    exporter: E,
    tables: Arc<Mutex<Vec<Table>>>,
}

impl<E: Exporter> Exporter for Spy<E> {
    fn describe(&self) -> Description {
        self.exporter.describe()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        let tables = self.exporter.tables(desk)?;
        self.tables
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&tables);
        Ok(tables)
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        self.exporter.export(job, desk, out)
    }
}

/// What makes a request the same as another.
fn identity(request: &Request) -> String {
    format!("{request:?}")
}

/// Method, path and query, for a report.
fn shown(request: &Request) -> String {
    let query: Vec<_> = request
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let method = match request.method {
        crate::Method::Get => "GET",
        crate::Method::Post => "POST",
    };
    format!("{method} {}{mark}{}", request.path, query.join("&"))
}

/// Up to `most` of `count` things: the first ones, and then evenly spread.
fn sample(count: usize, most: usize) -> Vec<usize> {
    let first = count.min(most / 2);
    let (rest, room) = (count - first, most - first);
    let step = rest.div_ceil(room.max(1)).max(1);
    (0..first).chain((first..count).step_by(step)).collect()
}

#[cfg(test)]
mod tests {
    use super::sample;

    #[test]
    fn samples_are_spread() {
        assert_eq!(sample(0, 4), [0; 0]);
        assert_eq!(sample(3, 4), [0, 1, 2]);
        assert_eq!(sample(10, 4), [0, 1, 2, 6]);
        for count in 0..300 {
            assert!(sample(count, 24).len() <= 24);
        }
    }
}
