//! A fake Zoho Desk, for the tests of exporters: lists, searches, single records and errors as the real one answers them.
//!
//! It answers by the request alone, as [`check_exporter`](plugin_api::testing::check_exporter) asks for it.

use std::collections::BTreeMap;

use plugin_api::testing::{FakeDesk, Reply};
use plugin_api::{Request, Timestamp};
use serde_json::{Value as Json, json};

/// What is put together before the desk is made of it.
#[derive(Clone, Debug, Default)]
pub struct FakeZoho {
    /// Records by their module's path.
    modules: BTreeMap<String, Vec<Json>>,
    /// Keys that a module's list rows lack.
    bare: Vec<&'static str>,
    lists: Vec<List>,
    answers: BTreeMap<String, Json>,
    refused: Vec<(String, u16, String)>,
    plain_empty: bool,
}

/// A plain list.
#[derive(Clone, Debug)]
struct List {
    path: String,
    /// The parameter that asks for it.
    query: Option<(String, String)>,
    envelope: String,
    records: Vec<Json>,
}

impl FakeZoho {
    /// A desk without anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names custom fields of a module: API names and labels.
    #[must_use]
    pub fn fields(self, module: &str, fields: &[(&str, &str)]) -> Self {
        let field = |(name, label): &(&str, &str)| json!({"id": "1", "apiName": name, "displayLabel": label});
        let mut rows =
            vec![json!({"id": "2", "apiName": "subject", "displayLabel": "Subject", "isCustomField": false})];
        rows.extend(fields.iter().map(field));
        let query = Some(("module".to_owned(), module.to_owned()));
        self.with_list("/organizationFields", query, "data", rows)
    }

    /// Records of a module that has a search: at `path`, `path/search`, and each by its id.
    #[must_use]
    pub fn module(mut self, path: &str, records: Vec<Json>) -> Self {
        self.modules.insert(path.to_owned(), records);
        self
    }

