//! The desk's certificate.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plugin_api::{ErrorKind, ExportError, Request};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::super::settings::{Limits, Settings};
use super::super::{Answer, Connection, ConnectionError, Next};
use super::server::{Facts, answer, serve};
use super::{impatient, opened, settings};

fn start(runtime: &Runtime, certificate: CertificateDer<'static>, key: &KeyPair) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, &Facts::default(), &async |_| answer(200, &[], b"over TLS")).await;
                }
            });
        }
    });
    address
}

fn ask(runtime: &Runtime, address: SocketAddr, ca_file: Option<&Path>) -> Result<Answer, ExportError> {
    let limits = Limits::default();
    let settings = Settings {
        ca_file: ca_file.map(Path::to_owned),
        ..settings(&format!("https://{address}"), limits.clone())
    };
    let connection = Connection::open_with(&settings, impatient(&limits), runtime.handle().clone()).unwrap();
    let mut queue = connection.queue(1, &CancellationToken::new());
    queue.submit(Request::get("/x")).unwrap();
    let Next::Done { result, .. } = queue.next() else {
        panic!("it must end")
    };
    assert!(
        result.is_ok() || connection.stats().tries == 1,
        "what is not trusted now is not trusted later"
    );
    result
}

#[test]
fn certificates_are_verified() {
    let runtime = super::runtime();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: String| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let named = |name: &str| CertificateParams::new(vec![name.to_owned()]).unwrap();

    // One that signed itself.
    let key = KeyPair::generate().unwrap();
    let own = named("127.0.0.1").self_signed(&key).unwrap();
    let own_server = start(&runtime, own.der().clone(), &key);
    let own_file = file("own.pem", own.pem());

    // One that an authority signed, and one that it signed for another host.
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let signed = named("127.0.0.1").signed_by(&key, &authority).unwrap();
    let signed_server = start(&runtime, signed.der().clone(), &key);
    let foreign = named("other.example").signed_by(&key, &authority).unwrap();
    let foreign_server = start(&runtime, foreign.der().clone(), &key);
    let authority_file = file("authority.pem", format!("{}\n{}", own.pem(), authority.pem()));

    for (server, ca_file, good) in [
        (own_server, None, false),
        (own_server, Some(&own_file), true),
        (signed_server, None, false),
        (signed_server, Some(&own_file), false),
        (signed_server, Some(&authority_file), true),
        (foreign_server, Some(&authority_file), false),
    ] {
        match ask(&runtime, server, ca_file.map(PathBuf::as_path)) {
            Ok(answer) => assert!(good && answer.body == b"over TLS", "{server} {ca_file:?}"),
            Err(error) => {
                assert!(!good, "{error}");
                assert_eq!(error.kind, ErrorKind::Network);
                assert!(
                    error.message.contains("not trusted") && error.message.contains("`ca_file`"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn a_file_without_certificates_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    for content in [
        None,
        Some(""),
        Some("not PEM"),
        Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let settings = Settings {
            ca_file: Some(path.clone()),
            ..settings("https://desk.example", Limits::default())
        };
        let error = opened(&settings).unwrap_err();
        let named = match &error {
            ConnectionError::CaFile { path: named, .. } => named == &path,
            // Well-formed PEM around what is no certificate is noticed when the client is built.
            ConnectionError::Client { .. } => content.is_some_and(|content| content.contains("BEGIN")),
            _ => false,
        };
        assert!(named, "{content:?}: {error:?}");
    }
}
