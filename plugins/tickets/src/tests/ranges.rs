//! Backups of a range of time.

use plugin_api::{Job, Range, Timestamp};
use serde_json::json;

use super::{Case, ids};
use crate::Tickets;

pub(super) fn range(from: &str, to: &str) -> Range {
    let time = |text: &str| Timestamp::parse(text).expect("a time");
    Range {
        from: time(from),
        to: time(to),
    }
}

/// Created and changed at these times.
fn at(case: Case, created: &str, modified: &str) -> Case {
    let (created, modified) = (json!(created), json!(modified));
    let case = case
        .row("createdTime", created.clone())
        .row("modifiedTime", modified.clone());
    case.detail("createdTime", created).detail("modifiedTime", modified)
}

#[test]
fn the_tickets_of_the_range_come_with_all_their_children() {
    let (before, inside, after) = (
        "2031-01-01T00:00:00.000Z",
        "2031-02-10T00:00:00.000Z",
        "2031-03-01T00:00:00.000Z",
    );
    let case = |id: u64| Case::new(id).threads(2).comments(1).entries(1);
    let cases = [
        at(case(1), before, before),
        at(case(2), before, inside),
        at(case(3), inside, inside),
        at(case(4), inside, after),
        at(case(5), after, after),
    ];
    let archived = [
        at(case(6), before, inside),
        at(case(7), before, before),
        at(case(8), inside, after),
    ];
    let range = range("2031-02-01T00:00:00Z", "2031-02-28T00:00:00Z");
    let desk = super::zoho(&cases, &archived, 0).desk();
    for (job, expected) in [
        (Job::custom("tickets", range), vec!["2", "3", "4", "6", "8"]),
        // Its rows of archived tickets say when they were created and changed.
        (Job::incremental("tickets", range), vec!["2", "3", "6"]),
    ] {
        let run = desk.run(Tickets, &job);
        assert_eq!((run.result.clone(), run.unread()), (Ok(()), vec![]));
        let mut tickets = ids(&run, "Cases");
        tickets.sort_unstable();
        assert_eq!(tickets, expected);
        assert_eq!(run.rows("Threads").len(), expected.len() * 2);
        assert_eq!(run.desk_count("Threads"), Some(expected.len() as u64 * 2));
        let asked = run
            .requests
            .iter()
            .filter(|request| request.path.starts_with("/agents/3"));
        let asked: Vec<_> = asked
            .filter_map(|request| zoho::testing::asked(request, "modifiedTimeRange"))
            .collect();
        assert_eq!(asked, ["2031-02-01T00:00:00.000Z,2031-02-28T00:00:00.000Z"; 4]);
    }
}
