//! A desk as it may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use plugin_api::Job;
use plugin_api::testing::{FakeDesk, Reply};
use plugin_api::{Note, Request};
use serde_json::{Value as Json, json};
use zoho::testing::error;

use super::{Case, cells, comment, count_after, entry, ids, is_whole, retry, row_of, run, thread, zoho};
use crate::Tickets;

/// The desk with other answers to some requests.
pub(super) fn but(
    desk: zoho::testing::FakeZoho,
    answer: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> FakeDesk {
    let desk = desk.desk();
    FakeDesk::new(move |request| answer(request).unwrap_or_else(|| desk.reply(request)))
}

pub(super) fn query<'r>(request: &'r Request, name: &str) -> &'r str {
    zoho::testing::asked(request, name).unwrap_or_default()
}

#[test]
fn a_ticket_that_goes_meanwhile_is_gone() {
    let cases = [
        Case::new(1).threads(2),
        Case::new(2).threads(1),
        Case::new(3).detail("isTrashed", json!("true")),
    ];
    let desk = but(zoho(&cases, &[], 0), |request| {
        (request.path == "/tickets/1").then(|| error(404, "URL_NOT_FOUND"))
    });
    let run = run(&desk);
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.gone(), [("Cases", "1"), ("Cases", "3")]);
    assert_eq!(ids(&run, "Cases"), ["2"]);
    assert_eq!(ids(&run, "Threads"), ["2001"]);
}

#[test]
fn a_ticket_that_can_not_be_read_is_named() {
    let cases = [Case::new(1).threads(1), Case::new(2).threads(1)];
    for reply in [
        Reply::status(500),
        Reply::bytes(200, "<html>"),
        Reply::json(200, r#"{"id":"9"}"#),
    ] {
        let desk = but(zoho(&cases, &[], 0), move |request| {
            (request.path == "/tickets/1").then(|| reply.clone())
        });
        let run = run(&desk);
        assert_eq!(run.result, Ok(()));
        assert_eq!(run.unread(), [("Cases", "1")]);
        // It is asked for again: if that fails too, as its row has it, with all that belongs to it.
        assert_eq!(
            (ids(&run, "Cases"), ids(&run, "Threads")),
            (vec!["2".to_owned()], vec!["2001".to_owned()])
        );
        let again = desk.run(Tickets, &retry(&run));
        assert_eq!((again.result.clone(), again.unread()), (Ok(()), vec![("Cases", "1")]));
        assert_eq!(
            (ids(&again, "Cases"), ids(&again, "Threads")),
            (vec!["1".to_owned()], vec!["1001".to_owned()])
        );
    }
}

#[test]
fn a_thread_that_goes_meanwhile_is_gone() {
    let cases = [Case::new(1).threads(3)];
    let (whole, went) = (cases[0].whole(), std::sync::atomic::AtomicBool::new(false));
    let desk = but(zoho(&cases, &[], 0), move |request| match request.path.as_str() {
        "/tickets/1/threads/1002" => {
            went.store(true, std::sync::atomic::Ordering::Relaxed);
            Some(error(404, "URL_NOT_FOUND"))
        }
        "/tickets/1" => {
            let mut detail = whole.clone();
            if went.load(std::sync::atomic::Ordering::Relaxed) {
                detail["threadCount"] = json!("2");
            }
            Some(Reply::json(200, detail))
        }
        _ => None,
    });
    let run = run(&desk);
    assert_eq!(run.result, Ok(()));
    assert_eq!((run.unread(), run.gone()), (vec![], vec![("Threads", "1002")]));
    assert_eq!(ids(&run, "Threads"), ["1001", "1003"]);
}

#[test]
fn the_ticket_is_asked_again_for_what_went_before_the_conversations() {
    // The detail counts one more at first.
    let cases = [Case::new(1).threads(2).comments(1)];
    let whole = cases[0].whole();
    let calls = std::sync::atomic::AtomicU32::new(0);
    let desk = but(zoho(&cases, &[], 0), move |request| {
        if request.path != "/tickets/1" {
            return None;
        }
        let mut detail = whole.clone();
        if calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            detail["threadCount"] = json!("3");
        }
        Some(Reply::json(200, detail))
    });
    let run = run(&desk);
    is_whole(&run);
    assert_eq!(
        (run.desk_count("Threads"), count_after(&run, "Threads")),
        (Some(3), Some(2))
    );
}

