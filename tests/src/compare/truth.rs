//! The truth: JSON lines, indexed by table and key, and read again line by line.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::json::{Entries, Json};
use super::tables::{self, Key, Shapes, Table};
use super::{Expect, Source};

/// One record of the truth.
#[derive(Clone, Debug)]
pub struct Line {
    /// The table.
    pub table: String,
    /// The record's id.
    pub id: String,
    /// The id of what it belongs to.
    pub parent: Option<String>,
    /// Whether it was deleted while it was read.
    pub deleted: bool,
    /// The record in each projection, in each of its versions, the newest first.
    pub versions: Vec<Vec<Shape>>,
}

/// A record in a projection. Most of a line is never asked for: it is read when it is.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The projection.
    pub name: String,
    text: Box<str>,
    json: OnceCell<Json>,
}

impl Shape {
    /// What it shows.
    pub fn json(&self) -> &Json {
        // It was JSON when the line was read.
        self.json.get_or_init(|| Json::parse(&self.text).unwrap_or(Json::Null))
    }

    fn all(text: &RawValue) -> io::Result<Vec<Self>> {
        let Entries(entries) = serde_json::from_str(text.get())?;
        let shape = |(name, text): (String, &RawValue)| Self {
            name,
            text: text.get().into(),
            json: OnceCell::new(),
        };
        Ok(entries.into_iter().map(shape).collect())
    }
}

/// A record as a row is to have it.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) keys: Vec<(String, Json)>,
}

impl Record {
    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        self.keys.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text of a key; empty where there is none.
    pub(super) fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Json::text).unwrap_or_default()
    }

    /// Takes the keys of a projection; what it says counts more than what was there.
    fn take(&mut self, shape: Option<&Json>) {
        for (key, value) in shape.into_iter().flat_map(Json::entries) {
            match self.keys.iter_mut().find(|(name, _)| name == key) {
                Some((_, old)) => *old = value.clone(),
                None => self.keys.push((key.clone(), value.clone())),
            }
        }
    }
}

/// Where a record's line is, and what was seen of it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    length: usize,
    deleted: bool,
    rows: u32,
}

/// The truth of a desk.
pub(super) struct Truth {
    file: File,
    index: BTreeMap<&'static str, HashMap<String, Entry>>,
    /// The record that was looked for last: children come one after the other.
    last: Option<(String, Rc<Line>)>,
}

fn wrong(line: usize, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the truth, line {line}: {why}"))
}

impl Truth {
    /// Reads a file once, and remembers where which record is.
    pub(super) fn open(path: &Path, expect: &Expect<'_>) -> io::Result<Self> {
        let specified: HashMap<&str, &'static Table> = tables::all().map(|table| (table.name, table)).collect();
        let wanted = expect.tables.iter().map(|name| {
            let table = specified.get(name).copied();
            table.ok_or_else(|| io::Error::other(format!("there is no table {name}")))
        });
        let mut index: BTreeMap<&'static str, HashMap<String, Entry>> = BTreeMap::new();
        for table in wanted {
            index.insert(table?.name, HashMap::new());
        }
        let file = File::open(path)?;
        let mut reader = BufReader::with_capacity(1 << 20, file.try_clone()?);
        let (mut at, mut number, mut text) = (0, 0, String::new());
        loop {
            text.clear();
            let length = reader.read_line(&mut text)?;
            if length == 0 {
                break;
            }
            number += 1;
            let head = Head::parse(&text).map_err(|error| wrong(number, &error.to_string()))?;
            let table = specified.get(head.table.as_str());
            let table = table.ok_or_else(|| wrong(number, &format!("there is no table {:?}", head.table)))?;
            let is_wanted = || Line::parse(&text).map(|line| (expect.wanted)(&line));
            if let Some(records) = index.get_mut(table.name)
                && is_wanted()?
            {
                let entry = Entry {
                    at,
                    length,
                    deleted: head.deleted,
                    rows: 0,
                };
                let key = match table.key {
                    Key::Id(_) => head.id,
                    Key::Pair(..) => format!("{}/{}", head.parent.unwrap_or_default(), head.id),
                };
                if records.insert(key.clone(), entry).is_some() {
                    return Err(wrong(number, &format!("{} {key} is there twice", table.name)));
                }
            }
            at += length as u64;
        }
        Ok(Self {
            file,
            index,
            last: None,
        })
    }

