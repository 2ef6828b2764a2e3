//! What a walk needs to know of a page: time and id of each record, and the desk's count.

use serde_json::value::RawValue;

use super::Search;
use crate::response::scalar;
use crate::{ExportError, Response, Result, Timestamp};

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

impl Rows {
    pub(super) fn read(search: &Search<'_>, response: &Response) -> Result<Self> {
        let records = response.records(search.items)?;
        let count = search.count.map(|pointer| response.count(pointer)).transpose()?;
        let rows = records.into_iter().map(|record| row(search, response, record));
        Ok(Self {
            rows: rows.collect::<Result<_>>()?,
            count,
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.rows.len() as u64
    }
}

fn row(search: &Search<'_>, response: &Response, record: &RawValue) -> Result<Row> {
    let wrong = |what: &str| ExportError::decode(&response.asked, what);
    let scalar = |pointer| scalar(record, pointer).map_err(|why| wrong(&why));
    let time = scalar(search.time)?.and_then(|text| Timestamp::parse(&text));
    let time = time.ok_or_else(|| wrong(&format!("a record has no time at {}", search.time)))?;
    let id = scalar(search.id)?.ok_or_else(|| wrong(&format!("a record has no id at {}", search.id)))?;
    Ok(Row { time, id })
}
