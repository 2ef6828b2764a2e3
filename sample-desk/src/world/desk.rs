//! A desk: all that it takes to compute every record, and the seam towards the server.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use super::births::Late;
use super::clock::Clock;
use super::custom::{self, Custom};
use super::dice::Dice;
use super::id::Place;
use super::json::{Object, number};
use super::overlay::{Overlay, State, UNCHANGED};
use super::people::{self, People};
use super::rota::{self, Rota};
use super::sizes::Sizes;
use super::text::Texts;
use super::{AgentState, By, Desk, Filter, Id, Kind, Page, Shape, Standing, Times, paging, tickets};
use crate::Settings;
use crate::life::{Deed, Done, Life};

/// A desk: what it takes to compute every record.
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) life: Life,
    pub(super) sizes: Sizes,
    /// What was not there when it was opened.
    pub(super) late: Late,
    pub(super) texts: Texts,
    pub(super) people: People,
    pub(super) custom: Custom,
    pub(super) ticket_clock: Clock,
    pub(super) contact_clock: Clock,
    pub(super) account_clock: Clock,
    pub(super) product_clock: Clock,
    pub(super) task_clock: Clock,
    pub(super) call_clock: Clock,
    pub(super) event_clock: Clock,
    pub(super) article_clock: Clock,
    pub(super) entry_rota: Rota,
    pub(super) task_rota: Rota,
    pub(super) base: OnceLock<String>,
    /// Whether the overlay has anything: without changes nobody asks it.
    pub(super) changed: AtomicBool,
    pub(super) overlay: RwLock<Overlay>,
    /// Records by modifiedTime, as the seed says, built when first asked for.
    pub(super) orders: Mutex<HashMap<paging::OrderKey, Arc<[u32]>>>,
}

impl World {
    /// One that has the machine's time, and nothing to come.
    #[cfg(test)]
    pub(super) fn new(settings: &Settings) -> Self {
        Self::living(settings, Life::default())
    }

    pub(super) fn living(settings: &Settings, life: Life) -> Self {
        let seed = settings.seed;
        let sizes = Sizes::new(settings);
        let late = Late::new(&sizes, life.to_come);
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
            changed: AtomicBool::new(life.to_come > 0),
            overlay: RwLock::new(late.overlay(&sizes)),
            orders: Mutex::default(),
            settings: settings.clone(),
            life,
            late,
            sizes,
            texts,
        }
    }

    #[inline]
    pub(super) fn dice(&self, kind: Kind, index: u32) -> Dice {
        Dice::new(self.settings.seed, kind as u8, u64::from(index))
    }

    /// The clock of a kind that is listed by time.
    pub(super) fn clock(&self, kind: Kind) -> Option<&Clock> {
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
    pub(super) fn agent_of(&self, throw: u64) -> u32 {
        ((u128::from(throw) * self.people.agents.len() as u128) >> 64) as u32
    }

    /// Runs with the present state of a record.
    #[inline]
    pub(super) fn with_state<T>(&self, id: Id, run: impl FnOnce(&State) -> T) -> T {
        if self.changed.load(Ordering::Acquire)
            && let Some(state) = self.read(|overlay| overlay.state(id).cloned())
        {
            return run(&state);
        }
        run(&UNCHANGED)
    }

    pub(super) fn read<T>(&self, run: impl FnOnce(&Overlay) -> T) -> T {
        run(&self.overlay.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn base(&self) -> &str {
        self.base.get().map_or("http://127.0.0.1", String::as_str)
    }

    /// Appends the beginning of a link to something of a ticket: `<base>/api/v1/tickets/<id>`.
    pub(super) fn link(&self, out: &mut Vec<u8>, module: &[u8], id: Id) {
        out.extend_from_slice(self.base().as_bytes());
        out.extend_from_slice(b"/api/v1/");
        out.extend_from_slice(module);
        out.push(b'/');
        number(out, id.0);
    }

    /// An agent as others show them, or null.
    #[inline]
    pub(super) fn agent_ref(&self, o: &mut Object<'_>, key: &[u8], agent: Option<u32>) {
        match agent {
            Some(agent) => o.raw(key, &self.people.agents[agent as usize].reference),
            None => o.null(key),
        }
    }

    /// Whether the seed has such a record.
    pub(super) fn is_real(&self, place: Place) -> bool {
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
    pub(super) fn write_state(&self, place: Place, state: &State, shape: Shape, out: &mut Vec<u8>) {
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
        self.write_truth(i64::MIN, out)
    }

    fn truth_since(&self, since: i64, out: &mut dyn io::Write) -> io::Result<()> {
        self.write_truth(since, out)
    }

    fn now(&self) -> i64 {
        (self.life.now)()
    }

    fn act(&self, deed: Deed, number: u64) -> Option<Done> {
        self.act_on_any(deed, number)
    }
}
