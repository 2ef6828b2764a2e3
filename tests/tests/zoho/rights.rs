//! What the credentials may not do, and what the edition does not have.

use deskvault_tests::zoho::Desk;
use sample_desk::Settings;

use crate::whole::complete_but;

#[test]
fn modules_that_are_forbidden_or_not_licensed_are_skipped_and_the_others_are_whole() {
    for (name, seed, forbidden, unlicensed, lacks) in [
        ("forbidden products", 151, vec!["products"], vec![], "products"),
        ("unlicensed products", 152, vec![], vec!["products"], "products"),
        ("unlicensed articles", 153, vec![], vec!["articles"], "articles"),
        ("forbidden contacts", 154, vec!["contacts"], vec![], "contacts"),
        ("forbidden accounts", 155, vec!["accounts"], vec![], "accounts"),
        ("unlicensed teams", 156, vec![], vec!["teams"], "teams"),
    ] {
        let text = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        let desk = Desk::start(Settings {
            seed,
            tickets: 100,
            forbidden: text(forbidden),
            unlicensed: text(unlicensed),
            ..Settings::default()
        });
        let backup = complete_but(name, &desk, &[lacks]);
        let module = backup
            .summary
            .modules
            .iter()
            .find(|module| module.module == lacks)
            .expect("the module");
        let reason = module.reason.as_deref().unwrap_or_default();
        println!("  {reason}");
        assert!(reason.contains("403"), "{name}: {reason}");
        assert!(
            backup.summary.reasons.iter().any(|reason| reason.contains(lacks)),
            "{name}"
        );
    }
}

#[test]
fn a_module_whose_scope_is_missing_is_skipped_and_the_scope_is_named() {
    for (seed, scope, lacks) in [
        (161, "Desk.articles.READ", &["articles"][..]),
        (162, "Desk.contacts.READ", &["contacts", "accounts"]),
    ] {
        let desk = Desk::start(Settings {
            seed,
            tickets: 100,
            missing_scopes: vec![scope.to_owned()],
            ..Settings::default()
        });
        let backup = complete_but(scope, &desk, lacks);
        let reasons = backup.summary.reasons.join("\n");
        println!("  {reasons}");
        assert!(reasons.contains(scope), "{reasons}");
    }
}

#[test]
fn without_searches_the_lists_are_read_and_archived_tickets_are_named_as_missing() {
    for (seed, tickets) in [(171, 100), (172, 700)] {
        let desk = Desk::start(Settings {
            seed,
            tickets,
            missing_scopes: vec!["Desk.search.READ".to_owned()],
            ..Settings::default()
        });
        fallback(&desk);
    }
}

/// Archived tickets can't be listed without searches: the backup says so, and has all else.
fn fallback(desk: &Desk) {
    use std::collections::HashSet;

    use deskvault_tests::compare::{Json, Line};
    use deskvault_tests::zoho::modules;

    let backup = crate::whole::back_up("without searches", desk);
    assert!(!backup.summary.complete, "archived tickets are missing");
    let reasons = backup.summary.reasons.join("\n");
    println!("  {reasons}");
    assert!(
        reasons.contains("archived") && reasons.contains("Desk.search.READ"),
        "{reasons}"
    );
    let is_archived = |line: &Line| matches!(line.value("isArchived"), Some(Json::Bool(true)));
    let mut archived: HashSet<String> = HashSet::new();
    deskvault_tests::compare::read_truth(&desk.truth(), &mut |line| {
        if line.table == "Cases" && is_archived(&line) {
            archived.insert(line.id);
        }
    })
    .expect("the truth");
    assert!(!archived.is_empty());
    let of_archived = |line: &Line| {
        let ticket = if line.table == "Cases" {
            Some(&line.id)
        } else {
            line.parent.as_ref()
        };
        ticket.is_some_and(|ticket| archived.contains(ticket))
    };
    let wanted = |line: &Line| line.table == "TimeEntry" || !of_archived(line);
    let report = desk.compare(&backup.summary.archive, &modules(), &wanted);
    assert!(report.is_same(), "{report}");
}
