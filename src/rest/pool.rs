//! The connections to one host, and what happens to a request on one that has just ended.
//!
//! A request that HTTP gives back whole, not a byte of it written, goes over another connection, the last time over
//! a new one; nothing else is ever sent again. Idle connections are taken latest first, so that those nobody needs grow
//! old and are closed. A connection over which a call came to nothing is not used again.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;

use super::base_url::BaseUrl;
use super::connect::{Connected, Connector, causes};
use super::http1::{Exchange, Unsent, Wire};
use super::http2::{Shared, Use};
use super::outcome::Failure;
use super::setup_error::SetupError;
use crate::workers;

/// Shorter than what servers and firewalls commonly allow an idle connection: a connection that
/// the peer is about to close turns a payment into an unknown outcome.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// A connection that has rested for so long may have been closed since the runtime last looked.
const RESTED: Duration = Duration::from_millis(10);

/// How old a connection grows, however much it is used: a host moves by its name.
const AGE_MAX: Duration = Duration::from_secs(300);

/// A host and the connections to it, shared by all merchants that use it.
pub(super) struct Host {
    base: BaseUrl,
    header: HeaderValue,
    connector: Arc<Connector>,
    /// Of each worker: what was connected on one thread is used there.
    idle: Box<[Mutex<Idle>]>,
}

#[derive(Default)]
struct Idle {
    /// The latest last.
    one: Vec<Kept<Wire>>,
    /// A connection that many use at a time is idle even while they do.
    many: Option<Kept<Shared>>,
    /// Whether a task closes those that grow old.
    watched: bool,
}

struct Kept<C> {
    connection: C,
    made: Instant,
    since: Instant,
}

/// A connection lent to one call. Unless it is [kept](Host::keep), nobody uses it again, not even those who could share it.
pub(super) struct Lent {
    over: Over,
    made: Instant,
}

enum Over {
    One(Exchange),
    Many(Use),
}

/// A request on its way: it is taken out where it is sent, and put back if not a byte of it was written. It is lent from
/// future to future, for each that it was given to would have room for it twice.
pub(super) type Outbound = Option<Request<Full<Bytes>>>;

/// How a request failed.
pub(super) enum Fault {
    /// There was no connection for it, or it came back unsent or unprocessed.
    NotSent(Failure),
    /// It may have been sent.
    Lost(hyper::Error),
}

impl Host {
    /// A host without connections.
    pub(super) fn new(base: BaseUrl, connector: Arc<Connector>) -> Result<Host, SetupError> {
        let header = HeaderValue::from_str(base.host()).map_err(|_| SetupError::BaseUrl {
            url: format!("{:?}", base.host()),
            reason: "has a host that no header can hold",
        })?;
        Ok(Host {
            base,
            header,
            connector,
            idle: (0..workers::count()).map(|_| Mutex::default()).collect(),
        })
    }

    /// Host and port, as the `Host` header has them.
    pub(super) fn name(&self) -> &str {
        self.base.host()
    }

    /// Sends a request, whose URI is a path, once. The connection is given back with the reply's head; it can be
    /// [kept](Host::keep) once the body was read.
    pub(super) async fn send(
        &self,
        request: &mut Outbound,
    ) -> Result<(Response<Incoming>, Lent), Fault> {
        loop {
            let (connected, made, fresh) = match self.kept() {
                Some((connected, made)) => (connected, made, false),
                None => {
                    // In a box: most calls need none, and would carry its room around.
                    let connected = Box::pin(self.connector.connect(&self.base));
                    let connected = connected.await.map_err(Fault::NotSent)?;
                    (connected, Instant::now(), true)
                }
            };
            let over = match connected {
                Connected::One(wire) => Over::One(self.begun(wire).await?),
                Connected::Many(shared) => Over::Many(shared.lend()),
            };
            let mut lent = Lent { over, made };
            match self.send_over(&mut lent, request).await {
                Ok(response) => return Ok((response, lent)),
                Err(_) if !fresh && request.is_some() => {}
                Err(fault) => return Err(fault),
            }
        }
    }

    async fn begun(&self, wire: Wire) -> Result<Exchange, Fault> {
        let begun = wire.exchange().await;
        begun.map_err(|_| self.not_taken("HTTP could not begin on the connection"))
    }

