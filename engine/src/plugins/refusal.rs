//! Why a file is not used as a plugin.

use std::path::{Path, PathBuf};
use std::time::Duration;

use plugin_api::ExportError;
use plugin_api::abi::manifest::GENERATION;

use crate::archive::Digest;

/// Why a file is not used as a plugin: one line that names the file, says what is wrong with it and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct Refusal {
    /// The file, or a folder that can't be read.
    pub file: PathBuf,
    /// What is wrong, and what to do.
    #[source]
    pub reason: Reason,
}

impl Refusal {
    pub(crate) fn new(file: &Path, reason: Reason) -> Self {
        Self {
            file: file.to_owned(),
            reason,
        }
    }
}

/// What is wrong with a file, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It can't be read.
    #[error("can't be read ({0}); check that it exists and its permissions")]
    Unreadable(std::io::Error),
    /// It is something else.
    #[error("is not a dynamic library ({0}); remove it from the plugin folder or build it again")]
    NotALibrary(String),
    /// A part of it is missing.
    #[error("is cut off: {missing} bytes are missing at its end; copy or build it again")]
    Truncated {
        /// How many bytes are missing.
        missing: u64,
    },
    /// A library, but none of ours.
    #[error("is a library, but no deskvault plugin: it has no manifest; a plugin calls plugin_api::export_plugin!")]
    NoManifest,
    /// The manifest is damaged.
    #[error("its manifest is not deskvault's ({0}); build it again with the plugin-api crate")]
    BadManifest(String),
    /// Built for an ABI of another generation.
    #[error("speaks generation {0} of the plugin ABI, this deskvault {GENERATION}; {hint}", hint = generation_hint(*.0))]
    OtherGeneration(u32),
    /// Built so that a panic ends the process.
    #[error(
        "was built with panic = \"abort\", so that a panic in it would end deskvault; build it with panic = \"unwind\""
    )]
    Aborts,
    /// The system's loader refuses it.
    #[error("can't be loaded ({0}); build it for this system and install the libraries it needs")]
    CannotLoad(String),
    /// It lacks the header of the root module.
    #[error("has a manifest but not the rest of a plugin ({0}); build it again with the plugin-api crate")]
    BadHeader(String),
    /// The types that cross are laid out differently.
    #[error("was built with a plugin-api whose types are laid out differently; build it again with plugin-api {0}")]
    OtherLayout(&'static str),
    /// It was not trusted, and must have been.
    #[error(
        "is not trusted; if you know where it comes from: `deskvault plugins trust FILE`, or [plugins] require_trust = false"
    )]
    Untrusted,
    /// It was trusted, and is another file by now.
    #[error(
        "is not the file that was trusted (its SHA-256 is {is}, and was {was}); if you have replaced it yourself: \
         `deskvault plugins trust FILE`; otherwise somebody else has"
    )]
    OtherFile {
        /// Of the one that was trusted.
        was: Digest,
        /// Of the one that is there.
        is: Digest,
    },
    /// It, or its folder, can be written to by others.
    #[error("could be replaced by others, who may write to {path} (mode {mode:04o}): `chmod go-w` it", path = .path.display())]
    Writable {
        /// The file or folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It, or its folder, belongs to somebody else.
    #[error(
        "could be replaced by another user (number {owner}), to whom {path} belongs: give it to root, or to the user who runs deskvault",
        path = .path.display()
    )]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Making or describing the exporter failed.
    #[error("its exporter can't be used: {}; tell its author", describe(.0))]
    Failed(ExportError),
    /// Its description is not valid.
    #[error("describes itself wrongly: {0}; tell its author")]
    BadDescription(String),
    /// It does not come back.
    #[error("did not describe itself within {} s; tell its author, or raise plugins.describe_timeout", .0.as_secs_f64())]
    Silent(Duration),
    /// Another file exports the same module.
    #[error("claims the module {module:?}, which {other} claims too; neither is used: remove one of them", other = .other.display())]
    Claimed {
        /// The module.
        module: String,
        /// The other file.
        other: PathBuf,
    },
}

fn generation_hint(found: u32) -> &'static str {
    if found > GENERATION {
        "update deskvault"
    } else {
        "update the plugin"
    }
}

/// A failure of a plugin in one line, with its place for a panic.
pub(crate) fn describe(error: &ExportError) -> String {
    let message = one_line(&error.message);
    match &error.place {
        Some(place) => format!("it panicked at {}: {message}", one_line(place)),
        None => message,
    }
}

/// What others wrote, fit for one line: no line ends or other control characters, and not too long.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 500;
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push_str(" ...");
    }
    line
}
