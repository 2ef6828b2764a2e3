//! What there are few of: the organisation, agents, teams, departments, fields, counts.

use std::cmp::Reverse;

use chrono::DateTime;

use crate::server::answer::sieve::Sieve;
use crate::server::answer::{Ask, lists};
use crate::server::error::ApiError;
use crate::server::peek;
use crate::server::reply::Reply;
use crate::settings::Edition;
use crate::world::{AgentStanding, AgentState, Desk, Id, Kind, ORGANISATION, Shape, Standing};

pub(super) fn organizations(ask: &Ask<'_>) -> Reply {
    let mut list = ask.list();
    list.row().extend_from_slice(org(ask).as_bytes());
    list.end("", true)
}

pub(super) fn organization(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    if ask.id(0) == Id(ORGANISATION) {
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
        "id": ORGANISATION, "companyName": "Sample Helpdesk", "alias": null, "portalName": "sample", "portalURL": null,
        "edition": edition, "employeeCount": ask.desk.all(Kind::Agent).len().to_string(), "currencyCode": "EUR",
        "currencySymbol": "€", "currencyLocale": "nl_NL", "street": null, "city": "Amsterdam", "state": null,
        "country": "Netherlands", "zip": null, "website": null, "phoneNumber": null, "fax": null, "mobile": null,
        "primaryContact": "owner@desk.example", "description": null, "logoURL": null, "faviconURL": null,
        "isDefault": true, "isAdminInOrg": true, "isSandboxPortal": false, "isPayloadEncryptionEnabled": false,
    })
    .to_string()
}

/// Agents that are as wanted, in the desk's order.
fn agents_that(desk: &dyn Desk, wanted: impl Fn(AgentState) -> bool) -> Vec<Id> {
    let mut ids = desk.all(Kind::Agent);
    ids.retain(|id| desk.agent(*id).is_some_and(&wanted));
    ids
}

/// Those of the ids that are of one of these departments.
fn of_departments(desk: &dyn Desk, kind: Kind, ids: &mut Vec<Id>, departments: &[&str]) {
    let mut row = Vec::new();
    ids.retain(|id| {
        row.clear();
        desk.write(*id, kind, Shape::List, &mut row);
        peek::is_of(&row, departments)
    });
}

/// The standing that a value of `status` means; of an imported agent there is none.
fn standing(status: &str) -> Option<AgentStanding> {
    match status {
        "ACTIVE" => Some(AgentStanding::Active),
        "DISABLED" => Some(AgentStanding::Disabled),
        "DELETED" => Some(AgentStanding::Deleted),
        _ => None,
    }
}

pub(super) fn agents(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let params = ask.params;
    let mut ids = agents_that(ask.desk, |agent| {
        let stands = match params.text("status") {
            Some(status) => standing(status) == Some(agent.standing),
            None if ask.settings.behaviour.agents_active_only => agent.standing == AgentStanding::Active,
            None => agent.standing != AgentStanding::Deleted,
        };
        stands
            && params
                .flag("isConfirmed")
                .is_none_or(|wanted| agent.confirmed == wanted)
            && params.flag("isLightAgent").is_none_or(|wanted| agent.light == wanted)
    });
    ids = Sieve::new(ask, Kind::Agent)?.pass(ask.desk, Kind::Agent, ids)?;
    if params.text("sortOrder") == Some("desc") {
        ids.reverse();
    }
    ask.slice(&ids, Kind::Agent)
}

pub(super) fn deleted_agents(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let wanted = standing(ask.params.text("status").unwrap_or("DELETED"));
    let ids = agents_that(ask.desk, |agent| {
        agent.standing == AgentStanding::Deleted && wanted == Some(AgentStanding::Deleted)
    });
    ask.slice(&ids, Kind::Agent)
}

/// How many agents there are; deleted ones are not among `allAgents`.
pub(super) fn agent_counts(ask: &Ask<'_>) -> Reply {
    let params = ask.params;
    let count = |wanted: &dyn Fn(AgentState) -> bool| {
        agents_that(ask.desk, |agent| {
            wanted(agent)
                && params
                    .text("status")
                    .is_none_or(|status| standing(status) == Some(agent.standing))
                && params
                    .flag("isConfirmed")
                    .is_none_or(|wanted| agent.confirmed == wanted)
                && (params.flag("includeLightAgent") != Some(false) || !agent.light)
        })
        .len()
    };
    let deleted = |agent: AgentState| agent.standing == AgentStanding::Deleted;
    let text = format!(
        r#"{{"activeAgents":"{}","allAgents":"{}","lightAgents":"{}","deletedAgents":"{}"}}"#,
        count(&|agent| agent.standing == AgentStanding::Active),
        count(&|agent| !deleted(agent)),
        count(&|agent| agent.light && !deleted(agent)),
        count(&deleted),
    );
    Reply::Json(text.into_bytes())
}

/// Users that credits are counted by: active agents, without light ones.
pub(crate) fn users(desk: &dyn Desk) -> u64 {
    agents_that(desk, |agent| agent.standing == AgentStanding::Active && !agent.light).len() as u64
}

