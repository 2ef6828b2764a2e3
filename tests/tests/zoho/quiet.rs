//! Desks on which nothing happens while they are read: all is there, with as few requests as can be.

use std::fs::File;
use std::path::Path;

use deskvault_tests::zoho::{Backup, Desk, least, modules};
use engine::connection::settings::{Auth, Sample, Terms};
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

/// The way of the first command: a desk that is started with the connection. Its truth is that of its settings.
#[test]
fn a_desk_within_the_engine() {
    let desk = Desk::start(Settings {
        seed: 6,
        tickets: 100,
        ..Settings::default()
    });
    let mut plan = desk.plan(&modules());
    plan.connection.auth = Auth::Sample(Sample {
        desk: desk.settings.clone(),
        terms: Terms::default(),
    });
    let backup = desk.back_up(&plan).unwrap_or_else(|error| panic!("{error:?}"));
    assert!(backup.summary.complete, "{:?}", backup.summary.reasons);
    assert_eq!(backup.asked.requests, 0, "the other desk was not asked");
    // Links name the port of the desk that was asked.
    let truth = desk.truth();
    let text = std::fs::read_to_string(&truth).expect("the truth");
    let text = text.replace(desk.desk.url(), &origin(&backup.summary.archive));
    std::fs::write(&truth, text).expect("the truth");
    let report = desk.compare_with(&backup.summary.archive, &truth, &modules(), &|_| true);
    assert!(report.is_same() && report.rows() > 0, "{report}");
}

/// Scheme, host and port of the links to attachments in an archive.
fn origin(archive: &Path) -> String {
    let mut zip = zip::ZipArchive::new(File::open(archive).expect("the archive")).expect("a ZIP");
    let file = zip.by_name("Attachments__1.csv").expect("attachments");
    let mut rows = csv::Reader::from_reader(file).into_records();
    let names = rows.next().expect("names").expect("a row");
    let at = names.iter().position(|name| name == "href").expect("a column");
    let row = rows.next().expect("an attachment").expect("a row");
    row[at].split("/api/").next().expect("a link").to_owned()
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
