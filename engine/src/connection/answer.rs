//! What comes back, and the account of the bytes that it holds.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::IgnoredAny;

/// The desk's final answer to a request, whatever its status.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case, without cookies.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it says of itself that it is JSON.
    pub(super) fn says_json(&self) -> bool {
        let said = self.headers.iter().find(|(name, _)| name == "content-type");
        said.is_some_and(|(_, value)| names_json(value))
    }
}

/// Whether a type of content is JSON.
pub(super) fn names_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Whether bytes are one whole object or list of JSON, in UTF-8.
pub(super) fn is_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) && parses(body)
}

/// Whether bytes are one value of JSON, in UTF-8.
pub(super) fn parses(body: &[u8]) -> bool {
    // What is skipped is not checked to be UTF-8 by the parser.
    simdutf8::basic::from_utf8(body).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

impl fmt::Debug for Answer {
    /// The head's facts; a body may be a person's letter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Bytes of one body on the connection's account, taken off it when this is dropped.
pub(super) struct Held {
    account: Arc<AtomicU64>,
    bytes: u64,
}

impl Held {
    /// Nothing yet.
    pub(super) fn new(account: &Arc<AtomicU64>) -> Self {
        Self {
            account: Arc::clone(account),
            bytes: 0,
        }
    }

    /// Adds what has arrived.
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.account.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// What this body holds.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.account.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
