//! The exporter against a Request Tracker that is a few lists. Against the real one: `tests/tests/request_tracker.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plugin_api::testing::{Checkpoint, FakeDesk, Reply, Run, check_exporter};
use plugin_api::{ErrorKind, Job, Range, Request, Timestamp};

use crate::RequestTracker;
use fake::{DELETED, Fake, GAP, OUT_OF_SIGHT, TICKETS, users};

mod fake;

fn desk(change: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) -> FakeDesk {
    let fake = Fake::new();
    FakeDesk::new(move |request| change(request, fake.answer(request)))
}

fn run(change: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) -> Run {
    desk(change).run(RequestTracker::default(), &Job::full("request-tracker"))
}

/// The values of a column.
fn column(run: &Run, table: &str, name: &str) -> Vec<String> {
    let at = run
        .table(table)
        .expect("the table")
        .table
        .position(name)
        .expect("the column");
    run.rows(table).into_iter().map(|mut row| row.swap_remove(at)).collect()
}

#[test]
fn conforms() {
    check_exporter(RequestTracker::default, desk(|_, reply| reply));
}

#[test]
fn every_record_once_and_in_order() {
    let run = run(|_, reply| reply);
    assert_eq!(run.result, Ok(()));
    let numbers = |range: std::ops::RangeInclusive<u64>| range.map(|number| number.to_string()).collect::<Vec<_>>();
    let mut tickets = numbers(1..=TICKETS);
    tickets.retain(|number| *number != GAP.to_string());
    assert_eq!(column(&run, "Tickets", "id"), tickets);
    assert_eq!(column(&run, "Transactions", "id"), numbers(1..=2 * (TICKETS - 1)));
    assert_eq!(run.rows("Attachments").len() as u64, 4 * (TICKETS - 1));
    assert_eq!(run.rows("TimeWorked").len() as u64, TICKETS / 2);
    assert_eq!(run.rows("Users").len(), 130);
    assert_eq!(
        column(&run, "Users", "Disabled")
            .iter()
            .filter(|flag| *flag == "1")
            .count(),
        2
    );
    assert_eq!(column(&run, "Groups", "Disabled"), ["0", "0", "1"]);
    assert_eq!(run.rows("GroupMembers").len(), 124 + 3);
    assert_eq!(run.rows("Articles").len(), 120);
}

#[test]
fn a_record_that_goes_between_the_count_and_the_list_is_no_failure() {
    for (times, whole) in [(1, true), (9, true), (usize::MAX, false)] {
        let asked = AtomicUsize::new(0);
        let run = run(move |request, reply| {
            let is_slice =
                request.path == "/tickets" && request.query.iter().any(|(_, value)| value.contains("id <= 100"));
            if !is_slice || asked.fetch_add(1, Ordering::Relaxed) >= times {
                return reply;
            }
            Reply::json(200, serde_json::json!({"items": [], "total": 1}))
        });
        assert_eq!(run.result.is_ok(), whole, "{times}: {:?}", run.result);
        if !whole {
            let message = run.result.expect_err("it fails").message;
            assert!(message.ends_with(", 10 times"), "{message}");
        }
    }
}

#[test]
fn cells_are_put_where_they_belong() {
    let run = run(|_, reply| reply);
    let row = |table: &str, at: usize, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| column(&run, table, name)[at].clone()).collect()
    };
    let names = [
        "Subject",
        "Owner",
        "AdminCc",
        "Due",
        "MemberOf",
        "CustomRole.{Engineer}",
        "CF.{F}",
        "Other Custom Fields",
    ];
    let expected = [
        "\"1\", 件名",
        "Nobody",
        r#"[{"id":"5","type":"group"}]"#,
        "",
        r#"["2"]"#,
        "engineer",
        "v",
        r#"{"9":["made meanwhile"]}"#,
    ];
    assert_eq!(row("Tickets", 0, &names), expected);
    let names = ["Ticket", "OldValue", "Content", "ContentHTML", "MoreContents"];
    let more = r#"[{"Content":"text 4","ContentType":"Text/Plain","id":"4"}]"#;
    assert_eq!(
        row("Transactions", 1, &names),
        ["1", r#"{"a":null,"b":1}"#, "text 2", "text 3", more]
    );
    assert_eq!(row("Attachments", 1, &["Parent", "ContentLength"]), ["1", "2000000"]);
}