    /// Sends a request over one connection, in the form of its protocol; puts it back if not a byte of it was written.
    async fn send_over(
        &self,
        lent: &mut Lent,
        request: &mut Outbound,
    ) -> Result<Response<Incoming>, Fault> {
        if let Some(request) = request {
            match lent.over {
                Over::One(_) => drop(request.headers_mut().insert(HOST, self.header.clone())),
                Over::Many(_) => *request.uri_mut() = self.whole(request.uri()),
            }
        }
        let Some(taken) = request.take() else {
            return Err(self.not_taken("it was sent before"));
        };
        let sent = match &mut lent.over {
            Over::One(exchange) => {
                let answered = pin!(exchange.begin(taken));
                exchange.driven(answered).await
            }
            Over::Many(shared) => shared.begin(taken).await,
        };
        let error = match sent {
            Ok(response) => return Ok(response),
            Err(error) => put_back(Box::new(error), request),
        };
        Err(if request.is_some() {
            self.not_taken("the connection ended before anything was sent")
        } else if is_refused(&error) {
            // The connection lives: others may go on with it.
            lent.spare();
            self.not_taken("the host refused it unprocessed")
        } else {
            Fault::Lost(error)
        })
    }

    fn not_taken(&self, reason: &'static str) -> Fault {
        Fault::NotSent(Failure::NotTaken {
            host: self.name().to_owned(),
            reason,
        })
    }

