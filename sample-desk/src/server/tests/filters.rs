//! Filters and orders over the world: what comes is what the unfiltered rows say.

use std::collections::BTreeSet;

use serde_json::Value;

use super::whole::{Client, ids};
use crate::Settings;

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// The most frequent value of a key.
fn common(rows: &[Value], key: &str) -> String {
    let all: Vec<&str> = rows
        .iter()
        .map(|row| text(row, key))
        .filter(|value| !value.is_empty())
        .collect();
    let often = |value: &&&str| all.iter().filter(|other| other == value).count();
    (*all.iter().max_by_key(often).unwrap()).to_owned()
}

struct Bench {
    client: Client,
    tickets: Vec<Value>,
}

impl Bench {
    async fn new() -> Self {
        let client = Client::new(Settings {
            credits: Some(1 << 40),
            ..Settings::default()
        })
        .await;
        let tickets = client.all("/tickets/search", 0, 100).await;
        Self { client, tickets }
    }

    /// Holds what `path?query` gives against those of `all` that are as `wanted`: some of them, and not all.
    async fn check(&self, path: &str, query: &str, first: u64, all: &[Value], wanted: impl Fn(&Value) -> bool) {
        let expect: BTreeSet<String> = all
            .iter()
            .filter(|row| wanted(row))
            .map(|row| text(row, "id").to_owned())
            .collect();
        assert!(
            !expect.is_empty() && expect.len() < all.len(),
            "{path}?{query}: {} of {}",
            expect.len(),
            all.len()
        );
        let found = self.client.all(&format!("{path}?{query}"), first, 7).await;
        assert_eq!(ids(&found), expect, "{path}?{query}");
    }
}

#[tokio::test]
async fn tickets_are_searched_by_what_they_have() {
    let bench = Bench::new().await;
    let all = &bench.tickets;
    let check = async |query: &str, wanted: &dyn Fn(&Value) -> bool| {
        bench.check("/tickets/search", query, 0, all, wanted).await;
    };
    check("status=On%20Hold", &|row| text(row, "status") == "On Hold").await;
    check("status=Open,On%20Hold", &|row| {
        ["Open", "On Hold"].contains(&text(row, "status"))
    })
    .await;
    check("status=%24%7BOPEN%7D", &|row| text(row, "statusType") == "Open").await;
    check("priority=High", &|row| text(row, "priority") == "High").await;
    check("channel=Email", &|row| text(row, "channel") == "Email").await;
    for key in [
        "contactId",
        "accountId",
        "productId",
        "assigneeId",
        "departmentId",
        "email",
    ] {
        let value = common(all, key);
        check(&format!("{key}={value}"), &|row| text(row, key) == value).await;
    }
    check("subject=SCREEN%20stays*", &|row| {
        text(row, "subject").contains("Screen stays")
    })
    .await;
    check("_all=Screen%20stays", &|row| row.to_string().contains("Screen stays")).await;
    check("customField1=cf_vip:true", &|row| row["cf"]["cf_vip"] == "true").await;
    let range = "2023-01-01T00:00:00.000Z,2023-12-31T23:59:59.999Z";
    for key in ["dueDate", "customerResponseTime"] {
        check(&format!("{key}Range={range}"), &|row| {
            text(row, key).starts_with("2023-")
        })
        .await;
    }
    let count = bench.client.get("/tickets/search?priority=High&limit=1").await.json()["count"].clone();
    assert_eq!(count, all.iter().filter(|row| row["priority"] == "High").count());
    assert_eq!(
        bench.client.get("/tickets/search?_all=nothingofthekind").await.status,
        204
    );
    let contact = common(all, "contactId");
    let count = bench
        .client
        .get(&format!("/ticketsCount?contactId={contact}"))
        .await
        .json()["count"]
        .clone();
    assert_eq!(
        count,
        all.iter().filter(|row| text(row, "contactId") == contact).count()
    );
}

