//! The server over the world that it serves: what is listed can be read, and counts are what lists give.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio::runtime::Handle;

use super::{Answer, refresh, send, token};
use crate::Settings;
use crate::server::SampleDesk;

pub(super) struct Client {
    desk: SampleDesk,
    token: String,
}

impl Client {
    pub(super) async fn new(settings: Settings) -> Self {
        let desk = SampleDesk::start(settings, None, &Handle::current()).unwrap();
        let token = token(&desk, &refresh(&desk)).await.json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        Self { desk, token }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        let (token, org) = (format!("Zoho-oauthtoken {}", self.token), self.desk.org_id());
        let headers = [("Authorization", token.as_str()), ("orgId", org.as_str())];
        send(&self.desk, hyper::Method::GET, &format!("/api/v1{path}"), &headers, "")
            .await
            .unwrap()
    }

    /// All rows of a list, by offset.
    pub(super) async fn all(&self, path: &str, first: u64, limit: u64) -> Vec<Value> {
        let mut rows = Vec::new();
        loop {
            let from = first + rows.len() as u64;
            let join = if path.contains('?') { '&' } else { '?' };
            let answer = self.get(&format!("{path}{join}from={from}&limit={limit}")).await;
            if answer.status == 204 {
                return rows;
            }
            assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
            let page = answer.json()["data"].as_array().unwrap().clone();
            let last = (page.len() as u64) < limit;
            rows.extend(page);
            if last {
                return rows;
            }
        }
    }
}

pub(super) fn ids(rows: &[Value]) -> BTreeSet<String> {
    let ids: BTreeSet<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), rows.len(), "one is there twice");
    ids
}

