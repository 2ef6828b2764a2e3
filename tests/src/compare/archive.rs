//! The files of an archive, row by row.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};
use zip::ZipArchive;

use super::Expect;
use super::columns::{self, Columns};
use super::json::Json;
use super::report::{Difference, Report};
use super::row::{Differs, differences};
use super::tables::{self, From, Table};
use super::truth::{Line, Truth};

/// The one entry that is no table.
const MANIFEST: &str = "manifest.json";

fn differs(table: &str, key: &str, column: &str, expected: &str, found: &str) -> Difference {
    Difference {
        table: table.to_owned(),
        key: key.to_owned(),
        column: column.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

pub(super) fn compare(path: &Path, truth: &mut Truth, expect: &Expect<'_>, report: &mut Report) -> io::Result<()> {
    let mut zip = ZipArchive::new(File::open(path)?).map_err(io::Error::other)?;
    let names = zip.file_names().map(|name| name.map(std::borrow::Cow::into_owned));
    let mut files: Vec<String> = names.collect::<Result<_, _>>().map_err(io::Error::other)?;
    let mut text = String::new();
    zip.by_name(MANIFEST)
        .map_err(io::Error::other)?
        .read_to_string(&mut text)?;
    let said = said(&Json::parse(&text)?);
    files.retain(|name| name != MANIFEST);
    for table in tables::all().filter(|table| expect.tables.contains(&table.name)) {
        let mut rows = Rows {
            table,
            columns: None,
            headers: (Vec::new(), Vec::new()),
            custom: expect.fields.get(table.name).map(Vec::as_slice).unwrap_or_default(),
            expect,
        };
        report.tables.entry(table.name.to_owned()).or_default();
        for part in 1.. {
            let name = format!("{}__{part}.csv", table.name);
            let Some(place) = files.iter().position(|file| *file == name) else {
                if part == 1 {
                    report.add(differs(table.name, "", "", "a file", "none"));
                }
                break;
            };
            files.swap_remove(place);
            let before = report.tables.get(table.name).map_or(0, |table| table.rows);
            rows.part(zip.by_name(&name).map_err(io::Error::other)?, &name, truth, report)?;
            let found = report.tables.get(table.name).map_or(0, |table| table.rows) - before;
            let expected = said.get(&name).map_or("not named", String::as_str);
            if found.to_string() != expected {
                report.add(differs(
                    table.name,
                    &name,
                    "rows in the manifest",
                    &found.to_string(),
                    expected,
                ));
            }
        }
        let (records, deleted, missing) = truth.missing(table.name);
        for key in missing {
            report.lost(differs(table.name, key, "", "a row", "none"));
        }
        if let Some(entry) = report.tables.get_mut(table.name) {
            (entry.records, entry.deleted) = (records, deleted);
        }
    }
    for file in &files {
        report.add(differs(file, "", "", "no such file", "one"));
    }
    for name in said.keys().filter(|name| zip.index_for_name(name).is_none()) {
        report.add(differs(name, "", "", "a file, says the manifest", "none"));
    }
    Ok(())
}

/// The rows of each file, as the manifest has them.
fn said(manifest: &Json) -> BTreeMap<String, String> {
    let list = |json: &Json, key: &str| match json.get(key) {
        Some(Json::List(items)) => items.clone(),
        _ => Vec::new(),
    };
    let tables = list(manifest, "tables");
    let files = tables.iter().flat_map(|table| list(table, "files"));
    let named = files.filter_map(|file| {
        let name = file.get("name")?.text()?.to_owned();
        Some((name, file.get("rows")?.to_string()))
    });
    named.collect()
}

/// The rows of a table.
struct Rows<'e> {
    table: &'static Table,
    /// From the header rows of the first part.
    columns: Option<Columns>,
    headers: (Vec<String>, Vec<String>),
    custom: &'e [(String, String)],
    expect: &'e Expect<'e>,
}

impl Rows<'_> {
    fn part(&mut self, file: impl Read, name: &str, truth: &mut Truth, report: &mut Report) -> io::Result<()> {
        let table = self.table.name;
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
        let mut record = StringRecord::new();
        let mut next = |record: &mut StringRecord| -> io::Result<Option<Vec<String>>> {
            let is_there = reader.read_record(record).map_err(io::Error::other)?;
            Ok(is_there.then(|| record.iter().map(ToString::to_string).collect()))
        };
        let (Some(labels), Some(names)) = (next(&mut record)?, next(&mut record)?) else {
            report.add(differs(table, name, "", "two header rows", "fewer"));
            return Ok(());
        };
        match &self.columns {
            None => {
                for wrong in columns::check(self.table, self.custom, &labels, &names) {
                    report.add(differs(table, name, &wrong.column, &wrong.expected, &wrong.found));
                }
                self.headers = (labels, names.clone());
                self.columns = Some(Columns::new(self.table, names));
            }
            Some(_) if self.headers != (labels, names) => {
                report.add(differs(table, name, "", "the header rows of the first part", "others"));
                return Ok(());
            }
            Some(_) => {}
        }
        while let Some(row) = next(&mut record)? {
            self.row(&row, truth, report)?;
        }
        Ok(())
    }

    fn row(&self, row: &[String], truth: &mut Truth, report: &mut Report) -> io::Result<()> {
        let Some(columns) = &self.columns else { return Ok(()) };
        let before = report.count;
        let is_edited = self.hold(columns, row, truth, report)?;
        let differs = report.count > before;
        let counted = report.tables.entry(self.table.name.to_owned()).or_default();
        counted.rows += 1;
        counted.cells += row.len() as u64;
        counted.differ += u64::from(differs);
        counted.edited += u64::from(is_edited);
        Ok(())
    }

    /// Holds a row against its record. Whether the record was edited while it was read.
    fn hold(&self, columns: &Columns, row: &[String], truth: &mut Truth, report: &mut Report) -> io::Result<bool> {
        let table = self.table.name;
        let mut add = |key: &str, column: &str, expected: &str, found: &str| {
            report.add(differs(table, key, column, expected, found));
        };
        let Some(key) = columns
            .key_of(row)
            .filter(|key| !key.is_empty())
            .map(|key| key.join("/"))
        else {
            add(&row.join(","), "", "a row with a key", "none");
            return Ok(false);
        };
        if row.len() != columns.names.len() {
            let (expected, found) = (columns.names.len().to_string(), row.len().to_string());
            add(&key, "number of cells", &expected, &found);
            return Ok(false);
        }
        let Some((line, rows)) = truth.take(table, &key)? else {
            add(&key, "", "no such record", "a row");
            return Ok(false);
        };
        if rows > 1 {
            add(&key, "", "one row", &rows.to_string());
        }
        let outside = outside(columns, &line, truth)?;
        let mut best: Option<Vec<Differs>> = None;
        for record in line.records(self.table.shapes, self.expect.source) {
            let found = differences(columns, row, &record, &outside);
            let is_same = found.is_empty();
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
            if is_same {
                break;
            }
        }
        for differ in best.unwrap_or_default() {
            add(&key, &differ.place, &differ.expected, &differ.found);
        }
        Ok(line.versions.len() > 1)
    }
}

/// What the columns may show that a record itself does not say.
fn outside(columns: &Columns, line: &Line, truth: &mut Truth) -> io::Result<Vec<(usize, Vec<String>)>> {
    let parent_id = line.parent.as_deref().unwrap_or_default();
    let mut outside = Vec::new();
    for (at, from) in &columns.made {
        let values = match from {
            From::Id => vec![line.id.clone()],
            From::Parent => vec![parent_id.to_owned()],
            From::OfParent(tables, values) => {
                let parent = truth.look(tables, parent_id)?;
                parent.map(|parent| values(&parent, line)).unwrap_or_default()
            }
            From::At(_) | From::Made(_) => continue,
        };
        outside.push((*at, values));
    }
    Ok(outside)
}
