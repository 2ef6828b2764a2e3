//! Articles that are read again: those that could not be read, or that are to be compared.

use plugin_api::{ExportError, Job, Output, RawValue, Result};
use serde::Deserialize;
use serde_json::json;

use super::{ARTICLES, Memory, Part, Writer, of_article, request};
use crate::tables::NAMES;

impl Writer<'_, '_> {
    /// Some articles once more, or what of them could not be read: the article is written only if it was not before.
    pub(super) fn again(&mut self, job: &Job, out: &mut Output<'_>) -> Result<()> {
        let mut ended = false;
        for value in &job.remembered {
            let value =
                Memory::deserialize(value).map_err(|error| ExportError::decode("what was remembered", error))?;
            match value {
                Memory::Partial(partial) => drop(self.earlier.insert(partial.article.clone(), partial)),
                Memory::Ended(sums) => (self.sums, ended) = (sums, true),
            }
        }
        let ids = self.wanted(job, out)?;
        let desk = self.desk;
        let found = desk.each(ids.into_iter().map(Ok), |id| Some(zoho::search_for(ARTICLES.path, id)));
        let parts = found.flat_map(|child| {
            let row = child.and_then(|child| {
                let found = match child.answer {
                    Some(answer) => zoho::searched(answer, &child.parent)?,
                    None => None,
                };
                // Its detail has all but what only the search has.
                let alone = || RawValue::from_string(json!({"id": child.parent}).to_string());
                let row = found.map_or_else(alone, Ok);
                row.map_err(|error| ExportError::decode("an article", error))
            });
            let mut parts = Vec::new();
            match row.and_then(|row| of_article(&row, false, &mut parts)) {
                Ok(()) => parts.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        });
        for child in desk.each(parts, request) {
            let child = child?;
            match child.parent {
                Part::Article(row, _) => self.article(&row, child.answer, out)?,
                Part::Translation(article, language) => {
                    if let Some(answer) = child.answer {
                        self.translation(&article, &language, answer, out)?;
                    }
                }
                Part::End(article) => self.end(&article, out)?,
                Part::Mark(_) => {}
            }
        }
        if ended {
            self.tell(out)?;
        }
        Ok(())
    }

    /// The articles that are wanted, or something of them, each once.
    fn wanted(&self, job: &Job, out: &mut Output<'_>) -> Result<Vec<String>> {
        let mut ids: Vec<String> = Vec::new();
        for wanted in &job.only {
            let key = wanted.key.join(" ");
            let article = key.split('/').next().unwrap_or_default();
            let at = NAMES.iter().position(|name| *name == wanted.table);
            match at {
                Some(0 | 1) if zoho::is_id(article) => {
                    ids.extend((!ids.iter().any(|id| id == article)).then(|| article.to_owned()));
                }
                at => zoho::stays_unread(out, self.tables[at.unwrap_or(0)], key)?,
            }
        }
        Ok(ids)
    }
}
