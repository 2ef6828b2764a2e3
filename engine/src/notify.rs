//! Notifications: a webhook and e-mail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::connection::settings::SecretSource;

/// Who is notified, and how.
#[derive(Clone, Default)]
pub struct Settings {
    /// URLs that are told.
    pub webhooks: Vec<Webhook>,
    /// How e-mail is sent; none: it isn't.
    pub mail: Option<Mail>,
}

/// A URL that is told.
#[derive(Clone)]
pub struct Webhook {
    /// The URL, http or https.
    pub url: String,
    /// What the notifications are signed with.
    pub secret: Option<SecretSource>,
    /// What it is told of; empty: all.
    pub topics: Vec<Topic>,
    /// A PEM file of further certificate authorities to trust.
    pub ca_file: Option<std::path::PathBuf>,
    /// Whether plain HTTP may leave this machine.
    pub allow_plain_http: bool,
}

/// How e-mail is sent.
#[derive(Clone)]
pub struct Mail {
    /// The SMTP server.
    pub host: String,
    /// Its port; none: the usual one of `security`.
    pub port: Option<u16>,
    /// What protects the way to it.
    pub security: Security,
    /// The user's name and password, where it asks for them.
    pub login: Option<(String, SecretSource)>,
    /// The sender's address.
    pub from: String,
    /// Addresses that get every notification, besides the desk's primary contact.
    pub to: Vec<String>,
    /// What is told; empty: all.
    pub topics: Vec<Topic>,
    /// How long one try may take.
    pub timeout: Duration,
    /// A PEM file of further certificate authorities to trust.
    pub ca_file: Option<std::path::PathBuf>,
}

/// What protects the way to an SMTP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (port 465).
    Tls,
    /// TLS after STARTTLS, and nothing without it (port 587).
    StartTls,
    /// None: only to this machine (port 25).
    None,
}

/// What is notified of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// An archive is there, complete or incomplete.
    Ready,
    /// A backup ended without an archive.
    Failed,
    /// A backup came to the limit of records.
    LimitReached,
    /// A schedule came to its end date.
    ScheduleEnded,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about.
    pub topic: Topic,
    /// The desk.
    pub desk: String,
    /// When it happened.
    pub at: plugin_api::Timestamp,
    /// The backup, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<u64>,
    /// Its state, e.g. `complete` or `limit_reached`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Records in its archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Bytes of its archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// When its archive expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<plugin_api::Timestamp>,
    /// Lines for people: why it failed or is incomplete, which tables stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// E-mail addresses that are told besides those of the settings: the primary contact's, the support contact's.
    #[serde(skip)]
    pub also_to: Vec<String>,
}
