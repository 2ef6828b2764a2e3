//! What the export itself needs of the desk's records. The desk writes numbers and truth values as text now and then,
//! and leaves keys out that the profile may not see: what is not there is not known, and then asked for.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt::Display;

use plugin_api::{ExportError, RawValue, Result, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// What a ticket says of its children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) threads: Option<u64>,
    pub(crate) comments: Option<u64>,
    pub(crate) attachments: Option<u64>,
    pub(crate) entries: Option<u64>,
}

/// A ticket under way.
#[derive(Debug, Default)]
pub(crate) struct Ticket {
    pub(crate) id: String,
    pub(crate) counts: Counts,
    pub(crate) department: Option<String>,
    pub(crate) layout: Option<String>,
    pub(crate) visit: Visit,
    /// How its threads and comments are asked for.
    pub(crate) way: Way,
    /// Ids of threads and comments that were met.
    pub(crate) met: RefCell<HashSet<String>>,
    /// The last page of the conversations was full.
    pub(crate) full: Cell<bool>,
    /// Why its conversations could not be read.
    pub(crate) trouble: RefCell<Option<ExportError>>,
}

/// Whether a ticket was read before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Visit {
    #[default]
    First,
    /// It was, with this thread, where it had one: only further threads are written.
    Again(Option<u64>),
}

/// How a ticket's threads and comments are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// There are none.
    #[default]
    Nothing,
    /// One thread, and no comment.
    Latest,
    /// Threads and comments in one list.
    Conversations,
}

/// A ticket's record, as far as it is looked into.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Facts {
    #[serde(deserialize_with = "count")]
    thread_count: Option<u64>,
    #[serde(deserialize_with = "count")]
    comment_count: Option<u64>,
    #[serde(deserialize_with = "count")]
    attachment_count: Option<u64>,
    #[serde(deserialize_with = "count")]
    time_entry_count: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) department_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) layout_id: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) is_trashed: bool,
    #[serde(deserialize_with = "text")]
    created_time: Option<String>,
    #[serde(deserialize_with = "text")]
    modified_time: Option<String>,
    #[serde(deserialize_with = "text")]
    closed_time: Option<String>,
    #[serde(deserialize_with = "draft")]
    last_thread: bool,
}

impl Facts {
    /// Reads a ticket's record.
    pub(crate) fn read(record: &RawValue) -> Result<Self> {
        read("a ticket", record)
    }

    /// What it says of its children.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            threads: self.thread_count,
            comments: self.comment_count,
            attachments: self.attachment_count,
            entries: self.time_entry_count,
        }
    }

    /// When it was made, if it says so.
    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.created_time.as_deref().and_then(Timestamp::parse)
    }

    /// The time of the last change, if it says one.
    pub(crate) fn modified(&self) -> Option<Timestamp> {
        self.modified_time.as_deref().and_then(Timestamp::parse)
    }

    /// All times that it says.
    pub(crate) fn times(&self) -> impl Iterator<Item = Timestamp> {
        let closed = self.closed_time.as_deref().and_then(Timestamp::parse);
        [self.created(), self.modified(), closed].into_iter().flatten()
    }

    /// Whether its latest thread is a draft.
    pub(crate) fn ends_in_draft(&self) -> bool {
        self.last_thread
    }
}

/// A thread's record, as far as it is looked into.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Thread<'r> {
    #[serde(deserialize_with = "text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) channel: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) direction: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) status: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) visibility: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) is_content_truncated: bool,
    #[serde(rename = "fullContentURL", deserialize_with = "text")]
    pub(crate) full_content: Option<String>,
    #[serde(deserialize_with = "count")]
    pub(crate) attachment_count: Option<u64>,
    #[serde(borrow)]
    pub(crate) attachments: Option<Vec<&'r RawValue>>,
}

impl Thread<'_> {
    /// Whether it was not sent yet.
    pub(crate) fn is_draft(&self) -> bool {
        self.status
            .as_deref()
            .is_some_and(|status| status.eq_ignore_ascii_case("DRAFT"))
    }

    /// Channel and direction in one, as in Zoho's own backup: `EMAIL INCOMING`.
    pub(crate) fn in_one(&self) -> Option<String> {
        let channel = self.channel.as_deref().unwrap_or_default();
        let direction = match self.direction.as_deref().unwrap_or_default() {
            "in" => "INCOMING".to_owned(),
            "out" => "OUTGOING".to_owned(),
            other => other.to_uppercase(),
        };
        let both = format!("{channel} {direction}");
        let both = both.trim();
        (!both.is_empty()).then(|| both.to_owned())
    }

    /// Whether customers can't see it, where it says so.
    pub(crate) fn is_private(&self) -> Option<bool> {
        match self.visibility.as_deref()? {
            "private" => Some(true),
            "public" => Some(false),
            _ => None,
        }
    }
}

/// A row of a ticket's conversations, as far as it is looked into.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Conversation<'r> {
    #[serde(rename = "type", deserialize_with = "text")]
    kind: Option<String>,
    #[serde(deserialize_with = "text")]
    commented_time: Option<String>,
    #[serde(deserialize_with = "text")]
    commenter_id: Option<String>,
    #[serde(borrow)]
    pub(crate) attachments: Option<Vec<&'r RawValue>>,
}

