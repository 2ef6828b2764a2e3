//! The desk on loopback: Zoho Desk's read API and its accounts host, over what a [`Desk`] holds.
//!
//! Start with `http`: it takes a request through all that can become of it. `surface` is the table of endpoints,
//! `params` checks a request against it, `answer` writes what it asks for. `gate`, `oauth` and `faults` decide and
//! know nothing of HTTP.

mod answer;
mod body;
mod error;
mod faults;
mod gate;
mod http;
mod oauth;
mod params;
mod peek;
mod reply;
mod route;
mod stats;
mod surface;
#[cfg(test)]
mod tests;
mod times;
mod token;
mod trouble;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::Settings;
use crate::life::{Deed, Done, Life};
use crate::server::faults::mix;
use crate::server::gate::{Credits, Gate};
use crate::server::oauth::Tokens;
use crate::server::route::Router;
use crate::server::stats::Counters;
pub use crate::server::stats::Stats;
use crate::server::surface::Surface;
use crate::server::wire::Wire;
use crate::world::{self, Desk};

/// Why a sample desk did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The port cannot be had.
    #[error("the sample desk cannot listen on 127.0.0.1:{port}; choose another port, or none")]
    Bind {
        /// The port that was asked for; 0 is any.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// A setting names a scope that no endpoint wants: it would change nothing.
    #[error("the sample desk knows no scope \"{name}\"; it knows {}", known.join(", "))]
    Scope {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A setting names a module that it does not serve: it would change nothing.
    #[error("the sample desk has no module \"{name}\"; it has {}", known.join(", "))]
    Module {
        /// The name.
        name: String,
        /// Those that there are: first segments of paths.
        known: Vec<String>,
    },
}

/// A desk that runs until it is dropped.
pub struct SampleDesk {
    shared: Arc<Shared>,
    refresh_token: String,
    task: JoinHandle<()>,
}

/// What all requests share.
struct Shared {
    settings: Settings,
    origin: String,
    desk: Arc<dyn Desk>,
    surface: Surface,
    router: Router,
    /// Bytes that the last answer of each endpoint had.
    rooms: Vec<AtomicUsize>,
    /// When it was opened, and the desk's time then.
    opened: (Instant, i64),
    gate: Gate,
    credits: Credits,
    tokens: Mutex<Tokens>,
    client_id: String,
    client_secret: String,
    requests: AtomicU64,
    /// Requests for a page that has one before it, where it matters.
    later_pages: AtomicU64,
    counters: Counters,
    /// Nothing goes wrong on purpose any more.
    is_healed: AtomicBool,
    /// Asks for the listener to be away for this long.
    away: watch::Sender<Duration>,
}

impl Shared {
    /// The desk's time, for what lives and dies by it: tokens, and how many there are of them in ten minutes.
    fn instant(&self) -> Instant {
        let since = self.desk.now().saturating_sub(self.opened.1);
        self.opened.0 + Duration::from_micros(u64::try_from(since).unwrap_or(0))
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SampleDesk {
    /// Starts a desk with these settings on a port of 127.0.0.1 (any free one, if none is named), served by `runtime`,
    /// whose I/O and time must be enabled.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`]; [`Error::Scope`] and [`Error::Module`] where the settings name what there is not.
    pub fn start(settings: Settings, port: Option<u16>, runtime: &Handle) -> Result<Self, Error> {
        Self::start_with(settings, Life::default(), port, runtime)
    }

    /// Starts a desk that lives so.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(settings: Settings, life: Life, port: Option<u16>, runtime: &Handle) -> Result<Self, Error> {
        let desk = world::build(&settings, life);
        Self::serve(settings, Arc::from(desk), port, runtime)
    }

    /// Starts a desk that holds what `desk` holds.
    pub(crate) fn serve(
        settings: Settings,
        desk: Arc<dyn Desk>,
        port: Option<u16>,
        runtime: &Handle,
    ) -> Result<Self, Error> {
        let port = port.unwrap_or(0);
        let bound = |source| Error::Bind { port, source };
        let surface = Surface::new(&settings);
        surface.check(&settings)?;
        let (listener, address) = bind(port, runtime).map_err(bound)?;
        let (tokens, refresh_token) = Tokens::new(settings.seed, settings.token_life, surface.granted(&settings));
        let daily = settings
            .credits
            .unwrap_or_else(|| gate::daily_credits(settings.edition, answer::few::users(&*desk)));
        let origin = format!("http://{address}");
        desk.set_base(&origin);
        let shared = Arc::new(Shared {
            origin,
            router: Router::new(&surface.endpoints),
            opened: (Instant::now(), desk.now()),
            rooms: surface.endpoints.iter().map(|_| AtomicUsize::new(0)).collect(),
            gate: Gate::new(
                settings
                    .concurrency
                    .unwrap_or_else(|| gate::concurrency(settings.edition)),
            ),
            credits: Credits::new(daily, settings.midnight, desk.now()),
            tokens: Mutex::new(tokens),
            client_id: format!("1000.SAMPLE{:016X}", mix(settings.seed)),
            client_secret: format!("{:016x}{:016x}", mix(!settings.seed), mix(mix(settings.seed))),
            requests: AtomicU64::new(0),
            later_pages: AtomicU64::new(0),
            counters: Counters::new(surface.endpoints.len()),
            is_healed: AtomicBool::new(false),
            away: watch::Sender::default(),
            surface,
            desk,
            settings,
        });
        let task = runtime.spawn(accept(listener, address, Arc::clone(&shared)));
        Ok(Self {
            shared,
            refresh_token,
            task,
        })
    }

    /// Its origin, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.shared.origin
    }

    /// Where the API begins.
    pub fn base_url(&self) -> String {
        format!("{}/api/v1", self.shared.origin)
    }

    /// The accounts host: the token endpoint is `/oauth/v2/token` there.
    pub fn accounts_url(&self) -> &str {
        &self.shared.origin
    }

    /// The organisation's id, for the `orgId` header.
    pub fn org_id(&self) -> String {
        world::ORGANISATION.to_string()
    }

    /// The id of the client that it knows.
    pub fn client_id(&self) -> &str {
        &self.shared.client_id
    }

    /// The secret of that client.
    pub fn client_secret(&self) -> &str {
        &self.shared.client_secret
    }

    /// A refresh token, with all scopes of a reading exporter but the missing ones.
    pub fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    /// A new code of a self client, to be exchanged once within ten minutes. Its scopes are the refresh token's.
    pub fn grant_code(&self) -> String {
        let scopes = self.shared.surface.granted(&self.shared.settings);
        self.shared.tokens().code(scopes, self.shared.instant())
    }

    /// What was asked of it so far.
    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let mut stats = shared.counters.read(&shared.surface.endpoints);
        stats.requests = shared.requests.load(Ordering::Relaxed);
        stats.credits = shared.credits.spent();
        stats.in_flight = shared.gate.greatest();
        stats
    }

    /// Credits that were spent on each day, counted from 1970, of its own time.
    pub fn credits_by_day(&self) -> BTreeMap<i64, u64> {
        self.shared.credits.by_day()
    }

    /// Credits that are left of today's.
    pub fn credits_left(&self) -> u64 {
        self.shared.credits.left(self.shared.desk.now())
    }

    /// Another program of the organisation spends credits, as many of these as there are.
    pub fn spend(&self, credits: u64) {
        let now = self.shared.desk.now();
        for _ in 0..credits {
            if self.shared.credits.charge(1, now).is_err() {
                return;
            }
        }
    }

    /// Closes all connections and refuses new ones for this long, as if the desk had been stopped and started again on the
    /// same port. What it holds and what it gave out stay.
    pub fn leave(&self, time: Duration) {
        self.shared.away.send_replace(time);
    }

    /// Ends all tokens that were given out, the refresh token too, as if a person had revoked them.
    pub fn revoke(&self) {
        self.shared.tokens().end_all();
    }

    /// From now on nothing goes wrong on purpose. Gives a refresh token that is good, whatever became of the others.
    pub fn heal(&self) -> String {
        self.shared.is_healed.store(true, Ordering::Relaxed);
        let scopes = self.shared.surface.granted(&self.shared.settings);
        self.shared.tokens().anew(scopes)
    }

    /// What it holds.
    pub fn desk(&self) -> &dyn Desk {
        &*self.shared.desk
    }

    /// Makes a record, with all that belongs to it: created and modified now. Which one, the number and what is yet to
    /// come decide. None, if [nothing](Life::to_come) is.
    pub fn create(&self, number: u64) -> Option<Done> {
        self.desk().act(Deed::Create, number)
    }

    /// Edits a record that searches find by its modifiedTime, which is now: no comments, since a search does not tell of
    /// theirs, and no archived tickets, which nobody can edit. The number and what is there decide which one.
    pub fn edit(&self, number: u64) -> Option<Done> {
        self.desk().act(Deed::Edit, number)
    }

    /// Deletes a record, with all that belongs to it. The number and what is there decide which one.
    pub fn delete(&self, number: u64) -> Option<Done> {
        self.desk().act(Deed::Delete, number)
    }

    /// Writes every record that a backup holds which reads the desk from the moment `since` on (microseconds since 1970) and
    /// has ended: as [`write_truth`](Self::write_truth), without what was past by then.
    ///
    /// # Errors
    ///
    /// What the writer fails with.
    pub fn write_truth_since(&self, since: i64, out: &mut dyn io::Write) -> io::Result<()> {
        self.shared.desk.truth_since(since, out)
    }

    /// Writes every record that a complete backup holds, one JSON object a line.
    ///
    /// # Errors
    ///
    /// What the writer fails with.
    pub fn write_truth(&self, out: &mut dyn io::Write) -> io::Result<()> {
        self.shared.desk.truth(out)
    }
}

