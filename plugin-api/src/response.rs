//! The desk's answer, and how records are taken out of it without copying them.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use abi_stable::std_types::RVec;
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::host::Finished;
use crate::{ErrorKind, ExportError, Result};

/// The desk's answer to a request.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// What was asked, for messages.
    pub asked: String,
    body: RVec<u8>,
}

impl Response {
    pub(crate) fn new(asked: String, finished: Finished) -> Self {
        Self {
            status: finished.status,
            headers: finished.headers,
            asked,
            body: finished.body,
        }
    }

    /// The body as it came, unpacked.
    pub fn body(&self) -> &[u8] {
        self.body.as_slice()
    }

    /// Whether the desk says that there is nothing: 204 or 205. Any other answer without a body is none that can be
    /// read: a proxy that breaks off must not look like a list without records.
    pub fn is_empty(&self) -> bool {
        matches!(self.status, 204 | 205)
    }

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The response itself if its status is 2xx; else an error of the kind that the status means.
    ///
    /// 401: [`ErrorKind::Unauthorized`]; 403: [`ErrorKind::Forbidden`]; 404 and 410: [`ErrorKind::NotFound`];
    /// anything else: [`ErrorKind::Http`].
    pub fn ok(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let (kind, meaning) = match self.status {
            401 => (
                ErrorKind::Unauthorized,
                "the desk refuses these credentials: check them in the configuration",
            ),
            403 => (
                ErrorKind::Forbidden,
                "the desk forbids this to these credentials: grant them the right to read it",
            ),
            404 | 410 => (ErrorKind::NotFound, "the desk does not know it"),
            429 => (
                ErrorKind::Http,
                "the desk asks to slow down, after all retries: try again later",
            ),
            500.. => (ErrorKind::Http, "the desk failed, after all retries: try again later"),
            _ => (ErrorKind::Http, "the desk does not accept the request"),
        };
        let mut error = ExportError::new(
            kind,
            format!("{}: {} ({meaning}){}", self.asked, self.status, self.said()),
        );
        error.status = Some(self.status);
        Err(error)
    }

    /// The first words of the body, where it is text a person can read.
    fn said(&self) -> String {
        const SHOWN: usize = 200;
        let text = String::from_utf8_lossy(self.body());
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() || text.starts_with('<') {
            return String::new();
        }
        let text: String = text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        format!(": {text}")
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(self.body()).map_err(|error| ExportError::decode(&self.asked, error))
    }

    /// The value at `pointer` (RFC 6901, through objects) as JSON; `None` where it is absent or null, and in an
    /// empty response.
    pub fn at<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>> {
        let Some(raw) = self.raw_at(pointer)? else {
            return Ok(None);
        };
        serde_json::from_str(raw.get())
            .map_err(|error| ExportError::decode(&self.asked, format_args!("at {pointer:?}: {error}")))
    }

    /// The records of the array at `pointer` (RFC 6901, through objects; `""` for the whole body), each still as
    /// JSON text in the body. None in an empty response, and where the array is null.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where the body is not JSON, or holds no array there.
    pub fn records(&self, pointer: &str) -> Result<Vec<&RawValue>> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let keys = pointer_keys(pointer)?;
        // In one pass, because a page may have megabytes: the list's records are told apart where it is found.
        let found: Option<Option<Vec<&RawValue>>> = find(self.body(), &keys).map_err(|error| {
            let what = if error.is_data() {
                format!("no list at {pointer:?}: ")
            } else {
                String::new()
            };
            ExportError::decode(&self.asked, format_args!("{what}{error}"))
        })?;
        let list = found.ok_or_else(|| {
            let why = format_args!("the answer has no list at {pointer:?}");
            ExportError::decode(&self.asked, why)
        })?;
        Ok(list.unwrap_or_default())
    }

    /// The whole body as one record.
    pub fn record(&self) -> Result<&RawValue> {
        serde_json::from_slice(self.body()).map_err(|error| ExportError::decode(&self.asked, error))
    }

    fn raw_at(&self, pointer: &str) -> Result<Option<&RawValue>> {
        if self.is_empty() {
            return Ok(None);
        }
        let keys = pointer_keys(pointer)?;
        find(self.body(), &keys).map_err(|error| ExportError::decode(&self.asked, error))
    }

    /// A count at `pointer`, which some desks write as text; 0 in an empty response.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where it is absent or no count.
    pub fn count(&self, pointer: &str) -> Result<u64> {
        if self.is_empty() {
            return Ok(0);
        }
        let no_count = || ExportError::decode(&self.asked, format_args!("no count at {pointer:?}"));
        let raw = self.raw_at(pointer)?.ok_or_else(no_count)?;
        raw.get().trim_matches('"').parse().map_err(|_| no_count())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {} bytes", self.asked, self.status, self.body.len())
    }
}

