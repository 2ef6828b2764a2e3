//! Attachments of tickets, threads, comments and articles. Those of activities' comments do not exist on this desk.

use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::json::{Object, k, number};
use super::overlay::State;
use super::people::agent_id;
use super::tickets::ticket_id;
use super::{Id, Kind, ORGANISATION, Shape};

/// No attachment is larger, in bytes.
const LARGEST: u64 = 1 << 18;

impl World {
    /// How many attachments a ticket, thread, comment or article has of its own.
    pub(super) fn attachments_of(&self, parent: Place) -> u32 {
        let (dice, one_in) = match (parent.kind, parent.owner) {
            (Kind::Ticket, _) => (self.dice(Kind::Ticket, parent.index), 8),
            (Kind::Thread, _) => (self.thread_dice(parent), 25),
            (Kind::Comment, Kind::Ticket) => (self.comment_dice(parent), 25),
            (Kind::Article, _) => (self.dice(Kind::Article, parent.index), 4),
            _ => return 0,
        };
        if dice.one_in(80, one_in) {
            1 + dice.below(81, 3).saturating_sub(1) as u32
        } else {
            0
        }
    }

    /// Whether there is such an attachment.
    pub(super) fn is_attachment(&self, place: Place) -> bool {
        let parent = match (place.kind, place.owner) {
            (Kind::Attachment, Kind::Ticket | Kind::Article) if place.sub == 0 => Place::top(place.owner, place.index),
            (Kind::Attachment, Kind::Thread | Kind::Comment) => {
                Place::child(place.owner, Kind::Ticket, place.index, place.sub)
            }
            _ => return false,
        };
        self.is_real(parent) && place.leaf < self.attachments_of(parent)
    }

    /// The attachments that a thread, comment, article or, without those of its threads, a ticket has.
    pub(super) fn own_attachments(&self, parent: Place) -> impl Iterator<Item = Place> {
        let Place {
            kind: owner,
            index,
            sub,
            ..
        } = parent;
        (0..self.attachments_of(parent)).map(move |leaf| Place {
            kind: Kind::Attachment,
            owner,
            index,
            sub,
            leaf,
        })
    }

    /// What a ticket's list of attachments has.
    pub(super) fn ticket_attachments(&self, index: u32, state: &State) -> Vec<Place> {
        let mut all: Vec<Place> = self.own_attachments(Place::top(Kind::Ticket, index)).collect();
        if self.settings.behaviour.attachments_repeat {
            all.extend(
                self.threads_of(index, state)
                    .flat_map(|thread| self.own_attachments(thread)),
            );
        }
        all
    }

    fn attachment_dice(&self, place: Place) -> Dice {
        self.dice(Kind::Attachment, place.index)
            .with(u64::from(place.sub) << 16 | u64::from(place.leaf) << 8 | place.owner as u64)
    }

    pub(super) fn attachment_created(&self, place: Place) -> i64 {
        match place.parent() {
            Some(parent) => self.times_of(parent).created,
            None => 0,
        }
    }

    fn size(dice: Dice) -> u64 {
        if dice.one_in(1, 30) {
            0
        } else {
            1 + dice.below(2, 1 << dice.below(3, LARGEST.ilog2().into()))
        }
    }

    /// An attachment in its ticket's list (list), or within its thread, comment or article (detail).
    pub(super) fn attachment(&self, place: Place, shape: Shape, o: &mut Object<'_>) {
        let dice = self.attachment_dice(place);
        let id = place.id();
        o.id(k!("id"), id);
        o.text(k!("name"), self.texts.files.pick(dice.throw(4)));
        o.count(k!("size"), Self::size(dice));
        let listed = shape != Shape::Detail;
        if listed {
            o.maybe_id(
                k!("creatorId"),
                (!dice.one_in(5, 10)).then(|| agent_id(self.agent_of(dice.throw(6)))),
            );
            o.time(k!("createdTime"), self.attachment_created(place));
            o.bool(k!("isPublic"), !dice.one_in(7, 3));
        }
        o.made(k!("href"), |out| {
            let article = place.owner == Kind::Article;
            let top = if article {
                Place::top(Kind::Article, place.index).id()
            } else {
                ticket_id(place.index)
            };
            self.link(out, if article { b"articles" } else { b"tickets" }, top);
            let between: &[u8] = match place.owner {
                Kind::Thread if !listed => b"/threads/",
                Kind::Comment if !listed => b"/comments/",
                _ => b"",
            };
            if !between.is_empty() {
                out.extend_from_slice(between);
                number(out, place.parent().map_or(0, |parent| parent.id().0));
            }
            out.extend_from_slice(b"/attachments/");
            number(out, id.0);
            out.extend_from_slice(b"/content?orgId=");
            number(out, ORGANISATION);
        });
        o.made_if(k!("previewurl"), dice.one_in(8, 3), |out| {
            out.extend_from_slice(b"https://preview.desk.example/?id=");
            number(out, id.0);
            out.extend_from_slice(b"&t=1,2");
        });
    }

    /// The attachments of a thread, comment or article, within it.
    pub(super) fn embedded(&self, key: &[u8], parent: Place, o: &mut Object<'_>) {
        let texts = o.texts;
        o.list(key, self.own_attachments(parent), |out, place| {
            let mut o = Object::new(out, texts);
            self.attachment(place, Shape::Detail, &mut o);
            o.end();
        });
    }

    /// The bytes of an attachment: its id over and over.
    pub(super) fn attachment_bytes(&self, place: Place, out: &mut Vec<u8>) {
        let size = Self::size(self.attachment_dice(place)) as usize;
        let Id(id) = place.id();
        let end = out.len() + size;
        while out.len() < end {
            number(out, id);
            out.push(b'\n');
        }
        out.truncate(end);
    }
}
