//! The records of a module that the desk has a search for.

use std::cell::RefCell;
use std::rc::Rc;

use plugin_api::{Desk, ExportError, Job, Output, RawValue, Result, SearchCursor, TableId};
use serde::{Deserialize, Serialize};

/// A module with a search.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its path, e.g. `/contacts`: the list is there, the search at `/contacts/search`, a record at `/contacts/{id}`.
    pub path: &'static str,
    /// The index of the first record in the list; a search's is 0.
    pub first: u64,
    /// Query parameters of the list beside from and limit, e.g. its order.
    pub list: &'static [(&'static str, &'static str)],
}

/// Where [`Records`] stands, for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    walk: Walk,
    search: SearchCursor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Walk {
    Created,
    Modified,
}

/// What [`Records`] found out besides the records. It is shared with the iterator, so that it can be told while the
/// iterator is lent to another one.
#[derive(Clone, Debug, Default)]
pub struct Facts(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    least: u64,
}

impl Facts {
    /// Tells what is new: the desk's counts, remarks, records that are gone or could not be read.
    pub fn tell(&self, out: &mut Output<'_>, table: TableId) -> Result<()> {
        let _ = (out, table);
        Ok(())
    }

    /// About how many records there will be, as soon as the desk said so.
    pub fn expected(&self) -> Option<u64> {
        None
    }

    /// The least number of requests for the records given so far.
    pub fn least(&self) -> u64 {
        self.0.borrow().least
    }
}

/// Records that came together.
#[derive(Debug)]
pub struct Page {
    records: Vec<Box<RawValue>>,
    /// Whether the records are details (merged with what the list has of them) and not rows of a search.
    pub is_detail: bool,
    /// Where the walk stands behind it: all records up to here have been given. `None` where it can't be gone on with.
    pub cursor: Option<Cursor>,
}

impl Page {
    /// The records, each once in the whole walk.
    pub fn records(&self) -> Result<Vec<&RawValue>> {
        Ok(self.records.iter().map(AsRef::as_ref).collect())
    }
}

/// The records of a module that a job asks for, each once, page by page.
pub struct Records<'d, 'a> {
    desk: &'d Desk<'a>,
    facts: Facts,
}

impl<'d, 'a> Records<'d, 'a> {
    /// Begins, or goes on behind a page's cursor.
    pub fn open(desk: &'d Desk<'a>, job: &Job, module: Module, resume: Option<&Cursor>) -> Result<Self> {
        let _ = (job, module, resume);
        Ok(Self {
            desk,
            facts: Facts::default(),
        })
    }

    /// What is found out besides the records.
    pub fn facts(&self) -> Facts {
        let _ = self.desk;
        self.facts.clone()
    }
}

impl Iterator for Records<'_, '_> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

/// The id of a record.
///
/// # Errors
/// `Decode` if it has none.
pub fn id(record: &RawValue) -> Result<String> {
    #[derive(Deserialize)]
    struct Id {
        id: serde_json::Value,
    }
    let why = |why: &dyn std::fmt::Display| {
        let start: String = record.get().chars().take(80).collect();
        ExportError::decode(format_args!("record {start}"), why)
    };
    let id: Id = serde_json::from_str(record.get()).map_err(|error| why(&error))?;
    match id.id {
        serde_json::Value::String(id) if !id.is_empty() => Ok(id),
        serde_json::Value::Number(id) => Ok(id.to_string()),
        _ => Err(why(&"it has no id")),
    }
}