    /// A record of one of these tables, without noting that there is a row of it.
    pub(super) fn look(&mut self, tables: &'static str, key: &str) -> io::Result<Option<Rc<Line>>> {
        if let Some((_, line)) = self.last.as_ref().filter(|(last, _)| last == key) {
            return Ok(Some(Rc::clone(line)));
        }
        let mut found = tables::split(tables).filter_map(|table| self.index.get(table)?.get(key));
        let Some(entry) = found.next() else { return Ok(None) };
        let line = Rc::new(self.read(*entry)?);
        self.last = Some((key.to_owned(), Rc::clone(&line)));
        Ok(Some(line))
    }

    fn read(&self, entry: Entry) -> io::Result<Line> {
        let mut text = vec![0; entry.length];
        self.file.read_exact_at(&mut text, entry.at)?;
        Line::parse(&String::from_utf8(text).map_err(io::Error::other)?)
    }

    /// The record of a row; notes that there is a row of it. The number says how many there are by now.
    pub(super) fn take(&mut self, table: &str, key: &str) -> io::Result<Option<(Line, u32)>> {
        let Some(entry) = self.index.get_mut(table).and_then(|records| records.get_mut(key)) else {
            return Ok(None);
        };
        entry.rows += 1;
        let entry = *entry;
        Ok(Some((self.read(entry)?, entry.rows)))
    }

    /// How many records a table has; how many of them were deleted and have no row; and the keys of those that were not
    /// and have none.
    pub(super) fn missing(&self, table: &str) -> (u64, u64, Vec<&str>) {
        let Some(records) = self.index.get(table) else {
            return (0, 0, Vec::new());
        };
        let without = || records.iter().filter(|(_, entry)| entry.rows == 0);
        let deleted = without().filter(|(_, entry)| entry.deleted).count() as u64;
        let missing = without().filter(|(_, entry)| !entry.deleted);
        let mut missing: Vec<&str> = missing.map(|(key, _)| key.as_str()).collect();
        missing.sort_unstable();
        (records.len() as u64, deleted, missing)
    }
}

/// Reads every record, one after the other.
pub(super) fn read(path: &Path, each: &mut dyn FnMut(Line)) -> io::Result<()> {
    for line in BufReader::with_capacity(1 << 20, File::open(path)?).lines() {
        each(Line::parse(&line?)?);
    }
    Ok(())
}

/// What names a record.
struct Head {
    table: String,
    id: String,
    parent: Option<String>,
    deleted: bool,
}

impl Head {
    fn parse(text: &str) -> io::Result<Self> {
        let Entries(entries) = serde_json::from_str(text)?;
        let mut head = Self {
            table: String::new(),
            id: String::new(),
            parent: None,
            deleted: false,
        };
        for (key, value) in entries {
            match key.as_str() {
                "table" => head.table = serde_json::from_str(value.get())?,
                "id" => head.id = serde_json::from_str(value.get())?,
                "parent" => head.parent = serde_json::from_str(value.get())?,
                "deleted" => head.deleted = serde_json::from_str(value.get())?,
                _ => {}
            }
        }
        if head.table.is_empty() || head.id.is_empty() {
            return Err(io::Error::other("a record needs a table and an id"));
        }
        Ok(head)
    }
}

impl Line {
    fn parse(text: &str) -> io::Result<Self> {
        let Head {
            table,
            id,
            parent,
            deleted,
        } = Head::parse(text)?;
        let Entries(entries) = serde_json::from_str(text)?;
        let of = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
        let mut versions = vec![of("shapes").map_or(Ok(Vec::new()), Shape::all)?];
        if let Some(before) = of("before") {
            let before: Vec<&RawValue> = serde_json::from_str(before.get())?;
            for shapes in before.into_iter().rev() {
                versions.push(Shape::all(shapes)?);
            }
        }
        Ok(Self {
            table,
            id,
            parent,
            deleted,
            versions,
        })
    }

