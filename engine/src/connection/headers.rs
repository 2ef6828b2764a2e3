//! Which headers pass between exporter and desk. Pure.

use plugin_api::Request;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::access::Access;

/// Headers that belong to the connection: who asks, how bytes are transferred, and those by which a request
/// that reads could be turned into one that writes.
const RESERVED: [&str; 20] = [
    "authorization",
    "host",
    "cookie",
    "cookie2",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
    "accept-encoding",
    "user-agent",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "forwarded",
];

/// Whether no exporter may set this header.
fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    RESERVED.contains(&name) || name.starts_with("proxy-") || name.starts_with("x-forwarded-")
}

/// The header that carries the credentials, by its name as configured; none if it is no name, or belongs to the connection.
pub(crate) fn for_credentials(name: &str) -> Option<HeaderName> {
    let header = HeaderName::from_bytes(name.as_bytes()).ok()?;
    (header == AUTHORIZATION || !is_reserved(&header)).then_some(header)
}

/// The headers of an exporter's request. The error says which one is refused; it never shows a value.
pub(super) fn checked(request: &Request, access: &dyn Access) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for (name, value) in &request.headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no name of a header"))?;
        if is_reserved(&header) || access.owns(&header) {
            return Err(format!("the header {header} belongs to the connection: leave it out"));
        }
        // The type lets UTF-8 through; servers read it in different ways.
        let value = Some(value)
            .filter(|value| value.is_ascii())
            .and_then(|value| HeaderValue::from_str(value).ok())
            .ok_or_else(|| format!("the value of the header {header} has characters other than printable ASCII"))?;
        // More than any server takes; beyond the map's own bound it would refuse by panicking.
        if headers.len() >= 100 {
            return Err("it has more than 100 headers".into());
        }
        headers.append(header, value);
    }
    Ok(headers)
}

/// The headers of an answer as exporters see them: cookies are not theirs.
pub(super) fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "set-cookie" | "set-cookie2"))
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::access::Fixed;
    use super::super::settings::{Auth, Secret, SecretSource};
    use std::time::Duration;

    use super::*;

    #[test]
    fn exporters_set_only_what_is_theirs() {
        let auth = Auth::Header {
            name: "X-Api-Key".into(),
            value: SecretSource::Inline(Secret::new("hunter2")),
        };
        let access = Fixed::read("acme", &auth, Duration::ZERO, |_| None).unwrap();
        for (name, value, good) in [
            ("Accept", "application/json", true),
            ("If-None-Match", "\"x\"", true),
            ("orgId", "12345", true),
            ("Authorization", "x", false),
            ("HOST", "x", false),
            ("Cookie", "x", false),
            ("Content-Length", "1", false),
            ("Transfer-Encoding", "chunked", false),
            ("Connection", "close", false),
            ("Proxy-Authorization", "x", false),
            ("X-Forwarded-For", "x", false),
            ("X-HTTP-Method-Override", "DELETE", false),
            ("x-api-key", "x", false),
            ("Accept", "a\r\nX-Evil: 1", false),
            ("Accept", "日本", false),
            ("Bad Name", "x", false),
            ("X:Y", "x", false),
            ("", "x", false),
        ] {
            let read = checked(&Request::get("/x").header(name, value), &access);
            assert_eq!(read.is_ok(), good, "{name}: {read:?}");
        }
        let twice = Request::get("/x").header("A", "1").header("a", "2");
        assert_eq!(checked(&twice, &access).unwrap().get_all("a").iter().count(), 2);
        let many = (0..101).fold(Request::get("/x"), |request, n| request.header(format!("a{n}"), "1"));
        assert!(checked(&many, &access).unwrap_err().contains("100"));
    }

    #[test]
    fn answers_lose_their_cookies() {
        let mut headers = HeaderMap::new();
        headers.append("Set-Cookie", HeaderValue::from_static("session=hunter2"));
        headers.append("X-Odd", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        assert_eq!(shown(&headers), [("x-odd".to_owned(), "caf\u{fffd}".to_owned())]);
    }
}
