//! A list in pages, where the desk has no search.

use std::collections::HashSet;

use plugin_api::{Desk, RawValue, Request, Response, Result};

/// The pages of a list, one after the other; the last one is not full, or empty. Records that come again because the
/// list shifted are left out by [`List::fresh`].
pub struct List<'d, 'a> {
    desk: &'d Desk<'a>,
    request: Request,
    items: &'static str,
    from: u64,
    limit: u64,
    requests: u64,
    ended: bool,
}

impl<'d, 'a> List<'d, 'a> {
    /// The list that `request` asks for, in pages of `limit`; the index of its first record is `first`.
    pub fn new(desk: &'d Desk<'a>, request: Request, items: &'static str, first: u64, limit: u64) -> Self {
        Self {
            desk,
            request,
            items,
            from: first,
            limit,
            requests: 0,
            ended: false,
        }
    }

    /// Records of a page whose ids are not among `seen`, with their ids.
    pub fn fresh<'p>(&self, page: &'p Response, seen: &mut HashSet<String>) -> Result<Vec<(String, &'p RawValue)>> {
        let mut fresh = Vec::new();
        for record in page.records(self.items)? {
            let id = crate::records::id(record)?;
            if seen.insert(id.clone()) {
                fresh.push((id, record));
            }
        }
        Ok(fresh)
    }

    /// Requests made so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    fn page(&mut self) -> Result<Response> {
        let _ = (self.desk, &self.request, self.items, self.from, self.limit);
        Err(plugin_api::ExportError::new(
            plugin_api::ErrorKind::Other,
            "not written yet",
        ))
    }
}

impl Iterator for List<'_, '_> {
    type Item = Result<Response>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.ended).then(|| self.page())
    }
}
