//! An HTTP/1.1 server on loopback that answers as a script says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A request as it came in.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Its place among all requests of this server, from 1.
    pub(super) number: usize,
    /// `GET /api/x HTTP/1.1`.
    pub(super) line: String,
    /// Header lines; names in lower case.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

/// Bytes to send, and what then becomes of the connection.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
}

pub(super) enum Then {
    KeepAlive,
    Close,
    /// Neither a further byte nor an end.
    Hang,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    facts: Arc<Facts>,
}

#[derive(Default)]
pub(super) struct Facts {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Server {
    /// Serves on a free port until the runtime ends.
    pub(super) fn start<F, R>(runtime: &Runtime, script: F) -> Self
    where
        F: Fn(Seen) -> R + Send + Sync + 'static,
        R: Future<Output = Reply> + Send + 'static,
    {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            facts: Arc::default(),
        };
        let (facts, script) = (Arc::clone(&server.facts), Arc::new(script));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                facts.connections.fetch_add(1, Ordering::SeqCst);
                let (facts, script) = (Arc::clone(&facts), Arc::clone(&script));
                tokio::spawn(async move { serve(stream, &facts, &*script).await });
            }
        });
        server
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.facts.seen.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    pub(super) fn connections(&self) -> usize {
        self.facts.connections.load(Ordering::SeqCst)
    }

    /// The most requests that were being answered at one time.
    pub(super) fn peak(&self) -> usize {
        self.facts.peak.load(Ordering::SeqCst)
    }
}

/// Serves one connection.
pub(super) async fn serve<S, F, R>(mut stream: S, facts: &Facts, script: &F)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn(Seen) -> R,
    R: Future<Output = Reply>,
{
    let mut unread = Vec::new();
    while let Some(seen) = read(&mut stream, &mut unread, facts).await {
        let now = facts.now.fetch_add(1, Ordering::SeqCst) + 1;
        facts.peak.fetch_max(now, Ordering::SeqCst);
        let reply = script(seen).await;
        // Before the last byte: the client may start its next request as soon as it has that.
        facts.now.fetch_sub(1, Ordering::SeqCst);
        if stream.write_all(&reply.bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match reply.then {
            Then::KeepAlive => {}
            Then::Close => {
                let _ = stream.shutdown().await;
                return;
            }
            Then::Hang => std::future::pending().await,
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S, unread: &mut Vec<u8>, facts: &Facts) -> Option<Seen> {
    let end = loop {
        if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(unread.drain(..end + 4).collect()).unwrap();
    let mut lines = head.trim_end().split("\r\n").map(str::to_owned);
    let line = lines.next()?;
    let headers: Vec<String> = lines.collect();
    let length = headers
        .iter()
        .find_map(|header| header.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while unread.len() < length {
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(unread.drain(..length).collect()).unwrap();
    let mut all = facts.seen.lock().unwrap();
    let seen = Seen {
        number: all.len() + 1,
        line,
        headers,
        body,
    };
    all.push(seen.clone());
    Some(seen)
}

/// A whole answer; the connection lives on.
pub(super) fn answer(status: u16, headers: &[&str], body: &[u8]) -> Reply {
    let mut bytes = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    for header in headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    if status != 204 && status != 304 {
        bytes.extend_from_slice(body);
    }
    Reply {
        bytes,
        then: Then::KeepAlive,
    }
}

/// Bytes as they are, and then.
pub(super) fn raw(bytes: impl Into<Vec<u8>>, then: Then) -> Reply {
    Reply {
        bytes: bytes.into(),
        then,
    }
}

/// Packed.
pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
