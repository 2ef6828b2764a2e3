//! How requests are authorised, and what an answer of the desk means.
//!
//! [`Access`] is the seam between the kinds of connection. Kind `http` has credentials that never change
//! ([`Fixed`]). Kind `zoho` ([`zoho`](super::zoho)) has tokens that expire: it renews them in [`Access::authorise`], which
//! may wait and is called before each try, and gives its own error codes their meaning in [`Access::judge`], which sees
//! the whole answer.

use std::ffi::OsString;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use plugin_api::{ErrorKind, ExportError};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::answer::{self, Answer};
use super::call::Call;
use super::clocks_agree;
use super::error::ConnectionError;
use super::retry::{self, Class, Failure};
use super::secret;
use super::settings::{Auth, Secret};
use super::{Account, Admission, Credits, Pause};

/// What authorises one try.
#[derive(Default)]
pub(super) struct Credentials {
    /// Headers. Their values are marked sensitive.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The number of the token among them, where there is one that expires.
    pub(super) token: u64,
    /// When they were given: its try is not sent before.
    pub(super) at: DateTime<Utc>,
}

/// What an answer means.
pub(super) struct Judged {
    /// What it means for the next try.
    pub(super) class: Class,
    /// What the exporter gets in place of the answer if there is no next try: what sort of failure it is, and half a
    /// sentence that says what to do.
    pub(super) instead: Option<(ErrorKind, String)>,
}

impl From<Class> for Judged {
    fn from(class: Class) -> Self {
        Self { class, instead: None }
    }
}

/// A future behind a trait object.
pub(super) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What differs between kinds of connection.
pub(super) trait Access: Send + Sync {
    /// The credentials for one try. An error ends the request.
    fn authorise(&self) -> Later<'_, Result<Credentials, ExportError>>;

    /// The headers that exporters may not set themselves, beyond those that no connection leaves to them.
    fn owns(&self, header: &HeaderName) -> bool;

    /// The text with every secret in it replaced. What is shorter than six characters is no secret to speak of, and would
    /// be found in many words.
    fn scrub(&self, text: &str) -> String;

    /// What an answer to `call`, made with these credentials, means; by default what HTTP says, and where JSON was asked for
    /// or is announced, whether it is some.
    fn judge(&self, call: &Call, _credentials: &Credentials, answer: &Answer, retry_after: Option<Duration>) -> Judged {
        by_http(call, answer, retry_after)
    }

    /// Whether a request may be started now. One that may is to be [released](Self::release).
    fn admit(&self, _call: &Call) -> Admission {
        Admission::Now(0)
    }

    /// A request that was admitted is over; `sent` unless it never left. What came of it, [`judge`](Self::judge) was told.
    fn release(&self, _permit: u64, _sent: bool) {}

    /// What is waited for, where nothing may be asked before credits return.
    fn paused(&self) -> Option<Pause> {
        None
    }

    /// What the desk gives a day, as far as it is known.
    fn account(&self) -> Option<Account> {
        None
    }

    /// What the desk has charged so far, where it charges.
    fn credits(&self) -> Option<Credits> {
        None
    }
}

/// What an answer means by what HTTP says, and where JSON was asked for or is announced, whether it is some.
fn by_http(call: &Call, answer: &Answer, retry_after: Option<Duration>) -> Judged {
    let is_json = call.wants_json() || answer.says_json();
    if is_json && matches!(answer.status, 200 | 203) && !answer::parses(&answer.body) {
        let why = "the body is not the JSON it should be, or only a part of it".to_owned();
        return Judged {
            class: Class::of_failure(Failure::NotJson),
            instead: Some((ErrorKind::Decode, why)),
        };
    }
    Class::of_status(answer.status, retry_after).into()
}

/// Credentials that are given once: a bearer token, a user and password, a header, or none.
pub(super) struct Fixed {
    credentials: Option<(HeaderName, HeaderValue)>,
    /// The secret in each form in which it is sent or given.
    secrets: Vec<Secret>,
    /// How far the desk's clock may be behind: see [`Settings::search_lag`](super::settings::Settings).
    search_lag: Duration,
    /// Why its clock can't be worked with, if so; by the first answer that has a date.
    clock: OnceLock<Option<String>>,
}