#[test]
fn custom_fields_that_change_meanwhile_move_no_value() {
    // Asked once more, RT has disabled the field of tickets, and has another one in its place.
    let asked = AtomicUsize::new(0);
    let run = run(move |request, reply| {
        if request.path != "/customfields" || asked.fetch_add(1, Ordering::Relaxed) == 0 {
            return reply;
        }
        let field = |number: u64, lookup: &str| serde_json::json!({"id": number, "Name": "F", "Type": "Freeform", "MaxValues": "1", "LookupType": lookup});
        let items = [field(2, "RT::User"), field(9, "RT::Queue-RT::Ticket")];
        Reply::json(200, serde_json::json!({"items": items, "total": 2}))
    });
    assert_eq!(run.result, Ok(()));
    assert_eq!(column(&run, "Tickets", "CF.{F}")[0], "v");
    assert_eq!(
        column(&run, "Tickets", "Other Custom Fields")[0],
        r#"{"9":["made meanwhile"]}"#
    );
}

#[test]
fn users_who_come_before_an_export_is_gone_on_with_do_not_hide_others() {
    let first = run(|_, reply| reply);
    let users_at = first
        .tables
        .iter()
        .position(|table| table.table.name == "Users")
        .expect("the table");
    for checkpoint in &first.checkpoints {
        let mut later = Fake::new();
        later.users = users(260);
        let job = first.gone_on(Job::full("request-tracker"), checkpoint);
        let second = FakeDesk::new(move |request| later.answer(request)).run(RequestTracker::default(), &job);
        assert_eq!(second.result, Ok(()));
        let mut ids = column(&first, "Users", "id");
        ids.truncate(checkpoint.rows[users_at]);
        ids.extend(column(&second, "Users", "id"));
        let expected: Vec<String> = (1..=ids.len()).map(|number| (number * 7).to_string()).collect();
        assert_eq!(ids, expected, "from {}", checkpoint.cursor);
        assert!(ids.len() == 130 || ids.len() == 260);
    }
}

#[test]
fn deleted_tickets_are_found() {
    let run = run(|_, reply| reply);
    let ids = column(&run, "Tickets", "id");
    for (ticket, expected) in [
        (DELETED, ["deleted", "78", "\"78\", 件名"]),
        (OUT_OF_SIGHT, ["deleted", "1", ""]),
    ] {
        let at = ids
            .iter()
            .position(|id| *id == ticket.to_string())
            .expect("it is there");
        let cells = ["Status", "EffectiveId", "Subject"].map(|name| column(&run, "Tickets", name)[at].clone());
        assert_eq!(cells, expected, "{ticket}");
    }
}

/// Minute 70 up to, not including, minute 90; the fake desk takes a ticket's number for its minute.
fn range() -> Job {
    let time = |text: &str| Timestamp::parse(text).expect("a time");
    let range = Range {
        from: time("2031-03-12T01:10:00Z"),
        to: time("2031-03-12T01:30:00Z"),
    };
    Job::custom("request-tracker", range)
}

#[test]
fn a_range_that_is_gone_on_with_takes_each_ticket_once() {
    let first = desk(|_, reply| reply).run(RequestTracker::default(), &range());
    let whole = column(&first, "Tickets", "id");
    assert!(whole.is_sorted() && whole.contains(&DELETED.to_string()));
    let after_tickets = |checkpoint: &&Checkpoint| checkpoint.cursor["part"] == "tickets";
    for checkpoint in first.checkpoints.iter().filter(after_tickets) {
        let mut later = Fake::new();
        for ticket in &mut later.tickets {
            // Deleted between the two runs, some of them by another program, which leaves no trace.
            if ticket["id"].as_u64().is_some_and(|number| number % 3 == 0) {
                ticket["Status"] = "deleted".into();
            }
        }
        let job = first.gone_on(range(), checkpoint);
        let second = FakeDesk::new(move |request| later.answer(request)).run(RequestTracker::default(), &job);
        assert_eq!(second.result, Ok(()));
        let mut ids = whole[..checkpoint.rows[0]].to_vec();
        ids.extend(column(&second, "Tickets", "id"));
        ids.sort();
        assert_eq!(ids, whole, "from {}", checkpoint.cursor);
    }
    assert!(first.checkpoints.iter().filter(after_tickets).count() > 0);
}

#[test]
fn a_range_takes_what_changed_in_it() {
    let run = desk(|_, reply| reply).run(RequestTracker::default(), &range());
    assert_eq!(run.result, Ok(()));
    let mut tickets: Vec<u64> = column(&run, "Tickets", "id")
        .iter()
        .map(|id| id.parse().expect("a number"))
        .collect();
    tickets.sort_unstable();
    let expected: Vec<u64> = (70..90).filter(|number| *number != GAP).collect();
    assert_eq!(tickets, expected);
    assert_eq!(run.rows("Transactions").len(), 2 * expected.len());
    assert_eq!(run.rows("Attachments").len(), 4 * expected.len());
    assert_eq!(run.rows("Users").len(), 20);
}

