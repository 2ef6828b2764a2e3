//! The comments of activities.

use std::collections::HashSet;

use plugin_api::{Column, Desk, List, Output, RawValue, Request, Response, Result, Table, TableId, Value};
use serde::Deserialize;

use crate::kinds::Kind;

/// The name of their table.
pub(crate) const TABLE: &str = "ActivityComments";

/// Comments in a page.
pub(crate) const PAGE: u64 = 100;

/// As the archive's format has the comments of tickets; behind them which kind of activity it is.
pub(crate) fn table() -> Table {
    let format = vec![
        Column::new("id", "Comment Id"),
        Column::new("comment", "Comment").from("/content"),
        Column::new("commentedBy", "Commented By").from("/commenterId"),
        Column::new("isPublic", "Is Public"),
        Column::new("commentedTime", "Commented Time").time(),
        Column::new("modifiedTime", "Modified Time").time(),
        Column::new("entityId", "Entity Id").given(),
        Column::new("moduleId", "Module Id"),
        Column::new("activityType", "Activity Type").given(),
    ];
    let further = [
        "contentType",
        "encodedContent",
        "commenter",
        "impersonatedUser",
        "attachments",
    ];
    zoho::table(TABLE, format, Vec::new(), &further)
}

/// Whether an activity may have comments: it is not said that it has none.
pub(crate) fn may_have(activity: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Activity<'a> {
        #[serde(default, borrow, rename = "isCommented")]
        is_commented: Option<&'a RawValue>,
    }
    let read: Option<Activity<'_>> = serde_json::from_str(activity.get()).ok();
    let said = read.and_then(|activity| activity.is_commented).map(RawValue::get);
    !matches!(said, Some("false" | "\"false\""))
}

/// The list of an activity's comments.
fn list(kind: &Kind, id: &str) -> Request {
    Request::get(format!("{}/{id}/comments", kind.records.path)).query("sortBy", "commentedTime")
}

/// The first page of an activity's comments, oldest first.
pub(crate) fn request(kind: &Kind, id: &str) -> Request {
    list(kind, id).query("from", 0).query("limit", PAGE)
}

/// Writes the comments of an activity, of which the first page has come; gives how many there were.
pub(crate) fn write(
    desk: &Desk<'_>,
    out: &mut Output<'_>,
    table: TableId,
    (kind, id): (&Kind, &str),
    first: &Response,
) -> Result<u64> {
    let mut seen = Seen {
        table,
        kind,
        id,
        comments: HashSet::new(),
    };
    let last = seen.write(out, &first.records("/data")?)?;
    let count = seen.comments.len() as u64;
    // The last one must come again; else some went away, others moved up behind it, and all are looked through.
    if (count >= PAGE || List::may_be_cut(count, PAGE)) && !seen.read_on(desk, out, count - 1, last.as_deref())? {
        seen.read_on(desk, out, 0, None)?;
    }
    Ok(seen.comments.len() as u64)
}

/// The comments of an activity that are written.
struct Seen<'k> {
    table: TableId,
    kind: &'k Kind,
    id: &'k str,
    comments: HashSet<String>,
}

impl Seen<'_> {
    /// Writes those that are new; gives the id of the last one.
    fn write(&mut self, out: &mut Output<'_>, records: &[&RawValue]) -> Result<Option<String>> {
        let given = [
            ("entityId", Value::Text(self.id)),
            ("activityType", Value::Text(self.kind.table)),
        ];
        let mut last = None;
        for record in records {
            let id = zoho::id(record)?;
            if self.comments.insert(id.clone()) {
                out.record_with(self.table, record, &given)?;
            }
            last = Some(id);
        }
        Ok(last)
    }

    /// Reads the list from this index to its end. False, and nothing is read, if it does not begin with `expected`.
    fn read_on(&mut self, desk: &Desk<'_>, out: &mut Output<'_>, from: u64, expected: Option<&str>) -> Result<bool> {
        let mut is_begun = expected.is_none();
        for page in desk.list(list(self.kind, self.id), &zoho::list_from("/data", PAGE, from))? {
            let page = page?;
            let records = page.records()?;
            if !is_begun && records.first().map(|record| zoho::id(record)).transpose()?.as_deref() != expected {
                return Ok(false);
            }
            is_begun = true;
            self.write(out, &records)?;
        }
        Ok(is_begun)
    }
}
