//! A desk's answers, changed as a desk might change them. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

/// The key that is added to every record. Its value starts with [`UNKNOWN_VALUE`].
pub(super) const UNKNOWN_KEY: &str = "x_deskvault_unknown";
/// How the values of that key start.
pub(super) const UNKNOWN_VALUE: &str = "deskvault-unknown-";

/// Empties the lists of an answer; `None` if it has none.
pub(super) fn emptied(answer: &Json) -> Option<Json> {
    match answer {
        Json::Array(records) if !records.is_empty() => Some(Json::Array(Vec::new())),
        Json::Object(object) if object.values().any(is_list) => Some(Json::Object(empty_object(object, 2))),
        _ => None,
    }
}

fn is_list(value: &Json) -> bool {
    matches!(value, Json::Array(records) if !records.is_empty())
}

fn empty_object(object: &Map<String, Json>, deeper: usize) -> Map<String, Json> {
    let change = |(key, value): (&String, &Json)| {
        let value = match value {
            Json::Array(_) => Json::Array(Vec::new()),
            Json::Object(inner) if deeper > 0 => Json::Object(empty_object(inner, deeper - 1)),
            Json::Number(_) if is_count(key) => Json::from(0),
            Json::String(text) if is_count(key) && text.parse::<u64>().is_ok() => Json::from("0"),
            Json::String(_) if key.to_lowercase().contains("next") => Json::Null,
            other => other.clone(),
        };
        (key.clone(), value)
    };
    object.iter().map(change).collect()
}

fn is_count(key: &str) -> bool {
    let key = key.to_lowercase();
    key.contains("count") || key.contains("total") || key.contains("pages")
}

/// Adds a key that nobody knows to every record: to the answer itself, to each object in a list, and to what an
/// answer without lists wraps.
pub(super) fn with_unknown_keys(answer: &mut Json) {
    let mut number = 0;
    if let Json::Object(object) = answer {
        if !object.values().any(Json::is_array) {
            let wrapped = object.values_mut().filter_map(Json::as_object_mut);
            wrapped.for_each(|inner| add_unknown(inner, &mut number));
        }
        add_unknown(object, &mut number);
    }
    add_in_lists(answer, &mut number);
}

fn add_in_lists(value: &mut Json, number: &mut u64) {
    match value {
        Json::Array(items) => {
            for item in items {
                add_in_lists(item, number);
                if let Json::Object(object) = item {
                    add_unknown(object, number);
                }
            }
        }
        Json::Object(object) => object.values_mut().for_each(|value| add_in_lists(value, number)),
        _ => {}
    }
}

fn add_unknown(object: &mut Map<String, Json>, number: &mut u64) {
    *number += 1;
    object.insert(UNKNOWN_KEY.into(), Json::from(format!("{UNKNOWN_VALUE}{number}")));
}

/// Removes a key wherever it is.
pub(super) fn without_key(value: &mut Json, key: &str) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| without_key(item, key)),
        Json::Object(object) => {
            object.remove(key);
            object.values_mut().for_each(|value| without_key(value, key));
        }
        _ => {}
    }
}

/// Collects every key.
pub(super) fn keys_of(value: &Json, keys: &mut BTreeSet<String>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| keys_of(item, keys)),
        Json::Object(object) => {
            for (key, value) in object {
                keys.insert(key.clone());
                keys_of(value, keys);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{emptied, keys_of, with_unknown_keys, without_key};

    #[test]
    fn answers_are_emptied() {
        for (answer, expected) in [
            (json!([1]), json!([])),
            (
                json!({"data": [1], "count": 7, "name": "x"}),
                json!({"data": [], "count": 0, "name": "x"}),
            ),
            (
                json!({"items": [1], "meta": {"total": "12", "next_page": "/x"}}),
                json!({"items": [], "meta": {"total": "0", "next_page": null}}),
            ),
            (json!({"id": 1, "count": 3}), Value::Null),
            (json!([]), Value::Null),
        ] {
            assert_eq!(emptied(&answer).unwrap_or_default(), expected, "{answer}");
        }
    }

    #[test]
    fn every_record_gets_an_unknown_key() {
        for (mut answer, places) in [
            (json!([{"id": 1}, {"id": 2, "tags": [{"n": 1}]}]), 3),
            (json!({"data": [{"id": 1}]}), 2),
            (json!({"id": 1}), 1),
            (json!({"data": {"id": 1}}), 2),
            (json!([1, 2]), 0),
        ] {
            let before = answer.clone();
            with_unknown_keys(&mut answer);
            assert_eq!(
                answer.to_string().matches("deskvault-unknown-").count(),
                places,
                "{before}"
            );
            without_key(&mut answer, "x_deskvault_unknown");
            assert_eq!(answer, before);
        }
    }

    #[test]
    fn keys_are_found_at_any_depth() {
        let mut keys = BTreeSet::new();
        keys_of(&json!({"a": [{"b": {"c": 1}}, 2], "d": null}), &mut keys);
        assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    }
}
