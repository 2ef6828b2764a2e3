//! What the token endpoint says. It refuses with HTTP 200 as well: what counts is whether an access token is there. Pure.

use std::time::Duration;

use serde::Deserialize;

use super::super::retry::{Class, Outcome};
use super::super::settings::Secret;

/// How long an access token lives where the answer does not say.
const LIFE: Duration = Duration::from_hours(1);

/// The longest life that is believed.
const LONGEST: Duration = Duration::from_hours(24);

/// Tokens that were given.
pub(in super::super) struct Grant {
    pub(super) access: Secret,
    /// Only for a code.
    pub(super) refresh: Option<Secret>,
    /// How long the access token lives, counted from when it was asked for.
    pub(super) life: Duration,
}

/// Why no token was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Refusal {
    /// The refresh token, or the code, is not valid (any more).
    DeadToken,
    /// The client's id or secret is wrong, or of another data centre.
    Client,
    /// Too many tokens in a short time.
    TooMany,
    /// Another error, by its name; it will not pass.
    Other(String),
    /// A failure that tends to pass.
    Passing(String),
}

/// Reads an answer.
pub(super) fn read(status: u16, body: &[u8]) -> Result<Grant, Refusal> {
    #[derive(Deserialize)]
    struct Said {
        access_token: Option<String>,
        refresh_token: Option<String>,
        expires_in: Option<serde_json::Value>,
        expires_in_sec: Option<serde_json::Value>,
        error: Option<String>,
    }
    let Ok(said) = serde_json::from_slice::<Said>(body) else {
        return Err(Refusal::Passing(format!(
            "it answered with {status} and no JSON object"
        )));
    };
    if let Some(access) = said.access_token.filter(|token| is_token(token)) {
        let life = said.expires_in_sec.or(said.expires_in).as_ref().and_then(seconds);
        return Ok(Grant {
            access: Secret::new(access),
            refresh: said.refresh_token.filter(|token| is_token(token)).map(Secret::new),
            // A token of no life would be asked for with each request; whether it is good, the desk says.
            life: life.filter(|life| !life.is_zero()).unwrap_or(LIFE).min(LONGEST),
        });
    }
    let Some(error) = said.error else {
        return Err(Refusal::Passing(format!(
            "it answered with {status} and neither a token nor an error"
        )));
    };
    // Written in several ways: "access_denied", "Access Denied".
    let name = error.trim().to_ascii_lowercase().replace(' ', "_");
    Err(match name.as_str() {
        "invalid_code" | "invalid_grant" | "invalid_token" => Refusal::DeadToken,
        "invalid_client" | "invalid_client_secret" | "unauthorized_client" => Refusal::Client,
        "access_denied" => Refusal::TooMany,
        "general_error" | "internal_error" | "server_error" | "temporarily_unavailable" => {
            Refusal::Passing(format!("it answered with {status} and the error {name}"))
        }
        _ => {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            Refusal::Other(name.chars().take(60).filter(|c| plain(*c)).collect())
        }
    })
}

/// Whether a text can be a token: what cannot stand in a header is none.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4096 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let seconds = match value {
        serde_json::Value::Number(number) => number.as_u64()?,
        serde_json::Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

impl Refusal {
    /// What it means for another try. `pause`: how long to wait where too many tokens were asked for.
    pub(super) fn outcome(&self, pause: Duration) -> Outcome {
        let (class, retry_after) = match self {
            Self::DeadToken | Self::Client | Self::Other(_) => (Class::Final, None),
            Self::TooMany => (Class::Throttled, Some(pause)),
            Self::Passing(_) => (Class::Passing, None),
        };
        Outcome { class, retry_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(status: u16, body: &[u8]) -> String {
        match read(status, body) {
            Ok(grant) => format!(
                "{} {:?} {}",
                grant.access.expose(),
                grant.refresh.as_ref().map(Secret::expose),
                grant.life.as_secs()
            ),
            Err(Refusal::Passing(_)) => "passing".into(),
            Err(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn a_token_counts_and_nothing_else() {
        for (status, body, expected) in [
            (
                200,
                r#"{"access_token":"1000.a.b","expires_in":3600}"#,
                "1000.a.b None 3600",
            ),
            (
                200,
                r#"{"access_token":"a","expires_in":"7","api_domain":"https://www.zohoapis.com"}"#,
                "a None 7",
            ),
            // Milliseconds, and the seconds beside them, as old answers have it.
            (
                200,
                r#"{"access_token":"a","expires_in":3600000,"expires_in_sec":3600}"#,
                "a None 3600",
            ),
            (200, r#"{"access_token":"a","expires_in":99999999999}"#, "a None 86400"),
            (200, r#"{"access_token":"a","expires_in":0}"#, "a None 3600"),
            (
                200,
                r#"{"access_token":"a","expires_in":-1,"refresh_token":"r"}"#,
                "a Some(\"r\") 3600",
            ),
            (200, r#"{"access_token":"a"}"#, "a None 3600"),
            (200, r#"{"error":"invalid_code"}"#, "DeadToken"),
            (400, r#"{"error":"invalid_code"}"#, "DeadToken"),
            (200, r#"{"error":"invalid_client"}"#, "Client"),
            (200, r#"{"error":"invalid_client_secret"}"#, "Client"),
            (
                400,
                r#"{"error_description":"too many requests","error":"Access Denied","status":"failure"}"#,
                "TooMany",
            ),
            (200, r#"{"error":"access_denied"}"#, "TooMany"),
            (200, r#"{"error":"general_error"}"#, "passing"),
            (
                200,
                r#"{"error":"in\u001b[2Jvalid scope"}"#,
                "Other(\"in2jvalid_scope\")",
            ),
            (200, r#"{"access_token":""}"#, "passing"),
            (200, "{\"access_token\":\"a\\r\\nX-Evil: 1\"}", "passing"),
            (200, r#"{"access_token":7}"#, "passing"),
            (200, r#"{"access_token":"a""#, "passing"),
            (200, "<html>", "passing"),
            (200, "", "passing"),
            (502, "<html>bad gateway</html>", "passing"),
            (200, "[]", "passing"),
            (200, "{}", "passing"),
        ] {
            assert_eq!(shown(status, body.as_bytes()), expected, "{body}");
        }
        assert_eq!(shown(200, b"{\"access_token\":\"\xff\"}"), "passing");
    }
}
