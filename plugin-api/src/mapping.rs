//! From a record of the desk, as JSON text, to the cells of a row: in one pass, without a tree.
//!
//! Numbers keep every digit that the desk wrote, and what no column takes is kept for the column that has the
//! rest.

use serde_json::value::RawValue;

use self::keys::Keys;
use crate::abi::Cell;
use crate::json::{Entries, Malformed, Piece};
use crate::response::pointer_keys;
use crate::{ErrorKind, ExportError, Result, Source, Table, Timestamp, Value};

mod keys;

/// A table's columns, arranged by where their values are found.
#[derive(Debug)]
pub(crate) struct Mapping {
    tree: Node,
    /// The column that takes what is left over.
    rest: Option<usize>,
    times: Vec<bool>,
    /// Room for what is left over of a record.
    left: String,
}

/// What is to be done with the value of a key.
#[derive(Debug, Default)]
struct Node {
    /// Columns that take the value itself.
    columns: Vec<usize>,
    /// Keys of an object below it that columns take.
    keys: Keys,
}

impl Mapping {
    pub(crate) fn new(table: &Table) -> Result<Self> {
        let mut mapping = Self {
            tree: Node::default(),
            rest: None,
            times: vec![false; table.columns.len()],
            left: String::new(),
        };
        for (at, column) in table.columns.iter().enumerate() {
            let wrong = |why: &str| {
                let message = format!("table {}, column {:?}: {why}", table.name, column.name);
                ExportError::new(ErrorKind::Misuse, message)
            };
            let keys = match &column.source {
                Source::SameName | Source::Time(None) => vec![column.name.clone()],
                Source::Pointer(pointer) | Source::Time(Some(pointer)) if pointer.is_empty() => {
                    return Err(wrong("from(\"\") names the whole record, not a value in it"));
                }
                Source::Pointer(pointer) | Source::Time(Some(pointer)) => {
                    pointer_keys(pointer).map_err(|error| wrong(&error.message))?
                }
                Source::Rest => {
                    if mapping.rest.replace(at).is_some() {
                        return Err(wrong("a second column for the rest: there is one rest of a record"));
                    }
                    continue;
                }
                Source::Given => continue,
            };
            mapping.times[at] = matches!(column.source, Source::Time(_));
            let mut node = &mut mapping.tree;
            for key in keys {
                node = node.keys.insert(&key);
            }
            node.columns.push(at);
        }
        Ok(mapping)
    }

