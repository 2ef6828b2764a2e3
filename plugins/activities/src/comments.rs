//! The comments of activities.

use std::collections::HashSet;

use plugin_api::{Column, Desk, ExportError, List, Output, RawValue, Request, Response, Result, Table, TableId, Value};
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

/// Bytes of an activity's comments behind the first page. More are not held: then it is told that they are not read.
const HELD: usize = 256 << 20;

/// Writes the comments of an activity, of which the first page has come; gives how many there were. All or none: what was
/// written of those that can't be read to their end, the second try would write again.
pub(crate) fn write(
    desk: &Desk<'_>,
    out: &mut Output<'_>,
    table: TableId,
    (kind, id): (&Kind, &str),
    first: &Response,
) -> Result<u64> {
    let mut seen = Seen {
        kind,
        id,
        ids: HashSet::new(),
        comments: Vec::new(),
        bytes: 0,
    };
    let records = first.records("/data")?;
    let firsts: Vec<bool> = records
        .iter()
        .map(|record| seen.is_new(record))
        .collect::<Result<_>>()?;
    let last = records.last().map(|record| zoho::id(record)).transpose()?;
    let count = seen.ids.len() as u64;
    // The last one must come again; else some went away, others moved up behind it, and all are looked through.
    if (count >= PAGE || List::may_be_cut(count, PAGE)) && !seen.read_on(desk, count - 1, last.as_deref())? {
        seen.read_on(desk, 0, None)?;
    }
    let given = [("entityId", Value::Text(id)), ("activityType", Value::Text(kind.table))];
    let firsts = records
        .into_iter()
        .zip(firsts)
        .filter_map(|(record, is_new)| is_new.then_some(record));
    for record in firsts.chain(seen.comments.iter().map(AsRef::as_ref)) {
        out.record_with(table, record, &given)?;
    }
    Ok(seen.ids.len() as u64)
}

/// The comments of an activity, as far as they are read.
struct Seen<'k> {
    kind: &'k Kind,
    id: &'k str,
    ids: HashSet<String>,
    /// Those behind the first page.
    comments: Vec<Box<RawValue>>,
    /// Bytes of these.
    bytes: usize,
}

impl Seen<'_> {
    /// Whether it did not come before.
    fn is_new(&mut self, record: &RawValue) -> Result<bool> {
        Ok(self.ids.insert(zoho::id(record)?))
    }

    /// Reads the list from this index to its end. False, and nothing is read, if it does not begin with `expected`.
    fn read_on(&mut self, desk: &Desk<'_>, from: u64, expected: Option<&str>) -> Result<bool> {
        let mut is_begun = expected.is_none();
        for page in desk.list(list(self.kind, self.id), &zoho::list_from("/data", PAGE, from))? {
            let page = page?;
            let records = page.records()?;
            if !is_begun && records.first().map(|record| zoho::id(record)).transpose()?.as_deref() != expected {
                return Ok(false);
            }
            is_begun = true;
            for record in records {
                if self.is_new(record)? {
                    self.bytes += record.get().len();
                    if self.bytes > HELD {
                        let asked = list(self.kind, self.id);
                        return Err(ExportError::decode(&asked.path, "its comments are more than 256 MiB"));
                    }
                    self.comments.push(record.to_owned());
                }
            }
        }
        Ok(is_begun)
    }
}
