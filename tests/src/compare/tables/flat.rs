//! Tables of modules that have one list.

use super::{From, Key, Shapes, Table};

/// Fields of an article, also in another language.
pub(super) const ARTICLE: &str = "id, title, summary, status, permission, locale, departmentId, categoryId, category, rootCategoryId, \
    authorId, author, ownerId, owner, creatorId, createdBy, modifierId, modifiedBy, createdTime, modifiedTime, \
    expiryDate, translationId, sourceLocale, translationSource, translationState, latestVersion, \
    latestVersionStatus, latestPublishedVersion, latestVersionModifierId, viewCount, likeCount, dislikeCount, \
    feedbackCount, usageCount, commentCount, attachmentCount, position, permalink, webUrl, portalUrl, \
    isTrashed, isTemplate, availableLocaleTranslations, secondaryTitles, answer, seo, tags, attachments, \
    reviewedTime";

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "Contacts",
        labels: "Contact Id, First Name, Last Name, Email, Account Id, Phone, Mobile, Title, Owner Id, Type, \
            Created By, Modified By, Created Time, Modified Time, Full Name, Salutation, Is End User, Street, City, \
            State, Zip, Country, Description, Twitter, Facebook, CRM Contact Id, Secondary Email, Potentials Revenue, \
            Potentials Closing Date, Revenue Received, Customer Since, Layout Id, Language",
        names: "id, firstName, lastName, email, accountId, phone, mobile, title, ownerId, type, \
            createdBy, modifiedBy, createdTime, modifiedTime, fullName, salutation, isEndUser, street, city, \
            state, zip, country, description, twitter, facebook, crmContactId, secondaryEmail, potentialsRevenue, \
            potentialsClosingDate, revenueReceived, customerSince, layoutId, language",
        key: Key::Id("id"),
        shapes: Shapes::Search,
        from: &[("crmContactId", From::At("/zohoCRMContact/id"))],
        further: "photoURL, webUrl, isAnonymous, isSpam, customerHappiness, owner, account, isDeleted, isTrashed, \
            isFollowing, accountCount, layoutDetails",
    },
    Table {
        name: "Accounts",
        labels: "Account Id, Owner Id, Account Name, Phone, Email, Fax, Website, Industry, Annual Revenue, \
            Created By, Modified By, Created Time, Modified Time, Street, City, State, Code, Country, Description, \
            CRM Account Id, Layout Id",
        names: "id, ownerId, accountName, phone, email, fax, website, industry, annualRevenue, \
            createdBy, modifiedBy, createdTime, modifiedTime, street, city, state, code, country, description, \
            crmAccountId, layoutId",
        key: Key::Id("id"),
        shapes: Shapes::Search,
        from: &[
            ("annualRevenue", From::At("/annualrevenue")),
            ("crmAccountId", From::At("/zohoCRMAccount/id")),
        ],
        further: "webUrl, customerHappiness, owner, associatedSLAIds, isFollowing, isDeleted, isTrashed, layoutDetails",
    },
    Table {
        name: "Tasks",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::Search,
        from: &[],
        further: "id, subject, status, priority, departmentId, ticketId, contactId, ownerId, creatorId, teamId, \
            createdTime, isCommented, isSpam, webUrl, activityType, ticket, contact, team, assignee, category, \
            dueDate, startTime, completedTime, direction, modifiedTime, modifiedBy, description, statusType, \
            reminder, layoutId, isTrashed",
    },
    Table {
        name: "Calls",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::Search,
        from: &[],
        further: "id, subject, status, priority, departmentId, ticketId, contactId, ownerId, creatorId, teamId, \
            createdTime, isCommented, isSpam, webUrl, activityType, ticket, contact, team, assignee, direction, \
            startTime, duration, completedTime, modifiedTime, modifiedBy, description, statusType, reminder, layoutId, \
            isTrashed",
    },
    Table {
        name: "Events",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::Search,
        from: &[],
        further: "id, subject, status, priority, departmentId, ticketId, contactId, ownerId, creatorId, teamId, \
            createdTime, isCommented, isSpam, webUrl, activityType, ticket, contact, team, assignee, category, \
            startTime, duration, completedTime, modifiedTime, modifiedBy, description, statusType, reminder, layoutId, \
            isTrashed",
    },
    Table {
        name: "Products",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::Search,
        from: &[],
        further: "id, productName, productCode, unitPrice, departmentIds, description, ownerId, owner, manufacturer, \
            productCategory, createdBy, createdTime, modifiedBy, modifiedTime, isDeleted, layoutId, layoutDetails",
    },
    Table {
        name: "Articles",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::SearchAndDetail,
        from: &[],
        further: ARTICLE,
    },
    Table {
        name: "Agents",
        labels: "Agent Id, First Name, Last Name, Email, Agent Status, Is Confirmed, Created Time, Role, Profile, \
            Is Portal User, Integration Service",
        names: "id, firstName, lastName, email, status, isConfirmed, createdTime, role, profile, \
            isPortalUser, integrationService",
        key: Key::Id("id"),
        shapes: Shapes::Included,
        from: &[
            ("email", From::At("/emailId")),
            ("role", From::At("/role/name")),
            ("profile", From::At("/profile/name")),
        ],
        further: "name, phone, mobile, extn, zuid, photoURL, roleId, profileId, rolePermissionType, isLightAgent, \
            aboutInfo, timeZone, langCode, countryCode, channelExpert, associatedDepartmentIds, \
            associatedChatDepartmentIds",
    },
    Table {
        name: "Teams",
        labels: "",
        names: "",
        key: Key::Id("id"),
        shapes: Shapes::List,
        from: &[],
        further: "id, name, description, departmentId, logoUrl, agents, derivedAgents, roles, rolesWithSubordinates, \
            subTeams",
    },
    Table {
        name: "Departments",
        labels: "Department Id, Department Name, Is Enabled, Creator Id, Created Time, Modified Time, \
            Department Status",
        names: "id, name, isEnabled, creatorId, createdTime, modifiedTime, status",
        key: Key::Id("id"),
        shapes: Shapes::List,
        from: &[],
        further: "sanitizedName, nameInCustomerPortal, description, isDefault, isVisibleInCustomerPortal, \
            isAssignToTeamEnabled, hasLogo, chatStatus",
    },
];
