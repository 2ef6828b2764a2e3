//! What happens to records while the desk is read: by the number of the request, or on purpose.

use std::sync::atomic::Ordering;

use super::births;
use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::overlay::{Overlay, State};
use super::tickets::ticket_id;
use super::{Id, Kind, Standing};
use crate::life::{Deed, Done};

/// Throws until there is nothing that could be done.
const ATTEMPTS: u64 = 1000;

impl World {
    /// What the settings let happen after this request.
    pub(super) fn change_after(&self, request: u64) {
        let changes = self.settings.changes;
        let due = |every: u32| every > 0 && request > 0 && request.is_multiple_of(u64::from(every));
        if due(changes.edit_every) {
            let dice = Dice::new(self.settings.seed, 220, request);
            if let Some(place) = self.edited(dice) {
                self.edit(place, dice);
            }
        }
        if due(changes.delete_every) {
            self.delete(Dice::new(self.settings.seed, 221, request));
        }
    }

    /// A record of a kind that is listed.
    fn any(&self, dice: Dice, kind: Kind) -> Place {
        let count = u64::from(births::end(&self.sizes, kind));
        Place::top(kind, dice.below(2, count) as u32)
    }

    /// The record that an edit is for.
    fn edited(&self, dice: Dice) -> Option<Place> {
        let kind = match dice.below(1, 20) {
            0..9 => Kind::Ticket,
            9..12 => Kind::Contact,
            12 => Kind::Account,
            13 | 14 => Kind::Task,
            15 => Kind::Call,
            16 => Kind::Event,
            17 => Kind::Product,
            18 => Kind::Article,
            _ => Kind::Comment,
        };
        if kind == Kind::Comment {
            let ticket = self.any(dice, Kind::Ticket);
            let comments = self.comment_total(ticket.index);
            if comments == 0 {
                return None;
            }
            let sub = dice.below(3, u64::from(comments)) as u32;
            Some(Place::child(kind, Kind::Ticket, ticket.index, sub))
        } else {
            Some(self.any(dice, kind))
        }
    }

    fn edit(&self, place: Place, dice: Dice) -> Option<Done> {
        let modifier = self.agent_of(dice.throw(4));
        self.alter(|overlay| {
            let id = place.id();
            if is_removed(overlay, place) || place.parent().is_some_and(|of| has_lost(overlay, of.id(), id)) {
                return None;
            }
            let mut state = overlay.state(id).cloned().unwrap_or_default();
            state.salt += 1;
            state.modified = Some(overlay.last);
            state.modifier = Some(modifier);
            overlay.push(id, state);
            Some(done(Deed::Edit, place, overlay))
        })
    }

    fn delete(&self, dice: Dice) {
        match dice.below(1, 20) {
            n @ 0..16 => {
                self.take(self.any(dice, deleted_kind(n)), dice);
            }
            n => {
                let ticket = self.any(dice, Kind::Ticket).index;
                let (threads, comments) = self.conversation_totals(ticket);
                let (kind, count) = if n < 18 {
                    (Kind::Comment, comments)
                } else {
                    (Kind::Thread, threads)
                };
                if count > 0 {
                    let sub = dice.below(3, u64::from(count)) as u32;
                    self.take_child(Place::child(kind, Kind::Ticket, ticket, sub));
                }
            }
        }
    }

    /// Deletes a record with its children: half of them to the recycle bin, the others for good.
    fn take(&self, place: Place, dice: Dice) -> Option<Done> {
        let to = if dice.one_in(4, 2) {
            Standing::Trashed
        } else {
            Standing::Gone
        };
        self.alter(|overlay| {
            if is_removed(overlay, place) {
                return None;
            }
            overlay.remove(place.id(), to);
            if to == Standing::Trashed {
                let mut state = overlay.state(place.id()).cloned().unwrap_or_default();
                state.trashed = true;
                overlay.push(place.id(), state);
            }
            Some(done(Deed::Delete, place, overlay))
        })
    }

