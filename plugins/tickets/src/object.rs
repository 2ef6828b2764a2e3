//! A JSON object without one of its keys, or with another value for one.

use std::borrow::Cow;
use std::fmt;

use plugin_api::{ExportError, RawValue, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The object without a key: all others as they were.
pub(crate) fn without(record: &RawValue, key: &str) -> Result<Box<RawValue>> {
    let Object(entries) = serde_json::from_str(record.get()).map_err(|error| ExportError::decode("a record", error))?;
    let mut text = String::with_capacity(record.get().len());
    for (name, value) in entries.iter().filter(|(name, _)| name != key) {
        text.push(if text.is_empty() { '{' } else { ',' });
        // A key is text: writing it as JSON can't fail.
        text.push_str(&serde_json::Value::from(name.as_ref()).to_string());
        text.push(':');
        text.push_str(value.get());
    }
    text.push_str(if text.is_empty() { "{}" } else { "}" });
    raw(text)
}

/// The object with this value, itself JSON, for a key that it has or not.
pub(crate) fn with(record: &RawValue, key: &str, value: &RawValue) -> Result<Box<RawValue>> {
    let name = serde_json::Value::from(key);
    zoho::union(&raw(format!("{{{name}:{}}}", value.get()))?, record)
}

fn raw(text: String) -> Result<Box<RawValue>> {
    RawValue::from_string(text).map_err(|error| ExportError::decode("a record", error))
}

/// Keys and values in their order, borrowed.
struct Object<'r>(Vec<(Cow<'r, str>, &'r RawValue)>);

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'r>(#[serde(borrow)] Cow<'r, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::RawValue;

    use super::{with, without};

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn keys_go_and_change() {
        for (record, expected) in [
            (r#"{"type":"thread"}"#, "{}"),
            (r#"{"id":1.50,"type":"x","a\"b":[ 1]}"#, r#"{"id":1.50,"a\"b":[ 1]}"#),
            ("{}", "{}"),
        ] {
            assert_eq!(without(raw(record), "type").expect("an object").get(), expected);
        }
        assert!(without(raw("[1]"), "type").is_err());
        let changed = with(raw(r#"{"content":"cut","id":"1"}"#), "content", raw(r#""whole""#)).expect("an object");
        assert_eq!(changed.get(), r#"{"content":"whole","id":"1"}"#);
    }
}
