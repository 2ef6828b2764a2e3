//! The plugins of an installation.

use std::collections::{BTreeMap, HashSet};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::plugin::Plugin;
use super::refusal::{Reason, Refusal};
use super::trust::Trust;

/// What was found in the plugin folders.
#[derive(Debug, Default)]
pub struct Registry {
    plugins: BTreeMap<String, Plugin>,
    /// Files that are not used, and why.
    pub refused: Vec<Refusal>,
}

impl Registry {
    /// Loads every plugin in `folders`; each gets `timeout` to describe itself.
    ///
    /// Every dynamic library in a folder is taken for a plugin, in the order of the files' names. A file that can't be
    /// used is refused, and the others are used all the same. Two that claim one module are both refused: which one is
    /// meant is not for the engine to guess.
    pub fn load(folders: &[PathBuf], timeout: Duration) -> Self {
        Self::load_trusted(folders, timeout, &Trust::blind())
    }

    /// [`load`](Self::load) of those that are to be trusted; the others are refused.
    pub fn load_trusted(folders: &[PathBuf], timeout: Duration, trust: &Trust) -> Self {
        let mut registry = Self::default();
        let mut files = Vec::new();
        for folder in folders {
            match libraries_in(folder) {
                Ok(found) => files.extend(found),
                Err(error) => registry.refused.push(Refusal::new(folder, Reason::Unreadable(error))),
            }
        }
        registry.add(files, timeout, trust);
        registry
    }

    /// Loads these files.
    pub fn load_files(files: Vec<PathBuf>, timeout: Duration) -> Self {
        Self::load_trusted_files(files, timeout, &Trust::blind())
    }

    /// Loads those of these files that are to be trusted.
    pub fn load_trusted_files(files: Vec<PathBuf>, timeout: Duration, trust: &Trust) -> Self {
        let mut registry = Self::default();
        registry.add(files, timeout, trust);
        registry
    }

    fn add(&mut self, files: Vec<PathBuf>, timeout: Duration, trust: &Trust) {
        let mut claimed: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut seen = HashSet::new();
        for file in files {
            // Folders may be named twice and files linked: one library is one plugin. What can't be resolved is refused
            // below, in words.
            if !seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
                continue;
            }
            let plugin = match Plugin::load_trusted(&file, timeout, trust) {
                Ok(plugin) => plugin,
                Err(refusal) => {
                    tracing::debug!("{refusal}");
                    self.refused.push(refusal);
                    continue;
                }
            };
            let module = plugin.description.module.clone();
            let Some(other) = claimed.get(&module).cloned() else {
                claimed.insert(module.clone(), plugin.file.clone());
                self.plugins.insert(module, plugin);
                continue;
            };
            if let Some(first) = self.plugins.remove(&module) {
                let reason = Reason::Claimed {
                    module: module.clone(),
                    other: plugin.file.clone(),
                };
                self.refused.push(Refusal::new(&first.file, reason));
            }
            self.refused
                .push(Refusal::new(&plugin.file, Reason::Claimed { module, other }));
        }
    }

    /// The plugin that exports `module`.
    pub fn get(&self, module: &str) -> Option<&Plugin> {
        self.plugins.get(module)
    }

    /// All plugins, by module.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.plugins.values()
    }

    /// Takes the plugin that exports `module` out.
    pub fn take(&mut self, module: &str) -> Option<Plugin> {
        self.plugins.remove(module)
    }
}

/// The dynamic libraries in a folder, sorted by name.
fn libraries_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(DLL_SUFFIX) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The folders of an installation in which its libraries are: that of the executable, and those for plugins alone.
pub(crate) fn folders_of(executable: &Path) -> [PathBuf; 3] {
    let beside = executable.parent().unwrap_or(Path::new("/"));
    [
        beside.to_owned(),
        beside.join("plugins"),
        beside.join("../lib/deskvault/plugins"),
    ]
}

/// The libraries of this installation, where the configuration names no folders: those in `plugins` beside the
/// executable and in `../lib/deskvault/plugins` from there; and those beside the executable whose names start with
/// `libdeskvault_`, as cargo builds them.
pub fn installed(executable: &Path) -> std::io::Result<Vec<PathBuf>> {
    let [beside, folders @ ..] = folders_of(executable);
    let ours = format!("{DLL_PREFIX}deskvault_");
    let mut files = libraries_in(&beside)?;
    files.retain(|file| {
        file.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(&ours))
    });
    for folder in folders {
        if folder.is_dir() {
            files.extend(libraries_in(&folder)?);
        }
    }
    Ok(files)
}
