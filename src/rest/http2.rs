//! A connection of HTTP/2, over which many calls go at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::http1::{Stream, Unsent};

/// How often it asks the other side whether it is there, and how long the answer may take.
const PING: Duration = Duration::from_secs(10);
const PONG_MAX: Duration = Duration::from_secs(5);

/// The connection, as each who uses it has it.
#[derive(Clone)]
pub(super) struct Shared {
    sender: SendRequest<Full<Bytes>>,
    /// Whether a call over it came to nothing.
    failed: Arc<AtomicBool>,
}

/// The use of the connection for one call. Unless it [ends](Use::end) well, nobody uses the connection again.
pub(super) struct Use {
    shared: Shared,
    well: bool,
}

impl Shared {
    /// Speaks HTTP/2 from here on.
    pub(super) async fn new(stream: impl Stream) -> Result<Shared, hyper::Error> {
        let mut builder = Builder::new(TokioExecutor::new());
        // While idle as well: a call is not to be the one that finds out.
        let builder = builder
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG_MAX)
            .keep_alive_while_idle(true);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        // How it ends is told to whoever waits for a reply.
        tokio::spawn(connection);
        Ok(Shared {
            sender,
            failed: Arc::default(),
        })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.failed.load(Ordering::Relaxed) && !self.sender.is_closed()
    }

    pub(super) fn lend(self) -> Use {
        Use {
            shared: self,
            well: false,
        }
    }
}

impl Use {
    /// Hands the request over, for the reply's head.
    pub(super) fn begin(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<Response<Incoming>, Unsent>> + use<> {
        self.shared.sender.try_send_request(request)
    }

    /// All is well with the connection.
    pub(super) fn spare(&mut self) {
        self.well = true;
    }

    /// The connection, with which all is well.
    pub(super) fn end(mut self) -> Shared {
        self.spare();
        self.shared.clone()
    }
}

/// Whoever gives a call up, at its time-out say, drops it.
impl Drop for Use {
    fn drop(&mut self) {
        if !self.well {
            self.shared.failed.store(true, Ordering::Relaxed);
        }
    }
}
