//! Archived tickets. The search may leave them out, and they have no time filter: there is a list of them for each
//! department, of at most 5,000 rows. Its `viewType` is optional, and left away: what it does is not documented.
//!
//! An incremental backup looks closer only at those of which the list has a time in the range: what is archived is not
//! changed any more.

use std::collections::VecDeque;

use plugin_api::{ErrorKind, ExportError, Kind, List, RawValue, Request, Response, Result};
use zoho::AGENTS_LIMIT;

use crate::ask::PAGE;
use crate::ids::key;
use crate::run::Run;
use crate::source::{Mark, Row, Step, TICKETS};
use crate::ticket::{Facts, Visit};

/// The greatest index of a row that the list gives.
const LAST: u64 = 4_999;

/// The archived tickets that were not given before, department by department; behind each a mark.
pub(crate) struct Archived<'s, 'r, 'a> {
    run: &'s Run<'r, 'a>,
    /// Departments that an earlier run is done with.
    done: Vec<String>,
    /// An earlier run gave tickets, of which this one knows nothing yet.
    is_resumed: bool,
    departments: Option<VecDeque<String>>,
    /// First pages that were asked for, in order.
    firsts: VecDeque<(String, Result<Response>)>,
    steps: VecDeque<Step>,
    ended: bool,
}

impl<'s, 'r, 'a> Archived<'s, 'r, 'a> {
    pub(crate) fn new(run: &'s Run<'r, 'a>, done: Vec<String>, is_resumed: bool) -> Self {
        Self {
            run,
            done,
            is_resumed,
            departments: None,
            firsts: VecDeque::new(),
            steps: VecDeque::new(),
            ended: false,
        }
    }

    fn step(&mut self) -> Result<Option<Step>> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Ok(Some(step));
            }
            if self.ended {
                return Ok(None);
            }
            if self.departments.is_none() && !self.begin()? {
                return Ok(None);
            }
            self.department()?;
        }
    }

    /// Lists the departments. False where they can't be.
    fn begin(&mut self) -> Result<bool> {
        match departments(self.run) {
            Ok(ids) => {
                let ids = ids.into_iter().filter(|id| !self.done.contains(id));
                self.departments = Some(ids.collect());
                Ok(true)
            }
            Err(error) if zoho::may_be_of_one_record(&error) => {
                self.ended = true;
                self.steps.push_back(unread("archived tickets", &error));
                self.departments = Some(VecDeque::new());
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the list of the next department.
    fn department(&mut self) -> Result<()> {
        if self.firsts.is_empty() {
            let some: Vec<_> = self
                .departments
                .iter_mut()
                .flat_map(|left| left.drain(..left.len().min(25)))
                .collect();
            for child in self.run.desk.each(some.into_iter().map(Ok), |id| Some(page(id, 0))) {
                let child = child?;
                if let Some(answer) = child.answer {
                    self.firsts.push_back((child.parent, answer));
                }
            }
        }
        let Some((id, first)) = self.firsts.pop_front() else {
            self.ended = true;
            return Ok(());
        };
        match self.list(&id, first) {
            Ok(()) => self.steps.push_back(Step::Mark(Mark::Department(id))),
            Err(error) if zoho::may_be_of_one_record(&error) => {
                self.steps
                    .push_back(unread(&format!("archived tickets of department {id}"), &error));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes in a whole list. The pages overlap by one row: if it is not there, rows went away, and those behind moved up.
    fn list(&mut self, id: &str, first: Result<Response>) -> Result<()> {
        const RESTARTS: u32 = 20;
        let (mut answer, mut from, mut last, mut restarts) = (first?, 0, None::<String>, 0);
        let mut size = PAGE;
        let rows = loop {
            let records = answer.records("/data")?;
            let ids = records
                .iter()
                .map(|record| zoho::id(record))
                .collect::<Result<Vec<_>>>()?;
            let moved = last.is_some() && ids.first() != last.as_ref();
            for (id, record) in ids.iter().zip(&records) {
                self.row(id, record)?;
            }
            let count = ids.len() as u64;
            if moved && restarts < RESTARTS {
                (from, last) = (0, None);
                restarts += 1;
            } else {
                let rows = from + count;
                // A page that is cut at the last index says nothing of what is behind it.
                if from == LAST && count > 1 || count < PAGE && rows == LAST + 1 && from < LAST {
                    let why = "the desk lists no more than 5,000 archived tickets of a department";
                    self.capped(id, &ExportError::decode("GET /tickets/archivedTickets", why));
                    return Ok(());
                }
                if from == 0 && List::may_be_cut(count, size) {
                    size = count;
                }
                if count < size {
                    break rows;
                }
                from = (from + count - 1).min(LAST);
                last = if from == LAST { None } else { ids.last().cloned() };
            }
            answer = match zoho::judge(self.run.desk.send(&page(id, from))?) {
                // Behind its end some desks say so.
                Err(error) if from == LAST && error.kind == ErrorKind::Http && zoho::may_be_of_one_record(&error) => {
                    self.capped(id, &error);
                    return Ok(());
                }
                answer => answer?,
            };
        };
        self.run.sum(|sums| sums.least += zoho::list(rows, PAGE));
        Ok(())
    }

    /// A list that has more than it gives.
    fn capped(&mut self, id: &str, error: &ExportError) {
        self.run.sum(|sums| sums.least += zoho::list(LAST, PAGE));
        self.steps.push_back(unread(
            &format!("archived tickets of department {id} behind the first 5,000"),
            error,
        ));
    }

    fn row(&mut self, id: &str, record: &RawValue) -> Result<()> {
        if !may_be_wanted(self.run, &Facts::read(record)?) {
            return Ok(());
        }
        if self.run.given.borrow().contains(&key(id)) {
            return Ok(());
        }
        if std::mem::take(&mut self.is_resumed) {
            remember(self.run)?;
        }
        if self.run.given.borrow_mut().insert(key(id)) {
            self.steps.push_back(Step::Ticket(Row {
                id: id.to_owned(),
                record: Some(record.to_owned()),
                is_whole: false,
                is_archived: true,
                visit: Visit::First,
            }));
        }
        Ok(())
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

/// Walks the search once more, for the tickets that an earlier run was given by it.
fn remember(run: &Run<'_, '_>) -> Result<()> {
    for page in zoho::Records::open(run.desk, run.job, TICKETS, None)? {
        for record in page?.records()? {
            run.given.borrow_mut().insert(key(&zoho::id(record)?));
        }
    }
    Ok(())
}

/// The ids of all departments, disabled ones too: whether the list has them unasked is not certain.
fn departments(run: &Run<'_, '_>) -> Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
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
        run.sum(|sums| sums.least += zoho::list(listed, AGENTS_LIMIT));
    }
    Ok(ids)
}
