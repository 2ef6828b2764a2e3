//! Who belongs to whom, when, and where they are.

use std::sync::atomic::Ordering;

use super::desk::World;
use super::id::Place;
use super::overlay::State;
use super::{Id, Kind, Standing, Times};

impl World {
    /// The children of a kind that a record has, oldest first. None, if it is gone.
    pub(super) fn family(&self, parent: Id, kind: Kind) -> Vec<Id> {
        let Some(place) = parent.place().filter(|place| self.is_real(*place)) else {
            return Vec::new();
        };
        if self.where_is(place) == Standing::Gone {
            return Vec::new();
        }
        self.with_state(parent, |state| self.children_in(place, kind, state))
            .into_iter()
            .map(Place::id)
            .collect()
    }

    /// The children of a record in a state.
    pub(super) fn children_in(&self, parent: Place, kind: Kind, state: &State) -> Vec<Place> {
        let index = parent.index;
        match (parent.kind, kind) {
            (Kind::Ticket, Kind::Thread) => self.threads_of(index, state).collect(),
            (Kind::Ticket, Kind::Comment) => self.comments_of(index, state).collect(),
            (Kind::Ticket, Kind::Attachment) => self.ticket_attachments(index, state),
            (Kind::Ticket, Kind::TimeEntry) => (0..self.entry_total(index))
                .map(|sub| Place::child(kind, Kind::Ticket, index, sub))
                .collect(),
            (Kind::Ticket, Kind::Task) => {
                let tasks = self.ticket_tasks(index).map(|task| Place::top(Kind::Task, task));
                tasks.filter(|task| self.where_is(*task) == Standing::Present).collect()
            }
            (Kind::Task | Kind::Call | Kind::Event, Kind::Comment) => (0..self.activity_comments(parent.kind, index))
                .map(|sub| Place::child(kind, parent.kind, index, sub))
                .collect(),
            (Kind::Thread | Kind::Comment | Kind::Article, Kind::Attachment) => self.own_attachments(parent).collect(),
            (Kind::Article, Kind::Translation) => (1..=self.translations(index))
                .map(|sub| Place::child(kind, Kind::Article, index, sub))
                .collect(),
            (Kind::Agent, Kind::TimeEntry) => {
                let there = |place: &Place| self.where_is(*place) == Standing::Present;
                let mut entries: Vec<Place> = self.entries_of_agent(index).filter(there).collect();
                entries.sort_by_cached_key(|place| (self.entry_times(*place).0, place.id()));
                entries
            }
            _ => Vec::new(),
        }
    }

    /// A record's times, edits included.
    pub(super) fn times_of(&self, place: Place) -> Times {
        let edited = if self.changed.load(Ordering::Acquire) {
            self.read(|overlay| overlay.state(place.id()).and_then(|state| state.modified))
        } else {
            None
        };
        let times = |created, modified: i64| Times {
            created,
            modified: edited.unwrap_or(modified),
            executed: created,
        };
        match place.kind {
            Kind::Thread => times(self.thread_created(place), self.thread_created(place)),
            Kind::Comment => times(self.comment_created(place), self.comment_created(place)),
            Kind::Attachment => times(self.attachment_created(place), self.attachment_created(place)),
            Kind::TimeEntry => {
                let (executed, created) = self.entry_times(place);
                Times {
                    created,
                    modified: created,
                    executed,
                }
            }
            kind => {
                let kind = if kind == Kind::Translation { Kind::Article } else { kind };
                times(self.created(kind, place.index), self.modified(kind, place.index))
            }
        }
    }

    /// Where a real record is.
    pub(super) fn where_is(&self, place: Place) -> Standing {
        let first = self.sizes.tickets + self.sizes.spam;
        let mut whose = Some(place);
        while let Some(at) = whose {
            if at.kind == Kind::Ticket && at.index >= first {
                return Standing::Trashed;
            }
            if self.changed.load(Ordering::Acquire)
                && let Some(standing) = self.read(|overlay| overlay.removed(at.id()))
            {
                return standing;
            }
            whose = at.parent();
        }
        Standing::Present
    }

    /// The department that a record is of.
    pub(super) fn department_of(&self, place: Place) -> Option<u32> {
        match place.kind {
            Kind::Ticket | Kind::TimeEntry => Some(self.ticket_department(place.index)),
            Kind::Task | Kind::Call | Kind::Event => Some(self.activity_department(place.kind, place.index)),
            Kind::Article => Some(self.article_department(place.index)),
            _ => None,
        }
    }

    /// The tasks that the seed gives a ticket.
    pub(super) fn ticket_tasks(&self, index: u32) -> impl Iterator<Item = u32> {
        let (first, count) = self.task_rota.of(index);
        let tasks = (first..first + count).filter(|task| *task < self.sizes.tasks);
        tasks.filter(move |task| self.task_ticket(*task) == Some(index))
    }

    /// The ticket that a task is for.
    pub(super) fn task_ticket(&self, task: u32) -> Option<u32> {
        if task >= self.task_rota.numbers() || self.dice(Kind::Task, task).one_in(60, 5) {
            return None;
        }
        self.task_rota.owner(task).map(|owner| owner.0)
    }
}
