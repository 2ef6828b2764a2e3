//! What a walk needs to know of a page: time and id of each record, and the desk's count.

use super::Search;
use crate::json::{Elements, Malformed, Piece, find_each};
use crate::response::pointer_keys;
use crate::{ErrorKind, ExportError, Response, Result, Timestamp};

/// A record, as a walk sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Row {
    pub(super) time: Timestamp,
    pub(super) id: String,
}

/// The records of one answer, in the desk's order.
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// What the desk says matches the query.
    pub(super) count: Option<u64>,
}

/// The keys of a search's pointers.
pub(super) struct Pointers {
    items: Vec<String>,
    count: Vec<String>,
    time: Vec<String>,
    id: Vec<String>,
}

impl Pointers {
    pub(super) fn new(search: &Search<'_>) -> Result<Self> {
        Ok(Self {
            items: pointer_keys(search.items)?,
            count: pointer_keys(search.count.unwrap_or_default())?,
            time: pointer_keys(search.time)?,
            id: pointer_keys(search.id)?,
        })
    }
}

impl Rows {
    /// Reads a page without checking that it is JSON: whoever takes its records does.
    pub(super) fn read(search: &Search<'_>, pointers: &Pointers, response: &Response) -> Result<Self> {
        let wrong = |what: &str| ExportError::decode(&response.asked, what);
        if response.is_empty() {
            let count = search.count.map(|_| 0);
            return Ok(Self {
                rows: Vec::new(),
                count,
            });
        }
        let body = std::str::from_utf8(response.body()).map_err(|error| wrong(&format!("not UTF-8: {error}")))?;
        let Ok([items, count]) = find_each(body, [&pointers.items, &pointers.count], false) else {
            return Err(no_list(search, response));
        };
        let count = match (search.count, count.and_then(number)) {
            (None, _) => None,
            (Some(_), Some(count)) => Some(count),
            (Some(pointer), None) => Some(response.count(pointer)?),
        };
        let items = items.ok_or_else(|| no_list(search, response))?;
        let mut rows = Vec::new();
        if items.text != "null" {
            let mut elements = Elements::of(items.text).ok_or_else(|| no_list(search, response))?;
            while let Some(record) = elements.next().map_err(|Malformed| no_list(search, response))? {
                rows.push(row(search, pointers, record).map_err(|why| wrong(&why))?);
            }
        }
        Ok(Self { rows, count })
    }

    pub(super) fn len(&self) -> u64 {
        self.rows.len() as u64
    }
}

/// A count, as a number or as text.
fn number(piece: Piece<'_>) -> Option<u64> {
    piece.scalar().ok()??.parse().ok()
}

/// Why an answer has no list, in the words of whoever reads it with care.
fn no_list(search: &Search<'_>, response: &Response) -> ExportError {
    let why = response.records(search.items).err();
    why.unwrap_or_else(|| {
        let message = format!("the list at {:?} can't be read", search.items);
        ExportError::new(ErrorKind::Decode, message).at(&response.asked)
    })
}

fn row(search: &Search<'_>, pointers: &Pointers, record: Piece<'_>) -> Result<Row, String> {
    let found = find_each(record.text, [&pointers.time, &pointers.id], true);
    let [time, id] = found.map_err(|Malformed| "a record is no JSON".to_owned())?;
    let scalar = |piece: Option<Piece<'_>>, pointer: &str| match piece.map(Piece::scalar) {
        None => Ok(None),
        Some(Ok(text)) => Ok(text.map(std::borrow::Cow::into_owned)),
        Some(Err(Malformed)) => Err(format!("the value at {pointer} is not plain")),
    };
    let time = scalar(time, search.time)?.and_then(|text| Timestamp::parse(&text));
    let time = time.ok_or_else(|| format!("a record has no time at {}", search.time))?;
    let id = scalar(id, search.id)?.ok_or_else(|| format!("a record has no id at {}", search.id))?;
    Ok(Row { time, id })
}
