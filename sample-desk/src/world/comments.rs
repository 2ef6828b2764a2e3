//! Comments of tickets, tasks, calls and events.

use super::clock::later;
use super::contacts::contact_id;
use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::json::{Escape, Object, escape, k, number};
use super::overlay::State;
use super::people::agent_id;
use super::{Kind, Shape};

impl World {
    /// How many comments the seed gives a ticket.
    pub(super) fn comment_total(&self, index: u32) -> u32 {
        self.conversation_totals(index).1
    }

    /// `commentCount`.
    pub(super) fn comment_count(&self, index: u32, state: &State) -> u32 {
        let gone = state.gone.iter().filter(|id| id.kind() == Some(Kind::Comment)).count();
        self.comment_total(index) - gone as u32
    }

    /// The comments of a ticket that are there, oldest first.
    pub(super) fn comments_of(&self, index: u32, state: &State) -> impl Iterator<Item = Place> {
        (0..self.comment_total(index))
            .map(move |sub| Place::child(Kind::Comment, Kind::Ticket, index, sub))
            .filter(|place| state.gone.is_empty() || !state.gone.contains(&place.id()))
    }

    /// How many comments a task, call or event has: mostly none, now and then more than a page.
    pub(super) fn activity_comments(&self, kind: Kind, index: u32) -> u32 {
        let dice = self.dice(kind, index);
        match dice.below(70, 2000) {
            0 => 100,
            1 => 101 + dice.below(71, 60) as u32,
            2..200 => 1 + dice.below(72, 3) as u32,
            _ => u32::from(index == 1) * 2,
        }
    }

    pub(super) fn comment_dice(&self, place: Place) -> Dice {
        self.dice(Kind::Comment, place.index)
            .with(u64::from(place.sub) << 8 | place.owner as u64)
    }

    pub(super) fn comment_created(&self, place: Place) -> i64 {
        let parent = self.created(place.owner, place.index);
        let step = 60 + self.dice(place.owner, place.index).below(73, 30_000);
        later(
            parent,
            u64::from(place.sub) + 1,
            step,
            self.comment_dice(place).throw(1) >> 8,
        )
    }

    /// A comment in a shape.
    pub(super) fn comment(&self, place: Place, state: &State, shape: Shape, o: &mut Object<'_>) {
        let dice = self.comment_dice(place);
        let edit = dice.with(u64::from(state.salt));
        let created = self.comment_created(place);
        let html = dice.one_in(2, 3);
        let contact = match place.owner {
            Kind::Ticket if dice.one_in(3, 5) => Some(self.ticket_contact(place.index)),
            _ => None,
        };
        let agent = self.agent_of(dice.throw(4));
        o.id(k!("id"), place.id());
        o.made(k!("content"), |out| self.comment_content(place, edit, html, out));
        o.text(k!("contentType"), if html { b"html" } else { b"plainText" });
        o.made_if(k!("encodedContent"), dice.one_in(5, 10), |out| {
            out.extend_from_slice(b"&lt;div&gt;&quot;");
            number(out, place.id().0);
            out.extend_from_slice(b"&quot;&lt;\\/div&gt;");
        });
        o.bool(k!("isPublic"), contact.is_some() || dice.one_in(6, 4));
        o.time(k!("commentedTime"), created);
        let edited = dice.one_in(7, 8).then(|| later(created, 1, 3600, dice.throw(8) >> 8));
        o.maybe_time(k!("modifiedTime"), state.modified.or(edited));
        match contact {
            Some(contact) => self.by_contact(contact, o),
            None => self.by_agent(agent, o),
        }
        o.null(k!("impersonatedUser"));
        self.embedded(k!("attachments"), place, o);
        if shape == Shape::Conversation {
            o.text(k!("type"), b"comment");
        }
    }

    fn by_contact(&self, contact: u32, o: &mut Object<'_>) {
        let person = self.person(contact);
        o.id(k!("commenterId"), contact_id(contact));
        o.object(k!("commenter"), |o| {
            o.id(k!("id"), contact_id(contact));
            o.made(k!("name"), |out| self.texts.full(out, person.name, person.has_first));
            o.maybe(k!("firstName"), person.has_first.then(|| self.texts.first(person.name)));
            o.text(k!("lastName"), self.texts.last(person.name));
            o.made_if(k!("email"), person.has_mail, |out| self.contact_mail(out, &person));
            o.null(k!("photoURL"));
            o.null(k!("roleName"));
            o.text(k!("type"), b"END_USER");
        });
    }

    fn by_agent(&self, n: u32, o: &mut Object<'_>) {
        let agent = &self.people.agents[n as usize];
        o.id(k!("commenterId"), agent_id(n));
        o.object(k!("commenter"), |o| {
            o.id(k!("id"), agent_id(n));
            o.made(k!("name"), |out| self.texts.full(out, agent.name, agent.has_first));
            o.maybe(k!("firstName"), agent.has_first.then(|| self.texts.first(agent.name)));
            o.text(k!("lastName"), self.texts.last(agent.name));
            o.made(k!("email"), |out| {
                self.texts.mail(out, agent.name, u64::from(n), b"desk.example");
            });
            o.null(k!("photoURL"));
            o.text(k!("roleName"), agent.role_name());
            o.text(k!("type"), b"AGENT");
        });
    }

    fn comment_content(&self, place: Place, dice: Dice, html: bool, out: &mut Vec<u8>) {
        match dice.below(9, 12) {
            0 => out.extend_from_slice(self.texts.odd.pick(dice.throw(10))),
            1 => self.texts.body(out, dice, place.id().0, html),
            2 => {
                escape(out, "zsu[@user:70011845]zsu ", Escape::Plain);
                out.extend_from_slice(self.texts.summaries.pick(dice.throw(11)));
            }
            _ => {
                out.extend_from_slice(self.texts.summaries.pick(dice.throw(11)));
                out.extend_from_slice(b"\\n(");
                number(out, u64::from(place.index) * 1000 + u64::from(place.sub));
                out.push(b')');
            }
        }
    }
}