    /// Keys that rows of lists (not of searches) lack.
    #[must_use]
    pub fn bare(mut self, keys: &[&'static str]) -> Self {
        self.bare = keys.to_vec();
        self
    }

    /// A plain list, under `envelope`.
    #[must_use]
    pub fn list(self, path: &str, envelope: &str, records: Vec<Json>) -> Self {
        self.with_list(path, None, envelope, records)
    }

    /// A plain list for requests with this parameter.
    #[must_use]
    pub fn list_where(self, path: &str, (name, value): (&str, &str), records: Vec<Json>) -> Self {
        self.with_list(path, Some((name.to_owned(), value.to_owned())), "data", records)
    }

    fn with_list(mut self, path: &str, query: Option<(String, String)>, envelope: &str, records: Vec<Json>) -> Self {
        self.lists.push(List {
            path: path.to_owned(),
            query,
            envelope: envelope.to_owned(),
            records,
        });
        self
    }

    /// One fixed answer.
    #[must_use]
    pub fn answer(mut self, path: &str, answer: Json) -> Self {
        self.answers.insert(path.to_owned(), answer);
        self
    }

    /// Refuses requests whose path ends so, with this status and code.
    #[must_use]
    pub fn refuse(mut self, path: &str, status: u16, code: &str) -> Self {
        self.refused.push((path.to_owned(), status, code.to_owned()));
        self
    }

    /// Says `{"data":[]}` in place of 204 where there is nothing.
    #[must_use]
    pub fn plain_empty(mut self) -> Self {
        self.plain_empty = true;
        self
    }

    /// The desk.
    pub fn desk(self) -> FakeDesk {
        FakeDesk::new(move |request| self.reply(request))
    }

    fn reply(&self, request: &Request) -> Reply {
        let path = request.path.as_str();
        if let Some((_, status, code)) = self.refused.iter().find(|(end, ..)| path.ends_with(end.as_str())) {
            return error(*status, code);
        }
        if let Some(answer) = self.answers.get(path) {
            return Reply::json(200, answer);
        }
        let is_asked = |list: &&List| {
            let query = list.query.as_ref();
            list.path == path && query.is_none_or(|(name, value)| asked(request, name) == Some(value))
        };
        if let Some(list) = self.lists.iter().find(is_asked) {
            return self.page(request, &list.envelope, list.records.iter().collect(), None, 200);
        }
        if let Some(records) = self.modules.get(path) {
            let rows: Vec<Json> = records.iter().map(|record| self.row(record)).collect();
            return self.page(request, "data", rows.iter().collect(), None, 100);
        }
        let Some((module, last)) = path.rsplit_once('/') else {
            return error(404, "URL_NOT_FOUND");
        };
        match self.modules.get(module) {
            Some(records) if last == "search" => self.search(request, records),
            Some(records) => match records
                .iter()
                .find(|record| record["id"].to_string().trim_matches('"') == last)
            {
                Some(record) => Reply::json(200, record),
                None => error(404, "URL_NOT_FOUND"),
            },
            None => error(404, "URL_NOT_FOUND"),
        }
    }

    /// A record as its list has it.
    fn row(&self, record: &Json) -> Json {
        let mut row = record.clone();
        if let Some(object) = row.as_object_mut() {
            object.retain(|key, _| !self.bare.contains(&key.as_str()));
        }
        row
    }

    fn search(&self, request: &Request, records: &[Json]) -> Reply {
        let mut found: Vec<&Json> = records.iter().collect();
        for field in ["createdTime", "modifiedTime"] {
            let Some(range) = asked(request, &format!("{field}Range")) else {
                continue;
            };
            let ends: Vec<_> = range.split(',').filter_map(Timestamp::parse).collect();
            let &[from, to] = ends.as_slice() else {
                return error(422, "INVALID_DATA");
            };
            found.retain(|record| time(record, field).is_some_and(|time| from <= time && time <= to));
        }
        if let Some(ids) = asked(request, "id") {
            let ids: Vec<_> = ids.split(',').collect();
            found.retain(|record| ids.contains(&record["id"].to_string().trim_matches('"')));
        }
        let sort = asked(request, "sortBy").unwrap_or("relevance");
        let field = sort.trim_start_matches('-');
        found.sort_by_key(|record| time(record, field));
        if sort.starts_with('-') {
            found.reverse();
        }
        let count = found.len();
        self.page(request, "data", found, Some(count), 100)
    }

    fn page(&self, request: &Request, envelope: &str, records: Vec<&Json>, count: Option<usize>, most: usize) -> Reply {
        let number = |name, default| match asked(request, name) {
            Some(text) => text.parse().ok(),
            None => Some(default),
        };
        let is_first_one = ["/contacts", "/accounts", "/articles"].contains(&request.path.as_str());
        let (Some(from), Some(limit)) = (number("from", 0), number("limit", most)) else {
            return error(422, "INVALID_DATA");
        };
        if limit > most || from > 4_999 && count.is_some() {
            return error(422, "UNPROCESSABLE_ENTITY");
        }
        // What counts from 1 takes 0 for 1.
        let skip = if is_first_one { from.saturating_sub(1) } else { from };
        let page: Vec<&Json> = records.into_iter().skip(skip).take(limit).collect();
        if page.is_empty() && !self.plain_empty {
            return Reply::empty();
        }
        let mut body = json!({ envelope: page });
        if let Some(count) = count {
            body["count"] = json!(count);
        }
        Reply::json(200, body)
    }
}

fn time(record: &Json, field: &str) -> Option<Timestamp> {
    Timestamp::parse(record.get(field)?.as_str()?)
}

/// The value of a query parameter.
pub fn asked<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let found = request.query.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

/// An error as the desk has it.
pub fn error(status: u16, code: &str) -> Reply {
    let said = format!("It says \"{code}\" \n and more.");
    Reply::json(status, json!({"errorCode": code, "message": said}))
}
