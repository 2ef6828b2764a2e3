//! Exports Zoho Desk's activities: tasks, calls and events, each from rows of its search, and their comments.
//!
//! An activity says only whether it has comments, not how many: they are asked for where it does, or does not say. A
//! kind that these credentials may not read is told, and the others are exported all the same.
//!
//! `kinds` has what differs between the three, `comments` reads comments, `work` is the export.

use plugin_api::{Description, Desk, Exporter, Job, Output, Result, Table};

mod comments;
mod kinds;
mod work;

struct Activities;

plugin_api::export_plugin!(Activities);

impl Exporter for Activities {
    fn describe(&self) -> Description {
        Description::new("activities", "Activities")
            .connection("zoho")
            .tables(kinds::ALL.map(|kind| kind.table))
            .tables([comments::TABLE])
            .again()
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        let custom = zoho::custom_fields(desk, kinds::ALL.map(|kind| kind.module))?;
        let kinds = kinds::ALL.iter().zip(custom).map(|(kind, custom)| kind.columns(custom));
        Ok(kinds.chain([comments::table()]).collect())
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        desk.judge_by(zoho::judge);
        zoho::remark_unread_fields(out)?;
        if !job.only.is_empty() {
            return work::again(job, desk, out);
        }
        work::export(job, desk, out)
    }
}

#[cfg(test)]
mod tests;
