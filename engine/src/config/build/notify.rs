//! Who is notified, and how.

use std::path::Path;
use std::time::Duration;

use super::{secret, secret_if_any, set, url};
use crate::config::check::Checked;
use crate::config::problem::Found;
use crate::connection::settings::SecretSource;
use crate::notify::{Mail, Security, Topic, Webhook, is_here};

const PASSWORD: [&str; 3] = ["password", "password_env", "password_file"];

/// Adds a webhook to those that are there.
pub(super) fn webhook(section: &mut Checked, folder: &Path, webhooks: &mut Vec<Webhook>, found: &mut Found) {
    let place = section.place("url");
    let allow_plain_http = section.bool("allow_plain_http").unwrap_or_default();
    let url = url(section, "url", allow_plain_http, "the notifications", found).unwrap_or_default();
    if !url.is_empty() && webhooks.iter().any(|other| other.url == url) {
        found.add(place, "another [[webhook]] has the same `url`: it would be told twice");
    }
    webhooks.push(Webhook {
        url,
        secret: secret_if_any(section, ["secret", "secret_env", "secret_file"], folder, found),
        topics: topics(section),
        ca_file: section.path("ca_file", folder),
        allow_plain_http,
    });
}

pub(super) fn mail(section: &mut Checked, folder: &Path, found: &mut Found) -> Mail {
    let security_place = section.place("security");
    let host = section.text("host").unwrap_or_default();
    let security = match section.text("security").as_deref() {
        Some("starttls") => Security::StartTls,
        Some("none") => Security::None,
        _ => Security::Tls,
    };
    if security == Security::None && !host.is_empty() && !is_here(&host) {
        found.add(
            security_place,
            "`security` is \"none\", and `host` is another machine: everyone on the way can read the mail and the password; \
             use \"tls\" or \"starttls\"",
        );
    }
    let mut timeout = Duration::from_secs(30);
    set(&mut timeout, section.time("timeout"));
    Mail {
        host,
        port: section.integer("port").map(|port| port as u16),
        security,
        login: login(section, folder, found),
        from: section.text("from").unwrap_or_default(),
        to: section.texts("to"),
        topics: topics(section),
        timeout,
        ca_file: section.path("ca_file", folder),
    }
}

/// A user and a password, or neither.
fn login(section: &mut Checked, folder: &Path, found: &mut Found) -> Option<(String, SecretSource)> {
    if section.values.contains_key("user") {
        let user = section.text("user").unwrap_or_default();
        return Some((user, secret(section, PASSWORD, folder, found)));
    }
    for key in PASSWORD {
        if let Some((place, _)) = section.values.get(key) {
            found.add(*place, format!("`{key}` is for a `user`, and none is named in [mail]"));
        }
    }
    None
}

fn topics(section: &mut Checked) -> Vec<Topic> {
    let topic = |word: &String| match word.as_str() {
        "ready" => Topic::Ready,
        "failed" => Topic::Failed,
        "limit_reached" => Topic::LimitReached,
        "suspended" => Topic::Suspended,
        _ => Topic::ScheduleEnded,
    };
    section.texts("topics").iter().map(topic).collect()
}
