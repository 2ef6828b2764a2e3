//! The requests.

use plugin_api::Request;
use zoho::segment;

/// Rows of a page of conversations.
pub(crate) const CONVERSATIONS: u64 = 200;
/// Rows of a page of every other list of a ticket.
pub(crate) const PAGE: u64 = 100;

/// Something below a ticket.
pub(crate) fn ticket(id: &str, below: &str) -> Request {
    Request::get(format!("/tickets/{}{below}", segment(id)))
}

/// A page of a list below a ticket.
pub(crate) fn page(id: &str, below: &str, from: u64, limit: u64) -> Request {
    ticket(id, below).query("from", from).query("limit", limit)
}

/// A thread with its body.
pub(crate) fn thread(id: &str, thread: &str) -> Request {
    ticket(id, &format!("/threads/{}", segment(thread)))
}
