//! One try of a request: sent, redirected within the desk, its answer read within bounds.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use plugin_api::{ErrorKind, ExportError};
use reqwest::header::{CONTENT_ENCODING, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url};

use super::Admission;
use super::access::{Access, Credentials, Later};
use super::answer::{Answer, Held};
use super::call::Call;
use super::headers;
use super::retry::{self, Class, Failure, Outcome};
use super::settings::Limits;
use super::target::Base;

/// How one try ended.
pub(super) struct Tried {
    /// What it means for the next try.
    pub(super) outcome: Outcome,
    /// What the exporter gets if there is no next try.
    pub(super) result: Result<Answer, ExportError>,
}

impl Tried {
    fn failed(failure: Failure, error: ExportError) -> Self {
        Self {
            outcome: Outcome {
                class: Class::of_failure(failure),
                retry_after: None,
            },
            result: Err(error),
        }
    }
}

/// What a try tells of the desk as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answers, if only to refuse.
    Life,
    /// Perhaps it is down.
    Trouble,
    /// Nothing.
    None,
}

impl Tried {
    /// What it tells of the desk.
    pub(super) fn sign(&self) -> Sign {
        match (self.outcome.class, &self.result) {
            (Class::Passing | Class::Defect, _) => Sign::Trouble,
            // Busy, or in maintenance.
            (Class::Throttled, Ok(answer)) if answer.status == 503 => Sign::None,
            (_, Err(error)) if error.status.is_none() => Sign::None,
            _ => Sign::Life,
        }
    }

    /// What came of it, in words.
    pub(super) fn why(&self) -> String {
        match &self.result {
            Ok(answer) => format!("status {}", answer.status),
            Err(error) => error.message.clone(),
        }
    }
}

/// Makes one try. The queue knows no more of the network than this.
pub(super) trait Fetch: Send + Sync {
    /// Bytes of the answer are put on `held` as they arrive.
    fn fetch<'a>(&'a self, call: &'a Call, held: &'a mut Held) -> Later<'a, Tried>;

    /// Whether a try of it may be made now; see [`Access::admit`].
    fn admit(&self, _call: &Call) -> Admission {
        Admission::Now(0)
    }

    /// Such a try is over; see [`Access::release`].
    fn release(&self, _permit: u64, _sent: bool) {}
}

/// HTTP by reqwest.
pub(super) struct Http {
    pub(super) client: Client,
    pub(super) base: Arc<Base>,
    pub(super) access: Arc<dyn Access>,
    pub(super) desk: String,
    pub(super) limits: Limits,
}

impl Fetch for Http {
    fn admit(&self, call: &Call) -> Admission {
        self.access.admit(call)
    }

    fn release(&self, permit: u64, sent: bool) {
        self.access.release(permit, sent);
    }

    fn fetch<'a>(&'a self, call: &'a Call, held: &'a mut Held) -> Later<'a, Tried> {
        Box::pin(async move {
            // Not within the time of the try: it may have to wait for a new token.
            let credentials = match self.access.authorise().await {
                Ok(credentials) => credentials,
                Err(error) => {
                    // Where the server of the tokens is not to be reached, that passes as other failures do.
                    let failure = match error.kind {
                        ErrorKind::Network => Failure::NoToken,
                        ErrorKind::Http if error.status.is_none() => Failure::NoToken,
                        _ => Failure::Refused,
                    };
                    return Tried::failed(failure, error.at(&call.name));
                }
            };
            let limit = self.limits.request_timeout;
            tokio::time::timeout(limit, self.attempt(call, &credentials, held))
                .await
                .unwrap_or_else(|_| {
                    let why = format!(
                        "no complete answer within {}: ask for less at a time, or raise `request_timeout`",
                        seconds(limit)
                    );
                    Tried::failed(Failure::Late, self.error(call, ErrorKind::Network, &why))
                })
        })
    }
}

