//! From a request to its answer: what it may, what goes wrong on purpose, how long it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response};

use crate::server::answer::Ask;
use crate::server::body::{CutOff, Payload};
use crate::server::error::ApiError;
use crate::server::faults::{self, Cut, Fault, Garbage};
use crate::server::gate;
use crate::server::params::{Params, pairs};
use crate::server::reply::Reply;
use crate::server::route::Route;
use crate::server::stats::add;
use crate::server::surface::{Credit, Endpoint};
use crate::server::wire::Fate;
use crate::server::{Shared, token, trouble};
use crate::settings::Trouble;
use crate::world::ORGANISATION;

/// Where the API begins.
const BASE: &str = "/api/v1";
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html;charset=UTF-8");
/// How much longer a slow answer takes.
pub(crate) const SLOW: Duration = Duration::from_secs(1);

/// What the timer cannot tell apart.
const TIMER: Duration = Duration::from_millis(1);
/// The page that a gateway or a login wall gives in place of an answer.
const PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Please wait</title></head><body><h1>Something went wrong</h1></body></html>\n";

/// Answers one request. The error closes the connection without an answer.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    wire: &Fate,
) -> Result<Response<Payload>, CutOff> {
    if request.uri().path().starts_with("/oauth/") {
        return Ok(token::handle(&shared, request).await);
    }
    let arrived = Instant::now();
    let number = add(&shared.requests, 1);
    let Some(pass) = shared.gate.enter() else {
        add(&shared.counters.over_cap, 1);
        shared.counters.status(429);
        shared.desk.change(number);
        return Ok(shared.refuse(&ApiError::throttled(), 0));
    };
    let may_repeat = shared
        .settings
        .planned
        .iter()
        .any(|planned| planned.trouble == Trouble::Repeats);
    let is_later_page = may_repeat && trouble::before(request.uri()).is_some();
    let later_page = is_later_page.then(|| add(&shared.later_pages, 1));
    let is_healed = shared.is_healed.load(Ordering::Relaxed);
    let fault = faults::meet(&shared.settings, (number, later_page), request.uri().path()).filter(|_| !is_healed);
    let answer = match fault {
        Some(Fault::Planned(planned)) => trouble::answer(&shared, request, planned, number, wire),
        Some(Fault::Throttled) => Ok(shared.refuse(&ApiError::throttled(), 0)),
        Some(Fault::Failed) => Ok(shared.refuse(&ApiError::internal(), 0)),
        Some(Fault::Gateway(status)) => Ok(page(status)),
        Some(Fault::Cut(Cut::BeforeHead)) => Err(CutOff),
        Some(Fault::Cut(Cut::InBody)) => cut(shared.answer(&request)),
        Some(Fault::Garbage(garbage)) => Ok(spoil(shared.answer(&request), garbage)),
        Some(Fault::Slow) | None => Ok(shared.answer(&request)),
    };
    shared.desk.change(number);
    let mut takes = shared.settings.latency;
    if fault.is_some() {
        add(&shared.counters.faults, 1);
        if matches!(fault, Some(Fault::Slow | Fault::Planned(Trouble::Slow))) {
            takes += SLOW;
        }
    }
    if !takes.is_zero() {
        // The timer counts whole milliseconds and rounds up twice: the answer would be later by one and a half.
        let until = arrived + takes;
        tokio::time::sleep_until((arrived + takes.saturating_sub(TIMER)).into()).await;
        while Instant::now() < until {
            tokio::task::yield_now().await;
        }
    }
    shared
        .counters
        .status(answer.as_ref().map_or(0, |answer| answer.status().as_u16()));
    add(
        &shared.counters.bytes,
        answer.as_ref().map_or(0, |answer| answer.body().len()),
    );
    // It stops counting before its first byte is sent: who sends the next request upon an answer is never one over.
    drop(pass);
    answer
}

