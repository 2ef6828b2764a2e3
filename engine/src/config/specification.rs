//! The keys as text for people. It reads well in a terminal, and is the Markdown of `config/README.md`.

use std::fmt::Write as _;

use super::keys::ROOT;
use super::schema::{Key, Need, Section, one_of};

/// All sections and keys, with types and defaults.
pub fn specification() -> String {
    let sections: Vec<String> = ROOT.sections.iter().flat_map(Section::all).map(section).collect();
    sections.join("\n")
}

fn section(section: &Section) -> String {
    let need = if section.required { " Required." } else { "" };
    let mut text = format!("### `{}`\n\n{}{need}\n\n", section.header(), section.doc);
    for key in section.keys {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line(key));
    }
    text
}

fn line(key: &Key) -> String {
    let Key {
        name,
        kind,
        need,
        when,
        doc,
    } = key;
    let when = match when.last() {
        // The last condition says enough: the key it names has conditions of its own, and stands before.
        Some((selector, values)) => format!(", for `{selector} = {}`", one_of(values)),
        None => String::new(),
    };
    let need = match need {
        Need::Required(text) => format!("required, e.g. `{text}`"),
        Need::Default(text) => format!("default `{text}`"),
        Need::Optional(text) => format!("optional, e.g. `{text}`"),
    };
    format!("- `{name}`: {}{when}; {need}. {doc}", kind.describe())
}
