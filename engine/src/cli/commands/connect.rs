//! `deskvault connect`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio_util::sync::CancellationToken;

use crate::cli::actions::{Actions, Connected};
use crate::cli::args::{Connect, Global};
use crate::cli::exit::Exit;
use crate::cli::table::table;
use crate::cli::{Shell, signals};
use crate::config::Desk;
use crate::config::text::printable;
use crate::connection::settings::{Auth, SecretSource, Zoho};
use crate::connection::zoho::centre;
use crate::connection::zoho::connect::{Probe, Reading, SCOPES, can_keep};

use super::{Failure, Outcome, desk, load, prepare, print, shown, unusable};

/// How often it is looked whether the person gave up.
const TICK: Duration = Duration::from_millis(100);

pub(super) fn run(typed: &Connect, global: &Global, shell: &Shell, actions: &dyn Actions) -> Outcome {
    let config = load(global, shell).map_err(unusable)?.config;
    let desk = desk(&config, typed.desk.as_deref()).map_err(Failure::Usage)?;
    let (zoho, file) = target(desk, typed.force).map_err(Failure::Usage)?;
    let cancel = prepare(global, &config.log, signals::READING, shell)?;
    print(&instructions(desk, zoho), shell)?;
    let code = code(shell, &cancel)?;
    // Where nothing is typed, nothing ended the line.
    print("\n", shell)?;
    let connected = actions.connect(desk, file, &code, &cancel)?;
    print(&told(desk, file, &connected), shell)?;
    let is_needed = |probe: &&Probe| desk.modules.iter().any(|module| module == probe.module);
    let unread = connected
        .probes
        .iter()
        .filter(is_needed)
        .any(|probe| probe.reading != Reading::Ok);
    Ok(if unread { Exit::Incomplete } else { Exit::Done })
}

/// The desk's client, and the file for its refresh token.
fn target(desk: &Desk, force: bool) -> Result<(&Zoho, &Path), String> {
    let name = &desk.name;
    let Auth::Zoho(zoho) = &desk.connection.auth else {
        return Err(format!(
            "desk {name} is no Zoho Desk: only a connection of kind \"zoho\" is granted access in this way"
        ));
    };
    let SecretSource::File(file) = &zoho.refresh_token else {
        return Err(format!(
            "desk {name}: the refresh token is kept in a file; name one with `refresh_token_file` in [desk.connection], \
             in place of {}",
            zoho.refresh_token
        ));
    };
    if file.symlink_metadata().is_ok() && !force {
        return Err(format!(
            "desk {name}: {} is there already: --force replaces what is in it by a new token",
            shown(file)
        ));
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.is_dir()) {
        return Err(format!(
            "desk {name}: there is no folder {} to keep the refresh token in",
            shown(folder)
        ));
    }
    can_keep(file).map_err(|error| {
        format!(
            "desk {name}: the refresh token cannot be kept in {}: {error}",
            shown(file)
        )
    })?;
    Ok((zoho, file))
}

fn instructions(desk: &Desk, zoho: &Zoho) -> String {
    format!(
        "To let deskvault read the desk {name}, it is registered once as a \"Self Client\" in Zoho:\n\n\
         1. Open {console}\n   and sign in as somebody who may see all that is to be backed up, such as an administrator.\n\
         2. Choose \"Self Client\" (or add it). Its \"Client Secret\" has the id and the secret that the configuration \
         names.\n\
         3. Under \"Generate Code\" give this one line as the scope:\n\n{scopes}\n\n   \
         choose ten minutes, write \"deskvault\" as the description, and create the code.\n\
         4. Paste the code here and press Enter. It is good for those minutes, and for one try.\n\ncode: ",
        name = desk.name,
        console = printable(&centre::console(&zoho.accounts_url)),
        scopes = SCOPES.join(","),
    )
}

/// The line that the person types. It is asked for on a thread of its own, which is left behind when the person gives up.
fn code(shell: &Shell, cancel: &CancellationToken) -> Result<String, Failure> {
    let (send, typed) = mpsc::channel();
    let read_line = shell.read_line;
    thread::Builder::new()
        .name("code".into())
        .spawn(move || {
            // Nobody listens any more if the command was stopped.
            let _ = send.send(read_line());
        })
        .context("the system refuses a thread")
        .map_err(Failure::Failed)?;
    let line = loop {
        match typed.recv_timeout(TICK) {
            Ok(line) => break line.context("cannot read standard input").map_err(Failure::Failed)?,
            Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => return Err(Failure::Cancelled),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Failure::Failed(anyhow!("cannot read standard input"))),
        }
    };
    let code = line.trim();
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::Failed(anyhow!(
            "that is no code: paste the one that Zoho shows, all of it and nothing else"
        )));
    }
    Ok(code.to_owned())
}

fn told(desk: &Desk, file: &Path, connected: &Connected) -> String {
    let organisation = match &connected.organisation {
        Some((name, id, edition)) => format!("{} ({id}), edition {}", printable(name), printable(edition)),
        None => "an organisation that it does not tell".to_owned(),
    };
    let mut text = format!(
        "The refresh token is kept in {}, readable by its owner alone.\n\
         The desk {} is {organisation}; up to {} requests at one time.\n\n",
        shown(file),
        desk.name,
        connected.in_flight
    );
    let rows: Vec<Vec<String>> = connected.probes.iter().map(row).collect();
    text.push_str(&table(&rows, 3));
    let missing: Vec<&str> = connected
        .probes
        .iter()
        .filter_map(|probe| match probe.reading {
            Reading::Missing(scope) => Some(scope),
            _ => None,
        })
        .collect();
    if !missing.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\nTo grant what is missing, make a new code with all the scopes above, and run this again with --force."
        );
    }
    text
}

fn row(probe: &Probe) -> Vec<String> {
    let reading = match &probe.reading {
        Reading::Ok => "can be read".to_owned(),
        Reading::Missing(scope) => format!("MISSING: the scope {scope}"),
        Reading::Refused(why) => format!("REFUSED: {why}"),
    };
    vec![probe.module.to_owned(), probe.path.to_owned(), reading]
}