#[test]
fn what_the_desk_counts_and_never_shows_is_named() {
    let cases = [Case::new(1)
        .threads(2)
        .comments(1)
        .detail("threadCount", json!("4"))
        .detail("commentCount", json!("3"))
        .detail("attachmentCount", json!("2"))
        .detail("timeEntryCount", json!("5"))];
    let run = run(&zoho(&cases, &[], 1).desk());
    assert_eq!(run.result, Ok(()));
    let mut unread = run.unread();
    unread.sort_unstable();
    assert_eq!(
        unread,
        [
            ("Attachments", "1"),
            ("Comments", "1"),
            ("Threads", "1"),
            ("TimeEntry", "ticket 1")
        ]
    );
    let counts = ["Threads", "Comments", "Attachments", "TimeEntry"].map(|table| run.desk_count(table));
    assert_eq!(counts, [Some(4), Some(3), Some(2), Some(6)]);
    let mut reasons = run.notes.iter().filter_map(|note| match note {
        Note::Unread { reason, .. } => Some(reason.as_str()),
        _ => None,
    });
    assert!(reasons.any(|reason| reason.contains("counts 4 threads, and shows 2")));
}

#[test]
fn conversations_without_a_second_page_are_made_up_for() {
    let case = Case::new(1).threads(5).comments(250);
    for reply in [Reply::empty(), Reply::status(500)] {
        let desk = but(zoho(std::slice::from_ref(&case), &[], 0), move |request| {
            (request.path.ends_with("/conversations") && query(request, "from") != "0").then(|| reply.clone())
        });
        let run = run(&desk);
        is_whole(&run);
        assert_eq!((run.rows("Threads").len(), run.rows("Comments").len()), (5, 250));
    }
    let desk = but(zoho(&[case], &[], 0), |request| {
        request.path.ends_with("/conversations").then(|| Reply::status(500))
    });
    let run = run(&desk);
    is_whole(&run);
    assert_eq!((run.rows("Threads").len(), run.rows("Comments").len()), (5, 250));
}

pub(super) fn draft(id: u64) -> Json {
    let mut draft = thread(id);
    draft["status"] = json!("DRAFT");
    draft
}

#[test]
pub(super) fn drafts_are_written_whether_they_count_or_not() {
    for counts in [true, false] {
        // A draft as the only thread, behind one, before one; and none.
        let mut cases = [
            Case::new(1),
            Case::new(2).threads(1),
            Case::new(3).threads(2),
            Case::new(4).threads(3).comments(1),
            Case::new(5).threads(1),
        ];
        cases[0].threads.push(draft(1001));
        cases[1].threads.push(draft(2002));
        cases[2].threads[0] = draft(3001);
        cases[3].threads[1] = draft(4002);
        let cases = cases.map(|case| {
            let drafts = case.threads.iter().filter(|thread| thread["status"] == "DRAFT").count();
            let count = (case.threads.len() - if counts { 0 } else { drafts }).to_string();
            case.detail("threadCount", json!(count))
                .row("threadCount", json!(count))
        });
        for window in [1, 16] {
            let job = Job::full("tickets").with_window(window);
            let run = zoho(&cases, &[], 0).desk().run(Tickets, &job);
            is_whole(&run);
            let mut threads = ids(&run, "Threads");
            threads.sort_unstable();
            let expected = ["1001", "2001", "2002", "3001", "3002", "4001", "4002", "4003", "5001"];
            assert_eq!(threads, expected, "counts: {counts}, window {window}");
            assert_eq!(count_after(&run, "Threads").is_some(), !counts);
        }
    }
}

