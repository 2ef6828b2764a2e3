//! What belongs to tickets, activities, articles and teams.

use super::{From, Key, Shapes, Table};

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
        shapes: Shapes::All,
        from: &[],
        further: "id, name, size, creatorId, createdTime, isPublic, href, previewurl",
    },
    Table {
        name: "ActivityComments",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::List,
        from: &[],
        further: "id, content, contentType, encodedContent, isPublic, commentedTime, modifiedTime, commenterId, \
            commenter, impersonatedUser, attachments",
    },
    Table {
        name: "ArticleTranslations",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::All,
        from: &[],
        further: "",
    },
    Table {
        name: "ArticleAttachments",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::All,
        from: &[],
        further: "",
    },
    Table {
        name: "TeamMembers",
        labels: "",
        names: "",
        key: Key::Pair("teamId", "id"),
        shapes: Shapes::All,
        from: &[("teamId", From::Parent)],
        further: "",
    },
];
