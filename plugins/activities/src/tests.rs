use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plugin_api::testing::{FakeDesk, Run, check_exporter};
use plugin_api::{ErrorKind, Job, Note, Wanted};
use serde_json::{Value, json};
use zoho::testing::{FakeZoho, error};

use super::Activities;

const KINDS: [(&str, &str, u64); 3] = [("tasks", "Tasks", 1), ("calls", "Calls", 2), ("events", "Events", 3)];

fn activities(table: &str, digit: u64, count: u64) -> Vec<Value> {
    let activity = |number: u64| {
        let time = format!("2031-03-{:02}T10:{:02}:00.000Z", number / 60 + 1, number % 60);
        json!({
            "id": format!("7315{digit}{number:013}"), "subject": "Call \"back\",\n折り返し 🖨", "status": "Completed",
            "priority": null, "departmentId": "731500000000021055", "ticketId": null, "createdTime": time,
            "isCommented": match number { 1 => json!(true), 2 => json!("true"), _ => json!("false") },
            "activityType": table, "startTime": "2031-03-15T08:00:00.000Z", "duration": "420", "dueDate": null,
            "modifiedTime": time, "cf": {"cf_a": "1"}, "customFields": {"A": "1"}, "reminder": [], "isTrashed": false,
        })
    };
    (1..=count).map(activity).collect()
}

fn comments(digit: u64, count: u64) -> Vec<Value> {
    let comment = |number: u64| {
        json!({
            "id": format!("99{digit}{number:06}"), "content": "zsu[@user:70011845]zsu see, \"this\"\r\n<b>",
            "contentType": "plainText", "encodedContent": null, "isPublic": "false",
            "commentedTime": "2031-03-14T09:30:11.000Z", "modifiedTime": null, "commenterId": "731500000000314009",
            "commenter": {"id": "731500000000314009", "name": "Ilse"}, "attachments": [], "isNew": null,
        })
    };
    (1..=count).map(comment).collect()
}

/// So many of each kind; the first has so many comments, and the second none, though it says so.
fn zoho(count: u64, comment_count: u64) -> FakeZoho {
    KINDS.iter().fold(FakeZoho::new(), |zoho, (module, table, digit)| {
        let path = format!("/{module}");
        zoho.fields(module, &[("cf_a", "A")])
            .module(&path, activities(table, *digit, count))
            .list(
                &format!("{path}/7315{digit}{:013}/comments", 1),
                "data",
                comments(*digit, comment_count),
            )
            .list(&format!("{path}/7315{digit}{:013}/comments", 2), "data", Vec::new())
    })
}

fn run(desk: &FakeDesk) -> Run {
    desk.run(Activities, &Job::full("activities"))
}

fn least(run: &Run) -> Option<u64> {
    let mut least = run.notes.iter().filter_map(|note| match note {
        Note::LeastRequests { requests } => Some(*requests),
        _ => None,
    });
    least.next_back()
}

#[test]
fn conforms() {
    check_exporter(|| Activities, zoho(130, 105).desk());
}

#[test]
fn comments_are_read_only_where_there_are_some() {
    let run = run(&zoho(130, 100).desk());
    assert_eq!(run.result, Ok(()));
    for (_, table, _) in KINDS {
        assert_eq!((run.rows(table).len(), run.desk_count(table)), (130, Some(130)));
    }
    // Fields; two pages of each kind; a full page of comments and the end behind it; those that are not there.
    let requests = 3 + 3 * (2 + 2 + 1);
    assert_eq!((run.requests.len() as u64, least(&run)), (requests, Some(requests)));
    let comments = run.rows("ActivityComments");
    assert_eq!(comments.len(), 300);
    assert_eq!(
        comments[100],
        [
            "992000001",
            "zsu[@user:70011845]zsu see, \"this\"\r\n<b>",
            "731500000000314009",
            "false",
            "2031-03-14T09:30:11Z",
            "",
            "731520000000000001",
            "",
            "Calls",
            "plainText",
            "",
            r#"{"id":"731500000000314009","name":"Ilse"}"#,
            "",
            "[]",
            r#"{"isNew":null}"#,
        ]
    );
}

