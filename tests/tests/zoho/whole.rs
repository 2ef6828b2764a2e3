//! What has to hold for every backup that is complete.

use deskvault_tests::compare::Report;
use deskvault_tests::zoho::{Backup, Desk, MODULES, module_of, modules};
use engine::archive::ModuleState;

/// Tables of which the desk itself says how many records there are.
pub(crate) const COUNTED: [&str; 14] = [
    "Cases",
    "Threads",
    "Comments",
    "TimeEntry",
    "Attachments",
    "Contacts",
    "Accounts",
    "Tasks",
    "Calls",
    "Events",
    "Products",
    "Articles",
    "Agents",
    "Departments",
];

/// A backup of everything that is complete, and the same as the truth; it also names the desk's count of each table.
pub(crate) fn complete(name: &str, desk: &Desk) -> Backup {
    complete_but(name, desk, &[])
}

/// As [`complete`], where some modules can't be had.
pub(crate) fn complete_but(name: &str, desk: &Desk, without: &[&str]) -> Backup {
    let backup = back_up(name, desk);
    assert!(
        without.is_empty() == backup.summary.complete,
        "{name}: {:?}",
        backup.summary.reasons
    );
    let there: Vec<&str> = modules()
        .into_iter()
        .filter(|module| !without.contains(module))
        .collect();
    for module in &backup.summary.modules {
        let expected = if there.contains(&module.module.as_str()) {
            ModuleState::Complete
        } else {
            ModuleState::Skipped
        };
        assert_eq!(module.state, expected, "{name}: {} {:?}", module.module, module.reason);
    }
    same(name, desk, &backup, &there);
    counts(name, desk, &backup, &there);
    backup
}

/// A backup of all modules.
pub(crate) fn back_up(name: &str, desk: &Desk) -> Backup {
    let backup = desk
        .back_up(&desk.plan(&modules()))
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let retries: u64 = backup.summary.modules.iter().map(|module| module.retries).sum();
    println!(
        "{name}: {} rows, {} requests, {retries} retries, {:.1} s, {} bytes",
        backup.summary.rows(),
        backup.asked.requests,
        backup.took.as_secs_f64(),
        backup.summary.archive_bytes
    );
    for remark in &backup.summary.notes {
        println!("  {remark}");
    }
    backup
}

/// The archive is the truth.
pub(crate) fn same(name: &str, desk: &Desk, backup: &Backup, modules: &[&str]) -> Report {
    let started = std::time::Instant::now();
    // A module that was skipped may have left its header rows.
    let begun = |module: &&&str| backup.manifest.tables.iter().any(|table| table.module == ***module);
    let left: Vec<&str> = MODULES
        .iter()
        .map(|(module, _)| module)
        .filter(begun)
        .copied()
        .collect();
    let report = desk.compare(&backup.summary.archive, &left, &|line| {
        modules.contains(&module_of(&line.table))
    });
    println!(
        "  compared {} cells of {} rows in {:.1} s",
        report.cells(),
        report.rows(),
        started.elapsed().as_secs_f64()
    );
    assert!(report.is_same(), "{name}: {report}");
    assert_eq!(report.rows(), backup.summary.rows(), "{name}: rows are counted alike");
    assert!(report.rows() > 0, "{name}: nothing was compared");
    report
}

/// The manifest has the desk's own count of each table that has one, and it is that of the rows.
fn counts(name: &str, desk: &Desk, backup: &Backup, modules: &[&str]) {
    for table in COUNTED.iter().filter(|table| modules.contains(&module_of(table))) {
        let entry = backup.manifest.tables.iter().find(|entry| entry.name == *table);
        let entry = entry.unwrap_or_else(|| panic!("{name}: {table} is not in the manifest"));
        if *table == "Threads" && !desk.settings.behaviour.drafts_count {
            let fewer = entry.desk_count.is_some_and(|count| count < entry.rows);
            assert!(
                fewer,
                "{name}: drafts are there, and not in {:?} of {} threads",
                entry.desk_count, entry.rows
            );
            continue;
        }
        assert_eq!(
            entry.desk_count,
            Some(entry.rows),
            "{name}: the desk's own count of {table}"
        );
    }
}