impl Fixed {
    /// Reads the secrets. `env` looks up environment variables.
    pub(super) fn read(
        desk: &str,
        auth: &Auth,
        search_lag: Duration,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConnectionError> {
        let with = |credentials, secrets| Self {
            credentials,
            secrets,
            search_lag,
            clock: OnceLock::new(),
        };
        let refused = |why: String| ConnectionError::Auth {
            desk: desk.to_owned(),
            why,
        };
        let (what, source) = match auth {
            Auth::None => {
                return Ok(with(None, Vec::new()));
            }
            Auth::Bearer(source) => ("bearer token", source),
            Auth::Basic { password, .. } => ("password", password),
            Auth::Header { value, .. } => ("header value", value),
            Auth::Zoho(_) | Auth::Sample(_) => return Err(refused("its tokens expire: it is another kind".into())),
        };
        let fail = |why: &str| ConnectionError::Secret {
            desk: desk.to_owned(),
            what,
            place: source.to_string(),
            why: why.to_owned(),
        };
        let secret = secret::read(source, env).map_err(|why| fail(&why))?;
        let raw = secret.clone();
        let (name, value) = match auth {
            Auth::Bearer(_) => (AUTHORIZATION, format!("Bearer {secret}")),
            Auth::Basic { user, .. } if user.contains(|c: char| c == ':' || c.is_control()) => {
                return Err(refused(format!(
                    "the user name {user:?} has a colon or a control character in it"
                )));
            }
            Auth::Basic { user, .. } => (
                AUTHORIZATION,
                format!("Basic {}", base64(format!("{user}:{secret}").as_bytes())),
            ),
            Auth::Header { name, .. } => {
                let header = super::headers::for_credentials(name)
                    .ok_or_else(|| refused(format!("{name:?} cannot be the header that carries the credentials")))?;
                (header, secret)
            }
            Auth::None | Auth::Zoho(_) | Auth::Sample(_) => return Err(refused("it has no such secret".into())),
        };
        let mut value = Some(value)
            .filter(|value| value.is_ascii())
            .and_then(|value| HeaderValue::from_str(&value).ok())
            .ok_or_else(|| fail("has characters that an HTTP header cannot carry: use printable ASCII"))?;
        value.set_sensitive(true);
        let sent = value.to_str().unwrap_or_default().to_owned();
        let packed = sent.split_once(' ').map_or("", |(_, packed)| packed).to_owned();
        Ok(with(Some((name, value)), secret::forms([sent, packed, raw])))
    }

    /// Why the desk's clock can't be worked with, if so: its date is before the request was sent. What a cache answers for the desk
    /// has the time of then.
    fn clock(&self, sent: DateTime<Utc>, answer: &Answer) -> Option<&str> {
        let header = |name: &str| answer.headers.iter().find(|(given, _)| given == name);
        if self.clock.get().is_none()
            && let Some((_, date)) = header("date").filter(|_| header("age").is_none())
        {
            let behind = retry::behind(Some(date), sent);
            self.clock.get_or_init(|| clocks_agree(behind, self.search_lag).err());
        }
        self.clock.get()?.as_deref()
    }
}

impl Access for Fixed {
    fn authorise(&self) -> Later<'_, Result<Credentials, ExportError>> {
        Box::pin(async {
            Ok(Credentials {
                headers: self.credentials.iter().cloned().collect(),
                token: 0,
                at: Utc::now(),
            })
        })
    }

    fn owns(&self, header: &HeaderName) -> bool {
        self.credentials.as_ref().is_some_and(|(name, _)| name == header)
    }

    fn scrub(&self, text: &str) -> String {
        secret::scrub(text, &self.secrets)
    }

    fn judge(&self, call: &Call, credentials: &Credentials, answer: &Answer, retry_after: Option<Duration>) -> Judged {
        if let Some(why) = self.clock(credentials.at, answer) {
            // The engine's own: a person has to set it right.
            return Judged {
                class: Class::Final,
                instead: Some((ErrorKind::Host, why.to_owned())),
            };
        }
        by_http(call, answer, retry_after)
    }
}

