//! What belongs to tickets, activities, articles and teams.

use super::{From, Key, Shapes, Table};
use crate::compare::Json;
use crate::compare::truth::{Line, Record};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "Comments",
        labels: "Comment Id, Comment, Commented By, Is Public, Commented Time, Modified Time, Entity Id, Module Id",
        names: "id, comment, commentedBy, isPublic, commentedTime, modifiedTime, entityId, moduleId",
        key: Key::Id("id"),
        shapes: Shapes::Conversation,
        from: &[
            ("comment", From::At("/content")),
            ("commentedBy", From::At("/commenterId")),
            ("entityId", From::Parent),
        ],
        further: "contentType, encodedContent, commenter, impersonatedUser, attachments",
    },
    Table {
        name: "TimeEntry",
        labels: "Time Entry Id, Owner Id, Request Charge Type, Executed Time, Agent Cost Per Hour, Additional Cost, \
            Total Cost, Description, Request Id, Created By, Modified By, Created Time, Modified Time, Seconds Spent, \
            Is Billable, Layout Id, Is Presence",
        names: "id, ownerId, requestChargeType, executedTime, agentCostPerHour, additionalCost, \
            totalCost, description, requestId, createdBy, modifiedBy, createdTime, modifiedTime, secondsSpent, \
            isBillable, layoutId, isPresence",
        key: Key::Id("id"),
        shapes: Shapes::List,
        from: &[],
        further: "owner, taskId, parent, departmentId, hoursSpent, minutesSpent, mode, billingType, fixedCost, \
            invoiceId, isTrashed, layoutDetails",
    },
    Table {
        name: "Attachments",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::Attachment,
        from: &[
            ("ticketId", From::Parent),
            ("threadId", From::Made(thread_of)),
            ("commentId", From::Made(comment_of)),
        ],
        further: "id, name, size, creatorId, createdTime, isPublic, href, previewurl",
    },
    Table {
        name: "ActivityComments",
        labels: "Comment Id, Comment, Commented By, Is Public, Commented Time, Modified Time, Entity Id, Module Id",
        names: "id, comment, commentedBy, isPublic, commentedTime, modifiedTime, entityId, moduleId",
        key: Key::Id("id"),
        shapes: Shapes::List,
        from: &[
            ("comment", From::At("/content")),
            ("commentedBy", From::At("/commenterId")),
            ("entityId", From::Parent),
            ("activityType", From::OfParent("Tasks, Calls, Events", activity)),
        ],
        further: "contentType, encodedContent, commenter, impersonatedUser, attachments",
    },
    Table {
        name: "ArticleTranslations",
        labels: "",
        names: "",
        key: Key::Id("translationId"),
        shapes: Shapes::Detail,
        from: &[("articleId", From::Parent)],
        further: super::flat::ARTICLE,
    },
    Table {
        name: "ArticleAttachments",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::Detail,
        from: &[("articleId", From::Parent), ("locale", From::Made(locale))],
        further: "id, name, size, creatorId, createdTime, isPublic, href, previewurl",
    },
    Table {
        name: "TeamMembers",
        labels: "",
        names: "",
        key: Key::Pair("teamId", "agentId"),
        shapes: Shapes::None,
        from: &[
            ("teamId", From::Parent),
            ("agentId", From::Id),
            ("isDirect", From::OfParent("Teams", is_direct)),
            ("isDerived", From::OfParent("Teams", is_derived)),
        ],
        further: "",
    },
];

/// The thread in which an attachment is, by its link.
fn thread_of(attachment: &Record) -> String {
    between(attachment.text("href"), "/threads/")
}

/// The comment in which an attachment is, by its link.
fn comment_of(attachment: &Record) -> String {
    between(attachment.text("href"), "/comments/")
}

fn between(link: &str, mark: &str) -> String {
    let behind = link.split_once(mark).map(|(_, behind)| behind);
    behind
        .and_then(|behind| behind.split('/').next())
        .unwrap_or_default()
        .to_owned()
}

/// The language of the translation that alone has an attachment: here articles have all of them themselves.
fn locale(_: &Record) -> String {
    String::new()
}

/// The kind of activity that a comment belongs to.
fn activity(activity: &Line, _: &Line) -> Vec<String> {
    vec![activity.table.clone()]
}

fn is_direct(team: &Line, agent: &Line) -> Vec<String> {
    names(team, "agents", agent)
}

fn is_derived(team: &Line, agent: &Line) -> Vec<String> {
    names(team, "derivedAgents", agent)
}

/// Whether a team's list names an agent.
fn names(team: &Line, list: &str, agent: &Line) -> Vec<String> {
    let named = |list: &Json| match list {
        Json::List(items) => items.iter().any(|item| item.text() == Some(&agent.id)),
        _ => false,
    };
    team.values(list).map(|list| named(list).to_string()).collect()
}
