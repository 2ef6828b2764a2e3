//! What there are few of: the organisation, agents, teams, departments, fields, counts.

use crate::server::answer::{Ask, ORG_ID, lists};
use crate::server::error::ApiError;
use crate::server::peek::{self, Facts};
use crate::server::reply::Reply;
use crate::settings::Edition;
use crate::world::{By, Desk, Filter, Id, Kind, Shape};

pub(super) fn organizations(ask: &Ask<'_>) -> Reply {
    let mut list = ask.list();
    list.row().extend_from_slice(org(ask).as_bytes());
    list.end("", true)
}

pub(super) fn organization(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    if ask.id(0) == Id(ORG_ID) {
        Ok(Reply::Json(org(ask).into_bytes()))
    } else {
        Err(ApiError::not_found())
    }
}

fn org(ask: &Ask<'_>) -> String {
    let edition = match ask.settings.edition {
        Edition::Free => "FREE",
        Edition::Express => "EXPRESS",
        Edition::Standard => "STANDARD",
        Edition::Professional => "PROFESSIONAL",
        Edition::Enterprise => "ENTERPRISE",
    };
    // The organisation's id is a number, unlike all others.
    serde_json::json!({
        "id": ORG_ID, "companyName": "Sample Helpdesk", "alias": null, "portalName": "sample", "portalURL": null,
        "edition": edition, "employeeCount": ask.desk.all(Kind::Agent).len().to_string(), "currencyCode": "EUR",
        "currencySymbol": "€", "currencyLocale": "nl_NL", "street": null, "city": "Amsterdam", "state": null,
        "country": "Netherlands", "zip": null, "website": null, "phoneNumber": null, "fax": null, "mobile": null,
        "primaryContact": "owner@desk.example", "description": null, "logoURL": null, "faviconURL": null,
        "isDefault": true, "isAdminInOrg": true, "isSandboxPortal": false, "isPayloadEncryptionEnabled": false,
    })
    .to_string()
}