impl Shared {
    /// The answer as it should be.
    pub(super) fn answer(&self, request: &Request<Incoming>) -> Response<Payload> {
        let path = request.uri().path().strip_prefix(BASE).unwrap_or_default();
        let route = self.router.find(path);
        self.counters.path(route.as_ref().map(|route| route.endpoint));
        let Some(route) = route else {
            return self.refuse(&ApiError::not_found(), 0);
        };
        let endpoint = &self.surface.endpoints[route.endpoint];
        let checked = self.may(request, endpoint).and_then(|()| {
            let params = Params::read(request.uri().query().unwrap_or_default(), endpoint)?;
            let cost = cost(endpoint, &params);
            self.credits.charge(cost, self.desk.now()).map_err(ApiError::spent)?;
            Ok((params, cost))
        });
        match checked {
            Ok((params, cost)) => match self.ask(endpoint, &route, &params) {
                Ok(reply) => self.reply(reply, cost, route.endpoint),
                Err(error) => self.refuse(&error, cost),
            },
            Err(error) => self.refuse(&error, 0),
        }
    }

    fn ask(&self, endpoint: &Endpoint, route: &Route<'_>, params: &Params<'_>) -> Result<Reply, ApiError> {
        let room = self.rooms[route.endpoint].load(Ordering::Relaxed);
        Ask {
            desk: &*self.desk,
            settings: &self.settings,
            endpoint,
            route,
            params,
            room,
        }
        .answer()
    }

    /// Whether this request may be made at all: method, token, organisation, scopes, edition, profile.
    fn may(&self, request: &Request<Incoming>, endpoint: &Endpoint) -> Result<(), ApiError> {
        if request.method() != Method::GET {
            return Err(ApiError::new(
                405,
                "METHOD_NOT_ALLOWED",
                "The method is not allowed for this URL.",
            ));
        }
        let header = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let (scheme, token) = header.split_once(' ').unwrap_or_default();
        if !["zoho-oauthtoken", "bearer"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            return Err(ApiError::new(
                401,
                "UNAUTHORIZED",
                "You are not authenticated to perform this operation.",
            ));
        }
        let scopes = self.tokens().scopes(token.trim(), self.instant());
        let invalid = || ApiError::new(401, "INVALID_OAUTH", "The OAuth Token you provided is invalid.");
        let scopes = scopes.ok_or_else(invalid)?;
        if endpoint.org_id {
            org(request)?;
        }
        if !endpoint.scopes.iter().all(|any| scopes.meets(*any)) {
            return Err(ApiError::new(
                403,
                "SCOPE_MISMATCH",
                "The OAuth Token does not have the scope for this URL.",
            ));
        }
        if self.settings.unlicensed.contains(&endpoint.module) {
            return Err(ApiError::new(
                403,
                "LICENSE_ACCESS_LIMITED",
                "Your edition does not have this feature.",
            ));
        }
        if self.settings.forbidden.contains(&endpoint.module) {
            return Err(ApiError::new(
                403,
                "FORBIDDEN",
                "You do not have the permission to perform this operation.",
            ));
        }
        Ok(())
    }

    fn reply(&self, reply: Reply, cost: u64, endpoint: usize) -> Response<Payload> {
        let mut response = Response::new(Payload::empty());
        match reply {
            Reply::Empty => *response.status_mut() = hyper::StatusCode::NO_CONTENT,
            Reply::Json(body) => {
                // Room for the next answer of this kind; not for one with a huge record in it.
                self.rooms[endpoint].store((body.len() + body.len() / 8).min(1 << 20), Ordering::Relaxed);
                response.headers_mut().insert(CONTENT_TYPE, JSON);
                *response.body_mut() = Payload::Whole(body.into());
            }
            Reply::Bytes { name, bytes } => {
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
                let value = format!("attachment; filename*=UTF-8''{}", percent(&name));
                if let Ok(value) = HeaderValue::from_str(&value) {
                    headers.insert(CONTENT_DISPOSITION, value);
                }
                *response.body_mut() = Payload::Whole(bytes.into());
            }
        }
        self.weigh(&mut response, cost);
        response
    }

