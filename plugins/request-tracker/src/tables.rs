//! The tables and their columns. Columns are named as RT names its fields.

use plugin_api::{Column, Table};

use crate::custom::{ARTICLES, Custom, GROUPS, QUEUES, TICKETS, TRANSACTIONS, USERS};
use crate::link::{ARTICLE_LINKS, TICKET_LINKS};

/// The names of the tables.
pub(crate) const NAMES: [&str; 9] = [
    "Tickets",
    "Transactions",
    "TimeWorked",
    "Attachments",
    "Users",
    "Groups",
    "GroupMembers",
    "Queues",
    "Articles",
];

/// Who made and changed a record, and when.
const ORIGIN: [&str; 4] = ["Creator", "Created", "LastUpdatedBy", "LastUpdated"];

const TICKET_COLUMNS: [&str; 24] = [
    "id",
    "EffectiveId",
    "IsMerged",
    "Type",
    "Status",
    "Queue",
    "QueueName",
    "Subject",
    "Owner",
    "Requestor",
    "Cc",
    "AdminCc",
    "Priority",
    "InitialPriority",
    "FinalPriority",
    "SLA",
    "TimeEstimated",
    "TimeWorked",
    "TimeLeft",
    "Starts",
    "Started",
    "Due",
    "Told",
    "Resolved",
];
const TRANSACTION_COLUMNS: [&str; 18] = [
    "id",
    "ObjectType",
    "ObjectId",
    "Ticket",
    "Type",
    "Field",
    "OldValue",
    "NewValue",
    "ReferenceType",
    "OldReference",
    "NewReference",
    "Data",
    "TimeTaken",
    "Creator",
    "Created",
    "Content",
    "ContentHTML",
    "MoreContents",
];
const TIME_WORKED_COLUMNS: [&str; 6] = ["id", "Ticket", "Type", "TimeTaken", "Creator", "Created"];
const ATTACHMENT_COLUMNS: [&str; 12] = [
    "id",
    "TransactionId",
    "Parent",
    "MessageId",
    "Subject",
    "Filename",
    "ContentType",
    "ContentEncoding",
    "ContentLength",
    "Headers",
    "Creator",
    "Created",
];
const GROUP_COLUMNS: [&str; 5] = ["id", "Name", "Description", "Domain", "Disabled"];
const MEMBER_COLUMNS: [&str; 3] = ["GroupId", "MemberType", "MemberId"];
const QUEUE_COLUMNS: [&str; 12] = [
    "id",
    "Name",
    "Description",
    "CorrespondAddress",
    "CommentAddress",
    "SubjectTag",
    "Lifecycle",
    "SortOrder",
    "SLADisabled",
    "Disabled",
    "Cc",
    "AdminCc",
];
const ARTICLE_COLUMNS: [&str; 8] = [
    "id",
    "Name",
    "Summary",
    "Class",
    "ClassName",
    "SortOrder",
    "URI",
    "Disabled",
];

/// The fields of a user that are text.
pub(crate) const USER_TEXTS: [&str; 22] = [
    "Name",
    "EmailAddress",
    "RealName",
    "NickName",
    "Organization",
    "Comments",
    "Signature",
    "FreeformContactInfo",
    "Lang",
    "Timezone",
    "Gecos",
    "HomePhone",
    "WorkPhone",
    "MobilePhone",
    "PagerPhone",
    "Address1",
    "Address2",
    "City",
    "State",
    "Zip",
    "Country",
    "SMIMECertificate",
];

/// The table of tickets.
pub(crate) fn tickets(custom: &Custom) -> Table {
    Table::new("Tickets")
        .columns(columns(&TICKET_COLUMNS))
        .columns(columns(&ORIGIN))
        .columns(columns(&TICKET_LINKS.map(|(name, _)| name)))
        .columns(custom.role_columns())
        .columns(custom.columns(TICKETS))
        .key(["id"])
        .child_of("Tickets", "EffectiveId")
        .child_of("Queues", "Queue")
}

/// All tables.
pub(crate) fn all(custom: &Custom) -> Vec<Table> {
    let transactions = Table::new("Transactions")
        .columns(columns(&TRANSACTION_COLUMNS))
        .columns(custom.columns(TRANSACTIONS))
        .key(["id"])
        .child_of("Tickets", "Ticket");
    let time_worked = Table::new("TimeWorked")
        .columns(columns(&TIME_WORKED_COLUMNS))
        .key(["id"])
        .child_of("Transactions", "id")
        .child_of("Tickets", "Ticket");
    let attachments = Table::new("Attachments")
        .columns(columns(&ATTACHMENT_COLUMNS))
        .key(["id"])
        .child_of("Transactions", "TransactionId")
        .child_of("Attachments", "Parent");
    let users = Table::new("Users")
        .columns(columns(&["id"]))
        .columns(columns(&USER_TEXTS))
        .columns(columns(&["Privileged", "Disabled"]))
        .columns(columns(&ORIGIN))
        .columns(custom.columns(USERS))
        .key(["id"]);
    let groups = Table::new("Groups")
        .columns(columns(&GROUP_COLUMNS))
        .columns(columns(&ORIGIN))
        .columns(custom.columns(GROUPS))
        .key(["id"]);
    let members = Table::new("GroupMembers")
        .columns(columns(&MEMBER_COLUMNS))
        .key(["GroupId", "MemberType", "MemberId"])
        .child_of("Groups", "GroupId");
    let queues = Table::new("Queues")
        .columns(columns(&QUEUE_COLUMNS))
        .columns(columns(&ORIGIN))
        .columns(custom.role_columns())
        .columns(custom.columns(QUEUES))
        .key(["id"]);
    let articles = Table::new("Articles")
        .columns(columns(&ARTICLE_COLUMNS))
        .columns(columns(&ORIGIN))
        .columns(columns(&ARTICLE_LINKS.map(|(name, _)| name)))
        .columns(custom.columns(ARTICLES))
        .key(["id"]);
    vec![
        tickets(custom),
        transactions,
        time_worked,
        attachments,
        users,
        groups,
        members,
        queues,
        articles,
    ]
}

fn columns(names: &[&str]) -> Vec<Column> {
    names
        .iter()
        .map(|name| Column::new(*name, label(name)).given())
        .collect()
}

/// `LastUpdatedBy` for people: `Last Updated By`.
fn label(name: &str) -> String {
    let mut label = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if label.is_empty() {
            label.extend(letter.to_uppercase());
        } else {
            if letter.is_uppercase() && before.is_lowercase() {
                label.push(' ');
            }
            label.push(letter);
        }
        before = letter;
    }
    label
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn labels_are_words() {
        for (name, expected) in [
            ("id", "Id"),
            ("LastUpdatedBy", "Last Updated By"),
            ("ContentHTML", "Content HTML"),
            ("SMIMECertificate", "SMIMECertificate"),
        ] {
            assert_eq!(label(name), expected);
        }
    }
}
