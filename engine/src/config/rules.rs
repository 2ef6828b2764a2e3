//! Rules for single texts. Each says what the text has to be, never what it is: it may be a secret in the
//! wrong place.

use std::net::IpAddr;

use reqwest::Url;

use super::text::printable;
use crate::connection::settings::Reserve;
use crate::connection::{for_credentials, is_loopback};
use crate::people::password;
use crate::{notify, schedule};

type Rule = Result<(), String>;

fn rule(holds: bool, otherwise: &str) -> Rule {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

pub(super) fn desk_name(text: &str) -> Rule {
    let mut characters = text.chars();
    let first = characters.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let rest = characters.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    rule(
        first && rest && text.len() <= 64,
        "consist of letters a to z, digits, `-`, `_` and `.`, start with a letter or digit and be at most 64 long",
    )
}

pub(super) fn module(text: &str) -> Rule {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    rule(
        !text.is_empty() && text.len() <= 64 && text.chars().all(known),
        "be names of modules: lower-case letters, digits and `-`",
    )
}

pub(super) fn user(text: &str) -> Rule {
    rule(
        !text.is_empty() && !text.contains(|c: char| c == ':' || c.is_control()),
        "be a user's name without `:` and control characters",
    )
}

/// The id of an organisation.
pub(super) fn org_id(text: &str) -> Rule {
    rule(
        !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()),
        "be the organisation's id, digits in quotes",
    )
}

/// What is kept of a day's credits.
pub(super) fn reserve(text: &str) -> Rule {
    rule(
        read_reserve(text).is_some(),
        "be a share of the day's credits from \"0%\" to \"90%\", or a number of them, e.g. \"5000\"",
    )
}

/// Reads what is kept of a day's credits.
pub(super) fn read_reserve(text: &str) -> Option<Reserve> {
    let (digits, is_share) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim_end(), true),
        None => (text, false),
    };
    let are_digits = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| are_digits)?;
    match (number, is_share) {
        (0, _) => Some(Reserve::None),
        (1..=90, true) => Some(Reserve::Percent(number as u8)),
        (_, true) => None,
        (_, false) => Some(Reserve::Credits(number)),
    }
}

/// The name of an environment variable. A secret itself, typed here by mistake, mostly does not pass.
pub(super) fn variable(text: &str) -> Rule {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
    rule(
        !text.is_empty() && text.chars().all(known) && !text.starts_with(|c: char| c.is_ascii_digit()),
        "be the name of an environment variable (letters, digits and `_`), not the secret itself",
    )
}

pub(super) fn secret(text: &str) -> Rule {
    rule(
        !text.is_empty() && !text.contains(char::is_control),
        "not be empty or have control characters in it",
    )
}

pub(super) fn header_value(text: &str) -> Rule {
    rule(
        !text.is_empty() && text.bytes().all(|b| (b' '..=b'~').contains(&b)) && text.trim() == text,
        "be ASCII text without line ends and without blanks around it, as it goes into a header",
    )
}

pub(super) fn header_name(text: &str) -> Rule {
    let known = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    rule(
        !text.is_empty() && text.len() <= 128 && text.chars().all(known),
        "be the name of a header alone, e.g. \"X-Api-Key\"",
    )?;
    rule(
        for_credentials(text).is_some(),
        "be another header: this one belongs to HTTP or to the connection itself",
    )
}

/// A person's name. It stands in the history, so it must be what it looks like.
pub(super) fn person(text: &str) -> Rule {
    rule(
        !text.is_empty() && text.trim() == text && text.chars().count() <= 100 && printable(text) == text,
        "be a name: at most 100 characters, none of them a control character, without blanks around it",
    )
}

pub(super) fn email(text: &str) -> Rule {
    rule(
        text.len() <= 254 && printable(text) == text && text.parse::<lettre::Address>().is_ok(),
        "be an e-mail address alone, such as \"ann@example.com\"",
    )
}

/// The sender of mail: with a name before the address or without.
pub(super) fn sender(text: &str) -> Rule {
    rule(
        printable(text) == text && notify::check_address(text).is_ok(),
        "be an e-mail address, such as \"deskvault@example.com\"",
    )
}

/// The hash of a password. What is refused may be the password itself.
pub(super) fn password_hash(text: &str) -> Rule {
    password::check(text).map_err(|why| format!("be the hash of a password: {why}"))
}

