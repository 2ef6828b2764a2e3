//! What commands ask of the rest of the engine. One trait, so that every command is tested without a desk,
//! plugins or archives.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, Desk};
use crate::connection::sample;
use crate::connection::zoho::connect::Probe;
use crate::drill::Drilled;
use crate::plugins::{Standing, Trust};
use crate::progress::Progress;
use crate::service::Runner;

/// What the rest of the engine does.
pub(crate) trait Actions {
    /// What runs backups, as this configuration says.
    fn runner(&self, config: &Arc<Config>, clock: &Arc<dyn Clock>) -> Box<dyn Runner + '_>;

    /// Reads an archive again. `Err` only where it cannot be read at all; damage is a finding.
    fn verify(&self, archive: &Path, progress: &dyn Progress, cancel: &CancellationToken)
    -> Result<Verification, Stop>;

    /// Asks the desk again for some rows of an archive that was verified, and compares.
    fn drill(
        &self,
        config: &Config,
        places: &Places,
        request: &DrillRequest<'_>,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Drilled, Stop>;

    /// Every library in the folders, refused ones too, in the order in which they are to be shown. An empty list of
    /// folders means those of the installation.
    fn plugins(&self, places: &Places) -> Result<Vec<PluginLine>, Stop>;

    /// One library.
    fn plugin(&self, file: &Path, places: &Places) -> Result<PluginLine, Stop>;

    /// Exchanges a code for a refresh token, keeps it in `file`, has the desk name its organisation, and tries what may be
    /// read.
    fn connect(&self, desk: &Desk, file: &Path, code: &str, cancel: &CancellationToken) -> Result<Connected, Stop>;

    /// Runs a sample desk until it is cancelled; `ready` is called when it can be reached.
    fn sample_desk(
        &self,
        request: &SampleRequest,
        ready: &mut dyn FnMut(&sample::Keys) -> Result<(), anyhow::Error>,
        cancel: &CancellationToken,
    ) -> Result<(), Stop>;
}

/// A desk to which access was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connected {
    /// The organisation: name, id and edition; none where the desk does not tell.
    pub(crate) organisation: Option<(String, String, String)>,
    /// Requests that will be in flight at one time.
    pub(crate) in_flight: usize,
    /// What was tried of each module.
    pub(crate) probes: Vec<Probe>,
}

/// A sample desk to run alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SampleRequest {
    /// Its knobs.
    pub(crate) settings: sample::Settings,
    /// The port of loopback; none: any.
    pub(crate) port: Option<u16>,
    /// Where its records are written when it ends.
    pub(crate) truth: Option<PathBuf>,
}

/// Why something did not come to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It was cancelled, and has left nothing behind.
    Cancelled,
    /// The configuration is wrong, and nothing was started.
    Usage(anyhow::Error),
    /// It failed.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Where exporters are, how long one may take to describe itself, and which are to be trusted.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Folders. Empty: those of the installation.
    pub(crate) folders: Vec<PathBuf>,
    /// See [`crate::config::Plugins`].
    pub(crate) describe_timeout: std::time::Duration,
    /// What is asked of each.
    pub(crate) trust: Trust,
}

/// What re-reading an archive gave.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verification {
    pub(crate) archive: PathBuf,
    /// Whether the backup got everything that was asked for; what it did not get is among the findings.
    pub(crate) complete: bool,
    pub(crate) files: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) findings: Vec<Finding>,
}

/// Which rows are to be asked for again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrillRequest<'a> {
    pub(crate) archive: &'a Path,
    pub(crate) rows: u64,
    pub(crate) seed: u64,
}

/// One thing that was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// Whether the archive is damaged by it; otherwise it is worth knowing, such as rows without their parent.
    pub(crate) damage: bool,
    /// The file inside, if it is about one.
    pub(crate) file: Option<String>,
    pub(crate) message: String,
}

/// A library as `plugins list` shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PluginLine {
    pub(crate) file: PathBuf,
    /// Unknown for one that was refused before it said so.
    pub(crate) module: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) tables: Vec<String>,
    /// Why it may be loaded; none for one that was refused.
    pub(crate) trust: Option<Standing>,
    /// Why it was refused, in one line that says what to do; none if it was taken.
    pub(crate) refused: Option<String>,
}
