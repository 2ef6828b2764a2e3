//! One request for each item.

use std::collections::VecDeque;

use super::{Desk, Ticket};
use crate::{Request, Response, Result};

/// Items that wait behind the first, for each request that may be in flight: more would only be memory.
const AHEAD: usize = 4;

/// An item and the answer to its request.
#[derive(Debug)]
pub struct Child<P> {
    /// The item that the source gave.
    pub parent: P,
    /// The answer, 2xx, or why there is none; `None` where no request was made.
    pub answer: Option<Result<Response>>,
}

/// Iterator of [`Desk::each`].
pub struct Each<'d, 'a, P, I, F> {
    desk: &'d Desk<'a>,
    source: Option<I>,
    request: F,
    queue: VecDeque<Slot<P>>,
    under_way: usize,
}

enum Slot<P> {
    Asked(P, Ticket),
    Plain(P),
    Failed(crate::ExportError),
}

impl<'d, 'a, P, I, F> Each<'d, 'a, P, I, F>
where
    I: Iterator<Item = Result<P>>,
    F: FnMut(&P) -> Option<Request>,
{
    pub(super) fn new(desk: &'d Desk<'a>, source: I, request: F) -> Self {
        Self {
            desk,
            source: Some(source),
            request,
            queue: VecDeque::new(),
            under_way: 0,
        }
    }

    /// Submits ahead as far as the window allows.
    fn fill(&mut self) {
        while self.queue.len() < self.desk.window * AHEAD
            && (self.desk.may_submit(self.under_way) || self.queue.is_empty())
        {
            let Some(item) = self.source.as_mut().and_then(Iterator::next) else {
                self.source = None;
                return;
            };
            let slot = item.and_then(|parent| match (self.request)(&parent) {
                Some(request) => {
                    let ticket = self.desk.submit(&request)?;
                    self.under_way += 1;
                    Ok(Slot::Asked(parent, ticket))
                }
                None => Ok(Slot::Plain(parent)),
            });
            match slot {
                Ok(slot) => self.queue.push_back(slot),
                Err(error) => {
                    self.queue.push_back(Slot::Failed(error));
                    self.source = None;
                    return;
                }
            }
        }
    }
}

impl<P, I, F> Iterator for Each<'_, '_, P, I, F>
where
    I: Iterator<Item = Result<P>>,
    F: FnMut(&P) -> Option<Request>,
{
    type Item = Result<Child<P>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fill();
        let child = match self.queue.pop_front()? {
            Slot::Failed(error) => return Some(Err(error)),
            Slot::Plain(parent) => Child { parent, answer: None },
            Slot::Asked(parent, ticket) => {
                self.under_way -= 1;
                let answer = self.desk.take(ticket).and_then(|response| self.desk.judged(response));
                if let Err(error) = &answer
                    && error.kind == crate::ErrorKind::Cancelled
                {
                    return Some(Err(error.clone()));
                }
                Child {
                    parent,
                    answer: Some(answer),
                }
            }
        };
        Some(Ok(child))
    }
}

impl<P, I, F> Drop for Each<'_, '_, P, I, F> {
    fn drop(&mut self) {
        for slot in &self.queue {
            if let Slot::Asked(_, ticket) = slot {
                self.desk.forget(*ticket);
            }
        }
    }
}
