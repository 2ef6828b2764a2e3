//! Names of archives, tables and files. Pure.

use std::collections::HashSet;

use plugin_api::{Kind, Table, Timestamp};

use super::csv_row::Civil;
use super::error::ArchiveError;
use super::manifest::State;
use crate::quota::kind_name;

/// The last entry of every archive.
pub(super) const MANIFEST: &str = "manifest.json";
/// What a spool folder's name begins and ends with.
const SPOOL: &str = ".deskvault-";
const SPOOL_END: &str = ".spool";
const TAIL_END: &str = ".tail";
/// More columns than a spreadsheet shows are no table.
const MAX_COLUMNS: usize = 16_384;

/// The name of an archive without what follows it (`.zip`, `-incomplete.zip`): desk, kind, and when the backup
/// started, to the second. `None` for a start outside the years 1 to 9999.
pub(super) fn stem(desk: &str, kind: Kind, started: Timestamp) -> Option<String> {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = Civil::of(started);
    let (kind, desk) = (kind_name(kind), sanitised(desk));
    (1..=9999)
        .contains(&year)
        .then(|| format!("{desk}-{kind}-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z"))
}

/// The stem of the backup that is the `number`th of its desk and kind in its second, counted from 1.
pub(super) fn nth(stem: &str, number: u32) -> String {
    match number {
        0 | 1 => stem.to_owned(),
        number => format!("{stem}-{number}"),
    }
}

/// What follows the stem in the file name of an archive.
fn ending(state: State) -> &'static str {
    match state {
        State::Complete => ".zip",
        State::Incomplete => "-incomplete.zip",
        State::LimitReached => "-limit-reached.zip",
    }
}

/// The file name of an archive.
pub(super) fn archive(stem: &str, state: State) -> String {
    format!("{stem}{}", ending(state))
}

/// Whether an archive of this stem, or of another backup in the same second, may be called so.
pub(super) fn is_of(stem: &str, file: &str) -> bool {
    let Some(rest) = file.strip_prefix(stem) else {
        return false;
    };
    State::ALL.into_iter().any(|state| {
        let number = rest.strip_suffix(ending(state));
        number.is_some_and(|number| number.is_empty() || is_number(number))
    })
}

/// Whether it is what [`nth`] adds.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or_default();
    digits
        .parse::<u32>()
        .is_ok_and(|number| number > 1 && text == format!("-{number}"))
}

/// The name of the spool folder of a stem.
pub(super) fn spool(stem: &str) -> String {
    format!("{SPOOL}{stem}{SPOOL_END}")
}

/// Whether a spool folder is called so.
pub(super) fn is_spool(name: &str) -> bool {
    stem_of(name).is_some()
}

/// The stem of a spool folder that is called so; none if it is no name of one.
pub(super) fn stem_of(name: &str) -> Option<&str> {
    let stem = name.strip_prefix(SPOOL)?.strip_suffix(SPOOL_END)?;
    (!stem.is_empty()).then_some(stem)
}

/// A desk's name as part of a file's: letters and digits of any script, and behind the first of them `-`, `_` and
/// `.`; at most 100 bytes. A name that the configuration allows stays as it is, so that no two desks share one.
fn sanitised(desk: &str) -> String {
    let mut name = String::new();
    let mut gap = false;
    for letter in desk.chars() {
        if name.len() + letter.len_utf8() + usize::from(gap) > 100 {
            break;
        }
        let kept = letter.is_alphanumeric() || letter == '_' || (matches!(letter, '-' | '.') && !name.is_empty());
        if !kept {
            gap = !name.is_empty();
            continue;
        }
        if gap {
            name.push('-');
            gap = false;
        }
        name.push(letter);
    }
    if name.is_empty() { "desk".to_owned() } else { name }
}

/// The name of a table's file; parts are counted from 1.
pub(super) fn part(table: &str, number: usize) -> String {
    format!("{table}__{number}.csv")
}

/// The file in the spool folder that holds a part, packed.
pub(super) fn packed(part: &str) -> String {
    format!("{part}.deflate")
}

/// The file in the spool folder that holds what of a part was not packed at a checkpoint.
pub(super) fn tail(part: &str, checkpoint: u64) -> String {
    format!("{part}.{checkpoint}{TAIL_END}")
}

