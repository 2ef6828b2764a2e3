//! Searches of REST 2.0 and their answers.
//!
//! RT passes over a condition on a field that it does not search, without a word, and then gives everything. So the
//! numbers in an answer are held against what was asked for.

use std::fmt::Display;

use plugin_api::{Desk, ErrorKind, ExportError, Output, Request, Response, Result, TableId};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

/// A record of RT, as JSON.
pub(crate) type Record = Map<String, Json>;

/// Records in one answer; RT gives no more.
pub(crate) const PAGE: u64 = 100;

/// How often a search is asked whose count and records disagree.
const SETTLES: u32 = 10;

/// One answer to a search.
pub(crate) struct Page {
    /// The records.
    pub(crate) items: Vec<Record>,
    /// The places, from 1, of records that RT shows as null. It does so where it can't make sense of a name, as of a
    /// user's with a line break in it.
    pub(crate) nulls: Vec<usize>,
    /// How many records the search finds in all.
    pub(crate) total: u64,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Option<Record>>,
    /// Null to users who do not see everything.
    total: Json,
}

impl Page {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] where RT gives no total, which it does only to users who see everything: with others,
    /// records would be missing from the backup, and nobody would know.
    pub(crate) fn read(response: &Response) -> Result<Self> {
        if response.is_empty() {
            return Ok(Self {
                items: Vec::new(),
                nulls: Vec::new(),
                total: 0,
            });
        }
        let answer: Answer = response.json()?;
        if answer.total.is_null() {
            let message = format!(
                "{}: Request Tracker does not show everything to this user: use one who has the right SuperUser",
                response.asked
            );
            return Err(ExportError::new(ErrorKind::Forbidden, message));
        }
        let total = answer.total.as_u64();
        let total = total.ok_or_else(|| ExportError::decode(&response.asked, "its total is no number"))?;
        let place_of_null = |(at, item): (usize, &Option<Record>)| item.is_none().then_some(at + 1);
        Ok(Self {
            nulls: answer.items.iter().enumerate().filter_map(place_of_null).collect(),
            items: answer.items.into_iter().flatten().collect(),
            total,
        })
    }

    /// How many records came, with those that RT shows as null.
    pub(crate) fn len(&self) -> u64 {
        (self.items.len() + self.nulls.len()) as u64
    }

    /// Tells of the records that RT shows as null; `page` is where they stand.
    pub(crate) fn report(&self, out: &mut Output<'_>, table: TableId, page: impl Display) -> Result<()> {
        self.nulls
            .iter()
            .try_for_each(|at| out.unread(table, format!("{page}, record {at}"), &shown_as_null()))
    }

    /// The answer to a search that fits one answer, given that it came, or asked for.
    ///
    /// RT counts and reads by two statements: where a record came or went between them, the two disagree, and it is
    /// asked again.
    pub(crate) fn whole(desk: &Desk<'_>, request: &Request, answer: Option<Response>) -> Result<Self> {
        let ask = || desk.send(request)?.ok();
        let mut response = answer.map_or_else(ask, Ok)?;
        let mut attempt = 1;
        loop {
            let page = Self::read(&response)?;
            if page.len() == page.total {
                return Ok(page);
            }
            if attempt == SETTLES {
                let why = format!("{} records came, of {}, {attempt} times", page.len(), page.total);
                return Err(ExportError::decode(&response.asked, why));
            }
            attempt += 1;
            response = ask()?;
        }
    }

    /// The numbers of the records.
    pub(crate) fn ids(&self) -> Result<Vec<u64>> {
        self.items.iter().map(id).collect()
    }
}

/// What is to be told of a record that RT shows as null.
pub(crate) fn shown_as_null() -> ExportError {
    let message = "Request Tracker shows this record as null: look for a name with a line break in it";
    ExportError::new(ErrorKind::Decode, message)
}

/// The number of a record.
pub(crate) fn id(record: &Record) -> Result<u64> {
    number(record, "id")
}

/// A number, which RT mostly writes as text.
pub(crate) fn number(record: &Record, key: &str) -> Result<u64> {
    let found = match record.get(key) {
        Some(Json::Number(number)) => number.as_u64(),
        Some(Json::String(text)) => text.parse().ok(),
        Some(Json::Object(object)) => return number(object, "id"),
        _ => None,
    };
    found.ok_or_else(|| ExportError::decode("a record of Request Tracker", format_args!("{key} is no number")))
}

/// A condition of a search. Several on one field must all hold.
pub(crate) fn where_is(field: &str, operator: &str, value: impl Into<Json>) -> Json {
    json!({"field": field, "operator": operator, "value": value.into(), "entry_aggregator": "AND"})
}

