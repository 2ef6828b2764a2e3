//! The desk as a client sees it, over HTTP.

mod filters;
mod limits;
mod measure;
mod oauth;
mod readings;
mod surface;
mod tiny;
mod whole;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::HeaderMap;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tiny::Tiny;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use crate::Settings;
use crate::server::{SampleDesk, Stats};
use crate::world::Desk;

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The ids of the rows of a list; none of an empty one.
    fn ids(&self) -> Vec<String> {
        if self.status == 204 {
            return Vec::new();
        }
        assert_eq!(self.status, 200, "{:?}", self.body);
        let rows = self.json()["data"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    fn code(&self) -> String {
        self.json()["errorCode"].as_str().unwrap_or_default().to_owned()
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A desk and a token for it.
struct Bench {
    desk: SampleDesk,
    tiny: Arc<Tiny>,
    token: String,
}

impl Bench {
    /// A desk of 250 records of each kind.
    async fn new(settings: Settings) -> Self {
        Self::of(settings, 250).await
    }

    async fn of(settings: Settings, records: u64) -> Self {
        let tiny = Arc::new(Tiny::new(records));
        let desk = SampleDesk::serve(settings, Arc::clone(&tiny) as Arc<dyn Desk>, None, &Handle::current()).unwrap();
        let token = loop {
            // The token endpoint may fail, too.
            let answer = token(&desk, &refresh(&desk)).await;
            if answer.status == 200 {
                break answer.json()["access_token"].as_str().unwrap().to_owned();
            }
        };
        Self { desk, tiny, token }
    }

    /// Asks for a path behind the API's base.
    async fn get(&self, path: &str) -> Answer {
        self.try_get(path).await.unwrap()
    }

    async fn try_get(&self, path: &str) -> Result<Answer, hyper::Error> {
        let token = format!("Zoho-oauthtoken {}", self.token);
        let org = self.desk.org_id();
        let headers = [("Authorization", token.as_str()), ("orgId", org.as_str())];
        send(&self.desk, Method::GET, &format!("/api/v1{path}"), &headers, "").await
    }

    fn stats(&self) -> Stats {
        self.desk.stats()
    }
}

/// Parameters that ask for an access token.
fn refresh(desk: &SampleDesk) -> String {
    format!(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
        desk.client_id(),
        desk.client_secret(),
        desk.refresh_token()
    )
}

async fn token(desk: &SampleDesk, form: &str) -> Answer {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    send(desk, Method::POST, "/oauth/v2/token", &headers, form)
        .await
        .unwrap()
}

/// One request over a connection of its own.
async fn send(
    desk: &SampleDesk,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer, hyper::Error> {
    let address = desk.url().strip_prefix("http://").unwrap().to_owned();
    let stream = TcpStream::connect(&address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("Host", address);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap();
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    })
}
