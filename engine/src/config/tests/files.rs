//! The files of `config/`: each parses, and together they name every key.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use plugin_api::Kind;

use crate::config::keys::ROOT;
use crate::config::schema::{Need, Section};
use crate::config::{Config, Daemon, Log, Plugins, specification};
use crate::connection::sample;
use crate::connection::settings::{Auth, Limits, Settings, Terms};
use crate::notify::{Security, Topic};
use crate::quota;

/// Secrets of which each has three places.
const SECRETS: [&str; 7] = [
    "password",
    "token",
    "value",
    "client_id",
    "client_secret",
    "refresh_token",
    "secret",
];

const SMALLEST: &str = include_str!("../../../../config/deskvault.toml");
const ZOHO: &str = include_str!("../../../../config/zoho.toml");
const FULL: &str = include_str!("../../../../config/full.toml");
const REQUEST_TRACKER: &str = include_str!("../../../../tests/request-tracker/deskvault.toml");
const README: &str = include_str!("../../../../config/README.md");
const UNIT: &str = include_str!("../../../../config/deskvault.service");

fn parse(text: &str) -> Config {
    match Config::parse("file", text.as_bytes(), Path::new("/etc/deskvault")) {
        Ok(config) => config,
        Err(problems) => panic!("{problems}\n--- in\n{text}"),
    }
}

fn connection<'a>(config: &'a Config, desk: &str) -> &'a Settings {
    let found = config.desks.iter().find(|one| one.name == desk);
    &found.unwrap_or_else(|| panic!("there is no desk {desk}")).connection
}

/// Lines of the file with the header above each: those that are set, and those that are alternatives.
fn lines(text: &str) -> Vec<(String, String, bool)> {
    let mut header = String::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            line.clone_into(&mut header);
        }
        let (line, alternative) = line.strip_prefix('#').map_or((line, false), |rest| (rest, true));
        if let Some((name, _)) = line
            .split_once(" = ")
            .filter(|(name, _)| !name.contains(' ') && !name.is_empty())
        {
            lines.push((header.clone(), name.to_owned(), alternative));
        }
    }
    lines
}

#[test]
fn the_smallest_file() {
    let config = parse(SMALLEST);
    let limits = quota::Limits {
        full_every: Duration::ZERO,
        ..quota::Limits::default()
    };
    assert_eq!(config.limits, limits, "it is run again and again");
    assert_eq!(config.desks.len(), 1);
    assert_eq!(config.desks[0].modules.len(), 9);
    let settings = connection(&config, "sample");
    assert_eq!((settings.kind(), &settings.limits), ("zoho", &Limits::default()));
    let Auth::Sample(sample) = &settings.auth else {
        panic!("a sample desk")
    };
    assert_eq!(
        (&sample.desk, sample.terms),
        (&sample::Settings::default(), Terms::default())
    );
}

#[test]
fn the_file_of_a_zoho_desk() {
    let config = parse(ZOHO);
    assert_eq!(config.desks[0].modules, parse(SMALLEST).desks[0].modules);
    let settings = connection(&config, "zoho");
    assert_eq!(
        (settings.url.as_str(), settings.kind()),
        ("https://desk.zoho.eu/api/v1", "zoho")
    );
    assert!(matches!(settings.auth, Auth::Zoho(_)));
}

#[test]
fn the_file_of_the_request_tracker() {
    let config = parse(REQUEST_TRACKER);
    assert_eq!(config.desks[0].modules, ["request-tracker"]);
    let settings = connection(&config, "request-tracker");
    assert_eq!(
        (settings.url.as_str(), settings.kind()),
        ("http://localhost:8080/REST/2.0", "http")
    );
    assert_eq!(settings.limits, Limits::default());
    let Auth::Basic { user, password } = &settings.auth else {
        panic!("basic")
    };
    assert_eq!(
        (user.as_str(), password.to_string().as_str()),
        ("root", "the environment variable RT_PASSWORD")
    );
}

