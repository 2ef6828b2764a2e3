//! Exports Zoho Desk's departments, enabled and disabled ones. They have no time of change: each backup has them all.

use plugin_api::{
    Column, Description, Desk, ErrorKind, Exporter, Job, List, ListCursor, Output, Request, Result, Table,
};
use serde::{Deserialize, Serialize};
use zoho::{AGENTS_LIMIT, Least};

struct Departments;

plugin_api::export_plugin!(Departments);

impl Exporter for Departments {
    fn describe(&self) -> Description {
        Description::new("departments", "Departments")
            .connection("zoho")
            .tables(["Departments"])
            .again()
            .resumes()
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        Ok(vec![zoho::table("Departments", format(), Vec::new(), &FURTHER)])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        desk.judge_by(zoho::judge);
        let table = out.table("Departments")?;
        if !job.only.is_empty() {
            return again(job, desk, out);
        }
        let mut cursor = match zoho::cursor(job)? {
            Some(cursor) => cursor,
            None => Cursor {
                counted: first_count(desk, out)?,
                ..Cursor::default()
            },
        };
        let counted = cursor.counted;
        if let Some(count) = counted {
            out.expect(count)?;
        }
        let mut seen = zoho::remembered_ids(job)?;
        // Without the parameter a desk may list enabled ones only.
        while let Some(is_enabled) = [true, false].get(cursor.done) {
            let request = Request::get("/departments").query("isEnabled", is_enabled);
            let list = List {
                asks_on: counted.is_none(),
                ..zoho::list_from("/data", AGENTS_LIMIT, 0)
            };
            let mut pages = desk.list_on(request, &list, cursor.list, seen.iter().cloned())?;
            while let Some(page) = pages.next().transpose()? {
                let mut ids = Vec::new();
                for department in page.records()? {
                    let id = zoho::id(department)?;
                    if seen.insert(id.clone()) {
                        out.record(table, department)?;
                        cursor.rows[cursor.done] += 1;
                        ids.push(id);
                    }
                }
                out.remember(&ids)?;
                if let Some(list) = pages.cursor() {
                    cursor.list = list;
                    out.checkpoint(&cursor)?;
                }
            }
            (cursor.done, cursor.list) = (cursor.done + 1, ListCursor::default());
            out.checkpoint(&cursor)?;
        }
        let rows = cursor.rows;
        let mut least = Least::default();
        least.add(1 + rows.iter().map(|rows| zoho::list(*rows, AGENTS_LIMIT)).sum::<u64>());
        least.tell(out)?;
        let Some(counted) = counted else {
            return Ok(());
        };
        out.desk_count(table, total(counted, rows))?;
        if total(counted, rows) != rows.iter().sum::<u64>() {
            out.desk_count_after(table, total(count(desk)?, rows))?;
        }
        Ok(())
    }
}

/// Some departments once more: the lists are few pages.
fn again(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    let table = out.table("Departments")?;
    let mut wanted = zoho::wanted_ids(&job.only, "Departments", table, out)?;
    for is_enabled in [true, false] {
        let request = Request::get("/departments").query("isEnabled", is_enabled);
        for page in zoho::list_pages(desk, request, "/data", AGENTS_LIMIT)? {
            for department in page?.records()? {
                let id = zoho::id(department)?;
                if let Some(at) = wanted.iter().position(|wanted| *wanted == id) {
                    wanted.swap_remove(at);
                    out.record(table, department)?;
                }
            }
        }
    }
    wanted.into_iter().try_for_each(|id| out.gone(table, id))
}

/// Where an export goes on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// As the desk counted them at the beginning.
    counted: Option<u64>,
    /// Lists that are done: enabled ones, disabled ones.
    done: usize,
    /// Where the next one is.
    list: ListCursor,
    /// Rows of each.
    rows: [u64; 2],
}

/// What the desk says of their number; nothing, with a remark, where it does not let these credentials know.
fn first_count(desk: &Desk<'_>, out: &mut Output<'_>) -> Result<Option<u64>> {
    match count(desk) {
        Err(error) if error.kind == ErrorKind::Forbidden && zoho::is_refused(&error) => {
            out.remark(format!(
                "the number of departments is not known, and not checked: {}",
                error.message
            ))?;
            Ok(None)
        }
        count => count.map(Some),
    }
}

fn count(desk: &Desk<'_>) -> Result<u64> {
    desk.get("/departments/count")?.count("/count")
}

/// How many departments there are by the desk's count, of which is not documented whether it has the disabled ones: it
/// has not, if it is just the number of enabled ones.
fn total(count: u64, [enabled, disabled]: [u64; 2]) -> u64 {
    if count == enabled { enabled + disabled } else { count }
}

/// The columns of the archive's format, in its order. The API has neither the time of change nor the status.
fn format() -> Vec<Column> {
    vec![
        Column::new("id", "Department Id"),
        Column::new("name", "Department Name"),
        Column::new("isEnabled", "Is Enabled"),
        Column::new("creatorId", "Creator Id"),
        Column::new("createdTime", "Created Time").time(),
        Column::new("modifiedTime", "Modified Time").time(),
        Column::new("status", "Department Status"),
    ]
}

/// The API's other fields.
const FURTHER: [&str; 8] = [
    "sanitizedName",
    "nameInCustomerPortal",
    "description",
    "isDefault",
    "isVisibleInCustomerPortal",
    "isAssignToTeamEnabled",
    "hasLogo",
    "chatStatus",
];

#[cfg(test)]
mod tests;
