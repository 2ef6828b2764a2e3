//! Tasks, calls and events.

use super::contacts::contact_id;
use super::desk::World;
use super::id::Place;
use super::json::{Object, k, number};
use super::overlay::State;
use super::people::{agent_id, department, department_id, team_id};
use super::tickets::ticket_id;
use super::{Id, Kind, Shape};

/// Status and its type.
const TASK: [(&[u8], &[u8]); 4] = [
    (b"Not Started", b"Open"),
    (b"In Progress", b"Open"),
    (b"Completed", b"Closed"),
    ("保留".as_bytes(), b"On Hold"),
];
const CALL: [(&[u8], &[u8]); 4] = [
    (b"Completed", b"Closed"),
    (b"Scheduled", b"Open"),
    (b"Missed", b"Closed"),
    (b"Canceled", b"Closed"),
];

impl World {
    /// The department of an activity.
    pub(super) fn activity_department(&self, kind: Kind, index: u32) -> u32 {
        department(self.dice(kind, index).throw(1)) % 5
    }

    /// The ticket that an activity is for.
    fn activity_ticket(&self, kind: Kind, index: u32) -> Option<u32> {
        if kind == Kind::Task {
            return self.task_ticket(index);
        }
        let dice = self.dice(kind, index);
        (!dice.one_in(2, 4)).then(|| dice.below(3, u64::from(self.sizes.tickets)) as u32)
    }

    /// A task, call or event in a shape.
    pub(super) fn activity(&self, kind: Kind, index: u32, state: &State, shape: Shape, o: &mut Object<'_>) {
        let dice = self.dice(kind, index);
        let edit = dice.with(u64::from(state.salt));
        let id = Place::top(kind, index).id();
        let created = self.created(kind, index);
        let ticket = self.activity_ticket(kind, index);
        let contact = ticket
            .map(|ticket| self.ticket_contact(ticket))
            .filter(|_| !dice.one_in(4, 4));
        let owner = (!dice.one_in(5, 8)).then(|| self.agent_of(dice.throw(6)));
        let team = dice
            .one_in(7, 8)
            .then(|| dice.below(8, u64::from(self.sizes.teams)) as u32);
        let (status, status_type) = if kind == Kind::Task { TASK } else { CALL }[edit.below(9, 4) as usize];
        o.id(k!("id"), id);
        o.made(k!("subject"), |out| self.texts.subject(out, edit));
        o.text(k!("status"), status);
        o.maybe(
            k!("priority"),
            [None, Some(&b"Normal"[..]), Some(b"High")][dice.below(10, 3) as usize],
        );
        o.id(k!("departmentId"), department_id(self.activity_department(kind, index)));
        o.maybe_id(k!("ticketId"), ticket.map(ticket_id));
        o.maybe_id(k!("contactId"), contact.map(contact_id));
        o.maybe_id(k!("ownerId"), owner.map(agent_id));
        o.id(k!("creatorId"), agent_id(self.agent_of(dice.throw(11))));
        o.maybe_id(k!("teamId"), team.map(team_id));
        o.time(k!("createdTime"), created);
        o.bool(k!("isCommented"), self.activity_comments(kind, index) > 0);
        o.bool(k!("isSpam"), false);
        let (path, name): (&[u8], &[u8]) = match kind {
            Kind::Task => (b"support/tasks", b"Tasks"),
            Kind::Call => (b"support/calls", b"Calls"),
            _ => (b"support/events", b"Events"),
        };
        super::contacts::web(o, path, id);
        o.text(k!("activityType"), name);
        // Lists have these only if asked to include them; searches always.
        let with = !matches!(shape, Shape::List);
        match ticket.filter(|_| with) {
            Some(ticket) => o.object(k!("ticket"), |o| {
                o.id(k!("id"), ticket_id(ticket));
                o.count(k!("ticketNumber"), Self::ticket_number(ticket));
                o.made(k!("subject"), |out| self.first_subject(ticket, out));
            }),
            None => o.null(k!("ticket")),
        }
        match contact.filter(|_| with) {
            Some(contact) => o.object(k!("contact"), |o| self.contact_ref(o, &self.person(contact))),
            None => o.null(k!("contact")),
        }
        self.team_ref(o, team.filter(|_| with));
        self.agent_ref(o, k!("assignee"), owner.filter(|_| with));
        self.activity_times(kind, index, status_type == b"Closed", o);
        if !matches!(shape, Shape::Search | Shape::Detail) {
            return;
        }
        o.time(
            k!("modifiedTime"),
            state.modified.unwrap_or_else(|| self.modified(kind, index)),
        );
        o.id(
            k!("modifiedBy"),
            agent_id(state.modifier.unwrap_or_else(|| self.agent_of(dice.throw(21)))),
        );
        o.maybe(
            k!("description"),
            (!edit.one_in(22, 3)).then(|| self.texts.line(edit.with(1))),
        );
        o.text(k!("statusType"), status_type);
        self.custom.write(o, edit, &self.texts);
        if dice.one_in(23, 10) {
            o.raw(
                k!("reminder"),
                br#"[{"reminderType":"ABSOLUTE","alertType":["EMAIL","POPUP"]}]"#,
            );
        } else {
            o.raw(k!("reminder"), b"[]");
        }
        o.id(k!("layoutId"), Id::misc(30));
        o.bool(k!("isTrashed"), state.trashed);
    }

    /// What the kinds have of their own: category, direction, times.
    fn activity_times(&self, kind: Kind, index: u32, is_closed: bool, o: &mut Object<'_>) {
        let dice = self.dice(kind, index);
        let created = self.created(kind, index);
        let hours = |what, n| created + 3_600_000_000 * dice.below(what, n) as i64;
        let done = is_closed.then(|| hours(12, 50));
        let category = dice.one_in(13, 3).then_some(&b"Site visit, \\\"urgent\\\""[..]);
        let duration = |o: &mut Object<'_>| {
            o.made_if(k!("duration"), !dice.one_in(14, 4), |out| {
                number(out, dice.below(15, 7200));
            });
        };
        match kind {
            Kind::Task => {
                o.maybe(k!("category"), category);
                o.maybe_time(k!("dueDate"), dice.one_in(16, 2).then(|| hours(17, 500)));
                o.maybe_time(k!("startTime"), dice.one_in(18, 2).then(|| hours(19, 20)));
                o.maybe_time(k!("completedTime"), done);
                o.null(k!("direction"));
            }
            Kind::Call => {
                o.text(
                    k!("direction"),
                    if dice.one_in(20, 2) { b"inbound" } else { b"outbound" },
                );
                o.time(k!("startTime"), hours(19, 20));
                duration(o);
                o.maybe_time(k!("completedTime"), done);
            }
            _ => {
                o.maybe(k!("category"), category);
                o.time(k!("startTime"), hours(19, 20));
                duration(o);
                o.maybe_time(k!("completedTime"), done);
            }
        }
    }
}