/// RFC 4648 with padding, for `Authorization: Basic`.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let [first, second, third] = [0, 1, 2].map(|place| u32::from(chunk.get(place).copied().unwrap_or(0)));
            let bits = first << 16 | second << 8 | third;
            [0_usize, 1, 2, 3].map(|digit| {
                let value = (bits >> (18 - 6 * digit) & 63) as usize;
                if digit <= chunk.len() {
                    char::from(DIGITS[value])
                } else {
                    '='
                }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::settings::SecretSource;
    use super::*;

    fn read(auth: &Auth) -> Result<String, String> {
        let env = |name: &str| match name {
            "TOKEN" => Some(OsString::from("hunter2")),
            "EMPTY" => Some(OsString::new()),
            "LINES" => Some(OsString::from("hunter2\nX-Evil: 1")),
            _ => None,
        };
        let fixed = Fixed::read("acme", auth, Duration::ZERO, env).map_err(|error| {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
            error.to_string()
        })?;
        let Some((name, value)) = fixed.credentials else {
            return Ok(String::new());
        };
        assert!(value.is_sensitive());
        assert!(!format!("{value:?}").contains("hunter2"));
        Ok(format!("{name}: {}", value.to_str().unwrap()))
    }

    fn env(name: &str) -> SecretSource {
        SecretSource::Env(name.to_owned())
    }

    fn inline(secret: &str) -> SecretSource {
        SecretSource::Inline(Secret::new(secret))
    }

    fn basic(user: &str, password: SecretSource) -> Auth {
        Auth::Basic {
            user: user.to_owned(),
            password,
        }
    }

    fn header(name: &str, value: SecretSource) -> Auth {
        Auth::Header {
            name: name.to_owned(),
            value,
        }
    }

    #[test]
    fn secrets_become_headers_or_clear_errors() {
        for (auth, expected) in [
            (Auth::None, Ok("")),
            (Auth::Bearer(env("TOKEN")), Ok("authorization: Bearer hunter2")),
            (Auth::Bearer(inline("hunter2")), Ok("authorization: Bearer hunter2")),
            (
                basic("root", inline("password")),
                Ok("authorization: Basic cm9vdDpwYXNzd29yZA=="),
            ),
            (
                basic("日本", inline("pä:ss")),
                Ok("authorization: Basic 5pel5pysOnDDpDpzcw=="),
            ),
            (header("X-Api-Key", env("TOKEN")), Ok("x-api-key: hunter2")),
            (
                header("Authorization", inline("Zoho-oauthtoken 1")),
                Ok("authorization: Zoho-oauthtoken 1"),
            ),
            (
                Auth::Bearer(env("NOPE")),
                Err("the environment variable NOPE is not set"),
            ),
            (
                Auth::Bearer(env("EMPTY")),
                Err("the environment variable EMPTY is empty"),
            ),
            (
                Auth::Bearer(env("LINES")),
                Err("the environment variable LINES has a line break"),
            ),
            (
                Auth::Bearer(inline("hunter2日本")),
                Err("the configuration has characters"),
            ),
            (Auth::Bearer(inline(" ")), Err("the configuration is empty")),
            (basic("ro:ot", inline("hunter2")), Err("\"ro:ot\" has a colon")),
            (
                basic("root", inline("hunter2\r")),
                Err("password in the configuration has a line break"),
            ),
            (
                header("X Key", inline("hunter2")),
                Err("\"X Key\" cannot be the header"),
            ),
            (header("Host", inline("hunter2")), Err("\"Host\" cannot be the header")),
            (header("", inline("hunter2")), Err("\"\" cannot be the header")),
        ] {
            match (read(&auth), expected) {
                (Ok(shown), Ok(expected)) => assert_eq!(shown, expected),
                (Err(why), Err(expected)) => {
                    assert!(why.starts_with("desk acme: "), "{why}");
                    assert!(why.contains(expected), "{why} / {expected}");
                }
                (read, _) => panic!("{read:?} where {expected:?} is expected"),
            }
        }
    }

    #[test]
    fn a_file_gives_its_text_without_the_last_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = |bytes: &[u8]| {
            let path = folder.path().join("secret");
            std::fs::write(&path, bytes).unwrap();
            read(&Auth::Bearer(SecretSource::File(path)))
        };
        for text in ["hunter2", "hunter2\n", "hunter2\r\n"] {
            assert_eq!(file(text.as_bytes()).unwrap(), "authorization: Bearer hunter2");
        }
        for (bytes, expected) in [
            (&b"hunter2\n\n"[..], "line break"),
            (b"\n", "is empty"),
            (b"", "is empty"),
            (b"hunter2\xff", "UTF-8"),
            (&vec![b'x'; 70_000], "65536 bytes"),
        ] {
            let why = file(bytes).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
        let why = read(&Auth::Bearer(SecretSource::File(PathBuf::from("/nowhere/token")))).unwrap_err();
        assert!(why.contains("the file /nowhere/token cannot be read"), "{why}");
        let why = read(&Auth::Bearer(SecretSource::File(folder.path().to_owned()))).unwrap_err();
        assert!(why.contains("cannot be read"), "{why}");
    }

    #[test]
    fn base64_pads() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
