use plugin_api::testing::{FakeDesk, Reply, check_exporter};
use plugin_api::{Job, Range, Request, Timestamp};
use serde_json::{Value, json};

use super::Example;

mod smallest;

fn asked<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let found = request.query.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

/// Ticket 1 has everything, the others little; each third one has no comments.
fn ticket(id: usize) -> Value {
    let minute = id % 60;
    let mut ticket = json!({
        "id": id,
        "subject": format!("Ticket {id}, \"quoted\"\nprinter 印刷 🖨"),
        "requester": {"email": format!("person{id}@example.org"), "name": "A person"},
        "created_at": "2031-03-12T09:00:00+09:00",
        "updated_at": format!("2031-03-12T07:{minute:02}:00Z"),
        "custom": {"priority": id % 3, "a/b": null, "new": [1]},
        "comment_count": usize::from(!id.is_multiple_of(3)) * 2,
    });
    if id == 2 {
        ticket["requester"] = Value::Null;
        ticket["custom"] = Value::Null;
    }
    ticket
}

/// A desk with so many tickets.
fn desk(tickets: usize) -> FakeDesk {
    FakeDesk::new(move |request| {
        if request.path == "/fields" {
            let fields = json!([{"key": "priority", "label": "Priority"}, {"key": "a/b", "label": "Either"}]);
            return Reply::json(200, json!({ "fields": fields }));
        }
        if request.path == "/tickets" {
            let number = |name| asked(request, name).and_then(|text| text.parse::<usize>().ok());
            let (page, size) = (number("page").unwrap_or(1), number("per_page").unwrap_or(10));
            let first = (page - 1) * size + 1;
            let page: Vec<_> = (first..first + size)
                .take_while(|id| *id <= tickets)
                .map(ticket)
                .collect();
            return Reply::json(200, json!({"tickets": page, "total": tickets}));
        }
        let id = request
            .path
            .strip_prefix("/tickets/")
            .and_then(|rest| rest.strip_suffix("/comments"));
        let Some(id) = id.and_then(|id| id.parse::<usize>().ok()) else {
            return Reply::status(404);
        };
        let comment = |number: usize| json!({"id": id * 10 + number, "body": "<p>Hello</p>", "private": number == 2});
        Reply::json(200, json!({"comments": [comment(1), comment(2)]}))
    })
}

#[test]
fn conforms() {
    check_exporter(|| Example, desk(230));
}

#[test]
fn writes_every_record_as_the_desk_has_it() {
    let run = desk(3).run(Example, &Job::full("example"));
    assert_eq!(run.result, Ok(()));
    assert_eq!(
        run.rows("Tickets"),
        [
            [
                "1",
                "Ticket 1, \"quoted\"\nprinter 印刷 🖨",
                "person1@example.org",
                "2031-03-12T00:00:00Z",
                "2031-03-12T07:01:00Z",
                "1",
                "",
                r#"{"comment_count":2,"custom":{"new":[1]},"requester":{"name":"A person"}}"#,
            ],
            [
                "2",
                "Ticket 2, \"quoted\"\nprinter 印刷 🖨",
                "",
                "2031-03-12T00:00:00Z",
                "2031-03-12T07:02:00Z",
                "",
                "",
                r#"{"comment_count":2}"#,
            ],
            [
                "3",
                "Ticket 3, \"quoted\"\nprinter 印刷 🖨",
                "person3@example.org",
                "2031-03-12T00:00:00Z",
                "2031-03-12T07:03:00Z",
                "0",
                "",
                r#"{"comment_count":0,"custom":{"new":[1]},"requester":{"name":"A person"}}"#,
            ],
        ]
    );
    assert_eq!(
        run.rows("Comments"),
        [
            ["11", "1", "", "<p>Hello</p>", r#"{"private":false}"#],
            ["12", "1", "", "<p>Hello</p>", r#"{"private":true}"#],
            ["21", "2", "", "<p>Hello</p>", r#"{"private":false}"#],
            ["22", "2", "", "<p>Hello</p>", r#"{"private":true}"#],
        ]
    );
    assert_eq!(run.desk_count("Tickets"), Some(3));
    assert!(!run.requests.iter().any(|request| request.path == "/tickets/3/comments"));
}

#[test]
fn keeps_to_the_range() {
    let moment = |text| Timestamp::parse(text).unwrap();
    let range = Range {
        from: moment("2031-03-12T07:02:00Z"),
        to: moment("2031-03-12T07:04:00Z"),
    };
    // This desk takes no notice of the range.
    let run = desk(50).run(Example, &Job::custom("example", range));
    assert_eq!(run.result, Ok(()));
    let ids: Vec<_> = run.rows("Tickets").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(ids, ["2", "3"]);
    let list = &run.requests[1];
    assert_eq!(asked(list, "updated_from"), Some("2031-03-12T07:02:00Z"));
    assert_eq!(asked(list, "updated_to"), Some("2031-03-12T07:04:00Z"));
    assert_eq!(run.desk_count("Tickets"), None);
}

#[test]
fn never_hides_that_the_list_shrank() {
    // Behind the first page one of its tickets goes: ticket 101 moves into it.
    let (before, after) = (desk(230), desk(229));
    let shrinks = FakeDesk::new(move |request| match asked(request, "page") {
        None | Some("1") => before.reply(request),
        _ => after.reply(request),
    });
    let run = shrinks.run(Example, &Job::full("example"));
    let error = run.result.as_ref().unwrap_err();
    assert!(error.message.contains("the list shrank"), "{error}");
    assert_eq!(run.desk_count("Tickets"), Some(230));
    // The same between two runs.
    let resumed = run.gone_on(Job::full("example"), &run.checkpoints[0]);
    let error = desk(229).run(Example, &resumed).result.unwrap_err();
    assert!(error.message.contains("the list shrank"), "{error}");
}

#[test]
fn tells_what_it_could_not_read() {
    for (status, unread, gone) in [
        (404, &[][..], &[("Comments", "2")][..]),
        (500, &[("Comments", "2")][..], &[][..]),
    ] {
        let desk = desk(3);
        let usual = move |request: &Request| match request.path.as_str() {
            "/tickets/2/comments" => Reply::status(status),
            _ => desk.reply(request),
        };
        let run = FakeDesk::new(usual).run(Example, &Job::full("example"));
        assert_eq!(run.result, Ok(()));
        assert_eq!((run.unread(), run.gone()), (unread.to_vec(), gone.to_vec()));
        assert_eq!(run.rows("Tickets").len(), 3);
    }
}
