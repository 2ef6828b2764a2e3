//! What the desk holds, computed from the seed. It knows nothing of HTTP.
//!
//! A record is named by its [`Id`], from which everything else of it follows. Nothing is held but what changed.

mod activities;
mod articles;
mod attachments;
mod change;
mod clock;
mod comments;
mod contacts;
mod custom;
mod dice;
mod family;
mod id;
mod json;
mod overlay;
mod paging;
mod people;
mod products;
mod rota;
mod sizes;
mod text;
mod threads;
mod tickets;
mod time_entries;
mod truth;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::Settings;
use clock::Clock;
use custom::Custom;
use dice::Dice;
use id::Place;
use json::{Object, number};
use overlay::{Overlay, State, UNCHANGED};
use people::People;
use rota::Rota;
use sizes::Sizes;
use text::Texts;

/// The organisation's id, which is in the links to attachments.
pub const ORGANISATION: u64 = 20_077_001;

/// The desk's id of a record: 19 digits, from which kind, place and parent can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Tickets; archived ones, spam and trashed ones among them.
    Ticket,
    /// Threads of tickets.
    Thread,
    /// Comments of tickets, tasks, calls and events.
    Comment,
    /// Attachments of tickets, threads and comments.
    Attachment,
    /// Time entries.
    TimeEntry,
    /// Contacts.
    Contact,
    /// Accounts.
    Account,
    /// Products.
    Product,
    /// Tasks.
    Task,
    /// Calls.
    Call,
    /// Events.
    Event,
    /// Articles.
    Article,
    /// Translations of articles into further languages.
    Translation,
    /// Agents: active, disabled, deleted; light ones among them.
    Agent,
    /// Teams.
    Team,
    /// Departments.
    Department,
    /// Custom and standard fields.
    Field,
}

/// In which projection a record is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As in its list.
    List,
    /// As in its list with everything that `include` can add (tickets and activities; other kinds: as in the list).
    Included,
    /// As in a search.
    Search,
    /// As by its id. Agents: with `include=role,profile`. Attachments: as they are given within a thread, a comment or an article.
    Detail,
    /// As in a ticket's conversations: threads without body, comments whole, both with `type`.
    Conversation,
}

/// The time by which a page is filtered and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// createdTime.
    Created,
    /// modifiedTime.
    Modified,
}

/// What a list or a search is asked for. Times are microseconds since 1970, both ends as the server has decided them
/// to be inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// createdTime between these, ends included.
    pub created: Option<(i64, i64)>,
    /// modifiedTime between these, ends included.
    pub modified: Option<(i64, i64)>,
    /// Of this department.
    pub department: Option<Id>,
    /// Of these ids.
    pub ids: Option<Vec<Id>>,
    /// Archived tickets: only them, none of them, or both.
    pub archived: Option<bool>,
    /// Spam: only it, none of it, or both.
    pub spam: Option<bool>,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// On the desk.
    Present,
    /// In the recycle bin.
    Trashed,
    /// Deleted, or never there.
    Gone,
}

/// Whether an agent is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStanding {
    /// `status` is ACTIVE.
    Active,
    /// `status` is DISABLED.
    Disabled,
    /// No longer among the agents, but still the author of records.
    Deleted,
}

/// What agents are listed and counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentState {
    /// Active, disabled or deleted.
    pub standing: AgentStanding,
    /// A light agent.
    pub light: bool,
    /// Has confirmed the invitation.
    pub confirmed: bool,
}

/// A record's times, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// createdTime; commentedTime of comments.
    pub created: i64,
    /// modifiedTime, also of kinds that do not show it.
    pub modified: i64,
    /// executedTime of time entries; else createdTime.
    pub executed: i64,
}

/// A page of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many match in all.
    pub total: u64,
    /// Those of the page, in order.
    pub ids: Vec<Id>,
}

