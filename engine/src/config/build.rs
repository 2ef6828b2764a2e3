//! From checked sections to a [`Config`]: the rules between keys, and defaults.
//!
//! Where something is wrong, the problem is reported and an empty value stands in for the missing one: the
//! caller throws the result away if there is any problem.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::archive::settings::{self as archive, Headers};
use crate::connection::sample::{self, Edition};
use crate::connection::settings::{self as connection, Auth, Limits, Sample, Secret, SecretSource, Terms, Zoho};
use crate::connection::zoho::centre;

use super::check::{Checked, Value};
use super::problem::Found;
use super::rules;
use super::{Config, Desk, Log, LogFormat, Plugins};

/// How far a Zoho Desk's search is behind. No figure is documented: "seconds to minutes" is what its users see.
const SEARCH_LAG: Duration = Duration::from_mins(5);

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
        people: Vec::new(),
        limits: crate::quota::Limits::default(),
        expire_after: Duration::from_hours(7 * 24),
        link_url: None,
        notify: crate::notify::Settings::default(),
        daemon: super::Daemon::default(),
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
        reach(section, folder, &mut settings, found);
    }
    let modules = match section.take("modules") {
        Some(Value::Names(modules)) => modules,
        _ => Vec::new(),
    };
    Desk {
        name,
        modules,
        connection: settings,
        primary_contact: None,
        viewers: Vec::new(),
        support_contact: None,
        schedule: None,
    }
}

/// How the desk is reached.
fn reach(section: &mut Checked, folder: &Path, settings: &mut connection::Settings, found: &mut Found) {
    let in_flight = section.integer("in_flight").map(|number| number as usize);
    set(&mut settings.allow_plain_http, section.bool("allow_plain_http"));
    settings.ca_file = section.path("ca_file", folder);
    let search_lag = section.time("search_lag");
    let terms = |default| Terms {
        in_flight,
        search_lag: search_lag.unwrap_or(default),
    };
    match section.text("kind").as_deref() {
        Some("zoho") => zoho(section, folder, terms(SEARCH_LAG), settings, found),
        Some("sample") => {
            settings.auth = Auth::Sample(Sample {
                desk: sample_desk(section),
                terms: terms(Duration::ZERO),
            });
        }
        kind => {
            settings.url = url(section, "url", settings.allow_plain_http, found).unwrap_or_default();
            // A wrong kind was reported, and says nothing about what should stand beside it.
            if kind.is_some() {
                settings.auth = auth(section, folder, found);
            }
        }
    }
    let limits = &mut settings.limits;
    set(&mut limits.in_flight, in_flight);
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

/// A URL, which must not show to the network what it should not.
fn url(section: &mut Checked, key: &str, allow_plain_http: bool, found: &mut Found) -> Option<String> {
    let place = section.values.get(key).map_or(section.at, |(place, _)| *place);
    let url = section.text(key)?;
    if rules::leaves_in_plain(&url) && !allow_plain_http {
        found.add(
            place,
            format!(
                "`{key}` is plain HTTP to another machine: everyone on the way can read the records and the password; \
                 use https, or accept it with allow_plain_http = true"
            ),
        );
    }
    Some(url)
}

fn zoho(section: &mut Checked, folder: &Path, terms: Terms, settings: &mut connection::Settings, found: &mut Found) {
    let place = |section: &Checked, key: &str| section.values.get(key).map(|(place, _)| *place);
    let named = place(section, "data_center");
    let urls = ["accounts_url", "desk_url"].map(|key| (key, place(section, key)));
    match (named, urls) {
        (Some(_), _) => {
            for (key, place) in urls {
                if let Some(place) = place {
                    found.add(
                        place,
                        format!("`{key}` and `data_center` exclude each other: keep `data_center`, or both URLs"),
                    );
                }
            }
        }
        (None, [(_, Some(_)), (_, Some(_))]) => {}
        (None, _) => found.add(
            section.at,
            "`data_center` is missing in [desk.connection]; for example: data_center = \"eu\" (or both `accounts_url` \
             and `desk_url`)",
        ),
    }
    let centre = section.text("data_center").and_then(|name| centre::by_name(&name));
    let plain = settings.allow_plain_http;
    let accounts = url(section, "accounts_url", plain, found);
    let desk = url(section, "desk_url", plain, found);
    let accounts_url = accounts.or(centre.map(|centre| centre.accounts.to_owned()));
    let desk_url = desk.or(centre.map(|centre| centre.desk.to_owned()));
    settings.url = centre::base_url(&desk_url.unwrap_or_default());
    settings.auth = Auth::Zoho(Zoho {
        accounts_url: accounts_url.unwrap_or_default(),
        org_id: section.text("org_id"),
        client_id: secret(section, ["client_id", "client_id_env", "client_id_file"], folder, found),
        client_secret: secret(
            section,
            ["client_secret", "client_secret_env", "client_secret_file"],
            folder,
            found,
        ),
        refresh_token: secret(
            section,
            ["refresh_token", "refresh_token_env", "refresh_token_file"],
            folder,
            found,
        ),
        terms,
    });
}

fn sample_desk(section: &mut Checked) -> sample::Settings {
    let mut desk = sample::Settings::default();
    set(&mut desk.seed, section.integer("seed"));
    set(&mut desk.tickets, section.integer("tickets"));
    let custom_fields = section.integer("custom_fields").map(|number| number as u32);
    set(&mut desk.custom_fields, custom_fields);
    set(&mut desk.latency, section.time("latency"));
    let edition = section.text("edition").map(|word| match word.as_str() {
        "free" => Edition::Free,
        "express" => Edition::Express,
        "standard" => Edition::Standard,
        "professional" => Edition::Professional,
        _ => Edition::Enterprise,
    });
    set(&mut desk.edition, edition);
    desk
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
