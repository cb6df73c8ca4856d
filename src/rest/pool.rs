//! The connections to one host, and what happens to a request on one that has just ended.
//!
//! A request that HTTP gives back whole, not a byte of it written, goes over another connection, the last time over
//! a new one; nothing else is ever sent again. Idle connections are taken latest first, so that those nobody needs grow
//! old and are closed. A connection over which a call came to nothing is not used again.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;

use super::base_url::BaseUrl;
use super::connect::{Connector, Sender, causes};
use super::outcome::Failure;
use super::setup_error::SetupError;
use crate::workers;

/// Shorter than what servers and firewalls commonly allow an idle connection: a connection that
/// the peer is about to close turns a payment into an unknown outcome.
const IDLE_MAX: Duration = Duration::from_secs(30);

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
    one: Vec<Kept<Sender>>,
    /// A connection that many use at a time is idle even while they do.
    many: Option<Kept<hyper::client::conn::http2::SendRequest<Full<Bytes>>>>,
    /// Whether a task closes those that grow old.
    watched: bool,
}

struct Kept<S> {
    sender: S,
    since: Instant,
    origin: Origin,
}

/// What is known of a connection by all who use it.
#[derive(Clone)]
struct Origin {
    made: Instant,
    /// Whether a call over it came to nothing.
    failed: Arc<AtomicBool>,
}

/// A connection lent to one call. Unless it is [kept](Host::keep), nobody uses it again, not even those who could share it.
pub(super) struct Lent {
    sender: Sender,
    used: Use,
}

