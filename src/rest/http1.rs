//! One request over a connection of HTTP/1.1.
//!
//! Whoever waits for the reply moves the connection on, in their own task, and takes it apart afterwards: what rests in the
//! pool is the bare stream. A connection with a task of its own costs two changes of task a request, and keeps hyper's
//! buffers and its queue of requests, some 30 KiB, for as long as it rests.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What HTTP can be spoken over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The connection beneath.
    fn tcp(&self) -> Option<&TcpStream>;
}

impl Stream for TcpStream {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self.get_ref().0)
    }
}

/// A failure, with the request where not a byte of it was written.
pub(super) type Unsent = TrySendError<Request<Full<Bytes>>>;

/// A stream on which no request is under way.
pub(super) struct Wire(Box<dyn Stream>);

/// A stream that knows whether all that was to be written is.
struct Written {
    stream: Box<dyn Stream>,
    all: bool,
}

type Http = Connection<TokioIo<Written>, Full<Bytes>>;

/// A stream with a request on it. Dropping it closes the stream.
pub(super) struct Exchange {
    /// Nothing, once the other side has ended it.
    connection: Option<Box<Http>>,
    sender: SendRequest<Full<Bytes>>,
}

impl Wire {
    pub(super) fn new(stream: impl Stream) -> Wire {
        Wire(Box::new(stream))
    }

    /// Whether the other side has neither closed it nor said anything unasked, as far as the runtime knows.
    pub(super) fn is_quiet(&mut self) -> bool {
        let (mut byte, mut nobody) = ([0], Context::from_waker(Waker::noop()));
        let mut byte = ReadBuf::new(&mut byte);
        let read = Pin::new(&mut self.0).poll_read(&mut nobody, &mut byte);
        read.is_pending()
    }

    /// The same, as far as the system knows: under load the runtime asks it only now and then.
    pub(super) fn is_quiet_beneath(&self) -> bool {
        let Some(tcp) = self.0.tcp() else {
            return true;
        };
        let peeked = SockRef::from(tcp).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Says farewell, as far as it can be said at once.
    pub(super) fn close(mut self) {
        let mut nobody = Context::from_waker(Waker::noop());
        // It is closed either way.
        let _ = Pin::new(&mut self.0).poll_shutdown(&mut nobody);
    }

    /// Gets ready for one request.
    pub(super) async fn exchange(self) -> Result<Exchange, hyper::Error> {
        let stream = Written {
            stream: self.0,
            all: true,
        };
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        Ok(Exchange {
            connection: Some(Box::new(connection)),
            sender,
        })
    }
}

impl Exchange {
    /// Hands the request over: the reply's head comes as the connection is [driven](Self::driven).
    pub(super) fn begin(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<Response<Incoming>, Unsent>> + use<> {
        self.sender.try_send_request(request)
    }

    /// Waits for something that comes over this connection.
    pub(super) async fn driven<F: Future>(&mut self, mut future: Pin<&mut F>) -> F::Output {
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            self.go_on(context);
            future.as_mut().poll(context)
        })
        .await
    }

    /// The stream, where the request was written and the reply read to its end, and both sides go on with it.
    pub(super) fn end(mut self) -> Option<Wire> {
        self.go_on(&mut Context::from_waker(Waker::noop()));
        let connection = self.connection.take_if(|_| self.sender.is_ready())?;
        let parts = connection.into_parts();
        let stream = parts.io.into_inner();
        let wire = Wire(stream.stream);
        // For hyper a request is over once it is in its buffer, which ends with the connection.
        match parts.read_buf.is_empty() && stream.all {
            true => Some(wire),
            false => {
                wire.close();
                None
            }
        }
    }

    fn go_on(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(context).is_ready()
        {
            // How it ended is told to whoever waits; a request of which nothing was written is given back.
            self.connection = None;
        }
    }
}

/// Whoever gives the request up drops it.
impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            Wire(connection.into_parts().io.into_inner().stream).close();
        }
    }
}

impl Written {
    fn after<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.all = written.is_ready();
        written
    }
}

impl AsyncRead for Written {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Written {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.after(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.after(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.stream).poll_flush(context);
        self.after(written)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    impl Stream for DuplexStream {
        fn tcp(&self) -> Option<&TcpStream> {
            None
        }
    }

    /// Whether the stream can be used again after this reply.
    async fn usable_after(reply: &[u8]) -> bool {
        let (near, mut far) = duplex(1000);
        let mut exchange = Wire::new(near).exchange().await.unwrap();
        let answers = async {
            far.read_buf(&mut Vec::new()).await.unwrap();
            far.write_all(reply).await.unwrap();
        };
        let request = pin!(exchange.begin(Request::new(Full::default())));
        let (response, ()) = tokio::join!(exchange.driven(request), answers);
        let body = response.unwrap().into_body();
        let body = exchange.driven(pin!(body.collect())).await.unwrap();
        assert_eq!(body.to_bytes(), "{}");
        exchange.end().is_some_and(|mut wire| wire.is_quiet())
    }

    #[tokio::test]
    async fn a_stream_is_used_again_only_if_both_sides_go_on_with_it() {
        assert!(usable_after(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        assert!(usable_after(chunked.as_bytes()).await);
        for (more, body) in [
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n", "{}"),
            ("HTTP/1.0 200 OK\r\n", "{}"),
            // What follows would be taken for the next one's reply.
            ("HTTP/1.1 200 OK\r\n", "{}HTTP/1.1 200 OK\r\n\r\n"),
        ] {
            let reply = format!("{more}Content-Length: 2\r\n\r\n{body}");
            assert!(!usable_after(reply.as_bytes()).await, "{reply}");
        }
    }

    #[tokio::test]
    async fn a_stream_on_which_the_request_is_not_written_to_its_end_is_closed() {
        let (near, mut far) = duplex(100);
        let mut exchange = Wire::new(near).exchange().await.unwrap();
        let long = http::HeaderValue::from_bytes(&[b'a'; 1000]).unwrap();
        let mut request = Request::new(Full::default());
        request
            .headers_mut()
            .insert(http::header::AUTHORIZATION, long);
        let answers = async {
            // It has heard enough.
            far.read_exact(&mut [0]).await.unwrap();
            let reply = b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n";
            far.write_all(reply).await.unwrap();
        };
        let answered = pin!(exchange.begin(request));
        let (response, ()) = tokio::join!(exchange.driven(answered), answers);
        let body = pin!(response.unwrap().into_body().collect());
        exchange.driven(body).await.unwrap();
        assert!(exchange.end().is_none());
    }

    #[tokio::test]
    async fn a_stream_whose_reply_is_not_read_is_closed() {
        let (near, mut far) = duplex(1000);
        let mut exchange = Wire::new(near).exchange().await.unwrap();
        let answers = async {
            far.read_buf(&mut Vec::new()).await.unwrap();
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{";
            far.write_all(head).await.unwrap();
        };
        let request = pin!(exchange.begin(Request::new(Full::default())));
        let (response, ()) = tokio::join!(exchange.driven(request), answers);
        let _half = response.unwrap();
        assert!(exchange.end().is_none());
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
    }
}