#[tokio::test]
async fn lists_leave_out_what_is_not_asked_for() {
    let bench = Bench::new().await;
    let client = &bench.client;
    let all = &bench.tickets;
    bench
        .check("/tickets", "status=On%20Hold", 0, all, |row| {
            text(row, "status") == "On Hold"
        })
        .await;
    bench
        .check("/tickets", "assignee=Unassigned", 0, all, |row| {
            row["assigneeId"].is_null()
        })
        .await;
    let team = common(all, "teamId");
    bench
        .check("/tickets", &format!("teamIds={team}"), 0, all, |row| {
            text(row, "teamId") == team
        })
        .await;
    let departments: BTreeSet<&str> = all.iter().map(|row| text(row, "departmentId")).take(2).collect();
    let query = format!(
        "departmentIds={}",
        departments.iter().copied().collect::<Vec<_>>().join(",")
    );
    bench
        .check("/tickets", &query, 0, all, |row| {
            departments.contains(text(row, "departmentId"))
        })
        .await;
    assert_eq!(client.get("/tickets?receivedInDays=15").await.status, 204);

    let tasks = client.all("/tasks/search", 0, 100).await;
    bench
        .check("/tasks", "isCompleted=true", 0, &tasks, |row| {
            text(row, "statusType") == "Closed"
        })
        .await;
    let owner = common(&tasks, "ownerId");
    bench
        .check("/tasks", &format!("assignee={owner}"), 0, &tasks, |row| {
            text(row, "ownerId") == owner
        })
        .await;
    let contacts = client.all("/contacts/search", 0, 100).await;
    let name = contacts
        .iter()
        .map(|row| text(row, "lastName"))
        .find(|name| name.len() > 4 && name.is_ascii());
    let query = format!("lastName={}", name.unwrap().replace(' ', "%20"));
    let wanted = |row: &Value| text(row, "lastName") == name.unwrap();
    bench.check("/contacts/search", &query, 0, &contacts, wanted).await;
    let articles = client.all("/articles", 1, 50).await;
    let status = common(&articles, "status");
    bench
        .check("/articles", &format!("status={status}"), 1, &articles, |row| {
            text(row, "status") == status
        })
        .await;
    let products = client.all("/products/search", 0, 100).await;
    let owner = common(&products, "ownerId");
    bench
        .check("/products", &format!("ownerId={owner}"), 0, &products, |row| {
            text(row, "ownerId") == owner
        })
        .await;
}

#[tokio::test]
async fn lists_come_in_the_order_that_is_asked_for() {
    let bench = Bench::new().await;
    for (path, key, first) in [
        ("/tickets", "dueDate", 0),
        ("/tickets", "customerResponseTime", 0),
        ("/contacts", "lastName", 1),
        ("/contacts", "email", 1),
        ("/accounts", "accountName", 1),
        ("/calls", "startTime", 0),
        ("/products", "productName", 0),
    ] {
        for sign in ["", "-"] {
            let rows = bench
                .client
                .all(&format!("{path}?sortBy={sign}{key}"), first, 100)
                .await;
            let mut values: Vec<&str> = rows.iter().map(|row| text(row, key)).collect();
            let some = values.iter().position(|value| value.is_empty()).unwrap_or(values.len());
            assert!(
                values[some..].iter().all(|value| value.is_empty()),
                "{path} {key}: nothing comes last"
            );
            values.truncate(some);
            assert!(values.len() > 5, "{path} {key}");
            if sign == "-" {
                values.reverse();
            }
            assert!(values.is_sorted(), "{path} {sign}{key}: {values:?}");
            ids(&rows);
        }
    }
}