#[tokio::test]
async fn what_is_searched_is_listed_and_can_be_read() {
    let client = Client::new(Settings {
        credits: Some(1 << 40),
        ..Settings::default()
    })
    .await;
    for (path, first, limit) in [
        ("/tickets", 0, 100),
        ("/contacts", 1, 100),
        ("/accounts", 1, 100),
        ("/products", 0, 100),
        ("/tasks", 0, 100),
        ("/calls", 0, 100),
        ("/events", 0, 100),
        ("/articles", 1, 50),
    ] {
        let listed = ids(&client.all(path, first, limit).await);
        let searched = client.all(&format!("{path}/search?sortBy=createdTime"), 0, 100).await;
        let times: Vec<&str> = searched
            .iter()
            .map(|row| row["createdTime"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted(), "{path}");
        assert_eq!(ids(&searched), listed, "{path}");
        let count = client.get(&format!("{path}/search?limit=1")).await.json()["count"].clone();
        assert_eq!(count, listed.len(), "{path}");
        assert!(!listed.is_empty(), "{path}");
        for id in listed.iter().take(5) {
            assert_eq!(
                client.get(&format!("{path}/{id}")).await.json()["id"],
                **id,
                "{path}/{id}"
            );
            let by_id = client.get(&format!("{path}/search?id={id}")).await.json();
            assert_eq!(
                (&by_id["data"][0]["id"], &by_id["count"]),
                (&id.as_str().into(), &1.into()),
                "{path}/{id}"
            );
        }
    }
}

#[tokio::test]
async fn counts_of_a_ticket_are_what_its_lists_give() {
    let client = Client::new(Settings {
        credits: Some(1 << 40),
        ..Settings::default()
    })
    .await;
    let mut attachments = 0;
    for row in client.all("/tickets", 0, 100).await {
        let id = row["id"].as_str().unwrap();
        let detail = client.get(&format!("/tickets/{id}")).await.json();
        let count = |key: &str| detail[key].as_str().unwrap().parse::<usize>().unwrap();
        let threads = client.all(&format!("/tickets/{id}/threads"), 0, 200).await;
        let comments = client.all(&format!("/tickets/{id}/comments"), 0, 100).await;
        assert_eq!(
            (threads.len(), comments.len()),
            (count("threadCount"), count("commentCount")),
            "{id}"
        );
        let both: BTreeSet<String> = ids(&threads).union(&ids(&comments)).cloned().collect();
        let conversation = client.all(&format!("/tickets/{id}/conversations"), 0, 200).await;
        assert_eq!(ids(&conversation), both, "{id}");
        assert_eq!(
            client.all(&format!("/tickets/{id}/timeEntry"), 0, 100).await.len(),
            count("timeEntryCount"),
            "{id}"
        );
        let own = client.all(&format!("/tickets/{id}/attachments"), 0, 100).await;
        assert_eq!(own.len(), count("attachmentCount"), "{id}");
        let latest = client.get(&format!("/tickets/{id}/latestThread")).await;
        assert_eq!(latest.status == 204, threads.is_empty(), "{id}");
        for thread in threads.iter().take(2) {
            let path = format!("/tickets/{id}/threads/{}", thread["id"].as_str().unwrap());
            let thread = client.get(&path).await.json();
            assert!(thread["content"].is_string(), "{path}");
            assert!(
                client.get(&format!("{path}/fullContent")).await.json()["content"].is_string(),
                "{path}"
            );
            let inside = thread["attachments"].as_array().unwrap();
            // Links are the desk's own, and lead to as many bytes as are said.
            for attachment in inside.iter().chain(&own).take(2) {
                let href = attachment["href"]
                    .as_str()
                    .unwrap()
                    .strip_prefix(&client.desk.base_url())
                    .unwrap();
                let content = client.get(href).await;
                assert_eq!(content.status, 200, "{href}");
                assert_eq!(
                    content.body.len().to_string(),
                    attachment["size"].as_str().unwrap(),
                    "{href}"
                );
                attachments += 1;
            }
        }
    }
    assert!(attachments > 10, "{attachments}");
}

#[tokio::test]
async fn agents_are_those_that_are_counted() {
    let client = Client::new(Settings {
        credits: Some(1 << 40),
        ..Settings::default()
    })
    .await;
    let counts = client.get("/agents/count").await.json();
    let count = |key: &str| counts[key].as_str().unwrap().parse::<usize>().unwrap();
    let mut entries = Vec::new();
    let mut agents = 0;
    for (path, expect) in [
        ("/agents?status=ACTIVE", count("activeAgents")),
        ("/agents?status=DISABLED", count("allAgents") - count("activeAgents")),
        ("/deletedAgents", count("deletedAgents")),
    ] {
        let rows = client.all(path, 0, 200).await;
        assert_eq!(ids(&rows).len(), expect, "{path}");
        agents += rows.len();
        for row in rows {
            let id = row["id"].as_str().unwrap();
            entries.extend(client.all(&format!("/agents/{id}/timeEntry"), 0, 100).await);
        }
    }
    assert_eq!(agents, count("allAgents") + count("deletedAgents"));
    assert!(ids(&entries).len() > 10);
    let departments = client.get("/departments/count").await.json()["count"].as_u64().unwrap() as usize;
    let enabled = client.all("/departments?isEnabled=true", 0, 200).await;
    let disabled = client.all("/departments?isEnabled=false", 0, 200).await;
    assert_eq!(enabled.len() + disabled.len(), departments);
    let teams = client.get("/teams").await.json();
    let team = teams["teams"][0]["id"].as_str().unwrap();
    assert!(client.get(&format!("/teams/{team}/members")).await.json()["members"][0]["emailId"].is_string());
    assert!(client.get("/myinfo").await.json()["emailId"].is_string());
    let articles = client.all("/articles", 1, 50).await;
    let mut translations = 0;
    for article in &articles {
        let id = article["id"].as_str().unwrap();
        for row in client.all(&format!("/articles/{id}/translations"), 1, 50).await {
            let locale = row["locale"].as_str().unwrap();
            let one = client.get(&format!("/articles/{id}/translations/{locale}")).await;
            assert_eq!(one.json()["locale"], locale, "{id}");
            assert!(one.json()["answer"].is_string(), "{id}");
            translations += 1;
        }
        let own = article["locale"].as_str().unwrap();
        assert_eq!(
            client.get(&format!("/articles/{id}/translations/{own}")).await.status,
            200
        );
    }
    assert!(translations > 0);
    assert_eq!(client.get("/articles/count").await.json()["count"], articles.len());
}

#[tokio::test]
async fn include_adds_and_fields_choose() {
    let client = Client::new(Settings::default()).await;
    let rows = client
        .get("/tickets?limit=20&include=contacts,assignee,isRead")
        .await
        .json();
    let plain = client.get("/tickets?limit=20").await.json();
    let (row, plain) = (&rows["data"][0], &plain["data"][0]);
    assert!(row["contact"]["id"].is_string() && row.get("assignee").is_some() && row.get("product").is_none());
    assert!(plain.get("contact").is_none());
    let chosen = client.get("/tickets?limit=1&fields=subject,modifiedTime").await.json();
    assert_eq!(chosen["data"][0].as_object().unwrap().len(), 3);
    for path in [
        "/contacts?include=accounts",
        "/tasks?include=tickets,assignee",
        "/products?include=owner",
        "/agents?include=role",
    ] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
}
