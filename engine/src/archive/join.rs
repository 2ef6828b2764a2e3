//! Joining and publishing: finished parts to one ZIP, and the ZIP to its final name.
//!
//! Architecture invariant: only [`Joined::publish`] and `publish_prepared` give a file its final name, and only after every
//! byte of it has been read back and found right.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::digest::{Digest, Hashed};
use super::durable;
use super::error::ArchiveError;
use super::held::Prepared;
use super::manifest::{MAX_LENGTH, Manifest};
use super::name;
use super::spool::{self, Spool};
use super::verify::{Report, verify_with};
use super::writer::Shared;
use super::zip_format::{Layout, Limits};

/// The archive, before it has its name.
const ARCHIVE: &str = "archive.zip";
/// Bytes of a part that are copied at a time.
const COPIED_AT_ONCE: usize = 1 << 20;

/// A whole archive under a temporary name. Dropping it without [`Joined::publish`] removes it.
#[derive(Debug)]
pub struct Joined {
    shared: Arc<Shared>,
    /// Its name, without what its state adds.
    stem: String,
    temporary: PathBuf,
    target: PathBuf,
    file: File,
    /// Of what was written. The verification finds that it is what the file holds, byte by byte.
    sha256: Digest,
    limits: Limits,
}

/// An archive that has its final name and is safe on the disk.
#[derive(Debug)]
pub struct Published {
    /// The archive.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of all of it.
    pub sha256: Digest,
    /// What the verification before the publication found: no problem, but perhaps notes; and the manifest.
    pub report: Report,
}

pub(super) fn join(
    shared: Arc<Shared>,
    stem: String,
    manifest: &Manifest,
    limits: Limits,
) -> Result<Joined, ArchiveError> {
    let target = shared.settings.folder.join(name::archive(&stem, manifest.state));
    let temporary = shared.spool.path(ARCHIVE);
    let file = spool::create_file(&temporary)?;
    let text = manifest
        .to_json()
        .map_err(|error| ArchiveError::io("write the manifest of", &temporary)(error.into()))?;
    if text.len() as u64 > MAX_LENGTH {
        let length = text.len();
        let reason = format!("the manifest would have {length} bytes, more than {MAX_LENGTH}: raise rows_per_part");
        return Err(ArchiveError::Settings(reason));
    }
    let layout = Layout::of(manifest, &text, limits);
    let writing = || ArchiveError::io("write", &temporary);

    let mut out = Hashed::new(&file);
    let mut buffer = vec![0; COPIED_AT_ONCE];
    let mut position = 0;
    for entry in &layout.entries[..layout.entries.len() - 1] {
        out.write_all(&layout.local_header(entry)).map_err(writing())?;
        let path = shared.spool.path(&name::packed(&entry.name));
        let mut part = File::open(&path).map_err(ArchiveError::io("open", &path))?;
        let mut copied = 0;
        loop {
            if shared.cancel.is_cancelled() {
                return Err(ArchiveError::Cancelled);
            }
            let length = part.read(&mut buffer).map_err(ArchiveError::io("read", &path))?;
            if length == 0 {
                break;
            }
            out.write_all(&buffer[..length]).map_err(writing())?;
            copied += length as u64;
        }
        if copied != entry.packed {
            let reason = format!(
                "has {copied} bytes, but {} were written: something else changed it",
                entry.packed
            );
            return Err(ArchiveError::io("read", &path)(io::Error::other(reason)));
        }
        position += copied;
    }
    tracing::debug!(packed = position, files = layout.entries.len(), "parts joined");

    let mut rest = layout
        .entries
        .last()
        .map(|entry| layout.local_header(entry))
        .unwrap_or_default();
    rest.extend_from_slice(&text);
    let mut directory = 0;
    for entry in &layout.entries {
        let header = layout.central_header(entry);
        directory += header.len() as u64;
        rest.extend_from_slice(&header);
    }
    rest.extend_from_slice(&layout.end(directory));
    out.write_all(&rest).map_err(writing())?;
    let sha256 = out.digest();
    Ok(Joined {
        shared,
        stem,
        temporary,
        target,
        file,
        sha256,
        limits,
    })
}

