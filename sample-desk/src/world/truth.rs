//! The truth of a desk: every record that a complete backup holds, as JSON lines.

use std::io;
use std::sync::atomic::Ordering;

use super::desk::World;
use super::id::Place;
use super::json::number;
use super::overlay::UNCHANGED;
use super::{Id, Kind, Shape, Standing};

/// The shapes of a kind, with their names.
const fn shapes(kind: Kind) -> &'static [(&'static str, Shape)] {
    match kind {
        Kind::Ticket => &[
            ("list", Shape::List),
            ("included", Shape::Included),
            ("search", Shape::Search),
            ("detail", Shape::Detail),
        ],
        Kind::Contact | Kind::Account | Kind::Task | Kind::Call | Kind::Event | Kind::Product | Kind::Article => &[
            ("list", Shape::List),
            ("search", Shape::Search),
            ("detail", Shape::Detail),
        ],
        Kind::Thread => &[
            ("list", Shape::List),
            ("detail", Shape::Detail),
            ("conversation", Shape::Conversation),
        ],
        Kind::Comment => &[("list", Shape::List), ("conversation", Shape::Conversation)],
        Kind::Attachment | Kind::Agent | Kind::Department => &[("list", Shape::List), ("detail", Shape::Detail)],
        Kind::TimeEntry | Kind::Team | Kind::Field => &[("list", Shape::List)],
        Kind::Translation => &[("detail", Shape::Detail)],
    }
}

/// The archive's table of a record.
const fn table(place: Place) -> &'static str {
    match (place.kind, place.owner) {
        (Kind::Ticket, _) => "Cases",
        (Kind::Thread, _) => "Threads",
        (Kind::Comment, Kind::Ticket) => "Comments",
        (Kind::Comment, _) => "ActivityComments",
        (Kind::Attachment, Kind::Article) => "ArticleAttachments",
        (Kind::Attachment, _) => "Attachments",
        (Kind::TimeEntry, _) => "TimeEntry",
        (Kind::Contact, _) => "Contacts",
        (Kind::Account, _) => "Accounts",
        (Kind::Product, _) => "Products",
        (Kind::Task, _) => "Tasks",
        (Kind::Call, _) => "Calls",
        (Kind::Event, _) => "Events",
        (Kind::Article, _) => "Articles",
        (Kind::Translation, _) => "ArticleTranslations",
        (Kind::Agent, _) => "Agents",
        (Kind::Team, _) => "Teams",
        (Kind::Department, _) => "Departments",
        (Kind::Field, _) => "Fields",
    }
}

impl World {
    /// Writes all lines: of what was there at the moment `since` or came later, as it was then and later.
    pub(super) fn write_truth(&self, since: i64, out: &mut dyn io::Write) -> io::Result<()> {
        let mut line = Vec::new();
        let spam = if self.settings.behaviour.search_has_spam {
            self.sizes.spam
        } else {
            0
        };
        for index in 0..self.sizes.tickets + spam {
            self.ticket_truth(index, since, &mut line);
            out.write_all(&line)?;
            line.clear();
        }
        let tops = [
            Kind::Contact,
            Kind::Account,
            Kind::Product,
            Kind::Agent,
            Kind::Department,
        ];
        for kind in tops {
            for index in 0..self.sizes.of(kind) {
                self.line(Place::top(kind, index), None, since, &mut line);
                out.write_all(&line)?;
                line.clear();
            }
        }
        for kind in [Kind::Task, Kind::Call, Kind::Event, Kind::Article] {
            for index in 0..self.sizes.of(kind) {
                let place = Place::top(kind, index);
                self.line(place, None, since, &mut line);
                for child in [Kind::Comment, Kind::Translation, Kind::Attachment] {
                    for child in self.children_in(place, child, &UNCHANGED) {
                        self.line(child, Some(place.id()), since, &mut line);
                    }
                }
                out.write_all(&line)?;
                line.clear();
            }
        }
        for index in 0..self.sizes.teams {
            let team = Place::top(Kind::Team, index);
            self.line(team, None, since, &mut line);
            for agent in &self.people.members[index as usize] {
                self.line_as(
                    "TeamMembers",
                    Place::top(Kind::Agent, *agent),
                    Some(team.id()),
                    since,
                    &mut line,
                );
            }
            out.write_all(&line)?;
            line.clear();
        }
        out.flush()
    }

    /// A ticket and all that belongs to it.
    fn ticket_truth(&self, index: u32, since: i64, out: &mut Vec<u8>) {
        let place = Place::top(Kind::Ticket, index);
        let ticket = Some(place.id());
        self.line(place, None, since, out);
        for child in self.children_in(place, Kind::TimeEntry, &UNCHANGED) {
            self.line(child, ticket, since, out);
        }
        for attachment in self.own_attachments(place) {
            self.line(attachment, ticket, since, out);
        }
        for kind in [Kind::Thread, Kind::Comment] {
            for child in self.children_in(place, kind, &UNCHANGED) {
                self.line(child, ticket, since, out);
                for attachment in self.own_attachments(child) {
                    self.line(attachment, ticket, since, out);
                }
            }
        }
    }

    fn line(&self, place: Place, parent: Option<Id>, since: i64, out: &mut Vec<u8>) {
        self.line_as(table(place), place, parent, since, out);
    }

    fn line_as(&self, table: &str, place: Place, parent: Option<Id>, since: i64, out: &mut Vec<u8>) {
        if self.was_gone(place, since) {
            return;
        }
        let id = place.id();
        out.extend_from_slice(b"{\"table\":\"");
        out.extend_from_slice(table.as_bytes());
        out.extend_from_slice(b"\",\"id\":\"");
        number(out, id.0);
        out.push(b'"');
        if let Some(parent) = parent {
            out.extend_from_slice(b",\"parent\":\"");
            number(out, parent.0);
            out.push(b'"');
        }
        let mut history = self.history(id);
        // A version is past when the next one comes.
        let past = history.iter().skip(1).take_while(|next| next.since < since).count();
        let mut versions = history.drain(past..).rev();
        out.extend_from_slice(b",\"shapes\":");
        self.shapes(place, &versions.next().unwrap_or_default(), out);
        let earlier: Vec<_> = versions.rev().collect();
        if !earlier.is_empty() {
            out.extend_from_slice(b",\"before\":[");
            for (n, state) in earlier.into_iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                self.shapes(place, &state, out);
            }
            out.push(b']');
        }
        if self.where_is(place) != Standing::Present {
            out.extend_from_slice(b",\"deleted\":true");
        }
        out.extend_from_slice(b"}\n");
    }

    /// Whether a record, or what it belongs to, is yet to come, or was deleted before a moment.
    fn was_gone(&self, place: Place, since: i64) -> bool {
        let mut whose = self.changed.load(Ordering::Acquire).then_some(place);
        while let Some(at) = whose {
            let removed = || self.read(|overlay| overlay.removed_at(at.id()));
            if self.is_to_come(at.kind, at.index) || removed().is_some_and(|removed| removed < since) {
                return true;
            }
            whose = at.parent();
        }
        false
    }

    fn shapes(&self, place: Place, state: &super::overlay::State, out: &mut Vec<u8>) {
        out.push(b'{');
        for (n, (name, shape)) in shapes(place.kind).iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            self.write_state(place, state, *shape, out);
        }
        if place.kind == Kind::Thread && self.is_truncated(place) {
            out.extend_from_slice(b",\"full\":");
            self.full_content(place, out);
        }
        out.push(b'}');
    }
}
