//! The pages of a list.

use std::collections::VecDeque;

use super::{Desk, Ticket};
use crate::{ExportError, Request, Response, Result};

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
    #[must_use]
    pub fn total(mut self, pointer: &str) -> Self {
        self.total = Some(pointer.into());
        self
    }

    fn page(&self, request: &Request, number: u64) -> Request {
        match &self.mode {
            Mode::Offset {
                param,
                first,
                size_param,
            } => request
                .clone()
                .query(param, first + number * self.size)
                .query(size_param, self.size),
            Mode::Number {
                param,
                first,
                size_param,
            } => request
                .clone()
                .query(param, first + number)
                .query(size_param, self.size),
            Mode::Link { .. } => request.clone(),
        }
    }
}

/// Iterator of [`Desk::pages`]. It ends behind the last page: an empty one, one that is shorter than asked for, or
/// one without a link to the next. An empty page is not given.
pub struct Pages<'d, 'a> {
    desk: &'d Desk<'a>,
    request: Request,
    paging: Paging,
    under_way: VecDeque<Ticket>,
    /// The number of the next page to ask for.
    next: u64,
    /// Pages that the total promises; more may follow where the list grew meanwhile.
    promised: u64,
    /// The link to follow next.
    link: Option<String>,
    /// The link that led to the page before.
    followed: Option<String>,
    ended: bool,
}

impl<'d, 'a> Pages<'d, 'a> {
    pub(super) fn new(desk: &'d Desk<'a>, request: Request, paging: Paging) -> Self {
        Self {
            desk,
            request,
            paging,
            under_way: VecDeque::new(),
            next: 0,
            promised: 0,
            link: None,
            followed: None,
            ended: false,
        }
    }

    fn ask(&mut self) -> Result<()> {
        let request = match self.link.take() {
            Some(link) => {
                self.followed = Some(link.clone());
                Request {
                    path: link,
                    query: Vec::new(),
                    ..self.request.clone()
                }
            }
            None => self.paging.page(&self.request, self.next),
        };
        self.under_way.push_back(self.desk.submit(&request)?);
        self.next += 1;
        Ok(())
    }

    fn page(&mut self) -> Result<Option<Response>> {
        if self.under_way.is_empty() {
            self.ask()?;
        }
        while self.next < self.promised && self.desk.may_submit(self.under_way.len()) {
            self.ask()?;
        }
        let Some(ticket) = self.under_way.pop_front() else {
            return Ok(None);
        };
        let page = self.desk.take(ticket)?.ok()?;
        let count = page.records(&self.paging.items)?.len() as u64;
        if let Mode::Link { pointer } = &self.paging.mode {
            let link: Option<String> = page.at(pointer)?;
            if link.is_some() && link == self.followed {
                let message = "the link to the next page leads to the same page";
                return Err(ExportError::decode(&page.asked, message));
            }
            self.ended = link.is_none();
            self.link = link;
        } else {
            if self.promised == 0
                && let Some(pointer) = &self.paging.total
            {
                let total = page.count(pointer)?;
                self.promised = total.div_ceil(self.paging.size);
                if self.next == 1 && count < self.paging.size.min(total) {
                    let message = format!(
                        "the first page has {count} records of {total} where {} were asked for: \
                         the desk's pages are smaller than the exporter believes",
                        self.paging.size
                    );
                    return Err(ExportError::decode(&page.asked, message));
                }
            }
            // A page may be short in the middle, where records went while the list was read; only behind the
            // promised ones does a short page mean the end.
            self.ended = count == 0 && self.under_way.is_empty()
                || count < self.paging.size && self.next >= self.promised && self.under_way.is_empty();
        }
        Ok((count > 0).then_some(page))
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
