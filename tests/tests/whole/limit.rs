//! The limit of records: refused by the desk's counts, reached by its rows, and what there is then.

use std::collections::BTreeMap;
use std::time::Duration;

use deskvault_tests::desk::TestDesk;
use deskvault_tests::plan;
use deskvault_tests::zoho::{Desk, modules};
use engine::archive::{Digest, Manifest, ModuleState, State, verify};
use engine::backup::{BackupError, Plan};
use engine::progress::Summary;
use engine::quota::{Editions, Refusal};
use plugin_api::{Kind, Range, Timestamp};
use sample_desk::Settings;
use tokio_util::sync::CancellationToken;

use super::backup::{backup, left_in, state};

/// A desk of 250 tickets, of which every fourth has two comments: 376 records.
fn desk() -> TestDesk {
    TestDesk::start(|path| {
        let body = if path.starts_with("/fields") {
            serde_json::json!({ "fields": [] })
        } else if let Some(page) = path.split("page=").nth(1) {
            let page: u64 = page.split('&').next()?.parse().ok()?;
            let ticket = |id: u64| serde_json::json!({ "id": id, "updated_at": "2031-03-12T07:00:00Z", "comment_count": if id.is_multiple_of(4) { 2 } else { 0 } });
            let tickets: Vec<_> = ((page - 1) * 100..(page * 100).min(250)).map(ticket).collect();
            serde_json::json!({ "tickets": tickets, "total": 250 })
        } else {
            let id: u64 = path.split('/').nth(2)?.parse().ok()?;
            let comment = |number: u64| serde_json::json!({ "id": 2 * id + number, "body": "x", "created_at": "2031-03-12T07:00:00Z" });
            serde_json::json!({ "comments": [comment(0), comment(1)] })
        };
        Some((200, body.to_string()))
    })
}

/// What the archive says of itself, if nothing is wrong with it and the summary says the same.
fn sound(summary: &Summary) -> Manifest {
    let report = verify(&summary.archive, &|_, _| {}, &CancellationToken::new()).expect("a report");
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.rows, summary.rows());
    assert_eq!(report.manifest.state, summary.state());
    assert_eq!(report.manifest.reasons, summary.reasons);
    let sha256 = Digest::of_file(&summary.archive).expect("the archive");
    assert_eq!(summary.sha256, sha256.to_string());
    report.manifest
}

/// An archive of exactly so many rows that says which tables stopped where.
fn limit_reached(summary: &Summary, limit: u64) -> Manifest {
    assert_eq!((summary.rows(), summary.state()), (limit, State::LimitReached));
    assert!(!summary.complete);
    let name = summary.archive.to_string_lossy();
    assert!(name.ends_with("-limit-reached.zip"), "{name}");
    let manifest = sound(summary);
    let rows: BTreeMap<&str, u64> = manifest
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table.rows))
        .collect();
    assert!(!summary.limit_reached.is_empty());
    for ((table, stopped), reason) in summary.limit_reached.iter().zip(&manifest.reasons) {
        // A table that was not even opened is named, too.
        let written = rows.get(table.as_str()).copied();
        assert_eq!(written.unwrap_or_default(), *stopped, "{table}");
        let place = match stopped {
            0 => "before its first row".to_owned(),
            row => format!("behind row {row}"),
        };
        assert_eq!(
            *reason,
            format!("{table}: stopped {place}: limit of {limit} records reached")
        );
    }
    let reason = format!("limit of {limit} records reached");
    let stopped: Vec<&str> = summary.limit_reached.iter().map(|(table, _)| table.as_str()).collect();
    for module in &summary.modules {
        let said = (module.state, module.reason.as_deref());
        let is_stopped = said == (ModuleState::Incomplete, Some(&reason));
        assert!(
            is_stopped || said == (ModuleState::Complete, None),
            "{}: {said:?}",
            module.module
        );
        for table in &module.tables {
            assert_eq!(stopped.contains(&table.table.as_str()), is_stopped, "{}", table.table);
        }
    }
    manifest
}

