//! Who may read what.

use std::time::Duration;

use hyper::Method;

use crate::server::tests::{Bench, refresh, send, token};
use crate::{SampleDesk, Settings};

/// Headers, then the status and the error's code.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);

#[tokio::test]
async fn a_token_is_wanted_and_an_organisation() {
    let bench = Bench::new(Settings::default()).await;
    let good = format!("Zoho-oauthtoken {}", bench.token);
    let bearer = format!("Bearer {}", bench.token);
    let org = bench.desk.org_id();
    let cases: [Case; 8] = [
        (&[("Authorization", &good), ("orgId", &org)], 200, ""),
        (&[("Authorization", &bearer), ("orgId", &org)], 200, ""),
        (&[("orgId", &org)], 401, "UNAUTHORIZED"),
        (&[("Authorization", "Basic eDp5"), ("orgId", &org)], 401, "UNAUTHORIZED"),
        (
            &[("Authorization", "Zoho-oauthtoken 1000.x"), ("orgId", &org)],
            401,
            "INVALID_OAUTH",
        ),
        (&[("Authorization", &good)], 500, "INTERNAL_SERVER_ERROR"),
        (
            &[("Authorization", &good), ("orgId", "abc")],
            500,
            "INTERNAL_SERVER_ERROR",
        ),
        (
            &[("Authorization", &good), ("orgId", "20077002")],
            403,
            "OAUTH_ORG_MISMATCH",
        ),
    ];
    for (headers, status, code) in cases {
        let answer = send(&bench.desk, Method::GET, "/api/v1/tickets", headers, "")
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{headers:?}");
        if status != 200 {
            assert_eq!(answer.code(), code, "{headers:?}");
        }
    }
    let query = format!("/api/v1/tickets?orgId={org}");
    let answer = send(&bench.desk, Method::GET, &query, &[("Authorization", &good)], "")
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    let organizations = send(
        &bench.desk,
        Method::GET,
        "/api/v1/organizations",
        &[("Authorization", &good)],
        "",
    )
    .await;
    assert!(organizations.unwrap().json()["data"][0]["id"].is_u64());
}

#[tokio::test]
async fn tokens_are_given_and_refused() {
    let bench = Bench::new(Settings::default()).await;
    let desk = &bench.desk;
    let granted = token(desk, &refresh(desk)).await.json();
    assert!(granted["access_token"].is_string());
    assert_eq!(granted["expires_in"], 3600);
    assert!(granted["refresh_token"].is_null());
    assert!(granted["scope"].as_str().unwrap().contains("Desk.search.READ"));

    let check = async |form: String, error: &str| {
        let answer = token(desk, &form).await;
        assert_eq!(answer.status, 200, "{form}");
        assert_eq!(answer.json()["error"], error, "{form}");
        assert!(answer.json()["access_token"].is_null());
    };
    check(
        refresh(desk).replace("refresh_token=1000", "refresh_token=2000"),
        "invalid_code",
    )
    .await;
    check(
        refresh(desk).replace("client_id=1000", "client_id=2000"),
        "invalid_client",
    )
    .await;
    check(
        refresh(desk).replace("client_secret=", "client_secret=x"),
        "invalid_client",
    )
    .await;

    let exchange = |code: &str| {
        let (id, secret) = (desk.client_id(), desk.client_secret());
        format!("grant_type=authorization_code&client_id={id}&client_secret={secret}&code={code}")
    };
    let code = desk.grant_code();
    let both = token(desk, &exchange(&code)).await.json();
    assert!(both["access_token"].is_string());
    assert_ne!(both["refresh_token"], desk.refresh_token());
    check(exchange(&code), "invalid_code").await;
    let again = refresh(desk).replace(desk.refresh_token(), both["refresh_token"].as_str().unwrap());
    assert!(token(desk, &again).await.json()["access_token"].is_string());

    // Ten in ten minutes: four were given so far (one to the bench).
    for _ in 0..6 {
        assert!(token(desk, &refresh(desk)).await.json()["access_token"].is_string());
    }
    check(refresh(desk), "access_denied").await;

    let path = format!("/oauth/v2/token/revoke?token={}", desk.refresh_token());
    assert_eq!(send(desk, Method::POST, &path, &[], "").await.unwrap().status, 200);
    check(refresh(desk), "invalid_code").await;
    assert_eq!(bench.get("/tickets").await.code(), "INVALID_OAUTH");
}

