//! Why a connection could not be opened.

use std::io;
use std::path::PathBuf;

/// Why a connection could not be opened. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The base URL cannot be used.
    #[error("desk {desk}: the base URL cannot be used: {why}")]
    Url {
        /// The desk.
        desk: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A secret is not there or cannot be sent.
    #[error("desk {desk}: the {what} in {place} {why}")]
    Secret {
        /// The desk.
        desk: String,
        /// Which secret: `password`, `bearer token`, ...
        what: &'static str,
        /// Where it was looked for.
        place: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The name of the header, or of the user, cannot be sent.
    #[error("desk {desk}: {why}")]
    Auth {
        /// The desk.
        desk: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The file of certificate authorities cannot be read.
    #[error("desk {desk}: the certificates in {path} cannot be read: give a PEM file of certificate authorities")]
    CaFile {
        /// The desk.
        desk: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The HTTP client could not be set up.
    #[error(
        "desk {desk}: the HTTP client cannot be set up; if the system has no certificate authorities, \
             install them (ca-certificates) or set `ca_file`"
    )]
    Client {
        /// The desk.
        desk: String,
        /// Why.
        source: reqwest::Error,
    },
    /// It is not clear which organisation is meant.
    #[error("desk {desk}: {why}")]
    Organisation {
        /// The desk.
        desk: String,
        /// What there is, and what to do.
        why: String,
    },
    /// The desk refused the first requests, or could not be reached.
    #[error("desk {desk}: {why}")]
    Desk {
        /// The desk.
        desk: String,
        /// Why, and what to do.
        why: String,
    },
    /// The desk does not give as many credits as are kept of them.
    #[error("desk {desk}: {why}")]
    Credits {
        /// The desk.
        desk: String,
        /// How many they are, and what to do.
        why: String,
    },
    /// The sample desk could not be started.
    #[error("desk {desk}: the sample desk cannot be started")]
    Sample {
        /// The desk.
        desk: String,
        /// Why.
        source: io::Error,
    },
    /// It was cancelled.
    #[error("desk {desk}: cancelled")]
    Cancelled {
        /// The desk.
        desk: String,
    },
}
