//! `deskvault config`.

use std::fmt::Write as _;
use std::path::Path;

use crate::cli::Shell;
use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::figures::count;
use crate::config::{Config, Connection, specification};
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
            desk.connection.kind()
        );
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
        let Connection::Http(settings) = &desk.connection;
        if let Some(file) = &settings.ca_file {
            look(format!("desk {}: ca_file", desk.name), file);
        }
        if let Some(SecretSource::File(file)) = secret(&settings.auth) {
            look(format!("desk {}: the file of the secret", desk.name), file);
        }
    }
    for desk in &config.desks {
        let Connection::Http(settings) = &desk.connection;
        if let Some(source @ SecretSource::Env(name)) = secret(&settings.auth)
            && !has_variable(name)
        {
            notes.push(format!("desk {}: {source} is not set here", desk.name));
        }
    }
    notes
}

fn secret(auth: &Auth) -> Option<&SecretSource> {
    match auth {
        Auth::None => None,
        Auth::Basic { password: secret, .. } | Auth::Bearer(secret) | Auth::Header { value: secret, .. } => {
            Some(secret)
        }
    }
}