/// The keys of a JSON pointer.
pub(crate) fn pointer_keys(pointer: &str) -> Result<Vec<String>> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = pointer.strip_prefix('/') else {
        let message = format!("{pointer:?} is no JSON pointer: it must start with '/'");
        return Err(ExportError::new(ErrorKind::Misuse, message));
    };
    Ok(rest
        .split('/')
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect())
}

/// The value under these keys; `None` where there is no such value, or null on the way.
pub(crate) fn find<'d, T: Deserialize<'d>>(json: &'d [u8], keys: &[String]) -> serde_json::Result<Option<T>> {
    // Checked as a whole: it costs less than string by string.
    let mut reader = match simdutf8::compat::from_utf8(json) {
        Ok(json) => serde_json::Deserializer::from_str(json),
        Err(error) => return Err(serde::de::Error::custom(format_args!("not UTF-8: {error}"))),
    };
    let found = Path {
        keys,
        leaf: PhantomData,
    }
    .deserialize(&mut reader)?;
    reader.end()?;
    Ok(found)
}

/// The value at `pointer` in a record as plain text: a string's content, a number's or a truth value's own text;
/// `None` where it is absent or null.
pub(crate) fn scalar(record: &RawValue, pointer: &str) -> std::result::Result<Option<String>, String> {
    let keys = pointer_keys(pointer).map_err(|error| error.message)?;
    let Some(raw): Option<&RawValue> = find(record.get().as_bytes(), &keys).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|error| error.to_string()),
        Some(b'n') => Ok(None),
        Some(b'{' | b'[') => Err(format!("the value at {pointer} is not plain")),
        _ => Ok(Some(raw.get().to_owned())),
    }
}

/// Walks down through objects by their keys, passing over all else, and reads what is at the end.
struct Path<'k, T> {
    keys: &'k [String],
    leaf: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Path<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.keys.is_empty() {
            return T::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Path<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the key {:?}", self.keys.first())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (wanted, deeper) = self.keys.split_first().map_or(("", &[][..]), |(key, rest)| (key, rest));
        let mut found = None;
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if key == wanted {
                found = map.next_value_seed(Path {
                    keys: deeper,
                    leaf: PhantomData,
                })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// A key of an object, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::Response;
    use crate::ErrorKind;
    use crate::host::Finished;

    #[test]
    fn only_a_status_says_that_there_is_nothing() {
        for (status, is_empty) in [
            (200, false),
            (201, false),
            (203, false),
            (206, false),
            (204, true),
            (205, true),
        ] {
            let finished = Finished {
                status,
                headers: vec![("content-length".into(), "0".into())],
                body: Vec::new().into(),
            };
            let response = Response::new("GET /list".into(), finished).ok().expect("2xx");
            let kinds = [
                response
                    .records("/items")
                    .map(|records| records.len())
                    .map_err(|error| error.kind),
                response
                    .records("")
                    .map(|records| records.len())
                    .map_err(|error| error.kind),
                response
                    .count("/total")
                    .map(|count| count as usize)
                    .map_err(|error| error.kind),
                response.at::<u64>("/next").map(|_| 0).map_err(|error| error.kind),
            ];
            let expected = if is_empty { Ok(0) } else { Err(ErrorKind::Decode) };
            assert_eq!(kinds, [expected; 4], "{status}");
            assert_eq!(response.is_empty(), is_empty);
        }
    }
}
