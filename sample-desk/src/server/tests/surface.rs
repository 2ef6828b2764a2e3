//! Every endpoint of the table: what it answers, and what it refuses.

use hyper::Method;

use crate::Settings;
use crate::server::surface::{Endpoint, Parameter, Serve, Surface, Type};
use crate::server::tests::tiny::id;
use crate::server::tests::{Bench, send};
use crate::world::{Id, Kind};

/// A path of this endpoint, whose ids are there (or none of them).
fn path(endpoint: &Endpoint, there: bool) -> String {
    let module = match endpoint.module.as_str() {
        "tickets" => Kind::Ticket,
        "contacts" => Kind::Contact,
        "accounts" => Kind::Account,
        "products" => Kind::Product,
        "tasks" => Kind::Task,
        "calls" => Kind::Call,
        "events" => Kind::Event,
        "articles" => Kind::Article,
        "agents" => Kind::Agent,
        "teams" => Kind::Team,
        _ => Kind::Department,
    };
    let mut path = String::new();
    let mut kind = module;
    let mut number = 1;
    let mut depth = 0;
    for segment in endpoint.path[1..].split('/') {
        path.push('/');
        match segment {
            "{id}" if !there => path.push_str("77"),
            "{id}" if endpoint.serve == Serve::Organization => path.push_str("20077001"),
            "{id}" => {
                let own = if depth == 0 {
                    id(kind, 1)
                } else {
                    id(kind, (number + 1) * 1000)
                };
                number = own.0 % 1_000_000_000_000;
                depth += 1;
                path.push_str(&own.to_string());
            }
            "{locale}" => path.push_str("fr"),
            literal => {
                kind = match literal {
                    "threads" => Kind::Thread,
                    "comments" => Kind::Comment,
                    "attachments" => Kind::Attachment,
                    _ => kind,
                };
                path.push_str(literal);
            }
        }
    }
    path
}

/// A value that is good.
fn good(name: &str, parameter: &Parameter) -> String {
    match parameter.kind {
        Type::Int => parameter.max.unwrap_or(3).min(3).to_string(),
        Type::Id => id(Kind::Department, 2).to_string(),
        Type::Ids if name == "ids" || name == "agentIds" => format!("{},{}", id(Kind::Contact, 1), Id(5)),
        Type::Ids => format!("{},{}", id(Kind::Ticket, 1), id(Kind::Ticket, 2)),
        Type::Text if name.starts_with("customField") => "cf_a:x".to_owned(),
        Type::Text => "abc".to_owned(),
        Type::Enum | Type::Csv => parameter.values.first().cloned().unwrap_or_else(|| "id".to_owned()),
        Type::Bool => "true".to_owned(),
        Type::TimeRange => "1970-01-01T00:00:00.000Z,2031-01-01T00:00:00.000Z".to_owned(),
        Type::Unserved => "7".to_owned(),
    }
}

/// Values that are not, with the error's code and the end of its message.
fn bad(parameter: &Parameter) -> Vec<(String, &'static str, String)> {
    let invalid = |value: &str| (value.to_owned(), "INVALID_DATA", "is not valid.".to_owned());
    match parameter.kind {
        Type::Int => {
            let (min, max) = (parameter.min.unwrap(), parameter.max.unwrap_or(2_147_483_647));
            let range = |value: String| {
                (
                    value,
                    "UNPROCESSABLE_ENTITY",
                    format!("exceeds the range of '{min}-{max}'."),
                )
            };
            let below = if min == 0 {
                "-1".to_owned()
            } else {
                (min - 1).to_string()
            };
            vec![
                range((max + 1).to_string()),
                range(below),
                range("99999999999999999999999".to_owned()),
                invalid("x"),
                invalid(""),
                invalid("1.5"),
            ]
        }
        Type::Id => vec![invalid("x"), invalid("-1"), invalid("")],
        Type::Ids | Type::Csv => {
            let item = if parameter.kind == Type::Ids { "1" } else { "id" };
            let too_many = parameter.max_items.map(|max| vec![item; max + 1].join(","));
            let wrong = (parameter.kind == Type::Ids || !parameter.values.is_empty()).then(|| "1,x".to_owned());
            too_many.iter().chain(&wrong).map(|value| invalid(value)).collect()
        }
        Type::Text if parameter.min.is_some() => vec![invalid("ab"), invalid("%E3%83%97x")],
        Type::Text => vec![invalid("")],
        Type::Enum => vec![invalid("nothing"), invalid("--createdTime")],
        Type::Bool => vec![invalid("1"), invalid("True")],
        Type::TimeRange => vec![
            invalid("2031-01-01T00:00:00.000Z"),
            invalid("2031-01-01T00:00:00.000Z,"),
            invalid("2031-01-01T00:00:00.000%2B00:00,2031-01-02T00:00:00.000%2B00:00"),
            invalid("1,2"),
        ],
        Type::Unserved => Vec::new(),
    }
}

