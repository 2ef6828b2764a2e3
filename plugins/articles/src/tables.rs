//! The tables. Zoho's own backup has no knowledge base: the columns are the API's, in the order of its description.

use plugin_api::{Column, Table};

/// The tables' names.
pub(crate) const NAMES: [&str; 3] = ["Articles", "ArticleTranslations", "ArticleAttachments"];

/// All tables.
pub(crate) fn all() -> Vec<Table> {
    let articles = vec![
        Column::new("id", "Article Id"),
        Column::new("title", "Title"),
        Column::new("answer", "Answer"),
    ];
    let translations = vec![
        Column::new("translationId", "Translation Id"),
        Column::new("articleId", "Article Id").given(),
        Column::new("locale", "Locale"),
        Column::new("title", "Title"),
        Column::new("answer", "Answer"),
    ];
    let attachments = vec![
        Column::new("id", "Attachment Id"),
        Column::new("name", "Name"),
        Column::new("size", "Size"),
        Column::new("href", "Href"),
        Column::new("previewurl", "Preview URL"),
        Column::new("articleId", "Article Id").given(),
        Column::new("locale", "Locale").given(),
    ];
    vec![
        zoho::table("Articles", articles, Vec::new(), &FURTHER),
        zoho::table("ArticleTranslations", translations, Vec::new(), &FURTHER)
            .key(["translationId"])
            .child_of("Articles", "articleId"),
        // Translations may share an attachment: it is there once for each article.
        zoho::table("ArticleAttachments", attachments, Vec::new(), &FURTHER_OF_ATTACHMENTS)
            .key(["id", "articleId"])
            .child_of("Articles", "articleId"),
    ]
}

/// The API's other fields of an article, and of its translations.
const FURTHER: [&str; 47] = [
    "id",
    "summary",
    "status",
    "permission",
    "locale",
    "departmentId",
    "categoryId",
    "category",
    "rootCategoryId",
    "authorId",
    "author",
    "ownerId",
    "owner",
    "creatorId",
    "createdBy",
    "modifierId",
    "modifiedBy",
    "createdTime",
    "modifiedTime",
    "expiryDate",
    "translationId",
    "sourceLocale",
    "translationSource",
    "translationState",
    "latestVersion",
    "latestVersionStatus",
    "latestPublishedVersion",
    "latestVersionModifierId",
    "viewCount",
    "likeCount",
    "dislikeCount",
    "feedbackCount",
    "usageCount",
    "commentCount",
    "attachmentCount",
    "position",
    "permalink",
    "webUrl",
    "portalUrl",
    "isTrashed",
    "isTemplate",
    "availableLocaleTranslations",
    "secondaryTitles",
    "seo",
    "tags",
    "attachments",
    "reviewedTime",
];

const FURTHER_OF_ATTACHMENTS: [&str; 3] = ["creatorId", "createdTime", "isPublic"];
