//! The pages of a list.

use std::collections::VecDeque;

use super::{Desk, Ticket};
use crate::{ErrorKind, ExportError, Request, Response, Result};

/// Pages without records, one after the other, after which a list is taken to go on for ever.
const MAX_EMPTY: u32 = 1000;

/// How a desk cuts its lists in pages.
///
/// ```
/// use plugin_api::Paging;
///
/// // ?from=0&limit=100, {"data": [..]}
/// let plain = Paging::by_offset("from", 0, "limit", 100).items("/data");
/// // ?page=1&per_page=50, {"items": [..], "total": 1234}: with the total known, pages are asked for in parallel
/// let counted = Paging::by_number("page", 1, "per_page", 50).items("/items").total("/total");
/// # let _ = (plain, counted);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    mode: Mode,
    size: u64,
    items: String,
    total: Option<String>,
    skip: u64,
    /// The total that an earlier run was told.
    known: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    Offset {
        param: String,
        first: u64,
        size_param: String,
    },
    Number {
        param: String,
        first: u64,
        size_param: String,
    },
    Link {
        pointer: String,
    },
}

impl Paging {
    /// Pages are asked for by the index of their first record; the first of all is `first`.
    pub fn by_offset(param: &str, first: u64, size_param: &str, size: u64) -> Self {
        Self::new(
            Mode::Offset {
                param: param.into(),
                first,
                size_param: size_param.into(),
            },
            size,
        )
    }

    /// Pages are asked for by their number; the first is `first`.
    pub fn by_number(param: &str, first: u64, size_param: &str, size: u64) -> Self {
        Self::new(
            Mode::Number {
                param: param.into(),
                first,
                size_param: size_param.into(),
            },
            size,
        )
    }

    /// Each page holds the URL of the next one at `pointer`, and the last one does not.
    pub fn by_link(pointer: &str) -> Self {
        Self::new(
            Mode::Link {
                pointer: pointer.into(),
            },
            0,
        )
    }

    fn new(mode: Mode, size: u64) -> Self {
        Self {
            mode,
            size: size.max(1),
            items: String::new(),
            total: None,
            skip: 0,
            known: 0,
        }
    }

    /// Where a page has its records: a JSON pointer. The whole body unless said otherwise.
    #[must_use]
    pub fn items(mut self, pointer: &str) -> Self {
        self.items = pointer.into();
        self
    }

    /// Where a page says how many records the whole list has. With it the pages behind the first are asked for in
    /// parallel; without it one after the other.
    ///
    /// Every page must say it. A total that falls while the list is read ends the walk with
    /// [`ErrorKind::Decode`]: a record was deleted, those behind it moved up, and one of them may have moved from a
    /// page that is still to be read into one that was read.
    #[must_use]
    pub fn total(mut self, pointer: &str) -> Self {
        self.total = Some(pointer.into());
        self
    }

    /// Leaves out this many pages, which an earlier run has read. A list that is walked by links goes on with the link
    /// itself, as the path of the request.
    #[must_use]
    pub fn skip(mut self, pages: u64) -> Self {
        self.skip = pages;
        self
    }

    /// The total that an earlier run was told, where pages are skipped: if the list has fewer records now, those
    /// behind the skipped pages may have moved into them.
    #[must_use]
    pub fn known_total(mut self, total: u64) -> Self {
        self.known = total;
        self
    }

    /// The request for the page with this number, or, after a page that was short, for what is `behind` it.
    fn page(&self, request: &Request, number: u64, behind: Option<u64>) -> Request {
        let (param, at, size_param) = match &self.mode {
            Mode::Offset {
                param,
                first,
                size_param,
            } => {
                let records = match behind {
                    Some(count) => number.saturating_sub(1).saturating_mul(self.size).saturating_add(count),
                    None => number.saturating_mul(self.size),
                };
                (param, first.saturating_add(records), size_param)
            }
            Mode::Number {
                param,
                first,
                size_param,
            } => (param, first.saturating_add(number), size_param),
            Mode::Link { .. } => return request.clone(),
        };
        request.clone().query(param, at).query(size_param, self.size)
    }
}

/// Iterator of [`Desk::pages`]. It ends behind the last page, and does not give pages without records.
///
/// With a total the last page is known, and a list that shrinks meanwhile is an error. Without one a page that is shorter than asked for is the last, if there is
/// nothing behind it: one more request makes sure, since a desk that caps the size of its pages would otherwise lose
/// all its other records.
pub struct Pages<'d, 'a> {
    desk: &'d Desk<'a>,
    request: Request,
    paging: Paging,
    under_way: VecDeque<Ticket>,
    /// The number of the next page to ask for.
    next: u64,
    /// Pages that the total promises; more may follow where the list grew meanwhile.
    promised: Option<u64>,
    /// The largest total that was told.
    total: u64,
    /// The size of the page before, if it was short and the request under way makes sure that it was the last.
    short: Option<u64>,
    /// Pages without records since the last one with some.
    empty: u32,
    /// The link to follow next.
    link: Option<String>,
    links: Links,
    ended: bool,
}

