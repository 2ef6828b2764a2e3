//! The tables and their columns: those of Zoho's own backup first, in its order.

use plugin_api::{Column, Table};

/// The tables' names.
pub(crate) const NAMES: [&str; 5] = ["Cases", "Threads", "Comments", "TimeEntry", "Attachments"];

/// All tables; `custom` has the columns of the custom fields of tickets and of time entries.
pub(crate) fn all([tickets, entries]: [Vec<Column>; 2]) -> Vec<Table> {
    vec![
        zoho::table("Cases", format(&CASES), tickets, &MORE_OF_CASES),
        threads(),
        comments(),
        zoho::table("TimeEntry", format(&ENTRIES), entries, &MORE_OF_ENTRIES),
        attachments(),
    ]
}

fn threads() -> Table {
    let mut columns = format(&THREADS);
    for column in &mut columns {
        let made = column.clone();
        *column = match column.name.as_str() {
            "ticketId" | "threadStatus" | "isPrivate" | "departmentId" | "layoutId" => made.given(),
            "receipients" => made.from("/to"),
            _ => made,
        };
    }
    zoho::table("Threads", columns, Vec::new(), &MORE_OF_THREADS).child_of("Cases", "ticketId")
}

fn comments() -> Table {
    let mut columns = format(&COMMENTS);
    for column in &mut columns {
        let made = column.clone();
        *column = match column.name.as_str() {
            "comment" => made.from("/content"),
            "commentedBy" => made.from("/commenterId"),
            "entityId" => made.given(),
            _ => made,
        };
    }
    zoho::table("Comments", columns, Vec::new(), &MORE_OF_COMMENTS).child_of("Cases", "entityId")
}

/// A thread that is split off takes its attachments to another ticket: the id alone is no key.
fn attachments() -> Table {
    let given = [
        ("ticketId", "Ticket Id"),
        ("threadId", "Thread Id"),
        ("commentId", "Comment Id"),
    ];
    let mut columns = format(&ATTACHMENTS);
    columns.extend(given.map(|(name, label)| Column::new(name, label).given()));
    zoho::table("Attachments", columns, Vec::new(), &[])
        .key(["id", "ticketId"])
        .child_of("Cases", "ticketId")
}

/// Columns by API name and label.
fn format(columns: &[(&str, &str)]) -> Vec<Column> {
    let made = columns.iter().map(|(name, label)| {
        let mut column = zoho::column(name);
        (*label).clone_into(&mut column.label);
        column
    });
    made.collect()
}

const CASES: [(&str, &str); 46] = [
    ("id", "Ticket Id"),
    ("departmentId", "Department Id"),
    ("contactId", "Contact Id"),
    ("email", "Email"),
    ("phone", "Phone"),
    ("subject", "Subject"),
    ("description", "Description"),
    ("status", "Status"),
    ("productId", "Product Id"),
    ("assigneeId", "Assignee Id"),
    ("createdBy", "Created By"),
    ("modifiedBy", "Modified By"),
    ("createdTime", "Created Time"),
    ("modifiedTime", "Modified Time"),
    ("ticketNumber", "Ticket Number"),
    ("resolution", "Resolution"),
    ("toAddress", "To Address"),
    ("customerResponseTime", "Customer Response Time"),
    ("threadCount", "Thread Count"),
    ("accountId", "Account Id"),
    ("dueDate", "Due Date"),
    ("priority", "Priority"),
    ("channel", "Channel"),
    ("category", "Category"),
    ("subCategory", "Sub Category"),
    ("closedTime", "Closed Time"),
    ("isEscalated", "Is Escalated"),
    ("classification", "Classification"),
    ("statusUpdatedTime", "Status Updated Time"),
    ("reopenedTime", "Reopened Time"),
    ("assignedTime", "Assigned Time"),
    ("firstAssignedTime", "First Assigned Time"),
    ("happinessRating", "Happiness Rating"),
    ("agentRespondedTime", "Agent Responded Time"),
    ("commentCount", "Comment Count"),
    ("responseDueDate", "Response Due Date"),
    ("slaName", "SLA Name"),
    ("slaViolationType", "SLA Violation Type"),
    ("teamId", "Team Id"),
    ("tags", "Tags"),
    ("onholdTime", "On Hold Time"),
    ("sentiment", "Sentiment"),
    ("layoutId", "Layout Id"),
    ("language", "Language"),
    ("childTicketCount", "Child Ticket Count"),
    ("billableChange", "Billable Change"),
];