/// The condition that a number is one of these.
pub(crate) fn one_of(field: &str, values: &[u64]) -> Json {
    where_is(field, "IN", values.to_vec())
}

/// A search by conditions, in the order of numbers. `expand` names fields whose records' names are asked for.
pub(crate) fn search(collection: &str, fields: &[&str], expand: &[&str], conditions: &[Json]) -> Request {
    let request = Request::post_json(format!("/{collection}"), &Json::Array(conditions.to_vec()));
    listing(request, fields, expand)
}

/// A search of tickets, which takes RT's own language. Merged ones and those that are no tickets in the narrow sense
/// (reminders, approvals) are found only because their fields are named.
pub(crate) fn ticket_search(fields: &[&str], expand: &[&str], condition: &str) -> Request {
    let query = format!("EffectiveId > 0 AND Type != '' AND ({condition})");
    listing(Request::get("/tickets").query("query", query), fields, expand)
}

fn listing(request: Request, fields: &[&str], expand: &[&str]) -> Request {
    let request = request
        .query("per_page", PAGE)
        .query("orderby", "id")
        .query("fields", fields.join(","));
    names(request, expand)
}

/// Asks for the names of what these fields refer to: what RT calls the `id` of a user is cut from the name, and not
/// always whole.
pub(crate) fn names(request: Request, expand: &[&str]) -> Request {
    expand.iter().fold(request, |request, field| {
        request.query(format!("fields[{field}]"), "Name")
    })
}

/// Includes records that are disabled.
pub(crate) fn with_disabled(request: Request) -> Request {
    request.query("find_disabled_rows", 1)
}

/// The lowest and the highest number that a search finds, and how many it finds; `None` where it finds none.
pub(crate) fn ends(desk: &Desk<'_>, request: impl Fn() -> Request, by: &str) -> Result<Option<(u64, u64, u64)>> {
    let end = |order: &str| -> Result<Option<(u64, u64)>> {
        let mut request = request();
        request
            .query
            .retain(|(name, _)| name != "per_page" && name != "orderby");
        let request = request.query("per_page", 1).query("orderby", by).query("order", order);
        let page = Page::read(&desk.send(&request)?.ok()?)?;
        if page.items.is_empty() && page.total > 0 {
            return Err(shown_as_null());
        }
        page.items
            .first()
            .map(|item| Ok((number(item, by)?, page.total)))
            .transpose()
    };
    let (Some((low, _)), Some((high, total))) = (end("ASC")?, end("DESC")?) else {
        return Ok(None);
    };
    Ok(Some((low, high, total)))
}

/// How many records a search finds.
pub(crate) fn total(desk: &Desk<'_>, request: &Request) -> Result<u64> {
    let mut request = request.clone();
    request.query.retain(|(name, _)| name != "per_page");
    Ok(Page::read(&desk.send(&request.query("per_page", 1))?.ok()?)?.total)
}

/// Every record of a search, walked by "number greater than the last"; one page at a time. The caller tells of nulls.
pub(crate) fn walk<'d>(
    desk: &'d Desk<'_>,
    after: u64,
    request: impl Fn(u64) -> Request + 'd,
) -> impl Iterator<Item = Result<Page>> + 'd {
    let mut last = Some(after);
    std::iter::from_fn(move || {
        let after = last.take()?;
        let page = next_page(desk, after, &request(after));
        if let Ok(page) = &page {
            if page.len() < page.total {
                last = page.items.last().and_then(|item| id(item).ok());
            }
            if page.len() == 0 {
                return None;
            }
        }
        Some(page)
    })
}

fn next_page(desk: &Desk<'_>, after: u64, request: &Request) -> Result<Page> {
    let response = desk.send(request)?.ok()?;
    let page = Page::read(&response)?;
    let ids = page.ids()?;
    let ascending = ids
        .iter()
        .scan(after, |last, &id| Some(id > std::mem::replace(last, id)))
        .all(|up| up);
    // A page of nothing but nulls says not where the next one begins.
    if !ascending || (ids.is_empty() && page.total > page.nulls.len() as u64) {
        let why = format!("the numbers after {after} were asked for, in order, and others came");
        return Err(ExportError::decode(&response.asked, why));
    }
    Ok(page)
}

/// Fails early, and says what to do, where the base URL is not that of REST 2.0.
pub(crate) fn check_address(desk: &Desk<'_>) -> Result<()> {
    let response = desk.send(&Request::get("/rt"))?.ok()?;
    match response.at::<String>("/Version") {
        Ok(Some(_)) => Ok(()),
        _ if response.is_empty() => Ok(()),
        _ => {
            let why = "this is not Request Tracker's REST 2.0: the url of the connection must end in /REST/2.0";
            Err(ExportError::decode(&response.asked, why))
        }
    }
}
