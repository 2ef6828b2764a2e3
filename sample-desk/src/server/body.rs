//! Bodies of answers: whole, or cut off in the middle.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// A body.
#[derive(Debug)]
pub(crate) enum Payload {
    Whole(Bytes),
    /// Of so many bytes, of which but these come.
    Cut {
        half: Bytes,
        length: u64,
        flushed: bool,
    },
}

/// The connection is cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("cut on purpose")]
pub(crate) struct CutOff;

impl Payload {
    pub(crate) fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Cut { length, .. } => *length,
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let data = match self.get_mut() {
            Self::Whole(bytes) => std::mem::take(bytes),
            Self::Cut { half, flushed, .. } => {
                if half.is_empty() {
                    // What was given is written before the next look, so that the head and half a body do arrive.
                    if !std::mem::replace(flushed, true) {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    return Poll::Ready(Some(Err(CutOff)));
                }
                std::mem::take(half)
            }
        };
        Poll::Ready((!data.is_empty()).then_some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        !matches!(self, Self::Cut { .. }) && self.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}
