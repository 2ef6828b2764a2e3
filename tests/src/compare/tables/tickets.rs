//! Tickets and their threads.

use super::{From, Key, Shapes, Table};
use crate::compare::Json;
use crate::compare::truth::{Line, Record};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "Cases",
        labels: "Ticket Id, Department Id, Contact Id, Email, Phone, Subject, Description, Status, Product Id, \
            Assignee Id, Created By, Modified By, Created Time, Modified Time, Ticket Number, Resolution, To Address, \
            Customer Response Time, Thread Count, Account Id, Due Date, Priority, Channel, Category, Sub Category, \
            Closed Time, Is Escalated, Classification, Status Updated Time, Reopened Time, Assigned Time, \
            First Assigned Time, Happiness Rating, Agent Responded Time, Comment Count, Response Due Date, SLA Name, \
            SLA Violation Type, Team Id, Tags, On Hold Time, Sentiment, Layout Id, Language, Child Ticket Count, \
            Billable Change",
        names: "id, departmentId, contactId, email, phone, subject, description, status, productId, \
            assigneeId, createdBy, modifiedBy, createdTime, modifiedTime, ticketNumber, resolution, toAddress, \
            customerResponseTime, threadCount, accountId, dueDate, priority, channel, category, subCategory, \
            closedTime, isEscalated, classification, statusUpdatedTime, reopenedTime, assignedTime, \
            firstAssignedTime, happinessRating, agentRespondedTime, commentCount, responseDueDate, slaName, \
            slaViolationType, teamId, tags, onholdTime, sentiment, layoutId, language, childTicketCount, \
            billableChange",
        key: Key::Id("id"),
        shapes: Shapes::Ticket,
        from: &[],
        further: "statusType, channelCode, lockedTime, relationshipType, isArchived, isSpam, webUrl, lastThread, \
            source, contact, product, assignee, team, department, isRead, secondaryContacts, sharedDepartments, \
            entitySkills, slaId, parentTicket, sourceTicket, isOverDue, contractId, approvalCount, timeEntryCount, \
            taskCount, attachmentCount, tagCount, followerCount, isResponseOverdue, isDeleted, isTrashed, \
            isFollowing, channelRelatedInfo, layoutDetails",
    },
    Table {
        name: "Threads",
        labels: "Thread Id, Ticket Id, Created Time, Thread Status, Content, Is Private, From Email Address, \
            Receipients, Has Attach, Thread Type, Time Zone, Scheduled Time, Is Schedule Active, Department Id, \
            Layout Id, To Display Name, CC Display Name, BCC Display Name, Is Presence, Nested Thread Id",
        names: "id, ticketId, createdTime, threadStatus, content, isPrivate, fromEmailAddress, \
            receipients, hasAttach, threadType, timeZone, scheduledTime, isScheduleActive, departmentId, \
            layoutId, toDisplayName, ccDisplayName, bccDisplayName, isPresence, nestedThreadId",
        key: Key::Id("id"),
        shapes: Shapes::ConversationAndDetail,
        from: &[
            ("ticketId", From::Parent),
            ("threadStatus", From::Made(thread_status)),
            ("isPrivate", From::Made(is_private)),
            ("receipients", From::At("/to")),
            ("departmentId", From::OfParent("Cases", department)),
            ("layoutId", From::OfParent("Cases", layout)),
        ],
        further: "channel, direction, status, visibility, summary, isDescriptionThread, canReply, author, \
            contentType, attachmentCount, respondedIn, responderId, isForward, cc, bcc, replyTo, source, \
            channelRelatedInfo, lastRatingIconURL, impersonatedUser, readReceipts, sentiment, aspects, keyWords, \
            actions, facebookProfile, twitterProfile, attachments, isContentTruncated, fullContentURL, plainText",
    },
];

/// A thread has neither: its ticket does.
fn department(ticket: &Line, _: &Line) -> Vec<String> {
    of_ticket(ticket, "departmentId")
}

fn layout(ticket: &Line, _: &Line) -> Vec<String> {
    of_ticket(ticket, "layoutId")
}

fn of_ticket(ticket: &Line, key: &str) -> Vec<String> {
    ticket.values(key).filter_map(Json::text).map(str::to_owned).collect()
}

/// Channel and direction in one: `EMAIL INCOMING`.
fn thread_status(thread: &Record) -> String {
    let direction = match thread.text("direction") {
        "in" => "INCOMING",
        "out" => "OUTGOING",
        other => other,
    };
    format!("{} {direction}", thread.text("channel")).trim().to_owned()
}

fn is_private(thread: &Record) -> String {
    match thread.text("visibility") {
        "" => String::new(),
        visibility => (visibility == "private").to_string(),
    }
}
