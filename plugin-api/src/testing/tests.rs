//! The suite finds what it is there to find: for each check, exporters that are wrong in one way.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{FakeDesk, Reply, conformance_report};
use crate::{
    Column, Description, Desk, ErrorKind, ExportError, Exporter, Job, Note, Output, Paging, RawValue, Request, Result,
    Table, TableId, Value,
};

mod host;

/// What a faulty exporter does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    // describes itself
    BadModule,
    NoLabel,
    ForgottenTable,
    OtherDescription,
    PanicsInDescribe,
    // exports
    WrongCount,
    NoSuchParent,
    // columns
    ColumnsByRun,
    ColumnsByAnswers,
    // keys
    DuplicateKeys,
    WrongKey,
    // order
    OrderOfArrival,
    // cancel
    IgnoresCancel,
    RunsOnAfterCancel,
    SwallowsCancel,
    NeverEnds,
    // empty desk
    EmptyIsError,
    // forbidden, failing
    Swallows403,
    RenamesErrors,
    SwallowsHttp,
    SwallowsNetwork,
    SwallowsChild,
    GoneForAll,
    // unreadable
    SwallowsDecode,
    TakesNoBodyForNothing,
    OtherKindForDecode,
    // records
    DeniesUnknown,
    WritesNoRecord,
    PanicsOnMissing,
    KeyOutOfNothing,
    // resume
    LosesRowOnResume,
    RepeatsPageOnResume,
    CheckpointTooEarly,
    IgnoresResume,
    NeverCheckpoints,
    DoesNotSayThatItResumes,
    // ranges
    LosesRowInRange,
    FailsOnRange,
    PanicsOnRange,
    PanicsOnCursor,
}

/// Contacts in pages, each with its notes.
struct Contacts(Fault);

static RUNS: AtomicU64 = AtomicU64::new(0);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[allow(dead_code, reason = "only its shape counts")]
    id: Option<u64>,
    #[allow(dead_code, reason = "only its shape counts")]
    name: Option<String>,
}

impl Exporter for Contacts {
    fn describe(&self) -> Description {
        let mut tables = vec!["Contacts".to_owned(), "Notes".to_owned()];
        let mut label = "Contacts".to_owned();
        match self.0 {
            Fault::ForgottenTable => tables.truncate(1),
            Fault::NoLabel => label.clear(),
            Fault::OtherDescription => label = format!("{}", RUNS.fetch_add(1, Ordering::Relaxed)),
            Fault::PanicsInDescribe => panic!("no description"),
            _ => {}
        }
        let module = if self.0 == Fault::BadModule {
            "My Contacts"
        } else {
            "contacts"
        };
        Description {
            module: module.into(),
            label,
            connection: "http".into(),
            tables,
            again: false,
            resumes: self.0 != Fault::DoesNotSayThatItResumes,
        }
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        let mut contacts = Table::new("Contacts")
            .column(Column::new("id", "Contact Id"))
            .column(Column::new("name", "Name"))
            .rest("Other Fields")
            .key([if self.0 == Fault::WrongKey { "name" } else { "id" }]);
        match self.0 {
            Fault::ColumnsByRun => {
                let run = RUNS.fetch_add(1, Ordering::Relaxed);
                contacts = contacts.column(Column::new(format!("run{run}"), "Run").given());
            }
            Fault::ColumnsByAnswers => {
                let records = desk.get("/contacts?from=0&limit=4")?;
                for record in records.records("/data")? {
                    let record: serde_json::Map<String, Json> = read(record)?;
                    for key in record.keys() {
                        if contacts.position(key).is_none() {
                            contacts = contacts.column(Column::new(key, key));
                        }
                    }
                }
            }
            _ => {}
        }
        let parent = if self.0 == Fault::NoSuchParent {
            "People"
        } else {
            "Contacts"
        };
        let notes = Table::new("Notes")
            .column(Column::new("id", "Note Id"))
            .column(Column::new("contact", "Contact Id").given())
            .rest("Other Fields")
            .key(["id"])
            .child_of(parent, "contact");
        Ok(vec![contacts, notes])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        let result = self.export_all(job, desk, out);
        let Err(error) = &result else { return result };
        match (self.0, error.kind) {
            (Fault::Swallows403, ErrorKind::Forbidden)
            | (Fault::SwallowsHttp, ErrorKind::Http)
            | (Fault::SwallowsNetwork, ErrorKind::Network)
            | (Fault::SwallowsDecode, ErrorKind::Decode)
            | (Fault::SwallowsCancel, ErrorKind::Cancelled) => Ok(()),
            (Fault::RenamesErrors, ErrorKind::Forbidden | ErrorKind::Network)
            | (Fault::OtherKindForDecode, ErrorKind::Decode) => {
                Err(ExportError::new(ErrorKind::Other, "it did not work"))
            }
            _ => result,
        }
    }
}

