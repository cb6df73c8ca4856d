//! A reply's body, which may break off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::Cut;

/// A reply's body, which may break off.
pub(crate) struct Sent {
    rest: Bytes,
    length: usize,
    ending: Ending,
}

/// How a body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    /// Broken off, once the server had a turn to write what it has.
    BreaksOff,
    BreaksOffNow,
}

impl Sent {
    /// A body that is sent to its end.
    pub(crate) fn whole(body: Bytes) -> Self {
        Self {
            length: body.len(),
            rest: body,
            ending: Ending::Whole,
        }
    }

    /// The same, broken off in the middle; its announced length stays.
    pub(crate) fn half(mut self) -> Self {
        self.rest.truncate(self.length / 2);
        self.ending = Ending::BreaksOff;
        self
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        match self.ending {
            Ending::Whole => Poll::Ready(None),
            Ending::BreaksOff => {
                self.ending = Ending::BreaksOffNow;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::BreaksOffNow => Poll::Ready(Some(Err(io::Error::other(Cut)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.ending == Ending::Whole
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length as u64)
    }
}
