//! Archived tickets. The search may leave them out, and they have no time filter: there is a list of them for each
//! department, of at most 5,000 rows. Its `viewType` is optional, and left away: what it does is not documented.
//!
//! An incremental backup looks closer only at those of which the list has a time in the range: what is archived is not
//! changed any more.

use std::collections::VecDeque;

use plugin_api::{Child, Desk, ErrorKind, ExportError, Kind, List, RawValue, Request, Response, Result};
use serde::{Deserialize, Serialize};
use zoho::AGENTS_LIMIT;

use crate::ask::PAGE;
use crate::foreseen;
use crate::ids::key;
use crate::run::Run;
use crate::source::{At, Row, Step, marked};
use crate::ticket::{Facts, Visit};

/// The greatest index of a row that the list gives.
const LAST: u64 = 4_999;

/// How often a list is read anew, since rows of it went away, without one in it that is new.
const RESTARTS: u32 = 20;

/// What is told as unread where no department's list could be asked for.
const ALL: &str = "archived tickets";
/// The same, where a department's list could not be read to its end; behind it the department's id.
const OF_DEPARTMENT: &str = "archived tickets of department ";

/// Where the list of a department stands, behind a page. The pages overlap by one row: if it is not there, rows went away,
/// and those behind moved up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    department: String,
    from: u64,
    last: Option<String>,
    restarts: u32,
    /// Rows of a page that is not the last.
    size: u64,
}

/// The archived tickets that were not given before, page by page; behind each a mark.
pub(crate) struct Archived<'s, 'r, 'a> {
    run: &'s Run<'r, 'a>,
    /// Departments that an earlier run is done with, or was at.
    done: Vec<String>,
    /// Where the list that is read stands.
    place: Option<Place>,
    /// The requests for the departments are told.
    is_resumed: bool,
    /// The others' first pages.
    firsts: Option<Firsts<'r>>,
    /// The least number of requests that no mark has told yet.
    least: u64,
    steps: VecDeque<Step>,
    ended: bool,
}

type Firsts<'r> = Box<dyn Iterator<Item = Result<Child<String>>> + 'r>;

impl<'s, 'r, 'a> Archived<'s, 'r, 'a> {
    /// All of them, or what is left where an earlier run was.
    pub(crate) fn new(run: &'s Run<'r, 'a>, mut done: Vec<String>, place: Option<Place>) -> Self {
        done.extend(place.iter().map(|place| place.department.clone()));
        Self {
            run,
            is_resumed: !done.is_empty(),
            done,
            place,
            firsts: None,
            least: 0,
            steps: VecDeque::new(),
            ended: false,
        }
    }

