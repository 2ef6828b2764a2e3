//! Zoho Desk: OAuth tokens that are renewed in time, an organisation, credits, and its own table of errors.
//!
//! `centre` knows the data centres; `keeper` holds the one access token, `endpoint` and `grant` fetch it; `judge` says
//! what an answer means; `organisation` what the edition allows; `credits` paces by what the desk charges; `connect` is for the person who grants access.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use plugin_api::{ErrorKind, ExportError};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::access::{Access, Credentials, Judged, Later};
use super::answer::Answer;
use super::call::Call;
use super::error::ConnectionError;
use super::retry::{Class, Policy};
use super::settings::{self, Secret, Settings};
use super::target::Base;
use super::{Account, Admission, Credits, Pause, secret};
use credits::Pacer;
use endpoint::Endpoint;
use judge::Meaning;
use keeper::{Keeper, Source};
use organisation::Organisation;

pub(crate) mod centre;
pub(crate) mod connect;
pub(crate) mod credits;
mod endpoint;
mod grant;
mod judge;
mod keeper;
mod organisation;
#[cfg(test)]
mod tests;

/// The header that names the organisation.
const ORG_ID: HeaderName = HeaderName::from_static("orgid");
/// Credits that a call has cost.
const WEIGHT: &str = "x-rate-limit-request-weight-v3";
/// Credits that are left today.
const REMAINING: &str = "x-rate-limit-remaining-v3";

/// Tries in all where the desk answers with 500, which it also does for a while and for no reason.
pub(super) const DEFECT_ATTEMPTS: u32 = 5;

/// How many times as many tries where the desk has too much to do: its places are shared with all other programs of the
/// organisation, which may hold them for a minute, and the accounts server gives ten tokens in ten minutes.
pub(super) const THROTTLED_PATIENCE: u32 = 2;

/// Requests that are made before it is known what the desk allows.
pub(super) const CAREFUL: usize = organisation::SMALLEST;

/// The access to one Zoho Desk.
pub(super) struct Zoho {
    desk: String,
    wanted_org: Option<String>,
    keeper: Arc<Keeper>,
    organisation: OnceLock<(Option<Organisation>, HeaderValue)>,
    /// All but the access tokens, in every form.
    secrets: Vec<Secret>,
    pacer: Pacer,
    /// Whether the credits of another day are waited for.
    waits: bool,
    /// Where they are not: that they are spent.
    spent: Mutex<Option<Spent>>,
}

/// The credits of the day are spent.
struct Spent {
    /// Until then, or for good.
    until: Option<Instant>,
    why: String,
}

impl Zoho {
    /// Reads the secrets and sets up the client for tokens.
    pub(super) fn open(
        settings: &Settings,
        zoho: &settings::Zoho,
        policy: Policy,
        chance: Box<dyn Fn() -> f64 + Send + Sync>,
    ) -> Result<Self, ConnectionError> {
        let endpoint = endpoint(settings, zoho, true)?;
        let secrets = secret::forms([endpoint.client_secret.clone(), endpoint.refresh_token.clone()]);
        Ok(Self::with(settings, zoho, Box::new(endpoint), secrets, policy, chance))
    }

    fn with(
        settings: &Settings,
        zoho: &settings::Zoho,
        source: Box<dyn Source>,
        secrets: Vec<Secret>,
        policy: Policy,
        chance: Box<dyn Fn() -> f64 + Send + Sync>,
    ) -> Self {
        Self {
            desk: settings.desk.clone(),
            wanted_org: zoho.org_id.clone(),
            keeper: Keeper::new(&settings.desk, source, policy, chance),
            organisation: OnceLock::new(),
            secrets,
            pacer: Pacer::new(
                (&settings.desk, &settings.url),
                &settings.pacing,
                &zoho.accounts_url,
                zoho.org_id.as_deref(),
            ),
            waits: settings.pacing.wait,
            spent: Mutex::default(),
        }
    }

