//! The three kinds of activities. The desk's own backup has none of them: the columns are the API's, in its order.

use plugin_api::{Column, Table};
use zoho::Module;

/// A kind of activities.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The desk's name of it in paths and in its fields.
    pub(crate) module: &'static str,
    /// Its table, which is also what its records are called.
    pub(crate) table: &'static str,
    pub(crate) records: Module,
    label: &'static str,
    /// API fields that not all kinds have.
    own: &'static [&'static str],
}

/// All of them, in the order of the export. A cursor names them by their places.
pub(crate) const ALL: [Kind; 3] = [
    Kind {
        module: "tasks",
        table: "Tasks",
        records: records("/tasks"),
        label: "Task Id",
        own: &["category", "dueDate", "startTime", "completedTime", "direction"],
    },
    Kind {
        module: "calls",
        table: "Calls",
        records: records("/calls"),
        label: "Call Id",
        own: &["direction", "startTime", "duration", "completedTime"],
    },
    Kind {
        module: "events",
        table: "Events",
        records: records("/events"),
        label: "Event Id",
        own: &["category", "startTime", "duration", "completedTime"],
    },
];

/// Calls and events can be sorted by nothing else that does not change.
const fn records(path: &'static str) -> Module {
    Module {
        path,
        list: &[("sortBy", "createdTime")],
    }
}

const COMMON: [&str; 18] = [
    "subject",
    "status",
    "priority",
    "departmentId",
    "ticketId",
    "contactId",
    "ownerId",
    "creatorId",
    "teamId",
    "createdTime",
    "isCommented",
    "isSpam",
    "webUrl",
    "activityType",
    "ticket",
    "contact",
    "team",
    "assignee",
];

const DETAIL: [&str; 7] = [
    "modifiedTime",
    "modifiedBy",
    "description",
    "statusType",
    "reminder",
    "layoutId",
    "isTrashed",
];

impl Kind {
    /// Its table. The desk's own backup has none: before the custom fields stand the API's, in its order.
    pub(crate) fn columns(&self, custom: Vec<Column>) -> Table {
        let fields = COMMON.iter().chain(self.own).chain(&DETAIL);
        let columns = std::iter::once(Column::new("id", self.label)).chain(fields.map(|name| zoho::column(name)));
        zoho::table(self.table, columns.collect(), custom, &[])
    }
}
