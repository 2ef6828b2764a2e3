//! A list in pages, where the desk has no search.

use std::collections::HashSet;

use plugin_api::{Desk, RawValue, Request, Response, Result};

use crate::records::id;

/// The pages of a list, one after the other. A page that is not full is the last one: the desk refuses a limit that it
/// does not grant, and cuts no page short.
pub struct List<'d, 'a> {
    desk: &'d Desk<'a>,
    request: Request,
    items: &'static str,
    from: u64,
    limit: u64,
    /// Ids of the page before: a list that grows at its beginning shows its last records again.
    before: HashSet<String>,
    records: u64,
    ended: bool,
}

/// A page of a [`List`].
#[derive(Debug)]
pub struct ListPage {
    response: Response,
    items: &'static str,
    /// The records' ids; `None` for one that the page before had.
    ids: Vec<Option<String>>,
}

impl ListPage {
    /// The records that are new, with their ids.
    pub fn records(&self) -> Result<Vec<(String, &RawValue)>> {
        let records = self.response.records(self.items)?;
        let records = self.ids.iter().zip(records);
        Ok(records.filter_map(|(id, record)| Some((id.clone()?, record))).collect())
    }

    /// What was asked, for messages.
    pub fn asked(&self) -> &str {
        &self.response.asked
    }
}

impl<'d, 'a> List<'d, 'a> {
    /// The list that `request` asks for, in pages of `limit`; the index of its first record is `first`. A page has its
    /// records at `items`, a JSON pointer.
    pub fn new(desk: &'d Desk<'a>, request: Request, items: &'static str, first: u64, limit: u64) -> Self {
        Self {
            desk,
            request,
            items,
            from: first,
            limit,
            before: HashSet::new(),
            records: 0,
            ended: false,
        }
    }

    /// Records that were new, so far.
    pub fn listed(&self) -> u64 {
        self.records
    }

    fn page(&mut self) -> Result<ListPage> {
        let request = self.request.clone().query("from", self.from).query("limit", self.limit);
        let response = crate::judge(self.desk.send(&request)?)?;
        let (mut ids, mut now) = (Vec::new(), HashSet::new());
        for record in response.records(self.items)? {
            let id = id(record)?;
            let is_new = !self.before.contains(&id) && now.insert(id.clone());
            ids.push(is_new.then_some(id));
        }
        self.records += now.len() as u64;
        self.ended = (ids.len() as u64) < self.limit;
        self.from += self.limit;
        self.before = now;
        Ok(ListPage {
            response,
            items: self.items,
            ids,
        })
    }
}

impl Iterator for List<'_, '_> {
    type Item = Result<ListPage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let page = self.page();
        self.ended |= page.is_err();
        Some(page)
    }
}
