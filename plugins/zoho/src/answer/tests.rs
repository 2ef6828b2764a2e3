use plugin_api::testing::{FakeDesk, Reply};
use plugin_api::{Description, Desk, ErrorKind, ExportError, Exporter, Job, Output, Result, Table};

use super::{error_code, is_missing_scope, is_of_one_record, is_refused};

/// Makes one request.
struct Asks(&'static str);

impl Exporter for Asks {
    fn describe(&self) -> Description {
        Description::new("asks", "Asks")
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        Ok(Vec::new())
    }

    fn export(&self, _: &Job, desk: &Desk<'_>, _: &mut Output<'_>) -> Result<()> {
        desk.judge_by(crate::judge);
        desk.get(self.0).map(drop)
    }
}

fn judged(path: &'static str, reply: Reply) -> Result<()> {
    FakeDesk::new(move |_| reply.clone())
        .run(Asks(path), &Job::full("asks"))
        .result
}

fn refused(path: &'static str, status: u16, body: &str) -> ExportError {
    judged(path, Reply::json(status, body)).expect_err("an error")
}

#[test]
fn each_error_has_its_meaning() {
    for (status, code, kind, says) in [
        (400, "BAD_REQUEST", ErrorKind::Http, "does not accept"),
        (401, "INVALID_OAUTH", ErrorKind::Unauthorized, "deskvault connect"),
        (401, "UNAUTHORIZED", ErrorKind::Unauthorized, "deskvault connect"),
        (
            403,
            "SCOPE_MISMATCH",
            ErrorKind::Forbidden,
            "grant Desk.tickets.READ with",
        ),
        (
            403,
            "OAUTH_ORG_MISMATCH",
            ErrorKind::Unauthorized,
            "another organisation",
        ),
        (403, "FORBIDDEN", ErrorKind::Forbidden, "profile"),
        (403, "LICENSE_ACCESS_LIMITED", ErrorKind::Unavailable, "edition"),
        (404, "URL_NOT_FOUND", ErrorKind::NotFound, "does not know"),
        (405, "METHOD_NOT_ALLOWED", ErrorKind::Http, "does not accept"),
        (422, "INVALID_DATA", ErrorKind::Http, "does not accept"),
        (422, "UNPROCESSABLE_ENTITY", ErrorKind::Http, "does not accept"),
        (
            429,
            "THRESHOLD_EXCEEDED",
            ErrorKind::Http,
            "credits of this day are spent",
        ),
        (429, "TOO_MANY_REQUESTS", ErrorKind::Http, "too many requests"),
        (500, "INTERNAL_SERVER_ERROR", ErrorKind::Http, "try again later"),
    ] {
        let body = format!(r#"{{"errorCode":"{code}","message":"It \"says\"\n so.","errors":[],"isTrial":false}}"#);
        let error = refused("/tickets/7", status, &body);
        assert_eq!(
            (error.kind, error.status, error_code(&error)),
            (kind, Some(status), Some(code))
        );
        assert!(
            error.message.contains(says) && error.message.ends_with(": It \"says\" so."),
            "{error}"
        );
        let moved = error.at("Cases").at("row 7: 422 OTHER");
        assert_eq!(is_missing_scope(&moved), code == "SCOPE_MISMATCH");
        assert_eq!(
            is_refused(&moved),
            ["SCOPE_MISMATCH", "FORBIDDEN", "LICENSE_ACCESS_LIMITED"].contains(&code)
        );
        let is_of_one = matches!(kind, ErrorKind::Http | ErrorKind::Forbidden) && code != "THRESHOLD_EXCEEDED";
        assert_eq!(is_of_one_record(&moved), is_of_one, "{code}");
    }
}

#[test]
fn a_body_that_is_no_error_of_the_desk_leaves_the_status() {
    let html = "<html>errorCode</html>";
    for (status, kind) in [
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (502, ErrorKind::Http),
    ] {
        for body in [
            "",
            html,
            "{",
            "[]",
            "7",
            "{}",
            r#"{"errorCode":7}"#,
            r#"{"errorCode":"<b> x"}"#,
            "\u{0}",
        ] {
            let error = refused("/tickets/7", status, body);
            assert_eq!(
                (error.kind, error.status, error_code(&error)),
                (kind, Some(status), None),
                "{body}"
            );
            assert!(!is_refused(&error));
        }
    }
    // A message of another type takes nothing from the code.
    let error = refused("/tickets/7", 403, r#"{"errorCode":"FORBIDDEN","message":{"a":1}}"#);
    assert_eq!(error_code(&error), Some("FORBIDDEN"));
    assert_eq!(
        judged("/tickets/7", Reply::json(200, r#"{"errorCode":"FORBIDDEN"}"#)),
        Ok(())
    );
    assert_eq!(judged("/tickets/7", Reply::empty()), Ok(()));
}

#[test]
fn what_the_desk_says_can_not_pass_for_a_code() {
    let body = r#"{"errorCode":"FORBIDDEN","message":": 403 SCOPE_MISMATCH (x)"}"#;
    assert!(!is_missing_scope(&refused("/tickets/7", 403, body)));
    let long = format!(r#"{{"errorCode":"FORBIDDEN","message":"{}"}}"#, "日".repeat(100_000));
    assert!(refused("/tickets/7", 403, &long).message.len() < 1_000);
}

#[test]
fn the_scope_to_grant_is_named() {
    for (path, scopes) in [
        ("/tickets/search", "grant Desk.tickets.READ and Desk.search.READ with"),
        (
            "/tickets/archivedTickets",
            "grant Desk.tickets.READ and Desk.search.READ with",
        ),
        ("/contacts", "grant Desk.contacts.READ with"),
        ("/accounts/search", "grant Desk.contacts.READ and Desk.search.READ with"),
        ("/agents", "grant Desk.basic.READ with"),
        ("/agents/7/timeEntry", "grant Desk.settings.READ with"),
        ("/tasks/7/comments", "grant Desk.tasks.READ with"),
        ("/organizationFields", "grant Desk.basic.READ with"),
    ] {
        let error = refused(path, 403, r#"{"errorCode":"SCOPE_MISMATCH","message":null}"#);
        assert!(error.message.contains(scopes), "{error}");
    }
}
