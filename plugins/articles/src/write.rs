//! Asks for articles and their translations, many at one time, and writes them.
//!
//! A row of the search has the languages of its article, so that the translations need not wait for its detail.

use std::collections::{HashMap, HashSet};

use plugin_api::{Desk, ErrorKind, ExportError, Job, Output, RawValue, Request, Response, Result, TableId, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zoho::{Facts, Module, Records, segment};

use crate::article::{Article, Language};

mod again;

const ARTICLES: Module = Module {
    path: "/articles",
    list: &[("sortBy", "createdTime")],
};

/// Where an export goes on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    page: Option<zoho::Cursor>,
    /// Articles of the page behind that which are written.
    #[serde(default)]
    done: Vec<String>,
    sums: Sums,
}

/// Articles between two checkpoints.
const TOGETHER: usize = 10;

/// What the articles so far have. It goes into checkpoints.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Sums {
    translations: u64,
    attachments: u64,
    least: u64,
}

/// What is to be asked for and written, one after the other.
#[derive(Debug)]
enum Part {
    /// An article, as it was listed; whether that is its detail already.
    Article(Box<RawValue>, bool),
    /// A translation of the article before.
    Translation(String, Language),
    /// The article ends.
    End(String),
    /// Everything before it has been given.
    Mark(Box<zoho::Cursor>),
}

struct Writer<'w, 'a> {
    desk: &'w Desk<'a>,
    tables: [TableId; 3],
    sums: Sums,
    /// Where the export goes on.
    page: Option<zoho::Cursor>,
    done: Vec<String>,
    /// What an earlier run has of articles that are read again.
    earlier: HashMap<String, Partial>,
    open: Option<Open>,
    strikes: zoho::Strikes,
}

/// The article that is being written.
#[derive(Default)]
struct Open {
    /// Languages that its detail has, by locale.
    languages: Vec<Language>,
    /// Locales that were asked for.
    asked: HashSet<String>,
    attachments: HashSet<String>,
    /// Locales of the translations that are written, and of those that are told as unread.
    written: Vec<String>,
    told: Vec<String>,
    /// Something of it is told as unread.
    failed: bool,
}

/// What is remembered, for what could not be read and is read again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Memory {
    Partial(Partial),
    /// The export came to its end, with these sums.
    Ended(Sums),
}

/// What is remembered of an article of which something is told as unread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Partial {
    article: String,
    /// Attachments that are written.
    attachments: Vec<String>,
    /// Locales of the translations that are written, and of those that are told as unread.
    written: Vec<String>,
    told: Vec<String>,
}

