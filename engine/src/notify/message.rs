//! What is told: the JSON of a webhook, and the subject and text of an e-mail. Pure.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Notice, Topic};
use crate::archive::Digest;
use crate::config::text::printable;

/// Characters of a subject at most.
const SUBJECT: usize = 150;
/// Lines of details in an e-mail at most. The archive's manifest has them all.
const DETAILS: usize = 100;

/// What is in the outbox, and what a webhook gets as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    /// The same at each try and for each receiver.
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) notice: Notice,
}

/// The JSON of a notification. Its id is a hash of what it tells: of two installations, or of two moments, none are alike,
/// and nothing has to be remembered for it.
pub(super) fn body(notice: &Notice) -> String {
    let told = serde_json::to_vec(notice).unwrap_or_default();
    let mut id = Digest::of(told).to_string();
    id.truncate(32);
    let body = Body {
        id,
        notice: notice.clone(),
    };
    // It has no map whose keys are no text, the one thing that JSON cannot hold.
    serde_json::to_string(&body).unwrap_or_default()
}

/// The subject of an e-mail.
pub(super) fn subject(notice: &Notice) -> String {
    let desk = &notice.desk;
    let subject = match notice.topic {
        Topic::Ready if notice.state.as_deref() == Some("incomplete") => {
            format!("backup of {desk} is ready, but incomplete")
        }
        Topic::Ready => format!("backup of {desk} is ready"),
        Topic::Failed => format!("backup of {desk} FAILED"),
        Topic::LimitReached => format!("backup of {desk} came to the limit of records"),
        Topic::Suspended => format!("backup of {desk} is SUSPENDED"),
        Topic::ScheduleEnded => format!("the schedule of {desk} has ended"),
    };
    // A line break would begin another header.
    let subject = printable(&subject);
    let cut = subject
        .char_indices()
        .nth(SUBJECT)
        .map_or(subject.len(), |(end, _)| end);
    format!("[deskvault] {}", &subject[..cut])
}

/// The text of an e-mail.
pub(super) fn text(body: &Body) -> String {
    let Body { id, notice } = body;
    let mut text = String::new();
    text.push_str(match notice.topic {
        Topic::Ready if notice.state.as_deref() == Some("incomplete") => {
            "The archive is there, but something could not be read:"
        }
        Topic::Ready => "The archive is there, with all that was asked for.",
        Topic::Failed => "There is no archive.",
        Topic::Suspended => "There is no archive yet. What was read is kept; somebody must mend what is in the way:",
        Topic::LimitReached => "The archive is there. It ends at the limit of records; what is beyond it is not in it:",
        Topic::ScheduleEnded => "No further backup runs by itself: set another schedule with `deskvault schedule set`.",
    });
    text.push('\n');
    if !notice.details.is_empty() {
        text.push('\n');
    }
    for detail in notice.details.iter().take(DETAILS) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {}", printable(detail));
    }
    if notice.details.len() > DETAILS {
        let _ = writeln!(text, "- and {} more", notice.details.len() - DETAILS);
    }
    text.push('\n');
    let facts = [
        ("Desk", Some(printable(&notice.desk))),
        ("Backup", notice.backup.map(|id| id.to_string())),
        (
            "State",
            notice.state.as_deref().map(|state| printable(&state.replace('_', " "))),
        ),
        ("Time", Some(notice.at.to_string())),
        ("Records", notice.records.map(|records| records.to_string())),
        ("Bytes", notice.bytes.map(|bytes| bytes.to_string())),
        ("Expires", notice.expires.map(|at| at.to_string())),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    let _ = writeln!(text, "\nSent by deskvault as notification {id}.");
    text
}
