//! The export: one kind after the other.

use std::collections::HashSet;

use plugin_api::{Desk, ErrorKind, ExportError, Job, Output, RawValue, Result, TableId};
use serde::{Deserialize, Serialize};
use zoho::{Again, Least, Records, list};

use crate::comments::{self, PAGE};
use crate::kinds::{ALL, Kind};

/// How far an export has come: what a checkpoint keeps.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// The place of the kind that is read.
    kind: usize,
    /// Where it stands in it.
    records: Option<zoho::Cursor>,
    /// Kinds before it that may not be read, and why.
    refused: Vec<(usize, ExportError)>,
    /// About how many rows the kinds before it have.
    before: u64,
    /// Activities of the page behind that which are written.
    #[serde(default)]
    done: Vec<String>,
    /// The least number of requests, without those for the records of the kind that is read.
    #[serde(default)]
    least: Least,
}

/// Activities between two checkpoints.
const TOGETHER: usize = 10;

/// Exports all kinds, and tells those that these credentials may not read: as an error if it is all of them, else as
/// unread.
pub(crate) fn export(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    let mut cursor: Cursor = zoho::cursor(job)?.unwrap_or_else(|| {
        let mut begin = Cursor::default();
        // The fields of each kind.
        begin.least.add(ALL.len() as u64);
        begin
    });
    while let Some(kind) = ALL.get(cursor.kind) {
        let table = out.table(kind.table)?;
        let mut at = At { kind, table };
        match at.export(job, desk, out, &mut cursor) {
            Err(error)
                if is_closed(&error) && out.rows(table) == 0 && cursor.records.is_none() && cursor.done.is_empty() =>
            {
                cursor.refused.push((cursor.kind, error));
                // Its search and its list, which both were refused.
                cursor.least.add(2);
            }
            done => done?,
        }
        cursor.kind += 1;
        (cursor.records, cursor.done) = (None, Vec::new());
        out.checkpoint(&cursor)?;
    }
    cursor.least.tell(out)?;
    if cursor.refused.len() >= ALL.len()
        && let Some((_, error)) = cursor.refused.pop()
    {
        return Err(error);
    }
    for (at, error) in &cursor.refused {
        if let Some(kind) = ALL.get(*at) {
            let table = out.table(kind.table)?;
            out.unread(table, format!("all {}", kind.module), error)?;
        }
    }
    Ok(())
}

/// Some activities once more, with their comments; or these alone, where they could not be read.
pub(crate) fn again(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    let table = out.table(comments::TABLE)?;
    for kind in &ALL {
        let own = out.table(kind.table)?;
        let ids = zoho::wanted_ids(&job.only, kind.table, own, out)?;
        zoho::again(desk, kind.records.path, ids, |id, again| match again {
            Again::Record(activity, _) => {
                out.record(own, &activity)?;
                if comments::may_have(&activity) {
                    comments_again(desk, out, table, (kind, id))?;
                }
                Ok(())
            }
            Again::Gone => out.gone(own, id),
            Again::Unread(error) => out.unread(own, id, &error),
        })?;
    }
    for wanted in job.only.iter().filter(|wanted| wanted.table == comments::TABLE) {
        let key = wanted.key.join(" ");
        let named = key.split_once('/').filter(|(_, id)| zoho::is_id(id));
        let kind = named.and_then(|(module, id)| Some((ALL.iter().find(|kind| kind.module == module)?, id)));
        match kind {
            Some((kind, id)) => comments_again(desk, out, table, (kind, id))?,
            None => zoho::stays_unread(out, table, key)?,
        }
    }
    Ok(())
}

fn comments_again(desk: &Desk<'_>, out: &mut Output<'_>, table: TableId, (kind, id): (&Kind, &str)) -> Result<()> {
    let answer = zoho::judge(desk.send(&comments::request(kind, id))?);
    match answer.and_then(|first| comments::write(desk, out, table, (kind, id), &first)) {
        Ok(_) => Ok(()),
        Err(error) => not_read(desk, out, table, (kind, id), &error),
    }
}

