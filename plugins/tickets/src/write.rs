//! Writes what came of a ticket, in the order of its parts.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use plugin_api::{ErrorKind, ExportError, Output, RawValue, Request, Response, Result, TableId, Value};
use serde_json::Value as Json;

use crate::ask;
use crate::entries;
use crate::ids;
use crate::memory::Partial;
use crate::parts::{Origin, Part};
use crate::run::{Drafts, Run};
use crate::ticket::{Conversation, Thread, Ticket, Visit, read};

/// Writes the rows of an export.
pub(crate) struct Writer<'w, 'r, 'a> {
    pub(crate) run: &'w Run<'r, 'a>,
    pub(crate) open: Open,
    strikes: zoho::Strikes,
}

/// The ticket that is being written.
#[derive(Default)]
pub(crate) struct Open {
    pub(crate) threads: Written,
    pub(crate) comments: Written,
    /// Drafts among the threads.
    pub(crate) drafts: u64,
    /// The one thread that was written without a look at the conversations.
    pub(crate) latest: Option<String>,
    /// Attachments that the ticket's list has, until a thread or comment turns out to have them.
    pub(crate) listed: HashMap<String, Box<RawValue>>,
    /// The order of these.
    pub(crate) order: Vec<String>,
    pub(crate) attachments: HashSet<String>,
    /// Attachments that a thread counts and does not show.
    pub(crate) hidden: u64,
    /// Attachments that are in the sums.
    pub(crate) counted: u64,
    /// Rows of the last page of the ticket's list of attachments, and of its time entries.
    pub(crate) last_pages: [u64; 2],
    /// Where those lists go on.
    pub(crate) behind: [u64; 2],
    /// The ticket's time entries were asked for.
    pub(crate) asked_entries: bool,
    /// The ids of those that came.
    pub(crate) own_entries: HashSet<String>,
    /// Bodies that were cut short.
    pub(crate) cut: u64,
    /// Something of it is told as unread already.
    pub(crate) told: Told,
    /// The threads and comments that were written.
    pub(crate) ids: [Vec<String>; 2],
    /// Something of it is told as unread, of whatever.
    pub(crate) failed: bool,
}

/// What became of a ticket's threads, or comments.
#[derive(Clone, Copy, Default)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    pub(crate) unread: u64,
    pub(crate) gone: u64,
}

/// Which lists of a ticket are told as unread.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    pub(crate) attachments: bool,
    pub(crate) entries: bool,
}

impl<'w, 'r, 'a> Writer<'w, 'r, 'a> {
    pub(crate) fn new(run: &'w Run<'r, 'a>) -> Self {
        Self {
            run,
            open: Open::default(),
            strikes: zoho::Strikes::default(),
        }
    }

    /// Writes a part; `answer` is that of its request.
    pub(crate) fn part(&mut self, part: Part, answer: Option<Result<Response>>, out: &mut Output<'_>) -> Result<()> {
        match (part, answer) {
            (Part::Gone(table, key), _) => {
                if self.run.is_again() {
                    self.run.ended.borrow_mut().insert(key.clone());
                }
                out.gone(table, key)
            }
            (Part::Outside, _) => {
                self.run.sum(|sums| sums.least += 1);
                Ok(())
            }
            (Part::Unread(table, key, error), _) => self.unread(table, key, &error, out),
            (Part::Begin(record, origin, ticket), _) => {
                self.open = Open::default();
                if let Some(earlier) = self.run.partial.get(&ticket.id) {
                    self.open.threads.rows = earlier.threads.len() as u64;
                    self.open.comments.rows = earlier.comments.len() as u64;
                    self.open.attachments = earlier.attachments.iter().cloned().collect();
                } else {
                    self.run
                        .sum(|sums| sums.archived += u64::from(origin == Origin::Archived));
                }
                record.map_or(Ok(()), |record| out.record(self.run.tables.cases, &record))
            }
            (Part::Attachments(ticket, from), Some(answer)) => self.attachments(&ticket, from, answer, out),
            (Part::Entries(ticket, from), Some(answer)) => self.entries(&ticket, from, answer, out),
            (Part::Latest(ticket), Some(answer)) => self.latest(&ticket, answer, out),
            (Part::Thread(ticket, id, row), Some(answer)) => self.thread(&ticket, &id, Some(&row), answer, out),
            (Part::Comment(ticket, record), _) => self.comment(&ticket, &record, out),
            (Part::End(ticket), _) => {
                self.end(&ticket, out)?;
                self.close(&ticket);
                Ok(())
            }
            (part, _) => Err(ExportError::new(
                ErrorKind::Other,
                format!("{part:?} was not asked for"),
            )),
        }
    }

