//! Attachments: every part of every message. Of files only what is known about them is exported.

use std::rc::Rc;

use plugin_api::{Desk, ExportError, Request, Response, Result};

use super::History;
use crate::cell::{Row, plain};
use crate::list::{Page, Record, id, one_of, search, walk, where_is};
use crate::slices::{Records, fails_on_a_record};

const FIELDS: [&str; 10] = [
    "id",
    "TransactionId",
    "MessageId",
    "Subject",
    "Filename",
    "ContentType",
    "ContentEncoding",
    "Headers",
    "Creator",
    "Created",
];

/// RT fails when it is asked for the parent of an attachment that has none, so there are two searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Messages: they have no parent.
    Roots,
    /// Parts of messages.
    Parts,
}

/// A search for the attachments of a slice's transactions.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) history: Rc<History>,
    pub(super) which: Which,
    transactions: Vec<u64>,
}

impl Ask {
    /// The two searches for a slice.
    pub(super) fn both(history: History) -> Result<[Self; 2]> {
        let transactions = history.ids()?;
        let history = Rc::new(history);
        Ok([Which::Roots, Which::Parts].map(|which| Self {
            history: Rc::clone(&history),
            which,
            transactions: transactions.clone(),
        }))
    }

    /// The first request.
    pub(super) fn request(&self) -> Option<Request> {
        (!self.transactions.is_empty()).then(|| self.after(0))
    }

    fn after(&self, after: u64) -> Request {
        let conditions = |operator| {
            let parent = where_is("Parent", operator, 0);
            [
                one_of("TransactionId", &self.transactions),
                parent,
                where_is("id", ">", after),
            ]
        };
        match self.which {
            Which::Roots => search("attachments", &FIELDS, &["Creator"], &conditions("=")),
            Which::Parts => {
                let mut fields = FIELDS.to_vec();
                fields.push("Parent");
                search("attachments", &fields, &["Creator"], &conditions(">"))
            }
        }
    }

    /// The attachments: those of the first answer, and the pages after it. Where RT fails on them, the transactions
    /// are halved until the one is found on which it does.
    pub(super) fn read(&self, answer: Option<Result<Response>>, desk: &Desk<'_>) -> Result<Records> {
        let mut found = Records::default();
        let page = match answer {
            None => return Ok(found),
            Some(Ok(response)) => Page::read(&response)?,
            Some(Err(error)) if fails_on_a_record(&error) => {
                match self.transactions.as_slice() {
                    [one] => found.unread.push((format!("attachments of transaction {one}"), error)),
                    several => {
                        for transactions in several.chunks(several.len().div_ceil(2)) {
                            let half = Self {
                                transactions: transactions.to_vec(),
                                ..self.clone()
                            };
                            let answer = half.request().map(|request| desk.send(&request).and_then(Response::ok));
                            found.extend(half.read(answer, desk)?);
                        }
                    }
                }
                return Ok(found);
            }
            Some(Err(error)) => return Err(error),
        };
        let total = page.total;
        found.read = page.items;
        let whole = found.read.len() as u64 == total;
        if let Some(last) = found.read.last().filter(|_| !whole) {
            for page in walk(desk, id(last)?, |after| self.after(after)) {
                found.read.extend(page?.items);
            }
        }
        if (found.read.len() as u64) < total {
            let why = format!("{} attachments came, of {total}", found.read.len());
            return Err(ExportError::decode("attachments", why));
        }
        Ok(found)
    }
}

/// The row of an attachment.
pub(super) fn row(record: &Record) -> Row {
    let mut row = Row::default();
    row.plain(record, &["id", "TransactionId"]);
    row.text(
        record
            .get("Parent")
            .map(|parent| plain(parent.get("id")))
            .unwrap_or_default(),
    );
    row.plain(
        record,
        &["MessageId", "Subject", "Filename", "ContentType", "ContentEncoding"],
    );
    row.text(length(record));
    row.plain(record, &["Headers"]);
    row.name(record, "Creator");
    row.time(record, "Created");
    row
}

/// The length of the content as its headers tell it: nobody vouches for it. (RT would count, and write what it counted
/// to its database, if it were asked for the length.)
pub(super) fn length(record: &Record) -> String {
    const NAME: &str = "content-length:";
    let headers = plain(record.get("Headers"));
    let line = headers.lines().find(|line| {
        line.get(..NAME.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(NAME))
    });
    line.map(|line| line[NAME.len()..].trim().to_owned())
        .unwrap_or_default()
}

/// Whether it is text that people read: no file, and no other kind of data.
pub(super) fn is_text(record: &Record) -> bool {
    plain(record.get("Filename")).is_empty() && (is(record, "text/plain") || is(record, "text/html"))
}

/// Whether it is of this type.
pub(super) fn is(record: &Record, kind: &str) -> bool {
    plain(record.get("ContentType")).eq_ignore_ascii_case(kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_text, length};

    #[test]
    fn lengths_are_taken_from_headers() {
        for (headers, expected) in [
            ("Subject: 日本\nContent-Length: 12\nX: y", "12"),
            ("content-length:7", "7"),
            ("Subject: Content-Length: 5", ""),
            ("日本語の長い見出し\nContent-Length:", ""),
            ("", ""),
        ] {
            let record = json!({ "Headers": headers });
            assert_eq!(length(record.as_object().expect("an object")), expected, "{headers}");
        }
    }

    #[test]
    fn texts_are_neither_files_nor_data() {
        for (kind, file, expected) in [
            ("text/plain", "", true),
            ("Text/HTML", "", true),
            ("text/plain", "a.txt", false),
            ("text/calendar", "", false),
            ("multipart/mixed", "", false),
        ] {
            let record = json!({"ContentType": kind, "Filename": file});
            assert_eq!(
                is_text(record.as_object().expect("an object")),
                expected,
                "{kind} {file}"
            );
        }
    }
}
