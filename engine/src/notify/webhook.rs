//! A notification as an HTTP request: JSON, signed.
//!
//! `X-Deskvault-Signature: v1=<hex>` is HMAC-SHA-256, with the webhook's secret, of what `X-Deskvault-Timestamp` says (seconds
//! since 1970), a full stop, and the body. A receiver checks it, and refuses a time that is long past.
//!
//! What protects the credentials of a desk protects a webhook as well: no redirect is followed, no proxy used, and plain
//! HTTP stays on this machine unless it is allowed to leave. The answer's body is not read.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use plugin_api::Timestamp;
use reqwest::Url;
use sha2::Sha256;

use super::Webhook;
use super::courier::Failed;
use super::message::Body;
use super::wait::Class;
use crate::archive::Digest;
use crate::connection::{Way, asked_to_wait, authorities, careful, certificate_trouble, chain, is_loopback, secret};

/// Time to connect, and for a whole try.
const CONNECT: Duration = Duration::from_secs(10);
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Whether notifications can be sent to this URL. The error is half a sentence, without what could be a secret.
pub fn check_url(url: &str, allow_plain_http: bool) -> Result<(), String> {
    parse(url, allow_plain_http).map(|_| ())
}

fn parse(text: &str, allow_plain_http: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is no URL ({error})"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(format!("its scheme is {}, not https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or a password in it: notifications are signed with `secret` instead".into());
    }
    if url.scheme() == "http" && !allow_plain_http && !is_loopback(&url) {
        let why = "plain http would show notifications to the network: use https, or set `allow_plain_http = true` if that \
                   network is trusted";
        return Err(why.into());
    }
    Ok(url)
}

/// Scheme, host and port, for messages: what follows may hold a secret.
pub(super) fn origin(url: &str) -> String {
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
    origin.unwrap_or_else(|_| "no URL".to_owned())
}

/// Makes one try.
pub(super) async fn send(webhook: &Webhook, body: &Body, json: String, now: Timestamp) -> Result<(), Failed> {
    let unusable = |why: String| Failed::passing(why);
    let url = parse(&webhook.url, webhook.allow_plain_http).map_err(|why| unusable(format!("`url`: {why}")))?;
    let way = match &webhook.ca_file {
        _ if url.scheme() == "http" => Way::Plain {
            leaves_machine: webhook.allow_plain_http,
        },
        None => Way::Tls(Vec::new()),
        Some(path) => {
            let found = authorities(path);
            Way::Tls(found.map_err(|error| {
                unusable(format!(
                    "the certificates in {} cannot be read: {error}",
                    path.display()
                ))
            })?)
        }
    };
    let client = careful(reqwest::Client::builder(), way)
        .connect_timeout(CONNECT)
        .timeout(TIMEOUT)
        .build()
        .map_err(|error| {
            unusable(format!(
                "the HTTP client cannot be set up: {}",
                chain(&error.without_url())
            ))
        })?;
    let timestamp = now.micros().div_euclid(1_000_000).to_string();
    let mut request = client
        .post(url)
        .header("Content-Type", "application/json")
        .header("X-Deskvault-Id", &body.id)
        .header("X-Deskvault-Timestamp", &timestamp);
    if let Some(source) = &webhook.secret {
        let secret = secret::read(source, |name| std::env::var_os(name))
            .map_err(|why| unusable(format!("the secret in {source} {why}")))?;
        let signature = sign(&secret, &timestamp, &json).ok_or_else(|| unusable("it cannot be signed".into()))?;
        request = request.header("X-Deskvault-Signature", signature);
    }
    let answer = request
        .body(json)
        .send()
        .await
        .map_err(|error| network(&error.without_url()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let code = status.as_u16();
    let (class, why) = match code {
        300..400 => (
            Class::Refused,
            format!("it redirects ({code}), and no redirect is followed: name the place itself as `url`"),
        ),
        408 | 425 | 429 => (Class::Passing, format!("it answers with status {code}")),
        400..500 => (
            Class::Refused,
            format!("it refuses the notification with status {code}: check `url` and `secret`"),
        ),
        _ => (Class::Passing, format!("it answers with status {code}")),
    };
    Err(Failed {
        class,
        asked: asked_to_wait(answer.headers()),
        why,
    })
}

/// The header's value.
fn sign(secret: &str, timestamp: &str, body: &str) -> Option<String> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    let mac = mac
        .chain_update(timestamp)
        .chain_update(".")
        .chain_update(body)
        .finalize();
    Some(format!("v1={}", Digest(mac.into_bytes().into())))
}

/// A failure below HTTP.
fn network(error: &reqwest::Error) -> Failed {
    let why = if let Some(why) = certificate_trouble(error) {
        format!("its certificate is not trusted ({why}): if an authority of your own issued it, name that as `ca_file`")
    } else if error.is_timeout() {
        format!("it does not answer within {} seconds", TIMEOUT.as_secs())
    } else if error.is_connect() {
        format!("no connection ({})", chain(error))
    } else {
        format!("the answer broke off or cannot be read as HTTP ({})", chain(error))
    };
    Failed::passing(why)
}

#[cfg(test)]
mod tests {
    use super::{check_url, origin, sign};

    #[test]
    fn the_signature_is_what_others_compute() {
        // printf %s '1931065200.{"id":"x","desk":"票"}' | openssl dgst -sha256 -hmac 'a secret'
        assert_eq!(
            sign("a secret", "1931065200", "{\"id\":\"x\",\"desk\":\"票\"}").as_deref(),
            Some("v1=2b35a9a824ae4869649ced9dbcd032e0af1caf07c193cc976c9ad97c46b32a18")
        );
    }

    #[test]
    fn a_url_is_safe_or_refused_in_words() {
        for (url, allow, expected) in [
            ("https://hooks.example/T0/secret?x=1", false, Ok(())),
            ("http://127.0.0.1:8080/x", false, Ok(())),
            ("http://localhost/x", false, Ok(())),
            ("http://[::1]/x", false, Ok(())),
            ("http://hooks.example/secret", false, Err("plain http")),
            ("http://127.0.0.1.example/secret", false, Err("plain http")),
            ("http://hooks.example/x", true, Ok(())),
            ("ftp://hooks.example/secret", true, Err("its scheme is ftp")),
            ("https://me:secret@hooks.example/", false, Err("user name")),
            ("hooks.example/secret", false, Err("no URL")),
            ("", false, Err("no URL")),
        ] {
            match (check_url(url, allow), expected) {
                (Ok(()), Ok(())) => {}
                (Err(why), Err(expected)) => assert!(why.contains(expected) && !why.contains("example"), "{why}"),
                (checked, _) => panic!("{url}: {checked:?}"),
            }
        }
        assert_eq!(
            origin("https://hooks.example:8443/secret?secret#secret"),
            "https://hooks.example:8443"
        );
        assert_eq!(origin("secret"), "no URL");
    }
}
