//! Tokens in the store, and what the history says of them.
//!
//! Tokens are made on the machine itself: one that could make another would never end. A person may list and revoke their
//! own with one of them.

use std::time::Duration;

use plugin_api::Timestamp;

use super::token::{Secret, Token};
use super::{Actor, Person};
use crate::config::text::{did_you_mean, excerpt};
use crate::config::{Config, Desk};
use crate::history::{Happening, NewEntry};
use crate::quota::{Refusal, second_words};
use crate::store::{Store, StoreError, Tx};

/// The longest that a token holds.
pub const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);
/// The most characters of a label.
const LABEL: usize = 100;

/// Why a token was neither made nor revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Whoever asks may not; the history has it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such person.
    #[error("the configuration does not know of {}{hint}", excerpt(.person))]
    NoPerson {
        /// Who was named.
        person: String,
        /// Who may have been meant.
        hint: String,
    },
    /// It would hold for no time, or for too long.
    #[error("a token holds for a second at least and for {} days at most", LONGEST.as_secs() / 86_400)]
    Lifetime,
    /// The label is too long, or would not stay in its line.
    #[error("a label is one line of at most {LABEL} characters")]
    Label,
    /// There is no such token, or none of theirs.
    #[error("there is no token {0}")]
    NoToken(u64),
    /// It was revoked before.
    #[error("token {id} was revoked already, on {}", second_words(*at))]
    Revoked {
        /// Its number.
        id: u64,
        /// When.
        at: Timestamp,
    },
    /// The system has no random bytes.
    #[error("the system gives no random bytes for a token")]
    Random(#[source] getrandom::Error),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a token for a person. Its secret is given this once.
pub fn create(
    store: &Store,
    config: &Config,
    new: &New<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(Token, Secret), TokenError> {
    only_here(store, config, actor, now)?;
    let person = known(&config.people, new.person)?;
    if new.label.chars().count() > LABEL || new.label.contains(char::is_control) {
        return Err(TokenError::Label);
    }
    if new.lifetime < Duration::from_secs(1) || new.lifetime > LONGEST {
        return Err(TokenError::Lifetime);
    }
    let lifetime = i64::try_from(new.lifetime.as_micros()).map_err(|_| TokenError::Lifetime)?;
    let expires = Timestamp::from_micros(now.micros().saturating_add(lifetime));
    let secret = Secret::new().map_err(TokenError::Random)?;
    let token = store.write(|tx| {
        let id = tx.add_token(&person.name, new.label, &secret.hash(), now, expires)?;
        let what = Happening::TokenCreated {
            token: id,
            person: person.name.clone(),
            until: expires,
        };
        enter(tx, config, actor, now, what)?;
        Ok::<_, TokenError>(Token {
            id,
            person: person.name.clone(),
            label: new.label.to_owned(),
            created: now,
            expires,
            revoked: None,
        })
    })?;
    Ok((token, secret))
}

/// A token to be made.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// Whose it is to be.
    pub person: &'a str,
    /// What it is for, one line.
    pub label: &'a str,
    /// How long it holds.
    pub lifetime: Duration,
}

/// The tokens that whoever asks may see, in the order in which they were made; on the machine itself all, also those
/// that hold no more.
pub fn list(store: &Store, actor: &Actor) -> Result<Vec<Token>, StoreError> {
    store.read(|view| {
        let mut tokens = view.tokens()?;
        tokens.retain(|token| may_see(token, actor));
        Ok(tokens)
    })
}

/// Revokes a token: from now on it opens nothing.
pub fn revoke(store: &Store, config: &Config, id: u64, actor: &Actor, now: Timestamp) -> Result<Token, TokenError> {
    store.write(|tx| {
        let token = tx.token(id)?.filter(|token| may_see(token, actor));
        let token = token.ok_or(TokenError::NoToken(id))?;
        if let Some(at) = token.revoked {
            return Err(TokenError::Revoked { id, at });
        }
        tx.revoke_token(id, now)?;
        let what = Happening::TokenRevoked {
            token: id,
            person: token.person.clone(),
        };
        enter(tx, config, actor, now, what)?;
        Ok(Token {
            revoked: Some(now),
            ..token
        })
    })
}

fn may_see(token: &Token, actor: &Actor) -> bool {
    match actor {
        Actor::Machine { .. } => true,
        Actor::Person { name, .. } => *name == token.person,
        Actor::Link | Actor::Schedule | Actor::Deskvault => false,
    }
}

fn only_here(store: &Store, config: &Config, actor: &Actor, now: Timestamp) -> Result<(), TokenError> {
    if matches!(actor, Actor::Machine { .. }) {
        return Ok(());
    }
    let action = "make tokens";
    let refusal = Refusal::Role {
        user: actor.user(None),
        action: action.to_owned(),
        desk: "this installation".to_owned(),
    };
    let what = Happening::Refused {
        action: action.to_owned(),
        refusal: refusal.clone(),
    };
    store.write(|tx| enter(tx, config, actor, now, what))?;
    Err(refusal.into())
}

fn known<'a>(people: &'a [Person], name: &str) -> Result<&'a Person, TokenError> {
    let found = people.iter().find(|person| person.name == name);
    found.ok_or_else(|| {
        let names = people.iter().map(|person| person.name.as_str());
        let hint = match did_you_mean(name, names, ("`", "`")) {
            hint if hint.is_empty() => ": name one of its [[person]]".to_owned(),
            hint => hint,
        };
        let person = name.to_owned();
        TokenError::NoPerson { person, hint }
    })
}

fn enter(tx: &Tx<'_>, config: &Config, actor: &Actor, now: Timestamp, what: Happening) -> Result<(), StoreError> {
    tx.append(&NewEntry {
        at: now,
        desk: None,
        user: user(actor, &config.desks),
        via: actor.via(),
        what,
    })?;
    Ok(())
}

/// The name for what concerns no desk alone: that of the primary contact, where all have the same.
fn user(actor: &Actor, desks: &[Desk]) -> String {
    let first = desks.first();
    let same = desks
        .iter()
        .all(|desk| Some(&desk.primary_contact) == first.map(|first| &first.primary_contact));
    actor.user(first.filter(|_| same))
}