/// What the desk holds. It is shared by all requests.
pub trait Desk: Send + Sync {
    /// Sets the beginning of links to attachments and contents, e.g. `http://127.0.0.1:8080`. Once; later ones are ignored.
    fn set_base(&self, base: &str);
    /// Records of a kind that match, sorted; `from` counts from 0. Trashed and deleted ones are not among them.
    fn page(&self, kind: Kind, filter: &Filter, by: By, descending: bool, from: u64, limit: u64) -> Page;
    /// The children of a record, oldest first: threads, comments, attachments, time entries and tasks of a ticket; comments
    /// of an activity; attachments of a thread, comment or article; translations of an article into further languages; time
    /// entries of an agent, by executedTime.
    fn children(&self, parent: Id, kind: Kind) -> Vec<Id>;
    /// Threads and comments of a ticket, newest first.
    fn conversations(&self, ticket: Id) -> Vec<(Id, Kind)>;
    /// Agents (deleted ones last), teams, departments: all of them, in order.
    fn all(&self, kind: Kind) -> Vec<Id>;
    /// What an agent is listed by.
    fn agent(&self, id: Id) -> Option<AgentState>;
    /// Agents of a team.
    fn members(&self, team: Id) -> Vec<Id>;
    /// Whether a department is enabled.
    fn is_enabled(&self, department: Id) -> bool;
    /// The department that a ticket, activity, article or time entry is of.
    fn department(&self, id: Id) -> Option<Id>;
    /// A record's times, for sorting and filtering children.
    fn times(&self, id: Id) -> Times;
    /// Where a record is, if it is of this kind. Children are where their parent is.
    fn standing(&self, id: Id, kind: Kind) -> Standing;
    /// Appends a record as JSON. Nothing, if there never was such a record.
    fn write(&self, id: Id, kind: Kind, shape: Shape, out: &mut Vec<u8>);
    /// Appends the full content of a thread as `{"id": .., "content": ..}`.
    fn write_full_content(&self, thread: Id, out: &mut Vec<u8>);
    /// Appends the bytes of an attachment; as many as its size says.
    fn write_attachment(&self, attachment: Id, out: &mut Vec<u8>);
    /// The fields of a module as a JSON array; an empty one if there is no such module.
    fn write_fields(&self, module: &str, out: &mut Vec<u8>);
    /// Edits and deletes records, as the settings say, after request number `request`.
    fn change(&self, request: u64);
    /// Records in the recycle bin.
    fn bin(&self) -> Vec<Id>;
    /// Writes every record that a complete backup holds, one JSON object a line.
    fn truth(&self, out: &mut dyn io::Write) -> io::Result<()>;
}

/// The desk of these settings.
pub fn build(settings: &Settings) -> Box<dyn Desk> {
    Box::new(World::new(settings))
}

/// A desk: what it takes to compute every record.
struct World {
    settings: Settings,
    sizes: Sizes,
    texts: Texts,
    people: People,
    custom: Custom,
    ticket_clock: Clock,
    contact_clock: Clock,
    account_clock: Clock,
    product_clock: Clock,
    task_clock: Clock,
    call_clock: Clock,
    event_clock: Clock,
    article_clock: Clock,
    entry_rota: Rota,
    task_rota: Rota,
    base: OnceLock<String>,
    /// Whether the overlay has anything: without changes nobody asks it.
    changed: AtomicBool,
    overlay: RwLock<Overlay>,
    /// Records by modifiedTime, as the seed says, by kind and zones of tickets; built when first asked for.
    orders: Mutex<HashMap<(Kind, u8), Arc<[u32]>>>,
}

impl World {
    fn new(settings: &Settings) -> Self {
        let seed = settings.seed;
        let sizes = Sizes::new(settings);
        let texts = Texts::new(seed);
        let clock = |kind: Kind| Clock::new(seed, kind as u8, u64::from(sizes.of(kind)));
        Self {
            people: People::new(seed, &sizes, &texts, settings.behaviour.booleans_as_text),
            custom: Custom::new(settings.custom_fields),
            ticket_clock: Clock::new(seed, Kind::Ticket as u8, u64::from(sizes.tickets + sizes.spam)),
            contact_clock: clock(Kind::Contact),
            account_clock: clock(Kind::Account),
            product_clock: clock(Kind::Product),
            task_clock: clock(Kind::Task),
            call_clock: clock(Kind::Call),
            event_clock: clock(Kind::Event),
            article_clock: clock(Kind::Article),
            entry_rota: Rota::new(seed, 210, &rota::ENTRIES, sizes.tickets),
            task_rota: Rota::new(seed, 211, &rota::TASKS, sizes.tickets),
            base: OnceLock::new(),
            changed: AtomicBool::new(false),
            overlay: RwLock::default(),
            orders: Mutex::default(),
            settings: settings.clone(),
            sizes,
            texts,
        }
    }

    #[inline]
    fn dice(&self, kind: Kind, index: u32) -> Dice {
        Dice::new(self.settings.seed, kind as u8, u64::from(index))
    }

