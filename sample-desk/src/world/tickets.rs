//! Tickets.

use super::clock::SECOND;
use super::contacts::{Person, account_id, contact_id, layout_details};
use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::json::{Object, k, number};
use super::overlay::State;
use super::people::{agent_id, department, department_id, team_id};
use super::{Id, Kind, Shape};

/// A quiet source, as almost every ticket and thread has it.
const SYSTEM: &[u8] = br#"{"appName":null,"extId":null,"type":"SYSTEM","permalink":null,"appPhotoURL":null}"#;
const INTEGRATION: &[u8] = br#"{"appName":"Shop \u0026 Co","extId":"0042","type":"INTEGRATION","permalink":"https:\/\/shop.example\/t\/42","appPhotoURL":null}"#;

/// Status and its type.
const STATUS: [(&[u8], &[u8]); 8] = [
    (b"Open", b"Open"),
    (b"Closed", b"Closed"),
    (b"Closed", b"Closed"),
    (b"On Hold", b"On Hold"),
    (b"Waiting on customer", b"On Hold"),
    (b"Escalated", b"Open"),
    ("対応中".as_bytes(), b"Open"),
    (b"Resolved, to be \\\"verified\\\"", b"Closed"),
];
/// Channel as tickets and as threads have it.
const CHANNEL: [(&[u8], &[u8]); 6] = [
    (b"Email", b"EMAIL"),
    (b"Email", b"EMAIL"),
    (b"Web", b"WEB"),
    (b"Phone", b"PHONE"),
    (b"Chat", b"ONLINE_CHAT"),
    (b"Forums", b"FORUMS"),
];
const PRIORITY: [Option<&[u8]>; 5] = [None, Some(b"Low"), Some(b"Medium"), Some(b"High"), Some(b"Urgent!")];
const CATEGORY: [Option<&[u8]>; 5] = [
    None,
    Some(b"Hardware"),
    Some(b"Billing, VAT"),
    Some("アカウント".as_bytes()),
    Some(b"Other \\/ misc"),
];
const CLASSIFICATION: [Option<&[u8]>; 5] = [
    None,
    Some(b"Problem"),
    Some(b"Question"),
    Some(b"Feature"),
    Some(b"Others"),
];

/// What is decided of a ticket before it is written.
struct Facts {
    dice: Dice,
    /// Of what edits change.
    edit: Dice,
    person: Person,
    department: u32,
    assignee: Option<u32>,
    product: Option<u32>,
    team: Option<u32>,
    created: i64,
    modified: i64,
}

/// The id of a ticket.
pub(super) const fn ticket_id(index: u32) -> Id {
    Place::top(Kind::Ticket, index).id()
}

/// The channel of a ticket, as threads name it.
pub(super) fn channel(dice: Dice) -> &'static [u8] {
    CHANNEL[dice.below(20, 6) as usize].1
}

/// `source`.
pub(super) fn source(dice: Dice) -> &'static [u8] {
    if dice.one_in(21, 20) { INTEGRATION } else { SYSTEM }
}

impl World {
    /// The contact of a ticket.
    pub(super) fn ticket_contact(&self, index: u32) -> u32 {
        let so_far = u64::from(index) * u64::from(self.sizes.contacts) / u64::from(self.sizes.of(Kind::Ticket));
        self.dice(Kind::Ticket, index).below(2, so_far + 1) as u32
    }

    /// The department of a ticket. The disabled one has none but archived tickets.
    pub(super) fn ticket_department(&self, index: u32) -> u32 {
        let department = department(self.dice(Kind::Ticket, index).throw(3));
        if department == super::people::DISABLED_DEPARTMENT && index >= self.sizes.archived {
            0
        } else {
            department
        }
    }

    /// The ticket's number, for people.
    pub(super) const fn ticket_number(index: u32) -> u64 {
        index as u64 + 101
    }

    /// The subject that a ticket had in the beginning: activities and time entries keep showing it.
    pub(super) fn first_subject(&self, index: u32, out: &mut Vec<u8>) {
        self.texts.subject(out, self.dice(Kind::Ticket, index));
    }

