//! An export that is interrupted and gone on with.

use plugin_api::Job;
use plugin_api::testing::check_resume;
use serde_json::json;

use super::odd::draft;
use super::{Case, ids, is_whole, run, zoho};
use crate::Tickets;

/// Pages of everything: tickets, time entries of an agent, archived tickets; `counted`: drafts are counted as threads.
fn desk(is_draft_counted: bool) -> zoho::testing::FakeZoho {
    let mut cases: Vec<Case> = (1..=120)
        .map(|id| {
            let threads = [0, 1, 1, 3][(id % 4) as usize];
            Case::new(id).threads(threads).comments(id % 3 / 2).entries(id % 5 / 2)
        })
        .collect();
    let mut last = Case::new(121).threads(3);
    last.threads[1] = draft(121_002);
    let count = if is_draft_counted { "3" } else { "2" };
    cases.push(
        last.detail("threadCount", json!(count))
            .row("threadCount", json!(count)),
    );
    let archived: Vec<Case> = (1001..=1120).map(|id| Case::new(id).threads(id % 2)).collect();
    zoho(&cases, &archived, 150)
}

#[test]
fn nothing_is_asked_for_again() {
    for is_draft_counted in [true, false] {
        let desk = desk(is_draft_counted).desk();
        let run = run(&desk);
        is_whole(&run);
        assert!(run.checkpoints.len() > 30, "{} checkpoints", run.checkpoints.len());
        check_resume(|| Tickets, desk);
    }
}

#[test]
fn a_ticket_that_is_archived_in_between_comes_once() {
    let cases: Vec<Case> = (1..=30).map(|id| Case::new(id).threads(1)).collect();
    let before = zoho(&cases, &[], 0).desk();
    let first = run(&before);
    is_whole(&first);
    for checkpoint in &first.checkpoints {
        // The first ones are in the archive now, and the search does not have them any more.
        let after = zoho(&cases[5..], &cases[..5], 0).desk();
        let second = after.run(Tickets, &first.gone_on(Job::full("tickets"), checkpoint));
        assert_eq!(second.result, Ok(()));
        let mut all = ids(&first, "Cases")[..checkpoint.rows[0]].to_vec();
        all.extend(ids(&second, "Cases"));
        all.sort_by_key(|id| id.parse::<u64>().unwrap_or_default());
        let expected: Vec<String> = (1..=30).map(|id: u64| id.to_string()).collect();
        assert_eq!(all, expected, "{}", checkpoint.cursor);
    }
}