    /// Tells a record as unread, or gives the error back if it concerns more than one.
    pub(crate) fn unread(
        &mut self,
        table: TableId,
        key: impl Into<String>,
        error: &ExportError,
        out: &mut Output<'_>,
    ) -> Result<()> {
        self.open.failed = true;
        self.run.sum(|sums| sums.told += 1);
        self.strikes.unread(table, key, error, out)
    }

    /// Remembers what was written of a ticket of which something is missing, so that the rest can be read by itself.
    fn close(&mut self, ticket: &Ticket) {
        if self.run.is_again() {
            self.run.ended.borrow_mut().insert(ticket.id.clone());
            return;
        }
        let is_partial = self.open.failed || ticket.visit != Visit::First && self.open.threads.rows > 0;
        if is_partial {
            let [threads, comments] = std::mem::take(&mut self.open.ids);
            let mut attachments: Vec<String> = std::mem::take(&mut self.open.attachments).into_iter().collect();
            attachments.sort_unstable();
            self.run.fresh.borrow_mut().partial.push(Partial {
                ticket: ticket.id.clone(),
                threads,
                comments,
                attachments,
                counted: self.open.counted,
            });
        }
    }

    /// The key of a thread or comment that is told as unread.
    pub(crate) fn key(ticket: &Ticket, id: &str) -> String {
        format!("{}/{id}", ticket.id)
    }

    /// The only thread of a ticket.
    fn latest(&mut self, ticket: &Rc<Ticket>, answer: Result<Response>, out: &mut Output<'_>) -> Result<()> {
        let id = answer.and_then(|answer| {
            if answer.is_empty() {
                return Ok(None);
            }
            let thread: Thread<'_> = read("a thread", answer.record()?)?;
            let id = zoho::id(answer.record()?)?;
            // A draft may stand before a thread that counts.
            Ok((!thread.is_draft() || self.run.drafts.get() == Drafts::Counted).then_some((id, answer)))
        });
        match id {
            Ok(Some((id, answer))) => {
                ticket.met.borrow_mut().insert(id.clone());
                self.thread(ticket, &id, None, Ok(answer), out)?;
                self.open.latest = Some(id);
                Ok(())
            }
            // What it did not give is looked for when the ticket ends.
            Ok(None) => self.conversations(ticket, 0, out),
            Err(error) if zoho::may_be_of_one_record(&error) => self.conversations(ticket, 0, out),
            Err(error) => Err(error),
        }
    }

    /// A thread with its body; `row` is what the conversations have of it.
    pub(crate) fn thread(
        &mut self,
        ticket: &Rc<Ticket>,
        id: &str,
        row: Option<&RawValue>,
        answer: Result<Response>,
        out: &mut Output<'_>,
    ) -> Result<()> {
        let table = self.run.tables.threads;
        let record = answer.and_then(|answer| {
            let detail = answer.record()?;
            if zoho::id(detail)? != id {
                return Err(ExportError::decode(
                    &answer.asked,
                    "the desk gave another thread in its place",
                ));
            }
            row.map_or_else(|| Ok(detail.to_owned()), |row| zoho::union(detail, row))
        });
        let read = record.and_then(|record| self.whole(ticket, id, record, out));
        match read.and_then(|record| self.thread_row(ticket, &record, out)) {
            Ok(()) => {
                self.strikes.clear();
                Ok(())
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                self.open.threads.gone += 1;
                out.gone(table, id)
            }
            Err(error) => {
                self.open.threads.unread += 1;
                self.unread(table, Self::key(ticket, id), &error, out)
            }
        }
    }

