//! Custom fields and custom roles: which there are, their columns, their cells.
//!
//! RT gives values of enabled fields that are applied to the record's queue or class; only those have columns. A field
//! that is made while a backup runs has none: its values go to the column for others, so that they are not lost.

use std::collections::HashMap;

use plugin_api::{Column, Desk, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::cell::{Row, member, members, plain};
use crate::list::{Record, id, search, shown_as_null, walk, where_is};

/// What custom fields of tickets are looked up by; the other kinds likewise.
pub(crate) const TICKETS: &str = "RT::Queue-RT::Ticket";
pub(crate) const TRANSACTIONS: &str = "RT::Queue-RT::Ticket-RT::Transaction";
pub(crate) const USERS: &str = "RT::User";
pub(crate) const GROUPS: &str = "RT::Group";
pub(crate) const QUEUES: &str = "RT::Queue";
pub(crate) const ARTICLES: &str = "RT::Class-RT::Article";

/// The column for values of fields that have no column.
pub(crate) const OTHERS: &str = "Other Custom Fields";

/// The custom fields and roles of a Request Tracker.
#[derive(Serialize, Deserialize)]
pub(crate) struct Custom {
    fields: Vec<Field>,
    roles: Vec<Field>,
}

#[derive(Serialize, Deserialize)]
struct Field {
    id: u64,
    name: String,
    /// Of what it is a field; empty for a role.
    lookup: String,
    /// Whether it holds one value at most.
    single: bool,
    /// Whether its values are moments.
    time: bool,
}

impl Custom {
    /// Asks RT for them.
    pub(crate) fn read(desk: &Desk<'_>) -> Result<Self> {
        Ok(Self {
            fields: Self::list(desk, "customfields", &["id", "Name", "Type", "MaxValues", "LookupType"])?,
            roles: Self::list(desk, "customroles", &["id", "Name", "MaxValues"])?,
        })
    }

    fn list(desk: &Desk<'_>, collection: &str, keys: &[&str]) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        for page in walk(desk, 0, |after| {
            search(collection, keys, &[], &[where_is("id", ">", after)])
        }) {
            let page = page?;
            if !page.nulls.is_empty() {
                return Err(shown_as_null().at(collection));
            }
            for item in page.items {
                fields.push(Field {
                    id: id(&item)?,
                    name: plain(item.get("Name")),
                    lookup: plain(item.get("LookupType")),
                    single: plain(item.get("MaxValues")) == "1",
                    time: plain(item.get("Type")) == "DateTime",
                });
            }
        }
        Ok(fields)
    }

    fn of(&self, lookup: &str) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.lookup == lookup)
    }

    /// The columns of the fields of this kind of record, and the one for others.
    pub(crate) fn columns(&self, lookup: &str) -> Vec<Column> {
        let mut columns = columns("CF", &self.of(lookup).collect::<Vec<_>>());
        columns.push(Column::new(OTHERS, OTHERS).given());
        columns
    }

    /// The columns of the roles.
    pub(crate) fn role_columns(&self) -> Vec<Column> {
        columns("CustomRole", &self.roles.iter().collect::<Vec<_>>())
    }

    /// Adds the cells of [`columns`](Self::columns).
    pub(crate) fn cells(&self, row: &mut Row, lookup: &str, record: &Record) {
        let mut given = HashMap::new();
        for field in record
            .get("CustomFields")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            let values: Vec<Json> = field
                .get("values")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .map(value)
                .collect();
            given.insert(plain(field.get("id")), values);
        }
        for field in self.of(lookup) {
            let values = given.remove(&field.id.to_string()).unwrap_or_default();
            match values.as_slice() {
                [Json::String(text)] if field.single && field.time => row.moment(text),
                [Json::String(text)] if field.single => row.text(text),
                [file] if field.single => row.json(file),
                values => row.list(values),
            }
        }
        let others: Map<String, Json> = given
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(id, values)| (id, values.into()))
            .collect();
        if others.is_empty() {
            row.text("");
        } else {
            row.json(&Json::Object(others));
        }
    }

    /// Adds the cells of [`role_columns`](Self::role_columns); `roles` holds them by RT's name of the role.
    pub(crate) fn role_cells(&self, row: &mut Row, roles: &Record) {
        for role in &self.roles {
            match roles.get(&format!("RT::CustomRole-{}", role.id)) {
                Some(Json::Object(one)) => match member(&Json::Object(one.clone())) {
                    Json::String(name) => row.text(name),
                    group => row.json(&group),
                },
                several => row.list(&members(several)),
            }
        }
    }
}

/// One value: text, or what is known of a file.
fn value(value: &Json) -> Json {
    let Some(url) = value.get("_url").and_then(Json::as_str) else {
        return Json::String(plain(Some(value)));
    };
    let id = url.rsplit('/').next().unwrap_or_default();
    json!({"ContentType": plain(value.get("content_type")), "Filename": plain(value.get("filename")), "id": id})
}

/// `CF.{Name}`; with the number where fields share a name, also where only their letters' case differs.
fn columns(kind: &str, fields: &[&Field]) -> Vec<Column> {
    let mut count = HashMap::new();
    for field in fields {
        *count.entry(field.name.to_lowercase()).or_insert(0_u32) += 1;
    }
    let column = |field: &&Field| {
        let shared = count[&field.name.to_lowercase()] > 1;
        let number = if shared {
            format!(" ({})", field.id)
        } else {
            String::new()
        };
        Column::new(
            format!("{kind}.{{{}}}{number}", field.name),
            format!("{}{number}", field.name),
        )
        .given()
    };
    fields.iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Field, columns, value};

    #[test]
    fn columns_of_one_name_are_told_apart() {
        let field = |id, name: &str| Field {
            id,
            name: name.into(),
            lookup: String::new(),
            single: true,
            time: false,
        };
        let fields = [field(1, "A"), field(2, "b, \"日本\""), field(3, "a")];
        let names: Vec<_> = columns("CF", &fields.iter().collect::<Vec<_>>())
            .into_iter()
            .map(|column| column.name)
            .collect();
        assert_eq!(names, ["CF.{A} (1)", "CF.{b, \"日本\"}", "CF.{a} (3)"]);
    }

    #[test]
    fn a_file_is_known_by_its_number() {
        let file =
            json!({"filename": "画面.png", "content_type": "image/png", "_url": "http://h/REST/2.0/download/cf/42"});
        assert_eq!(
            value(&file),
            json!({"ContentType": "image/png", "Filename": "画面.png", "id": "42"})
        );
        assert_eq!(value(&json!(null)), json!(""));
        assert_eq!(value(&json!("007")), json!("007"));
    }
}
