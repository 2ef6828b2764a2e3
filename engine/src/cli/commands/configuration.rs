//! `deskvault config`.

use std::fmt::Write as _;
use std::path::Path;

use crate::cli::Shell;
use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::figures::count;
use crate::config::{Config, specification};
use crate::connection::settings::{Auth, SecretSource};

use super::{Outcome, load, print, shown, unusable};

pub(super) fn check(global: &Global, shell: &Shell) -> Outcome {
    let loaded = load(global, shell).map_err(unusable)?;
    let config = &loaded.config;
    let mut text = format!("{}: right\n", shown(&loaded.file));
    for desk in &config.desks {
        let modules = desk.modules.join(", ");
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "desk {}: {} ({}), {modules}",
            desk.name,
            count(desk.modules.len() as u64, "module", "modules"),
            kind(&desk.connection.auth)
        );
    }
    for desk in &config.desks {
        if let Some(schedule) = &desk.schedule {
            let (every, at) = (schedule.every, schedule.at.format("%H:%M"));
            let (zone, until) = (schedule.zone.name(), schedule.until);
            let _ = writeln!(text, "desk {}: {every} at {at} ({zone}), until {until}", desk.name);
        }
    }
    let _ = writeln!(text, "archives: {}", shown(&config.archive.folder));
    for note in notes(config, shell.has_variable) {
        let _ = writeln!(text, "note: {note}");
    }
    print(&text, shell)?;
    Ok(Exit::Done)
}

pub(super) fn keys(shell: &Shell) -> Outcome {
    print(&specification(), shell)?;
    Ok(Exit::Done)
}

/// What a backup started here and now would miss. Not an error: the environment of the backup may be another.
fn notes(config: &Config, has_variable: fn(&str) -> bool) -> Vec<String> {
    let mut notes = Vec::new();
    let mut look = |what: String, path: &Path| {
        if !path.exists() {
            notes.push(format!("{what}: there is no {}", shown(path)));
        }
    };
    for folder in &config.plugins.folders {
        look("[plugins] folders".into(), folder);
    }
    for desk in &config.desks {
        if let Some(file) = &desk.connection.ca_file {
            look(format!("desk {}: ca_file", desk.name), file);
        }
        for (what, source) in secrets(&desk.connection.auth) {
            if let SecretSource::File(file) = source {
                look(format!("desk {}: the file of the {what}", desk.name), file);
            }
        }
    }
    for (what, ca_file, secret) in told(config) {
        if let Some(file) = ca_file {
            look(format!("{what}: ca_file"), file);
        }
        if let Some(SecretSource::File(file)) = secret {
            look(format!("{what}: the file of the secret"), file);
        }
    }
    for desk in &config.desks {
        for (_, source) in secrets(&desk.connection.auth) {
            if !is_set(source, has_variable) {
                notes.push(format!("desk {}: {source} is not set here", desk.name));
            }
        }
    }
    for (what, _, secret) in told(config) {
        if let Some(source) = secret.filter(|source| !is_set(source, has_variable)) {
            notes.push(format!("{what}: {source} is not set here"));
        }
    }
    if config.notify.mail.is_none() {
        for desk in config.desks.iter().filter(|desk| desk.support_contact.is_some()) {
            notes.push(format!(
                "desk {}: without [mail], nobody writes to its support contact",
                desk.name
            ));
        }
    }
    notes
}

/// Webhooks and mail, each with its file of authorities and its secret.
fn told(config: &Config) -> Vec<(String, Option<&Path>, Option<&SecretSource>)> {
    let webhooks = config.notify.webhooks.iter().zip(1..);
    let webhooks = webhooks.map(|(one, number)| {
        let what = format!("webhook {number}");
        (what, one.ca_file.as_deref(), one.secret.as_ref())
    });
    let mail = config.notify.mail.iter().map(|mail| {
        let password = mail.login.as_ref().map(|(_, password)| password);
        ("mail".to_owned(), mail.ca_file.as_deref(), password)
    });
    webhooks.chain(mail).collect()
}

/// Whether a secret that is to be in the environment is there.
fn is_set(source: &SecretSource, has_variable: fn(&str) -> bool) -> bool {
    match source {
        SecretSource::Env(name) => has_variable(name),
        SecretSource::File(_) | SecretSource::Inline(_) | SecretSource::Read { .. } => true,
    }
}

/// The kind as the configuration names it.
fn kind(auth: &Auth) -> &'static str {
    match auth {
        Auth::Zoho(_) => "zoho",
        Auth::Sample(_) => "sample",
        Auth::None | Auth::Basic { .. } | Auth::Bearer(_) | Auth::Header { .. } => "http",
    }
}

fn secrets(auth: &Auth) -> Vec<(&'static str, &SecretSource)> {
    match auth {
        Auth::None | Auth::Sample(_) => vec![],
        Auth::Basic { password: secret, .. } | Auth::Bearer(secret) | Auth::Header { value: secret, .. } => {
            vec![("secret", secret)]
        }
        Auth::Zoho(zoho) => vec![
            ("client id", &zoho.client_id),
            ("client secret", &zoho.client_secret),
            ("refresh token", &zoho.refresh_token),
        ],
    }
}
