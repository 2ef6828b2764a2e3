//! How fast the desk is by itself: pages of 100 records of 1 KB that cost the world nothing to write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{refresh, token};
use crate::Settings;
use crate::server::SampleDesk;
use crate::server::tests::tiny::{Tiny, id};
use crate::world::{Desk, Kind};

const FOR: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: run it alone, in release"]
async fn requests_a_second() {
    let mut tiny = Tiny::new(1_000_000);
    tiny.padding = 1024;
    let settings = Settings {
        credits: Some(1 << 40),
        ..Settings::default()
    };
    let desk: Arc<dyn Desk> = Arc::new(tiny);
    let desk = Arc::new(SampleDesk::serve(settings, desk, None, &tokio::runtime::Handle::current()).unwrap());
    let access = token(&desk, &refresh(&desk)).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for path in [
        "/tickets/search?limit=100&sortBy=createdTime",
        &format!("/tickets/{}", id(Kind::Ticket, 3)),
    ] {
        let (requests, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let start = Instant::now();
        let workers: Vec<_> = (0..25)
            .map(|_| {
                let (desk, access, path) = (Arc::clone(&desk), access.clone(), format!("/api/v1{path}"));
                let (requests, bytes) = (Arc::clone(&requests), Arc::clone(&bytes));
                tokio::spawn(async move {
                    let address = desk.url().strip_prefix("http://").unwrap().to_owned();
                    let stream = TcpStream::connect(&address).await.unwrap();
                    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
                    tokio::spawn(connection);
                    while start.elapsed() < FOR {
                        let request = Request::get(&path)
                            .header("Host", &address)
                            .header("Authorization", format!("Zoho-oauthtoken {access}"))
                            .header("orgId", desk.org_id())
                            .body(Full::<Bytes>::default())
                            .unwrap();
                        let mut body = sender.send_request(request).await.unwrap().into_body();
                        while let Some(frame) = body.frame().await {
                            let data = frame.unwrap().into_data().unwrap();
                            bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
                        }
                        requests.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        let (requests, seconds) = (requests.load(Ordering::Relaxed) as f64, start.elapsed().as_secs_f64());
        let size = bytes.load(Ordering::Relaxed) as f64 / requests;
        println!(
            "{path}: {:.0} requests/s of {size:.0} bytes; client and server on the same cores",
            requests / seconds
        );
        assert_eq!(desk.stats().over_cap, 0);
    }
}
