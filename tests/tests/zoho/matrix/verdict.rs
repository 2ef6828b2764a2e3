//! What is missing in an archive or there twice, and what is said of it.

use std::collections::{BTreeSet, HashMap, HashSet};

use deskvault_tests::compare::{Json, read_truth};
use deskvault_tests::zoho::{Backup, Desk, module_of, modules};
use plugin_api::Timestamp;

/// An error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

pub(super) fn reasons(backup: &Backup) -> Vec<String> {
    let failed = backup.summary.modules.iter().filter_map(|module| module.reason.clone());
    backup.summary.reasons.iter().cloned().chain(failed).collect()
}

/// Records without a row: none, or those that the archive names; and how many have more than one. Records that were made while
/// it ran may differ.
pub(super) fn losses(name: &str, desk: &Desk, backup: &Backup, may_differ: bool) -> (&'static str, u64) {
    let left: Vec<&str> = modules()
        .into_iter()
        .filter(|module| backup.manifest.tables.iter().any(|table| table.module == *module))
        .collect();
    let report = desk.compare(&backup.summary.archive, &left, &|_| true);
    // What was made after the backup began is for the next one.
    let mut young = HashSet::new();
    let mut parents = HashMap::new();
    read_truth(&desk.truth(), &mut |line| {
        let made = line
            .value("createdTime")
            .and_then(Json::text)
            .and_then(Timestamp::parse);
        if made.is_some_and(|made| made >= backup.summary.started) {
            young.insert(line.id.clone());
        }
        if let Some(parent) = line.parent {
            parents.insert(line.id, parent);
        }
    })
    .expect("the truth");
    let reasons = reasons(backup);
    let is_failed = |table: &str| {
        let entry = backup.manifest.tables.iter().find(|entry| entry.name == table);
        let module = entry.and_then(|entry| {
            let mut modules = backup.summary.modules.iter();
            modules.find(|module| module.module == entry.module)
        });
        module.is_none_or(|module| module.state == engine::archive::ModuleState::Failed)
            || reasons
                .iter()
                .any(|reason| reason.starts_with(&format!("{table}: the desk counts")))
    };
    let (mut named, mut silent) = (0, BTreeSet::new());
    for (table, key) in &report.lost {
        let ids: Vec<&str> = key.split('/').collect();
        let with_parents = ids
            .iter()
            .copied()
            .chain(ids.iter().filter_map(|id| parents.get(*id).map(String::as_str)));
        let all: Vec<&str> = with_parents.collect();
        if all.iter().any(|id| young.contains(*id)) {
            continue;
        }
        let is_named = reasons
            .iter()
            .any(|reason| reason.contains("could not be read") && all.iter().any(|id| reason.contains(id)));
        // A list that could not be read has no id.
        let is_of_list = reasons.iter().any(|reason| {
            let (of, key) = reason.split_once(": record \"").unwrap_or_default();
            let key = key.split('"').next().unwrap_or_default();
            !key.is_empty() && !key.contains(|c: char| c.is_ascii_digit()) && module_of(of) == module_of(table)
        });
        if is_named || is_of_list || is_failed(table) {
            named += 1;
        } else {
            silent.insert(format!("{table} {key}"));
        }
    }
    assert!(
        silent.is_empty(),
        "{name}: lost without a word: {silent:?}; reasons: {reasons:?}"
    );
    assert!(
        named == 0 || !backup.summary.complete,
        "{name}: complete, and {named} records are lost"
    );
    let others = report.count - report.lost.len() as u64 - report.repeated;
    assert!(others == 0 || may_differ, "{name}: {report}");
    let lost = if named == 0 { "0" } else { "only named ones" };
    (lost, report.repeated)
}

/// What kind of message the first reason is: without what varies by chance.
pub(super) fn message(reasons: &[String]) -> String {
    let Some(first) = reasons.first() else {
        return "-".into();
    };
    for (part, kind) in [
        ("could not be read", "a record could not be read"),
        ("the desk counts", "the desk's count differs from the rows"),
        (
            "the refresh token is not valid",
            "the refresh token is not valid (any more)",
        ),
        (
            "answered nothing for",
            "the desk answered nothing for as long as it is waited for",
        ),
        (
            "module contacts failed: GET /contacts/search",
            "module contacts failed: GET /contacts/search, and what the desk answered",
        ),
        ("certificate is not trusted", "the desk's certificate is not trusted"),
        (
            "this machine's clock is",
            "this machine's clock is ahead of the desk's: set it right",
        ),
        ("THRESHOLD_EXCEEDED", "the credits of the day are spent"),
    ] {
        if first.contains(part) {
            return kind.to_owned();
        }
    }
    let mut kind = String::new();
    for c in first.lines().next().unwrap_or_default().chars().take(160) {
        match c {
            '0'..='9' if kind.ends_with('N') => {}
            '0'..='9' => kind.push('N'),
            '|' => kind.push('/'),
            c => kind.push(c),
        }
    }
    kind
}