/// Exports what the job asks for.
pub(crate) fn export(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    let resumed = job
        .resume
        .as_ref()
        .map(|json| Cursor::deserialize(json).map_err(|error| ExportError::decode("the cursor", error)));
    let cursor = resumed.transpose()?.unwrap_or_default();
    let mut writer = Writer {
        desk,
        tables: [
            out.table("Articles")?,
            out.table("ArticleTranslations")?,
            out.table("ArticleAttachments")?,
        ],
        sums: cursor.sums,
        page: cursor.page,
        done: cursor.done.clone(),
        earlier: HashMap::new(),
        open: None,
        strikes: zoho::Strikes::default(),
    };
    if !job.only.is_empty() {
        return writer.again(job, out);
    }
    let records = Records::open(desk, job, ARTICLES, writer.page.as_ref())?;
    let facts = records.facts();
    // Where the export goes on amid a page, some of it were written before.
    let earlier: HashSet<String> = cursor.done.into_iter().collect();
    let parts = records.flat_map(|page| match page.and_then(|page| parts(&page, &earlier)) {
        Ok(parts) => parts.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    for child in desk.each(parts, request) {
        let child = child?;
        writer.part(child.parent, child.answer, &facts, out)?;
    }
    facts.tell(out, writer.tables[0])?;
    out.remember(&Memory::Ended(writer.sums))?;
    writer.tell(out)?;
    out.least_requests(facts.least() + writer.sums.least)
}

/// What a page of articles comes to.
fn parts(page: &zoho::Page, earlier: &HashSet<String>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for record in page.records()? {
        let id = zoho::id(record)?;
        if earlier.contains(&id) {
            continue;
        }
        of_article(record, page.is_detail(), &mut parts)?;
    }
    parts.extend(page.cursor.clone().map(|cursor| Part::Mark(Box::new(cursor))));
    Ok(parts)
}

fn of_article(record: &RawValue, is_whole: bool, parts: &mut Vec<Part>) -> Result<()> {
    let id = zoho::id(record)?;
    parts.push(Part::Article(record.to_owned(), is_whole));
    for language in Article::read(record)?.others().into_iter().flatten() {
        parts.push(Part::Translation(id.clone(), language));
    }
    parts.push(Part::End(id));
    Ok(())
}

fn request(part: &Part) -> Option<Request> {
    match part {
        Part::Article(record, false) => Some(detail(&zoho::id(record).ok()?)),
        Part::Translation(article, language) => translation(article, language),
        _ => None,
    }
}

fn detail(article: &str) -> Request {
    Request::get(format!("/articles/{}", segment(article)))
}

fn translation(article: &str, language: &Language) -> Option<Request> {
    let locale = segment(language.locale.as_deref()?);
    Some(Request::get(format!(
        "/articles/{}/translations/{locale}",
        segment(article)
    )))
}

impl Writer<'_, '_> {
    fn part(
        &mut self,
        part: Part,
        answer: Option<Result<Response>>,
        facts: &Facts,
        out: &mut Output<'_>,
    ) -> Result<()> {
        match part {
            Part::Article(row, _) => self.article(&row, answer, out),
            Part::Translation(article, language) => match answer {
                Some(answer) => self.translation(&article, &language, answer, out),
                None => Ok(()),
            },
            Part::End(article) => {
                self.end(&article, out)?;
                self.done.push(article);
                if self.done.len().is_multiple_of(TOGETHER) {
                    self.checkpoint(out)?;
                }
                Ok(())
            }
            Part::Mark(page) => {
                facts.tell(out, self.tables[0])?;
                if let Some(expected) = facts.expected() {
                    out.expect(expected + self.sums.translations + self.sums.attachments)?;
                }
                (self.page, self.done) = (Some(*page), Vec::new());
                self.checkpoint(out)
            }
        }
    }

    fn tell(&self, out: &mut Output<'_>) -> Result<()> {
        out.desk_count(self.tables[1], self.sums.translations)?;
        out.desk_count(self.tables[2], self.sums.attachments)
    }

    fn checkpoint(&self, out: &mut Output<'_>) -> Result<()> {
        out.checkpoint(&Cursor {
            page: self.page.clone(),
            done: self.done.clone(),
            sums: self.sums,
        })
    }

    fn article(&mut self, row: &RawValue, answer: Option<Result<Response>>, out: &mut Output<'_>) -> Result<()> {
        let id = zoho::id(row)?;
        self.open = None;
        let record = match answer {
            None => Ok(row.to_owned()),
            Some(answer) => {
                self.sums.least += 1;
                answer.and_then(|answer| {
                    let detail = answer.record()?;
                    if zoho::id(detail)? != id {
                        return Err(ExportError::decode(
                            &answer.asked,
                            "the desk gave another article in its place",
                        ));
                    }
                    zoho::union(detail, row)
                })
            }
        };
        let read = record
            .as_deref()
            .map_err(Clone::clone)
            .and_then(|record| Article::read(record).map(|article| (record, article)));
        let (record, article) = match read {
            Ok((_, article)) if article.is_trashed => return out.gone(self.tables[0], id),
            Ok(read) => read,
            Err(error) if error.kind == ErrorKind::NotFound => return out.gone(self.tables[0], id),
            Err(error) => return self.unread(self.tables[0], &id, &error, out),
        };
        let earlier = self.earlier.get(&id).cloned();
        let is_new = earlier.is_none();
        if is_new {
            out.record(self.tables[0], record)?;
        }
        self.strikes.clear();
        let languages = article.others();
        let is_known = languages.is_some();
        let earlier = earlier.unwrap_or_default();
        self.open = Some(Open {
            languages: languages.unwrap_or_default(),
            asked: earlier.written.into_iter().collect(),
            attachments: earlier.attachments.into_iter().collect(),
            ..Open::default()
        });
        if !is_known {
            let what = format_args!("article {id}");
            let why = ExportError::decode(what, "the desk does not say in which languages it is there");
            self.unread(self.tables[1], &id, &why, out)?;
        }
        if is_new {
            self.attachments(&id, None, &article, out)?;
        }
        Ok(())
    }

    fn translation(
        &mut self,
        article: &str,
        language: &Language,
        answer: Result<Response>,
        out: &mut Output<'_>,
    ) -> Result<()> {
        let Some(locale) = language.locale.as_deref() else {
            return Ok(());
        };
        // Without the article there is nothing to belong to; and each once.
        let Some(true) = self.open.as_mut().map(|open| open.asked.insert(locale.to_owned())) else {
            return Ok(());
        };
        let key = format!("{article}/{locale}");
        // An earlier run has told it as unread, and counted it.
        let is_counted = self
            .earlier
            .get(article)
            .is_some_and(|earlier| earlier.told.iter().any(|told| told == locale));
        self.sums.least += 1;
        let record = answer.and_then(|answer| {
            let detail = answer.record()?;
            let known = json!({"translationId": language.translation_id, "locale": locale}).to_string();
            let known = RawValue::from_string(known).map_err(|error| ExportError::decode(&answer.asked, error))?;
            zoho::union(detail, &known)
        });
        let written = record.and_then(|record| {
            let read = Article::read(&record)?;
            out.record_with(self.tables[1], &record, &[("articleId", Value::Text(article))])?;
            self.attachments(article, Some(locale), &read, out)
        });
        match written {
            Ok(()) => {
                self.sums.translations += u64::from(!is_counted);
                self.strikes.clear();
                self.open
                    .iter_mut()
                    .for_each(|open| open.written.push(locale.to_owned()));
                Ok(())
            }
            Err(error) if error.kind == ErrorKind::NotFound && !self.still_has(article, locale)? => {
                out.gone(self.tables[1], key)
            }
            Err(error) => {
                self.sums.translations += u64::from(!is_counted);
                self.open.iter_mut().for_each(|open| open.told.push(locale.to_owned()));
                self.unread(self.tables[1], &key, &error, out)
            }
        }
    }

    /// Whether the article goes on naming a language that is not to be had in itself.
    fn still_has(&self, article: &str, locale: &str) -> Result<bool> {
        let answer = zoho::judge(self.desk.send(&detail(article))?);
        let named = answer.and_then(|answer| {
            let article = Article::read(answer.record()?)?;
            let mut others = article.others().into_iter().flatten();
            Ok(!article.is_trashed && others.any(|language| language.locale.as_deref() == Some(locale)))
        });
        match named {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            Err(error) if zoho::may_be_of_one_record(&error) => Ok(true),
            named => named,
        }
    }

    /// Attachments of an article or a translation; each once in an article.
    fn attachments(
        &mut self,
        id: &str,
        locale: Option<&str>,
        article: &Article<'_>,
        out: &mut Output<'_>,
    ) -> Result<()> {
        let shown = article.attachments.as_ref().map_or(0, |shown| shown.len() as u64);
        if let Some(hidden) = article
            .attachment_count
            .and_then(|count| count.checked_sub(shown))
            .filter(|hidden| *hidden > 0)
        {
            self.sums.attachments += hidden;
            let why = format!("the desk counts {} attachments, and shows {shown}", shown + hidden);
            out.unread(
                self.tables[2],
                id,
                &ExportError::decode(format_args!("article {id}"), why),
            )?;
        }
        for attachment in article.attachments.iter().flatten() {
            let key = match zoho::id(attachment) {
                Ok(key) => key,
                Err(error) => {
                    self.unread(self.tables[2], id, &error, out)?;
                    continue;
                }
            };
            let is_new = self.open.as_mut().is_none_or(|open| open.attachments.insert(key));
            if is_new {
                let locale = locale.map_or(Value::Null, Value::Text);
                let given = [("articleId", Value::Text(id)), ("locale", locale)];
                out.record_with(self.tables[2], attachment, &given)?;
                self.sums.attachments += 1;
            }
        }
        Ok(())
    }

    /// Asks for languages that came since the article was listed.
    fn end(&mut self, article: &str, out: &mut Output<'_>) -> Result<()> {
        let languages = self
            .open
            .as_mut()
            .map(|open| std::mem::take(&mut open.languages))
            .unwrap_or_default();
        for language in languages {
            let is_asked = |open: &Open| {
                language
                    .locale
                    .as_ref()
                    .is_none_or(|locale| open.asked.contains(locale))
            };
            let request = translation(article, &language).filter(|_| !self.open.as_ref().is_none_or(is_asked));
            if let Some(request) = request {
                let answer = zoho::judge(self.desk.send(&request)?);
                self.translation(article, &language, answer, out)?;
            }
        }
        // What is missing is read again by itself.
        if let Some(open) = self.open.take().filter(|open| open.failed) {
            out.remember(&Memory::Partial(Partial {
                article: article.to_owned(),
                attachments: open.attachments.into_iter().collect(),
                written: open.written,
                told: open.told,
            }))?;
        }
        Ok(())
    }

    /// Tells a record as unread, or gives the error back if it concerns more than one.
    fn unread(&mut self, table: TableId, key: &str, error: &ExportError, out: &mut Output<'_>) -> Result<()> {
        self.open.iter_mut().for_each(|open| open.failed = true);
        self.strikes.unread(table, key, error, out)
    }
}
