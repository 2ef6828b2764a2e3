//! The configuration: TOML text in, a typed [`Config`] or *all* that is wrong with it out.
//!
//! Pure but for [`load`], which finds and reads the file. The keys are described once, in `keys.rs`; from that table come
//! validation, the specification ([`specification`], `config/README.md`) and the tests of the example files. Start at
//! [`Config::parse`]. What the environment and other files hold (secrets, certificates) is not looked at here.
//!
//! Architecture invariants: a secret never reaches a [`Problem`], and neither [`Config`] nor what it holds of connections has
//! `Debug` or `Serialize`.

mod build;
mod check;
mod excerpt;
mod find;
mod keys;
mod problem;
mod rules;
mod schema;
mod specification;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod units;
mod written;

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

pub(crate) use excerpt::excerpt;
pub use find::{LoadError, Loaded, PLACES, VARIABLE, load};
pub use problem::{Problem, Problems};
pub use specification::specification;
pub use written::{Sealed, differences};

use crate::backup::Often;
use crate::people::Person;
use crate::quota::Limits;
use crate::schedule::Declared;
use crate::{archive, connection, notify};

/// What one configuration file says. Paths are absolute or start at the working folder of the process.
pub struct Config {
    /// At least one; names are unique.
    pub desks: Vec<Desk>,
    /// How archives are written.
    pub archive: archive::settings::Settings,
    /// Where exporters are, and how long they may take.
    pub plugins: Plugins,
    /// What is told on standard error.
    pub log: Log,
    /// People, each with another name. A desk says which role they have.
    pub people: Vec<Person>,
    /// Which backups are allowed.
    pub limits: Limits,
    /// How long an archive is kept.
    pub expire_after: Duration,
    /// The URL below which the links to archives lie; none: links are told without one.
    pub link_url: Option<String>,
    /// Who is notified, and how.
    pub notify: notify::Settings,
    /// How the daemon behaves.
    pub daemon: Daemon,
    /// How backups keep what they have.
    pub backup: Backup,
    /// What each key is set to, for [`differences`].
    written: written::Written,
}

/// How the daemon behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// How long running backups get to end when the daemon is stopped.
    pub grace: Duration,
    /// Bytes of data that the process of one backup may have.
    pub memory: u64,
    /// Files and connections that it may have open.
    pub open_files: u64,
    /// How long it may run; none: as long as it likes.
    pub longest_backup: Option<Duration>,
    /// Whether it is shut in.
    pub sandbox: Sandbox,
}

/// Whether the process of a backup is shut in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// No backup is run without.
    Require,
    /// Where the kernel can.
    Try,
    /// Never.
    Off,
}

impl Default for Daemon {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(30),
            memory: 2 << 30,
            open_files: 4096,
            longest_backup: Some(Duration::from_hours(31 * 24)),
            sandbox: Sandbox::Try,
        }
    }
}

/// How backups keep what they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// How much work a fault may cost.
    pub often: Often,
    /// How long after its last checkpoint a suspended backup is finished as it is.
    pub keep_suspended: Duration,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            often: Often::default(),
            keep_suspended: Duration::from_hours(7 * 24),
        }
    }
}

/// A desk that is backed up.
pub struct Desk {
    /// Its name: ASCII letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The modules to back up, in the order of the file; none twice.
    pub modules: Vec<String>,
    /// How it is reached.
    pub connection: connection::settings::Settings,
    /// The only person who may start and stop, schedule, download and delete. There is one wherever there are people.
    pub primary_contact: Option<String>,
    /// People who see the list and the history; none twice, and not the primary contact.
    pub viewers: Vec<String>,
    /// The e-mail address that is told when a backup comes to the limit of records.
    pub support_contact: Option<String>,
    /// The schedule that the configuration declares.
    pub schedule: Option<Declared>,
}

/// Where exporters are, and how long they may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugins {
    /// Folders to look in. Empty: the folder of the executable.
    pub folders: Vec<PathBuf>,
    /// How long an exporter may go without calling the engine while none of its requests is in flight.
    pub stall_timeout: Duration,
    /// How long it may take to describe itself.
    pub describe_timeout: Duration,
    /// Whether each must have been trusted; none: those outside the installation.
    pub require_trust: Option<bool>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            stall_timeout: Duration::from_mins(2),
            describe_timeout: Duration::from_secs(10),
            require_trust: None,
        }
    }
}

/// What is told on standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The most detailed messages.
    pub level: tracing::Level,
    /// Their form.
    pub format: LogFormat,
}

/// The form of log messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: tracing::Level::INFO,
            format: LogFormat::Text,
        }
    }
}

pub(crate) use units::{show_size, show_time};

/// Reads a span of time as a configuration has it: a whole number and `ms`, `s`, `m`, `h` or `d`.
pub(crate) fn time(text: &str) -> Option<Duration> {
    units::read_time(text)
}

impl Config {
    /// The desk of this name.
    pub fn desk(&self, name: &str) -> Option<&Desk> {
        self.desks.iter().find(|desk| desk.name == name)
    }

    /// Reads and checks the bytes of a file, which messages call `file`. Relative paths start at `folder`.
    ///
    /// If it is not TOML, the errors are those of the syntax alone: what else such a text means is guesswork.
    pub fn parse(file: &str, bytes: &[u8], folder: &Path) -> Result<Self, Problems> {
        let file = text::printable(file);
        let mut found = problem::Found::default();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(error) => {
                let sound = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                found.add(sound.len(), "this is not UTF-8 text: save the file in UTF-8");
                return Err(found.locate(file, &sound));
            }
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            // Only the message: the error's `Display` quotes the line, which may hold a secret.
            let span = error.span().unwrap_or(text.len()..text.len());
            let key = match error.message() {
                "duplicate key" => text.get(span.clone()).unwrap_or_default(),
                _ => "",
            };
            let key = if key.is_empty() {
                String::new()
            } else {
                format!(" `{}`", text::excerpt(key))
            };
            found.add(span.start, format!("not TOML: {}{key}", error.message()));
        }
        if !found.is_empty() {
            return Err(found.locate(file, text));
        }
        let checked = check::check(&keys::ROOT, 0, table.get_ref(), &mut found);
        let config = build::build(checked, folder, &mut found);
        if found.is_empty() {
            Ok(config)
        } else {
            Err(found.locate(file, text))
        }
    }
}
