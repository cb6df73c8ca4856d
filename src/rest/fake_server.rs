//! A server for tests, on raw sockets so that it can misbehave; counts what reaches it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with each connection.
#[derive(Clone)]
pub(super) enum Behaviour {
    /// Closes without reading.
    Close,
    /// Reads a request, then closes.
    ReadAndClose,
    /// Reads a request, then resets the connection.
    ReadAndReset,
    /// Reads a request and never answers.
    Hang,
    /// Accepts, and neither reads nor writes.
    Ignore,
    /// Writes these bytes without reading, then stays open.
    Greet(&'static [u8]),
    /// Reads a request, writes these bytes, closes.
    Reply(Vec<u8>),
    /// Reads a request, writes these bytes, keeps the connection and goes on.
    KeepAlive(Vec<u8>),
}

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub line: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    /// The value of a header that must be there at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} came twice");
        value
    }
}

/// A server on a port of its own; ends with the test's runtime.
pub(super) struct FakeServer {
    /// `127.0.0.1:port`.
    pub address: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl FakeServer {
    pub async fn start(behaviour: Behaviour) -> FakeServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = received.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, behaviour.clone(), log.clone()));
            }
        });
        FakeServer { address, received }
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour, log: Arc<Mutex<Vec<Received>>>) {
    match behaviour {
        Behaviour::Close => return,
        Behaviour::Ignore => return std::future::pending().await,
        Behaviour::Greet(bytes) => {
            stream.write_all(bytes).await.unwrap();
            return std::future::pending().await;
        }
        _ => {}
    }
    while let Some(request) = receive(&mut stream).await {
        log.lock().unwrap().push(request);
        match &behaviour {
            Behaviour::Hang => tokio::time::sleep(Duration::from_secs(60)).await,
            Behaviour::ReadAndReset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Behaviour::KeepAlive(bytes) => stream.write_all(bytes).await.unwrap(),
            Behaviour::Reply(bytes) => {
                // The client may have gone as soon as it has seen enough.
                let _ = stream.write_all(bytes).await;
                return;
            }
            _ => return,
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next()?.to_owned();
    let headers: Vec<_> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut received = Received {
        line,
        headers,
        body: bytes.split_off(head_end + 4),
    };
    let length = received
        .header("content-length")
        .map_or(0, |value| value.parse().unwrap());
    while received.body.len() < length {
        if stream.read_buf(&mut received.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(received)
}
