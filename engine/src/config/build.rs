//! From checked sections to a [`Config`]: the rules between keys, and defaults.
//!
//! Where something is wrong, the problem is reported and an empty value stands in for the missing one: the
//! caller throws the result away if there is any problem.

mod connection;
mod notify;
mod people;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use plugin_api::Kind;

use crate::archive::settings::{self as archive, Headers};
use crate::connection::settings::{self as reached, Auth, Secret, SecretSource};
use crate::quota::Limits;
use crate::schedule::{self, Declared};

use super::check::{Checked, Value};
use super::problem::Found;
use super::rules;
use super::written::Written;
use super::{Backup, Config, Daemon, Desk, Log, LogFormat, Plugins, Sandbox};

/// Builds the configuration; relative paths start at `folder`.
pub(super) fn build(mut root: Checked, folder: &Path, found: &mut Found) -> Config {
    let mut config = Config {
        written: Written::of(&root),
        desks: Vec::new(),
        archive: archive::Settings {
            folder: folder.join("backups"),
            ..archive::Settings::default()
        },
        plugins: Plugins::default(),
        log: Log::default(),
        people: Vec::new(),
        limits: Limits::default(),
        expire_after: Duration::from_hours(7 * 24),
        link_url: None,
        notify: crate::notify::Settings::default(),
        daemon: Daemon::default(),
        backup: Backup::default(),
    };
    let known = people::read(&mut root, found);
    let mut names = HashSet::new();
    for mut section in std::mem::take(&mut root.below) {
        match section.section.path {
            "desk" => {
                let place = section.place("name");
                let desk = desk(&mut section, &known, folder, found);
                // Archives are files named after the desk, and not every file system tells case apart.
                let is_new = names.insert(desk.name.to_ascii_lowercase());
                if !is_new && !desk.name.is_empty() {
                    found.add(place, format!("another desk is called \"{}\" too", desk.name));
                }
                config.desks.push(desk);
            }
            "limits" => limits(&mut section, &mut config.limits),
            "archive" => {
                config.link_url = section.text("link_url");
                set(&mut config.expire_after, section.time("expire_after"));
                archive(&mut section, folder, &mut config.archive);
            }
            "plugins" => plugins(&mut section, folder, &mut config.plugins),
            "webhook" => notify::webhook(&mut section, folder, &mut config.notify.webhooks, found),
            "mail" => config.notify.mail = Some(notify::mail(&mut section, folder, found)),
            "daemon" => daemon(&mut section, &mut config.daemon),
            "backup" => {
                let backup = &mut config.backup;
                set(&mut backup.often.rows, section.integer("checkpoint_rows"));
                set(&mut backup.often.every, section.time("checkpoint_every"));
                set(&mut backup.keep_suspended, section.time("keep_suspended"));
            }
            "log" => log(&mut section, &mut config.log),
            _ => {}
        }
    }
    config.people = known.people;
    config
}

/// What is kept of a day's credits, unless it is said.
const RESERVE: reached::Reserve = reached::Reserve::Percent(20);

fn desk(section: &mut Checked, known: &people::Known, folder: &Path, found: &mut Found) -> Desk {
    let name = section.text("name").unwrap_or_default();
    let mut desk = Desk {
        connection: reached::Settings {
            desk: name.clone(),
            url: String::new(),
            allow_plain_http: false,
            ca_file: None,
            auth: Auth::None,
            limits: reached::Limits::default(),
            pacing: reached::Pacing::default(),
            search_lag: Duration::ZERO,
            names: reached::Names::default(),
        },
        name,
        modules: section.texts("modules"),
        primary_contact: None,
        viewers: Vec::new(),
        support_contact: section.text("support_contact"),
        schedule: None,
    };
    // As it is written; what cannot be read was reported.
    let reserve = section.text("credits_reserve");
    let reserve = reserve.as_deref().and_then(rules::read_reserve);
    desk.connection.pacing.reserve = reserve.unwrap_or(RESERVE);
    people::roles(section, known, &mut desk, found);
    for below in &mut section.below {
        match below.section.path {
            "desk.connection" => connection::reach(below, folder, &mut desk.connection, found),
            "desk.schedule" => desk.schedule = declared(below, found),
            _ => {}
        }
    }
    desk
}

/// A schedule, where all of it is right.
fn declared(section: &mut Checked, found: &mut Found) -> Option<Declared> {
    let (every, on) = (section.text("every"), section.text("on"));
    let every = schedule::read_every(&every?, &on?)
        .map_err(|wish| found.add(section.place("on"), format!("`on` must {wish}")))
        .ok();
    let at = section.text("at").and_then(|text| schedule::read_at(&text).ok());
    let zone = if section.values.contains_key("zone") {
        section.text("zone").and_then(|text| schedule::read_zone(&text).ok())
    } else {
        Some(chrono_tz::UTC)
    };
    let declared = Declared {
        every: every?,
        at: at?,
        zone: zone?,
        from: section.date("from"),
        until: section.date("until")?,
        make_up: section.bool("make_up").unwrap_or(true),
    };
    declared
        .check()
        .map_err(|wish| found.add(section.place("until"), format!("`until` must {wish}")))
        .ok()?;
    Some(declared)
}

fn limits(section: &mut Checked, limits: &mut Limits) {
    set(&mut limits.full_every, section.time("full_every"));
    set(&mut limits.custom_range, section.time("custom_range"));
    set(&mut limits.records, section.integer("records"));
    let Some(editions) = section.below.first_mut() else {
        return;
    };
    for key in editions.section.keys {
        if editions.values.contains_key(key.name) {
            let kinds = editions.texts(key.name).into_iter().map(|word| match word.as_str() {
                "full" => Kind::Full,
                "custom" => Kind::Custom,
                _ => Kind::Incremental,
            });
            limits.editions.0.insert(key.name.to_owned(), kinds.collect());
        }
    }
}

