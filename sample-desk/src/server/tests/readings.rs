//! Each uncertain behaviour, read both ways; and what lists and searches give.

use crate::Settings;
use crate::server::tests::Bench;
use crate::server::tests::tiny::{CHILDREN, MANY, clock, id};
use crate::settings::{Ascending, Behaviour};
use crate::world::Kind;

async fn bench(set: impl FnOnce(&mut Behaviour)) -> Bench {
    let mut settings = Settings::default();
    set(&mut settings.behaviour);
    Bench::new(settings).await
}

fn numbers(ids: &[String]) -> Vec<u64> {
    ids.iter()
        .map(|id| id.parse::<u64>().unwrap() % 1_000_000_000_000)
        .collect()
}

fn range(from: u64, to: u64) -> String {
    let time = |second: u64| clock(second as i64 * 1_000_000);
    format!("{},{}", time(from), time(to))
}

#[tokio::test]
async fn the_first_index_is_zero_or_one() {
    for first in [0, 1] {
        let bench = bench(|behaviour| {
            behaviour.tickets_from = first;
            behaviour.threads_from = first;
            behaviour.contacts_from = first;
        })
        .await;
        let threads = format!("/tickets/{}/threads", id(Kind::Ticket, 1));
        for path in ["/tickets", "/contacts", "/accounts", &threads] {
            let from = async |from: &str| bench.get(&format!("{path}?limit=2{from}")).await.ids();
            let start = from("").await;
            assert_eq!(start.len(), 2, "{path}");
            assert_eq!(from("&from=0").await, start, "{path}");
            assert_eq!(from("&from=1").await[0] == start[0], first == 1, "{path}");
            assert_eq!(from(&format!("&from={}", first + 1)).await[0], start[1], "{path}");
            assert_eq!(from("&from=5000").await, Vec::<String>::new(), "{path}");
        }
        let articles = bench.get("/articles?from=1&limit=50").await.ids();
        assert_eq!((articles.len(), numbers(&articles)[0]), (50, 249));
    }
}

#[tokio::test]
async fn ends_of_a_range_belong_to_it_or_not() {
    for (inclusive, expect) in [(true, vec![10, 11, 12]), (false, vec![11])] {
        let bench = bench(|behaviour| behaviour.inclusive_ranges = inclusive).await;
        let path = format!("/tasks/search?sortBy=createdTime&createdTimeRange={}", range(10, 12));
        assert_eq!(numbers(&bench.get(&path).await.ids()), expect);
        let path = format!("/tasks/search?sortBy=modifiedTime&modifiedTimeRange={}", range(10, 12));
        assert_eq!(numbers(&bench.get(&path).await.ids()), [10, 11]);
    }
}

#[tokio::test]
async fn a_search_ends_at_its_cap() {
    for max in [4999, 999] {
        let bench = bench(|behaviour| behaviour.search_max_from = max).await;
        let check = async |path: &str, from: u32, limit: u32, expect: &str| {
            let answer = bench.get(&format!("{path}?from={from}&limit={limit}")).await;
            let found = if answer.status == 422 {
                answer.message()
            } else {
                answer.status.to_string()
            };
            assert_eq!(found, expect, "{path} from={from} limit={limit}");
        };
        let iterable = format!("Max search result iterable is {}", max + 1);
        let range = format!("The value passed for field 'from' exceeds the range of '0-{max}'.");
        for path in ["/tickets/search", "/contacts/search", "/activities/search"] {
            check(path, max - 99, 100, "204").await;
            check(path, max - 98, 100, &iterable).await;
            check(path, max, 100, &iterable).await;
            check(path, max, 1, "204").await;
            check(path, max + 1, 1, &range).await;
        }
    }
}

#[tokio::test]
async fn ascending_is_honoured_ignored_or_refused() {
    let first = async |ascending: Ascending, sort: &str| {
        let bench = bench(|behaviour| behaviour.ascending = ascending).await;
        let answer = bench.get(&format!("/tasks/search?limit=1&sortBy={sort}")).await;
        if answer.status == 422 {
            None
        } else {
            Some(numbers(&answer.ids())[0])
        }
    };
    for name in ["createdTime", "modifiedTime"] {
        assert_eq!(first(Ascending::Honoured, name).await, Some(0));
        assert_eq!(first(Ascending::Ignored, name).await, Some(249));
        assert_eq!(first(Ascending::Refused, name).await, None);
        for ascending in [Ascending::Honoured, Ascending::Ignored, Ascending::Refused] {
            assert_eq!(first(ascending, &format!("-{name}")).await, Some(249));
            assert_eq!(first(ascending, "relevance").await, Some(249));
        }
    }
}