    /// The ticket that another one stems from.
    fn parent_ticket(index: u32) -> Option<u32> {
        (index % 97 == 5).then(|| index - 1)
    }

    fn ticket_facts(&self, index: u32, state: &State) -> Facts {
        let dice = self.dice(Kind::Ticket, index);
        let one_of = |what, count: u32| dice.below(what, u64::from(count)) as u32;
        Facts {
            dice,
            edit: if state.salt == 0 {
                dice
            } else {
                dice.with(u64::from(state.salt))
            },
            person: self.person(self.ticket_contact(index)),
            department: self.ticket_department(index),
            assignee: (!dice.one_in(4, 10)).then(|| self.agent_of(dice.throw(5))),
            product: dice.one_in(6, 3).then(|| one_of(7, self.sizes.products)),
            team: dice.one_in(8, 6).then(|| one_of(9, self.sizes.teams)),
            created: self.created(Kind::Ticket, index),
            modified: state.modified.unwrap_or_else(|| self.modified(Kind::Ticket, index)),
        }
    }

    /// A ticket in a shape.
    pub(super) fn ticket(&self, index: u32, state: &State, shape: Shape, o: &mut Object<'_>) {
        let facts = self.ticket_facts(index, state);
        o.id(k!("id"), ticket_id(index));
        self.ticket_row(index, &facts, o);
        let threads = self.thread_count(index, state);
        o.count(k!("threadCount"), u64::from(threads));
        o.count(k!("commentCount"), u64::from(self.comment_count(index, state)));
        o.text(k!("relationshipType"), b"None");
        o.bool(k!("isArchived"), index < self.sizes.archived);
        o.bool(k!("isSpam"), self.is_spam(index));
        super::contacts::web(o, b"support/tickets", ticket_id(index));
        self.last_thread(index, state, o);
        o.raw(k!("source"), source(facts.dice));
        match shape {
            Shape::List | Shape::Conversation => {}
            Shape::Included => {
                self.ticket_refs(o, &facts);
                o.bool(k!("isRead"), facts.dice.one_in(34, 2));
            }
            Shape::Search => {
                self.ticket_body(
                    index,
                    state,
                    facts.modified,
                    self.settings.behaviour.search_has_description,
                    o,
                );
                o.maybe_id(k!("slaId"), facts.dice.one_in(36, 4).then(|| Id::misc(200)));
                o.count(
                    k!("childTicketCount"),
                    u64::from(Self::parent_ticket(index + 1).is_some()),
                );
                self.ticket_pointer(k!("parentTicket"), Self::parent_ticket(index), o);
                self.ticket_pointer(k!("sourceTicket"), self.split_from(index), o);
                o.bool(k!("isEscalated"), facts.dice.one_in(37, 12));
                o.bool(k!("isOverDue"), facts.dice.one_in(38, 9));
                o.bool(k!("isRead"), facts.dice.one_in(34, 2));
                self.ticket_refs(o, &facts);
            }
            Shape::Detail => self.ticket_detail(index, state, facts.modified, o),
        }
    }

