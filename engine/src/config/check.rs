//! Holds a parsed file against the description of the keys: every name, type and range.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::keys::ROOT;
use super::problem::Found;
use super::rules;
use super::schema::{self, Key, Kind, Need, Section, When};
use super::text::{did_you_mean, excerpt, nearest};
use super::units;
use crate::schedule;

/// A value that is what its key wants. No `Debug`: it may be a secret.
pub(super) enum Value {
    Bool(bool),
    Integer(u64),
    Text(String),
    Time(Duration),
    Size(u64),
    Path(PathBuf),
    Paths(Vec<PathBuf>),
    /// Texts of a list, each with its place.
    List(Vec<(usize, String)>),
    Date(NaiveDate),
}

/// A section whose keys are all known; wrong values are reported and left out.
pub(super) struct Checked {
    pub(super) section: &'static Section,
    /// Where it starts.
    pub(super) at: usize,
    /// Keys that are there with their places; without a value where it was wrong.
    pub(super) values: BTreeMap<&'static str, (usize, Option<Value>)>,
    pub(super) below: Vec<Checked>,
}

/// Checks a section and those below it.
pub(super) fn check(section: &'static Section, at: usize, table: &DeTable<'_>, found: &mut Found) -> Checked {
    let mut checked = Checked {
        section,
        at,
        values: BTreeMap::new(),
        below: Vec::new(),
    };
    for (name, value) in table {
        let place = name.span().start;
        let name: &str = name.get_ref();
        if let Some(key) = section.key(name) {
            let start = value.span().start;
            let typed = read(key.kind, value.get_ref(), start, found);
            let typed = typed
                .map_err(|wish| found.add(start, format!("`{name}` must {wish}")))
                .ok();
            checked.values.insert(key.name, (place, typed));
        } else if let Some(inner) = section.sections.iter().find(|inner| inner.name() == name) {
            check_inner(inner, value, found, &mut checked.below);
        } else {
            found.add(place, unknown(section, name, value.get_ref().is_table()));
        }
    }
    for inner in section.sections {
        let written = table.contains_key(inner.name());
        if inner.required && !written {
            found.add(at, format!("{} is missing in {}", inner.header(), section.header()));
        }
    }
    check_needs(&checked, found);
    checked
}

/// Checks a section that may be there several times.
fn check_inner(section: &'static Section, value: &Spanned<DeValue<'_>>, found: &mut Found, below: &mut Vec<Checked>) {
    let at = value.span().start;
    match value.get_ref() {
        DeValue::Table(table) if !section.repeated => below.push(check(section, at, table, found)),
        DeValue::Array(array) if section.repeated && array.iter().all(|item| item.get_ref().is_table()) => {
            if array.is_empty() && section.required {
                found.add(at, format!("{} is missing in the file", section.header()));
            }
            for item in array {
                if let DeValue::Table(table) = item.get_ref() {
                    below.push(check(section, item.span().start, table, found));
                }
            }
        }
        _ => {
            let brackets = if section.repeated { "double" } else { "single" };
            let message = format!(
                "`{}` is a section: write {}, with {brackets} brackets",
                section.path,
                section.header()
            );
            found.add(at, message);
        }
    }
}

/// Reports keys that are missing, and keys that make no sense beside the others.
fn check_needs(checked: &Checked, found: &mut Found) {
    let header = checked.section.header();
    for key in checked.section.keys {
        let written = checked.values.get(key.name);
        match unmet(checked, key.when) {
            None => {}
            // What it depends on is wrong or missing itself, and was reported.
            Some((_, _, None)) => continue,
            Some((selector, wanted, Some(actual))) => {
                if let Some((place, _)) = written {
                    let message = format!(
                        "`{}` is for {selector} = {}, and {selector} is \"{actual}\" here",
                        key.name,
                        schema::one_of(wanted)
                    );
                    found.add(*place, message);
                }
                continue;
            }
        }
        if let (Need::Required(example), None) = (key.need, written) {
            let message = format!(
                "`{}` is missing in {header}; for example: {} = {example}",
                key.name, key.name
            );
            found.add(checked.at, message);
        }
    }
}