#[test]
fn the_columns_of_each_kind() {
    let run = run(&zoho(3, 1).desk());
    for (table, own) in [
        ("Tasks", "category, dueDate, startTime, completedTime, direction"),
        ("Calls", "direction, startTime, duration, completedTime"),
        ("Events", "category, startTime, duration, completedTime"),
    ] {
        let opened = &run.table(table).expect("the table").table;
        let names: Vec<_> = opened.columns.iter().map(|column| column.name.as_str()).collect();
        let expected = format!(
            "id, subject, status, priority, departmentId, ticketId, contactId, ownerId, creatorId, teamId, \
             createdTime, isCommented, isSpam, webUrl, activityType, ticket, contact, team, assignee, {own}, \
             modifiedTime, modifiedBy, description, statusType, reminder, layoutId, isTrashed, cf_a, Other Fields"
        );
        assert_eq!(names.join(", "), expected);
    }
    // A task has no duration of its own, a call no due date.
    assert_eq!(
        run.rows("Tasks")[0].last().expect("a cell"),
        r#"{"customFields":{"A":"1"},"duration":"420"}"#
    );
    assert_eq!(
        run.rows("Calls")[0].last().expect("a cell"),
        r#"{"customFields":{"A":"1"},"dueDate":null}"#
    );
}

#[test]
fn a_kind_that_is_refused_is_told_and_the_others_are_exported() {
    for (code, kind) in [
        ("SCOPE_MISMATCH", ErrorKind::Forbidden),
        ("LICENSE_ACCESS_LIMITED", ErrorKind::Unavailable),
    ] {
        let desk = zoho(3, 2)
            .refuse("/calls/search", 403, code)
            .refuse("/calls", 403, code);
        let run = run(&desk.desk());
        assert_eq!(run.result, Ok(()));
        assert_eq!(run.unread(), [("Calls", "all calls")]);
        let rows = ["Tasks", "Calls", "Events", "ActivityComments"].map(|table| run.rows(table).len());
        assert_eq!(rows, [3, 0, 3, 4]);
        // The same from a checkpoint behind it.
        for checkpoint in &run.checkpoints {
            let job = run.gone_on(Job::full("activities"), checkpoint);
            let resumed = desk_again(code).run(Activities, &job);
            assert_eq!(
                (&resumed.result, resumed.unread()),
                (&Ok(()), vec![("Calls", "all calls")])
            );
        }
        // All of them.
        let all = KINDS.iter().fold(zoho(3, 2), |zoho, (module, ..)| {
            zoho.refuse(&format!("/{module}/search"), 403, code)
                .refuse(&format!("/{module}"), 403, code)
        });
        assert_eq!(self::run(&all.desk()).result.map_err(|error| error.kind), Err(kind));
    }
}

fn desk_again(code: &str) -> FakeDesk {
    zoho(3, 2)
        .refuse("/calls/search", 403, code)
        .refuse("/calls", 403, code)
        .desk()
}

#[test]
fn without_searching_nothing_is_lost() {
    let listed = run(&zoho(130, 105).refuse("/search", 403, "SCOPE_MISMATCH").desk());
    let searched = run(&zoho(130, 105).desk());
    assert_eq!(listed.result, Ok(()));
    for table in ["Tasks", "Calls", "Events", "ActivityComments"] {
        assert_eq!(listed.rows(table), searched.rows(table));
    }
    assert_eq!(least(&listed), Some(listed.requests.len() as u64));
}