#[tokio::test]
async fn archived_tickets_and_spam_are_in_a_search_or_not() {
    for (archived, spam, expect) in [
        (false, false, 200),
        (true, false, 225),
        (false, true, 225),
        (true, true, 250),
    ] {
        let bench = bench(|behaviour| {
            behaviour.search_has_archived = archived;
            behaviour.search_has_spam = spam;
        })
        .await;
        assert_eq!(bench.get("/tickets/search?limit=1").await.json()["count"], expect);
        assert_eq!(bench.get("/ticketsCount").await.json()["count"], expect);
        // Neither is ever in the list.
        assert_eq!(bench.get("/tickets?from=199&limit=100").await.ids().len(), 1);
    }
}

#[tokio::test]
async fn archived_tickets_are_listed_by_department() {
    let bench = bench(|_| {}).await;
    let path = |department: u64, from: u64| {
        format!(
            "/tickets/archivedTickets?departmentId={}&limit=20&from={from}",
            id(Kind::Department, department)
        )
    };
    let first = bench.get(&path(2, 0)).await;
    assert_eq!((first.ids().len(), numbers(&first.ids())[0]), (20, 249));
    assert!(first.json()["pagination"]["next"].as_str().unwrap().contains("from=20"));
    assert!(first.json()["pagination"]["prev"].is_null());
    let second = bench.get(&path(2, 20)).await;
    assert_eq!(second.ids().len(), 5);
    assert!(second.json()["pagination"]["next"].is_null());
    assert_eq!(bench.get(&path(1, 0)).await.status, 204);
}

