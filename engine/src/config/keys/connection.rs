//! How a desk is reached.

use std::time::Duration;

use super::{VARIABLE, key, key_for, seconds};
use crate::config::rules;
use crate::config::schema::{Kind, Need, Section, When};
use crate::connection::zoho::centre;

const HTTP: When = &[("kind", &["http"])];
const ZOHO: When = &[("kind", &["zoho"])];
const SAMPLE: When = &[("kind", &["sample"])];
/// Kinds that reach what somebody else runs.
const REMOTE: When = &[("kind", &["http", "zoho"])];
/// Kinds that speak as Zoho Desk does.
const BASIC: When = &[("kind", &["http"]), ("auth", &["basic"])];
const BEARER: When = &[("kind", &["http"]), ("auth", &["bearer"])];
const HEADER: When = &[("kind", &["http"]), ("auth", &["header"])];

pub(super) const CONNECTION: Section = Section {
    path: "desk.connection",
    repeated: false,
    required: true,
    doc: "How the desk above it is reached. A secret is in one of three places, and exactly one of them is named: `password_env`, `password_file` or `password` for basic authorisation; so it is with `token` for bearer, with `value` for header, and with `client_id`, `client_secret` and `refresh_token` for Zoho Desk. A Zoho Desk's hosts are named by `data_center`, or by `accounts_url` and `desk_url`.",
    keys: &[
        key(
            "kind",
            Kind::OneOf(&["http", "zoho", "sample"]),
            Need::Required("\"sample\""),
            "What the connection speaks. `http`: plain requests to a base URL. `zoho`: Zoho Desk's API. `sample`: the same, with a desk of made-up records that runs in deskvault itself.",
        ),
        key_for(
            "url",
            HTTP,
            Kind::Private(rules::url),
            Need::Required("\"https://desk.example.com\""),
            "The base URL, below which all requests go: http or https, without user, query and fragment.",
        ),
        key_for(
            "auth",
            HTTP,
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
        key_for(
            "data_center",
            ZOHO,
            Kind::OneOf(&centre::NAMES),
            Need::Optional("\"eu\""),
            "Zoho's data centre where the account is: the end of the address under which its people sign in.",
        ),
        key_for(
            "accounts_url",
            ZOHO,
            Kind::Private(rules::url),
            Need::Optional("\"https://accounts.zoho.eu\""),
            "The URL of the server that gives tokens, in place of the data centre's.",
        ),
        key_for(
            "desk_url",
            ZOHO,
            Kind::Private(rules::url),
            Need::Optional("\"https://desk.zoho.eu\""),
            "The URL of the desk, in place of the data centre's.",
        ),
        key_for(
            "org_id",
            ZOHO,
            Kind::Text(rules::org_id),
            Need::Optional("\"20077001\""),
            "The organisation's id. Without it: the only one that the refresh token may see, or the default one.",
        ),
        key_for(
            "client_id_env",
            ZOHO,
            VARIABLE,
            Need::Optional("\"ZOHO_CLIENT_ID\""),
            "The environment variable that holds the id of the self client, as Zoho's API console gives it.",
        ),
        key_for(
            "client_id_file",
            ZOHO,
            Kind::Path,
            Need::Optional("\"client-id.txt\""),
            "The file that holds the id of the self client.",
        ),
        key_for(
            "client_id",
            ZOHO,
            Kind::Private(rules::header_value),
            Need::Optional("\"1000.ABC\""),
            "The id of the self client itself; it is no secret by itself.",
        ),
        key_for(
            "client_secret_env",
            ZOHO,
            VARIABLE,
            Need::Optional("\"ZOHO_CLIENT_SECRET\""),
            "The environment variable that holds the client's secret.",
        ),
        key_for(
            "client_secret_file",
            ZOHO,
            Kind::Path,
            Need::Optional("\"client-secret.txt\""),
            "The file that holds the client's secret; one line end at its end does not belong to it.",
        ),
        key_for(
            "client_secret",
            ZOHO,
            Kind::Private(rules::header_value),
            Need::Optional("\"secret\""),
            "The client's secret itself. The environment or a file is the better place.",
        ),
        key_for(
            "refresh_token_env",
            ZOHO,
            VARIABLE,
            Need::Optional("\"ZOHO_REFRESH_TOKEN\""),
            "The environment variable that holds the refresh token.",
        ),
        key_for(
            "refresh_token_file",
            ZOHO,
            Kind::Path,
            Need::Optional("\"refresh-token.txt\""),
            "The file that holds the refresh token; `deskvault connect` writes it.",
        ),
        key_for(
            "refresh_token",
            ZOHO,
            Kind::Private(rules::header_value),
            Need::Optional("\"secret\""),
            "The refresh token itself. The environment or a file is the better place.",
        ),
        key(
            "search_lag",
            Kind::Time {
                min: seconds(0),
                max: seconds(86_400),
            },
            Need::Optional("\"5m\""),
            "How far the desk's search may be behind what was written, and its clock behind this machine's: what is younger than that when a backup starts is for the next one. Without it: 5 minutes for `zoho`, 1 minute for `http`, none for `sample`. A desk whose clock is further behind than this allows, less a minute for the search or half of it, is refused.",
        ),
        key_for(
            "seed",
            SAMPLE,
            Kind::Integer {
                min: 0,
                max: i64::MAX as u64,
            },
            Need::Default("1"),
            "What the sample desk's records are computed from: the same seed, the same records.",
        ),
        key_for(
            "tickets",
            SAMPLE,
            Kind::Integer {
                min: 100,
                max: 1_500_000,
            },
            Need::Default("200"),
            "How many tickets the sample desk has; all else is in proportion.",
        ),
        key_for(
            "custom_fields",
            SAMPLE,
            Kind::Integer { min: 0, max: 40 },
            Need::Default("8"),
            "Custom fields of each of the sample desk's modules that has them.",
        ),
        key_for(
            "latency",
            SAMPLE,
            Kind::Time {
                min: seconds(0),
                max: seconds(60),
            },
            Need::Default("\"0ms\""),
            "How long the sample desk takes for each answer.",
        ),
        key_for(
            "edition",
            SAMPLE,
            Kind::OneOf(&["free", "express", "standard", "professional", "enterprise"]),
            Need::Default("\"enterprise\""),
            "The sample desk's edition, which says how many requests it answers at one time. `deskvault sample-desk` has more to choose.",
        ),
        key_for(
            "allow_plain_http",
            REMOTE,
            Kind::Bool,
            Need::Default("false"),
            "Whether an `http` URL may lead to another machine, where everyone on the way can read the records and the password. To this machine (`localhost`, `127.0.0.1`, `::1`) it always may.",
        ),
        key_for(
            "ca_file",
            REMOTE,
            Kind::Path,
            Need::Optional("\"ca.pem\""),
            "A PEM file of further certificate authorities to trust.",
        ),
        key(
            "in_flight",
            Kind::Integer { min: 1, max: 256 },
            Need::Optional("10"),
            "Requests in flight at one time, over all modules of the desk. Without it: 10 for `http`; for `zoho` and `sample` what the desk's edition answers at one time, 5 to 25.",
        ),
        key(
            "attempts",
            Kind::Integer { min: 1, max: 20 },
            Need::Default("6"),
            "How often a request is tried in all, the first time included. A Zoho Desk that asks for fewer requests at one time is asked twice as often.",
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
        key(
            "idle_timeout",
            Kind::Time {
                min: Duration::from_millis(10),
                max: seconds(3600),
            },
            Need::Default("\"30s\""),
            "Time without a further byte of an answer that has begun.",
        ),
        key(
            "first_wait",
            Kind::Time {
                min: Duration::from_millis(1),
                max: seconds(60),
            },
            Need::Default("\"1s\""),
            "The longest wait before the second try of a request. It doubles with each further try, up to a minute; so do the waits between two looks at a desk that does not answer.",
        ),
        key(
            "patience",
            Kind::Time {
                min: seconds(1),
                max: seconds(86_400),
            },
            Need::Default("\"15m\""),
            "How long a desk that answered and does not any more is waited for, before the backup is suspended.",
        ),
    ],
    sections: &[],
};
