//! Words for people: near names, lists, and text from elsewhere made harmless for a terminal.

use std::fmt::Write as _;

/// The one of `candidates` that `name` was probably meant to be.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    // Nobody mistypes a name into something this long, and the comparison takes time with its length.
    if length > 64 {
        return None;
    }
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (length.max(candidate.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?`, with the marks given, or nothing.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    (open, close): (&str, &str),
) -> String {
    nearest(name, candidates).map_or_else(String::new, |near| format!("; did you mean {open}{near}{close}?"))
}

/// `a, b or c`.
pub(crate) fn or_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Text that others wrote, so that it can neither steer a terminal, break a line nor change the direction
/// of what follows it: such characters are shown as escapes.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let steers = character.is_control()
            || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// [`printable`], cut off after 60 characters.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", printable(&text[..end])),
        None => printable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{excerpt, nearest, printable};

    #[test]
    fn finds_the_nearest_name() {
        let names = ["name", "modules", "in_flight", "connect_timeout", "request_timeout"];
        for (typed, expected) in [
            ("nmae", Some("name")),
            ("Name", Some("name")),
            ("module", Some("modules")),
            ("in-flight", Some("in_flight")),
            ("inflight", Some("in_flight")),
            ("request_timout", Some("request_timeout")),
            ("colour", None),
            ("", None),
            ("名前", None),
            (&"name".repeat(1000), None),
        ] {
            assert_eq!(nearest(typed, names), expected, "{typed}");
        }
    }

    #[test]
    fn makes_foreign_text_harmless() {
        for (text, expected) in [
            ("サポート 🎫", "サポート 🎫"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("two\r\nlines", "two\\r\\nlines"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
        ] {
            assert_eq!(printable(text), expected);
        }
        assert_eq!(excerpt(&"票".repeat(100)), format!("{}...", "票".repeat(60)));
    }
}
