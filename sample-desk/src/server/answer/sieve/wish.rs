//! Whether a record is as a parameter of the query wants it.
//!
//! What the world or another part of the server answers by itself is in [`ELSEWHERE`]; a test holds both tables
//! against the endpoints' parameters, so that none is taken and then ignored.

use serde_json::Value;

use crate::server::error::ApiError;
use crate::server::peek;
use crate::server::times;
use crate::world::Kind;

/// How a parameter is compared with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// One of its values is the record's.
    Among,
    /// The text is in the record's, whatever the case; `*` stands for any text.
    Text,
    /// The record's time is in the range.
    Within,
}

/// Parameters with the keys of the records that they are about; the first that a record has counts.
const TESTS: [(&str, How, &[&str]); 36] = [
    ("accountId", How::Among, &["accountId"]),
    ("accountName", How::Text, &["accountName"]),
    ("assignee", How::Among, &["assigneeId", "ownerId"]),
    ("assigneeId", How::Among, &["assigneeId"]),
    ("authorId", How::Among, &["authorId"]),
    ("category", How::Among, &["category"]),
    ("categoryId", How::Among, &["categoryId"]),
    ("channel", How::Among, &["channel"]),
    ("chatStatus", How::Among, &["chatStatus"]),
    ("contactId", How::Among, &["contactId"]),
    ("customerResponseTimeRange", How::Within, &["customerResponseTime"]),
    (
        "departmentIds",
        How::Among,
        &["departmentId", "departmentIds", "associatedDepartmentIds"],
    ),
    ("dueDateRange", How::Within, &["dueDate"]),
    ("email", How::Text, &["email"]),
    ("expiryTimeRange", How::Within, &["expiryDate"]),
    ("firstName", How::Text, &["firstName"]),
    ("isPublic", How::Among, &["isPublic"]),
    ("lastName", How::Text, &["lastName"]),
    ("module", How::Among, &["parent/type"]),
    ("ownerId", How::Among, &["ownerId"]),
    ("permission", How::Among, &["permission"]),
    ("phone", How::Text, &["phone"]),
    ("priority", How::Among, &["priority"]),
    ("productId", How::Among, &["productId"]),
    ("productName", How::Text, &["productName"]),
    ("profileIds", How::Among, &["profileId"]),
    ("roleIds", How::Among, &["roleId"]),
    ("rolePermissionType", How::Among, &["rolePermissionType"]),
    ("searchStr", How::Text, &["name"]),
    ("status", How::Among, &["status"]),
    ("subject", How::Text, &["subject"]),
    ("teamIds", How::Among, &["teamId"]),
    ("ticketId", How::Among, &["ticketId"]),
    ("translationState", How::Among, &["translationState"]),
    // Those below have values of their own, see `Test::new`.
    ("billStatus", How::Among, &["isBillable"]),
    ("isCompleted", How::Among, &["statusType"]),
];

/// Parameters that are answered elsewhere.
#[cfg(test)]
const ELSEWHERE: [&str; 26] = [
    "agentIds",
    "createdTimeRange",
    "departmentId",
    "field",
    "fieldName",
    "fields",
    "from",
    "id",
    "ids",
    "include",
    "includeLightAgent",
    "isConfirmed",
    "isEnabled",
    "isLightAgent",
    "isSpam",
    "limit",
    "modifiedTimeRange",
    "needIncomingThread",
    "needPublic",
    "orderBy",
    "receivedInDays",
    "sortBy",
    "sortOrder",
    "threadStatus",
    "viewId",
    "viewType",
];

/// What is wanted of a record.
#[derive(Debug)]
pub(super) struct Test<'a> {
    /// Of these the first that it has; of none, any text in it.
    keys: Vec<&'a str>,
    wanted: Wanted<'a>,
    not: bool,
}

#[derive(Debug)]
enum Wanted<'a> {
    OneOf(Vec<&'a str>),
    /// In small letters.
    Text(String),
    Between(i64, i64),
    Null,
    /// A custom field's value.
    Custom(&'a str, &'a str),
}

impl<'a> Test<'a> {
    pub(super) fn new(kind: Kind, name: &'a str, value: &'a str, inclusive: bool) -> Result<Option<Self>, ApiError> {
        let plain = |keys: Vec<&'a str>, wanted| Self {
            keys,
            wanted,
            not: false,
        };
        let one = |key, values: &[&'a str]| plain(vec![key], Wanted::OneOf(values.to_vec()));
        if name.starts_with("customField") {
            let (field, value) = value.split_once(':').ok_or_else(|| ApiError::invalid(name))?;
            return Ok(Some(plain(vec!["cf"], Wanted::Custom(field, value))));
        }
        let test = match (name, value) {
            ("_all", text) => plain(Vec::new(), Wanted::Text(text.to_lowercase())),
            ("status", "${OPEN}") => one("statusType", &["Open"]),
            ("isCompleted", value) => Self {
                not: value == "false",
                ..one("statusType", &["Closed"])
            },
            ("billStatus", "billed") => Self {
                not: true,
                ..plain(vec!["invoiceId"], Wanted::Null)
            },
            ("billStatus", "billable") => one("isBillable", &["true"]),
            ("billStatus", _) => one("isBillable", &["false"]),
            // Where an agent stands is no word of the row.
            ("status", _) if kind == Kind::Agent => return Ok(None),
            _ => {
                let Some((_, how, keys)) = TESTS.iter().find(|(known, ..)| *known == name) else {
                    return Ok(None);
                };
                let wanted = match how {
                    How::Among => Wanted::OneOf(value.split(',').map(str::trim).collect()),
                    How::Text => Wanted::Text(value.to_lowercase()),
                    How::Within => {
                        let (from, to) = times::range(value, inclusive).ok_or_else(|| ApiError::invalid(name))?;
                        Wanted::Between(from, to)
                    }
                };
                plain(keys.to_vec(), wanted)
            }
        };
        Ok(Some(test))
    }

