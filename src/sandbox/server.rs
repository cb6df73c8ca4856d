//! The listeners: connections to requests, in the clear or over TLS, HTTP/1.1 or HTTP/2.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::sandbox::host::Host;
use crate::sandbox::keys::{KeyError, Tls};
use crate::sandbox::settings::Settings;
use crate::sandbox::store::StateError;

/// How long a connection may take to send a head, to agree on TLS, or stay idle between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open requests may take to end once shutdown began.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after a failed accept, for instance when file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where a sandbox is reached.
pub struct Listeners {
    /// In the clear.
    pub plain: TcpListener,
    /// Over TLS, when the settings have it.
    pub tls: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(plain: TcpListener) -> Self {
        Self { plain, tls: None }
    }
}

/// Why a sandbox does not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A key is unfit.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The kept state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A sandbox that is ready to serve.
pub struct Sandbox(Arc<Host>);

impl Sandbox {
    /// Prepares a sandbox; reads its state when it is kept.
    ///
    /// # Errors
    ///
    /// When a key is unfit, or the state cannot be read.
    pub fn new(settings: Settings) -> Result<Self, SandboxError> {
        Ok(Self(Arc::new(Host::new(settings)?)))
    }

    /// Serves until `shutdown` completes; then finishes open requests and, when the state is kept,
    /// writes it.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub async fn run(
        self,
        listeners: impl Into<Listeners>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), SandboxError> {
        let Self(host) = self;
        let Listeners { plain, tls } = listeners.into();
        let graceful = GracefulShutdown::new();
        let server = Server {
            host: Arc::clone(&host),
            graceful: &graceful,
        };
        let keeping = tokio::spawn(Arc::clone(&host).keep());
        tokio::select! {
            () = shutdown => {}
            () = server.accept(&plain, None) => {}
            () = server.accept_tls(tls.as_ref().zip(host.settings.tls.as_ref())) => {}
        }
        let drained = tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
        if drained.is_err() {
            tracing::warn!("open requests did not end in time");
        }
        keeping.abort();
        host.save()?;
        Ok(())
    }
}

/// [`Sandbox::new`] and [`Sandbox::run`] in one.
///
/// # Errors
///
/// Those of both.
pub async fn run(
    listeners: impl Into<Listeners>,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), SandboxError> {
    Sandbox::new(settings)?.run(listeners, shutdown).await
}

struct Server<'a> {
    host: Arc<Host>,
    graceful: &'a GracefulShutdown,
}

impl Server<'_> {
    async fn accept_tls(&self, tls: Option<(&TcpListener, &Tls)>) {
        match tls {
            Some((listener, tls)) => self.accept(listener, Some(tls)).await,
            None => std::future::pending().await,
        }
    }

    /// Takes connections for ever.
    async fn accept(&self, listener: &TcpListener, tls: Option<&Tls>) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.serve(stream, tls),
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one connection in its own task.
    fn serve(&self, stream: TcpStream, tls: Option<&Tls>) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
        let host = Arc::clone(&self.host);
        let watcher = self.graceful.watcher();
        let Some(tls) = tls else {
            tokio::spawn(converse(stream, host, watcher));
            return;
        };
        let agreed = tls.acceptor().accept(stream);
        tokio::spawn(async move {
            match tokio::time::timeout(HEAD_TIMEOUT, agreed).await {
                Ok(Ok(stream)) => converse(stream, host, watcher).await,
                Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                Err(_) => tracing::debug!("TLS took too long"),
            }
        });
    }
}

/// Serves the requests of one connection.
async fn converse<S>(stream: S, host: Arc<Host>, watcher: hyper_util::server::graceful::Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let host = Arc::clone(&host);
        async move { host.answer(request).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(error = %error, "connection ended early");
    }
}