pub(super) fn my_info(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let owner = first_active(ask.desk).ok_or_else(ApiError::not_found)?;
    ask.detail(owner, Kind::Agent)
}

/// The agent whose token it is.
fn first_active(desk: &dyn Desk) -> Option<Id> {
    let active = |agent: AgentState| agent.standing == AgentStanding::Active && !agent.light;
    agents_that(desk, active).first().copied()
}

/// All teams, or those of a department.
pub(super) fn teams(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let mut ids = ask.desk.all(Kind::Team);
    if let Some(department) = ask.route.ids.first() {
        ask.there(*department, Kind::Department)?;
        of_departments(ask.desk, Kind::Team, &mut ids, &[&department.to_string()]);
    }
    ask.slice(&ids, Kind::Team)
}

/// The agents of a team.
pub(super) fn members(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let team = ask.id(0);
    ask.there(team, Kind::Team)?;
    ask.slice(&ask.desk.members(team), Kind::Agent)
}

fn departments_that(desk: &dyn Desk, enabled: Option<bool>) -> Vec<Id> {
    let mut ids = desk.all(Kind::Department);
    ids.retain(|id| enabled.is_none_or(|wanted| desk.is_enabled(*id) == wanted));
    ids
}

pub(super) fn departments(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let default = ask.settings.behaviour.departments_enabled_only.then_some(true);
    let ids = departments_that(ask.desk, ask.params.flag("isEnabled").or(default));
    let ids = Sieve::new(ask, Kind::Department)?.pass(ask.desk, Kind::Department, ids)?;
    ask.slice(&ids, Kind::Department)
}

/// How many there are; of departments, disabled ones as well.
pub(super) fn count(ask: &Ask<'_>, kind: Kind) -> Result<Reply, ApiError> {
    let count = match kind {
        Kind::Department => departments_that(ask.desk, ask.params.flag("isEnabled")).len() as u64,
        _ => lists::count(ask, kind)?,
    };
    Ok(Reply::Json(format!("{{\"count\":{count}}}").into_bytes()))
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

/// An article in one of its languages.
pub(super) fn translation(ask: &Ask<'_>) -> Result<Reply, ApiError> {
    let article = ask.id(0);
    ask.there(article, Kind::Article)?;
    let mut all = vec![(article, Kind::Article)];
    all.extend(
        ask.desk
            .children(article, Kind::Translation)
            .into_iter()
            .map(|id| (id, Kind::Translation)),
    );
    let mut row = Vec::new();
    let found = all.into_iter().find(|(id, kind)| {
        row.clear();
        ask.desk.write(*id, *kind, Shape::List, &mut row);
        peek::is_in(&row, ask.route.text)
    });
    let (id, kind) = found.ok_or_else(ApiError::not_found)?;
    ask.record(id, kind)
}

/// What is in the recycle bin: by the time of its deletion, newest first.
pub(super) fn recycle_bin(ask: &Ask<'_>) -> Reply {
    let wanted = ask.params.text("module");
    let kinds = BIN
        .iter()
        .filter(|(module, _)| wanted.is_none_or(|wanted| wanted == *module));
    let mut bin: Vec<(i64, Id, &str, Kind)> = Vec::new();
    let all = ask.desk.bin();
    for (module, kind) in kinds {
        let there = all
            .iter()
            .filter(|id| ask.desk.standing(**id, *kind) == Standing::Trashed);
        bin.extend(there.map(|id| (ask.desk.times(*id).modified, *id, *module, *kind)));
    }
    if let Some(department) = ask.params.id("departmentId") {
        bin.retain(|(_, id, ..)| ask.desk.department(*id) == Some(department));
    }
    bin.sort_unstable_by_key(|(time, id, ..)| Reverse((*time, *id)));
    if ask.params.text("sortBy") == Some("deletedTime") {
        bin.reverse();
    }
    let (from, limit) = (ask.params.offset(ask.endpoint), ask.params.limit(ask.endpoint));
    let (mut list, mut row) = (ask.list(), Vec::new());
    let owner = first_active(ask.desk).map(|id| id.to_string());
    for (time, id, module, kind) in bin.into_iter().skip(from as usize).take(limit as usize) {
        row.clear();
        ask.desk.write(id, kind, Shape::Search, &mut row);
        let time = DateTime::from_timestamp_micros(time).unwrap_or_default();
        let entry = serde_json::json!({
            "id": id.to_string(), "type": module, "displayName": peek::name(&row),
            "departmentId": ask.desk.department(id).map(|id| id.to_string()), "deletedById": owner,
            "deletedTime": time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(), "department": null, "deletedBy": null,
        });
        list.row().extend_from_slice(entry.to_string().as_bytes());
    }
    list.end("", ask.settings.behaviour.empty_is_204)
}

/// Modules of the recycle bin.
const BIN: [(&str, Kind); 8] = [
    ("tickets", Kind::Ticket),
    ("contacts", Kind::Contact),
    ("accounts", Kind::Account),
    ("products", Kind::Product),
    ("tasks", Kind::Task),
    ("calls", Kind::Call),
    ("events", Kind::Event),
    ("solutions", Kind::Article),
];
