//! What the configuration says about a connection. Plain data: no I/O happens here.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use plugin_api::Timestamp;

use super::Connection;
use crate::clock::{Clock, SystemClock};

/// Everything that is said about one connection.
#[derive(Clone)]
pub struct Settings {
    /// The name of the desk, for messages.
    pub desk: String,
    /// The base URL; requests go below it.
    pub url: String,
    /// Whether plain HTTP may leave this machine (`allow_plain_http = true`). Loopback is always allowed.
    pub allow_plain_http: bool,
    /// A PEM file of further certificate authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// How requests are authorised.
    pub auth: Auth,
    /// Bounds.
    pub limits: Limits,
    /// What is done about credits, where the desk charges.
    pub pacing: Pacing,
    /// How far what the desk finds may be behind what it holds, and with it how far its clock may be behind this machine's:
    /// records younger than that are for the next backup.
    pub search_lag: Duration,
    /// How the names of hosts become addresses.
    pub names: Names,
}

/// Finds the addresses of a host by its name, without blocking.
pub type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// How the names of hosts become addresses; none: as the system has it.
#[derive(Clone, Default)]
pub struct Names(pub Option<Arc<Lookup>>);

/// How a day's credits are dealt with.
#[derive(Clone)]
pub struct Pacing {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is kept for other programs.
    pub reserve: Reserve,
    /// The folder for what is shared with others who back up desks of the same organisation; none: nothing is.
    pub folder: Option<PathBuf>,
    /// Whether the credits of another day are waited for. Otherwise nothing is kept for others, and requests fail once they
    /// are spent.
    pub wait: bool,
}

/// Credits of each day that are kept for other programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reserve {
    /// None.
    #[default]
    None,
    /// So many.
    Credits(u64),
    /// A share of the day's, in percent.
    Percent(u8),
}

impl Default for Pacing {
    /// By the machine's clock; nothing is kept, shared or waited for.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            reserve: Reserve::None,
            folder: None,
            wait: false,
        }
    }
}

impl fmt::Debug for Pacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            clock: _,
            reserve,
            folder,
            wait,
        } = self;
        let mut shown = f.debug_struct("Pacing");
        shown
            .field("reserve", reserve)
            .field("folder", folder)
            .field("wait", wait);
        shown.finish_non_exhaustive()
    }
}

/// How requests are authorised.
#[derive(Clone)]
pub enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer ...`.
    Bearer(SecretSource),
    /// `Authorization: Basic ...`.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        password: SecretSource,
    },
    /// A header of its own, e.g. `X-Api-Key`.
    Header {
        /// The header's name.
        name: String,
        /// The header's value.
        value: SecretSource,
    },
    /// Tokens of Zoho's OAuth 2.0.
    Zoho(Zoho),
    /// A sample desk, which is started with the connection and ends with it. The URL of [`Settings`] is not used.
    Sample(Sample),
}

/// How a Zoho Desk is reached. The base URL is the desk's host with `/api/v1`.
#[derive(Clone)]
pub struct Zoho {
    /// The URL of the server that gives tokens, e.g. `https://accounts.zoho.eu`.
    pub accounts_url: String,
    /// The organisation; without it the only one, or the default one, that the refresh token may see.
    pub org_id: Option<String>,
    /// The id of the client as whom the engine is registered.
    pub client_id: SecretSource,
    /// Its secret.
    pub client_secret: SecretSource,
    /// The refresh token that somebody granted it.
    pub refresh_token: SecretSource,
    /// See [`Terms`].
    pub terms: Terms,
}

/// A sample desk.
#[derive(Clone)]
pub struct Sample {
    /// Its knobs.
    pub desk: super::sample::Settings,
    /// See [`Terms`].
    pub terms: Terms,
}

/// What is agreed with a Zoho Desk, sample or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Requests in flight at one time, whatever the edition allows. Without it, what the edition allows.
    pub in_flight: Option<usize>,
}