#[tokio::test]
async fn threads_and_conversations_have_their_limits() {
    let ticket = format!("/tickets/{}", id(Kind::Ticket, 0));
    for (max, pages) in [(200, true), (100, false)] {
        let bench = bench(|behaviour| {
            behaviour.threads_max_limit = max;
            behaviour.conversations_page = pages;
        })
        .await;
        let threads = bench.get(&format!("{ticket}/threads?limit={max}")).await.ids();
        assert_eq!((threads.len(), numbers(&threads)[0]), (max as usize, 1000 + MANY - 1));
        let oldest = bench
            .get(&format!("{ticket}/threads?limit=1&sortBy=sendDateTime"))
            .await
            .ids();
        assert_eq!(numbers(&oldest), [1000]);
        assert_eq!(
            bench.get(&format!("{ticket}/threads?limit={}", max + 1)).await.status,
            422
        );

        // Both kinds, newest first: a comment is half a second younger than the thread of its number.
        let first = bench.get(&format!("{ticket}/conversations?limit=200")).await.json();
        let kinds: Vec<&str> = first["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds[..4], ["Comment", "Thread", "Comment", "Thread"]);
        let mut rest = 0;
        for from in [200, 400] {
            rest += bench
                .get(&format!("{ticket}/conversations?limit=200&from={from}"))
                .await
                .ids()
                .len() as u64;
        }
        assert_eq!(rest, if pages { 2 * MANY - 200 } else { 0 });
    }
}

#[tokio::test]
async fn attachments_of_threads_are_repeated_or_not() {
    let path = format!("/tickets/{}/attachments?limit=100", id(Kind::Ticket, 1));
    for (repeat, expect) in [(false, CHILDREN), (true, CHILDREN + CHILDREN * CHILDREN)] {
        let bench = bench(|behaviour| behaviour.attachments_repeat = repeat).await;
        assert_eq!(bench.get(&path).await.ids().len() as u64, expect);
    }
}

#[tokio::test]
async fn agents_and_departments_are_listed_by_their_standing() {
    for (active_only, enabled_only) in [(false, true), (true, false)] {
        let bench = bench(|behaviour| {
            behaviour.agents_active_only = active_only;
            behaviour.departments_enabled_only = enabled_only;
        })
        .await;
        let count = async |path: &str| {
            let path = format!("{path}{}limit=200", if path.contains('?') { '&' } else { '?' });
            bench.get(&path).await.ids().len()
        };
        assert_eq!(count("/agents").await, if active_only { 84 } else { 167 });
        assert_eq!(count("/agents?status=ACTIVE").await, 84);
        assert_eq!(count("/agents?status=DISABLED").await, 83);
        assert_eq!(count("/agents?status=DELETED").await, 83);
        assert_eq!(count("/agents?status=ACTIVE&isLightAgent=true").await, 42);
        assert_eq!(count("/deletedAgents").await, 83);
        assert_eq!(count("/departments").await, if enabled_only { 125 } else { 200 });
        assert_eq!(count("/departments?isEnabled=true").await, 125);
        assert_eq!(count("/departments?isEnabled=false").await, 125);
        let counts = bench.get("/agents/count").await.json();
        assert_eq!(
            (&counts["activeAgents"], &counts["allAgents"]),
            (&"84".into(), &"167".into())
        );
        assert_eq!(
            (&counts["lightAgents"], &counts["deletedAgents"]),
            (&"83".into(), &"83".into())
        );
        assert_eq!(bench.get("/departments/count").await.json()["count"], 250);
        let teams = bench.get("/teams").await.json();
        assert_eq!(teams["teams"].as_array().unwrap().len(), 250);
        let members = bench.get(&format!("/teams/{}/members", id(Kind::Team, 3))).await.json();
        assert_eq!(members["members"][0]["id"], id(Kind::Agent, 0).to_string());
    }
}

#[tokio::test]
async fn time_entries_are_read_by_agent() {
    let active = format!("/agents/{}/timeEntry", id(Kind::Agent, 0));
    let deleted = format!("/agents/{}/timeEntry", id(Kind::Agent, 2));
    for answers in [true, false] {
        let bench = bench(|behaviour| behaviour.deleted_agents_entries = answers).await;
        assert_eq!(numbers(&bench.get(&active).await.ids()), [1000, 1001, 1002]);
        assert_eq!(
            numbers(&bench.get(&format!("{active}?orderBy=DESC")).await.ids()),
            [1002, 1001, 1000]
        );
        let ranged = format!("{active}?modifiedTimeRange={}", range(1001, 1002));
        assert_eq!(numbers(&bench.get(&ranged).await.ids()), [1001]);
        assert_eq!(bench.get(&deleted).await.status, if answers { 200 } else { 404 });
    }
}

#[tokio::test]
async fn articles_take_a_range_or_not() {
    for (takes, status) in [(true, 200), (false, 422)] {
        let bench = bench(|behaviour| behaviour.articles_range = takes).await;
        let answer = bench
            .get(&format!("/articles?modifiedTimeRange={}", range(10, 12)))
            .await;
        assert_eq!(answer.status, status);
        if takes {
            assert_eq!(numbers(&answer.ids()), [11, 10]);
        } else {
            assert_eq!(
                answer.message(),
                "Extra query parameter 'modifiedTimeRange' is present in the input."
            );
        }
    }
}

#[tokio::test]
async fn fields_replace_and_include_adds() {
    let bench = bench(|_| {}).await;
    let row = async |query: &str| bench.get(&format!("/tickets?limit=1&{query}")).await.json()["data"][0].clone();
    let plain = row("").await;
    assert_eq!((&plain["shape"], plain.get("contact")), (&"List".into(), None));
    let chosen = row("fields=name,modifiedTime,cf").await;
    let keys: Vec<&String> = chosen.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["cf", "id", "modifiedTime", "name"]);
    assert!(chosen["cf"].is_null());
    let with = row("include=contacts,assignee").await;
    assert_eq!((&with["shape"], &with["contact"]["id"]), (&"List".into(), &"1".into()));
    for name in ["nothing", "isArchived", "subStatus"] {
        let answer = bench.get(&format!("/tickets?fields={name}")).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (500, "INTERNAL_SERVER_ERROR"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_latest_thread_is_as_it_is_asked_for() {
    let bench = bench(|_| {}).await;
    let ticket = |number: u64| format!("/tickets/{}/latestThread", id(Kind::Ticket, number));
    let latest = async |query: &str| {
        let answer = bench.get(&format!("{}{query}", ticket(1))).await;
        if answer.status == 204 {
            None
        } else {
            Some(answer.json()["name"].as_str().unwrap().to_owned())
        }
    };
    assert_eq!(latest("").await.as_deref(), Some("n 2002.txt"));
    assert_eq!(latest("?needIncomingThread=true").await.as_deref(), Some("n 2002.txt"));
    assert_eq!(latest("?needPublic=true").await.as_deref(), Some("n 2002.txt"));
    assert_eq!(latest("?threadStatus=DRAFT").await, None);
}

#[tokio::test]
async fn activities_are_searched_together() {
    let bench = bench(|_| {}).await;
    let answer = bench.get("/activities/search?sortBy=createdTime&limit=7&from=1").await;
    assert_eq!(answer.json()["count"], 750);
    assert_eq!(numbers(&answer.ids()), [0, 0, 1, 1, 1, 2, 2]);
    let newest = bench.get("/activities/search?sortBy=-modifiedTime&limit=4").await;
    assert_eq!(numbers(&newest.ids()), [249, 249, 249, 248]);
}
