//! The accounts host: tokens for codes and refresh tokens, and the page on which a person consents.

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Method, Request, Response};
use serde_json::{Value, json};

use crate::server::Shared;
use crate::server::body::Payload;
use crate::server::faults::{self, Fault};
use crate::server::http::{page, respond};
use crate::server::oauth::{Granted, Refusal};
use crate::server::params::{Pairs, pairs};
use crate::server::stats::add;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html;charset=UTF-8");
/// Most bytes of a form.
const MAX_FORM: usize = 16 * 1024;

/// Answers a request to the accounts host. It does not count as in flight, costs nothing and has no latency.
pub(crate) async fn handle(shared: &Shared, request: Request<Incoming>) -> Response<Payload> {
    let number = add(&shared.counters.token_requests, 1);
    let settings = &shared.settings;
    // Numbered apart from the API's requests, whose faults stay where they are however often a token is renewed.
    let fault = faults::draw(&settings.faults, !settings.seed, number);
    let answer = match fault {
        Some(Fault::Failed) => respond(500, JSON, r#"{"error":"internal_error"}"#),
        Some(Fault::Gateway(status)) => page(status),
        _ => serve(shared, request).await,
    };
    if fault == Some(Fault::Slow) {
        tokio::time::sleep(super::http::SLOW).await;
    }
    answer
}

async fn serve(shared: &Shared, request: Request<Incoming>) -> Response<Payload> {
    let (head, body) = request.into_parts();
    let Ok(form) = Limited::new(body, MAX_FORM)
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
    else {
        return respond(413, JSON, r#"{"error":"invalid_request"}"#);
    };
    // Parameters are taken from the query and from the form alike.
    let (query, form) = (
        head.uri.query().unwrap_or_default(),
        std::str::from_utf8(&form).unwrap_or_default(),
    );
    let (Ok(mut given), Ok(more)) = (pairs(query), pairs(form)) else {
        return respond(400, JSON, r#"{"error":"invalid_request"}"#);
    };
    given.extend(more);
    match (&head.method, head.uri.path()) {
        (&Method::POST, "/oauth/v2/token") => respond(200, JSON, token(shared, &given).to_string()),
        (&Method::POST, "/oauth/v2/token/revoke") => {
            let revoked = get(&given, "token").is_some_and(|token| shared.tokens().revoke(token));
            let body = if revoked {
                json!({"status": "success"})
            } else {
                json!({"error": "invalid_code"})
            };
            respond(if revoked { 200 } else { 400 }, JSON, body.to_string())
        }
        (&Method::GET, "/oauth/v2/auth") => consent(shared, &given),
        (_, "/oauth/v2/token" | "/oauth/v2/token/revoke" | "/oauth/v2/auth") => page(405),
        _ => page(404),
    }
}

fn get<'a>(given: &'a Pairs<'_>, name: &str) -> Option<&'a str> {
    given
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_ref())
}

/// The answer of the token endpoint: 200, whether it grants or refuses.
fn token(shared: &Shared, given: &Pairs<'_>) -> Value {
    let refused = |refusal| match refusal {
        Refusal::InvalidCode => json!({"error": "invalid_code"}),
        Refusal::InvalidClient => json!({"error": "invalid_client"}),
        Refusal::AccessDenied => json!({
            "error": "access_denied",
            "error_description": "You have made too many requests continuously. Please try again after some time.",
            "status": "failure",
        }),
    };
    let client = get(given, "client_id") == Some(shared.client_id.as_str())
        && get(given, "client_secret") == Some(shared.client_secret.as_str());
    if !client {
        return refused(Refusal::InvalidClient);
    }
    let now = shared.instant();
    match get(given, "grant_type") {
        Some("refresh_token") => {
            let token = get(given, "refresh_token").unwrap_or_default();
            let granted = shared.tokens().refresh(token, now);
            granted.map_or_else(refused, |granted| grant(shared, &granted, None))
        }
        Some("authorization_code") => {
            let code = get(given, "code").unwrap_or_default();
            let granted = shared.tokens().exchange(code, now);
            granted.map_or_else(refused, |(refresh, granted)| grant(shared, &granted, Some(&refresh)))
        }
        _ => json!({"error": "unsupported_grant_type"}),
    }
}

fn grant(shared: &Shared, granted: &Granted, refresh: Option<&str>) -> Value {
    let life = shared.settings.token_life;
    let mut answer = json!({
        "access_token": granted.access,
        "scope": shared.surface.names(granted.scopes, " "),
        // Not the Desk host, as with the real one: who calls it fails.
        "api_domain": "https://www.zohoapis.example",
        "token_type": "Bearer",
        "expires_in": life.as_secs() + u64::from(life.subsec_nanos() > 0),
    });
    if let Some(refresh) = refresh {
        answer["refresh_token"] = refresh.into();
    }
    answer
}

/// Consents at once: redirects with a code, or shows it where there is nowhere to go.
fn consent(shared: &Shared, given: &Pairs<'_>) -> Response<Payload> {
    if get(given, "client_id") != Some(shared.client_id.as_str()) || get(given, "response_type") != Some("code") {
        return respond(
            400,
            HTML,
            "<!DOCTYPE html><title>Sample desk</title><p>client_id or response_type is wrong.</p>",
        );
    }
    let scopes = match get(given, "scope") {
        Some(scopes) => shared
            .surface
            .scopes_of(scopes.split([',', ' ']))
            .both(shared.surface.grantable(&shared.settings)),
        None => shared.surface.granted(&shared.settings),
    };
    let code = shared.tokens().code(scopes, shared.instant());
    let home = |uri: &&str| {
        ["http://localhost", "http://127.0.0.1"].iter().any(|host| {
            // The host and nothing that only begins like it.
            uri.strip_prefix(host)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']))
        })
    };
    let Some(uri) = get(given, "redirect_uri").filter(home) else {
        let text =
            format!("<!DOCTYPE html><title>Sample desk</title><p>The code, to be exchanged once:</p><pre>{code}</pre>");
        return respond(200, HTML, text);
    };
    let join = if uri.contains('?') { '&' } else { '?' };
    let state = get(given, "state")
        .map(|state| format!("&state={}", super::http::percent(state)))
        .unwrap_or_default();
    let accounts = super::http::percent(&shared.origin);
    let mut response = respond(302, HTML, "");
    match HeaderValue::from_str(&format!(
        "{uri}{join}code={code}&location=us&accounts-server={accounts}{state}"
    )) {
        Ok(location) => {
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(_) => page(400),
    }
}