/// A URL to which something is sent, which must not show to the network what it should not.
fn url(section: &mut Checked, key: &str, allow_plain_http: bool, what: &str, found: &mut Found) -> Option<String> {
    let place = section.place(key);
    let url = section.text(key)?;
    if rules::leaves_in_plain(&url) && !allow_plain_http {
        found.add(
            place,
            format!(
                "`{key}` is plain HTTP to another machine: everyone on the way can read {what}; use https, or accept it \
                 with allow_plain_http = true"
            ),
        );
    }
    Some(url)
}

/// The one of the three places of a secret that is named.
fn secret(section: &mut Checked, keys: [&str; 3], folder: &Path, found: &mut Found) -> SecretSource {
    secret_if_any(section, keys, folder, found).unwrap_or_else(|| {
        let [inline, env, file] = keys;
        let header = section.section.header();
        let message = format!("one of `{env}`, `{file}` and `{inline}` is missing in {header}");
        found.add(section.at, message);
        SecretSource::Inline(Secret::new(""))
    })
}

/// The one of the three places of a secret that is named, where one is.
fn secret_if_any(section: &mut Checked, keys: [&str; 3], folder: &Path, found: &mut Found) -> Option<SecretSource> {
    let [inline, env, file] = keys;
    let mut written: Vec<(usize, &str)> = keys
        .iter()
        .filter_map(|key| section.values.get(key).map(|(place, _)| (*place, *key)))
        .collect();
    written.sort_unstable();
    let ((_, first), more) = written.split_first()?;
    for (place, key) in more {
        found.add(
            *place,
            format!("`{key}` and `{first}` exclude each other: keep one of them"),
        );
    }
    Some(if let Some(name) = section.text(env) {
        SecretSource::Env(name)
    } else if let Some(path) = section.path(file, folder) {
        SecretSource::File(path)
    } else {
        SecretSource::Inline(Secret::new(section.text(inline).unwrap_or_default()))
    })
}

fn archive(section: &mut Checked, folder: &Path, settings: &mut archive::Settings) {
    set(&mut settings.folder, section.path("folder", folder));
    let headers = section.text("headers").map(|word| match word.as_str() {
        "labels" => Headers::Labels,
        "names" => Headers::Names,
        _ => Headers::Both,
    });
    set(&mut settings.headers, headers);
    set(&mut settings.byte_order_mark, section.bool("byte_order_mark"));
    set(&mut settings.rows_per_part, section.integer("rows_per_part"));
    set(
        &mut settings.packers,
        section.integer("packers").map(|number| number as usize),
    );
}

fn plugins(section: &mut Checked, folder: &Path, plugins: &mut Plugins) {
    if let Some(Value::Paths(paths)) = section.take("folders") {
        plugins.folders = paths.iter().map(|path| folder.join(path)).collect();
    }
    set(&mut plugins.stall_timeout, section.time("stall_timeout"));
    set(&mut plugins.describe_timeout, section.time("describe_timeout"));
    plugins.require_trust = section.bool("require_trust");
}

fn daemon(section: &mut Checked, daemon: &mut Daemon) {
    set(&mut daemon.grace, section.time("grace"));
    set(&mut daemon.memory, section.size("memory"));
    set(&mut daemon.open_files, section.integer("open_files"));
    if let Some(time) = section.time("longest_backup") {
        daemon.longest_backup = (!time.is_zero()).then_some(time);
    }
    let sandbox = section.text("sandbox").map(|word| match word.as_str() {
        "require" => Sandbox::Require,
        "off" => Sandbox::Off,
        _ => Sandbox::Try,
    });
    set(&mut daemon.sandbox, sandbox);
}

fn log(section: &mut Checked, log: &mut Log) {
    set(&mut log.level, section.text("level").and_then(|word| word.parse().ok()));
    set(
        &mut log.format,
        section.text("format").map(|word| {
            if word == "json" {
                LogFormat::Json
            } else {
                LogFormat::Text
            }
        }),
    );
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

impl Checked {
    /// Where a key stands, or else the section that it is missing in.
    fn place(&self, name: &str) -> usize {
        self.values.get(name).map_or(self.at, |(place, _)| *place)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.values.get_mut(name).and_then(|(_, value)| value.take())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn bool(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    fn integer(&mut self, name: &str) -> Option<u64> {
        match self.take(name)? {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    fn time(&mut self, name: &str) -> Option<Duration> {
        match self.take(name)? {
            Value::Time(time) => Some(time),
            _ => None,
        }
    }

    fn size(&mut self, name: &str) -> Option<u64> {
        match self.take(name)? {
            Value::Size(size) => Some(size),
            _ => None,
        }
    }

    fn date(&mut self, name: &str) -> Option<NaiveDate> {
        match self.take(name)? {
            Value::Date(date) => Some(date),
            _ => None,
        }
    }

    /// A list with the places of its items; an empty one where there is none.
    fn items(&mut self, name: &str) -> Vec<(usize, String)> {
        match self.take(name) {
            Some(Value::List(items)) => items,
            _ => Vec::new(),
        }
    }

    /// A list; an empty one where there is none.
    fn texts(&mut self, name: &str) -> Vec<String> {
        self.items(name).into_iter().map(|(_, text)| text).collect()
    }

    fn path(&mut self, name: &str, folder: &Path) -> Option<PathBuf> {
        match self.take(name)? {
            Value::Path(path) => Some(folder.join(path)),
            _ => None,
        }
    }
}
