//! What each key is set to, so that two configurations can be told apart key by key. Only digests are kept: a difference
//! is told by the key's name, and what stands there may be a secret.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use toml::de::DeTable;

use super::Config;
use super::check::{self, Checked, Value};
use super::problem::Found;
use super::schema::{Key, Need, Section};

/// Digests of the values of a section, by the names of the keys.
type Keys = BTreeMap<&'static str, [u8; 32]>;

/// Sections by their place, e.g. `limits.` or `desk main: schedule.`: what the name of a key is put behind.
#[derive(Default)]
pub(super) struct Written(BTreeMap<String, Keys>);

/// Names of the keys in which two configurations differ, e.g. `limits.full_every` or `desk main: schedule.at`; of sections
/// that only one of them has, the names of the sections, e.g. `desk main: schedule`. In order, without the values. A key
/// that is set to its default is not set.
pub fn differences(old: &Config, new: &Config) -> Vec<String> {
    let (old, new) = (&old.written.0, &new.written.0);
    let mut places: Vec<&String> = old.keys().chain(new.keys()).collect();
    places.sort_unstable();
    places.dedup();
    let mut names = Vec::new();
    let mut whole: Option<&str> = None;
    for place in places {
        if whole.is_some_and(|whole| place.starts_with(whole)) {
            continue;
        }
        if let (Some(old), Some(new)) = (old.get(place), new.get(place)) {
            let mut keys: Vec<&str> = old.keys().chain(new.keys()).copied().collect();
            keys.sort_unstable();
            keys.dedup();
            let differ = |key: &&str| old.get(key) != new.get(key);
            names.extend(keys.into_iter().filter(differ).map(|key| format!("{place}{key}")));
        } else {
            // What is below it goes without saying.
            whole = Some(place);
            names.push(place.trim_end_matches([':', '.', ' ']).to_owned());
        }
    }
    names
}

impl Written {
    /// Of a whole file.
    pub(super) fn of(root: &Checked) -> Self {
        let mut written = Self::default();
        written.take(root, "");
        written
    }

    fn take(&mut self, checked: &Checked, place: &str) {
        let set = |key: &Key| match checked.values.get(key.name) {
            Some((_, value)) => value.as_ref().map(digest),
            None => default(key),
        };
        self.0.insert(place.to_owned(), keys(checked.section, set));
        let mut number = 0;
        for below in &checked.below {
            let word = below.section.name();
            let name = if below.section.repeated {
                number += 1;
                match below.values.get("name") {
                    Some((_, Some(Value::Text(name)))) => format!("{place}{word} {name}: "),
                    _ => format!("{place}{word} {number}: "),
                }
            } else {
                format!("{place}{word}.")
            };
            self.take(below, &name);
        }
        for section in checked.section.sections {
            let is_there = checked.below.iter().any(|below| below.section.path == section.path);
            let may_be_left_out = !section.keys.iter().any(|key| matches!(key.need, Need::Required(_)));
            if !is_there && may_be_left_out {
                self.leave_out(section, place);
            }
        }
    }

    /// A section that is not there, and says the same as one without keys.
    fn leave_out(&mut self, section: &'static Section, place: &str) {
        let place = format!("{place}{}.", section.name());
        for below in section.sections {
            self.leave_out(below, &place);
        }
        self.0.insert(place, keys(section, default));
    }
}

fn keys(section: &'static Section, set: impl Fn(&Key) -> Option<[u8; 32]>) -> Keys {
    let set = |key: &'static Key| Some((key.name, set(key)?));
    section.keys.iter().filter_map(set).collect()
}

fn default(key: &Key) -> Option<[u8; 32]> {
    let Need::Default(text) = key.need else { return None };
    let line = format!("value = {text}");
    let table = DeTable::parse(&line).ok()?;
    let value = table.get_ref().get("value")?;
    let value = check::read(key.kind, value.get_ref(), 0, &mut Found::default()).ok()?;
    Some(digest(&value))
}

fn digest(value: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    match value {
        Value::Bool(value) => part(&[u8::from(*value)]),
        Value::Integer(number) | Value::Size(number) => part(&number.to_be_bytes()),
        Value::Text(text) => part(text.as_bytes()),
        Value::Time(time) => part(&time.as_nanos().to_be_bytes()),
        Value::Date(date) => part(date.to_string().as_bytes()),
        Value::Path(path) => part(path.as_os_str().as_encoded_bytes()),
        Value::Paths(paths) => paths.iter().for_each(|path| part(path.as_os_str().as_encoded_bytes())),
        Value::List(texts) => texts.iter().for_each(|(_, text)| part(text.as_bytes())),
    }
    hash.finalize().into()
}
