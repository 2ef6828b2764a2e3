//! The desk, as an exporter asks it: single requests, and iterators that keep many in flight.
//!
//! Requests are a queue: an iterator submits ahead of what it gives, as far as the job's window allows, and the
//! host answers in any order. What the iterators give is in the order of submission all the same, so that the same
//! desk always makes the same archive. Iterators may be nested and chained as far as an author likes; they share
//! the queue.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::host::Host;
use crate::{ErrorKind, ExportError, Request, Response, Result};

mod each;
mod list;
mod pages;
mod search;
#[cfg(test)]
mod tests;

pub use each::{Child, Each};
pub use list::{List, ListCursor, ListPage, ListPages};
pub use pages::{Pages, Paging};
pub use search::{Counted, Order, Search, SearchCursor, SearchPage, SearchPages};

/// The desk, for the time of one export.
pub struct Desk<'a> {
    host: Host<'a>,
    /// Requests that may be submitted and not yet taken from the host.
    window: usize,
    /// Submitted and not taken from the host yet.
    untaken: Cell<usize>,
    waiting: RefCell<HashMap<u64, Waiting>>,
    memory: Memory,
    judge: Cell<Judge>,
}

/// Turns an answer that is no success into the error that it means.
pub type Judge = fn(Response) -> Result<Response>;

/// What waits in memory, in bytes. Answers come in any order: behind one that is slow all the others wait.
struct Memory {
    /// As the job allows.
    budget: u64,
    /// Answers that came and are not used yet.
    held: Cell<u64>,
    /// About as large an answer will be, as those before it were; a large one is forgotten again.
    typical: Cell<u64>,
    /// No answer was as large yet.
    is_guess: Cell<bool>,
}

impl Memory {
    fn new(budget: u64) -> Self {
        Self {
            budget,
            held: Cell::new(0),
            // Until it is known better, so large that the default window fits.
            typical: Cell::new((budget / 16).max(1)),
            is_guess: Cell::new(true),
        }
    }

    /// Whether so many more answers will probably fit.
    fn has_room(&self, more: usize) -> bool {
        let more = (more as u64).saturating_mul(self.typical.get());
        self.held.get().saturating_add(more) <= self.budget
    }

    fn came(&self, bytes: u64) {
        let typical = self.typical.get();
        self.is_guess.set(self.is_guess.get() && bytes < typical);
        // A guess that proves too large holds back requests that would be in flight.
        let forgotten = if self.is_guess.get() { 2 } else { 8 };
        self.typical
            .set(bytes.max(typical - typical.div_ceil(forgotten)).max(1));
    }

    fn hold(&self, bytes: u64) {
        self.held.set(self.held.get().saturating_add(bytes));
    }

    fn release(&self, bytes: u64) {
        self.held.set(self.held.get().saturating_sub(bytes));
    }
}

/// A request that was submitted and whose answer nobody has used yet.
struct Waiting {
    asked: String,
    answer: Option<Result<Response>>,
}

