//! Threads of tickets.

use super::clock::later;
use super::contacts::contact_id;
use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::json::{Object, k, number};
use super::overlay::State;
use super::people::agent_id;
use super::tickets::{channel, source, ticket_id, topic};
use super::{Kind, Shape};

/// The desk's own address.
const DESK: &[u8] = b"\\\"Support, 1st level\\\"<help@desk.example>";

/// Who wrote a thread.
#[derive(Clone, Copy)]
enum Author {
    Contact,
    Agent(u32),
}

/// What is decided of a thread before it is written.
struct Thread {
    place: Place,
    dice: Dice,
    author: Author,
    draft: bool,
    html: bool,
    body: Body,
}

/// How much body a thread has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Whole,
    /// A megabyte.
    Huge,
    /// The detail shows the beginning alone.
    Cut,
}

impl World {
    /// How many threads the seed gives a ticket, and how many comments.
    #[inline]
    pub(super) fn conversation_totals(&self, index: u32) -> (u32, u32) {
        let dice = self.dice(Kind::Ticket, index);
        // A long one is there at any size.
        if index == self.sizes.tickets / 3 || dice.one_in(70, 3000) {
            return (250 + dice.below(71, 20) as u32, 201 + dice.below(72, 30) as u32);
        }
        let few = |what, n| dice.below(what, n) as u32;
        match few(73, 100) {
            0..30 => (1, 0),
            30..33 => (0, 0),
            33..36 => (0, 1 + few(74, 3)),
            _ => (2 + few(75, 9) + 2 * u32::from(dice.one_in(76, 8)), few(77, 4)),
        }
    }

    /// How many threads the seed gives a ticket.
    pub(super) fn thread_total(&self, index: u32) -> u32 {
        self.conversation_totals(index).0
    }

    /// `threadCount`: with or without drafts, without deleted ones.
    pub(super) fn thread_count(&self, index: u32, state: &State) -> u32 {
        let drafts_count = self.settings.behaviour.drafts_count;
        let total = self.thread_total(index);
        if state.gone.is_empty() {
            return total - u32::from(!drafts_count && self.is_draft(index, total.wrapping_sub(1)));
        }
        self.threads_of(index, state)
            .filter(|place| drafts_count || !self.is_draft(index, place.sub))
            .count() as u32
    }

    /// The threads that are there, oldest first.
    pub(super) fn threads_of(&self, index: u32, state: &State) -> impl Iterator<Item = Place> {
        (0..self.thread_total(index))
            .map(move |sub| Place::child(Kind::Thread, Kind::Ticket, index, sub))
            .filter(|place| state.gone.is_empty() || !state.gone.contains(&place.id()))
    }

    /// The last thread of now and then a ticket is a draft.
    fn is_draft(&self, index: u32, sub: u32) -> bool {
        let total = self.thread_total(index);
        total >= 2 && sub == total - 1 && self.dice(Kind::Ticket, index).one_in(78, 12)
    }

    pub(super) fn thread_dice(&self, place: Place) -> Dice {
        self.dice(Kind::Thread, place.index).with(u64::from(place.sub))
    }

    fn author_of(&self, place: Place) -> Author {
        let dice = self.thread_dice(place);
        if place.sub == 0 || dice.one_in(1, 2) && !self.is_draft(place.index, place.sub) {
            Author::Contact
        } else {
            Author::Agent(self.agent_of(dice.throw(2)))
        }
    }

    pub(super) fn thread_created(&self, place: Place) -> i64 {
        let dice = self.dice(Kind::Ticket, place.index);
        let created = self.created(Kind::Ticket, place.index);
        let jitter = self.thread_dice(place).throw(3) >> 8;
        if place.sub == 0 {
            created
        } else {
            later(created, u64::from(place.sub), 60 + dice.below(79, 20_000), jitter)
        }
    }

    /// `lastThread` of a ticket.
    pub(super) fn last_thread(&self, index: u32, state: &State, o: &mut Object<'_>) {
        let last = if state.gone.is_empty() {
            let total = self.thread_total(index);
            total
                .checked_sub(1)
                .map(|sub| Place::child(Kind::Thread, Kind::Ticket, index, sub))
        } else {
            self.threads_of(index, state).last()
        };
        let Some(place) = last else {
            o.null(k!("lastThread"));
            return;
        };
        o.object(k!("lastThread"), |o| {
            o.text(k!("channel"), channel(self.dice(Kind::Ticket, index)));
            o.bool(k!("isDraft"), self.is_draft(index, place.sub));
            o.bool(k!("isForward"), self.thread_dice(place).one_in(4, 15));
            let agent = matches!(self.author_of(place), Author::Agent(_));
            o.text(k!("direction"), if agent { b"out" } else { b"in" });
        });
    }

