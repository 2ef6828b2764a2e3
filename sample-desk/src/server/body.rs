//! Bodies of answers: whole, cut off in the middle, or without end.

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
    /// Of so many bytes, of which but these come; then nothing does, until the client goes.
    Stalled {
        half: Bytes,
        length: u64,
    },
    /// The same bytes again and again.
    Endless(Bytes),
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
            Self::Cut { length, .. } | Self::Stalled { length, .. } => *length,
            Self::Endless(piece) => piece.len() as u64,
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
            Self::Stalled { half, .. } => {
                if half.is_empty() {
                    return Poll::Pending;
                }
                std::mem::take(half)
            }
            Self::Endless(piece) => piece.clone(),
        };
        Poll::Ready((!data.is_empty()).then_some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Endless(_) => SizeHint::default(),
            _ => SizeHint::with_exact(self.len()),
        }
    }
}
