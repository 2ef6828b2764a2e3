//! What an answer of the API means: its error table, and bodies that are not what they should be. Pure.

use std::time::Duration;

use plugin_api::ErrorKind;
use serde::Deserialize;

use super::super::answer::is_json;
use super::super::retry::Class;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is an answer, good or bad: the exporter gets it.
    Answer,
    /// As the class says; after the last try the exporter gets the answer.
    Again(Class),
    /// A failure that tends to pass; after the last try the exporter is told this.
    Broken(&'static str),
    /// The access token is not valid (any more).
    Outdated,
    /// The credits of the day are spent.
    Spent,
    /// The backup cannot go on like this.
    Refused(ErrorKind, &'static str),
}

/// The longest wait that the desk may ask for without meaning that its credits are spent.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Bodies of errors are short; what is longer is another's.
const LONGEST_ERROR: usize = 64 << 10;

/// Judges an answer. `is_content`: the bytes of an attachment, which may be anything.
pub(super) fn judge(status: u16, body: &[u8], is_content: bool, retry_after: Option<Duration>) -> Meaning {
    let code = if status >= 400 { code(body) } else { None };
    match (status, code.as_deref()) {
        (204 | 205, _) => Meaning::Answer,
        (200..300, _) if is_content || is_json(body) => Meaning::Answer,
        (200..300, _) => Meaning::Broken("the body is not the JSON it should be, or only a part of it"),
        (401, Some("UNAUTHORIZED")) => Meaning::Refused(
            ErrorKind::Unauthorized,
            "the desk does not let this user in: is the person who granted the refresh token still an active agent? \
             Grant another with `deskvault connect`",
        ),
        (401, _) => Meaning::Outdated,
        (403, Some("OAUTH_ORG_MISMATCH")) => Meaning::Refused(
            ErrorKind::Unauthorized,
            "the refresh token belongs to another organisation than `org_id` names: correct it, or grant a token there \
             with `deskvault connect`",
        ),
        (429, Some("THRESHOLD_EXCEEDED")) => Meaning::Spent,
        (429, _) if retry_after.is_some_and(|wait| wait > LONGEST_PAUSE) => Meaning::Spent,
        // What the API itself does not know it says by its own code. Without it a proxy may have answered, and a
        // record would be taken for deleted.
        (404, None) => Meaning::Broken("404 without the error code that the API gives: something on the way answered"),
        _ => match Class::of_status(status, retry_after) {
            Class::Final => Meaning::Answer,
            class => Meaning::Again(class),
        },
    }
}

/// The `errorCode` of an error's body.
pub(super) fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "errorCode")]
        code: String,
    }
    let body = body.get(..LONGEST_ERROR.min(body.len()))?;
    serde_json::from_slice::<Said>(body).ok().map(|said| said.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> String {
        format!(r#"{{"errorCode":"{code}","message":"Something."}}"#)
    }

    type Is<'a> = &'a dyn Fn(&Meaning) -> bool;

    /// Every row of the table of errors, and what is not in it.
    #[test]
    fn every_error_gets_what_the_table_says() {
        use Class::{Defect, Passing, Throttled};
        let unauthorized = |meaning: &Meaning| matches!(meaning, Meaning::Refused(ErrorKind::Unauthorized, _));
        let broken = |meaning: &Meaning| matches!(meaning, Meaning::Broken(_));
        let is = |expected: Meaning| move |meaning: &Meaning| *meaning == expected;
        let (answer, outdated, spent) = (is(Meaning::Answer), is(Meaning::Outdated), is(Meaning::Spent));
        let again = |class| is(Meaning::Again(class));
        let rows: [(u16, &str, Option<u64>, Is<'_>); 32] = [
            (400, "BAD_REQUEST", None, &answer),
            (401, "INVALID_OAUTH", None, &outdated),
            (401, "UNAUTHORIZED", None, &unauthorized),
            (401, "", None, &outdated),
            (403, "SCOPE_MISMATCH", None, &answer),
            (403, "OAUTH_ORG_MISMATCH", None, &unauthorized),
            (403, "FORBIDDEN", None, &answer),
            (403, "LICENSE_ACCESS_LIMITED", None, &answer),
            (404, "URL_NOT_FOUND", None, &answer),
            (404, "", None, &broken),
            (405, "METHOD_NOT_ALLOWED", None, &answer),
            (413, "RESOURCE_SIZE_EXCEEDED", None, &answer),
            (415, "UNSUPPORTED_MEDIA_TYPE", None, &answer),
            (422, "INVALID_DATA", None, &answer),
            (422, "UNPROCESSABLE_ENTITY", None, &answer),
            (422, "EMPTY_PAYLOAD", None, &answer),
            (429, "THRESHOLD_EXCEEDED", Some(40_000), &spent),
            (429, "THRESHOLD_EXCEEDED", Some(5), &spent),
            (429, "THRESHOLD_EXCEEDED", None, &spent),
            (429, "TOO_MANY_REQUESTS", None, &again(Throttled)),
            (429, "TOO_MANY_REQUESTS", Some(300), &again(Throttled)),
            (429, "TOO_MANY_REQUESTS", Some(301), &spent),
            (429, "", None, &again(Throttled)),
            (429, "", Some(86_400), &spent),
            (500, "INTERNAL_SERVER_ERROR", None, &again(Defect)),
            (500, "", None, &again(Defect)),
            (502, "", None, &again(Passing)),
            (503, "", None, &again(Passing)),
            (503, "", Some(1), &again(Throttled)),
            (504, "", None, &again(Passing)),
            (418, "ONLY_LIVECHAT_USER", None, &answer),
            (304, "", None, &answer),
        ];
        for (status, code, retry_after, expected) in rows {
            let body = if code.is_empty() {
                "<html>no</html>".to_owned()
            } else {
                error(code)
            };
            let meaning = judge(status, body.as_bytes(), false, retry_after.map(Duration::from_secs));
            assert!(expected(&meaning), "{status} {code} {retry_after:?}: {meaning:?}");
        }
    }

    #[test]
    fn a_good_status_does_not_make_a_good_body() {
        let cut = &r#"{"data":[{"id":"1","subject":"日本"}]}"#.as_bytes()[..20];
        for (body, good) in [
            (&br#"{"data":[]}"#[..], true),
            (b" {\"a\":\"}]\\\"[{<\"}\r\n", true),
            (b"{\"a\":\"\\\\\"}", true),
            ("[\"日本 \u{1f3ab}\"]".as_bytes(), true),
            (b"{}", true),
            (b"", false),
            (b"  ", false),
            (b"<html><body>busy</body></html>", false),
            (cut, false),
            (b"{\"data\":[{\"id\":\"1\"}]", false),
            (b"{\"data\":[{\"id\":\"1", false),
            (b"{\"data\":[{\"id\":\"1\\", false),
            (b"{\"data\":[}]", false),
            (b"{\"data\":[]}}", false),
            (b"{\"data\":[]}{}", false),
            (b"{\"data\":[]} <b>", false),
            (b"{\"data\":[<html>]}", false),
            (b"{\"data\":\"\xff\"}", false),
            (b"null", false),
            (b"\"text\"", false),
            (b"true", false),
        ] {
            let meaning = judge(200, body, false, None);
            assert_eq!(
                meaning == Meaning::Answer,
                good,
                "{}: {meaning:?}",
                String::from_utf8_lossy(body)
            );
            assert_eq!(
                judge(200, body, true, None),
                Meaning::Answer,
                "bytes of an attachment may be anything"
            );
        }
        assert_eq!(judge(204, b"", false, None), Meaning::Answer);
        assert!(matches!(judge(200, b"", false, None), Meaning::Broken(_)));
    }
}
