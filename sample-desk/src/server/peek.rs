//! Facts of a record that the world gives only as JSON: read from a row that was just written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::server::error::ApiError;

/// What answers are filtered and named by.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Facts<'a> {
    #[serde(borrow)]
    associated_department_ids: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    department_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow)]
    locale: Option<Cow<'a, str>>,
}

/// The facts of a row; of one that is no object, none.
fn facts(row: &[u8]) -> Facts<'_> {
    serde_json::from_slice(row).unwrap_or_default()
}

/// Whether an agent or a team is of one of these departments.
pub(crate) fn is_of(row: &[u8], departments: &[&str]) -> bool {
    let facts = facts(row);
    facts
        .department_id
        .iter()
        .chain(&facts.associated_department_ids)
        .any(|id| departments.contains(&&**id))
}

/// A record's name, or its subject.
pub(crate) fn name(row: &[u8]) -> String {
    let facts = facts(row);
    facts.name.or(facts.subject).unwrap_or_default().into_owned()
}

/// Whether an article is in this language.
pub(crate) fn is_in(row: &[u8], locale: &str) -> bool {
    facts(row).locale.as_deref() == Some(locale)
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

/// A row, by its keys.
pub(crate) type Keys<'a> = BTreeMap<&'a str, &'a RawValue>;

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
    let mut given = vec!["id"];
    for name in names {
        if given.contains(&name) {
            continue;
        }
        given.push(name);
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

/// A thread with its content as text: without tags, and with the commonest entities resolved.
pub(crate) fn with_plain_text(row: &[u8]) -> Result<Vec<u8>, ApiError> {
    let keys = keys(row)?;
    let content: Option<String> = keys
        .get("content")
        .and_then(|value| serde_json::from_str(value.get()).ok());
    let plain = serde_json::Value::from(content.map(|content| plain_text(&content))).to_string();
    let mut out = Vec::with_capacity(row.len() + plain.len());
    for (at, (name, value)) in keys.iter().enumerate() {
        out.push(if at == 0 { b'{' } else { b',' });
        put(&mut out, name, if *name == "plainText" { &plain } else { value.get() });
    }
    out.push(b'}');
    Ok(out)
}

fn plain_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        let Some((_, behind)) = tag.split_once('>') else { break };
        out.push_str(text);
        rest = behind;
    }
    out.push_str(rest);
    for (entity, text) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, text);
    }
    out
}

/// The keys of a row.
pub(crate) fn keys(row: &[u8]) -> Result<Keys<'_>, ApiError> {
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
    fn facts_are_read() {
        let row =
            br#"{"name":"a \"b\"","associatedDepartmentIds":["1","2"],"departmentId":null,"locale":"fr","more":[1]}"#;
        assert_eq!(name(row), "a \"b\"");
        assert!(is_of(row, &["3", "2"]) && !is_of(row, &["3"]));
        assert!(is_of(br#"{"departmentId":"3"}"#, &["3"]));
        assert!(is_in(row, "fr") && !is_in(row, "f") && !is_in(b"[]", ""));
        assert_eq!(name(br#"{"subject":"s"}"#), "s");
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
        check(&["subject", "subject"], Some(r#"{"id":"1","subject":"s"}"#));
        check(
            &["id", "modifiedTime", "cf"],
            Some(r#"{"id":"1","modifiedTime":"t","cf":null}"#),
        );
        check(&["nothing"], None);
        check(&["isArchived"], None);
    }

    #[test]
    fn plain_text_has_no_tags() {
        let check = |content: &str, expect: &str| assert_eq!(plain_text(content), expect, "{content}");
        check("<div>a &lt;b&gt; &amp;amp;</div>", "a <b> &amp;");
        check("1 < 2", "1 < 2");
        check("a<b>c<d", "ac<d");
        check("", "");
        let row = with_plain_text(br#"{"content":"<p>x</p>","plainText":null}"#).unwrap();
        assert_eq!(row, br#"{"content":"<p>x</p>","plainText":"x"}"#);
        let none = br#"{"content":null,"plainText":null}"#;
        assert_eq!(with_plain_text(none).unwrap(), none);
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
