//! Who asks, and what they may see of the history.

use std::ops::ControlFlow;

use crate::history::{Entry, Filter};
use crate::people::token::{self, Secret};
use crate::people::{Action, Actor};
use crate::quota::Refusal;

use super::Service;
use super::error::ServiceError;

impl Service {
    /// As whom somebody acts who shows a token.
    pub fn actor(&self, token: &str) -> Result<Actor, ServiceError> {
        let secret = Secret::parse(token)?;
        let found = self
            .store
            .read(|view| Ok::<_, ServiceError>(view.token_by_hash(&secret.hash())?))?;
        Ok(token::admit(found.as_ref(), &self.config.people, self.now())?)
    }

    /// Hands on the entries of the history that `filter` takes and the actor may see, in order, until `take` breaks off.
    pub fn history(
        &self,
        filter: &Filter,
        actor: &Actor,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), ServiceError> {
        if let Some(desk) = &filter.desk {
            self.allow(actor, desk, Action::See)?;
        }
        let mut seen = |entry: Entry| {
            let sees = |desk: &String| self.may(actor, desk, Action::See).is_ok();
            // What concerns the whole installation is for those who see some of it.
            let sees = entry.desk.as_ref().map_or_else(|| self.sees_any(actor), sees);
            if sees { take(entry) } else { ControlFlow::Continue(()) }
        };
        self.store.read(|view| Ok(view.history(filter, &mut seen)?))
    }

    /// Whether this may be done at a desk. The machine may look after what is left of a desk that the configuration has no
    /// more.
    pub(super) fn may(&self, actor: &Actor, desk: &str, action: Action) -> Result<(), Refusal> {
        match (self.known(desk), actor) {
            (Some(desk), _) => actor.may(desk, action),
            (None, Actor::Machine { .. } | Actor::Deskvault | Actor::Link) => Ok(()),
            (None, _) => Err(Refusal::Role {
                user: actor.user(None),
                action: action.to_string(),
                desk: desk.to_owned(),
            }),
        }
    }

    fn sees_any(&self, actor: &Actor) -> bool {
        let sees = |desk: &crate::config::Desk| actor.may(desk, Action::See).is_ok();
        self.config.desks.iter().any(sees)
    }
}