fn read<T: for<'r> Deserialize<'r>>(record: &RawValue) -> Result<T> {
    serde_json::from_str(record.get()).map_err(|error| ExportError::decode("a record", error))
}

impl Contacts {
    fn export_all(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        assert!(job.range.is_none() || self.0 != Fault::PanicsOnRange, "no ranges here");
        if job.range.is_some() && self.0 == Fault::FailsOnRange {
            return Err(ExportError::new(ErrorKind::Http, "the desk has no ranges"));
        }
        let (contacts, notes) = (out.table("Contacts")?, out.table("Notes")?);
        let mut pages = match &job.resume {
            None => 0,
            Some(_) if self.0 == Fault::IgnoresResume => 0,
            Some(cursor) if self.0 == Fault::PanicsOnCursor => cursor["pages"].as_u64().unwrap(),
            Some(cursor) => cursor["pages"].as_u64().unwrap_or(0),
        };
        if self.0 == Fault::RepeatsPageOnResume {
            pages = pages.saturating_sub(1);
        }
        let paging = Paging::by_offset("from", 0, "limit", 4).items("/data").skip(pages);
        let mut any = false;
        for page in desk.pages(Request::get("/contacts"), &paging) {
            let page = match page {
                Err(_) if self.0 == Fault::IgnoresCancel => break,
                page => page?,
            };
            pages += 1;
            if self.0 == Fault::CheckpointTooEarly {
                out.checkpoint(&json!({ "pages": pages }))?;
            }
            let mut records = page.records("/data")?;
            any = true;
            if self.0 == Fault::LosesRowInRange && job.range.is_some() {
                records.pop();
            }
            if self.0 == Fault::LosesRowOnResume && job.resume.is_some() {
                records.remove(0);
            }
            self.contacts(desk, out, (contacts, notes), &records)?;
            if self.0 == Fault::WrongCount {
                out.desk_count(contacts, 1_000_000)?;
            }
            if !matches!(self.0, Fault::CheckpointTooEarly | Fault::NeverCheckpoints) {
                let kept = out.checkpoint(&json!({ "pages": pages }));
                if self.0 != Fault::IgnoresCancel {
                    kept?;
                }
            }
        }
        if self.0 == Fault::EmptyIsError && !any {
            return Err(ExportError::new(ErrorKind::Other, "there are no contacts"));
        }
        Ok(())
    }

    fn contacts(
        &self,
        desk: &Desk<'_>,
        out: &mut Output<'_>,
        to: (TableId, TableId),
        records: &[&RawValue],
    ) -> Result<()> {
        for record in records {
            self.contact(out, to.0, record)?;
        }
        if self.0 == Fault::OrderOfArrival {
            // What the iterators protect from: take what comes first.
            return Self::notes_as_they_come(desk, out, to.1, records);
        }
        let ids = records.iter().map(|record| Self::id(record));
        for child in desk.each(ids, |id| Some(Request::get(format!("/contacts/{id}/notes")))) {
            let child = match child {
                Err(error) if self.0 == Fault::IgnoresCancel && error.kind == ErrorKind::Cancelled => continue,
                child => child?,
            };
            match child.answer {
                Some(Err(_)) if self.0 == Fault::SwallowsChild => {}
                Some(Err(_)) if self.0 == Fault::GoneForAll => out.gone(to.1, child.parent)?,
                Some(Ok(answer)) if self.0 == Fault::TakesNoBodyForNothing && answer.body().is_empty() => {}
                Some(answer) => Self::notes(out, to.1, &child.parent, &answer?)?,
                None => {}
            }
        }
        Ok(())
    }

