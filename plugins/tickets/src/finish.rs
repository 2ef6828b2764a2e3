//! The end of a ticket: what was written is held against what the desk counts, and what differs is looked at again.

use std::rc::Rc;

use plugin_api::{ErrorKind, ExportError, Output, Response, Result, TableId};

use crate::ask::{self, CONVERSATIONS, PAGE};
use crate::entries;
use crate::least;
use crate::parts::{Part, conversations};
use crate::run::Drafts;
use crate::ticket::{Counts, Facts, Ticket, Visit, Way};
use crate::write::{Open, Writer, Written};

impl Writer<'_, '_, '_> {
    /// Ends a ticket.
    pub(crate) fn end(&mut self, ticket: &Rc<Ticket>, out: &mut Output<'_>) -> Result<()> {
        let drafts = self.run.drafts.get();
        if ticket.way != Way::Conversations
            && drafts == Drafts::NotCounted
            && (self.open.latest.is_some() || ticket.way == Way::Nothing)
        {
            // It was asked for before that was known.
            self.conversations(ticket, 0, out)?;
        }
        self.rest_of_conversations(ticket, out)?;
        if self.lacks(ticket, &ticket.counts) {
            self.second_look(ticket, out)?;
        }
        self.learn(ticket);
        if ticket.way != Way::Conversations && self.run.drafts.get() == Drafts::Unknown {
            self.remember(ticket);
        }
        if ticket.visit != Visit::First {
            self.open.counted = self.open.attachments.len() as u64 + self.open.hidden;
            self.run.sum(|sums| {
                sums.threads.explained += self.open.threads.rows + self.open.threads.unread;
                sums.attachments += self.open.counted;
            });
            return Ok(());
        }
        self.rest_of_lists(ticket, out)?;
        self.settle(ticket, out)
    }

    /// Reads pages of conversations from `from` on, to the end.
    pub(crate) fn conversations(&mut self, ticket: &Rc<Ticket>, mut from: u64, out: &mut Output<'_>) -> Result<()> {
        loop {
            let request = ask::page(&ticket.id, "/conversations", from, CONVERSATIONS);
            let answer = zoho::judge(self.run.desk.send(&request)?);
            let parts = match answer.and_then(|answer| conversations(ticket, &answer)) {
                Ok(parts) => parts,
                Err(error) if zoho::may_be_of_one_record(&error) => {
                    ticket.trouble.replace(Some(error));
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            self.found(ticket, parts, out)?;
            if !ticket.full.get() {
                return Ok(());
            }
            from += CONVERSATIONS;
        }
    }

    /// Asks for the bodies of threads, and writes them with the comments.
    fn found(&mut self, ticket: &Rc<Ticket>, parts: Vec<Part>, out: &mut Output<'_>) -> Result<()> {
        let desk = self.run.desk;
        let request = |part: &Part| match part {
            Part::Thread(_, id, _) => Some(ask::thread(&ticket.id, id)),
            _ => None,
        };
        for child in desk.each(parts.into_iter().map(Ok), request) {
            let child = child?;
            self.part(child.parent, child.answer, out)?;
        }
        Ok(())
    }

    /// Behind a last page that is full there may be more than the counts say: drafts may not be counted.
    fn rest_of_conversations(&mut self, ticket: &Rc<Ticket>, out: &mut Output<'_>) -> Result<()> {
        let counts = ticket.counts;
        let rows = counts
            .threads
            .zip(counts.comments)
            .map(|(threads, comments)| threads.saturating_add(comments));
        let met = ticket.met.borrow().len() as u64;
        let is_known = self.open.drafts == 0 || self.run.drafts.get() == Drafts::Counted;
        if ticket.way != Way::Conversations || !ticket.full.get() || is_known && rows.is_some_and(|rows| rows <= met) {
            return Ok(());
        }
        // Rows may have moved up meanwhile: what is met again is passed over.
        let from = met / CONVERSATIONS * CONVERSATIONS;
        self.conversations(ticket, from, out)
    }

    /// Whether there are fewer threads or comments than the ticket says, or than can be known.
    fn lacks(&self, ticket: &Ticket, counts: &Counts) -> bool {
        let open = &self.open;
        let fewer = |count: Option<u64>, found: u64| count.is_some_and(|count| count > found);
        let unknown = ticket.trouble.borrow().is_some() && (counts.threads.is_none() || counts.comments.is_none());
        if ticket.visit != Visit::First {
            return ticket.trouble.borrow().is_some();
        }
        unknown || fewer(counts.threads, self.counted_threads()) || fewer(counts.comments, open.comments.found())
    }

    /// The threads found, as the desk counts them.
    fn counted_threads(&self) -> u64 {
        let hidden = if self.run.drafts.get() == Drafts::NotCounted {
            self.open.drafts
        } else {
            0
        };
        self.open.threads.found().saturating_sub(hidden)
    }

    /// Looks for what is missing: first whether the ticket itself changed meanwhile, then in the lists of threads and
    /// of comments.
    fn second_look(&mut self, ticket: &Rc<Ticket>, out: &mut Output<'_>) -> Result<()> {
        let trouble = ticket.trouble.borrow().clone();
        let Some(now) = self.counts_now(ticket)? else {
            out.gone(self.run.tables.cases, &ticket.id)?;
            return Ok(());
        };
        if trouble.is_none() && !self.lacks(ticket, &now) {
            self.explain(ticket, &now);
            return Ok(());
        }
        let looked = self.lists(ticket, out);
        match looked {
            // The lists of a ticket that is still there are not to be had; without it, it went meanwhile.
            Err(error) if error.kind == ErrorKind::NotFound && self.counts_now(ticket)?.is_none() => {
                return out.gone(self.run.tables.cases, &ticket.id);
            }
            Err(error) if zoho::may_be_of_one_record(&error) => {
                let error = trouble.unwrap_or(error);
                self.open.threads.unread += missing(now.threads, self.counted_threads());
                self.open.comments.unread += missing(now.comments, self.open.comments.found());
                return self.unread(self.run.tables.threads, &ticket.id, &error, out);
            }
            looked => looked?,
        }
        for (table, count, is_threads) in [
            (self.run.tables.threads, now.threads, true),
            (self.run.tables.comments, now.comments, false),
        ] {
            let found = if is_threads {
                self.counted_threads()
            } else {
                self.open.comments.found()
            };
            let lacking = missing(count, found);
            if lacking > 0 {
                let what = if is_threads { "threads" } else { "comments" };
                self.open.failed = true;
                tell_missing((table, &ticket.id), ticket, (count.unwrap_or(0), found), what, out)?;
                let written = if is_threads {
                    &mut self.open.threads
                } else {
                    &mut self.open.comments
                };
                written.unread += lacking;
            }
        }
        self.explain(ticket, &now);
        Ok(())
    }

    /// What the ticket says now; `None` where it is gone.
    fn counts_now(&self, ticket: &Ticket) -> Result<Option<Counts>> {
        let answer = zoho::judge(self.run.desk.send(&ask::ticket(&ticket.id, ""))?);
        match answer.and_then(|answer| Facts::read(answer.record()?)) {
            Ok(facts) if facts.is_trashed => Ok(None),
            Ok(facts) => Ok(Some(facts.counts())),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            // Then what it said before counts.
            Err(error) if zoho::may_be_of_one_record(&error) => Ok(Some(ticket.counts)),
            Err(error) => Err(error),
        }
    }

    /// Threads and comments that the ticket counted and does not any more are explained: they were deleted meanwhile.
    fn explain(&mut self, ticket: &Ticket, now: &Counts) {
        for (then, now, written) in [
            (ticket.counts.threads, now.threads, &mut self.open.threads),
            (ticket.counts.comments, now.comments, &mut self.open.comments),
        ] {
            let went = then.zip(now).map_or(0, |(then, now)| then.saturating_sub(now));
            written.gone = written.gone.max(went);
        }
    }

    /// Reads the lists of threads and of comments, whose pages may not be as those of the conversations.
    fn lists(&mut self, ticket: &Rc<Ticket>, out: &mut Output<'_>) -> Result<()> {
        for (below, is_thread) in [("/threads", true), ("/comments", false)] {
            // Whether threads are counted from 0 or from 1 is contested.
            for page in zoho::list_pages(self.run.desk, ask::ticket(&ticket.id, below), "/data", PAGE)? {
                let mut parts = Vec::new();
                for record in page?.records()? {
                    let id = zoho::id(record)?;
                    if !ticket.met.borrow_mut().insert(id.clone()) {
                        continue;
                    }
                    let (ticket, record) = (Rc::clone(ticket), record.to_owned());
                    parts.push(if is_thread {
                        Part::Thread(ticket, id, record)
                    } else {
                        Part::Comment(ticket, record)
                    });
                }
                self.found(ticket, parts, out)?;
            }
        }
        Ok(())
    }

    /// Finds out whether drafts are counted.
    fn learn(&self, ticket: &Ticket) {
        let Open { threads, drafts, .. } = self.open;
        let Some(count) = ticket.counts.threads else {
            return;
        };
        if self.run.drafts.get() != Drafts::Unknown || drafts == 0 || threads.unread + threads.gone > 0 {
            return;
        }
        if threads.rows == count {
            self.run.drafts.set(Drafts::Counted);
            self.run.unsure.take();
        } else if threads.rows == count + drafts {
            self.run.drafts.set(Drafts::NotCounted);
        }
    }

    /// Reads on where the ticket's own lists had full pages and not all that it counts, and writes the attachments that
    /// no thread and no comment has.
    fn rest_of_lists(&mut self, ticket: &Rc<Ticket>, out: &mut Output<'_>) -> Result<()> {
        let is_less = |count: Option<u64>, behind: u64| count.is_none_or(|count| count > behind);
        while self.open.last_pages[0] >= PAGE && is_less(ticket.counts.attachments, self.open.behind[0]) {
            let from = self.open.behind[0];
            self.open.last_pages[0] = 0;
            let answer = self.ask(ticket, "/attachments", from)?;
            self.attachments(ticket, from, answer, out)?;
        }
        while self.open.last_pages[1] >= PAGE && is_less(ticket.counts.entries, self.open.behind[1]) {
            let from = self.open.behind[1];
            self.open.last_pages[1] = 0;
            let answer = self.ask(ticket, "/timeEntry", from)?;
            self.entries(ticket, from, answer, out)?;
        }
        // Of which thread or comment they are is not known while some of these are missing: they are asked for again with
        // them, and if that fails too, it is better than nothing.
        if self.open.failed && self.run.may_wait() {
            return Ok(());
        }
        for id in std::mem::take(&mut self.open.order) {
            if let Some(record) = self.open.listed.remove(&id) {
                self.attachment(ticket, &record, None, None, out)?;
            }
        }
        Ok(())
    }

    fn ask(&self, ticket: &Ticket, below: &str, from: u64) -> Result<Result<Response>> {
        let answer = self.run.desk.send(&ask::page(&ticket.id, below, from, PAGE))?;
        Ok(zoho::judge(answer))
    }

    /// Adds the ticket to the sums, and tells what is missing of its attachments and time entries.
    fn settle(&mut self, ticket: &Ticket, out: &mut Output<'_>) -> Result<()> {
        let counts = ticket.counts;
        let tables = self.run.tables;
        let found = self.open.attachments.len() as u64;
        // The ticket's own list may have some of which the agents' lists do not say whose they are.
        let known = self.run.entries.borrow().of_ticket(&ticket.id);
        let known = known.max(self.open.own_entries.len() as u64);
        let mut lacking = [
            counts
                .attachments
                .map_or(0, |count| count.saturating_sub(found + self.open.hidden)),
            counts.entries.map_or(0, |count| count.saturating_sub(known)),
        ];
        if lacking != [0, 0] {
            // Deleted meanwhile, or hidden from us?
            let now = self.counts_now(ticket)?;
            let now = now.map_or([Some(0); 2], |now| [now.attachments, now.entries]);
            for (lacking, (now, there)) in lacking
                .iter_mut()
                .zip(now.into_iter().zip([found + self.open.hidden, known]))
            {
                *lacking = (*lacking).min(now.map_or(*lacking, |now| now.saturating_sub(there)));
            }
        }
        if lacking[0] > 0 && !self.open.told.attachments {
            self.open.failed = true;
            let named = (tables.attachments, ticket.id.as_str());
            tell_missing(named, ticket, (found + lacking[0], found), "attachments", out)?;
        }
        if lacking[1] > 0 && !self.open.told.entries {
            self.open.failed = true;
            let key = entries::key_of(&ticket.id);
            let named = (tables.entries, key.as_str());
            tell_missing(named, ticket, (known + lacking[1], known), "time entries", out)?;
        }
        let (threads, comments) = (self.open.threads, self.open.comments);
        let drafts = self.run.drafts.get();
        let before = if self.open.asked_entries { 0 } else { known };
        let least = least::ticket(&counts, threads.rows, comments.rows, before, drafts) + self.open.cut;
        self.open.counted = found + self.open.hidden + lacking[0];
        // What was written of it before is in the sums, and what was missing then; but not what a comment has that could not be
        // read then, for a ticket does not count that.
        if let Some(earlier) = self.run.partial.get(&ticket.id) {
            let more = self.open.counted.saturating_sub(earlier.counted);
            self.run.sum(|sums| sums.attachments += more);
            return Ok(());
        }
        self.run.sum(|sums| {
            sums.threads.add(counts.threads, threads.rows, threads.unread);
            sums.comments.add(counts.comments, comments.rows, comments.unread);
            sums.entries.add(counts.entries, known, lacking[1]);
            sums.attachments += self.open.counted;
            sums.least += least;
        });
        self.run.foreseen.borrow_mut().took(least);
        Ok(())
    }
}

/// Names a ticket of which the desk counts more than it shows.
fn tell_missing(
    (table, key): (TableId, &str),
    ticket: &Ticket,
    (count, found): (u64, u64),
    what: &str,
    out: &mut Output<'_>,
) -> Result<()> {
    let why = format!("the desk counts {count} {what}, and shows {found}, also when it is asked again");
    let why = ExportError::decode(format_args!("ticket {}", ticket.id), why);
    out.unread(table, key, &why)
}

impl Written {
    /// Those that were written, or told. Not those that are gone: whether the ticket counts them no more is looked at.
    pub(crate) fn found(self) -> u64 {
        self.rows + self.unread
    }
}

fn missing(count: Option<u64>, found: u64) -> u64 {
    count.map_or(0, |count| count.saturating_sub(found))
}
