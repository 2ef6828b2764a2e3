//! Exports Zoho Desk's departments, enabled and disabled ones. They have no time of change: each backup has them all.

use std::collections::HashSet;

use plugin_api::{Column, Description, Desk, ErrorKind, Exporter, Job, List, Output, Request, Result, Table};
use zoho::{AGENTS_LIMIT, Least};

struct Departments;

plugin_api::export_plugin!(Departments);

impl Exporter for Departments {
    fn describe(&self) -> Description {
        Description::new("departments", "Departments")
            .connection("zoho")
            .tables(["Departments"])
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        Ok(vec![zoho::table("Departments", format(), Vec::new(), &FURTHER)])
    }

    fn export(&self, _: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        desk.judge_by(zoho::judge);
        let table = out.table("Departments")?;
        let counted = match count(desk) {
            Err(error) if error.kind == ErrorKind::Forbidden && zoho::is_refused(&error) => {
                out.remark(format!(
                    "the number of departments is not known, and not checked: {}",
                    error.message
                ))?;
                None
            }
            count => Some(count?),
        };
        if let Some(count) = counted {
            out.expect(count)?;
        }
        let mut least = Least::default();
        least.add(1);
        // Without the parameter a desk may list enabled ones only.
        let mut seen = HashSet::new();
        let mut rows = [0; 2];
        for (at, is_enabled) in [true, false].into_iter().enumerate() {
            let request = Request::get("/departments").query("isEnabled", is_enabled);
            let list = List {
                asks_on: counted.is_none(),
                ..zoho::list_from("/data", AGENTS_LIMIT, 0)
            };
            for page in desk.list(request, &list)? {
                for department in page?.records()? {
                    if seen.insert(zoho::id(department)?) {
                        out.record(table, department)?;
                        rows[at] += 1;
                    }
                }
            }
            least.add(zoho::list(rows[at], AGENTS_LIMIT));
        }
        least.tell(out)?;
        let Some(counted) = counted else {
            return Ok(());
        };
        out.desk_count(table, total(counted, rows))?;
        if total(counted, rows) != out.rows(table) {
            out.desk_count_after(table, total(count(desk)?, rows))?;
        }
        Ok(())
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
