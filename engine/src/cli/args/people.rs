//! `user` and `token`.

use clap::Subcommand;

/// Makes what the configuration needs of a person.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Hashes a password for the configuration.
    Hash,
}

/// Makes, lists and revokes API tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Lists them.
    List,
}
