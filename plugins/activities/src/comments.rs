//! The comments of activities.

use plugin_api::{Column, Desk, Output, RawValue, Request, Response, Result, Table, TableId, Value};
use serde::Deserialize;
use zoho::List;

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
    let given = [("entityId", Value::Text(id)), ("activityType", Value::Text(kind.table))];
    let records = first.records("/data")?;
    for record in &records {
        out.record_with(table, record, &given)?;
    }
    let mut count = records.len() as u64;
    if count < PAGE {
        return Ok(count);
    }
    let mut more = List::new(desk, list(kind, id), "/data", PAGE, PAGE);
    while let Some(page) = more.next().transpose()? {
        for (_, record) in page.records()? {
            out.record_with(table, record, &given)?;
        }
    }
    count += more.listed();
    Ok(count)
}
