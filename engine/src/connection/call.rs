//! A request, checked and ready to be sent as often as needed.

use std::sync::atomic::AtomicU64;

use plugin_api::{ErrorKind, ExportError, Method, Request};

use super::access::Access;
use super::answer;
use super::headers;
use super::target::Base;

/// A checked request, as yet without credentials.
pub(super) struct Call {
    /// What is sent. Its body is text, hence each try can have a copy, which shares the bytes.
    pub(super) request: reqwest::Request,
    /// Method and path, for messages: a query may hold what is nobody's business.
    pub(super) name: String,
    /// By which it was admitted to its try.
    pub(super) permit: AtomicU64,
    /// Credits that it has cost.
    pub(super) charged: AtomicU64,
}

impl Call {
    /// Checks what an exporter asks for; anything it may not ask is [`ErrorKind::Misuse`].
    pub(super) fn new(asked: Request, base: &Base, access: &dyn Access) -> Result<Self, ExportError> {
        let method = match asked.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let path: String = asked
            .path
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        let name = format!("{method} {}", path.escape_debug());
        let misuse = |why: String| ExportError::new(ErrorKind::Misuse, format!("{name}: {why}"));
        if asked.method == Method::Get && asked.body.is_some() {
            return Err(misuse("a GET has no body: use POST".into()));
        }
        let url = base.resolve(&asked).map_err(misuse)?;
        let headers = headers::checked(&asked, access).map_err(misuse)?;
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = asked.body.map(Into::into);
        Ok(Self {
            request,
            name,
            permit: AtomicU64::new(0),
            charged: AtomicU64::new(0),
        })
    }

    /// The same request, to be admitted and charged by itself. `None` where its body can't be sent twice.
    pub(super) fn again(&self) -> Option<Self> {
        Some(Self {
            request: self.request.try_clone()?,
            name: self.name.clone(),
            permit: AtomicU64::new(0),
            charged: AtomicU64::new(0),
        })
    }

    /// Whether JSON and nothing else is asked for.
    pub(super) fn wants_json(&self) -> bool {
        let accept = self.request.headers().get(reqwest::header::ACCEPT);
        accept
            .and_then(|value| value.to_str().ok())
            .is_some_and(answer::names_json)
    }
}