    /// The record with its whole body.
    fn whole(
        &mut self,
        ticket: &Ticket,
        id: &str,
        record: Box<RawValue>,
        out: &mut Output<'_>,
    ) -> Result<Box<RawValue>> {
        let thread: Thread<'_> = read("a thread", &record)?;
        if !thread.is_content_truncated {
            return Ok(record);
        }
        self.open.cut += 1;
        let request = thread.full_content.as_deref().and_then(below_base);
        let request =
            request.unwrap_or_else(|| ask::ticket(&ticket.id, &format!("/threads/{}/fullContent", zoho::segment(id))));
        let content = zoho::judge(self.run.desk.send(&request)?).and_then(|answer| full_content(&answer));
        match content {
            Ok(content) => with_content(&record, &content),
            // It is asked for again at the end; if that fails too, what there is of it is better than nothing.
            Err(error) if zoho::may_be_of_one_record(&error) && !self.run.may_wait() => {
                self.unread(
                    self.run.tables.threads,
                    Self::key(ticket, id),
                    &error.at("only the beginning of its text was read"),
                    out,
                )?;
                Ok(record)
            }
            // The thread itself is there.
            Err(mut error) if error.kind == ErrorKind::NotFound => {
                error.kind = ErrorKind::Decode;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    fn thread_row(&mut self, ticket: &Rc<Ticket>, record: &RawValue, out: &mut Output<'_>) -> Result<()> {
        let thread: Thread<'_> = read("a thread", record)?;
        let in_one = thread.in_one();
        let given = [
            ("ticketId", Value::Text(&ticket.id)),
            ("threadStatus", in_one.as_deref().map_or(Value::Null, Value::Text)),
            ("isPrivate", thread.is_private().map_or(Value::Null, Value::Bool)),
            (
                "departmentId",
                ticket.department.as_deref().map_or(Value::Null, Value::Text),
            ),
            ("layoutId", ticket.layout.as_deref().map_or(Value::Null, Value::Text)),
        ];
        out.record_with(self.run.tables.threads, record, &given)?;
        self.open.threads.rows += 1;
        self.open.ids[0].extend(thread.id.clone());
        self.open.drafts += u64::from(thread.is_draft());
        let shown = thread.attachments.as_ref().map_or(0, |shown| shown.len() as u64);
        let id = thread.id.clone().unwrap_or_default();
        if let Some(hidden) = thread
            .attachment_count
            .and_then(|count| count.checked_sub(shown))
            .filter(|hidden| *hidden > 0)
        {
            self.open.hidden += hidden;
            self.open.failed = true;
            let why = format!(
                "the desk counts {} attachments of thread {id}, and shows {shown}",
                shown + hidden
            );
            out.unread(
                self.run.tables.attachments,
                Self::key(ticket, &id),
                &ExportError::decode(format_args!("ticket {}", ticket.id), why),
            )?;
        }
        for attachment in thread.attachments.iter().flatten() {
            self.attachment(ticket, attachment, Some(&id), None, out)?;
        }
        Ok(())
    }

    /// A comment.
    pub(crate) fn comment(&mut self, ticket: &Rc<Ticket>, record: &RawValue, out: &mut Output<'_>) -> Result<()> {
        out.record_with(
            self.run.tables.comments,
            record,
            &[("entityId", Value::Text(&ticket.id))],
        )?;
        self.open.comments.rows += 1;
        let id = zoho::id(record)?;
        self.open.ids[1].push(id.clone());
        match read::<Conversation<'_>>("a comment", record) {
            Ok(comment) => {
                let attachments = comment.attachments.unwrap_or_default();
                attachments
                    .into_iter()
                    .try_for_each(|attachment| self.attachment(ticket, attachment, None, Some(&id), out))
            }
            Err(error) => self.unread(self.run.tables.attachments, Self::key(ticket, &id), &error, out),
        }
    }

    /// An attachment of a thread or a comment, or of the ticket itself; each once.
    pub(crate) fn attachment(
        &mut self,
        ticket: &Ticket,
        record: &RawValue,
        thread: Option<&str>,
        comment: Option<&str>,
        out: &mut Output<'_>,
    ) -> Result<()> {
        let table = self.run.tables.attachments;
        let id = match zoho::id(record) {
            Ok(id) => id,
            Err(error) => {
                let key = thread.or(comment).map(|id| Self::key(ticket, id));
                return self.unread(table, key.unwrap_or_else(|| ticket.id.clone()), &error, out);
            }
        };
        if !self.open.attachments.insert(id.clone()) {
            return Ok(());
        }
        let listed = self.open.listed.remove(&id);
        let both = listed.map(|listed| zoho::union(record, &listed)).transpose()?;
        let given = [
            ("ticketId", Value::Text(&ticket.id)),
            ("threadId", thread.map_or(Value::Null, Value::Text)),
            ("commentId", comment.map_or(Value::Null, Value::Text)),
        ];
        out.record_with(table, both.as_deref().unwrap_or(record), &given)
    }

    /// A page of a ticket's own list of attachments.
    pub(crate) fn attachments(
        &mut self,
        ticket: &Ticket,
        from: u64,
        answer: Result<Response>,
        out: &mut Output<'_>,
    ) -> Result<()> {
        let taken = answer.and_then(|answer| {
            let records = answer.records("/data")?;
            self.open.last_pages[0] = records.len() as u64;
            self.open.behind[0] = from + records.len() as u64;
            for record in records {
                let id = zoho::id(record)?;
                if self.open.listed.insert(id.clone(), record.to_owned()).is_none() {
                    self.open.order.push(id);
                }
            }
            Ok(())
        });
        self.list_taken(
            taken,
            (self.run.tables.attachments, &ticket.id),
            |open| &mut open.told.attachments,
            out,
        )
    }

    /// A page of a ticket's time entries.
    pub(crate) fn entries(
        &mut self,
        ticket: &Ticket,
        from: u64,
        answer: Result<Response>,
        out: &mut Output<'_>,
    ) -> Result<()> {
        self.open.asked_entries = true;
        let taken = answer.and_then(|answer| {
            let records = answer.records("/data")?;
            self.open.last_pages[1] = records.len() as u64;
            self.open.behind[1] = from + records.len() as u64;
            for record in records {
                let id = zoho::id(record)?;
                let added = self.run.entries.borrow_mut().add(&id, Some(&ticket.id));
                if let Some(entry) = added {
                    self.run.fresh.borrow_mut().entries.0.push(entry);
                    out.record(self.run.tables.entries, record)?;
                    self.run.sum(|sums| sums.entry_rows += 1);
                }
                self.open.own_entries.insert(id);
            }
            Ok(())
        });
        self.list_taken(
            taken,
            (self.run.tables.entries, &entries::key_of(&ticket.id)),
            |open| &mut open.told.entries,
            out,
        )
    }

    /// Tells what became of a page of a ticket's own list; `told` is where it is kept that something of it was told.
    fn list_taken(
        &mut self,
        taken: Result<()>,
        (table, key): (TableId, &str),
        told: fn(&mut Open) -> &mut bool,
        out: &mut Output<'_>,
    ) -> Result<()> {
        match taken {
            Err(error) if error.kind == ErrorKind::NotFound => out.gone(table, key),
            Err(error) => {
                *told(&mut self.open) = true;
                self.unread(table, key, &error, out)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Remembers a ticket that was read as if drafts counted.
    pub(crate) fn remember(&self, ticket: &Ticket) {
        if let Some(id) = ids::number(&ticket.id) {
            let thread = self.open.latest.as_deref().and_then(ids::number);
            self.run.unsure.borrow_mut().push((id, thread));
            self.run.fresh.borrow_mut().unsure.0.push((id, thread));
        }
    }
}

/// The record with this content, itself JSON, in place of its own.
fn with_content(record: &RawValue, content: &RawValue) -> Result<Box<RawValue>> {
    let whole = format!(r#"{{"content":{}}}"#, content.get());
    let whole = RawValue::from_string(whole).map_err(|error| ExportError::decode("a content", error))?;
    zoho::union(&whole, record)
}

/// The text of an answer that has a thread's whole content: as a record with `content`, or as itself.
fn full_content(answer: &Response) -> Result<Box<RawValue>> {
    let record = answer.record()?;
    if record.get().starts_with('"') {
        return Ok(record.to_owned());
    }
    let content: Option<Json> = answer.at("/content")?;
    match content {
        Some(Json::String(text)) => {
            let text = Json::String(text).to_string();
            RawValue::from_string(text).map_err(|error| ExportError::decode(&answer.asked, error))
        }
        _ => Err(ExportError::decode(&answer.asked, "the answer has no content")),
    }
}

/// The desk's own link to a content, as a request below the base URL: the path behind the API's version.
fn below_base(url: &str) -> Option<Request> {
    let (_, path) = url.split_once("/api/v1/")?;
    let path = path.split('?').next().unwrap_or_default();
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte));
    (is_plain && !path.contains("//")).then(|| Request::get(format!("/{path}")))
}
