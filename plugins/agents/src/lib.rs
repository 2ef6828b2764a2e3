//! Exports Zoho Desk's agents: active, disabled and deleted ones, light agents among them. They have no times: each
//! backup has them all.

use plugin_api::{Column, Description, Desk, ErrorKind, Exporter, Job, Output, Result, Table};
use zoho::{AgentCounts, AgentStatus, Agents, Least};

struct Exporting;

plugin_api::export_plugin!(Exporting);

impl Exporter for Exporting {
    fn describe(&self) -> Description {
        Description::new("agents", "Agents")
            .connection("zoho")
            .tables(["Agents"])
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        let [custom] = zoho::custom_fields(desk, ["agents"])?;
        Ok(vec![zoho::table("Agents", format(), custom, &FURTHER)])
    }

    fn export(&self, _: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        desk.judge_by(zoho::judge);
        let table = out.table("Agents")?;
        zoho::remark_unread_fields(out)?;
        let counts = count(desk, out)?;
        if let Some(all) = counts.all {
            out.expect(all)?;
        }
        let mut agents = Agents::list(desk, true);
        while let Some(page) = agents.next() {
            match page {
                Ok(page) => {
                    for (_, agent) in page.agents()? {
                        out.record(table, agent)?;
                    }
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
        if total != out.rows(table)
            && let Some(again) = AgentCounts::ask(desk)?.total(agents.listed())
        {
            out.desk_count_after(table, again)?;
        }
        Ok(())
    }
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
