//! Whether there is an exporter for each module that is to be backed up: told when the configuration is taken up, not in
//! the night in which it is missed.
//!
//! Exporters are foreign code, so they are loaded by a process of their own, which lists them. Its environment has no secret of the
//! configuration in it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use serde::Deserialize;

use super::child::{executable, secrets_in};
use super::systemd;
use crate::config::Config;

/// The longest list that is read.
const LONGEST: u64 = 1 << 20;

/// An exporter, as `plugins list --json` has it.
#[derive(Deserialize)]
struct Listed {
    module: Option<String>,
    refused: Option<String>,
}

/// Looks, on a thread of its own that nobody waits for, and logs what is missing. `arguments` list the exporters.
pub(super) fn look(config: Arc<Config>, arguments: Vec<OsString>) -> io::Result<()> {
    let work = move || match list(&arguments, &config) {
        Ok(text) => {
            for line in missing(&config, &text) {
                tracing::error!("{line}");
            }
        }
        Err(error) => tracing::warn!(%error, "it cannot be seen which exporters there are"),
    };
    thread::Builder::new().name("exporters".into()).spawn(work).map(drop)
}

fn list(arguments: &[OsString], config: &Config) -> io::Result<String> {
    let mut command = Command::new(executable()?);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for variable in systemd::OURS {
        command.env_remove(variable);
    }
    for (_, variable) in secrets_in(config) {
        command.env_remove(variable);
    }
    let mut process = command.spawn()?;
    let mut bytes = Vec::new();
    let read = process
        .stdout
        .take()
        .map_or(Ok(0), |output| output.take(LONGEST).read_to_end(&mut bytes));
    // With its output closed it ends, if it has not.
    let status = process.wait()?;
    read?;
    if !status.success() {
        return Err(io::Error::other(format!("`deskvault plugins list` failed ({status})")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line for each module that no exporter exports. What a plugin has printed among the list is passed over.
fn missing(config: &Config, list: &str) -> Vec<String> {
    let listed = list
        .lines()
        .filter_map(|line| serde_json::from_str::<Listed>(line).ok());
    let ready = listed.filter(|plugin| plugin.refused.is_none());
    let modules: BTreeSet<String> = ready.filter_map(|plugin| plugin.module).collect();
    let wanted = config
        .desks
        .iter()
        .flat_map(|desk| desk.modules.iter().map(move |module| (desk, module)));
    let absent = wanted.filter(|(_, module)| !modules.contains(*module));
    let line = |(desk, module): (&crate::config::Desk, &String)| {
        format!(
            "desk {}: no plugin exports the module {module}, so its backups will fail: see `deskvault plugins list`",
            desk.name
        )
    };
    absent.map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::missing;
    use crate::config::Config;

    #[test]
    fn what_nobody_exports_is_named() {
        let text = "[[desk]]\nname = \"a\"\nmodules = [\"one\", \"two\", \"three\"]\n[desk.connection]\nkind = \"http\"\nurl = \"http://localhost\"\n";
        let config = Config::parse("f", text.as_bytes(), Path::new("/"));
        let config = config.map_err(|problems| problems.to_string()).ok().unwrap();
        let list = "hello from a plugin\n\
                    {\"file\":\"1\",\"module\":\"one\",\"version\":\"1\",\"tables\":[],\"refused\":null}\n\
                    {\"file\":\"2\",\"module\":\"two\",\"version\":null,\"tables\":[],\"refused\":\"too old\"}\n\
                    {\"file\":\"3\",\"module\":null,\"version\":null,\"tables\":[],\"refused\":\"no plugin\"}\n";
        let told = missing(&config, list);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].starts_with("desk a: no plugin exports the module two, "),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("desk a: no plugin exports the module three, "),
            "{told:?}"
        );
    }
}
