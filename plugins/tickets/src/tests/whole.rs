//! A desk as it should be.

use plugin_api::Job;
use plugin_api::testing::check_exporter;
use serde_json::json;

use super::{Case, attachment, cells, ids, inner, is_whole, least, run, thread, zoho};
use crate::Tickets;

/// Tickets of every sort, one of them archived, and one archived that the search gives too.
fn desk() -> zoho::testing::FakeZoho {
    let mut attached = Case::new(4).threads(2).attachments(2);
    attached.threads[0]["attachments"] = json!([inner(40_001)]);
    attached.threads[0]["attachmentCount"] = json!("1");
    let mut commented = Case::new(5).comments(2);
    commented.comments[0]["attachments"] = json!([inner(50_009)]);
    let cases = [
        Case::new(1),
        Case::new(2).threads(1),
        Case::new(3).threads(3).comments(1).entries(2),
        attached,
        commented,
        Case::new(7).threads(1),
    ];
    // Of the archived ones the search gave the first.
    zoho(&cases, &[Case::new(6).threads(2).entries(1)], 3)
}

#[test]
fn everything_is_written_once_with_the_least_requests() {
    let run = run(&desk().desk());
    is_whole(&run);
    assert_eq!(ids(&run, "Cases"), ["1", "2", "3", "4", "5", "7", "6"]);
    assert_eq!(
        ids(&run, "Threads"),
        ["2001", "3001", "3002", "3003", "4001", "4002", "7001", "6001", "6002"]
    );
    assert_eq!(ids(&run, "Comments"), ["3501", "5501", "5502"]);
    assert_eq!(
        ids(&run, "TimeEntry"),
        ["301", "302", "601", "900001", "900002", "900003"]
    );
    let attachments = cells(
        &run,
        "Attachments",
        &["id", "creatorId", "ticketId", "threadId", "commentId"],
    );
    let expected = [
        ["40001", "1903", "4", "4001", ""],
        ["40002", "1903", "4", "", ""],
        ["50009", "", "5", "", "5501"],
    ];
    assert_eq!(attachments, expected);
    assert_eq!(run.requests.len() as u64, least(&run));
}

#[test]
fn rows_have_what_the_desk_says() {
    let run = run(&desk().desk());
    let cases = cells(
        &run,
        "Cases",
        &["status", "childTicketCount", "cf_serial", "modifiedTime", "isTrashed"],
    );
    assert_eq!(
        cases[0],
        ["Closed", "0", "LP-88213", "2031-03-15T10:01:05.120Z", "false"]
    );
    let names = [
        "ticketId",
        "threadStatus",
        "content",
        "isPrivate",
        "receipients",
        "departmentId",
        "layoutId",
        "Other Fields",
    ];
    let threads = cells(&run, "Threads", &names);
    let body = "<div>Thread 3001, \"日本\"\r\n=1+1</div>";
    let expected = [
        "3",
        "EMAIL INCOMING",
        body,
        "false",
        "\"Support\"<help@desk.example>",
        "21",
        "33",
        r#"{"onlyInRow":1}"#,
    ];
    assert_eq!(threads[1], expected);
    let comments = cells(
        &run,
        "Comments",
        &["comment", "commentedBy", "entityId", "moduleId", "Other Fields"],
    );
    assert_eq!(comments[0], ["Comment 3501", "314", "3", "", ""]);
    let entries = cells(
        &run,
        "TimeEntry",
        &["requestId", "cf_kind", "minutesSpent", "totalCost"],
    );
    assert_eq!(entries[0], ["3", "x", "25", "16.67"]);
}

#[test]
fn it_holds_to_what_every_exporter_must() {
    check_exporter(|| Tickets, desk().desk());
}

#[test]
fn empty_lists_are_as_good_as_204() {
    let plain = run(&desk().plain_empty().desk());
    is_whole(&plain);
    assert_eq!(plain.rows("Threads"), run(&desk().desk()).rows("Threads"));
}

#[test]
fn many_pages_take_no_more_requests() {
    let mut cases = vec![
        Case::new(10).threads(10).comments(250),
        Case::new(11).attachments(250),
        Case::new(12).threads(3).entries(120),
    ];
    cases.extend((13..=450).map(|id| Case::new(id).threads(id % 4)));
    let run = run(&zoho(&cases, &[], 0).desk());
    is_whole(&run);
    assert_eq!(run.rows("Comments").len(), 250);
    assert_eq!(run.rows("Attachments").len(), 250);
    let (made, least) = (run.requests.len() as u64, least(&run));
    assert!(made * 100 <= least * 102, "{made} requests where {least} are needed");
}

#[test]
fn archived_tickets_that_the_search_gives_are_written_once() {
    let both = Case::new(2).threads(2);
    let desk = zoho(&[Case::new(1), both.clone()], &[], 0);
    let desk = desk.list_where("/tickets/archivedTickets", ("departmentId", "21"), Vec::new());
    let first = run(&desk.desk());
    is_whole(&first);
    let listed = [both.search_row()].to_vec();
    // The list that is named first counts: department 22 has the ticket too.
    let mut other =
        zoho::testing::FakeZoho::new().list_where("/tickets/archivedTickets", ("departmentId", "22"), listed);
    let _ = &mut other;
    let desk = other.desk();
    let base = zoho(&[Case::new(1), both], &[], 0).desk();
    let mixed = plugin_api::testing::FakeDesk::new(move |request| {
        if request.path == "/tickets/archivedTickets" && request.query[0].1 == "22" {
            desk.reply(request)
        } else {
            base.reply(request)
        }
    });
    let again = run(&mixed);
    is_whole(&again);
    assert_eq!(again.rows("Cases"), first.rows("Cases"));
    for checkpoint in &again.checkpoints {
        let resumed = mixed.run(Tickets, &again.gone_on(Job::full("tickets"), checkpoint));
        assert_eq!(resumed.result, Ok(()));
        assert_eq!(resumed.rows("Cases").len() + checkpoint.rows[0], 2);
    }
}

#[test]
fn attachments_that_the_list_repeats_are_written_once() {
    let mut case = Case::new(1).threads(2).attachments(3);
    case.threads[1]["attachments"] = json!([inner(10_003), attachment(10_009)]);
    case.threads[1]["attachmentCount"] = json!("-1");
    let run = run(&zoho(&[case], &[], 0).desk());
    is_whole(&run);
    assert_eq!(ids(&run, "Attachments"), ["10003", "10009", "10001", "10002"]);
    let _ = thread(1);
}
