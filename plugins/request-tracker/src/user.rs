//! Users: people, also disabled ones, and RT's own. RT gives no passwords, and none are asked for.
//!
//! RT does not search users by number. But users are never deleted and new ones get the highest numbers, so in the order
//! of numbers the list only grows at its end, and its pages stay what they are.

use std::collections::HashSet;

use plugin_api::{ErrorKind, ExportError, Output, Request, Result};

use crate::cell::{Row, moment, plain};
use crate::custom::USERS;
use crate::group::privileged;
use crate::list::{PAGE, Page, id, search, total, where_is, with_disabled};
use crate::tables::USER_TEXTS;
use crate::work::Run;

/// Writes the users of the pages above `after`. How many there were when the first page was begun stays fixed: were
/// they counted again by an export that is gone on with, the last page would be taken for a whole one.
pub(crate) fn export(run: &mut Run<'_, '_>, out: &mut Output<'_>, after: u64) -> Result<()> {
    let table = out.table("Users")?;
    let total = match run.fixed.users {
        Some(total) => total,
        None => total(run.desk, &request(1))?,
    };
    run.fixed.users = Some(total);
    if total == 0 {
        return Ok(());
    }
    let last_page = total.div_ceil(PAGE);
    let privileged = privileged(run.desk)?;
    let answers = run
        .desk
        .each((after + 1..=last_page).map(Ok), |page| Some(request(*page)));
    let mut before = 0;
    let pages = answers.map(|child| {
        let child = child?;
        let Some(response) = child.answer.transpose()? else {
            return Err(ExportError::decode("users", "no answer"));
        };
        let mut page = Page::read(&response)?;
        let expected = PAGE.min(total - (child.parent - 1) * PAGE);
        // Users who came since the list was begun are not part of it.
        let expected_here = usize::try_from(expected).unwrap_or(usize::MAX);
        page.nulls.retain(|at| *at <= expected_here);
        page.items.truncate(expected_here.saturating_sub(page.nulls.len()));
        let ids = page.ids()?;
        let ascending = ids.iter().all(|&id| id > std::mem::replace(&mut before, id));
        if !ascending || page.total < total || page.len() != expected {
            let message =
                "users were removed from Request Tracker's database while they were read: run the backup again";
            return Err(ExportError::new(ErrorKind::Other, message));
        }
        Ok((child.parent, page))
    });
    for child in run.desk.each(pages, |(_, page)| Some(enabled_request(page))) {
        let child = child?;
        let (number, page) = child.parent;
        page.report(out, table, format_args!("page {number}"))?;
        let enabled = Page::whole(run.desk, &enabled_request(&page), child.answer.transpose()?)?;
        let enabled: HashSet<u64> = enabled.ids()?.into_iter().collect();
        for record in &page.items {
            if !run.job.wants(moment(record, "LastUpdated")?) {
                continue;
            }
            let user = id(record)?;
            let mut row = Row::default();
            row.text(user.to_string());
            row.plain(record, &USER_TEXTS);
            row.text(flag(privileged.contains(&user)));
            row.text(flag(!enabled.contains(&user)));
            row.origin(record);
            run.custom.cells(&mut row, USERS, record);
            row.write(out, table)?;
        }
        run.users_done(out, number)?;
    }
    if run.job.range.is_none() {
        out.desk_count(table, total)?;
    }
    Ok(())
}

/// RT's way to say yes or no.
pub(crate) fn flag(is: bool) -> &'static str {
    if is { "1" } else { "0" }
}

pub(crate) fn request(page: u64) -> Request {
    let mut fields = vec![
        "id",
        "Creator",
        "Created",
        "LastUpdatedBy",
        "LastUpdated",
        "CustomFields",
    ];
    fields.extend(USER_TEXTS);
    // RT wants a condition, and takes one that every user meets.
    let all = [where_is("Name", "!=", "")];
    with_disabled(search("users", &fields, &["Creator", "LastUpdatedBy"], &all)).query("page", page)
}

/// RT does not tell whether a user is disabled, but leaves disabled ones out of a search.
fn enabled_request(page: &Page) -> Request {
    let names: Vec<String> = page.items.iter().map(|item| plain(item.get("Name"))).collect();
    let mut condition = where_is("Name", "IN", names);
    condition["case_sensitive"] = 1.into();
    search("users", &["id"], &[], &[condition])
}
