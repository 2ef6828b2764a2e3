//! [`Actions`] by the engine itself.

use std::path::Path;

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;

use crate::progress::{Progress, Summary};

use super::actions::{Actions, BackupRequest, Places, PluginLine, Stop, Verification};

/// The engine of this executable.
pub(crate) struct Engine;

fn absent(what: &str) -> Stop {
    Stop::Failed(anyhow!("this build of deskvault has no {what}"))
}

impl Actions for Engine {
    fn backup(
        &self,
        _: &BackupRequest<'_>,
        _: &dyn Progress,
        _: &CancellationToken,
    ) -> Result<Summary, Stop> {
        Err(absent("backup"))
    }

    fn verify(
        &self,
        _: &Path,
        _: &dyn Progress,
        _: &CancellationToken,
    ) -> Result<Verification, Stop> {
        Err(absent("verify"))
    }

    fn plugins(&self, _: &Places) -> Result<Vec<PluginLine>, Stop> {
        Err(absent("plugin loader"))
    }

    fn plugin(&self, _: &Path, _: &Places) -> Result<PluginLine, Stop> {
        Err(absent("plugin loader"))
    }
}
