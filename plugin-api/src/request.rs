//! A request to the desk, as an exporter describes it. The host adds the base URL, the credentials and the
//! manners: limits, retries, time-outs.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// How a request is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Reads with a body. It must be harmless to repeat: the host retries it like a GET.
    Post,
}

/// A request to the desk, relative to the base URL of its connection.
///
/// ```
/// use plugin_api::Request;
///
/// let request = Request::get("/tickets").query("limit", 100).query("sortBy", "createdTime");
/// assert_eq!(request.path, "/tickets");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// GET unless said otherwise.
    #[serde(default)]
    pub method: Method,
    /// A path below the base URL, e.g. `/tickets/1`; or an absolute URL that the desk itself gave (a link to
    /// the next page), which the host takes only if it lies below the base URL.
    pub path: String,
    /// Query parameters, in order, not yet percent-encoded.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Further headers. The host refuses those that belong to it: `Authorization`, `Host`, `Cookie` and the
    /// headers of the transfer.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body of a POST.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether the exporter does nothing until the answer is there: the host makes such a request before those that were
    /// submitted earlier, which may be many. [`Desk`](crate::Desk) says so of what is waited for alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
}

impl Request {
    /// A GET of `path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// A POST of JSON to `path`, for a desk that takes its searches in a body. It must be harmless to repeat.
    pub fn post_json(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            method: Method::Post,
            path: path.into(),
            body: Some(body.to_string()),
            ..Self::default()
        }
        .header("Content-Type", "application/json")
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
