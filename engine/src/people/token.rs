//! Tokens: what a program shows in place of a person's password. A token is `dvt_` and 32 random bytes; only its SHA-256 is
//! kept, which is enough to know it again, and useless to whoever reads the store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plugin_api::Timestamp;

use super::{Actor, Person};
use crate::archive::Digest;
use crate::quota::second_words;

/// The environment variable with a token: the command line then acts as its person.
pub const VARIABLE: &str = "DESKVAULT_TOKEN";

/// How each token begins, so that it is known for what it is wherever it turns up.
const PREFIX: &str = "dvt_";
/// Random bytes in one.
const BYTES: usize = 32;

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

/// A token's secret. It can be neither printed nor serialised, only shown once to whom it belongs.
pub struct Secret(String);

/// Why a token opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEntry {
    /// It is none.
    #[error("this is no token of deskvault: one begins with {PREFIX} and has 47 characters")]
    NoToken,
    /// None like it was made here, or it is gone.
    #[error("this token is not known here: was it made for another installation?")]
    Unknown,
    /// It was revoked.
    #[error("token {id} was revoked on {}: make another one with `deskvault token create`", second_words(*at))]
    Revoked {
        /// Its number.
        id: u64,
        /// When.
        at: Timestamp,
    },
    /// It does not hold any more.
    #[error("token {id} has expired on {}: make another one with `deskvault token create`", second_words(*at))]
    Expired {
        /// Its number.
        id: u64,
        /// When.
        at: Timestamp,
    },
    /// The configuration does not name its person any more.
    #[error("token {id} is {person}'s, of whom the configuration does not know")]
    NoPerson {
        /// Its number.
        id: u64,
        /// The person.
        person: String,
    },
}

impl Secret {
    /// A new one.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// What somebody shows, if it is a token by its form; whether it is known says [`admit`].
    pub fn parse(text: &str) -> Result<Self, NoEntry> {
        let bytes = text
            .strip_prefix(PREFIX)
            // Before it is decoded: what is shown may be of any length.
            .filter(|secret| secret.len() == (BYTES * 4).div_ceil(3))
            .and_then(|secret| URL_SAFE_NO_PAD.decode(secret).ok());
        bytes.map(|_| Self(text.to_owned())).ok_or(NoEntry::NoToken)
    }

    /// What is kept of it: SHA-256 in hexadecimal. A random secret needs no slower hash, nobody can guess it.
    pub fn hash(&self) -> String {
        Digest::of(&self.0).to_string()
    }

    /// The token itself, for the one moment in which it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Token {
    /// Whether it holds at this moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// As whom somebody acts who has shown a token. `found` is what the store has under its hash. The name must still be in
/// the configuration, which decides what it may do.
pub fn admit(found: Option<&Token>, people: &[Person], now: Timestamp) -> Result<Actor, NoEntry> {
    let token = found.ok_or(NoEntry::Unknown)?;
    let id = token.id;
    if let Some(at) = token.revoked {
        return Err(NoEntry::Revoked { id, at });
    }
    if !token.holds(now) {
        return Err(NoEntry::Expired { id, at: token.expires });
    }
    if !people.iter().any(|person| person.name == token.person) {
        let person = token.person.clone();
        return Err(NoEntry::NoPerson { id, person });
    }
    Ok(Actor::Person {
        name: token.person.clone(),
        via: format!("token {id}"),
    })
}
