//! The token endpoint: one POST, one answer.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};

use super::super::access::Later;
use super::super::fetch::chain;
use super::super::target::percent_encode;
use super::grant::{self, Grant, Refusal};
use super::keeper::Source;

/// The largest answer that is read: a token has some hundred bytes.
const LARGEST: usize = 64 << 10;

/// The longest that one try may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where tokens are given, and to whom. What it holds is secret: nothing of it reaches a message.
pub(super) struct Endpoint {
    pub(super) client: Client,
    pub(super) url: Url,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    /// Empty for a client that is about to get one.
    pub(super) refresh_token: String,
}

impl Endpoint {
    /// Tokens for the code that a person was given.
    pub(super) async fn exchange(&self, code: &str) -> Result<Grant, Refusal> {
        self.ask([("grant_type", "authorization_code"), ("code", code)]).await
    }

    async fn ask(&self, more: [(&str, &str); 2]) -> Result<Grant, Refusal> {
        let answered = tokio::time::timeout(PATIENCE, self.post(more))
            .await
            .unwrap_or_else(|_| Err(Refusal::Passing(format!("no answer within {} s", PATIENCE.as_secs()))));
        answered.map_err(|refusal| match refusal {
            // It may be another server than is meant.
            Refusal::Passing(why) => Refusal::Passing(format!("POST {}: {why}", self.url)),
            refusal => refusal,
        })
    }

    async fn post(&self, more: [(&str, &str); 2]) -> Result<Grant, Refusal> {
        let passing = |error: reqwest::Error| Refusal::Passing(chain(&error.without_url()));
        let client = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.as_str()),
        ];
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(more.into_iter().chain(client)));
        let mut response = request.send().await.map_err(passing)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(passing)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(Refusal::Passing(format!(
                    "it answered with {status} and more than a token"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        grant::read(status, &body)
    }
}

impl Source for Endpoint {
    fn fetch(&self) -> Later<'_, Result<Grant, Refusal>> {
        Box::pin(self.ask([("grant_type", "refresh_token"), ("refresh_token", &self.refresh_token)]))
    }
}

fn form<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        percent_encode(value, &mut form);
    }
    form
}
