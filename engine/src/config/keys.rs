//! Every section and key of the configuration, in one table. Validation, `deskvault config keys` and the
//! specification in `config/README.md` are made from it.
//!
//! To add a key: add it here, take its value in [`super::build`], and put it into `config/full.toml`.

mod connection;
mod notify;
mod service;

use std::time::Duration;

use super::rules;
use super::schema::{Key, Kind, Need, Section, When};

const fn key(name: &'static str, kind: Kind, need: Need, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        need,
        when: &[],
        doc,
    }
}

const fn key_for(name: &'static str, when: When, kind: Kind, need: Need, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        need,
        when,
        doc,
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The longest that anything may be kept or kept apart: a century.
const LONGEST: Duration = seconds(36_500 * 86_400);
const VARIABLE: Kind = Kind::Private(rules::variable);

/// The whole file.
pub(super) static ROOT: Section = Section {
    path: "",
    repeated: false,
    required: true,
    doc: "",
    keys: &[],
    sections: &[
        DESK,
        service::PERSON,
        service::LIMITS,
        ARCHIVE,
        BACKUP,
        PLUGINS,
        notify::WEBHOOK,
        notify::MAIL,
        service::DAEMON,
        LOG,
    ],
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
            Need::Required("[\"tickets\", \"contacts\"]"),
            "What is backed up: the modules of the exporters, as `deskvault plugins list` shows them.",
        ),
        key(
            "primary_contact",
            Kind::Text(rules::person),
            Need::Optional("\"Ann Archer\""),
            "The name of the only person who may start and stop backups of this desk, set its schedule, download and delete. Required as soon as there is a `[[person]]`. Notifications by e-mail go to this person too.",
        ),
        key(
            "viewers",
            Kind::Names(rules::person),
            Need::Optional("[\"Ben Baker\"]"),
            "Names of people who may see this desk's list of backups, its schedule and its history, and nothing else.",
        ),
        key(
            "support_contact",
            Kind::Text(rules::email),
            Need::Optional("\"support@example.com\""),
            "The e-mail address that is told too when a backup of this desk comes to the limit of records.",
        ),
        key(
            "credits_reserve",
            Kind::Text(rules::reserve),
            Need::Default("\"20%\""),
            "What of each day's API credits is kept for the other programs that use the desk, where it charges credits: a share of the day's, e.g. `\"20%\"`, or a number of them, e.g. `\"5000\"`. Once no more than that is left, a backup waits for the next day's. A number that is more than the desk gives a day is refused as soon as that is certain. `\"0\"`: nothing.",
        ),
    ],
    sections: &[connection::CONNECTION, service::SCHEDULE],
};

const ARCHIVE: Section = Section {
    path: "archive",
    repeated: false,
    required: false,
    doc: "How archives are written, where, and how long they are kept.",
    keys: &[
        key(
            "folder",
            Kind::Path,
            Need::Default("\"backups\""),
            "The data directory: finished archives, what belongs to a backup under way, and deskvault's own memory (`deskvault.db`, `deskvault.key`). Two configurations that share it share schedules and history.",
        ),
        key(
            "expire_after",
            Kind::Time {
                min: seconds(1),
                max: LONGEST,
            },
            Need::Default("\"7d\""),
            "How long after it was made an archive is kept; then its file and its place in the list go, and the history stays. It holds for archives that are made from then on. One that `--out` put elsewhere does not expire.",
        ),
        key(
            "link_url",
            Kind::Private(rules::link),
            Need::Optional("\"https://backup.example.com\""),
            "The URL below which links to archives lie. Without it, links start with `deskvault:`, and only `deskvault download` takes them.",
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

const BACKUP: Section = Section {
    path: "backup",
    repeated: false,
    required: false,
    doc: "How a backup under way keeps what it has, so that it can be gone on with after a crash, a restart or a fault.",
    keys: &[
        key(
            "checkpoint_rows",
            Kind::Integer {
                min: 2,
                max: 1_000_000_000,
            },
            Need::Default("10_000"),
            "Rows of one module that may have to be read again after a crash. Fewer cost more writing to the disk.",
        ),
        key(
            "checkpoint_every",
            Kind::Time {
                min: Duration::from_millis(100),
                max: seconds(86_400),
            },
            Need::Default("\"30s\""),
            "How much time's work may have to be done again after a crash.",
        ),
        key(
            "keep_suspended",
            Kind::Time {
                min: seconds(1),
                max: LONGEST,
            },
            Need::Default("\"7d\""),
            "How long after its last checkpoint a backup that cannot be gone on with is kept. Then the daemon makes an incomplete archive of what it has. One whose desk is not in the configuration is kept as it is.",
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
        key(
            "require_trust",
            Kind::Bool,
            Need::Optional("true"),
            "Whether an exporter is only loaded if its very file was trusted, with `deskvault plugins trust FILE`. Without it: those in other folders than the installation's own, which are named under `folders`. A file that was trusted and has changed since is refused in any case.",
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