    /// The clock of a kind that is listed by time.
    fn clock(&self, kind: Kind) -> Option<&Clock> {
        Some(match kind {
            Kind::Ticket => &self.ticket_clock,
            Kind::Contact => &self.contact_clock,
            Kind::Account => &self.account_clock,
            Kind::Product => &self.product_clock,
            Kind::Task => &self.task_clock,
            Kind::Call => &self.call_clock,
            Kind::Event => &self.event_clock,
            Kind::Article => &self.article_clock,
            _ => return None,
        })
    }

    /// An agent of a throw: any of them, the deleted ones too.
    #[inline]
    fn agent_of(&self, throw: u64) -> u32 {
        ((u128::from(throw) * self.people.agents.len() as u128) >> 64) as u32
    }

    /// Runs with the present state of a record.
    #[inline]
    fn with_state<T>(&self, id: Id, run: impl FnOnce(&State) -> T) -> T {
        if self.changed.load(Ordering::Acquire)
            && let Some(state) = self.read(|overlay| overlay.state(id).cloned())
        {
            return run(&state);
        }
        run(&UNCHANGED)
    }

    fn read<T>(&self, run: impl FnOnce(&Overlay) -> T) -> T {
        run(&self.overlay.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn base(&self) -> &str {
        self.base.get().map_or("http://127.0.0.1", String::as_str)
    }

    /// Appends the beginning of a link to something of a ticket: `<base>/api/v1/tickets/<id>`.
    fn link(&self, out: &mut Vec<u8>, module: &[u8], id: Id) {
        out.extend_from_slice(self.base().as_bytes());
        out.extend_from_slice(b"/api/v1/");
        out.extend_from_slice(module);
        out.push(b'/');
        number(out, id.0);
    }

    /// An agent as others show them, or null.
    #[inline]
    fn agent_ref(&self, o: &mut Object<'_>, key: &[u8], agent: Option<u32>) {
        match agent {
            Some(agent) => o.raw(key, &self.people.agents[agent as usize].reference),
            None => o.null(key),
        }
    }

    /// Whether the seed has such a record.
    fn is_real(&self, place: Place) -> bool {
        let Place {
            kind,
            owner,
            index,
            sub,
            leaf,
        } = place;
        let of_ticket = owner == Kind::Ticket && index < self.sizes.of(Kind::Ticket);
        match kind {
            Kind::Thread => of_ticket && leaf == 0 && sub < self.thread_total(index),
            Kind::Comment if owner == Kind::Ticket => of_ticket && leaf == 0 && sub < self.comment_total(index),
            Kind::Comment => leaf == 0 && index < self.sizes.of(owner) && sub < self.activity_comments(owner, index),
            Kind::Attachment => self.is_attachment(place),
            Kind::TimeEntry => of_ticket && leaf == 0 && sub < self.entry_total(index),
            Kind::Translation => {
                owner == Kind::Article && leaf == 0 && index < self.sizes.articles && sub <= self.translations(index)
            }
            Kind::Field => false,
            _ => owner == kind && sub == 0 && leaf == 0 && index < self.sizes.of(kind),
        }
    }

    /// Appends a record in a state.
    fn write_state(&self, place: Place, state: &State, shape: Shape, out: &mut Vec<u8>) {
        out.reserve(2048);
        let mut o = Object::new(out, self.settings.behaviour.booleans_as_text);
        let index = place.index;
        match place.kind {
            Kind::Ticket => self.ticket(index, state, shape, &mut o),
            Kind::Thread => self.thread(place, shape, &mut o),
            Kind::Comment => self.comment(place, state, shape, &mut o),
            Kind::Attachment => self.attachment(place, shape, &mut o),
            Kind::TimeEntry => self.time_entry(place, &mut o),
            Kind::Contact => self.contact(index, state, shape, &mut o),
            Kind::Account => self.account(index, state, shape, &mut o),
            Kind::Product => self.product(index, state, shape, &mut o),
            Kind::Task | Kind::Call | Kind::Event => self.activity(place.kind, index, state, shape, &mut o),
            Kind::Article => self.article(index, state, 0, shape, &mut o),
            Kind::Translation => self.article(index, &UNCHANGED, place.sub, shape, &mut o),
            Kind::Agent => self.people.agent(index, &self.texts, shape == Shape::Detail, &mut o),
            Kind::Team => self.people.team(index, &self.texts, &mut o),
            Kind::Department => self
                .people
                .department(index, &self.texts, shape == Shape::Detail, &mut o),
            Kind::Field => {}
        }
        o.end();
    }
}

impl Desk for World {
    fn set_base(&self, base: &str) {
        // A later one would make links that were given out untrue.
        let _ = self.base.set(base.to_owned());
    }

    fn page(&self, kind: Kind, filter: &Filter, by: By, descending: bool, from: u64, limit: u64) -> Page {
        self.find(kind, filter, by, descending, from, limit)
    }

    fn children(&self, parent: Id, kind: Kind) -> Vec<Id> {
        self.family(parent, kind)
    }

    fn conversations(&self, ticket: Id) -> Vec<(Id, Kind)> {
        let of = |kind| self.family(ticket, kind).into_iter().map(move |id| (id, kind));
        let mut all: Vec<(Id, Kind)> = of(Kind::Thread).chain(of(Kind::Comment)).collect();
        all.sort_by_cached_key(|(id, _)| std::cmp::Reverse((self.times(*id).created, *id)));
        all
    }

    fn all(&self, kind: Kind) -> Vec<Id> {
        match kind {
            Kind::Agent | Kind::Team | Kind::Department => (0..self.sizes.of(kind))
                .map(|index| Place::top(kind, index).id())
                .collect(),
            _ => Vec::new(),
        }
    }

    fn agent(&self, id: Id) -> Option<AgentState> {
        let place = id
            .place()
            .filter(|place| place.kind == Kind::Agent && self.is_real(*place))?;
        let agent = &self.people.agents[place.index as usize];
        Some(AgentState {
            standing: agent.standing,
            light: agent.light,
            confirmed: agent.confirmed,
        })
    }

    fn members(&self, team: Id) -> Vec<Id> {
        let place = team
            .place()
            .filter(|place| place.kind == Kind::Team && self.is_real(*place));
        let members = place.and_then(|place| self.people.members.get(place.index as usize));
        members
            .into_iter()
            .flatten()
            .map(|agent| people::agent_id(*agent))
            .collect()
    }

    fn is_enabled(&self, department: Id) -> bool {
        department != people::department_id(people::DISABLED_DEPARTMENT)
    }

    fn department(&self, id: Id) -> Option<Id> {
        self.department_of(id.place()?).map(people::department_id)
    }

    fn times(&self, id: Id) -> Times {
        let none = Times {
            created: 0,
            modified: 0,
            executed: 0,
        };
        id.place()
            .filter(|place| self.is_real(*place))
            .map_or(none, |place| self.times_of(place))
    }

    fn standing(&self, id: Id, kind: Kind) -> Standing {
        match id.place() {
            Some(place) if place.kind == kind && self.is_real(place) => self.where_is(place),
            _ => Standing::Gone,
        }
    }

    fn write(&self, id: Id, kind: Kind, shape: Shape, out: &mut Vec<u8>) {
        if let Some(place) = id.place()
            && place.kind == kind
            && self.is_real(place)
        {
            self.with_state(id, |state| self.write_state(place, state, shape, out));
        }
    }

    fn write_full_content(&self, thread: Id, out: &mut Vec<u8>) {
        if let Some(place) = thread.place()
            && place.kind == Kind::Thread
            && self.is_real(place)
        {
            self.full_content(place, out);
        }
    }

    fn write_attachment(&self, attachment: Id, out: &mut Vec<u8>) {
        if let Some(place) = attachment.place()
            && self.is_attachment(place)
        {
            self.attachment_bytes(place, out);
        }
    }

    fn write_fields(&self, module: &str, out: &mut Vec<u8>) {
        custom::write_fields(
            module,
            self.settings.custom_fields,
            self.settings.behaviour.booleans_as_text,
            out,
        );
    }

    fn change(&self, request: u64) {
        self.change_after(request);
    }

    fn bin(&self) -> Vec<Id> {
        let first = self.sizes.tickets + self.sizes.spam;
        let mut bin: Vec<Id> = (first..first + self.sizes.trashed).map(tickets::ticket_id).collect();
        self.read(|overlay| {
            bin.extend(
                overlay
                    .bin()
                    .filter(|(_, standing)| *standing == Standing::Trashed)
                    .map(|(id, _)| id),
            );
        });
        bin.sort_unstable();
        bin
    }

    fn truth(&self, out: &mut dyn io::Write) -> io::Result<()> {
        self.write_truth(out)
    }
}