#[test]
fn bodies_that_are_cut_are_read_whole() {
    let long = "\"日本語\"\r\n=SUM(A1) 😀 <b>\u{202e}</b>\n".repeat(40_000);
    let mut case = Case::new(1).threads(3);
    for (at, url) in [
        (0, Json::Null),
        (
            1,
            json!("https://desk.example/api/v1/tickets/1/threads/1002/fullContent?orgId=2"),
        ),
    ] {
        case.threads[at]["isContentTruncated"] = json!(true);
        case.threads[at]["fullContentURL"] = url;
        case.threads[at]["content"] = json!("\"日");
    }
    case.threads[2]["content"] = json!(long);
    let desk = zoho(&[case], &[], 0)
        .answer("/tickets/1/threads/1001/fullContent", json!({"content": long}))
        .answer("/tickets/1/threads/1002/fullContent", json!(long));
    let run = run(&desk.clone().desk());
    is_whole(&run);
    for row in cells(&run, "Threads", &["content", "Other Fields"]) {
        assert!(
            row[0] == long && row[1] == r#"{"onlyInRow":1}"#,
            "{} characters",
            row[0].len()
        );
    }
    let run = super::run(&desk.refuse("1002/fullContent", 500, "INTERNAL_SERVER_ERROR").desk());
    assert_eq!(run.unread(), [("Threads", "1/1002")]);
    assert_eq!(run.rows("Threads").len(), 2);
}

#[test]
fn entries_that_no_agent_gives_are_read_from_their_tickets() {
    let mut hidden = Case::new(2).entries(3);
    let known = hidden.entries.remove(0);
    let cases = [Case::new(1).entries(2), hidden.clone()];
    hidden.entries.insert(0, known);
    let all = hidden.entries.clone();
    let desk = but(zoho(&cases, &[], 2), move |request| match request.path.as_str() {
        "/tickets/2/timeEntry" => Some(Reply::json(200, json!({"data": all}))),
        "/tickets/2" => Some(Reply::json(200, hidden.whole())),
        _ => None,
    });
    let run = run(&desk);
    is_whole(&run);
    assert_eq!(
        ids(&run, "TimeEntry"),
        ["101", "102", "202", "203", "900001", "900002", "201"]
    );
    // Nobody lists what agents gave.
    let cases = [Case::new(1).entries(2), Case::new(2)];
    let run = super::run(&zoho(&cases, &[], 0).refuse("/timeEntry", 403, "SCOPE_MISMATCH").desk());
    assert_eq!(run.result, Ok(()));
    let unread = run.unread();
    assert!(
        unread.contains(&("TimeEntry", "time entries that belong to no ticket")),
        "{unread:?}"
    );
    assert!(unread.contains(&("TimeEntry", "ticket 1")), "{unread:?}");
}

#[test]
fn archived_lists_that_end_too_early_are_named() {
    let archived: Vec<Case> = (1..=5_300).map(Case::new).collect();
    let rows: Vec<Json> = archived.iter().map(Case::search_row).collect();
    for cap in [5_000, 5_099] {
        let rows = rows.clone();
        let details = zoho(&[], &archived[..0], 0);
        let desk = but(details, move |request| {
            if request.path == "/tickets/archivedTickets" && query(request, "departmentId") == "21" {
                let from: usize = query(request, "from").parse().ok()?;
                if from > 4_999 {
                    return Some(error(422, "UNPROCESSABLE_ENTITY"));
                }
                let page: Vec<_> = rows.iter().take(cap).skip(from).take(100).collect();
                return Some(Reply::json(
                    200,
                    json!({"data": page, "pagination": {"next": null, "prev": null}}),
                ));
            }
            let id = request.path.strip_prefix("/tickets/")?.parse().ok()?;
            Some(Reply::json(200, Case::new(id).whole()))
        });
        let run = run(&desk);
        assert_eq!(run.result, Ok(()));
        let told = run.unread();
        assert_eq!(
            told,
            [("Cases", "archived tickets of department 21 behind the first 5,000")],
            "cap {cap}"
        );
        assert!(run.rows("Cases").len() >= 5_000);
    }
    let refused = zoho(&[Case::new(1)], &[], 0).refuse("/archivedTickets", 403, "SCOPE_MISMATCH");
    let run = super::run(&refused.desk());
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.unread().len(), 2);
    assert_eq!(ids(&run, "Cases"), ["1"]);
}