#[tokio::test]
async fn parameters_may_be_in_the_query() {
    let bench = Bench::new(Settings::default()).await;
    let path = format!("/oauth/v2/token?{}", refresh(&bench.desk));
    let answer = send(&bench.desk, Method::POST, &path, &[], "").await.unwrap();
    assert!(answer.json()["access_token"].is_string());
    assert_eq!(
        send(&bench.desk, Method::GET, &path, &[], "").await.unwrap().status,
        405
    );
}

#[tokio::test]
async fn a_token_that_is_over_is_refused() {
    let bench = Bench::new(Settings {
        token_life: Duration::from_millis(1),
        ..Settings::default()
    })
    .await;
    let over = loop {
        let answer = bench.get("/tickets").await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((over.status, over.code().as_str()), (401, "INVALID_OAUTH"));
}

#[tokio::test]
async fn a_person_consents_to_some_scopes() {
    let bench = Bench::new(Settings::default()).await;
    let desk = &bench.desk;
    let path = format!(
        "/oauth/v2/auth?response_type=code&client_id={}&scope=Desk.tickets.READ,Desk.agents.READ&access_type=offline&state=a%26b&redirect_uri=",
        desk.client_id()
    );
    let to = async |uri: &str| send(desk, Method::GET, &format!("{path}{uri}"), &[], "").await.unwrap();
    let answer = to("http://localhost:8080/back").await;
    assert_eq!(answer.status, 302);
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with("http://localhost:8080/back?code=1000."),
        "{location}"
    );
    assert!(location.ends_with("&state=a%26b"), "{location}");
    let code = location.split(['=', '&']).nth(1).unwrap();
    let (id, secret) = (desk.client_id(), desk.client_secret());
    let form = format!("grant_type=authorization_code&client_id={id}&client_secret={secret}&code={code}");
    let granted = token(desk, &form).await.json();
    assert_eq!(granted["scope"], "Desk.tickets.READ Desk.agents.READ");
    // Nowhere else is anybody sent.
    for uri in [
        "https://elsewhere.example/",
        "http://localhost.elsewhere.example/",
        "http://127.0.0.1@elsewhere.example",
    ] {
        let answer = to(uri).await;
        assert_eq!(answer.status, 200, "{uri}");
        assert!(answer.body.starts_with(b"<!DOCTYPE html>"));
    }
}

#[tokio::test]
async fn a_module_may_be_closed() {
    let settings = Settings {
        missing_scopes: vec!["Desk.search.READ".into(), "Desk.calls.READ".into()],
        unlicensed: vec!["products".into()],
        forbidden: vec!["articles".into()],
        ..Settings::default()
    };
    let bench = Bench::new(settings).await;
    let check = async |path: &str, status: u16, code: &str| {
        let answer = bench.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        if status != 200 {
            assert_eq!(answer.code(), code, "{path}");
        }
    };
    check("/tickets/search", 403, "SCOPE_MISMATCH").await;
    check("/tickets/archivedTickets?departmentId=1", 403, "SCOPE_MISMATCH").await;
    check("/ticketsCount", 403, "SCOPE_MISMATCH").await;
    check("/calls", 403, "SCOPE_MISMATCH").await;
    check("/tickets", 200, "").await;
    check("/products", 403, "LICENSE_ACCESS_LIMITED").await;
    assert!(bench.get("/products").await.json()["isTrial"].is_boolean());
    check("/articles/count", 403, "FORBIDDEN").await;
}

#[tokio::test]
async fn what_a_setting_names_has_to_be_there() {
    let start = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        let started = SampleDesk::start(settings, None, &tokio::runtime::Handle::current());
        started.err().map(|error| error.to_string())
    };
    let check = |change: fn(&mut Settings), expect: &str| {
        let why = start(change).unwrap();
        assert!(why.starts_with(expect), "{why}");
    };
    check(
        |settings| settings.missing_scopes = vec!["Desk.serach.READ".into()],
        "the sample desk knows no scope \"Desk.serach.READ\"; it knows Desk.tickets.READ, ",
    );
    check(
        |settings| settings.unlicensed = vec!["product".into()],
        "the sample desk has no module \"product\"; it has accessibleOrganizations, accounts, ",
    );
    check(
        |settings| settings.forbidden = vec!["/tickets".into()],
        "the sample desk has no module \"/tickets\"; it has ",
    );
    assert_eq!(start(|settings| settings.forbidden = vec!["tickets".into()]), None);
}
