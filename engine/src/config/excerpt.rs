//! What the process of one backup is told of a configuration: the sections and keys that are named here, and no others.
//!
//! Plugins run in that process and can read its memory. So what it gets is made from what it needs: a key that is added to the
//! configuration stays out until it is named here. Of secrets there are only those of the desk's own connection.

use toml::{Table, Value};

use super::keys::ROOT;
use super::schema::Section;

/// Sections with the keys of them that the process needs; below a section, those of the sections below it.
const NEEDED: &[Needed] = &[
    needed(
        "limits",
        Keys::These(&["records"]),
        &[needed("editions", Keys::All, &[])],
    ),
    needed(
        "archive",
        Keys::These(&["folder", "headers", "byte_order_mark", "rows_per_part", "packers"]),
        &[],
    ),
    needed("backup", Keys::These(&["checkpoint_rows", "checkpoint_every"]), &[]),
    needed(
        "plugins",
        Keys::These(&["folders", "stall_timeout", "describe_timeout", "require_trust"]),
        &[],
    ),
    needed("daemon", Keys::These(&["memory", "open_files", "sandbox"]), &[]),
    needed("log", Keys::These(&["level", "format"]), &[]),
];
/// Of the one desk.
const OF_THE_DESK: Needed = needed(
    "desk",
    Keys::These(&["name", "modules", "credits_reserve"]),
    &[needed("connection", Keys::All, &[])],
);

struct Needed {
    section: &'static str,
    keys: Keys,
    below: &'static [Needed],
}

enum Keys {
    These(&'static [&'static str]),
    /// Whatever the section may say.
    All,
}

const fn needed(section: &'static str, keys: Keys, below: &'static [Needed]) -> Needed {
    Needed { section, keys, below }
}

/// The text of a configuration that was found right, cut to what a backup of `desk` needs: another configuration, which says
/// the same about it, and nothing about anything else. None if it has no such desk, or is not right after all.
pub(crate) fn excerpt(text: &[u8], desk: &str) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // What is wrong is not told: it may quote a secret.
    let whole: Table = text.parse().ok()?;
    let mut cut = take(NEEDED, &ROOT, &whole);
    let mut desks = whole.get(OF_THE_DESK.section)?.as_array()?.iter();
    let mut tables = desks.by_ref().filter_map(Value::as_table);
    let it = tables.find(|one| one.get("name").and_then(Value::as_str) == Some(desk))?;
    let section = ROOT.sections.iter().find(|one| one.path == OF_THE_DESK.section)?;
    let it = OF_THE_DESK.of(section, it);
    cut.insert(OF_THE_DESK.section.into(), Value::Array(vec![Value::Table(it)]));
    toml::to_string(&cut).ok()
}

fn take(needed: &[Needed], section: &Section, from: &Table) -> Table {
    let mut cut = Table::new();
    for needed in needed {
        let below = section.sections.iter().find(|below| below.name() == needed.section);
        if let (Some(below), Some(Value::Table(table))) = (below, from.get(needed.section)) {
            cut.insert(needed.section.into(), Value::Table(needed.of(below, table)));
        }
    }
    cut
}

impl Needed {
    /// What is needed of a section, of those keys that it may have.
    fn of(&self, section: &Section, from: &Table) -> Table {
        let mut cut = take(self.below, section, from);
        let keys = section.keys.iter().map(|key| key.name);
        for name in keys.filter(|name| self.has(name)) {
            if let Some(value) = from.get(name) {
                cut.insert(name.into(), value.clone());
            }
        }
        cut
    }

