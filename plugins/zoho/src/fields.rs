//! Custom fields as columns.
//!
//! A record has their values in `cf`, an object by API name. Which there are is asked of the desk, one request a module;
//! a field that it does not name, because it is new, hidden or deleted, stays in the column for the rest.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;

use plugin_api::{Column, Desk, ErrorKind, ExportError, Output, Request, Response, Result};
use serde::Deserialize;

use crate::answer::{error_code, is_refused};
use crate::columns::label;

/// More custom fields than any edition allows in a module (a few hundred): what comes behind them stays in the rest.
const MOST: usize = 2_000;
/// The longest API name and label that are taken, in characters.
const LONGEST: usize = 200;

/// A field, as `/organizationFields` has it.
#[derive(Deserialize)]
struct Field<'a> {
    #[serde(borrow, rename = "apiName")]
    name: Cow<'a, str>,
    #[serde(default, rename = "displayLabel")]
    label: serde_json::Value,
}

thread_local! {
    /// Modules whose fields the desk did not name, of the export that this thread is at.
    static UNREAD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The columns of the custom fields of each of these modules, by the desk's name of it: `tickets`, `contacts`,
/// `accounts`, `tasks`, `calls`, `events`, `products`, `timeEntry`, `agents`.
///
/// It is for [`Exporter::tables`](plugin_api::Exporter::tables), and asks for all modules in one go. Where the desk says
/// that these credentials may not read the fields, or that it has none of such a module, there are no columns: the
/// values are in the column for the rest then, and [`remark_unread_fields`] says so.
pub fn custom_fields<const N: usize>(desk: &Desk<'_>, modules: [&str; N]) -> Result<[Vec<Column>; N]> {
    UNREAD.take();
    let mut columns = [const { Vec::new() }; N];
    let requests = modules.into_iter().map(Ok);
    let request = |module: &&str| Some(Request::get("/organizationFields").query("module", module));
    for (place, child) in columns.iter_mut().zip(desk.each(requests, request)) {
        let child = child?;
        *place = match child.answer.transpose() {
            Ok(answer) => answer.map_or(Ok(Vec::new()), |answer| read(&answer))?,
            Err(error) if is_refused(&error) || is_unknown(&error) => {
                note_unread(child.parent, &error);
                Vec::new()
            }
            Err(error) => return Err(error),
        };
    }
    Ok(columns)
}

/// Says of which modules [`custom_fields`] found no fields because the desk refused: for the beginning of
/// [`Exporter::export`](plugin_api::Exporter::export), which is called on the same thread behind
/// [`tables`](plugin_api::Exporter::tables).
pub fn remark_unread_fields(out: &mut Output<'_>) -> Result<()> {
    for remark in UNREAD.take() {
        out.remark(remark)?;
    }
    Ok(())
}

/// The desk's own word that there is no such thing, and not that of something in between.
fn is_unknown(error: &ExportError) -> bool {
    error.kind == ErrorKind::NotFound && error_code(error).is_some()
}

fn note_unread(module: &str, error: &ExportError) {
    let message = &error.message;
    let remark = format!("the custom fields of {module} have no columns, and are in Other Fields: {message}");
    UNREAD.with_borrow_mut(|unread| unread.push(remark));
}

/// The columns of an answer's custom fields, in its order.
fn read(answer: &Response) -> Result<Vec<Column>> {
    let mut columns = Vec::new();
    let mut known = HashSet::new();
    for record in answer.records("/data")? {
        // What can't be read has no column, like a field that is not named.
        let Ok(field) = serde_json::from_str::<Field<'_>>(record.get()) else {
            continue;
        };
        if columns.len() < MOST && is_custom(&field.name) && known.insert(field.name.to_lowercase()) {
            columns.push(column(&field));
        }
    }
    Ok(columns)
}

/// API names of custom fields start like this; those of others may be columns of the format.
fn is_custom(name: &str) -> bool {
    name.starts_with("cf_") && name.len() <= LONGEST && !name.chars().any(char::is_control)
}

fn column(field: &Field<'_>) -> Column {
    let text = field.label.as_str().unwrap_or_default();
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect();
    let text = match text.trim() {
        "" => label(&field.name),
        text => text.to_owned(),
    };
    // A name may hold what has a meaning in a JSON pointer.
    let pointer = field.name.replace('~', "~0").replace('/', "~1");
    Column::new(field.name.as_ref(), text).from(format!("/cf/{pointer}"))
}
