//! What each key is set to, so that two configurations can be told apart key by key. Only digests are kept: a difference
//! is told by the key's name, and what stands there may be a secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use toml::de::DeTable;

use super::Config;
use super::check::{self, Checked, Value};
use super::problem::Found;
use super::schema::{Key, Need, Section};

/// Sections by their place, e.g. `limits.` or `desk main: schedule.` (what the name of a key is put behind), each with what
/// stands for the values of its keys.
type Places<T> = BTreeMap<String, BTreeMap<String, T>>;

/// Digests of the values of all keys.
#[derive(Default)]
pub(super) struct Written(Places<[u8; 32]>);

/// What the keys of a configuration are set to, in a form that may be kept: whoever has it not made learns no value from
/// it, not even by trying values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(Places<String>);

/// Names of the keys in which two configurations differ, e.g. `limits.full_every` or `desk main: schedule.at`; of sections
/// that only one of them has, the names of the sections, e.g. `desk main: schedule`. In order, without the values. A key
/// that is set to its default is not set.
pub fn differences(old: &Config, new: &Config) -> Vec<String> {
    differ(&old.written.0, &new.written.0)
}

impl Sealed {
    /// [`differences`] of the configurations from which they were made, with the same key.
    pub fn differences(&self, new: &Self) -> Vec<String> {
        differ(&self.0, &new.0)
    }
}

impl Config {
    /// Seals what the keys are set to. `sign` makes a code of some bytes that nobody can make without a secret.
    pub fn sealed(&self, sign: &dyn Fn(&[u8]) -> [u8; 32]) -> Sealed {
        let seal = |place: &str, key: &str, digest: &[u8; 32]| {
            // With its name: else it could be seen which keys are set to the same.
            let code = sign(&[place.as_bytes(), key.as_bytes(), &[0], digest].concat());
            URL_SAFE_NO_PAD.encode(code)
        };
        let places = self.written.0.iter().map(|(place, keys)| {
            let keys = keys.iter().map(|(key, digest)| (key.clone(), seal(place, key, digest)));
            (place.clone(), keys.collect())
        });
        Sealed(places.collect())
    }
}

fn differ<T: PartialEq>(old: &Places<T>, new: &Places<T>) -> Vec<String> {
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
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            let differs = |key: &&String| old.get(*key) != new.get(*key);
            names.extend(keys.into_iter().filter(differs).map(|key| format!("{place}{key}")));
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
        for (index, below) in checked.below.iter().enumerate() {
            let word = below.section.name();
            let name = if below.section.repeated {
                let is_same = |other: &&Checked| other.section.path == below.section.path;
                let number = checked.below[..=index].iter().filter(is_same).count();
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

fn keys(section: &Section, set: impl Fn(&Key) -> Option<[u8; 32]>) -> BTreeMap<String, [u8; 32]> {
    let set = |key: &Key| Some((key.name.to_owned(), set(key)?));
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
