//! The requests, and which of their failures concern one record alone.

use plugin_api::{ErrorKind, ExportError, Request};

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

/// An id as a segment of a path. The desk's are digits; what is none of ours must not lead elsewhere.
pub(crate) fn segment(id: &str) -> String {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn ids_stay_segments() {
        for (id, expected) in [
            ("731500000004410237", "731500000004410237"),
            ("../x?a=1", "%2E%2E%2Fx%3Fa%3D1"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(segment(id), expected);
        }
    }
}
