//! What is found out besides the records.

use std::cell::RefCell;
use std::rc::Rc;

use plugin_api::{Counted as WalkCounted, ExportError, Output, Result, TableId};
use serde::{Deserialize, Serialize};

/// What [`Records`](super::Records) found out besides the records. It is shared with the iterator, so that it can be told
/// while the iterator is lent to another one.
#[derive(Clone, Debug, Default)]
pub struct Facts(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    counted: Counted,
    /// Whether every walk came to its end, and its counts are not told yet.
    ended: bool,
    /// Records that the list named, where there is no search.
    listed: Option<u64>,
    /// Records in a page of that list.
    page: u64,
    remarks: Vec<String>,
    gone: Vec<String>,
    unread: Vec<(String, ExportError)>,
}

/// What the desk's counts come to so far; kept in a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    /// The walk by creation, and the one by change.
    created: Count,
    modified: Count,
    /// Records of the second that the first has given.
    again: u64,
}

/// What the desk says of the number of records in a walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    /// About.
    expected: Option<u64>,
    /// Exactly, at its beginning and its end, as soon as it is over.
    before: Option<u64>,
    after: Option<u64>,
    /// Records that were read.
    #[serde(default)]
    read: Option<u64>,
}

impl Counted {
    /// The sum of the walks, without what both have; `None` where a walk was not counted.
    fn sum(&self, count: impl Fn(&Count) -> Option<u64>) -> Option<u64> {
        let walks = [self.created, self.modified]
            .into_iter()
            .filter(|walk| walk.expected.is_some());
        let sum = walks
            .map(|walk| count(&walk))
            .try_fold(None, |sum: Option<u64>, count| {
                count.map(|count| Some(sum.unwrap_or(0).saturating_add(count)))
            });
        Some(sum??.saturating_sub(self.again))
    }
}

impl Facts {
    /// Tells what is new: remarks, records of `table` that are gone or could not be read, and at the end its counts.
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
        if self.0.borrow().ended {
            self.tell_counts(out, table)?;
        }
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
        self.0.borrow().counted.sum(|walk| walk.expected)
    }

    /// What the desk counts for the whole range, when all of it was read: at the beginning, and at the end where it was
    /// asked again. `None` before, and where it does not count.
    pub fn desk_counts(&self) -> Option<(u64, Option<u64>)> {
        let counted = self.0.borrow().counted;
        let before = counted.sum(|walk| walk.before)?;
        let is_asked_again = counted.created.after.or(counted.modified.after).is_some();
        let after = counted.sum(|walk| walk.after.or(walk.before));
        Some((before, after.filter(|_| is_asked_again)))
    }

    fn tell_counts(&self, out: &mut Output<'_>, table: TableId) -> Result<()> {
        self.0.borrow_mut().ended = false;
        if let Some((before, after)) = self.desk_counts() {
            out.desk_count(table, before)?;
            if let Some(after) = after {
                out.desk_count_after(table, after)?;
            }
        }
        Ok(())
    }

    /// The least number of requests for the records given so far; see `least`.
    pub fn least(&self) -> u64 {
        let state = self.0.borrow();
        let Counted { created, modified, .. } = state.counted;
        super::least([created.read, modified.read], state.listed, state.page)
    }

    pub(super) fn counted(&self) -> Counted {
        self.0.borrow().counted
    }

    pub(super) fn resume(&self, counted: Counted) {
        self.0.borrow_mut().counted = counted;
    }

    /// A page of a walk came, with so many records, of which the desk says that it has about so many.
    pub(super) fn searched(&self, is_modified: bool, records: u64, count: Option<u64>) {
        let mut state = self.0.borrow_mut();
        let walk = if is_modified {
            &mut state.counted.modified
        } else {
            &mut state.counted.created
        };
        walk.expected = count.or(walk.expected);
        // Also a page without records is a request.
        walk.read = Some(walk.read.unwrap_or(0) + records);
    }

    /// So many records of the second walk were in the first.
    pub(super) fn gave_again(&self, records: u64) {
        self.0.borrow_mut().counted.again += records;
    }

    /// A walk came to its end.
    pub(super) fn walked(&self, is_modified: bool, counted: Option<WalkCounted>) {
        let mut state = self.0.borrow_mut();
        let walk = if is_modified {
            &mut state.counted.modified
        } else {
            &mut state.counted.created
        };
        walk.before = counted.map(|counted| counted.before);
        walk.after = counted.and_then(|counted| counted.after);
        // A walk over nothing gives no page.
        walk.expected = walk.expected.or(walk.before).or(Some(0));
    }

    /// All walks came to their ends.
    pub(super) fn ended(&self) {
        self.0.borrow_mut().ended = true;
    }

    /// Searching was refused: the list is read, of which so many records were named before.
    pub(super) fn refused(&self, page: u64, listed: u64) {
        let mut state = self.0.borrow_mut();
        state.listed = Some(listed);
        state.page = page;
    }

    pub(super) fn remark(&self, remark: String) {
        self.0.borrow_mut().remarks.push(remark);
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
