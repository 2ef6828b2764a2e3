//! Who is notified, and how.

use std::time::Duration;

use super::{VARIABLE, key, seconds};
use crate::config::rules;
use crate::config::schema::{Key, Kind, Need, Section};

pub(super) const WEBHOOK: Section = Section {
    path: "webhook",
    repeated: true,
    required: false,
    doc: "A URL that is told by a POST of JSON; again and again, for about a day at most, until it answers 2xx. One section for each. With a secret (one of `secret_env`, `secret_file` and `secret`), it is signed: `X-Deskvault-Signature` is `v1=` and the hexadecimal HMAC-SHA-256 of `X-Deskvault-Timestamp`, a dot and the body.",
    keys: &[
        key(
            "url",
            Kind::Private(rules::webhook),
            Need::Required("\"https://hooks.example.com/deskvault\""),
            "The URL: http or https, without user and fragment. It is held for a secret and never shown. Each webhook has another one.",
        ),
        key(
            "secret_env",
            VARIABLE,
            Need::Optional("\"WEBHOOK_SECRET\""),
            "The environment variable that holds the secret.",
        ),
        key(
            "secret_file",
            Kind::Path,
            Need::Optional("\"webhook-secret.txt\""),
            "The file that holds the secret; one line end at its end does not belong to it.",
        ),
        key(
            "secret",
            Kind::Private(rules::secret),
            Need::Optional("\"secret\""),
            "The secret itself. The environment or a file is the better place.",
        ),
        TOPICS,
        key(
            "ca_file",
            Kind::Path,
            Need::Optional("\"ca.pem\""),
            "A PEM file of further certificate authorities to trust.",
        ),
        key(
            "allow_plain_http",
            Kind::Bool,
            Need::Default("false"),
            "Whether an `http` URL may lead to another machine, where everyone on the way can read the notifications. To this machine it always may.",
        ),
    ],
    sections: &[],
};

pub(super) const MAIL: Section = Section {
    path: "mail",
    repeated: false,
    required: false,
    doc: "How e-mail is sent. Without this section, none is. It goes to `to`, to the primary contact of the desk, and at the limit of records to the desk's support contact. Where the server wants a password, `user` is named with one of `password_env`, `password_file` and `password`.",
    keys: &[
        key(
            "host",
            Kind::Private(rules::host),
            Need::Required("\"smtp.example.com\""),
            "The SMTP server: a host's name or address.",
        ),
        key(
            "port",
            Kind::Integer { min: 1, max: 65_535 },
            Need::Optional("465"),
            "Its port. Without it: 465 for `tls`, 587 for `starttls`, 25 for `none`.",
        ),
        key(
            "security",
            Kind::OneOf(&["tls", "starttls", "none"]),
            Need::Default("\"tls\""),
            "What protects the way to it: TLS from the first byte; TLS by STARTTLS, and no mail where the server does not offer it; or nothing, which is allowed to this machine alone.",
        ),
        key(
            "user",
            Kind::Text(rules::secret),
            Need::Optional("\"deskvault\""),
            "The user's name, where the server asks for one.",
        ),
        key(
            "password_env",
            VARIABLE,
            Need::Optional("\"MAIL_PASSWORD\""),
            "The environment variable that holds the password.",
        ),
        key(
            "password_file",
            Kind::Path,
            Need::Optional("\"mail-password.txt\""),
            "The file that holds the password; one line end at its end does not belong to it.",
        ),
        key(
            "password",
            Kind::Private(rules::secret),
            Need::Optional("\"secret\""),
            "The password itself. The environment or a file is the better place.",
        ),
        key(
            "from",
            Kind::Text(rules::sender),
            Need::Required("\"deskvault@example.com\""),
            "The sender: an address, alone or behind a name, as in `Backups <deskvault@example.com>`.",
        ),
        key(
            "to",
            Kind::Emails,
            Need::Optional("[\"backups@example.com\"]"),
            "Addresses that get every notification, of whatever desk.",
        ),
        TOPICS,
        key(
            "timeout",
            Kind::Time {
                min: Duration::from_millis(100),
                max: seconds(600),
            },
            Need::Default("\"30s\""),
            "How long one try may take.",
        ),
        key(
            "ca_file",
            Kind::Path,
            Need::Optional("\"ca.pem\""),
            "A PEM file of further certificate authorities to trust.",
        ),
    ],
    sections: &[],
};

const TOPICS: Key = key(
    "topics",
    Kind::Words {
        words: &["ready", "failed", "limit_reached", "suspended", "schedule_ended"],
        may_be_empty: false,
    },
    Need::Default("[\"ready\", \"failed\", \"limit_reached\", \"suspended\", \"schedule_ended\"]"),
    "What is told: an archive is there, complete or not; a backup ended without one; it came to the limit of records; it waits until somebody mends what is in its way; a schedule came to its end.",
);