    /// Deletes a thread or a comment: its ticket's counts follow.
    fn take_child(&self, place: Place) {
        let ticket = ticket_id(place.index);
        self.alter(|overlay| {
            if is_removed(overlay, place) || has_lost(overlay, ticket, place.id()) {
                return;
            }
            overlay.remove(place.id(), Standing::Gone);
            let mut state = overlay.state(ticket).cloned().unwrap_or_default();
            state.gone.push(place.id());
            overlay.push(ticket, state);
        });
    }

    /// Makes a record that is yet to come.
    fn bear(&self, dice: Dice) -> Option<Done> {
        let kind = match dice.below(1, 20) {
            0..10 => Kind::Ticket,
            10..13 => Kind::Contact,
            13 => Kind::Account,
            14 | 15 => Kind::Task,
            16 => Kind::Call,
            17 => Kind::Event,
            18 => Kind::Product,
            _ => Kind::Article,
        };
        let place = self.next_to_come(kind)?;
        self.alter(|overlay| {
            // Two at once would have found the same one.
            if overlay.born(kind, place.index).is_some() {
                return None;
            }
            overlay.bear(kind, place.index);
            Some(done(Deed::Create, place, overlay))
        })
    }

    /// Does something on purpose. The number and what is there decide to which record.
    pub(super) fn act_on_any(&self, deed: Deed, number: u64) -> Option<Done> {
        let act = |attempt: u64| {
            let dice = |what| Dice::new(self.settings.seed, what, number).with(attempt);
            match deed {
                Deed::Create => self.bear(dice(222)),
                Deed::Edit => {
                    let dice = dice(223);
                    let found_by_its_time = |place: &Place| match place.kind {
                        Kind::Comment => false,
                        // What is archived nobody can edit.
                        Kind::Ticket => place.index >= self.sizes.archived,
                        _ => true,
                    };
                    let place = self.edited(dice).filter(found_by_its_time)?;
                    self.edit(place, dice)
                }
                Deed::Delete => {
                    let dice = dice(224);
                    self.take(self.any(dice, deleted_kind(dice.below(1, 16))), dice)
                }
            }
        };
        // Some are thrown that are deleted, or of a kind of which there are no more.
        (0..ATTEMPTS).find_map(act)
    }

    fn alter<T>(&self, alter: impl FnOnce(&mut Overlay) -> T) -> T {
        let now = (self.life.now)() / 1000 * 1000;
        let mut overlay = self.overlay.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Changes are in an order, whatever the clock does, and later than all that the seed says.
        overlay.last = now.max(overlay.last + 1000).max(super::clock::LAST + 1000);
        let altered = alter(&mut overlay);
        self.changed.store(true, Ordering::Release);
        altered
    }

    /// Every state that a record has had, the present one last.
    pub(super) fn history(&self, id: Id) -> Vec<State> {
        let mut states = vec![State::default()];
        if self.changed.load(Ordering::Acquire) {
            self.read(|overlay| states.extend_from_slice(overlay.states(id)));
        }
        states
    }
}

/// The kind of a record that is deleted, of a throw below 16.
fn deleted_kind(throw: u64) -> Kind {
    match throw {
        0..6 => Kind::Ticket,
        6..9 => Kind::Contact,
        9 => Kind::Account,
        10 | 11 => Kind::Task,
        12 => Kind::Call,
        13 => Kind::Event,
        14 => Kind::Article,
        _ => Kind::Product,
    }
}

fn done(deed: Deed, place: Place, overlay: &Overlay) -> Done {
    Done {
        deed,
        kind: place.kind,
        id: place.id(),
        at: overlay.last,
    }
}

fn is_removed(overlay: &Overlay, place: Place) -> bool {
    overlay.removed(place.id()).is_some() || place.parent().is_some_and(|parent| is_removed(overlay, parent))
}

fn has_lost(overlay: &Overlay, parent: Id, child: Id) -> bool {
    overlay.state(parent).is_some_and(|state| state.gone.contains(&child))
}