impl Drop for SampleDesk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn bind(port: u16, runtime: &Handle) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _inside = runtime.enter();
    Ok((TcpListener::from_std(listener)?, address))
}

/// How long after a connection could not be taken the next one is.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How long a connection may take to send a head, from the end of the answer before: one that only waits is closed then.
const HEAD_WITHIN: Duration = Duration::from_mins(5);

/// Takes connections until it is aborted, and all of them with it.
async fn accept(mut listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let mut told = false;
    let mut away = shared.away.subscribe();
    loop {
        tokio::select! {
            Ok(()) = away.changed() => {
                let time = *away.borrow_and_update();
                drop(listener);
                connections.shutdown().await;
                tokio::time::sleep(time).await;
                listener = loop {
                    match TcpListener::bind(address).await {
                        Ok(listener) => break listener,
                        Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                    }
                };
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    told = false;
                    // Small answers are not held back to be sent with more.
                    let _ = stream.set_nodelay(true);
                    let shared = Arc::clone(&shared);
                    let keep_alive = shared.settings.keep_alive;
                    connections.spawn(async move {
                        let wire = Wire::new(stream);
                        let fate = wire.fate();
                        let service = service_fn(move |request| {
                            let (shared, fate) = (Arc::clone(&shared), fate.clone());
                            async move { http::handle(shared, request, &fate).await }
                        });
                        let served = http1::Builder::new()
                            .timer(TokioTimer::new())
                            .keep_alive(keep_alive)
                            .header_read_timeout(HEAD_WITHIN)
                            .serve_connection(TokioIo::new(wire), service)
                            .await;
                        if let Err(error) = served {
                            tracing::trace!(%error, "a connection ended");
                        }
                    });
                }
                // Out of descriptors, most likely: it is tried again when there may be one.
                Err(error) => {
                    if !told {
                        tracing::warn!(%error, "the sample desk cannot take a connection; it tries again and again");
                    }
                    told = true;
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
