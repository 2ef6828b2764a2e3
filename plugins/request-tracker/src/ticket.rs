//! Tickets: of every type and status, merged and deleted ones too.
//!
//! RT's search never shows deleted tickets, and asked for one by its number RT shows it, unless it was merged, when it
//! shows the ticket that it was merged into. So whatever number a search leaves out is looked up in the history, and
//! asked for by itself.

use std::collections::BTreeMap;

use plugin_api::{ErrorKind, ExportError, Output, Request, Response, Result, TableId};
use serde_json::Value as Json;

use crate::cell::{Row, members, moment};
use crate::custom::TICKETS;
use crate::link::{self, TICKET_LINKS};
use crate::list::{
    PAGE, Page, Record, ends, id, names, number, one_of, search, shown_as_null, ticket_search, walk, where_is,
};
use crate::slices::{Slice, missing};
use crate::tables::tickets;
use crate::work::{Run, sql_time, within};

const FIELDS: [&str; 30] = [
    "id",
    "EffectiveId",
    "IsMerged",
    "Type",
    "Status",
    "Queue",
    "Subject",
    "Owner",
    "Requestor",
    "Cc",
    "AdminCc",
    "Priority",
    "InitialPriority",
    "FinalPriority",
    "SLA",
    "TimeEstimated",
    "TimeWorked",
    "TimeLeft",
    "Starts",
    "Started",
    "Due",
    "Told",
    "Resolved",
    "Creator",
    "Created",
    "LastUpdatedBy",
    "LastUpdated",
    "CustomRoles",
    "CustomFields",
    "_hyperlinks",
];
const NAMED: [&str; 8] = [
    "Queue",
    "Owner",
    "Requestor",
    "Cc",
    "AdminCc",
    "Creator",
    "LastUpdatedBy",
    "CustomRoles",
];

/// RT takes times in a search for local time of the user, and says nowhere what that is: the search is widened by the
/// furthest time zones, and the answer held against the range.
const FURTHEST_EAST: i64 = 15 * 3600;
const FURTHEST_WEST: i64 = 13 * 3600;
/// A ticket's last change and the transaction that tells of it may lie on two sides of a range's end.
const APART: i64 = 24 * 3600;

/// Writes all tickets.
pub(crate) fn all(run: &Run<'_, '_>, out: &mut Output<'_>, after: u64) -> Result<()> {
    let table = out.table("Tickets")?;
    let Some((low, high)) = run.fixed.tickets else {
        return Ok(());
    };
    let request = |slice: Slice| {
        let condition = format!("id > {} AND id <= {}", slice.after, slice.to);
        ticket_search(&FIELDS, &NAMED, &condition)
    };
    let slices = Slice::all(after.max(low.saturating_sub(1)), high);
    for child in run.desk.each(slices.map(Ok), |slice| Some(request(*slice))) {
        let child = child?;
        let slice = child.parent;
        let records = slice.records(child.answer, run.desk, &request)?;
        records.report(out, table)?;
        let mut rows = BTreeMap::new();
        for record in &records.read {
            rows.insert(id(record)?, row(run, record)?);
        }
        let mut missing = missing(slice, &records.read)?;
        missing.retain(|id| !records.unread.iter().any(|(key, _)| *key == id.to_string()));
        let deleted = with_a_history(run, &missing)?;
        for_each_deleted(run, out, table, deleted.into_iter().map(|id| (id, true)), |id, row| {
            rows.insert(id, row);
        })?;
        for row in rows.values() {
            row.write(out, table)?;
        }
        run.tickets_done(out, slice.to)?;
    }
    Ok(())
}

