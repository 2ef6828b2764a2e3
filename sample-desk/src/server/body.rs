//! Bodies of answers: whole, cut off in the middle, or made as they are sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::server::faults::mix;
use crate::world::Id;

/// Bytes of an attachment that are made at once.
const CHUNK: u64 = 64 * 1024;

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
    /// Bytes that follow from an id; from `at` to `size`.
    Made {
        id: Id,
        at: u64,
        size: u64,
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
            Self::Made { at, size, .. } => size - at,
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
            Self::Made { id, at, size } => {
                let end = size.saturating_sub(*at).min(CHUNK) + *at;
                let bytes = (*at..end)
                    .map(|place| (mix(id.0 ^ (place / 8)) >> (place % 8 * 8)) as u8)
                    .collect();
                *at = end;
                bytes
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
