//! The requests, and which of their failures concern one record alone.

use plugin_api::{ErrorKind, ExportError, Request};
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

/// Whether a failure may concern one record alone, so that the others can still be read.
pub(crate) fn is_of_one_record(error: &ExportError) -> bool {
    match error.kind {
        ErrorKind::Http => zoho::error_code(error) != Some("THRESHOLD_EXCEEDED"),
        ErrorKind::NotFound
        | ErrorKind::Forbidden
        | ErrorKind::Unavailable
        | ErrorKind::Network
        | ErrorKind::Decode
        | ErrorKind::TooLarge => true,
        _ => false,
    }
}

/// Whether a failure is the desk's own answer about a record, and no sign of trouble with the desk.
pub(crate) fn is_an_answer(error: &ExportError) -> bool {
    matches!(
        error.kind,
        ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Unavailable
    )
}
