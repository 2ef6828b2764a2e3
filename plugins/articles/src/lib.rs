//! Exports Zoho Desk's knowledge base: articles with their bodies, their translations, and links to their attachments.
//!
//! The search names the articles; the body, the tags and the attachments are only in an article's detail, and each
//! further language is asked for by itself ([`write`]). Drafts, expired and unpublished articles are in; trashed ones are
//! not.

mod article;
mod tables;
mod write;

use plugin_api::{Description, Desk, Exporter, Job, Output, Result, Table, export_plugin};

struct Articles;

impl Exporter for Articles {
    fn describe(&self) -> Description {
        Description::new("articles", "Articles")
            .connection("zoho")
            .tables(tables::NAMES)
            .again()
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        Ok(tables::all())
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        desk.judge_by(zoho::judge);
        write::export(job, desk, out)
    }
}

export_plugin!(Articles);

#[cfg(test)]
mod tests;
