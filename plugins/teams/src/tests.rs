use plugin_api::testing::{Run, check_exporter};
use plugin_api::{ErrorKind, Job};
use serde_json::{Value, json};
use zoho::testing::FakeZoho;

use super::Teams;

fn team(id: &str, agents: &Value, derived: &Value) -> Value {
    json!({
        "id": id, "name": format!("Hardware \"desk\" {id}\n印刷 🖨"), "description": null, "departmentId": "731500000000021055",
        "logoUrl": null, "agents": agents, "derivedAgents": derived, "roles": [], "rolesWithSubordinates": ["9"],
        "subTeams": [], "isNew": "true",
    })
}

fn run(teams: Vec<Value>) -> Run {
    let desk = FakeZoho::new().list("/teams", "teams", teams).desk();
    desk.run(Teams, &Job::full("teams"))
}

#[test]
fn conforms() {
    let team = |number: u64| team(&format!("7315{number:014}"), &json!(["11", "12"]), &json!(["12", "13"]));
    let desk = FakeZoho::new()
        .list("/teams", "teams", (1..=230).map(team).collect())
        .desk();
    check_exporter(|| Teams, desk);
}

#[test]
fn members_are_those_that_the_row_names() {
    let run = run(vec![
        team("1", &json!(["11", 12, "11"]), &json!(["12", "13"])),
        team("2", &json!([]), &Value::Null),
        json!({"id": 3}),
    ]);
    assert_eq!(run.result, Ok(()));
    assert_eq!(
        run.rows("TeamMembers"),
        [
            ["1", "11", "true", "false"],
            ["1", "12", "true", "true"],
            ["1", "13", "false", "true"],
        ]
    );
    let teams = run.rows("Teams");
    assert_eq!(teams.len(), 3);
    assert_eq!(
        teams[0],
        [
            "1",
            "Hardware \"desk\" 1\n印刷 🖨",
            "",
            "731500000000021055",
            "",
            r#"["11",12,"11"]"#,
            r#"["12","13"]"#,
            "[]",
            r#"["9"]"#,
            "[]",
            r#"{"isNew":"true"}"#,
        ]
    );
    assert_eq!(run.requests.len(), 1);
}

#[test]
fn a_member_that_can_not_be_read_is_an_error() {
    let run = run(vec![team("1", &json!([{"id": "11"}]), &json!([]))]);
    assert_eq!(run.result.map_err(|error| error.kind), Err(ErrorKind::Decode));
}