    fn of_thread(&self, place: Place) -> Thread {
        let dice = self.thread_dice(place);
        let huge = dice.below(5, 1_000_000) < u64::from(self.settings.huge_bodies_ppm);
        let html = huge || !dice.one_in(6, 5);
        Thread {
            place,
            dice,
            author: self.author_of(place),
            draft: self.is_draft(place.index, place.sub),
            html,
            body: match huge {
                true => Body::Huge,
                false if dice.one_in(7, 150) => Body::Cut,
                false => Body::Whole,
            },
        }
    }

    /// A thread in a shape.
    pub(super) fn thread(&self, place: Place, shape: Shape, o: &mut Object<'_>) {
        let thread = self.of_thread(place);
        let dice = thread.dice;
        let ticket = self.dice(Kind::Ticket, place.index);
        let attachments = self.attachments_of(place);
        o.id(k!("id"), place.id());
        o.text(k!("channel"), channel(ticket));
        let agent = match thread.author {
            Author::Agent(agent) => Some(agent),
            Author::Contact => None,
        };
        o.text(k!("direction"), if agent.is_some() { b"out" } else { b"in" });
        o.text(k!("status"), Self::thread_status(&thread));
        o.text(
            k!("visibility"),
            if agent.is_some() && dice.one_in(8, 12) {
                b"private"
            } else {
                b"public"
            },
        );
        o.maybe(
            k!("summary"),
            (!dice.one_in(9, 30)).then(|| self.texts.summaries.pick(dice.throw(10))),
        );
        o.bool(k!("isDescriptionThread"), place.sub == 0);
        o.bool(k!("canReply"), !thread.draft);
        self.author(&thread, o);
        o.time(k!("createdTime"), self.thread_created(place));
        o.text(
            k!("contentType"),
            if thread.html { b"text/html" } else { b"text/plain" },
        );
        o.bool(k!("hasAttach"), attachments > 0);
        if dice.one_in(11, 50) {
            o.text(k!("attachmentCount"), b"-1");
        } else {
            o.count(k!("attachmentCount"), u64::from(attachments));
        }
        o.made_if(k!("respondedIn"), agent.is_some() && dice.one_in(12, 2), |out| {
            out.extend_from_slice(b"00:");
            number(out, 10 + dice.below(13, 49));
            out.extend_from_slice(b" hrs");
        });
        o.maybe_id(k!("responderId"), agent.map(agent_id));
        o.bool(k!("isForward"), dice.one_in(4, 15));
        self.addresses(&thread, agent, o);
        o.raw(k!("source"), source(dice));
        o.object_if(k!("channelRelatedInfo"), channel(ticket) == b"FORUMS", topic);
        o.null(k!("lastRatingIconURL"));
        o.null(k!("impersonatedUser"));
        if dice.one_in(14, 20) {
            o.raw(
                k!("readReceipts"),
                br#"{"isRead":true,"count":3,"by":["a@mail.example"]}"#,
            );
        } else {
            o.null(k!("readReceipts"));
        }
        o.maybe(
            k!("sentiment"),
            [None, Some(&b"NEUTRAL"[..]), Some(b"NEGATIVE")][dice.below(15, 3) as usize],
        );
        o.null(k!("aspects"));
        if dice.one_in(16, 10) {
            o.raw(k!("keyWords"), "[\"label, printer\",\"再起動\"]".as_bytes());
        } else {
            o.null(k!("keyWords"));
        }
        if dice.one_in(17, 10) {
            o.raw(k!("actions"), br#"[{"name":"SEND REPLY","enabled":false}]"#);
        } else {
            o.raw(k!("actions"), b"[]");
        }
        o.null(k!("facebookProfile"));
        o.null(k!("twitterProfile"));
        match shape {
            Shape::Conversation => o.text(k!("type"), b"thread"),
            Shape::Detail => self.thread_content(&thread, o),
            Shape::List | Shape::Included | Shape::Search => {}
        }
    }

    fn thread_status(thread: &Thread) -> &'static [u8] {
        match thread.dice.below(18, 60) {
            _ if thread.draft => b"DRAFT",
            0 => b"FAILED",
            1 => b"PENDING",
            _ => b"SUCCESS",
        }
    }

