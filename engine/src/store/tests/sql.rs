//! The SQL itself. That it is what SQLite and PostgreSQL have in common is checked by words and by shape: it finds what
//! is known to differ, not what nobody thought of.

use std::fs;
use std::path::PathBuf;

use super::Home;

fn sources() -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut found = Vec::new();
    for folder in [folder.clone(), folder.join("migrations")] {
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let is_source = file.extension().is_some_and(|ending| ending == "rs" || ending == "sql");
            let is_own = ["dialect.rs", "tests.rs"].iter().any(|name| file.ends_with(name));
            if is_source && !is_own {
                let text = fs::read_to_string(&file).unwrap();
                found.push((file, text));
            }
        }
    }
    found
}

/// The statements that stand in the sources as texts.
fn statements() -> Vec<String> {
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE TABLE "];
    let rust = sources()
        .into_iter()
        .filter(|(file, _)| file.extension().is_some_and(|ending| ending == "rs"));
    let texts = rust.flat_map(|(_, text)| text.split('"').map(str::to_owned).collect::<Vec<_>>());
    texts
        .filter(|text| verbs.iter().any(|verb| text.starts_with(verb)))
        .collect()
}

#[test]
fn has_no_word_that_only_sqlite_knows() {
    const WORDS: [&str; 38] = [
        "AUTOINCREMENT",
        "ROWID",
        "PRAGMA",
        " GLOB ",
        "IFNULL",
        "INSERT OR ",
        "REPLACE INTO",
        "SQLITE_",
        "STRFTIME",
        "JULIANDAY",
        "DATETIME",
        "DATE(",
        "UNIXEPOCH",
        "JSON_",
        "STRICT",
        "?1",
        "(?",
        " ?",
        "INTEGER",
        " BLOB",
        "NOCASE",
        "TOTAL(",
        "PRINTF(",
        "CHAR(",
        "ATTACH ",
        "VACUUM",
        "INDEXED BY",
        "GROUP_CONCAT",
        "LAST_INSERT",
        "CHANGES(",
        "RANDOM(",
        "HEX(",
        "TYPEOF(",
        "LIKE ",
        "REGEXP",
        "MATCH ",
        "`",
        " == ",
    ];
    let migrations = sources()
        .into_iter()
        .filter(|(file, _)| file.extension().is_some_and(|ending| ending == "sql"));
    let all: Vec<String> = statements()
        .into_iter()
        .chain(migrations.map(|(_, text)| text))
        .collect();
    for sql in &all {
        let flat = sql.to_uppercase().split_whitespace().collect::<Vec<_>>().join(" ");
        for word in WORDS {
            assert!(!flat.contains(word), "{word} in {sql}");
        }
        assert!(!sql.contains(['[', '"']), "names are not quoted: {sql}");
        // `LIMIT 5, 10` is `OFFSET` elsewhere.
        assert!(flat.split("LIMIT ").skip(1).all(|rest| !rest.contains(',')), "{sql}");
    }
    assert!(all.len() > 30, "the statements are found: {}", all.len());
}

#[test]
fn names_are_no_reserved_words_of_postgresql() {
    const RESERVED: [&str; 34] = [
        "all",
        "analyse",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "column",
        "constraint",
        "default",
        "desc",
        "do",
        "else",
        "end",
        "from",
        "grant",
        "group",
        "limit",
        "offset",
        "on",
        "order",
        "references",
        "table",
        "then",
        "to",
        "user",
        "using",
        "when",
        "window",
    ];
    let home = Home::new();
    let vandal = home.vandal();
    let mut query = vandal
        .prepare("SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'")
        .unwrap();
    let names: Vec<(String, String)> = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(names.len() > 40, "{names:?}");
    for (table, column) in names {
        assert!(
            !RESERVED.contains(&table.as_str()) && !RESERVED.contains(&column.as_str()),
            "{table}.{column}"
        );
    }
}

#[test]
fn every_statement_is_understood_and_counts_its_parameters_in_order() {
    let home = Home::new();
    let connection = home.store.lock();
    for sql in statements() {
        // It is there already; what it makes is used by others.
        if sql.starts_with("CREATE TABLE ") {
            continue;
        }
        let prepared = connection
            .prepare(&sql)
            .unwrap_or_else(|error| panic!("{error}: {sql}"));
        // PostgreSQL takes `$2` for the second parameter, SQLite for the second name that occurs: in order it is the same.
        let mut seen = Vec::new();
        for rest in sql.split('$').skip(1) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let number: usize = digits.parse().unwrap_or_else(|_| panic!("{sql}"));
            if !seen.contains(&number) {
                seen.push(number);
            }
        }
        assert_eq!(seen, (1..=prepared.parameter_count()).collect::<Vec<_>>(), "{sql}");
    }
}
