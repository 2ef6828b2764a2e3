//! Articles, also disabled ones.

use plugin_api::{Output, Result};

use crate::cell::{Row, moment};
use crate::custom::ARTICLES;
use crate::link::{self, ARTICLE_LINKS};
use crate::list::{Record, id, number, search, walk, where_is, with_disabled};
use crate::work::Run;

const FIELDS: [&str; 13] = [
    "id",
    "Name",
    "Summary",
    "Class",
    "SortOrder",
    "URI",
    "Disabled",
    "Creator",
    "Created",
    "LastUpdatedBy",
    "LastUpdated",
    "CustomFields",
    "_hyperlinks",
];

/// Writes the articles above `after`.
pub(crate) fn export(run: &Run<'_, '_>, out: &mut Output<'_>, after: u64) -> Result<()> {
    let table = out.table("Articles")?;
    let request = |after: u64| {
        let conditions = [where_is("id", ">", after)];
        with_disabled(search(
            "articles",
            &FIELDS,
            &["Class", "Creator", "LastUpdatedBy"],
            &conditions,
        ))
    };
    for (number, page) in walk(run.desk, after, request).enumerate() {
        let page = page?;
        page.report(out, table, format_args!("page {}", number + 1))?;
        for record in &page.items {
            if run.job.wants(moment(record, "LastUpdated")?) {
                row(run, record)?.write(out, table)?;
            }
        }
        if let Some(last) = page.items.last() {
            run.articles_done(out, id(last)?)?;
        }
    }
    Ok(())
}

fn row(run: &Run<'_, '_>, record: &Record) -> Result<Row> {
    let mut row = Row::default();
    row.plain(record, &["id", "Name", "Summary"]);
    row.text(number(record, "Class")?.to_string());
    row.name(record, "Class");
    row.plain(record, &["SortOrder", "URI", "Disabled"]);
    row.origin(record);
    link::cells(&mut row, &ARTICLE_LINKS, record);
    run.custom.cells(&mut row, ARTICLES, record);
    Ok(row)
}
