//! How many records of each kind there are.

use super::dice::Dice;
use super::{Kind, Settings};

/// The most tickets: what fits into an id.
const MOST_TICKETS: u64 = 12_000_000;

/// Numbers of records.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    /// Tickets that are neither spam nor trashed: the indices from 0.
    pub(super) tickets: u32,
    /// The oldest of them, which are archived.
    pub(super) archived: u32,
    /// Spam: the indices after the tickets.
    pub(super) spam: u32,
    /// Trashed tickets: the indices after the spam.
    pub(super) trashed: u32,
    pub(super) contacts: u32,
    pub(super) accounts: u32,
    pub(super) products: u32,
    pub(super) tasks: u32,
    pub(super) calls: u32,
    pub(super) events: u32,
    pub(super) articles: u32,
    /// Agents, without the deleted ones.
    pub(super) agents: u32,
    /// Deleted agents: the indices after the agents.
    pub(super) deleted_agents: u32,
    pub(super) teams: u32,
}

impl Sizes {
    /// Those of these settings.
    pub(super) fn new(settings: &Settings) -> Self {
        let n = settings.tickets.clamp(1, MOST_TICKETS);
        let dice = Dice::new(settings.seed, 201, 0);
        // With some seeds pages come out even, with others they do not.
        let even = settings.seed.is_multiple_of(4);
        let part = |what, of_thousand: u64| {
            let about = n * of_thousand / 1000;
            let count = if even {
                about.next_multiple_of(100)
            } else {
                about + dice.below(what, about / 50 + 8)
            };
            count.max(1) as u32
        };
        let agents = (5 + n / 250).min(400) as u32;
        Self {
            tickets: n as u32,
            archived: (n * 3 / 100).min(4000) as u32,
            spam: (n / 100).clamp(1, 500) as u32,
            trashed: (n / 200).clamp(1, 500) as u32,
            contacts: part(1, 400),
            accounts: part(2, 100),
            products: (n / 20).clamp(7, 250) as u32 + dice.below(3, 60) as u32,
            tasks: part(4, 200),
            calls: part(5, 100),
            events: part(6, 100),
            articles: part(7, 20),
            agents,
            deleted_agents: agents / 20 + 1,
            teams: (agents / 8 + 2).min(40),
        }
    }

    /// How many of a kind that has no parent: those that the desk lists, with all tickets that have an id.
    pub(super) fn of(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Ticket => self.tickets + self.spam + self.trashed,
            Kind::Contact => self.contacts,
            Kind::Account => self.accounts,
            Kind::Product => self.products,
            Kind::Task => self.tasks,
            Kind::Call => self.calls,
            Kind::Event => self.events,
            Kind::Article => self.articles,
            Kind::Agent => self.agents + self.deleted_agents,
            Kind::Team => self.teams,
            Kind::Department => super::people::DEPARTMENTS as u32,
            Kind::Thread | Kind::Comment | Kind::Attachment | Kind::TimeEntry | Kind::Translation | Kind::Field => 0,
        }
    }
}
