//! `user` and `token`.

use std::time::Duration;

use clap::{Args, Subcommand};

/// Makes what the configuration needs of a person.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Hashes a password, for `password_hash` in the configuration.
    ///
    /// Asks for it twice on a terminal, where it is not shown; otherwise it is the first line of standard input. The hash
    /// (argon2id) is all that is printed on standard output.
    Hash,
}

/// Makes, lists and revokes API tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    Create(CreateToken),
    /// Lists tokens, also those that hold no more.
    List {
        /// One JSON object a line, one for each token.
        #[arg(long)]
        json: bool,
    },
    /// Revokes a token: from now on it opens nothing.
    Revoke {
        /// Its number, as `token list` tells it.
        id: u64,
    },
}

/// Makes a token for a person.
///
/// Whoever has it may do at each desk what that person may. It is printed on standard output, this once; what is kept is a
/// hash. deskvault itself takes it from the environment variable `DESKVAULT_TOKEN`.
#[derive(Args, Debug)]
pub(crate) struct CreateToken {
    /// The person's name in the configuration.
    pub(crate) person: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) label: String,
    /// How long it holds: 12h or 90d.
    #[arg(long = "for", value_name = "TIME", default_value = "90d", value_parser = lifetime)]
    pub(crate) lifetime: Duration,
}

fn lifetime(text: &str) -> Result<Duration, String> {
    crate::config::time(text).ok_or_else(|| "a whole number and a unit, such as 12h or 90d".to_owned())
}