#[test]
fn the_full_file_names_every_key_once_and_sets_defaults() {
    let named = lines(FULL);
    let all: BTreeSet<(String, String)> = named
        .iter()
        .map(|(header, name, _)| (header.clone(), name.clone()))
        .collect();
    let described: BTreeSet<(String, String)> = ROOT
        .all()
        .into_iter()
        .flat_map(|section| {
            section
                .keys
                .iter()
                .map(move |key| (section.header(), key.name.to_owned()))
        })
        .collect();
    assert_eq!(all, described, "keys named in full.toml, and keys described");

    for section in ROOT.all() {
        for key in section.keys {
            if let Need::Default(text) = key.need
                && key.name != "auth"
            {
                assert!(
                    FULL.contains(&format!("\n{} = {text}\n", key.name)),
                    "{} = {text}",
                    key.name
                );
            }
        }
    }

    let config = parse(FULL);
    let smallest = parse(SMALLEST);
    for desk in &config.desks {
        assert_eq!(desk.connection.limits, Limits::default(), "{}", desk.name);
        assert!(!desk.connection.allow_plain_http);
    }
    assert_eq!(config.archive, smallest.archive);
    assert_eq!(config.plugins, Plugins::default());
    assert_eq!(config.log, Log::default());
    assert_eq!(config.daemon, Daemon::default());
    assert_eq!(config.expire_after, Duration::from_hours(7 * 24));
    assert_eq!(config.expire_after, smallest.expire_after);
    let limits = quota::Limits {
        editions: config.limits.editions.clone(),
        ..quota::Limits::default()
    };
    assert_eq!(config.limits, limits);
    let kinds = vec![Kind::Full, Kind::Custom, Kind::Incremental];
    let editions = ["enterprise", "express", "free", "professional", "standard"];
    let allowed: Vec<(&str, &Vec<Kind>)> = config.limits.editions.0.iter().map(|(k, v)| (k.as_str(), v)).collect();
    assert_eq!(allowed, editions.map(|edition| (edition, &kinds)));
    let topics = [
        Topic::Ready,
        Topic::Failed,
        Topic::LimitReached,
        Topic::Suspended,
        Topic::ScheduleEnded,
    ];
    assert_eq!(config.notify.webhooks[0].topics, topics);
    let mail = config.notify.mail.as_ref().expect("mail");
    assert_eq!((mail.security, mail.timeout), (Security::Tls, Duration::from_secs(30)));
    assert_eq!(mail.topics, topics);
    let schedule = config.desks[0].schedule.as_ref().expect("a schedule");
    assert_eq!(
        (schedule.zone, schedule.make_up, schedule.from),
        (chrono_tz::UTC, true, None)
    );
}

#[test]
fn the_full_file_has_every_kind_of_desk() {
    let config = parse(FULL);
    let kinds: Vec<(&str, &str)> = config
        .desks
        .iter()
        .map(|desk| match &desk.connection.auth {
            Auth::None => ("none", ""),
            Auth::Basic { .. } => ("basic", ""),
            Auth::Bearer(_) => ("bearer", ""),
            Auth::Header { .. } => ("header", ""),
            Auth::Zoho(zoho) => ("zoho", zoho.accounts_url.as_str()),
            Auth::Sample(_) => ("sample", ""),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("zoho", "https://accounts.zoho.eu"),
            ("zoho", "https://accounts.zoho.example"),
            ("sample", ""),
            ("basic", ""),
            ("bearer", ""),
            ("header", "")
        ]
    );
    assert_eq!(connection(&config, "main").url, "https://desk.zoho.eu/api/v1");
    assert_eq!(connection(&config, "own-hosts").url, "https://desk.zoho.example/api/v1");
    let Auth::Zoho(zoho) = &connection(&config, "main").auth else {
        panic!("a Zoho Desk")
    };
    assert_eq!(zoho.org_id.as_deref(), Some("20077001"));
    assert_eq!(
        zoho.refresh_token.to_string(),
        "the file /etc/deskvault/refresh-token.txt"
    );
    assert_eq!(connection(&config, "main").search_lag.as_secs(), 300);
    assert_eq!(connection(&config, "sample").search_lag.as_secs(), 0);
}

/// systemd does not lose patience before the daemon does, and reloads it by the signal that it takes for that.
#[test]
fn the_systemd_unit_fits_the_defaults() {
    let value = |name: &str| UNIT.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let patience: u64 = value("TimeoutStopSec")
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    assert!(patience >= Daemon::default().grace.as_secs() + 15, "{patience}");
    assert_eq!(value("Type"), Some("notify"));
    assert_eq!(value("ExecReload"), Some("/bin/kill -HUP $MAINPID"));
    let start = value("ExecStart").expect("a command");
    assert!(
        start.starts_with("/usr/local/bin/deskvault daemon --config "),
        "{start}"
    );
}