const MORE_OF_CASES: [&str; 37] = [
    "statusType",
    "channelCode",
    "lockedTime",
    "relationshipType",
    "isArchived",
    "isSpam",
    "webUrl",
    "lastThread",
    "source",
    "contact",
    "product",
    "assignee",
    "team",
    "department",
    "isRead",
    "secondaryContacts",
    "sharedDepartments",
    "entitySkills",
    "slaId",
    "parentTicket",
    "sourceTicket",
    "isOverDue",
    "contractId",
    "approvalCount",
    "timeEntryCount",
    "taskCount",
    "attachmentCount",
    "tagCount",
    "followerCount",
    "isResponseOverdue",
    "isDeleted",
    "isTrashed",
    "isFollowing",
    "channelRelatedInfo",
    "layoutDetails",
    "contract",
    "skillsInfo",
];

const THREADS: [(&str, &str); 20] = [
    ("id", "Thread Id"),
    ("ticketId", "Ticket Id"),
    ("createdTime", "Created Time"),
    ("threadStatus", "Thread Status"),
    ("content", "Content"),
    ("isPrivate", "Is Private"),
    ("fromEmailAddress", "From Email Address"),
    ("receipients", "Receipients"),
    ("hasAttach", "Has Attach"),
    ("threadType", "Thread Type"),
    ("timeZone", "Time Zone"),
    ("scheduledTime", "Scheduled Time"),
    ("isScheduleActive", "Is Schedule Active"),
    ("departmentId", "Department Id"),
    ("layoutId", "Layout Id"),
    ("toDisplayName", "To Display Name"),
    ("ccDisplayName", "CC Display Name"),
    ("bccDisplayName", "BCC Display Name"),
    ("isPresence", "Is Presence"),
    ("nestedThreadId", "Nested Thread Id"),
];

const MORE_OF_THREADS: [&str; 31] = [
    "channel",
    "direction",
    "status",
    "visibility",
    "summary",
    "isDescriptionThread",
    "canReply",
    "author",
    "contentType",
    "attachmentCount",
    "respondedIn",
    "responderId",
    "isForward",
    "cc",
    "bcc",
    "replyTo",
    "source",
    "channelRelatedInfo",
    "lastRatingIconURL",
    "impersonatedUser",
    "readReceipts",
    "sentiment",
    "aspects",
    "keyWords",
    "actions",
    "facebookProfile",
    "twitterProfile",
    "attachments",
    "isContentTruncated",
    "fullContentURL",
    "plainText",
];

const COMMENTS: [(&str, &str); 8] = [
    ("id", "Comment Id"),
    ("comment", "Comment"),
    ("commentedBy", "Commented By"),
    ("isPublic", "Is Public"),
    ("commentedTime", "Commented Time"),
    ("modifiedTime", "Modified Time"),
    ("entityId", "Entity Id"),
    ("moduleId", "Module Id"),
];

const MORE_OF_COMMENTS: [&str; 5] = [
    "contentType",
    "encodedContent",
    "commenter",
    "impersonatedUser",
    "attachments",
];

const ENTRIES: [(&str, &str); 17] = [
    ("id", "Time Entry Id"),
    ("ownerId", "Owner Id"),
    ("requestChargeType", "Request Charge Type"),
    ("executedTime", "Executed Time"),
    ("agentCostPerHour", "Agent Cost Per Hour"),
    ("additionalCost", "Additional Cost"),
    ("totalCost", "Total Cost"),
    ("description", "Description"),
    ("requestId", "Request Id"),
    ("createdBy", "Created By"),
    ("modifiedBy", "Modified By"),
    ("createdTime", "Created Time"),
    ("modifiedTime", "Modified Time"),
    ("secondsSpent", "Seconds Spent"),
    ("isBillable", "Is Billable"),
    ("layoutId", "Layout Id"),
    ("isPresence", "Is Presence"),
];

const MORE_OF_ENTRIES: [&str; 12] = [
    "owner",
    "taskId",
    "parent",
    "departmentId",
    "hoursSpent",
    "minutesSpent",
    "mode",
    "billingType",
    "fixedCost",
    "invoiceId",
    "isTrashed",
    "layoutDetails",
];

const ATTACHMENTS: [(&str, &str); 8] = [
    ("id", "Attachment Id"),
    ("name", "Name"),
    ("size", "Size"),
    ("creatorId", "Creator Id"),
    ("createdTime", "Created Time"),
    ("isPublic", "Is Public"),
    ("href", "Href"),
    ("previewurl", "Preview URL"),
];
