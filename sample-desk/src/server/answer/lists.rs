//! Lists and searches, and the children of records.

use crate::server::answer::Ask;
use crate::server::error::ApiError;
use crate::server::reply::Reply;
use crate::settings::Ascending;
use crate::world::{AgentStanding, By, Filter, Id, Kind, Shape};

/// By what, and whether descending. What the world cannot sort by comes newest first.
fn order(ask: &Ask<'_>) -> (By, bool) {
    match ask.params.text("sortBy") {
        Some("modifiedTime") => (By::Modified, false),
        Some("-modifiedTime") => (By::Modified, true),
        Some(name) if !name.starts_with('-') && name != "relevance" => (By::Created, false),
        _ => (By::Created, true),
    }
}

fn ranges(ask: &Ask<'_>, filter: &mut Filter) {
    let inclusive = ask.settings.behaviour.inclusive_ranges;
    filter.created = ask.params.range("createdTimeRange", inclusive);
    filter.modified = ask.params.range("modifiedTimeRange", inclusive);
}

/// The department that is asked for; 0 is all of them.
fn department(ask: &Ask<'_>) -> Option<Id> {
    let several = ask.params.ids("departmentIds");
    let one = if several.len() == 1 {
        several.first().copied()
    } else {
        None
    };
    ask.params.id("departmentId").or(one).filter(|id| id.0 != 0)
}

pub(super) fn list(ask: &Ask<'_>, kind: Kind) -> Result<Reply, ApiError> {
    let mut filter = Filter {
        department: department(ask),
        ..Filter::default()
    };
    ranges(ask, &mut filter);
    if kind == Kind::Ticket {
        filter.archived = Some(false);
        filter.spam = Some(false);
    }
    let (by, descending) = order(ask);
    let (from, limit) = (ask.params.offset(ask.endpoint), ask.params.limit(ask.endpoint));
    let page = ask.desk.page(kind, &filter, by, descending, from, limit);
    ask.rows(kind, page.ids.iter(), "")
}

pub(super) fn archived(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let filter = Filter {
        department: department(ask),
        archived: Some(true),
        ..Filter::default()
    };
    let (from, limit) = (ask.params.offset(ask.endpoint), ask.params.limit(ask.endpoint));
    let page = ask.desk.page(Kind::Ticket, &filter, By::Created, true, from, limit);
    let link = |there: bool, from: u64| {
        let department = filter.department.map_or(0, |id| id.0);
        let path = format!(
            "/api/v1{}?departmentId={department}&from={from}&limit={limit}",
            ask.endpoint.path
        );
        if there {
            format!("\"{path}\"")
        } else {
            "null".to_owned()
        }
    };
    let (next, prev) = (
        link(from + limit < page.total, from + limit),
        link(from > 0, from.saturating_sub(limit)),
    );
    ask.rows(
        Kind::Ticket,
        page.ids.iter(),
        &format!(",\"pagination\":{{\"next\":{next},\"prev\":{prev}}}"),
    )
}

pub(super) fn search(ask: &Ask<'_>, kind: Kind) -> Result<Reply, ApiError> {
    let (from, limit) = window(ask)?;
    let (by, descending) = search_order(ask)?;
    let filter = search_filter(ask, kind);
    let page = ask.desk.page(kind, &filter, by, descending, from, limit);
    let mut list = ask.list();
    for id in &page.ids {
        ask.desk.write(*id, kind, Shape::Search, list.row());
    }
    Ok(list.end(
        &format!(",\"count\":{}", page.total),
        ask.settings.behaviour.empty_is_204,
    ))
}

/// `from` and `limit`, which may not reach past the last row that a search can give.
fn window(ask: &Ask<'_>) -> Result<(u64, u64), ApiError> {
    let (from, limit) = (ask.params.offset(ask.endpoint), ask.params.limit(ask.endpoint));
    let most = u64::from(ask.settings.behaviour.search_max_from) + 1;
    if from + limit > most {
        let text = format!("Max search result iterable is {most}");
        return Err(ApiError::new(422, "UNPROCESSABLE_ENTITY", text));
    }
    Ok((from, limit))
}

fn search_order(ask: &Ask<'_>) -> Result<(By, bool), ApiError> {
    match (order(ask), ask.settings.behaviour.ascending) {
        ((_, false), Ascending::Refused) => Err(ApiError::invalid("sortBy")),
        ((by, false), Ascending::Ignored) => Ok((by, true)),
        (order, _) => Ok(order),
    }
}

