//! [`Actions`] by the engine itself.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use plugin_api::ErrorKind;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::archive::{self, ArchiveError, State};
use crate::clock::Clock;
use crate::config::{Config, Desk};
use crate::connection::ConnectionError;
use crate::connection::sample;
use crate::connection::settings::Auth;
use crate::connection::zoho::connect::{self, ConnectError};
use crate::plugins::{Plugin, Refusal, Registry};
use crate::progress::{Event, Progress};
use crate::service::{self, InProcess, Runner};

use super::actions::{
    Actions, Connected, DrillRequest, Finding, Places, PluginLine, SampleRequest, Stop, Verification,
};
use crate::drill::{self, Drill, DrillError, Drilled};

/// The engine of this executable.
pub(crate) struct Engine;

impl Actions for Engine {
    fn runner(&self, config: &Arc<Config>, clock: &Arc<dyn Clock>) -> Box<dyn Runner + '_> {
        Box::new(InProcess::new(Arc::clone(config), Arc::clone(clock)))
    }

    fn verify(
        &self,
        archive: &Path,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Verification, Stop> {
        // A folder or a pipe is not an archive that was damaged.
        if let Ok(metadata) = archive.metadata()
            && !metadata.is_file()
        {
            return Err(anyhow!("{} cannot be read: it is no file", archive.display()).into());
        }
        let told = |done, total| progress.event(Event::verifying(done, total));
        let report = match archive::verify(archive, &told, cancel) {
            Ok(report) => report,
            Err(ArchiveError::Cancelled) => return Err(Stop::Cancelled),
            // What is no archive any more is damaged beyond telling where.
            Err(error @ ArchiveError::NotAnArchive { .. }) => {
                let findings = vec![Finding {
                    damage: true,
                    file: None,
                    message: error.to_string(),
                }];
                let archive = archive.to_owned();
                return Ok(Verification {
                    archive,
                    complete: false,
                    files: 0,
                    rows: 0,
                    bytes: 0,
                    findings,
                });
            }
            Err(error) => return Err(error.into()),
        };
        let more = archive::Problem {
            file: None,
            message: format!("{} more problems", report.more_problems),
        };
        let problems = report
            .problems
            .into_iter()
            .chain((report.more_problems > 0).then_some(more))
            .map(|problem| Finding {
                damage: true,
                file: problem.file,
                message: problem.message,
            });
        let missing = report
            .manifest
            .reasons
            .iter()
            .map(|reason| format!("missing: {reason}"));
        let notes = missing.chain(report.notes).map(|message| Finding {
            damage: false,
            file: None,
            message,
        });
        Ok(Verification {
            archive: archive.to_owned(),
            complete: report.manifest.state == State::Complete,
            files: report.files,
            rows: report.rows,
            bytes: report.bytes,
            findings: problems.chain(notes).collect(),
        })
    }

    fn drill(
        &self,
        config: &Config,
        places: &Places,
        request: &DrillRequest<'_>,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Drilled, Stop> {
        let manifest = archive::manifest(request.archive)?;
        let desk = config.desk(&manifest.desk).ok_or_else(|| {
            let name = crate::config::text::excerpt(&manifest.desk);
            Stop::Usage(anyhow!(
                "the archive is of desk `{name}`, which the configuration does not have"
            ))
        })?;
        let mut registry = registry(places)?;
        let connection = service::shared(&desk.connection, &config.archive.folder);
        let told = |done, total| progress.event(Event::drilling(done, total));
        let drill = Drill {
            archive: request.archive,
            manifest: &manifest,
            rows: request.rows,
            seed: request.seed,
            connection: &connection,
        };
        match drill::run(&drill, &mut registry, &told, cancel) {
            Ok(drilled) => Ok(drilled),
            Err(DrillError::Cancelled) => Err(Stop::Cancelled),
            Err(error @ DrillError::Nothing) => Err(Stop::Usage(error.into())),
            Err(error) => Err(anyhow::Error::from(error).into()),
        }
    }

    fn plugins(&self, places: &Places) -> Result<Vec<PluginLine>, Stop> {
        let registry = registry(places)?;
        let ready = registry.plugins().map(ready);
        Ok(ready.chain(registry.refused.iter().map(refused)).collect())
    }

    fn plugin(&self, file: &Path, places: &Places) -> Result<PluginLine, Stop> {
        Ok(
            match Plugin::load_trusted(file, places.describe_timeout, &places.trust) {
                Ok(plugin) => ready(&plugin),
                Err(refusal) => refused(&refusal),
            },
        )
    }

    fn connect(&self, desk: &Desk, file: &Path, code: &str, cancel: &CancellationToken) -> Result<Connected, Stop> {
        let settings = &desk.connection;
        let Auth::Zoho(zoho) = &settings.auth else {
            return Err(Stop::Usage(anyhow!("desk {}: nothing to connect", desk.name)));
        };
        let runtime = runtime()?;
        let handle = runtime.handle();
        let connect = || {
            let token = connect::exchange(settings, zoho, code, handle, cancel).map_err(unconnected)?;
            connect::keep(&token, file).map_err(unconnected)?;
            let kept = || format!("the refresh token is kept in {}, but was not proven", file.display());
            let connection = match connect::prove(settings, zoho, token, handle, cancel) {
                Err(ConnectError::Connection(ConnectionError::Cancelled { .. })) => return Err(Stop::Cancelled),
                proven => proven.with_context(kept)?,
            };
            let probes = match connection.probe(cancel) {
                Err(error) if error.kind == ErrorKind::Cancelled => return Err(Stop::Cancelled),
                probed => probed.with_context(kept)?,
            };
            let organisation = connection.organisation();
            Ok(Connected {
                organisation: organisation.map(|one| (one.name, one.id, one.edition)),
                in_flight: connection.limit(),
                probes,
            })
        };
        let connected = connect();
        // However it ended: a name that takes long to resolve is not waited for.
        runtime.shutdown_background();
        connected
    }

    fn sample_desk(
        &self,
        request: &SampleRequest,
        ready: &mut dyn FnMut(&sample::Keys) -> Result<(), anyhow::Error>,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        if let Some(file) = &request.truth {
            // Before an hour has gone by for nothing.
            std::fs::File::create(file).with_context(|| format!("cannot write the records into {}", file.display()))?;
        }
        let runtime = runtime()?;
        let desk = sample::Started::new(request.settings.clone(), request.port, runtime.handle())?;
        ready(&desk.keys())?;
        runtime.block_on(cancel.cancelled());
        if let Some(file) = &request.truth {
            desk.write_truth(file)
                .with_context(|| format!("cannot write the records into {}", file.display()))?;
        }
        drop(desk);
        runtime.shutdown_background();
        Ok(())
    }
}