/// Those of a kind whose facts are as wanted, in the desk's order. There are few of them, and they may be edited at
/// any time, so they are looked at anew.
fn filtered(desk: &dyn Desk, kind: Kind, wanted: impl Fn(&Facts<'_>) -> bool) -> Vec<Id> {
    let mut row = Vec::new();
    let mut ids = desk.all(kind);
    ids.retain(|id| {
        row.clear();
        desk.write(*id, kind, Shape::List, &mut row);
        wanted(&peek::facts(&row))
    });
    ids
}

fn has_status(facts: &Facts<'_>, status: &str) -> bool {
    facts.status.as_deref() == Some(status)
}

pub(super) fn agents(ask: &Ask<'_>) -> Reply {
    let params = ask.params;
    let departments: Vec<&str> = params.list("departmentIds").collect();
    let ids = filtered(ask.desk, Kind::Agent, |facts| {
        let status = match params.text("status") {
            Some(status) => has_status(facts, status),
            None if ask.settings.behaviour.agents_active_only => has_status(facts, "ACTIVE"),
            None => !has_status(facts, "DELETED"),
        };
        status
            && params
                .flag("isConfirmed")
                .is_none_or(|wanted| facts.is_confirmed.0 == wanted)
            && params
                .flag("isLightAgent")
                .is_none_or(|wanted| facts.is_light_agent.0 == wanted)
            && (departments.is_empty()
                || facts
                    .associated_department_ids
                    .iter()
                    .any(|id| departments.contains(&&**id)))
    });
    descending(ask, ids, Kind::Agent)
}

fn descending(ask: &Ask<'_>, mut ids: Vec<Id>, kind: Kind) -> Reply {
    if ask.params.text("sortOrder") == Some("desc") {
        ids.reverse();
    }
    ask.slice(&ids, kind, Shape::List)
}

pub(super) fn deleted_agents(ask: &Ask<'_>) -> Reply {
    let wanted = ask.params.text("status").unwrap_or("DELETED");
    ask.slice(
        &filtered(ask.desk, Kind::Agent, |facts| {
            has_status(facts, "DELETED") && wanted == "DELETED"
        }),
        Kind::Agent,
        Shape::List,
    )
}

pub(super) fn agent_counts(ask: &Ask<'_>) -> Reply {
    let params = ask.params;
    let count = |wanted: &dyn Fn(&Facts<'_>) -> bool| {
        filtered(ask.desk, Kind::Agent, |facts| {
            wanted(facts)
                && params.text("status").is_none_or(|status| has_status(facts, status))
                && params
                    .flag("isConfirmed")
                    .is_none_or(|wanted| facts.is_confirmed.0 == wanted)
                && (params.flag("includeLightAgent") != Some(false) || !facts.is_light_agent.0)
        })
        .len()
    };
    let deleted = |facts: &Facts<'_>| has_status(facts, "DELETED");
    let text = format!(
        r#"{{"activeAgents":"{}","allAgents":"{}","lightAgents":"{}","deletedAgents":"{}"}}"#,
        count(&|facts| has_status(facts, "ACTIVE")),
        count(&|facts| !deleted(facts)),
        count(&|facts| facts.is_light_agent.0 && !deleted(facts)),
        count(&deleted),
    );
    Reply::Json(text.into_bytes())
}

/// Users that credits are counted by: active agents, without light ones.
pub(crate) fn users(desk: &dyn Desk) -> u64 {
    filtered(desk, Kind::Agent, |facts| {
        has_status(facts, "ACTIVE") && !facts.is_light_agent.0
    })
    .len() as u64
}

pub(super) fn my_info(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let active = filtered(ask.desk, Kind::Agent, |facts| has_status(facts, "ACTIVE"));
    active
        .first()
        .map(|id| ask.record(*id, Kind::Agent))
        .ok_or_else(ApiError::not_found)
}

/// All teams, or those of a department.
pub(super) fn teams(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let Some(department) = ask.route.ids.first() else {
        return Ok(ask.slice(&ask.desk.all(Kind::Team), Kind::Team, Shape::List));
    };
    ask.there(*department, Kind::Department)?;
    let text = department.to_string();
    let ids = filtered(ask.desk, Kind::Team, |facts| {
        facts.department_id.as_deref() == Some(&text)
    });
    Ok(ask.slice(&ids, Kind::Team, Shape::List))
}

/// The agents of a team.
pub(super) fn members(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let team = ask.id(0);
    ask.there(team, Kind::Team)?;
    let mut row = Vec::new();
    ask.desk.write(team, Kind::Team, Shape::Detail, &mut row);
    let agents: Vec<Id> = peek::facts(&row)
        .agents
        .iter()
        .filter_map(|id| crate::server::route::id(id))
        .collect();
    Ok(ask.slice(&agents, Kind::Agent, Shape::List))
}

pub(super) fn departments(ask: &Ask<'_>) -> Reply {
    let default = ask.settings.behaviour.departments_enabled_only.then_some(true);
    let enabled = ask.params.flag("isEnabled").or(default);
    let ids = filtered(ask.desk, Kind::Department, |facts| {
        enabled.is_none_or(|wanted| facts.is_enabled.0 == wanted)
    });
    ask.slice(&ids, Kind::Department, Shape::List)
}

pub(super) fn count(ask: &Ask<'_>, kind: Kind) -> Reply {
    let count = match kind {
        Kind::Department => {
            let enabled = ask.params.flag("isEnabled");
            let wanted = |facts: &Facts<'_>| enabled.is_none_or(|wanted| facts.is_enabled.0 == wanted);
            filtered(ask.desk, kind, wanted).len() as u64
        }
        Kind::Ticket => lists::count_tickets(ask),
        _ => ask.desk.page(kind, &Filter::default(), By::Created, true, 0, 0).total,
    };
    Reply::Json(format!("{{\"count\":{count}}}").into_bytes())
}

/// The fields of a module.
pub(super) fn fields(ask: &Ask<'_>) -> Reply {
    let mut rows = Vec::new();
    ask.desk
        .write_fields(ask.params.text("module").unwrap_or_default(), &mut rows);
    // `[...]` as the world writes it, empty for a module without fields.
    if rows.len() <= 2 && ask.settings.behaviour.empty_is_204 {
        return Reply::Empty;
    }
    let mut out = Vec::with_capacity(rows.len() + 16);
    out.extend_from_slice(b"{\"data\":");
    out.extend_from_slice(if rows.is_empty() { b"[]" } else { &rows });
    out.push(b'}');
    Reply::Json(out)
}

/// An article in one of its further languages.
pub(super) fn translation(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let article = ask.id(0);
    ask.there(article, Kind::Article)?;
    let mut row = Vec::new();
    let found = ask.desk.children(article, Kind::Translation).into_iter().find(|id| {
        row.clear();
        ask.desk.write(*id, Kind::Translation, Shape::List, &mut row);
        peek::facts(&row).locale.as_deref() == Some(ask.route.text)
    });
    found
        .map(|id| ask.record(id, Kind::Translation))
        .ok_or_else(ApiError::not_found)
}
