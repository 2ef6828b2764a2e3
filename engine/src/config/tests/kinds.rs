//! What belongs to which kind of connection.

use std::path::Path;
use std::time::Duration;

use super::errors::check;
use crate::config::Config;
use crate::connection::sample::Edition;
use crate::connection::settings::{Auth, Settings, Terms};

const HEAD: &str = "[[desk]]\nname = 'a'\nmodules = ['m']\n[desk.connection]\n";
const KEYS: &str = "client_id = '1000.A'\nclient_secret_env = 'S'\nrefresh_token_file = 'r'\n";

fn settings(keys: &str) -> Settings {
    match Config::parse("f", format!("{HEAD}{keys}").as_bytes(), Path::new("/etc")) {
        Ok(mut config) => config.desks.remove(0).connection,
        Err(problems) => panic!("{problems}"),
    }
}

#[test]
fn a_zoho_desk_is_named_by_its_data_center_or_its_hosts() {
    for (hosts, accounts, url) in [
        (
            "data_center = 'jp'",
            "https://accounts.zoho.jp",
            "https://desk.zoho.jp/api/v1",
        ),
        (
            "accounts_url = 'http://127.0.0.1:8080'\ndesk_url = 'http://127.0.0.1:8080/'",
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/api/v1",
        ),
    ] {
        let settings = settings(&format!(
            "kind = 'zoho'\n{hosts}\n{KEYS}in_flight = 7\nsearch_lag = '90s'\n"
        ));
        let Auth::Zoho(zoho) = &settings.auth else {
            panic!("a Zoho Desk")
        };
        assert_eq!((zoho.accounts_url.as_str(), settings.url.as_str()), (accounts, url));
        assert_eq!(zoho.client_secret.to_string(), "the environment variable S");
        let terms = Terms { in_flight: Some(7) };
        assert_eq!(settings.search_lag, Duration::from_secs(90));
        assert_eq!((zoho.terms, settings.limits.in_flight), (terms, 7));
    }
    let head = format!("{HEAD}kind = 'zoho'\n");
    let missing = "f:4:1: `data_center` is missing in [desk.connection]; for example: data_center = \"eu\" (or both \
                   `accounts_url` and `desk_url`)";
    check(&format!("{head}{KEYS}"), &[missing]);
    check(&format!("{head}{KEYS}desk_url = 'https://a.example'\n"), &[missing]);
    check(
        &format!("{head}{KEYS}data_center = 'eu'\ndesk_url = 'https://a.example'\n"),
        &["f:10:1: `desk_url` and `data_center` exclude each other: keep `data_center`, or both URLs"],
    );
    check(
        &format!("{head}{KEYS}data_center = 'ue'\n"),
        &[
            "f:9:15: `data_center` must be \"us\", \"eu\", \"in\", \"au\", \"jp\", \"ca\", \"cn\", \"sa\", \"sg\", \"ae\" or \
           \"uk\", not \"ue\"; did you mean \"us\"?",
        ],
    );
    check(
        &format!("{head}{KEYS}data_center = 'eu'\norg_id = 'acme'\n"),
        &["f:10:10: `org_id` must be the organisation's id, digits in quotes"],
    );
    check(
        &format!("{head}{KEYS}accounts_url = 'http://a.example'\ndesk_url = 'https://a.example'\n"),
        &[
            "f:9:1: `accounts_url` is plain HTTP to another machine: everyone on the way can read the records and the \
           password; use https, or accept it with allow_plain_http = true",
        ],
    );
}

#[test]
fn each_secret_of_a_zoho_desk_is_named_once() {
    let head = format!("{HEAD}kind = 'zoho'\ndata_center = 'eu'\n");
    check(
        &head,
        &["client_id", "client_secret", "refresh_token"]
            .map(|key| format!("f:4:1: one of `{key}_env`, `{key}_file` and `{key}` is missing in [desk.connection]"))
            .each_ref()
            .map(String::as_str),
    );
    check(
        &format!("{head}{KEYS}refresh_token = 'hunter2'\n"),
        &["f:10:1: `refresh_token` and `refresh_token_file` exclude each other: keep one of them"],
    );
}

#[test]
fn a_sample_desk_has_its_own_keys() {
    let settings = settings(
        "kind = 'sample'\nseed = 7\ntickets = 1_000\ncustom_fields = 0\nlatency = '50ms'\nedition = 'free'\n\
         search_lag = '1s'\n",
    );
    let Auth::Sample(sample) = &settings.auth else {
        panic!("a sample desk")
    };
    let desk = &sample.desk;
    assert_eq!((desk.seed, desk.tickets, desk.custom_fields), (7, 1000, 0));
    assert_eq!((desk.latency, desk.edition), (Duration::from_millis(50), Edition::Free));
    assert_eq!(settings.search_lag, Duration::from_secs(1));
}

#[test]
fn what_is_for_another_kind_is_refused() {
    let wrong = |kind: &str, key: &str, wanted: &str| {
        check(
            &format!("{HEAD}kind = '{kind}'\n{key}\n"),
            &[&format!(
                "f:6:1: `{}` is for kind = {wanted}, and kind is \"{kind}\" here",
                key.split(' ').next().unwrap()
            )],
        );
    };
    wrong("sample", "url = 'https://a.example'", "\"http\"");
    wrong("sample", "user = 'root'", "\"http\"");
    wrong("sample", "auth = 'basic'", "\"http\"");
    wrong("sample", "ca_file = 'a.pem'", "\"http\" or \"zoho\"");
    wrong("sample", "data_center = 'eu'", "\"zoho\"");
    check(
        &format!("{HEAD}kind = 'http'\nurl = 'https://a.example'\ntickets = 200\nsearch_lag = '1m'\n"),
        &["f:7:1: `tickets` is for kind = \"sample\", and kind is \"http\" here"],
    );
}