fn runtime() -> Result<Runtime, Stop> {
    let built = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    Ok(built.context("the system refuses threads")?)
}

fn unconnected(error: ConnectError) -> Stop {
    match error {
        ConnectError::Connection(ConnectionError::Cancelled { .. }) => Stop::Cancelled,
        ConnectError::Connection(error) if service::is_connection_configured_wrong(&error) => Stop::Usage(error.into()),
        error => error.into(),
    }
}

fn registry(places: &Places) -> Result<Registry, Stop> {
    Ok(service::registry(&places.folders, places.describe_timeout, &places.trust).map_err(anyhow::Error::msg)?)
}

fn ready(plugin: &Plugin) -> PluginLine {
    PluginLine {
        file: plugin.file.clone(),
        module: Some(plugin.description.module.clone()),
        version: Some(plugin.version.clone()),
        tables: plugin.description.tables.clone(),
        trust: Some(plugin.standing),
        refused: None,
    }
}

fn refused(refusal: &Refusal) -> PluginLine {
    PluginLine {
        file: refusal.file.clone(),
        module: None,
        version: None,
        tables: Vec::new(),
        trust: None,
        refused: Some(refusal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::{Actions as _, Engine, Stop};
    use crate::progress::Silent;

    #[test]
    fn a_folder_is_no_damaged_archive() {
        let folder = tempfile::tempdir().unwrap();
        let verified = Engine.verify(folder.path(), &Silent, &CancellationToken::new());
        let Err(Stop::Failed(error)) = verified else {
            panic!("{verified:?}")
        };
        assert!(error.to_string().ends_with("cannot be read: it is no file"), "{error}");
        let file = folder.path().join("a.zip");
        std::fs::write(&file, "no archive").unwrap();
        let verified = Engine.verify(&file, &Silent, &CancellationToken::new()).unwrap();
        assert!(verified.findings.iter().any(|finding| finding.damage));
    }
}
