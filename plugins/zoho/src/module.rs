//! The export of a module that is one table: what contacts, accounts and products have in common.

use plugin_api::{Desk, Job, Output, Result};

use crate::again::{Again, again, wanted_ids};
use crate::fields::remark_unread_fields;
use crate::least::Least;
use crate::records::{Cursor, Module, Records};

/// Writes the records of a module to the one table of its exporter, whose custom fields took one request.
pub fn export_module(module: Module, table: &str, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    desk.judge_by(crate::judge);
    let name = table;
    let table = out.table(name)?;
    if !job.only.is_empty() {
        let ids = wanted_ids(&job.only, name, table, out)?;
        return again(desk, module.path, ids, |id, again| match again {
            Again::Record(record, _) => out.record(table, &record),
            Again::Gone => out.gone(table, id),
            Again::Unread(error) => out.unread(table, id, &error),
        });
    }
    remark_unread_fields(out)?;
    let resume = job.resume.as_ref().map(Cursor::read).transpose()?;
    let mut records = Records::open(desk, job, module, resume.as_ref())?;
    let facts = records.facts();
    let mut expected = None;
    while let Some(page) = records.next().transpose()? {
        if expected != facts.expected() {
            expected = facts.expected();
            out.expect(expected.unwrap_or(0))?;
        }
        for record in page.records()? {
            out.record(table, record)?;
        }
        facts.tell(out, table)?;
        if let Some(cursor) = &page.cursor {
            out.checkpoint(cursor)?;
        }
    }
    facts.tell(out, table)?;
    let mut least = Least::default();
    least.add(1 + facts.least());
    least.tell(out)
}
