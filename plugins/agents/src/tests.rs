use plugin_api::testing::{FakeDesk, Run, check_exporter};
use plugin_api::{ErrorKind, Job, Note};
use serde_json::{Value, json};
use zoho::testing::{FakeZoho, asked};

use super::Exporting;

fn agents(ids: std::ops::Range<u64>, status: &str) -> Vec<Value> {
    let agent = |id: u64| {
        json!({
            "id": format!("7315{id:014}"), "firstName": "Ilse \"I\"", "lastName": "Brandt\n日本 🖨", "name": "Ilse Brandt",
            "emailId": "ilse@desk.example", "phone": null, "zuid": "70011845", "roleId": "731500000000018001",
            "profileId": "731500000000015001", "rolePermissionType": "Admin", "status": status, "isConfirmed": "true",
            "isLightAgent": id % 2 == 1, "channelExpert": [], "associatedDepartmentIds": ["731500000000021055"],
            "role": {"id": "731500000000018001", "name": "CEO"}, "profile": {"name": "Support Administrator"},
            "cf": {"cf_shift": "late"}, "isZiaAgent": false,
        })
    };
    ids.map(agent).collect()
}

/// Two active ones, one disabled, two deleted. One was disabled between the two lists.
fn zoho() -> FakeZoho {
    lists(0..2, 1..3, 3..5).answer(
        "/agents/count",
        json!({"activeAgents": "2", "allAgents": "3", "lightAgents": 2, "deletedAgents": "2"}),
    )
}

fn lists(active: std::ops::Range<u64>, disabled: std::ops::Range<u64>, deleted: std::ops::Range<u64>) -> FakeZoho {
    FakeZoho::new()
        .fields("agents", &[("cf_shift", "Shift")])
        .list_where("/agents", ("status", "ACTIVE"), agents(active, "ACTIVE"))
        .list_where("/agents", ("status", "DISABLED"), agents(disabled, "DISABLED"))
        .list("/deletedAgents", "data", agents(deleted, "DELETED"))
}

fn run(desk: &FakeDesk) -> Run {
    desk.run(Exporting, &Job::full("agents"))
}

#[test]
fn conforms() {
    let counts = json!({"activeAgents": 210, "allAgents": 215, "lightAgents": 110, "deletedAgents": 5});
    let desk = lists(0..210, 210..215, 215..220).answer("/agents/count", counts).desk();
    check_exporter(|| Exporting, desk);
}

#[test]
fn all_agents_are_in_once() {
    let run = run(&zoho().desk());
    assert_eq!(run.result, Ok(()));
    let rows = run.rows("Agents");
    let statuses: Vec<_> = rows.iter().map(|row| (row[0].as_str(), row[4].as_str())).collect();
    assert_eq!(
        statuses,
        [
            ("731500000000000000", "ACTIVE"),
            ("731500000000000001", "ACTIVE"),
            ("731500000000000002", "DISABLED"),
            ("731500000000000003", "DELETED"),
            ("731500000000000004", "DELETED"),
        ]
    );
    let table = &run.table("Agents").expect("the table").table;
    let labels: Vec<_> = table
        .columns
        .iter()
        .take(12)
        .map(|column| column.label.as_str())
        .collect();
    assert_eq!(
        labels.join(", "),
        "Agent Id, First Name, Last Name, Email, Agent Status, Is Confirmed, Created Time, Role, Profile, Is Portal \
         User, Integration Service, Shift"
    );
    let row: Vec<_> = rows[1].iter().take(12).map(String::as_str).collect();
    assert_eq!(
        row,
        [
            "731500000000000001",
            "Ilse \"I\"",
            "Brandt\n日本 🖨",
            "ilse@desk.example",
            "ACTIVE",
            "true",
            "",
            "CEO",
            "Support Administrator",
            "",
            "",
            "late",
        ]
    );
    assert_eq!(
        rows[1].last().map(String::as_str),
        Some(r#"{"isZiaAgent":false,"role":{"id":"731500000000018001"}}"#)
    );
    assert_eq!(run.desk_count("Agents"), Some(5));
    // Fields, count, three lists.
    assert_eq!(run.requests.len(), 5);
    let list = run
        .requests
        .iter()
        .find(|request| request.path == "/agents")
        .expect("a list");
    assert_eq!(
        (asked(list, "limit"), asked(list, "include")),
        (Some("200"), Some("profile,role"))
    );
}

#[test]
fn deleted_agents_that_are_refused_are_told() {
    let run = run(&zoho().refuse("/deletedAgents", 403, "SCOPE_MISMATCH").desk());
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.unread(), [("Agents", "deleted agents")]);
    assert_eq!((run.rows("Agents").len(), run.desk_count("Agents")), (3, Some(5)));
    assert!(
        run.notes
            .iter()
            .any(|note| matches!(note, Note::DeskCountAfter { count: 5, .. }))
    );
}

#[test]
fn a_desk_that_refuses_its_agents_is_not_one_without() {
    let desk = zoho()
        .refuse("/agents", 403, "SCOPE_MISMATCH")
        .refuse("/count", 403, "SCOPE_MISMATCH")
        .desk();
    let error = run(&desk).result.expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.message.contains("grant Desk.basic.READ"), "{error}");
}

#[test]
fn without_a_count_nothing_is_claimed() {
    for desk in [
        zoho().refuse("/count", 403, "FORBIDDEN").desk(),
        lists(0..2, 2..3, 3..5)
            .answer("/agents/count", json!({"lightAgents": "2"}))
            .desk(),
    ] {
        let run = run(&desk);
        assert_eq!(
            (&run.result, run.rows("Agents").len(), run.desk_count("Agents")),
            (&Ok(()), 5, None)
        );
    }
}

#[test]
fn without_the_list_of_deleted_agents_the_others_are_in() {
    for (status, code) in [(404, "URL_NOT_FOUND"), (403, "FORBIDDEN")] {
        let run = run(&zoho().refuse("/deletedAgents", status, code).desk());
        assert_eq!(run.result, Ok(()), "{status}");
        assert_eq!(run.rows("Agents").len(), 3);
        assert_eq!(run.unread(), [("Agents", "deleted agents")]);
    }
}
