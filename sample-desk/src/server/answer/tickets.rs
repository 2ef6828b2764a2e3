//! What only tickets have: conversations, the latest thread, the bytes of attachments.

use crate::server::answer::Ask;
use crate::server::error::ApiError;
use crate::server::peek;
use crate::server::reply::Reply;
use crate::world::{Kind, Shape};

/// Threads and comments of a ticket, newest first.
pub(super) fn conversations(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let ticket = ask.id(0);
    ask.there(ticket, Kind::Ticket)?;
    let (from, limit) = (
        ask.params.offset(ask.endpoint) as usize,
        ask.params.limit(ask.endpoint) as usize,
    );
    let empty_is_204 = ask.settings.behaviour.empty_is_204;
    if from > 0 && !ask.settings.behaviour.conversations_page {
        return Ok(ask.list().end("", empty_is_204));
    }
    let mut list = ask.list();
    for (id, kind) in ask.desk.conversations(ticket).into_iter().skip(from).take(limit) {
        ask.desk.write(id, kind, Shape::Conversation, list.row());
    }
    Ok(list.end("", empty_is_204))
}

/// The newest thread that is as it is asked for, whole.
pub(super) fn latest(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let ticket = ask.id(0);
    ask.there(ticket, Kind::Ticket)?;
    let mut row = Vec::new();
    let wanted = |row: &[u8]| {
        let is = |key: &str, value: &str| peek::text(row, key) == value.as_bytes();
        (ask.params.flag("needPublic") != Some(true) || is("visibility", "public"))
            && (ask.params.flag("needIncomingThread") != Some(true) || is("direction", "in"))
            && ask
                .params
                .text("threadStatus")
                .is_none_or(|status| is("status", status))
    };
    for id in ask.desk.children(ticket, Kind::Thread).into_iter().rev() {
        row.clear();
        ask.desk.write(id, Kind::Thread, Shape::List, &mut row);
        if wanted(&row) {
            return ask.record(id, Kind::Thread);
        }
    }
    Ok(Reply::Empty)
}

/// The bytes of an attachment.
pub(super) fn content(ask: &Ask<'_>, of: Kind) -> Result<Reply, ApiError> {
    let own = matches!(of, Kind::Ticket | Kind::Article);
    let (parent, id) = if own {
        (ask.id(0), ask.id(1))
    } else {
        (ask.child(Kind::Ticket, of)?, ask.id(2))
    };
    ask.there(ask.id(0), if of == Kind::Article { of } else { Kind::Ticket })?;
    let mut known = ask.desk.children(parent, Kind::Attachment).contains(&id);
    if own && !known && ask.settings.behaviour.attachments_repeat {
        let threads = ask.desk.children(parent, Kind::Thread);
        known = threads
            .into_iter()
            .any(|thread| ask.desk.children(thread, Kind::Attachment).contains(&id));
    }
    if !known {
        return Err(ApiError::not_found());
    }
    let (mut row, mut bytes) = (Vec::new(), Vec::new());
    ask.desk.write(id, Kind::Attachment, Shape::List, &mut row);
    ask.desk.write_attachment(id, &mut bytes);
    Ok(Reply::Bytes {
        name: peek::name(&row),
        bytes,
    })
}
