//! Exports Zoho Desk's contacts: one table, from rows of the search, which have all that a contact has but the layout and
//! a few flags.

use plugin_api::{Column, Description, Desk, Exporter, Job, Output, Result, Table};
use zoho::Module;

struct Contacts;

plugin_api::export_plugin!(Contacts);

const CONTACTS: Module = Module {
    path: "/contacts",
    list: &[("sortBy", "createdTime")],
};

impl Exporter for Contacts {
    fn describe(&self) -> Description {
        Description::new("contacts", "Contacts")
            .connection("zoho")
            .tables(["Contacts"])
            .again()
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        let [custom] = zoho::custom_fields(desk, ["contacts"])?;
        Ok(vec![zoho::table("Contacts", format(), custom, &FURTHER)])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        zoho::export_module(CONTACTS, "Contacts", job, desk, out)
    }
}

/// The columns of the archive's format, in its order.
fn format() -> Vec<Column> {
    vec![
        Column::new("id", "Contact Id"),
        Column::new("firstName", "First Name"),
        Column::new("lastName", "Last Name"),
        Column::new("email", "Email"),
        Column::new("accountId", "Account Id"),
        Column::new("phone", "Phone"),
        Column::new("mobile", "Mobile"),
        Column::new("title", "Title"),
        Column::new("ownerId", "Owner Id"),
        Column::new("type", "Type"),
        Column::new("createdBy", "Created By"),
        Column::new("modifiedBy", "Modified By"),
        Column::new("createdTime", "Created Time").time(),
        Column::new("modifiedTime", "Modified Time").time(),
        Column::new("fullName", "Full Name"),
        Column::new("salutation", "Salutation"),
        Column::new("isEndUser", "Is End User"),
        Column::new("street", "Street"),
        Column::new("city", "City"),
        Column::new("state", "State"),
        Column::new("zip", "Zip"),
        Column::new("country", "Country"),
        Column::new("description", "Description"),
        Column::new("twitter", "Twitter"),
        Column::new("facebook", "Facebook"),
        Column::new("crmContactId", "CRM Contact Id").from("/zohoCRMContact/id"),
        Column::new("secondaryEmail", "Secondary Email"),
        Column::new("potentialsRevenue", "Potentials Revenue"),
        Column::new("potentialsClosingDate", "Potentials Closing Date"),
        Column::new("revenueReceived", "Revenue Received"),
        Column::new("customerSince", "Customer Since"),
        Column::new("layoutId", "Layout Id"),
        Column::new("language", "Language"),
    ]
}

/// The API's other fields.
const FURTHER: [&str; 12] = [
    "photoURL",
    "webUrl",
    "isAnonymous",
    "isSpam",
    "customerHappiness",
    "owner",
    "account",
    "isDeleted",
    "isTrashed",
    "isFollowing",
    "accountCount",
    "layoutDetails",
];

#[cfg(test)]
mod tests;