    pub(super) fn refuse(&self, error: &ApiError, cost: u64) -> Response<Payload> {
        let mut response = respond(error.status, JSON, error.body());
        if let Some(seconds) = error.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        self.weigh(&mut response, cost);
        response
    }

    fn weigh(&self, response: &mut Response<Payload>, cost: u64) {
        let headers = response.headers_mut();
        headers.insert("x-rate-limit-request-weight-v3", HeaderValue::from(cost));
        headers.insert(
            "x-rate-limit-remaining-v3",
            HeaderValue::from(self.credits.left(self.desk.now())),
        );
    }
}

/// What a call costs. A search by one id is as one record.
fn cost(endpoint: &Endpoint, params: &Params<'_>) -> u64 {
    match endpoint.credit {
        Credit::One => 1,
        Credit::List if params.text("id").is_some_and(|ids| !ids.contains(',')) => 1,
        Credit::List => gate::list_cost(params.offset(endpoint)),
    }
}

/// The organisation that is asked, in the header or the query.
fn org(request: &Request<Incoming>) -> Result<(), ApiError> {
    let header = request
        .headers()
        .get("orgId")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let given = header.or_else(|| {
        let pairs = pairs(request.uri().query()?).ok()?;
        pairs
            .into_iter()
            .find(|(name, _)| name == "orgId")
            .map(|(_, value)| value.into_owned())
    });
    match given.and_then(|id| id.parse::<u64>().ok()) {
        None => Err(ApiError::internal()),
        Some(ORGANISATION) => Ok(()),
        Some(_) => Err(ApiError::new(
            403,
            "OAUTH_ORG_MISMATCH",
            "The organisation is not the one of the OAuth Token.",
        )),
    }
}

pub(crate) fn respond(status: u16, content: HeaderValue, body: impl Into<Bytes>) -> Response<Payload> {
    let mut response = Response::new(Payload::Whole(body.into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, content);
    response
}

/// An HTML page in place of an answer.
pub(crate) fn page(status: u16) -> Response<Payload> {
    respond(status, HTML, PAGE)
}

/// The answer, half of it; or none of it, if it has no body.
pub(super) fn cut(mut response: Response<Payload>) -> Result<Response<Payload>, CutOff> {
    let length = response.body().len();
    match response.body_mut() {
        Payload::Whole(bytes) if length > 1 => {
            let half = bytes.slice(..bytes.len() / 2);
            *response.body_mut() = Payload::Cut {
                half,
                length,
                flushed: false,
            };
            Ok(response)
        }
        _ => Err(CutOff),
    }
}

/// An answer that says 200 and is no JSON. The bytes of an attachment could not be told from spoilt ones, nor could
/// an error be made into a success that never was: both stay.
pub(super) fn spoil(response: Response<Payload>, garbage: Garbage) -> Response<Payload> {
    let Payload::Whole(body) = response.body() else {
        return response;
    };
    if response.status().as_u16() >= 300 || response.headers().contains_key(CONTENT_DISPOSITION) {
        return response;
    }
    match garbage {
        Garbage::Half if body.len() > 1 => {
            let half = body.slice(..body.len() / 2);
            respond(200, JSON, half)
        }
        Garbage::NotUtf8 if body.len() > 1 => {
            let mut spoilt = body.to_vec();
            let middle = spoilt.len() / 2;
            spoilt[middle..].iter_mut().take(16).for_each(|byte| *byte = 0xFE);
            respond(200, JSON, spoilt)
        }
        Garbage::Nothing => respond(200, JSON, Bytes::new()),
        _ => page(200),
    }
}

/// A name as headers have it.
pub(crate) fn percent(name: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
