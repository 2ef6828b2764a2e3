//! How the engine reaches a desk: base URL, credentials, limits, and the queue of requests.
//!
//! Architecture invariant: only this module sees secrets. A plugin never does.
//!
//! [`Connection::open`] once per desk; [`Connection::queue`] once per exporter, which then submits requests and
//! takes finished ones ([`Queue`]). Requests run as tasks on a tokio runtime; exporters block on threads of their
//! own. What is done about failures is in `retry`, and about a desk that is down in `circuit`; how many requests run at one time in `lanes` and `throttle`,
//! where they may go in `target`, and what is on the wire in `fetch`. `access` is where kinds of connection differ.
//!
//! Kind `http` has credentials that never change; kind `zoho` (the module `zoho`) has tokens that expire, an organisation and
//! credits; kind `sample` ([`sample`]) is a sample desk in this process, reached as kind `zoho` is.
//!
//! - **TLS** is rustls with ring. The system's certificate authorities are trusted (`SSL_CERT_FILE` is heeded, as by
//!   most programs), and those of `ca_file`. There is no switch that turns verification off.
//! - **Proxies** are not used: `HTTP_PROXY` and its like are ignored, so that credentials take no way that the
//!   configuration does not name.
//! - **Memory**: bodies that are arriving or wait to be taken are counted together. While they are more than
//!   `max_waiting_bytes`, only an exporter that has nothing to take and nothing in flight may start a request.
//!   The peak is thus that bound, plus what was in flight when it was reached.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use access::{Access, Fixed};
use dispatch::Dispatch;
use fetch::Http;
use plugin_api::{Request, Timestamp};
use retry::Policy;
use settings::{Auth, Limits, Settings};
use target::Base;
use zoho::Zoho;

mod access;
mod answer;
mod call;
mod circuit;
mod dispatch;
mod error;
mod fetch;
mod headers;
mod lanes;
mod queue;
mod requests;
mod retry;
pub mod sample;
pub(crate) mod secret;
pub mod settings;
mod target;
#[cfg(test)]
mod tests;
mod throttle;
pub(crate) mod zoho;

pub use answer::Answer;
pub use error::ConnectionError;
pub(crate) use fetch::{asked_to_wait, certificate_trouble, chain};
pub(crate) use headers::for_credentials;
pub use queue::{Meter, Next, Queue};
pub(crate) use requests::Requests;
pub(crate) use target::is_loopback;
pub(crate) use zoho::credits::day;

/// What `search_lag` leaves to the search itself, beside a clock that is behind ours.
const SEARCH: Duration = Duration::from_mins(1);

/// How far a desk's clock may be behind ours in any case: its `Date` has whole seconds, and its answer takes its time.
const CLOCKS: Duration = Duration::from_secs(5);

/// Requests that an exporter may have submitted and not taken, for each that may be in flight: enough that the desk
/// always has the next one, also while the exporter waits for one answer and submits none.
const AHEAD: usize = 4;

/// How long an idle connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);

/// A desk that can be asked. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    base: Arc<Base>,
    access: Arc<dyn Access>,
    dispatch: Arc<Dispatch>,
    /// The same as `access`, where it is a Zoho Desk.
    zoho: Option<Arc<Zoho>>,
    /// Requests in flight that were asked for, whatever the desk allows.
    in_flight: Option<usize>,
    /// How far what the desk finds may be behind what it holds.
    search_lag: Duration,
    /// Lives as long as the connection.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is only held"))]
    sample: Option<sample::Started>,
}

/// What a desk charges for calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credits {
    /// What the calls of this connection have cost.
    pub spent: u64,
    /// What the desk said last that is left of the day's credits, where it did.
    pub left: Option<u64>,
}

/// Nothing is asked before credits return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When they should.
    pub until: Timestamp,
    /// What is left of the day's.
    pub left: u64,
    /// What is kept of it for other programs.
    pub reserve: u64,
}

/// What a desk gives a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// What is left of it today.
    pub left: u64,
    /// All of it.
    pub limit: u64,
    /// What is kept of it for other programs.
    pub reserve: u64,
    /// What was spent on the last whole day; less where other programs spent more than is kept for them.
    pub last_day: Option<u64>,
    /// The zone in which days are counted.
    pub zone: Tz,
    /// When credits return.
    pub returns: Timestamp,
}

