//! Transactions, which are the history of everything: with their texts, attachments and time worked.
//!
//! A slice of transactions is asked for, then the attachments of those, then the texts among the attachments, in
//! groups of a few megabytes. All of it is a chain of iterators, so that many slices are under way at one time.

use std::rc::Rc;

use plugin_api::{ErrorKind, ExportError, Output, Result};
use serde_json::Value as Json;

use crate::cell::{Row, plain};
use crate::custom::TRANSACTIONS;
use crate::list::{Record, id, number, search, total, where_is};
use crate::slices::{Records, Slice};
use crate::work::{Run, within};

mod attachment;
mod text;

use attachment::{Ask, Which};
use text::Group;

const FIELDS: [&str; 15] = [
    "id",
    "ObjectType",
    "ObjectId",
    "Type",
    "Field",
    "OldValue",
    "NewValue",
    "ReferenceType",
    "OldReference",
    "NewReference",
    "Data",
    "TimeTaken",
    "Creator",
    "Created",
    "CustomFields",
];

/// The transactions of a slice.
struct History {
    slice: Slice,
    transactions: Records,
}

impl History {
    fn ids(&self) -> Result<Vec<u64>> {
        self.transactions.read.iter().map(id).collect()
    }
}

/// Writes the transactions above `after` that the job asks for, and what hangs on them.
pub(crate) fn export(run: &Run<'_, '_>, out: &mut Output<'_>, after: u64) -> Result<()> {
    let Some((low, high)) = run.fixed.transactions else {
        return Ok(());
    };
    let request = |slice: Slice| {
        let mut conditions = within(run.job, "Created", 0);
        conditions.extend([where_is("id", ">", slice.after), where_is("id", "<=", slice.to)]);
        search("transactions", &FIELDS, &["Creator"], &conditions)
    };
    let slices = Slice::all(after.max(low.saturating_sub(1)), high);
    let histories = run
        .desk
        .each(slices.map(Ok), |slice| Some(request(*slice)))
        .map(|child| {
            let child = child?;
            let transactions = child.parent.records(child.answer, run.desk, &request)?;
            Ok(History {
                slice: child.parent,
                transactions,
            })
        });
    let asks = histories.flat_map(|history| match history.and_then(Ask::both) {
        Ok(both) => both.map(Ok).to_vec(),
        Err(error) => vec![Err(error)],
    });
    let mut answers = run.desk.each(asks, Ask::request);
    let groups = std::iter::from_fn(|| {
        let roots = answers.next()?;
        let groups = roots.and_then(|roots| {
            let parts = answers.next().unwrap_or_else(|| Err(unpaired()))?;
            if roots.parent.which != Which::Roots || parts.parent.which != Which::Parts {
                return Err(unpaired());
            }
            let history = Rc::clone(&roots.parent.history);
            let mut attachments = roots.parent.read(roots.answer, run.desk)?;
            attachments.extend(parts.parent.read(parts.answer, run.desk)?);
            Group::all(&history, attachments)
        });
        Some(groups)
    });
    let groups = groups.flat_map(|groups| match groups {
        Ok(groups) => groups.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    for child in run.desk.each(groups, Group::request) {
        let child = child?;
        let mut group = child.parent;
        let texts = group.texts(child.answer, run.desk)?;
        group.write(run, out, &texts)?;
        if let Some(to) = group.last_of {
            run.transactions_done(out, to)?;
        }
    }
    count(run, out)
}

fn unpaired() -> ExportError {
    let message = "the answers on messages and on their parts do not come in pairs";
    ExportError::new(ErrorKind::Other, message)
}

/// Tells how many there are by now: one that another program wrote late, with a number below the highest, is missed.
fn count(run: &Run<'_, '_>, out: &mut Output<'_>) -> Result<()> {
    let Some((low, high)) = run.fixed.transactions else {
        return Ok(());
    };
    let ends = [where_is("id", ">=", low), where_is("id", "<=", high)];
    let conditions: Vec<Json> = within(run.job, "Created", 0).into_iter().chain(ends).collect();
    let table = out.table("Transactions")?;
    out.desk_count(
        table,
        total(run.desk, &search("transactions", &["id"], &[], &conditions))?,
    )?;
    if run.job.range.is_none() {
        let ends = [
            where_is("TransactionId", ">=", low),
            where_is("TransactionId", "<=", high),
        ];
        let table = out.table("Attachments")?;
        out.desk_count(table, total(run.desk, &search("attachments", &["id"], &[], &ends))?)?;
    }
    Ok(())
}

/// The ticket that a transaction belongs to, if it belongs to one.
fn ticket(record: &Record) -> Option<String> {
    (plain(record.get("ObjectType")) == "RT::Ticket").then(|| plain(record.get("ObjectId")))
}

/// The row of a transaction, with its texts: the first plain one, the first of HTML, all others.
fn row(run: &Run<'_, '_>, record: &Record, plain_text: &str, html: &str, more: &[Json]) -> Row {
    let mut row = Row::default();
    row.plain(record, &["id", "ObjectType", "ObjectId"]);
    row.text(ticket(record).unwrap_or_default());
    row.plain(
        record,
        &[
            "Type",
            "Field",
            "OldValue",
            "NewValue",
            "ReferenceType",
            "OldReference",
            "NewReference",
            "Data",
            "TimeTaken",
        ],
    );
    row.name(record, "Creator");
    row.time(record, "Created");
    row.text(plain_text);
    row.text(html);
    row.list(more);
    run.custom.cells(&mut row, TRANSACTIONS, record);
    row
}

/// The row of time worked, where a transaction tells of some.
fn time_worked(record: &Record) -> Option<Row> {
    let ticket = ticket(record)?;
    // Time taken back is negative.
    let taken = plain(record.get("TimeTaken")).parse::<i64>().unwrap_or(0);
    if taken == 0 {
        return None;
    }
    let mut row = Row::default();
    row.plain(record, &["id"]);
    row.text(ticket);
    row.plain(record, &["Type", "TimeTaken"]);
    row.name(record, "Creator");
    row.time(record, "Created");
    Some(row)
}

/// The number of the transaction that an attachment belongs to.
fn owner(attachment: &Record) -> Result<u64> {
    number(attachment, "TransactionId")
}
