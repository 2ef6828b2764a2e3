//! Two records of the desk as one, or one without a key, without a tree.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use plugin_api::{ExportError, RawValue, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// One JSON object with the keys of both. Where both have a key, the value of `first` counts. Values keep every digit
/// and blank that the desk wrote; a key that one object has twice stays there twice.
///
/// # Errors
/// `Decode` if one of them is no object.
pub fn union(first: &RawValue, second: &RawValue) -> Result<Box<RawValue>> {
    let (first, second) = (entries(first)?, entries(second)?);
    let known: HashSet<&str> = first.iter().map(|(key, _)| key.as_ref()).collect();
    let length = |entries: &[(Cow<'_, str>, &RawValue)]| -> usize {
        entries
            .iter()
            .map(|(key, value)| key.len() + value.get().len() + 8)
            .sum()
    };
    let more = second.iter().filter(|(key, _)| !known.contains(key.as_ref()));
    object(first.iter().chain(more), length(&first) + length(&second) + 2)
}

/// The object without a key: all others as they were.
///
/// # Errors
/// `Decode` if it is no object.
pub fn without(record: &RawValue, key: &str) -> Result<Box<RawValue>> {
    let entries = entries(record)?;
    object(entries.iter().filter(|(name, _)| name != key), record.get().len())
}

/// An object of these keys and values, of about so many bytes.
fn object<'e, 'r: 'e>(entries: impl Iterator<Item = &'e Entry<'r>>, length: usize) -> Result<Box<RawValue>> {
    let mut text = String::with_capacity(length);
    for (key, value) in entries {
        text.push(if text.is_empty() { '{' } else { ',' });
        // A key is text: writing it as JSON can't fail.
        text.push_str(&serde_json::Value::from(key.as_ref()).to_string());
        text.push(':');
        text.push_str(value.get());
    }
    text.push_str(if text.is_empty() { "{}" } else { "}" });
    RawValue::from_string(text).map_err(|error| ExportError::decode("a record", error))
}

type Entry<'r> = (Cow<'r, str>, &'r RawValue);

fn entries(record: &RawValue) -> Result<Vec<Entry<'_>>> {
    let entries: serde_json::Result<Entries<'_>> = serde_json::from_str(record.get());
    entries.map(|entries| entries.0).map_err(|error| {
        let start: String = record.get().chars().take(80).collect();
        ExportError::decode(format_args!("record {start}"), error)
    })
}

/// The keys and values of an object in their order, borrowed.
struct Entries<'r>(Vec<Entry<'r>>);

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'r>(#[serde(borrow)] Cow<'r, str>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::{ErrorKind, RawValue};

    use super::{union, without};

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn the_first_wins_and_nothing_is_lost() {
        for (first, second, expected) in [
            ("{}", "{}", "{}"),
            (r#"{"a":1}"#, "{}", r#"{"a":1}"#),
            ("{}", r#"{"a":1.50}"#, r#"{"a":1.50}"#),
            (r#"{"a": 1}"#, r#"{"a":2,"b": [ 1 ,2]}"#, r#"{"a":1,"b":[ 1 ,2]}"#),
            (r#"{"a":null}"#, r#"{"a":2}"#, r#"{"a":null}"#),
            (
                r#"{"a":1,"a":2}"#,
                r#"{"b":1,"b":2,"a":3}"#,
                r#"{"a":1,"a":2,"b":1,"b":2}"#,
            ),
            (r#"{"\u0061":1}"#, r#"{"a":2}"#, r#"{"a":1}"#),
            (
                r#"{"q\"":"日本"}"#,
                r#"{"n":12345678901234567890123}"#,
                r#"{"q\"":"日本","n":12345678901234567890123}"#,
            ),
        ] {
            assert_eq!(union(raw(first), raw(second)).unwrap().get(), expected);
        }
    }

    #[test]
    fn a_key_goes() {
        for (record, expected) in [
            (r#"{"type":"thread"}"#, "{}"),
            (r#"{"id":1.50,"type":"x","a\"b":[ 1]}"#, r#"{"id":1.50,"a\"b":[ 1]}"#),
            ("{}", "{}"),
        ] {
            assert_eq!(without(raw(record), "type").expect("an object").get(), expected);
        }
        assert!(without(raw("[1]"), "type").is_err());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for (first, second) in [("1", "{}"), ("{}", "[]"), ("null", "{}"), ("{}", "\"x\"")] {
            assert_eq!(union(raw(first), raw(second)).unwrap_err().kind, ErrorKind::Decode);
        }
    }
}