#[test]
fn archived_lists_that_could_not_be_read_are_read_once_more() {
    // What fails at first, by its path and the index it is asked for; how much is told as unread, and how many tickets come before
    // the second try.
    for (path, from, told, before) in [
        ("/departments", "0", 1, 1),
        ("/tickets/archivedTickets", "0", 2, 1),
        ("/tickets/archivedTickets", "99", 1, 101),
    ] {
        let archived: Vec<Case> = (2..=151).map(|id| Case::new(id).threads(1)).collect();
        let is_broken = Arc::new(AtomicBool::new(true));
        let broken = Arc::clone(&is_broken);
        let desk = but(zoho(&[Case::new(1).threads(1)], &archived, 0), move |request| {
            let is_it = request.path == path && query(request, "from") == from;
            (is_it && broken.load(Ordering::SeqCst)).then(|| error(500, "INTERNAL_SERVER_ERROR"))
        });
        let first = run(&desk);
        assert_eq!((&first.result, first.unread().len()), (&Ok(()), told), "{path} {from}");
        assert_eq!(first.rows("Cases").len(), before, "{path} {from}");
        let still = desk.run(Tickets, &retry(&first));
        assert_eq!(
            (still.unread(), still.rows("Cases").len()),
            (first.unread(), 0),
            "{path} {from}"
        );
        is_broken.store(false, Ordering::SeqCst);
        let second = desk.run(Tickets, &retry(&first));
        assert_eq!((&second.result, second.unread()), (&Ok(()), vec![]), "{path} {from}");
        for table in ["Cases", "Threads"] {
            let mut both = [ids(&first, table), ids(&second, table)].concat();
            both.sort();
            let mut whole = ids(&run(&desk), table);
            whole.sort();
            assert_eq!(both, whole, "{path} {from}: {table}");
        }
    }
}

#[test]
fn archived_lists_that_never_stand_still_are_named() {
    // Of 150, each second page begins with another one than the first page ended with.
    let rows: Vec<Json> = (1..=150).map(|id| Case::new(id).search_row()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let desk = but(zoho(&[], &[], 0), move |request| {
        if request.path == "/tickets/archivedTickets" && query(request, "departmentId") == "21" {
            count.fetch_add(1, Ordering::SeqCst);
            let from: usize = query(request, "from").parse().ok()?;
            let moved = if from == 0 { 0 } else { from + 1 };
            let page: Vec<_> = rows.iter().skip(moved).take(100).collect();
            return Some(Reply::json(200, json!({ "data": page })));
        }
        let id = request.path.strip_prefix("/tickets/")?.parse().ok()?;
        Some(Reply::json(200, Case::new(id).whole()))
    });
    let run = run(&desk);
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.unread(), [("Cases", "archived tickets of department 21")]);
    assert_eq!(run.rows("Cases").len(), 150);
    // The first time its second page had new ones.
    assert_eq!(asked.load(Ordering::SeqCst), 2 * 21, "it is not read for ever");
}

#[test]
fn without_the_search_nothing_is_lost() {
    let cases = [Case::new(1).threads(2), Case::new(2).comments(1)];
    let run = run(&zoho(&cases, &[], 0)
        .refuse("/tickets/search", 403, "SCOPE_MISMATCH")
        .desk());
    assert_eq!(run.result, Ok(()));
    assert_eq!(ids(&run, "Cases"), ["1", "2"]);
    assert_eq!((run.rows("Threads").len(), run.rows("Comments").len()), (2, 1));
}

#[test]
fn counts_that_are_not_told_are_found_out() {
    let mut case = Case::new(1).threads(1).comments(1).attachments(1).entries(1);
    for key in ["threadCount", "commentCount", "attachmentCount", "timeEntryCount"] {
        case = case.detail(key, Json::Null).row(key, Json::Null);
    }
    let run = run(&zoho(&[case], &[], 0).desk());
    is_whole(&run);
    assert_eq!(ids(&run, "Attachments").len(), 1);
    assert_eq!(
        (row_of(&thread(1))["content"].clone(), comment(1)["id"].clone()),
        (Json::Null, json!("1"))
    );
    assert_eq!(entry(1, None)["requestId"], Json::Null);
}

#[test]
fn an_attachment_that_a_thread_counts_and_hides_is_named() {
    let mut case = Case::new(1).threads(1);
    case.threads[0]["attachmentCount"] = json!("2");
    let run = run(&zoho(&[case], &[], 0).desk());
    assert_eq!(run.unread(), [("Attachments", "1/1001")]);
    assert_eq!(run.desk_count("Attachments"), Some(2));
}