    fn notes(out: &mut Output<'_>, notes: TableId, contact: &str, answer: &crate::Response) -> Result<()> {
        for note in answer.records("")? {
            out.record_with(notes, note, &[("contact", Value::Text(contact))])?;
        }
        Ok(())
    }

    fn notes_as_they_come(desk: &Desk<'_>, out: &mut Output<'_>, notes: TableId, records: &[&RawValue]) -> Result<()> {
        for record in records {
            let contact: Json = read(record)?;
            let id = contact["id"].to_string();
            desk.submit(&Request::get(format!("/contacts/{id}/notes")))?;
        }
        for answer in desk.as_they_come()? {
            Self::notes(out, notes, "?", &answer.ok()?)?;
        }
        Ok(())
    }

    fn id(record: &RawValue) -> Result<String> {
        let contact: Json = read(record)?;
        match contact["id"].as_u64() {
            Some(id) => Ok(id.to_string()),
            None => Err(ExportError::decode("a contact", "it has no id")),
        }
    }

    fn contact(&self, out: &mut Output<'_>, contacts: TableId, record: &RawValue) -> Result<()> {
        match self.0 {
            Fault::DuplicateKeys => {
                out.record(contacts, record)?;
                out.record(contacts, record)
            }
            Fault::PanicsOnMissing => {
                let contact: Json = read(record)?;
                assert!(contact["name"].is_string(), "a contact without name");
                out.record(contacts, record)
            }
            Fault::DeniesUnknown => {
                read::<Strict>(record)?;
                out.record(contacts, record)
            }
            Fault::WritesNoRecord => {
                let contact: Json = read(record)?;
                let id = contact["id"].to_string();
                let name = contact["name"].as_str().unwrap_or_default();
                out.write(contacts, &[Value::Text(&id), Value::Text(name), Value::Null])
            }
            Fault::KeyOutOfNothing => out.record_with(contacts, record, &[("id", Value::Text("same"))]),
            Fault::IgnoresCancel => out.record(contacts, record).or(Ok(())),
            Fault::RunsOnAfterCancel => {
                let result = out.record(contacts, record);
                for _ in 0..100 {
                    if result.is_err() {
                        let _ = out.record(contacts, record);
                    }
                }
                result
            }
            Fault::NeverEnds => {
                while let Err(error) = out.record(contacts, record) {
                    if error.kind != ErrorKind::Cancelled {
                        return Err(error);
                    }
                }
                Ok(())
            }
            _ => out.record(contacts, record),
        }
    }
}

/// Ten contacts in pages of four, two notes each.
fn desk() -> FakeDesk {
    FakeDesk::new(|request| {
        let path = request.path.split('?').next().unwrap_or_default();
        if path == "/contacts" {
            let from = request
                .query
                .first()
                .and_then(|(_, from)| from.parse().ok())
                .unwrap_or(0);
            let page: Vec<_> = (from..10_u64.min(from + 4))
                .map(|id| json!({"id": id, "name": format!("Ada {id}")}))
                .collect();
            return if page.is_empty() {
                Reply::empty()
            } else {
                Reply::json(200, json!({ "data": page }))
            };
        }
        let id = path
            .strip_prefix("/contacts/")
            .and_then(|rest| rest.strip_suffix("/notes"));
        match id.and_then(|id| id.parse::<u64>().ok()) {
            Some(id) => Reply::json(
                200,
                json!([{"id": id * 2, "text": "x"}, {"id": id * 2 + 1, "text": "y"}]),
            ),
            None => Reply::status(404),
        }
    })
}

#[test]
fn a_good_exporter_passes() {
    assert_eq!(conformance_report(|| Contacts(Fault::None), desk()), []);
}

fn check(fault: Fault, expected: &str) {
    let findings = conformance_report(|| Contacts(fault), desk());
    assert!(
        findings.iter().any(|finding| finding.check == expected),
        "{fault:?} should fail {expected:?}, but the findings are {findings:#?}"
    );
}

