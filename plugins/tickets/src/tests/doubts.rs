//! What an answer says that can mean two things: gone, or not to be had.

use plugin_api::Job;
use plugin_api::testing::Reply;
use serde_json::{Value as Json, json};
use zoho::testing::error;

use super::odd::{but, query};
use super::ranges::range;
use super::{Case, entry, ids, is_whole, least, retry, row_of, run, zoho};
use crate::Tickets;

fn missing() -> Reply {
    error(404, "URL_NOT_FOUND")
}

#[test]
fn threads_that_the_desk_counts_and_does_not_know_are_named() {
    let cases = [Case::new(1).threads(3), Case::new(2).threads(1)];
    // The lists of a ticket that is still there, and its threads one by one.
    for end in ["/conversations", "/threads/1002"] {
        let desk = but(zoho(&cases, &[], 0), move |request| {
            let lists = end == "/conversations" && request.path == "/tickets/1/threads";
            (request.path == format!("/tickets/1{end}") || lists).then(missing)
        });
        let run = run(&desk);
        assert_eq!(run.result, Ok(()));
        assert_eq!(run.unread(), [("Threads", "1")], "{end}");
        assert_eq!(ids(&run, "Cases"), ["1", "2"]);
    }
}

#[test]
fn time_entries_that_no_agent_lists_are_named() {
    let cases = [Case::new(1).entries(2)];
    let desk = but(zoho(&cases, &[], 2), |request| {
        (request.path.starts_with("/agents/") && request.path.ends_with("/timeEntry")).then(missing)
    });
    let run = run(&desk);
    assert_eq!(run.result, Ok(()));
    assert_eq!(ids(&run, "TimeEntry"), ["101", "102"]);
    assert!(!run.unread().is_empty(), "those of no ticket are missing");
}

#[test]
fn a_text_that_is_none_costs_no_time_entry() {
    let mut case = Case::new(1).entries(3);
    case.entries[1]["parent"] = json!({"id": "1", "type": "tickets", "subject": "HALF"});
    case.entries[1]["requestId"] = Json::Null;
    let all = json!({"data": case.entries}).to_string().replace("HALF", r"cut \ud83d");
    let desk = but(zoho(&[case], &[], 0), move |request| {
        (request.path == "/agents/314/timeEntry").then(|| Reply::json(200, &all))
    });
    let run = run(&desk);
    is_whole(&run);
    assert_eq!(ids(&run, "TimeEntry"), ["101", "102", "103"]);
}

#[test]
fn time_entries_of_a_range_are_those_made_and_those_changed_in_it() {
    let range = range("2031-02-01T00:00:00Z", "2031-02-28T00:00:00Z");
    let (made, changed) = (entry(1, None), entry(2, None));
    let desk = but(zoho(&[], &[], 0), move |request| {
        (request.path == "/agents/314/timeEntry").then(|| {
            let mut found = Vec::new();
            if !query(request, "createdTimeRange").is_empty() {
                found.push(&made);
            }
            if !query(request, "modifiedTimeRange").is_empty() {
                found.push(&changed);
            }
            Reply::json(200, json!({"data": found}))
        })
    });
    for (job, expected) in [
        (Job::custom("tickets", range), vec!["1", "2"]),
        (Job::incremental("tickets", range), vec!["2"]),
    ] {
        let run = desk.run(Tickets, &job);
        assert_eq!(run.result, Ok(()));
        let mut found = ids(&run, "TimeEntry");
        found.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(run.requests.len() as u64, least(&run));
    }
}

#[test]
fn many_forbidden_tickets_do_not_keep_the_others_away() {
    let cases: Vec<Case> = (1..=60).map(|id| Case::new(id).threads(1)).collect();
    let desk = but(zoho(&cases, &[], 0), |request| {
        let id: u64 = request.path.strip_prefix("/tickets/")?.parse().ok()?;
        (10..45).contains(&id).then(|| error(403, "FORBIDDEN"))
    });
    let run = run(&desk);
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.unread().len(), 35);
    assert_eq!((run.rows("Cases").len(), run.rows("Threads").len()), (25, 25));
    let again = desk.run(Tickets, &retry(&run));
    assert_eq!((again.rows("Cases").len(), again.rows("Threads").len()), (35, 35));
}

#[test]
fn a_second_look_reads_lists_that_count_from_1() {
    let case = Case::new(1).threads(3).comments(1);
    let rows: Vec<Json> = case.threads.iter().map(row_of).collect();
    let desk = but(zoho(&[case], &[], 0), move |request| match request.path.as_str() {
        "/tickets/1/conversations" => Some(Reply::json(200, json!({"data": []}))),
        "/tickets/1/threads" => {
            let from: usize = query(request, "from").parse().ok()?;
            let page: Vec<_> = rows.iter().skip(from.saturating_sub(1)).take(100).collect();
            Some(Reply::json(200, json!({"data": page})))
        }
        _ => None,
    });
    let run = run(&desk);
    is_whole(&run);
    assert_eq!(ids(&run, "Threads").len(), 3);
}

