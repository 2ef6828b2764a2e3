//! Rows to CSV to ZIP, side by side with what the hardware allows and with what people use:
//!
//! - `rows to ZIP`: the archive's writer on two packers, from rows to the joined file, without the verification;
//! - `zlib-rs alone`: only the packing of the same CSV, on two threads at the same level, in memory;
//! - `verify`: reading the archive back;
//! - `zip -6`: Info-ZIP on the same CSV, where it is installed; measured once.
//!
//! All throughputs are bytes of CSV. On a machine that has other things to do, hold on to the CPU time a byte,
//! which is printed at the end too. `DESKVAULT_BENCH_MB` sets the size (default 128). Ratios go to stderr.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::archive::settings::Settings;
use engine::archive::{Head, Joined, Module, ModuleState, Outcome, Writer, verify};
use flate2::{Compress, Compression, FlushCompress};
use plugin_api::{Kind, Timestamp};
use rows::Ticket;
use tokio_util::sync::CancellationToken;

#[path = "common/rows.rs"]
mod rows;

const LEVEL: u32 = 4;

fn join(folder: &Path, tickets: &[Ticket]) -> (Joined, u64) {
    let settings = Settings {
        folder: folder.to_path_buf(),
        packers: 2,
        ..Settings::default()
    };
    let head = Head {
        desk: "bench".to_owned(),
        backup: "1".to_owned(),
        kind: Kind::Full,
        range: None,
        started: Timestamp::from_micros(1_767_323_045_000_000),
        engine: "0.1.0".to_owned(),
        plugins: Vec::new(),
    };
    let writer = Writer::create(&settings, head, CancellationToken::new()).unwrap();
    let mut table = writer.open_table("tickets", rows::table("Cases")).unwrap();
    for ticket in tickets {
        table.write(&ticket.row()).unwrap();
    }
    let bytes = table.close().unwrap().bytes;
    let module = Module {
        module: "tickets".to_owned(),
        state: ModuleState::Complete,
        reason: None,
    };
    let outcome = Outcome {
        finished: Timestamp::from_micros(1_767_323_046_000_000),
        modules: vec![module],
        reasons: Vec::new(),
        limit_reached: false,
    };
    (writer.join(outcome).unwrap(), bytes)
}

/// Packs blocks with their dictionaries on two threads; the packed length in all.
fn pack(csv: &[u8]) -> usize {
    const BLOCK: usize = 256 << 10;
    let (next, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut deflate = Compress::new(Compression::new(LEVEL), false);
                let mut out = Vec::with_capacity(2 * BLOCK);
                loop {
                    let start = next.fetch_add(1, Ordering::Relaxed) * BLOCK;
                    if start >= csv.len() {
                        break;
                    }
                    deflate.reset();
                    out.clear();
                    if start > 0 {
                        deflate.set_dictionary(&csv[start - (32 << 10)..start]).unwrap();
                    }
                    let end = csv.len().min(start + BLOCK);
                    deflate
                        .compress_vec(&csv[start..end], &mut out, FlushCompress::Sync)
                        .unwrap();
                    total.fetch_add(out.len(), Ordering::Relaxed);
                }
            });
        }
    });
    total.into_inner()
}

/// Info-ZIP's time and packed length.
fn info_zip(folder: &Path) -> Option<(Duration, u64)> {
    let start = Instant::now();
    let status = Command::new("zip")
        .args(["-6", "-q", "zip6.zip", "plain.csv"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .status();
    let time = start.elapsed();
    status
        .ok()?
        .success()
        .then(|| (time, fs::metadata(folder.join("zip6.zip")).unwrap().len()))
}

/// CPU time that this process has used, all its threads together; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

fn archive(criterion: &mut Criterion) {
    let megabytes: u64 = std::env::var("DESKVAULT_BENCH_MB")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(128);
    let tickets = rows::tickets(megabytes * 1_000_000 / 1600);
    let folder = tempfile::tempdir().unwrap();
    let (joined, bytes) = join(folder.path(), &tickets);
    let published = joined.publish(&|_, _| {}).unwrap();
    let mut archive = zip::ZipArchive::new(fs::File::open(&published.path).unwrap()).unwrap();
    let plain = folder.path().join("plain.csv");
    let mut out = fs::File::create(&plain).unwrap();
    std::io::copy(&mut archive.by_name("Cases__1.csv").unwrap(), &mut out).unwrap();
    let csv = fs::read(&plain).unwrap();
    assert_eq!(csv.len() as u64, bytes);

    let mut group = criterion.benchmark_group("archive");
    group.sample_size(10).throughput(Throughput::BytesDecimal(bytes));
    let target = tempfile::tempdir().unwrap();
    // Removing what was written is no part of it.
    group.bench_function("rows to ZIP", |bencher| {
        bencher.iter_with_large_drop(|| {
            let target = tempfile::tempdir().unwrap();
            (join(target.path(), &tickets), target)
        });
    });
    group.bench_function("zlib-rs alone", |bencher| bencher.iter(|| pack(&csv)));
    group.bench_function("verify", |bencher| {
        bencher.iter(|| {
            let report = verify(&published.path, &|_, _| {}, &CancellationToken::new()).unwrap();
            assert!(report.is_sound());
        });
    });
    group.finish();

    let ratio = |packed: u64| bytes as f64 / packed as f64;
    let cpu = |what: &str, run: &dyn Fn()| {
        let start = cpu_seconds();
        (0..3).for_each(|_| run());
        let nanoseconds = (cpu_seconds() - start) / 3.0 * 1e9 / bytes as f64;
        eprintln!("{what}: {nanoseconds:.2} ns of CPU a byte");
        nanoseconds
    };
    let alone = cpu("zlib-rs alone", &|| assert!(pack(&csv) > 0));
    let whole = cpu("rows to ZIP", &|| drop(join(target.path(), &tickets)));
    eprintln!("rows to ZIP is {:.2} of zlib-rs alone", alone / whole);
    eprintln!("CSV: {bytes} bytes, {} rows", tickets.len());
    eprintln!(
        "archive: {} bytes, ratio {:.3}",
        published.bytes,
        ratio(published.bytes)
    );
    eprintln!("zlib-rs alone: ratio {:.3}", ratio(pack(&csv) as u64));
    match info_zip(folder.path()) {
        Some((time, packed)) => eprintln!(
            "zip -6: {packed} bytes, ratio {:.3}, {:.0} MB/s; the archive's ratio is {:.1} % of it",
            ratio(packed),
            bytes as f64 / 1e6 / time.as_secs_f64(),
            100.0 * packed as f64 / published.bytes as f64
        ),
        None => eprintln!("zip -6: not measured, because Info-ZIP's zip is not installed"),
    }
}

criterion_group!(benches, archive);
criterion_main!(benches);