pub(super) fn host(text: &str) -> Rule {
    let known = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let is_name = text.len() <= 253 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(known);
    rule(
        is_name || text.parse::<IpAddr>().is_ok(),
        "be the name or the address of a host alone, without a scheme and a port",
    )
}

pub(super) fn time_of_day(text: &str) -> Rule {
    schedule::read_at(text).map(drop)
}

pub(super) fn zone(text: &str) -> Rule {
    schedule::read_zone(text).map(drop)
}

/// The day of a schedule. Whether it fits is judged together with how often it runs.
pub(super) fn day(text: &str) -> Rule {
    rule(!text.is_empty(), "name a day, such as \"fri\"")
}

pub(super) fn path(text: &str) -> Rule {
    rule(!text.is_empty() && !text.contains('\0'), "be a path")?;
    rule(!text.starts_with('~'), "be written out: `~` stands for nothing here")
}

/// The base URL of a desk.
pub(super) fn url(text: &str) -> Rule {
    rule(
        !text.contains('@'),
        "not have a user, a password or any other `@` in it: see auth and user",
    )?;
    link(text)
}

/// A URL below which something lies.
pub(super) fn link(text: &str) -> Rule {
    let url = address(text)?;
    rule(
        url.query().is_none() && url.fragment().is_none(),
        "not have a query (`?`) or a fragment (`#`)",
    )
}

/// A URL that is told something. What proves who tells it is often a part of such a URL.
pub(super) fn webhook(text: &str) -> Rule {
    let url = address(text)?;
    rule(url.fragment().is_none(), "not have a fragment (`#`)")
}

fn address(text: &str) -> Result<Url, String> {
    let lower = text.to_ascii_lowercase();
    // The parser forgives what is better refused: `http:host`, back slashes, blanks and line ends.
    rule(
        lower.starts_with("http://") || lower.starts_with("https://"),
        "start with https:// or http://",
    )?;
    rule(
        !text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\'),
        "be a URL without blanks, control characters and back slashes",
    )?;
    let url = Url::parse(text).map_err(|problem| format!("be a URL: {problem}"))?;
    rule(url.host_str().is_some(), "name a host")?;
    rule(
        url.username().is_empty() && url.password().is_none(),
        "not have a user or a password in it",
    )?;
    Ok(url)
}

/// Whether a URL that [`url`] let pass sends plain text to another machine.
pub(super) fn leaves_in_plain(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
}

#[cfg(test)]
mod tests {
    #[test]
    fn header_names() {
        for (name, passes) in [
            ("X-Api-Key", true),
            ("Authorization", true),
            ("Host", false),
            ("Cookie", false),
            ("user-agent", false),
            ("Accept-Encoding", false),
            ("X-Forwarded-For", false),
            ("Proxy-Authorization", false),
            ("X-HTTP-Method-Override", false),
            ("X-Key: hunter2", false),
            ("", false),
        ] {
            let told = super::header_name(name);
            assert_eq!(told.is_ok(), passes, "{name}");
            assert!(!told.is_err_and(|why| why.contains("hunter2")));
        }
    }

    #[test]
    fn urls() {
        for (text, passes, leaves) in [
            ("https://desk.example.com/rt", true, false),
            ("HTTPS://desk.example.com", true, false),
            ("http://localhost:8080", true, false),
            ("http://127.0.0.1", true, false),
            ("http://127.8.9.1:80/", true, false),
            ("http://[::1]:8080", true, false),
            ("http://[::ffff:127.0.0.1]", true, false),
            ("http://2130706433/", true, false),
            ("http://localhost.example.com", true, true),
            ("http://127.0.0.1.example.com", true, true),
            ("http://192.168.0.1", true, true),
            ("http://0.0.0.0", true, true),
            ("https://サポート.example.com", true, false),
            ("http:desk.example.com", false, true),
            ("https://", false, false),
            ("ftp://desk.example.com", false, false),
            ("https://user:hunter2@desk.example.com", false, false),
            ("https://desk.example.com/?key=1", false, false),
            ("https://desk.example.com/#top", false, false),
            ("https://desk.example.com:99999", false, false),
            ("https://desk.exam ple.com", false, false),
            ("https://desk.example.com\\@evil", false, false),
            ("", false, false),
        ] {
            assert_eq!(super::url(text).is_ok(), passes, "{text}");
            assert_eq!(super::leaves_in_plain(text), leaves, "{text}");
        }
    }
}