/// A key with the values that are wanted of it, and the one that it has, where it has one.
type Unmet = (&'static str, &'static [&'static str], Option<String>);

/// The first condition that does not hold.
fn unmet(checked: &Checked, when: When) -> Option<Unmet> {
    when.iter().find_map(|(selector, wanted)| {
        let actual = checked.word(selector);
        let holds = actual.as_deref().is_some_and(|actual| wanted.contains(&actual));
        (!holds).then_some((*selector, *wanted, actual))
    })
}

fn unknown(section: &Section, name: &str, is_table: bool) -> String {
    let shown = excerpt(name);
    let inside = section.header();
    let sections = section.sections.iter().map(Section::name);
    // Hand-written files mostly go wrong in the header, so a section says so in its own form.
    if is_table {
        let full = if section.path.is_empty() {
            shown
        } else {
            format!("{}.{shown}", section.path)
        };
        let near = nearest(name, sections).and_then(|near| section.sections.iter().find(|inner| inner.name() == near));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {}?", near.header()));
        return format!("unknown section [{full}]{hint}");
    }
    let hint = did_you_mean(name, section.keys.iter().map(|key| key.name), ("`", "`"));
    if !hint.is_empty() {
        return format!("unknown key `{shown}` in {inside}{hint}");
    }
    let homes: Vec<String> = ROOT
        .all()
        .into_iter()
        .filter(|other| other.key(name).is_some())
        .map(Section::header)
        .collect();
    if homes.is_empty() {
        return format!("unknown key `{shown}` in {inside}");
    }
    format!(
        "unknown key `{shown}` in {inside}; it belongs into {}",
        super::text::or_list(&homes)
    )
}

/// The value as its key wants it, or what it must be.
pub(super) fn read(kind: Kind, value: &DeValue<'_>, at: usize, found: &mut Found) -> Result<Value, String> {
    match (kind, value) {
        (Kind::Bool, DeValue::Boolean(value)) => Ok(Value::Bool(*value)),
        (Kind::Integer { min, max }, DeValue::Integer(value)) => integer(value)
            .filter(|number| (min..=max).contains(number))
            .map(Value::Integer)
            .ok_or_else(|| format!("be from {min} to {max}, not {}", excerpt(&value.to_string()))),
        (Kind::Text(check) | Kind::Private(check), DeValue::String(text)) => {
            check(text).map(|()| Value::Text(text.to_string()))
        }
        (Kind::OneOf(words), DeValue::String(text)) => word(words, text).map(|()| Value::Text(text.to_string())),
        (Kind::Time { min, max }, DeValue::String(text)) => {
            let wrong = || format!("be a time such as \"30s\", \"2m\" or \"1h\", not \"{}\"", excerpt(text));
            let time = units::read_time(text).ok_or_else(wrong)?;
            let (low, high) = (units::show_time(min), units::show_time(max));
            let outside = || format!("be from \"{low}\" to \"{high}\", not \"{}\"", excerpt(text));
            Some(time)
                .filter(|time| (min..=max).contains(time))
                .map(Value::Time)
                .ok_or_else(outside)
        }
        (Kind::Size { min, max }, DeValue::String(text)) => {
            let wrong = || {
                format!(
                    "be a size such as \"512 KiB\", \"64 MiB\" or \"1 GiB\", not \"{}\"",
                    excerpt(text)
                )
            };
            let size = units::read_size(text).ok_or_else(wrong)?;
            let (low, high) = (units::show_size(min), units::show_size(max));
            let outside = || format!("be from \"{low}\" to \"{high}\", not \"{}\"", excerpt(text));
            Some(size)
                .filter(|size| (min..=max).contains(size))
                .map(Value::Size)
                .ok_or_else(outside)
        }
        (Kind::Path, DeValue::String(text)) => rules::path(text).map(|()| Value::Path(text.as_ref().into())),
        (Kind::Paths, DeValue::Array(_)) => {
            let paths = list(value, &rules::path, at, found)?;
            Ok(Value::Paths(paths.into_iter().map(|(_, path)| path.into()).collect()))
        }
        (Kind::Names(check), DeValue::Array(_)) => list(value, &check, at, found).map(Value::List),
        (Kind::Emails, DeValue::Array(_)) => list(value, &rules::email, at, found).map(Value::List),
        (Kind::Words { may_be_empty: true, .. }, DeValue::Array(items)) if items.is_empty() => {
            Ok(Value::List(Vec::new()))
        }
        (Kind::Words { words, .. }, DeValue::Array(_)) => {
            list(value, &|text| word(words, text), at, found).map(Value::List)
        }
        (Kind::Date, DeValue::String(text)) => schedule::read_date(text).map(Value::Date),
        // TOML's own dates, without quotes.
        (Kind::Date, DeValue::Datetime(date)) => schedule::read_date(&date.to_string()).map(Value::Date),
        (Kind::OneOf(words), other) => Err(format!("be {}, not {}", schema::one_of(words), type_of(other))),
        (wanted, other) => Err(format!("be {}, not {}", in_words(wanted), type_of(other))),
    }
}

/// Whether a text is one of these words.
fn word(words: &[&str], text: &str) -> Result<(), String> {
    if words.contains(&text) {
        return Ok(());
    }
    let hint = did_you_mean(text, words.iter().copied(), ("\"", "\""));
    Err(format!("be {}, not \"{}\"{hint}", schema::one_of(words), excerpt(text)))
}

/// Different texts, at least one. Problems of the items are reported at the items; then the list is what is
/// left.
fn list(
    value: &DeValue<'_>,
    check: &dyn Fn(&str) -> Result<(), String>,
    at: usize,
    found: &mut Found,
) -> Result<Vec<(usize, String)>, String> {
    let items = value.as_array().into_iter().flatten();
    let mut seen = HashSet::new();
    let mut texts = Vec::new();
    let mut empty = true;
    for item in items {
        empty = false;
        let place = item.span().start.max(at);
        let Some(text) = item.get_ref().as_str() else {
            found.add(
                place,
                format!(
                    "items of this list must be text in quotes, not {}",
                    type_of(item.get_ref())
                ),
            );
            continue;
        };
        if let Err(wish) = check(text) {
            found.add(place, format!("items of this list must {wish}"));
        } else if !seen.insert(text) {
            found.add(place, format!("\"{}\" stands twice in this list", excerpt(text)));
        } else {
            texts.push((place, text.to_owned()));
        }
    }
    if empty {
        Err("have at least one item".into())
    } else {
        Ok(texts)
    }
}

/// Bounded by 64 bits; `None` for anything else.
fn integer(value: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(value.as_str(), value.radix()).ok()
}

fn in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "true or false, without quotes",
        Kind::Integer { .. } => "a whole number, without quotes",
        Kind::Time { .. } => "a time in quotes, such as \"30s\"",
        Kind::Size { .. } => "a size in quotes, such as \"64 MiB\"",
        Kind::Path => "a path in quotes",
        Kind::Paths => "a list of paths, such as [\"plugins\"]",
        Kind::Names(_) => "a list of names, such as [\"tickets\"]",
        Kind::Emails => "a list of e-mail addresses, such as [\"ann@example.com\"]",
        Kind::Words { .. } => "a list of words in quotes",
        Kind::Date => "a date, such as \"2027-03-31\"",
        Kind::Text(_) | Kind::Private(_) | Kind::OneOf(_) => "text in quotes",
    }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

impl Checked {
    /// The word that a key is set to, or else its default; none if its value was wrong.
    fn word(&self, name: &str) -> Option<String> {
        match self.values.get(name) {
            Some((_, value)) => match value {
                Some(Value::Text(text)) => Some(text.clone()),
                _ => None,
            },
            None => match self.section.key(name)? {
                Key {
                    need: Need::Default(text),
                    ..
                } => Some(text.trim_matches('"').to_owned()),
                _ => None,
            },
        }
    }
}