    /// A key of the newest version, in whichever projection has it.
    pub fn value(&self, key: &str) -> Option<&Json> {
        // The last one says most.
        let newest = self.versions.first()?;
        newest.iter().rev().find_map(|shape| shape.json().get(key))
    }

    /// A key in every projection of every version that has it.
    pub fn values<'s>(&'s self, key: &'s str) -> impl Iterator<Item = &'s Json> {
        let shapes = self.versions.iter().flatten();
        shapes.filter_map(move |shape| shape.json().get(key))
    }

    /// A projection of a version; 0 is the newest.
    pub fn shape(&self, version: usize, name: &str) -> Option<&Json> {
        let shapes = self.versions.get(version)?;
        shapes.iter().find(|shape| shape.name == name).map(Shape::json)
    }

    fn has(&self, name: &str) -> bool {
        self.versions
            .first()
            .is_some_and(|shapes| shapes.iter().any(|shape| shape.name == name))
    }

    /// What the row may be: one record for each version, and where it is made of two requests, for each pair in which
    /// the second is not older than the first. The newest is first.
    pub(super) fn records(&self, shapes: Shapes, source: Source) -> Vec<Record> {
        if shapes == Shapes::None {
            return vec![Record::default()];
        }
        let (mut first, second) = self.requests(shapes, source);
        // Where a record is in a list only, or in a search only.
        if !self.has(first) {
            first = ["search", "list", "conversation", "detail"]
                .into_iter()
                .find(|name| self.has(name))
                .unwrap_or(first);
        }
        let mut records = Vec::new();
        for version in 0..self.versions.len() {
            let Some(second) = second.filter(|second| self.shape(version, second).is_some()) else {
                let mut record = Record::default();
                record.take(self.shape(version, first));
                records.push(record);
                continue;
            };
            for earlier in version..self.versions.len() {
                let mut record = Record::default();
                record.take(self.shape(earlier, first));
                record.take(self.shape(version, second));
                records.push(record);
            }
        }
        if self.deleted && second.is_some() {
            // It was found by the first request, and gone at the second.
            for version in 0..self.versions.len() {
                let mut record = Record::default();
                record.take(self.shape(version, first));
                records.push(record);
            }
        }
        for record in &mut records {
            if matches!(shapes, Shapes::Conversation | Shapes::ConversationAndDetail) {
                record.keys.retain(|(key, _)| key != "type");
            }
            let content = record.keys.iter_mut().find(|(key, _)| key == "content");
            if let Some(whole) = self.shape(0, "full").and_then(|full| full.get("content"))
                && let Some((_, content)) = content
            {
                *content = whole.clone();
            }
        }
        records
    }

    /// The projections that a row is made of.
    fn requests(&self, shapes: Shapes, source: Source) -> (&'static str, Option<&'static str>) {
        let found = if source.search { "search" } else { "list" };
        match shapes {
            Shapes::List => ("list", None),
            Shapes::Search if source.search => (found, None),
            Shapes::Search | Shapes::SearchAndDetail => (found, Some("detail")),
            Shapes::Ticket => {
                let is_archived = matches!(self.value("isArchived"), Some(Json::Bool(true)))
                    || self.value("isArchived").and_then(Json::text) == Some("true");
                let listed = is_archived && !source.search_has_archived;
                (if listed { "list" } else { found }, Some("detail"))
            }
            Shapes::Conversation => ("conversation", None),
            Shapes::ConversationAndDetail => ("conversation", Some("detail")),
            Shapes::Attachment => {
                let detail = self
                    .shape(0, "detail")
                    .and_then(|detail| detail.get("href")?.text())
                    .unwrap_or_default();
                let is_within = detail.contains("/threads/") || detail.contains("/comments/");
                match (is_within, source.attachments_repeat && detail.contains("/threads/")) {
                    (false, _) => ("list", None),
                    (true, false) => ("detail", None),
                    (true, true) => ("list", Some("detail")),
                }
            }
            // The list of deleted ones includes nothing.
            Shapes::Included if self.value("status").and_then(Json::text) == Some("DELETED") => ("list", None),
            Shapes::Included => ("list", Some("detail")),
            Shapes::Detail => ("detail", None),
            Shapes::None => ("", None),
        }
    }
}