    fn author(&self, thread: &Thread, o: &mut Object<'_>) {
        o.object(k!("author"), |o| match thread.author {
            Author::Agent(n) => {
                let agent = &self.people.agents[n as usize];
                o.id(k!("id"), agent_id(n));
                o.made(k!("name"), |out| self.texts.full(out, agent.name, agent.has_first));
                o.maybe(k!("firstName"), agent.has_first.then(|| self.texts.first(agent.name)));
                o.text(k!("lastName"), self.texts.last(agent.name));
                o.made(k!("email"), |out| {
                    self.texts.mail(out, agent.name, u64::from(n), b"desk.example");
                });
                o.null(k!("photoURL"));
                o.text(k!("type"), b"AGENT");
            }
            Author::Contact => {
                let person = self.person(self.ticket_contact(thread.place.index));
                o.id(k!("id"), contact_id(person.index));
                o.made(k!("name"), |out| self.texts.full(out, person.name, person.has_first));
                o.maybe(k!("firstName"), person.has_first.then(|| self.texts.first(person.name)));
                o.text(k!("lastName"), self.texts.last(person.name));
                o.made_if(k!("email"), person.has_mail, |out| self.contact_mail(out, &person));
                o.null(k!("photoURL"));
                o.text(k!("type"), b"END_USER");
            }
        });
    }

    fn addresses(&self, thread: &Thread, agent: Option<u32>, o: &mut Object<'_>) {
        let dice = thread.dice;
        let person = self.person(self.ticket_contact(thread.place.index));
        let contact = |out: &mut Vec<u8>| {
            out.extend_from_slice(b"\\\"");
            self.texts.full(out, person.name, person.has_first);
            out.extend_from_slice(b"\\\"<");
            self.contact_mail(out, &person);
            out.push(b'>');
        };
        if agent.is_some() {
            o.made(k!("to"), contact);
        } else {
            o.text(k!("to"), DESK);
        }
        match dice.below(19, 6) {
            0 => o.text(
                k!("cc"),
                b"\\\"Ann\\\"<ann@mail.example>,\\\"B, C\\\"<bc@mail.example>,plain@mail.example",
            ),
            1 => o.null(k!("cc")),
            _ => o.text(k!("cc"), b""),
        }
        o.text(
            k!("bcc"),
            if dice.one_in(22, 20) {
                b"audit@desk.example"
            } else {
                b""
            },
        );
        o.maybe(
            k!("replyTo"),
            dice.one_in(23, 10).then_some(&b"no-reply@desk.example"[..]),
        );
        if agent.is_some() {
            o.text(k!("fromEmailAddress"), DESK);
        } else {
            o.made_if(k!("fromEmailAddress"), person.has_mail, contact);
        }
    }

    fn thread_content(&self, thread: &Thread, o: &mut Object<'_>) {
        let place = thread.place;
        o.made(k!("content"), |out| {
            if thread.body == Body::Cut {
                self.texts.head(out, mark(place), thread.html);
            } else {
                self.content(thread, out);
            }
        });
        self.embedded(k!("attachments"), place, o);
        o.bool(k!("isContentTruncated"), thread.body == Body::Cut);
        o.made_if(k!("fullContentURL"), thread.body == Body::Cut, |out| {
            self.link(out, b"tickets", ticket_id(place.index));
            out.extend_from_slice(b"/threads/");
            number(out, place.id().0);
            out.extend_from_slice(b"/fullContent");
        });
        o.null(k!("plainText"));
    }

    /// The whole content, escaped.
    fn content(&self, thread: &Thread, out: &mut Vec<u8>) {
        if thread.body == Body::Huge {
            self.texts.huge(out, thread.dice.with(1), mark(thread.place));
        } else if thread.body == Body::Cut || !thread.dice.one_in(24, 100) {
            self.texts
                .body(out, thread.dice.with(1), mark(thread.place), thread.html);
        }
    }

    /// The answer of `fullContent`.
    pub(super) fn full_content(&self, place: Place, out: &mut Vec<u8>) {
        let thread = self.of_thread(place);
        let mut o = Object::new(out, false);
        o.id(k!("id"), place.id());
        o.made(k!("content"), |out| self.content(&thread, out));
        o.end();
    }

    /// Whether a thread's detail shows but the beginning of its content.
    pub(super) fn is_truncated(&self, place: Place) -> bool {
        self.of_thread(place).body == Body::Cut
    }
}

/// A number that is in the body of this thread alone.
fn mark(place: Place) -> u64 {
    World::ticket_number(place.index) * 1000 + u64::from(place.sub)
}
