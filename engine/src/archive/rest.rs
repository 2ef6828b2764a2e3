//! Archives at rest: what one says of itself, and which files may be whose, without reading them whole.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use plugin_api::{Kind, Timestamp};

use super::error::ArchiveError;
use super::manifest::Manifest;
use super::name;
use super::verify::structure;

/// What the archive at `path` says of itself. Only its directory and its manifest are read, and nothing is verified.
pub fn manifest(path: &Path) -> Result<Manifest, ArchiveError> {
    let (file, metadata) = open(path)?;
    Ok(locate(path, &file, &metadata)?.manifest)
}

/// The files in `folder` that a backup of this desk and kind that started at this moment may have published, whatever became
/// of it. Another backup of the same second may have made them: their manifests name it. None where there is no such folder.
pub fn published(folder: &Path, desk: &str, kind: Kind, started: Timestamp) -> Result<Vec<PathBuf>, ArchiveError> {
    let Some(stem) = name::stem(desk, kind, started) else {
        return Ok(Vec::new());
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(ArchiveError::io("list", folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(ArchiveError::io("list", folder))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_str().is_some_and(|file| name::is_of(&stem, file)) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Opens what must be a file.
pub(super) fn open(path: &Path) -> Result<(File, Metadata), ArchiveError> {
    // Before it is opened: to open a pipe may take forever.
    let metadata = fs::metadata(path).map_err(ArchiveError::io("open", path))?;
    if !metadata.is_file() {
        return Err(ArchiveError::NotAnArchive {
            path: path.to_path_buf(),
            reason: "it is no file".to_owned(),
        });
    }
    let file = File::open(path).map_err(ArchiveError::io("open", path))?;
    Ok((file, metadata))
}

/// Finds the entries and the manifest.
pub(super) fn locate(path: &Path, file: &File, metadata: &Metadata) -> Result<structure::Found, ArchiveError> {
    structure::locate(file, metadata.len()).map_err(|error| match error {
        structure::Error::Disk(source) => ArchiveError::io("read", path)(source),
        structure::Error::Wrong(reason) => ArchiveError::NotAnArchive {
            path: path.to_path_buf(),
            reason,
        },
    })
}