/// A submitted request. It belongs to one iterator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl<'a> Desk<'a> {
    pub(crate) fn new(host: Host<'a>, window: u32, waiting_bytes: u64) -> Self {
        Self {
            host,
            window: usize::try_from(window).unwrap_or(usize::MAX).max(1),
            untaken: Cell::new(0),
            waiting: RefCell::new(HashMap::new()),
            memory: Memory::new(waiting_bytes),
            judge: Cell::new(Response::ok),
        }
    }

    /// Says what answers mean on this desk, for [`get`](Self::get) and the iterators, in place of [`Response::ok`]: for
    /// a desk whose bodies have error codes of their own.
    pub fn judge_by(&self, judge: Judge) {
        self.judge.set(judge);
    }

    /// The answer, or the error that it means.
    fn judged(&self, response: Response) -> Result<Response> {
        (self.judge.get())(response)
    }

    /// Makes one request and waits for its answer, whatever its status.
    ///
    /// # Errors
    /// No answer came, after all retries; or the backup was cancelled.
    pub fn send(&self, request: &Request) -> Result<Response> {
        let ticket = self.submit_page(request.clone(), 0)?;
        self.take(ticket)
    }

    /// Makes one GET and waits for its answer, which must be 2xx.
    pub fn get(&self, path: &str) -> Result<Response> {
        self.judged(self.send(&Request::get(path))?)
    }

    /// One request for each item of `source`, many in flight; gives item and answer in the order of `source`.
    /// Where `request` gives `None`, none is made for that item. An error of the source is passed on.
    ///
    /// ```no_run
    /// # use plugin_api::{Desk, Request, Result};
    /// # fn f(desk: &Desk<'_>, ids: Vec<String>) -> Result<()> {
    /// let ids = ids.into_iter().map(Ok);
    /// for child in desk.each(ids, |id| Some(Request::get(format!("/tickets/{id}/comments")))) {
    ///     let child = child?;
    ///     let comments = child.answer.transpose()?;
    /// #   let _ = comments;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn each<P, I, F>(&self, source: I, request: F) -> Each<'_, 'a, P, I::IntoIter, F>
    where
        I: IntoIterator<Item = Result<P>>,
        F: FnMut(&P) -> Option<Request>,
    {
        Each::new(self, source.into_iter(), request)
    }

    /// The pages of a list, from the first to the last.
    pub fn pages<'d>(&'d self, request: Request, paging: &Paging) -> Pages<'d, 'a> {
        Pages::new(self, request, paging.clone())
    }

    /// The pages of a list by offset that may change while it is read, and whose count or first offset may be unknown: what
    /// comes twice is given once. See [`List`].
    pub fn list<'d>(&'d self, request: Request, list: &List) -> Result<ListPages<'d, 'a>> {
        ListPages::new(self, request, list)
    }

    /// Goes on with a [`list`](Self::list) behind a page; `given` are the ids of all that it has given.
    pub fn list_on<'d>(
        &'d self,
        request: Request,
        list: &List,
        cursor: ListCursor,
        given: impl IntoIterator<Item = String>,
    ) -> Result<ListPages<'d, 'a>> {
        ListPages::on(self, request, list, cursor, given)
    }

    /// The pages of a search that is walked by time, with as few requests as can be: nothing is lost or repeated while
    /// records are added and changed. See [`Search`].
    ///
    /// A walk by the time of the last change leaves a record that changes meanwhile, and so moves behind the end of the
    /// range, to the next incremental backup. For a full backup walk by the time of creation, or by id.
    pub fn search<'d>(&'d self, search: Search<'d>, resume: Option<&SearchCursor>) -> Result<SearchPages<'d, 'a>> {
        SearchPages::new(self, search, resume)
    }

    /// Whether the backup was cancelled. Long work between requests asks now and then; the iterators and
    /// [`Output`](crate::Output) do by themselves.
    pub fn cancelled(&self) -> bool {
        self.host.cancelled()
    }

    /// Whether an iterator with `own` requests under way may submit another one ahead. One with none always may:
    /// nested iterators would else wait for each other.
    fn may_submit(&self, own: usize) -> bool {
        // What has arrived and waits to be used is bounded by its bytes, not counted against the window: the outer of two
        // nested iterators runs ahead, and would leave the inner one a single request at a time.
        own == 0
            || own < self.window && self.untaken.get() < self.window && self.memory.has_room(self.untaken.get() + 1)
    }

    pub(crate) fn submit(&self, request: &Request) -> Result<Ticket> {
        while self.untaken.get() >= self.window {
            self.pump()?;
        }
        let ticket = self.host.submit(request)?;
        self.untaken.set(self.untaken.get() + 1);
        let asked = asked(request);
        self.waiting
            .borrow_mut()
            .insert(ticket, Waiting { asked, answer: None });
        Ok(Ticket(ticket))
    }

    /// Submits for somebody with `own` requests under way, who waits for the oldest of them. Nothing else is submitted
    /// meanwhile: behind what others have submitted ahead, it would empty the queue.
    fn submit_page(&self, request: Request, own: usize) -> Result<Ticket> {
        self.submit(&Request {
            first: own == 0,
            ..request
        })
    }

    /// The answer to a request, waiting for it.
    fn take(&self, ticket: Ticket) -> Result<Response> {
        loop {
            {
                let mut waiting = self.waiting.borrow_mut();
                let Some(entry) = waiting.get_mut(&ticket.0) else {
                    return Err(ExportError::new(ErrorKind::Other, "an answer was asked for twice"));
                };
                if let Some(answer) = entry.answer.take() {
                    waiting.remove(&ticket.0);
                    self.memory.release(size(&answer));
                    return answer;
                }
            }
            self.pump()?;
        }
    }

    /// Every answer that is not taken yet, in the order in which they come: what the iterators never do.
    #[cfg(test)]
    pub(crate) fn as_they_come(&self) -> Result<Vec<Response>> {
        let mut answers = Vec::new();
        while !self.waiting.borrow().is_empty() {
            let ready = |(ticket, waiting): (&u64, &Waiting)| waiting.answer.is_some().then_some(*ticket);
            let ready = self.waiting.borrow().iter().find_map(ready);
            match ready {
                Some(ticket) => answers.push(self.take(Ticket(ticket))?),
                None => self.pump()?,
            }
        }
        Ok(answers)
    }

    /// An answer that was taken waits on in an iterator.
    fn hold(&self, response: &Response) {
        self.memory.hold(response.body().len() as u64);
    }

    /// It is used now.
    fn release(&self, response: &Response) {
        self.memory.release(response.body().len() as u64);
    }

    /// Nobody will ask for the answer any more.
    fn forget(&self, ticket: Ticket) {
        let forgotten = self.waiting.borrow_mut().remove(&ticket.0);
        if let Some(answer) = forgotten.and_then(|waiting| waiting.answer) {
            self.memory.release(size(&answer));
        }
    }

    /// Takes one finished request from the host.
    fn pump(&self) -> Result<()> {
        let (ticket, outcome) = self.host.next()?;
        self.untaken.set(self.untaken.get().saturating_sub(1));
        if let Some(entry) = self.waiting.borrow_mut().get_mut(&ticket) {
            let asked = entry.asked.clone();
            let answer = outcome.map(|finished| Response::new(asked, finished));
            self.memory.came(size(&answer));
            self.memory.hold(size(&answer));
            entry.answer = Some(answer);
        }
        Ok(())
    }
}

/// What an answer takes, about.
fn size(answer: &Result<Response>) -> u64 {
    answer.as_ref().map_or(0, |response| response.body().len() as u64)
}

/// What was asked, for messages: method, path and query.
fn asked(request: &Request) -> String {
    use std::fmt::Write as _;

    let mut text = match request.method {
        crate::Method::Get => "GET ".to_owned(),
        crate::Method::Post => "POST ".to_owned(),
    };
    text.push_str(&request.path);
    for (number, (name, value)) in request.query.iter().enumerate() {
        let mark = if number == 0 { '?' } else { '&' };
        // A long query says no more than its beginning.
        let short: String = value.chars().take(60).collect();
        let _ = write!(text, "{mark}{name}={short}");
    }
    text
}
