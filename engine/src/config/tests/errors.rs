//! Input, and exactly what is told about it.

use std::path::Path;

use crate::config::Config;

/// A sound desk; what is tested stands before or after it.
const DESK: &str = r#"[[desk]]
name = "main"
modules = ["tickets"]
[desk.connection]
kind = "http"
url = "https://desk.example.com"
"#;

fn told(bytes: &[u8]) -> String {
    match Config::parse("f", bytes, Path::new("/etc")) {
        Ok(_) => "sound".into(),
        Err(problems) => problems.to_string(),
    }
}

pub(super) fn check(text: &str, expected: &[&str]) {
    assert_eq!(told(text.as_bytes()), expected.join("\n"), "\n--- for\n{text}");
}

/// [`check`] of lines that follow `DESK`, so from line 7 of the file on.
fn after_desk(text: &str, expected: &[&str]) {
    check(&format!("{DESK}{text}"), expected);
}

#[test]
fn sound_files_in_every_writing() {
    check(DESK, &["sound"]);
    check(&format!("\u{feff}{DESK}"), &["sound"]);
    check(&DESK.replace('\n', "\r\n"), &["sound"]);
    check(DESK.trim_end(), &["sound"]);
    after_desk("[archive]\nfolder = \"/サポート/🎫\"\n", &["sound"]);
    after_desk("in_flight = 0x10\nmax_response = '1GiB'\n", &["sound"]);
    check(
        "desk = [{ name = 'a', modules = ['m'], connection = { kind = 'http', url = 'https://a' } }]\nlog.level = 'warn'\n",
        &["sound"],
    );
    after_desk("[archive]\n[log]\n", &["sound"]);
}

#[test]
fn what_is_no_toml() {
    check(
        "a = \n",
        &["f:1:5: not TOML: string values must be quoted, expected literal string"],
    );
    check("a = 'x\n", &["f:1:7: not TOML: invalid literal string, expected `'`"]);
    check("[desk\nname = 'x'", &["f:1:6: not TOML: unclosed table, expected `]`"]);
    check(
        "[log]\nlevel = 'info'\nlevel = 'warn'\n",
        &["f:3:1: not TOML: duplicate key `level`"],
    );
    check("[archive]\n[archive]\n", &["f:2:2: not TOML: duplicate key `archive`"]);
    check(
        "[desk]\nname = 'a'\n[[desk]]\n",
        &["f:3:3: not TOML: duplicate key `desk`"],
    );
    check(
        "# 名前\n名前 = 1\n",
        &["f:2:1: not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`"],
    );
    check(
        "a = 1\n🎫\nb == 2\n",
        &[
            "f:2:1: not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`",
            "f:2:2: not TOML: key with no value, expected `=`",
            "f:3:4: not TOML: extra `=`, expected nothing",
            "f:3:6: not TOML: unexpected key or value, expected newline, `#`",
        ],
    );
    check(
        "\0",
        &[
            "f:1:1: not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`",
            "f:1:2: not TOML: key with no value, expected `=`",
        ],
    );
    // The place is told in characters, not bytes, and a byte-order mark is no character of the first line.
    check(
        "\u{feff}'票票' = 'x\n",
        &["f:1:10: not TOML: invalid literal string, expected `'`"],
    );
    check(
        "a = 1\r\nb = 'x\r\n",
        &[
            "f:2:7: not TOML: invalid literal string, expected non-single-quote visible characters",
            "f:2:8: not TOML: invalid literal string, expected `'`",
        ],
    );
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(told(deep.as_bytes()).contains("max recursion depth"));
}

#[test]
fn what_is_no_text() {
    for (bytes, expected) in [
        (
            &b"a = 1\nname = \"\x82\xb1\"\n"[..],
            "f:2:9: this is not UTF-8 text: save the file in UTF-8",
        ),
        (
            b"\xff\xfe[\0l\0o\0g\0]\0",
            "f:1:1: this is not UTF-8 text: save the file in UTF-8",
        ),
        ("# 票\n#".as_bytes(), "f:1:1: [[desk]] is missing in the file"),
        (
            &"票".as_bytes()[..2],
            "f:1:1: this is not UTF-8 text: save the file in UTF-8",
        ),
    ] {
        assert_eq!(told(bytes), expected);
    }
}

