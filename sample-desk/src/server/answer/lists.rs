//! Lists and searches, and the children of records.

use std::cmp::Reverse;

use crate::server::answer::Ask;
use crate::server::answer::sieve::{MOST, Sieve};
use crate::server::error::ApiError;
use crate::server::reply::Reply;
use crate::settings::Ascending;
use crate::world::{AgentStanding, By, Filter, Id, Kind, Page, Shape};

/// By what, and whether descending, of what the world can sort by; the rest is the [`Sieve`]'s.
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

/// A page of what the world has in order, sifted where that does not suffice.
fn find(
    ask: &Ask<'_>,
    kind: Kind,
    filter: &Filter,
    sieve: &Sieve<'_>,
    (from, limit): (u64, u64),
) -> Result<Page, ApiError> {
    let (by, descending) = order(ask);
    find_by(ask, kind, filter, sieve, (by, descending), (from, limit))
}

fn find_by(
    ask: &Ask<'_>,
    kind: Kind,
    filter: &Filter,
    sieve: &Sieve<'_>,
    (by, descending): (By, bool),
    (from, limit): (u64, u64),
) -> Result<Page, ApiError> {
    if sieve.is_idle() {
        return Ok(ask.desk.page(kind, filter, by, descending, from, limit));
    }
    let all = ask.desk.page(kind, filter, by, descending, 0, MOST);
    sieve.bear(all.total)?;
    let ids = sieve.pass(ask.desk, kind, all.ids)?;
    Ok(Page {
        total: ids.len() as u64,
        ids: ids.into_iter().skip(from as usize).take(limit as usize).collect(),
    })
}

/// The first moment of what came in the last days that are asked for.
fn received(ask: &Ask<'_>) -> Option<(i64, i64)> {
    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    let days = ask.params.number("receivedInDays")? as i64;
    Some((ask.desk.now().saturating_sub(days.saturating_mul(DAY)), i64::MAX))
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
        filter.created = received(ask);
    }
    let page = find(ask, kind, &filter, &Sieve::new(ask, kind)?, part(ask))?;
    ask.rows(kind, page.ids.iter(), "")
}

/// `from` (counted from 0) and `limit`.
fn part(ask: &Ask<'_>) -> (u64, u64) {
    (ask.params.offset(ask.endpoint), ask.params.limit(ask.endpoint))
}

/// What a record of this kind is called where others point at it.
fn pointer(of: Kind) -> &'static str {
    match of {
        Kind::Contact => "contactId",
        Kind::Account => "accountId",
        Kind::Product => "productId",
        _ => "ticketId",
    }
}

/// The tickets of a contact, an account or a product.
pub(super) fn tickets_of(ask: &Ask<'_>, of: Kind) -> Result<Reply, ApiError> {
    ask.there(ask.id(0), of)?;
    let filter = Filter {
        department: department(ask),
        archived: Some(false),
        spam: Some(ask.params.flag("isSpam") == Some(true)),
        ..Filter::default()
    };
    let whose = ask.id(0).to_string();
    let sieve = Sieve::new(ask, Kind::Ticket)?.with(Kind::Ticket, pointer(of), &whose)?;
    let page = find(ask, Kind::Ticket, &filter, &sieve, part(ask))?;
    ask.rows(Kind::Ticket, page.ids.iter(), "")
}

/// Tasks, calls or events of a ticket, newest first.
pub(super) fn activities_of(ask: &Ask<'_>, kind: Kind) -> Result<Reply, ApiError> {
    let ids = of_ticket(ask, kind)?;
    ask.slice(&ids, kind)
}

/// Tasks, calls and events of a ticket, newest first.
pub(super) fn all_activities_of(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let mut all = Vec::new();
    for kind in [Kind::Task, Kind::Call, Kind::Event] {
        all.extend(of_ticket(ask, kind)?.into_iter().map(|id| (id, kind)));
    }
    all.sort_by_cached_key(|(id, _)| Reverse((ask.desk.times(*id).created, *id)));
    let (from, limit) = part(ask);
    let mut list = ask.list();
    for (id, kind) in all.into_iter().skip(from as usize).take(limit as usize) {
        ask.desk.write(id, kind, Shape::List, list.row());
    }
    Ok(list.end("", ask.settings.behaviour.empty_is_204))
}

fn of_ticket(ask: &Ask<'_>, kind: Kind) -> Result<Vec<Id>, ApiError> {
    let ticket = ask.id(0);
    ask.there(ticket, Kind::Ticket)?;
    let whose = ticket.to_string();
    let sieve = Sieve::default().with(kind, pointer(Kind::Ticket), &whose)?;
    let page = find_by(ask, kind, &Filter::default(), &sieve, (By::Created, true), (0, MOST))?;
    Ok(page.ids)
}

/// The time entries of the tickets of a contact or an account.
pub(super) fn entries_of(ask: &Ask<'_>, of: Kind) -> Result<Reply, ApiError> {
    ask.there(ask.id(0), of)?;
    let whose = ask.id(0).to_string();
    let sieve = Sieve::default().with(Kind::Ticket, pointer(of), &whose)?;
    let tickets = find_by(
        ask,
        Kind::Ticket,
        &Filter::default(),
        &sieve,
        (By::Created, false),
        (0, MOST),
    )?;
    let entries = |ticket: &Id| ask.desk.children(*ticket, Kind::TimeEntry);
    offspring(ask, tickets.ids.iter().flat_map(entries).collect(), Kind::TimeEntry)
}

pub(super) fn archived(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let filter = Filter {
        department: department(ask),
        archived: Some(true),
        ..Filter::default()
    };
    let (from, limit) = part(ask);
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
    let part = window(ask)?;
    let order = search_order(ask)?;
    let page = find_by(
        ask,
        kind,
        &search_filter(ask, kind),
        &Sieve::new(ask, kind)?,
        order,
        part,
    )?;
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
    let (from, limit) = part(ask);
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

/// How many records a count is asked of.
pub(super) fn count(ask: &Ask<'_>, kind: Kind) -> Result<u64, ApiError> {
    let sieve = Sieve::new(ask, kind)?;
    find(ask, kind, &search_filter(ask, kind), &sieve, (0, 0)).map(|page| page.total)
}

/// Tasks, calls and events together, merged by their time.
pub(super) fn activities(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let (from, limit) = window(ask)?;
    let (by, descending) = search_order(ask)?;
    let mut total = 0;
    let mut all: Vec<(i64, Kind, Id)> = Vec::new();
    for kind in [Kind::Task, Kind::Call, Kind::Event] {
        let filter = search_filter(ask, kind);
        let page = find_by(
            ask,
            kind,
            &filter,
            &Sieve::new(ask, kind)?,
            (by, descending),
            (0, from + limit),
        )?;
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
    offspring(ask, ids, kind)
}

/// Records that are not listed by the world, oldest first: those that are asked for.
fn offspring(ask: &Ask<'_>, mut ids: Vec<Id>, kind: Kind) -> Result<Reply, ApiError> {
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
    let ids = Sieve::new(ask, kind)?.pass(ask.desk, kind, ids)?;
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