/// Writes the tickets above `after` that were changed in the job's range. The search does not show deleted ones: the
/// history tells which tickets may be such. They are written with the page among whose numbers they are, so that an
/// export which is gone on with knows of every number up to its cursor that it is done.
pub(crate) fn changed(run: &Run<'_, '_>, out: &mut Output<'_>, after: u64) -> Result<()> {
    let table = out.table("Tickets")?;
    let Some(range) = run.job.range else {
        return Ok(());
    };
    let mut touched = touched(run)?.split_off(&after.saturating_add(1));
    let (from, to) = (sql_time(range.from, -FURTHEST_WEST), sql_time(range.to, FURTHEST_EAST));
    let request = |after: u64| {
        let condition = format!("id > {after} AND LastUpdated >= '{from}' AND LastUpdated < '{to}'");
        ticket_search(&FIELDS, &NAMED, &condition)
    };
    for (number, page) in walk(run.desk, after, request).enumerate() {
        let page = page?;
        page.report(out, table, format_args!("page {}", number + 1))?;
        let mut rows = BTreeMap::new();
        let mut last = None;
        for record in &page.items {
            let ticket = id(record)?;
            touched.remove(&ticket);
            last = Some(ticket);
            if run.job.wants(moment(record, "LastUpdated")?) {
                rows.insert(ticket, row(run, record)?);
            }
        }
        let Some(last) = last else {
            continue;
        };
        let above = touched.split_off(&last.saturating_add(1));
        let below = std::mem::replace(&mut touched, above);
        with_deleted(run, out, table, rows, below)?;
        run.tickets_done(out, last)?;
    }
    with_deleted(run, out, table, BTreeMap::new(), touched)?;
    run.transactions_done(out, 0)
}

/// The tickets with transactions in the job's range or shortly before it, and whether they have some in it.
fn touched(run: &Run<'_, '_>) -> Result<BTreeMap<u64, bool>> {
    let mut conditions = within(run.job, "Created", APART);
    conditions.push(where_is("ObjectType", "=", "RT::Ticket"));
    let fields = ["id", "ObjectId", "Created"];
    let mut touched = BTreeMap::new();
    let ends = ends(run.desk, || search("transactions", &fields, &[], &conditions), "id")?;
    let Some((low, high, _)) = ends else {
        return Ok(touched);
    };
    let request = |slice: Slice| {
        let mut conditions = conditions.clone();
        conditions.extend([where_is("id", ">", slice.after), where_is("id", "<=", slice.to)]);
        search("transactions", &fields, &[], &conditions)
    };
    let slices = Slice::all(low.saturating_sub(1), high);
    for child in run.desk.each(slices.map(Ok), |slice| Some(request(*slice))) {
        let child = child?;
        // What RT fails on is told when the transactions themselves are read.
        for record in child.parent.records(child.answer, run.desk, &request)?.read {
            let inside = run.job.wants(moment(&record, "Created")?);
            *touched.entry(number(&record, "ObjectId")?).or_default() |= inside;
        }
    }
    Ok(touched)
}

/// Writes rows, and with them, in the order of numbers, those of `touched` that are deleted.
fn with_deleted(
    run: &Run<'_, '_>,
    out: &mut Output<'_>,
    table: TableId,
    mut rows: BTreeMap<u64, Row>,
    touched: BTreeMap<u64, bool>,
) -> Result<()> {
    let touched: Vec<(u64, bool)> = touched.into_iter().collect();
    let parts = touched.chunks(usize::try_from(PAGE).unwrap_or(1)).map(Ok);
    let request = |part: &[(u64, bool)]| {
        let ids: Vec<_> = part.iter().map(|(id, _)| format!("id = {id}")).collect();
        ticket_search(&["id"], &[], &ids.join(" OR "))
    };
    let mut deleted = Vec::new();
    for child in run.desk.each(parts, |part| Some(request(part))) {
        let child = child?;
        let shown = Page::whole(run.desk, &request(child.parent), child.answer.transpose()?)?.ids()?;
        deleted.extend(child.parent.iter().filter(|(id, _)| !shown.contains(id)).copied());
    }
    for_each_deleted(run, out, table, deleted.into_iter(), |id, row| {
        rows.insert(id, row);
    })?;
    rows.values().try_for_each(|row| row.write(out, table))
}