impl Joined {
    /// Makes the archive safe on the disk and reads it back.
    fn verify(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Report, ArchiveError> {
        let temporary = &self.temporary;
        durable::open(&self.file, temporary).map_err(ArchiveError::io("bring to disk", temporary))?;
        verify_with(temporary, progress, &self.shared.cancel, self.limits)
    }

    /// Joins the same parts with another manifest.
    fn again(self, manifest: &Manifest) -> Result<Self, ArchiveError> {
        let Self {
            shared,
            stem,
            temporary,
            limits,
            ..
        } = self;
        // First, so that the disk need not hold both.
        fs::remove_file(&temporary).map_err(ArchiveError::io("remove", &temporary))?;
        join(shared, stem, manifest, limits)
    }

    /// Makes the archive safe on the disk and verifies it.
    ///
    /// Rows that repeat a key are the exporter's fault and no damage: the archive is joined again, as an incomplete
    /// one that says so, and verified again.
    fn check(self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<(Self, Report), ArchiveError> {
        let mut joined = self;
        let mut report = joined.verify(progress)?;
        if !report.is_sound() && !report.damaged {
            let mut manifest = report.manifest;
            manifest.admit(&report.repeated_keys);
            tracing::debug!(tables = report.repeated_keys.len(), "keys repeat: joined again");
            joined = joined.again(&manifest)?;
            report = joined.verify(progress)?;
        }
        if !report.is_sound() {
            return Err(ArchiveError::Unsound(report.problems));
        }
        if joined.shared.cancel.is_cancelled() {
            return Err(ArchiveError::Cancelled);
        }
        Ok((joined, report))
    }

    /// Makes the archive safe on the disk, verifies it, and gives it its final name; an existing file is not
    /// replaced. `progress` is told how far the verification is, as by [`super::verify`].
    ///
    /// In a spool folder that was [reserved](super::reserve) it keeps its temporary name: whoever reserved it publishes it.
    pub fn publish(self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Published, ArchiveError> {
        let (joined, report) = self.check(progress)?;
        let Self {
            shared,
            temporary,
            target,
            file,
            sha256,
            ..
        } = joined;
        let bytes = file.metadata().map_err(ArchiveError::io("read", &temporary))?.len();
        let path = if shared.spool.stays() {
            let spool = shared.spool.folder();
            durable::folder(spool).map_err(ArchiveError::io("bring to disk", spool))?;
            temporary
        } else {
            rename(&temporary, &target)?;
            let folder = &shared.settings.folder;
            if let Err(source) = durable::folder(folder) {
                // Not certain to be there after a power loss, so it must not look as if it were.
                drop(fs::remove_file(&target));
                return Err(ArchiveError::io("bring to disk", folder)(source));
            }
            target
        };
        Ok(Published {
            path,
            bytes,
            sha256,
            report,
        })
    }
}

/// Publishes what lies in a spool folder as it was prepared; `verify` reads an archive whole.
pub(super) fn publish_prepared(
    spool: &Spool,
    prepared: &Prepared<'_>,
    verify: impl Fn(&Path) -> Result<Report, ArchiveError>,
) -> Result<Published, ArchiveError> {
    let folder = spool.parent();
    let target = folder.join(name::archive(spool.stem(), prepared.state));
    let temporary = spool.path(ARCHIVE);
    // An attempt that was interrupted may have left it under its new name, and after a loss of power under both.
    let is_there = |path: &Path| match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ArchiveError::io("read", path)(error)),
    };
    let is_published = is_there(&target)?;
    let path = if is_published { &target } else { &temporary };
    let wrong = |reason: String| {
        let path = path.clone();
        ArchiveError::NotAnArchive { path, reason }
    };
    let sha256 = Digest::of_file(path).map_err(ArchiveError::io("read", path))?;
    if sha256.to_string() != prepared.sha256 {
        if is_published {
            return Err(ArchiveError::Exists(target));
        }
        return Err(wrong(format!(
            "its SHA-256 is {sha256}, and {} was told",
            prepared.sha256
        )));
    }
    let report = verify(path)?;
    if !report.is_sound() {
        return Err(ArchiveError::Unsound(report.problems));
    }
    let Manifest { backup, state, .. } = &report.manifest;
    if backup != prepared.backup || *state != prepared.state {
        let Prepared {
            backup: told,
            state: other,
            ..
        } = prepared;
        return Err(wrong(format!(
            "it says that it is {backup}, {state:?}, and not {told}, {other:?}"
        )));
    }
    let bytes = fs::metadata(path).map_err(ArchiveError::io("read", path))?.len();
    // Another process may have written it, or named it: it is not known to be on the disk.
    durable::file(path).map_err(ArchiveError::io("bring to disk", path))?;
    if !is_published {
        rename(&temporary, &target)?;
    }
    if let Err(source) = durable::folder(folder) {
        if !is_published {
            // Not certain to be there after a power loss, so it must not look as if it were.
            drop(rename(&target, &temporary));
        }
        return Err(ArchiveError::io("bring to disk", folder)(source));
    }
    Ok(Published {
        path: target,
        bytes,
        sha256,
        report,
    })
}

/// Gives an archive another name. A file that is there is not replaced, and where it fails, all is as it was.
fn rename(from: &Path, to: &Path) -> Result<(), ArchiveError> {
    let renamed = tempfile::TempPath::try_from_path(from).and_then(|path| {
        path.persist_noclobber(to).map_err(|error| {
            drop(error.path.keep());
            error.error
        })
    });
    match renamed {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ArchiveError::Exists(to.to_path_buf())),
        Err(source) => Err(ArchiveError::io("publish", to)(source)),
    }
}
