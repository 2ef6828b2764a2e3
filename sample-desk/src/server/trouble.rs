//! How each thing that is planned to go wrong goes wrong.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, DATE, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, Uri};

use crate::life::Deed;
use crate::server::Shared;
use crate::server::body::{CutOff, Payload};
use crate::server::error::ApiError;
use crate::server::faults::Garbage;
use crate::server::http::{cut, page, spoil};
use crate::server::wire::Fate;
use crate::settings::Trouble;

/// How long the desk is away when it is down.
const AWAY: Duration = Duration::from_millis(100);
/// How far a clock is off.
const OFF: TimeDelta = TimeDelta::days(1);
/// A piece of an answer without end.
const PIECE: &[u8] = &[b' '; 64 << 10];

/// The answer to request number `number`. The error closes the connection without one.
pub(super) fn answer(
    shared: &Shared,
    mut request: Request<Incoming>,
    trouble: Trouble,
    number: u64,
    wire: &Fate,
) -> Result<Response<Payload>, CutOff> {
    let spoilt = |garbage| Ok(spoil(shared.answer(&request), garbage));
    match trouble {
        Trouble::Throttled => Ok(shared.refuse(&ApiError::throttled(), 0)),
        Trouble::Spent => Ok(shared.refuse(&ApiError::spent(1), 0)),
        Trouble::Failed => Ok(shared.refuse(&ApiError::internal(), 0)),
        Trouble::BadGateway => Ok(page(502)),
        Trouble::Unavailable => Ok(page(503)),
        Trouble::GatewayTimeout => Ok(page(504)),
        Trouble::Busy => Ok(busy()),
        Trouble::Down => {
            shared.away.send_replace(AWAY);
            Err(CutOff)
        }
        Trouble::Closed => Err(CutOff),
        Trouble::Reset => {
            wire.reset();
            Err(CutOff)
        }
        Trouble::HalfBody => cut(shared.answer(&request)),
        Trouble::Stalled => Ok(stalled(shared.answer(&request))),
        Trouble::Endless => Ok(with(shared.answer(&request), |_| {
            Payload::Endless(Bytes::from_static(PIECE))
        })),
        Trouble::WrongLength => Ok(with(shared.answer(&request), |half| Payload::Cut {
            length: half.len() as u64 + 7,
            half,
            flushed: false,
        })),
        Trouble::Html => spoilt(Garbage::Html),
        Trouble::HalfJson => spoilt(Garbage::Half),
        Trouble::NotUtf8 => spoilt(Garbage::NotUtf8),
        Trouble::Nothing => spoilt(Garbage::Nothing),
        Trouble::CutGzip => Ok(packed(shared.answer(&request))),
        Trouble::TokenEnded => {
            shared.tokens().end_access();
            Ok(shared.answer(&request))
        }
        Trouble::Revoked => {
            shared.tokens().end_all();
            Ok(shared.answer(&request))
        }
        Trouble::Deleted | Trouble::Created => {
            let deed = if trouble == Trouble::Deleted {
                Deed::Delete
            } else {
                Deed::Create
            };
            shared.desk.act(deed, number);
            Ok(shared.answer(&request))
        }
        Trouble::Repeats => {
            if let Some(before) = before(request.uri()) {
                *request.uri_mut() = before;
            }
            Ok(shared.answer(&request))
        }
        Trouble::Slow => Ok(shared.answer(&request)),
        Trouble::Ahead => Ok(dated(shared.answer(&request), OFF)),
        Trouble::Behind => Ok(dated(shared.answer(&request), -OFF)),
    }
}

/// The answer with another body, where it has one.
fn with(mut response: Response<Payload>, body: impl FnOnce(Bytes) -> Payload) -> Response<Payload> {
    if let Payload::Whole(bytes) = response.body()
        && !bytes.is_empty()
    {
        *response.body_mut() = body(bytes.clone());
    }
    response
}

fn stalled(response: Response<Payload>) -> Response<Payload> {
    with(response, |whole| Payload::Stalled {
        half: whole.slice(..whole.len().div_ceil(2)),
        length: whole.len() as u64 + 1,
    })
}

/// The answer, packed without making it smaller, and half of that.
fn packed(response: Response<Payload>) -> Response<Payload> {
    if !matches!(response.body(), Payload::Whole(bytes) if bytes.len() > 1) {
        return response;
    }
    let mut response = with(response, |whole| {
        // RFC 1952 and 1951: a head, and a stored block that is the last one.
        let block = &whole[..whole.len().min(usize::from(u16::MAX))];
        let length = block.len() as u16;
        let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
        gzip.extend_from_slice(&length.to_le_bytes());
        gzip.extend_from_slice(&(!length).to_le_bytes());
        gzip.extend_from_slice(&block[..block.len() / 2]);
        Payload::Whole(gzip.into())
    });
    let headers = response.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

fn busy() -> Response<Payload> {
    let mut response = dated(page(503), OFF);
    if let Some(date) = response.headers().get(DATE).cloned() {
        response.headers_mut().insert(RETRY_AFTER, date);
    }
    response
}

/// The answer with the date of a clock that is so far off.
fn dated(mut response: Response<Payload>, off: TimeDelta) -> Response<Payload> {
    let now = DateTime::<Utc>::from(SystemTime::now()) + off;
    let text = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let date = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"));
    response.headers_mut().insert(DATE, date);
    response
}

/// Where the page before the one that is asked for is; none for a first page.
pub(super) fn before(uri: &Uri) -> Option<Uri> {
    let query = uri.query()?;
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name)?.1.parse::<u64>().ok()
    };
    let (from, limit) = (value("from")?, value("limit")?);
    let earlier = from.checked_sub(limit)?;
    let query: Vec<String> = query
        .split('&')
        .map(|pair| {
            if pair.starts_with("from=") {
                format!("from={earlier}")
            } else {
                pair.to_owned()
            }
        })
        .collect();
    format!("{}?{}", uri.path(), query.join("&")).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_later_page_has_one_before_it() {
        for (uri, expected) in [
            ("/tickets?from=200&limit=100", Some("/tickets?from=100&limit=100")),
            ("/tickets?limit=50&from=51&x=1", Some("/tickets?limit=50&from=1&x=1")),
            ("/tickets?from=0&limit=100", None),
            ("/tickets?limit=100", None),
            ("/tickets/1", None),
        ] {
            let found = before(&uri.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{uri}");
        }
    }
}
