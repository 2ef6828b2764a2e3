//! Cells and rows, from RT's JSON.

use std::collections::BTreeMap;

use plugin_api::{ExportError, Output, Result, TableId, Timestamp, Value};
use serde::ser::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::list::Record;

/// RT's way to say that a date is not set.
const UNSET: &str = "1970-01-01T00:00:00Z";

/// The value of one field. RT does not tell an absent value from an empty one.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Empty,
    Text(String),
    Time(Timestamp),
    Json(String),
}

/// A row, made from left to right.
#[derive(Default)]
pub(crate) struct Row(Vec<Cell>);

impl Row {
    /// Adds text.
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.0
            .push(if text.is_empty() { Cell::Empty } else { Cell::Text(text) });
    }

    /// Adds fields of a record as they are: text, or numbers.
    pub(crate) fn plain(&mut self, record: &Record, keys: &[&str]) {
        for key in keys {
            self.text(plain(record.get(*key)));
        }
    }

    /// Adds a field that is a moment.
    pub(crate) fn time(&mut self, record: &Record, key: &str) {
        self.moment(&plain(record.get(key)));
    }

    /// Adds a moment; text that is none is kept as it is.
    pub(crate) fn moment(&mut self, text: &str) {
        match Timestamp::parse(text) {
            Some(time) => self.0.push(Cell::Time(time)),
            None => self.text(text),
        }
    }

    /// Adds fields that are dates people set, or not.
    pub(crate) fn dates(&mut self, record: &Record, keys: &[&str]) {
        for key in keys {
            if plain(record.get(*key)) == UNSET {
                self.text("");
            } else {
                self.time(record, key);
            }
        }
    }

    /// Adds the name of the record that a field refers to.
    pub(crate) fn name(&mut self, record: &Record, key: &str) {
        self.text(name(record.get(key)));
    }

    /// Adds a list as JSON; nothing for an empty one.
    pub(crate) fn list(&mut self, values: &[Json]) {
        self.0.push(if values.is_empty() {
            Cell::Empty
        } else {
            Cell::Json(json(&Json::Array(values.to_vec())))
        });
    }

    /// Adds a value as JSON.
    pub(crate) fn json(&mut self, value: &Json) {
        self.0.push(Cell::Json(json(value)));
    }

    /// Adds who made and changed a record, and when.
    pub(crate) fn origin(&mut self, record: &Record) {
        self.name(record, "Creator");
        self.time(record, "Created");
        self.name(record, "LastUpdatedBy");
        self.time(record, "LastUpdated");
    }

    /// Writes it.
    pub(crate) fn write(&self, out: &mut Output<'_>, table: TableId) -> Result<()> {
        let values: Vec<Value<'_>> = self
            .0
            .iter()
            .map(|cell| match cell {
                Cell::Empty => Value::Null,
                Cell::Text(text) => Value::Text(text),
                Cell::Time(time) => Value::Time(*time),
                Cell::Json(json) => Value::Json(json),
            })
            .collect();
        out.write(table, &values)
    }
}

/// A value as plain text; what is neither text nor a number nor absent, as JSON.
pub(crate) fn plain(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => json(other),
    }
}

/// The name of the record that a value refers to.
pub(crate) fn name(value: Option<&Json>) -> String {
    match value {
        Some(Json::Object(object)) => plain(object.get("Name").or_else(|| object.get("id"))),
        other => plain(other),
    }
}

/// Who holds a role: users by name; groups, which also may, as objects.
pub(crate) fn member(value: &Json) -> Json {
    if value.get("type").and_then(Json::as_str) == Some("user") {
        return Json::String(name(Some(value)));
    }
    reference(value)
}

/// A record of another kind: its type and its number.
pub(crate) fn reference(value: &Json) -> Json {
    serde_json::json!({"id": plain(value.get("id")), "type": plain(value.get("type"))})
}

/// The members of a role.
pub(crate) fn members(value: Option<&Json>) -> Vec<Json> {
    value
        .and_then(Json::as_array)
        .map(|list| list.iter().map(member).collect())
        .unwrap_or_default()
}

/// The moment in a field.
pub(crate) fn moment(record: &Record, key: &str) -> Result<Timestamp> {
    let text = plain(record.get(key));
    Timestamp::parse(&text).ok_or_else(|| {
        ExportError::decode(
            "a record of Request Tracker",
            format_args!("{key} is no time: {text:?}"),
        )
    })
}

/// JSON text, the same for the same value: keys in order, no blanks.
pub(crate) fn json(value: &Json) -> String {
    serde_json::to_string(&Ordered(value)).unwrap_or_default()
}

struct Ordered<'a>(&'a Json);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Json::Array(list) => serializer.collect_seq(list.iter().map(Ordered)),
            Json::Object(object) => {
                let ordered: BTreeMap<_, _> = object.iter().map(|(key, value)| (key, Ordered(value))).collect();
                serializer.collect_map(ordered)
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Cell, Row};

    #[test]
    fn cells_are_what_rt_says() {
        let record = json!({
            "text": "a\n\"b\"", "zero": "0", "number": 7, "null": null, "unset": "1970-01-01T00:00:00Z",
            "time": "2031-03-12T07:00:00Z", "odd": "Not set", "user": {"type": "user", "id": "cut", "Name": "whole"},
            "queue": {"type": "queue", "id": "3"}, "object": {"b": [1, null], "a": "日本"},
        });
        let record = record.as_object().expect("an object");
        let made = |make: &dyn Fn(&mut Row)| {
            let mut row = Row::default();
            make(&mut row);
            row.0.into_iter().next().expect("a cell")
        };
        let text = |text: &str| Cell::Text(text.into());
        for (key, expected) in [
            ("text", text("a\n\"b\"")),
            ("zero", text("0")),
            ("number", text("7")),
            ("null", Cell::Empty),
            ("absent", Cell::Empty),
            ("object", text(r#"{"a":"日本","b":[1,null]}"#)),
        ] {
            assert_eq!(made(&|row| row.plain(record, &[key])), expected, "{key}");
        }
        assert_eq!(made(&|row| row.dates(record, &["unset"])), Cell::Empty);
        assert!(matches!(made(&|row| row.dates(record, &["time"])), Cell::Time(_)));
        assert!(matches!(made(&|row| row.time(record, "unset")), Cell::Time(_)));
        assert_eq!(made(&|row| row.time(record, "odd")), text("Not set"));
        assert_eq!(made(&|row| row.name(record, "user")), text("whole"));
        assert_eq!(made(&|row| row.name(record, "queue")), text("3"));
    }
}