#[test]
fn comments_that_can_not_be_read_to_their_end_are_written_once() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let desk = zoho(3, 250).desk();
    let desk = FakeDesk::new(move |request| {
        let is_behind = zoho::testing::asked(request, "from").is_some_and(|from| from != "0");
        if request.path == "/calls/731520000000000001/comments" && is_behind && is_broken.load(Ordering::SeqCst) {
            return error(500, "INTERNAL_SERVER_ERROR");
        }
        desk.reply(request)
    });
    let first = run(&desk);
    assert_eq!(first.result, Ok(()));
    assert_eq!(
        first.unread(),
        [("ActivityComments", "calls/731520000000000001")],
        "{:?}",
        first.requests
    );
    broken.store(false, Ordering::SeqCst);
    let mut job = Job::full("activities");
    job.only = vec![Wanted {
        table: "ActivityComments".to_owned(),
        key: vec!["calls/731520000000000001".to_owned()],
    }];
    let again = desk.run(Activities, &job);
    assert_eq!(again.unread(), []);
    let ids = |run: &Run| -> Vec<String> { run.rows("ActivityComments").iter().map(|row| row[0].clone()).collect() };
    let both: Vec<String> = [ids(&first), ids(&again)].concat();
    let each: HashSet<&String> = both.iter().collect();
    let whole = ids(&run(&desk));
    assert_eq!((both.len(), each.len()), (whole.len(), whole.len()));
    assert_eq!(ids(&again).len(), 250);
}

#[test]
fn comments_that_are_not_read_are_told() {
    let broken = |status: u16, code: &'static str| {
        let desk = zoho(3, 2).desk();
        FakeDesk::new(move |request| match request.path.as_str() {
            "/calls/731520000000000001/comments" => error(status, code),
            "/calls/731520000000000001" => error(404, "URL_NOT_FOUND"),
            _ => desk.reply(request),
        })
    };
    let comment = |table| vec![(table, "calls/731520000000000001")];
    let gone = run(&broken(404, "URL_NOT_FOUND"));
    assert_eq!(
        (&gone.result, gone.gone(), gone.unread()),
        (&Ok(()), comment("ActivityComments"), vec![])
    );
    let unread = run(&broken(500, "INTERNAL_SERVER_ERROR"));
    assert_eq!(
        (&unread.result, unread.gone(), unread.unread()),
        (&Ok(()), vec![], comment("ActivityComments"))
    );
    // They are read again by themselves, and an activity with its own.
    let mut job = Job::full("activities");
    let wanted = |table: &str, key: &str| Wanted {
        table: table.to_owned(),
        key: vec![key.to_owned()],
    };
    job.only = vec![
        wanted("ActivityComments", "calls/731520000000000001"),
        wanted("Tasks", "731510000000000001"),
        wanted("Events", "731530000000000099"),
        wanted("Calls", "all calls"),
    ];
    let again = zoho(3, 2).desk().run(Activities, &job);
    assert_eq!(
        (again.unread(), again.gone()),
        (vec![("Calls", "all calls")], vec![("Events", "731530000000000099")])
    );
    let rows = ["Tasks", "Calls", "ActivityComments"].map(|table| again.rows(table).len());
    assert_eq!(rows, [1, 0, 4]);
    let whole = run(&zoho(3, 2).desk());
    assert_eq!(again.rows("Tasks")[0], whole.rows("Tasks")[0]);
    assert_eq!(unread.rows("Calls").len(), 3);
    // Without credits there is nothing more to be read.
    let spent = run(&broken(429, "THRESHOLD_EXCEEDED")).result.expect_err("spent");
    assert!(spent.message.contains("credits of this day are spent"), "{spent}");
}

#[test]
fn comments_of_an_activity_that_is_still_there_are_not_gone() {
    let desk = zoho(3, 5).refuse("/comments", 404, "URL_NOT_FOUND").desk();
    let run = run(&desk);
    assert_eq!((run.result.clone(), run.gone()), (Ok(()), vec![]));
    assert_eq!(run.unread().len(), 6, "two of each kind say that they have comments");
}