fn refused(plan: &Plan, plugins: &[&str]) -> Refusal {
    match backup(plan, plugins) {
        Err(BackupError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_desk_counts_refuses_a_backup_before_anything_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = desk();
    let mut plan = plan(&desk.url, &["example"], folder.path());
    plan.records = Some(249);
    let counted = Refusal::Records {
        counted: 250,
        limit: 249,
    };
    assert_eq!(refused(&plan, &["deskvault_example"]), counted);
    assert!(left_in(folder.path()).is_empty(), "{:?}", left_in(folder.path()));
    assert!(desk.requests() < 10, "{} requests for nothing", desk.requests());
    // A part of it is wanted.
    plan.allow_partial = true;
    let summary = backup(&plan, &["deskvault_example"]).expect("a part");
    limit_reached(&summary, 249);
}

#[test]
fn as_many_records_as_the_limit_are_a_complete_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = desk();
    let mut plan = plan(&desk.url, &["example"], folder.path());
    // The desk does not count comments: nobody knows of them before they come.
    for (limit, state) in [
        (375, State::LimitReached),
        (376, State::Complete),
        (377, State::Complete),
    ] {
        plan.records = Some(limit);
        let summary = backup(&plan, &["deskvault_example"]).expect("a backup");
        assert_eq!((summary.state(), summary.rows()), (state, limit.min(376)), "{limit}");
        assert_eq!(state == State::LimitReached, !summary.limit_reached.is_empty());
        sound(&summary);
        if state == State::LimitReached {
            limit_reached(&summary, limit);
        }
    }
}

#[test]
fn a_plugin_that_swallows_the_refusal_writes_nothing_more_and_is_not_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = TestDesk::start(|_| Some((200, "fine".into())));
    let mut plan = plan(&desk.url, &["writes-on"], folder.path());
    for limit in [1, 999, 1000] {
        plan.records = Some(limit);
        let summary = backup(&plan, &["bad_writes_on"]).expect("a backup");
        assert_eq!(summary.rows(), limit);
        if limit == 1000 {
            assert!(summary.complete, "{:?}", summary.reasons);
        } else {
            limit_reached(&summary, limit);
            assert_eq!(summary.limit_reached, [("Things".to_owned(), limit)]);
        }
    }
    // Without a single row there is no archive.
    plan.records = Some(0);
    let error = backup(&plan, &["bad_writes_on"]).expect_err("nothing");
    assert!(error.to_string().contains("limit of 0 records reached"), "{error}");
}

#[test]
fn a_module_that_fails_is_told_from_one_that_was_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = desk();
    let mut plan = plan(&desk.url, &["panics-in-export", "example"], folder.path());
    (plan.records, plan.allow_partial) = (Some(100), true);
    let summary = backup(&plan, &["bad_panics_in_export", "deskvault_example"]).expect("a part");
    assert_eq!((summary.state(), summary.rows()), (State::LimitReached, 100));
    assert_eq!(state(&summary, "panics-in-export"), ModuleState::Failed);
    assert_eq!(state(&summary, "example"), ModuleState::Incomplete);
    let manifest = sound(&summary);
    assert!(
        manifest
            .reasons
            .iter()
            .any(|reason| reason.starts_with("module panics-in-export failed: "))
    );
}