    fn has(&self, key: &str) -> bool {
        match self.keys {
            Keys::These(keys) => keys.contains(&key),
            Keys::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::schema::Kind;
    use super::{Keys, NEEDED, Needed, OF_THE_DESK, ROOT, Section, excerpt};
    use crate::config::{Config, differences};

    const FULL: &str = include_str!("../../../config/full.toml");

    /// What the process of a backup does without: a key is either named here or reaches it.
    const WITHHELD: &[&str] = &[
        "limits.full_every",
        "limits.custom_range",
        "archive.expire_after",
        "archive.link_url",
        "backup.keep_suspended",
        "daemon.grace",
        "daemon.longest_backup",
        "desk.primary_contact",
        "desk.viewers",
        "desk.support_contact",
        "desk.schedule",
        "person",
        "webhook",
        "mail",
    ];

    fn parse(text: &str) -> Config {
        let parsed = Config::parse("file", text.as_bytes(), Path::new("/etc/deskvault"));
        parsed.unwrap_or_else(|problems| panic!("{problems}\n--- in\n{text}"))
    }

    /// Every secret of the configuration with all keys, written into it, and of which desk it is.
    fn with_secrets() -> (String, Vec<(Option<String>, String)>) {
        let (mut lines, mut secrets) = (Vec::new(), Vec::new());
        let (mut desk, mut is_desk) = (None, false);
        for line in FULL.lines() {
            if line.starts_with('[') {
                is_desk = line.starts_with("[[desk]]") || is_desk && line.starts_with("[desk.");
            }
            if let Some(name) = line.strip_prefix("name = \"").filter(|_| is_desk) {
                desk = Some(name.trim_end_matches('"').to_owned());
            }
            let set = line.split_once(" = ").map(|(key, _)| key);
            let kept_at = set.and_then(|key| key.strip_suffix("_env").or(key.strip_suffix("_file")));
            let is_set = !line.starts_with('#');
            if let Some(key) = kept_at.filter(|key| is_set && *key != "ca") {
                let secret = format!("secret-{}", secrets.len());
                lines.push(format!("{key} = \"{secret}\""));
                secrets.push((desk.clone().filter(|_| is_desk), secret));
            } else {
                lines.push(line.to_owned());
            }
        }
        (lines.join("\n"), secrets)
    }

    #[test]
    fn it_has_the_secrets_of_its_own_desk_alone() {
        let (text, secrets) = with_secrets();
        let whole = parse(&text);
        assert!(
            secrets.iter().filter(|(desk, _)| desk.is_none()).count() >= 2,
            "{secrets:?}"
        );
        for desk in &whole.desks {
            let cut = excerpt(text.as_bytes(), &desk.name).unwrap();
            for (of, secret) in &secrets {
                let is_its_own = of.as_ref() == Some(&desk.name);
                let there = cut.contains(&format!("\"{secret}\""));
                assert_eq!(there, is_its_own, "{secret} of {of:?}, and {}:\n{cut}", desk.name);
            }
            for foreign in [
                "hooks.example",
                "smtp.example",
                "argon2id",
                "Ann Archer",
                "ann@",
                "example.com/deskvault",
            ] {
                assert!(!cut.contains(foreign), "{foreign}, for {}:\n{cut}", desk.name);
            }
        }
    }

    #[test]
    fn it_says_the_same_about_what_it_says() {
        // Whatever differs from a default shows if it is lost.
        let text = FULL
            .replace("records = 10_000_000", "records = 7_000")
            .replace("free = [\"full\", \"custom\", \"incremental\"]", "free = []")
            .replace("folder = \"backups\"", "folder = \"elsewhere\"")
            .replace("checkpoint_rows = 10_000", "checkpoint_rows = 9")
            .replace("#folders = [\"plugins\"]", "folders = [\"one\", \"two\"]")
            .replace("open_files = 4096", "open_files = 4000")
            .replace("level = \"info\"", "level = \"debug\"")
            .replace("credits_reserve = \"20%\"", "credits_reserve = \"700\"");
        let whole = parse(&text);
        for desk in &whole.desks {
            let cut = parse(&excerpt(text.as_bytes(), &desk.name).unwrap());
            assert_eq!(cut.desks.len(), 1);
            assert_eq!(cut.archive.folder, Path::new("/etc/deskvault/elsewhere"));
            assert_eq!(cut.plugins.folders, whole.plugins.folders);
            for key in differences(&whole, &cut) {
                let of_desk = format!("desk {}: ", desk.name);
                let plain = key.replace(&of_desk, "desk.");
                let is_other =
                    plain.starts_with("desk ") || plain.starts_with("person ") || plain.starts_with("webhook ");
                assert!(
                    is_other || WITHHELD.contains(&plain.as_str()),
                    "{key} is lost for {}",
                    desk.name
                );
            }
        }
    }

    #[test]
    fn every_key_is_either_needed_or_withheld() {
        let mut decided: BTreeSet<&str> = WITHHELD.iter().copied().collect();
        for section in ROOT.sections {
            let needed = NEEDED.iter().chain([&OF_THE_DESK]);
            let needed = needed.into_iter().find(|needed| needed.section == section.path);
            decide(section, needed, &mut decided);
        }
        assert!(decided.is_empty(), "there is no such key: {decided:?}");
    }

    /// Each key of a section is decided on, and none that is needed is a secret but those of the connection.
    fn decide(section: &'static Section, needed: Option<&Needed>, withheld: &mut BTreeSet<&str>) {
        let Some(needed) = needed else {
            assert!(
                withheld.remove(section.path),
                "is [{}] needed for a backup?",
                section.path
            );
            return;
        };
        for key in section.keys {
            let path = format!("{}.{}", section.path, key.name);
            let is_withheld = withheld.remove(path.as_str());
            assert_ne!(
                is_withheld,
                needed.has(key.name),
                "is {path} needed for a backup, or not?"
            );
            let may_be_secret = matches!(key.kind, Kind::Private(_)) && needed.has(key.name);
            assert!(
                !may_be_secret || section.path == "desk.connection",
                "{path} must not reach plugins"
            );
        }
        if let Keys::These(keys) = needed.keys {
            let unknown = keys.iter().find(|key| section.key(key).is_none());
            assert_eq!(unknown, None, "there is no such key");
        }
        for below in section.sections {
            let needed = needed.below.iter().find(|needed| needed.section == below.name());
            decide(below, needed, withheld);
        }
    }

    #[test]
    fn what_is_not_there_gives_nothing() {
        assert!(excerpt(FULL.as_bytes(), "main").is_some());
        let with_mark = format!("\u{feff}{FULL}");
        assert!(excerpt(with_mark.as_bytes(), "main").is_some());
        for (text, desk) in [
            (FULL.as_bytes(), "Main"),
            (b"x = ", "main"),
            (b"\xff", "main"),
            (b"desk = 7", "main"),
        ] {
            assert!(excerpt(text, desk).is_none(), "{desk}");
        }
    }
}
