//! How a desk is reached.

use std::path::Path;
use std::time::Duration;

use super::{secret, set, url};
use crate::config::check::Checked;
use crate::config::problem::Found;
use crate::connection::sample::{self, Edition};
use crate::connection::settings::{Auth, Sample, Settings, Terms, Zoho};
use crate::connection::zoho::centre;

/// How far a Zoho Desk's search is behind. No figure is documented: "seconds to minutes" is what its users see.
const SEARCH_LAG: Duration = Duration::from_mins(5);

/// How far the clock of another help desk may be behind, and what it is still writing.
const CLOCKS: Duration = Duration::from_mins(1);

/// What a connection without protection shows.
const WHAT: &str = "the records and the password";

/// How the desk is reached.
pub(super) fn reach(section: &mut Checked, folder: &Path, settings: &mut Settings, found: &mut Found) {
    let in_flight = section.integer("in_flight").map(|number| number as usize);
    set(&mut settings.allow_plain_http, section.bool("allow_plain_http"));
    settings.ca_file = section.path("ca_file", folder);
    let search_lag = section.time("search_lag");
    let terms = Terms { in_flight };
    let kind = section.text("kind");
    settings.search_lag = search_lag.unwrap_or(match kind.as_deref() {
        Some("zoho") => SEARCH_LAG,
        Some("sample") => Duration::ZERO,
        _ => CLOCKS,
    });
    match kind.as_deref() {
        Some("zoho") => zoho(section, folder, terms, settings, found),
        Some("sample") => {
            settings.auth = Auth::Sample(Sample {
                desk: sample_desk(section),
                terms,
            });
        }
        kind => {
            settings.url = url(section, "url", settings.allow_plain_http, WHAT, found).unwrap_or_default();
            // A wrong kind was reported, and says nothing about what should stand beside it.
            if kind.is_some() {
                settings.auth = auth(section, folder, found);
            }
        }
    }
    let limits = &mut settings.limits;
    set(&mut limits.in_flight, in_flight);
    set(
        &mut limits.attempts,
        section.integer("attempts").map(|number| number as u32),
    );
    set(&mut limits.connect_timeout, section.time("connect_timeout"));
    set(&mut limits.request_timeout, section.time("request_timeout"));
    set(&mut limits.max_response_bytes, section.size("max_response"));
    set(&mut limits.max_waiting_bytes, section.size("max_waiting"));
    set(
        &mut limits.max_redirects,
        section.integer("max_redirects").map(|number| number as usize),
    );
    set(&mut limits.idle_timeout, section.time("idle_timeout"));
    set(&mut limits.first_wait, section.time("first_wait"));
    set(&mut limits.patience, section.time("patience"));
}

fn zoho(section: &mut Checked, folder: &Path, terms: Terms, settings: &mut Settings, found: &mut Found) {
    let place = |section: &Checked, key: &str| section.values.get(key).map(|(place, _)| *place);
    let named = place(section, "data_center");
    let urls = ["accounts_url", "desk_url"].map(|key| (key, place(section, key)));
    match (named, urls) {
        (Some(_), _) => {
            for (key, place) in urls {
                if let Some(place) = place {
                    found.add(
                        place,
                        format!("`{key}` and `data_center` exclude each other: keep `data_center`, or both URLs"),
                    );
                }
            }
        }
        (None, [(_, Some(_)), (_, Some(_))]) => {}
        (None, _) => found.add(
            section.at,
            "`data_center` is missing in [desk.connection]; for example: data_center = \"eu\" (or both `accounts_url` \
             and `desk_url`)",
        ),
    }
    let centre = section.text("data_center").and_then(|name| centre::by_name(&name));
    let plain = settings.allow_plain_http;
    let accounts = url(section, "accounts_url", plain, WHAT, found);
    let desk = url(section, "desk_url", plain, WHAT, found);
    let accounts_url = accounts.or(centre.map(|centre| centre.accounts.to_owned()));
    let desk_url = desk.or(centre.map(|centre| centre.desk.to_owned()));
    settings.url = centre::base_url(&desk_url.unwrap_or_default());
    settings.auth = Auth::Zoho(Zoho {
        accounts_url: accounts_url.unwrap_or_default(),
        org_id: section.text("org_id"),
        client_id: secret(section, ["client_id", "client_id_env", "client_id_file"], folder, found),
        client_secret: secret(
            section,
            ["client_secret", "client_secret_env", "client_secret_file"],
            folder,
            found,
        ),
        refresh_token: secret(
            section,
            ["refresh_token", "refresh_token_env", "refresh_token_file"],
            folder,
            found,
        ),
        terms,
    });
}

fn sample_desk(section: &mut Checked) -> sample::Settings {
    let mut desk = sample::Settings::default();
    set(&mut desk.seed, section.integer("seed"));
    set(&mut desk.tickets, section.integer("tickets"));
    let custom_fields = section.integer("custom_fields").map(|number| number as u32);
    set(&mut desk.custom_fields, custom_fields);
    set(&mut desk.latency, section.time("latency"));
    let edition = section.text("edition").map(|word| match word.as_str() {
        "free" => Edition::Free,
        "express" => Edition::Express,
        "standard" => Edition::Standard,
        "professional" => Edition::Professional,
        _ => Edition::Enterprise,
    });
    set(&mut desk.edition, edition);
    desk
}

fn auth(section: &mut Checked, folder: &Path, found: &mut Found) -> Auth {
    // A wrong word was reported, and says nothing about what should stand beside it.
    if matches!(section.values.get("auth"), Some((_, None))) {
        return Auth::None;
    }
    match section.text("auth").as_deref() {
        Some("basic") => {
            let user = section.text("user").unwrap_or_default();
            let password = secret(section, ["password", "password_env", "password_file"], folder, found);
            Auth::Basic { user, password }
        }
        Some("bearer") => Auth::Bearer(secret(section, ["token", "token_env", "token_file"], folder, found)),
        Some("header") => {
            let name = section.text("header").unwrap_or_default();
            let value = secret(section, ["value", "value_env", "value_file"], folder, found);
            Auth::Header { name, value }
        }
        _ => Auth::None,
    }
}
