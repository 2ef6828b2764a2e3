//! Who may do what: people with roles, their passwords and tokens, and the ways by which something is asked for.

use plugin_api::Timestamp;

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

/// What can be asked for.
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
    /// Make and revoke tokens.
    Tokens,
}

/// Who asks, and by which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody on the command line of this machine: acts as the primary contact.
    Machine {
        /// The system's name of the user.
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

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub person: String,
    /// What it is for, in its owner's words.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it does not hold any more.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}