impl Settings {
    /// The kind of connection, as exporters name it in their description.
    pub fn kind(&self) -> &'static str {
        match self.auth {
            Auth::Zoho(_) | Auth::Sample(_) => "zoho",
            _ => "http",
        }
    }

    /// The upper end of what a backup reads that starts then. What was written just before may not be found yet: the next
    /// incremental backup begins at this same moment, so that nothing falls between the two.
    pub fn upper_end(&self, started: Timestamp) -> Timestamp {
        let lag = i64::try_from(self.search_lag.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(started.micros().saturating_sub(lag))
    }

    /// Which desk a connection of these settings reads, so that a backup is not gone on with at another one: the organisation,
    /// which keeps its number wherever it is reached, and where the desk does not tell it, the one of `org_id`; what a sample desk's records are made of; or the address.
    pub(crate) fn source(&self, connection: &Connection) -> String {
        match (&self.auth, connection.organisation()) {
            (Auth::Sample(sample), _) => {
                let desk = &sample.desk;
                format!(
                    "a sample desk of {} tickets (seed {}, custom_fields {}, huge_bodies_ppm {})",
                    desk.tickets, desk.seed, desk.custom_fields, desk.huge_bodies_ppm
                )
            }
            (Auth::Zoho(_), Some(organisation)) => format!("the organisation {}", organisation.id),
            (Auth::Zoho(Zoho { org_id: Some(id), .. }), None) => format!("the organisation {id}"),
            _ => format!("the desk at {}", self.url.trim_end_matches('/')),
        }
    }

    pub(super) fn terms(&self) -> Option<Terms> {
        match &self.auth {
            Auth::Zoho(zoho) => Some(zoho.terms),
            Auth::Sample(sample) => Some(sample.terms),
            _ => None,
        }
    }
}

/// Where a secret is kept.
#[derive(Clone)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; one line end at its end is not part of the secret.
    File(PathBuf),
    /// The configuration itself.
    Inline(Secret),
    /// It has been read already, out of a file that will be out of reach.
    Read {
        /// The secret, fit to be sent.
        secret: Secret,
        /// The file.
        file: PathBuf,
    },
}

/// A secret. It can be neither printed nor serialised, only used.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// What a connection may use at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in flight at one time, over all exporters of the desk.
    pub in_flight: usize,
    /// How often a request is tried in all, the first time included.
    pub attempts: u32,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time for one try, from sending to the last byte of the answer.
    pub request_timeout: Duration,
    /// Time without a further byte of an answer that has begun.
    pub idle_timeout: Duration,
    /// The longest wait before the second try of a request; it doubles with each further one, up to a minute. So do the
    /// waits between two looks at a desk that does not answer.
    pub first_wait: Duration,
    /// How long a desk that answered and does not any more is waited for.
    pub patience: Duration,
    /// The wait before another access token is asked for, where the accounts server gives no more for now: Zoho's gives ten in
    /// ten minutes.
    pub token_wait: Duration,
    /// The largest answer taken, unpacked, in bytes.
    pub max_response_bytes: u64,
    /// Answers that wait to be taken, over all exporters, in bytes: beyond it no further request is started.
    pub max_waiting_bytes: u64,
    /// Redirects followed for one request.
    pub max_redirects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 10,
            attempts: 6,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_mins(2),
            idle_timeout: Duration::from_secs(30),
            first_wait: Duration::from_secs(1),
            patience: Duration::from_mins(15),
            token_wait: Duration::from_mins(1),
            max_response_bytes: 64 << 20,
            max_waiting_bytes: 32 << 20,
            max_redirects: 5,
        }
    }
}

impl fmt::Display for SecretSource {
    /// Where it is kept, never what it is. A name in lower case is no usual one of a variable: it may be the secret
    /// itself, typed in the wrong place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) if name.contains(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')) => {
                f.write_str("the environment variable that is named (not shown: it could be the secret itself)")
            }
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) | Self::Read { file: path, .. } => write!(f, "the file {}", path.display()),
            Self::Inline(_) => f.write_str("the configuration"),
        }
    }
}
