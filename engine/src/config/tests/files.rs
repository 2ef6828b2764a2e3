//! The files of `config/`: each parses, and together they name every key.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::keys::ROOT;
use crate::config::schema::{Need, Section};
use crate::config::{Config, Connection, Log, Plugins, specification};
use crate::connection::settings::{Auth, Limits, Settings};

const SMALLEST: &str = include_str!("../../../../config/deskvault.toml");
const FULL: &str = include_str!("../../../../config/full.toml");
const README: &str = include_str!("../../../../config/README.md");

fn parse(text: &str) -> Config {
    match Config::parse("file", text.as_bytes(), Path::new("/etc/deskvault")) {
        Ok(config) => config,
        Err(problems) => panic!("{problems}\n--- in\n{text}"),
    }
}

fn http(config: &Config, desk: usize) -> &Settings {
    let Connection::Http(settings) = &config.desks[desk].connection;
    settings
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
    assert_eq!(config.desks.len(), 1);
    assert_eq!(config.desks[0].modules, ["request-tracker"]);
    assert_eq!(config.desks[0].connection.kind(), "http");
    let settings = http(&config, 0);
    assert_eq!(
        (settings.url.as_str(), settings.desk.as_str()),
        ("http://localhost:8080/REST/2.0", "request-tracker")
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
    assert_eq!(http(&config, 0).limits, Limits::default());
    assert!(!http(&config, 0).allow_plain_http);
    assert_eq!(config.archive, smallest.archive);
    assert_eq!(config.plugins, Plugins::default());
    assert_eq!(config.log, Log::default());
    let kinds: Vec<&str> = (0..3)
        .map(|desk| match http(&config, desk).auth {
            Auth::None => "none",
            Auth::Basic { .. } => "basic",
            Auth::Bearer(_) => "bearer",
            Auth::Header { .. } => "header",
        })
        .collect();
    assert_eq!(kinds, ["basic", "bearer", "header"]);
}

/// Each alternative is put in place of what excludes it, and the file still parses.
#[test]
fn the_alternatives_of_the_full_file_parse() {
    let stems = ["password", "token", "value"];
    let mut tried = 0;
    for (header, name, alternative) in lines(FULL) {
        if !alternative {
            continue;
        }
        tried += 1;
        let stem = stems.iter().find(|stem| name.starts_with(**stem));
        let text: Vec<String> = FULL
            .lines()
            .map(|line| {
                if line.starts_with(&format!("#{name} = ")) {
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
    assert_eq!(tried, 8, "alternatives");
}

/// What the table calls a default or an example is allowed, and defaults are those of the code.
#[test]
fn samples_of_the_table_parse() {
    let sample = |section: &Section, auth: &str| -> String {
        let mut text = format!("{}\n", section.header());
        for key in section.keys {
            let wanted = key.when.is_none_or(|(_, value)| value == auth);
            let doubled = matches!(
                key.name,
                "password" | "password_file" | "token" | "token_file" | "value" | "value_file"
            );
            if wanted && !doubled {
                let value = if key.name == "auth" {
                    format!("\"{auth}\"")
                } else {
                    key.need.sample().to_owned()
                };
                text.extend([key.name, " = ", &value, "\n"]);
            }
        }
        text
    };
    for auth in ["none", "basic", "bearer", "header"] {
        let text: String = ROOT
            .all()
            .into_iter()
            .filter(|section| !section.path.is_empty())
            .map(|section| sample(section, auth))
            .collect();
        let config = parse(&text);
        assert_eq!(http(&config, 0).limits, Limits::default());
        assert_eq!(config.plugins.stall_timeout, Plugins::default().stall_timeout);
        assert_eq!(config.archive, parse(SMALLEST).archive);
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
