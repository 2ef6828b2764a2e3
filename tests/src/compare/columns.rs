//! The columns of a file, as its header rows name them: whether they stand as they should, and which place of a record
//! each of them shows.

use std::collections::BTreeMap;

use super::tables::{From, Shapes, TIMES, Table, split};

/// The column for all keys that have none of their own.
pub(super) const REST: &str = "Other Fields";

/// Which columns show a place of a record, and what is below it.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Columns that show the value itself.
    pub(super) columns: Vec<usize>,
    /// Keys below it that columns show.
    pub(super) keys: BTreeMap<String, Node>,
}

impl Node {
    /// All columns that show something of it.
    pub(super) fn all(&self) -> Vec<usize> {
        let below = self.keys.values().flat_map(Self::all);
        self.columns.iter().copied().chain(below).collect()
    }
}

/// The columns of a file.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) tree: Node,
    /// Columns whose value is made of others.
    pub(super) made: Vec<(usize, From)>,
    /// Whether the values of a column are times.
    pub(super) times: Vec<bool>,
    pub(super) rest: Option<usize>,
    /// The columns that identify a row.
    pub(super) key: Vec<usize>,
}

/// A column that is not as it should be.
pub(super) struct Misplaced {
    pub(super) column: String,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Columns {
    /// What the columns of these names show.
    pub(super) fn new(table: &Table, names: Vec<String>) -> Self {
        let mut columns = Self {
            tree: Node::default(),
            made: Vec::new(),
            times: names.iter().map(|name| TIMES.contains(&name.as_str())).collect(),
            rest: names.iter().position(|name| name == REST),
            key: Vec::new(),
            names,
        };
        for (at, name) in columns.names.iter().enumerate() {
            let from = table
                .from
                .iter()
                .find(|(column, _)| column == name)
                .map(|(_, from)| *from);
            let place: Vec<&str> = match from {
                _ if Some(at) == columns.rest => continue,
                Some(From::At(pointer)) => pointer.split('/').skip(1).collect(),
                Some(from) => {
                    columns.made.push((at, from));
                    continue;
                }
                None if name.starts_with("cf_") => vec!["cf", name],
                None => vec![name],
            };
            let mut node = &mut columns.tree;
            for key in place {
                node = node.keys.entry(key.to_owned()).or_default();
            }
            node.columns.push(at);
        }
        let place_of = |name: &str| columns.names.iter().position(|column| column == name);
        columns.key = match table.key {
            super::tables::Key::Id(id) => vec![place_of(id)],
            super::tables::Key::Pair(parent, id) => vec![place_of(parent), place_of(id)],
        }
        .into_iter()
        .flatten()
        .collect();
        columns
    }

    /// How many columns identify a row.
    pub(super) fn key_of<'r>(&self, row: &'r [String]) -> Option<Vec<&'r str>> {
        self.key.iter().map(|at| row.get(*at).map(String::as_str)).collect()
    }
}

/// Holds the header rows against the sheets: the format's columns exactly, then custom fields, then the API's other
/// fields, then what is left.
pub(super) fn check(table: &Table, custom: &[(String, String)], labels: &[String], names: &[String]) -> Vec<Misplaced> {
    let mut wrong = Vec::new();
    let mut expect = |column: &str, expected: &str, found: Option<&String>| {
        let found = found.map_or("nothing", String::as_str);
        if found != expected {
            wrong.push(Misplaced {
                column: column.to_owned(),
                expected: expected.to_owned(),
                found: found.to_owned(),
            });
        }
    };
    expect(
        "number of labels",
        &names.len().to_string(),
        Some(&labels.len().to_string()),
    );
    let mut at = 0;
    for (label, name) in split(table.labels).zip(split(table.names)) {
        let column = format!("column {}", at + 1);
        expect(&column, name, names.get(at));
        expect(&format!("label of {column}"), label, labels.get(at));
        at += 1;
    }
    // Where the format does not know the table, its first columns are ours to choose.
    let free = if at == 0 {
        names.iter().position(|name| name.starts_with("cf_")).unwrap_or(0)
    } else {
        at
    };
    let is_custom = |name: &&String| name.starts_with("cf_");
    let custom_end = free + names.iter().skip(free).take_while(is_custom).count();
    for (name, label) in custom {
        let place = names
            .iter()
            .take(custom_end)
            .skip(free)
            .position(|column| column == name);
        match place {
            Some(place) => {
                // A header is one line, whatever the desk's label is.
                let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
                expect(&format!("label of {name}"), &label, labels.get(free + place));
            }
            None => expect(&format!("custom field {name}"), "a column behind the format's", None),
        }
    }
    expect(
        "columns of custom fields",
        &custom.len().to_string(),
        Some(&(custom_end - free).to_string()),
    );
    let own: Vec<&String> = names
        .iter()
        .take(free)
        .skip(at)
        .chain(names.iter().skip(custom_end))
        .collect();
    for field in split(table.further) {
        if !own.iter().any(|name| *name == field) {
            expect(&format!("field {field}"), "a column of its own", None);
        }
    }
    let in_order: Vec<&str> = split(table.further)
        .filter(|field| own.iter().any(|name| name == field))
        .collect();
    let found: Vec<&str> = own
        .iter()
        .map(|name| name.as_str())
        .filter(|name| in_order.contains(name))
        .collect();
    // Where the format does not know the table, its first columns are ours to choose.
    if at > 0 {
        expect(
            "order of the API's fields",
            &in_order.join(", "),
            Some(&found.join(", ")),
        );
    }
    for (at, (name, label)) in names.iter().zip(labels).enumerate().skip(at) {
        if (free..custom_end).contains(&at) || name == REST {
            continue;
        }
        // Labels are made from the name, and are words.
        let mut as_name = label.replace(' ', "");
        if !table.labels.is_empty() {
            as_name.make_ascii_lowercase();
            expect(&format!("label of {name}"), &name.to_ascii_lowercase(), Some(&as_name));
        }
        expect(
            &format!("first letter of the label of {name}"),
            "true",
            Some(&starts_large(label).to_string()),
        );
    }
    if table.shapes != Shapes::None {
        expect("the last column", REST, names.last());
        expect("the last label", REST, labels.last());
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    if let Some([name, _]) = sorted.array_windows().find(|[one, next]| one == next) {
        expect(&format!("columns called {name}"), "one", Some(&"two".to_owned()));
    }
    wrong
}

fn starts_large(label: &str) -> bool {
    label.chars().next().is_some_and(|first| !first.is_lowercase())
}
