//! What can go wrong in an export, and what it means for the backup.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The result of what an exporter does.
pub type Result<T, E = ExportError> = std::result::Result<T, E>;

/// Why an export, or one request of it, failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ExportError {
    /// What sort of failure.
    pub kind: ErrorKind,
    /// One line that names the thing and says what to do.
    pub message: String,
    /// The HTTP status, where an answer of the desk is the reason.
    #[serde(default)]
    pub status: Option<u16>,
    /// The place in the plugin's code, for a panic.
    #[serde(default)]
    pub place: Option<String>,
}

/// The sorts of failure. They cross the ABI as a number; a number that is not known is [`ErrorKind::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[repr(u8)]
pub enum ErrorKind {
    /// Anything else.
    Other = 0,
    /// The backup was cancelled. Return at once.
    Cancelled = 1,
    /// The desk does not let these credentials read the module: it is skipped and reported.
    Forbidden = 2,
    /// The desk does not have the module (not licensed, switched off): it is skipped and reported.
    Unavailable = 3,
    /// The desk refused the credentials altogether.
    Unauthorized = 4,
    /// The desk says that there is no such record (any more).
    NotFound = 5,
    /// The desk answered with an error, after all retries.
    Http = 6,
    /// The desk could not be reached, or broke off, after all retries.
    Network = 7,
    /// The desk's answer is not what the exporter can read.
    Decode = 8,
    /// The answer is larger than the connection allows.
    TooLarge = 9,
    /// The plugin used the host in a way that is not allowed, e.g. a row with too few cells.
    Misuse = 10,
    /// The plugin panicked.
    Panic = 11,
    /// The engine itself failed, e.g. the disk is full.
    Host = 12,
}

impl ErrorKind {
    /// Every kind, for conversion and tests.
    pub const ALL: [Self; 13] = [
        Self::Other,
        Self::Cancelled,
        Self::Forbidden,
        Self::Unavailable,
        Self::Unauthorized,
        Self::NotFound,
        Self::Http,
        Self::Network,
        Self::Decode,
        Self::TooLarge,
        Self::Misuse,
        Self::Panic,
        Self::Host,
    ];

    /// The number that crosses the ABI.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind with this number; [`ErrorKind::Other`] for one that is not known yet.
    pub fn from_code(code: u8) -> Self {
        Self::ALL
            .into_iter()
            .find(|kind| kind.code() == code)
            .unwrap_or(Self::Other)
    }
}

impl ExportError {
    /// A failure of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            status: None,
            place: None,
        }
    }

    /// The desk's answer is not what the exporter can read. `what` names the request or record.
    pub fn decode(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Decode, format!("{what}: {why}"))
    }

    /// Puts `what` (a request, a record, a table) before the message.
    #[must_use]
    pub fn at(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    #[test]
    fn numbers_come_back_as_their_kinds() {
        for (number, kind) in ErrorKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.code() as usize, number);
            assert_eq!(ErrorKind::from_code(kind.code()), kind);
        }
        assert_eq!(ErrorKind::from_code(200), ErrorKind::Other);
    }
}