    /// What follows from the ticket alone: the most of what lists have.
    fn ticket_row(&self, index: u32, facts: &Facts, o: &mut Object<'_>) {
        let Facts {
            dice,
            edit,
            person,
            created,
            modified,
            ..
        } = facts;
        let (created, modified) = (*created, *modified);
        let (status, kind) = STATUS[edit.below(10, 8) as usize];
        let between = |what: u64| {
            let part = (modified - created) / 1024 * dice.below(what, 1024) as i64;
            ((created + part) / SECOND * SECOND).max(created)
        };
        o.count(k!("ticketNumber"), Self::ticket_number(index));
        o.made(k!("subject"), |out| self.texts.subject(out, *edit));
        o.text(k!("status"), status);
        o.text(k!("statusType"), kind);
        o.id(k!("departmentId"), department_id(facts.department));
        o.id(k!("contactId"), contact_id(person.index));
        o.maybe_id(k!("accountId"), person.account.map(account_id));
        o.maybe_id(k!("productId"), facts.product.map(super::products::product_id));
        o.maybe_id(k!("assigneeId"), facts.assignee.map(agent_id));
        o.maybe_id(k!("teamId"), facts.team.map(team_id));
        o.id(k!("layoutId"), Id::misc(facts.department));
        o.made_if(k!("email"), person.has_mail, |out| self.contact_mail(out, person));
        o.made_if(k!("phone"), dice.one_in(11, 5), |out| {
            super::text::Texts::phone(out, dice.throw(12));
        });
        o.text(k!("channel"), CHANNEL[dice.below(20, 6) as usize].0);
        o.null(k!("channelCode"));
        o.text(
            k!("language"),
            if dice.one_in(13, 4) {
                "日本語".as_bytes()
            } else {
                b"English"
            },
        );
        o.maybe(k!("priority"), PRIORITY[edit.below(14, 5) as usize]);
        o.maybe(k!("category"), CATEGORY[dice.below(15, 5) as usize]);
        o.null(k!("subCategory"));
        o.maybe(
            k!("sentiment"),
            [None, None, Some(&b"POSITIVE"[..]), Some(b"NEGATIVE")][dice.below(16, 4) as usize],
        );
        o.maybe_time(
            k!("dueDate"),
            dice.one_in(17, 2)
                .then(|| created + 86_400_000_000 * dice.below(18, 9) as i64),
        );
        o.maybe_time(
            k!("responseDueDate"),
            dice.one_in(19, 9).then(|| created + 3_600_000_000),
        );
        o.time(k!("createdTime"), created);
        o.maybe_time(k!("closedTime"), (kind == b"Closed").then(|| between(30)));
        o.maybe_time(k!("onholdTime"), (kind == b"On Hold").then(|| between(31)));
        o.maybe_time(k!("customerResponseTime"), (!dice.one_in(32, 4)).then(|| between(33)));
        o.null(k!("lockedTime"));
    }

    fn ticket_detail(&self, index: u32, state: &State, modified: i64, o: &mut Object<'_>) {
        let dice = self.dice(Kind::Ticket, index);
        self.ticket_body(index, state, modified, true, o);
        o.maybe_id(k!("slaId"), dice.one_in(36, 4).then(|| Id::misc(200)));
        o.maybe_id(k!("contractId"), dice.one_in(40, 20).then(|| Id::misc(210)));
        o.count(k!("approvalCount"), 0);
        o.count(k!("timeEntryCount"), u64::from(self.entry_total(index)));
        // As many as the seed says: a ticket does not change with its tasks.
        o.count(k!("taskCount"), self.ticket_tasks(index).count() as u64);
        o.count(
            k!("attachmentCount"),
            self.ticket_attachments(index, state).len() as u64,
        );
        o.count(k!("tagCount"), dice.below(41, 3));
        o.count(k!("followerCount"), dice.below(42, 4));
        o.bool(k!("isOverDue"), dice.one_in(38, 9));
        o.bool(k!("isResponseOverdue"), dice.one_in(43, 9));
        o.bool(k!("isEscalated"), dice.one_in(37, 12));
        o.bool(k!("isDeleted"), false);
        o.bool(
            k!("isTrashed"),
            state.trashed || index >= self.sizes.tickets + self.sizes.spam,
        );
        o.bool(k!("isFollowing"), dice.one_in(44, 9));
        o.object_if(k!("channelRelatedInfo"), channel(dice) == b"FORUMS", topic);
        layout_details(o, self.ticket_department(index), b"Default \\\"Layout\\\"");
        self.ticket_pointer(k!("sourceTicket"), self.split_from(index), o);
    }