    /// A text under one of these keys.
    pub(super) fn text(keys: Vec<&'a str>, text: &str) -> Self {
        Self {
            keys,
            wanted: Wanted::Text(text.to_lowercase()),
            not: false,
        }
    }

    pub(super) fn passes(&self, row: &peek::Keys<'_>) -> bool {
        self.finds(row) != self.not
    }

    fn finds(&self, row: &peek::Keys<'_>) -> bool {
        if self.keys.is_empty() {
            let Wanted::Text(text) = &self.wanted else { return false };
            return row.values().any(|value| is_anywhere(&value_of(value.get()), text));
        }
        let value = self.keys.iter().find_map(|key| at(row, key)).unwrap_or(Value::Null);
        match &self.wanted {
            Wanted::OneOf(wanted) => wanted.iter().any(|wanted| is(&value, wanted)),
            Wanted::Text(text) => is_in(&value, text),
            Wanted::Between(from, to) => value
                .as_str()
                .and_then(times::parse)
                .is_some_and(|time| (*from..=*to).contains(&time)),
            Wanted::Null => value.is_null(),
            Wanted::Custom(field, wanted) => is(&value[*field], wanted),
        }
    }
}

/// The value of a key, or of a key of an object (`parent/type`).
pub(super) fn at(row: &peek::Keys<'_>, path: &str) -> Option<Value> {
    let (key, inner) = path.split_once('/').unwrap_or((path, ""));
    let mut value = value_of(row.get(key)?.get());
    Some(if inner.is_empty() { value } else { value[inner].take() })
}

fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn is(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.eq_ignore_ascii_case(wanted),
        Value::Bool(flag) => flag.to_string() == wanted,
        Value::Array(values) => values.iter().any(|value| is(value, wanted)),
        Value::Null => wanted == "Unassigned",
        _ => false,
    }
}

fn is_in(value: &Value, wanted: &str) -> bool {
    value.as_str().is_some_and(|text| contains(text, wanted))
}

/// Whether a text is in a value, or in one of its values.
fn is_anywhere(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| is_anywhere(value, wanted)),
        Value::Object(values) => values.values().any(|value| is_anywhere(value, wanted)),
        value => is_in(value, wanted),
    }
}

/// Whether the parts between the `*` are in a text, in their order.
fn contains(text: &str, wanted: &str) -> bool {
    let text = text.to_lowercase();
    let mut rest = text.as_str();
    wanted.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::server::surface::{Serve, Surface, Type};

    const ROW: &str = r#"{"status":"On Hold","statusType":"On Hold","assigneeId":null,"subject":"Die Größe \"M\"","isPublic":false,
        "departmentIds":["1","2"],"parent":{"type":"tickets"},"dueDate":"2031-03-14T08:12:47.000Z","cf":{"cf_vip":"true"},"invoiceId":null,"isBillable":"true"}"#;

    #[test]
    fn no_parameter_is_taken_and_then_ignored() {
        for endpoint in &Surface::new(&Settings::default()).endpoints {
            if matches!(endpoint.serve, Serve::RecycleBin | Serve::Fields) {
                continue;
            }
            for (name, parameter) in &endpoint.query {
                let known = parameter.kind == Type::Unserved
                    || ELSEWHERE.contains(&name.as_str())
                    || Test::new(
                        Kind::Ticket,
                        name,
                        "1970-01-01T00:00:00.000Z,1970-01-02T00:00:00.000Z",
                        true,
                    )
                    .unwrap()
                    .is_some();
                assert!(known, "{} {name}", endpoint.path);
            }
        }
    }

    #[test]
    fn a_record_passes_what_it_meets() {
        let check = |name: &str, value: &str, expect: bool| {
            let test = Test::new(Kind::Ticket, name, value, true).unwrap().unwrap();
            assert_eq!(
                test.passes(&peek::keys(ROW.as_bytes()).unwrap()),
                expect,
                "{name}={value}"
            );
        };
        check("status", "on hold", true);
        check("status", "Open,On Hold", true);
        check("status", "Open", false);
        check("status", "${OPEN}", false);
        check("isCompleted", "false", true);
        check("isCompleted", "true", false);
        check("assignee", "Unassigned", true);
        check("assignee", "7", false);
        check("subject", "größe", true);
        check("subject", "die*\"m\"", true);
        check("subject", "m*die", false);
        check("_all", "HOLD", true);
        check("_all", "\"m", true);
        check("_all", "nothing", false);
        check("isPublic", "false", true);
        check("departmentIds", "7,2", true);
        check("departmentIds", "7", false);
        check("module", "tickets,tasks", true);
        check("module", "tasks", false);
        check("customField1", "cf_vip:TRUE", true);
        check("customField2", "cf_none:x", false);
        check("billStatus", "billable", true);
        check("billStatus", "nonBillable", false);
        check("billStatus", "billed", false);
        check("priority", "High", false);
        let range = |from: &str, to: &str| format!("{from}T00:00:00.000Z,{to}T00:00:00.000Z");
        check("dueDateRange", &range("2031-03-14", "2031-03-15"), true);
        check("dueDateRange", &range("2031-03-15", "2031-03-16"), false);
        check("customerResponseTimeRange", &range("2031-03-15", "2031-03-16"), false);
        assert!(Test::new(Kind::Ticket, "customField1", "no colon", true).is_err());
    }
}