/// Those of the numbers that RT made a ticket of: every ticket's making is in the history, and every change of status.
fn with_a_history(run: &Run<'_, '_>, tickets: &[u64]) -> Result<Vec<u64>> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let kinds = where_is("Type", "IN", vec!["Create", "Status"]);
    let request = |after: u64| {
        let conditions = [
            where_is("ObjectType", "=", "RT::Ticket"),
            one_of("ObjectId", tickets),
            kinds.clone(),
            where_is("id", ">", after),
        ];
        search("transactions", &["id", "ObjectId"], &[], &conditions)
    };
    let mut found = Vec::new();
    for page in walk(run.desk, 0, request) {
        let page = page?;
        if !page.nulls.is_empty() {
            return Err(shown_as_null().at("transactions"));
        }
        for record in page.items {
            found.push(number(&record, "ObjectId")?);
        }
    }
    found.sort_unstable();
    found.dedup();
    found.retain(|id| tickets.contains(id));
    Ok(found)
}

/// Asks for tickets one by one and gives their rows. With each number comes whether the ticket belongs to the job's
/// range where RT does not tell when it was changed.
fn for_each_deleted(
    run: &Run<'_, '_>,
    out: &mut Output<'_>,
    table: TableId,
    tickets: impl Iterator<Item = (u64, bool)>,
    mut give: impl FnMut(u64, Row),
) -> Result<()> {
    let request = |(id, _): &(u64, bool)| Some(names(Request::get(format!("/ticket/{id}")), &NAMED));
    for child in run.desk.each(tickets.map(Ok), request) {
        let child = child?;
        let (ticket, inside) = child.parent;
        let response: Response = match child.answer.transpose() {
            Ok(Some(response)) => response,
            Ok(None) => {
                let what = format!("ticket {ticket}");
                return Err(ExportError::decode(what, "no answer"));
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                out.gone(table, ticket.to_string())?;
                continue;
            }
            Err(error) if crate::slices::fails_on_a_record(&error) => {
                out.unread(table, ticket.to_string(), &error)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let record: Record = response.json()?;
        let shown = id(&record)?;
        if shown == ticket {
            if run.job.wants(moment(&record, "LastUpdated")?) {
                give(ticket, row(run, &record)?);
            }
        } else if inside {
            // Deleted and merged: this is all that RT tells of it.
            give(ticket, merged_away(run, ticket, shown));
        }
    }
    Ok(())
}

/// The row of a ticket.
fn row(run: &Run<'_, '_>, record: &Record) -> Result<Row> {
    let mut row = Row::default();
    row.plain(record, &["id"]);
    row.text(number(record, "EffectiveId")?.to_string());
    row.plain(record, &["IsMerged", "Type", "Status"]);
    row.text(number(record, "Queue")?.to_string());
    row.name(record, "Queue");
    row.plain(record, &["Subject"]);
    row.name(record, "Owner");
    for role in ["Requestor", "Cc", "AdminCc"] {
        row.list(&members(record.get(role)));
    }
    row.plain(
        record,
        &[
            "Priority",
            "InitialPriority",
            "FinalPriority",
            "SLA",
            "TimeEstimated",
            "TimeWorked",
            "TimeLeft",
        ],
    );
    row.dates(record, &["Starts", "Started", "Due", "Told", "Resolved"]);
    row.origin(record);
    link::cells(&mut row, &TICKET_LINKS, record);
    // A list of tickets has the custom roles in a field; a single ticket has them among its own.
    let roles = record.get("CustomRoles").and_then(Json::as_object).unwrap_or(record);
    run.custom.role_cells(&mut row, roles);
    run.custom.cells(&mut row, TICKETS, record);
    Ok(row)
}

/// The row of a ticket of which no more is known than that it was deleted, and merged into another one.
fn merged_away(run: &Run<'_, '_>, ticket: u64, into: u64) -> Row {
    let mut row = Row::default();
    for column in tickets(&run.custom).columns {
        match column.name.as_str() {
            "id" => row.text(ticket.to_string()),
            "EffectiveId" => row.text(into.to_string()),
            "IsMerged" => row.text("1"),
            "Status" => row.text("deleted"),
            _ => row.text(""),
        }
    }
    row
}