    /// A path as the URI that HTTP/2 makes its own headers of.
    fn whole(&self, path: &Uri) -> Uri {
        let mut parts = self.base.uri().clone().into_parts();
        parts.path_and_query = path.path_and_query().cloned();
        // Scheme, host and path are there, so this is a URI; the path alone is never sent.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// The connection that became idle last, if there is one, and when it was made.
    fn kept(&self) -> Option<(Connected, Instant)> {
        let now = Instant::now();
        let mut idle = self.idle();
        if let Some(kept) = &mut idle.many {
            if kept.connection.is_open() && !kept.is_old(now) {
                kept.since = now;
                return Some((Connected::Many(kept.connection.clone()), kept.made));
            }
            idle.many = None;
        }
        while let Some(mut kept) = idle.one.pop() {
            let rested = now.duration_since(kept.since);
            let quiet = kept.connection.is_quiet()
                && (rested < RESTED || kept.connection.is_quiet_beneath());
            if quiet && !kept.is_old(now) {
                return Some((Connected::One(kept.connection), kept.made));
            }
            kept.connection.close();
        }
        None
    }

    /// Keeps a connection whose reply was read to its end.
    pub(super) fn keep(self: &Arc<Host>, lent: Lent) {
        let (made, since) = (lent.made, Instant::now());
        let Some(connection) = lent.end() else {
            return;
        };
        let mut idle = self.idle();
        match connection {
            Connected::One(wire) if since.duration_since(made) >= AGE_MAX => wire.close(),
            Connected::One(wire) => idle.one.push(Kept::new(wire, made, since)),
            Connected::Many(shared)
                if !shared.is_open() || since.duration_since(made) >= AGE_MAX => {}
            Connected::Many(shared) => match &mut idle.many {
                Some(kept) if kept.connection.is_open() && !kept.is_old(since) => {
                    kept.since = since;
                }
                none => *none = Some(Kept::new(shared, made, since)),
            },
        }
        if !idle.watched {
            idle.watched = true;
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        let own = &self.idle[workers::own() % self.idle.len()];
        // No panic can leave it half changed.
        own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the connections that nobody needed for a while, until there is none.
async fn watch(host: Weak<Host>) {
    loop {
        tokio::time::sleep(IDLE_MAX).await;
        let Some(host) = host.upgrade() else {
            return;
        };
        let now = Instant::now();
        let mut idle = host.idle();
        let over = |kept: &mut Kept<Wire>| kept.is_old(now) || !kept.connection.is_quiet();
        for kept in idle.one.extract_if(.., over) {
            kept.connection.close();
        }
        idle.many
            .take_if(|kept| kept.is_old(now) || !kept.connection.is_open());
        if idle.one.is_empty() && idle.many.is_none() {
            idle.watched = false;
            return;
        }
    }
}

impl<C> Kept<C> {
    fn new(connection: C, made: Instant, since: Instant) -> Kept<C> {
        Kept {
            connection,
            made,
            since,
        }
    }

    /// Whether it is not to be used again.
    fn is_old(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= IDLE_MAX || now.duration_since(self.made) >= AGE_MAX
    }
}

impl Lent {
    /// Waits for something that comes over this connection.
    pub(super) async fn driven<F: Future>(&mut self, future: Pin<&mut F>) -> F::Output {
        match &mut self.over {
            Over::One(exchange) => exchange.driven(future).await,
            Over::Many(_) => future.await,
        }
    }

    /// All is well with the connection, though not with the call.
    fn spare(&mut self) {
        if let Over::Many(shared) = &mut self.over {
            shared.spare();
        }
    }

    /// The connection, if the next call can go over it.
    fn end(self) -> Option<Connected> {
        match self.over {
            Over::One(exchange) => exchange.end().map(Connected::One),
            Over::Many(shared) => Some(Connected::Many(shared.end())),
        }
    }
}

/// Puts the request back if not a byte of it was written; as a path again.
fn put_back(mut error: Box<Unsent>, request: &mut Outbound) -> hyper::Error {
    *request = error.take_message().map(|mut request| {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        request.headers_mut().remove(HOST);
        request
    });
    error.into_error()
}

/// Whether the other side of HTTP/2 says that it did nothing with the request (RFC 9113, 8.7).
fn is_refused(error: &hyper::Error) -> bool {
    let refused = |error: &h2::Error| {
        error.is_remote() && error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM)
    };
    causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .any(refused)
}

/// Prints where to.
impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Host").field(&self.base.uri()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};
    use std::net::TcpListener;
    use std::task::{Context, Poll};
    use std::thread::{sleep, spawn};

    use http::Method;
    use http_body_util::BodyExt;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf, duplex};
    use tokio::net::TcpStream;

    use super::*;
    use crate::rest::fake_server::{Behaviour, FakeServer};
    use crate::rest::http1::Stream;
    use crate::rest::tls;

    async fn server() -> (FakeServer, Arc<Host>) {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec();
        let server = FakeServer::start(Behaviour::KeepAlive(reply)).await;
        let base = BaseUrl::parse(&format!("http://{}", server.address)).unwrap();
        let connector = Connector::new(tls::connector(None).unwrap(), IDLE_MAX);
        (
            server,
            Arc::new(Host::new(base, Arc::new(connector)).unwrap()),
        )
    }

    fn post() -> Outbound {
        let mut request = Request::new(Full::new(Bytes::from_static(b"{}")));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static("/pts/v2/payments");
        Some(request)
    }

    /// Sends a request, reads the reply, and keeps the connection.
    async fn call(host: &Arc<Host>) {
        let (response, mut lent) = host.send(&mut post()).await.ok().expect("an answer");
        let read = lent.driven(pin!(response.into_body().collect())).await;
        read.unwrap();
        host.keep(lent);
    }

    fn put(host: &Arc<Host>, wire: Wire) {
        let now = Instant::now();
        host.idle().one.push(Kept::new(wire, now, now));
    }

    /// A stream that ends as soon as it has been found quiet.
    struct Ending {
        near: DuplexStream,
        quiet: bool,
    }

    impl Stream for Ending {
        fn tcp(&self) -> Option<&TcpStream> {
            None
        }
    }

    impl AsyncRead for Ending {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match std::mem::take(&mut self.quiet) {
                true => Poll::Pending,
                false => Poll::Ready(Ok(())),
            }
        }
    }