/// A query with all required parameters, and this one.
fn query(endpoint: &Endpoint, name: &str, value: &str) -> String {
    let required = endpoint
        .query
        .iter()
        .filter(|(other, parameter)| parameter.required && other != name);
    let mut query: Vec<String> = required
        .map(|(name, parameter)| format!("{name}={}", good(name, parameter)))
        .collect();
    if !name.is_empty() {
        query.push(format!("{name}={value}"));
    }
    query.join("&")
}

#[tokio::test]
async fn every_endpoint_answers() {
    let settings = Settings::default();
    let bench = Bench::new(settings.clone()).await;
    for endpoint in &Surface::new(&settings).endpoints {
        let path = path(endpoint, true);
        let answer = bench.get(&format!("{path}?{}", query(endpoint, "", ""))).await;
        let empty = endpoint.path == "/contacts/{id}/comments";
        let none_of_it = matches!(
            endpoint.serve,
            Serve::TicketsOf(_) | Serve::EntriesOf(_) | Serve::ActivitiesOf(_) | Serve::AllActivitiesOf
        );
        let empty = empty
            || none_of_it
            || endpoint.serve == Serve::ByIds(Kind::Agent)
            || endpoint.serve == Serve::ByIds(Kind::Department);
        assert_eq!(
            answer.status,
            if empty { 204 } else { 200 },
            "{path}: {:?}",
            answer.body
        );
        if empty {
            assert!(answer.body.is_empty(), "{path}");
        } else if matches!(endpoint.serve, Serve::Content(_)) {
            assert_eq!(answer.body.len(), 100_000, "{path}");
            assert!(answer.header("content-disposition").unwrap().contains("n%20"), "{path}");
        } else {
            let rows = &answer.json()[&endpoint.envelope];
            let one = matches!(
                endpoint.serve,
                Serve::Organization
                    | Serve::Detail(_)
                    | Serve::Child(..)
                    | Serve::Full
                    | Serve::Latest
                    | Serve::Translation
                    | Serve::Count(_)
                    | Serve::AgentCounts
                    | Serve::MyInfo
            );
            assert_eq!(rows.is_array(), !one, "{path}: {rows}");
            let counted = matches!(endpoint.serve, Serve::Search(_) | Serve::Activities);
            assert_eq!(
                answer.json()["count"].is_u64(),
                counted || matches!(endpoint.serve, Serve::Count(_)),
                "{path}"
            );
            assert_eq!(
                answer.json()["pagination"].is_object(),
                endpoint.serve == Serve::Archived,
                "{path}"
            );
        }
        let weight = answer.header("x-rate-limit-request-weight-v3").unwrap();
        assert!(["1", "3"].contains(&weight), "{path}: {weight}");
    }
}