#[test]
fn bad_descriptions_are_found() {
    for fault in [
        Fault::BadModule,
        Fault::NoLabel,
        Fault::ForgottenTable,
        Fault::OtherDescription,
        Fault::PanicsInDescribe,
    ] {
        check(fault, "describes itself");
    }
}

#[test]
fn bad_tables_and_rows_are_found() {
    for (fault, expected) in [
        (Fault::WrongCount, "exports"),
        (Fault::NoSuchParent, "exports"),
        (Fault::ColumnsByRun, "columns"),
        (Fault::ColumnsByAnswers, "columns"),
        (Fault::DuplicateKeys, "keys"),
        (Fault::KeyOutOfNothing, "keys"),
        (Fault::OrderOfArrival, "order"),
        (Fault::EmptyIsError, "empty desk"),
        (Fault::DeniesUnknown, "unknown keys"),
        (Fault::WritesNoRecord, "unknown keys"),
        (Fault::PanicsOnMissing, "missing keys"),
    ] {
        check(fault, expected);
    }
}

#[test]
fn exporters_that_do_not_stop_are_found() {
    for fault in [
        Fault::IgnoresCancel,
        Fault::RunsOnAfterCancel,
        Fault::SwallowsCancel,
        Fault::NeverEnds,
    ] {
        check(fault, "cancel");
    }
}

#[test]
fn swallowed_errors_are_found() {
    for (fault, expected) in [
        (Fault::Swallows403, "forbidden"),
        (Fault::RenamesErrors, "forbidden"),
        (Fault::RenamesErrors, "failing desk"),
        (Fault::SwallowsHttp, "failing desk"),
        (Fault::SwallowsNetwork, "failing desk"),
        (Fault::SwallowsHttp, "failing request"),
        (Fault::SwallowsNetwork, "failing request"),
        (Fault::SwallowsChild, "failing request"),
        (Fault::GoneForAll, "failing request"),
        (Fault::SwallowsDecode, "unreadable answer"),
        (Fault::TakesNoBodyForNothing, "unreadable answer"),
        (Fault::OtherKindForDecode, "unreadable answer"),
        (Fault::OtherKindForDecode, "missing keys"),
    ] {
        check(fault, expected);
    }
}

#[test]
fn rows_lost_or_repeated_on_resume_are_found() {
    for fault in [
        Fault::LosesRowOnResume,
        Fault::RepeatsPageOnResume,
        Fault::CheckpointTooEarly,
        Fault::IgnoresResume,
    ] {
        check(fault, "resume");
    }
    check(Fault::NeverCheckpoints, "resume");
    check(Fault::DoesNotSayThatItResumes, "resume");
    check(Fault::LosesRowInRange, "ranges");
    check(Fault::FailsOnRange, "ranges");
    check(Fault::PanicsOnRange, "ranges");
    check(Fault::PanicsOnCursor, "ranges");
}

#[test]
fn a_desk_without_records_tests_nothing() {
    let findings = conformance_report(|| Contacts(Fault::None), FakeDesk::new(|_| Reply::empty()));
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(
        findings
            .iter()
            .all(|finding| finding.check == "exports" && finding.what.contains("has no rows"))
    );
}

#[test]
fn a_finding_says_what_and_what_to_do() {
    let findings = conformance_report(|| Contacts(Fault::LosesRowOnResume), desk());
    let first = findings.first().map(ToString::to_string).unwrap_or_default();
    assert!(
        first.starts_with("[resume] resumed from checkpoint 1 ({\"pages\":1}): Contacts: 2 rows missing"),
        "{first}"
    );
    assert!(first.contains("\n    -> a checkpoint comes when"), "{first}");
    assert!(findings.len() <= 3);
}

#[test]
#[should_panic(expected = "the exporter fails")]
fn check_exporter_panics_with_the_report() {
    super::check_exporter(|| Contacts(Fault::Swallows403), desk());
}

#[test]
fn notes_name_their_tables() {
    let run = desk().run(Contacts(Fault::WrongCount), &Job::full("contacts"));
    assert_eq!(run.desk_count("Contacts"), Some(1_000_000));
    assert_eq!(
        run.notes
            .iter()
            .filter(|note| matches!(note, Note::DeskCount { table: 0, .. }))
            .count(),
        1,
        "the same count need not be told again"
    );
}