/// Whether a request may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    /// It may. The number is for [`Access::release`](access::Access::release); 0: nobody counts.
    Now(u64),
    /// Not now: it is asked again.
    Later,
}

/// What a connection is doing and has done, over all its queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests in flight now.
    pub in_flight: usize,
    /// Requests that may be in flight now: the configured number, or fewer after the desk asked for less.
    pub allowed: usize,
    /// Requests made, each try counted.
    pub tries: u64,
    /// Tries that are to be repeated.
    pub retries: u64,
    /// Answers that ask for fewer requests (429, or 503 with `Retry-After`).
    pub throttled: u64,
    /// Bytes of bodies received, unpacked.
    pub received_bytes: u64,
    /// Bytes of bodies that are arriving or wait to be taken.
    pub waiting_bytes: u64,
    /// Credits, where the desk charges and says so.
    pub credits: Option<Credits>,
}

/// What one queue is doing and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Requests in flight now.
    pub in_flight: usize,
    /// Requests made, each try counted.
    pub tries: u64,
    /// Tries that are to be repeated.
    pub retries: u64,
    /// Answers that ask for fewer requests (429, or 503 with `Retry-After`).
    pub throttled: u64,
    /// Bytes of bodies received, unpacked.
    pub received_bytes: u64,
    /// Credits that its requests have cost, where the desk says so.
    pub credits: u64,
}

impl Connection {
    /// Reads the secrets and the certificates, checks the base URL and sets up the client. Nothing is sent yet.
    ///
    /// `runtime` runs the requests. It must have its I/O and time drivers enabled, and outlive what is queued:
    /// what is left when it goes gets an error.
    pub fn open(settings: &Settings, runtime: Handle) -> Result<Self, ConnectionError> {
        Self::open_with(settings, Policy::new(&settings.limits), runtime)
    }

    fn open_with(settings: &Settings, policy: Policy, runtime: Handle) -> Result<Self, ConnectionError> {
        if let Auth::Sample(sample) = &settings.auth {
            let (started, reached) = sample::start(settings, sample, &runtime)?;
            return Self::open_at(&reached, Some(started), policy, runtime);
        }
        Self::open_at(settings, None, policy, runtime)
    }

    fn open_at(
        settings: &Settings,
        sample: Option<sample::Started>,
        mut policy: Policy,
        runtime: Handle,
    ) -> Result<Self, ConnectionError> {
        let desk = &settings.desk;
        let base = Base::new(&settings.url, settings.allow_plain_http).map_err(|why| ConnectionError::Url {
            desk: desk.clone(),
            why,
        })?;
        let mut limits = settings.limits.clone();
        let (access, zoho): (Arc<dyn Access>, _) = if let Auth::Zoho(zoho) = &settings.auth {
            policy.defect_attempts = zoho::DEFECT_ATTEMPTS;
            policy.throttled_attempts = policy.attempts.saturating_mul(zoho::THROTTLED_PATIENCE);
            limits.in_flight = zoho.terms.in_flight.unwrap_or(zoho::CAREFUL);
            let zoho = Arc::new(Zoho::open(settings, zoho, policy, Box::new(chance()))?);
            (Arc::clone(&zoho) as Arc<dyn Access>, Some(zoho))
        } else {
            let fixed = Fixed::read(desk, &settings.auth, settings.search_lag, |name| std::env::var_os(name))?;
            (Arc::new(fixed), None)
        };
        let base = Arc::new(base);
        let http = Http {
            client: client(reqwest::Client::builder(), settings, &base)?,
            base: Arc::clone(&base),
            access: Arc::clone(&access),
            desk: desk.clone(),
            limits: limits.clone(),
        };
        let dispatch = Dispatch::new(&limits, policy, Box::new(chance()), Box::new(http), runtime);
        Ok(Self(Arc::new(Inner {
            base,
            access,
            dispatch: Arc::new(dispatch),
            zoho,
            in_flight: settings.terms().and_then(|terms| terms.in_flight),
            search_lag: settings.search_lag,
            sample,
        })))
    }

