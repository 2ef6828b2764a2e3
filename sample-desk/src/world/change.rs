//! What happens to records while the desk is read.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use super::desk::World;
use super::dice::Dice;
use super::id::Place;
use super::overlay::{Overlay, State};
use super::tickets::ticket_id;
use super::{Id, Kind, Standing};

impl World {
    /// What the settings let happen after this request.
    pub(super) fn change_after(&self, request: u64) {
        let changes = self.settings.changes;
        let due = |every: u32| every > 0 && request > 0 && request.is_multiple_of(u64::from(every));
        if due(changes.edit_every) {
            self.edit(Dice::new(self.settings.seed, 220, request));
        }
        if due(changes.delete_every) {
            self.delete(Dice::new(self.settings.seed, 221, request));
        }
    }

    /// A record of a kind that is listed.
    fn any(&self, dice: Dice, kind: Kind) -> Place {
        let count = if kind == Kind::Ticket {
            self.sizes.tickets
        } else {
            self.sizes.of(kind)
        };
        Place::top(kind, dice.below(2, u64::from(count)) as u32)
    }

    fn edit(&self, dice: Dice) {
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
        let place = if kind == Kind::Comment {
            let ticket = self.any(dice, Kind::Ticket);
            let comments = self.comment_total(ticket.index);
            if comments == 0 {
                return;
            }
            Place::child(
                kind,
                Kind::Ticket,
                ticket.index,
                dice.below(3, u64::from(comments)) as u32,
            )
        } else {
            self.any(dice, kind)
        };
        let modifier = self.agent_of(dice.throw(4));
        self.alter(|overlay| {
            let id = place.id();
            if is_removed(overlay, place) || place.parent().is_some_and(|of| has_lost(overlay, of.id(), id)) {
                return;
            }
            let mut state = overlay.state(id).cloned().unwrap_or_default();
            state.salt += 1;
            state.modified = Some(overlay.last);
            state.modifier = Some(modifier);
            overlay.push(id, state);
        });
    }

    fn delete(&self, dice: Dice) {
        match dice.below(1, 20) {
            0..6 => self.take(self.any(dice, Kind::Ticket), dice),
            6..9 => self.take(self.any(dice, Kind::Contact), dice),
            9 => self.take(self.any(dice, Kind::Account), dice),
            10 | 11 => self.take(self.any(dice, Kind::Task), dice),
            12 => self.take(self.any(dice, Kind::Call), dice),
            13 => self.take(self.any(dice, Kind::Event), dice),
            14 => self.take(self.any(dice, Kind::Article), dice),
            15 => self.take(self.any(dice, Kind::Product), dice),
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
    fn take(&self, place: Place, dice: Dice) {
        let to = if dice.one_in(4, 2) {
            Standing::Trashed
        } else {
            Standing::Gone
        };
        self.alter(|overlay| {
            if is_removed(overlay, place) {
                return;
            }
            overlay.remove(place.id(), to);
            if to == Standing::Trashed {
                let mut state = overlay.state(place.id()).cloned().unwrap_or_default();
                state.trashed = true;
                overlay.push(place.id(), state);
            }
        });
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

    fn alter(&self, alter: impl FnOnce(&mut Overlay)) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as i64 * 1000);
        let mut overlay = self.overlay.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Edits are in an order, whatever the machine's clock does, and later than all that the seed says.
        overlay.last = now.max(overlay.last + 1000).max(super::clock::LAST + 1000);
        alter(&mut overlay);
        self.changed.store(true, Ordering::Release);
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

fn is_removed(overlay: &Overlay, place: Place) -> bool {
    overlay.removed(place.id()).is_some() || place.parent().is_some_and(|parent| is_removed(overlay, parent))
}

fn has_lost(overlay: &Overlay, parent: Id, child: Id) -> bool {
    overlay.state(parent).is_some_and(|state| state.gone.contains(&child))
}
