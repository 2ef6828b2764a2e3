//! Plain lists, where the desk has no search.

use plugin_api::{Desk, List, ListPages, Request, Result};

/// The pages of the list that `request` asks for, in pages of `limit`, which have their records at `items`.
///
/// Each page repeats the last record of the one before, so that no record is passed over while others are deleted. So
/// that it does not matter either whether the desk counts from 0 or from 1, which is contested for some lists.
pub fn list_pages<'d, 'a>(
    desk: &'d Desk<'a>,
    request: Request,
    items: &'static str,
    limit: u64,
) -> Result<ListPages<'d, 'a>> {
    desk.list(request, &list_from(items, limit, 0))
}

/// How [`list_pages`] reads a list, from the record with this index on.
pub fn list_from(items: &'static str, limit: u64, first: u64) -> List {
    List {
        offset: "from",
        first,
        limit: "limit",
        size: limit,
        items,
        id: "/id",
        total: None,
        overlap: true,
        asks_on: true,
    }
}
