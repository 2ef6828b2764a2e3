//! Peak memory of writing and publishing an archive: `cargo bench --bench archive_memory -- 10000000`.
//!
//! Rows are made as they are written. Prints rows, seconds of writing and of the whole, and the process's peak.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::time::Instant;

use engine::archive::settings::Settings;
use engine::archive::{Head, Module, ModuleState, Outcome, Writer};
use plugin_api::{Column, Kind, Table, Timestamp, Value};
use rows::Dice;
use tokio_util::sync::CancellationToken;

#[allow(dead_code)]
#[path = "common/rows.rs"]
mod rows;

fn main() {
    // Cargo adds `--bench`; without a number this is a quick check.
    let count = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(100_000_u64);
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        folder: folder.path().to_path_buf(),
        ..Settings::default()
    };
    let head = Head {
        desk: "memory".to_owned(),
        backup: "1".to_owned(),
        kind: Kind::Full,
        range: None,
        started: Timestamp::from_micros(1_767_323_045_000_000),
        engine: "0.1.0".to_owned(),
        plugins: Vec::new(),
    };
    let start = Instant::now();
    let writer = Writer::create(&settings, head, CancellationToken::new()).unwrap();
    let table = Table::new("Rows")
        .columns(["id", "parent", "subject", "created", "count"].map(|name| Column::new(name, name)))
        .key(["id"])
        .child_of("Rows", "parent");
    let mut table = writer.open_table("synthetic", table).unwrap();
    let mut dice = Dice::new(7);
    for number in 0..count {
        let id = (4_000_000_000_000 + number).to_string();
        let parent = (4_000_000_000_000 + dice.roll(count)).to_string();
        let created = Timestamp::from_micros(1_600_000_000_000_000 + number as i64 * 1_000_000);
        let row = [
            Value::Text(&id),
            Value::Text(&parent),
            Value::Text("Printer, second floor: \"paper jam\""),
            Value::Time(created),
            Value::Int(dice.roll(100) as i64),
        ];
        table.write(&row).unwrap();
    }
    let summary = table.close().unwrap();
    let module = Module {
        module: "synthetic".to_owned(),
        state: ModuleState::Complete,
        reason: None,
    };
    let outcome = Outcome {
        finished: Timestamp::from_micros(1_767_323_046_000_000),
        modules: vec![module],
        reasons: Vec::new(),
    };
    let joined = writer.join(outcome).unwrap();
    let written = start.elapsed();
    let published = joined.publish(&|_, _| {}).unwrap();
    let whole = start.elapsed();
    assert_eq!(published.report.rows, count);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .map_or("not known here", str::trim);
    println!(
        "{count} rows, {} MB of CSV, {} MB packed: written in {:.1} s, published in {:.1} s, peak memory {peak}",
        summary.bytes / 1_000_000,
        published.bytes / 1_000_000,
        written.as_secs_f64(),
        whole.as_secs_f64()
    );
}
