use plugin_api::Request;
use plugin_api::testing::{FakeDesk, Reply, check_exporter};

use super::Example;

/// A desk with two tickets and a comment on each.
fn pages(request: &Request) -> Reply {
    let behind = request.query.iter().any(|(name, value)| name == "page" && value != "1");
    match request.path.as_str() {
        "/fields" => Reply::json(200, r#"{"fields":[{"key":"priority","label":"Priority"}]}"#),
        "/tickets" if behind => Reply::json(200, r#"{"tickets":[],"total":2}"#),
        "/tickets" => {
            let first = r#"{"id":1,"subject":"Printer","updated_at":"2031-03-12T07:00:00Z"}"#;
            let second = r#"{"id":2,"subject":"Door","updated_at":"2031-03-12T08:00:00Z","custom":{"priority":3}}"#;
            Reply::json(200, format!(r#"{{"tickets":[{first},{second}],"total":2}}"#))
        }
        "/tickets/1/comments" => Reply::json(200, r#"{"comments":[{"id":11,"body":"It is on fire."}]}"#),
        "/tickets/2/comments" => Reply::json(200, r#"{"comments":[{"id":12,"body":"It is open."}]}"#),
        _ => Reply::status(404),
    }
}

#[test]
fn conforms() {
    check_exporter(|| Example, FakeDesk::new(pages));
}