    impl AsyncWrite for Ending {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.near).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.near).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.near).poll_shutdown(context)
        }
    }

    #[tokio::test]
    async fn a_request_of_which_nothing_was_written_goes_over_another_connection() {
        let (server, host) = server().await;
        let (near, mut far) = duplex(1000);
        put(&host, Wire::new(Ending { near, quiet: true }));
        let (response, _) = host.send(&mut post()).await.ok().expect("an answer");
        assert_eq!(response.status(), 200);
        let received = server.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].header("host"), Some(server.address.as_str()));
        assert_eq!(received[0].line, "POST /pts/v2/payments HTTP/1.1");
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "nothing was written");
    }

    #[tokio::test]
    async fn a_request_of_which_something_was_written_is_lost_with_its_connection() {
        let (server, host) = server().await;
        let (near, mut far) = duplex(1000);
        put(&host, Wire::new(near));
        let ends = async {
            // One byte is enough.
            far.read_exact(&mut [0]).await.unwrap();
            drop(far);
        };
        let mut request = post();
        let (sent, ()) = tokio::join!(host.send(&mut request), ends);
        assert!(matches!(sent, Err(Fault::Lost(_))));
        assert!(request.is_none() && server.received().is_empty());
    }

    #[tokio::test]
    async fn the_latest_connection_is_taken_and_old_ones_are_not() {
        let (server, host) = server().await;
        for _ in 0..3 {
            call(&host).await;
            assert_eq!(host.idle().one.len(), 1, "it is used again");
        }
        let long_ago = |age| Instant::now().checked_sub(age).unwrap();
        host.idle().one[0].since = long_ago(IDLE_MAX);
        assert!(host.kept().is_none());
        assert_eq!(server.received().len(), 3);

        // Nor is one that was used a moment ago, if it is too old as such.
        call(&host).await;
        host.idle().one[0].made = long_ago(AGE_MAX);
        assert!(host.kept().is_none());
        let (response, mut lent) = host.send(&mut post()).await.ok().expect("an answer");
        lent.made = long_ago(AGE_MAX);
        let read = lent.driven(pin!(response.into_body().collect())).await;
        read.unwrap();
        host.keep(lent);
        assert!(host.idle().one.is_empty());
    }

    #[tokio::test]
    async fn a_connection_that_the_other_side_closed_or_spoke_on_unasked_is_not_taken() {
        let (server, host) = server().await;
        let (near, closed) = duplex(1000);
        put(&host, Wire::new(near));
        drop(closed);
        let (near, mut spoken) = duplex(1000);
        put(&host, Wire::new(near));
        let late = b"HTTP/1.1 408 Request Timeout\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut spoken, late)
            .await
            .unwrap();
        let (response, _) = host.send(&mut post()).await.ok().expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(server.received().len(), 1);
        assert!(host.idle().one.is_empty());
        assert_eq!(
            spoken.read(&mut [0]).await.unwrap(),
            0,
            "nothing was written"
        );
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_since_the_runtime_last_looked_is_not_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let pause = Duration::from_millis(20);
        let server = spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
                let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                stream.write_all(reply).unwrap();
                sleep(pause);
            }
        });
        let connector = Connector::new(tls::connector(None).unwrap(), IDLE_MAX);
        let host = Host::new(BaseUrl::parse(&base).unwrap(), Arc::new(connector));
        let host = Arc::new(host.unwrap());
        call(&host).await;
        assert_eq!(host.idle().one.len(), 1);
        // All that the thread does.
        sleep(4 * pause);
        call(&host).await;
        server.join().unwrap();
    }

    #[tokio::test]
    async fn a_connection_is_used_again_on_its_own_thread_alone() {
        let (_server, host) = server().await;
        let mut host = Arc::into_inner(host).expect("nobody else's");
        host.idle = [Mutex::default(), Mutex::default()].into();
        let host = Arc::new(host);
        workers::be(1);
        call(&host).await;
        workers::be(0);
        assert!(host.kept().is_none());
        workers::be(1);
        assert!(host.kept().is_some());
    }

    #[tokio::test]
    async fn a_request_that_a_new_connection_hands_back_is_not_sent() {
        let (_server, host) = server().await;
        let (near, _far) = duplex(1000);
        let wire = Wire::new(Ending { near, quiet: false });
        let over = Over::One(wire.exchange().await.unwrap());
        let made = Instant::now();
        let mut request = post();
        let mut lent = Lent { over, made };
        let sent = host.send_over(&mut lent, &mut request).await;
        let not_taken = matches!(sent, Err(Fault::NotSent(Failure::NotTaken { .. })));
        assert!(not_taken && request.is_some());
    }
}
