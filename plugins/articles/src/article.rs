//! What the export itself needs of an article.

use plugin_api::{ExportError, RawValue, Result};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// An article, as far as it is looked into.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Article<'r> {
    #[serde(deserialize_with = "text")]
    pub(crate) locale: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) is_trashed: bool,
    #[serde(rename = "availableLocaleTranslations")]
    pub(crate) languages: Option<Vec<Language>>,
    #[serde(borrow)]
    pub(crate) attachments: Option<Vec<&'r RawValue>>,
    #[serde(deserialize_with = "count")]
    pub(crate) attachment_count: Option<u64>,
}

/// A language that an article is there in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Language {
    #[serde(deserialize_with = "text")]
    pub(crate) translation_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) locale: Option<String>,
    #[serde(deserialize_with = "flag")]
    is_trashed: bool,
}

impl<'r> Article<'r> {
    /// Reads an article, or a translation.
    pub(crate) fn read(record: &'r RawValue) -> Result<Self> {
        let wrong = |why: &dyn std::fmt::Display| {
            let start: String = record.get().chars().take(80).collect();
            ExportError::decode(format_args!("an article, {start}"), why)
        };
        // Keys by their place in a list would be taken too.
        if !record.get().starts_with('{') {
            return Err(wrong(&"it is no object"));
        }
        serde_json::from_str(record.get()).map_err(|error| wrong(&error))
    }

    /// The languages that are still to be asked for: all but the article's own; `None` where it does not say which.
    pub(crate) fn others(&self) -> Option<Vec<Language>> {
        let mut others = self.languages.clone()?;
        others.retain(|language| !language.is_trashed && language.locale.is_some() && language.locale != self.locale);
        Some(others)
    }
}

fn plain(value: Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(text),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<String>, D::Error> {
    Json::deserialize(deserializer).map(plain)
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u64>, D::Error> {
    text(deserializer).map(|text| text.and_then(|text| text.parse().ok()))
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Json::deserialize(deserializer).map(|value| match value {
        Json::Bool(value) => value,
        Json::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use plugin_api::RawValue;

    use super::Article;

    #[test]
    fn languages_are_those_that_are_left() {
        for (record, expected) in [
            (r#"{"locale":"en"}"#, None),
            (r#"{"locale":"en","availableLocaleTranslations":null}"#, None),
            (r#"{"locale":"en","availableLocaleTranslations":[]}"#, Some(vec![])),
            (
                r#"{"locale":"en","availableLocaleTranslations":[{"locale":"en"},{"locale":"ja","isTrashed":"false"},
                   {"locale":"fr-ca","isTrashed":"true"},{"locale":null},{"locale":"de","translationId":7}]}"#,
                Some(vec!["ja", "de"]),
            ),
        ] {
            let record: &RawValue = serde_json::from_str(record).expect("JSON");
            let others = Article::read(record).expect("an article").others();
            let locales = others.map(|others| others.into_iter().filter_map(|other| other.locale).collect::<Vec<_>>());
            let expected = expected.map(|locales| locales.into_iter().map(str::to_owned).collect());
            assert_eq!(locales, expected, "{record}");
        }
    }
}