/// Whether [`tail`] may have made it.
pub(super) fn is_tail(part: &str, name: &str) -> bool {
    let number = name.strip_prefix(part).and_then(|rest| rest.strip_prefix('.'));
    let number = number.and_then(|rest| rest.strip_suffix(TAIL_END));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a table can be called so: a letter, then at most 63 letters, digits or single underscores.
pub(super) fn is_table(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.contains("__")
}

/// What must hold for a table whatever else is in the archive.
pub(super) fn check_table(table: &Table) -> Result<(), ArchiveError> {
    let fail = |reason: String| Err(ArchiveError::table(&table.name.escape_debug().to_string(), reason));
    if !is_table(&table.name) {
        return fail(
            "not a table's name: it must be a letter, then at most 63 letters, digits or single underscores".into(),
        );
    }
    if table.columns.is_empty() || table.columns.len() > MAX_COLUMNS {
        return fail(format!(
            "has {} columns; it needs 1 to {MAX_COLUMNS}",
            table.columns.len()
        ));
    }
    let mut names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    if let Some([name, _]) = names.array_windows().find(|[one, next]| one == next) {
        return fail(format!("has two columns called {name:?}"));
    }
    let parents: Vec<&String> = table.parents.iter().map(|parent| &parent.column).collect();
    for (what, columns) in [("key", table.key.iter().collect()), ("parent", parents)] {
        let mut seen = HashSet::new();
        if let Some(column) = columns.into_iter().find(|column| !seen.insert(*column)) {
            return fail(format!("names {column:?} twice as {what}"));
        }
    }
    let wanted = table
        .key
        .iter()
        .chain(table.parents.iter().map(|parent| &parent.column));
    for column in wanted {
        if names.binary_search(&column.as_str()).is_err() {
            return fail(format!("names {column:?} as key or parent, but has no such column"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plugin_api::{Column, Kind, Table, Timestamp};

    use super::{archive, check_table, is_of, is_spool, is_table, nth, spool, stem};
    use crate::archive::State;

    #[test]
    fn archives_are_named_by_desk_kind_and_start() {
        let started = Timestamp::parse("2026-01-02T03:04:05.678Z").unwrap();
        for (desk, expected) in [
            ("support", "support-full-20260102T030405Z"),
            ("../../etc/passwd", "etc-passwd-full-20260102T030405Z"),
            ("  Müller & Söhne.  ", "Müller-Söhne.-full-20260102T030405Z"),
            ("my.desk", "my.desk-full-20260102T030405Z"),
            ("my-desk", "my-desk-full-20260102T030405Z"),
            ("my--desk-", "my--desk--full-20260102T030405Z"),
            (".hidden", "hidden-full-20260102T030405Z"),
            ("サポート", "サポート-full-20260102T030405Z"),
            ("", "desk-full-20260102T030405Z"),
            ("\0\n/", "desk-full-20260102T030405Z"),
        ] {
            assert_eq!(stem(desk, Kind::Full, started).as_deref(), Some(expected));
        }
        let long = stem(&"あ".repeat(500), Kind::Incremental, started).unwrap();
        assert_eq!(long, format!("{}-incremental-20260102T030405Z", "あ".repeat(33)));
        assert_eq!(stem("a", Kind::Full, Timestamp::from_micros(i64::MAX)), None);
    }

    #[test]
    fn archives_of_one_second_and_their_states_are_told_apart() {
        let first = "a-full-20260102T030405Z";
        let mut names: Vec<String> = [1, 2, 10]
            .into_iter()
            .flat_map(|number| State::ALL.map(|state| archive(&nth(first, number), state)))
            .collect();
        assert_eq!(
            names[..4],
            [
                "a-full-20260102T030405Z.zip",
                "a-full-20260102T030405Z-incomplete.zip",
                "a-full-20260102T030405Z-limit-reached.zip",
                "a-full-20260102T030405Z-2.zip",
            ]
        );
        assert!(names.iter().all(|name| is_of(first, name)));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 9);
        for other in [
            "a-full-20260102T030406Z.zip",
            "a-full-20260102T030405Z",
            "a-full-20260102T030405Z-1.zip",
            "a-full-20260102T030405Z-02.zip",
            "a-full-20260102T030405Z-+2.zip",
            "a-full-20260102T030405Z2.zip",
            "a-full-20260102T030405Z-x.zip",
            "a-full-20260102T030405Z-2-3.zip",
            "ba-full-20260102T030405Z.zip",
        ] {
            assert!(!is_of(first, other), "{other}");
        }
    }

    #[test]
    fn spools_are_known_by_their_names() {
        assert!(is_spool(&spool("a-full-20260102T030405Z-2")));
        for other in [
            ".deskvault-.spool",
            ".deskvault-a.lock",
            "deskvault-a.spool",
            ".deskvault-a.spool.zip",
            "a.spool",
        ] {
            assert!(!is_spool(other), "{other}");
        }
    }

    #[test]
    fn tables_are_named_by_the_rule() {
        for (name, expected) in [
            ("Tickets", true),
            ("t", true),
            ("Time_Entry_2", true),
            ("Time__Entry", false),
            ("", false),
            ("2nd", false),
            ("_x", false),
            ("../x", false),
            ("Tickets.csv", false),
            ("Fälle", false),
            ("a\n", false),
        ] {
            assert_eq!(is_table(name), expected, "{name}");
        }
        assert!(is_table(&"a".repeat(64)));
        assert!(!is_table(&"a".repeat(65)));
    }

    #[test]
    fn tables_are_checked() {
        let table = |columns: &[&str]| Table::new("T").columns(columns.iter().map(|name| Column::new(*name, "Label")));
        for (table, expected) in [
            (table(&["a", "b"]).key(["a"]).child_of("Other", "b"), None),
            (table(&[]), Some("table T: has 0 columns; it needs 1 to 16384")),
            (table(&["a", "b", "a"]), Some("table T: has two columns called \"a\"")),
            (
                table(&["a"]).key(["b"]),
                Some("table T: names \"b\" as key or parent, but has no such column"),
            ),
            (
                table(&["a", "b"]).key(["a", "b", "a"]),
                Some("table T: names \"a\" twice as key"),
            ),
            (
                table(&["a"]).child_of("Other", "a").child_of("Third", "a"),
                Some("table T: names \"a\" twice as parent"),
            ),
            (
                table(&["a"]).child_of("Other", "c"),
                Some("table T: names \"c\" as key or parent, but has no such column"),
            ),
        ] {
            let error = check_table(&table).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), expected);
        }
    }
}