/// The use of a connection, which failed unless it says otherwise.
struct Use {
    origin: Origin,
    well: bool,
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
            let kept = self.kept();
            let fresh = kept.is_none();
            let lent = match kept {
                Some(lent) => lent,
                None => {
                    // In a box: most calls need none, and would carry its room around.
                    let connected = Box::pin(self.connector.connect(&self.base));
                    Lent::new(connected.await.map_err(Fault::NotSent)?)
                }
            };
            match self.send_over(lent, request).await {
                Ok(answered) => return Ok(answered),
                Err(_) if !fresh && request.is_some() => {}
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Sends a request over one connection, in the form of its protocol; puts it back if not a byte of it was written.
    async fn send_over(
        &self,
        mut lent: Lent,
        request: &mut Outbound,
    ) -> Result<(Response<Incoming>, Lent), Fault> {
        if let Some(request) = request {
            match &lent.sender {
                Sender::One(_) => drop(request.headers_mut().insert(HOST, self.header.clone())),
                Sender::Many(_) => *request.uri_mut() = self.whole(request.uri()),
            }
        }
        let Some(taken) = request.take() else {
            return Err(self.not_taken("it was sent before"));
        };
        let sent = match &mut lent.sender {
            Sender::One(sender) => sender.try_send_request(taken).await,
            Sender::Many(sender) => sender.try_send_request(taken).await,
        };
        let error = match sent {
            Ok(response) => return Ok((response, lent)),
            Err(error) => put_back(Box::new(error), request),
        };
        Err(if request.is_some() {
            self.not_taken("the connection ended before anything was sent")
        } else if is_refused(&error) {
            // The connection lives: others may go on with it.
            lent.used.well = true;
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

    /// The connection that became idle last, if there is one.
    fn kept(&self) -> Option<Lent> {
        let now = Instant::now();
        let mut idle = self.idle();
        if let Some(kept) = &mut idle.many {
            if !kept.sender.is_closed() && !kept.is_old(now) {
                kept.since = now;
                let sender = Sender::Many(kept.sender.clone());
                return Some(Lent::again(sender, kept.origin.clone()));
            }
            idle.many = None;
        }
        while let Some(kept) = idle.one.pop() {
            if now.duration_since(kept.since) >= IDLE_MAX {
                // Those beneath are older still.
                idle.one.clear();
            } else if kept.sender.is_ready() && !kept.is_old(now) {
                return Some(Lent::again(kept.sender, kept.origin));
            }
        }
        None
    }

    /// Keeps a connection whose reply was read to its end.
    pub(super) fn keep(self: &Arc<Host>, lent: Lent) {
        let (sender, origin) = lent.well();
        if sender.is_ready() {
            return self.put(sender, origin);
        }
        // Nearly always it is ready by now. Where it is not, what is left to do for the old request must end first.
        if let Sender::One(mut sender) = sender
            && !sender.is_closed()
        {
            let host = Arc::downgrade(self);
            tokio::spawn(async move {
                if sender.ready().await.is_ok()
                    && let Some(host) = host.upgrade()
                {
                    host.put(Sender::One(sender), origin);
                }
            });
        }
    }

    fn put(self: &Arc<Host>, sender: Sender, origin: Origin) {
        let since = Instant::now();
        if origin.is_over(since) {
            return;
        }
        let mut idle = self.idle();
        match sender {
            Sender::Many(sender) => match &mut idle.many {
                Some(kept) if !kept.sender.is_closed() && !kept.is_old(since) => kept.since = since,
                none => {
                    *none = Some(Kept {
                        sender,
                        since,
                        origin,
                    });
                }
            },
            one => idle.one.push(Kept {
                sender: one,
                since,
                origin,
            }),
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
        idle.one
            .retain(|kept| !kept.is_old(now) && kept.sender.is_ready());
        idle.many
            .take_if(|kept| kept.is_old(now) || kept.sender.is_closed());
        if idle.one.is_empty() && idle.many.is_none() {
            idle.watched = false;
            return;
        }
    }
}

impl<S> Kept<S> {
    /// Whether it is not to be used again.
    fn is_old(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= IDLE_MAX || self.origin.is_over(now)
    }
}

impl Origin {
    fn is_over(&self, now: Instant) -> bool {
        self.failed.load(Ordering::Relaxed) || now.duration_since(self.made) >= AGE_MAX
    }
}

impl Lent {
    fn new(sender: Sender) -> Lent {
        let origin = Origin {
            made: Instant::now(),
            failed: Arc::default(),
        };
        Lent::again(sender, origin)
    }

    fn again(sender: Sender, origin: Origin) -> Lent {
        let well = false;
        Lent {
            sender,
            used: Use { origin, well },
        }
    }

    /// The connection of a call that went well.
    fn well(mut self) -> (Sender, Origin) {
        self.used.well = true;
        let origin = self.used.origin.clone();
        (self.sender, origin)
    }
}

/// Whoever gives a call up, at its time-out say, drops it.
impl Drop for Use {
    fn drop(&mut self) {
        if !self.well {
            self.origin.failed.store(true, Ordering::Relaxed);
        }
    }
}

impl Sender {
    fn is_ready(&self) -> bool {
        match self {
            Sender::One(sender) => sender.is_ready(),
            Sender::Many(sender) => sender.is_ready(),
        }
    }
}

/// Puts the request back if not a byte of it was written; as a path again.
fn put_back(
    mut error: Box<TrySendError<Request<Full<Bytes>>>>,
    request: &mut Outbound,
) -> hyper::Error {
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
    use http::Method;
    use http_body_util::BodyExt;
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;
    use crate::rest::fake_server::{Behaviour, FakeServer};
    use crate::rest::tls;

    type Connection = http1::Connection<TokioIo<DuplexStream>, Full<Bytes>>;

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

    /// Puts a connection in the pool that nobody serves, though it looks ready.
    async fn put_unserved(host: &Arc<Host>) -> (Connection, DuplexStream) {
        let (near, far) = duplex(1000);
        let (mut sender, mut connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
        std::future::poll_fn(|context| {
            assert!(
                std::pin::Pin::new(&mut connection)
                    .poll(context)
                    .is_pending()
            );
            sender.poll_ready(context)
        })
        .await
        .unwrap();
        host.keep(Lent::new(Sender::One(sender)));
        (connection, far)
    }

    #[tokio::test]
    async fn a_request_of_which_nothing_was_written_goes_over_another_connection() {
        let (server, host) = server().await;
        let (connection, mut far) = put_unserved(&host).await;
        let ends = async {
            tokio::task::yield_now().await;
            drop(connection);
        };
        let mut request = post();
        let (sent, ()) = tokio::join!(host.send(&mut request), ends);
        let (response, _) = sent.ok().expect("an answer");
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
        let (connection, mut far) = put_unserved(&host).await;
        let ends = async {
            // One byte is enough.
            far.read_exact(&mut [0]).await.unwrap();
            drop(far);
        };
        let served = tokio::spawn(connection);
        let mut request = post();
        let (sent, ()) = tokio::join!(host.send(&mut request), ends);
        assert!(matches!(sent, Err(Fault::Lost(_))));
        assert!(server.received().is_empty());
        assert!(served.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn the_latest_connection_is_taken_and_old_ones_are_not() {
        let (server, host) = server().await;
        for _ in 0..3 {
            let (response, sender) = host.send(&mut post()).await.ok().expect("an answer");
            response.into_body().collect().await.unwrap();
            host.keep(sender);
            // Its own task may have to see the end of the reply first.
            while host.idle().one.is_empty() {
                tokio::task::yield_now().await;
            }
            assert_eq!(host.idle().one.len(), 1, "it is used again");
        }
        let long_ago = |age| Instant::now().checked_sub(age).unwrap();
        host.idle().one[0].since = long_ago(IDLE_MAX);
        assert!(host.kept().is_none());
        assert_eq!(server.received().len(), 3);

        // Nor is one that was used a moment ago, if it is too old as such.
        let (response, mut lent) = host.send(&mut post()).await.ok().expect("an answer");
        response.into_body().collect().await.unwrap();
        lent.used.origin.made = long_ago(AGE_MAX);
        let Sender::One(sender) = &mut lent.sender else {
            panic!("the server speaks HTTP/1.1");
        };
        sender.ready().await.unwrap();
        host.keep(lent);
        assert!(host.idle().one.is_empty());
    }

    #[tokio::test]
    async fn a_connection_is_used_again_on_its_own_thread_alone() {
        let (_server, host) = server().await;
        let mut host = Arc::into_inner(host).expect("nobody else's");
        host.idle = [Mutex::default(), Mutex::default()].into();
        let host = Arc::new(host);
        workers::be(1);
        let (response, lent) = host.send(&mut post()).await.ok().expect("an answer");
        response.into_body().collect().await.unwrap();
        host.keep(lent);
        while host.idle().one.is_empty() {
            tokio::task::yield_now().await;
        }
        workers::be(0);
        assert!(host.kept().is_none());
        workers::be(1);
        assert!(host.kept().is_some());
    }

    #[tokio::test]
    async fn a_request_that_a_new_connection_hands_back_is_not_sent() {
        let (near, far) = duplex(1000);
        let (sender, connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
        drop((connection, far));
        let (_server, host) = server().await;
        let mut request = post();
        let lent = Lent::new(Sender::One(sender));
        let sent = host.send_over(lent, &mut request).await;
        let not_taken = matches!(sent, Err(Fault::NotSent(Failure::NotTaken { .. })));
        assert!(not_taken && request.is_some());
    }
}