/// Each alternative is put in place of what excludes it, and the file still parses.
#[test]
fn the_alternatives_of_the_full_file_parse() {
    let mut tried = 0;
    for (header, name, alternative) in lines(FULL) {
        if !alternative {
            continue;
        }
        tried += 1;
        let stem = SECRETS.iter().find(|stem| name.starts_with(**stem));
        let place = FULL.lines().position(|line| line.starts_with(&format!("#{name} = ")));
        // The block of one desk, or of another section.
        let is_head = |(_, line): &(usize, &str)| line.starts_with("# ----");
        let heads = || FULL.lines().enumerate().filter(is_head).map(|(place, _)| place);
        let start = heads().filter(|head| Some(*head) < place).max().unwrap();
        let end = heads().find(|head| Some(*head) > place).unwrap_or(usize::MAX);
        let text: Vec<String> = FULL
            .lines()
            .enumerate()
            .map(|(place, line)| {
                if !(start..end).contains(&place) {
                    line.to_owned()
                } else if line.starts_with(&format!("#{name} = ")) {
                    line[1..].to_owned()
                } else if stem.is_some_and(|stem| line.starts_with(stem)) {
                    format!("#{line}")
                } else {
                    line.to_owned()
                }
            })
            .collect();
        assert_ne!(text.join("\n"), FULL.trim_end(), "{header} {name}");
        parse(&text.join("\n"));
    }
    assert_eq!(tried, 26, "alternatives");
}

/// What the table calls a default or an example is allowed, and defaults are those of the code.
#[test]
fn samples_of_the_table_parse() {
    let sample = |section: &Section, kind: &str, auth: &str| -> String {
        let mut text = format!("{}\n", section.header());
        let word = |name: &str| match name {
            "kind" => kind.to_owned(),
            _ => auth.to_owned(),
        };
        for key in section.keys {
            let wanted = key
                .when
                .iter()
                .all(|(selector, values)| values.contains(&word(selector).as_str()));
            // Of three places of a secret one; of two ways to name a desk's hosts the other one.
            let doubled = SECRETS.iter().any(|stem| {
                let rest = key.name.strip_prefix(stem);
                rest.is_some_and(|rest| matches!(rest, "" | "_file"))
            });
            if wanted && !doubled && key.name != "data_center" {
                let value = if matches!(key.name, "kind" | "auth") {
                    format!("\"{}\"", word(key.name))
                } else {
                    key.need.sample().to_owned()
                };
                text.extend([key.name, " = ", &value, "\n"]);
            }
        }
        text
    };
    for (kind, auth) in [
        ("http", "none"),
        ("http", "basic"),
        ("http", "bearer"),
        ("http", "header"),
        ("zoho", ""),
        ("sample", ""),
    ] {
        let text: String = ROOT
            .all()
            .into_iter()
            .filter(|section| !section.path.is_empty())
            .map(|section| sample(section, kind, auth))
            .collect();
        let viewer = "[[person]]\nname = \"Ben Baker\"\n";
        let text = text + viewer;
        let config = parse(&text);
        let settings = connection(&config, "main");
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.kind(), if kind == "http" { "http" } else { "zoho" });
        if let Auth::Sample(sample) = &settings.auth {
            assert_eq!(sample.desk, sample::Settings::default());
        }
        assert_eq!(config.plugins.stall_timeout, Plugins::default().stall_timeout);
        assert_eq!(config.archive, parse(SMALLEST).archive);
        assert_eq!((config.people.len(), config.notify.webhooks.len()), (2, 1));
        assert_eq!(config.desks[0].viewers, ["Ben Baker"]);
    }
}

#[test]
fn the_readme_holds_the_specification() {
    let specification = specification();
    assert!(
        README.contains(&specification),
        "put the output of `deskvault config keys` into config/README.md:\n{specification}"
    );
}

#[test]
fn every_example_of_the_readme_parses() {
    let mut examples = 0;
    for block in README.split("```toml\n").skip(1) {
        let (text, _) = block.split_once("\n```").expect("a closed block");
        parse(text);
        examples += 1;
    }
    assert!(examples >= 3, "{examples} examples");
}
