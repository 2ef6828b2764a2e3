//! Which libraries may be loaded at all. A plugin is code that runs with deskvault's rights, so it is asked who could have put it
//! there.
//!
//! - A file that others could write, or whose folder they could, is refused: what it is today says nothing of tomorrow. So is
//!   one that belongs to somebody else than root and the user as whom deskvault runs.
//! - One outside the installation must have been trusted, unless the configuration says otherwise: `deskvault plugins trust` keeps
//!   its path and its SHA-256 (a [`Pin`]).
//! - One that was trusted and is another file by now is refused wherever it is.
//!
//! The bytes that are hashed are those that are loaded: the file is opened once, and the loader gets that open file
//! ([`Opened`]). In place it could be changed only by those who may write it, which are root and the user themselves; that is
//! looked for all the same before anything of it is called.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::inspect::inspect;
use super::opened::Opened;
use super::refusal::{Reason, Refusal};
use super::registry::folders_of;
use crate::archive::Digest;

/// Write permission of the group, and of all others.
const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;
/// Of a folder: who may write to it may not replace what is another's.
const STICKY: u32 = 0o1000;

/// A library that was trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Where it is; absolute, and without links.
    pub file: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// Why a library may be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It belongs to the installation.
    Installed,
    /// It was trusted.
    Trusted,
    /// Nobody asks for it.
    NotRequired,
}

impl Standing {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Trusted => "trusted",
            Self::NotRequired => "not required",
        }
    }
}

/// What is asked of a library before it is loaded.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// None: nothing is.
    rules: Option<Rules>,
}

#[derive(Clone, Debug)]
struct Rules {
    /// Whether each must have been trusted; none: those outside the installation.
    require: Option<bool>,
    pins: Vec<Pin>,
    /// The folders of the installation, without links.
    installation: Vec<PathBuf>,
    /// The program: who could replace it needs no plugin.
    executable: Option<Metadata>,
    /// As whom this process runs.
    user: u32,
}

impl Trust {
    /// Nothing is asked, for who loads what they have built themselves.
    pub fn blind() -> Self {
        Self::default()
    }

    /// The rules of this installation. `require`: whether each library must have been trusted; none: those outside it.
    pub fn new(require: Option<bool>, pins: Vec<Pin>) -> Self {
        let executable = std::env::current_exe().ok();
        let folders = executable.as_deref().map(folders_of).into_iter().flatten();
        Self {
            rules: Some(Rules {
                require,
                pins,
                installation: folders.filter_map(|folder| folder.canonicalize().ok()).collect(),
                executable: fs::metadata("/proc/self/exe").ok(),
                user: rustix::process::geteuid().as_raw(),
            }),
        }
    }

    /// Whether an open library may be loaded. Its hash is taken only where it is asked for.
    pub(crate) fn check(&self, opened: &Opened, found_at: &Path) -> Result<Standing, Reason> {
        let Some(rules) = &self.rules else {
            return Ok(Standing::NotRequired);
        };
        let installed = opened
            .place
            .parent()
            .is_some_and(|folder| rules.installation.iter().any(|ours| ours == folder));
        rules.guard(opened, found_at, installed)?;
        if let Some(pin) = rules.pins.iter().find(|pin| pin.file == opened.place) {
            let is = opened.sha256().map_err(Reason::Unreadable)?;
            if is == pin.sha256 {
                return Ok(Standing::Trusted);
            }
            return Err(Reason::OtherFile { was: pin.sha256, is });
        }
        match (rules.require, installed) {
            (Some(true), _) | (None, false) => Err(Reason::Untrusted),
            (_, true) => Ok(Standing::Installed),
            (Some(false), false) => Ok(Standing::NotRequired),
        }
    }
}

impl Rules {
    /// That nobody else could have put other bytes there.
    fn guard(&self, opened: &Opened, found_at: &Path, installed: bool) -> Result<(), Reason> {
        self.own(&opened.place, &opened.metadata, installed)?;
        // The folder in which it is, and the one in which a link to it is.
        for folder in [opened.place.parent(), found_at.parent()].into_iter().flatten() {
            let metadata = fs::metadata(folder).map_err(Reason::Unreadable)?;
            if metadata.mode() & STICKY == 0 {
                self.own(folder, &metadata, installed)?;
            }
        }
        Ok(())
    }

    fn own(&self, path: &Path, found: &Metadata, installed: bool) -> Result<(), Reason> {
        // In the installation, who could replace deskvault itself may as well replace its plugins.
        let program = self.executable.as_ref().filter(|_| installed);
        let of_its_owner = program.is_some_and(|program| program.uid() == found.uid());
        let of_its_group = program.is_some_and(|program| program.gid() == found.gid() && program.mode() & GROUP != 0);
        if found.uid() != 0 && found.uid() != self.user && !of_its_owner {
            return Err(Reason::Foreign {
                path: path.to_owned(),
                owner: found.uid(),
            });
        }
        let others = if of_its_group { OTHERS } else { GROUP | OTHERS };
        if found.mode() & others != 0 {
            return Err(Reason::Writable {
                path: path.to_owned(),
                mode: found.mode() & 0o7777,
            });
        }
        Ok(())
    }
}

/// What is kept of a library that is to be trusted. No code of it runs; that it is a plugin, and nobody else's, is looked at.
pub fn pin(file: &Path) -> Result<Pin, Refusal> {
    let refused = |reason| Refusal::new(file, reason);
    let opened = Opened::open(file).map_err(refused)?;
    inspect(&opened).map_err(refused)?;
    let found_at = std::path::absolute(file).map_err(|error| refused(Reason::Unreadable(error)))?;
    Trust::new(Some(false), Vec::new())
        .check(&opened, &found_at)
        .map_err(refused)?;
    let sha256 = opened.sha256().map_err(|error| refused(Reason::Unreadable(error)))?;
    Ok(Pin {
        file: opened.place,
        sha256,
    })
}

#[cfg(test)]
mod tests;
