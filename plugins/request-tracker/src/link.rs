//! Links between records, which RT gives among a record's hyperlinks.

use serde_json::Value as Json;

use crate::cell::{Row, json, plain, reference};
use crate::list::Record;

/// Columns of a ticket's links, and what RT calls them among hyperlinks.
pub(crate) const TICKET_LINKS: [(&str, &str); 6] = [
    ("DependsOn", "depends-on"),
    ("DependedOnBy", "depended-on-by"),
    ("MemberOf", "parent"),
    ("Members", "child"),
    ("RefersTo", "refers-to"),
    ("ReferredToBy", "referred-to-by"),
];

/// As [`TICKET_LINKS`], of an article.
pub(crate) const ARTICLE_LINKS: [(&str, &str); 2] = [("RefersTo", "refers-to"), ("ReferredToBy", "referred-to-by")];

/// Adds a cell for each kind of link: tickets by number, addresses as they are, other records as objects. RT promises
/// no order, so they are put in one.
pub(crate) fn cells(row: &mut Row, kinds: &[(&str, &str)], record: &Record) {
    let all = record.get("_hyperlinks").and_then(Json::as_array);
    for (_, kind) in kinds {
        let of_kind = all
            .into_iter()
            .flatten()
            .filter(|link| link.get("ref").and_then(Json::as_str) == Some(kind));
        let mut links: Vec<Json> = of_kind.map(end).collect();
        links.sort_by_cached_key(order);
        row.list(&links);
    }
}

fn end(link: &Json) -> Json {
    match link.get("type").and_then(Json::as_str) {
        Some("external") => Json::String(plain(link.get("_url"))),
        Some("ticket") => Json::String(plain(link.get("id"))),
        _ => reference(link),
    }
}

/// Records that are no tickets first; then by length, so that numbers stand in their order.
fn order(link: &Json) -> (usize, String) {
    match link {
        Json::String(text) => (text.chars().count(), text.clone()),
        other => (0, json(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{end, order};

    #[test]
    fn links_stand_in_order() {
        let mut links = [
            json!({"type": "external", "_url": "http://example.test/?q=\"1\""}),
            json!({"type": "ticket", "id": "10"}),
            json!({"type": "ticket", "id": 9}),
            json!({"type": "article", "id": "3", "_url": "http://h/article/3"}),
        ]
        .map(|link| end(&link));
        links.sort_by_cached_key(order);
        let expected = json!([{"id": "3", "type": "article"}, "9", "10", "http://example.test/?q=\"1\""]);
        assert_eq!(json!(links), expected);
    }
}