    /// What search and detail have after the list's keys.
    fn ticket_body(&self, index: u32, state: &State, modified: i64, with_description: bool, o: &mut Object<'_>) {
        let dice = self.dice(Kind::Ticket, index);
        let edit = if state.salt == 0 {
            dice
        } else {
            dice.with(u64::from(state.salt))
        };
        let creator = self.agent_of(dice.throw(50));
        o.time(k!("modifiedTime"), modified);
        o.id(k!("createdBy"), agent_id(creator));
        let editor = state.modifier.unwrap_or_else(|| self.agent_of(dice.throw(51)));
        o.id(k!("modifiedBy"), agent_id(editor));
        if with_description {
            o.made_if(k!("description"), !edit.one_in(52, 30), |out| {
                match edit.below(53, 40) {
                    0 => {}
                    1 | 2 => self.texts.body(out, edit.with(1), Self::ticket_number(index), true),
                    _ => {
                        self.texts.head(out, Self::ticket_number(index), true);
                        out.extend_from_slice(b"<\\/div>");
                    }
                }
            });
        }
        o.maybe(
            k!("resolution"),
            edit.one_in(54, 6).then(|| self.texts.line(edit.with(2))),
        );
        o.maybe(k!("classification"), CLASSIFICATION[edit.below(55, 5) as usize]);
        self.custom.write(o, edit, &self.texts);
        let known = u64::from(self.sizes.contacts);
        let further = if dice.one_in(56, 16) { 2 } else { 0 };
        o.ids(
            k!("secondaryContacts"),
            (0..further).map(|n| contact_id(dice.below(57 + n, known) as u32)),
        );
        o.list(k!("sharedDepartments"), dice.one_in(60, 20).then_some(()), |out, ()| {
            let mut shared = Object::new(out, false);
            shared.id(k!("id"), department_id(1));
            shared.text(k!("name"), b"Billing & \\\"Invoices\\\"");
            shared.text(k!("type"), b"READ_ONLY");
            shared.end();
        });
        o.ids(k!("entitySkills"), dice.one_in(61, 25).then(|| Id::misc(220)));
    }

    fn ticket_refs(&self, o: &mut Object<'_>, facts: &Facts) {
        o.object(k!("contact"), |o| self.contact_ref(o, &facts.person));
        self.agent_ref(o, k!("assignee"), facts.assignee);
        o.raw(k!("department"), &self.people.departments[facts.department as usize]);
        match facts.product {
            Some(product) => o.object(k!("product"), |o| self.product_ref(o, product)),
            None => o.null(k!("product")),
        }
        self.team_ref(o, facts.team);
    }

    /// `team`.
    pub(super) fn team_ref(&self, o: &mut Object<'_>, team: Option<u32>) {
        o.raw(
            k!("team"),
            team.map_or(b"null", |team| &self.people.teams[team as usize]),
        );
    }

    fn split_from(&self, index: u32) -> Option<u32> {
        let dice = self.dice(Kind::Ticket, index);
        (index > 0 && dice.one_in(62, 60)).then(|| dice.below(63, u64::from(index.min(self.sizes.tickets))) as u32)
    }

    fn ticket_pointer(&self, key: &[u8], ticket: Option<u32>, o: &mut Object<'_>) {
        match ticket {
            Some(ticket) => o.object(key, |o| {
                o.id(k!("id"), ticket_id(ticket));
                o.made(k!("subject"), |out| self.first_subject(ticket, out));
            }),
            None => o.null(key),
        }
    }

    /// Whether a ticket is spam.
    pub(super) const fn is_spam(&self, index: u32) -> bool {
        index >= self.sizes.tickets && index < self.sizes.tickets + self.sizes.spam
    }
}

/// `channelRelatedInfo` of what came from a forum.
pub(super) fn topic(o: &mut Object<'_>) {
    o.id(k!("topicId"), Id::misc(230));
    o.bool(k!("isTopicDeleted"), false);
    o.null(k!("forumStatus"));
    o.made(k!("sourceLink"), |out| {
        out.extend_from_slice(b"https://forum.example/t/");
        number(out, 230);
    });
    o.null(k!("topicType"));
}
