//! A desk for tests: an HTTP server on loopback that answers by a function.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A running desk. Its threads end with the process, or when nobody connects any more.
pub struct TestDesk {
    /// Its base URL.
    pub url: String,
    requests: Arc<AtomicUsize>,
}

/// What a desk answers: status and body; `None`: nothing, ever.
pub type Reply = Option<(u16, String)>;

impl TestDesk {
    /// Starts a desk that answers each GET by what `answer` makes of its path and query.
    ///
    /// # Panics
    /// Where no port of loopback is free.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let (answer, requests) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, counted) = (Arc::clone(&answer), Arc::clone(&counted));
                thread::spawn(move || serve(&stream, &*answer, &counted));
            }
        });
        Self { url, requests }
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Serves one connection until the client closes it.
fn serve(stream: &TcpStream, answer: &dyn Fn(&str) -> Reply, counted: &AtomicUsize) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let head = lines.next()?.ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        counted.fetch_add(1, Ordering::SeqCst);
        let path = head.split(' ').nth(1)?;
        let Some((status, body)) = answer(path) else {
            // The connection is kept open and silent until the client goes.
            lines.next();
            return None;
        };
        let length = body.len();
        // A word that is announced as JSON is a spoilt answer.
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
        let kind = if is_json { "application/json" } else { "text/plain" };
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}");
        // At once: the second of two writes waits for the client to acknowledge the first.
        let mut stream = stream;
        stream.write_all(answer.as_bytes()).ok()?;
    }
}
