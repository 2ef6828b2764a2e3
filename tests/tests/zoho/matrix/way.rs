//! What goes wrong on the way to a desk: names that are not found, handshakes that break off, certificates of others.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deskvault_tests::chance::Chance;
use deskvault_tests::zoho::Desk;
use engine::backup::Plan;
use engine::connection::settings::{Auth, Names};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sample_desk::settings::When;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// A name that no resolver knows.
const NAME: &str = "desk.invalid";

/// What goes wrong with a connection before the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// The name of the desk is not found.
    Name,
    /// The connection is closed or reset in the handshake, or is answered by what is no TLS.
    Handshake,
    /// The certificate is of nobody whom the engine trusts.
    Certificate,
}

impl Break {
    pub(super) const ALL: [Self; 3] = [Self::Name, Self::Handshake, Self::Certificate];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name not found",
            Self::Handshake => "TLS broken off",
            Self::Certificate => "certificate not trusted",
        }
    }
}

/// Which connections meet it, and how many did.
struct Plot {
    what: Break,
    when: When,
    seen: AtomicU64,
    met: AtomicU64,
}

impl Plot {
    /// Whether the next connection meets it, with its number.
    fn next(&self) -> (u64, bool) {
        let number = self.seen.fetch_add(1, Ordering::SeqCst);
        let is_met = match self.when {
            When::Share(share) => Chance::new(number).below(1000) < u64::from(share),
            When::At(first, more) => (first..=first.saturating_add(more)).contains(&number),
        };
        self.met.fetch_add(u64::from(is_met), Ordering::SeqCst);
        (number, is_met)
    }
}

/// A way to a desk on which something goes wrong.
pub(super) struct Way {
    plot: Arc<Plot>,
    _runtime: Option<Runtime>,
}

impl Way {
    /// Leads a plan this way. The desk is to close each connection behind its answer: so each request meets it anew.
    pub(super) fn lead(plan: &mut Plan, desk: &Desk, what: Break, when: When) -> Self {
        let plot = Arc::new(Plot {
            what,
            when,
            seen: AtomicU64::new(0),
            met: AtomicU64::new(0),
        });
        let runtime = (what != Break::Name).then(|| {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(1).enable_all().build();
            runtime.expect("a runtime")
        });
        let to: SocketAddr = desk
            .desk
            .url()
            .trim_start_matches("http://")
            .parse()
            .expect("an address");
        let origin = match &runtime {
            None => {
                let plot = Arc::clone(&plot);
                let lookup = move |name: &str| match plot.next() {
                    (_, false) if name == NAME => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
                    _ => Err(io::Error::other("Name or service not known")),
                };
                plan.connection.names = Names(Some(Arc::new(lookup)));
                plan.connection.allow_plain_http = true;
                format!("http://{NAME}:{}", to.port())
            }
            Some(runtime) => {
                let certificates = Certificates::new();
                let ca_file = desk.folder.path().join("authority.pem");
                std::fs::write(&ca_file, &certificates.authority).expect("a file");
                plan.connection.ca_file = Some(PathBuf::from(&ca_file));
                let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
                let listener = listener.expect("a port");
                let address = listener.local_addr().expect("an address");
                runtime.spawn(listen(listener, to, certificates, Arc::clone(&plot)));
                format!("https://{address}")
            }
        };
        plan.connection.url = format!("{origin}/api/v1");
        if let Auth::Zoho(zoho) = &mut plan.connection.auth {
            zoho.accounts_url = origin;
        }
        Self {
            plot,
            _runtime: runtime,
        }
    }

    /// How many connections met it.
    pub(super) fn met(&self) -> u64 {
        self.plot.met.load(Ordering::SeqCst)
    }
}

/// Certificates of the desk, and who vouches for the first.
struct Certificates {
    /// PEM.
    authority: String,
    trusted: TlsAcceptor,
    untrusted: TlsAcceptor,
}

impl Certificates {
    fn new() -> Self {
        let named = || CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let signed = named().signed_by(&key, &authority).expect("a certificate");
        let own = named().self_signed(&key).expect("a certificate");
        Self {
            authority: authority.pem(),
            trusted: acceptor(signed.der().clone(), &key),
            untrusted: acceptor(own.der().clone(), &key),
        }
    }
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![certificate], key));
    TlsAcceptor::from(Arc::new(config.expect("a configuration")))
}

/// Takes TLS off, and passes on what comes.
async fn listen(listener: TcpListener, to: SocketAddr, certificates: Certificates, plot: Arc<Plot>) {
    let Certificates { trusted, untrusted, .. } = certificates;
    while let Ok((stream, _)) = listener.accept().await {
        let (number, is_met) = plot.next();
        if is_met && plot.what == Break::Handshake {
            tokio::spawn(break_off(stream, number));
            continue;
        }
        let acceptor = if is_met { &untrusted } else { &trusted }.clone();
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            if let Ok(mut desk) = TcpStream::connect(to).await {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut desk).await;
            }
        });
    }
}

async fn break_off(mut stream: TcpStream, number: u64) {
    if number.is_multiple_of(3) {
        let _ = stream.set_zero_linger();
        return;
    }
    let _ = stream.read(&mut [0; 1 << 10]).await;
    if number % 3 == 1 {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    }
}
