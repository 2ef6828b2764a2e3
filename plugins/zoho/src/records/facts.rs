//! What is found out besides the records.

use std::cell::RefCell;
use std::rc::Rc;

use plugin_api::{ExportError, Output, Result, TableId};
use serde::{Deserialize, Serialize};

/// What [`Records`](super::Records) found out besides the records. It is shared with the iterator, so that it can be told
/// while the iterator is lent to another one.
#[derive(Clone, Debug, Default)]
pub struct Facts(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    counted: Counted,
    /// Records that the list named, where there is no search.
    listed: Option<u64>,
    /// Records of each walk that were read in this run: what was read before is no request of now.
    created: Option<u64>,
    modified: Option<u64>,
    remarks: Vec<String>,
    gone: Vec<String>,
    unread: Vec<(String, ExportError)>,
}

/// What the desk's counts come to so far; kept in a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    /// What matches the walk by creation, and the one by change.
    created: Option<u64>,
    modified: Option<u64>,
    /// Records of the second that the first has given.
    again: u64,
}

impl Facts {
    /// Tells what is new: remarks, and records of `table` that are gone or could not be read.
    pub fn tell(&self, out: &mut Output<'_>, table: TableId) -> Result<()> {
        let (remarks, gone, unread) = {
            let mut state = self.0.borrow_mut();
            let state = &mut *state;
            (
                std::mem::take(&mut state.remarks),
                std::mem::take(&mut state.gone),
                std::mem::take(&mut state.unread),
            )
        };
        for remark in remarks {
            out.remark(remark)?;
        }
        for id in gone {
            out.gone(table, id)?;
        }
        for (id, reason) in unread {
            out.unread(table, id, &reason)?;
        }
        Ok(())
    }

    /// About how many records there will be, as soon as the desk said so.
    pub fn expected(&self) -> Option<u64> {
        let counted = self.0.borrow().counted;
        let first = counted.created.or(counted.modified)?;
        let second = counted.created.and(counted.modified).unwrap_or(0);
        Some((first + second).saturating_sub(counted.again))
    }

    /// The least number of requests for the records given so far; see [`least`](crate::least).
    pub fn least(&self) -> u64 {
        let state = self.0.borrow();
        super::least([state.created, state.modified], state.listed)
    }

    pub(super) fn counted(&self) -> Counted {
        self.0.borrow().counted
    }

    pub(super) fn resume(&self, counted: Counted) {
        self.0.borrow_mut().counted = counted;
    }

    /// A page of a walk came with so many new records, of which some were given `again`.
    pub(super) fn searched(&self, is_modified: bool, count: Option<u64>, records: u64, again: u64) {
        let mut state = self.0.borrow_mut();
        if is_modified {
            state.counted.modified = count.or(state.counted.modified);
            state.modified = Some(state.modified.unwrap_or(0) + records);
        } else {
            state.counted.created = count.or(state.counted.created);
            state.created = Some(state.created.unwrap_or(0) + records);
        }
        state.counted.again += again;
    }

    /// Searching was refused.
    pub(super) fn refused(&self, remark: &str) {
        let mut state = self.0.borrow_mut();
        state.remarks.push(remark.to_owned());
        state.listed = Some(0);
    }

    /// The list named one more record.
    pub(super) fn listed(&self) {
        let mut state = self.0.borrow_mut();
        state.listed = Some(state.listed.unwrap_or(0) + 1);
    }

    pub(super) fn gone(&self, id: String) {
        self.0.borrow_mut().gone.push(id);
    }

    pub(super) fn unread(&self, id: String, reason: ExportError) {
        self.0.borrow_mut().unread.push((id, reason));
    }
}
