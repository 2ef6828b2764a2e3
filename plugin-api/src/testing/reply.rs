//! What a fake desk answers.

use std::fmt::Display;

use crate::{ErrorKind, ExportError};

/// The answer of a fake desk to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) outcome: Result<Answer, ExportError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// JSON: a text, or a [`serde_json::Value`].
    pub fn json(status: u16, body: impl Display) -> Self {
        Self::bytes(status, body.to_string()).header("content-type", "application/json")
    }

    /// Any body.
    pub fn bytes(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            outcome: Ok(Answer {
                status,
                headers: Vec::new(),
                body: body.into(),
            }),
        }
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self::bytes(status, Vec::new())
    }

    /// 204: there is nothing.
    pub fn empty() -> Self {
        Self::status(204)
    }

    /// No answer: the desk can't be reached, or breaks off.
    pub fn network_error() -> Self {
        Self::failure(ErrorKind::Network, "the fake desk can't be reached")
    }

    /// No answer, for another reason, e.g. [`ErrorKind::TooLarge`].
    pub fn failure(kind: ErrorKind, message: &str) -> Self {
        Self {
            outcome: Err(ExportError::new(kind, message)),
        }
    }

    /// Adds a header. A reply that is a failure has none.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(answer) = &mut self.outcome {
            answer.headers.push((name.to_lowercase(), value.to_owned()));
        }
        self
    }

    /// The body, if it is a 2xx answer with JSON in it.
    pub(crate) fn to_value(&self) -> Option<serde_json::Value> {
        let answer = self.outcome.as_ref().ok()?;
        let success = (200..300).contains(&answer.status);
        success.then(|| serde_json::from_slice(&answer.body).ok()).flatten()
    }

    /// The same answer with another body.
    pub(crate) fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        if let Ok(answer) = &mut self.outcome {
            answer.body = body.into();
        }
        self
    }
}
