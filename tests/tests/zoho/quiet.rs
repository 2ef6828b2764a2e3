//! Desks on which nothing happens while they are read: all is there, with as few requests as can be.

use deskvault_tests::zoho::{Backup, Desk, least};
use sample_desk::Settings;

use crate::whole::complete;

/// More requests than the least that the rules allow, at most.
const MOST: f64 = 1.02;

/// A complete backup, and what it cost.
fn check(seed: u64, tickets: u64, custom_fields: u32) {
    let desk = Desk::start(Settings {
        seed,
        tickets,
        custom_fields,
        ..Settings::default()
    });
    let name = format!("seed {seed}, {tickets} tickets");
    let backup = complete(&name, &desk);
    requests(&name, &desk, &backup);
}

/// The table of requests: made, least by the exporters, least by the truth.
fn requests(name: &str, desk: &Desk, backup: &Backup) {
    let expected = least::of(&desk.truth());
    println!("  {:<12} {:>8} {:>8} {:>8}  ratio", "requests", "made", "told", "least");
    let (mut made, mut least) = (0, 0);
    for module in &backup.summary.modules {
        let expected = expected.get(module.module.as_str()).copied().unwrap_or(0);
        made += module.requests;
        least += expected;
        line(&module.module, module.requests, module.least_requests, expected);
    }
    line("in all", made, None, least);
    for module in &backup.summary.modules {
        let expected = expected.get(module.module.as_str()).copied().unwrap_or(0);
        let what = format!("{name}: {}", module.module);
        assert_eq!(
            module.least_requests,
            Some(expected),
            "{what}: the least number that the exporter tells"
        );
        assert!(
            ratio(module.requests, expected) <= MOST,
            "{what}: {} requests, least {expected}",
            module.requests
        );
        assert_eq!(module.retries, 0, "{what}: retries");
    }
    // One more than the exporters': the organisation, whose edition decides how many may be in flight.
    assert_eq!(
        backup.asked.requests,
        made + 1,
        "{name}: requests that the desk counted, {:?}",
        backup.asked.by_path
    );
    let refused: Vec<_> = backup
        .asked
        .by_status
        .iter()
        .filter(|(status, _)| **status >= 400)
        .collect();
    assert!(refused.is_empty(), "{name}: {refused:?}");
}

fn ratio(made: u64, least: u64) -> f64 {
    made as f64 / least as f64
}

fn line(module: &str, made: u64, told: Option<u64>, least: u64) {
    let told = told.map_or_else(String::new, |told| told.to_string());
    println!(
        "  {module:<12} {made:>8} {told:>8} {least:>8}  {:.4}",
        ratio(made, least)
    );
}

#[test]
fn small_desks() {
    for (seed, tickets, custom_fields) in [(1, 100, 0), (2, 100, 40), (3, 137, 8), (4, 200, 8), (5, 101, 1)] {
        check(seed, tickets, custom_fields);
    }
}

#[test]
fn a_desk_of_1_000_tickets() {
    for seed in [11, 12] {
        check(seed, 1_000, 8);
    }
}

#[test]
fn a_desk_of_3_000_tickets() {
    check(21, 3_000, 20);
}

#[test]
fn a_desk_of_20_000_tickets() {
    check(32, 20_000, 8);
}
