//! From checked sections to a [`Config`]: the rules between keys, and defaults.
//!
//! Where something is wrong, the problem is reported and an empty value stands in for the missing one: the
//! caller throws the result away if there is any problem.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::archive::settings::{self as archive, Headers};
use crate::connection::settings::{self as connection, Auth, Limits, Secret, SecretSource};

use super::check::{Checked, Value};
use super::problem::Found;
use super::rules;
use super::{Config, Connection, Desk, Log, LogFormat, Plugins};

/// Builds the configuration; relative paths start at `folder`.
pub(super) fn build(mut root: Checked, folder: &Path, found: &mut Found) -> Config {
    let mut config = Config {
        desks: Vec::new(),
        archive: archive::Settings {
            folder: folder.join("backups"),
            ..archive::Settings::default()
        },
        plugins: Plugins::default(),
        log: Log::default(),
    };
    let mut names = HashSet::new();
    for mut section in std::mem::take(&mut root.below) {
        match section.section.path {
            "desk" => {
                let place = section.values.get("name").map_or(section.at, |(place, _)| *place);
                let desk = desk(&mut section, folder, found);
                // Archives are files named after the desk, and not every file system tells case apart.
                let is_new = names.insert(desk.name.to_ascii_lowercase());
                if !is_new && !desk.name.is_empty() {
                    found.add(place, format!("another desk is called \"{}\" too", desk.name));
                }
                config.desks.push(desk);
            }
            "archive" => archive(&mut section, folder, &mut config.archive),
            "plugins" => plugins(&mut section, folder, &mut config.plugins),
            "log" => log(&mut section, &mut config.log),
            _ => {}
        }
    }
    config
}

fn desk(section: &mut Checked, folder: &Path, found: &mut Found) -> Desk {
    let name = section.text("name").unwrap_or_default();
    let mut settings = connection::Settings {
        desk: name.clone(),
        url: String::new(),
        allow_plain_http: false,
        ca_file: None,
        auth: Auth::None,
        limits: Limits::default(),
    };
    if let Some(section) = section.below.first_mut() {
        http(section, folder, &mut settings, found);
    }
    let modules = match section.take("modules") {
        Some(Value::Names(modules)) => modules,
        _ => Vec::new(),
    };
    Desk {
        name,
        modules,
        connection: Connection::Http(settings),
    }
}

fn http(section: &mut Checked, folder: &Path, settings: &mut connection::Settings, found: &mut Found) {
    let url_at = section.values.get("url").map_or(section.at, |(place, _)| *place);
    settings.url = section.text("url").unwrap_or_default();
    set(&mut settings.allow_plain_http, section.bool("allow_plain_http"));
    if rules::leaves_in_plain(&settings.url) && !settings.allow_plain_http {
        found.add(
            url_at,
            "`url` is plain HTTP to another machine: everyone on the way can read the records and the password; \
             use https, or accept it with allow_plain_http = true",
        );
    }
    settings.ca_file = section.path("ca_file", folder);
    settings.auth = auth(section, folder, found);
    let limits = &mut settings.limits;
    set(
        &mut limits.in_flight,
        section.integer("in_flight").map(|number| number as usize),
    );
    set(
        &mut limits.attempts,
        section.integer("attempts").map(|number| number as u32),
    );
    set(&mut limits.connect_timeout, section.time("connect_timeout"));
    set(&mut limits.request_timeout, section.time("request_timeout"));
    set(&mut limits.max_response_bytes, section.size("max_response"));
    set(&mut limits.max_waiting_bytes, section.size("max_waiting"));
    set(
        &mut limits.max_redirects,
        section.integer("max_redirects").map(|number| number as usize),
    );
}

fn auth(section: &mut Checked, folder: &Path, found: &mut Found) -> Auth {
    // A wrong word was reported, and says nothing about what should stand beside it.
    if matches!(section.values.get("auth"), Some((_, None))) {
        return Auth::None;
    }
    match section.text("auth").as_deref() {
        Some("basic") => {
            let user = section.text("user").unwrap_or_default();
            let password = secret(section, ["password", "password_env", "password_file"], folder, found);
            Auth::Basic { user, password }
        }
        Some("bearer") => Auth::Bearer(secret(section, ["token", "token_env", "token_file"], folder, found)),
        Some("header") => {
            let name = section.text("header").unwrap_or_default();
            let value = secret(section, ["value", "value_env", "value_file"], folder, found);
            Auth::Header { name, value }
        }
        _ => Auth::None,
    }
}

/// The one of the three places that is given.
fn secret(section: &mut Checked, keys: [&str; 3], folder: &Path, found: &mut Found) -> SecretSource {
    let [inline, env, file] = keys;
    let mut written: Vec<(usize, &str)> = keys
        .iter()
        .filter_map(|key| section.values.get(key).map(|(place, _)| (*place, *key)))
        .collect();
    written.sort_unstable();
    match written.as_slice() {
        [] => found.add(
            section.at,
            format!("one of `{env}`, `{file}` and `{inline}` is missing in [desk.connection]"),
        ),
        [_] => {}
        [(_, first), more @ ..] => {
            for (place, key) in more {
                found.add(
                    *place,
                    format!("`{key}` and `{first}` exclude each other: keep one of them"),
                );
            }
        }
    }
    if let Some(name) = section.text(env) {
        SecretSource::Env(name)
    } else if let Some(path) = section.path(file, folder) {
        SecretSource::File(path)
    } else {
        SecretSource::Inline(Secret::new(section.text(inline).unwrap_or_default()))
    }
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

    fn path(&mut self, name: &str, folder: &Path) -> Option<PathBuf> {
        match self.take(name)? {
            Value::Path(path) => Some(folder.join(path)),
            _ => None,
        }
    }
}
