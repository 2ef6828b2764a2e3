//! Who may do what: people with roles, their passwords and tokens, and the ways by which something is asked for.
//!
//! Start at [`Actor::may`]. Passwords are in [`password`], tokens in [`token`] and [`tokens`], the name of the system's user in
//! [`system_user`]. What a person may do is decided here and nowhere else, from the configuration and the [`Actor`] alone;
//! nothing is remembered between two questions, so that a changed configuration holds at once.
//!
//! Architecture invariant: what holds a password or a token has neither `Debug` nor `Serialize`.

pub mod password;
mod system;
#[cfg(test)]
mod tests;
pub mod token;
pub mod tokens;

use std::fmt;

pub use system::system_user;
pub use token::Token;

use crate::config::Desk;
use crate::quota::Refusal;

/// Somebody of whom the configuration knows.
#[derive(Clone)]
pub struct Person {
    /// The name.
    pub name: String,
    /// Where notifications go.
    pub email: Option<String>,
    /// The password's hash, argon2id in PHC form.
    pub password_hash: Option<String>,
}

/// What a person may do at a desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything; each desk has exactly one.
    PrimaryContact,
    /// See the list and the history.
    Viewer,
}

/// What can be asked for at a desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See the list of archives, the schedule and the history.
    See,
    /// Start a backup.
    Start,
    /// Set a schedule.
    Schedule,
    /// Stop a schedule.
    Stop,
    /// Download an archive, or make a link to it.
    Download,
    /// Delete an archive.
    Delete,
}

/// Who asks, and by which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody on the command line of this machine: acts as the primary contact.
    Machine {
        /// The system's name of the user, as [`system_user`] tells it.
        system_user: String,
    },
    /// A person who has shown who they are.
    Person {
        /// The name in the configuration.
        name: String,
        /// By which way, e.g. `token 3`.
        via: String,
    },
    /// Somebody who has a link.
    Link,
    /// The schedule of the desk.
    Schedule,
    /// deskvault itself, e.g. when an archive expires.
    Deskvault,
}

impl Actor {
    /// Somebody on the command line of this machine, as whom this process runs.
    pub fn machine() -> Self {
        Self::Machine {
            system_user: system_user(),
        }
    }

    /// Whether this may be done at the desk; the error is always [`Refusal::Role`].
    ///
    /// Somebody who has a link may download: that the link is good for this archive is what [`links`](crate::links) says.
    pub fn may(&self, desk: &Desk, action: Action) -> Result<(), Refusal> {
        let may = match self {
            Self::Machine { .. } => true,
            Self::Person { name, .. } => match Role::of(name, desk) {
                Some(Role::PrimaryContact) => true,
                Some(Role::Viewer) => action == Action::See,
                None => false,
            },
            Self::Link => action == Action::Download,
            Self::Schedule => action == Action::Start,
            // It follows the configuration, which declares schedules, and the clock, by which archives expire.
            Self::Deskvault => !matches!(action, Action::Start | Action::Download),
        };
        if may {
            return Ok(());
        }
        Err(Refusal::Role {
            user: self.user(Some(desk)),
            action: action.to_string(),
            desk: desk.name.clone(),
        })
    }

    /// The name for the history. The machine acts as the primary contact of the desk; without a desk, or where it names
    /// nobody, it is called just that.
    pub fn user(&self, desk: Option<&Desk>) -> String {
        match self {
            Self::Machine { .. } => desk
                .and_then(|desk| desk.primary_contact.clone())
                .unwrap_or_else(|| "primary contact".to_owned()),
            Self::Person { name, .. } => name.clone(),
            Self::Link => "link".to_owned(),
            Self::Schedule => "schedule".to_owned(),
            Self::Deskvault => "deskvault".to_owned(),
        }
    }

    /// The way for the history.
    pub fn via(&self) -> String {
        match self {
            Self::Machine { system_user } => format!("command line, system user {system_user}"),
            Self::Person { via, .. } => via.clone(),
            Self::Link => "link".to_owned(),
            Self::Schedule => "schedule".to_owned(),
            Self::Deskvault => "deskvault".to_owned(),
        }
    }
}

impl Role {
    /// The role of a person at a desk; none: the desk is no concern of theirs, not even to be seen.
    pub fn of(person: &str, desk: &Desk) -> Option<Self> {
        if desk.primary_contact.as_deref() == Some(person) {
            Some(Self::PrimaryContact)
        } else if desk.viewers.iter().any(|viewer| viewer == person) {
            Some(Self::Viewer)
        } else {
            None
        }
    }
}

impl fmt::Display for Action {
    /// As in "may not start a backup".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::See => "see the backups",
            Self::Start => "start a backup",
            Self::Schedule => "set a schedule",
            Self::Stop => "stop a schedule",
            Self::Download => "download an archive",
            Self::Delete => "delete an archive",
        })
    }
}