    /// Makes the row of `record`; `given` holds cells by their column's position, which win over the record: what the
    /// record has for them is left over, like what no column takes.
    pub(crate) fn row<R>(
        &mut self,
        record: &RawValue,
        given: &[(usize, Value<'_>)],
        write: impl FnOnce(&[Cell<'_>]) -> Result<R>,
    ) -> Result<R> {
        let mut left = std::mem::take(&mut self.left);
        left.clear();
        let mut found = Found {
            pieces: vec![None; self.times.len()],
            rest: self.rest.map(|_| left),
            given,
        };
        let unreadable = |why: &str| ExportError::decode(format_args!("record {}", start_of(record)), why);
        let entries = Entries::of(record.get()).ok_or_else(|| unreadable("it is no object"))?;
        found
            .object(&mut self.tree, entries)
            .map_err(|Malformed| unreadable("it is no JSON"))?;
        let mut rest = found.rest.unwrap_or_default();
        if !rest.is_empty() {
            rest.push('}');
        }
        // Texts with escapes are decoded here; the others are cells right out of the body.
        let escaped = found.pieces.iter().enumerate();
        let decoded: Vec<(usize, String)> = escaped
            .filter_map(|(at, piece)| Some((at, decode((*piece)?)?)))
            .collect();
        let mut of_decoded = decoded.iter().peekable();
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(found.pieces.len());
        for (at, piece) in found.pieces.iter().enumerate() {
            let value = match (piece, of_decoded.next_if(|(decoded, _)| *decoded == at)) {
                (_, Some((_, text))) => Value::Text(text),
                (Some(piece), None) => plain(*piece),
                (None, None) => Value::Null,
            };
            let value = match value {
                Value::Text(text) if self.times[at] => Timestamp::parse(text).map_or(Value::Text(text), Value::Time),
                value => value,
            };
            cells.push(value.to_cell());
        }
        if let Some(at) = self.rest
            && !rest.is_empty()
        {
            cells[at] = Value::Json(&rest).to_cell();
        }
        for &(at, value) in given {
            let columns = cells.len();
            let cell = cells.get_mut(at).ok_or_else(|| {
                let message = format!("a value is given for column {at} of a table with {columns}");
                ExportError::new(ErrorKind::Misuse, message)
            })?;
            *cell = value.to_cell();
        }
        let written = write(&cells);
        drop(cells);
        // The room is used again, unless one record had very much.
        if rest.capacity() <= MOST_ROOM {
            self.left = rest;
        }
        written
    }
}

/// What is kept for the rest of the next record, in bytes.
const MOST_ROOM: usize = 1 << 20;

/// The beginning of a record, to name it by.
fn start_of(record: &RawValue) -> String {
    record.get().chars().take(80).collect()
}

/// The content of a JSON string that has escapes; `None` for all else, and for a string that is no text (half of
/// a surrogate pair), which is kept as the JSON it is.
fn decode(piece: Piece<'_>) -> Option<String> {
    (piece.escapes > 0)
        .then(|| serde_json::from_str(piece.text).ok())
        .flatten()
}

/// What a JSON value means; of strings those without escapes, or that are no text.
fn plain(piece: Piece<'_>) -> Value<'_> {
    let raw = piece.text;
    match raw.as_bytes().first() {
        None | Some(b'n') => Value::Null,
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'"') if piece.escapes == 0 => Value::Text(piece.inner().unwrap_or_default()),
        Some(b'"' | b'{' | b'[') => Value::Json(raw),
        // Only what comes back digit by digit is a number to us: -0, 1.50 and 1e3 stay as the desk wrote them.
        Some(_) => match raw.parse::<i64>() {
            Ok(number) if raw != "-0" => Value::Int(number),
            _ => Value::Text(raw),
        },
    }
}

/// What was found in a record.
struct Found<'de, 'g> {
    pieces: Vec<Option<Piece<'de>>>,
    /// The beginning of an object of what no column took; `None` where nobody wants it.
    rest: Option<String>,
    given: &'g [(usize, Value<'g>)],
}

impl<'de> Found<'de, '_> {
    /// Goes through the keys of an object.
    fn object(&mut self, node: &mut Node, mut entries: Entries<'de>) -> Result<(), Malformed> {
        node.keys.begin();
        while let Some(key) = entries.key()? {
            let value = entries.reader.value()?;
            match node.keys.get(key)? {
                Some(below) => self.deal(below, key, value)?,
                None => self.keep(key, value.text)?,
            }
        }
        Ok(())
    }

    fn keep(&mut self, key: Piece<'_>, value: &str) -> Result<(), Malformed> {
        if let Some(rest) = &mut self.rest {
            rest.push(if rest.is_empty() { '{' } else { ',' });
            if key.escapes > 0 {
                // Written anew, without escapes that need not be.
                let key: String = serde_json::from_str(key.text).map_err(|_| Malformed)?;
                rest.push_str(&serde_json::Value::from(key).to_string());
            } else {
                rest.push_str(key.text);
            }
            rest.push(':');
            rest.push_str(value);
        }
        Ok(())
    }

    /// Deals out the value of one key.
    fn deal(&mut self, node: &mut Node, key: Piece<'_>, value: Piece<'de>) -> Result<(), Malformed> {
        let given = self.given;
        let mut whole_is_taken = false;
        let mut earlier = None;
        for &column in &node.columns {
            if !given.iter().any(|(at, _)| *at == column) {
                whole_is_taken = true;
                earlier = self.pieces[column].replace(value);
            }
        }
        // The key comes twice.
        if let Some(earlier) = earlier.filter(|earlier| earlier.text != value.text) {
            self.keep(key, earlier.text)?;
        }
        let entries = if node.keys.is_empty() {
            None
        } else {
            Entries::of(value.text)
        };
        let Some(entries) = entries else {
            // A key that columns look into, but no object here: null says nothing, all else is kept.
            if !whole_is_taken && value.text != "null" {
                self.keep(key, value.text)?;
            }
            return Ok(());
        };
        let outer = self.rest.take();
        self.rest = outer.as_ref().filter(|_| !whole_is_taken).map(|_| String::new());
        let result = self.object(node, entries);
        let inner = std::mem::replace(&mut self.rest, outer).unwrap_or_default();
        if !inner.is_empty() {
            self.keep(key, &format!("{inner}}}"))?;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::Mapping;
    use crate::{Column, Table, Value};

    fn table() -> Table {
        Table::new("T")
            .column(Column::new("id", "Id"))
            .column(Column::new("owner", "Owner").from("/Owner/id"))
            .column(Column::new("made", "Made").time())
            .column(Column::new("tags", "Tags"))
            .column(Column::new("extra", "Extra").given())
            .rest("Other Fields")
    }

    fn check(table: &Table, record: &str, given: &[(usize, Value<'_>)], expected: &[&str]) {
        let record: &RawValue = serde_json::from_str(record).expect("a test record");
        let shown = Mapping::new(table)
            .and_then(|mut mapping| {
                mapping.row(record, given, |cells| {
                    let values = cells
                        .iter()
                        .map(|cell| Value::from_cell(cell).map(|value| format!("{value:?}")));
                    Ok(values.collect::<Result<Vec<_>, _>>().expect("known kinds"))
                })
            })
            .expect("a row");
        assert_eq!(shown, expected, "{record}");
    }

    #[test]
    fn values_become_cells() {
        let nothing = ["Null"; 6];
        for (value, expected) in [
            ("null", "Null"),
            ("true", "Bool(true)"),
            ("0", "Int(0)"),
            ("-9223372036854775808", "Int(-9223372036854775808)"),
            ("9223372036854775808", "Text(\"9223372036854775808\")"),
            (
                "123456789012345678901234567890",
                "Text(\"123456789012345678901234567890\")",
            ),
            ("-0", "Text(\"-0\")"),
            ("1.50", "Text(\"1.50\")"),
            ("1e3", "Text(\"1e3\")"),
            ("\"\"", "Text(\"\")"),
            ("\"007\"", "Text(\"007\")"),
            ("\"日本 \\u65e5 \\ud83d\\ude00\"", "Text(\"日本 日 😀\")"),
            ("\"half \\ud83d\"", "Json(\"\\\"half \\\\ud83d\\\"\")"),
            ("[1, 2]", "Json(\"[1, 2]\")"),
            ("{\"a\":1}", "Json(\"{\\\"a\\\":1}\")"),
        ] {
            let mut cells = nothing;
            cells[0] = expected;
            check(&table(), &format!("{{\"id\":{value}}}"), &[], &cells);
        }
    }

    #[test]
    fn what_no_column_takes_is_kept() {
        check(
            &table(),
            r#"{"a\"b":[1],"Owner":{"id":7,"name":"x","deep":{"y":null}},"id":1,"new":null}"#,
            &[(4, Value::Text("given"))],
            &[
                "Int(1)",
                "Int(7)",
                "Null",
                "Null",
                "Text(\"given\")",
                r#"Json("{\"a\\\"b\":[1],\"Owner\":{\"name\":\"x\",\"deep\":{\"y\":null}},\"new\":null}")"#,
            ],
        );
        // Looked into, but no object.
        check(
            &table(),
            r#"{"Owner":"nobody","tags":["a"]}"#,
            &[],
            &[
                "Null",
                "Null",
                "Null",
                r#"Json("[\"a\"]")"#,
                "Null",
                r#"Json("{\"Owner\":\"nobody\"}")"#,
            ],
        );
        check(&table(), r#"{"Owner":null}"#, &[], &["Null"; 6]);
    }

    #[test]
    fn what_a_given_value_stands_in_for_is_kept() {
        let rest = |text: &str| format!("Json({text:?})");
        // The column is named like a key, the column looks into an object, and an array.
        for (at, record, expected) in [
            (0, r#"{"id":7,"x":1}"#, r#"{"id":7,"x":1}"#),
            (
                1,
                r#"{"Owner":{"id":7,"name":"x"}}"#,
                r#"{"Owner":{"id":7,"name":"x"}}"#,
            ),
            (3, r#"{"tags":["a"]}"#, r#"{"tags":["a"]}"#),
        ] {
            let rest = rest(expected);
            let mut cells = ["Null", "Null", "Null", "Null", "Null", rest.as_str()];
            cells[at] = "Text(\"given\")";
            check(&table(), record, &[(at, Value::Text("given"))], &cells);
        }
    }

    #[test]
    fn of_a_key_that_comes_twice_nothing_is_lost() {
        for (record, id, owner, rest) in [
            (r#"{"id":1,"id":2,"id":3}"#, "Int(3)", "Null", r#"{"id":1,"id":2}"#),
            (r#"{"id":1,"id":1,"x":2}"#, "Int(1)", "Null", r#"{"x":2}"#),
            (
                r#"{"Owner":{"id":7},"Owner":{"id":8}}"#,
                "Null",
                "Int(8)",
                r#"{"Owner":{"id":7}}"#,
            ),
            (
                r#"{"Owner":{"id":7},"Owner":"x"}"#,
                "Null",
                "Int(7)",
                r#"{"Owner":"x"}"#,
            ),
            (r#"{"x":1,"x":2}"#, "Null", "Null", r#"{"x":1,"x":2}"#),
        ] {
            let rest = format!("Json({rest:?})");
            check(&table(), record, &[], &[id, owner, "Null", "Null", "Null", &rest]);
        }
    }

    #[test]
    fn columns_that_can_take_nothing_are_refused() {
        let table = || Table::new("Contacts");
        for (table, column, why) in [
            (
                table().column(Column::new("all", "All").from("")),
                "all",
                "whole record",
            ),
            (
                table().column(Column::new("all", "All").from("").time()),
                "all",
                "whole record",
            ),
            (
                table().column(Column::new("id", "Id").from("id")),
                "id",
                "no JSON pointer",
            ),
            (
                table().rest("Rest").rest("More"),
                "More",
                "a second column for the rest",
            ),
        ] {
            let error = Mapping::new(&table).expect_err(why);
            assert_eq!(error.kind, crate::ErrorKind::Misuse);
            assert!(
                error.message.starts_with(&format!("table Contacts, column {column:?}")),
                "{error}"
            );
            assert!(error.message.contains(why), "{error}");
        }
    }

    #[test]
    fn a_time_is_a_time_only_if_it_is_one() {
        check(
            &table(),
            r#"{"made":"2031-03-12T07:00:00.5+01:00"}"#,
            &[],
            &[
                "Null",
                "Null",
                "Time(Timestamp(1931061600500000))",
                "Null",
                "Null",
                "Null",
            ],
        );
        check(
            &table(),
            r#"{"made":"soon"}"#,
            &[],
            &["Null", "Null", "Text(\"soon\")", "Null", "Null", "Null"],
        );
    }

    #[test]
    fn a_whole_value_and_a_part_of_it_can_both_be_columns() {
        let table = Table::new("T")
            .column(Column::new("Owner", "Owner"))
            .column(Column::new("owner", "Owner Id").from("/Owner/id"))
            .rest("Other Fields");
        check(
            &table,
            r#"{"Owner":{"id":7,"x":1}}"#,
            &[],
            &[r#"Json("{\"id\":7,\"x\":1}")"#, "Int(7)", "Null"],
        );
    }
}