impl Conversation<'_> {
    /// Whether it is a comment, and no thread.
    pub(crate) fn is_comment(&self) -> bool {
        match self.kind.as_deref() {
            Some("comment") => true,
            Some("thread") => false,
            _ => self.commented_time.is_some() || self.commenter_id.is_some(),
        }
    }
}

/// A time entry, as far as it is looked into.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Entry {
    #[serde(deserialize_with = "text")]
    request_id: Option<String>,
    parent: Json,
    #[serde(deserialize_with = "text")]
    created_time: Option<String>,
}

impl Entry {
    /// The ticket that it belongs to, if it does.
    pub(crate) fn ticket(&self) -> Option<String> {
        let parent = || {
            let is_ticket = self.parent.get("type").and_then(Json::as_str) == Some("tickets");
            is_ticket.then(|| plain(self.parent.get("id")?)).flatten()
        };
        self.request_id.clone().or_else(parent)
    }

    /// When it was made.
    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.created_time.as_deref().and_then(Timestamp::parse)
    }
}

/// Reads a record.
pub(crate) fn read<'r, T: Deserialize<'r>>(what: &str, record: &'r RawValue) -> Result<T> {
    let wrong = |why: &dyn Display| {
        let start: String = record.get().chars().take(80).collect();
        ExportError::decode(format_args!("{what}, {start}"), why)
    };
    // Keys by their place in a list would be taken too.
    if !record.get().starts_with('{') {
        return Err(wrong(&"it is no object"));
    }
    serde_json::from_str(record.get()).map_err(|error| wrong(&error))
}

fn plain(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<String>, D::Error> {
    Json::deserialize(deserializer).map(|value| plain(&value))
}

/// A count; one below nothing, as the desk writes -1, is not known.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u64>, D::Error> {
    text(deserializer).map(|text| text.and_then(|text| text.trim().parse().ok()))
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Json::deserialize(deserializer).map(|value| is_true(&value))
}

fn draft<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Json::deserialize(deserializer).map(|value| value.get("isDraft").is_some_and(is_true))
}

fn is_true(value: &Json) -> bool {
    match value {
        Json::Bool(value) => *value,
        Json::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::RawValue;

    use super::{Conversation, Counts, Entry, Facts, Thread, read};

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn tickets_are_read_whatever_they_look_like() {
        for (record, threads, trashed, draft) in [
            (
                r#"{"threadCount":"7","isTrashed":"true","lastThread":{"isDraft":"true"}}"#,
                Some(7),
                true,
                true,
            ),
            (
                r#"{"threadCount":7,"isTrashed":true,"lastThread":{"isDraft":true}}"#,
                Some(7),
                true,
                true,
            ),
            (
                r#"{"threadCount":"-1","isTrashed":"false","lastThread":null}"#,
                None,
                false,
                false,
            ),
            (
                r#"{"threadCount":null,"isTrashed":null,"lastThread":"x"}"#,
                None,
                false,
                false,
            ),
            (r#"{"threadCount":[1],"extra":{"a":1}}"#, None, false, false),
            ("{}", None, false, false),
        ] {
            let facts = Facts::read(raw(record)).expect(record);
            assert_eq!(
                (facts.counts().threads, facts.is_trashed, facts.ends_in_draft()),
                (threads, trashed, draft),
                "{record}"
            );
        }
        assert!(Facts::read(raw("[1]")).is_err());
        assert_eq!(Facts::default().counts(), Counts::default());
    }

    #[test]
    fn threads_say_channel_and_direction() {
        for (record, expected, private) in [
            (
                r#"{"channel":"EMAIL","direction":"in","visibility":"public"}"#,
                Some("EMAIL INCOMING"),
                Some(false),
            ),
            (
                r#"{"channel":"WEB","direction":"out","visibility":"private"}"#,
                Some("WEB OUTGOING"),
                Some(true),
            ),
            (r#"{"channel":"PHONE","direction":null}"#, Some("PHONE"), None),
            (r#"{"direction":"sideways","visibility":"x"}"#, Some("SIDEWAYS"), None),
            ("{}", None, None),
        ] {
            let thread: Thread<'_> = read("a thread", raw(record)).expect(record);
            assert_eq!(
                (thread.in_one().as_deref(), thread.is_private()),
                (expected, private),
                "{record}"
            );
        }
    }

    #[test]
    fn rows_are_told_apart() {
        for (row, is_comment) in [
            (r#"{"type":"comment"}"#, true),
            (r#"{"type":"thread","commenterId":"1"}"#, false),
            (r#"{"commentedTime":"2031-03-14T09:30:11.000Z"}"#, true),
            (r#"{"channel":"EMAIL"}"#, false),
        ] {
            let row: Conversation<'_> = read("a row", raw(row)).expect(row);
            assert_eq!(row.is_comment(), is_comment);
        }
        for (entry, ticket) in [
            (r#"{"requestId":"7"}"#, Some("7")),
            (r#"{"requestId":null,"parent":{"id":8,"type":"tickets"}}"#, Some("8")),
            (r#"{"requestId":null,"parent":{"id":"8","type":"tasks"}}"#, None),
            ("{}", None),
        ] {
            let entry: Entry = read("an entry", raw(entry)).expect(entry);
            assert_eq!(entry.ticket().as_deref(), ticket);
        }
    }
}
