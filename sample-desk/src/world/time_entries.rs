//! Time entries of tickets.

use super::clock::later;
use super::contacts::layout_details;
use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::json::{Object, k, number};
use super::people::{agent_id, department_id};
use super::tickets::ticket_id;
use super::{Id, Kind};

/// Turns of the duty roster.
const TURN: u32 = 1024;

impl World {
    /// How many time entries a ticket has.
    pub(super) fn entry_total(&self, ticket: u32) -> u32 {
        self.entry_rota.of(ticket).1
    }

    /// The agent of the entry with this number among all: the roster's, which is turned after each round.
    fn entry_agent(&self, number: u32) -> u32 {
        let turn = Dice::new(self.settings.seed, 212, u64::from(number / TURN)).below(1, u64::from(TURN)) as u32;
        self.roster((number + turn) % TURN)
    }

    fn roster(&self, slot: u32) -> u32 {
        self.agent_of(Dice::new(self.settings.seed, 213, u64::from(slot)).throw(1))
    }

    /// The entries of an agent, deleted ones of the seed's among them, in no order.
    pub(super) fn entries_of_agent(&self, agent: u32) -> impl Iterator<Item = Place> {
        let slots: Vec<u32> = (0..TURN).filter(|slot| self.roster(*slot) == agent).collect();
        let numbers = self.entry_rota.numbers();
        (0..numbers.div_ceil(TURN)).flat_map(move |round| {
            let turn = Dice::new(self.settings.seed, 212, u64::from(round)).below(1, u64::from(TURN)) as u32;
            let places = slots.iter().map(move |slot| round * TURN + (slot + TURN - turn) % TURN);
            let places = places.filter(move |number| *number < numbers).filter_map(|number| {
                let (ticket, sub) = self.entry_rota.owner(number)?;
                Some(Place::child(Kind::TimeEntry, Kind::Ticket, ticket, sub))
            });
            places.collect::<Vec<_>>()
        })
    }

    fn entry_dice(&self, place: Place) -> Dice {
        self.dice(Kind::TimeEntry, place.index).with(u64::from(place.sub))
    }

    /// executedTime and createdTime.
    pub(super) fn entry_times(&self, place: Place) -> (i64, i64) {
        let dice = self.entry_dice(place);
        let ticket = self.created(Kind::Ticket, place.index);
        let executed = later(ticket, u64::from(place.sub), 40_000, dice.throw(1) >> 8);
        (executed, later(executed, 0, 7200, dice.throw(2) >> 8))
    }

    /// A time entry.
    pub(super) fn time_entry(&self, place: Place, o: &mut Object<'_>) {
        let dice = self.entry_dice(place);
        let owner = self.entry_agent(self.entry_rota.of(place.index).0 + place.sub);
        let (executed, created) = self.entry_times(place);
        let ticket = ticket_id(place.index);
        o.id(k!("id"), place.id());
        o.id(k!("ownerId"), agent_id(owner));
        self.agent_ref(o, k!("owner"), Some(owner));
        o.id(k!("requestId"), ticket);
        o.null(k!("taskId"));
        o.object(k!("parent"), |o| {
            o.id(k!("id"), ticket);
            o.text(k!("type"), b"tickets");
            o.made(k!("subject"), |out| self.first_subject(place.index, out));
            o.count(k!("ticketNumber"), Self::ticket_number(place.index));
            o.id(k!("associatedTicketId"), ticket);
        });
        o.id(k!("departmentId"), department_id(self.ticket_department(place.index)));
        o.time(k!("executedTime"), executed);
        o.time(k!("createdTime"), created);
        o.id(
            k!("createdBy"),
            agent_id(if dice.one_in(3, 8) {
                self.agent_of(dice.throw(4))
            } else {
                owner
            }),
        );
        o.maybe(k!("description"), (!dice.one_in(5, 3)).then(|| self.texts.line(dice)));
        o.count(k!("hoursSpent"), dice.below(6, 8));
        o.count(k!("minutesSpent"), dice.below(7, 60));
        o.count(k!("secondsSpent"), dice.below(8, 60));
        o.text(k!("mode"), if dice.one_in(9, 3) { b"AUTO" } else { b"MANUAL" });
        o.bool(k!("isBillable"), !dice.one_in(10, 4));
        o.maybe(
            k!("billingType"),
            dice.one_in(11, 2).then_some(&b"SPECIFIC_COST_PER_AGENT"[..]),
        );
        o.maybe(
            k!("requestChargeType"),
            dice.one_in(12, 2).then_some(&b"Customer Service, on site"[..]),
        );
        cost(o, k!("agentCostPerHour"), dice, 13);
        cost(o, k!("additionalCost"), dice, 14);
        cost(o, k!("totalCost"), dice, 15);
        o.null(k!("fixedCost"));
        o.maybe_id(k!("invoiceId"), dice.one_in(16, 10).then(|| Id::misc(240)));
        o.bool(k!("isTrashed"), false);
        self.custom.write(o, dice, &self.texts);
        o.id(k!("layoutId"), Id::misc(90));
        layout_details(o, 90, b"Default");
    }
}

fn cost(o: &mut Object<'_>, key: &[u8], dice: Dice, what: u64) {
    o.made_if(key, !dice.one_in(what, 5), |out| {
        let cents = dice.below(what + 100, 100_000);
        number(out, cents / 100);
        out.push(b'.');
        out.push(b'0' + (cents / 10 % 10) as u8);
        out.push(b'0' + (cents % 10) as u8);
    });
}