/// Tells that an activity's comments could not be read, or that it was deleted since it was listed: then it is kept as it was.
fn not_read(
    desk: &Desk<'_>,
    out: &mut Output<'_>,
    table: TableId,
    (kind, id): (&Kind, &str),
    error: &ExportError,
) -> Result<()> {
    let key = format!("{}/{id}", kind.module);
    if error.kind == ErrorKind::NotFound {
        // If it is still there, so are its comments.
        return if zoho::is_gone(desk, &format!("{}/{id}", kind.records.path))? {
            out.gone(table, key)
        } else {
            out.unread(table, key, error)
        };
    }
    if zoho::is_of_one_record(error) {
        return out.unread(table, key, error);
    }
    Err(error.clone())
}

/// Whether the kind as a whole is not there for these credentials.
fn is_closed(error: &ExportError) -> bool {
    matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unavailable)
}

/// The kind that is read.
struct At<'k> {
    kind: &'k Kind,
    table: TableId,
}

/// An activity and its id; or none, and the cursor behind a page.
type Item = (Option<Box<RawValue>>, String, Option<zoho::Cursor>);

impl At<'_> {
    fn export(&mut self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>, cursor: &mut Cursor) -> Result<()> {
        let table = out.table(comments::TABLE)?;
        let pages = Records::open(desk, job, self.kind.records, cursor.records.as_ref())?;
        let facts = pages.facts();
        let mut expected = 0;
        // Where the export goes on amid a page, some of it were written before.
        let earlier: HashSet<String> = cursor.done.iter().cloned().collect();
        let activities = pages.flat_map(move |page| items(page, &earlier));
        let request = |(activity, id, _): &Item| {
            let has_comments = activity.as_deref().is_some_and(comments::may_have);
            has_comments.then(|| comments::request(self.kind, id))
        };
        for child in desk.each(activities, request) {
            let child = child?;
            let (activity, id, behind) = child.parent;
            if facts.expected().is_some_and(|now| now != expected) {
                expected = facts.expected().unwrap_or(0);
                out.expect(cursor.before + expected)?;
            }
            let Some(activity) = activity else {
                pass(cursor, behind, out)?;
                continue;
            };
            out.record(self.table, &activity)?;
            match child.answer {
                None => {}
                Some(Ok(first)) => match comments::write(desk, out, table, (self.kind, &id), &first) {
                    Ok(count) => cursor.least.add(list(count, PAGE)),
                    Err(error) => not_read(desk, out, table, (self.kind, &id), &error)?,
                },
                Some(Err(error)) => not_read(desk, out, table, (self.kind, &id), &error)?,
            }
            facts.tell(out, self.table)?;
            cursor.done.push(id);
            if cursor.done.len().is_multiple_of(TOGETHER) {
                out.checkpoint(cursor)?;
            }
        }
        facts.tell(out, self.table)?;
        cursor.least.add(facts.least());
        cursor.before += facts.expected().unwrap_or(expected);
        Ok(())
    }
}

/// Goes behind a page.
fn pass(cursor: &mut Cursor, behind: Option<zoho::Cursor>, out: &mut Output<'_>) -> Result<()> {
    if behind.is_some() {
        (cursor.records, cursor.done) = (behind, Vec::new());
        out.checkpoint(cursor)?;
    }
    Ok(())
}

/// The activities of a page, each with its id, without those that were written before; then the cursor behind the page.
fn items(page: Result<zoho::Page>, earlier: &HashSet<String>) -> Vec<Result<Item>> {
    let items = page.and_then(|page| {
        let mut items = Vec::new();
        for record in page.records()? {
            let id = zoho::id(record)?;
            if !earlier.contains(&id) {
                items.push(Ok((Some(record.to_owned()), id, None)));
            }
        }
        items.push(Ok((None, String::new(), page.cursor)));
        Ok(items)
    });
    items.unwrap_or_else(|error| vec![Err(error)])
}
