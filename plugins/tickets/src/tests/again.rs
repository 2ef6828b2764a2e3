//! What could not be read is read again.

use plugin_api::testing::{FakeDesk, Reply, Run};
use plugin_api::{Job, Wanted};
use serde_json::json;

use super::odd::but;
use super::{Case, inner, is_whole, retry, run, zoho};
use crate::Tickets;

/// Tickets of every sort, and an archived one.
fn desk() -> FakeDesk {
    let mut attached = Case::new(4).threads(2).attachments(2).comments(1);
    attached.threads[0]["attachments"] = json!([inner(40_001)]);
    attached.threads[0]["attachmentCount"] = json!("1");
    attached.comments[0]["attachments"] = json!([inner(40_009)]);
    let mut cut = Case::new(5).threads(2);
    cut.threads[1]["isContentTruncated"] = json!(true);
    let cases = [
        Case::new(1),
        Case::new(2).threads(1),
        Case::new(3).threads(3).comments(1).entries(2),
        attached.detail("attachmentCount", json!("3")),
        cut,
    ];
    // What only its list has is not found again.
    let archived = Case::new(6).threads(2).entries(1).row("childTicketCount", json!(null));
    zoho(&cases, &[archived], 3)
        .answer("/tickets/5/threads/5002/fullContent", json!({"content": "all of it"}))
        .desk()
}

fn sorted(runs: &[&Run], table: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = runs.iter().flat_map(|run| run.rows(table)).collect();
    rows.sort();
    rows
}

#[test]
fn whatever_failed_once_is_there_once_after_the_second_try() {
    let whole = run(&desk());
    is_whole(&whole);
    for (failing, refused) in [
        ("/tickets/1", false),
        ("/tickets/3", false),
        ("/tickets/6", false),
        ("/tickets/3/threads/3002", false),
        ("/tickets/2/latestThread", false),
        ("/tickets/3/conversations", false),
        ("/tickets/4/conversations", false),
        ("/tickets/4/attachments", false),
        ("/tickets/4/threads/4001", false),
        ("/tickets/5/threads/5002/fullContent", false),
        ("/timeEntry", true),
    ] {
        let faulty = but_all(failing, refused);
        let first = run(&faulty);
        assert_eq!(first.result, Ok(()), "{failing}");
        let again = desk().run(Tickets, &retry(&first));
        assert_eq!(again.result, Ok(()), "{failing}");
        if !refused {
            assert_eq!(again.unread(), [], "{failing}");
        }
        for table in ["Cases", "Threads", "Comments", "TimeEntry", "Attachments"] {
            let (both, all) = (sorted(&[&first, &again], table), sorted(&[&whole], table));
            if table == "TimeEntry" && refused {
                // Those of no ticket are in no ticket.
                assert_eq!(both.len(), 3, "{failing}");
                continue;
            }
            if failing.ends_with("/attachments") && table == "Attachments" {
                // Those of a thread were written, without what only the list has of them.
                let keys = |rows: &[Vec<String>]| rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>();
                assert_eq!(keys(&both), keys(&all));
                continue;
            }
            assert_eq!(both, all, "{failing}: {table}");
            let counts = [first.desk_count(table), again.desk_count(table)];
            assert_eq!(
                counts.into_iter().max(),
                Some(whole.desk_count(table)),
                "{failing}: {table}"
            );
        }
    }
}

/// The desk, where this fails: with the lists of the ticket's threads and comments, if it is that of its conversations.
fn but_all(failing: &'static str, refused: bool) -> FakeDesk {
    let base = desk();
    FakeDesk::new(move |request| {
        let path = request.path.as_str();
        let is_list = failing
            .strip_suffix("/conversations")
            .is_some_and(|ticket| path == format!("{ticket}/threads") || path == format!("{ticket}/comments"));
        match () {
            () if refused && path.ends_with(failing) => zoho::testing::error(403, "SCOPE_MISMATCH"),
            () if !refused && (path == failing || is_list) => Reply::status(500),
            () => base.reply(request),
        }
    })
}

#[test]
fn records_are_written_as_ever() {
    let whole = run(&desk());
    let mut job = Job::full("tickets");
    let all = ["1", "2", "3", "4", "5", "6"];
    job.only = all
        .into_iter()
        .chain(["77"])
        .map(|id| Wanted {
            table: "Cases".to_owned(),
            key: vec![id.to_owned()],
        })
        .collect();
    let again = desk().run(Tickets, &job);
    assert_eq!((again.result.clone(), again.unread()), (Ok(()), vec![]));
    assert_eq!(again.gone(), [("Cases", "77")]);
    for table in ["Cases", "Threads", "Comments", "Attachments"] {
        assert_eq!(sorted(&[&again], table), sorted(&[&whole], table), "{table}");
    }
}

#[test]
fn what_can_not_be_read_by_itself_stays_unread() {
    let mut job = Job::full("tickets");
    let keys = [
        ("TimeEntry", "time entries that belong to no ticket"),
        ("Attachments", "4/4001"),
        ("TimeEntry", "900001"),
        ("Cases", "archived tickets of department 21 behind the first 5,000"),
    ];
    let wanted = keys.map(|(table, key)| Wanted {
        table: table.to_owned(),
        key: vec![key.to_owned()],
    });
    job.only = wanted.to_vec();
    let again = but(zoho(&[Case::new(1)], &[], 0), |_| None).run(Tickets, &job);
    assert_eq!((again.result.clone(), again.unread()), (Ok(()), keys.to_vec()));
    assert!(again.rows("Cases").is_empty());
}
