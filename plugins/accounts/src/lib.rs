//! Exports Zoho Desk's accounts: one table, from rows of the search, which are as whole as an account's detail.

use plugin_api::{Column, Description, Desk, Exporter, Job, Output, Result, Table};
use zoho::Module;

struct Accounts;

plugin_api::export_plugin!(Accounts);

const ACCOUNTS: Module = Module {
    path: "/accounts",
    list: &[("sortBy", "createdTime")],
};

impl Exporter for Accounts {
    fn describe(&self) -> Description {
        Description::new("accounts", "Accounts")
            .connection("zoho")
            .tables(["Accounts"])
            .again()
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        let [custom] = zoho::custom_fields(desk, ["accounts"])?;
        Ok(vec![zoho::table("Accounts", format(), custom, &FURTHER)])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        zoho::export_module(ACCOUNTS, "Accounts", job, desk, out)
    }
}

/// The columns of the archive's format, in its order.
fn format() -> Vec<Column> {
    vec![
        Column::new("id", "Account Id"),
        Column::new("ownerId", "Owner Id"),
        Column::new("accountName", "Account Name"),
        Column::new("phone", "Phone"),
        Column::new("email", "Email"),
        Column::new("fax", "Fax"),
        Column::new("website", "Website"),
        Column::new("industry", "Industry"),
        Column::new("annualRevenue", "Annual Revenue").from("/annualrevenue"),
        Column::new("createdBy", "Created By"),
        Column::new("modifiedBy", "Modified By"),
        Column::new("createdTime", "Created Time").time(),
        Column::new("modifiedTime", "Modified Time").time(),
        Column::new("street", "Street"),
        Column::new("city", "City"),
        Column::new("state", "State"),
        Column::new("code", "Code"),
        Column::new("country", "Country"),
        Column::new("description", "Description"),
        Column::new("crmAccountId", "CRM Account Id").from("/zohoCRMAccount/id"),
        Column::new("layoutId", "Layout Id"),
    ]
}

/// The API's other fields.
const FURTHER: [&str; 8] = [
    "webUrl",
    "customerHappiness",
    "owner",
    "associatedSLAIds",
    "isFollowing",
    "isDeleted",
    "isTrashed",
    "layoutDetails",
];

#[cfg(test)]
mod tests;
