//! The exporter on fake desks made of the records of the API's description.

use plugin_api::testing::{FakeDesk, Run};
use plugin_api::{Job, Note};
use serde_json::{Value as Json, json};
use zoho::testing::FakeZoho;

use crate::Tickets;

mod again;
mod doubts;
mod odd;
mod ranges;
mod resume;
mod whole;

/// A ticket with all that belongs to it.
#[derive(Clone, Default)]
struct Case {
    id: u64,
    threads: Vec<Json>,
    comments: Vec<Json>,
    attachments: Vec<Json>,
    entries: Vec<Json>,
    /// Keys that differ in its detail.
    detail: Vec<(&'static str, Json)>,
    /// Keys that differ in its row.
    row: Vec<(&'static str, Json)>,
}

impl Case {
    fn new(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    fn threads(mut self, count: u64) -> Self {
        self.threads = (1..=count).map(|number| thread(self.id * 1000 + number)).collect();
        self
    }

    fn comments(mut self, count: u64) -> Self {
        self.comments = (1..=count)
            .map(|number| comment(self.id * 1000 + 500 + number))
            .collect();
        self
    }

    fn attachments(mut self, count: u64) -> Self {
        self.attachments = (1..=count)
            .map(|number| attachment(self.id * 10_000 + number))
            .collect();
        self
    }

    fn entries(mut self, count: u64) -> Self {
        self.entries = (1..=count)
            .map(|number| entry(self.id * 100 + number, Some(self.id)))
            .collect();
        self
    }

    fn detail(mut self, key: &'static str, value: Json) -> Self {
        self.detail.push((key, value));
        self
    }

    fn row(mut self, key: &'static str, value: Json) -> Self {
        self.row.push((key, value));
        self
    }

    fn common(&self) -> Json {
        let minute = self.id % 50;
        json!({
            "id": self.id.to_string(), "subject": format!("Ticket {}", self.id), "departmentId": "21", "layoutId": "33",
            "createdTime": format!("2031-03-14T08:{minute:02}:47.000Z"), "isArchived": false, "status": "Open",
            "modifiedTime": format!("2031-03-15T10:{minute:02}:05.120Z"), "cf": {"cf_serial": "LP-88213"}, "secondaryContacts": [],
            "threadCount": self.threads.len().to_string(), "commentCount": self.comments.len().to_string(),
        })
    }

    fn search_row(&self) -> Json {
        let mut row = self.common();
        row["childTicketCount"] = json!("0");
        for (key, value) in &self.row {
            row[*key] = value.clone();
        }
        row
    }

    fn whole(&self) -> Json {
        let mut detail = self.common();
        detail["attachmentCount"] = json!(self.attachments.len().to_string());
        detail["timeEntryCount"] = json!(self.entries.len().to_string());
        detail["isTrashed"] = json!("false");
        detail["status"] = json!("Closed");
        for (key, value) in &self.detail {
            detail[*key] = value.clone();
        }
        detail
    }

    /// Puts everything below it on a desk.
    fn add(&self, desk: FakeZoho) -> FakeZoho {
        let at = format!("/tickets/{}", self.id);
        let mut desk = desk.answer(&at, self.whole());
        let mut rows: Vec<Json> = self.threads.iter().map(row_of).collect();
        if self.threads.len() > 1 {
            // It would not be there behind the latest thread alone.
            for row in &mut rows {
                row["onlyInRow"] = json!(1);
            }
        }
        desk = desk.list(&format!("{at}/threads"), "data", rows.clone());
        for row in &mut rows {
            row["type"] = json!("thread");
        }
        for comment in &self.comments {
            let mut comment = comment.clone();
            comment["type"] = json!("comment");
            rows.push(comment);
        }
        desk = desk.list(&format!("{at}/conversations"), "data", rows);
        desk = desk.list(&format!("{at}/comments"), "data", self.comments.clone());
        desk = desk.list(&format!("{at}/attachments"), "data", self.attachments.clone());
        desk = desk.list(&format!("{at}/timeEntry"), "data", self.entries.clone());
        for thread in &self.threads {
            let id = thread["id"].as_str().unwrap_or_default();
            desk = desk.answer(&format!("{at}/threads/{id}"), thread.clone());
        }
        match self.threads.last() {
            Some(thread) => desk.answer(&format!("{at}/latestThread"), thread.clone()),
            None => desk.list(&format!("{at}/latestThread"), "data", Vec::new()),
        }
    }
}

/// What a list has of a thread.
fn row_of(thread: &Json) -> Json {
    let mut row = thread.clone();
    if let Some(row) = row.as_object_mut() {
        row.retain(|key, _| {
            !["content", "attachments", "isContentTruncated", "fullContentURL"].contains(&key.as_str())
        });
    }
    row
}

fn thread(id: u64) -> Json {
    json!({
        "id": id.to_string(), "channel": "EMAIL", "direction": "in", "status": "SUCCESS", "visibility": "public",
        "summary": "Since the update", "createdTime": "2031-03-14T08:12:47.000Z", "contentType": "text/html",
        "hasAttach": false, "attachmentCount": "0", "to": "\"Support\"<help@desk.example>", "cc": "",
        "fromEmailAddress": "\"Maryam Okafor\"<m.okafor@harbourgoods.example>", "author": {"id": "1", "name": "Maryam"},
        "content": format!("<div>Thread {id}, \"日本\"\r\n=1+1</div>"), "attachments": [], "isContentTruncated": false,
        "fullContentURL": null,
    })
}

fn comment(id: u64) -> Json {
    json!({
        "id": id.to_string(), "content": format!("Comment {id}"), "contentType": "plainText", "isPublic": false,
        "commentedTime": "2031-03-14T09:30:11.000Z", "modifiedTime": null, "commenterId": "314",
        "commenter": {"id": "314", "name": "Ilse Brandt", "type": "AGENT"}, "attachments": [],
    })
}

fn attachment(id: u64) -> Json {
    json!({
        "id": id.to_string(), "name": "printer-log.txt", "size": "18432", "creatorId": "1903", "isPublic": true,
        "createdTime": "2031-03-14T08:12:47.000Z", "href": format!("https://desk.example/{id}"), "previewurl": null,
    })
}

/// As a thread or comment has it.
fn inner(id: u64) -> Json {
    json!({"id": id.to_string(), "name": "photo.jpg", "size": "7", "href": "https://desk.example/x", "previewurl": null})
}

fn entry(id: u64, ticket: Option<u64>) -> Json {
    json!({
        "id": id.to_string(), "ownerId": "314", "requestId": ticket.map(|id| id.to_string()), "taskId": null,
        "executedTime": "2031-03-14T09:00:00.000Z", "createdTime": "2031-03-14T09:32:00.000Z", "secondsSpent": "0",
        "minutesSpent": "25", "isBillable": true, "totalCost": "16.67", "cf": {"cf_kind": "x"}, "layoutId": "90",
    })
}

/// A desk with these tickets in its search and these only among archived ones; agent 314 gave all entries, and those of
/// no ticket.
fn zoho(cases: &[Case], archived: &[Case], entries: u64) -> FakeZoho {
    let agents = |ids: &[u64]| {
        ids.iter()
            .map(|id| json!({"id": id.to_string(), "status": "x"}))
            .collect::<Vec<_>>()
    };
    let all = cases.iter().chain(archived);
    let mut spent: Vec<Json> = all.clone().flat_map(|case| case.entries.clone()).collect();
    spent.extend((1..=entries).map(|number| entry(900_000 + number, None)));
    let listed: Vec<Json> = archived.iter().map(Case::search_row).collect();
    let mut desk = FakeZoho::new()
        .fields("tickets", &[("cf_serial", "Serial number")])
        .fields("timeEntry", &[("cf_kind", "Kind")])
        .list_where("/agents", ("status", "ACTIVE"), agents(&[314, 315]))
        .list_where("/agents", ("status", "DISABLED"), agents(&[316]))
        .list("/deletedAgents", "data", agents(&[317]))
        .list("/agents/314/timeEntry", "data", spent)
        .list("/agents/315/timeEntry", "data", Vec::new())
        .list("/agents/316/timeEntry", "data", Vec::new())
        .list_where("/departments", ("isEnabled", "true"), agents(&[21]))
        .list_where("/departments", ("isEnabled", "false"), agents(&[22]))
        .list_where("/tickets/archivedTickets", ("departmentId", "21"), listed)
        .list_where("/tickets/archivedTickets", ("departmentId", "22"), Vec::new())
        .module("/tickets", cases.iter().map(Case::search_row).collect());
    for case in all {
        desk = case.add(desk);
    }
    desk
}

fn run(desk: &FakeDesk) -> Run {
    desk.run(Tickets, &Job::full("tickets"))
}

/// The job that reads again what a run could not read.
fn retry(run: &Run) -> Job {
    run.again(Job::full("tickets"))
}

/// Cells of a table by the names of their columns.
fn cells(run: &Run, table: &str, names: &[&str]) -> Vec<Vec<String>> {
    let found = run.table(table).expect("a table");
    let at: Vec<_> = names
        .iter()
        .map(|name| found.table.position(name).expect("a column"))
        .collect();
    let rows = run.rows(table);
    rows.iter()
        .map(|row| at.iter().map(|at| row[*at].clone()).collect())
        .collect()
}

/// The first column of a table.
fn ids(run: &Run, table: &str) -> Vec<String> {
    cells(run, table, &["id"]).into_iter().flatten().collect()
}

/// The least number of requests that was told.
fn least(run: &Run) -> u64 {
    let told = run.notes.iter().rev().find_map(|note| match note {
        Note::LeastRequests { requests } => Some(*requests),
        _ => None,
    });
    told.expect("a least number of requests")
}

/// What the desk counts when it is asked again.
fn count_after(run: &Run, table: &str) -> Option<u64> {
    let number = run.tables.iter().position(|rows| rows.table.name == table)?;
    run.notes.iter().rev().find_map(|note| match note {
        Note::DeskCountAfter { table, count } if *table as usize == number => Some(*count),
        _ => None,
    })
}

/// Nothing is missing, and nothing twice: every table has what it is said to have.
fn is_whole(run: &Run) {
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.unread(), []);
    for table in crate::tables::NAMES {
        let rows = run.rows(table).len() as u64;
        let counts = [run.desk_count(table), count_after(run, table)];
        assert!(counts.contains(&Some(rows)), "{table}: {rows} rows, counts {counts:?}");
    }
}
