//! Groups that people made, and RT's own three; and their members. The other groups that RT keeps are not groups to
//! people: they hold who has which role for a ticket or queue, which is told there.

use std::collections::HashSet;

use plugin_api::{Desk, ErrorKind, ExportError, Output, Request, Response, Result, TableId};
use serde_json::Value as Json;

use crate::cell::{Row, moment, plain};
use crate::custom::GROUPS;
use crate::list::{PAGE, Page, Record, id, one_of, search, shown_as_null, walk, where_is, with_disabled};
use crate::user::flag;
use crate::work::Run;

const FIELDS: [&str; 9] = [
    "id",
    "Name",
    "Description",
    "Domain",
    "Creator",
    "Created",
    "LastUpdatedBy",
    "LastUpdated",
    "CustomFields",
];
/// RT's own groups.
const INTERNAL: &str = "SystemInternal";
/// Reads of a long list of members before it is given up that two agree.
const READS: u32 = 5;

/// Writes the groups above `after` and their members.
pub(crate) fn export(run: &Run<'_, '_>, out: &mut Output<'_>, after: u64) -> Result<()> {
    let table = out.table("Groups")?;
    let members = out.table("GroupMembers")?;
    let domains = where_is("Domain", "IN", vec!["UserDefined", INTERNAL]);
    let request = |after: u64| {
        let conditions = [domains.clone(), where_is("id", ">", after)];
        with_disabled(search("groups", &FIELDS, &["Creator", "LastUpdatedBy"], &conditions))
    };
    for (number, page) in walk(run.desk, after, request).enumerate() {
        let page = page?;
        page.report(out, table, format_args!("page {}", number + 1))?;
        let ids = page.ids()?;
        // RT does not tell whether a group is disabled, but leaves disabled ones out of a search.
        if ids.is_empty() {
            continue;
        }
        let enabled = search("groups", &["id"], &[], &[domains.clone(), one_of("id", &ids)]);
        let enabled = Page::whole(run.desk, &enabled, None)?.ids()?;
        let wanted = page
            .items
            .iter()
            .filter_map(|record| match moment(record, "LastUpdated") {
                Ok(changed) if run.job.wants(changed) => Some(Ok(record)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            });
        for child in run.desk.each(wanted, |record| members_request(record)) {
            let child = child?;
            let record = child.parent;
            let group = id(record)?;
            let mut row = Row::default();
            row.plain(record, &["id", "Name", "Description", "Domain"]);
            row.text(flag(!enabled.contains(&group)));
            row.origin(record);
            run.custom.cells(&mut row, GROUPS, record);
            row.write(out, table)?;
            if let Some(answer) = child.answer {
                write_members(run.desk, out, members, group, answer)?;
            }
        }
        if let Some(last) = ids.last() {
            run.groups_done(out, *last)?;
        }
    }
    Ok(())
}

/// Who is in the groups Everyone and Unprivileged is told by the users themselves: all, and those not privileged.
fn members_request(group: &Record) -> Option<Request> {
    let internal = plain(group.get("Domain")) == INTERNAL;
    let told = internal && plain(group.get("Name")) != "Privileged";
    (!told)
        .then(|| id(group).ok().map(|group| members_page(group, 1)))
        .flatten()
}

fn members_page(group: u64, page: u64) -> Request {
    Request::get(format!("/group/{group}/members"))
        .query("per_page", PAGE)
        .query("orderby", "id")
        .query("page", page)
}

fn write_members(
    desk: &Desk<'_>,
    out: &mut Output<'_>,
    table: TableId,
    group: u64,
    answer: Result<Response>,
) -> Result<()> {
    let found = match answer.and_then(|response| members(desk, group, &response)) {
        Ok((found, nulls)) => {
            for at in 1..=nulls {
                out.unread(table, format!("members of group {group}, null {at}"), &shown_as_null())?;
            }
            found
        }
        Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
        Err(error) => return out.unread(table, format!("members of group {group}"), &error),
    };
    for (kind, member) in found {
        let mut row = Row::default();
        row.text(group.to_string());
        row.text(kind);
        row.text(member.to_string());
        row.write(out, table)?;
    }
    Ok(())
}

/// Type and number of each member, as one answer has them. More than fit one answer are read by pages, which shift
/// when a member goes; so they are read until two reads agree. With them comes how many RT shows as null.
fn members(desk: &Desk<'_>, group: u64, first: &Response) -> Result<(Vec<(String, u64)>, usize)> {
    let page = Page::read(first)?;
    if page.len() == page.total {
        let found = page.items.iter().map(member).collect::<Result<_>>()?;
        return Ok((found, page.nulls.len()));
    }
    let mut before = (Vec::new(), 0);
    for _ in 0..READS {
        let mut now = Vec::new();
        let mut nulls = 0;
        let mut number = 1;
        loop {
            let page = Page::read(&desk.send(&members_page(group, number))?.ok()?)?;
            now.extend(page.items.iter().map(member).collect::<Result<Vec<_>>>()?);
            nulls += page.nulls.len();
            if page.len() == 0 || number * PAGE >= page.total {
                break;
            }
            number += 1;
        }
        let once: HashSet<_> = now.iter().collect();
        let all_differ = once.len() == now.len();
        let now = (now, nulls);
        if all_differ && now == before {
            return Ok(now);
        }
        before = now;
    }
    let message = format!("the members of group {group} changed each time they were read: run the backup again");
    Err(ExportError::new(ErrorKind::Other, message))
}

fn member(item: &Record) -> Result<(String, u64)> {
    Ok((plain(item.get("type")), id(item)?))
}

/// The numbers of the privileged users: RT keeps them as members of a group.
pub(crate) fn privileged(desk: &Desk<'_>) -> Result<HashSet<u64>> {
    let conditions: [Json; 2] = [where_is("Domain", "=", INTERNAL), where_is("Name", "=", "Privileged")];
    let groups = Page::whole(desk, &search("groups", &["id"], &[], &conditions), None)?.ids()?;
    let [group] = groups[..] else {
        let why = format!("{} groups called Privileged, not one", groups.len());
        return Err(ExportError::decode("Request Tracker's own groups", why));
    };
    let (members, _) = members(desk, group, &desk.send(&members_page(group, 1))?.ok()?)?;
    Ok(members.into_iter().map(|(_, member)| member).collect())
}
