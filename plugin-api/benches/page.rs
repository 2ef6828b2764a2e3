//! From a page of JSON to the cells of rows, as an exporter spends its time: a search is walked through the host, and every
//! record of 1 KB and 20 keys becomes a row that nobody writes down. Prints records a second on one core.
//!
//! `DESKVAULT_BENCH_ROUNDS` says how often 20,000 records are walked (default 20).
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RResult, RSlice, RStr};
use plugin_api::abi::{AbiError, AbiExporter_TO, AbiHost, AbiHost_TO, Cell, HttpResponse};
use plugin_api::{
    Column, Description, Desk, Exporter, Job, Output, Range, Request, Result, Search, Table, Timestamp, Value, glue,
};

const RECORDS: u64 = 20_000;
/// Seconds between two records.
const STEP: i64 = 10;
const SECOND: i64 = 1_000_000;

/// All records, one behind the other, and where each begins.
struct World {
    text: String,
    starts: Vec<usize>,
}

impl World {
    fn new() -> Self {
        let (mut text, mut starts) = (String::new(), Vec::new());
        for number in 0..RECORDS {
            starts.push(text.len());
            let time = Timestamp::from_micros(number.cast_signed() * STEP * SECOND);
            let _ = write!(
                text,
                r#"{{"id":"{}","createdTime":"{time}","modifiedTime":"{time}","subject":"Printer {number} is out of order","#,
                4_000_000_000_000 + number
            );
            for field in 0..9 {
                let _ = write!(
                    text,
                    r#""field{field}":"The tray of the printer, {field}, プリンターのトレイ, holds nothing","#
                );
            }
            let _ = write!(
                text,
                r#""email":null,"phone":"+81 3 0000 {number}","isSpam":false,"count":"{number}","webUrl":"https://desk.example/t/{number}","note":"a \"quoted\" word\nand a line","owner":{{"id":"77","name":"Ada","mail":"ada@example.org"}}}},"#
            );
        }
        starts.push(text.len());
        Self { text, starts }
    }

    fn page(&self, request: &Request) -> Vec<u8> {
        let number = |name: &str| {
            let found = request.query.iter().find(|(key, _)| key == name);
            found.and_then(|(_, value)| value.parse::<i64>().ok()).unwrap()
        };
        let first = number("after").div_euclid(STEP * SECOND) + 1;
        let first = first.max(0).cast_unsigned();
        let begin = (first + number("from").cast_unsigned()).min(RECORDS);
        let end = (begin + number("limit").cast_unsigned()).min(RECORDS);
        let (from, to) = (self.starts[begin as usize], self.starts[end as usize]);
        let data = self.text[from..to].trim_end_matches(',');
        format!(r#"{{"data":[{data}],"count":{}}}"#, RECORDS - first).into_bytes()
    }
}

struct Sink {
    world: World,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Request>,
    tickets: u64,
    taken: u64,
    rows: u64,
}

impl Sink {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl AbiHost for Sink {
    fn log(&self, _: u8, _: RStr<'_>) {}

    fn open_table(&self, _: RStr<'_>) -> RResult<u32, AbiError> {
        RResult::ROk(0)
    }

    fn write_row(&self, _: u32, row: RSlice<'_, Cell<'_>>) -> RResult<(), AbiError> {
        for cell in row {
            black_box(Value::from_cell(cell).unwrap());
        }
        self.state().rows += 1;
        RResult::ROk(())
    }

    fn submit(&self, request_json: RStr<'_>) -> RResult<u64, AbiError> {
        let mut state = self.state();
        state.tickets += 1;
        let ticket = state.tickets;
        state
            .waiting
            .insert(ticket, serde_json::from_str(request_json.as_str()).unwrap());
        RResult::ROk(ticket)
    }

    fn next(&self, ticket: &mut u64) -> RResult<HttpResponse, AbiError> {
        let mut state = self.state();
        state.taken += 1;
        *ticket = state.taken;
        let request = state.waiting.remove(ticket).unwrap();
        RResult::ROk(HttpResponse {
            status: 200,
            headers_json: "[]".into(),
            body: self.world.page(&request).into(),
        })
    }

    fn checkpoint(&self, _: RStr<'_>) -> RResult<(), AbiError> {
        RResult::ROk(())
    }

    fn progress(&self, _: RStr<'_>) {}

    fn cancelled(&self) -> bool {
        false
    }
}

struct Tickets;

impl Exporter for Tickets {
    fn describe(&self) -> Description {
        Description::new("tickets", "Tickets").tables(["Cases"])
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        let mut table = Table::new("Cases").column(Column::new("id", "Id"));
        for name in ["subject", "email", "phone", "isSpam", "count", "webUrl", "note"] {
            table = table.column(Column::new(name, name));
        }
        for field in 0..9 {
            let name = format!("field{field}");
            table = table.column(Column::new(&name, &name));
        }
        table = table.column(Column::new("createdTime", "Created").time());
        table = table.column(Column::new("modifiedTime", "Modified").time());
        table = table.column(Column::new("owner", "Owner").from("/owner/id"));
        Ok(vec![table.rest("Other Fields").key(["id"])])
    }

    fn export(&self, _: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        let cases = out.table("Cases")?;
        let search = Search {
            range: Range {
                from: Timestamp::from_micros(-SECOND),
                to: Timestamp::from_micros(RECORDS.cast_signed() * STEP * SECOND),
            },
            request: Box::new(|range, _| Request::get("/search").query("after", range.from.micros())),
            offset: "from",
            first: 0,
            max_offset: 999,
            try_offset: 999,
            limit: "limit",
            size: 100,
            items: "/data",
            count: Some("/count"),
            time: "/createdTime",
            id: "/id",
            overlap: SECOND,
        };
        for page in desk.search(search, None)? {
            for record in page?.records()? {
                out.record(cases, record)?;
            }
        }
        Ok(())
    }
}

fn main() {
    let rounds = std::env::var("DESKVAULT_BENCH_ROUNDS").ok();
    let rounds: u64 = rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(20);
    let host = Sink {
        world: World::new(),
        state: Mutex::default(),
    };
    let bytes = host.world.text.len() as u64;
    let job = serde_json::to_string(&Job::full("tickets")).unwrap();
    let clock = Instant::now();
    for _ in 0..rounds {
        let RResult::ROk(exporter) = glue::create(|| Tickets) else {
            panic!("no exporter");
        };
        let served = AbiHost_TO::from_ptr(&host, TD_Opaque);
        let result = AbiExporter_TO::export(&exporter, RStr::from_str(&job), served);
        assert!(matches!(result, RResult::ROk(())), "{result:?}");
        assert!(matches!(glue::retire(exporter), RResult::ROk(())));
    }
    let seconds = clock.elapsed().as_secs_f64();
    let services = host.state();
    assert_eq!(services.rows, rounds * RECORDS);
    println!(
        "{:.0} records/s of {} bytes, {} requests a round",
        services.rows as f64 / seconds,
        bytes / RECORDS,
        services.tickets / rounds
    );
}
