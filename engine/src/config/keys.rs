//! Every section and key of the configuration, in one table. Validation, `deskvault config keys` and the
//! specification in `config/README.md` are made from it.
//!
//! To add a key: add it here, take its value in [`super::build`], and put it into `config/full.toml`.

use std::time::Duration;

use super::rules;
use super::schema::{Key, Kind, Need, Section};

const fn key(name: &'static str, kind: Kind, need: Need, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        need,
        when: None,
        doc,
    }
}

const fn key_for(
    name: &'static str,
    when: (&'static str, &'static str),
    kind: Kind,
    need: Need,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        need,
        when: Some(when),
        doc,
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const BASIC: (&str, &str) = ("auth", "basic");
const BEARER: (&str, &str) = ("auth", "bearer");
const HEADER: (&str, &str) = ("auth", "header");
const VARIABLE: Kind = Kind::Private(rules::variable);

/// The whole file.
pub(super) static ROOT: Section = Section {
    path: "",
    repeated: false,
    required: true,
    doc: "",
    keys: &[],
    sections: &[DESK, ARCHIVE, PLUGINS, LOG],
};

const DESK: Section = Section {
    path: "desk",
    repeated: true,
    required: true,
    doc: "A help desk that is backed up. One section for each.",
    keys: &[
        key(
            "name",
            Kind::Text(rules::desk_name),
            Need::Required("\"main\""),
            "How commands and archives call it: letters, digits, `-`, `_` and `.`, at most 64, the first a letter or digit. Each desk has another name, also when upper and lower case are held for the same.",
        ),
        key(
            "modules",
            Kind::Names(rules::module),
            Need::Required("[\"request-tracker\"]"),
            "What is backed up: the modules of the exporters, as `deskvault plugins list` shows them.",
        ),
    ],
    sections: &[CONNECTION],
};

const CONNECTION: Section = Section {
    path: "desk.connection",
    repeated: false,
    required: true,
    doc: "How the desk above it is reached. Of `password`, `password_env` and `password_file` exactly one stands there for basic authorisation; so do one of `token`, `token_env`, `token_file` for bearer and one of `value`, `value_env`, `value_file` for header.",
    keys: &[
        key(
            "kind",
            Kind::OneOf(&["http"]),
            Need::Required("\"http\""),
            "What the connection speaks. `http`: plain requests to a base URL.",
        ),
        key(
            "url",
            Kind::Private(rules::url),
            Need::Required("\"https://desk.example.com\""),
            "The base URL, below which all requests go: http or https, without user, query and fragment.",
        ),
        key(
            "auth",
            Kind::OneOf(&["none", "basic", "bearer", "header"]),
            Need::Default("\"none\""),
            "How requests are authorised.",
        ),
        key_for(
            "user",
            BASIC,
            Kind::Text(rules::user),
            Need::Required("\"root\""),
            "The user's name.",
        ),
        key_for(
            "password_env",
            BASIC,
            VARIABLE,
            Need::Optional("\"DESK_PASSWORD\""),
            "The environment variable that holds the password.",
        ),
        key_for(
            "password_file",
            BASIC,
            Kind::Path,
            Need::Optional("\"password.txt\""),
            "The file that holds the password; one line end at its end does not belong to it.",
        ),
        key_for(
            "password",
            BASIC,
            Kind::Private(rules::secret),
            Need::Optional("\"secret\""),
            "The password itself. The environment or a file is the better place.",
        ),
        key_for(
            "token_env",
            BEARER,
            VARIABLE,
            Need::Optional("\"DESK_TOKEN\""),
            "The environment variable that holds the token.",
        ),
        key_for(
            "token_file",
            BEARER,
            Kind::Path,
            Need::Optional("\"token.txt\""),
            "The file that holds the token; one line end at its end does not belong to it.",
        ),
        key_for(
            "token",
            BEARER,
            Kind::Private(rules::header_value),
            Need::Optional("\"secret\""),
            "The token itself. The environment or a file is the better place.",
        ),
        key_for(
            "header",
            HEADER,
            Kind::Private(rules::header_name),
            Need::Required("\"X-Api-Key\""),
            "The name of the header that authorises.",
        ),
        key_for(
            "value_env",
            HEADER,
            VARIABLE,
            Need::Optional("\"DESK_KEY\""),
            "The environment variable that holds the header's value.",
        ),
        key_for(
            "value_file",
            HEADER,
            Kind::Path,
            Need::Optional("\"key.txt\""),
            "The file that holds the header's value; one line end at its end does not belong to it.",
        ),
        key_for(
            "value",
            HEADER,
            Kind::Private(rules::header_value),
            Need::Optional("\"secret\""),
            "The header's value itself. The environment or a file is the better place.",
        ),
        key(
            "allow_plain_http",
            Kind::Bool,
            Need::Default("false"),
            "Whether an `http` URL may lead to another machine, where everyone on the way can read the records and the password. To this machine (`localhost`, `127.0.0.1`, `::1`) it always may.",
        ),
        key(
            "ca_file",
            Kind::Path,
            Need::Optional("\"ca.pem\""),
            "A PEM file of further certificate authorities to trust.",
        ),
        key(
            "in_flight",
            Kind::Integer { min: 1, max: 256 },
            Need::Default("10"),
            "Requests in flight at one time, over all modules of the desk.",
        ),
        key(
            "attempts",
            Kind::Integer { min: 1, max: 20 },
            Need::Default("6"),
            "How often a request is tried in all, the first time included.",
        ),
        key(
            "connect_timeout",
            Kind::Time {
                min: Duration::from_millis(100),
                max: seconds(600),
            },
            Need::Default("\"10s\""),
            "Time to connect.",
        ),
        key(
            "request_timeout",
            Kind::Time {
                min: Duration::from_millis(100),
                max: seconds(3600),
            },
            Need::Default("\"2m\""),
            "Time for one try, from sending to the last byte of the answer.",
        ),
        key(
            "max_response",
            Kind::Size {
                min: 1 << 10,
                max: 4 << 30,
            },
            Need::Default("\"64 MiB\""),
            "The largest answer that is taken, unpacked.",
        ),
        key(
            "max_waiting",
            Kind::Size {
                min: 1 << 10,
                max: 4 << 30,
            },
            Need::Default("\"32 MiB\""),
            "Answers that wait to be written, over all modules of the desk: beyond it no further request is started.",
        ),
        key(
            "max_redirects",
            Kind::Integer { min: 0, max: 20 },
            Need::Default("5"),
            "Redirects that are followed for one request.",
        ),
    ],
    sections: &[],
};

const ARCHIVE: Section = Section {
    path: "archive",
    repeated: false,
    required: false,
    doc: "How archives are written, and where.",
    keys: &[
        key(
            "folder",
            Kind::Path,
            Need::Default("\"backups\""),
            "The folder for finished archives; what belongs to a backup under way is kept below it too.",
        ),
        key(
            "headers",
            Kind::OneOf(&["labels", "names", "both"]),
            Need::Default("\"both\""),
            "Header rows of every CSV file: the labels that people read, the API's names, or both, labels first.",
        ),
        key(
            "byte_order_mark",
            Kind::Bool,
            Need::Default("false"),
            "Whether every CSV file starts with the UTF-8 byte-order mark, as some spreadsheets want it.",
        ),
        key(
            "rows_per_part",
            Kind::Integer {
                min: 1,
                max: 1_000_000_000,
            },
            Need::Default("1_000_000"),
            "Rows in one CSV file at most, header rows not counted; a longer table is continued in the next part.",
        ),
        key(
            "packers",
            Kind::Integer { min: 0, max: 256 },
            Need::Default("0"),
            "Threads that pack. 0: one for each processor.",
        ),
    ],
    sections: &[],
};

const PLUGINS: Section = Section {
    path: "plugins",
    repeated: false,
    required: false,
    doc: "The exporters.",
    keys: &[
        key(
            "folders",
            Kind::Paths,
            Need::Optional("[\"plugins\"]"),
            "The folders in which exporters are looked for, every library in them, and nowhere else. Without it: beside the `deskvault` executable (only files called `libdeskvault_*`), in `plugins` beside it, and in `../lib/deskvault/plugins` from there.",
        ),
        key(
            "stall_timeout",
            Kind::Time {
                min: seconds(1),
                max: seconds(86_400),
            },
            Need::Default("\"2m\""),
            "How long an exporter may do nothing for the backup, while it waits for no answer of the desk, before it is given up.",
        ),
        key(
            "describe_timeout",
            Kind::Time {
                min: Duration::from_millis(100),
                max: seconds(600),
            },
            Need::Default("\"10s\""),
            "How long an exporter may take to describe itself when it is loaded.",
        ),
    ],
    sections: &[],
};

const LOG: Section = Section {
    path: "log",
    repeated: false,
    required: false,
    doc: "What is told on standard error.",
    keys: &[
        key(
            "level",
            Kind::OneOf(&["error", "warn", "info", "debug", "trace"]),
            Need::Default("\"info\""),
            "The most detailed messages that are told; `-v` tells more, `-q` less.",
        ),
        key(
            "format",
            Kind::OneOf(&["text", "json"]),
            Need::Default("\"text\""),
            "Lines for people, or one JSON object a line.",
        ),
    ],
    sections: &[],
};
