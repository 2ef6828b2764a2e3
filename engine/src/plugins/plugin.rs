//! A loaded plugin.

use std::collections::HashSet;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use abi_stable::std_types::RResult;
use plugin_api::abi::{AbiHost, ExporterBox, PluginRef};
use plugin_api::{Description, ErrorKind, ExportError, Job};

use super::inspect::{Inspected, inspect};
use super::library;
use super::opened::Opened;
use super::refusal::{Reason, Refusal, one_line};
use super::trust::{Standing, Trust};

/// A plugin that was loaded and has described itself.
pub struct Plugin {
    /// The file it was loaded from; an absolute path.
    pub file: PathBuf,
    /// The name of its package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of plugin-api that it was built with.
    pub api_version: String,
    /// What it says of itself.
    pub description: Description,
    /// Why it was loaded.
    pub standing: Standing,
    root: PluginRef,
    exporter: Option<ManuallyDrop<ExporterBox>>,
}

impl Plugin {
    /// Loads `file`, which gets `timeout` to describe itself. Nobody is asked whether it is to be trusted.
    pub fn load(file: &Path, timeout: Duration) -> Result<Self, Refusal> {
        Self::load_trusted(file, timeout, &Trust::blind())
    }

    /// Loads `file`, if it is to be trusted; it gets `timeout` to describe itself.
    pub fn load_trusted(file: &Path, timeout: Duration, trust: &Trust) -> Result<Self, Refusal> {
        let file = std::path::absolute(file).map_err(|error| Refusal::new(file, Reason::Unreadable(error)))?;
        load(&file, timeout, trust).map_err(|reason| Refusal::new(&file, reason))
    }

    /// Runs an export. `host` is what the plugin sees of the engine meanwhile.
    ///
    /// A panic in the plugin comes back as [`ErrorKind::Panic`]; the plugin is not to be used after it.
    pub fn export(&self, job: &Job, host: &impl AbiHost) -> Result<(), ExportError> {
        let job = serde_json::to_string(job).map_err(|error| ExportError::new(ErrorKind::Host, error.to_string()))?;
        let Some(exporter) = &self.exporter else {
            return Err(ExportError::new(ErrorKind::Host, "the exporter was retired"));
        };
        library::export(exporter, &job, host)
    }

    /// Drops the exporter; the error says if it panicked over it. The library stays loaded.
    ///
    /// Without this an exporter is never dropped: its `Drop` is the plugin's own code, which need not come back, and a
    /// plugin that is only looked at is not to hold anybody up.
    pub fn retire(mut self) -> Result<(), Refusal> {
        let retired = self.exporter.take().map_or(Ok(()), |exporter| {
            library::retire(self.root, ManuallyDrop::into_inner(exporter))
        });
        retired.map_err(|error| Refusal::new(&self.file, Reason::Failed(error)))
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.name, self.version, self.file.display())
    }
}

fn load(file: &Path, timeout: Duration, trust: &Trust) -> Result<Plugin, Reason> {
    let opened = Opened::open(file)?;
    let inspected = inspect(&opened)?;
    let standing = trust.check(&opened, file)?;
    // The library's own code runs on a thread of its own from here on: if it never returns, only that thread is lost.
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name(format!("load {}", inspected.name))
        .spawn(move || drop(sender.send(first_contact(opened))))
        .map_err(Reason::Unreadable)?;
    match receiver.recv_timeout(timeout) {
        Ok(contact) => {
            let (root, exporter, description) = contact?;
            let Inspected {
                api_version,
                version,
                name,
            } = inspected;
            let file = file.to_owned();
            Ok(Plugin {
                file,
                name,
                version,
                api_version,
                description,
                standing,
                root,
                exporter: Some(ManuallyDrop::new(exporter)),
            })
        }
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Reason::Silent(timeout)),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(Reason::BadHeader("its loading ended without a result".into()))
        }
    }
}

fn first_contact(opened: Opened) -> Result<(PluginRef, ExporterBox, Description), Reason> {
    let root = library::load(opened)?;
    let exporter = library::create(root).map_err(Reason::Failed)?;
    let json = match exporter.describe_json() {
        RResult::ROk(json) => json,
        RResult::RErr(error) => return Err(Reason::Failed(error.into())),
    };
    let description: Description = serde_json::from_slice(json.as_bytes())
        .map_err(|error| Reason::BadDescription(one_line(&error.to_string())))?;
    check(&description).map_err(Reason::BadDescription)?;
    Ok((root, exporter, description))
}

/// Tables that one exporter may have: each has a file open while it is written.
const MOST_TABLES: usize = 200;

/// What a description must hold so that it can be shown, configured and told apart.
fn check(description: &Description) -> Result<(), String> {
    let module = &description.module;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if module.is_empty() || module.len() > 64 || !module.chars().all(plain) {
        return Err(format!(
            "{:?} is no module name: 1 to 64 lower-case letters, digits and hyphens",
            one_line(module)
        ));
    }
    if description.tables.is_empty() || description.tables.len() > MOST_TABLES {
        return Err(format!(
            "it names {} tables: 1 to {MOST_TABLES} are possible",
            description.tables.len()
        ));
    }
    let mut seen = HashSet::new();
    for table in &description.tables {
        if !seen.insert(table.to_ascii_lowercase()) {
            return Err(format!("it names the table {:?} twice", one_line(table)));
        }
    }
    for text in description
        .tables
        .iter()
        .chain([&description.label, &description.connection])
    {
        if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
            return Err(format!("{:?} is no name", one_line(text)));
        }
    }
    Ok(())
}