#[tokio::test]
async fn what_an_endpoint_does_not_list_is_refused() {
    let settings = Settings::default();
    let bench = Bench::new(settings.clone()).await;
    for endpoint in &Surface::new(&settings).endpoints {
        let path = path(endpoint, true);
        let answer = bench
            .get(&format!("{path}?{}", query(endpoint, "sortDirection", "1")))
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "UNPROCESSABLE_ENTITY"),
            "{path}"
        );
        assert_eq!(
            answer.message(),
            "Extra query parameter 'sortDirection' is present in the input."
        );
        assert_eq!(answer.json()["errors"][0]["fieldName"], "/sortDirection");

        // The organisation may be in the query; it is no parameter of any endpoint.
        let answer = bench
            .get(&format!(
                "{path}?{}&orgId={}",
                query(endpoint, "", ""),
                bench.desk.org_id()
            ))
            .await;
        assert!(answer.status < 300, "{path}: {:?}", answer.body);

        let org = bench.desk.org_id();
        let token = format!("Bearer {}", bench.token);
        let headers = [("Authorization", token.as_str()), ("orgId", org.as_str())];
        for method in [Method::POST, Method::PATCH, Method::DELETE] {
            let answer = send(&bench.desk, method, &format!("/api/v1{path}"), &headers, "")
                .await
                .unwrap();
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (405, "METHOD_NOT_ALLOWED"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn every_parameter_is_checked() {
    let settings = Settings::default();
    let bench = Bench::new(settings.clone()).await;
    let mut checked = 0;
    for endpoint in &Surface::new(&settings).endpoints {
        let path = path(endpoint, true);
        for (name, parameter) in &endpoint.query {
            // Of the ten alike, one.
            if name.starts_with("customField") && name != "customField1" {
                continue;
            }
            let answer = bench
                .get(&format!("{path}?{}", query(endpoint, name, &good(name, parameter))))
                .await;
            if parameter.kind == Type::Unserved {
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (422, "INVALID_DATA"),
                    "{path} {name}"
                );
                assert!(answer.message().contains(&format!("has no '{name}'")), "{path} {name}");
                continue;
            }
            assert!(answer.status < 300, "{path} {name}: {:?}", answer.body);
            for (value, code, end) in bad(parameter) {
                let answer = bench.get(&format!("{path}?{}", query(endpoint, name, &value))).await;
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (422, code),
                    "{path} {name}={value}"
                );
                assert_eq!(answer.json()["errors"][0]["fieldName"], format!("/{name}"), "{path}");
                let message = format!("The value passed for field '{name}' {end}");
                assert_eq!(answer.message(), message, "{path} {name}={value}");
                checked += 1;
            }
            if parameter.required {
                let answer = bench.get(&path).await;
                assert_eq!(answer.status, 422, "{path}");
                assert_eq!(answer.json()["errors"][0]["errorType"], "missing", "{path}");
            }
            let twice = format!("{path}?{0}&{0}", query(endpoint, name, &good(name, parameter)));
            assert_eq!(
                bench.get(&twice).await.json()["errors"][0]["errorType"],
                "duplicate",
                "{twice}"
            );
        }
    }
    assert!(checked > 500, "{checked}");
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let settings = Settings::default();
    let bench = Bench::new(settings.clone()).await;
    for endpoint in Surface::new(&settings)
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.path.contains("{id}"))
    {
        let path = path(endpoint, false);
        let answer = bench.get(&path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "URL_NOT_FOUND"),
            "{path}"
        );
    }
    for path in ["/nothing", "/tickets/x", "/tickets/", "", "/tickets/77/nothing"] {
        assert_eq!(bench.get(path).await.status, 404, "{path}");
    }
    let missing = format!(
        "/tickets/{}/threads/{}",
        id(Kind::Ticket, 1),
        id(Kind::Thread, 9_999_999)
    );
    assert_eq!(bench.get(&missing).await.status, 404);
    let missing = format!("/articles/{}/translations/xx", id(Kind::Article, 1));
    assert_eq!(bench.get(&missing).await.status, 404);
}

#[tokio::test]
async fn an_empty_list_is_204_or_empty() {
    for empty_is_204 in [true, false] {
        let mut settings = Settings::default();
        settings.behaviour.empty_is_204 = empty_is_204;
        let bench = Bench::of(settings.clone(), 0).await;
        let mut lists = 0;
        for endpoint in &Surface::new(&settings).endpoints {
            let list = matches!(
                endpoint.serve,
                Serve::List(_)
                    | Serve::Search(_)
                    | Serve::Activities
                    | Serve::Archived
                    | Serve::Agents
                    | Serve::DeletedAgents
                    | Serve::Departments
                    | Serve::ByIds(_)
            );
            if !list {
                continue;
            }
            let path = path(endpoint, true);
            let answer = bench.get(&format!("{path}?{}", query(endpoint, "", ""))).await;
            if empty_is_204 {
                assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
            } else {
                assert_eq!(answer.status, 200, "{path}");
                assert_eq!(answer.json()["data"], serde_json::json!([]), "{path}");
            }
            lists += 1;
        }
        assert!(lists > 20, "{lists}");
    }
}
