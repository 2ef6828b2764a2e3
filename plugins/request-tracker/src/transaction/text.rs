//! The texts of transactions, fetched in groups that fit one answer.

use std::collections::HashMap;

use plugin_api::{Desk, ExportError, Output, Request, Response, Result};
use serde_json::json;

use super::attachment::{self, is, is_text};
use super::{History, owner, row, time_worked};
use crate::cell::plain;
use crate::list::{PAGE, Page, Record, id, one_of, search};
use crate::slices::{Records, fails_on_a_record};
use crate::work::Run;

/// Bytes of texts, as their headers tell them, that are asked for together.
const TOGETHER: u64 = 4 * 1024 * 1024;

/// Transactions whose texts are asked for together.
#[derive(Default)]
pub(super) struct Group {
    transactions: Vec<(Record, Vec<Record>)>,
    /// The numbers of the texts, for one request each. More than one only where a single transaction has so much.
    requests: Vec<Vec<u64>>,
    /// Where it is the last of a slice: the slice's end.
    pub(super) last_of: Option<u64>,
    unread: Vec<(String, ExportError)>,
}

impl Group {
    /// The groups of a slice; at least one.
    pub(super) fn all(history: &History, attachments: Records) -> Result<Vec<Self>> {
        let mut of_transaction: HashMap<u64, Vec<Record>> = HashMap::new();
        for attachment in attachments.read {
            of_transaction.entry(owner(&attachment)?).or_default().push(attachment);
        }
        let mut groups = Vec::new();
        let mut group = Self::default();
        let mut bytes = 0_u64;
        for transaction in &history.transactions.read {
            let mut attachments = of_transaction.remove(&id(transaction)?).unwrap_or_default();
            sort(&mut attachments)?;
            for (place, text) in attachments.iter().filter(|attachment| is_text(attachment)).enumerate() {
                // Whoever wrote the mail wrote its headers: any number may stand there.
                let more: u64 = attachment::length(text).parse().unwrap_or(0);
                let full = group.requests.last().is_some_and(|ids| ids.len() as u64 == PAGE);
                if bytes.saturating_add(more) > TOGETHER || full || group.requests.is_empty() {
                    if place == 0 && !group.transactions.is_empty() && !group.requests.is_empty() {
                        groups.push(std::mem::take(&mut group));
                    }
                    group.requests.push(Vec::new());
                    bytes = 0;
                }
                if let Some(ids) = group.requests.last_mut() {
                    ids.push(id(text)?);
                }
                bytes = bytes.saturating_add(more);
            }
            group.transactions.push((transaction.clone(), attachments));
        }
        if let Some((stray, _)) = of_transaction.into_iter().next() {
            let why = format!("attachments of transaction {stray} came, which was not asked for");
            return Err(ExportError::decode("attachments", why));
        }
        group.last_of = Some(history.slice.to);
        group.unread.clone_from(&history.transactions.unread);
        group.unread.extend(attachments.unread);
        groups.push(group);
        Ok(groups)
    }

    /// The first request, if any text is wanted.
    pub(super) fn request(&self) -> Option<Request> {
        self.requests.first().map(|ids| request(ids))
    }

    /// The texts by number: of the first answer, and of the further requests.
    pub(super) fn texts(&mut self, answer: Option<Result<Response>>, desk: &Desk<'_>) -> Result<HashMap<u64, String>> {
        let mut texts = HashMap::new();
        let mut answer = answer;
        for ids in std::mem::take(&mut self.requests) {
            let answer = answer
                .take()
                .unwrap_or_else(|| desk.send(&request(&ids)).and_then(Response::ok));
            self.read(&ids, answer, desk, &mut texts)?;
        }
        Ok(texts)
    }

    /// Where RT fails on several texts, or they are too large together in spite of their headers, they are asked for
    /// one by one. One that still fails is unread.
    fn read(
        &mut self,
        ids: &[u64],
        answer: Result<Response>,
        desk: &Desk<'_>,
        texts: &mut HashMap<u64, String>,
    ) -> Result<()> {
        match answer {
            Ok(response) => {
                let asked = response.asked.clone();
                let page = Page::whole(desk, &request(ids), Some(response))?;
                let mut wanted = ids.to_vec();
                wanted.sort_unstable();
                if page.ids()? != wanted {
                    return Err(ExportError::decode(&asked, "other texts came than were asked for"));
                }
                for item in &page.items {
                    texts.insert(id(item)?, plain(item.get("Content")));
                }
            }
            Err(error) if fails_on_a_record(&error) => match ids {
                [one] => self.unread.push((format!("text of attachment {one}"), error)),
                several => {
                    for one in several {
                        let answer = desk.send(&request(&[*one])).and_then(Response::ok);
                        self.read(&[*one], answer, desk, texts)?;
                    }
                }
            },
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes its transactions, their time worked and their attachments.
    pub(super) fn write(&self, run: &Run<'_, '_>, out: &mut Output<'_>, texts: &HashMap<u64, String>) -> Result<()> {
        let table = out.table("Transactions")?;
        let worked = out.table("TimeWorked")?;
        let files = out.table("Attachments")?;
        for (key, reason) in &self.unread {
            out.unread(table, key.as_str(), reason)?;
        }
        for (transaction, attachments) in &self.transactions {
            let (mut plain_text, mut html, mut more) = (None, None, Vec::new());
            for attachment in attachments.iter().filter(|attachment| is_text(attachment)) {
                let number = id(attachment)?;
                let text = texts.get(&number).map_or("", String::as_str);
                let place = if is(attachment, "text/plain") {
                    &mut plain_text
                } else {
                    &mut html
                };
                if place.is_none() {
                    *place = Some(text);
                } else {
                    let kind = plain(attachment.get("ContentType"));
                    more.push(json!({"Content": text, "ContentType": kind, "id": number.to_string()}));
                }
            }
            let (plain_text, html) = (plain_text.unwrap_or_default(), html.unwrap_or_default());
            row(run, transaction, plain_text, html, &more).write(out, table)?;
            if let Some(row) = time_worked(transaction) {
                row.write(out, worked)?;
            }
            for attachment in attachments {
                attachment::row(attachment).write(out, files)?;
            }
        }
        Ok(())
    }
}

fn request(ids: &[u64]) -> Request {
    search("attachments", &["id", "Content"], &[], &[one_of("id", ids)])
}

fn sort(attachments: &mut [Record]) -> Result<()> {
    attachments.iter().try_for_each(|attachment| id(attachment).map(drop))?;
    attachments.sort_by_key(|attachment| id(attachment).unwrap_or_default());
    Ok(())
}