impl Http {
    async fn attempt(&self, call: &Call, credentials: &Credentials, held: &mut Held) -> Tried {
        let (answer, retry_after) = match self.exchange(call, credentials, held).await {
            Ok(exchanged) => exchanged,
            Err(tried) => return *tried,
        };
        let judged = self.access.judge(call, credentials, &answer, retry_after);
        let result = match judged.instead {
            None => Ok(answer),
            Some((kind, why)) => {
                let mut error = self.error(call, kind, &why);
                error.status = Some(answer.status);
                Err(error)
            }
        };
        Tried {
            outcome: Outcome {
                class: judged.class,
                retry_after,
            },
            result,
        }
    }

    async fn exchange(
        &self,
        call: &Call,
        credentials: &Credentials,
        held: &mut Held,
    ) -> Result<(Answer, Option<Duration>), Box<Tried>> {
        let response = self.follow(call, credentials).await?;
        let status = response.status().as_u16();
        let retry_after = asked_to_wait(response.headers());
        let headers = headers::shown(response.headers());
        let body = self.read(call, response, held).await?;
        let answer = Answer { status, headers, body };
        Ok((answer, retry_after))
    }

    /// Sends, and follows redirects that stay below the base URL. Credentials go to no other place.
    async fn follow(&self, call: &Call, credentials: &Credentials) -> Result<Response, Box<Tried>> {
        let fatal = |status: StatusCode, why: &str| {
            let mut error = self.error(call, ErrorKind::Http, why);
            error.status = Some(status.as_u16());
            Box::new(Tried::failed(Failure::Redirect, error))
        };
        let mut redirected: Option<Url> = None;
        let mut as_get = false;
        let mut last = StatusCode::FOUND;
        for _ in 0..=self.limits.max_redirects {
            let response = self.send(call, credentials, redirected.as_ref(), as_get).await?;
            let status = response.status();
            let Some(location) = redirect(&response) else {
                return Ok(response);
            };
            let from = redirected.as_ref().unwrap_or_else(|| call.request.url());
            let to = String::from_utf8_lossy(location);
            let to = self.base.follow(from, &to).map_err(|why| fatal(status, &why))?;
            match status {
                StatusCode::SEE_OTHER => as_get = true,
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND
                    if call.request.method() == Method::POST && !as_get =>
                {
                    // Browsers go on with a GET. That would be another question, answered as if it were this one.
                    let why = "it redirects a POST in a way that would lose its body: check the path and `url`";
                    return Err(fatal(status, why));
                }
                _ => {}
            }
            redirected = Some(to);
            last = status;
        }
        let why = format!(
            "it redirects more than {} times (`max_redirects`): the desk may be sending it in a circle",
            self.limits.max_redirects
        );
        Err(fatal(last, &why))
    }

    async fn send(
        &self,
        call: &Call,
        credentials: &Credentials,
        to: Option<&Url>,
        as_get: bool,
    ) -> Result<Response, Box<Tried>> {
        let mut request = call.request.try_clone().ok_or_else(|| {
            let error = self.error(call, ErrorKind::Host, "its body cannot be sent twice");
            Box::new(Tried::failed(Failure::Unsendable, error))
        })?;
        if let Some(to) = to {
            *request.url_mut() = to.clone();
        }
        if as_get {
            *request.method_mut() = Method::GET;
            *request.body_mut() = None;
            request.headers_mut().remove(reqwest::header::CONTENT_TYPE);
        }
        for (name, value) in &credentials.headers {
            request.headers_mut().insert(name, value.clone());
        }
        self.client
            .execute(request)
            .await
            .map_err(|error| Box::new(self.network(call, error)))
    }

