//! Single records, read again: those of [`Job::only`](plugin_api::Job::only).

use plugin_api::{Desk, ErrorKind, ExportError, Output, RawValue, Request, Response, Result, TableId, Wanted};

use crate::gone::is_trashed;
use crate::records::{id, is_id};

/// What became of a record that was asked for again.
#[derive(Debug)]
pub enum Again {
    /// As the search has it; or its detail, where the search does not have it.
    Record(Box<RawValue>, Source),
    /// The desk does not know it any more, or has it in its recycle bin.
    Gone,
    /// It can't be read now either.
    Unread(ExportError),
}

/// Where a record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The search.
    Search,
    /// Its detail.
    Detail,
}

/// The ids that are wanted of a table, each once. What is no id can't be read by itself: it is told as unread again.
pub fn wanted_ids(wanted: &[Wanted], name: &str, table: TableId, out: &mut Output<'_>) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for wanted in wanted.iter().filter(|wanted| wanted.table == name) {
        match wanted.key.as_slice() {
            [id] if is_id(id) => ids.extend((!ids.contains(id)).then(|| id.clone())),
            key => stays_unread(out, table, key.join(" "))?,
        }
    }
    Ok(ids)
}

/// Tells that something can't be read by itself.
pub fn stays_unread(out: &mut Output<'_>, table: TableId, key: impl Into<String>) -> Result<()> {
    let why = "it can't be read again by itself: it is in the next backup";
    out.unread(table, key, &ExportError::new(ErrorKind::Other, why))
}

/// The request for a record as the search has it.
pub fn search_for(path: &str, id: &str) -> Request {
    let request = Request::get(format!("{path}/search")).query("id", id);
    request.query("from", 0).query("limit", 1)
}

/// The record with this id in the answer to [`search_for`]. `None` where it is not there, or these credentials may not
/// search, or the desk could not: its detail is to be asked for then.
///
/// # Errors
/// The answer's, if it concerns more than this record.
pub fn searched(answer: Result<Response>, wanted: &str) -> Result<Option<Box<RawValue>>> {
    let found = answer.and_then(|answer| {
        for record in answer.records("/data")? {
            if id(record)? == wanted {
                return Ok(Some(record.to_owned()));
            }
        }
        Ok(None)
    });
    match found {
        Err(error) if crate::may_be_of_one_record(&error) => Ok(None),
        found => found,
    }
}

/// Reads the records with these ids of the module at `path`, many at one time, and gives each of them to `take`, in their
/// order.
///
/// # Errors
/// What `take` returns, and failures that concern more than one record.
pub fn again(
    desk: &Desk<'_>,
    path: &str,
    ids: Vec<String>,
    mut take: impl FnMut(&str, Again) -> Result<()>,
) -> Result<()> {
    let found = desk.each(ids.into_iter().map(Ok), |id| Some(search_for(path, id)));
    let found = found.map(|child| {
        let child = child?;
        let record = match child.answer {
            Some(answer) => searched(answer, &child.parent)?,
            None => None,
        };
        Ok((child.parent, record))
    });
    let detail =
        |(id, record): &(String, Option<Box<RawValue>>)| record.is_none().then(|| Request::get(format!("{path}/{id}")));
    for child in desk.each(found, detail) {
        let child = child?;
        let (id, record) = child.parent;
        let again = match (record, child.answer) {
            (Some(record), _) => Again::Record(record, Source::Search),
            (None, Some(answer)) => detailed(&id, answer)?,
            (None, None) => Again::Gone,
        };
        take(&id, again)?;
    }
    Ok(())
}

fn detailed(wanted: &str, answer: Result<Response>) -> Result<Again> {
    let read = answer.and_then(|answer| {
        if answer.is_empty() || is_trashed(answer.record()?) {
            return Ok(Again::Gone);
        }
        let record = answer.record()?;
        if id(record)? != wanted {
            let why = "the desk gave another record in its place";
            return Err(ExportError::decode(&answer.asked, why));
        }
        Ok(Again::Record(record.to_owned(), Source::Detail))
    });
    match read {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Again::Gone),
        Err(error) if crate::may_be_of_one_record(&error) => Ok(Again::Unread(error)),
        read => read,
    }
}
