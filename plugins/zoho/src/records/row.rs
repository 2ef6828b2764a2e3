//! What must be known of a record itself: its id and its times.

use plugin_api::{ExportError, RawValue, Result, Timestamp};
use serde::Deserialize;

/// The id of a record, with every digit; ids are texts, and numbers on some pages.
///
/// # Errors
/// `Decode` if it has none.
pub fn id(record: &RawValue) -> Result<String> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(default, borrow)]
        id: Option<&'a RawValue>,
    }
    let read: Id<'_> = serde_json::from_str(record.get()).map_err(|error| wrong(record, error))?;
    let id = read.id.map(text).transpose().map_err(|error| wrong(record, error))?;
    id.flatten()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| wrong(record, "it has no id"))
}

/// What a text or number says; `None` for null and all else.
fn text(raw: &RawValue) -> serde_json::Result<Option<String>> {
    match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw.get()).map(Some),
        Some(b'-' | b'0'..=b'9') => Ok(Some(raw.get().to_owned())),
        _ => Ok(None),
    }
}

/// Whether an id may stand in a path as it is: digits, or what may once follow them.
pub fn is_path_safe(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// A record's own times; `None` where it has none that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) created: Option<Timestamp>,
    pub(super) modified: Option<Timestamp>,
}

impl Times {
    pub(super) fn of(record: &RawValue) -> Result<Self> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(default, borrow, rename = "createdTime")]
            created: Option<&'a RawValue>,
            #[serde(default, borrow, rename = "modifiedTime")]
            modified: Option<&'a RawValue>,
        }
        let raw: Raw<'_> = serde_json::from_str(record.get()).map_err(|error| wrong(record, error))?;
        let time = |raw: Option<&RawValue>| text(raw?).ok().flatten().and_then(|text| Timestamp::parse(&text));
        Ok(Self {
            created: time(raw.created),
            modified: time(raw.modified),
        })
    }
}

fn wrong(record: &RawValue, why: impl std::fmt::Display) -> ExportError {
    let start: String = record.get().chars().take(80).collect();
    ExportError::decode(format_args!("record {start}"), why)
}

#[cfg(test)]
mod tests {
    use plugin_api::{ErrorKind, RawValue, Timestamp};

    use super::{Times, id, is_path_safe};

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn ids_keep_every_digit() {
        for (record, expected) in [
            (r#"{"id":"731500000001903118"}"#, Some("731500000001903118")),
            (
                r#"{"x":1,"id":123456789012345678901234}"#,
                Some("123456789012345678901234"),
            ),
            (r#"{"id":"\u0037"}"#, Some("7")),
            (r#"{"id":""}"#, None),
            (r#"{"id":null}"#, None),
            (r#"{"id":["7"]}"#, None),
            ("{}", None),
            ("7", None),
        ] {
            match (id(raw(record)), expected) {
                (Ok(id), Some(expected)) => assert_eq!(id, expected),
                (Err(error), None) => assert_eq!(error.kind, ErrorKind::Decode),
                (other, _) => panic!("{record}: {other:?}"),
            }
        }
    }

    #[test]
    fn times_are_read_where_they_are() {
        let times = |record| {
            let times = Times::of(raw(record)).expect("times");
            [times.created, times.modified].map(|time| time.map(Timestamp::micros))
        };
        assert_eq!(
            times(r#"{"createdTime":"1970-01-01T00:00:01.500Z"}"#),
            [Some(1_500_000), None]
        );
        assert_eq!(
            times(r#"{"createdTime":null,"modifiedTime":"1970-01-01T00:00:00.000Z"}"#),
            [None, Some(0)]
        );
        assert_eq!(times(r#"{"createdTime":"soon","modifiedTime":5}"#), [None, None]);
    }

    #[test]
    fn only_ids_stand_in_paths() {
        for (id, expected) in [
            ("731500000001903118", true),
            ("7/../8", false),
            ("7?x=1", false),
            ("日", false),
        ] {
            assert_eq!(is_path_safe(id), expected, "{id}");
        }
    }
}
