//! What describes deskvault, where it has to be complete: the check of a configuration, man pages and completions.

use std::fs;

use super::{Script, given};
use crate::cli::args;

/// Everything that a configuration says of the service, and what of it is missing on this machine.
const SERVICE: &str = r#"
[[desk]]
name = "main"
modules = ["tickets"]
primary_contact = "Ann"
support_contact = "desk@example.com"
[desk.connection]
kind = "sample"
[desk.schedule]
every = "monthly"
on = "last fri"
at = "02:00"
zone = "Asia/Tokyo"
until = "2027-03-31"
[[person]]
name = "Ann"
[[webhook]]
url = "https://hooks.example.com/hunter2"
secret_env = "SET"
[[webhook]]
url = "https://hooks.example.com/hunter3"
secret_env = "UNSET"
ca_file = "absent.pem"
"#;

#[test]
fn the_check_of_a_configuration_tells_of_the_service() {
    let check = given("config check", Some(SERVICE), &Script::default());
    assert_eq!(
        (check.exit, check.out.as_str()),
        (
            0,
            "deskvault.toml: right\n\
             desk main: 1 module (sample), tickets\n\
             desk main: monthly on the last Friday at 02:00 (Asia/Tokyo), until 2027-03-31\n\
             archives: HOME/backups\n\
             note: webhook 2: ca_file: there is no HOME/absent.pem\n\
             note: webhook 2: the environment variable UNSET is not set here\n\
             note: desk main: without [mail], nobody writes to its support contact\n"
        )
    );
    let mail =
        "[mail]\nhost = \"smtp.example.com\"\nuser = \"u\"\npassword_file = \"absent\"\nfrom = \"a@example.com\"\n";
    let check = given("config check", Some(&format!("{SERVICE}{mail}")), &Script::default());
    assert!(
        check
            .out
            .contains("note: mail: the file of the secret: there is no HOME/absent\n"),
        "{}",
        check.out
    );
    assert!(!check.out.contains("support contact"), "{}", check.out);
}

/// The names of all commands that people are told of, e.g. `schedule set`.
fn commands(command: &clap::Command, before: &str, all: &mut Vec<String>) {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let name = format!("{before}{}", below.get_name());
        commands(below, &format!("{name} "), all);
        all.push(name);
    }
}

#[test]
fn every_command_is_described() {
    let mut all = Vec::new();
    commands(&args::command(), "", &mut all);
    assert!(all.len() > 20 && all.contains(&"schedule set".to_owned()), "{all:?}");

    let folder = tempfile::tempdir().unwrap();
    let man = given(
        &format!("man --out {}", folder.path().display()),
        None,
        &Script::default(),
    );
    assert_eq!(man.exit, 0, "{}", man.err);
    let mut pages: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected: Vec<String> = all
        .iter()
        .map(|name| format!("deskvault-{}.1", name.replace(' ', "-")))
        .collect();
    expected.push("deskvault.1".into());
    pages.sort();
    expected.sort();
    assert_eq!(pages, expected, "a page for each command, and none for what is hidden");

    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = given(&format!("completions {shell}"), None, &Script::default()).out;
        for word in all.iter().flat_map(|name| name.split(' ')) {
            assert!(script.contains(word), "{word} in the completions of {shell}");
        }
    }
}

/// Each example of the long help is taken as it stands.
#[test]
fn every_example_of_the_help_is_taken() {
    use clap::Parser as _;

    let (examples, _) = args::EXTRA.split_once("\n\n").unwrap();
    let lines = examples
        .lines()
        .filter_map(|line| line.trim().strip_prefix("deskvault "));
    let mut named = Vec::new();
    for line in lines {
        let line = line.split(" | ").next().unwrap_or(line);
        // As a shell takes it: what stands between quotes is one word.
        let words = line.split('\'').enumerate().flat_map(|(index, piece)| match index % 2 {
            0 => piece.split_whitespace().map(ToOwned::to_owned).collect(),
            _ => vec![piece.to_owned()],
        });
        let words: Vec<String> = std::iter::once("deskvault".to_owned()).chain(words).collect();
        if let Err(error) = args::Typed::try_parse_from(&words) {
            panic!("{line}: {error}");
        }
        named.push(words[1].clone());
    }
    for command in args::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let name = command.get_name().to_owned();
        assert!(
            matches!(name.as_str(), "completions" | "man" | "help") || named.contains(&name),
            "an example of {name}"
        );
    }
}
