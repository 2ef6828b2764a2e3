//! What the boundary between engine and plugin costs: a row across it, and a page of JSON to the rows of a table.
//!
//! Both go through a real plugin that is loaded as the daemon loads it. Beside each stands what the same work costs
//! without the boundary, in the same run: the ratio is what to hold on to.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use deskvault_tests::plugin;
use engine::plugins::{Answer, ModuleHost, Plugin, Services};
use plugin_api::{Job, Note, Request, Result, Table, Timestamp, Value};
use tokio_util::sync::CancellationToken;

const ROWS: i64 = 100_000;
const PAGES: u64 = 50;
/// Records in a page.
const RECORDS: u64 = 100;

/// Writes rows as CSV to nowhere, and answers each request with the same page.
struct Sink {
    page: Vec<u8>,
    submitted: u64,
    taken: u64,
    csv: Option<csv::Writer<std::io::Sink>>,
    text: String,
}

impl Sink {
    fn new(page: Vec<u8>, csv: bool) -> Self {
        let csv = csv.then(|| csv::Writer::from_writer(std::io::sink()));
        Self {
            page,
            submitted: 0,
            taken: 0,
            csv,
            text: String::new(),
        }
    }
}

impl Services for Sink {
    fn open_table(&mut self, table: Table) -> Result<u32> {
        Ok(u32::from(table.name != "Rows"))
    }

    fn write_row(&mut self, _: u32, row: &[Value<'_>]) -> Result<()> {
        let Some(csv) = &mut self.csv else {
            black_box(row);
            return Ok(());
        };
        for cell in row {
            self.text.clear();
            let text = match cell {
                Value::Text(text) | Value::Json(text) => text,
                Value::Null => "",
                Value::Int(number) => {
                    let _ = write!(self.text, "{number}");
                    &self.text
                }
                Value::Time(time) => {
                    let _ = write!(self.text, "{}", time.micros());
                    &self.text
                }
                other => {
                    let _ = write!(self.text, "{other:?}");
                    &self.text
                }
            };
            csv.write_field(text).unwrap();
        }
        csv.write_record(None::<&[u8]>).unwrap();
        Ok(())
    }

    fn submit(&mut self, _: Request) -> Result<u64> {
        self.submitted += 1;
        Ok(self.submitted)
    }

    fn next(&mut self) -> (u64, Result<Answer>) {
        self.taken += 1;
        (
            self.taken,
            Ok(Answer {
                status: 200,
                headers: Vec::new(),
                body: self.page.clone(),
            }),
        )
    }

    fn checkpoint(&mut self, _: serde_json::Value) -> Result<()> {
        Ok(())
    }

    fn note(&mut self, _: Note) -> Result<()> {
        Ok(())
    }
}

/// A page of 100 tickets of 2.5 KB and 40 fields, some of them nested, as a help desk gives it.
fn page() -> Vec<u8> {
    let record = |number: u64| {
        let mut fields = serde_json::Map::new();
        let mut nested = serde_json::Map::new();
        for field in 0..40 {
            let name = format!("field{field}");
            let value = match field {
                0 => (1_000_000 + number).to_string().into(),
                _ if field % 7 == 6 => "2031-03-12T07:00:00.000Z".into(),
                _ if field % 5 == 4 => serde_json::Value::Null,
                _ if field % 6 == 5 => (number * field).into(),
                _ => format!(
                    "{}プリンター {number}.{field}, out of order",
                    "The printer's tray ".repeat(3)
                )
                .into(),
            };
            let owner = if field % 10 == 9 { &mut nested } else { &mut fields };
            owner.insert(name, value);
        }
        fields.insert("nested".into(), nested.into());
        serde_json::Value::from(fields)
    };
    let records: Vec<_> = (0..RECORDS).map(record).collect();
    serde_json::json!({ "data": records, "count": RECORDS })
        .to_string()
        .into_bytes()
}

/// One export by the loaded plugin.
fn export(plugin: &Plugin, sink: Sink, rows: i64, pages: u64) {
    let host = ModuleHost::new("synthetic", sink, CancellationToken::new());
    host.enter();
    let job = Job::full("synthetic")
        .started(Timestamp::from_micros(0))
        .resumed(serde_json::json!({ "rows": rows, "pages": pages }))
        .with_log_level(None);
    host.outcome(plugin.export(&job, &host)).unwrap();
}

/// The same rows as the plugin's, written by a call within this program.
fn direct(services: &mut dyn Services) {
    let mut subject = String::new();
    for id in 0..ROWS {
        subject.clear();
        let _ = write!(
            subject,
            "Ticket {id}: \"the printer, 日本語\"\nis out of {}",
            id.wrapping_mul(7919) % 1013
        );
        let cells = [
            Value::Int(id),
            if id == 0 { Value::Null } else { Value::Int(id / 2) },
            Value::Time(Timestamp::from_micros(id * 1_000_003)),
            Value::Bool(id % 3 == 0),
            Value::Text(&subject),
        ];
        services.write_row(0, &cells).unwrap();
    }
}

/// The same page to CSV the plain way: a tree of values, then a writer.
fn by_tree(page: &[u8], csv: &mut csv::Writer<std::io::Sink>) {
    let page: serde_json::Value = serde_json::from_slice(page).unwrap();
    for record in page["data"].as_array().unwrap() {
        for field in 0..40 {
            let name = format!("field{field}");
            let owner = if field % 10 == 9 { &record["nested"] } else { record };
            match &owner[&name] {
                serde_json::Value::String(text) => csv.write_field(text).unwrap(),
                serde_json::Value::Null => csv.write_field("").unwrap(),
                other => csv.write_field(other.to_string()).unwrap(),
            }
        }
        csv.write_record(None::<&[u8]>).unwrap();
    }
}

fn boundary(criterion: &mut Criterion) {
    let plugin = Plugin::load(&plugin("deskvault_synthetic"), Duration::from_secs(20)).unwrap();

    let mut rows = criterion.benchmark_group("100,000 rows of 5 cells");
    rows.throughput(Throughput::Elements(ROWS.unsigned_abs()));
    rows.bench_function("from a plugin", |bench| {
        bench.iter(|| export(&plugin, Sink::new(Vec::new(), false), ROWS, 0));
    });
    rows.bench_function("by a call within the program", |bench| {
        let mut sink = Sink::new(Vec::new(), false);
        bench.iter(|| direct(black_box(&mut sink)));
    });
    rows.finish();

    let page = page();
    let mut pages = criterion.benchmark_group("50 pages of 100 records to CSV");
    pages.throughput(Throughput::Bytes(PAGES * page.len() as u64));
    pages.bench_function("by a plugin's mapping", |bench| {
        bench.iter(|| export(&plugin, Sink::new(page.clone(), true), 0, PAGES));
    });
    pages.bench_function("by a tree of values", |bench| {
        let mut csv = csv::Writer::from_writer(std::io::sink());
        bench.iter(|| (0..PAGES).for_each(|_| by_tree(black_box(&page), &mut csv)));
    });
    pages.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4));
    targets = boundary
}
criterion_main!(benches);