#[test]
fn one_record_that_rt_fails_on_does_not_take_others_along() {
    let body = |request: &Request| request.body.clone().unwrap_or_default();
    let asks = move |request: &Request, field: &str, number: u64| {
        let conditions: serde_json::Value = serde_json::from_str(&body(request)).unwrap_or_default();
        let (mut low, mut high, mut ids) = (0, u64::MAX, None);
        for condition in conditions
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["field"] == field)
        {
            match condition["operator"].as_str() {
                Some(">") => low = condition["value"].as_u64().expect("a number"),
                Some("<=") => high = condition["value"].as_u64().expect("a number"),
                Some("IN") => ids = condition["value"].as_array().cloned(),
                _ => {}
            }
        }
        high < u64::MAX && low < number && number <= high || ids.is_some_and(|ids| ids.contains(&number.into()))
    };
    let broken = run(move |request, reply| {
        let whole = request
            .query
            .iter()
            .any(|(key, value)| key == "per_page" && value == "100");
        let transaction = request.path == "/transactions" && whole && asks(request, "id", 123);
        let files = request.path == "/attachments" && whole && asks(request, "TransactionId", 200);
        let text = request.path == "/attachments" && whole && asks(request, "id", 6);
        if transaction || files || text {
            Reply::status(500)
        } else {
            reply
        }
    });
    assert_eq!(broken.result, Ok(()));
    let mut unread: Vec<&str> = broken.unread().iter().map(|(_, key)| *key).collect();
    unread.sort_unstable();
    unread.dedup();
    assert_eq!(
        unread,
        ["123", "attachments of transaction 200", "text of attachment 6"]
    );
    assert_eq!(broken.rows("Transactions").len() as u64, 2 * (TICKETS - 1) - 1);
}

#[test]
fn a_record_that_rt_shows_as_null_does_not_take_others_along() {
    let mut fake = Fake::new();
    for null in [
        &mut fake.users[119],
        &mut fake.articles[99],
        &mut fake.transactions[122],
    ] {
        null["_null"] = true.into();
    }
    fake.null_member = Some(50);
    let broken = FakeDesk::new(move |request| fake.answer(request))
        .run(RequestTracker::default(), &Job::full("request-tracker"));
    assert_eq!(broken.result, Ok(()));
    let unread: std::collections::BTreeSet<_> = broken.unread().into_iter().map(|(_, key)| key).collect();
    let expected = [
        "123",
        "members of group 4, null 1",
        "page 1, record 100",
        "page 2, record 1",
        "page 2, record 20",
    ];
    assert_eq!(unread.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(broken.rows("Users").len(), 129);
    assert_eq!(broken.rows("Articles").len(), 119);
    assert_eq!(broken.rows("Transactions").len() as u64, 2 * (TICKETS - 1) - 1);
    assert_eq!(broken.rows("GroupMembers").len(), 123 + 3);
}

#[test]
fn a_queue_that_rt_fails_on_is_unread() {
    let broken = run(|request, reply| match request.path.as_str() {
        "/queue/1" => Reply::status(500),
        _ => reply,
    });
    assert_eq!(broken.result, Ok(()));
    assert_eq!(broken.unread(), [("Queues", "1")]);
    assert_eq!(broken.rows("Articles").len(), 120);
}

#[test]
fn texts_that_are_too_large_together_come_one_by_one() {
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let run = run(move |request, reply| {
        let several = request
            .body
            .as_deref()
            .is_some_and(|body| body.contains(r#""IN","value":[2,"#));
        if request.path == "/attachments"
            && several
            && !request.query.iter().any(|(_, value)| value.contains("Headers"))
        {
            count.fetch_add(1, Ordering::Relaxed);
            Reply::failure(ErrorKind::TooLarge, "too large")
        } else {
            reply
        }
    });
    assert_eq!(run.result, Ok(()));
    assert!(refused.load(Ordering::Relaxed) > 0);
    assert!(run.unread().is_empty());
    assert_eq!(column(&run, "Transactions", "Content")[1], "text 2");
}

#[test]
fn a_user_who_does_not_see_everything_is_refused() {
    let run = run(|request, reply| match request.path.as_str() {
        "/transactions" => Reply::json(200, r#"{"items":[],"total":null}"#),
        _ => reply,
    });
    let error = run.result.expect_err("a refusal");
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.message.contains("SuperUser"), "{error}");
}

#[test]
fn another_address_is_told() {
    let run = run(|_, _| Reply::bytes(200, "<html>"));
    let error = run.result.expect_err("a refusal");
    assert!(error.message.contains("/REST/2.0"), "{error}");
}