    /// Makes the first requests, which no module makes: asks a Zoho Desk for its organisation, and takes what its edition
    /// allows as the limit of requests in flight, unless another was asked for. Nothing for other kinds. Waits for the
    /// answers: not to be called from the runtime's own threads.
    pub fn prepare(&self, cancel: &CancellationToken) -> Result<(), ConnectionError> {
        let Some(zoho) = &self.0.zoho else { return Ok(()) };
        let mut queue = self.queue(1, cancel);
        let result = match queue.submit(Request::get("/organizations")) {
            Err(error) => Err(error),
            Ok(_) => match queue.next() {
                Next::Done { result, .. } => result,
                Next::Cancelled | Next::Nothing => Err(zoho.cancelled()),
            },
        };
        let answer = result.map_err(|error| zoho.failed(&error))?;
        let date = answer.headers.iter().find(|(name, _)| name == "date");
        let behind = retry::behind(date.map(|(_, value)| value.as_str()), chrono::Utc::now());
        clocks_agree(behind, self.0.search_lag).map_err(|why| ConnectionError::Desk {
            desk: zoho.desk().to_owned(),
            why,
        })?;
        let allowed = zoho.introduce(&answer)?;
        zoho.affordable()?;
        let limit = self.0.in_flight.unwrap_or(allowed);
        if limit > allowed
            && let Some(organisation) = zoho.organisation()
        {
            tracing::warn!(
                "desk {}: `in_flight` is {limit}, and its edition {} answers {allowed} requests at one time: what is more, \
                 it may refuse",
                zoho.desk(),
                crate::config::text::excerpt(&organisation.edition)
            );
        }
        self.0.dispatch.set_limit(limit);
        Ok(())
    }

    /// The edition of the organisation, as the desk names it; none before [`prepare`](Self::prepare), and where it says none.
    pub fn edition(&self) -> Option<String> {
        let organisation = self.0.zoho.as_ref()?.organisation()?;
        Some(organisation.edition.clone()).filter(|edition| !edition.is_empty())
    }

    /// Requests that may be in flight at one time as long as the desk does not complain.
    pub fn limit(&self) -> usize {
        self.0.dispatch.limit()
    }

    /// Requests that an exporter may have submitted and not taken.
    pub(crate) fn window(&self) -> u32 {
        u32::try_from(self.limit().saturating_mul(AHEAD)).unwrap_or(u32::MAX)
    }

    /// A queue for one exporter, which may have `window` requests submitted and not yet taken. `cancel` ends it:
    /// its waiting thread wakes at once, and its requests are broken off.
    pub fn queue(&self, window: usize, cancel: &CancellationToken) -> Queue {
        let owner = self.0.dispatch.open(cancel.child_token());
        Queue::new(self.clone(), owner, window)
    }

    /// What is waited for, where nothing may be asked before credits return.
    pub fn paused(&self) -> Option<Pause> {
        self.0.access.paused()
    }

    /// What the desk gives a day, as far as it is known.
    pub fn account(&self) -> Option<Account> {
        self.0.access.account()
    }

    /// Why nothing is asked any more, where the desk stopped answering and was waited for as long as the settings say: every
    /// request fails with [`ErrorKind::Network`](plugin_api::ErrorKind::Network), and will, also with another exporter.
    pub fn given_up(&self) -> Option<String> {
        let outage = self.0.dispatch.outage().filter(|outage| outage.given_up);
        outage.map(|outage| outage.note)
    }

    /// What is going on.
    pub fn stats(&self) -> Stats {
        let dispatch = &self.0.dispatch;
        // No lane has the number 0.
        let (in_flight, allowed, _) = dispatch.in_flight(0);
        Stats {
            in_flight,
            allowed,
            tries: dispatch.totals.tries.load(Ordering::Relaxed),
            retries: dispatch.totals.retries.load(Ordering::Relaxed),
            throttled: dispatch.totals.throttled.load(Ordering::Relaxed),
            received_bytes: dispatch.totals.bytes.load(Ordering::Relaxed),
            waiting_bytes: dispatch.waiting.load(Ordering::Relaxed),
            credits: self.0.access.credits(),
        }
    }
}