/// Finds out whether links go round in a circle, with the memory of one link: it is held against those that follow,
/// for twice as many steps each time.
#[derive(Debug, Default)]
struct Links {
    kept: String,
    steps: u64,
    until: u64,
}

impl Links {
    /// Whether this link was followed before.
    fn again(&mut self, link: &str) -> bool {
        if self.until > 0 && self.kept == link {
            return true;
        }
        if self.steps >= self.until {
            link.clone_into(&mut self.kept);
            self.until = (self.until * 2).max(1);
            self.steps = 0;
        }
        self.steps += 1;
        false
    }
}

impl<'d, 'a> Pages<'d, 'a> {
    pub(super) fn new(desk: &'d Desk<'a>, request: Request, paging: Paging) -> Self {
        Self {
            desk,
            request,
            under_way: VecDeque::new(),
            next: paging.skip,
            promised: None,
            total: paging.known,
            short: None,
            empty: 0,
            link: None,
            links: Links::default(),
            ended: false,
            paging,
        }
    }

    fn ask(&mut self) -> Result<()> {
        let request = match self.link.take() {
            Some(link) => Request {
                path: link,
                query: Vec::new(),
                ..self.request.clone()
            },
            None => self.paging.page(&self.request, self.next, self.short),
        };
        let ticket = self.desk.submit_page(request, self.under_way.len())?;
        self.under_way.push_back(ticket);
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    fn page(&mut self) -> Result<Option<Response>> {
        if self.under_way.is_empty() {
            self.ask()?;
        }
        while self.promised.is_some_and(|promised| self.next < promised) && self.desk.may_submit(self.under_way.len()) {
            self.ask()?;
        }
        let Some(ticket) = self.under_way.pop_front() else {
            return Ok(None);
        };
        let page = match self.desk.judged(self.desk.take(ticket)?) {
            // Some desks say so when they are asked for what is behind the end.
            Err(error) if self.short.is_some() && error.kind == ErrorKind::NotFound => {
                self.ended = true;
                return Ok(None);
            }
            page => page?,
        };
        let count = page.records(&self.paging.items)?.len() as u64;
        self.empty = if count == 0 { self.empty + 1 } else { 0 };
        if self.empty > MAX_EMPTY {
            let message = format!("the desk promises more, but {MAX_EMPTY} pages in a row have no records");
            return Err(ExportError::decode(&page.asked, message));
        }
        if let Mode::Link { pointer } = &self.paging.mode {
            let link: Option<String> = page.at(pointer)?;
            self.link = link.filter(|link| !link.is_empty());
            if self.link.as_deref().is_some_and(|link| self.links.again(link)) {
                let message = "the link to the next page leads to a page that was read before";
                return Err(ExportError::decode(&page.asked, message));
            }
            self.ended = self.link.is_none();
        } else if let Some(pointer) = &self.paging.total {
            let number = self.next.saturating_sub(self.under_way.len() as u64 + 1);
            let is_promised = self.promised.is_none_or(|promised| number < promised);
            let total = match page.count(pointer) {
                // What is asked for behind the promised pages need say no more than that nothing is there.
                _ if page.is_empty() && !is_promised => self.total,
                Err(_) if count == 0 && !is_promised => self.total,
                total => total?,
            };
            if total < self.total {
                let message = "the list shrank while it was read, so a record may have been passed over: back up \
                               again, or use a search";
                return Err(ExportError::decode(&page.asked, message));
            }
            self.total = total;
            if self.promised.is_none() {
                self.promised = Some(total.div_ceil(self.paging.size));
                let left = total.saturating_sub(self.paging.skip.saturating_mul(self.paging.size));
                if count < self.paging.size.min(left) {
                    return Err(self.capped(&page, count));
                }
            }
            // A page may be short in the middle, where records went while the list was read; only behind the
            // promised ones does a short page mean the end.
            let promised = self.promised.is_some_and(|promised| self.next < promised);
            self.ended = count < self.paging.size && !promised && self.under_way.is_empty();
        } else if count == 0 {
            self.ended = true;
        } else if let Some(short) = self.short {
            return Err(self.capped(&page, short));
        } else if count < self.paging.size {
            self.short = Some(count);
        }
        Ok((count > 0).then_some(page))
    }

    fn capped(&self, page: &Response, count: u64) -> ExportError {
        let size = self.paging.size;
        let message = format!(
            "the desk gave {count} records where {size} were asked for, and has more: its pages are smaller than the \
             exporter believes; ask for at most as many as it gives"
        );
        ExportError::decode(&page.asked, message)
    }
}

impl Iterator for Pages<'_, '_> {
    type Item = Result<Response>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.page() {
                Ok(Some(page)) => return Some(Ok(page)),
                Ok(None) => {}
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl Drop for Pages<'_, '_> {
    fn drop(&mut self) {
        for ticket in &self.under_way {
            self.desk.forget(*ticket);
        }
    }
}
