//! Errors of the API, as it words them.

use std::fmt::Write as _;

/// An answer that says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The field that is wrong, and how: invalid, missing, duplicate.
    pub(crate) field: Option<(String, &'static str)>,
    /// Seconds, for `Retry-After`.
    pub(crate) retry_after: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            field: None,
            retry_after: None,
        }
    }

    pub(crate) fn extra(name: &str) -> Self {
        Self::new(
            422,
            "UNPROCESSABLE_ENTITY",
            format!("Extra query parameter '{name}' is present in the input."),
        )
        .at(name, "invalid")
    }

    pub(crate) fn range(name: &str, min: u64, max: u64) -> Self {
        Self::new(
            422,
            "UNPROCESSABLE_ENTITY",
            format!("The value passed for field '{name}' exceeds the range of '{min}-{max}'."),
        )
        .at(name, "invalid")
    }

    pub(crate) fn invalid(name: &str) -> Self {
        Self::new(
            422,
            "INVALID_DATA",
            format!("The value passed for field '{name}' is not valid."),
        )
        .at(name, "invalid")
    }

    /// What the live desk would answer and this one cannot, in words.
    pub(crate) fn refused(name: &str, why: impl Into<String>) -> Self {
        Self::new(422, "INVALID_DATA", why).at(name, "invalid")
    }

    pub(crate) fn unserved(name: &str) -> Self {
        let why = format!("The sample desk has no '{name}': it would have to leave rows out, and does not know which.");
        Self::refused(name, why)
    }

    pub(crate) fn missing(name: &str) -> Self {
        Self::new(
            422,
            "UNPROCESSABLE_ENTITY",
            format!("The query parameter '{name}' is missing."),
        )
        .at(name, "missing")
    }

    pub(crate) fn duplicate(name: &str) -> Self {
        Self::new(
            422,
            "UNPROCESSABLE_ENTITY",
            format!("The query parameter '{name}' is there twice."),
        )
        .at(name, "duplicate")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            404,
            "URL_NOT_FOUND",
            "The URL you requested does not exist, or the record is gone.",
        )
    }

    pub(crate) fn internal() -> Self {
        Self::new(500, "INTERNAL_SERVER_ERROR", "An internal server error occurred.")
    }

    pub(crate) fn throttled() -> Self {
        Self::new(
            429,
            "TOO_MANY_REQUESTS",
            "Too many requests are in flight at the same time.",
        )
    }

    pub(crate) fn spent(seconds: u64) -> Self {
        let mut error = Self::new(
            429,
            "THRESHOLD_EXCEEDED",
            "The API credits of this organisation are used up.",
        );
        error.retry_after = Some(seconds);
        error
    }

    fn at(mut self, name: &str, how: &'static str) -> Self {
        self.field = Some((format!("/{name}"), how));
        self
    }

    /// The error as the API's JSON.
    pub(crate) fn body(&self) -> Vec<u8> {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let mut out = format!("{{\"errorCode\":\"{}\",\"message\":{}", self.code, text(&self.message));
        if let Some((field, how)) = &self.field {
            let field = text(field);
            let _ = write!(
                out,
                ",\"errors\":[{{\"fieldName\":{field},\"errorType\":\"{how}\",\"errorMessage\":{}}}]",
                text(&self.message)
            );
        }
        if self.code == "LICENSE_ACCESS_LIMITED" {
            out.push_str(",\"feature\":\"\",\"editionType\":\"\",\"maxAllowedEntity\":0,\"isTrial\":false");
        }
        out.push('}');
        out.into_bytes()
    }
}
