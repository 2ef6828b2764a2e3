//! Exports Zoho Desk's teams, and who is in them. They have no times: each backup has them all.
//!
//! A team's row names its members by their ids, so that no request per team is needed: `agents` are those that were put
//! into it, `derivedAgents` those that are in it by whatever way, e.g. by their role.

use std::collections::HashSet;

use plugin_api::{
    Column, Description, Desk, ExportError, Exporter, Job, ListCursor, Output, RawValue, Request, Result, Table,
    TableId, Value,
};
use serde::{Deserialize, Serialize};
use zoho::{AGENTS_LIMIT, Least};

struct Teams;

plugin_api::export_plugin!(Teams);

impl Exporter for Teams {
    fn describe(&self) -> Description {
        Description::new("teams", "Teams")
            .connection("zoho")
            .tables(["Teams", "TeamMembers"])
            .again()
            .resumes()
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        let format = vec![Column::new("id", "Team Id"), Column::new("name", "Team Name")];
        let teams = zoho::table("Teams", format, Vec::new(), &FURTHER);
        let members = Table::new("TeamMembers")
            .column(Column::new("teamId", "Team Id").given())
            .column(Column::new("agentId", "Agent Id").given())
            .column(Column::new("isDirect", "Is Direct").given())
            .column(Column::new("isDerived", "Is Derived").given())
            .key(["teamId", "agentId"])
            .child_of("Teams", "teamId");
        Ok(vec![teams, members])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        desk.judge_by(zoho::judge);
        let (teams, members) = (out.table("Teams")?, out.table("TeamMembers")?);
        if !job.only.is_empty() {
            return again(job, desk, out);
        }
        let (list, given) = (zoho::list_from("/teams", AGENTS_LIMIT, 0), zoho::remembered_ids(job)?);
        let Cursor { list: on, mut rows } = zoho::cursor(job)?.unwrap_or_default();
        let mut pages = desk.list_on(Request::get("/teams"), &list, on, given)?;
        while let Some(page) = pages.next().transpose()? {
            let mut ids = Vec::new();
            for team in page.records()? {
                let id = zoho::id(team)?;
                out.record(teams, team)?;
                write_members(out, members, &id, team)?;
                ids.push(id);
            }
            rows += ids.len() as u64;
            if let Some(list) = pages.cursor() {
                out.remember(&ids)?;
                out.checkpoint(&Cursor { list, rows })?;
            }
        }
        let mut least = Least::default();
        least.add(zoho::list(rows, AGENTS_LIMIT));
        least.tell(out)
    }
}

/// Some teams with their members once more: the list is few pages.
fn again(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    let (teams, members) = (out.table("Teams")?, out.table("TeamMembers")?);
    let mut wanted = zoho::wanted_ids(&job.only, "Teams", teams, out)?;
    for page in zoho::list_pages(desk, Request::get("/teams"), "/teams", AGENTS_LIMIT)? {
        for team in page?.records()? {
            let id = zoho::id(team)?;
            if let Some(at) = wanted.iter().position(|wanted| *wanted == id) {
                wanted.swap_remove(at);
                out.record(teams, team)?;
                write_members(out, members, &id, team)?;
            }
        }
    }
    wanted.into_iter().try_for_each(|id| out.gone(teams, id))
}

/// Where an export goes on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    list: ListCursor,
    /// Teams that are written.
    rows: u64,
}

/// The members that a team's row names. What is not there names none.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(default, borrow)]
    agents: Option<Vec<&'a RawValue>>,
    #[serde(default, borrow, rename = "derivedAgents")]
    derived: Option<Vec<&'a RawValue>>,
}

fn write_members(out: &mut Output<'_>, table: TableId, team: &str, record: &RawValue) -> Result<()> {
    let wrong = |why: &dyn std::fmt::Display| ExportError::decode(format_args!("team {team}"), why);
    let members: Members<'_> = serde_json::from_str(record.get()).map_err(|error| wrong(&error))?;
    let ids = |list: Option<Vec<&RawValue>>| -> Result<Vec<String>> {
        let ids = list
            .unwrap_or_default()
            .into_iter()
            .map(|raw| match raw.get().as_bytes().first() {
                Some(b'"') => serde_json::from_str(raw.get()).map_err(|error| wrong(&error)),
                Some(b'0'..=b'9') => Ok(raw.get().to_owned()),
                _ => Err(wrong(&"a member that is no agent's id")),
            });
        ids.collect()
    };
    let (direct, derived) = (ids(members.agents)?, ids(members.derived)?);
    let (is_direct, is_derived): (HashSet<_>, HashSet<_>) = (direct.iter().collect(), derived.iter().collect());
    let mut seen = HashSet::new();
    for agent in direct.iter().chain(&derived).filter(|agent| seen.insert(*agent)) {
        let row = [
            Value::Text(team),
            Value::Text(agent),
            Value::Bool(is_direct.contains(agent)),
            Value::Bool(is_derived.contains(agent)),
        ];
        out.write(table, &row)?;
    }
    Ok(())
}

/// The API's other fields.
const FURTHER: [&str; 8] = [
    "description",
    "departmentId",
    "logoUrl",
    "agents",
    "derivedAgents",
    "roles",
    "rolesWithSubordinates",
    "subTeams",
];

#[cfg(test)]
mod tests;
