//! Exports Zoho Desk's agents: active, disabled and deleted ones, light agents among them. They have no times: each
//! backup has them all.

use plugin_api::{Column, Description, Desk, ErrorKind, Exporter, Job, Output, Result, Table};
use serde::{Deserialize, Serialize};
use zoho::{AgentCounts, AgentStatus, Agents, AgentsCursor, Least};

struct Exporting;

plugin_api::export_plugin!(Exporting);

impl Exporter for Exporting {
    fn describe(&self) -> Description {
        Description::new("agents", "Agents")
            .connection("zoho")
            .tables(["Agents"])
            .again()
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        let [custom] = zoho::custom_fields(desk, ["agents"])?;
        Ok(vec![zoho::table("Agents", format(), custom, &FURTHER)])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        desk.judge_by(zoho::judge);
        let table = out.table("Agents")?;
        zoho::remark_unread_fields(out)?;
        if !job.only.is_empty() {
            return again(job, desk, out);
        }
        let cursor: Option<Cursor> = zoho::cursor(job)?;
        let (counts, mut agents) = match cursor {
            Some(Cursor { counts, agents }) => (counts, Agents::on(desk, true, agents, zoho::remembered_ids(job)?)),
            None => (count(desk, out)?, Agents::list(desk, true)),
        };
        if let Some(all) = counts.all {
            out.expect(all)?;
        }
        while let Some(page) = agents.next() {
            match page {
                Ok(page) => {
                    let page = page.agents()?;
                    for (_, agent) in &page {
                        out.record(table, agent)?;
                    }
                    let ids: Vec<&String> = page.iter().map(|(id, _)| id).collect();
                    out.remember(&ids)?;
                    let agents = agents.cursor();
                    out.checkpoint(&Cursor { counts, agents })?;
                }
                Err(error)
                    if agents.reading() == Some(AgentStatus::Deleted)
                        && (zoho::is_refused(&error) || error.kind == ErrorKind::NotFound) =>
                {
                    out.unread(table, "deleted agents", &error)?;
                }
                Err(error) => return Err(error),
            }
        }
        let mut least = Least::default();
        least.add(1 + 1 + agents.least());
        least.tell(out)?;
        let Some(total) = counts.total(agents.listed()) else {
            return Ok(());
        };
        out.desk_count(table, total)?;
        if total != agents.listed().iter().sum::<u64>()
            && let Some(again) = AgentCounts::ask(desk)?.total(agents.listed())
        {
            out.desk_count_after(table, again)?;
        }
        Ok(())
    }
}

/// Some agents once more: the lists are few pages.
fn again(job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
    let table = out.table("Agents")?;
    let mut wanted = zoho::wanted_ids(&job.only, "Agents", table, out)?;
    let agents = Agents::list(desk, true);
    for page in agents {
        let page = match page {
            Err(error) if zoho::may_be_of_one_record(&error) => {
                return wanted.into_iter().try_for_each(|id| out.unread(table, id, &error));
            }
            page => page?,
        };
        for (id, agent) in page.agents()? {
            if let Some(at) = wanted.iter().position(|wanted| *wanted == id) {
                wanted.swap_remove(at);
                out.record(table, agent)?;
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    wanted.into_iter().try_for_each(|id| out.gone(table, id))
}

/// Where an export goes on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cursor {
    counts: AgentCounts,
    agents: AgentsCursor,
}

/// What the desk says of their number; nothing, with a remark, where it does not let these credentials know.
fn count(desk: &Desk<'_>, out: &mut Output<'_>) -> Result<AgentCounts> {
    match AgentCounts::ask(desk) {
        Err(error) if error.kind == ErrorKind::Forbidden && zoho::is_refused(&error) => {
            out.remark(format!(
                "the number of agents is not known, and not checked: {}",
                error.message
            ))?;
            Ok(AgentCounts::default())
        }
        counts => counts,
    }
}

/// The columns of the archive's format, in its order. The API has neither the time of creation nor the last two.
fn format() -> Vec<Column> {
    vec![
        Column::new("id", "Agent Id"),
        Column::new("firstName", "First Name"),
        Column::new("lastName", "Last Name"),
        Column::new("email", "Email").from("/emailId"),
        Column::new("status", "Agent Status"),
        Column::new("isConfirmed", "Is Confirmed"),
        Column::new("createdTime", "Created Time").time(),
        Column::new("role", "Role").from("/role/name"),
        Column::new("profile", "Profile").from("/profile/name"),
        Column::new("isPortalUser", "Is Portal User"),
        Column::new("integrationService", "Integration Service"),
    ]
}

/// The API's other fields.
const FURTHER: [&str; 17] = [
    "name",
    "phone",
    "mobile",
    "extn",
    "zuid",
    "photoURL",
    "roleId",
    "profileId",
    "rolePermissionType",
    "isLightAgent",
    "aboutInfo",
    "timeZone",
    "langCode",
    "countryCode",
    "channelExpert",
    "associatedDepartmentIds",
    "associatedChatDepartmentIds",
];

#[cfg(test)]
mod tests;
