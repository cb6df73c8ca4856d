//! Making a connection: name, TCP, TLS, HTTP. Whatever fails here proves that nothing was sent.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiFuture, GaiResolver, Name};
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::base_url::BaseUrl;
use super::http1::Wire;
use super::http2::Shared;
use super::outcome::Failure;

/// How often the system asks whether the other side of a silent connection is there, and how often in vain.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
/// How long what was sent may stay unacknowledged: a firewall that fails over may swallow a connection without a word.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);
/// The longest text of a system or TLS error that is passed on, in characters.
const REASON_CHARS_MAX: usize = 200;

/// A connection that requests can be sent over.
pub(super) enum Connected {
    /// HTTP/1.1: one request at a time.
    One(Wire),
    /// HTTP/2: many at a time.
    Many(Shared),
}

/// Makes connections.
pub(super) struct Connector {
    tcp: HttpConnector<Resolver>,
    tls: TlsConnector,
    timeout: Duration,
}

impl Connector {
    /// Connects with this TLS, within this time for name, TCP and TLS together.
    pub(super) fn new(tls: TlsConnector, timeout: Duration) -> Connector {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeout));
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        #[cfg(any(target_os = "android", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX));
        Connector { tcp, tls, timeout }
    }

    /// A new connection; its protocol is the other side's choice.
    pub(super) async fn connect(&self, base: &BaseUrl) -> Result<Connected, Failure> {
        let connected = tokio::time::timeout(self.timeout, self.connected(base)).await;
        let timed_out = || Failure::ConnectTimeout {
            host: base.host().to_owned(),
            limit: self.timeout,
        };
        match connected {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(fault)) if fault.is_timeout() => Err(timed_out()),
            Ok(Err(fault)) => Err(fault.told(base.host())),
            Err(_) => Err(timed_out()),
        }
    }

    async fn connected(&self, base: &BaseUrl) -> Result<Connected, Fault> {
        let uri = base.uri();
        let mut tcp = self.tcp.clone();
        let connected = async {
            std::future::poll_fn(|context| tcp.poll_ready(context)).await?;
            tcp.call(uri.clone()).await
        };
        let connected = connected.await;
        let stream = connected.map_err(|error| Fault::Tcp(error.into()))?;
        let stream = stream.into_inner();
        if !base.is_secure() {
            return Ok(Connected::One(Wire::new(stream)));
        }
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| Fault::Tls(io::Error::other(error)))?;
        let stream = self.tls.connect(name, stream).await.map_err(Fault::Tls)?;
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Ok(Connected::Many(Shared::new(stream).await?)),
            _ => Ok(Connected::One(Wire::new(stream))),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, Error)]
enum Fault {
    #[error(transparent)]
    Tcp(Box<dyn StdError + Send + Sync>),
    #[error(transparent)]
    Tls(io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

impl Fault {
    /// The system's own limit for a connection, or ours for one address of several.
    fn is_timeout(&self) -> bool {
        let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
        causes(self)
            .filter_map(|cause| cause.downcast_ref())
            .any(timed_out)
    }

    fn told(&self, host: &str) -> Failure {
        let host = host.to_owned();
        let reason = printable(&innermost(self).to_string());
        match self {
            Fault::Tcp(_) if causes(self).any(|cause| cause.is::<NoAddress>()) => {
                Failure::Resolve { host, reason }
            }
            // Others are the network's, which may fail here as it may before.
            Fault::Tls(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData
                        | io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::Other
                ) =>
            {
                Failure::Tls { host, reason }
            }
            Fault::Tcp(_) | Fault::Tls(_) | Fault::Http(_) => Failure::Connect { host, reason },
        }
    }
}

/// The system's resolver, whose errors can be told from the others.
#[derive(Clone)]
struct Resolver(GaiResolver);

/// A name without an address.
#[derive(Debug, Error)]
#[error("the name has no address")]
struct NoAddress(#[source] io::Error);

/// A look-up under way.
struct Resolving(GaiFuture);

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = NoAddress;
    type Future = Resolving;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), NoAddress>> {
        self.0.poll_ready(context).map_err(NoAddress)
    }

    fn call(&mut self, name: Name) -> Resolving {
        Resolving(self.0.call(name))
    }
}

impl Future for Resolving {
    type Output = Result<GaiAddrs, NoAddress>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(context)).map_err(NoAddress))
    }
}

/// An error and what it came of, from the outside in.
pub(super) fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| beneath(cause))
}

/// An I/O error's `source` passes over the error it wraps.
fn beneath<'e>(cause: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

/// The outer errors only repeat that something failed.
fn innermost<'e>(error: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    causes(error).last().unwrap_or(error)
}

/// On one line and of bounded length: a certificate's names are text of the peer.
fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(REASON_CHARS_MAX).map(clean).collect()
}
