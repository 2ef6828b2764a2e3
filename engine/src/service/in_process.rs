//! Runs a backup in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tokio_util::sync::CancellationToken;

use crate::backup::{self, BackupError, Cause, Hurry, Keeper, Plan};
use crate::chain;
use crate::clock::Clock;
use crate::config::{Config, Plugins};
use crate::connection::ConnectionError;
use crate::connection::settings::{Auth, Settings};
use crate::plugins::{Registry, Trust, installed};
use crate::progress::{Progress, Summary};

use super::runner::{Order, RunError, Runner};

/// Open files that a backup needs at least: as many as `[daemon] open_files` must be.
const FEWEST_FILES: u64 = 64;

/// Runs backups in this process, as one configuration says.
pub struct InProcess {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
}

impl InProcess {
    /// One that goes by this configuration and this clock.
    pub fn new(config: Arc<Config>, clock: Arc<dyn Clock>) -> Self {
        Self { config, clock }
    }
}

impl Runner for InProcess {
    fn run(
        &self,
        order: &Order,
        progress: &dyn Progress,
        keeper: &dyn Keeper,
        cancel: &CancellationToken,
    ) -> Result<Summary, RunError> {
        let passing = |message| {
            if order.resume.is_empty() {
                return RunError::Failed { message };
            }
            // What was read until now is worth more than a folder that is away, or a limit that is too low.
            let cause = Cause::Machine;
            RunError::Suspended { cause, message }
        };
        let config = &self.config;
        let desk = config.desk(&order.desk);
        let desk = desk.ok_or_else(|| RunError::Configuration {
            message: format!("the configuration has no desk {}", order.desk),
        })?;
        // A sample desk has the other ends of the connections open, in this same process.
        let is_both_ends = matches!(desk.connection.auth, Auth::Sample(_));
        let fewest = if is_both_ends { 2 * FEWEST_FILES } else { FEWEST_FILES };
        enough_files(getrlimit(Resource::Nofile).current, fewest).map_err(passing)?;
        let trust = Trust::new(config.plugins.require_trust, order.trusted.clone());
        let Plugins {
            folders,
            describe_timeout,
            ..
        } = &config.plugins;
        let mut registry = registry(folders, *describe_timeout, &trust).map_err(passing)?;
        for refusal in &registry.refused {
            tracing::warn!("{refusal}");
        }
        let mut archive = config.archive.clone();
        if let Some(folder) = &order.folder {
            archive.folder.clone_from(folder);
        }
        let plan = Plan {
            desk: desk.name.clone(),
            connection_kind: desk.connection.kind().to_owned(),
            connection: shared(&desk.connection, &config.archive.folder),
            modules: order.modules.clone(),
            kind: order.kind,
            range: order.range,
            archive,
            stall_timeout: config.plugins.stall_timeout,
            log_level: config.log.level,
            started: Some(order.started),
            until: order.until,
            name: Some(order.name.clone()),
            records: Some(config.limits.records),
            allow_partial: order.allow_partial,
            editions: config.limits.editions.clone(),
            spool: order.spool.clone(),
            resume: order.resume.clone(),
            past: order.past.clone(),
            finish: order.finish,
            often: config.backup.often,
            hurry: Hurry::default(),
            clock: Arc::clone(&self.clock),
        };
        backup::run_kept(&plan, &mut registry, progress, keeper, cancel).map_err(|error| match error {
            BackupError::Cancelled => RunError::Cancelled,
            BackupError::Suspended { cause, reason } => RunError::Suspended { cause, message: reason },
            BackupError::Refused(refusal) => RunError::Refused { refusal },
            error if is_configured_wrong(&error) => RunError::Configuration { message: chain(&error) },
            error => RunError::Failed { message: chain(&error) },
        })
    }
}

/// The connection of a desk, whose credits are shared with other desks of its organisation by a folder in the data directory:
/// not by that of `--out`.
pub(crate) fn shared(connection: &Settings, folder: &Path) -> Settings {
    let mut connection = connection.clone();
    connection.pacing.folder = Some(folder.join(CREDITS));
    connection
}

/// The folder in the data directory for what backups of one organisation share.
pub(crate) const CREDITS: &str = ".deskvault-credits";

/// The exporters in these folders that are to be trusted; without any, those of the installation. The error says in words why they
/// can't be looked for.
pub(crate) fn registry(folders: &[PathBuf], describe_timeout: Duration, trust: &Trust) -> Result<Registry, String> {
    if !folders.is_empty() {
        return Ok(Registry::load_trusted(folders, describe_timeout, trust));
    }
    let executable = std::env::current_exe()
        .map_err(|error| format!("can't find the folder of this program, where plugins are: {error}"))?;
    let files = installed(&executable)
        .map_err(|error| format!("can't look for plugins beside this program: {}", chain(&error)))?;
    Ok(Registry::load_trusted_files(files, describe_timeout, trust))
}

/// Whether a process that may have so many files open can make a backup; none: any number. With fewer something fails in the
/// middle, and tells of a plugin that is missing, or of whatever else could not be opened.
fn enough_files(most: Option<u64>, fewest: u64) -> Result<(), String> {
    match most.filter(|most| *most < fewest) {
        None => Ok(()),
        Some(most) => Err(format!(
            "this process may have {most} open files, and a backup needs {fewest}: raise the limit of open files \
             (`ulimit -n`, LimitNOFILE in the service's unit, or [daemon] open_files)"
        )),
    }
}

/// Whether what is configured is wrong: found before anything was sent or written.
fn is_configured_wrong(error: &BackupError) -> bool {
    match error {
        // Where one is refused, it may be the one that is missing: then it is no mistake of writing.
        BackupError::NoPlugin { refused, .. } => refused.is_empty(),
        BackupError::OtherConnection { .. } | BackupError::TableTwice { .. } | BackupError::NoModule(_) => true,
        BackupError::Connection(error) => is_connection_configured_wrong(error),
        _ => false,
    }
}

/// Whether a connection's configuration is wrong, as was found before anything was sent.
pub(crate) fn is_connection_configured_wrong(error: &ConnectionError) -> bool {
    matches!(
        error,
        ConnectionError::Url { .. }
            | ConnectionError::Secret { .. }
            | ConnectionError::Auth { .. }
            | ConnectionError::CaFile { .. }
            | ConnectionError::Organisation { .. }
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::is_configured_wrong;
    use crate::backup::BackupError;
    use crate::connection::ConnectionError;

    #[test]
    fn what_is_wrong_before_anything_started_is_the_configuration() {
        let desk = || "main".to_owned();
        for (error, usage) in [
            (
                BackupError::NoPlugin {
                    module: "m".into(),
                    near: None,
                    refused: Vec::new(),
                },
                true,
            ),
            (
                BackupError::NoPlugin {
                    module: "m".into(),
                    near: None,
                    refused: vec!["m.so is not trusted".into()],
                },
                false,
            ),
            (BackupError::NoModule(desk()), true),
            (
                BackupError::Connection(ConnectionError::Secret {
                    desk: desk(),
                    what: "password",
                    place: "the environment variable P".into(),
                    why: "is not set".into(),
                }),
                true,
            ),
            (
                BackupError::Connection(ConnectionError::CaFile {
                    desk: desk(),
                    path: "ca.pem".into(),
                    source: io::ErrorKind::NotFound.into(),
                }),
                true,
            ),
            (BackupError::System(io::ErrorKind::OutOfMemory.into()), false),
            (BackupError::Nothing(vec![]), false),
            (BackupError::Engine("broken".into()), false),
        ] {
            assert_eq!(is_configured_wrong(&error), usage, "{error}");
        }
    }
}
