//! What backing up a Zoho Desk costs: records a second without latency, the wall time against its floor with latency, and
//! memory. The desk runs in this process, on the same processors; for memory the backup runs in another one.
//!
//! `cargo bench -p deskvault-tests --bench zoho`, with the names of some of the figures to have only these: `flat`,
//! `latency`, `memory`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use deskvault_tests::plugin;
use deskvault_tests::zoho::Desk;
use sample_desk::Settings;
use sample_desk::settings::Edition;

/// Times that each figure is measured; the median is the figure.
const RUNS: usize = 3;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let figures: [(&str, fn()); 3] = [("flat", flat), ("latency", latency), ("memory", memory)];
    for (name, measure) in figures {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure();
        }
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Two flat lists without latency.
fn flat() {
    let desk = Desk::start(Settings {
        seed: 4,
        tickets: 400_000,
        custom_fields: 2,
        ..Settings::default()
    });
    let modules = ["contacts", "accounts"];
    let mut speeds = Vec::new();
    for _ in 0..RUNS {
        let bytes = desk.desk.stats().bytes;
        let backup = desk.back_up(&desk.plan(&modules)).unwrap();
        assert!(backup.summary.complete, "{:?}", backup.summary.reasons);
        let rows = backup.summary.rows();
        let speed = rows as f64 / backup.took.as_secs_f64();
        // Side by side: the last to end counts. What follows is the joining of the parts, and the verification.
        let exports = backup.summary.modules.iter().map(|module| module.seconds);
        let exported = exports.fold(0.0, f64::max);
        println!(
            "flat: {:.0} records/s into the ZIP, before it is verified",
            rows as f64 / exported
        );
        println!(
            "flat: {rows} records of {} bytes in {:.2} s: {speed:.0} records/s; archive {} bytes, {} requests",
            (backup.asked.bytes - bytes) / rows,
            backup.took.as_secs_f64(),
            backup.summary.archive_bytes,
            backup.asked.requests
        );
        std::fs::remove_file(&backup.summary.archive).unwrap();
        speeds.push(speed);
    }
    println!("flat: {:.0} records/s", median(speeds));
}

/// Tickets with all that belongs to them, at 50 ms for each answer.
fn latency() {
    const LATENCY: Duration = Duration::from_millis(50);
    for (name, edition, concurrency, in_flight) in [
        ("25 in flight", Edition::Enterprise, None, 25),
        ("10 in flight", Edition::Standard, None, 10),
        ("10 in flight, the edition says 25", Edition::Enterprise, Some(10), 10),
    ] {
        let desk = Desk::start(Settings {
            seed: 5,
            tickets: 2_000,
            edition,
            concurrency,
            latency: LATENCY,
            ..Settings::default()
        });
        let mut ratios = Vec::new();
        for _ in 0..RUNS {
            let refused = desk.desk.stats().by_status.get(&429).copied().unwrap_or(0);
            let backup = desk.back_up(&desk.plan(&["tickets"])).unwrap();
            assert!(backup.summary.complete, "{:?}", backup.summary.reasons);
            let refused = backup.asked.by_status.get(&429).copied().unwrap_or(0) - refused;
            let floor = backup.asked.requests as f64 * LATENCY.as_secs_f64() / f64::from(in_flight);
            let ratio = backup.took.as_secs_f64() / floor;
            println!(
                "latency, {name}: {} requests in {:.2} s, floor {floor:.2} s, ratio {ratio:.3}, 429: {refused}",
                backup.asked.requests,
                backup.took.as_secs_f64(),
            );
            std::fs::remove_file(&backup.summary.archive).unwrap();
            ratios.push(ratio);
        }
        println!("latency, {name}: {:.3} x the floor", median(ratios));
    }
}

/// The peak of the memory of a process that backs up.
fn memory() {
    let flat = ["contacts", "accounts"];
    for (name, tickets, huge_bodies_ppm, modules) in [
        ("flat, 100,000 records", 200_000, 0, &flat[..]),
        ("flat, 1,000,000 records", 2_000_000, 0, &flat),
        ("tickets, 2,000, every 20th body 1 MB", 2_000, 50_000, &["tickets"]),
        ("tickets, 20,000, every 1,000th body 1 MB", 20_000, 1_000, &["tickets"]),
    ] {
        let desk = Desk::start(Settings {
            seed: 6,
            tickets,
            huge_bodies_ppm,
            credits: Some(u64::MAX >> 1),
            ..Settings::default()
        });
        let reached = desk.reached();
        let mut child = Command::new(env!("CARGO_BIN_EXE_zoho-backup"))
            .args([&reached.url, &reached.accounts_url, &reached.org_id, &reached.client_id])
            .arg(desk.folder.path())
            .args(modules.iter().map(|module| plugin(&format!("deskvault_{module}"))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{}\n{}", reached.client_secret, reached.refresh_token).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}");
        let said = String::from_utf8(output.stdout).unwrap();
        let figures: Vec<&str> = said.lines().collect();
        let [rows, requests, seconds, peak] = figures[..] else {
            panic!("{said}")
        };
        let peak: u64 = peak.parse().unwrap();
        println!(
            "memory, {name}: {rows} rows, {requests} requests, {seconds} s, peak {:.1} MB",
            peak as f64 / 1024.0
        );
    }
}