#[test]
fn what_is_missing() {
    check("", &["f:1:1: [[desk]] is missing in the file"]);
    check("desk = []\n", &["f:1:8: [[desk]] is missing in the file"]);
    check(
        "\n[[desk]]\n",
        &[
            "f:2:1: [desk.connection] is missing in [[desk]]",
            "f:2:1: `modules` is missing in [[desk]]; for example: modules = [\"tickets\", \"contacts\"]",
            "f:2:1: `name` is missing in [[desk]]; for example: name = \"main\"",
        ],
    );
    check(
        "[[desk]]\nname = 'a'\nmodules = ['m']\n[desk.connection]\n",
        &["f:4:1: `kind` is missing in [desk.connection]; for example: kind = \"sample\""],
    );
    after_desk(
        "auth = 'basic'\n",
        &[
            "f:4:1: `user` is missing in [desk.connection]; for example: user = \"root\"",
            "f:4:1: one of `password_env`, `password_file` and `password` is missing in [desk.connection]",
        ],
    );
    after_desk(
        "auth = 'bearer'\n",
        &["f:4:1: one of `token_env`, `token_file` and `token` is missing in [desk.connection]"],
    );
    after_desk(
        "auth = 'header'\n",
        &[
            "f:4:1: `header` is missing in [desk.connection]; for example: header = \"X-Api-Key\"",
            "f:4:1: one of `value_env`, `value_file` and `value` is missing in [desk.connection]",
        ],
    );
}

