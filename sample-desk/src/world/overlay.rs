//! What changed since the desk was opened: the only thing that is held.

use std::collections::{BTreeMap, HashMap};

use super::id::Place;
use super::{Id, Kind, Standing};

/// A record's changes up to some moment. The default is the record as the seed says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Gives edited fields other values; 0: as the seed says.
    pub(super) salt: u32,
    /// modifiedTime, if edited.
    pub(super) modified: Option<i64>,
    /// Agent who edited it last.
    pub(super) modifier: Option<u32>,
    /// Children that were deleted singly.
    pub(super) gone: Vec<Id>,
    /// In the recycle bin.
    pub(super) trashed: bool,
    /// When it came to be so; 0: as the seed says.
    pub(super) since: i64,
}

/// The record as the seed says.
pub(super) static UNCHANGED: State = State {
    salt: 0,
    modified: None,
    modifier: None,
    gone: Vec::new(),
    trashed: false,
    since: 0,
};

/// All changes.
#[derive(Default)]
pub(super) struct Overlay {
    /// Each changed record's states, oldest first, without the one that the seed says.
    states: HashMap<Id, Vec<State>>,
    /// Deleted and trashed records, and since when.
    removed: HashMap<Id, (Standing, i64)>,
    /// When records were made that the desk did not have when it was opened.
    born: HashMap<(Kind, u32), i64>,
    /// By kind: indices of the records that were removed, or have another modifiedTime than the seed says.
    touched: HashMap<Kind, BTreeMap<u32, Touch>>,
    /// The time of the last change.
    pub(super) last: i64,
}

/// What became of the place of a record in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// It is no longer listed.
    Removed,
    /// It has this modifiedTime.
    Moved(i64),
}

impl Overlay {
    /// The present state.
    pub(super) fn state(&self, id: Id) -> Option<&State> {
        self.states.get(&id)?.last()
    }

    /// Every state after the first, oldest first.
    pub(super) fn states(&self, id: Id) -> &[State] {
        self.states.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Where a record went, if it was removed.
    pub(super) fn removed(&self, id: Id) -> Option<Standing> {
        self.removed.get(&id).map(|(standing, _)| *standing)
    }

    /// When a record was removed.
    pub(super) fn removed_at(&self, id: Id) -> Option<i64> {
        self.removed.get(&id).map(|(_, at)| *at)
    }

    /// When a record was made that was not there when the desk was opened.
    pub(super) fn born(&self, kind: Kind, index: u32) -> Option<i64> {
        self.born.get(&(kind, index)).copied()
    }

    /// Makes such a record.
    pub(super) fn bear(&mut self, kind: Kind, index: u32) {
        self.removed.remove(&Place::top(kind, index).id());
        self.born.insert((kind, index), self.last);
        self.touched
            .entry(kind)
            .or_default()
            .insert(index, Touch::Moved(self.last));
    }

    /// The records of a kind that are not where the seed says.
    pub(super) fn touched(&self, kind: Kind) -> Option<&BTreeMap<u32, Touch>> {
        self.touched.get(&kind)
    }

    /// Adds a state.
    pub(super) fn push(&mut self, id: Id, mut state: State) {
        state.since = self.last;
        if let (Some(modified), Some(place)) = (state.modified, id.place())
            && place.parent().is_none()
            && !self.removed.contains_key(&id)
        {
            self.touched
                .entry(place.kind)
                .or_default()
                .insert(place.index, Touch::Moved(modified));
        }
        self.states.entry(id).or_default().push(state);
    }

    /// Takes a record away.
    pub(super) fn remove(&mut self, id: Id, to: Standing) {
        self.removed.insert(id, (to, self.last));
        if let Some(place) = id.place()
            && place.parent().is_none()
        {
            self.touched
                .entry(place.kind)
                .or_default()
                .insert(place.index, Touch::Removed);
        }
    }

    /// The removed ones.
    pub(super) fn bin(&self) -> impl Iterator<Item = (Id, Standing)> {
        self.removed.iter().map(|(id, (standing, _))| (*id, *standing))
    }
}