#[test]
fn the_modules_of_a_desk_share_one_limit() {
    let desk = Desk::start(Settings::default());
    let mut plan = desk.plan(&modules());
    let whole = desk.back_up(&plan).expect("a backup").summary;
    assert!(whole.complete, "{:?}", whole.reasons);
    plan.records = Some(whole.rows());
    let exact = desk.back_up(&plan).expect("a backup").summary;
    assert!(exact.complete, "{:?}", exact.reasons);
    assert_eq!(exact.rows(), whole.rows());
    plan.allow_partial = true;
    for limit in [whole.rows() - 1, whole.rows() / 2, 10] {
        plan.records = Some(limit);
        let backup = desk.back_up(&plan).unwrap_or_else(|error| panic!("{limit}: {error:?}"));
        limit_reached(&backup.summary, limit);
        // What was written is what is there: a module that ended has all, one that was stopped not more.
        for (module, all) in backup.summary.modules.iter().zip(&whole.modules) {
            for (table, all) in module.tables.iter().zip(&all.tables) {
                assert_eq!(table.table, all.table);
                match module.state {
                    ModuleState::Complete => assert_eq!(table.rows, all.rows, "{}", table.table),
                    _ => assert!(table.rows <= all.rows, "{}", table.table),
                }
            }
        }
    }
}

#[test]
fn the_counts_of_several_modules_add_up() {
    let desk = Desk::start(Settings::default());
    let mut plan = desk.plan(&["contacts", "accounts", "products"]);
    let whole = desk.back_up(&plan).expect("a backup").summary;
    let rows: Vec<u64> = whole.modules.iter().map(|module| module.tables[0].rows).collect();
    // More than each of them.
    let limit = whole.rows() - 1;
    assert!(rows.iter().all(|rows| *rows < limit), "{rows:?}");
    plan.records = Some(limit);
    match desk.back_up(&plan).map(|backup| backup.summary) {
        Err(BackupError::Refused(refusal)) => {
            let counted = whole.rows();
            assert_eq!(refusal, Refusal::Records { counted, limit });
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_edition_that_may_not_is_refused_before_anything_is_asked() {
    let desk = Desk::start(Settings::default());
    let mut plan = desk.plan(&["contacts"]);
    let only_custom = BTreeMap::from([("enterprise".to_owned(), vec![Kind::Custom])]);
    plan.editions = Editions(only_custom);
    match desk.back_up(&plan).map(|backup| backup.summary) {
        Err(BackupError::Refused(Refusal::Edition { edition, kind })) => {
            assert_eq!(edition.to_ascii_lowercase(), "enterprise");
            assert_eq!(kind, Kind::Full);
        }
        other => panic!("{other:?}"),
    }
    plan.editions = Editions(BTreeMap::from([("free".to_owned(), vec![])]));
    assert!(desk.back_up(&plan).expect("a backup").summary.complete);
}

#[test]
fn a_backup_reaches_until_what_its_exporters_were_asked_for() {
    let time = |text: &str| Timestamp::parse(text).expect("a time");
    let desk = Desk::start(Settings::default());
    let mut plan = desk.plan(&["products"]);
    plan.connection.search_lag = Duration::from_mins(5);
    plan.started = Some(time("2032-03-12T07:00:00.9Z"));
    plan.name = Some("the-name".to_owned());
    let range = |to| Range {
        from: time("2020-01-01T00:00:00Z"),
        to: time(to),
    };
    let lag = "2032-03-12T06:55:00Z";
    for (kind, range, until) in [
        (Kind::Full, None, lag),
        (
            Kind::Custom,
            Some(range("2024-01-01T00:00:00Z")),
            "2024-01-01T00:00:00Z",
        ),
        (Kind::Incremental, Some(range(lag)), lag),
        // Not later than what could be read.
        (Kind::Incremental, Some(range("2032-03-12T07:00:00Z")), lag),
    ] {
        (plan.kind, plan.range) = (kind, range);
        let backup = desk.back_up(&plan).expect("a backup");
        assert_eq!(backup.summary.until, time(until), "{kind:?} {range:?}");
        assert_eq!(backup.summary.started, time("2032-03-12T07:00:00Z"));
        assert_eq!(backup.manifest.backup, "the-name");
        assert_eq!(backup.manifest.started, backup.summary.started);
        let took = backup.manifest.finished.micros() - backup.manifest.started.micros();
        assert!((0..600_000_000).contains(&took), "{took}");
        let name = backup.summary.archive.file_name().expect("a name").to_string_lossy();
        assert!(name.contains("20320312T070000Z"), "{name}");
    }
}