    /// Those that could not be listed, by the keys as which they were told; none if there are none among `keys`, and what is no such
    /// key is left in it.
    pub(crate) fn again<'k>(run: &'s Run<'r, 'a>, keys: &mut Vec<&'k str>) -> Option<Self> {
        let mut departments = Vec::new();
        let mut is_of_all = false;
        keys.retain(|key| {
            let department = key.strip_prefix(OF_DEPARTMENT).filter(|id| zoho::is_id(id));
            departments.extend(department.map(str::to_owned));
            is_of_all |= *key == ALL;
            department.is_none() && *key != ALL
        });
        if departments.is_empty() && !is_of_all {
            return None;
        }
        let mut again = Self::new(run, Vec::new(), None);
        if !is_of_all {
            again.firsts = Some(first_pages(run.desk, departments));
        }
        Some(again)
    }

    fn step(&mut self) -> Result<Option<Step>> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Ok(Some(step));
            }
            if self.ended {
                return Ok(None);
            }
            self.read()?;
        }
    }

    /// Reads a page.
    fn read(&mut self) -> Result<()> {
        if let Some(place) = self.place.take() {
            let answer = zoho::judge(self.run.desk.send(&page(&place.department, place.from))?);
            return self.judged(place, answer);
        }
        let firsts = match &mut self.firsts {
            Some(firsts) => firsts,
            none => {
                let (ids, least) = match departments(self.run) {
                    Ok(listed) => listed,
                    Err(error) if zoho::may_be_of_one_record(&error) => {
                        self.steps.push_back(unread(ALL, &error));
                        (Vec::new(), 0)
                    }
                    Err(error) => return Err(error),
                };
                self.least += if self.is_resumed { 0 } else { least };
                let left = ids.into_iter().filter(|id| !self.done.contains(id)).collect();
                none.insert(first_pages(self.run.desk, left))
            }
        };
        let Some(child) = firsts.next().transpose()? else {
            self.ended = true;
            self.mark(Vec::new(), At::Listed);
            return Ok(());
        };
        let place = Place {
            department: child.parent,
            from: 0,
            last: None,
            restarts: 0,
            size: PAGE,
        };
        child.answer.map_or(Ok(()), |answer| self.judged(place, answer))
    }

    /// Takes in a page, or that there is none.
    fn judged(&mut self, place: Place, answer: Result<Response>) -> Result<()> {
        let department = place.department.clone();
        // Behind its end some desks say so.
        let is_end = |error: &ExportError| place.from == LAST && error.kind == ErrorKind::Http;
        match answer {
            Err(error) if is_end(&error) && zoho::may_be_of_one_record(&error) => {
                self.capped(department, &error);
                Ok(())
            }
            answer => match answer.and_then(|answer| self.page(place, &answer)) {
                Err(error) if zoho::may_be_of_one_record(&error) => {
                    let what = format!("{OF_DEPARTMENT}{department}");
                    self.steps.push_back(unread(&what, &error));
                    self.done(department, Vec::new());
                    Ok(())
                }
                taken => taken,
            },
        }
    }

    fn page(&mut self, mut place: Place, answer: &Response) -> Result<()> {
        let records = answer.records("/data")?;
        let ids = records
            .iter()
            .map(|record| zoho::id(record))
            .collect::<Result<Vec<_>>>()?;
        let moved = place.last.is_some() && ids.first() != place.last.as_ref();
        let mut rows = Vec::new();
        for (id, record) in ids.iter().zip(&records) {
            rows.extend(self.row(id, record)?);
        }
        let count = ids.len() as u64;
        if moved {
            place.restarts = if rows.is_empty() { place.restarts + 1 } else { 1 };
            if place.restarts > RESTARTS {
                // What moved up in front of this page may have been passed over.
                let why = "the list changes faster than it is read: back up again when the desk is calmer";
                let what = format!("{OF_DEPARTMENT}{}", place.department);
                let error = ExportError::decode("GET /tickets/archivedTickets", why);
                self.steps.push_back(unread(&what, &error));
                self.done(place.department, rows);
                return Ok(());
            }
            (place.from, place.last) = (0, None);
            self.goes_on(rows, place);
            return Ok(());
        }
        let behind = place.from + count;
        // A page that is cut at the last index says nothing of what is behind it.
        if place.from == LAST && count > 1 || count < PAGE && behind == LAST + 1 && place.from < LAST {
            self.steps.extend(marked(rows, At::Page, 0));
            let why = "the desk lists no more than 5,000 archived tickets of a department";
            self.capped(
                place.department,
                &ExportError::decode("GET /tickets/archivedTickets", why),
            );
            return Ok(());
        }
        if place.from == 0 && List::may_be_cut(count, place.size) {
            place.size = count;
        }
        if count < place.size {
            self.least += zoho::list(behind, PAGE);
            self.done(place.department, rows);
            return Ok(());
        }
        place.from = (behind - 1).min(LAST);
        place.last = if place.from == LAST { None } else { ids.last().cloned() };
        self.goes_on(rows, place);
        Ok(())
    }

    fn goes_on(&mut self, rows: Vec<Row>, place: Place) {
        self.mark(rows, At::Archived(place.clone()));
        self.place = Some(place);
    }

    fn done(&mut self, department: String, rows: Vec<Row>) {
        self.mark(rows, At::Department(department));
    }

    fn mark(&mut self, rows: Vec<Row>, at: At) {
        let least = std::mem::take(&mut self.least);
        self.steps.extend(marked(rows, at, least));
    }

    /// A list that has more than it gives.
    fn capped(&mut self, department: String, error: &ExportError) {
        self.least += zoho::list(LAST, PAGE);
        let what = format!("{OF_DEPARTMENT}{department} behind the first 5,000");
        self.steps.push_back(unread(&what, error));
        self.done(department, Vec::new());
    }

    /// A row of the list, if it is asked for and was not given before.
    fn row(&self, id: &str, record: &RawValue) -> Result<Option<Row>> {
        if !may_be_wanted(self.run, &Facts::read(record)?) || !self.run.given.borrow_mut().insert(key(id)) {
            return Ok(None);
        }
        let foreseen = foreseen::of_row(record);
        self.run.foreseen.borrow_mut().list(foreseen);
        Ok(Some(Row {
            id: id.to_owned(),
            record: Some(record.to_owned()),
            is_whole: false,
            is_archived: true,
            visit: Visit::First,
            foreseen,
        }))
    }
}

impl Iterator for Archived<'_, '_, '_> {
    type Item = Result<Step>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        self.ended |= step.is_err();
        step.transpose()
    }
}

/// Whether an archived ticket can be in the range, by what its list says of it.
fn may_be_wanted(run: &Run<'_, '_>, facts: &Facts) -> bool {
    let Some(range) = run.job.range else {
        return true;
    };
    match run.job.kind {
        Kind::Full => true,
        Kind::Incremental => facts.times().any(|time| range.contains(time)),
        // Of its changes the last one counts. One behind the range is not in it.
        Kind::Custom => {
            facts.created().is_some_and(|created| range.contains(created)) || facts.times().all(|time| time < range.to)
        }
    }
}

fn unread(what: &str, error: &ExportError) -> Step {
    Step::Unread(what.to_owned(), error.clone())
}

fn page(department: &str, from: u64) -> Request {
    Request::get("/tickets/archivedTickets")
        .query("departmentId", department)
        .query("from", from)
        .query("limit", PAGE)
}

/// The first pages of these departments' lists.
fn first_pages<'r>(desk: &'r Desk<'_>, departments: Vec<String>) -> Firsts<'r> {
    let departments = departments.into_iter().map(Ok);
    Box::new(desk.each(departments, |id: &String| Some(page(id, 0))))
}

/// The ids of all departments, disabled ones too: whether the list has them unasked is not certain. And the least number of
/// requests for them.
fn departments(run: &Run<'_, '_>) -> Result<(Vec<String>, u64)> {
    let mut ids: Vec<String> = Vec::new();
    let mut least = 0;
    for enabled in [true, false] {
        let request = Request::get("/departments").query("isEnabled", enabled);
        let mut listed = 0;
        for page in zoho::list_pages(run.desk, request, "/data", AGENTS_LIMIT)? {
            for record in page?.records()? {
                listed += 1;
                let id = zoho::id(record)?;
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        least += zoho::list(listed, AGENTS_LIMIT);
    }
    Ok((ids, least))
}
