//! Queues, also disabled ones. Their watchers RT gives only queue by queue.

use plugin_api::{ErrorKind, ExportError, Output, Request, Result};

use crate::cell::{Row, members, moment};
use crate::custom::QUEUES;
use crate::list::{Record, id, names, search, walk, where_is, with_disabled};
use crate::slices::fails_on_a_record;
use crate::work::Run;

/// Writes the queues above `after`.
pub(crate) fn export(run: &Run<'_, '_>, out: &mut Output<'_>, after: u64) -> Result<()> {
    let table = out.table("Queues")?;
    let request = |after: u64| {
        with_disabled(search(
            "queues",
            &["id", "LastUpdated"],
            &[],
            &[where_is("id", ">", after)],
        ))
    };
    for (number, page) in walk(run.desk, after, request).enumerate() {
        let page = page?;
        page.report(out, table, format_args!("page {}", number + 1))?;
        let mut wanted = Vec::new();
        for record in &page.items {
            if run.job.wants(moment(record, "LastUpdated")?) {
                wanted.push(Ok(id(record)?));
            }
        }
        let single = |queue: &u64| {
            Some(names(
                Request::get(format!("/queue/{queue}")),
                &["Creator", "LastUpdatedBy"],
            ))
        };
        for child in run.desk.each(wanted, single) {
            let child = child?;
            let queue = child.parent;
            let answer = child
                .answer
                .unwrap_or_else(|| Err(ExportError::decode("queues", "no answer")));
            let response = match answer {
                Ok(response) => response,
                Err(error) if error.kind == ErrorKind::NotFound => {
                    out.gone(table, queue.to_string())?;
                    continue;
                }
                Err(error) if fails_on_a_record(&error) => {
                    out.unread(table, queue.to_string(), &error)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let record: Record = response.json()?;
            if id(&record)? != queue {
                return Err(ExportError::decode(&response.asked, "another queue came"));
            }
            row(run, &record).write(out, table)?;
        }
        if let Some(last) = page.items.last() {
            run.queues_done(out, id(last)?)?;
        }
    }
    Ok(())
}

fn row(run: &Run<'_, '_>, record: &Record) -> Row {
    let mut row = Row::default();
    row.plain(
        record,
        &[
            "id",
            "Name",
            "Description",
            "CorrespondAddress",
            "CommentAddress",
            "SubjectTag",
            "Lifecycle",
            "SortOrder",
            "SLADisabled",
            "Disabled",
        ],
    );
    row.list(&members(record.get("Cc")));
    row.list(&members(record.get("AdminCc")));
    row.origin(record);
    run.custom.role_cells(&mut row, record);
    run.custom.cells(&mut row, QUEUES, record);
    row
}
