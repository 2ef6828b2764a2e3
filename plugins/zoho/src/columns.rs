//! Tables and their columns.

use plugin_api::{Column, Table};

/// Further API fields that are times, though their names do not end so.
const TIMES: [&str; 3] = ["dueDate", "responseDueDate", "expiryDate"];

/// A table in the archive's order: the format's columns, the desk's custom fields, the other fields of the API by their
/// names, and what is left. Its key is `id`; another one can be named on what is given back.
///
/// A further field that is a column already is passed over.
pub fn table(name: &str, format: Vec<Column>, custom: Vec<Column>, further: &[&str]) -> Table {
    let mut table = Table::new(name).columns(format).columns(custom);
    for name in further {
        if table.position(name).is_none() {
            table = table.column(column(name));
        }
    }
    table.rest(crate::REST).key(["id"])
}

/// The column of an API field: its label is made from its name, and it is a time where its name says so.
pub fn column(name: &str) -> Column {
    let column = Column::new(name, label(name));
    if name.ends_with("Time") || TIMES.contains(&name) {
        column.time()
    } else {
        column
    }
}

/// What a person reads for an API name: `webUrl` is `Web Url`, `zohoCRMContact` is `Zoho CRM Contact`,
/// `associatedSLAIds` is `Associated SLA Ids`.
pub fn label(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut label = String::with_capacity(name.len() + 8);
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        // A word begins at a capital behind a small letter, and at the last capital of several before a small one.
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase()));
        match letter {
            '_' => label.push(' '),
            _ if at == 0 => label.extend(letter.to_uppercase()),
            _ => {
                if begins && !label.ends_with(' ') {
                    label.push(' ');
                }
                label.push(letter);
            }
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use plugin_api::{Column, Source};

    use super::{label, table};

    #[test]
    fn labels_are_words() {
        for (name, expected) in [
            ("id", "Id"),
            ("webUrl", "Web Url"),
            ("photoURL", "Photo URL"),
            ("zohoCRMContact", "Zoho CRM Contact"),
            ("associatedSLAIds", "Associated SLA Ids"),
            ("annualrevenue", "Annualrevenue"),
            ("isOverDue", "Is Over Due"),
            ("cf_serial_number", "Cf serial number"),
            ("URL", "URL"),
            ("", ""),
        ] {
            assert_eq!(label(name), expected);
        }
    }

    #[test]
    fn columns_come_in_the_archives_order() {
        let format = vec![
            Column::new("id", "Thing Id"),
            Column::new("createdTime", "Created Time").time(),
        ];
        let custom = vec![Column::new("cf_a", "A").from("/cf/cf_a")];
        let made = table("Things", format, custom, &["id", "webUrl", "dueDate"]);
        let names: Vec<_> = made.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(
            names,
            ["id", "createdTime", "cf_a", "webUrl", "dueDate", "Other Fields"]
        );
        assert_eq!(made.columns[0].label, "Thing Id");
        assert_eq!(made.columns[4].source, Source::Time(None));
        assert_eq!(made.key, ["id"]);
    }
}
