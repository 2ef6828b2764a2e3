//! Records that come into being while the desk runs: the last ones of the seed, which are not there before.
//!
//! The seed says what they are; when they are made says the desk's clock. Until then they are as if they were deleted.

use super::desk::World;
use super::id::Place;
use super::overlay::Overlay;
use super::sizes::Sizes;
use super::{Kind, Standing};

/// Kinds of which there are some to come.
const KINDS: [Kind; 8] = [
    Kind::Ticket,
    Kind::Contact,
    Kind::Account,
    Kind::Product,
    Kind::Task,
    Kind::Call,
    Kind::Event,
    Kind::Article,
];

/// By kind: the first index that is to come. Spam and trashed tickets, which follow the others, are not.
pub(super) struct Late([u32; Kind::Field as usize + 1]);

impl Late {
    /// Of so many of a thousand records.
    pub(super) fn new(sizes: &Sizes, of_thousand: u32) -> Self {
        let mut late = [u32::MAX; Kind::Field as usize + 1];
        if of_thousand > 0 {
            for kind in KINDS {
                let (count, share) = (u64::from(end(sizes, kind)), u64::from(of_thousand.min(1000)));
                late[kind as usize] = (count - count * share / 1000) as u32;
            }
        }
        Self(late)
    }

    /// The overlay of a desk on which none of them is made.
    pub(super) fn overlay(&self, sizes: &Sizes) -> Overlay {
        let mut overlay = Overlay::default();
        for kind in KINDS {
            for index in self.0[kind as usize]..end(sizes, kind) {
                overlay.remove(Place::top(kind, index).id(), Standing::Gone);
            }
        }
        overlay
    }

    fn has(&self, kind: Kind, index: u32) -> bool {
        index >= self.0[kind as usize]
    }
}

/// Behind the last index of a kind that is listed.
pub(super) fn end(sizes: &Sizes, kind: Kind) -> u32 {
    if kind == Kind::Ticket {
        sizes.tickets
    } else {
        sizes.of(kind)
    }
}

impl World {
    /// When a record without a parent was created.
    #[inline]
    pub(super) fn created(&self, kind: Kind, index: u32) -> i64 {
        let seed = || self.clock(kind).map_or(0, |clock| clock.created(u64::from(index)));
        self.born(kind, index).unwrap_or_else(seed)
    }

    /// When it was last modified, before any edit.
    #[inline]
    pub(super) fn modified(&self, kind: Kind, index: u32) -> i64 {
        let seed = || self.clock(kind).map_or(0, |clock| clock.modified(u64::from(index)));
        self.born(kind, index).unwrap_or_else(seed)
    }

    /// When it was made, if that was while the desk ran.
    #[inline]
    pub(super) fn born(&self, kind: Kind, index: u32) -> Option<i64> {
        if !self.late.has(kind, index) {
            return None;
        }
        self.read(|overlay| overlay.born(kind, index))
    }

    /// Whether the place of a record in lists is not the one that the seed says, since it was made while the desk ran.
    pub(super) fn is_late(&self, kind: Kind, index: u32) -> bool {
        self.late.has(kind, index) && index < end(&self.sizes, kind)
    }

    /// Whether a record is yet to come.
    pub(super) fn is_to_come(&self, kind: Kind, index: u32) -> bool {
        self.is_late(kind, index) && self.born(kind, index).is_none()
    }

    /// The next record of a kind that is to come.
    pub(super) fn next_to_come(&self, kind: Kind) -> Option<Place> {
        let mut late = self.late.0[kind as usize]..end(&self.sizes, kind);
        let next = late.find(|index| self.born(kind, *index).is_none())?;
        Some(Place::top(kind, next))
    }
}