#[test]
fn entries_made_after_the_backup_began_come_once_when_it_goes_on() {
    let mut case = Case::new(1).entries(2);
    case.entries[1]["createdTime"] = json!("2101-01-01T00:00:00.000Z");
    let desk = zoho(&[case], &[], 0).desk();
    let first = desk.run(Tickets, &Job::full("tickets"));
    assert_eq!(first.result, Ok(()));
    for checkpoint in &first.checkpoints {
        let again = desk.run(Tickets, &first.gone_on(Job::full("tickets"), checkpoint));
        assert_eq!(again.result, Ok(()));
        let at = first
            .tables
            .iter()
            .position(|rows| rows.table.name == "TimeEntry")
            .expect("the table");
        let mut all = ids(&first, "TimeEntry")[..checkpoint.rows[at]].to_vec();
        all.extend(ids(&again, "TimeEntry"));
        all.sort_unstable();
        assert_eq!(all, ["101", "102"]);
    }
}

#[test]
fn entries_that_agents_give_without_their_ticket_are_not_missing() {
    let mut case = Case::new(1).entries(2);
    let own = json!({"data": case.entries.clone()});
    case.entries[1]["requestId"] = Json::Null;
    case.entries[1]["parent"] = json!({"id": "77", "type": "tasks", "associatedTicketId": "1"});
    let desk = but(zoho(&[case], &[], 0), move |request| {
        (request.path == "/tickets/1/timeEntry").then(|| Reply::json(200, &own))
    });
    let run = run(&desk);
    assert_eq!((run.result.clone(), run.unread()), (Ok(()), vec![]));
    assert_eq!(ids(&run, "TimeEntry"), ["101", "102"]);
}

#[test]
fn a_range_looks_at_no_archived_ticket_that_can_not_be_in_it() {
    let range = range("2031-02-01T00:00:00Z", "2031-02-28T00:00:00Z");
    let archived: Vec<Case> = (1..=48)
        .map(|id| {
            let (created, closed) = match id % 3 {
                0 => ("2031-03-05T00:00:00.000Z", "2031-03-06T00:00:00.000Z"),
                1 => ("2031-01-05T00:00:00.000Z", "2031-03-06T00:00:00.000Z"),
                _ => ("2031-01-05T00:00:00.000Z", "2031-01-06T00:00:00.000Z"),
            };
            Case::new(id)
                .row("createdTime", json!(created))
                .detail("createdTime", json!(created))
                .row("closedTime", json!(closed))
                .row("modifiedTime", Json::Null)
                .detail(
                    "modifiedTime",
                    json!(if id == 2 { "2031-02-03T00:00:00.000Z" } else { closed }),
                )
        })
        .collect();
    let run = zoho(&[], &archived, 0)
        .desk()
        .run(Tickets, &Job::custom("tickets", range));
    assert_eq!(run.result, Ok(()));
    assert_eq!(ids(&run, "Cases"), ["2"]);
    let (made, least) = (run.requests.len() as u64, least(&run));
    assert!(made < 40, "{made} requests");
    assert!(made * 100 <= least * 102, "{made} requests where {least} are needed");
}

#[test]
fn lists_that_are_cut_without_a_word_are_read_whole() {
    let archived: Vec<Case> = (1..=60).map(Case::new).collect();
    let desk = zoho(&[], &archived, 120).desk();
    let desk = plugin_api::testing::FakeDesk::new(move |request| {
        let mut capped = request.clone();
        if request.path.ends_with("/timeEntry") || request.path.ends_with("/archivedTickets") {
            for (name, value) in &mut capped.query {
                if name == "limit" {
                    *value = "50".to_owned();
                }
            }
        }
        desk.reply(&capped)
    });
    let run = run(&desk);
    is_whole(&run);
    assert_eq!((run.rows("TimeEntry").len(), run.rows("Cases").len()), (120, 60));
}

#[test]
fn tickets_of_which_the_desk_knows_none_are_not_gone() {
    let cases: Vec<Case> = (1..=30).map(Case::new).collect();
    let knows = |least: u64| {
        let desk = but(zoho(&cases, &[], 0), move |request| {
            let id: u64 = request.path.strip_prefix("/tickets/")?.parse().ok()?;
            (id > least).then(missing)
        });
        run(&desk)
    };
    assert_eq!(knows(1).result, Ok(()));
    let error = knows(0).result.expect_err("all of them");
    assert!(error.message.contains("knows none"), "{error}");
}
