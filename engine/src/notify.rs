//! Notifications: a webhook and e-mail, when an archive is ready, a backup failed or came to the limit of records, and when a
//! schedule ended.
//!
//! [`queue`] puts a notification into the outbox, in the transaction of what it tells of: it is not forgotten, whatever
//! happens next. A [`Courier`] sends what is due. Each is sent at least once, and carries an id by which a receiver knows
//! one that comes twice. What cannot be delivered is tried again for about a day; `wait.rs` has the rules.
//!
//! A row of the outbox is for one receiver: a webhook or an e-mail address (its *channel*). So one that does not answer
//! holds up no other, and none is told twice because another was not reached. What is kept of a webhook is a hash of its
//! URL, which may hold a secret; the settings that hold when it is sent say the rest.

mod courier;
mod mail;
mod message;
#[cfg(test)]
mod tests;
mod wait;
mod webhook;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use courier::Courier;
pub use mail::check_address;
pub(crate) use mail::is_here;
pub use webhook::check_url;

use crate::archive::Digest;
use crate::connection::settings::SecretSource;
use crate::store::{StoreError, Tx};

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
    /// A backup is suspended until somebody mends what is in its way.
    Suspended,
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

/// Puts a notification into the outbox, for each who is to be told, and says how many that are.
///
/// Call it in the transaction of what it tells of.
pub fn queue(tx: &Tx<'_>, settings: &Settings, notice: &Notice) -> Result<usize, StoreError> {
    let channels = settings.channels(notice);
    let body = message::body(notice);
    for channel in &channels {
        tx.add_notice(channel, &body, notice.at)?;
    }
    Ok(channels.len())
}

/// How the channels of webhooks and of e-mail addresses begin.
const WEBHOOK: &str = "webhook:";
const MAIL: &str = "mail:";

/// By whom a notification is received.
#[derive(Clone)]
enum Target {
    /// A webhook, and its place in the configuration, from 1.
    Webhook(Webhook, usize),
    /// An e-mail address.
    Mail(Mail, String),
}

impl Settings {
    /// The channels of all who are to be told, none twice.
    fn channels(&self, notice: &Notice) -> Vec<String> {
        let wants = |topics: &[Topic]| topics.is_empty() || topics.contains(&notice.topic);
        let webhooks = self.webhooks.iter().filter(|webhook| wants(&webhook.topics));
        let webhooks = webhooks.map(|webhook| format!("{WEBHOOK}{}", fingerprint(&webhook.url)));
        let mail = self.mail.iter().filter(|mail| wants(&mail.topics));
        let addresses = mail.flat_map(|mail| mail.to.iter().chain(&notice.also_to));
        let addresses = addresses.map(|address| format!("{MAIL}{}", mail::bare(address)));
        let mut channels: Vec<String> = Vec::new();
        for channel in webhooks.chain(addresses) {
            // Nobody has two addresses that differ in case alone.
            if !channels.iter().any(|known| known.eq_ignore_ascii_case(&channel)) {
                channels.push(channel);
            }
        }
        channels
    }

    /// Who is behind a channel now. The error says why nobody is.
    fn target(&self, channel: &str) -> Result<Target, &'static str> {
        if let Some(wanted) = channel.strip_prefix(WEBHOOK) {
            let found = self
                .webhooks
                .iter()
                .position(|webhook| fingerprint(&webhook.url) == wanted);
            let place = found.ok_or("the configuration does not name its URL any more")?;
            return Ok(Target::Webhook(self.webhooks[place].clone(), place + 1));
        }
        let address = channel
            .strip_prefix(MAIL)
            .ok_or("this version does not know such a receiver")?;
        let mail = self.mail.clone().ok_or("the configuration has no [mail] any more")?;
        Ok(Target::Mail(mail, address.to_owned()))
    }
}

/// What stands for a URL where the URL itself must not be seen.
fn fingerprint(url: &str) -> String {
    let mut digits = Digest::of(url).to_string();
    digits.truncate(16);
    digits
}
