//! One row against one record.

use super::columns::{Columns, Node};
use super::json::Json;
use super::tables::From;
use super::truth::Record;

/// A place where row and record differ.
#[derive(Clone, Debug)]
pub(super) struct Differs {
    pub(super) place: String,
    pub(super) expected: String,
    pub(super) found: String,
}

/// What a record has for nothing.
const NOTHING: &str = "nothing";

/// The differences between a row and a record. `outside` has what columns may show that the record does not say.
pub(super) fn differences(
    columns: &Columns,
    row: &[String],
    record: &Record,
    outside: &[(usize, Vec<String>)],
) -> Vec<Differs> {
    let mut check = Check {
        columns,
        row,
        found: Vec::new(),
    };
    let cell = columns.rest.and_then(|at| row.get(at)).filter(|cell| !cell.is_empty());
    let rest = cell.and_then(|cell| Json::parse(cell).ok());
    let rest = rest.filter(|rest| matches!(rest, Json::Object(_)));
    if let Some(cell) = cell
        && rest.is_none()
    {
        check.differs("Other Fields", "a JSON object", cell);
    }
    check.object("", &columns.tree, &record.keys, rest.as_ref(), false);
    for (at, from) in &columns.made {
        if let From::Made(make) = from {
            check.cell(*at, &make(record));
        }
    }
    for (at, values) in outside {
        if !values.contains(&row[*at]) {
            check.cell(*at, values.first().map_or("", String::as_str));
        }
    }
    check.found
}

struct Check<'c> {
    columns: &'c Columns,
    row: &'c [String],
    found: Vec<Differs>,
}

impl Check<'_> {
    fn differs(&mut self, place: &str, expected: &str, found: &str) {
        self.found.push(Differs {
            place: place.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        });
    }

    fn cell(&mut self, at: usize, expected: &str) {
        let found = &self.row[at];
        if found != expected {
            self.differs(&self.columns.names[at].clone(), expected, &found.clone());
        }
    }

    /// The keys of an object: those of the record, those that columns look for, and those of the rest. `taken`: a column
    /// shows the object as a whole.
    fn object(&mut self, path: &str, node: &Node, keys: &[(String, Json)], rest: Option<&Json>, taken: bool) {
        for (key, value) in keys {
            let below = rest.and_then(|rest| rest.get(key));
            self.value(&format!("{path}/{key}"), node.keys.get(key), value, below, taken);
        }
        let is_there = |key: &str| keys.iter().any(|(name, _)| name == key);
        for (_, below) in node.keys.iter().filter(|(key, _)| !is_there(key)) {
            for at in below.all() {
                self.cell(at, "");
            }
        }
        let entries = rest.map(Json::entries).unwrap_or_default();
        for (place, (key, value)) in entries.iter().enumerate() {
            let path = format!("{path}/{key} in Other Fields");
            if !is_there(key) {
                self.differs(&path, NOTHING, &value.to_string());
            } else if entries[..place].iter().any(|(earlier, _)| earlier == key) {
                self.differs(&path, "one key", "two");
            }
        }
    }

    /// The value of a key: in its columns, or in the rest, or in part here and there.
    fn value(&mut self, path: &str, node: Option<&Node>, value: &Json, rest: Option<&Json>, taken: bool) {
        let Some(node) = node else {
            self.left(path, value, rest, taken);
            return;
        };
        for &at in &node.columns {
            self.shows(at, value);
        }
        let taken = taken || !node.columns.is_empty();
        match value {
            _ if node.keys.is_empty() => self.left(path, value, rest, taken),
            Json::Object(keys) => match rest {
                None | Some(Json::Object(_)) => self.object(path, node, keys, rest, taken),
                Some(other) => self.differs(&format!("{path} in Other Fields"), "an object", &other.to_string()),
            },
            _ => {
                for below in node.keys.values() {
                    for at in below.all() {
                        self.cell(at, "");
                    }
                }
                // Columns that look into a null show that there is nothing.
                self.left(path, value, rest, taken || *value == Json::Null);
            }
        }
    }

    /// A value that the rest must have, unless a column shows it.
    fn left(&mut self, path: &str, value: &Json, rest: Option<&Json>, taken: bool) {
        match rest {
            Some(rest) if rest != value => {
                self.differs(
                    &format!("{path} in Other Fields"),
                    &value.to_string(),
                    &rest.to_string(),
                );
            }
            None if !taken => self.differs(path, &value.to_string(), NOTHING),
            _ => {}
        }
    }

    /// A column that shows a value.
    fn shows(&mut self, at: usize, value: &Json) {
        match value {
            Json::Null => self.cell(at, ""),
            Json::Bool(bit) => self.cell(at, if *bit { "true" } else { "false" }),
            Json::Number(digits) => self.cell(at, digits),
            Json::Text(text) => match self.columns.times[at].then(|| time(text)).flatten() {
                Some(time) => self.cell(at, &time),
                None => self.cell(at, text),
            },
            Json::List(_) | Json::Object(_) => {
                if Json::parse(&self.row[at]).is_ok_and(|found| found == *value) {
                    return;
                }
                self.differs(
                    &self.columns.names[at].clone(),
                    &value.to_string(),
                    &self.row[at].clone(),
                );
            }
        }
    }
}

/// A time of the API, `yyyy-MM-ddTHH:mm:ss.SSSZ`, as the archive has it: `yyyy-MM-dd HH:mm:ss`, and milliseconds where
/// there are any. `None` where it is no such time.
fn time(text: &str) -> Option<String> {
    const PATTERN: &str = "0000-00-00T00:00:00";
    let (whole, fraction) = text.split_at_checked(PATTERN.len())?;
    let fits = |(found, pattern): (u8, u8)| {
        if pattern == b'0' {
            found.is_ascii_digit()
        } else {
            found == pattern
        }
    };
    let fraction = fraction.strip_suffix('Z')?;
    let fraction = if fraction.is_empty() { ".000" } else { fraction };
    let digits = fraction.strip_prefix('.').filter(|digits| digits.len() == 3)?;
    if !whole.bytes().zip(PATTERN.bytes()).all(fits) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction = if digits == "000" { "" } else { fraction };
    Some(format!("{}{fraction}", whole.replace('T', " ")))
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_lose_no_milliseconds() {
        for (text, expected) in [
            ("2031-03-14T08:12:47.000Z", Some("2031-03-14 08:12:47")),
            ("2031-03-14T08:12:47Z", Some("2031-03-14 08:12:47")),
            ("2031-03-14T08:12:47.060Z", Some("2031-03-14 08:12:47.060")),
            ("2031-03-14 08:12:47", None),
            ("2031-03-14T08:12:47.06Z", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(time(text).as_deref(), expected, "{text}");
        }
    }
}