/// Refuses a desk whose clock is further behind ours than is allowed for. What it writes soon after a backup's start would bear
/// a time before the end of what that backup read: the next incremental one would pass over it.
fn clocks_agree(behind: Duration, search_lag: Duration) -> Result<(), String> {
    let allowed = search_lag.saturating_sub(SEARCH).max(search_lag / 2).max(CLOCKS);
    if behind < allowed {
        return Ok(());
    }
    let ahead = match behind.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    Err(format!(
        "this machine's clock is {ahead} ahead of the desk's, so that the next incremental backup would miss what changes \
         now: set the clock right (by NTP), or `search_lag` to at least a minute more than that"
    ))
}

fn client(
    builder: reqwest::ClientBuilder,
    settings: &Settings,
    base: &Base,
) -> Result<reqwest::Client, ConnectionError> {
    let desk = &settings.desk;
    let way = match (&settings.ca_file, base.is_tls()) {
        (_, false) => Way::Plain {
            leaves_machine: settings.allow_plain_http,
        },
        (None, true) => Way::Tls(Vec::new()),
        (Some(path), true) => Way::Tls(authorities(path).map_err(|source| ConnectionError::CaFile {
            desk: desk.clone(),
            path: path.clone(),
            source,
        })?),
    };
    let builder = match &settings.names.0 {
        Some(lookup) => builder.dns_resolver(Arc::new(Resolver(Arc::clone(lookup)))),
        None => builder,
    };
    careful(builder, way)
        .gzip(true)
        .connect_timeout(settings.limits.connect_timeout)
        .pool_idle_timeout(IDLE)
        // Never more than have been in flight; how many that will be, a desk may say later.
        .pool_max_idle_per_host(usize::MAX)
        .build()
        .map_err(|source| ConnectionError::Client {
            desk: desk.clone(),
            source: source.without_url(),
        })
}

/// Finds addresses as the settings say.
struct Resolver(Arc<settings::Lookup>);

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        // The port is the URL's.
        let found = (self.0)(name.as_str()).map(|all| all.into_iter().map(|address| SocketAddr::new(address, 0)));
        Box::pin(std::future::ready(match found {
            Ok(found) => Ok(Box::new(found) as reqwest::dns::Addrs),
            Err(error) => Err(error.into()),
        }))
    }
}

/// What protects the way of requests.
pub(crate) enum Way {
    /// TLS. The system's authorities are trusted, and these.
    Tls(Vec<reqwest::Certificate>),
    /// Nothing.
    Plain {
        /// Whether it may lead to another machine.
        leaves_machine: bool,
    },
}

/// What is the same for all our HTTP: no redirects, no retries, no proxies.
pub(crate) fn careful(builder: reqwest::ClientBuilder, way: Way) -> reqwest::ClientBuilder {
    // The process has one provider of cryptography. If something else has installed one first, that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = builder
        .user_agent(concat!("deskvault/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy();
    match way {
        Way::Tls(authorities) if authorities.is_empty() => builder,
        Way::Tls(authorities) => builder.tls_certs_merge(authorities),
        // The certificates are never used: plain HTTP is never redirected to TLS. It spares reading the system's, and
        // works where there are none.
        Way::Plain { leaves_machine: true } => builder.tls_certs_only([]),
        Way::Plain { leaves_machine: false } => {
            // `localhost` is let pass as this machine; a resolver that leads the name elsewhere is not asked. The
            // port is the URL's.
            let here = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
            let here = here.map(|address| SocketAddr::new(address, 0));
            builder.tls_certs_only([]).resolve_to_addrs("localhost", &here)
        }
    }
}

/// The certificates of a PEM file; at least one.
pub(crate) fn authorities(path: &Path) -> std::io::Result<Vec<reqwest::Certificate>> {
    let invalid = |why: String| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    let pem = std::fs::read(path)?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| invalid(error.to_string()))?;
    if found.is_empty() {
        return Err(invalid("there is no certificate in it".into()));
    }
    Ok(found)
}

/// Numbers in `0.0..1.0` that differ from process to process. Only to spread retries: they need not be unguessable.
pub(crate) fn chance() -> impl Fn() -> f64 + Send + Sync {
    let (state, count) = (RandomState::new(), AtomicU64::new(0));
    move || {
        let bits = state.hash_one(count.fetch_add(1, Ordering::Relaxed)) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}