    /// Takes the answer to `GET /organizations`: from now on requests name the organisation. Gives the requests that it
    /// answers at one time.
    pub(super) fn introduce(&self, answer: &Answer) -> Result<usize, ConnectionError> {
        let unclear = |why: String| ConnectionError::Organisation {
            desk: self.desk.clone(),
            why,
        };
        let denied = |code: Option<String>| ConnectionError::Desk {
            desk: self.desk.clone(),
            why: format!(
                "the desk does not tell its organisation, but {} {}: is `data_center` (or `desk_url`) right?",
                answer.status,
                crate::config::text::excerpt(&code.unwrap_or_default())
            ),
        };
        let (organisation, id) = match (answer.status, &self.wanted_org) {
            (200..300, wanted) => {
                let body: &[u8] = if answer.body.is_empty() { b"{}" } else { &answer.body };
                let all = organisation::read(body).map_err(|why| ConnectionError::Desk {
                    desk: self.desk.clone(),
                    why,
                })?;
                let chosen = organisation::choose(all, wanted.as_deref()).map_err(unclear)?;
                let id = chosen.id.clone();
                (Some(chosen), id)
            }
            (403, wanted) => {
                let lacking = match judge::code(&answer.body).as_deref() {
                    Some("SCOPE_MISMATCH") => "the scope Desk.basic.READ is missing",
                    Some("FORBIDDEN") => "the profile of who granted access may not read its organisation",
                    code => return Err(denied(code.map(str::to_owned))),
                };
                let Some(id) = wanted else {
                    return Err(unclear(format!(
                        "{lacking}, so that the desk does not tell which it is: grant access with `deskvault connect` as \
                         an administrator and with all scopes, or set `org_id`"
                    )));
                };
                tracing::warn!(
                    "desk {}: {lacking}, so that its edition is not known: at most {CAREFUL} requests in flight unless \
                     `in_flight` says otherwise",
                    self.desk
                );
                (None, id.clone())
            }
            _ => return Err(denied(judge::code(&answer.body))),
        };
        let value = HeaderValue::from_str(&id).map_err(|_| unclear("`org_id` is no number".into()))?;
        let edition = organisation.as_ref().map_or("", |one| one.edition.as_str());
        let in_flight = organisation::in_flight(edition);
        tracing::debug!(org_id = id, edition, in_flight, "desk {}", self.desk);
        self.pacer.introduce(&id, organisation::daily_credits(edition));
        // Told once: a second answer changes nothing.
        let _ = self.organisation.set((organisation, value));
        Ok(in_flight)
    }

    /// Refuses a setting by which no request would ever be made.
    pub(super) fn affordable(&self) -> Result<(), ConnectionError> {
        self.pacer.refused().map_or(Ok(()), |why| {
            Err(ConnectionError::Credits {
                desk: self.desk.clone(),
                why,
            })
        })
    }

    /// The first request was cancelled.
    pub(super) fn cancelled(&self) -> ExportError {
        ExportError::new(ErrorKind::Cancelled, format!("desk {}: cancelled", self.desk))
    }

    /// The first request failed.
    pub(super) fn failed(&self, error: &ExportError) -> ConnectionError {
        let desk = self.desk.clone();
        if error.kind == ErrorKind::Cancelled {
            return ConnectionError::Cancelled { desk };
        }
        let why = self.scrub(&error.message);
        // The name of the desk stands before it anyway.
        let why = why.replacen(&format!("desk {desk}: "), "", 1);
        let why = match why
            .strip_prefix(&format!("desk {desk} ("))
            .and_then(|rest| rest.split_once("): "))
        {
            Some((origin, why)) => format!("{origin}: {why}"),
            None => why,
        };
        ConnectionError::Desk { desk, why }
    }

    /// The name of the desk.
    pub(super) fn desk(&self) -> &str {
        &self.desk
    }

    /// The organisation, once it is known.
    pub(super) fn organisation(&self) -> Option<&Organisation> {
        self.organisation
            .get()
            .and_then(|(organisation, _)| organisation.as_ref())
    }

    /// What a person is told who asks for more than the day's credits.
    fn note_spent(&self, retry_after: Option<Duration>) -> String {
        let when = match retry_after {
            Some(wait) => {
                let minutes = wait.as_secs().div_ceil(60);
                let at = TimeDelta::from_std(wait)
                    .ok()
                    .and_then(|wait| Utc::now().checked_add_signed(wait));
                let at = at.map_or_else(String::new, |at| format!(", at {}", at.format("%Y-%m-%d %H:%M UTC")));
                format!("in {} h {} min{at}", minutes / 60, minutes % 60)
            }
            None => "within 24 hours, often at midnight where the data centre is".to_owned(),
        };
        // As an answer reads that exporters get: by the code they know that no other request will do better.
        let why = format!(
            "429 THRESHOLD_EXCEEDED (the desk's API credits of the day are spent; they return {when}): back up again \
             then, or buy more credits"
        );
        let until = retry_after.and_then(|wait| Instant::now().checked_add(wait));
        *self.spent() = Some(Spent {
            until,
            why: why.clone(),
        });
        why
    }

    /// Why nothing may be asked, where that is so.
    fn refused(&self, now: Instant) -> Option<ExportError> {
        if let Some(why) = self.pacer.refused() {
            // The engine's own: a person has to set it right.
            return Some(ExportError::new(ErrorKind::Host, format!("desk {}: {why}", self.desk)));
        }
        let mut spent = self.spent();
        if spent.as_ref()?.until.is_some_and(|until| now >= until) {
            *spent = None;
        }
        let why = &spent.as_ref()?.why;
        let mut error = ExportError::new(ErrorKind::Http, format!("desk {}: {why}", self.desk));
        error.status = Some(429);
        Some(error)
    }

    /// Takes what the desk says that the call has cost, and what is left.
    fn charge(&self, call: &Call, answer: &Answer) {
        let number = |name: &str| {
            let found = answer.headers.iter().find(|(given, _)| given == name);
            found.and_then(|(_, value)| value.trim().parse::<u64>().ok())
        };
        let (weight, left) = (number(WEIGHT), number(REMAINING));
        // What is refused before it is charged need not say what is left now.
        let left = left.filter(|_| answer.status < 400 || weight.is_some_and(|weight| weight > 0));
        call.charged.fetch_add(weight.unwrap_or(0), Ordering::Relaxed);
        let url = call.request.url();
        let permit = call.permit.load(Ordering::Relaxed);
        self.pacer.answered(permit, url.path(), url.query(), weight, left);
    }

