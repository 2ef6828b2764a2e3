//! An exporter for a help desk of your own: tickets and their comments.
//!
//! The desk has three endpoints. `/fields` names the tickets' custom fields. `/tickets` lists tickets in pages,
//! ordered by id, with the total. `/tickets/{id}/comments` has all comments of a ticket.

use plugin_api::{
    Column, Description, Desk, ErrorKind, ExportError, Exporter, Job, Output, Paging, RawValue, Request, Result, Table,
    TableId, Timestamp, Value,
};
use serde::{Deserialize, Serialize};

/// The largest page that the desk gives.
const PAGE: u64 = 100;

struct Example;

plugin_api::export_plugin!(Example);

/// A custom field, as `/fields` has it.
#[derive(Deserialize)]
struct Field {
    key: String,
    label: String,
}

/// What the exporter itself needs of a ticket. All else goes from the record into its columns, untouched.
#[derive(Deserialize)]
struct Ticket {
    id: u64,
    updated_at: Timestamp,
    #[serde(default)]
    comment_count: Option<u64>,
}

/// How far an export has come: what a checkpoint keeps.
#[derive(Default, Serialize, Deserialize)]
struct Cursor {
    pages: u64,
    /// What the desk said it has, on the first page of all.
    total: u64,
}

impl Exporter for Example {
    fn describe(&self) -> Description {
        Description::new("example", "A help desk of your own")
            .tables(["Tickets", "Comments"])
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        let answer = desk.get("/fields")?;
        let mut custom = Vec::new();
        for record in answer.records("/fields")? {
            let field: Field = read("a field", record)?;
            // A key may hold what has a meaning in a JSON pointer.
            let pointer = field.key.replace('~', "~0").replace('/', "~1");
            custom.push(Column::new(format!("custom.{}", field.key), field.label).from(format!("/custom/{pointer}")));
        }
        let tickets = Table::new("Tickets")
            .column(Column::new("id", "Ticket Id"))
            .column(Column::new("subject", "Subject"))
            .column(Column::new("requester", "Requester").from("/requester/email"))
            .column(Column::new("created_at", "Created Time").time())
            .column(Column::new("updated_at", "Modified Time").time())
            .columns(custom)
            .rest("Other Fields")
            .key(["id"]);
        let comments = Table::new("Comments")
            .column(Column::new("id", "Comment Id"))
            .column(Column::new("ticket_id", "Ticket Id").given())
            .column(Column::new("created_at", "Created Time").time())
            .column(Column::new("body", "Content"))
            .rest("Other Fields")
            .key(["id"])
            .child_of("Tickets", "ticket_id");
        Ok(vec![tickets, comments])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        let (tickets, comments) = (out.table("Tickets")?, out.table("Comments")?);
        let mut cursor = match &job.resume {
            Some(cursor) => Cursor::deserialize(cursor).map_err(|error| ExportError::decode("the cursor", error))?,
            None => Cursor::default(),
        };
        let mut request = Request::get("/tickets").query("sort", "id");
        if let Some(range) = job.range {
            request = request.query("updated_from", range.from).query("updated_to", range.to);
        }
        let paging = Paging::by_number("page", 1, "per_page", PAGE)
            .items("/tickets")
            .total("/total")
            .skip(cursor.pages)
            .known_total(cursor.total);
        for page in desk.pages(request, &paging) {
            let page = page?;
            if cursor.pages == 0 {
                cursor.total = page.count("/total")?;
            }
            // Whether the desk counts the ends of a range as we do is not known; of the whole there is no doubt.
            if job.range.is_none() {
                out.desk_count(tickets, cursor.total)?;
            }
            export_page(job, desk, out, (tickets, comments), &page.records("/tickets")?)?;
            cursor.pages += 1;
            out.checkpoint(&cursor)?;
        }
        Ok(())
    }
}

/// Writes the tickets of a page, each with its comments.
fn export_page(
    job: &Job,
    desk: &Desk<'_>,
    out: &mut Output<'_>,
    (tickets, comments): (TableId, TableId),
    records: &[&RawValue],
) -> Result<()> {
    let parents = records
        .iter()
        .map(|record| Ok((read::<Ticket>("a ticket", record)?, *record)));
    // A desk that takes no notice of the range must not bring in more than was asked for.
    let wanted = parents.filter(|parent| parent.as_ref().map_or(true, |(ticket, _)| job.wants(ticket.updated_at)));
    let request = |(ticket, _): &(Ticket, &RawValue)| {
        let has_comments = ticket.comment_count != Some(0);
        has_comments.then(|| Request::get(format!("/tickets/{}/comments", ticket.id)))
    };
    for child in desk.each(wanted, request) {
        let child = child?;
        let (ticket, record) = child.parent;
        out.record(tickets, record)?;
        let id = ticket.id.to_string();
        match child.answer {
            None => {}
            Some(Ok(answer)) => {
                for comment in answer.records("/comments")? {
                    out.record_with(comments, comment, &[("ticket_id", Value::Text(&id))])?;
                }
            }
            // Deleted since it was listed: the ticket is kept as it was.
            Some(Err(error)) if error.kind == ErrorKind::NotFound => out.gone(comments, id)?,
            // One ticket that can't be read does not end the backup; but it is told.
            Some(Err(error)) if matches!(error.kind, ErrorKind::Http | ErrorKind::Forbidden) => {
                out.unread(comments, id, &error)?;
            }
            Some(Err(error)) => return Err(error),
        }
    }
    Ok(())
}

fn read<T: for<'r> Deserialize<'r>>(what: &str, record: &RawValue) -> Result<T> {
    serde_json::from_str(record.get()).map_err(|error| ExportError::decode(what, error))
}

#[cfg(test)]
mod tests;
