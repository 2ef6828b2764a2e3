//! What the desk's errors mean.
//!
//! An error is `{"errorCode": "...", "message": "..."}`. The status alone does not tell a missing scope from a
//! missing right or a missing licence, nor a moment's crowd from the end of the day's credits.

use std::borrow::Cow;

use plugin_api::{ErrorKind, ExportError, Response, Result};
use serde::Deserialize;

/// Characters of the desk's own message that are shown.
const SHOWN: usize = 200;

/// An error, as the desk has it. What is not there, or no text, is nothing.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, rename = "errorCode")]
    code: Cow<'a, str>,
    #[serde(default)]
    message: serde_json::Value,
}

/// Turns an answer that is no success into the error that it means: for
/// [`Desk::judge_by`](plugin_api::Desk::judge_by).
///
/// | answer | error |
/// |---|---|
/// | 401; 403 `OAUTH_ORG_MISMATCH` | `Unauthorized` |
/// | 403 `SCOPE_MISMATCH`, `FORBIDDEN`, or without a code | `Forbidden` |
/// | `LICENSE_ACCESS_LIMITED` | `Unavailable` |
/// | 404 | `NotFound` |
/// | 429 `THRESHOLD_EXCEEDED` | `Http`: the credits of the day are spent |
/// | anything else, e.g. 422 | `Http` |
///
/// The status is kept, and the code can be asked for with [`error_code`]. A body that is no such JSON is no failure of
/// its own: the status then says what there is to say.
pub fn judge(response: Response) -> Result<Response> {
    if (200..300).contains(&response.status) {
        return Ok(response);
    }
    let Ok(answer) = serde_json::from_slice::<Answer<'_>>(response.body()) else {
        return response.ok();
    };
    if !is_code(&answer.code) {
        return response.ok();
    }
    let (kind, advice) = meaning(response.status, &answer.code, &response.asked);
    let said = answer.message.as_str().unwrap_or_default();
    let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    let (asked, status, code) = (&response.asked, response.status, &answer.code);
    let mut error = ExportError::new(kind, format!("{asked}: {status} {code} ({advice}){said}"));
    error.status = Some(status);
    Err(error)
}

/// Whether it looks like the desk's codes do: a code is shown, and looked for again.
fn is_code(code: &str) -> bool {
    !code.is_empty() && code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn meaning(status: u16, code: &str, asked: &str) -> (ErrorKind, Cow<'static, str>) {
    match (status, code) {
        (_, "OAUTH_ORG_MISMATCH") => (
            ErrorKind::Unauthorized,
            "the credentials are of another organisation: correct org_id in the configuration, or connect again".into(),
        ),
        (_, "LICENSE_ACCESS_LIMITED") => (
            ErrorKind::Unavailable,
            "this edition of the desk does not have it: leave the module out of the configuration".into(),
        ),
        (401, _) => (
            ErrorKind::Unauthorized,
            "the desk refuses these credentials: connect again with `deskvault connect`".into(),
        ),
        (403, "SCOPE_MISMATCH") => (
            ErrorKind::Forbidden,
            format!(
                "the credentials lack a scope: grant {} with `deskvault connect`",
                scopes(asked)
            )
            .into(),
        ),
        (403, _) => (
            ErrorKind::Forbidden,
            "the profile of the credentials' owner may not read this: connect as an administrator".into(),
        ),
        (404 | 410, _) => (ErrorKind::NotFound, "the desk does not know it".into()),
        (429, "THRESHOLD_EXCEEDED") => (
            ErrorKind::Http,
            "the desk's credits of this day are spent: resume the backup when there are new ones".into(),
        ),
        (429, _) => (
            ErrorKind::Http,
            "too many requests at one time, after all retries: allow fewer in the configuration".into(),
        ),
        (500.., _) => (
            ErrorKind::Http,
            "the desk failed, after all retries: try again later".into(),
        ),
        _ => (ErrorKind::Http, "the desk does not accept the request".into()),
    }
}

/// The scopes that a request needs, as the API's specification pairs them with its paths.
fn scopes(asked: &str) -> String {
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let segments: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    let module = match segments.as_slice() {
        ["agents", _, "timeEntry"] | ["recycleBin", ..] => "Desk.settings.READ",
        ["tickets" | "ticketsCount", ..] => "Desk.tickets.READ",
        ["contacts" | "accounts", ..] => "Desk.contacts.READ",
        ["tasks", ..] => "Desk.tasks.READ",
        ["calls", ..] => "Desk.calls.READ",
        ["events", ..] => "Desk.events.READ",
        ["products", ..] => "Desk.products.READ",
        ["articles" | "kbRootCategories", ..] => "Desk.articles.READ",
        _ => "Desk.basic.READ",
    };
    if matches!(segments.get(1), Some(&("search" | "archivedTickets"))) {
        return format!("{module} and Desk.search.READ");
    }
    module.to_owned()
}

/// The desk's own code of an error that [`judge`] made, e.g. `SCOPE_MISMATCH`, also with something put before its
/// message; `None` where the desk gave none.
pub fn error_code(error: &ExportError) -> Option<&str> {
    let mark = format!(": {} ", error.status?);
    // The first one: what the desk says of itself comes behind it.
    let (_, behind) = error.message.split_once(&mark)?;
    let code = behind.split(' ').next()?;
    is_code(code).then_some(code)
}

/// Whether the credentials lack a scope.
pub fn is_missing_scope(error: &ExportError) -> bool {
    error.kind == ErrorKind::Forbidden && error_code(error) == Some("SCOPE_MISMATCH")
}

/// Whether the desk itself said, by its code, that these credentials may not read this, or that there is no such thing
/// here: a matter of the desk's settings, and not of a proxy that answers 403 to everything.
pub fn is_refused(error: &ExportError) -> bool {
    let codes = ["SCOPE_MISMATCH", "FORBIDDEN", "LICENSE_ACCESS_LIMITED"];
    matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unavailable)
        && error_code(error).is_some_and(|code| codes.contains(&code))
}

/// Whether an error is about the one record that was asked for, so that it can be told as unread and the others can still
/// be read. Not so when the credits of the day are spent: then no other record can be read either.
pub fn is_of_one_record(error: &ExportError) -> bool {
    match error.kind {
        ErrorKind::Http => error_code(error) != Some("THRESHOLD_EXCEEDED"),
        ErrorKind::Forbidden => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
