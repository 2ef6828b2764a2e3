//! The least number of requests with which the rules of the API allow a complete backup, worked out from the truth: a
//! second time, and by other means than the exporters work it out.
//!
//! A list whose length is known beforehand takes as many requests as it has pages, at least one. One whose length is not
//! known ends with a page that is not full, which may be an empty one.

use std::collections::BTreeMap;
use std::path::Path;

use crate::compare::{Json, Line, read_truth};

/// Records of a search, of time entries, of attachments, of comments.
const PAGE: u64 = 100;
/// Records of a list of agents, teams, departments, and of a ticket's conversations.
const LARGE: u64 = 200;

/// A list whose length is known.
fn known(records: u64, page: u64) -> u64 {
    records.div_ceil(page).max(1)
}

/// A list whose length is not known.
fn open(records: u64, page: u64) -> u64 {
    records / page + 1
}

/// What there is of a ticket.
#[derive(Clone, Copy, Default)]
struct Ticket {
    threads: u64,
    comments: u64,
    /// Its own, not those of its threads and comments.
    attachments: u64,
}

impl Ticket {
    /// Its own page, its threads with their bodies, its comments, its attachments.
    fn least(self) -> u64 {
        let conversations = match (self.threads, self.comments) {
            (0, 0) => 0,
            // The latest thread, whole.
            (1, 0) => 1,
            (threads, comments) => known(threads + comments, LARGE) + threads,
        };
        let attachments = if self.attachments > 0 {
            known(self.attachments, PAGE)
        } else {
            0
        };
        1 + conversations + attachments
    }
}

/// What there is on a desk.
#[derive(Default)]
struct Census {
    records: BTreeMap<String, u64>,
    tickets: BTreeMap<String, Ticket>,
    /// Threads whose page shows only the beginning of their text.
    cut: u64,
    /// Time entries of each agent.
    entries: BTreeMap<String, u64>,
    /// Archived tickets of each department.
    archived: BTreeMap<String, u64>,
    agents: BTreeMap<String, u64>,
    departments: BTreeMap<bool, u64>,
    /// Comments of each activity that says that it has some.
    commented: BTreeMap<String, u64>,
}

/// Requests by module.
///
/// # Panics
/// Where the truth can't be read.
pub fn of(truth: &Path) -> BTreeMap<&'static str, u64> {
    let mut census = Census::default();
    read_truth(truth, &mut |line| census.add(&line)).expect("the truth");
    census.least()
}

impl Census {
    fn add(&mut self, line: &Line) {
        *self.records.entry(line.table.clone()).or_default() += 1;
        let text = |key: &str| line.value(key).and_then(Json::text).unwrap_or_default().to_owned();
        let is = |key: &str| match line.value(key) {
            Some(Json::Bool(bit)) => *bit,
            Some(Json::Text(text)) => text == "true",
            _ => false,
        };
        let parent = || line.parent.clone().unwrap_or_default();
        match line.table.as_str() {
            "Cases" => {
                self.tickets.entry(line.id.clone()).or_default();
                if is("isArchived") {
                    *self.archived.entry(text("departmentId")).or_default() += 1;
                }
            }
            "Threads" => {
                self.tickets.entry(parent()).or_default().threads += 1;
                self.cut += u64::from(is("isContentTruncated"));
            }
            "Comments" => self.tickets.entry(parent()).or_default().comments += 1,
            "Attachments" => {
                let own = line.shape(0, "detail");
                let href = own.and_then(|own| own.get("href")?.text()).unwrap_or_default();
                if !href.contains("/threads/") && !href.contains("/comments/") {
                    self.tickets.entry(parent()).or_default().attachments += 1;
                }
            }
            "TimeEntry" => *self.entries.entry(text("ownerId")).or_default() += 1,
            "Agents" => *self.agents.entry(text("status")).or_default() += 1,
            "Departments" => *self.departments.entry(is("isEnabled")).or_default() += 1,
            "Tasks" | "Calls" | "Events" if is("isCommented") => {
                self.commented.entry(line.id.clone()).or_default();
            }
            "ActivityComments" => *self.commented.entry(parent()).or_default() += 1,
            _ => {}
        }
    }

    fn records(&self, table: &str) -> u64 {
        self.records.get(table).copied().unwrap_or(0)
    }

    fn least(&self) -> BTreeMap<&'static str, u64> {
        let searched = |table: &str| known(self.records(table), PAGE);
        let agents = ["ACTIVE", "DISABLED", "DELETED"].map(|status| self.agents.get(status).copied().unwrap_or(0));
        let agents: u64 = agents.map(|agents| open(agents, LARGE)).iter().sum();
        let departments = [true, false].map(|enabled| self.departments.get(&enabled).copied().unwrap_or(0));
        let departments: u64 = departments.map(|departments| open(departments, LARGE)).iter().sum();
        let comments: u64 = self.commented.values().map(|comments| open(*comments, PAGE)).sum();
        BTreeMap::from([
            ("tickets", self.of_tickets(agents, departments)),
            // The custom fields, then the search.
            ("contacts", 1 + searched("Contacts")),
            ("accounts", 1 + searched("Accounts")),
            ("products", 1 + searched("Products")),
            (
                "activities",
                3 + searched("Tasks") + searched("Calls") + searched("Events") + comments,
            ),
            (
                "articles",
                searched("Articles") + self.records("Articles") + self.records("ArticleTranslations"),
            ),
            // The custom fields, the count, the lists.
            ("agents", 2 + agents),
            ("teams", open(self.records("Teams"), LARGE)),
            ("departments", 1 + departments),
        ])
    }

    fn of_tickets(&self, agents: u64, departments: u64) -> u64 {
        let archived: u64 = self.archived.values().sum();
        let of_department = |n: u64| open(n, PAGE);
        let in_departments: u64 = self.archived.values().copied().map(of_department).sum();
        // Departments without archived tickets have to say so.
        let without = self.departments.values().sum::<u64>() - self.archived.len() as u64;
        let with_entries: u64 = self.entries.values().map(|entries| open(*entries, PAGE)).sum();
        let without_entries = self.agents.values().sum::<u64>() - self.entries.len() as u64;
        let tickets: u64 = self.tickets.values().map(|ticket| ticket.least()).sum();
        // The custom fields of tickets and of time entries come first.
        2 + agents
            + with_entries
            + without_entries
            + known(self.records("Cases") - archived, PAGE)
            + departments
            + in_departments
            + without
            + tickets
            + self.cut
    }
}
