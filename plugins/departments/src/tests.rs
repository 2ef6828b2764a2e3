use plugin_api::testing::{FakeDesk, Run, check_exporter};
use plugin_api::{Job, Note};
use serde_json::{Value, json};
use zoho::testing::FakeZoho;

use super::Departments;

fn departments(ids: std::ops::Range<u64>, is_enabled: bool) -> Vec<Value> {
    let department = |id: u64| {
        json!({
            "id": format!("7315{id:014}"), "name": format!("Support \"{id}\", 窓口"), "sanitizedName": "support",
            "nameInCustomerPortal": "Support", "description": null, "creatorId": "731500000000314009",
            "createdTime": "2029-10-30T08:00:00.007Z", "isEnabled": is_enabled, "isDefault": "true",
            "isVisibleInCustomerPortal": true, "isAssignToTeamEnabled": true, "hasLogo": false,
            "chatStatus": "NOT_CREATED", "isNew": [1],
        })
    };
    ids.map(department).collect()
}

fn zoho(enabled: u64, disabled: u64, count: &Value) -> FakeZoho {
    FakeZoho::new()
        .list_where("/departments", ("isEnabled", "true"), departments(0..enabled, true))
        .list_where(
            "/departments",
            ("isEnabled", "false"),
            departments(enabled..enabled + disabled, false),
        )
        .answer("/departments/count", json!({ "count": count }))
}

fn run(desk: &FakeDesk) -> Run {
    desk.run(Departments, &Job::full("departments"))
}

#[test]
fn conforms() {
    check_exporter(|| Departments, zoho(230, 3, &json!(233)).desk());
}

#[test]
fn disabled_ones_are_in_and_all_are_counted() {
    for (count, told) in [
        (json!("3"), 3),
        (json!(3), 3),
        // Enabled ones only.
        (json!(2), 3),
        // One is missing.
        (json!(4), 4),
    ] {
        let run = run(&zoho(2, 1, &count).desk());
        assert_eq!(run.result, Ok(()));
        assert_eq!(run.desk_count("Departments"), Some(told), "{count}");
        let second_look = run
            .notes
            .iter()
            .any(|note| matches!(note, Note::DeskCountAfter { count: 4, .. }));
        assert_eq!(second_look, told != 3);
        assert_eq!(run.requests.len(), 3 + usize::from(second_look));
        let rows = run.rows("Departments");
        assert_eq!(rows.len(), 3);
        assert_eq!(
            rows[2],
            [
                "731500000000000002",
                "Support \"2\", 窓口",
                "false",
                "731500000000314009",
                "2029-10-30T08:00:00.007Z",
                "",
                "",
                "support",
                "Support",
                "",
                "true",
                "true",
                "true",
                "false",
                "NOT_CREATED",
                r#"{"isNew":[1]}"#,
            ]
        );
    }
}

#[test]
fn a_count_that_is_refused_is_remarked() {
    let run = run(&zoho(2, 1, &json!(3)).refuse("/count", 403, "FORBIDDEN").desk());
    assert_eq!(run.result, Ok(()));
    assert_eq!(
        (run.rows("Departments").len(), run.desk_count("Departments")),
        (3, None)
    );
    assert!(
        run.notes
            .iter()
            .any(|note| matches!(note, Note::Remark { text } if text.contains("not checked")))
    );
}
