//! What the service goes by: people, limits, schedules, the daemon.

use super::{LONGEST, key, seconds};
use crate::config::rules;
use crate::config::schema::{Key, Kind, Need, Section};

pub(super) const SCHEDULE: Section = Section {
    path: "desk.schedule",
    repeated: false,
    required: false,
    doc: "When backups of the desk above it run by themselves, while `deskvault daemon` runs. The first run takes everything, later ones what is new or changed. A changed declaration replaces the schedule; an unchanged one that a person stopped stays stopped; one that is taken out stops the schedule that came from it.",
    keys: &[
        key(
            "every",
            Kind::OneOf(&["weekly", "fortnightly", "monthly", "quarterly"]),
            Need::Required("\"weekly\""),
            "How often. Fortnights and quarters are counted from the first run.",
        ),
        key(
            "on",
            Kind::Text(rules::day),
            Need::Required("\"fri\""),
            "The day. Weekly and fortnightly: a weekday, `mon` to `sun`. Monthly and quarterly: `first`, `second`, `third`, `fourth` or `last` and a weekday, as in `last fri`, or a day of the month, `1` to `31`; 29 to 31 fall on the last day of a shorter month.",
        ),
        key(
            "at",
            Kind::Text(rules::time_of_day),
            Need::Required("\"02:00\""),
            "The time of day. One that a day does not have, because the clock is put forward, is the first moment after the gap; one that it has twice is the first of the two.",
        ),
        key(
            "zone",
            Kind::Text(rules::zone),
            Need::Default("\"UTC\""),
            "The time zone in which days and times are meant, by its IANA name, e.g. `Asia/Tokyo`.",
        ),
        key(
            "from",
            Kind::Date,
            Need::Optional("\"2026-10-01\""),
            "The first day on which it may run. Without it, the day on which it is set.",
        ),
        key(
            "until",
            Kind::Date,
            Need::Required("\"2027-03-31\""),
            "The last day on which it runs.",
        ),
        key(
            "make_up",
            Kind::Bool,
            Need::Default("true"),
            "Whether a run that was missed, because the daemon was down, is made up once as soon as it runs again; however many were missed, once. Without it, the next run is the next one of the calendar.",
        ),
    ],
    sections: &[],
};

pub(super) const PERSON: Section = Section {
    path: "person",
    repeated: true,
    required: false,
    doc: "Somebody who has to do with backups. One section for each. What a person may do, each desk says: `primary_contact` and `viewers`. The command line of the machine acts as the primary contact, whether there are people or not.",
    keys: &[
        key(
            "name",
            Kind::Text(rules::person),
            Need::Required("\"Ann Archer\""),
            "As desks and the history call this person: at most 100 characters. Each person has another name, also when upper and lower case are held for the same.",
        ),
        key(
            "email",
            Kind::Text(rules::email),
            Need::Optional("\"ann@example.com\""),
            "Where notifications go.",
        ),
        key(
            "password_hash",
            Kind::Private(rules::password_hash),
            Need::Optional(
                "\"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$yvoBlFZwBwW5QF5APFC6MtCCqPE5qx4Z5/2C2XUOrYU\"",
            ),
            "The hash of this person's password, argon2id in PHC form, as `deskvault user hash` makes it. Never the password itself.",
        ),
    ],
    sections: &[],
};

pub(super) const LIMITS: Section = Section {
    path: "limits",
    repeated: false,
    required: false,
    doc: "Which backups are allowed. The defaults are Zoho Desk's own rules.",
    keys: &[
        key(
            "full_every",
            Kind::Time {
                min: seconds(0),
                max: LONGEST,
            },
            Need::Default("\"30d\""),
            "How long after the start of a full backup no other one may start. One that failed before there was an archive does not count; the first run of a schedule counts, and is never refused. `0s`: any number.",
        ),
        key(
            "custom_range",
            Kind::Time {
                min: seconds(0),
                max: LONGEST,
            },
            Need::Default("\"31d\""),
            "The longest range of a custom backup, in days of 24 hours. `--split` cuts a longer one. `0s`: any range.",
        ),
        key(
            "records",
            Kind::Integer {
                min: 1,
                max: 1_000_000_000,
            },
            Need::Default("10_000_000"),
            "Records in one backup at most. One of a desk that counts more starts only with `--allow-partial`; one that comes to the limit stops there, says so, and keeps what it has.",
        ),
    ],
    sections: &[EDITIONS],
};

const EDITIONS: Section = Section {
    path: "limits.editions",
    repeated: false,
    required: false,
    doc: "Which kinds of backup a desk of each edition may make. An empty list: none.",
    keys: &[
        edition("free"),
        edition("express"),
        edition("standard"),
        edition("professional"),
        edition("enterprise"),
    ],
    sections: &[],
};

const fn edition(name: &'static str) -> Key {
    let kinds = Kind::Words {
        words: &["full", "custom", "incremental"],
        may_be_empty: true,
    };
    let all = Need::Default("[\"full\", \"custom\", \"incremental\"]");
    key(name, kinds, all, "Kinds that a desk of this edition may make.")
}

pub(super) const DAEMON: Section = Section {
    path: "daemon",
    repeated: false,
    required: false,
    doc: "How `deskvault daemon` behaves.",
    keys: &[
        key(
            "grace",
            Kind::Time {
                min: seconds(0),
                max: seconds(3600),
            },
            Need::Default("\"30s\""),
            "How long running backups get to end when the daemon is stopped. The service manager's own patience must be longer: `TimeoutStopSec` of the systemd unit.",
        ),
        key(
            "memory",
            Kind::Size {
                min: 128 << 20,
                max: 1 << 44,
            },
            Need::Default("\"2 GiB\""),
            "Memory that the process of one backup may have (its data, `RLIMIT_DATA`). An exporter that wants more ends that process. Where something of the backup is kept, it is gone on with, three times in a row at most, and then waits for a person, who gives it more; otherwise it has failed.",
        ),
        key(
            "open_files",
            Kind::Integer {
                min: 64,
                max: 1_000_000,
            },
            Need::Default("4096"),
            "Files and connections that the process of one backup may have open, as far as the system's own limit lets it. Each table takes one.",
        ),
        key(
            "longest_backup",
            Kind::Time {
                min: seconds(0),
                max: LONGEST,
            },
            Need::Default("\"31d\""),
            "How long the process of one backup may run, waits for credits not counted. Then it is stopped, and the backup goes on in another one; one that got no further three times in a row waits for a person. `0s`: any time.",
        ),
        key(
            "sandbox",
            Kind::OneOf(&["require", "try", "off"]),
            Need::Default("\"try\""),
            "Whether the process of a backup is shut in (by Landlock), so that exporters reach neither the memory of deskvault nor its key, its archives and its secrets. `require`: no backup without it. `try`: a warning where the kernel cannot. `off`: never.",
        ),
    ],
    sections: &[],
};
