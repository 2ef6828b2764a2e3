//! The rules of the host, which the engine holds every plugin to. Pure.

use std::collections::HashSet;

use crate::{Request, Table};

/// The most columns that a table may have.
const MAX_COLUMNS: usize = 16_384;

/// What is wrong with a table that is to be opened beside `others`.
pub(super) fn check_table<'t>(table: &Table, others: impl IntoIterator<Item = &'t Table>) -> Result<(), String> {
    let name = &table.name;
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if !letters || !starts || name.len() > 64 || name.contains("__") {
        return Err(format!(
            "{name:?} is not a table's name: it must be a letter, then at most 63 letters, digits or single underscores"
        ));
    }
    if others.into_iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
        return Err(format!("there is a table {name} already (letter case does not count)"));
    }
    if table.columns.is_empty() || table.columns.len() > MAX_COLUMNS {
        let columns = table.columns.len();
        return Err(format!(
            "table {name} has {columns} columns; it needs 1 to {MAX_COLUMNS}"
        ));
    }
    let mut columns = HashSet::new();
    for column in &table.columns {
        if !columns.insert(column.name.as_str()) {
            return Err(format!("table {name} has two columns called {:?}", column.name));
        }
    }
    let mut wanted = table
        .key
        .iter()
        .chain(table.parents.iter().map(|parent| &parent.column));
    match wanted.find(|column| !columns.contains(column.as_str())) {
        Some(missing) => Err(format!(
            "table {name} names {missing:?} as key or parent, but has no such column"
        )),
        None => Ok(()),
    }
}

/// What is wrong with a request.
pub(super) fn check_request(request: &Request) -> Result<(), String> {
    const RESERVED: [&str; 7] = [
        "authorization",
        "host",
        "cookie",
        "content-length",
        "transfer-encoding",
        "connection",
        "user-agent",
    ];
    let path = &request.path;
    if path.starts_with("//") {
        return Err(format!("the path {path:?} starts with // and would name another host"));
    }
    if path.contains(|c: char| c.is_control() || c == '#' || c == '\\') {
        return Err(format!(
            "the path {path:?} has control characters, a backslash or a `#`: percent-encode them"
        ));
    }
    let segments = path.split('?').next().unwrap_or_default().split('/');
    if segments
        .map(|part| part.to_lowercase().replace("%2e", "."))
        .any(|part| part == "." || part == "..")
    {
        return Err(format!(
            "the path {path:?} has a segment of dots: percent-encode what it is made of"
        ));
    }
    for (name, value) in &request.headers {
        if RESERVED.contains(&name.to_lowercase().as_str()) {
            return Err(format!("the header {name} belongs to the connection: leave it out"));
        }
        if !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            return Err(format!(
                "the value of the header {name} has characters other than printable ASCII"
            ));
        }
    }
    if request.body.is_some() && request.method == crate::Method::Get {
        return Err(format!("the GET of {path} has a body"));
    }
    Ok(())
}

/// Whether a module can be called so.
pub(super) fn is_module(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
