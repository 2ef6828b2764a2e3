//! Ids: 19 digits that hold kind, place among its kind, and the parent.

use super::{Id, Kind};

/// Ids begin here: beyond what a floating point number can hold exactly, so that a reader who loses digits is found out.
const FIRST: u64 = 7_315_000_000_000_000_000;
/// The code of what is no record of its own: layouts, roles, profiles, categories.
const MISC: u64 = 31;

const KINDS: [Kind; 17] = [
    Kind::Ticket,
    Kind::Thread,
    Kind::Comment,
    Kind::Attachment,
    Kind::TimeEntry,
    Kind::Contact,
    Kind::Account,
    Kind::Product,
    Kind::Task,
    Kind::Call,
    Kind::Event,
    Kind::Article,
    Kind::Translation,
    Kind::Agent,
    Kind::Team,
    Kind::Department,
    Kind::Field,
];

/// Where a record is: `index` counts the outermost record, `sub` its children, `leaf` the attachments of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    /// The parent's kind, or the record's own where it has no parent.
    pub(super) owner: Kind,
    pub(super) index: u32,
    pub(super) sub: u32,
    pub(super) leaf: u32,
}

impl Place {
    /// A record without a parent.
    pub(super) const fn top(kind: Kind, index: u32) -> Self {
        Self {
            kind,
            owner: kind,
            index,
            sub: 0,
            leaf: 0,
        }
    }

    /// The child number `sub` of a record of kind `owner`.
    pub(super) const fn child(kind: Kind, owner: Kind, index: u32, sub: u32) -> Self {
        Self {
            kind,
            owner,
            index,
            sub,
            leaf: 0,
        }
    }

    /// The id of this place.
    #[inline]
    pub(super) const fn id(self) -> Id {
        Id(FIRST
            + ((self.kind as u64) << 43
                | (self.index as u64) << 19
                | (self.owner as u64) << 14
                | (self.sub as u64) << 4
                | self.leaf as u64))
    }

    /// The place of the record that this one belongs to.
    pub(super) const fn parent(self) -> Option<Self> {
        match (self.kind, self.owner) {
            (Kind::Attachment, owner @ (Kind::Thread | Kind::Comment)) => {
                Some(Self::child(owner, Kind::Ticket, self.index, self.sub))
            }
            (Kind::Thread | Kind::Comment | Kind::Attachment | Kind::TimeEntry | Kind::Translation, owner) => {
                Some(Self::top(owner, self.index))
            }
            _ => None,
        }
    }
}

impl Id {
    /// The place that an id tells, if it is one of ours.
    pub(super) fn place(self) -> Option<Place> {
        let bits = self.0.checked_sub(FIRST)?;
        let kind = *KINDS.get(usize::try_from(bits >> 43).ok()?)?;
        let owner = *KINDS.get((bits >> 14 & 31) as usize)?;
        Some(Place {
            kind,
            owner,
            index: (bits >> 19 & 0xff_ffff) as u32,
            sub: (bits >> 4 & 0x3ff) as u32,
            leaf: (bits & 15) as u32,
        })
    }

    /// An id of something that is no record: a layout, a role, a category.
    pub(super) const fn misc(number: u32) -> Self {
        Self(FIRST + (MISC << 43 | number as u64))
    }

    /// Kind of the record that this would be the id of, whether or not there is such a record.
    pub fn kind(self) -> Option<Kind> {
        self.place().map(|place| place.kind)
    }

    /// The record that this one belongs to: the ticket of a thread, the thread of an attachment, the activity of a comment.
    pub fn parent(self) -> Option<Self> {
        self.place()?.parent().map(Place::id)
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, KINDS, Kind, Place};

    #[test]
    fn an_id_tells_its_place() {
        for (code, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, code);
            for index in [0, 1, 99, 9_999_999, 0xff_ffff] {
                let place = Place {
                    kind,
                    owner: Kind::Ticket,
                    index,
                    sub: 1023,
                    leaf: 15,
                };
                assert_eq!(place.id().place(), Some(place));
                assert_eq!(place.id().to_string().len(), 19);
                assert_eq!(Place::top(kind, index).id().kind(), Some(kind));
            }
        }
        let thread = Place::child(Kind::Thread, Kind::Ticket, 7, 3);
        let attachment = Place {
            kind: Kind::Attachment,
            owner: Kind::Thread,
            index: 7,
            sub: 3,
            leaf: 1,
        };
        assert_eq!(attachment.id().parent(), Some(thread.id()));
        assert_eq!(thread.id().parent(), Some(Place::top(Kind::Ticket, 7).id()));
        assert_eq!(Place::top(Kind::Ticket, 7).id().parent(), None);
    }

    #[test]
    fn a_strange_id_is_no_place() {
        for id in [Id(0), Id(u64::MAX), Id::misc(3), Id(7_314_999_999_999_999_999)] {
            assert_eq!(id.place(), None, "{id}");
        }
    }
}