#[tokio::test]
async fn what_belongs_to_a_record_is_listed_with_it() {
    let bench = Bench::new().await;
    let client = &bench.client;
    let all = &bench.tickets;
    for (module, key) in [
        ("contacts", "contactId"),
        ("accounts", "accountId"),
        ("products", "productId"),
    ] {
        let whose = common(all, key);
        bench
            .check(&format!("/{module}/{whose}/tickets"), "", 0, all, |row| {
                text(row, key) == whose
            })
            .await;
        assert_eq!(
            client.get(&format!("/{module}/77/tickets")).await.status,
            404,
            "{module}"
        );
    }
    for module in ["tasks", "calls", "events"] {
        let activities = client.all(&format!("/{module}/search"), 0, 100).await;
        let ticket = common(&activities, "ticketId");
        let path = format!("/tickets/{ticket}/{module}");
        bench
            .check(&path, "", 0, &activities, |row| text(row, "ticketId") == ticket)
            .await;
        let all = client.all(&format!("/tickets/{ticket}/activities"), 0, 2).await;
        let those: BTreeSet<&str> = all
            .iter()
            .filter(|row| text(row, "activityType").to_lowercase() == module)
            .map(|row| text(row, "id"))
            .collect();
        assert_eq!(
            those.len(),
            activities.iter().filter(|row| text(row, "ticketId") == ticket).count()
        );
        assert_eq!(ids(&all).len(), all.len());
    }
    let mut entries = Vec::new();
    for agent in client.all("/agents", 0, 200).await {
        entries.extend(
            client
                .all(&format!("/agents/{}/timeEntry", text(&agent, "id")), 0, 100)
                .await,
        );
    }
    let ticket = common(&entries, "requestId");
    let contact = client.get(&format!("/tickets/{ticket}")).await.json()["contactId"].clone();
    let mut theirs = BTreeSet::new();
    for ticket in client
        .all(&format!("/contacts/{}/tickets", contact.as_str().unwrap()), 0, 100)
        .await
    {
        theirs.insert(text(&ticket, "id").to_owned());
    }
    let path = format!("/contacts/{}/timeEntry", contact.as_str().unwrap());
    bench
        .check(&path, "", 0, &entries, |row| theirs.contains(text(row, "requestId")))
        .await;
    bench
        .check(&path, "module=tickets", 0, &entries, |row| {
            theirs.contains(text(row, "requestId"))
        })
        .await;
    assert_eq!(client.get(&format!("{path}?module=tasks")).await.status, 204);
}

#[tokio::test]
async fn details_have_what_include_adds() {
    let bench = Bench::new().await;
    let client = &bench.client;
    let mut rows = bench.tickets.iter();
    let row = rows.find(|row| text(row, "threadCount") > "1" && !row["assigneeId"].is_null());
    let row = row.unwrap();
    let path = format!("/tickets/{}", text(row, "id"));
    let plain = client.get(&path).await.json();
    let all = "contacts,products,departments,team,assignee,contract,isRead,skills";
    let more = client.get(&format!("{path}?include={all}")).await.json();
    for key in ["contact", "product", "department", "team", "assignee", "isRead"] {
        assert!(plain.get(key).is_none(), "{key}");
        assert_eq!(more[key], row[key], "{key}");
    }
    assert_eq!(more.as_object().unwrap().len(), plain.as_object().unwrap().len() + 6);
    assert_eq!(more["cf"], plain["cf"]);
    let threads = client.all(&format!("{path}/threads"), 0, 100).await;
    let thread = format!("{path}/threads/{}", text(&threads[0], "id"));
    assert!(client.get(&thread).await.json()["plainText"].is_null());
    let plain = client.get(&format!("{thread}?include=plainText")).await.json();
    assert!(
        !text(&plain, "plainText").contains("<p>") && !text(&plain, "plainText").is_empty(),
        "{plain}"
    );
}

#[tokio::test]
async fn a_big_desk_is_not_searched_row_by_row() {
    let client = Client::new(Settings {
        tickets: 150_000,
        ..Settings::default()
    })
    .await;
    let answer = client.get("/tickets/search?status=Open").await;
    assert_eq!(answer.status, 422);
    let message = answer.message();
    assert!(
        message.contains("looks at 50000 records at most for 'status'"),
        "{message}"
    );
    let range = "createdTimeRange=2023-01-01T00:00:00.000Z,2023-01-31T00:00:00.000Z";
    assert_eq!(
        client.get(&format!("/tickets/search?status=Open&{range}")).await.status,
        200
    );
}
