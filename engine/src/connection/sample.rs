//! The one door to the sample desk: it runs in this process, on loopback, and is reached as a Zoho Desk is.

use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use sample_desk::server::SampleDesk;
use tokio::runtime::Handle;

pub use sample_desk::Settings;
pub use sample_desk::settings::{Ascending, Behaviour, Changes, Edition, Faults, Planned};

use super::error::ConnectionError;
use super::settings::{self, Auth, Pacing, Secret, SecretSource, Zoho};

/// Reads a thing that goes wrong on purpose, and when.
pub(crate) fn planned(text: &str) -> Result<Planned, String> {
    text.parse()
}

/// A sample desk that runs as long as this lives.
pub(crate) struct Started(SampleDesk);

/// What a configuration needs to reach a sample desk. None of it is secret: the desk is made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Both `accounts_url` and `desk_url` are told apart, as they are for a Zoho Desk.
    pub(crate) accounts_url: String,
    pub(crate) desk_url: String,
    pub(crate) org_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) refresh_token: String,
    /// For `deskvault connect`.
    pub(crate) code: String,
}

/// Starts a sample desk with a connection; gives the settings by which it is reached.
pub(super) fn start(
    settings: &settings::Settings,
    sample: &settings::Sample,
    runtime: &Handle,
) -> Result<(Started, settings::Settings), ConnectionError> {
    let started = Started::new(sample.desk.clone(), None, runtime).map_err(|source| ConnectionError::Sample {
        desk: settings.desk.clone(),
        source,
    })?;
    let keys = started.keys();
    let inline = |text: String| SecretSource::Inline(Secret::new(text));
    let reached = settings::Settings {
        url: super::zoho::centre::base_url(&keys.desk_url),
        auth: Auth::Zoho(Zoho {
            accounts_url: keys.accounts_url,
            org_id: Some(keys.org_id),
            client_id: inline(keys.client_id),
            client_secret: inline(keys.client_secret),
            refresh_token: inline(keys.refresh_token),
            terms: sample.terms,
        }),
        pacing: Pacing {
            // It lives in this process alone.
            folder: None,
            ..settings.pacing.clone()
        },
        ..settings.clone()
    };
    Ok((started, reached))
}

impl Started {
    /// Starts one on this port of loopback, or on any.
    pub(crate) fn new(desk: Settings, port: Option<u16>, runtime: &Handle) -> io::Result<Self> {
        SampleDesk::start(desk, port, runtime)
            .map(Self)
            .map_err(io::Error::other)
    }

    /// How it is reached.
    pub(crate) fn keys(&self) -> Keys {
        Keys {
            accounts_url: self.0.accounts_url().to_owned(),
            desk_url: self.0.url().to_owned(),
            org_id: self.0.org_id(),
            client_id: self.0.client_id().to_owned(),
            client_secret: self.0.client_secret().to_owned(),
            refresh_token: self.0.refresh_token().to_owned(),
            code: self.0.grant_code(),
        }
    }

    /// What was asked of it.
    #[cfg(test)]
    pub(crate) fn stats(&self) -> sample_desk::server::Stats {
        self.0.stats()
    }

    /// Writes every record that a complete backup of it holds, one JSON object a line.
    pub(crate) fn write_truth(&self, file: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(std::fs::File::create(file)?);
        self.0.write_truth(&mut out)?;
        out.flush()
    }
}