    /// Reads the body, never more of it than the limit: what is packed is counted as it is unpacked.
    async fn read(&self, call: &Call, mut response: Response, held: &mut Held) -> Result<Vec<u8>, Box<Tried>> {
        let limit = self.limits.max_response_bytes;
        let too_large = |failure| {
            let why = format!(
                "the answer is larger than {}: ask for less at a time, or raise `max_response`",
                size(limit)
            );
            Box::new(Tried::failed(failure, self.error(call, ErrorKind::TooLarge, &why)))
        };
        // The client has unpacked gzip and taken the header off; what is still there it cannot read.
        if let Some(coding) = response.headers().get(CONTENT_ENCODING)
            && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
            && response.content_length() != Some(0)
        {
            let why = format!("the answer is packed as {coding:?}, though only gzip was offered");
            return Err(Box::new(Tried::failed(
                Failure::Packed,
                self.error(call, ErrorKind::Decode, &why),
            )));
        }
        let announced = response.content_length().unwrap_or(0);
        if announced > limit {
            return Err(too_large(Failure::TooLarge));
        }
        // An announcement is only a claim: up to here it is believed before the bytes are there.
        let mut body = Vec::with_capacity(announced.min(1 << 20) as usize);
        let patience = self.limits.idle_timeout;
        loop {
            let next = tokio::time::timeout(patience, response.chunk()).await.map_err(|_| {
                let why = format!(
                    "the answer stopped behind {} bytes, and nothing more came within {} (`idle_timeout`)",
                    body.len(),
                    seconds(patience)
                );
                Box::new(Tried::failed(
                    Failure::Stalled,
                    self.error(call, ErrorKind::Network, &why),
                ))
            })?;
            let Some(chunk) = next.map_err(|error| Box::new(self.network(call, error)))? else {
                break;
            };
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(too_large(Failure::Endless));
            }
            held.add(chunk.len());
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// A failure below HTTP.
    fn network(&self, call: &Call, error: reqwest::Error) -> Tried {
        let error = error.without_url();
        if let Some(why) = certificate_trouble(&error) {
            let why = format!(
                "the desk's certificate is not trusted ({why}): if it was issued by an authority of your own, name \
                 that authority's certificate as `ca_file`"
            );
            return Tried::failed(Failure::Certificate, self.error(call, ErrorKind::Network, &why));
        }
        let connecting = error.is_connect();
        let why = if connecting && error.is_timeout() {
            let limit = seconds(self.limits.connect_timeout);
            format!("no connection within {limit}: is the desk up and `url` right?")
        } else if connecting {
            format!("no connection ({}): is the desk up and `url` right?", chain(&error))
        } else if error.is_builder() {
            let error = self.error(
                call,
                ErrorKind::Misuse,
                &format!("it cannot be sent ({})", chain(&error)),
            );
            return Tried::failed(Failure::Unsendable, error);
        } else {
            format!("the answer broke off or cannot be read as HTTP ({})", chain(&error))
        };
        let failure = if connecting { Failure::Connect } else { Failure::Broken };
        Tried::failed(failure, self.error(call, ErrorKind::Network, &why))
    }

    fn error(&self, call: &Call, kind: ErrorKind, why: &str) -> ExportError {
        ExportError::new(
            kind,
            format!("desk {} ({}): {}: {why}", self.desk, self.base.origin(), call.name),
        )
    }
}

/// Where a redirect leads; `None` for an answer that is none.
fn redirect(response: &Response) -> Option<&[u8]> {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        .then(|| response.headers().get(LOCATION))
        .flatten()
        .map(reqwest::header::HeaderValue::as_bytes)
}

/// How long an answer asks to wait.
pub(crate) fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    retry::retry_after(text(RETRY_AFTER)?, text(DATE), Utc::now())
}

/// What rustls has against the desk's certificate, if that is why there is no connection.
pub(crate) fn certificate_trouble(error: &reqwest::Error) -> Option<String> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        // An I/O error passes over what it wraps when it is asked for its source.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = match wrapped {
            Some(wrapped) => wrapped.downcast_ref::<rustls::Error>(),
            None => error.downcast_ref::<rustls::Error>(),
        };
        if let Some(tls @ rustls::Error::InvalidCertificate(_)) = tls {
            return Some(tls.to_string());
        }
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// The causes, without the outermost words, which say no more than that a request failed.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = error.source();
    }
    if texts.is_empty() {
        texts.push(error.to_string());
    }
    texts.join(": ")
}

/// A number of bytes as the configuration has it: in the largest unit that leaves no rest.
fn size(bytes: u64) -> String {
    let units = [
        (1 << 30, "GiB"),
        (1_000_000_000, "GB"),
        (1 << 20, "MiB"),
        (1_000_000, "MB"),
        (1 << 10, "KiB"),
        (1000, "kB"),
    ];
    let unit = units.iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(
        || format!("{bytes} B"),
        |(unit, name)| format!("{} {name}", bytes / unit),
    )
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