#[test]
fn what_is_unknown() {
    after_desk(
        "in_fligt = 3\n",
        &["f:7:1: unknown key `in_fligt` in [desk.connection]; did you mean `in_flight`?"],
    );
    after_desk(
        "folder = 'x'\n",
        &["f:7:1: unknown key `folder` in [desk.connection]; it belongs into [archive]"],
    );
    after_desk("colour = 'x'\n", &["f:7:1: unknown key `colour` in [desk.connection]"]);
    after_desk("\"\" = 1\n", &["f:7:1: unknown key `` in [desk.connection]"]);
    after_desk("'票 🎫' = 1\n", &["f:7:1: unknown key `票 🎫` in [desk.connection]"]);
    after_desk(
        "\"\\u001b[2J\" = 1\n",
        &["f:7:1: unknown key `\\u{1b}[2J` in [desk.connection]"],
    );
    after_desk(
        "[archiv]\nfolder = 'x'\n",
        &["f:7:2: unknown section [archiv]; did you mean [archive]?"],
    );
    after_desk(
        "[desk.conection]\nurl = 'x'\n",
        &["f:7:7: unknown section [desk.conection]; did you mean [desk.connection]?"],
    );
    after_desk("[desk.retention]\n", &["f:7:7: unknown section [desk.retention]"]);
    after_desk(
        "[archive.retention]\n",
        &["f:7:10: unknown section [archive.retention]"],
    );
    check(
        &format!("level = 'info'\n{DESK}"),
        &["f:1:1: unknown key `level` in the file; it belongs into [log]"],
    );
    let long = "k".repeat(100_000);
    after_desk(
        &format!("{long} = 1\n"),
        &[&format!(
            "f:7:1: unknown key `{}...` in [desk.connection]",
            "k".repeat(60)
        )],
    );
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn wrong_types_and_ranges() {
    for (line, expected) in [
        (
            "in_flight = '3'",
            "f:7:13: `in_flight` must be a whole number, without quotes, not text",
        ),
        (
            "in_flight = 3.5",
            "f:7:13: `in_flight` must be a whole number, without quotes, not a number with a fraction",
        ),
        ("in_flight = 0", "f:7:13: `in_flight` must be from 1 to 256, not 0"),
        ("in_flight = -1", "f:7:13: `in_flight` must be from 1 to 256, not -1"),
        ("in_flight = 257", "f:7:13: `in_flight` must be from 1 to 256, not 257"),
        (
            "in_flight = 99999999999999999999999999",
            "f:7:13: `in_flight` must be from 1 to 256, not 99999999999999999999999999",
        ),
        ("in_flight = 0x", "f:7:13: `in_flight` must be from 1 to 256, not 0x"),
        (
            "in_flight = inf",
            "f:7:13: `in_flight` must be a whole number, without quotes, not a number with a fraction",
        ),
        (
            "in_flight = [1]",
            "f:7:13: `in_flight` must be a whole number, without quotes, not a list",
        ),
        (
            "in_flight = {}",
            "f:7:13: `in_flight` must be a whole number, without quotes, not a section",
        ),
        (
            "in_flight = 2024-06-01",
            "f:7:13: `in_flight` must be a whole number, without quotes, not a date",
        ),
        (
            "allow_plain_http = 'true'",
            "f:7:20: `allow_plain_http` must be true or false, without quotes, not text",
        ),
        (
            "connect_timeout = 30",
            "f:7:19: `connect_timeout` must be a time in quotes, such as \"30s\", not a number",
        ),
        (
            "connect_timeout = '30'",
            "f:7:19: `connect_timeout` must be a time such as \"30s\", \"2m\" or \"1h\", not \"30\"",
        ),
        (
            "connect_timeout = '0s'",
            "f:7:19: `connect_timeout` must be from \"100ms\" to \"10m\", not \"0s\"",
        ),
        (
            "request_timeout = '2h'",
            "f:7:19: `request_timeout` must be from \"100ms\" to \"1h\", not \"2h\"",
        ),
        (
            "max_response = '64 MB!'",
            "f:7:16: `max_response` must be a size such as \"512 KiB\", \"64 MiB\" or \"1 GiB\", not \"64 MB!\"",
        ),
        (
            "max_response = '1 B'",
            "f:7:16: `max_response` must be from \"1 KiB\" to \"4 GiB\", not \"1 B\"",
        ),
        (
            "max_response = 64",
            "f:7:16: `max_response` must be a size in quotes, such as \"64 MiB\", not a number",
        ),
        (
            "auth = 'baisc'",
            "f:7:8: `auth` must be \"none\", \"basic\", \"bearer\" or \"header\", not \"baisc\"; did you mean \"basic\"?",
        ),
        (
            "auth = true",
            "f:7:8: `auth` must be \"none\", \"basic\", \"bearer\" or \"header\", not true or false",
        ),
        ("ca_file = ''", "f:7:11: `ca_file` must be a path"),
        (
            "ca_file = 1",
            "f:7:11: `ca_file` must be a path in quotes, not a number",
        ),
        (
            "ca_file = '~/ca.pem'",
            "f:7:11: `ca_file` must be written out: `~` stands for nothing here",
        ),
        (
            "[archive]\nheaders = 'two'",
            "f:8:11: `headers` must be \"labels\", \"names\" or \"both\", not \"two\"",
        ),
        (
            "[archive]\nrows_per_part = 0",
            "f:8:17: `rows_per_part` must be from 1 to 1000000000, not 0",
        ),
        (
            "[plugins]\nfolders = 'x'",
            "f:8:11: `folders` must be a list of paths, such as [\"plugins\"], not text",
        ),
        (
            "[plugins]\nfolders = []",
            "f:8:11: `folders` must have at least one item",
        ),
        (
            "[plugins]\nfolders = ['a', 1, 'a']",
            "f:8:17: items of this list must be text in quotes, not a number\nf:8:20: \"a\" stands twice in this list",
        ),
        (
            "[log]\nlevel = 'inof'",
            "f:8:9: `level` must be \"error\", \"warn\", \"info\", \"debug\" or \"trace\", not \"inof\"; did you mean \"info\"?",
        ),
        (
            "[[archive]]",
            "f:7:1: `archive` is a section: write [archive], with single brackets",
        ),
    ] {
        after_desk(&format!("{line}\n"), &[expected]);
    }
    check(
        "desk = 1\n",
        &["f:1:8: `desk` is a section: write [[desk]], with double brackets"],
    );
    check(
        "[desk]\nname = 'a'\n",
        &["f:1:1: `desk` is a section: write [[desk]], with double brackets"],
    );
    check(
        "desk = [1]\n",
        &["f:1:8: `desk` is a section: write [[desk]], with double brackets"],
    );
}

#[test]
fn desks() {
    let wish =
        "must consist of letters a to z, digits, `-`, `_` and `.`, start with a letter or digit and be at most 64 long";
    for name in [
        "",
        "サポート",
        "🎫",
        "../x",
        ".hidden",
        "-flag",
        "a/b",
        "a b",
        &"x".repeat(65),
    ] {
        check(&DESK.replace("main", name), &[&format!("f:2:8: `name` {wish}")]);
    }
    check(
        &format!("{DESK}{}", DESK.replace("main", "Main")),
        &["f:8:1: another desk is called \"Main\" too"],
    );
    check(
        &DESK.replace("[\"tickets\"]", "[\"tickets\", \"tickets\"]"),
        &["f:3:23: \"tickets\" stands twice in this list"],
    );
    check(
        &DESK.replace("[\"tickets\"]", "[\"Tickets\"]"),
        &["f:3:12: items of this list must be names of modules: lower-case letters, digits and `-`"],
    );
    check(
        &DESK.replace("[\"tickets\"]", "[]"),
        &["f:3:11: `modules` must have at least one item"],
    );
    check(
        &DESK.replace("[\"tickets\"]", "\"tickets\""),
        &["f:3:11: `modules` must be a list of names, such as [\"tickets\"], not text"],
    );
    check(
        &DESK.replace("\"http\"", "\"zendesk\""),
        &["f:5:8: `kind` must be \"http\", \"zoho\" or \"sample\", not \"zendesk\""],
    );
}

#[test]
fn urls() {
    let url = |url: &str, wish: &str| {
        check(
            &DESK.replace("https://desk.example.com", url),
            &[&format!("f:6:7: `url` must {wish}")],
        );
    };
    url("ftp://desk", "start with https:// or http://");
    url("desk.example.com", "start with https:// or http://");
    url("https://", "be a URL: empty host");
    url("https://a?key=1", "not have a query (`?`) or a fragment (`#`)");
    url(
        "https://a b",
        "be a URL without blanks, control characters and back slashes",
    );
    let plain = "f:6:1: `url` is plain HTTP to another machine: everyone on the way can read the records and the password; \
                 use https, or accept it with allow_plain_http = true";
    let open = DESK.replace("https", "http");
    check(&open, &[plain]);
    check(&format!("{open}allow_plain_http = true\n"), &["sound"]);
    check(&format!("{open}allow_plain_http = false\n"), &[plain]);
}

#[test]
fn authorisation_that_contradicts_itself() {
    after_desk(
        "auth = 'basic'\nuser = 'root'\npassword_env = 'P'\npassword_file = 'p'\npassword = 'hunter2'\n",
        &[
            "f:10:1: `password_file` and `password_env` exclude each other: keep one of them",
            "f:11:1: `password` and `password_env` exclude each other: keep one of them",
        ],
    );
    after_desk(
        "user = 'root'\ntoken = 'hunter2'\n",
        &[
            "f:7:1: `user` is for auth = \"basic\", and auth is \"none\" here",
            "f:8:1: `token` is for auth = \"bearer\", and auth is \"none\" here",
        ],
    );
    after_desk(
        "auth = 'bearer'\ntoken_env = 'T'\nvalue = 'hunter2'\n",
        &["f:9:1: `value` is for auth = \"header\", and auth is \"bearer\" here"],
    );
    after_desk(
        "auth = 'header'\nheader = 'Host'\nvalue_env = 'V'\n",
        &["f:8:10: `header` must be another header: this one belongs to HTTP or to the connection itself"],
    );
    after_desk(
        "auth = 'basic'\nuser = 'a:b'\npassword_env = 'P'\n",
        &["f:8:8: `user` must be a user's name without `:` and control characters"],
    );
}

/// Whatever is wrong with or around a secret, no message shows it.
#[test]
fn secrets_are_never_told() {
    for (lines, problems) in [
        ("auth = 'basic'\nuser = 'root'\npassword = \"hunter2\\n\"\n", 1),
        ("auth = 'basic'\nuser = 'root'\npassword = ['hunter2']\n", 1),
        ("auth = 'basic'\nuser = 'root'\npassword_env = 'hunter2!'\n", 1),
        (
            "auth = 'basic'\nuser = 'root'\npassword = 'hunter2'\npassword_env = 'P'\n",
            1,
        ),
        ("auth = 'basic'\nuser = 'root'\npasswrd = 'hunter2'\n", 2),
        ("auth = 'bearer'\ntoken = 'hunter2 票'\n", 1),
        ("auth = 'bearer'\ntoken = ' hunter2'\n", 1),
        ("auth = 'bearer'\ntoken = hunter2\n", 1),
        ("auth = 'bearer'\ntoken = 'hunter2\n", 1),
        ("auth = 'bearer'\ntoken = \"hunter2\\q\"\n", 1),
        ("auth = 'header'\nheader = 'X-Key: hunter2'\nvalue_env = 'V'\n", 1),
        ("password = 'hunter2'\n", 1),
    ] {
        let told = told(format!("{DESK}{lines}").as_bytes());
        assert_eq!(told.lines().count(), problems, "{told}\n--- for\n{lines}");
        assert!(told.starts_with("f:") && !told.contains("hunter2"), "{told}");
    }
    for url in [
        "https://root:hunter2@desk",
        "http://root:hunter2/x@desk",
        "root:hunter2@desk",
        "https://desk?p=hunter2",
        "https://hunter2 /",
    ] {
        let told = told(DESK.replace("https://desk.example.com", url).as_bytes());
        assert!(
            told.starts_with("f:6:7: `url` must ") && !told.contains("hunter2"),
            "{told}"
        );
    }
}

#[test]
fn all_errors_at_once_in_the_order_of_the_file() {
    let text = "[[desk]]\nnmae = 'a'\nmodules = ['m', 'm']\n[desk.connection]\nkind = 'htpp'\nurl = 'http://192.0.2.1'\n\
                in_flight = 0\n[log]\nlevel = 1\n[archive]\nfolders = ['x']\n";
    check(
        text,
        &[
            "f:1:1: `name` is missing in [[desk]]; for example: name = \"main\"",
            "f:2:1: unknown key `nmae` in [[desk]]; did you mean `name`?",
            "f:3:17: \"m\" stands twice in this list",
            "f:5:8: `kind` must be \"http\", \"zoho\" or \"sample\", not \"htpp\"; did you mean \"http\"?",
            "f:6:1: `url` is plain HTTP to another machine: everyone on the way can read the records and the password; \
         use https, or accept it with allow_plain_http = true",
            "f:7:13: `in_flight` must be from 1 to 256, not 0",
            "f:9:9: `level` must be \"error\", \"warn\", \"info\", \"debug\" or \"trace\", not a number",
            "f:11:1: unknown key `folders` in [archive]; did you mean `folder`?",
        ],
    );
}

/// As many errors as fit into a file of the largest size are found and placed in one pass each.
#[test]
fn a_flood_of_errors() {
    let flood: Vec<String> = (0..60_000).map(|number| format!("k{number} = 1\n")).collect();
    let told = told(flood.concat().as_bytes());
    assert_eq!(told.lines().count(), 60_001);
    assert_eq!(told.lines().last(), Some("f:60000:1: unknown key `k59999` in the file"));
}