    fn spent(&self) -> MutexGuard<'_, Option<Spent>> {
        // Nothing that can panic is done under this lock.
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn headers(&self) -> Result<Credentials, ExportError> {
        if let Some(error) = self.refused(Instant::now()) {
            return Err(error);
        }
        let token = self.keeper.token().await?;
        let mut value = HeaderValue::from_str(&format!("Zoho-oauthtoken {}", token.secret.expose()))
            .map_err(|_| ExportError::new(ErrorKind::Unauthorized, "the access token cannot be sent in a header"))?;
        value.set_sensitive(true);
        let mut headers = vec![(AUTHORIZATION, value)];
        if let Some((_, id)) = self.organisation.get() {
            headers.push((ORG_ID, id.clone()));
        }
        Ok(Credentials {
            headers,
            token: token.number,
            at: Utc::now(),
        })
    }
}

impl Access for Zoho {
    fn authorise(&self) -> Later<'_, Result<Credentials, ExportError>> {
        Box::pin(self.headers())
    }

    fn owns(&self, header: &HeaderName) -> bool {
        *header == ORG_ID
    }

    fn scrub(&self, text: &str) -> String {
        secret::scrub(&self.keeper.scrub(text), &self.secrets)
    }

    fn judge(&self, call: &Call, credentials: &Credentials, answer: &Answer, retry_after: Option<Duration>) -> Judged {
        self.charge(call, answer);
        let is_content = call.request.url().path().ends_with("/content");
        let meaning = judge::judge(answer.status, &answer.body, is_content, retry_after);
        if meaning == Meaning::Outdated {
            self.keeper.refused(credentials.token);
        } else {
            self.keeper.taken(credentials.token);
        }
        let instead = |class, kind, why: &str| Judged {
            class,
            instead: Some((kind, why.to_owned())),
        };
        match meaning {
            Meaning::Answer => Class::Final.into(),
            Meaning::Again(class) => class.into(),
            Meaning::Broken(why) => instead(Class::Passing, ErrorKind::Decode, why),
            Meaning::Outdated => instead(
                Class::Outdated,
                ErrorKind::Unauthorized,
                "the desk refuses the access token, and new ones too: is `data_center` the one where the refresh token \
                 was granted?",
            ),
            Meaning::Spent if self.waits => {
                self.pacer.spent(retry_after);
                Class::Spent.into()
            }
            Meaning::Spent => instead(Class::Final, ErrorKind::Http, &self.note_spent(retry_after)),
            Meaning::Refused(kind, why) => instead(Class::Final, kind, why),
        }
    }

    fn admit(&self, call: &Call) -> Admission {
        let url = call.request.url();
        self.pacer.admit(url.path(), url.query())
    }

    fn release(&self, permit: u64, sent: bool) {
        self.pacer.release(permit, sent);
    }

    fn paused(&self) -> Option<Pause> {
        self.pacer.paused()
    }

    fn account(&self) -> Option<Account> {
        self.pacer.account()
    }

    fn credits(&self) -> Option<Credits> {
        self.pacer.credits()
    }
}

/// The token endpoint of a desk. `with_token`: the refresh token has to be there.
fn endpoint(settings: &Settings, zoho: &settings::Zoho, with_token: bool) -> Result<Endpoint, ConnectionError> {
    let desk = &settings.desk;
    let read = |what: &'static str, source: &settings::SecretSource| {
        secret::read(source, |name| std::env::var_os(name)).map_err(|why| ConnectionError::Secret {
            desk: desk.clone(),
            what,
            place: source.to_string(),
            why,
        })
    };
    let refresh_token = if with_token {
        read("refresh token", &zoho.refresh_token).map_err(|error| advised(error, desk))?
    } else {
        String::new()
    };
    let base = Base::new(&zoho.accounts_url, settings.allow_plain_http).map_err(|why| ConnectionError::Url {
        desk: desk.clone(),
        why: format!("of the accounts server: {why}"),
    })?;
    let url = base
        .resolve(&plugin_api::Request::get("/oauth/v2/token"))
        .map_err(|why| ConnectionError::Url {
            desk: desk.clone(),
            why: format!("of the accounts server: {why}"),
        })?;
    Ok(Endpoint {
        client: super::client(reqwest::Client::builder(), settings, &base)?,
        url,
        client_id: read("client id", &zoho.client_id)?,
        client_secret: read("client secret", &zoho.client_secret)?,
        refresh_token,
    })
}

/// Says where a refresh token comes from.
fn advised(error: ConnectionError, desk: &str) -> ConnectionError {
    match error {
        ConnectionError::Secret {
            desk: name,
            what,
            place,
            why,
        } => ConnectionError::Secret {
            desk: name,
            what,
            place,
            why: format!("{why}; `deskvault connect --desk {desk}` gets one"),
        },
        other => other,
    }
}
