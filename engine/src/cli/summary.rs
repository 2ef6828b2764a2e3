//! What a backup gave, as a table.

use std::fmt::Write as _;

use crate::archive::State;
use crate::config::text::printable;
use crate::connection::Credits;
use crate::progress::{ModuleSummary, Summary};

use super::figures::{grouped, size};
use super::table::table;

/// The table, what did not go well, and the archive's path on the last line.
pub(crate) fn render(summary: &Summary) -> String {
    let cell = str::to_owned;
    let mut rows = vec![
        ["", "rows", "bytes", "requests", "retries", "seconds"]
            .map(cell)
            .to_vec(),
    ];
    let mut total = [0u64; 4];
    for module in &summary.modules {
        let (written, bytes) = sums(module);
        for (sum, part) in total.iter_mut().zip([written, bytes, module.requests, module.retries]) {
            *sum = sum.saturating_add(part);
        }
        rows.push(line(
            &printable(&module.module),
            [written, bytes, module.requests, module.retries],
            module.least_requests,
            module.seconds,
        ));
        for table in &module.tables {
            rows.push(vec![
                format!("  {}", printable(&table.table)),
                grouped(table.rows),
                size(table.bytes),
            ]);
        }
    }
    rows.push(line("total", total, None, summary.seconds));
    let mut text = table(&rows, 1);
    text.push('\n');
    text.push_str(&least(&summary.modules));
    if let Some(Credits { spent, left }) = summary.credits {
        let left = left.map(|left| format!(", {} left today", grouped(left)));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "credits: {} spent{}", grouped(spent), left.unwrap_or_default());
    }
    let reasons = summary.reasons.iter().map(|reason| ("missing", reason));
    for (kind, line) in reasons.chain(summary.notes.iter().map(|note| ("note", note))) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{kind}: {}", printable(line));
    }
    let range = match summary.range {
        Some(range) => format!(", from {} until before {}", range.from, range.to),
        None => String::new(),
    };
    let state = state(summary);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}: backup {state}{range}", printable(&summary.desk));
    // It was read again, whole, before it got its name.
    let path = printable(&summary.archive.display().to_string());
    let _ = writeln!(text, "archive ({}, verified): {path}", size(summary.archive_bytes));
    text
}

/// What a backup came to, in a word or two.
pub(crate) fn state(summary: &Summary) -> &'static str {
    match summary.state() {
        State::Complete => "complete",
        State::Incomplete => "INCOMPLETE",
        State::LimitReached => "LIMIT REACHED",
    }
}

fn line(
    name: &str,
    [rows, bytes, requests, retries]: [u64; 4],
    least_requests: Option<u64>,
    seconds: f64,
) -> Vec<String> {
    let least = least_requests.map(|least| format!(" (least possible {})", grouped(least)));
    vec![
        name.to_owned(),
        grouped(rows),
        size(bytes),
        grouped(requests) + &least.unwrap_or_default(),
        grouped(retries),
        format!("{seconds:.1}"),
    ]
}

/// How many requests were made for the least that the desk's rules allow, over the modules that say it.
fn least(modules: &[ModuleSummary]) -> String {
    let said = modules
        .iter()
        .filter_map(|module| Some((module.requests, module.least_requests?)));
    let (made, least) = said.fold((0u64, 0u64), |(made, least), (requests, fewest)| {
        (made.saturating_add(requests), least.saturating_add(fewest))
    });
    if least == 0 {
        return String::new();
    }
    let ratio = made as f64 / least as f64;
    let (made, least) = (grouped(made), grouped(least));
    format!("requests: {made}, least possible {least} ({ratio:.3} x)\n")
}

fn sums(module: &ModuleSummary) -> (u64, u64) {
    module.tables.iter().fold((0, 0), |(rows, bytes), table| {
        (rows.saturating_add(table.rows), bytes.saturating_add(table.bytes))
    })
}

/// A sample for tests of what is made from it.
#[cfg(test)]
pub(crate) fn sample() -> Summary {
    use crate::archive::ModuleState;
    use crate::progress::TableSummary;
    use plugin_api::{Kind, Range, Timestamp};

    let time = |text| Timestamp::parse(text).unwrap();
    let table = |table: &str, rows, bytes, expected| TableSummary {
        table: table.into(),
        rows,
        bytes,
        expected,
        expected_after: None,
    };
    Summary {
        desk: "main".into(),
        credits: Some(Credits {
            spent: 4_381,
            left: Some(95_619),
        }),
        kind: Kind::Custom,
        range: Some(Range {
            from: time("2024-06-01T00:00:00Z"),
            to: time("2024-07-01T00:00:00Z"),
        }),
        complete: false,
        archive: "/var/backups/main サポート.zip".into(),
        archive_bytes: 12_900_000,
        sha256: "00".repeat(32),
        started: time("2024-07-02T03:00:00Z"),
        until: time("2024-07-02T03:00:00Z"),
        limit_reached: Vec::new(),
        seconds: 75.25,
        reasons: vec![
            "Transactions: the desk counts 1234568 records, 1234567 were written".into(),
            "module 問い合わせ was skipped: the desk forbids it\u{1b}[2J".into(),
        ],
        notes: vec!["Transactions: 2 rows whose parent is not there".into()],
        modules: vec![
            ModuleSummary {
                module: "request-tracker".into(),
                state: ModuleState::Complete,
                reason: None,
                requests: 1451,
                least_requests: Some(1440),
                retries: 2,
                seconds: 61.04,
                tables: vec![
                    table("Tickets", 200, 65_536, Some(200)),
                    table("Transactions", 1_234_567, 123_456_789, Some(1_234_568)),
                ],
            },
            ModuleSummary {
                module: "問い合わせ".into(),
                state: ModuleState::Skipped,
                reason: Some("the desk forbids it\u{1b}[2J".into()),
                requests: 1,
                least_requests: None,
                retries: 0,
                seconds: 0.2,
                tables: vec![],
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table() {
        assert_eq!(
            super::render(&super::sample()),
            "                      rows      bytes                      requests  retries  seconds\n\
             request-tracker  1,234,767  117.8 MiB  1,451 (least possible 1,440)        2     61.0\n\
             \x20 Tickets              200   64.0 KiB\n\
             \x20 Transactions   1,234,567  117.7 MiB\n\
             問い合わせ               0        0 B                             1        0      0.2\n\
             total            1,234,767  117.8 MiB                         1,452        2     75.2\n\
             \n\
             requests: 1,451, least possible 1,440 (1.008 x)\n\
             credits: 4,381 spent, 95,619 left today\n\
             missing: Transactions: the desk counts 1234568 records, 1234567 were written\n\
             missing: module 問い合わせ was skipped: the desk forbids it\\u{1b}[2J\n\
             note: Transactions: 2 rows whose parent is not there\n\
             main: backup INCOMPLETE, from 2024-06-01T00:00:00Z until before 2024-07-01T00:00:00Z\n\
             archive (12.3 MiB, verified): /var/backups/main サポート.zip\n"
        );
    }

    #[test]
    fn what_it_came_to_is_said_in_words() {
        let mut summary = super::sample();
        assert_eq!(super::state(&summary), "INCOMPLETE");
        summary.limit_reached.push(("Tickets".into(), 200));
        assert_eq!(super::state(&summary), "LIMIT REACHED");
        assert!(super::render(&summary).contains("main: backup LIMIT REACHED, from"));
        (summary.limit_reached, summary.complete) = (Vec::new(), true);
        assert_eq!(super::state(&summary), "complete");
    }
}
