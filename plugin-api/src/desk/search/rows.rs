//! What a walk needs to know of a page: time and id of each record, and the desk's count.

use super::Search;
use crate::json::{Malformed, Piece, Reader, find_first, is_key};
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
        let body =
            simdutf8::compat::from_utf8(response.body()).map_err(|error| wrong(&format!("not UTF-8: {error}")))?;
        let mut reading = Reading {
            search,
            pointers,
            rows: None,
            count: None,
        };
        let counted = search.count.map(|_| pointers.count.as_slice());
        let read = reading.value(&mut Reader::new(body), Some(&pointers.items), counted);
        read.map_err(|error| match error {
            Unreadable::Malformed => no_list(search, response),
            Unreadable::Row(why) => wrong(&why),
        })?;
        let Reading { rows, count, .. } = reading;
        let count = match (search.count, count.and_then(number)) {
            (None, _) => None,
            (Some(_), Some(count)) => Some(count),
            (Some(pointer), None) => Some(response.count(pointer)?),
        };
        let rows = rows.ok_or_else(|| no_list(search, response))?;
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

/// What is found in an answer, in one pass.
struct Reading<'s, 'a> {
    search: &'s Search<'s>,
    pointers: &'s Pointers,
    rows: Option<Vec<Row>>,
    count: Option<Piece<'a>>,
}

/// Why an answer can't be read.
enum Unreadable {
    Malformed,
    /// What is wrong with a record.
    Row(String),
}

impl From<Malformed> for Unreadable {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

impl<'a> Reading<'_, 'a> {
    /// Reads a value; `items` and `count` are the keys that lead from it to the list and to the count, where they do.
    fn value(
        &mut self,
        reader: &mut Reader<'a>,
        items: Option<&[String]>,
        count: Option<&[String]>,
    ) -> Result<(), Unreadable> {
        match (items, count) {
            (Some([]), _) => return self.list(reader),
            (_, Some([])) => self.count = Some(reader.value()?),
            (None, None) => drop(reader.value()?),
            _ => {
                let is_object = reader.object(|entries| {
                    while let Some(key) = entries.key()? {
                        let (items, count) = (below(items, key), below(count, key));
                        self.value(&mut entries.reader, items, count)?;
                    }
                    Ok::<_, Unreadable>(())
                })?;
                if !is_object {
                    reader.value()?;
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, reader: &mut Reader<'a>) -> Result<(), Unreadable> {
        let mut rows = Vec::new();
        let is_array = reader.array(|elements| {
            while elements.more()? {
                rows.push(self.row(&mut elements.reader)?);
            }
            Ok::<_, Unreadable>(())
        })?;
        if !is_array && reader.value()?.text != "null" {
            return Err(Unreadable::Malformed);
        }
        self.rows = Some(rows);
        Ok(())
    }

    fn row(&self, reader: &mut Reader<'a>) -> Result<Row, Unreadable> {
        let (search, pointers) = (self.search, self.pointers);
        let mut found = [None; 2];
        let is_object = reader.object(|entries| {
            found = find_first(entries, [&pointers.time, &pointers.id])?;
            Ok::<_, Malformed>(())
        })?;
        if !is_object {
            reader.value()?;
        }
        let scalar = |piece: Option<Piece<'a>>, pointer: &str| match piece.map(Piece::scalar) {
            None => Ok(None),
            Some(Ok(text)) => Ok(text),
            Some(Err(Malformed)) => Err(Unreadable::Row(format!("the value at {pointer} is not plain"))),
        };
        let [time, id] = found;
        let time = scalar(time, search.time)?.and_then(|text| Timestamp::parse(&text));
        let time = time.ok_or_else(|| Unreadable::Row(format!("a record has no time at {}", search.time)))?;
        let id = scalar(id, search.id)?;
        let id = id.ok_or_else(|| Unreadable::Row(format!("a record has no id at {}", search.id)))?;
        Ok(Row {
            time,
            id: id.into_owned(),
        })
    }
}

/// The keys that lead on from the value of this key, if it is on the way.
fn below<'k>(keys: Option<&'k [String]>, key: Piece<'_>) -> Option<&'k [String]> {
    let (top, deeper) = keys?.split_first()?;
    is_key(key, top).then_some(deeper)
}
