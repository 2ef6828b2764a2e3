//! What a description of the configuration is made of. The description itself is in [`super::keys`].

use std::time::Duration;

/// A section of the file: `[archive]`, `[[desk]]`, or, with an empty path, the file itself.
pub(super) struct Section {
    /// Its name in headers, e.g. `desk.connection`.
    pub(super) path: &'static str,
    /// Whether it may stand several times, in double brackets.
    pub(super) repeated: bool,
    /// Whether it has to be there.
    pub(super) required: bool,
    /// What it is for.
    pub(super) doc: &'static str,
    pub(super) keys: &'static [Key],
    pub(super) sections: &'static [Section],
}

/// A key of a section.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) need: Need,
    /// Keys of the same section, and the values of each with which alone this key makes sense. A key comes behind those
    /// that it depends on itself.
    pub(super) when: When,
    /// One or two sentences.
    pub(super) doc: &'static str,
}

/// Conditions, all of which have to hold.
pub(super) type When = &'static [(&'static str, &'static [&'static str])];

/// Whether a key has to be there. Values are written as in the file.
#[derive(Clone, Copy)]
pub(super) enum Need {
    /// It has to be there (where its `when` holds); with an example for the message.
    Required(&'static str),
    /// Absent, it counts as this.
    Default(&'static str),
    /// It may be absent, and then nothing is set. With an example.
    Optional(&'static str),
}

impl Need {
    /// An example or the default: in any case a value that is allowed.
    #[cfg(test)]
    pub(super) fn sample(self) -> &'static str {
        match self {
            Self::Required(text) | Self::Default(text) | Self::Optional(text) => text,
        }
    }
}

/// What a value may be.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer { min: u64, max: u64 },
    /// Text that `check` lets pass; otherwise it says what the text has to be.
    Text(Check),
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A span of time as text, e.g. `"30s"`.
    Time { min: Duration, max: Duration },
    /// A number of bytes as text, e.g. `"64 MiB"`.
    Size { min: u64, max: u64 },
    /// A file or folder.
    Path,
    /// Files or folders.
    Paths,
    /// A list of different names, at least one.
    Names(Check),
    /// A list of different e-mail addresses, at least one.
    Emails,
    /// A list of different words out of these. An empty one is only allowed where it means something.
    Words {
        words: &'static [&'static str],
        may_be_empty: bool,
    },
    /// A day, e.g. `"2027-03-31"`.
    Date,
    /// Text that no message shows: a secret, or what a secret may be typed into by mistake.
    Private(Check),
}

/// Says what a text has to be, if it is not.
pub(super) type Check = fn(&str) -> Result<(), String>;

impl Kind {
    /// What it is called in messages and in the specification.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Integer { min, max } => format!("whole number from {min} to {max}"),
            Self::Text(_) | Self::Private(_) => "text".into(),
            Self::OneOf(words) => one_of(words),
            Self::Time { min, max } => {
                format!(
                    "time from \"{}\" to \"{}\"",
                    super::units::show_time(min),
                    super::units::show_time(max)
                )
            }
            Self::Size { min, max } => {
                format!(
                    "size from \"{}\" to \"{}\"",
                    super::units::show_size(min),
                    super::units::show_size(max)
                )
            }
            Self::Path => "path".into(),
            Self::Paths => "list of paths".into(),
            Self::Names(_) => "list of names".into(),
            Self::Emails => "list of e-mail addresses".into(),
            Self::Words { words, .. } => format!("list of {}", one_of(words)),
            Self::Date => "date".into(),
        }
    }
}

/// `"a", "b" or "c"`.
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    super::text::or_list(&quoted)
}

impl Section {
    /// Its header as it is written in the file.
    pub(super) fn header(&self) -> String {
        match (self.path.is_empty(), self.repeated) {
            (true, _) => "the file".into(),
            (_, true) => format!("[[{}]]", self.path),
            (_, false) => format!("[{}]", self.path),
        }
    }

    /// The last word of its path, by which the section around it knows it.
    pub(super) fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Itself and all sections below it, in the order of the specification.
    pub(super) fn all(&'static self) -> Vec<&'static Section> {
        let below = self.sections.iter().flat_map(Section::all);
        std::iter::once(self).chain(below).collect()
    }
}
