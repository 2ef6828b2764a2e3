//! Facts of a record that the world gives only as JSON: read from a row that was just written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::server::error::ApiError;

/// What the listings of agents and departments are filtered by, and attachments are served by.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Facts<'a> {
    #[serde(borrow)]
    pub(crate) status: Option<Cow<'a, str>>,
    pub(crate) is_confirmed: Flag,
    pub(crate) is_light_agent: Flag,
    pub(crate) is_enabled: Flag,
    #[serde(borrow)]
    pub(crate) associated_department_ids: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) department_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) agents: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) size: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) locale: Option<Cow<'a, str>>,
}

/// A boolean, which may be text.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "AnyFlag")]
pub(crate) struct Flag(pub(crate) bool);

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyFlag {
    Bool(bool),
    Text(String),
    Null(()),
}

impl From<AnyFlag> for Flag {
    fn from(flag: AnyFlag) -> Self {
        Self(match flag {
            AnyFlag::Bool(flag) => flag,
            AnyFlag::Text(text) => text == "true",
            AnyFlag::Null(()) => false,
        })
    }
}

/// The facts of a row; of one that is no object, none.
pub(crate) fn facts(row: &[u8]) -> Facts<'_> {
    serde_json::from_slice(row).unwrap_or_default()
}

/// The text of the first key with this name. A quote within a text has a backslash before it, so nothing but a key
/// can match.
pub(crate) fn text<'a>(row: &'a [u8], key: &str) -> &'a [u8] {
    let needle = format!("\"{key}\":\"");
    let Some(at) = row.windows(needle.len()).position(|window| window == needle.as_bytes()) else {
        return &[];
    };
    let value = &row[at + needle.len()..];
    &value[..value.iter().position(|byte| *byte == b'"').unwrap_or(value.len())]
}

type Keys<'a> = BTreeMap<&'a str, &'a RawValue>;

/// What no list gives by name, or gives as null, though records have it.
const REFUSED: [&str; 3] = ["subStatus", "statusText", "isArchived"];

/// The fields that were asked for: of the list's row and, where it has not got them, of the full one.
pub(crate) fn project<'a>(
    list: &[u8],
    full: &[u8],
    names: impl Iterator<Item = &'a str>,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let (list, full) = (keys(list)?, keys(full)?);
    out.push(b'{');
    put(out, "id", list.get("id").map_or("null", |value| value.get()));
    for name in names.filter(|name| *name != "id") {
        let value = list
            .get(name)
            .or_else(|| full.get(name))
            .filter(|_| !REFUSED.contains(&name));
        let value = value.ok_or_else(ApiError::internal)?.get();
        out.push(b',');
        put(
            out,
            name,
            if matches!(name, "cf" | "customFields") {
                "null"
            } else {
                value
            },
        );
    }
    out.push(b'}');
    Ok(())
}

/// A list's row with these keys of the full one.
pub(crate) fn include<'a>(
    list: &[u8],
    full: &[u8],
    names: impl Iterator<Item = &'a str>,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let (list, full) = (keys(list)?, keys(full)?);
    let given: Vec<(&str, &RawValue)> = names
        .filter_map(|name| full.get_key_value(name).map(|(name, value)| (*name, *value)))
        .collect();
    out.push(b'{');
    let own = list
        .iter()
        .map(|(name, value)| (*name, *value))
        .filter(|(name, _)| given.iter().all(|(key, _)| key != name));
    for (at, (name, value)) in own.chain(given.iter().copied()).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put(out, name, value.get());
    }
    out.push(b'}');
    Ok(())
}

fn keys(row: &[u8]) -> Result<Keys<'_>, ApiError> {
    serde_json::from_slice(row).map_err(|_| ApiError::internal())
}

fn put(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_but_not_in_a_text() {
        let row = br#"{"a":"x \"createdTime\":\"2000\"","createdTime":"2031"}"#;
        assert_eq!(text(row, "createdTime"), b"2031");
        assert_eq!(text(row, "nothing"), b"");
    }

    #[test]
    fn facts_are_read_leniently() {
        let row = br#"{"status":"ACTIVE","isConfirmed":"true","isLightAgent":null,"isEnabled":true,"associatedDepartmentIds":["1"],"more":[1]}"#;
        let facts = facts(row);
        assert_eq!(facts.status.as_deref(), Some("ACTIVE"));
        assert!(facts.is_confirmed.0 && facts.is_enabled.0 && !facts.is_light_agent.0);
        assert_eq!(facts.associated_department_ids, ["1"]);
        assert!(super::facts(b"[]").status.is_none());
    }

    #[test]
    fn fields_replace_the_projection() {
        let (list, full) = (
            br#"{"id":"1","subject":"s","isArchived":false}"#,
            br#"{"id":"1","modifiedTime":"t","cf":{"cf_a":"b"}}"#,
        );
        let check = |names: &[&str], expect: Option<&str>| {
            let mut out = Vec::new();
            let done = project(list, full, names.iter().copied(), &mut out).is_ok();
            assert_eq!(
                done.then(|| String::from_utf8(out).unwrap()).as_deref(),
                expect,
                "{names:?}"
            );
        };
        check(&["subject"], Some(r#"{"id":"1","subject":"s"}"#));
        check(
            &["id", "modifiedTime", "cf"],
            Some(r#"{"id":"1","modifiedTime":"t","cf":null}"#),
        );
        check(&["nothing"], None);
        check(&["isArchived"], None);
    }

    #[test]
    fn what_is_included_comes_from_the_full_record() {
        let mut out = Vec::new();
        include(
            br#"{"id":"1","team":null}"#,
            br#"{"id":"1","team":{"id":"2"},"cf":{}}"#,
            ["team", "x"].into_iter(),
            &mut out,
        )
        .unwrap();
        assert_eq!(out, br#"{"id":"1","team":{"id":"2"}}"#);
    }
}