fn search_filter(ask: &Ask<'_>, kind: Kind) -> Filter {
    let behaviour = &ask.settings.behaviour;
    let mut filter = Filter {
        department: department(ask),
        ..Filter::default()
    };
    ranges(ask, &mut filter);
    if ask.params.text("id").is_some() {
        filter.ids = Some(ask.params.ids("id"));
    }
    if kind == Kind::Ticket {
        filter.archived = (!behaviour.search_has_archived).then_some(false);
        filter.spam = (!behaviour.search_has_spam).then_some(false);
    }
    filter
}

/// Tickets that a count is asked of.
pub(super) fn count_tickets(ask: &Ask<'_>) -> u64 {
    ask.desk
        .page(Kind::Ticket, &search_filter(ask, Kind::Ticket), By::Created, true, 0, 0)
        .total
}

/// Tasks, calls and events together, merged by their time.
pub(super) fn activities(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let (from, limit) = window(ask)?;
    let (by, descending) = search_order(ask)?;
    let mut total = 0;
    let mut all: Vec<(i64, Kind, Id)> = Vec::new();
    for kind in [Kind::Task, Kind::Call, Kind::Event] {
        let page = ask
            .desk
            .page(kind, &search_filter(ask, kind), by, descending, 0, from + limit);
        total += page.total;
        all.extend(page.ids.into_iter().map(|id| {
            let times = ask.desk.times(id);
            (
                if by == By::Created {
                    times.created
                } else {
                    times.modified
                },
                kind,
                id,
            )
        }));
    }
    // Stable, so that records of one moment stay in the order in which the world has them.
    all.sort_by_key(|(time, ..)| if descending { -time } else { *time });
    let mut list = ask.list();
    for (_, kind, id) in all.iter().skip(from as usize).take(limit as usize) {
        ask.desk.write(*id, *kind, Shape::Search, list.row());
    }
    Ok(list.end(&format!(",\"count\":{total}"), ask.settings.behaviour.empty_is_204))
}

/// The children of the record in the path.
pub(super) fn children(ask: &Ask<'_>, of: Kind, kind: Kind) -> Result<Reply, ApiError> {
    let parent = ask.id(0);
    ask.there(parent, of)?;
    let deleted = || {
        ask.desk
            .agent(parent)
            .is_some_and(|agent| agent.standing == AgentStanding::Deleted)
    };
    if of == Kind::Agent && !ask.settings.behaviour.deleted_agents_entries && deleted() {
        return Err(ApiError::not_found());
    }
    let mut ids = ask.desk.children(parent, kind);
    if of == Kind::Ticket && kind == Kind::Attachment && ask.settings.behaviour.attachments_repeat {
        for thread in ask.desk.children(parent, Kind::Thread) {
            ids.extend(ask.desk.children(thread, Kind::Attachment));
        }
    }
    let mut filter = Filter::default();
    ranges(ask, &mut filter);
    let within = |range: Option<(i64, i64)>, time: i64| range.is_none_or(|(from, to)| (from..=to).contains(&time));
    if filter != Filter::default() {
        ids.retain(|id| {
            let times = ask.desk.times(*id);
            within(filter.created, times.created) && within(filter.modified, times.modified)
        });
    }
    if let Some(department) = department(ask) {
        ids.retain(|id| ask.desk.department(*id) == Some(department));
    }
    if newest_first(ask, kind) {
        ids.reverse();
    }
    ask.slice(&ids, kind)
}

/// The world has children in the order of their times; which way is asked for, or the list's own.
fn newest_first(ask: &Ask<'_>, kind: Kind) -> bool {
    match (ask.params.text("sortBy"), ask.params.text("orderBy")) {
        (Some(name), _) => name.starts_with('-'),
        (None, Some(order)) => order == "DESC",
        (None, None) => kind == Kind::Thread,
    }
}

/// Those of the ids that are there.
pub(super) fn by_ids(ask: &Ask<'_>, kind: Kind) -> Reply {
    let name = if kind == Kind::Agent { "agentIds" } else { "ids" };
    let mut list = ask.list();
    for id in ask.params.ids(name) {
        if ask.there(id, kind).is_ok() {
            ask.desk.write(id, kind, Shape::List, list.row());
        }
    }
    list.end("", ask.settings.behaviour.empty_is_204)
}
